"""Doubts about a structure that can exist but is unlikely: distances, density, formula."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from surfspec.xrd.structures.formula import parse_formula
from surfspec.xrd.structures.phase import Phase, orbits
from surfspec.xrd.structures.symmetry import metric_of
from surfspec.xrd.structures.validation import FULL

#: Hydrogen is often missing from refinements.
HYDROGEN = frozenset({"H", "D"})
#: Two atoms nearer than this share of the sum of their covalent radii are doubted. The shortest bonds that are known,
#: V=O 1.58, Mn=O 1.59, S=O 1.40, C=O 1.13 and O-H 0.82 angstrom, lie at 0.72 and above.
TOO_CLOSE = 0.62
#: Volume of the cell for each atom that is not hydrogen, angstrom^3: boron carbide 7, caesium 115.
ATOM_VOLUME = (4.5, 125.0)
#: How far the content of the cell may be from a whole number of formula units, relative.
FORMULA_TOLERANCE = 0.02


def unlikely(phase: Phase) -> tuple[str, ...]:
    """Return what is unlikely about a phase, one sentence a doubt; see `surfspec.xrd.doubts`.

    References
    ----------
    B. Cordero et al., Dalton Trans. (2008) 2832 (radii, as tabulated by gemmi).
    """
    return (*_short_distances(phase), *_crowding(phase), *formula_doubts(phase, parse_formula(phase.formula)))


def content(phase: Phase) -> dict[str, float]:
    """Return the number of atoms of each element in the unit cell."""
    amounts: dict[str, float] = {}
    for site, points in zip(phase.sites, orbits(phase), strict=True):
        for element, occupancy in site.species.items():
            amounts[element] = amounts.get(element, 0.0) + occupancy * len(points)
    return amounts


def formula_doubts(phase: Phase, formula: dict[str, float]) -> tuple[str, ...]:
    """Compare the content of the cell with a formula; hydrogen may be missing from the sites."""
    amounts = content(phase)
    extra = sorted(set(amounts) - set(formula))
    absent = sorted(set(formula) - set(amounts) - HYDROGEN)
    found = []
    if extra:
        found.append(f"{', '.join(extra)} at the sites and not in the formula {phase.formula}.")
    if absent:
        found.append(f"{', '.join(absent)} in the formula {phase.formula} and not at the sites.")
    units = {name: amounts[name] / count for name, count in formula.items() if name in amounts and name not in HYDROGEN}
    if not units or extra or absent:
        return tuple(found)
    middle = float(np.median(list(units.values())))
    off = [name for name, value in units.items() if abs(value / middle - 1.0) > FORMULA_TOLERANCE]
    if off:
        held = " ".join(f"{name}{amounts[name]:.4g}" for name in formula if name in amounts)
        found.append(f"The cell holds {held}, which is no multiple of {phase.formula} ({', '.join(off)}).")
    elif abs(middle - round(middle)) > FORMULA_TOLERANCE * middle:
        found.append(f"The cell holds {middle:.3g} formula units {phase.formula}, no whole number.")
    return tuple(found)


def _short_distances(phase: Phase) -> list[str]:
    images = orbits(phase)
    points = np.concatenate(images)
    owner = np.repeat(np.arange(len(images)), [len(one) for one in images])
    filled = np.array([sum(site.species.values()) for site in phase.sites])
    radii = np.array([_radius(tuple(site.species)) for site in phase.sites])
    metric = metric_of(phase.cell)
    first = np.concatenate([[0], np.cumsum([len(one) for one in images])[:-1]])
    found: dict[tuple[int, int], float] = {}
    for number, index in enumerate(first):
        delta = (points - points[index] + 0.5) % 1.0 - 0.5
        distance = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", delta, metric, delta), 0.0))
        distance[index] = np.inf
        near = (distance < TOO_CLOSE * (radii[number] + radii[owner])) & (filled[owner] + filled[number] > FULL)
        for other in np.flatnonzero(near):
            pair = (min(number, int(owner[other])), max(number, int(owner[other])))
            found[pair] = min(found.get(pair, np.inf), float(distance[other]))
    return [
        f"{phase.sites[a].label} and {phase.sites[b].label} are only {value:.2f} angstrom apart "
        f"(sum of covalent radii {radii[a] + radii[b]:.2f})."
        for (a, b), value in sorted(found.items())
    ]


def _radius(species: Sequence[str]) -> float:
    return min(float(gemmi.Element(symbol).covalent_r) for symbol in species)


def _crowding(phase: Phase) -> list[str]:
    atoms = sum(count for name, count in content(phase).items() if name not in HYDROGEN)
    if atoms == 0:
        return []
    volume = phase.volume / atoms
    low, high = ATOM_VOLUME
    if low <= volume <= high:
        return []
    text = (
        f"{volume:.1f} cubic angstrom for an atom, density {phase.density:.2f} g/cm3: check the cell, the occupancies "
        "and the multiplicities."
    )
    return [text]
