"""What callers may pass to pictures: numbers, names, axes, titles, Datasets by name; all else is named in an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

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


def axes(ax: object) -> Axes | None:
    """Return axes to draw into, or None for a new figure; raise InputError for anything else.

    Examples
    --------
    >>> axes("abc")
    Traceback (most recent call last):
    surfspec.errors.InputError: ax: ax is a str. Pass matplotlib Axes, or leave it out for a new figure.
    """
    if ax is None or isinstance(ax, Axes):
        return ax
    raise InputError(
        f"ax is a {type(ax).__name__}", where="ax", remedy="Pass matplotlib Axes, or leave it out for a new figure"
    )


def heading(title: object) -> str | None:
    """Return the text of a title, or None for the usual one; raise InputError for anything else.

    Examples
    --------
    >>> heading("Pellet"), heading("")
    ('Pellet', '')
    >>> heading(1.0)
    Traceback (most recent call last):
    surfspec.errors.InputError: title: the title is 1.0. Pass a text; '' for none.
    """
    if title is None or isinstance(title, str):
        return title
    raise InputError(f"the title is {title!r}", where="title", remedy="Pass a text; '' for none")


def by_name(datasets: object, where: str, made_by: str) -> dict[str, xr.Dataset]:
    """Return Datasets by name; a single one has the name ``""``. Raise InputError for anything else.

    Examples
    --------
    >>> by_name(None, "tables", "leis.coverage")
    Traceback (most recent call last):
    surfspec.errors.InputError: tables: these are NoneType. Pass what leis.coverage returned, or a dict of it by name.
    """
    if isinstance(datasets, xr.Dataset):
        return {"": datasets}
    remedy = f"Pass what {made_by} returned, or a dict of it by name"
    if not isinstance(datasets, Mapping):
        raise InputError(f"these are {type(datasets).__name__}", where=where, remedy=remedy)
    if not datasets:
        raise InputError("there is none", where=where, remedy=remedy)
    for name, one in datasets.items():
        if not isinstance(one, xr.Dataset):
            raise InputError(f"{str(name)!r} is a {type(one).__name__}", where=where, remedy=remedy)
    return {str(name): one for name, one in datasets.items()}


def chosen_names(names: object, known: list[str], where: str) -> list[str]:
    """Return which of some names are wanted, all by default; raise InputError for none, others, or anything else.

    Examples
    --------
    >>> chosen_names(None, ["O", "P"], "elements"), chosen_names(["P"], ["O", "P"], "elements")
    (['O', 'P'], ['P'])
    >>> chosen_names([], ["O", "P"], "elements")
    Traceback (most recent call last):
    surfspec.errors.InputError: elements: they are []. Pass a list of some of 'O', 'P', or leave it out for all.
    """
    if names is None:
        return known
    remedy = f"Pass a list of some of {', '.join(map(repr, known))}, or leave it out for all"
    if not isinstance(names, list | tuple | np.ndarray) or not len(names) or np.ndim(names) != 1:
        raise InputError(f"they are {names!r}", where=where, remedy=remedy)
    for name in names:
        if str(name) not in known:
            raise InputError(f"{str(name)!r} is not among the {where}", where=where, remedy=remedy)
    return list(dict.fromkeys(str(name) for name in names))
