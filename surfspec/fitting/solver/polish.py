"""The end of a fit: Gauss-Newton steps to the last digit, and the test of convergence.

A trust region stops when the cost no longer falls, which leaves the parameters half the digits
that the data hold. From there a few steps of Gauss and Newton, on the exact Jacobian and with
the parameters on their limits held, reach the minimum to rounding; the length of the last one, in
standard uncertainties, says whether it is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.model import Parameter
from surfspec.fitting.solver.objective import Objective, Precise, Problem, bounded

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: A step this short, in standard uncertainties (scaled by the scatter of the residuals), ends the polishing.
FINISHED = 1e-8
#: The longest step from a point that still counts as the minimum, in the same unit.
CONVERGED = 1e-5
#: Rounding errors of the model, in units of its last bit, that a step may come from.
ROUNDING_BITS = 16
#: Steps at most, halvings of one step, and earlier steps that are mixed into the next.
PASSES = 25
HALVINGS = 12
MIXED = 5
#: A parameter this close to a limit, in units of its range (or of its size), lies on it.
ON_BOUND = 1e-6
#: Singular values below this, relative to the largest of the normalised Jacobian, are null.
NULL_SINGULAR_VALUE = 1e-7


@dataclass(frozen=True)
class Limits:
    """Which parameters move, and between what."""

    free: Flags
    low: Array
    high: Array

    @classmethod
    def of(cls, parameters: tuple[Parameter, ...]) -> Limits:
        """Return the limits of a problem's parameters."""
        return cls(
            np.array([p.vary for p in parameters], dtype=bool),
            np.array([p.low for p in parameters], dtype=np.float64),
            np.array([p.high for p in parameters], dtype=np.float64),
        )

    def touched(self, values: Array) -> tuple[Flags, Flags]:
        """Return which parameters lie on their lower and on their upper limit."""
        span = np.where(np.isfinite(self.high - self.low), self.high - self.low, np.maximum(1.0, np.abs(values)))
        return values - self.low <= ON_BOUND * span, self.high - values <= ON_BOUND * span


@dataclass(frozen=True)
class End:
    """Where a fit arrived: the state there, and whether it is a minimum."""

    values: Array
    model: Precise
    jacobian: Array
    cost: float
    converged: bool
    evaluations: int


@dataclass(frozen=True)
class State:
    """A point of the descent: cost, and the Gauss-Newton step, its length in standard uncertainties and its gain."""

    values: Array
    model: Precise
    jacobian: Array
    cost: float
    change: Array
    unit: Array
    length: float
    held: Flags
    gain: float


def polish(problem: Problem, objective: Objective, limits: Limits, start: Array) -> End:
    """Descend from `start` to the minimum beside it.

    Parameters
    ----------
    problem, objective, limits
        What is fitted to what.
    start
        Values near a minimum, shape (p,).

    Returns
    -------
    End
        Never of higher cost than the start; ``converged`` where the next step would be shorter than
        ``CONVERGED`` standard uncertainties in every parameter that the data fix and no limit holds.

    References
    ----------
    Bates and Watts, Nonlinear Regression Analysis and Its Applications (1988), sections 2.2.1 (step
    halving) and 2.2.3 (convergence relative to the uncertainty); Walker and Ni, SIAM J. Numer. Anal. 49
    (2011) 1715 (mixing of steps).
    """
    state = state_at(problem, objective, limits, start)
    evaluations = 1
    path: list[State] = []
    for _ in range(PASSES):
        if not np.isfinite(state.cost) or state.length <= FINISHED:
            break
        path = [one for one in path if np.array_equal(one.held, state.held)][-MIXED:]
        trial, count = descend(problem, objective, limits, state, _mixed(state, path))
        evaluations += count
        if trial is None:
            break
        moved = state_at(problem, objective, limits, trial)
        if moved.cost >= state.cost and state.length <= moved.length <= CONVERGED:
            break
        path.append(state)
        state = moved
    converged = bool(np.isfinite(state.cost) and np.all(np.isfinite(state.jacobian)) and state.length <= CONVERGED)
    return End(state.values, state.model, state.jacobian, state.cost, converged, evaluations)


def _mixed(state: State, path: list[State]) -> Array | None:
    """Return the step that the last ones together ask for (Anderson): it mends their slow or overlong series."""
    if not path:
        return None
    unit = np.where(state.unit > 0, state.unit, np.inf)
    chain = [*path, state]
    steps = np.stack([(b.change - a.change) / unit for a, b in pairwise(chain)], axis=1)
    moves = np.stack([(b.values - a.values) / unit for a, b in pairwise(chain)], axis=1)
    weights = np.linalg.lstsq(steps, state.change / unit, rcond=1e-8)[0]
    mixed = state.change / unit - (moves + steps) @ weights
    return np.where(state.unit > 0, mixed * state.unit, 0.0)


def descend(
    problem: Problem, objective: Objective, limits: Limits, state: State, mixed: Array | None
) -> tuple[Array | None, int]:
    """Return values of no higher cost (beyond its rounding): by the mixed step, or the plain one, halved."""
    slack = 1e-13 * state.cost
    low, high = limits.touched(state.values)
    settled = np.where(state.held & low, limits.low, np.where(state.held & high, limits.high, state.values))
    changes = [] if mixed is None else [mixed]
    changes += [state.change / 2**halving for halving in range(HALVINGS)]
    for count, change in enumerate(changes, start=1):
        trial = np.where(limits.free, np.clip(settled + change, limits.low, limits.high), state.values)
        if objective.cost(problem.evaluate(trial)) <= state.cost + slack:
            return trial, count
    return None, len(changes)


def state_at(problem: Problem, objective: Objective, limits: Limits, values: Array) -> State:
    """Return where the fit stands at `values`, with the Gauss-Newton step from there."""
    model = problem.evaluate(values)
    jacobian = problem.jacobian(values)
    residual, slope = objective.residuals(model)
    columns = bounded(slope[:, None] * jacobian)
    residual = bounded(residual)
    low, high = limits.touched(values)
    gradient = columns.T @ residual
    held = limits.free & ((low & (gradient >= 0)) | (high & (gradient <= 0)))
    size = np.sqrt(np.sum(columns**2, axis=0))
    active = np.flatnonzero(limits.free & ~held & (size > 0))
    change, unit, length, gain = np.zeros(values.size), np.zeros(values.size), 0.0, 0.0
    if active.size:
        left, singular, axes = np.linalg.svd(columns[:, active] / size[active], full_matrices=False)
        keep = singular > NULL_SINGULAR_VALUE * singular[0]
        projected = left[:, keep].T @ residual
        gain = float(projected @ projected)
        change[active] = -(axes[keep].T @ (projected / singular[keep])) / size[active]
        scatter = np.sqrt(np.sum(residual**2) / max(1, residual.size - active.size))
        width = np.sqrt(np.sum((axes[keep] / singular[keep, None]) ** 2, axis=0)) / size[active]
        unit[active] = scatter * width
        # a step that rounding alone may cause has no length; one that the data ask for is measured in their scatter
        size_of_model = np.sqrt(np.mean(bounded(slope * np.asarray(model, dtype=np.float64)) ** 2))
        rounding = ROUNDING_BITS * objective.rounding(model) * size_of_model
        excess = np.maximum(np.abs(change[active]) - rounding * width, 0.0)
        length = float(np.max(excess / np.maximum(unit[active], np.finfo(np.float64).tiny)))
    length = length if np.isfinite(length) else np.inf
    return State(values, model, jacobian, objective.cost(model), change, unit, length, held, gain)
