r"""Least-squares fit of all lines of a pattern and its background at once.

.. math:: \sum_i \frac{(y_i - B_i c - \sum_m L_m(x_i))^2}{\sigma_i^2} + \sum_k \frac{(p_k - \pi_k)^2}{s_k^2} \to \min

The second sum holds what a pattern says of its lines as a whole: their widths scatter about a smooth law, and so do
Lorentzian share and asymmetry. A strong line overrides it; a weak or overlapped one leans on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from surfspec.xrd.lines.background_choice import Basis
from surfspec.xrd.lines.line_law import OWN_SHARE, OWN_SKEW, Law, prior_of
from surfspec.xrd.lines.line_model import KINDS, LineValues, Windows, far_tails, peak_of, reach_of, unstack
from surfspec.xrd.lines.normal_equations import covariance_of, damped_step, lone_heights, normal_equations
from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: A group of lines whose chi-square changes by less has settled; groups share the background and never quite agree.
SETTLED = 0.15


@dataclass(frozen=True)
class LineFit:
    """Fitted lines.

    Attributes
    ----------
    lines
        The m lines.
    coefficients
        Of the background columns, shape (k,).
    background, model
        Background, and background with lines, shape (n,).
    far
        Part of the model: tails beyond the reach of the lines, kept fixed during the fit.
    covariance
        Of coefficients and active line values, shape (k + p, k + p).
    active
        Which of the 5 m line values were free, shape (5 m,).
    jacobian
        Derivatives of the lines at the solution, sparse (n, 5 m).
    weight
        1 / variance used, shape (n,).
    prior_spread
        Standard deviations of the priors (infinite for heights).
    alone
        Standard uncertainty of each height if the line stood alone on a known background, shape (m,).
    """

    lines: LineValues
    coefficients: Array
    background: Array
    model: Array
    far: Array
    covariance: Array
    active: Mask
    jacobian: csc_array
    weight: Array
    prior_spread: LineValues
    alone: Array

    def sharing(self) -> Array:
        """Factor by which neighbours and background raise the uncertainty of each height, shape (m,)."""
        return np.asarray(self.spread().height / np.maximum(self.alone, 1e-300))

    def line_covariance(self, line: int) -> Array:
        """Covariance of the five values of one line, zero for those that were fixed, shape (5, 5)."""
        count, base = len(self.lines.height), len(self.coefficients)
        place = np.cumsum(self.active) - 1 + base
        full = np.zeros((KINDS, KINDS))
        at = np.arange(KINDS) * count + line
        free = self.active[at]
        rows = place[at[free]]
        full[np.ix_(free, free)] = self.covariance[np.ix_(rows, rows)]
        return full

    def only(self, order: NDArray[np.int64]) -> LineFit:
        """Return the same fit with its lines, or some of them, in another order; background and model stay."""
        count, base = len(self.lines.height), len(self.coefficients)
        columns = np.concatenate([order + kind * count for kind in range(5)])
        place = np.cumsum(self.active) - 1 + base
        active = self.active[columns]
        rows = np.concatenate([np.arange(base), place[columns][active]])
        return replace(
            self, lines=self.lines.take(order), active=active, covariance=self.covariance[np.ix_(rows, rows)],
            jacobian=self.jacobian[:, columns], prior_spread=self.prior_spread.take(order), alone=self.alone[order],
        )  # fmt: skip

    def spread(self) -> LineValues:
        """Return the standard uncertainty of each line value, zero where fixed."""
        values = np.zeros(len(self.active))
        values[self.active] = np.sqrt(np.maximum(np.diag(self.covariance)[len(self.coefficients) :], 0.0))
        return unstack(values)


def fit_lines(
    x: Array, y: Array, weight: Array, basis: Basis, lines: LineValues, law: Law,
    *, light: Radiation | None, strength: Array, noise: float, iterations: int = 8, free_share: bool = False,
) -> LineFit:  # fmt: skip
    """Fit lines and background together.

    Parameters
    ----------
    x, y, weight
        2 theta (deg), intensity and 1 / variance, shape (n,).
    basis
        Background, with the prior precision of its coefficients.
    lines
        Start values.
    law
        What the lines scatter about.
    light
        Radiation.
    strength
        Significance of each line so far, shape (m,): which have a shape of their own.
    noise
        Typical standard deviation of a point.
    iterations
        Most Gauss-Newton steps.
    free_share
        The law does not know the Lorentzian share yet.

    Returns
    -------
    LineFit
    """
    center = lines.center
    prior, precision = prior_of(center, law, free_share)
    count = len(center)
    on = np.ones(count, dtype=bool)
    active = np.concatenate([on, on, on, strength > OWN_SHARE, strength > OWN_SKEW])
    values = lines.stack()
    low, high = _limits(values, law, center)
    root = np.sqrt(weight)
    weighted_basis = basis.columns * root[:, None]
    square = weighted_basis.T @ weighted_basis + basis.penalty
    square[np.diag_indices(len(square))] *= 1.0 + 1e-11
    reach = reach_of(lines, noise, float(np.median(np.diff(x))))
    far = far_tails(x, lines, light, reach)
    windows = Windows.of(x, lines, light, reach)
    groups = _Groups.of(x, center, law.width(center))
    data = y - far

    def settle(shown: Array) -> tuple[Array, Array]:
        # the background is linear: its best value for these lines is exact
        base = np.linalg.solve(square, weighted_basis.T @ (root * (data - shown)))
        return np.asarray(base, dtype=np.float64), data - shown - basis.columns @ base

    model, jacobian = windows.evaluate(lines)
    coefficients, residual = settle(model)
    damping = np.full(groups.count, 1e-3)
    running = np.ones(groups.count, dtype=bool)
    for _ in range(iterations):
        normal, slope = normal_equations(
            jacobian, root, weighted_basis, square, residual, active, precision, values - prior
        )
        slope[: len(square)] -= basis.penalty @ coefficients
        step = damped_step(normal, slope, damping[groups.of_values[active]])
        trial = values.copy()
        trial[active] += step[len(square) :]
        trial = np.clip(_limited(values, trial, count, law.width(center)), low, high)
        shown, slopes = windows.evaluate(unstack(trial))
        reached = settle(shown)
        before = groups.cost(weight * residual**2, precision * (values - prior) ** 2)
        after = groups.cost(weight * reached[1] ** 2, precision * (trial - prior) ** 2)
        better = after <= before
        running = np.abs(before - after) > SETTLED + 1e-5 * before
        damping = np.where(better, damping * 0.1, np.maximum(damping, 1e-5) * 30.0)
        running &= damping < 1e4
        if np.all(better):
            values, model, jacobian, (coefficients, residual) = trial, shown, slopes, reached
        elif np.any(better):
            taken = better[groups.of_values]
            values = np.where(taken, trial, values)
            model, jacobian = windows.mixed(jacobian, slopes, taken, values[:count])
            coefficients, residual = settle(model)
        if not np.any(running):
            break
    normal, _ = normal_equations(jacobian, root, weighted_basis, square, residual, active, precision, values - prior)
    background = basis.columns @ coefficients
    return LineFit(
        unstack(values), coefficients, background, background + model + far, far, covariance_of(normal), active,
        jacobian, weight, unstack(1.0 / np.sqrt(np.maximum(precision, 1e-300))),
        lone_heights(normal, active, len(square)),
    )  # fmt: skip


@dataclass(frozen=True)
class _Groups:
    """Lines that overlap belong together: each group of them takes or leaves a step by its own cost."""

    count: int
    of_points: NDArray[np.int64]
    of_values: NDArray[np.int64]

    @classmethod
    def of(cls, x: Array, center: Array, width: Array) -> _Groups:
        order = np.argsort(center)
        ordered = center[order]
        breaks = np.diff(ordered) > 5.0 * width[order][1:]
        number = np.empty(len(center), dtype=np.int64)
        number[order] = np.concatenate([[0], np.cumsum(breaks)]) if len(center) else 0
        borders = 0.5 * (ordered[1:] + ordered[:-1])[breaks] if len(center) else np.empty(0)
        points = np.searchsorted(borders, x).astype(np.int64)
        return cls(len(borders) + 1, points, np.tile(number, KINDS))

    def cost(self, data: Array, prior: Array) -> Array:
        """Sum of squares of each group."""
        own = np.bincount(self.of_values, prior, self.count)
        return np.asarray(np.bincount(self.of_points, data, self.count) + own)


def _limits(values: Array, law: Law, center: Array) -> tuple[Array, Array]:
    one = np.ones_like(center)
    width = law.width(center)
    log_width = np.log(width)
    low = [0.0 * one, center - 2.0 * width, log_width - 1.2, -0.15 * one, -0.45 * one]
    high = [np.inf * one, center + 2.0 * width, log_width + 1.6, 1.25 * one, 0.45 * one]
    return np.minimum(np.concatenate(low), values), np.maximum(np.concatenate(high), values)


def _limited(values: Array, trial: Array, count: int, width: Array) -> Array:
    """Shorten the steps of centres, widths and shapes to what the linearisation bears."""
    most = np.concatenate([np.full(count, np.inf), 0.4 * width, np.full(count, 0.5), np.full(2 * count, 0.3)])
    return np.asarray(values + np.clip(trial - values, -most, most))


def area_variance(line: LineValues, index: int, covariance: Array) -> float:
    """Variance of the area h w / p(eta) of one line from the covariance of its five values."""
    height, width, share = line.height[index], line.width[index], line.share[index]
    peak = float(peak_of(share))
    by_peak = -(2.0 / np.pi - 2.0 * np.sqrt(np.log(2.0) / np.pi)) / peak
    gradient = np.array([width / peak, 0.0, height * width / peak, height * width / peak * by_peak, 0.0])
    return max(float(gradient @ covariance @ gradient), 0.0)


def linearised(y: Array, fit: LineFit, law: Law) -> tuple[Array, csc_array, Array]:
    """Return what is left for background and small changes of the lines, their columns and prior precisions.

    Returns
    -------
    target, columns, precision
        Shape (n,), sparse (n, p), (p,): ``target = background + columns @ change``, to first order.
    """
    chosen = np.flatnonzero(fit.active)
    _, precision = prior_of(fit.lines.center, law, False)
    return y - (fit.model - fit.background), fit.jacobian[:, chosen], precision[chosen]
