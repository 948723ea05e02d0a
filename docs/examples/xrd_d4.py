"""Is sodium carbonate left after 550 C? An answer with a limit (Li et al. 2022, fig. S6), on SIMULATED patterns."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss

CARBONATE = "Na2CO3_gamma"


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    twins = ss.reference.path("xrd_twins")
    patterns = {name: ss.read(twins / f"d4_{name}.xy") for name in ("annealed", "control")}
    numbers = {}
    for name, pattern in patterns.items():
        found = ss.xrd.match(pattern, elements=["Na", "C", "O", "Pb"])
        one = found.sel(candidate=CARBONATE)
        numbers[f"{name} carbonate"] = (float(one.candidate_probability), float("nan"))
        numbers[f"{name} limit"] = (float(one.detection_limit), float("nan"))
        numbers[f"{name} Pb"] = (float(found.candidate_probability.sel(candidate="Pb_fcc")), float("nan"))
        if CARBONATE in found.phase:
            phase = found.sel(phase=CARBONATE)
            numbers[f"{name} weight"] = (float(phase.weight_fraction), float(phase.weight_fraction_unc))
        limit = 100 * float(one.detection_limit)
        named = ", ".join(found.phase.values)
        print(f"{name}: {named}; carbonate {one.candidate_verdict.item()}, seen from {limit:.2f} wt % on")
    card = ss.xrd.pattern(ss.xrd.phases(CARBONATE)[0], wavelength="CuKa", two_theta=(10, 80))
    return numbers, ss.display.plot_pattern(patterns, cards=card, yscale="sqrt", offset=0.6)


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xrd_d4", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
