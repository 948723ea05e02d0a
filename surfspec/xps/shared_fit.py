"""Fit a series with some parameters in common: one width, one splitting, one centre for all members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import product

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError, SurfspecError
from surfspec.fitting.backgrounds import Background
from surfspec.fitting.model import BoundModel
from surfspec.fitting.result import MemberFit, empty_member
from surfspec.fitting.shared import SharedFit, fit_shared
from surfspec.fitting.solver import Solution
from surfspec.xps.member import TAIL_PASSES, TAIL_TOLERANCE, Member, Task, noise
from surfspec.xps.member_fit import judged
from surfspec.xps.prepare import Prepared

Array = NDArray[np.float64]
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
        rows = [_row(ready, x, y[index], None if given is None else given[index]) for index in group]
        for index, member in zip(group, _fit_group(ready, rows, shared), strict=True):
            done[index] = member
            if progress is not None:
                progress(len(done), int(np.prod(sizes)))
    return [done[index] for index in np.ndindex(*sizes)]


def _known(task: Task, shared: Sequence[str], dims: Sequence[str], over: str | None) -> None:
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


@dataclass(frozen=True)
class _Row:
    """One member on its way: its data, the background of the data, that below the tails, the model, the values."""

    work: Member
    first: Background
    under: Background
    bound: BoundModel
    start: Array
    values: Array

    def anchored(self) -> Background:
        """Return the last background with the end levels of the data."""
        return replace(self.under, anchors=self.first.anchors, anchor_unc=self.first.anchor_unc)

    def below_tails(self, values: Array) -> _Row:
        """Return the member with its end levels below the tails that the peaks have with these values."""
        if not self.work.lowers(self.first):
            return replace(self, values=values)
        under, bound = self.work.below(self.first, self.bound.end_tails(values))
        return replace(self, under=under, bound=bound, values=values)


def _row(ready: Prepared, x: Array, y: Array, sigma: Array | None) -> _Row | str:
    """Fit one member alone, over the background of its data; or say why it was refused."""
    task = ready.task
    if not np.isfinite(y).all():
        return "refused: some intensities are not numbers"
    try:
        work = Member(task, x, y, noise(y, task.statistics, sigma), ready.inside)
        first, bound, starts, solution = work.first()
    except SurfspecError as error:
        return f"refused: {error.message}"
    return _Row(work, first, first, bound, starts[0], solution.values)


def _fit_group(ready: Prepared, rows: Sequence[_Row | str], shared: Sequence[str]) -> list[MemberFit]:
    """Fit the members of a group together; those that were refused take no part."""
    task, model = ready.task, ready.task.table.model
    usable = [row for row in rows if not isinstance(row, str)]
    fitted = iter(_iterate(task, usable, shared) if usable else ())
    points = int(np.count_nonzero(ready.inside))
    return [
        empty_member(points, len(model.components), model.parameters, (row,)) if isinstance(row, str) else next(fitted)
        for row in rows
    ]


def _iterate(task: Task, rows: Sequence[_Row], shared: Sequence[str]) -> list[MemberFit]:
    """Fit all members together, lowering each background below the tails until nothing moves any more."""
    joint = _joint(task, rows, shared)
    lowers = any(row.work.lowers(row.first) for row in rows)
    for _ in range(TAIL_PASSES if lowers else 0):
        before = joint.solutions
        rows = [row.below_tails(solution.values) for row, solution in zip(rows, before, strict=True)]
        joint = _joint(task, rows, shared)
        if max(_moved(a, b) for a, b in zip(before, joint.solutions, strict=True)) < TAIL_TOLERANCE:
            break
    return [
        judged(task, row.anchored(), row.bound, replace(member, start=row.start), one, joint.reasons)
        for row, member, one in zip(rows, joint.members, joint.solutions, strict=True)
    ]


def _moved(before: Solution, after: Solution) -> float:
    unit = np.where(after.uncertainties > 0, after.uncertainties, np.inf)
    return float(np.max(np.abs(after.values - before.values) / unit))


def _joint(task: Task, rows: Sequence[_Row], shared: Sequence[str]) -> SharedFit:
    none = np.zeros((0, rows[0].bound.x.size))
    changes = [row.work.nuisance(row.under, row.first.anchor_unc) for row in rows]
    given = [row.work.sigma[row.work.inside] for row in rows if row.work.sigma is not None]
    return fit_shared(
        [row.bound for row in rows],
        [row.work.y[row.work.inside] for row in rows],
        shared=shared,
        statistics=task.statistics,
        sigma=given if task.statistics == "given" else None,
        nuisance=[none if change is None else change for change in changes],
        starts=[row.values for row in rows],
    )
