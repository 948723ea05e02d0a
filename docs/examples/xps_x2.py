"""Charge correction of all regions by the sample's own Zr 3d5/2 line (Querel et al. 2021, methods); SIMULATED."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss

REGIONS = ("Na 1s", "P 2p", "C 1s")


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    data = ss.reference.path("nasicon_study") / "xps"
    numbers, moved = {}, {}
    for sample in ("as_sintered", "polished", "annealed"):
        one = data / "as_sintered.vms" if sample == "as_sintered" else None
        raw = {r: ss.read(one or data / f"{sample}_{r.replace(' ', '')}.csv", region=r) for r in ("Zr 3d", *REGIONS)}
        zirconium = ss.xps.fit(raw["Zr 3d"], "Zr 3d", shift_search=8)
        corrected = ss.xps.charge_correct(raw, zirconium, line="Zr 3d5/2", energy=182.40)
        attrs = corrected["Na 1s"].attrs
        numbers[f"{sample} shift"] = (attrs["charge_shift"], attrs["charge_shift_unc"])
        print(f"{sample:12} charge shift {attrs['charge_shift']:.3f} +- {attrs['charge_shift_unc']:.3f} eV")
        for region in REGIONS:
            fit = ss.xps.fit(corrected[region], region)
            place, unc = float(fit.center[0]), float(fit.center_unc[0])
            numbers[f"{sample} {region}"] = (place, unc)
            print(f"{'':12} {region:6} {place:8.3f} +- {unc:.3f} eV")
            moved.setdefault(region, {})[sample] = corrected[region]
    figure = ss.display.plot_stack(moved, scale="max", title="Charge-corrected by Zr 3d5/2 at 182.40 eV (simulated)")
    return numbers, figure


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xps_x2", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
