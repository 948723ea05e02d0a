"""Peak positions of 3 keV He+ at 145 degrees (Querel et al. 2021, methods), calculated from the collision alone."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss

ELEMENTS = ("O", "Na", "Si", "P", "Zr")
GEOMETRY = {"ion": "4He", "energy": 3000, "angle": 145}
IN_DEPTH = 2500.0  # eV, where the paper sees Zr "in depth"; read off a sentence, not off data


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    exact = float("nan")
    lines = ss.leis.line_table(ELEMENTS, **GEOMETRY)
    numbers = {element: (float(lines.centroid.sel(element=element)), exact) for element in ELEMENTS}
    print(lines[["centroid", "spread", "double_scattering"]].to_dataframe().round(1))

    elastic = numbers["Zr"][0]
    reionised = elastic - ss.leis.elastic_energy("Zr", loss=20.0, **GEOMETRY)
    print(
        f"Zr elastic {elastic:.0f} eV; the signal in depth near {IN_DEPTH:.0f} eV is {elastic - IN_DEPTH:.0f} eV lower:"
    )
    print(f"re-ionisation (20 eV in the collision) explains {reionised:.1f} eV, the way through a film must explain")
    print(f"{elastic - IN_DEPTH - reionised:.0f} eV. It is no surface peak of the sample:", end=" ")
    found = ss.leis.candidates([IN_DEPTH], elements=ELEMENTS, resolution=0.012, energy_unc=3.0, **GEOMETRY)
    print(found.statement.item())
    numbers["Zr below elastic"] = (elastic - IN_DEPTH, exact)
    numbers["Zr re-ionisation"] = (reionised, exact)
    numbers["candidates at 2500 eV"] = (float(found.possible[0]), exact)

    seen = ss.leis.visibility(resolution=0.015, **GEOMETRY)
    pairs = ss.leis.forecast(["Na", "Al", *ELEMENTS[2:], "S"], counts=10000, fwhm=60, **GEOMETRY)
    for a, b in (("Al", "Si"), ("Si", "P"), ("P", "S")):
        one, other = pairs.sel(element=a, beside=b), pairs.sel(element=b, beside=a)
        numbers[f"{a} beside {b}"] = (float(one.relative_unc), exact)
        print(
            f"{a} {100 * one.relative_unc:.0f} % and {b} {100 * other.relative_unc:.0f} % (FWHM 60 eV, 10000 counts "
            f"each): {'separable' if one.separable else 'not separable'}"
        )
    return numbers, ss.display.plot_periodic(seen)


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "leis_i1", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
