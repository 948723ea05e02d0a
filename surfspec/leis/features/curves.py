r"""Shapes before the accepted angles blur them: a tailed Gaussian and a step, with exact derivatives.

The formulas stand in :mod:`surfspec.leis.features.shapes`; here `u` is the distance from the centre.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, erfcx

Array = NDArray[np.float64]

SQRT2 = float(np.sqrt(2.0))
SQRT2PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True)
class Curve:
    """A shape and its derivatives by centre, standard deviation, tail and width of the window, all of one shape."""

    value: Array
    by_center: Array
    by_sigma: Array
    by_tail: Array
    by_box: Array


def gaussian(u: Array, sigma: Array | float) -> Array:
    """Return the Gaussian of unit area at distance `u` from its centre."""
    return np.asarray(np.exp(-0.5 * (u / sigma) ** 2) / (sigma * SQRT2PI))


def tailed(u: Array, sigma: Array | float, tail: float) -> Curve:
    """Return a Gaussian with an exponential to low energy, unit area; a pure one where `tail` is 0."""
    g = gaussian(u, sigma)
    g_slope = -u / sigma**2 * g
    if tail <= 0:
        by_sigma = (u**2 / sigma**2 - 1.0) / sigma * g
        return Curve(g, -g_slope, np.asarray(by_sigma), np.asarray(g_slope), np.zeros_like(g))
    x = (u / sigma + sigma / tail) / SQRT2
    right = x > 0
    # two forms of one function: erfcx where the exponential overflows, the plain product elsewhere
    f = np.where(
        right,
        0.5 / tail * SQRT2PI * sigma * g * erfcx(np.where(right, x, 0.0)),
        0.5 / tail * np.exp(np.where(right, 0.0, 0.5 * (sigma / tail) ** 2 + u / tail)) * erfc(np.where(right, 0.0, x)),
    )
    slope = (f - g) / tail
    curvature = (slope - g_slope) / tail
    by_tail = (sigma**2 * g - f * (tail**2 + sigma**2 + u * tail)) / tail**3
    return Curve(f, -slope, np.asarray(sigma * curvature), np.asarray(by_tail), np.zeros_like(g))


def step(u: Array, sigma: Array | float) -> Curve:
    """Return a falling step of height 1."""
    g = gaussian(u, sigma)
    value = 0.5 * erfc(u / (SQRT2 * sigma))
    return Curve(np.asarray(value), g, np.asarray(g * u / sigma), np.zeros_like(g), np.zeros_like(g))
