"""More than twice the Na and P of the polished surface? (Querel et al. 2021, as-sintered), on the SIMULATED study."""
# ruff: noqa: T201

from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

import surfspec as ss

RECIPE = ss.leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"), ion="4He", energy=3000, angle=145)


def lowest_dose(sample: str) -> xr.Dataset:
    data = ss.reference.path("nasicon_study") / "leis"
    fit = ss.leis.fit(ss.io.read_series(data / f"{sample}_area{{spot}}_dose1.csv"), RECIPE)
    return ss.leis.normalise(fit, exclude=("Na",))


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    found = ss.leis.area_ratio(lowest_dose("as_sintered"), lowest_dose("polished"), factor=2.0).sel(element=["Na", "P"])
    numbers = {}
    for element in ("Na", "P"):
        one = found.sel(element=element)
        numbers[element] = (float(one.ratio), float(one.ratio_unc))
        numbers[f"{element} more than twice"] = (float(one.probability), 0.0)
        print(
            f"{element}: as-sintered over polished {float(one.ratio):.2f} +- {float(one.ratio_unc):.2f}, "
            f"more than twice with probability {float(one.probability):.4f}"
        )
    return numbers, ss.display.plot_table(found, variable="ratio")


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "leis_i6", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
