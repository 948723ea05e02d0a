"""Lead on an electrolyte and its (111) spacing (Li et al. 2022, fig. 1e), in a SIMULATED pattern."""
# ruff: noqa: T201

import math
from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    pattern = ss.read(ss.reference.path("xrd_twins") / "d2_lead_on_electrolyte.xy")
    found = ss.xrd.match(pattern, elements=["Na", "Zr", "Si", "P", "O", "Pb", "C"])
    fit = ss.xrd.refine(pattern, found)
    print(ss.summary(fit))
    lead = fit.sel(component="Pb_fcc")
    a, unc = (float(lead[name].sel(axis="a")) for name in ("cell_length", "cell_length_unc"))
    numbers = {f"{one} probability": (float(found.probability.sel(phase=one)), math.nan) for one in found.phase.values}
    numbers |= {"a of Pb": (a, unc), "d 111 of Pb": (a / math.sqrt(3), unc / math.sqrt(3))}
    print(f"d(111) of Pb: {ss.display.value_text(*numbers['d 111 of Pb'], 'angstrom')}; by TEM in the paper: 2.85 Å")
    return numbers, ss.display.plot_refinement(fit, yscale="sqrt")


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xrd_d2", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
