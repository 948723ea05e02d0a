"""Cut the series dimensions of a Dataset into rectangular blocks, and bring one block into memory."""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError

#: Members of a block where neither the user nor the data say otherwise.
DEFAULT_MEMBERS = 256


@dataclass(frozen=True)
class Block:
    """One rectangular part of a series.

    Attributes
    ----------
    number
        Its place among the blocks, in C order.
    slices
        One for each series dimension.
    """

    number: int
    slices: Mapping[str, slice]

    @property
    def members(self) -> int:
        """Number of spectra in the block."""
        return math.prod(one.stop - one.start for one in self.slices.values())


def block_sizes(dataset: xr.Dataset, chunk: int | Mapping[str, int] | None) -> dict[str, int]:
    """Return the size of a block along each series dimension.

    Parameters
    ----------
    dataset
        Spectrum or series.
    chunk
        Members in a block (the last dimensions are filled first), sizes by dimension, or None: then the chunks of a
        dask-backed intensity, and ``DEFAULT_MEMBERS`` otherwise.

    Raises
    ------
    InputError
        For a single spectrum, an empty series, an unknown dimension or a size below one.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> cube = xr.Dataset({"intensity": (("y", "x", "two_theta"), np.zeros((10, 10, 3)))})
    >>> block_sizes(cube, 25)
    {'y': 2, 'x': 10}
    """
    series = schema.series_dims(dataset)
    sizes = {name: int(dataset.sizes[name]) for name in series}
    if not sizes or 0 in sizes.values():
        raise InputError(
            "a single spectrum has nothing to cut into chunks" if not sizes else "the series has no members",
            where="fit_in_chunks",
            remedy="Call the fit itself" if not sizes else "Check the selection",
        )
    if isinstance(chunk, Mapping):
        unknown = [str(name) for name in chunk if name not in sizes]
        if unknown:
            raise InputError(
                f"chunk names {unknown[0]!r}, which is no series dimension",
                where="chunk",
                remedy=f"Series dimensions are {', '.join(series)}",
            )
        return {name: min(_positive(chunk.get(name, size)), size) for name, size in sizes.items()}
    chunks = dataset["intensity"].chunks
    if chunk is None and chunks is not None:
        return {name: max(lengths) for name, lengths in zip(series, chunks, strict=False)}
    left = _positive(DEFAULT_MEMBERS if chunk is None else chunk)
    out = {}
    for name in reversed(series):
        out[name] = min(sizes[name], left)
        left = max(1, left // sizes[name])
    return {name: out[name] for name in series}


def _positive(size: int) -> int:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise InputError(f"a chunk of {size!r} members", where="chunk", remedy="Give a whole number from 1 up")
    return int(size)


def cut(dataset: xr.Dataset, sizes: Mapping[str, int]) -> list[Block]:
    """Return the blocks of a series in C order."""
    edges = [
        [slice(low, min(low + size, dataset.sizes[name])) for low in range(0, dataset.sizes[name], size)]
        for name, size in sizes.items()
    ]
    names = tuple(sizes)
    return [
        Block(number, dict(zip(names, slices, strict=True))) for number, slices in enumerate(itertools.product(*edges))
    ]


def in_memory(dataset: xr.Dataset) -> xr.Dataset:
    """Return a Dataset with its numbers in memory and its text as fixed-width numpy text.

    Dask computes in the calling thread: the workers are ours, and a pool inside a pool gains nothing.
    """
    loaded = dataset.compute(scheduler="synchronous")
    texts = {name: plain(variable) for name, variable in loaded.variables.items() if variable.dtype.kind in "OT"}
    return loaded.assign_coords({k: v for k, v in texts.items() if k in loaded.coords}).assign(
        {k: v for k, v in texts.items() if k not in loaded.coords}
    )


def plain(variable: xr.Variable) -> xr.Variable:
    """Return a variable in memory without the encoding of a file, its text as fixed-width numpy text."""
    out = variable.to_base_variable().drop_encoding().compute()
    if out.dtype.kind not in "OT":
        return out
    return out.copy(data=np.asarray(out.values.tolist(), dtype=np.str_).reshape(out.shape))


def digest(dataset: xr.Dataset) -> str:
    """Return a fingerprint of a series: its axis, shape and attributes, and its first, middle and last spectrum.

    A series larger than memory is not read whole for it.
    """
    axis = schema.axis_of(dataset)
    out = hashlib.sha256()
    out.update(repr([(str(k), int(v)) for k, v in dataset["intensity"].sizes.items()]).encode())
    out.update(repr(sorted((str(k), str(v)) for k, v in dataset.attrs.items())).encode())
    out.update(np.asarray(dataset[axis].values, dtype=np.float64).tobytes())
    for share in (0.0, 0.5, 1.0):
        place = {name: int(share * (dataset.sizes[name] - 1)) for name in schema.series_dims(dataset)}
        one = dataset["intensity"].isel(place).compute(scheduler="synchronous")
        out.update(np.ascontiguousarray(one.values, dtype=np.float64).tobytes())
    return out.hexdigest()
