"""Which phases a series of pellets holds, x = 0 to 0.3 (Wang et al. 2022, fig. S2), on SIMULATED patterns."""
# ruff: noqa: T201

import math
from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss

#: Lines that the paper names: 2θ in degrees.
LINES = {"ZrO2_m": {"0 1 1": 24.04, "1 1 0": 24.44, "-1 1 1": 28.12, "1 1 1": 31.44}, "ZrSiO4": {"2 0 0": 26.99}}


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    series = ss.io.read_series(ss.reference.path("xrd_twins") / "d5_x{x}.xy")
    series = series.assign_coords(x=("x", series.x.values / 10, {"units": "1", "long_name": "x"}))
    found = ss.xrd.match(series, elements=["Na", "Zr", "Si", "P", "O"])
    numbers = {}
    for i, x in enumerate(series.x.values):
        one = found.isel(x=i)
        for name in ("NZSP_C2c", "ZrO2_m", "ZrSiO4"):
            candidate = one.sel(candidate=name)
            numbers[f"x={x:.1f} {name}"] = (float(candidate.candidate_probability), math.nan)
            numbers[f"x={x:.1f} {name} limit"] = (float(candidate.detection_limit), math.nan)
            if name in one.phase and float(one.scale.sel(phase=name)) > 0:
                phase = one.sel(phase=name)
                numbers[f"x={x:.1f} {name} weight"] = (float(phase.weight_fraction), float(phase.weight_fraction_unc))
        others = [str(p) for p in one.phase.values if float(one.scale.sel(phase=p)) > 0]
        numbers[f"x={x:.1f} phases"] = (float(len(others)), math.nan)
        print(f"x = {x:.1f}: {', '.join(others)}; verdict {one.verdict.item()}")
    last = found.isel(x=-1)
    for name, lines in LINES.items():
        for hkl, printed in lines.items():
            index = [int(word) for word in hkl.split()]
            mine = (last.reflection_phase == name) & (last.h == index[0]) & (last.k == index[1]) & (last.l == index[2])
            numbers[f"{name} {hkl}"] = (float(last.reflection_two_theta[mine.values][0]), math.nan)
            print(f"{name} ({hkl}): {numbers[f'{name} {hkl}'][0]:.2f} deg as it appears, {printed} in the paper")
    cards = [ss.xrd.pattern(ss.xrd.phases(name)[0], wavelength="CuKa1", two_theta=(20, 35)) for name in LINES]
    return numbers, ss.display.plot_pattern(series, cards=cards, yscale="sqrt", window=(22, 32.5))


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "xrd_d5", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
