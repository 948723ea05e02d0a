"""Small parts that the tables of this folder share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from surfspec.errors import InputError
from surfspec.given import listed, number
from surfspec.leis.collisions import isotopes as iso

#: A variable of a table: dimensions, values, units, long name.
Column = tuple[str | tuple[str, ...], Any, str, str]


def checked_elements(elements: Iterable[str] | None, *, where: str = "elements") -> tuple[str, ...]:
    """Return element symbols without repetition; all natural elements for None.

    Raises
    ------
    InputError
        For a text instead of a list, an unknown element or an empty list.

    Examples
    --------
    >>> checked_elements(["O", "Zr", "O"])
    ('O', 'Zr')
    """
    if elements is None:
        return iso.symbols()
    if isinstance(elements, str):
        raise InputError(
            f"{where} is the text {elements!r}",
            where=where,
            remedy=f"Give a list of symbols: {iso.symbols_in(elements)}",
        )
    names = tuple(dict.fromkeys(iso.element_symbol(str(name), where=where) for name in listed(elements, where)))
    if not names:
        raise InputError("no elements", where=where, remedy="Name at least one, such as O or Zr")
    return names


def positive(value: float, where: str, unit: str) -> float:
    """Return a positive finite number, or raise InputError."""
    try:
        return number(value, where, low=0.0, high=1e12, above=True)
    except InputError as error:
        raise InputError(error.message, where=where, remedy=f"Give a positive number ({unit})") from None


def made(columns: Mapping[str, Column], coords: Mapping[str, Sequence[Any]], attrs: Mapping[str, Any]) -> xr.Dataset:
    """Make a Dataset of kind ``table``; a column ``x_unc`` is named as the uncertainty of ``x``."""
    variables = {}
    for name, (dims, values, units, long_name) in columns.items():
        about: dict[str, Any] = {"long_name": long_name}
        if np.asarray(values).dtype.kind == "f":
            about["units"] = units
        if f"{name}_unc" in columns:
            about["ancillary_variables"] = f"{name}_unc"
        variables[name] = (dims, values, about)
    return xr.Dataset(
        variables,
        coords={name: np.array(list(values)) for name, values in coords.items()},
        attrs={"kind": "table", "technique": "LEIS", **attrs},
    )
