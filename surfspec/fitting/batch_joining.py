"""What a fit of several passes needs from batched solutions: tails at the end levels, later answers over earlier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.batch.inputs import Inputs
from surfspec.fitting.batch.solution import BatchSolution
from surfspec.fitting.batch_members import Links
from surfspec.fitting.batch_profiles import write_values
from surfspec.fitting.solver.solution import DETECTED

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Fields of a solution with one row a member.
_ROWS: Final = (
    "values", "uncertainties", "covariance", "converged", "at_bound", "undetermined", "unsettled", "chi2",
    "deviance", "dof", "scale", "passes", "single", "refused",
)  # fmt: skip


def end_tails(batch: BatchSolution) -> Array:
    """Return the mean of the peaks' sum over the points of each end level, for every member.

    Parameters
    ----------
    batch
        Solved with end levels that give way to the peaks.

    Returns
    -------
    numpy.ndarray
        Shape (m, 2), NaN where a member was not fitted; see :meth:`surfspec.fitting.BoundModel.end_tails`.
    """
    inputs, links = batch.inputs, Links.of(batch.inputs.model, len(batch.inputs.parameters))
    low, high = (inputs.x[:1], inputs.x[-1:]) if inputs.ends is None else inputs.ends
    points = np.concatenate([low, high])
    kept = np.asarray(np.isfinite(batch.values).all(axis=1))
    values = np.where(kept[:, None], batch.values, [one.value for one in inputs.parameters])
    areas, roles = links.areas_of(values), links.roles_of(values)
    total, one = np.zeros((len(batch), points.size)), np.empty((len(batch), points.size))
    for k, name in enumerate(links.shapes):
        write_values(name, points, areas[:, k], roles[k], one)
        total += one
    total[~kept] = np.nan
    return np.stack([total[:, : low.size].mean(axis=1), total[:, low.size :].mean(axis=1)], axis=1)


def laid_over(
    batch: BatchSolution, rows: NDArray[np.intp], later: BatchSolution, take: NDArray[np.intp] | None = None
) -> BatchSolution:
    """Return the solution with some members replaced by those of a later one, data included.

    Parameters
    ----------
    batch
        Solution of all members.
    rows
        Which members were solved again.
    later
        Solution of those.
    take
        Which of the later members are taken; by default all.
    """
    taken = np.arange(len(later)) if take is None else take
    rows = rows[taken]
    changed: dict[str, Any] = {}
    for name in _ROWS:
        both = np.array(getattr(batch, name))
        both[rows] = getattr(later, name)[taken]
        changed[name] = both
    return replace(batch, inputs=_inputs_over(batch.inputs, rows, later.inputs, taken), **changed)


def _inputs_over(first: Inputs, rows: NDArray[np.intp], later: Inputs, taken: NDArray[np.intp]) -> Inputs:
    def over(name: str, tail: int) -> Array | None:
        """Lay one array over the other, each with or without the dimension of the members."""
        new, old = getattr(later, name), getattr(first, name)
        if new is None:
            return None if old is None else np.asarray(old)
        shape = (len(first.y), *new.shape[-tail:])
        both = np.zeros(shape) if old is None else np.array(np.broadcast_to(old, shape))
        both[rows] = new if new.ndim == tail else new[taken]
        return both

    base = over("base", 1)
    return replace(
        first,
        base=first.base if base is None else base,
        sensitivity=over("sensitivity", 2),
        tails=over("tails", 1),
        nuisance=over("nuisance", 2),
    )


def insignificant_areas(batch: BatchSolution) -> Mask:
    """Say which areas are not distinct from zero while other parameters lose their meaning with them.

    The counterpart of ``Solution.insignificant`` for many members: an area with a natural lower limit that lies within
    three standard uncertainties of it, and without whose components some parameter moves nothing.

    Parameters
    ----------
    batch
        Any solution.

    Returns
    -------
    numpy.ndarray
        Shape (m, p).
    """
    links = Links.of(batch.inputs.model, len(batch.inputs.parameters))
    factor, offset = links.area, links.area_offset
    uses = np.zeros(factor.shape, dtype=bool)
    for k, roles in enumerate(links.roles):
        uses[k] = (roles != 0).any(axis=0)
    out = np.zeros(batch.values.shape, dtype=bool)
    free = np.array([p.vary for p in batch.inputs.parameters])
    lives = ((_areas(batch.values, factor, offset) != 0)[:, :, None] & uses).any(axis=1)
    for i, one in enumerate(batch.inputs.parameters):
        if not (one.vary and one.natural_low and factor[:, i].any()):
            continue
        with np.errstate(invalid="ignore"):
            near = batch.values[:, i] - one.low < DETECTED * batch.uncertainties[:, i]
        without = batch.values.copy()
        without[:, i] = one.low
        left = (_areas(without, factor, offset) != 0)[:, :, None] & uses
        out[:, i] = near & (lives & ~left.any(axis=1) & free).any(axis=1)
    return out


def _areas(values: Array, factor: Array, offset: Array) -> Array:
    out: Array = (values[:, None, :] * factor).sum(axis=2) + offset
    return out
