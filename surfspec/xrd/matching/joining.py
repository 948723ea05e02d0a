"""A series of patterns: split into members, and their matches joined again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema


def members_of(spectrum: xr.Dataset) -> list[xr.Dataset]:
    """Split a series into its patterns, in C order of the leading dimensions."""
    dims = schema.series_dims(spectrum)
    if not dims:
        return [spectrum]
    shape = [spectrum.sizes[name] for name in dims]
    return [spectrum.isel(dict(zip(dims, map(int, index), strict=True))) for index in np.ndindex(*shape)]


def joined(spectrum: xr.Dataset, found: Sequence[xr.Dataset]) -> xr.Dataset:
    """Join the matches of a series: phases are united (absent: scale 0), line tables padded with NaN and ''."""
    dims = schema.series_dims(spectrum)
    if not dims:
        return found[0]
    ids = list(dict.fromkeys(str(name) for one in found for name in one["phase"].values))
    tables = {name: max(one.sizes[name] for one in found) for name in ("reflection", "peak", "alternative")}
    padded = [_united(one, ids, tables, found) for one in found]
    shape = tuple(spectrum.sizes[name] for name in dims)
    variables = {}
    for name in padded[0].data_vars:
        stacked = np.stack([one[name].values for one in padded])
        variables[name] = (
            (*dims, *padded[0][name].dims),
            stacked.reshape(*shape, *stacked.shape[1:]),
            padded[0][name].attrs,
        )
    shared = {
        name: padded[0][name] for name in ("phase", "phase_b", *_CARD, "verified", "stated", "candidate", "two_theta")
    }
    leading = {name: value for name, value in spectrum.coords.items() if set(value.dims) <= set(dims)}
    result = xr.Dataset(variables, coords={**leading, **shared})
    common = {key: value for key, value in found[0].attrs.items() if all(one.attrs.get(key) == value for one in found)}
    result.attrs = {"kind": "match", "technique": "XRD", **common}
    return schema.check(result, "match")


#: Coordinates that differ between the patterns of a series: they become variables.
_PER_MEMBER = [
    "rival", "rival_reason", "texture_axis",
    "reflection_phase", "status", "h", "k", "l", "origin", "alternative_phases",
    "candidate_verdict", "deciding_against", "deciding_h", "deciding_k", "deciding_l",
]  # fmt: skip
#: Coordinates that tell of the card of a phase, as text.
_CARD = ("name", "formula", "space_group", "trust")


def _united(one: xr.Dataset, ids: list[str], tables: dict[str, int], found: Sequence[xr.Dataset]) -> xr.Dataset:
    labels = {
        name: {
            str(p): str(v) for other in found for p, v in zip(other["phase"].values, other[name].values, strict=True)
        }
        for name in _CARD
    }
    moved = one.reset_coords(_PER_MEMBER)
    verified = {
        str(p): int(v) for other in found for p, v in zip(other["phase"].values, other["verified"].values, strict=True)
    }
    stated = {
        str(p): int(v) for other in found for p, v in zip(other["phase"].values, other["stated"].values, strict=True)
    }
    moved = moved.drop_vars([*_CARD, "verified", "stated"])
    place = {name: i for i, name in enumerate(map(str, one["phase"].values))}
    index = np.array([place.get(name, -1) for name in ids], dtype=np.int64)
    variables = {}
    for name, variable in moved.data_vars.items():
        values = variable.values
        for axis, dim in enumerate(variable.dims):
            if dim in ("phase", "phase_b"):
                values = _take(values, index, axis, str(name))
            elif dim in tables:
                values = _take(values, _row_index(values.shape[axis], tables[str(dim)]), axis, "")
        variables[name] = (variable.dims, values, variable.attrs)
    coords = {
        "phase": np.array(ids, dtype=np.str_), "phase_b": np.array(ids, dtype=np.str_),
        "candidate": moved["candidate"], "two_theta": moved["two_theta"],
        **{name: ("phase", np.array([table[i] for i in ids], dtype=np.str_)) for name, table in labels.items()},
        "verified": ("phase", np.array([verified[i] for i in ids], dtype=np.int8), one["verified"].attrs),
        "stated": ("phase", np.array([stated[i] for i in ids], dtype=np.int8), one["stated"].attrs),
    }  # fmt: skip
    return xr.Dataset(variables, coords=coords)


def _row_index(length: int, total: int) -> NDArray[np.int64]:
    return np.where(np.arange(total) < length, np.arange(total), -1)


_ABSENT_IS_ZERO = ("probability", "model_probability", "model_presence", "scale", "weight_fraction",
                   "score", "contribution", "lines_confirmed", "lines_missing", "lines_overlapped")  # fmt: skip


def _take(values: NDArray[np.generic], index: NDArray[np.int64], axis: int, name: str) -> NDArray[np.generic]:
    """Pick rows along an axis; -1 gives an absent row: 0, NaN, -1 or '' by what the variable is."""
    kind = values.dtype.kind
    absent = "" if kind in "US" else (-1 if kind in "iu" else np.nan)
    if name in _ABSENT_IS_ZERO:
        absent = 0
    shape = list(values.shape)
    shape[axis] = 1
    wide = np.concatenate([values, np.full(shape, absent, dtype=values.dtype)], axis=axis)
    return np.take(wide, np.where(index < 0, values.shape[axis], index), axis=axis)
