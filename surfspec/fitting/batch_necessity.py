"""Which amplitudes of batched fits the data do not need: few members are in doubt, and only those are asked."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.batch import BatchSolution
from surfspec.fitting.batch_members import Links
from surfspec.fitting.solver.necessity import CERTAIN, SHARED, replaceable
from surfspec.fitting.solver.objective import Objective, Problem, count_floor
from surfspec.fitting.solver.polish import End, Limits
from surfspec.fitting.solver.priors import WithPriors, has_priors

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: A lone amplitude beyond this many standard uncertainties is needed: nothing else could make up for it, so that the
#: deviance without it rises by about the square, far above every threshold of the likelihood ratio.
LONE: Final = 8.0
#: Part of the threshold on the shared variance from which a member is asked; the exact threshold is the solver's.
NEAR: Final = 0.8


def replaceable_areas(batch: BatchSolution, contribution: Array, fitted: Array) -> list[tuple[tuple[str, float], ...]]:
    """Return for every member what ``Solution.replaceable`` is for one.

    Parameters
    ----------
    batch
        What was solved, m members.
    contribution, fitted
        Components and models of the members, shapes (m, k, n) and (m, n).

    Returns
    -------
    list
        For each member the areas that the data do not need, with the rise of the deviance without each; see
        :mod:`surfspec.fitting.solver.necessity`.
    """
    out: list[tuple[tuple[str, float], ...]] = [()] * len(batch)
    for i in np.flatnonzero(_doubted(batch, contribution, fitted).any(axis=1)).tolist():
        problem, goal = _held(batch, i)
        limits = Limits.of(problem.parameters)
        model, jacobian = problem.evaluate(batch.values[i]), problem.jacobian(batch.values[i])
        end = End(batch.values[i], model, jacobian, goal.cost(model), converged=True, evaluations=0)
        out[i] = replaceable(problem, goal, limits, end, batch.covariance[i], float(batch.scale[i]))
    return out


def _held(batch: BatchSolution, i: int) -> tuple[Problem, Objective]:
    """Return the problem of a member with its priors, if it has any, and what is minimised."""
    problem, goal = batch.inputs.problem(i), batch.inputs.objective(i)
    if not has_priors(problem.parameters):
        return problem, goal
    held = WithPriors(problem, counts=batch.statistics == "poisson", relative=float(batch.scale[i]))
    return held, held.goal(goal)


def _doubted(batch: BatchSolution, contribution: Array, fitted: Array) -> Mask:
    """Say which parameters are areas that others might make up for, shape (m, p)."""
    parameters = batch.inputs.parameters
    links = Links.of(batch.inputs.model, len(parameters))
    areas = links.areas_of(batch.values)
    out = np.zeros(batch.values.shape, dtype=bool)
    natural = [i for i, one in enumerate(parameters) if one.vary and one.natural_low and links.area[:, i].any()]
    with np.errstate(invalid="ignore", divide="ignore"):
        alone = np.sum(batch.values[:, natural] > 0, axis=1) < 2
        for i in natural:
            above, unc = batch.values[:, i] - parameters[i].low, batch.uncertainties[:, i]
            faint = (above > 0) & (above < np.where(alone, LONE, CERTAIN) * unc)
            rows = np.flatnonzero(faint & batch.converged & (batch.refused == ""))
            if not rows.size:
                continue
            parts = np.flatnonzero(links.area[:, i])
            column = np.zeros((rows.size, fitted.shape[1]))
            for k in parts:
                column += contribution[rows, k] * (links.area[k, i] / areas[rows, k])[:, None]
            size = np.sum(_weights(batch, fitted, rows) * column**2, axis=1)
            out[rows, i] = unc[rows] ** 2 * size > NEAR * SHARED * batch.scale[rows]
    return out


def _weights(batch: BatchSolution, fitted: Array, rows: NDArray[np.intp]) -> Array:
    """Return the squared weights of the points of some members, shape (rows, n)."""
    inputs = batch.inputs
    if batch.statistics != "poisson":
        return np.asarray(inputs.spread(rows) ** -2.0)
    floor = np.array([[count_floor(one)] for one in inputs.y[rows]]).reshape(-1, 1)
    return np.asarray(1.0 / np.maximum(fitted[rows], floor))
