"""Coverage, removal and thickness of a film on NaSICON (Querel et al. 2021, fig. 3), on a SIMULATED study."""
# ruff: noqa: T201

from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

import surfspec as ss


def series(name: str) -> xr.Dataset:
    folder = ss.reference.path("nasicon_study") / "leis"
    return ss.io.read_series(folder / f"{name}_area{{spot}}_dose{{dose}}.csv")


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    recipe = ss.leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"), ion="4He", energy=3000, angle=145)
    film, bare, sintered, annealed = (
        ss.leis.fit(series(name), recipe) for name in ("ref_Na3PO4", "ref_NZSP", "as_sintered", "annealed")
    )
    # the edge tells a thickness, and that helps to choose the number of monolayers
    edge = ss.leis.thickness(sintered, film="Na3PO4", reference=bare).isel(dose=0)
    known = {"as_sintered": (float(edge.thickness), float(edge.thickness_unc))}
    tables = {
        name: ss.leis.coverage(fit, film=film, substrate=bare, dose_scale_unc=0.15, thickness=known.get(name))
        for name, fit in (("as_sintered", sintered), ("annealed", annealed))
    }
    numbers = {}
    for name, table in tables.items():
        for i, dose in enumerate(table["dose"].values):
            one = table.isel(dose=i)
            numbers[f"{name} coverage {i + 1}"] = (float(one.coverage), float(one.coverage_unc))
            print(f"{name}: {100 * one.coverage:.1f} +- {100 * one.coverage_unc:.1f} % covered, mean up to {dose:.1e}")
    numbers["thickness by edge"] = known["as_sintered"]
    both = ss.leis.removal(tables, thickness=known, dose_scale_unc=0.15)
    numbers["removal cross-section"] = (float(both.removal_cross_section), float(both.removal_cross_section_unc))
    print("removal cross-section {:.2e} +- {:.1e} cm2".format(*numbers["removal cross-section"]))
    for name in tables:
        one = both.sel(sample=name)
        numbers[f"{name} zero dose"] = (float(one.zero_dose_coverage), float(one.zero_dose_coverage_unc))
        numbers[f"{name} monolayers"] = (float(one.monolayers), float("nan"))
        print(
            f"{name}: {100 * one.zero_dose_coverage:.1f} +- {100 * one.zero_dose_coverage_unc:.1f} % before any dose,"
        )
        print(f"  {one.monolayers.item()} monolayers fit best, {one.not_excluded.item()} are not excluded")
    layers = tables["as_sintered"]
    numbers["thickness by monolayers"] = (float(layers.thickness), float(layers.thickness_unc))
    print("thickness by monolayers {:.2f} +- {:.2f} nm".format(*numbers["thickness by monolayers"]))
    print("thickness by edge {:.2f} +- {:.2f} nm".format(*numbers["thickness by edge"]))
    numbers["removable, at most"] = (float(layers.sputter_budget.sel(bound="high")[-1]), float("nan"))
    print(layers.statement.item())
    return numbers, ss.display.plot_coverage(tables)


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "leis_i7", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
