"""Cards that look alike: phases of one structure type whose cells are within reach of each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from surfspec.xrd.structures.phase import Phase

#: Relative difference of cell lengths (beyond the allowed strain) that a solid solution may bridge.
SOLID_SOLUTION = 0.02


def isotypes(phase: Phase, others: Sequence[Phase], reach: float) -> list[int]:
    """Return the places in `others` of phases with the same space group and a cell within `reach`, nearest first.

    Parameters
    ----------
    phase, others
        The phase, and those to compare with it.
    reach
        Largest relative difference of each cell length, and of each angle.

    Examples
    --------
    >>> from surfspec import xrd
    >>> cards = xrd.phases(["CaF2", "CeO2", "CaO"])
    >>> isotypes(cards[0], cards, 0.02)
    [1]
    """
    near = []
    for index, other in enumerate(others):
        if other.id != phase.id and other.group.number == phase.group.number and apart(phase, other) <= reach:
            near.append((apart(phase, other), index))
    return [index for _, index in sorted(near)]


def apart(one: Phase, other: Phase) -> float:
    """Return the largest relative difference of the cell lengths and angles of two phases."""
    return float(np.max(np.abs(np.array(other.cell) / np.array(one.cell) - 1.0)))


def reason(one: Phase, other: Phase, reach: float) -> str:
    """Say in a few words why two phases cannot be told apart.

    Examples
    --------
    >>> from surfspec import xrd
    >>> fluorite, ceria, zincite = xrd.phases(["CaF2", "CeO2", "ZnO"])
    >>> reason(fluorite, ceria, 0.02)
    'isostructural, cells 1.0 % apart'
    >>> reason(fluorite, zincite, 0.02)
    'lines coincide'
    """
    same = one.group.number == other.group.number
    if same and apart(one, other) <= reach + SOLID_SOLUTION:
        shared = (one.elements & other.elements) - {"O"}
        word = "solid solution" if shared and one.elements != other.elements else "isostructural"
        return f"{word}, cells {100 * apart(one, other):.1f} % apart"
    if one.elements == other.elements:
        return "polymorph, lines coincide"
    return "lines coincide"
