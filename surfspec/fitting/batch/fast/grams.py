"""Scalar products of many rows for the compiled kernel, plain or under a weight, two by two rows at once.

The products run over the points where both pairs of rows have something, see :mod:`.windows`. The loops count in
unsigned numbers: with others that start anywhere, each point would be asked whether its number is negative.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

from surfspec.fitting.batch.fast.windows import hull

#: Sums may be reordered, so that they become vector instructions.
SUMS: Final = {"nsz", "arcp", "contract", "reassoc"}


@njit(fastmath=SUMS)
def _tile(rows, i, j, first, end, out):
    """Two by two scalar products at once: each number that is loaded serves twice."""
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    for k in range(np.uint64(first), np.uint64(end)):
        a, b, c, d = rows[i, k], rows[i + 1, k], rows[j, k], rows[j + 1, k]
        t0 += a * c
        t1 += a * d
        t2 += b * c
        t3 += b * d
    out[i, j], out[i, j + 1], out[i + 1, j], out[i + 1, j + 1] = t0, t1, t2, t3


@njit(fastmath=SUMS)
def _own_tile(rows, i, first, end, out):
    """Write the products of two rows with themselves and each other."""
    t0, t1, t2 = 0.0, 0.0, 0.0
    for k in range(np.uint64(first), np.uint64(end)):
        a, b = rows[i, k], rows[i + 1, k]
        t0 += a * a
        t1 += a * b
        t2 += b * b
    out[i, i], out[i + 1, i], out[i + 1, i + 1] = t0, t1, t2


@njit(fastmath=SUMS)
def _weighted_tile(rows, weight, i, j, first, end, out):
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    for k in range(np.uint64(first), np.uint64(end)):
        a, b, c, d = weight[k] * rows[i, k], weight[k] * rows[i + 1, k], rows[j, k], rows[j + 1, k]
        t0 += a * c
        t1 += a * d
        t2 += b * c
        t3 += b * d
    out[i, j], out[i, j + 1], out[i + 1, j], out[i + 1, j + 1] = t0, t1, t2, t3


@njit(fastmath=SUMS)
def _weighted_own_tile(rows, weight, i, first, end, out):
    t0, t1, t2 = 0.0, 0.0, 0.0
    for k in range(np.uint64(first), np.uint64(end)):
        a, b = rows[i, k], rows[i + 1, k]
        c, d = weight[k] * a, weight[k] * b
        t0 += a * c
        t1 += b * c
        t2 += b * d
    out[i, i], out[i + 1, i], out[i + 1, i + 1] = t0, t1, t2


@njit
def _common(windows, j, first, end):
    """Return what two rows from `j` on have in common with a window, perhaps nothing."""
    low, high = hull(windows, j, j + 1)
    low = max(low, first)
    return low, max(low, min(high, end))


@njit
def gram(rows, windows, start, linear, count, constant, out):
    """Fill the lower triangle of the Gram matrix in the rows from `start` (0 or `linear`) to `count`.

    Pairs of rows begin with row 0 and, of derivatives, with row `linear`. Products of two linear rows from `constant`
    (an even number) on are there already. The row behind the last may be written as well.
    """
    for i in range(start, count, 2):
        first, end = hull(windows, i, i + 1)
        for j in range(0, min(i, linear if i < constant else constant), 2):
            low, high = _common(windows, j, first, end)
            _tile(rows, i, j, low, high, out)
        for j in range(linear, i, 2):
            low, high = _common(windows, j, first, end)
            _tile(rows, i, j, low, high, out)
        if i < constant:
            _own_tile(rows, i, first, end, out)


@njit
def weighted_gram(rows, windows, weight, start, linear, count, out):
    """Fill the lower triangle of the Gram matrix under a weight, as :func:`gram` does."""
    for i in range(start, count, 2):
        first, end = hull(windows, i, i + 1)
        for j in range(0, min(i, linear), 2):
            low, high = _common(windows, j, first, end)
            _weighted_tile(rows, weight, i, j, low, high, out)
        for j in range(linear, i, 2):
            low, high = _common(windows, j, first, end)
            _weighted_tile(rows, weight, i, j, low, high, out)
        _weighted_own_tile(rows, weight, i, first, end, out)


@njit(fastmath=SUMS)
def _four(rows, i, last, first, end):
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    for k in range(np.uint64(first), np.uint64(end)):
        a = rows[last, k]
        t0 += rows[i, k] * a
        t1 += rows[i + 1, k] * a
        t2 += rows[i + 2, k] * a
        t3 += rows[i + 3, k] * a
    return t0, t1, t2, t3


@njit(fastmath=SUMS)
def _weighted_four(rows, weight, i, last, first, end):
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    for k in range(np.uint64(first), np.uint64(end)):
        a = rows[last, k] * weight[k]
        t0 += rows[i, k] * a
        t1 += rows[i + 1, k] * a
        t2 += rows[i + 2, k] * a
        t3 += rows[i + 3, k] * a
    return t0, t1, t2, t3


@njit(fastmath=SUMS)
def _one(rows, i, last, first, end):
    t = 0.0
    for k in range(np.uint64(first), np.uint64(end)):
        t += rows[i, k] * rows[last, k]
    return t


@njit(fastmath=SUMS)
def _weighted_one(rows, weight, i, last, first, end):
    t = 0.0
    for k in range(np.uint64(first), np.uint64(end)):
        t += rows[i, k] * (rows[last, k] * weight[k])
    return t


@njit
def _hull_of_four(windows, i):
    a, b = hull(windows, i, i + 1)
    c, d = hull(windows, i + 2, i + 3)
    return min(a, c), max(b, d)


@njit
def project(rows, windows, last, count, out):
    """Write the products of the first `count` rows with the row `last`."""
    fours = count - count % 4
    for j in range(0, fours, 4):
        first, end = _hull_of_four(windows, j)
        out[j], out[j + 1], out[j + 2], out[j + 3] = _four(rows, j, last, first, end)
    for j in range(fours, count):
        first, end = hull(windows, j, j)
        out[j] = _one(rows, j, last, first, end)


@njit
def weighted_project(rows, windows, weight, last, count, out):
    """Write the products of the first `count` rows with the row `last` under a weight."""
    fours = count - count % 4
    for j in range(0, fours, 4):
        first, end = _hull_of_four(windows, j)
        out[j], out[j + 1], out[j + 2], out[j + 3] = _weighted_four(rows, weight, j, last, first, end)
    for j in range(fours, count):
        first, end = hull(windows, j, j)
        out[j] = _weighted_one(rows, weight, j, last, first, end)
