"""Spectra that are fitted together: each with its background, which is lowered below its tails pass by pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from surfspec.errors import SurfspecError
from surfspec.fitting.backgrounds import Background
from surfspec.fitting.linked import SharedFit
from surfspec.fitting.model import BoundModel
from surfspec.fitting.solver import Solution
from surfspec.xps.region.member import TAIL_PASSES, TAIL_TOLERANCE, Array, Member, noise
from surfspec.xps.region.prepare import Prepared


@dataclass(frozen=True)
class Row:
    """One member on its way: its data, the background of the data, that below the tails, the model, the values."""

    work: Member
    first: Background
    under: Background
    bound: BoundModel
    start: Array
    values: Array

    def data(self) -> Array:
        """Return the intensities inside the window, shape (n,)."""
        return self.work.y[self.work.inside]

    def given(self) -> Array | None:
        """Return the uncertainties that were given for them, shape (n,)."""
        known = self.work.sigma is not None and self.work.task.statistics == "given"
        return self.work.sigma[self.work.inside] if known and self.work.sigma is not None else None

    def nuisance(self) -> Array:
        """Return what one standard deviation of each end level changes, shape (k, n)."""
        change = self.work.nuisance(self.under, self.first.anchor_unc)
        return np.zeros((0, self.bound.x.size)) if change is None else change

    def anchored(self) -> Background:
        """Return the last background with the end levels of the data."""
        return replace(self.under, anchors=self.first.anchors, anchor_unc=self.first.anchor_unc)

    def below_tails(self, values: Array) -> Row:
        """Return the member with its end levels below the tails that the peaks have with these values."""
        if not self.work.lowers(self.first):
            return replace(self, values=values)
        under, bound = self.work.below(self.first, self.bound.end_tails(values))
        return replace(self, under=under, bound=bound, values=values)


def first_row(ready: Prepared, x: Array, y: Array, sigma: Array | None) -> Row | str:
    """Fit one member alone, over the background of its data; or say why it was refused."""
    task = ready.task
    if not np.isfinite(y).all():
        return "refused: some intensities are not numbers"
    try:
        work = Member(task, x, y, noise(y, task.statistics, sigma), ready.inside)
        first, bound, starts, solution = work.first()
    except SurfspecError as error:
        return f"refused: {error.message}"
    return Row(work, first, first, bound, starts[0], solution.values)


def settled(
    rows: Sequence[Row], fit: Callable[[Sequence[Row], SharedFit | None], SharedFit]
) -> tuple[list[Row], SharedFit]:
    """Fit rows together, lowering each background below the tails until nothing moves any more.

    Parameters
    ----------
    rows
        The spectra as they were fitted alone.
    fit
        The joint fit of such rows; the one over the backgrounds before is given to it, None at first.

    Returns
    -------
    rows, fit
        The spectra over their last backgrounds, and the last joint fit.
    """
    rows, joint = list(rows), fit(rows, None)
    lowers = any(row.work.lowers(row.first) for row in rows)
    for _ in range(TAIL_PASSES if lowers else 0):
        before = joint
        rows = [row.below_tails(solution.values) for row, solution in zip(rows, before.solutions, strict=True)]
        joint = fit(rows, before)
        if max(_moved(a, b) for a, b in zip(before.solutions, joint.solutions, strict=True)) < TAIL_TOLERANCE:
            break
    return rows, joint


def _moved(before: Solution, after: Solution) -> float:
    unit = np.where(after.uncertainties > 0, after.uncertainties, np.inf)
    return float(np.max(np.abs(after.values - before.values) / unit))
