"""The maximum of a convolved line and its half maxima, with their gradients (implicit function theorem)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq

from surfspec.fitting.lineshapes.base import Array
from surfspec.fitting.lineshapes.convolved import SHARP, SIGMA, Form, rows


@dataclass(frozen=True)
class Halves:
    """Places in widths of the Lorentzian, from its own centre; gradients over alpha, beta, smoothing and damping.

    Attributes
    ----------
    place, top
        Where the maximum lies, and its value.
    low, high
        Where the line has half of it, on the side of low and of high binding energy.
    place_slope, top_slope, low_slope, high_slope
        Gradients, shape (4,) each.
    """

    place: float
    top: float
    low: float
    high: float
    place_slope: Array
    top_slope: Array
    low_slope: Array
    high_slope: Array


@lru_cache(maxsize=256)
def halves(form: Form) -> Halves:
    """Find maximum and half maxima of a convolved line.

    Parameters
    ----------
    form : Form

    Returns
    -------
    Halves

    Examples
    --------
    >>> one = halves(Form(1.0, 1.0, 0.0))
    >>> one.place, one.low, one.high
    (0.0, -0.500000, 0.500000)
    """
    place, place_slope = _maximum(form)
    top, by_form, _ = _at(place, form)
    ends, slopes = [], []
    for sign in (-1.0, 1.0):
        end = _half(form, place, top, sign)
        _, there, slope = _at(end, form)
        ends.append(end)
        slopes.append((0.5 * by_form - there) / slope)
    return Halves(place, top, ends[0], ends[1], place_slope, by_form, slopes[0], slopes[1])


def over_form(table: Array, form: Form) -> Array:
    """Turn rows of order 2 or more into derivatives over alpha, beta, smoothing and damping (the heat equation)."""
    return np.stack([table[0, 1], table[0, 2], SIGMA**2 * form.smoothing * table[2, 0], table[0, 3]])


def _at(s: float, form: Form) -> tuple[float, Array, float]:
    """Give value, derivatives over the form, and slope."""
    table = rows(np.array([s]), form, 2)
    return float(table[0, 0, 0]), over_form(table, form)[:, 0], float(table[1, 0, 0])


def _maximum(form: Form) -> tuple[float, Array]:
    if form.smoothing < SHARP or form.alpha == form.beta:
        place = 0.0
    else:
        reach = 0.5 + SIGMA * form.smoothing
        place = float(brentq(lambda s: float(rows(np.array([s]), form, 1)[1, 0, 0]), -reach, reach, xtol=1e-14))
    if form.smoothing < SHARP:
        return place, np.zeros(4)
    table = rows(np.array([place]), form, 3)[:, :, 0]
    slope = np.array([table[1, 1], table[1, 2], SIGMA**2 * form.smoothing * table[3, 0], table[1, 3]])
    return place, -slope / table[2, 0]


def _half(form: Form, place: float, top: float, sign: float) -> float:
    def excess(s: float) -> float:
        return float(rows(np.array([place + sign * s]), form)[0, 0, 0]) / top - 0.5

    reach = 0.5
    while excess(reach) > 0.0:
        reach *= 2.0
    return place + sign * float(brentq(excess, 0.0, reach, xtol=1e-15, rtol=1e-14))
