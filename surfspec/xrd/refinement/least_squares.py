r"""Weighted least squares of a pattern: amplitudes and background by projection, the rest by damped Gauss-Newton steps.

.. math:: \min_{x}\ \min_{a \ge 0,\, b}\ \sum_i w_i\,(y_i - \sum_k a_k c_{ki}(x) - \sum_l b_l B_{li})^2 + \text{priors}

(variable projection with the approximation of Kaufman 1975, BIT 15, 49; damping of Marquardt 1963,
J. Soc. Ind. Appl. Math. 11, 431; parameters on a limit whose gradient points outwards rest).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from surfspec.xrd.refinement.parameters import Parameters
from surfspec.xrd.refinement.phase_model import REACH, Drawn, PhaseModel, draw, slopes

Array = NDArray[np.float64]

#: A step that lowers the cost by less than this share of the reduced cost is the last one: parameters then lie within
#: a tenth of their uncertainties.
SETTLED = 0.01
LARGEST_DAMPING = 1e8


@dataclass(frozen=True)
class Data:
    """A pattern to fit.

    Attributes
    ----------
    x, y
        2 theta (deg) and intensity, shape (n,).
    weight
        1/sigma, shape (n,).
    basis
        Columns of the background, shape (n, k).
    plane
        Orthonormal columns of the weighted background.
    blur
        FWHM (deg) of the Gaussian that `y` was smoothed with.
    reach
        Half width of drawn lines, FWHM.
    """

    x: Array
    y: Array
    weight: Array
    basis: Array
    plane: Array
    blur: float = 0.0
    reach: float = REACH

    def project(self, values: Array) -> Array:
        """Weight values and take out what the background can do."""
        weighted = values * (self.weight if values.ndim == 1 else self.weight[:, None])
        return np.asarray(weighted - self.plane @ (self.plane.T @ weighted))


def data(x: Array, y: Array, variance: Array, basis: Array, *, blur: float = 0.0, reach: float = REACH) -> Data:
    """Make the data of a fit."""
    weight = 1.0 / np.sqrt(variance)
    plane, _ = np.linalg.qr(basis * weight[:, None])
    return Data(x, y, weight, basis, plane, blur, reach)


@dataclass(frozen=True)
class State:
    """Where a fit stands: parameters, amplitudes of all phases one after the other, curves and cost."""

    parameters: Parameters
    amplitudes: Array
    drawn: tuple[Drawn, ...]
    calculated: Array
    background: Array
    chi2: float
    cost: float

    def amplitudes_of(self, models: Sequence[PhaseModel], number: int) -> Array:
        """Return the amplitudes of one phase."""
        start = sum(one.count for one in models[:number])
        return self.amplitudes[start : start + models[number].count]


def evaluate(models: Sequence[PhaseModel], parameters: Parameters, fitted: Data) -> State:
    """Fit amplitudes (not negative) and background at given parameters."""
    drawn = tuple(
        draw(one, fitted.x, parameters.of_phase(i), parameters.factors(i), fitted.blur, fitted.reach)
        for i, one in enumerate(models)
    )
    columns = np.concatenate([one.columns for one in drawn], axis=1)
    projected, target = fitted.project(columns), fitted.project(fitted.y)
    norm = np.linalg.norm(projected, axis=0)
    norm = np.where(norm > 1e-12 * norm.max(initial=0.0), norm, np.inf)
    reduced, triangle = np.linalg.qr(projected / norm)
    scaled, _ = nnls(triangle, reduced.T @ target, maxiter=30 * columns.shape[1] + 100)
    amplitudes = scaled / norm
    calculated = columns @ amplitudes
    rest = (fitted.y - calculated) * fitted.weight
    background = fitted.plane @ (fitted.plane.T @ rest) / fitted.weight
    chi2 = float(np.sum((rest - background * fitted.weight) ** 2))
    known = parameters.free & np.isfinite(parameters.prior_unc)
    pull = (parameters.value[known] - parameters.prior[known]) / parameters.prior_unc[known]
    return State(parameters, amplitudes, drawn, calculated, background, chi2, chi2 + float(pull @ pull))


def jacobian(models: Sequence[PhaseModel], state: State) -> Array:
    """Return the derivatives of the calculated pattern with respect to the free parameters, shape (n, free)."""
    parameters, size = state.parameters, len(state.calculated)
    free = np.flatnonzero(parameters.free)
    place = {int(i): column for column, i in enumerate(free)}
    out = np.zeros((size, len(free)))
    for number, one in enumerate(models):
        mine = {i: column for i, column in place.items() if parameters.owner[i] in (-1, number)}
        wanted = {parameters.roles[i] for i in mine}
        found = slopes(one, state.drawn[number], state.amplitudes_of(models, number), size, wanted)
        for i, column in mine.items():
            out[:, column] += found[parameters.roles[i]]
    return out


def minimise(models: Sequence[PhaseModel], state: State, fitted: Data, steps: int = 20) -> tuple[State, bool]:
    """Take damped Gauss-Newton steps until the cost settles; returns the state, and whether it settled."""
    damping = 1e-3
    if not np.any(state.parameters.free):
        return state, True
    settled = SETTLED * max(state.cost / len(fitted.x), 1.0)
    for _ in range(steps):
        slope = fitted.project(jacobian(models, state))
        used = state.amplitudes > 0
        columns = np.concatenate([one.columns for one in state.drawn], axis=1)[:, used]
        basis, _ = np.linalg.qr(fitted.project(columns))
        slope = slope - basis @ (basis.T @ slope)
        residual = fitted.project(fitted.y - state.calculated)
        free = state.parameters.free
        stiff = state.parameters.prior_unc[free] ** -2.0
        gradient = slope.T @ residual - stiff * (state.parameters.value[free] - state.parameters.prior[free])
        normal = slope.T @ slope + np.diag(stiff)
        better, damping = _step(models, state, fitted, normal, gradient, damping)
        if better is None:
            return state, True
        gain, state = state.cost - better.cost, better
        if gain < settled:
            return state, True
    return state, False


def _step(
    models: Sequence[PhaseModel], state: State, fitted: Data, normal: Array, gradient: Array, damping: float
) -> tuple[State | None, float]:
    table = state.parameters
    free = np.flatnonzero(table.free)
    value, low, high = table.value[free], table.low[free], table.high[free]
    resting = ((value <= low) & (gradient < 0)) | ((value >= high) & (gradient > 0)) | (np.diag(normal) <= 0)
    moving = np.flatnonzero(~resting)
    if not len(moving):
        return None, damping
    matrix, pull = normal[np.ix_(moving, moving)], gradient[moving]
    scale = 1.0 / np.sqrt(np.diag(matrix))
    scaled = matrix * np.outer(scale, scale)
    while damping < LARGEST_DAMPING:
        step = scale * np.linalg.solve(scaled + damping * np.eye(len(moving)), scale * pull)
        new = table.value.copy()
        new[free[moving]] += step
        trial = evaluate(models, table.with_values(new), fitted)
        if np.isfinite(trial.cost) and trial.cost < state.cost:
            return trial, max(damping * 0.1, 1e-9)
        expected = float(step @ pull)
        if expected < 0.1 * SETTLED * max(state.cost / len(fitted.x), 1.0):
            return None, damping
        damping = max(damping * 10.0, 1e-3)
    return None, damping
