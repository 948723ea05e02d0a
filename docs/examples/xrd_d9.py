"""Phase purity, with what an impurity would have had to weigh (Querel et al. 2021, suppl. fig. 1), SIMULATED."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss

IMPURITIES = ("ZrO2_m", "ZrSiO4", "Na2ZrO3", "Na3PO4_high")


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    pattern = ss.read(ss.reference.path("xrd_twins") / "d9_pure.xy")
    found = ss.xrd.match(pattern, elements=["Na", "Zr", "Si", "P", "O"])
    print(ss.summary(found))
    numbers = {
        "phases": (float(found.sizes["phase"]), float("nan")),
        "unexplained lines": (float(found.sizes["peak"]), float("nan")),
        "NaSICON": (float(found.candidate_probability.sel(candidate="NZSP_C2c")), float("nan")),
    }
    for name in IMPURITIES:
        one = found.sel(candidate=name)
        numbers[f"{name} probability"] = (float(one.candidate_probability), float("nan"))
        numbers[f"{name} limit"] = (float(one.detection_limit), float("nan"))
        print(f"{name}: {one.candidate_verdict.item()}, seen from {100 * float(one.detection_limit):.2f} wt % on")
    return numbers, ss.display.plot_match(found, yscale="sqrt")


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xrd_d9", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
