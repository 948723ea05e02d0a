"""Members of a result in the order of the chunk that was fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError


def ordered(given: Any, chunk: xr.Dataset) -> xr.Dataset:
    """Return the result of a chunk with its members in the order of the chunk.

    The coordinates over the series say which member is which. Where they are the same in another order, the members
    are put back in order.

    Parameters
    ----------
    given
        What the fit returned.
    chunk
        What the fit was given.

    Raises
    ------
    InputError
        For anything but the result of a fit, and for members that cannot be told or are not those of the chunk.

    Examples
    --------
    >>> chunk = xr.Dataset({"intensity": (("t", "e"), [[1.0], [2.0]])}, {"t": [10, 20]})
    >>> part = xr.Dataset({"area": ("t", [2.0, 1.0])}, {"t": [20, 10]})
    >>> ordered(part, chunk)["area"].values.tolist()
    [1.0, 2.0]
    """
    if not isinstance(given, xr.Dataset):
        raise InputError(
            f"the fit returned {'nothing' if given is None else f'a {type(given).__name__}'}",
            where="fit",
            remedy="Give a fit that returns a Dataset with the same series dimensions",
        )
    part: xr.Dataset = given
    if part.attrs.get("kind") == "spectrum" and "verdict" not in part:
        raise InputError(
            "the fit returned spectra, not the result of a fit",
            where="fit",
            remedy="Give a fit such as functools.partial(surfspec.xps.fit, recipe='Zr 3d')",
        )
    series = schema.series_dims(chunk)
    if any(part.sizes.get(dim) != chunk.sizes[dim] for dim in series):
        return part  # refused where the layout is made
    for dim in series:
        part = _along(part, chunk, dim)
    for name in _common(part, chunk):
        if set(chunk[name].dims) & set(series) and not _equal(part, chunk, name):
            raise _another_order(name)
    if _shuffled(part, chunk):
        raise _another_order("intensity")
    return part


def _common(part: xr.Dataset, chunk: xr.Dataset) -> list[str]:
    return [str(name) for name in chunk.coords if name in part.coords]


def _equal(part: xr.Dataset, chunk: xr.Dataset, name: str) -> bool:
    one, other = part[name].variable, chunk[name].variable
    return set(one.dims) == set(other.dims) and bool(one.transpose(*other.dims).equals(other))  # type: ignore[no-untyped-call]


def _along(part: xr.Dataset, chunk: xr.Dataset, dim: str) -> xr.Dataset:
    """Put the members along one dimension in the order of the chunk, by all coordinates that lie over it alone."""
    names = [name for name in _common(part, chunk) if chunk[name].dims == (dim,) == part[name].dims]
    if all(_equal(part, chunk, name) for name in names):
        return part
    here = list(zip(*(part[name].values.tolist() for name in names), strict=True))
    there = list(zip(*(chunk[name].values.tolist() for name in names), strict=True))
    if len(set(here)) < len(here) or set(here) != set(there):
        raise _another_order(next(name for name in names if not _equal(part, chunk, name)))
    places = {key: place for place, key in enumerate(here)}
    return part.isel({dim: [places[key] for key in there]})


def _shuffled(part: xr.Dataset, chunk: xr.Dataset) -> bool:
    """Return whether the result holds the very intensities of the chunk, but in another order."""
    one, other = part.get("intensity"), chunk["intensity"]
    axis = other.dims[-1]
    if axis in part.coords and axis in other.coords:  # the result may be on a window of the data
        other = other.isel({axis: np.flatnonzero(np.isin(other[axis].values, part[axis].values))})
    if one is None or one.dims != other.dims or one.shape != other.shape or one.dtype.kind not in "fiu":
        return False
    first, second = one.values.reshape(-1, one.shape[-1]), other.values.reshape(-1, one.shape[-1])
    if np.array_equal(first, second, equal_nan=True):
        return False
    if not np.array_equal(np.sort(first.sum(axis=1)), np.sort(second.sum(axis=1)), equal_nan=True):
        return False
    return np.array_equal(first[np.lexsort(first.T)], second[np.lexsort(second.T)], equal_nan=True)


def _another_order(name: str) -> InputError:
    return InputError(
        f"the fit returned another {name!r} along the series than it was given",
        where="fit",
        remedy="Give a fit that returns the members in the order in which it gets them, with their coordinates",
    )
