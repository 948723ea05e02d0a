"""Carbonate before and after annealing (Li et al. 2022, fig. 2i and S5), on SIMULATED twins."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    numbers, fitted = {}, {}
    for sample in ("pristine", "annealed"):
        file = ss.reference.path("xps_twins") / f"x9_{sample}.vms"
        raw = {region: ss.read(file, region=region) for region in ("Zr 3d", "C 1s", "O 1s")}
        zirconium = ss.xps.fit(raw["Zr 3d"], "Zr 3d", shift_search=4)
        moved = ss.xps.charge_correct(raw, zirconium, line="Zr 3d5/2", energy=182.40)
        fits = {region: ss.xps.fit(spectrum, region) for region, spectrum in moved.items()}
        seconds = {region: fit.attrs["dwell_time"] * fit.attrs["scans"] for region, fit in fits.items()}
        zr = fits["Zr 3d"].sel(component="Zr4+ 3d5/2")
        for region, component in (("C 1s", "C-C"), ("C 1s", "carbonate"), ("O 1s", "O bridging")):
            one = fits[region].sel(component=component)
            ratio = float(one.area / zr.area) * seconds["Zr 3d"] / seconds[region]
            unc = ratio * float((one.area_unc / one.area) ** 2 + (zr.area_unc / zr.area) ** 2) ** 0.5
            numbers[f"{sample} {component}"] = (ratio, unc)
            print(f"{sample:9} {component:11} {ratio:.4f} +- {unc:.4f} of Zr 3d5/2, {fits[region].verdict.item()}")
        fitted[sample] = fits
    (before, u0), (after, u1) = numbers["pristine carbonate"], numbers["annealed carbonate"]
    unc = after / before * ((u0 / before) ** 2 + (u1 / after) ** 2) ** 0.5
    numbers["carbonate left"] = (after / before, unc)
    print(f"carbonate left: {after / before:.3f} +- {unc:.3f}")
    first, second = fitted["pristine"], fitted["annealed"]
    figure = ss.display.plot_before_after(
        first["C 1s"], second["C 1s"], areas="normalised", references=(first["Zr 3d"], second["Zr 3d"])
    )
    return numbers, figure


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xps_x9", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
