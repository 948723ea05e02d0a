"""From which dose on is silicon seen on the as-sintered surface? (Querel et al. 2021), on the SIMULATED study."""
# ruff: noqa: T201

from pathlib import Path

import xarray as xr
from matplotlib.figure import Figure

import surfspec as ss

RECIPE = ss.leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"), ion="4He", energy=3000, angle=145)


def fit_of(sample: str) -> xr.Dataset:
    data = ss.reference.path("nasicon_study") / "leis"
    return ss.leis.fit(ss.io.read_series(data / f"{sample}_area{{spot}}_dose{{dose}}.csv"), RECIPE)


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    blank = fit_of("ref_Na3PO4")  # a film without Si and Zr: what the same fit sees of them there
    seen = ss.leis.detect(fit_of("as_sintered"), elements=("Si", "Zr"), over="spot", blanks={"Si": blank, "Zr": blank})
    first = ss.leis.first_detected(seen, along="dose")
    numbers = {}
    for element in ("Si", "Zr"):
        one = first.sel(element=element)
        print(one.statement.item())
        numbers[f"{element} first"] = (float(one.first_detected), 0.0)
        numbers[f"{element} chance"] = (float(one.p_joint), 0.0)
        for i, dose in enumerate(seen["dose"].values):
            at = seen.sel(element=element).isel(dose=i)
            unc = float((at.share_unc**2 + at.share_model_unc**2) ** 0.5)  # by counting, and by the spectral model
            numbers[f"{element} {i + 1}"] = (float(at.share), unc)
            numbers[f"{element} {i + 1} p"] = (float(at.p_value), 0.0)
            limit = f", area below {float(at.upper_limit):.0f} counts eV" if not at.detected else ""
            print(f"   {dose:.1e} ions/cm2: p = {float(at.p_value):.2g}{limit}")
    return numbers, ss.display.plot_series(seen, "area", along="dose", by="element")


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "leis_i5", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
