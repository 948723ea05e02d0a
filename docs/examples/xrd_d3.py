"""Phases after molten sodium wetted the coating (Li et al. 2022, fig. 2e), in a SIMULATED pattern."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    pattern = ss.read(ss.reference.path("xrd_twins") / "d3_after_sodium.xy")
    found = ss.xrd.match(pattern, elements=["Na", "Zr", "Si", "P", "O", "Pb", "C"])
    print(ss.summary(found))
    numbers = {}
    for one in found.phase.values:
        phase = found.sel(phase=one)
        numbers[f"{one} probability"] = (float(phase.probability), float("nan"))
        numbers[f"{one} weight"] = (float(phase.weight_fraction), float(phase.weight_fraction_unc))
        numbers[f"{one} decided at"] = (float(found.deciding_two_theta.sel(candidate=one)), float("nan"))
    lead = found.sel(candidate="Pb_fcc")
    numbers["Pb limit"] = (float(lead.detection_limit), float("nan"))
    print(f"Pb: {lead.candidate_verdict.item()}, seen from {100 * float(lead.detection_limit):.1f} wt %")
    return numbers, ss.display.plot_match(found, yscale="sqrt")


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xrd_d3", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
