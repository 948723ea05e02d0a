"""What the result of a chunked fit looks like as a whole, learnt from the result of one chunk."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import DTypeLike

from surfspec.errors import InputError
from surfspec.fitting.scale.blocks import Block, plain
from surfspec.fitting.series import INTERRUPTED

#: What the text variables say of a member that is not fitted (yet); numbers are NaN, counts 0.
UNDONE: Final[Mapping[Hashable, str]] = {"verdict": "failed", "reasons": INTERRUPTED, "flag": "not_determined"}


@dataclass(frozen=True)
class Moving:
    """A variable over at least one series dimension.

    Attributes
    ----------
    dims, shape
        Of the whole series.
    dtype
        Of its numbers; ``object`` for text.
    attrs
        Its attributes.
    """

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: DTypeLike
    attrs: dict[str, Any]

    def empty(self, name: Hashable) -> np.ndarray[Any, Any]:
        """Return the variable of a series of which nothing is fitted."""
        kind = np.dtype(self.dtype).kind
        fill: Any = UNDONE.get(name, "") if kind == "O" else np.nan if kind == "f" else 0
        return np.full(self.shape, fill, dtype=self.dtype)

    def place(self, block: Block) -> tuple[slice, ...]:
        """Return where a block lies in the variable."""
        return tuple(block.slices.get(name, slice(None)) for name in self.dims)


@dataclass(frozen=True)
class Layout:
    """The result as a whole.

    Attributes
    ----------
    moving
        Variables that are filled block by block.
    constant
        Variables without a series dimension, and coordinates over the series, complete from the start.
    coords
        Names of the coordinates.
    attrs
        Attributes of the Dataset.
    """

    moving: Mapping[Hashable, Moving]
    constant: Mapping[Hashable, xr.Variable]
    coords: frozenset[Hashable]
    attrs: Mapping[Hashable, Any]

    def dataset(self, filled: Mapping[Hashable, Any]) -> xr.Dataset:
        """Return the Dataset whose moving variables hold `filled`."""
        made: dict[Hashable, xr.Variable] = {
            name: xr.Variable(one.dims, filled[name], one.attrs) for name, one in self.moving.items()
        }
        made |= self.constant
        return xr.Dataset(
            {name: value for name, value in made.items() if name not in self.coords},
            {name: value for name, value in made.items() if name in self.coords},
            dict(self.attrs),
        )

    def check(self, part: xr.Dataset, block: Block) -> None:
        """Check that the result of a block fits the result of the others.

        Raises
        ------
        InputError
            When it has other variables, sizes, axes or attributes: the fit then draws on the chunk as a whole, and its
            numbers would depend on the chunking.
        """
        faults = [f"the variables {sorted(map(str, odd))}" for odd in [self._names() ^ set(part.variables)] if odd]
        for name, one in self.moving.items():
            want = tuple(
                block.slices[d].stop - block.slices[d].start if d in block.slices else n
                for d, n in zip(one.dims, one.shape, strict=True)
            )
            if name in part.variables and (part[name].dims != one.dims or part[name].shape != want):
                faults.append(f"the size of {name!r}")
        for name, variable in self.constant.items():
            over_series = bool(set(variable.dims) & set(block.slices))
            if name in part.variables and not over_series and not _same(variable.values, part[name].values):
                faults.append(f"{name!r}")
        for key in {*self.attrs, *part.attrs}:
            if not _same(np.asarray(self.attrs.get(key)), np.asarray(part.attrs.get(key))):
                faults.append(f"the attribute {key!r} ({self.attrs.get(key)!r:.60} and {part.attrs.get(key)!r:.60})")
        if faults:
            raise InputError(
                f"chunks of the series give results that differ in {', '.join(sorted(faults)[:4])}",
                where="fit_in_chunks",
                remedy="Give a fit that treats each member on its own: settle on the whole series beforehand what "
                "it finds from all members together (an energy shift, say) and pass it in",
            )

    def _names(self) -> set[Hashable]:
        return {*self.moving, *self.constant}


def _same(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> bool:
    if one.shape != other.shape:
        return False
    if one.dtype.kind in "fc" and other.dtype.kind in "fc":
        return bool(np.array_equal(one, other, equal_nan=True))
    return bool(np.array_equal(one, other))


def layout_of(part: xr.Dataset, block: Block, dataset: xr.Dataset) -> Layout:
    """Return the layout of the whole result.

    Parameters
    ----------
    part
        The result of one block.
    block
        Where it lies.
    dataset
        The series that is fitted; its coordinates over the series dimensions are taken over whole.

    Raises
    ------
    InputError
        When the fit did not keep the series dimensions.
    """
    for dim, place in block.slices.items():
        if part.sizes.get(dim) != place.stop - place.start:
            raise InputError(
                f"the fit of {place.stop - place.start} members along {dim!r} returned "
                f"{part.sizes.get(dim, 'none')} of them",
                where="fit",
                remedy="Give a fit that keeps the series dimensions",
            )
    moving: dict[Hashable, Moving] = {}
    constant: dict[Hashable, xr.Variable] = {}
    for name, variable in part.variables.items():
        dims = tuple(map(str, variable.dims))
        over = set(dims) & set(block.slices)
        if over and name in part.coords and name in dataset.coords and over == set(dims):
            constant[name] = plain(dataset[name].variable)
        elif over:
            shape = tuple(int(dataset.sizes[d]) if d in block.slices else n for d, n in variable.sizes.items())
            dtype: DTypeLike = object if variable.dtype.kind in "OTU" else variable.dtype
            moving[name] = Moving(dims, shape, dtype, dict(variable.attrs))
        else:
            constant[name] = plain(variable)
    return Layout(moving, constant, frozenset(part.coords), dict(part.attrs))


def layout_of_stored(stored: xr.Dataset, series: tuple[str, ...]) -> Layout:
    """Return the layout of a result that lies in a store."""
    moving: dict[Hashable, Moving] = {}
    constant: dict[Hashable, xr.Variable] = {}
    for name, variable in stored.variables.items():
        dims = tuple(map(str, variable.dims))
        if set(dims) & set(series) and not (name in stored.coords and set(dims) <= set(series)):
            dtype: DTypeLike = object if variable.dtype.kind in "OTU" else variable.dtype
            moving[name] = Moving(dims, variable.shape, dtype, dict(variable.attrs))
        else:
            constant[name] = plain(variable)
    return Layout(moving, constant, frozenset(stored.coords), dict(stored.attrs))


def refused_part(layout: Layout, block: Block, chunk: xr.Dataset | None, reason: str) -> dict[Hashable, Any]:
    """Return the variables of a block that could not be fitted: NaN, the reason, and the data themselves.

    Parameters
    ----------
    layout
        Of the whole result.
    block
        Which block.
    chunk
        Its data, from which variables that are in the result too (intensities) are taken over; or None.
    reason
        Why it was not fitted.
    """
    out: dict[Hashable, Any] = {}
    for name, one in layout.moving.items():
        shape = tuple(
            block.slices[d].stop - block.slices[d].start if d in block.slices else n
            for d, n in zip(one.dims, one.shape, strict=True)
        )
        values = Moving(one.dims, shape, one.dtype, {}).empty(name)
        if name == "reasons":
            values[...] = reason
        elif chunk is not None and name in chunk and chunk[name].dims == one.dims:
            data = _cut_to(chunk[name], layout)
            values = data if data.shape == shape else values
        out[name] = values
    return out


def _cut_to(data: xr.DataArray, layout: Layout) -> np.ndarray[Any, Any]:
    """Return data on the axis of the result, which may be a window of theirs."""
    axis = data.dims[-1]
    if axis in layout.constant and axis in data.coords:
        inside = np.isin(data[axis].values, layout.constant[axis].values)
        data = data.isel({axis: np.flatnonzero(inside)})
    return np.asarray(data.values)
