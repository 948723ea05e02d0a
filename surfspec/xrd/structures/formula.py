"""Chemical formulas as counts of elements."""

from __future__ import annotations

import re

_TOKEN = re.compile(r"([A-Z][a-z]?)([0-9.]*)")


def parse_formula(formula: str) -> dict[str, float]:
    """Count the elements of a formula without brackets.

    Examples
    --------
    >>> parse_formula("Na3Zr2Si2PO12")["P"]
    1.0
    """
    counts: dict[str, float] = {}
    for symbol, number in _TOKEN.findall(formula):
        counts[symbol] = counts.get(symbol, 0.0) + float(number or 1)
    return counts


def is_formula(text: str) -> bool:
    """Say whether a text is a formula without brackets, letter by letter."""
    return bool(text) and _TOKEN.sub("", text) == ""
