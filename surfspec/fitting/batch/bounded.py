"""Least squares with limits on the unknowns, from Gram matrices of many spectra at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Multipliers smaller than this, relative to the largest right-hand side, count as zero.
SLACK = 1e-12


def bounded_quadratic(gram: Array, right: Array, low: Array, high: Array) -> Array:
    r"""Minimise :math:`a^T G a / 2 - c^T a` with :math:`l \le a \le h` for every member.

    Block principal pivoting: all unknowns on the wrong side change sides together; where that does not settle, one at
    a time from the last, which ends (Júdice and Pires, Comput. Oper. Res. 21 (1994) 587).

    Parameters
    ----------
    gram, right
        `G`, shape (m, k, k), and `c`, shape (m, k).
    low, high
        Limits, shape (k,).

    Returns
    -------
    numpy.ndarray
        Shape (m, k).

    Examples
    --------
    >>> g = np.array([[[1.0, 0.9], [0.9, 1.0]]])
    >>> bounded_quadratic(g, np.array([[1.0, 0.5]]), np.zeros(2), np.full(2, np.inf)).tolist()
    [[1.0, 0.0]]
    """
    if not low.size:
        return np.zeros_like(right)
    diagonal = np.diagonal(gram, axis1=1, axis2=2)
    per = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    matrix = gram * per[:, :, None] * per[:, None, :]
    index = np.arange(low.size)
    matrix[:, index, index] = 1.0 + 1e-14
    slope = right * per
    finite = np.isfinite(matrix).all(axis=(1, 2)) & np.isfinite(slope).all(axis=1)
    if not finite.all():
        matrix[~finite], slope[~finite] = np.eye(low.size), np.nan
    out: Array = np.linalg.solve(matrix, slope[:, :, None])[:, :, 0] * per
    wrong = np.flatnonzero(np.any((out < low) | (out > high), axis=1))
    if wrong.size:
        found, side = _pivot(matrix[wrong], slope[wrong], low / per[wrong], high / per[wrong])
        inside = np.clip(found * per[wrong], low, high)
        out[wrong] = np.where(side < 0, low, np.where(side > 0, high, inside))
    return out


def _pivot(matrix: Array, slope: Array, low: Array, high: Array) -> tuple[Array, NDArray[np.int8]]:
    """Exchange unknowns between free and at a limit until every sign is right; unit diagonal assumed."""
    count = slope.shape[1]
    side = np.zeros(slope.shape, dtype=np.int8)
    found = np.zeros_like(slope)
    slack = SLACK * np.max(np.abs(slope), axis=1, keepdims=True)
    pending = np.arange(slope.shape[0])
    index = np.arange(count)
    for turn in range(6 + 3 * count):
        at, g, c = side[pending], matrix[pending], slope[pending]
        fixed = np.where(at < 0, low[pending], np.where(at > 0, high[pending], 0.0))
        held = at != 0
        work = g * ~held[:, :, None] * ~held[:, None, :]
        work[:, index, index] = 1.0 + 1e-14
        target = np.where(held, fixed, c - (g @ fixed[:, :, None])[:, :, 0])
        now = np.linalg.solve(work, target[:, :, None])[:, :, 0]
        found[pending] = now
        pull = c - (g @ now[:, :, None])[:, :, 0]
        to_low, to_high = ~held & (now < low[pending]), ~held & (now > high[pending])
        back = ((at < 0) & (pull > slack[pending])) | ((at > 0) & (pull < -slack[pending]))
        wrong = to_low | to_high | back
        if turn >= 5:
            last = count - 1 - np.argmax(wrong[:, ::-1], axis=1)
            wrong &= index == last[:, None]
        side[pending] = np.where(wrong & to_low, -1, np.where(wrong & to_high, 1, np.where(wrong & back, 0, at)))
        pending = pending[np.any(wrong, axis=1)]
        if not pending.size:
            break
    return found, side
