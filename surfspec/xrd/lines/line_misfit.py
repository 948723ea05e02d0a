"""How far lines are from the shape of the model: over the pattern as a relative error, and line by line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.lines.line_model import LineValues

Array = NDArray[np.float64]

#: Largest relative error of the profile in the weights; what misfits more enlarges the uncertainties instead.
LARGEST_ERROR = 0.05


def model_error_of(left: Array, variance: Array, signal: Array) -> float:
    """Relative profile error eps with which residuals on strong lines are as large as variances say (by the median)."""
    strong = signal > 10.0 * np.sqrt(variance)
    if np.count_nonzero(strong) < 10:
        return 0.0
    square, own, noise = left[strong] ** 2, signal[strong] ** 2, variance[strong]
    low, high = 0.0, LARGEST_ERROR
    for _ in range(20):
        middle = 0.5 * (low + high)
        if float(np.median(square / (noise + middle**2 * own))) > 0.4549:
            low = middle
        else:
            high = middle
    return low


def local_misfit(x: Array, squares: Array, lines: LineValues) -> Array:
    """Mean of squared normalised residuals within two widths of each line's centre."""
    total = np.concatenate([[0.0], np.cumsum(squares)])
    low = np.searchsorted(x, lines.center - 2.0 * lines.width)
    high = np.maximum(np.searchsorted(x, lines.center + 2.0 * lines.width), low + 1)
    high = np.minimum(high, len(x))
    return np.asarray((total[high] - total[low]) / np.maximum(high - low, 1))
