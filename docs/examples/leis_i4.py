"""Normalised peak areas of four samples at four doses (Querel et al. 2021, fig. 3b), on SIMULATED spectra."""
# ruff: noqa: T201

from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

import surfspec as ss

SAMPLES = {
    "as-sintered": "nasicon_study/leis/as_sintered",
    "polished": "nasicon_study/leis/polished",
    "annealed": "nasicon_study/leis/annealed",
    "cross-section": "leis_twins/cross_section",
}
RECIPE = ss.leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"), ion="4He", energy=3000, angle=145)


def fit_of(name: str) -> xr.Dataset:
    folder, *below, sample = name.split("/")
    data = ss.reference.path(folder).joinpath(*below)
    return ss.leis.fit(ss.io.read_series(data / f"{sample}_area{{spot}}_dose{{dose}}.csv"), RECIPE)


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    blank = fit_of("nasicon_study/leis/ref_Na3PO4")  # a film without Si and Zr
    tables = {
        sample: ss.leis.normalise(fit_of(name), exclude=("Na",), blanks={"Si": blank, "Zr": blank})
        for sample, name in SAMPLES.items()
    }
    numbers = {}
    for sample, table in tables.items():
        for element in RECIPE.elements:
            one = table.sel(element=element)
            for i in range(one.sizes["dose"]):
                at = one.isel(dose=i)
                numbers[f"{sample} {element} {i + 1}"] = (float(at.normalised_area), float(at.normalised_area_unc))
                numbers[f"{sample} {element} {i + 1} detected"] = (float(at.detected), float(at.upper_limit))
            told = [
                f"{float(a):.3f}({float(s):.3f})" if d else f"<{float(u):.3f}"
                for a, s, d, u in zip(
                    one.normalised_area, one.normalised_area_sd, one.detected, one.upper_limit, strict=True
                )
            ]
            print(f"{sample:14} {element:2} mean(sd) of three areas: {'  '.join(told)}")
    return numbers, ss.display.plot_dose(tables)


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "leis_i4", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
