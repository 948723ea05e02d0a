"""Phases of one structure type, whose patterns are alike, and polymorphs, whose chemistry is."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import gemmi
import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.structures.chosen import one_phase, several_phases
from surfspec.xrd.structures.formula import parse_formula
from surfspec.xrd.structures.phase import Phase, orbits
from surfspec.xrd.structures.symmetry import symmetry

#: The reduced cells of isotypic phases have axial ratios and angles that agree within this, relative.
SHAPE = 0.1

#: Space group number and, for each kind of atom, its positions as (images for a lattice point, free coordinates).
Type = tuple[int, tuple[tuple[tuple[float, int], ...], ...]]


def same_structure_type(first: str | Phase, second: str | Phase) -> bool:
    """Say whether two phases are isotypic: same space group, same sequence of positions, cells of the same shape.

    A position is known by the number of its images for each lattice point and by its free coordinates, which do not
    depend on setting and origin. Atoms are kinds, not elements, and hydrogen of hydroxides and hydrates, which is often
    missing, does not count. Cells are compared after Niggli reduction, axial ratios and angles within 10 %.

    Parameters
    ----------
    first, second
        Two phases, or names of cards.

    Returns
    -------
    bool
        True for halite and MgO, False for halite and CaF2.

    Raises
    ------
    InputError
        For what is no phase, or a name of none or several.

    References
    ----------
    J. Lima-de-Faria et al., Acta Cryst. A46 (1990) 1 (isopointal and isoconfigurational structures).

    Examples
    --------
    >>> [same_structure_type("halite", name) for name in ("MgO", "CaF2")]
    [True, False]
    """
    return _isotypic(one_phase(first, "first"), one_phase(second, "second"))


def _isotypic(first: Phase, second: Phase) -> bool:
    if structure_type(first) != structure_type(second):
        return False
    a, b = _shape(first), _shape(second)
    return bool(np.all(np.abs(a - b) <= SHAPE * np.maximum(np.abs(a), np.abs(b))))


def isotypes(phases: str | Phase | Iterable[str | Phase]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of isotypic phases among many, see `same_structure_type`.

    Parameters
    ----------
    phases
        The phases, or names of cards.

    Returns
    -------
    tuple of tuple of str
        Ids; phases without a partner are left out.

    Raises
    ------
    InputError
        For what is no phase, a name that no card has, and for two phases with one id.

    Examples
    --------
    >>> isotypes(["CaO", "MgO", "CaF2"])
    (('CaO', 'MgO'),)
    """
    groups: list[list[Phase]] = []
    for phase in several_phases(phases, "phases", or_none=True):
        for group in groups:
            if _isotypic(group[0], phase):
                group.append(phase)
                break
        else:
            groups.append([phase])
    return tuple(tuple(one.id for one in group) for group in groups if len(group) > 1)


def polymorphs(phases: str | Phase | Iterable[str | Phase]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of phases of one composition among many.

    Parameters
    ----------
    phases
        The phases, or names of cards.

    Returns
    -------
    tuple of tuple of str
        Ids; phases without a partner are left out.

    Raises
    ------
    InputError
        For what is no phase, a name that no card has, and for two phases with one id.

    Examples
    --------
    >>> polymorphs(["TiO2", "CaO"])
    (('anatase', 'brookite', 'rutile'),)
    """
    groups: dict[tuple[tuple[str, float], ...], list[str]] = {}
    for phase in several_phases(phases, "phases", or_none=True):
        counts = parse_formula(phase.formula)
        total = sum(counts.values())
        if not total or "X" in counts:
            continue  # nobody knows its composition
        key = tuple(sorted((name, round(count / total, 3)) for name, count in counts.items()))
        groups.setdefault(key, []).append(phase.id)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


@functools.lru_cache(maxsize=4096)
def structure_type(phase: Phase) -> Type:
    """Return what isotypic phases share, without the shape of the cell."""
    lattice_points = len(list(phase.group.operations().cen_ops))
    unseen = {"H"} if "O" in phase.elements else set()
    kinds: dict[frozenset[str], list[tuple[float, int]]] = {}
    for site, images in zip(phase.sites, orbits(phase), strict=True):
        kind = frozenset(site.species) - unseen
        if kind:
            place = (len(images) / lattice_points, _freedom(phase, site.xyz))
            kinds.setdefault(kind, []).append(place)
    return int(phase.group.number), tuple(sorted(tuple(sorted(places)) for places in kinds.values()))


def _freedom(phase: Phase, xyz: tuple[float, float, float]) -> int:
    """Count the free coordinates of a position: the dimensions that its site symmetry leaves unmoved."""
    rotations, translations = symmetry(phase.group)
    point = np.asarray(xyz)
    moved = rotations @ point + translations - point
    fixed = np.all(np.abs(moved - np.round(moved)) < 1e-3, axis=1)
    average = np.mean(rotations[fixed], axis=0)
    return round(float(np.trace(average)))


def _shape(phase: Phase) -> NDArray[np.float64]:
    """Return axial ratios and angles of the Niggli cell."""
    reduced = gemmi.GruberVector(phase.unit_cell, phase.group)
    reduced.niggli_reduce()
    cell = reduced.get_cell()
    scale = cell.volume ** (1.0 / 3.0)
    return np.array([cell.a / scale, cell.b / scale, cell.c / scale, cell.alpha / 90, cell.beta / 90, cell.gamma / 90])
