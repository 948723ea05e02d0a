"""What callers give: numbers, ranges, switches and lists, looked at once. Every refusal says what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, KeysView
from typing import cast

import numpy as np
import xarray as xr

from surfspec.errors import InputError


def shown(value: object) -> str:
    """Return a value as text of one line."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**15:
        return "a very large number"
    if isinstance(value, str | bytes | int | float | None | complex | np.integer | np.floating):
        return repr(value.item() if isinstance(value, np.generic) else value)
    return f"{value}" if isinstance(value, list | tuple) and len(value) < 4 else f"a {type(value).__name__}"


def number(value: object, where: str, *, low: float = -np.inf, high: float = np.inf, above: bool = False) -> float:
    """Return a finite real number from `low` to `high`.

    Parameters
    ----------
    value
        What was given: a number, or an array that holds nothing but one.
    where
        Name of the parameter, for the message.
    low, high
        Ends of what is allowed.
    above
        Leave the lower end out.

    Raises
    ------
    InputError
        For text, a truth value, an array, NaN, or a number outside.

    Examples
    --------
    >>> number(np.float32(0.5), "acceptance", low=0.0, high=1.0)
    0.5
    """
    try:
        array = np.asarray(value)
        plain = array.ndim == 0 and array.dtype.kind in "iuf"
    except (TypeError, ValueError):
        plain = False
    found = float(array) if plain else float("nan")
    if not np.isfinite(found) or not low <= found <= high or (above and found == low):
        ends = "" if low == -np.inf else f" above {low:g}" if above else f" from {low:g}"
        upto = "" if high == np.inf else f" to {high:g}"
        raise InputError(f"{where} is {shown(value)}", where=where, remedy=f"Give a number{ends}{upto}")
    return found


def interval(value: object, where: str, *, low: float, high: float, above: bool = False) -> tuple[float, float]:
    """Return a range, its lower end first; the ends may coincide.

    Parameters
    ----------
    value, where, low, high, above
        As for :func:`number`, for each end.

    Raises
    ------
    InputError
        For anything that is no pair of numbers in order.

    Examples
    --------
    >>> interval([0, 30], "tail", low=0.0, high=100.0)
    (0.0, 30.0)
    """
    pair = tuple(value) if isinstance(value, list | tuple) else ()
    if len(pair) != 2:
        raise InputError(
            f"{where} is {shown(value)}, no range", where=where, remedy="Give a lower and a higher number: (0, 1)"
        )
    first, second = (number(one, where, low=low, high=high, above=above) for one in pair)
    if first > second:
        raise InputError(f"{where} {pair} is no range", where=where, remedy="Give the lower number first")
    return first, second


def switch(value: object, where: str) -> bool:
    """Return a truth value; InputError for anything else, for ``"no"`` would count as yes."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{where} is {shown(value)}", where=where, remedy="Give True or False")
    return bool(value)


def listed(value: object, where: str) -> tuple[object, ...]:
    """Return the entries of a list, tuple, set or array of one dimension; InputError for text and for anything else."""
    plain = isinstance(value, list | tuple | set | frozenset | dict | range | np.ndarray | Iterator | KeysView)
    if isinstance(value, xr.DataArray):
        value, plain = value.values, True
    if not plain or (isinstance(value, np.ndarray) and value.ndim != 1):
        raise InputError(f"{where} is {shown(value)}", where=where, remedy="Give a list of names or pairs: [..., ...]")
    return tuple(cast("Iterable[object]", value))
