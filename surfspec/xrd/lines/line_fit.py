r"""Least-squares fit of all lines of a pattern and its background at once.

.. math:: \sum_i \frac{(y_i - B_i c - \sum_m L_m(x_i))^2}{\sigma_i^2} + \sum_k \frac{(p_k - \pi_k)^2}{s_k^2} \to \min

The second sum holds what a pattern says of its lines as a whole: their widths scatter about a smooth law, and so do
Lorentzian share and asymmetry. A strong line overrides it; a weak or overlapped one leans on it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.optimize import nnls
from scipy.sparse import csc_array

from surfspec.xrd.lines.background_choice import Basis, weighted_rows
from surfspec.xrd.lines.line_model import KINDS, LineValues, Windows, far_tails, peak_of, reach_of, unstack
from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Scatter of ln FWHM, Lorentzian share and asymmetry of single lines about the law of the pattern.
WIDTH_SPREAD, SHARE_SPREAD, SKEW_SPREAD = 0.35, 0.15, 0.06
#: Scatter of a centre about the place where it was detected, in FWHM.
CENTER_SPREAD = 0.5
#: Significance from which a line has a share, an asymmetry of its own.
OWN_SHARE, OWN_SKEW = 10.0, 30.0
#: Lorentzian share before any line tells.
FIRST_SHARE = 0.5
#: A group of lines whose chi-square changes by less has settled; groups share the background and never quite agree.
SETTLED = 0.15


@dataclass(frozen=True)
class Law:
    """What holds for the lines of a pattern: H = size / cos theta + strain tan theta (deg), share, asymmetry.

    The asymmetry is that at 2 theta = 30 deg; it goes as cot 2 theta, as axial divergence does.
    """

    size: float
    strain: float = 0.0
    share: float = FIRST_SHARE
    skew: float = 0.0

    def width(self, two_theta: Array) -> Array:
        """FWHM, deg."""
        theta = np.radians(two_theta) / 2.0
        return np.asarray(self.size / np.cos(theta) + self.strain * np.tan(theta))

    def skews(self, two_theta: Array) -> Array:
        """Asymmetry of lines."""
        return np.asarray(np.clip(self.skew * asymmetry_law(two_theta), -0.4, 0.4))


def asymmetry_law(two_theta: Array) -> Array:
    """Return cot 2 theta, 1 at 30 deg, of one sign and at most 4."""
    cotangent = np.cos(np.radians(two_theta)) / np.sin(np.radians(np.maximum(two_theta, 3.0)))
    return np.asarray(np.clip(cotangent / np.sqrt(3.0), 0.0, 4.0))


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
    prior, precision = _prior(center, law, free_share)
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
        normal, slope = _normal(jacobian, root, weighted_basis, square, residual, active, precision, values - prior)
        slope[: len(square)] -= basis.penalty @ coefficients
        step = _solve(normal, slope, damping[groups.of_values[active]])
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
    normal, _ = _normal(jacobian, root, weighted_basis, square, residual, active, precision, values - prior)
    background = basis.columns @ coefficients
    return LineFit(
        unstack(values), coefficients, background, background + model + far, far, _inverse(normal), active, jacobian,
        weight, unstack(1.0 / np.sqrt(np.maximum(precision, 1e-300))),
        _alone(normal, active, len(square)),
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


def _prior(center: Array, law: Law, free_share: bool) -> tuple[Array, Array]:
    """Return expectations and precisions of the line values (none for heights), each of shape (5 m,)."""
    one = np.ones_like(center)
    width, share_spread = law.width(center), 0.5 if free_share else SHARE_SPREAD
    expected = np.concatenate([0.0 * one, center, np.log(width), law.share * one, law.skews(center)])
    precision = np.concatenate(
        [0.0 * one, 1.0 / (CENTER_SPREAD * width) ** 2, one / WIDTH_SPREAD**2, one / share_spread**2,
         1.0 / (SKEW_SPREAD * np.maximum(asymmetry_law(center), 0.3)) ** 2]
    )  # fmt: skip
    return expected, precision


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


def _normal(
    jacobian: csc_array, root: Array, basis: Array, square: Array, residual: Array, active: Mask, precision: Array,
    away: Array,
) -> tuple[Array, Array]:  # fmt: skip
    chosen = np.flatnonzero(active)
    columns = weighted_rows(jacobian[:, chosen], root)
    size = len(square)
    normal = np.empty((size + len(chosen),) * 2)
    normal[:size, :size] = square
    cross = columns.T @ basis
    normal[size:, :size] = cross
    normal[:size, size:] = cross.T
    normal[size:, size:] = (columns.T @ columns.tocsr()).toarray()
    at = np.arange(size, len(normal))
    normal[at, at] += precision[chosen]
    weighted = root * residual
    slope = np.concatenate([basis.T @ weighted, columns.T @ weighted - precision[chosen] * away[chosen]])
    return normal, slope


def _solve(normal: Array, slope: Array, damping: Array) -> Array:
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-300))
    scaled = normal * scale[:, None] * scale
    scaled[np.diag_indices(len(scaled))] += 1e-10
    values = np.arange(len(scaled) - len(damping), len(scaled))
    scaled[values, values] += damping
    try:
        return np.asarray(scale * cho_solve(cho_factor(scaled, check_finite=False), scale * slope, check_finite=False))
    except LinAlgError:
        return np.asarray(scale * np.linalg.lstsq(scaled, scale * slope, rcond=None)[0])


def _inverse(normal: Array) -> Array:
    """Covariance; what the data do not determine gets a variance that says so, no error."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-300))
    scaled = normal * scale[:, None] * scale
    scaled[np.diag_indices(len(scaled))] += 1e-10
    factor, wrong = dpotrf(scaled)
    inverse, fault = dpotri(factor) if not wrong else (factor, wrong)
    if fault:
        inverse = np.asarray(np.linalg.pinv(scaled, hermitian=True), dtype=np.float64)
    else:
        upper = np.triu(inverse)
        inverse = upper + np.triu(inverse, 1).T
    return np.asarray(inverse * scale[:, None] * scale)


