"""Fig. 3a of Querel et al. (2021): a spectrum of the surface and one of the bulk, on SIMULATED twins."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss

ELEMENTS = ("O", "Na", "Si", "P", "Zr")
BULK = slice(10, 15)  # cycles of the depth profile after the film has gone


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    data = ss.reference.path("leis_twins")
    cycles = ss.io.read_series(data / "profile_cycle{cycle}.csv").sel(cycle=BULK)
    recipe = ss.leis.Recipe(elements=ELEMENTS, ion="4He", energy=3000, angle=145)
    numbers, fits = {}, {}
    for name, spectrum in {"surface": ss.read(data / "surface.csv"), "bulk": ss.spectra.total(cycles, "cycle")}.items():
        fit = fits[name] = ss.leis.fit(spectrum, recipe)
        adequate = ss.leis.adequacy(fit)
        table = ss.leis.normalise(fit, exclude=("Na",), area_model_unc=adequate.area_model_unc)
        said = str(adequate.reasons.values) or "no area hangs on the background"
        print(f"{name}: reduced chi-square {float(fit.reduced_chi2):.2f}, {fit.verdict.values}; {said}")
        for element in ELEMENTS:
            row = table.sel(element=element)
            value, unc = float(row.normalised_area), float(row.normalised_area_unc)
            numbers[f"{name} {element}"] = value, unc
            limit = "" if row.detected else f"  not detected, below {float(row.upper_limit):.3f}"
            print(f"  {element:2} {value:.3f} +- {unc:.3f}{limit}")
    return numbers, ss.display.plot_ions(fits, normalise="max", offset=1.1, width="page")


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "leis_i2", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
