"""The best parameters, their covariance, and all that is needed to judge them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.solver.necessity import replaceable
from surfspec.fitting.solver.objective import Objective, Problem, bounded
from surfspec.fitting.solver.polish import NULL_SINGULAR_VALUE, End, Limits

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Difference in cost (deviance) below which two ends of a fit are equally good.
EQUALLY_GOOD = 1.0
#: An amplitude is distinct from zero from this many standard uncertainties on.
DETECTED = 3.0
#: Distance in standard uncertainties from which two ends are different answers.
DIFFERENT = 3.0


@dataclass(frozen=True)
class Solution:
    """The best parameters and everything needed to judge them.

    Attributes
    ----------
    names, values, uncertainties
        Parameters in the problem's order; NaN uncertainty where not determined, 0 where fixed.
    covariance
        Shape (p, p): inverse Fisher matrix plus the share of nuisances (background anchors).
    converged
        The next step to the minimum is shorter than 1e-5 standard uncertainties in every parameter;
        says nothing about the fit's quality.
    at_bound
        Parameters that lie on a limit that is no physical answer.
    undetermined
        Parameters that the data do not fix (null directions of the Jacobian).
    start_dependent
        Another start reached an equally good but different answer; ``unsettled`` names the parameters that differ.
    chi2, deviance, dof
        Pearson's chi-square, the deviance (equal to chi2 unless Poisson), degrees of freedom.
    scale
        Factor applied to the covariance: 1, or reduced chi-square where the statistics are unknown.
    insignificant
        Parameters with a natural lower limit that lie within three standard uncertainties of it while
        others lose their meaning there: the area of a peak that may be none, whose centre is then none.
    replaceable
        Amplitudes that the others can make up for, as one wider peak does for a close pair, and by how much (at most)
        the deviance rises without them, in units of `scale`: see :mod:`surfspec.fitting.solver.necessity`.
    """

    names: tuple[str, ...]
    values: Array
    uncertainties: Array
    covariance: Array
    fitted: Array
    pulls: Array
    converged: bool
    at_bound: tuple[str, ...]
    undetermined: tuple[str, ...]
    start_dependent: bool
    chi2: float
    deviance: float
    dof: int
    evaluations: int
    statistics: str
    scale: float = 1.0
    insignificant: tuple[str, ...] = ()
    replaceable: tuple[tuple[str, float], ...] = ()
    unsettled: tuple[str, ...] = ()


def describe(
    problem: Problem,
    goal: Objective,
    limits: Limits,
    end: End,
    *,
    nuisance: Array | None,
    evaluations: int,
    others: Sequence[tuple[Array, float]],
    doubt: Collection[str] | None = None,
) -> Solution:
    """Return the solution of a fit that ended at `end`; `others` are values and cost of the other starts' ends."""
    weight = goal.weight(end.model)
    pulls = -goal.difference(end.model) * weight
    residual, _ = goal.residuals(end.model)
    chi2, deviance = float(np.sum(bounded(pulls) ** 2)), float(np.sum(bounded(residual) ** 2))
    on_low, on_high = limits.touched(end.values)
    natural = np.array([p.natural_low for p in problem.parameters], dtype=bool) & on_low
    bound = (on_low | on_high) & limits.free & ~natural
    active = limits.free & ~bound
    dof = max(1, int(goal.y.size - np.count_nonzero(active)))
    scale = chi2 / dof if goal.statistics == "unknown" else 1.0
    covariance, undetermined = _covariance(end.jacobian, weight, active, scale, nuisance)
    settled = end.converged and bool(np.all(np.isfinite(end.model)))
    variance = np.diag(covariance)
    uncertainties = np.sqrt(np.where(variance >= 0, variance, np.nan))
    names = tuple(p.name for p in problem.parameters)
    unsettled = _unsettled(end, others, uncertainties, limits.free, scale)
    return Solution(
        names=names,
        values=end.values,
        uncertainties=uncertainties,
        covariance=covariance,
        fitted=np.asarray(end.model, dtype=np.float64),
        pulls=pulls / np.sqrt(scale) if scale > 0 else pulls,
        converged=settled,
        at_bound=tuple(np.array(names)[bound].tolist()),
        undetermined=tuple(np.array(names)[undetermined].tolist()),
        start_dependent=bool(np.any(unsettled)),
        chi2=chi2,
        deviance=deviance,
        dof=dof,
        evaluations=evaluations,
        statistics=goal.statistics,
        scale=scale,
        insignificant=_insignificant(problem, limits, end, uncertainties),
        replaceable=replaceable(problem, goal, limits, end, covariance, scale, doubt) if settled else (),
        unsettled=tuple(np.array(names)[unsettled].tolist()),
    )


def _insignificant(problem: Problem, limits: Limits, end: End, uncertainties: Array) -> tuple[str, ...]:
    """Return the names of amplitudes that are not distinct from zero."""
    found = []
    lives = np.any(end.jacobian != 0, axis=0)
    for i, one in enumerate(problem.parameters):
        if not (one.vary and one.natural_low) or not end.values[i] - one.low < DETECTED * uncertainties[i]:
            continue
        without = end.values.copy()
        without[i] = one.low
        dies = lives & ~np.any(problem.jacobian(without) != 0, axis=0) & limits.free
        if np.any(dies):
            found.append(one.name)
    return tuple(found)


def _covariance(
    jacobian: Array, weight: Array, active: Flags, scale: float, nuisance: Array | None
) -> tuple[Array, Flags]:
    """Invert the Fisher matrix; NaN where the data fix nothing, 0 where nothing was free."""
    count = jacobian.shape[1]
    covariance = np.zeros((count, count))
    undetermined = np.zeros(count, dtype=bool)
    position = np.flatnonzero(active)
    columns = weight[:, None] * jacobian[:, position]
    size = np.sqrt(np.sum(columns**2, axis=0))
    dead = ~(size > 0) | ~np.isfinite(size)
    undetermined[position[dead]] = True
    position, columns, size = position[~dead], columns[:, ~dead], size[~dead]
    if position.size:
        _, singular, axes = np.linalg.svd(columns / size, full_matrices=False)
        null = singular < NULL_SINGULAR_VALUE * singular[0]
        lost = np.any(np.abs(axes[null]) > 0.1, axis=0) if np.any(null) else np.zeros(position.size, dtype=bool)
        inverse = (axes[~null].T / singular[~null] ** 2) @ axes[~null]
        share = scale * inverse / np.outer(size, size)
        if nuisance is not None and nuisance.size:
            moved = (inverse / np.outer(size, size)) @ (columns.T @ (weight[:, None] * nuisance.T))
            share = share + moved @ moved.T
        covariance[np.ix_(position, position)] = share
        undetermined[position[lost]] = True
    for i in np.flatnonzero(undetermined):
        covariance[i, :] = np.nan
        covariance[:, i] = np.nan
    return covariance, undetermined


def _unsettled(
    end: End, others: Sequence[tuple[Array, float]], uncertainties: Array, free: Flags, scale: float
) -> Flags:
    """Say which parameters are others at an end that is as good."""
    unit = np.where(uncertainties > 0, uncertainties, np.inf)
    out = np.zeros(end.values.size, dtype=bool)
    for values, cost in others:
        if cost - end.cost <= EQUALLY_GOOD * scale:
            out |= free & (np.abs(values - end.values) / unit > DIFFERENT)
    return out
