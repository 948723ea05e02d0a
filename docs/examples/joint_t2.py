"""Coverage and thickness of Na3PO4 from LEIS and XPS side by side (Querel et al. 2021), on its SIMULATED study."""
# ruff: noqa: T201

from pathlib import Path

from matplotlib.figure import Figure

import surfspec as ss

FILM, SUBSTRATE = "Na3PO4", "Na3.4Zr2Si2.4P0.6O12"
STUDY = ss.reference.path("nasicon_study")


def ions(name: str):
    recipe = ss.leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"), ion="4He", energy=3000, angle=145)
    return ss.leis.fit(ss.io.read_series(STUDY / "leis" / f"{name}_area{{spot}}_dose{{dose}}.csv"), recipe)


def lines(name: str):
    fits = {}
    for region in ("Zr 3d", "Na 1s", "P 2p", "Si 2p"):
        file = STUDY / "xps" / f"{name}_{region.replace(' ', '')}.csv"
        fits[region] = ss.xps.fit(ss.read(file), region, shift_search=4)
    return ss.xps.thickness(fits, film=FILM, substrate=SUBSTRATE)


def analyse() -> tuple[dict[str, tuple[float, float]], Figure]:
    film, bare, sample = ions("ref_Na3PO4"), ions("ref_NZSP"), ions("annealed")
    coverage = ss.leis.coverage(sample, film=film, substrate=bare, film_formula=FILM, substrate_formula=SUBSTRATE)
    edge = ss.leis.thickness(sample, film=FILM, reference=bare)
    found = ss.joint.film(coverage, edge, xps=lines("annealed"))
    for technique in found.technique.values:
        one = found.sel(technique=technique)
        print(f"{technique:16} coverage {float(one.technique_coverage):5.3f}({float(one.technique_coverage_unc):.3f})",
              f"thickness {float(one.technique_thickness):4.2f}({float(one.technique_thickness_unc):.2f}) nm",
              f"if closed {float(one.technique_equivalent_thickness):4.2f} nm")  # fmt: skip
    print(found.statement.item(), "|", found.film_shape.item(), "|", found.reasons.item())
    names = ("coverage", "thickness", "removal_cross_section")
    numbers = {name: (float(found[name]), float(found[f"{name}_unc"])) for name in names}
    numbers["pulls"] = (float((found["pull"] ** 2).mean() ** 0.5), float(abs(found["pull"]).max()))
    numbers["agreement"] = (float(found["agreement_p_value"]), 0.0)
    return numbers, ss.display.plot_joint(found)


def main(folder: Path) -> dict[str, tuple[float, float]]:
    numbers, figure = analyse()
    ss.display.save_figure(figure, folder / "joint_t2", ["png"], dpi=150)
    return numbers


if __name__ == "__main__":
    main(Path())
