"""What chemical formulas hold: atoms of each element, and masses."""

from __future__ import annotations

import gemmi

from surfspec.reference.materials import composition as atoms_of


def molar_mass(formula: str) -> float:
    """Mass of a formula unit, g/mol.

    Examples
    --------
    >>> round(molar_mass("Al2O3"), 2)
    101.96
    """
    return float(sum(count * gemmi.Element(symbol).weight for symbol, count in atoms_of(formula).items()))
