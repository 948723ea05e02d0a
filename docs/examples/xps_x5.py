"""Surface against internal section, B 1s and Zr 3d in one window (Wang et al. 2022, fig. 4), on SIMULATED twins."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss

LINES = {"Na 1s": "Na 1s", "B 1s": "B 1s", "Zr 3d": "Zr 3d5/2", "Zn 2p": "Zn 2p3/2"}


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    numbers, shown = {}, {}
    for sample in ("surface", "section"):
        file = ss.reference.path("xps_twins") / f"x5_{sample}.vms"
        raw = {region: ss.read(file, region=region) for region in ("C 1s", "Na 1s", "B 1s", "Zn 2p")}
        carbon = ss.xps.fit(raw["C 1s"], "C 1s", shift_search=4)
        # Zr 3d has boron beside it, so hydrocarbon is the reference
        moved = ss.xps.charge_correct(raw, carbon, line="C 1s", component="C-C", energy=284.80)
        fits = {region: ss.xps.fit(moved[region], region) for region in ("Na 1s", "B 1s", "Zn 2p")}
        # transmission of this spectrometer: kinetic energy ** -0.3; 2 % for each sensitivity factor
        percent = ss.xps.quantify(
            fits, mean_free_path="Na3.4Zr2Si2.4P0.6O12", transmission=-0.3, uncertainties={"sensitivity": 0.02}
        )
        for region, line in LINES.items():
            fit = fits["B 1s" if region == "Zr 3d" else region]
            fit = fit.isel(component=[str(one) for one in fit.line.values].index(line))
            numbers[f"{sample} {line}"] = (float(fit.center), float(fit.center_unc))
            row = percent.sel(region=region)
            amount, unc = float(row.atomic_percent), float(row.atomic_percent_unc)
            numbers[f"{sample} {region} percent"] = (amount, unc)
            place = numbers[f"{sample} {line}"]
            print(f"{sample:8} {line:9} {place[0]:8.3f} +- {place[1]:.3f} eV, {amount:5.2f} +- {unc:.2f} at.%")
        for region in ("Na 1s", "B 1s", "Zn 2p"):
            shown.setdefault(region, {})[sample] = moved[region]
    figure = ss.display.plot_stack(shown, scale="max", title="Surface and section (simulated)")
    return numbers, figure


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xps_x5", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
