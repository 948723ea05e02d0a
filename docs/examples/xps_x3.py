"""Areas over Zr 3d5/2 of three samples (Querel et al. 2021, fig. 2), on the SIMULATED study of that paper."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss

REGIONS = ("Zr 3d", "Na 1s", "P 2p", "C 1s")


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    data = ss.reference.path("nasicon_study") / "xps"
    numbers, fitted = {}, {}
    for sample in ("as_sintered", "polished", "annealed"):
        one = data / "as_sintered.vms" if sample == "as_sintered" else None
        raw = {r: ss.read(one or data / f"{sample}_{r.replace(' ', '')}.csv", region=r) for r in REGIONS}
        zirconium = ss.xps.fit(raw["Zr 3d"], "Zr 3d", shift_search=8)
        corrected = ss.xps.charge_correct(raw, zirconium, line="Zr 3d5/2", energy=182.40)
        fits = {region: ss.xps.fit(spectrum, region) for region, spectrum in corrected.items()}
        table = ss.xps.normalise(fits, to="Zr 3d5/2")
        fitted[sample] = fits
        for region in REGIONS[1:]:
            row = table.sel(region=region)
            numbers[f"{sample} {region}"] = (float(row.normalised_area), float(row.normalised_area_unc))
            print(f"{sample:12} {region:6} {float(row.normalised_area):.4f} +- {float(row.normalised_area_unc):.4f}")
    return numbers, ss.display.plot_normalised(fitted, to="Zr 3d5/2")


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xps_x3", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
