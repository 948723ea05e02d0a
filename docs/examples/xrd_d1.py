"""A minor impurity from two weak lines (Li et al. 2022, fig. 1a), in a SIMULATED pattern."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    pattern = ss.read(ss.reference.path("xrd_twins") / "d1_minor_zirconia.xy")
    found = ss.xrd.match(pattern, elements=["Na", "Zr", "Si", "P", "O"])
    print(ss.summary(found))
    numbers = {"unexplained lines": (float(found.sizes["peak"]), float("nan"))}
    for one in found.phase.values:
        phase = found.sel(phase=one)
        numbers[f"{one} probability"] = (float(phase.probability), float("nan"))
        numbers[f"{one} weight"] = (float(phase.weight_fraction), float(phase.weight_fraction_unc))
    return numbers, ss.display.plot_match(found, yscale="sqrt", window=(22, 35))


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xrd_d1", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
