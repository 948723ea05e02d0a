r"""Two patterns of one sample laid over each other: scale factor, line shift and change of background, all fitted.

.. math:: y_{after}(x) = k\, y_{before}(x - s(x)) + b(x)

with a shift s that is linear in 2 theta and a smooth b. Both patterns count: the variance of a point is
var_after + k^2 var_before, plus a model error in proportion to the signal, because lines of the same amount of a phase
differ between two mountings (texture, grain statistics). The fit is robust, so that new lines do not bend it. The first
pattern is noisy too, and least squares on it would give too small a factor: its smoothed copy is the instrument of the
normal equations, and the noise that both share is taken out of them (Fuller 1987, Measurement Error Models, sections
1.4 and 2.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from surfspec.xrd.lines.background import spline_basis
from surfspec.xrd.series.sides import Interpolated, Moved, Side, net_signal, shared_points, with_signal

Array = NDArray[np.float64]

#: Knots of the change of background, deg.
KNOTS = 9.0
#: Shifts that are tried first, deg, and the largest that is believed.
LARGEST_SHIFT = 0.3
#: Relative difference of lines between two mountings where it cannot be read off the data, and its limits.
MODEL_ERROR, LARGEST_ERROR = 0.05, 0.3
#: Largest part of the product of pattern and instrument that noise may take.
LARGEST_NOISE = 0.8
#: Reach of foreign lines in line widths, the first that leaves this part of the points.
FOREIGN, LEAST = (6.0, 4.0, 2.5, 1.5), 0.5
#: Smallest factor in its standard uncertainties.
SEEN = 3.0
#: Residuals beyond this many standard deviations lose their weight.
ROBUST = 2.5
_ROOT8LN2 = float(np.sqrt(8.0 * np.log(2.0)))


@dataclass(frozen=True)
class Common:
    """What is known of the phases that two patterns have in common.

    Attributes
    ----------
    shift
        Shift expected, deg: others are tried within `LARGEST_SHIFT` of it.
    foreign
        Places of lines that other phases have, deg: nothing is fitted there.
    factor
        Intensity ratio expected, 0 where nothing is; the fit starts from it.
    """

    shift: float = 0.0
    foreign: tuple[float, ...] = ()
    factor: float = 0.0


@dataclass(frozen=True)
class Aligned:
    """Two patterns on the points of the second.

    Attributes
    ----------
    x
        2 theta, deg, shape (n,).
    after, expected
        Intensity, and what the first pattern predicts for it.
    counting, own, variance
        Variance of the difference from counting, that of the second pattern alone, and with the model error.
    third
        Third central moment of the difference, zero where the intensities are no counts.
    net_before, net_after
        Signal above the baseline, at the scale of the second pattern.
    factor, factor_unc, shift, shift_unc
        k, and s in the middle of the pattern, deg.
    stretch
        Change of s from the middle to the end, deg.
    model_error
        Relative difference of lines.
    fwhm
        Line width, deg.
    doubts
        Why the patterns may not lie over each other, () where they do.
    """

    x: Array
    after: Array
    expected: Array
    counting: Array
    own: Array
    variance: Array
    third: Array
    net_before: Array
    net_after: Array
    factor: float
    factor_unc: float
    shift: float
    shift_unc: float
    stretch: float
    model_error: float
    fwhm: float
    doubts: tuple[str, ...] = ()

    @property
    def difference(self) -> Array:
        """After less expected."""
        return self.after - self.expected

    @property
    def step(self) -> float:
        """Grid step, deg."""
        return float(np.median(np.diff(self.x)))

    @property
    def points(self) -> float:
        """Points within a line."""
        return max(self.fwhm / self.step, 1.0)


def align(before: Side, after: Side, fwhm: float, common: Common | None = None) -> Aligned:
    """Lay the first pattern over the second.

    Parameters
    ----------
    before, after
        The patterns; their grids may differ.
    fwhm
        Typical line width, deg.
    common
        What is known of phases that both hold; None for nothing.

    Raises
    ------
    InputError
        When they share less than 5 deg or 50 points, or one of them shows no signal.
    """
    common = common or Common()
    start = common.shift
    inside = shared_points(before, after, LARGEST_SHIFT + abs(start))
    x, y, variance = after.x[inside], after.y[inside], after.variance[inside]
    step = float(np.median(np.diff(x)))
    first = Interpolated(before, step, fwhm)
    basis = _unit_columns(spline_basis(x, KNOTS))
    along = (x - (x[0] + x[-1]) / 2.0) / ((x[-1] - x[0]) / 2.0)
    points, signal = max(fwhm / step, 1.0), net_signal(y, fwhm / step)
    with_signal(before=net_signal(before.y, fwhm / float(np.median(np.diff(before.x)))), after=signal)
    reach = maximum_filter1d(signal, 2 * round(0.5 * points) + 1)
    free, error = _free(x, common.foreign, fwhm), MODEL_ERROR

    def moved(shift: float, stretch: float) -> Moved:
        return first.at(x - shift - stretch * along)

    def spread(k: float, noise: Array) -> tuple[Array, Array]:
        counting = variance + k * k * noise
        return counting, counting + points * (error * reach) ** 2

    factor, stretch = common.factor or _first_factor(before, y), 0.0
    shift = _first_shift(y, lambda s: moved(s, 0.0), basis, lambda noise: spread(factor, noise)[1], start, free)
    weight: Array = free
    coefficients: Array = np.zeros(basis.shape[1])
    covariance: Array = np.zeros((3, 3))
    old = moved(shift, stretch)
    for _ in range(12):
        _, total = spread(factor, old.variance)
        rest = [-factor * old.slope, -factor * old.slope * along, basis]
        design, instrument = np.column_stack([old.value, *rest]), np.column_stack([old.smooth, *rest])
        normal, right = _normal(instrument, design, weight / total, y)
        normal[0, 0] -= min(float(np.sum(weight / total * old.shared)), LARGEST_NOISE * _alone(normal))
        inverse = np.linalg.pinv(normal)
        solution = inverse @ right
        steps = np.clip(solution[1:3], -0.05, 0.05)
        factor, coefficients = float(solution[0]), np.asarray(solution[3:])
        shift, stretch = _limited(shift + float(steps[0]), stretch + float(steps[1]), start)
        old = moved(shift, stretch)
        counting, total = spread(factor, old.variance)
        left = y - factor * old.value - basis @ coefficients
        error = _model_error(left, counting, reach * free, points)
        score = np.abs(left) / np.sqrt(total)
        inner, _ = _normal(instrument, instrument, weight / total, y)
        covariance = np.asarray((inverse @ inner @ inverse.T)[:3, :3])
        weight = free * np.where(score < ROBUST, 1.0, (ROBUST / np.maximum(score, ROBUST)) ** 2)
        if np.abs(steps).max() < 1e-5:
            break
    counting, _ = spread(factor, old.variance)
    net = np.maximum(factor * net_signal(old.value, fwhm / step), 0.0)
    total = counting + points * (error * maximum_filter1d(net, 2 * round(0.5 * points) + 1)) ** 2
    third = (variance if after.counts else 0.0 * x) - (factor**3 * old.variance if before.counts else 0.0 * x)
    unc, shift_unc = (float(part) for part in np.sqrt(np.diag(covariance)[:2]))
    return Aligned(
        x, y, factor * old.value + basis @ coefficients, counting, variance, total, third, net, signal,
        factor, unc, shift, shift_unc, stretch, error, fwhm, _doubts(factor, unc, shift - start, stretch),
    )  # fmt: skip


def _doubts(factor: float, unc: float, moved: float, stretch: float) -> tuple[str, ...]:
    """Return why the patterns may not lie over each other."""
    found = []
    if not factor > SEEN * unc:
        found.append(f"not determined: intensity_ratio, {factor:.2g} +- {unc:.2g}")
    if abs(moved) > 0.99 * LARGEST_SHIFT or abs(stretch) > 0.99 * LARGEST_SHIFT / 2.0:
        found.append(f"at bound: shift, lines do not lie over each other within {LARGEST_SHIFT:g} deg")
    return tuple(found)


def _free(x: Array, foreign: tuple[float, ...], fwhm: float) -> Array:
    """1 where points tell how the patterns lie, 0 in foreign lines; 1 everywhere when too little would be left."""
    places = np.sort(np.asarray(foreign, dtype=np.float64))
    if not len(places):
        return np.ones_like(x)
    after = np.clip(np.searchsorted(places, x), 1, len(places) - 1) if len(places) > 1 else np.zeros(len(x), dtype=int)
    nearest = np.minimum(np.abs(x - places[after]), np.abs(x - places[after - 1]))
    masks = (np.where(nearest > reach * fwhm, 1.0, 0.0) for reach in FOREIGN)
    return next((free for free in masks if free.mean() > LEAST), np.ones_like(x))


def _alone(normal: Array) -> float:
    """Curvature of the cost by the first coefficient when the others follow."""
    return max(float(normal[0, 0] - normal[0, 1:] @ np.linalg.pinv(normal[1:, 1:]) @ normal[1:, 0]), 0.0)


def _limited(shift: float, stretch: float, start: float) -> tuple[float, float]:
    half = LARGEST_SHIFT / 2.0
    return float(np.clip(shift, start - LARGEST_SHIFT, start + LARGEST_SHIFT)), float(np.clip(stretch, -half, half))


def _unit_columns(columns: Array) -> Array:
    return np.asarray(columns / np.linalg.norm(columns, axis=0))


def _normal(instrument: Array, design: Array, weight: Array, y: Array) -> tuple[Array, Array]:
    weighted = instrument * weight[:, None]
    return weighted.T @ design, weighted.T @ y


def _first_factor(before: Side, y: Array) -> float:
    top = float(np.percentile(before.y, 99.0) - np.percentile(before.y, 20.0))
    own = float(np.percentile(y, 99.0) - np.percentile(y, 20.0))
    return own / top if top > 0 and own > 0 else 1.0


def _first_shift(
    y: Array,
    moved: Callable[[float], Moved],
    basis: Array,
    spread: Callable[[Array], Array],
    start: float,
    free: Array,
) -> float:
    """Return the shift on a coarse grid that leaves least, with a factor above zero."""
    best, found = np.inf, start
    for trial in start + np.arange(-LARGEST_SHIFT, LARGEST_SHIFT + 0.01, 0.03):
        old = moved(trial)
        total = spread(old.variance)
        design = np.column_stack([old.smooth, basis])
        normal, right = _normal(design, design, free / total, y)
        solution = np.linalg.pinv(normal) @ right
        rest = y - design @ solution
        cost = float(np.sum(free * np.minimum(rest**2 / total, 25.0)))
        if cost < best and solution[0] > 0:
            best, found = cost, float(trial)
    return found


def _model_error(rest: Array, counting: Array, signal: Array, points: float) -> float:
    """Relative difference of lines, from the robust scatter where the signal rules."""
    ruled = (signal > 0.02 * signal.max(initial=0.0)) & (points * (0.03 * signal) ** 2 > counting)
    if np.count_nonzero(ruled) < 20:
        return MODEL_ERROR
    scatter = float(np.median(rest[ruled] ** 2 / signal[ruled] ** 2)) / 0.67448975**2
    noise = float(np.median(counting[ruled] / signal[ruled] ** 2))
    return float(np.clip(np.sqrt(max(scatter - noise, 0.0) / points), 0.01, LARGEST_ERROR))
