"""Where rows of the compiled kernel are not zero, so that nothing is computed where they are.

A Gaussian and the slopes of an edge fall below double precision within a few widths; on a wide axis they are zero
nearly everywhere. Every row has a window, first point and the one behind the last; beyond it the row is exactly zero.
The ends lie on multiples of eight points, so that vector instructions leave no rest. A line with Lorentzian tails has
all points.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from math import log, sqrt
from typing import Final

import numpy as np
from numba import njit

#: Reduced distance u from the centre where exp(-u^2) is 2e-16 of its largest value, beyond which a bell is zero.
REACH: Final = 6.0
_STEEP: Final = 2.0 * sqrt(log(2.0))
_BLOCK: Final = 8


@njit
def _behind(x, value):
    """Return the first point above a value, or the number of points; `x` rises."""
    low, high = 0, x.size
    while low < high:
        middle = (low + high) // 2
        if x[middle] > value:
            high = middle
        else:
            low = middle + 1
    return low


@njit(error_model="numpy")
def window(x, center, fwhm, nearest):
    """Return the window of a bell on a rising axis; all points where the numbers are none.

    With `nearest` the bell is measured by its largest value on the axis, so that one whose centre lies beside all
    points keeps those that it has.
    """
    steep = _STEEP / fwhm
    square = REACH * REACH
    if nearest:
        at = _behind(x, center)
        beside = min(abs(x[min(at, x.size - 1)] - center), abs(x[max(at - 1, 0)] - center)) * steep
        square += beside * beside
    reach = sqrt(square) / steep
    if not (reach < np.inf and abs(center) < np.inf):
        return 0, x.size
    first, end = _behind(x, center - reach), _behind(x, center + reach)
    return first // _BLOCK * _BLOCK, min((end + _BLOCK - 1) // _BLOCK * _BLOCK, x.size)


@njit
def limit(rows, windows, i, keep, first, end):
    """Give row `i` a window before something is written there: its only one, or added to it where it keeps the rest."""
    low, high = windows[i, 0], windows[i, 1]
    kept = keep != 0.0
    for k in range(low, low if kept else min(first, high)):
        rows[i, k] = 0.0
    for k in range(high if kept else max(end, low), high):
        rows[i, k] = 0.0
    windows[i, 0], windows[i, 1] = min(low, first) if kept else first, max(high, end) if kept else end


@njit
def hull(windows, i, j):
    """Return the window that holds those of two rows."""
    first = min(windows[i, 0], windows[j, 0])
    return first, max(first, windows[i, 1], windows[j, 1])
