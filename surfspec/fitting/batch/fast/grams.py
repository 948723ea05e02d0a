"""Scalar products of many rows for the compiled kernel, plain or under a weight, two by two rows at once."""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from typing import Final

from numba import njit

#: Sums may be reordered, so that they become vector instructions.
SUMS: Final = {"nsz", "arcp", "contract", "reassoc"}


@njit(fastmath=SUMS)
def _tile(rows, i, j, out):
    """Two by two scalar products at once: each number that is loaded serves twice."""
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    for k in range(rows.shape[1]):
        a, b, c, d = rows[i, k], rows[i + 1, k], rows[j, k], rows[j + 1, k]
        t0 += a * c
        t1 += a * d
        t2 += b * c
        t3 += b * d
    out[i, j], out[i, j + 1], out[i + 1, j], out[i + 1, j + 1] = t0, t1, t2, t3


@njit(fastmath=SUMS)
def _weighted_tile(rows, weight, i, j, out):
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    for k in range(rows.shape[1]):
        a, b, c, d = weight[k] * rows[i, k], weight[k] * rows[i + 1, k], rows[j, k], rows[j + 1, k]
        t0 += a * c
        t1 += a * d
        t2 += b * c
        t3 += b * d
    out[i, j], out[i, j + 1], out[i + 1, j], out[i + 1, j + 1] = t0, t1, t2, t3


@njit
def gram(rows, first, constant, count, out):
    """Fill the lower triangle of the Gram matrix in the rows from `first` to `count`.

    Products of two rows from `constant` (an even number) on are there already.
    """
    for i in range(first - first % 2, count, 2):
        for j in range(0, min(i + 1, constant) if i >= constant else i + 1, 2):
            _tile(rows, i, j, out)


@njit
def weighted_gram(rows, weight, first, count, out):
    """Fill the lower triangle of the Gram matrix under a weight in the rows from `first` to `count`."""
    for i in range(first - first % 2, count, 2):
        for j in range(0, i + 1, 2):
            _weighted_tile(rows, weight, i, j, out)


@njit(fastmath=SUMS)
def _two(rows, i, j, last):
    t0, t1 = 0.0, 0.0
    for k in range(rows.shape[1]):
        t0 += rows[i, k] * rows[last, k]
        t1 += rows[j, k] * rows[last, k]
    return t0, t1


@njit(fastmath=SUMS)
def _weighted_two(rows, weight, i, j, last):
    t0, t1 = 0.0, 0.0
    for k in range(rows.shape[1]):
        a = rows[last, k] * weight[k]
        t0 += rows[i, k] * a
        t1 += rows[j, k] * a
    return t0, t1


@njit
def project(rows, last, count, out):
    """Write the products of the first `count` rows with the row `last`."""
    for j in range(0, count, 2):
        second = min(j + 1, count - 1)
        out[j], out[second] = _two(rows, j, second, last)


@njit
def weighted_project(rows, weight, last, count, out):
    """Write the products of the first `count` rows with the row `last` under a weight."""
    for j in range(0, count, 2):
        second = min(j + 1, count - 1)
        out[j], out[second] = _weighted_two(rows, weight, j, second, last)
