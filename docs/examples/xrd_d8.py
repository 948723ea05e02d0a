"""The cell of a rhombohedral cathode by refinement (Wang et al. 2022, fig. 6a), on a SIMULATED pattern."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    pattern = ss.read(ss.reference.path("xrd_twins") / "d8_cathode.xy")
    fit = ss.xrd.refine(pattern, ["Na3V2P3O12"])  # the card of the vanadium end member: R-3c, a cell that is not ours
    print(ss.summary(fit))
    print(ss.summary(ss.xrd.cells(fit)))
    one = fit.sel(component="Na3V2P3O12")
    numbers = {
        name: (float(one.cell_length.sel(axis=name)), float(one.cell_length_unc.sel(axis=name))) for name in ("a", "c")
    }
    numbers["volume"] = (float(one.cell_volume), float(one.cell_volume_unc))
    return numbers, ss.display.plot_refinement(fit)


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xrd_d8", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
