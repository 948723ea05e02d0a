"""Cathode and electrolyte, and nothing else (Cao et al. 2022, fig. S17b), in a SIMULATED pattern."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    pattern = ss.read(ss.reference.path("xrd_twins") / "d7_cathode_electrolyte.xy")
    found = ss.xrd.match(pattern, elements=["Na", "V", "P", "O", "Zr", "Si"])
    print(ss.summary(found))
    numbers = {
        "phases": (float(found.sizes["phase"]), float("nan")),
        "unexplained lines": (float(found.sizes["peak"]), float("nan")),
        "unlisted phase": (float(found.unknown_probability), float("nan")),
    }
    for one in found.phase.values:
        phase = found.sel(phase=one)
        numbers[f"{one} probability"] = (float(phase.probability), float("nan"))
        numbers[f"{one} weight"] = (float(phase.weight_fraction), float(phase.weight_fraction_unc))
    return numbers, ss.display.plot_match(found, yscale="sqrt", contributions=True)


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xrd_d7", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
