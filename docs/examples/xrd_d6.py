"""No new phase after molten sodium, with a limit (Cao et al. 2022, fig. 2a, Co K-alpha), on SIMULATED patterns."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss

#: The powder is coated with SnO2. Without tin here its line at 31 degrees is reported as one that no phase explains.
ELEMENTS = ["Na", "Zr", "Si", "P", "O", "Sn"]


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    twins = ss.reference.path("xrd_twins")
    patterns = {name: ss.read(twins / f"d6_{name}.xy") for name in ("before", "after", "control")}
    found = {name: ss.xrd.match(pattern, elements=ELEMENTS) for name, pattern in patterns.items()}
    numbers, tables = {}, {}
    for name in ("after", "control"):  # the control holds a new phase on purpose
        table = ss.xrd.changes(patterns["before"], patterns[name], matches=(found["before"], found[name]))
        words = table.phase_change.values.tolist()
        numbers[f"{name} new lines"] = (float((table.change == "appeared").sum()), float("nan"))
        numbers[f"{name} new phases"] = (float(words.count("more")), float("nan"))
        numbers[f"{name} line limit"] = (float(table.attrs["line_limit"]), float("nan"))
        numbers[f"{name} phases"] = (float(found[name].sizes["phase"]), float("nan"))
        zirconia = table.sel(candidate="ZrO2_m")
        numbers[f"{name} zirconia significance"] = (float(zirconia.phase_significance), float("nan"))
        numbers[f"{name} zirconia limit"] = (float(zirconia.weight_fraction_limit), float("nan"))
        print(f"{name}: {table.attrs['conclusion']}")
        tables[name] = table
    return numbers, ss.display.plot_changes(tables["after"], yscale="sqrt")


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xrd_d6", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
