"""The end of a fit: Gauss-Newton steps to the last digit, and the test of convergence.

A trust region stops when the cost no longer falls, which leaves the parameters half the digits
that the data hold. From there a few steps of Gauss and Newton, on the exact Jacobian and with
the parameters on their limits held, reach the minimum to rounding; the length of the last one, in
standard uncertainties, says whether it is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.model import Parameter
from surfspec.fitting.solver.objective import Objective, Problem, bounded

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: A step this short, in standard uncertainties (scaled by the scatter of the residuals), ends the polishing.
FINISHED = 1e-9
#: The longest step from a point that still counts as the minimum, in the same unit.
CONVERGED = 1e-5
#: Rounding errors of the model, in units of its last bit, that a step may come from.
ROUNDING_BITS = 16
#: Steps at most, and halvings of one step.
PASSES = 25
HALVINGS = 12
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
    model: Array
    jacobian: Array
    cost: float
    converged: bool
    evaluations: int


@dataclass(frozen=True)
class _Step:
    """A Gauss-Newton step in all parameters, and its length in units of what the data determine."""

    change: Array
    length: float
    held: Flags


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
    halving) and 2.2.3 (convergence relative to the uncertainty).
    """
    values = start
    model = problem.evaluate(values)
    cost = objective.cost(model)
    jacobian = problem.jacobian(values)
    evaluations = 1
    step = _gauss_newton(objective, limits, values, model, jacobian)
    for _ in range(PASSES):
        if not np.isfinite(cost) or step.length <= FINISHED:
            break
        trial = _descend(problem, objective, limits, values, cost, step)
        evaluations += trial[3]
        if trial[0] is None:
            break
        moved_jacobian = problem.jacobian(trial[0])
        moved = _gauss_newton(objective, limits, trial[0], trial[1], moved_jacobian)
        stalled = trial[2] >= cost and moved.length >= step.length and moved.length <= CONVERGED
        if stalled:
            break
        values, model, cost, jacobian, step = trial[0], trial[1], trial[2], moved_jacobian, moved
    converged = bool(np.isfinite(cost) and np.all(np.isfinite(jacobian)) and step.length <= CONVERGED)
    return End(values, model, jacobian, cost, converged, evaluations)


def _descend(
    problem: Problem, objective: Objective, limits: Limits, values: Array, cost: float, step: _Step
) -> tuple[Array | None, Array, float, int]:
    """Halve the step until the cost does not rise (beyond its rounding)."""
    slack = 1e-13 * cost
    low, high = limits.touched(values)
    settled = np.where(step.held & low, limits.low, np.where(step.held & high, limits.high, values))
    for halving in range(HALVINGS):
        trial = np.clip(settled + step.change / 2**halving, limits.low, limits.high)
        trial = np.where(limits.free, trial, values)
        model = problem.evaluate(trial)
        new = objective.cost(model)
        if new <= cost + slack:
            return trial, model, new, halving + 1
    return None, values, cost, HALVINGS


def _gauss_newton(objective: Objective, limits: Limits, values: Array, model: Array, jacobian: Array) -> _Step:
    residual, slope = objective.residuals(model)
    columns = bounded(slope[:, None] * jacobian)
    residual = bounded(residual)
    low, high = limits.touched(values)
    gradient = columns.T @ residual
    held = limits.free & ((low & (gradient >= 0)) | (high & (gradient <= 0)))
    size = np.sqrt(np.sum(columns**2, axis=0))
    active = np.flatnonzero(limits.free & ~held & (size > 0))
    change = np.zeros(values.size)
    if not active.size:
        return _Step(change, 0.0, held)
    left, singular, axes = np.linalg.svd(columns[:, active] / size[active], full_matrices=False)
    keep = singular > NULL_SINGULAR_VALUE * singular[0]
    projected = left[:, keep].T @ residual
    change[active] = -(axes[keep].T @ (projected / singular[keep])) / size[active]
    unit = np.sqrt(np.sum((axes[keep] / singular[keep, None]) ** 2, axis=0)) / size[active]
    scatter = np.sqrt(np.sum(residual**2) / max(1, residual.size - active.size))
    rounding = ROUNDING_BITS * np.finfo(np.float64).eps * np.sqrt(np.mean((slope * model) ** 2))
    # a step from rounding alone has no length; one that the data ask for is measured in their scatter
    excess = np.maximum(np.abs(change[active]) - rounding * unit, 0.0)
    length = float(np.max(excess / np.maximum(scatter * unit, np.finfo(np.float64).tiny)))
    return _Step(change, length if np.isfinite(length) else np.inf, held)
