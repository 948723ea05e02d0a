"""What callers may pass to pictures: numbers within limits, and a pair of names; anything else is named in an error."""

from __future__ import annotations

from typing import Final

import numpy as np

from surfspec.errors import InputError

#: Lowest and highest picture in cm.
HEIGHTS: Final = (1.0, 200.0)


def number(value: object, low: float, high: float, where: str, *, unit: str = "", remedy: str = "") -> float:
    """Return a finite number from `low` to `high`, or raise InputError.

    Examples
    --------
    >>> number(2, 1, 10, "offset")
    2.0
    >>> number("a", 1, 10, "offset")
    Traceback (most recent call last):
    surfspec.errors.InputError: offset: an offset of 'a'. Use a number from 1 to 10.
    """
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not real or not low <= float(value) <= high:  # type: ignore[arg-type]
        word, tail = "an" if where[0] in "aeiou" else "a", f" {unit}" if unit else ""
        said = f"{value:g}" if real else repr(value)
        remedy = remedy or f"Use a number from {low:g} to {high:g}{tail}"
        raise InputError(f"{word} {where} of {said}{tail}", where=where, remedy=remedy)
    return float(value)  # type: ignore[arg-type]


def two_names(names: object) -> tuple[str, str]:
    """Return a pair of names, or raise InputError.

    Examples
    --------
    >>> two_names(["before", "after"])
    ('before', 'after')
    """
    if not isinstance(names, list | tuple) or len(names) != 2 or not all(isinstance(name, str) for name in names):
        raise InputError(f"they are {names!r}", where="names", remedy="Pass two texts: names=('before', 'after')")
    return names[0], names[1]


def shortened(text: str, most: int) -> str:
    """Take letters out of the middle of lines longer than `most`; their end, which says what is simulated, stays.

    Examples
    --------
    >>> shortened("a sample with a very long name (simulated)", 30)
    'a sample with a v… (simulated)'
    """
    end = min(12, most // 2)
    return "\n".join(
        line if len(line) <= most else f"{line[: most - end - 1]}…{line[-end:]}" for line in text.split("\n")
    )
