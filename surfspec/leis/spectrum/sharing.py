"""Which parameters members of a series have in common, and along what: said by the user, as groups of members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.given import listed
from surfspec.leis.model import SpectrumModel

Index = tuple[int, ...]
#: Names of parameters; or for each the dimension or dimensions along which it is the same.
Shared = Sequence[str] | Mapping[str, str | Sequence[str]]


@dataclass(frozen=True)
class Common:
    """One value that several members have in common.

    Attributes
    ----------
    name
        Of the parameter.
    label
        The name with the place where it holds: ``offset [spot 2]``.
    members
        Indices in the series.
    """

    name: str
    label: str
    members: frozenset[Index]


def commons_of(
    model: SpectrumModel, series: xr.Dataset, shared: Shared, over: str | Sequence[str] | None
) -> list[Common]:
    """Return the values that members have in common.

    Parameters
    ----------
    model
        Model of every member.
    series
        Spectra with at least one series dimension.
    shared, over
        As for :func:`surfspec.leis.fit`.

    Raises
    ------
    InputError
        For unknown names or dimensions, and for a single spectrum.
    """
    dims = schema.series_dims(series)
    along = _along(shared, over, dims)
    if not dims:
        raise InputError("a single spectrum shares nothing", where="shared", remedy="Pass a series, or leave it out")
    free = [p.name for p in model.parameters[: model.shape_count] if p.vary]
    out: list[Common] = []
    for name, same in along.items():
        if name not in free:
            near = get_close_matches(str(name), free, n=1, cutoff=0.4)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise InputError(
                f"there is no free parameter {name!r} to share",
                where="shared",
                remedy=f"{hint}Those that can be shared are {', '.join(free)}; areas and heights belong to a spectrum",
            )
        out += _groups(name, same, dims, series)
    return out


def described(shared: Shared, over: str | Sequence[str] | None, dims: Sequence[str]) -> str:
    """Return in words what is shared along what: ``offset over dose; tail over spot, dose``."""
    return "; ".join(f"{name} over {', '.join(same)}" for name, same in _along(shared, over, dims).items())


def linked(commons: Sequence[Common], members: Iterable[Index]) -> list[list[Index]]:
    """Return members group by group, those of a group having something in common, each in the given order.

    Examples
    --------
    >>> one = Common("tail", "tail", frozenset({(0,), (2,)}))
    >>> linked([one], [(0,), (1,), (2,)])
    [[(0,), (2,)], [(1,)]]
    """
    order = list(members)
    group = {index: i for i, index in enumerate(order)}
    for common in commons:
        present = [index for index in order if index in common.members]
        numbers = {group[index] for index in present}
        for index in order:
            if group[index] in numbers:
                group[index] = min(numbers)
    return [[index for index in order if group[index] == number] for number in sorted(set(group.values()))]


def _along(shared: Shared, over: str | Sequence[str] | None, dims: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return for each shared name the dimensions along which it is the same."""
    if isinstance(shared, str):
        raise InputError(f"shared is one text, {shared!r}", where="shared", remedy=f"Give a list, [{shared!r}]")
    if isinstance(shared, Mapping):
        if over is not None:
            raise InputError(
                "shared says along what, and so does over", where="over", remedy="Leave over out, or give names only"
            )
        out = {name: _dims(same, dims, "shared") for name, same in shared.items()}
    elif isinstance(shared, Sequence):
        same = tuple(dims) if over is None else _dims(over, dims, "over")
        out = dict.fromkeys(map(str, listed(shared, "shared")), same)
    else:
        raise InputError(
            f"shared is a {type(shared).__name__}", where="shared", remedy="Give names, or dimensions by name"
        )
    return out


def _dims(given: str | Sequence[str], dims: Sequence[str], where: str) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(map(str, listed(given, where)))
    for one in names:
        if one not in dims:
            raise InputError(
                f"there is no series dimension {one!r}", where=where, remedy=f"Use {', '.join(dims) or 'a series'}"
            )
    if not names:
        raise InputError("shared along no dimension", where=where, remedy=f"Name one of {', '.join(dims)}")
    return names


def _groups(name: str, same: Sequence[str], dims: Sequence[str], series: xr.Dataset) -> list[Common]:
    other = [i for i, dim in enumerate(dims) if dim not in same]
    found: dict[Index, list[Index]] = {}
    for index in np.ndindex(*(series.sizes[dim] for dim in dims)):
        found.setdefault(tuple(index[i] for i in other), []).append(index)
    out = []
    for place, members in found.items():
        at = [f"{dims[i]} {_value(series, dims[i], n)}" for i, n in zip(other, place, strict=True)]
        out.append(Common(name, f"{name} [{', '.join(at)}]" if at else name, frozenset(members)))
    return out


def _value(series: xr.Dataset, dim: str, position: int) -> str:
    value = series[dim].values[position] if dim in series.coords else position
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)