def law_of(lines: LineValues, strength: Array, before: Law, *, least: float = 8.0) -> Law:
    """Learn width law, share and asymmetry from the strong lines, robustly; few lines leave the law as it was.

    Parameters
    ----------
    lines
        Fitted lines.
    strength
        Their significances, shape (m,).
    before
        Law they were fitted with.
    least
        Significance of a strong line.
    """
    strong = strength > least
    if np.count_nonzero(strong) < 2:
        return before
    center, width = lines.center[strong], lines.width[strong]
    trust = np.sqrt(np.minimum(strength[strong], 100.0))
    if len(center) < 3:
        size, strain = float(np.average(width * np.cos(np.radians(center) / 2.0), weights=trust)), 0.0
    else:
        size, strain = _robust_width(center, width, trust)
    sure = strong & (strength > 2.0 * OWN_SHARE)
    share, skew = before.share, before.skew
    if np.count_nonzero(sure):
        share = float(np.clip(_middle(lines.share[sure], strength[sure]), 0.0, 1.0))
    sure = strong & (strength > 2.0 * OWN_SKEW) & (asymmetry_law(lines.center) > 0.2)
    if np.count_nonzero(sure):
        law = asymmetry_law(lines.center[sure])
        skew = float(np.clip(_middle(lines.skew[sure] / law, strength[sure] * law), -0.3, 0.3))
    return Law(size, strain, share, skew)


def _robust_width(center: Array, width: Array, trust: Array) -> tuple[float, float]:
    theta = np.radians(center) / 2.0
    matrix = np.stack([1.0 / np.cos(theta), np.tan(theta)], axis=1)
    typical = float(np.median(width))
    size, strain = typical, 0.0
    for _ in range(6):
        deviation = np.abs(width - matrix @ np.array([size, strain]))
        robust = trust / (1.0 + deviation / (0.2 * typical))
        size, strain = (float(one) for one in nnls(matrix * robust[:, None], width * robust)[0])
    return max(float(size), 0.2 * typical), float(strain)  # all strain: let no line vanish at low angle


def _middle(values: Array, weight: Array) -> float:
    """Weighted median."""
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def area_variance(line: LineValues, index: int, covariance: Array) -> float:
    """Variance of the area h w / p(eta) of one line from the covariance of its five values."""
    height, width, share = line.height[index], line.width[index], line.share[index]
    peak = float(peak_of(share))
    by_peak = -(2.0 / np.pi - 2.0 * np.sqrt(np.log(2.0) / np.pi)) / peak
    gradient = np.array([width / peak, 0.0, height * width / peak, height * width / peak * by_peak, 0.0])
    return max(float(gradient @ covariance @ gradient), 0.0)


def _alone(normal: Array, active: Mask, base: int) -> Array:
    """Return the standard uncertainty of each height with only the line's own other values free."""
    count = len(active) // KINDS
    place = (np.cumsum(active) - 1 + base).reshape(KINDS, count).T
    free = active.reshape(KINDS, count).T
    place = np.where(free, place, 0)
    block = normal[place[:, :, None], place[:, None, :]]
    block = np.where(free[:, :, None] & free[:, None, :], block, np.eye(KINDS))
    scale = 1.0 / np.sqrt(np.maximum(np.diagonal(block, axis1=1, axis2=2), 1e-300))
    inverse = np.linalg.inv(block * scale[:, :, None] * scale[:, None, :] + 1e-10 * np.eye(KINDS))
    return np.asarray(np.sqrt(np.maximum(inverse[:, 0, 0], 0.0)) * scale[:, 0])


def linearised(y: Array, fit: LineFit, law: Law) -> tuple[Array, csc_array, Array]:
    """Return what is left for background and small changes of the lines, their columns and prior precisions.

    Returns
    -------
    target, columns, precision
        Shape (n,), sparse (n, p), (p,): ``target = background + columns @ change``, to first order.
    """
    chosen = np.flatnonzero(fit.active)
    _, precision = _prior(fit.lines.center, law, False)
    return y - (fit.model - fit.background), fit.jacobian[:, chosen], precision[chosen]
