"""The two sides of a comparison: signal, the points they share, and the first pattern moved under the second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from surfspec.errors import InputError
from surfspec.xrd.lines.background import clip_baseline

Array = NDArray[np.float64]

#: Width of the smoothing of the instrument over the line width.
SMOOTHING = 0.35


@dataclass(frozen=True)
class Side:
    """One pattern: 2 theta (deg), intensity, counting variance, and whether it is counts."""

    x: Array
    y: Array
    variance: Array
    counts: bool


@dataclass(frozen=True)
class Moved:
    """The first pattern at shifted points, shape (n,) each.

    Attributes
    ----------
    value, smooth, slope
        Interpolated, smoothed, and the slope of the smoothed one (per deg).
    variance
        Of `value`, so that points within a line add up.
    shared
        Covariance of the noise of `value` and of `smooth`.
    """

    value: Array
    smooth: Array
    slope: Array
    variance: Array
    shared: Array


class Interpolated:
    """The first pattern as splines, on the points of the second.

    Parameters
    ----------
    before
        The first pattern.
    step
        Grid step of the second, deg.
    fwhm
        Line width, deg.
    """

    def __init__(self, before: Side, step: float, fwhm: float) -> None:
        self._x, self._step = before.x, float(np.median(np.diff(before.x)))
        self._sigma = SMOOTHING * max(fwhm / self._step, 1.0)
        self._curve = CubicSpline(before.x, before.y)
        self._smooth = CubicSpline(before.x, gaussian_filter1d(before.y, self._sigma))
        self._slope = self._smooth.derivative()
        # interpolated points share their noise
        self._noise = before.variance * max(self._step / step, 1.0)
        # the variance of counts is their expectation; that of the weights is one more
        self._own = np.maximum(before.variance - 1.0, 0.0) if before.counts else before.variance

    def at(self, x: Array) -> Moved:
        """Return the first pattern at places (deg)."""
        share = _noise_share((x - self._x[0]) / self._step, self._sigma)
        return Moved(
            self._curve(x), self._smooth(x), self._slope(x), np.interp(x, self._x, self._noise),
            share * np.interp(x, self._x, self._own),
        )  # fmt: skip


def _noise_share(place: Array, sigma: float) -> Array:
    """Covariance of a cubic spline through noise and one through smoothed noise, over the variance of a point.

    Parameters
    ----------
    place
        Where, in steps of the points.
    sigma
        Of the smoothing, in points.
    """
    half = 12 + int(4 * sigma)
    knots = np.arange(-half, half + 1.0)
    at = np.linspace(0.0, 1.0, 21)
    impulse = CubicSpline(knots, np.eye(len(knots)))(at)
    kernel = gaussian_filter1d(np.eye(len(knots)), sigma, axis=0)
    return np.asarray(np.interp(place % 1.0, at, np.sum(impulse @ kernel * impulse, axis=1)))


def net_signal(y: Array, width: float) -> Array:
    """Signal above a clipped baseline, smoothed by a fraction of the line width (in points)."""
    base = clip_baseline(gaussian_filter1d(y, 1.0), round(8.0 * width))
    return np.maximum(gaussian_filter1d(y, 0.3 * max(width, 1.0)) - base, 0.0)


def with_signal(**net: Array) -> None:
    """Refuse a pattern without signal, named by its keyword."""
    for side, signal in net.items():
        if not np.any(signal > 0):
            raise InputError("the pattern shows no signal", where=side, remedy="Compare patterns with lines")


def shared_points(before: Side, after: Side, margin: float) -> NDArray[np.bool_]:
    """Points of the second pattern that the first one covers: neither beyond its ends nor in a gap of it."""
    low, high = max(before.x[0], after.x[0]) + margin, min(before.x[-1], after.x[-1]) - margin
    inside = (after.x >= low) & (after.x <= high)
    gaps = np.diff(before.x)
    for place in np.flatnonzero(gaps > 3.0 * np.median(gaps)):
        inside &= (after.x < before.x[place] - margin) | (after.x > before.x[place + 1] + margin)
    if np.count_nonzero(inside) < 50 or np.count_nonzero(inside) * np.median(np.diff(after.x)) < 5.0:
        covered = np.count_nonzero(inside) * float(np.median(np.diff(after.x)))
        raise InputError(
            f"the patterns share {covered:.3g} deg",
            where="two_theta",
            remedy="Compare patterns that share at least 5 deg and 50 points",
        )
    return np.asarray(inside)
