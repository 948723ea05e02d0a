"""Is reduced zirconium there? A share, or less than a limit (after Wang et al. 2022), on SIMULATED twins."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    numbers = {}
    recipe = ss.xps.load_recipe(ss.reference.path("recipes", "xps", "states", "Zr_3d_reduced.yaml"))
    for sample in ("absent", "one_percent", "three_percent"):
        raw = ss.read(ss.reference.path("xps_twins") / f"x6_{sample}.vms", region="Zr 3d")
        alone = ss.xps.fit(raw, "Zr 3d", shift_search=4)
        moved = ss.xps.charge_correct(raw, alone, line="Zr 3d5/2", energy=182.40)
        found = ss.xps.state_fraction(moved, recipe, "Zr(<4)+")
        share, unc = float(found.fraction), float(found.fraction_unc)
        numbers[sample] = (share, unc)
        numbers[f"{sample} limit"] = (float(found.upper_limit), unc)
        numbers[f"{sample} detected"] = (float(found.answer.item() == "detected"), float(found.p_value))
        print(f"{sample:14} {100 * share:.2f} +- {100 * unc:.2f} %: {found.statement.item()}; ", end="")
        print(f"p = {float(found.p_value):.2g} without it")
    return numbers, ss.plot(ss.xps.fit(moved, recipe), yscale="sqrt")


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xps_x6", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
