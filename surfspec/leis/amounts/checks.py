"""What callers give beside a fit, looked at once: names, numbers, mappings, tables. Every refusal says what to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, cast

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.given import shown


def names(given: object, known: Collection[str], where: str, *, least: int = 0) -> tuple[str, ...]:
    """Return a list of names, each of which is known.

    Parameters
    ----------
    given
        What was given.
    known
        What may be named.
    where
        Name of the parameter, for the message.
    least
        How many names there must be at least.

    Raises
    ------
    InputError
        For a single text, something that is no list of texts, an unknown or repeated name, or too few.

    Examples
    --------
    >>> names(["Na"], ("O", "Na"), "exclude")
    ('Na',)
    """
    example = next(iter(known), "O")
    if isinstance(given, str):
        raise InputError(f"{where} is the text {given!r}", where=where, remedy=f"Give a list: ({given!r},)")
    listed = isinstance(given, list | tuple | set | frozenset) or (isinstance(given, np.ndarray) and given.ndim == 1)
    if not listed:
        raise InputError(
            f"{where} is a {type(given).__name__}",
            where=where,
            remedy=f"Give a list of symbols, such as ({example!r},)",
        )
    found = tuple(str(one) if isinstance(one, str) else one for one in cast(Iterable[object], given))
    for one in found:
        if not isinstance(one, str) or one not in known:
            raise InputError(f"{shown(one)} was not fitted", where=where, remedy=f"Use {', '.join(known)}")
    if len(set(found)) < len(found):
        raise InputError(f"{where} names an element twice", where=where, remedy="Name each element once")
    if len(found) < least:
        raise InputError(f"{where} is empty", where=where, remedy=f"Name at least {least} of {', '.join(known)}")
    return cast(tuple[str, ...], found)


def is_mapping(value: object) -> bool:
    """Return whether a value is a mapping and no Dataset, which is one in name.

    Examples
    --------
    >>> is_mapping({"O": 1.0}), is_mapping(xr.Dataset())
    (True, False)
    """
    return isinstance(value, Mapping) and not isinstance(value, xr.Dataset)


def mapping(given: object, known: Collection[str], where: str, remedy: str) -> dict[str, Any]:
    """Return a mapping by element as a dict, empty for None.

    Raises
    ------
    InputError
        For something else, or an element that is not known.

    Examples
    --------
    >>> mapping({"O": 2.0}, ("O", "Na"), "sensitivity", "Give numbers by element")
    {'O': 2.0}
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not is_mapping(given):
        raise InputError(f"{where} is a {type(given).__name__}", where=where, remedy=remedy)
    for name in given:
        if name not in known:
            raise InputError(f"{shown(name)} was not fitted", where=where, remedy=f"Use {', '.join(known)}")
    return dict(given)


def table(given: object, where: str, made_by: str) -> xr.Dataset:
    """Return a Dataset of kind ``table``.

    Raises
    ------
    InputError
        For something that is no Dataset.
    SchemaError
        For a Dataset that is none of these.
    """
    if not isinstance(given, xr.Dataset):
        raise InputError(f"{where} is a {type(given).__name__}", where=where, remedy=f"Pass what {made_by} gave")
    return schema.check(given, "table")


def text(value: object, where: str, remedy: str) -> str:
    """Return a text.

    Raises
    ------
    InputError
        For anything else.
    """
    if not isinstance(value, str):
        raise InputError(f"{where} is {shown(value)}", where=where, remedy=remedy)
    return str(value)


def spots(value: object) -> str:
    """Return the name of the dimension of spots, which need not be there.

    Raises
    ------
    InputError
        For something that is no name, or a dimension that the results have themselves.
    """
    name = text(value, "spot_dim", "Give the name of a dimension")
    if name in ("element", "element_b", "component", "component_b", "parameter", "kinetic_energy"):
        raise InputError(f"spot_dim is {name!r}", where="spot_dim", remedy="Give a dimension of the series")
    return name


def callback(value: Callable[[int, int], None] | None) -> None:
    """Raise unless `progress` is None or can be called.

    Raises
    ------
    InputError
        For anything else.
    """
    if value is not None and not callable(value):
        raise InputError(
            f"progress is {shown(value)}", where="progress", remedy="Give a function of two numbers, done and total"
        )
