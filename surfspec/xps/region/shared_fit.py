"""Fit a series with some parameters in common: one width, one splitting, one centre for all members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches
from itertools import product

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.fitting.result import MemberFit, empty_member
from surfspec.fitting.shared import SharedFit, fit_shared
from surfspec.xps.region.linked_rows import Row, first_row, settled
from surfspec.xps.region.member import Task
from surfspec.xps.region.member_fit import judged
from surfspec.xps.region.prepare import Prepared

Index = tuple[int, ...]


def fit_in_common(
    spectrum: xr.Dataset,
    ready: Prepared,
    shared: Sequence[str],
    over: str | None,
    progress: Callable[[int, int], None] | None,
) -> list[MemberFit]:
    """Fit the members of a series, some parameters having one value along a dimension.

    Parameters
    ----------
    spectrum
        Series with at least one dimension.
    ready
        Recipe, model and window.
    shared
        Names of parameters.
    over
        Series dimension along which they are shared; None for all dimensions.
    progress
        Called with (members done, members in all).

    Returns
    -------
    list of MemberFit
        In C order of the series dimensions. A member that cannot be fitted at all is failed and takes no part.

    Raises
    ------
    InputError
        For an unknown parameter or dimension.
    """
    dims = schema.series_dims(spectrum)
    _known(ready.task, shared, dims, over)
    sizes = [spectrum.sizes[dim] for dim in dims]
    x = np.array(spectrum["binding_energy"].values)
    y = np.asarray(spectrum["intensity"].values, dtype=np.float64)
    given = np.asarray(spectrum["intensity_unc"].values, dtype=np.float64) if "intensity_unc" in spectrum else None
    done: dict[Index, MemberFit] = {}
    for group in _groups(dims, sizes, over):
        rows = [first_row(ready, x, y[index], None if given is None else given[index]) for index in group]
        for index, member in zip(group, _fit_group(ready, rows, shared), strict=True):
            done[index] = member
            if progress is not None:
                progress(len(done), int(np.prod(sizes)))
    return [done[index] for index in np.ndindex(*sizes)]


def _known(task: Task, shared: Sequence[str], dims: Sequence[str], over: str | None) -> None:
    if not isinstance(shared, Sequence) or not all(isinstance(one, str) for one in shared):
        raise InputError(f"shared is {shared!r}", where="shared", remedy="Give a list of names of parameters")
    if isinstance(shared, str):
        raise InputError(f"shared is one text, {shared!r}", where="shared", remedy=f"Give a list, [{shared!r}]")
    names = [p.name for p in task.table.model.parameters if p.vary]
    for one in shared:
        if one not in names:
            near = get_close_matches(str(one), names, n=1, cutoff=0.4)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise InputError(
                f"there is no free parameter {one!r} to share",
                where="shared",
                remedy=f"{hint}Free parameters are {', '.join(names)}",
            )
    if not dims:
        raise InputError("a single spectrum shares nothing", where="shared", remedy="Pass a series, or leave it out")
    if over is not None and over not in dims:
        raise InputError(f"there is no series dimension {over!r}", where="over", remedy=f"Use {', '.join(dims)}")


def _groups(dims: Sequence[str], sizes: Sequence[int], over: str | None) -> list[list[Index]]:
    """Return the indices of the members that share, group by group."""
    if over is None:
        return [list(np.ndindex(*sizes))]
    position = dims.index(over)
    others = [range(1) if i == position else range(size) for i, size in enumerate(sizes)]
    return [
        [(*place[:position], i, *place[position + 1 :]) for i in range(sizes[position])] for place in product(*others)
    ]


def _fit_group(ready: Prepared, rows: Sequence[Row | str], shared: Sequence[str]) -> list[MemberFit]:
    """Fit the members of a group together; those that were refused take no part."""
    task, model = ready.task, ready.task.table.model
    usable = [row for row in rows if not isinstance(row, str)]
    fitted = iter(_iterate(task, usable, shared) if usable else ())
    points = int(np.count_nonzero(ready.inside))
    return [
        empty_member(points, len(model.components), model.parameters, (row,)) if isinstance(row, str) else next(fitted)
        for row in rows
    ]


def _iterate(task: Task, rows: Sequence[Row], shared: Sequence[str]) -> list[MemberFit]:
    """Fit all members together, over backgrounds below their tails, and judge them."""
    rows, joint = settled(rows, lambda now, _: _joint(task, now, shared))
    return [
        judged(task, row.anchored(), row.bound, replace(member, start=row.start), one, joint.reasons)
        for row, member, one in zip(rows, joint.members, joint.solutions, strict=True)
    ]


def _joint(task: Task, rows: Sequence[Row], shared: Sequence[str]) -> SharedFit:
    given = [sigma for sigma in (row.given() for row in rows) if sigma is not None]
    return fit_shared(
        [row.bound for row in rows],
        [row.data() for row in rows],
        shared=shared,
        statistics=task.statistics,
        sigma=given if task.statistics == "given" else None,
        nuisance=[row.nuisance() for row in rows],
        starts=[row.values for row in rows],
    )
