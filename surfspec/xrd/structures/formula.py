"""Chemical formulas as counts of elements."""

from __future__ import annotations

import re

import gemmi

from surfspec.errors import InputError
from surfspec.reference.materials import composition

_TOKEN = re.compile(r"([A-Z][a-z]?)(\d+\.?\d*|\.\d+)?")


def parse_formula(formula: str) -> dict[str, float]:
    """Count the elements of a formula.

    Examples
    --------
    >>> parse_formula("Na3Zr2Si2PO12")["P"]
    1.0
    >>> parse_formula("Ca(OH)2")["H"]
    2.0
    """
    if "(" in formula:
        return dict(composition(formula))
    counts: dict[str, float] = {}
    for symbol, number in _TOKEN.findall(formula):
        counts[symbol] = counts.get(symbol, 0.0) + float(number or 1)
    return counts


def is_formula(text: str) -> bool:
    """Say whether a text is a formula, letter by letter."""
    if "(" not in text:
        return bool(text) and _TOKEN.sub("", text) == ""
    try:
        return bool(composition(text))
    except InputError:
        return False


def is_known_formula(text: str) -> bool:
    """Say whether a text is a formula of elements that there are, of amounts above zero."""
    if not is_formula(text):
        return False
    counts = parse_formula(text)
    known = all(gemmi.Element(one).atomic_number > 0 and gemmi.Element(one).name == one for one in counts)
    return known and all(0.0 < amount < 1e6 for amount in counts.values())
