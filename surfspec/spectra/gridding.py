"""Stack spectra over several dimensions at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.spectra.metadata import SERIES_UNITS, metadata_columns, units_of_metadata
from surfspec.spectra.stacking import stack


def stack_grid(
    members: Sequence[xr.Dataset],
    values: Mapping[str, Sequence[Any]],
    *,
    where: str = "",
    units: Mapping[str, str] | None = None,
    member: str = "spectrum",
) -> xr.Dataset:
    """Stack spectra over several dimensions at once; what differs between them becomes a coordinate over all of them.

    Parameters
    ----------
    members
        Spectra on one axis, in any order.
    values
        Dimension name to one value for each member; together they must fill a rectangle. They go before what the
        members state themselves.
    where
        Place named in errors.
    units
        Unit of the values by dimension; by default that of :data:`surfspec.spectra.SERIES_UNITS`.
    member
        What a member is called in errors ("file", say).

    Returns
    -------
    xarray.Dataset
        Dims (dimensions as in `values`, ..., axis), each in rising order.

    Raises
    ------
    InputError
        For a place without a member or with several, or for spectra that do not stack.

    Examples
    --------
    >>> import surfspec as ss
    >>> one = ss.spectrum([1, 2, 3], [5, 6, 7], technique="LEIS")
    >>> series = stack_grid([one] * 4, {"spot": [1, 1, 2, 2], "dose": [2e15, 1e15, 1e15, 2e15]})
    >>> dict(series.sizes), series.dose.values.tolist(), series.dose.attrs["units"]
    ({'spot': 2, 'dose': 2, 'kinetic_energy': 3}, [1000000000000000.0, 2000000000000000.0], 'ions/cm2')
    """
    names = list(values)
    for name in names:
        if len(values[name]) != len(members):
            raise InputError(
                f"{len(values[name])} values for {len(members)} spectra", where=name, remedy="Give one for each"
            )
    grids = {name: sorted(dict.fromkeys(values[name])) for name in names}
    shape = tuple(len(grids[name]) for name in names)
    places = [tuple(grids[name].index(values[name][i]) for name in names) for i in range(len(members))]
    for place in np.ndindex(shape):
        if places.count(place) != 1:
            spot = ", ".join(f"{name} {_shown(grids[name][k])}" for name, k in zip(names, place, strict=True))
            raise InputError(
                f"{f'no {member}' if place not in places else f'more than one {member}'} for {spot}",
                where=where,
                remedy=f"A series needs one {member} for every combination: add the missing one, or narrow the pattern",
            )
    table = dict(zip(places, members, strict=True))
    shared, differing = metadata_columns(
        [table[place] for place in np.ndindex(shape)],
        {name: [grids[name][place[k]] for place in np.ndindex(shape)] for k, name in enumerate(names)},
    )
    bare = {place: one.drop_attrs(deep=False).assign_attrs(shared) for place, one in table.items()}
    out = _nested(bare, (), names, grids, {**SERIES_UNITS, **(units or {})})
    for name, column in differing.items():
        array = column.reshape(shape)
        meta = {"long_name": name}
        if np.issubdtype(array.dtype, np.floating):
            meta["units"] = units_of_metadata(name)
        out = out.assign_coords({name: (tuple(names), array, meta)})
    return schema.check(out, "spectrum")


def rectangle(values: Mapping[str, Sequence[Any]]) -> bool:
    """Tell whether members with these values fill a rectangle, each place once.

    Examples
    --------
    >>> rectangle({"spot": [1, 1, 2, 2], "dose": [1, 2, 1, 2]}), rectangle({"spot": [1, 1, 2, 2]})
    (True, False)
    """
    rows = list(zip(*values.values(), strict=True))
    return len(set(rows)) == len(rows) == math.prod(len(set(column)) for column in values.values())


def _nested(
    table: Mapping[tuple[int, ...], xr.Dataset],
    place: tuple[int, ...],
    names: Sequence[str],
    grids: Mapping[str, Any],
    units: Mapping[str, str],
) -> xr.Dataset:
    if len(place) == len(names):
        return table[place]
    name = names[len(place)]
    parts = [_nested(table, (*place, k), names, grids, units) for k in range(len(grids[name]))]
    return stack(parts, name, grids[name], units=units.get(name) or None)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float | np.number) else str(value)
