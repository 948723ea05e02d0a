"""Backgrounds of powder patterns: a peak-clipping baseline for looking, spline bases for fitting."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

Array = NDArray[np.float64]


def clip_baseline(y: Array, half_width: int) -> Array:
    """Estimate a baseline by clipping peaks narrower than a window (SNIP with rising windows reversed).

    Parameters
    ----------
    y
        Intensities, shape (n,).
    half_width
        Largest half width of the clipping window in points; several times the width of a line.

    Returns
    -------
    numpy.ndarray
        Baseline, shape (n,), nowhere above `y` by more than rounding.

    References
    ----------
    Ryan, Clayton, Griffin, Sie & Cousens (1988) Nucl. Instrum. Methods B34, 396; the falling sequence of windows
    and the log-log-square-root operator are those of Morhac & Matousek (2008) Appl. Spectrosc. 62, 91.

    Examples
    --------
    >>> x = np.arange(400.0)
    >>> peak = 100 * np.exp(-((x - 200) / 5) ** 2)
    >>> bool(abs(clip_baseline(peak + 50, 40)[200] - 50) < 1)
    True
    """
    low = float(y.min())
    v = np.log(np.log(np.sqrt(y - low + 1.0) + 1.0) + 1.0)
    for width in range(min(half_width, (len(y) - 1) // 2), 0, -1):
        middle = (v[: -2 * width] + v[2 * width :]) / 2.0
        lower = v.copy()
        lower[width:-width] = np.minimum(v[width:-width], middle)
        v = lower
    return np.asarray((np.exp(np.exp(v) - 1.0) - 1.0) ** 2 - 1.0 + low)


def spline_basis(x: Array, spacing: float, *, inverse: bool = True) -> Array:
    """Return cubic B-splines, and 1/2theta for air scatter, as columns.

    Parameters
    ----------
    x
        2 theta, deg, shape (n,).
    spacing
        Distance of the knots, deg: wide against a line, narrow against a hump.
    inverse
        Add a column proportional to 1/2theta.

    Returns
    -------
    numpy.ndarray
        Shape (n, k).
    """
    pieces = max(round((x[-1] - x[0]) / spacing), 1)
    inner = np.linspace(x[0], x[-1], pieces + 1)
    knots = np.concatenate([[x[0]] * 3, inner, [x[-1]] * 3])
    basis = np.asarray(BSpline.design_matrix(np.clip(x, x[0], x[-1]), knots, 3).toarray())
    if not inverse:
        return basis
    return np.column_stack([basis, 1.0 / np.maximum(x, 1.0)])
