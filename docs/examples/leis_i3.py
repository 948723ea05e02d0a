"""Surface against bulk by an Ar+ sputter depth profile (Querel et al. 2021, fig. 3a), on SIMULATED twins."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss

ELEMENTS = ("O", "Na", "Si", "P", "Zr")
GEOMETRY = {"ion": "4He", "energy": 3000, "angle": 145}


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    data = ss.reference.path("leis_twins")
    series = ss.io.read_series(data / "profile_cycle{cycle}.csv")
    recipe = ss.leis.Recipe(elements=ELEMENTS, **GEOMETRY)
    fits = {
        "Surface": ss.leis.fit(ss.read(data / "surface.csv"), recipe),
        "Mean of the profile": ss.leis.fit(ss.spectra.total(series, "cycle"), recipe),
    }
    profile = ss.leis.depth_profile(ss.leis.fit(series, recipe), exclude=("Na",))
    surface = ss.leis.normalise(fits["Surface"], exclude=("Na",))
    numbers = {"constant from": (float(profile.constant_from), 0.0)}
    print(
        f"constant from cycle {float(profile.constant_from):.0f} on: {profile.verdict.item()} {profile.reasons.item()}"
    )
    for element in ELEMENTS:
        top, below = surface.sel(element=element), profile.sel(element=element)
        seen = bool(top.detected)
        limit = float(top.normalised_area if seen else top.upper_limit)
        numbers[f"surface {element}"] = (float(top.normalised_area), float(top.normalised_area_unc))
        numbers[f"surface {element} detected"] = (float(seen), limit)
        numbers[f"profile {element}"] = (float(below.profile_mean), float(below.profile_mean_unc))
        numbers[f"bulk {element}"] = (float(below.bulk), float(below.bulk_unc))
        said = f"{limit:.3f} +- {float(top.normalised_area_unc):.3f}" if seen else f"below {limit:.3f}"
        print(f"{element:2} surface {said:16} bulk {float(below.bulk):.3f} +- {float(below.bulk_unc):.3f}")
    lines = ss.leis.line_table(ELEMENTS, **GEOMETRY)
    return numbers, ss.display.plot_ions(fits, lines=lines, normalise="max")


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "leis_i3", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
