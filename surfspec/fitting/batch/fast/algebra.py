"""Small dense algebra for the compiled kernel: dot products, Cholesky, least squares in limits, steps, inverses."""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from math import sqrt
from typing import Final

import numpy as np
from numba import njit

from surfspec.fitting.batch.bounded import SLACK
from surfspec.fitting.batch.covariance import LARGEST_INFLATION

#: Sums may be reordered, so that they become vector instructions.
SUMS: Final = {"nsz", "arcp", "contract", "reassoc"}
#: Smallest pivot of a normalised matrix.
_PIVOT: Final = 1e-14


@njit(cache=True, fastmath=SUMS)
def dot(a, b):
    """Return the scalar product of two rows."""
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@njit(cache=True, fastmath=SUMS)
def _dot4(a, b, c, d, e):
    t0, t1, t2, t3 = 0.0, 0.0, 0.0, 0.0
    for i in range(a.size):
        v = a[i]
        t0 += v * b[i]
        t1 += v * c[i]
        t2 += v * d[i]
        t3 += v * e[i]
    return t0, t1, t2, t3


@njit(cache=True)
def gram(rows, first, count, out):
    """Fill rows and columns from `first` on of the Gram matrix of the first `count` rows."""
    for i in range(first, count):
        one, j = rows[i], 0
        while j + 3 <= i:
            t0, t1, t2, t3 = _dot4(one, rows[j], rows[j + 1], rows[j + 2], rows[j + 3])
            out[i, j], out[i, j + 1], out[i, j + 2], out[i, j + 3] = t0, t1, t2, t3
            j += 4
        while j <= i:
            out[i, j] = dot(one, rows[j])
            j += 1
        for k in range(i):
            out[k, i] = out[i, k]


@njit(cache=True, fastmath=SUMS, error_model="numpy")
def factorise(a, n):
    """Overwrite the lower triangle by its Cholesky factor; pivots are kept above a floor. Unit diagonal assumed."""
    for j in range(n):
        t = a[j, j]
        for k in range(j):
            t -= a[j, k] * a[j, k]
        t = sqrt(max(t, _PIVOT))
        a[j, j] = t
        for i in range(j + 1, n):
            u = a[i, j]
            for k in range(j):
                u -= a[i, k] * a[j, k]
            a[i, j] = u / t


@njit(cache=True, fastmath=SUMS, error_model="numpy")
def substitute(a, b, n):
    """Solve in place with the factor of :func:`factorise`."""
    for i in range(n):
        u = b[i]
        for k in range(i):
            u -= a[i, k] * b[k]
        b[i] = u / a[i, i]
    for i in range(n - 1, -1, -1):
        u = b[i]
        for k in range(i + 1, n):
            u -= a[k, i] * b[k]
        b[i] = u / a[i, i]


@njit(cache=True, error_model="numpy")
def bounded(matrix, right, low, high, n, work, side, out):
    """Minimise a quadratic in limits, as :func:`~surfspec.fitting.batch.bounded.bounded_quadratic` does for many."""
    size, largest = np.empty(n), 0.0
    for i in range(n):
        size[i] = 1.0 / sqrt(matrix[i, i]) if matrix[i, i] > 0 else 1.0
        side[i] = 0
        largest = max(largest, abs(right[i] * size[i]))
    for turn in range(12 + 3 * n):
        for i in range(n):
            if side[i] != 0:
                out[i] = (low[i] if side[i] < 0 else high[i]) / size[i]
                continue
            out[i] = right[i] * size[i]
            for j in range(n):
                if side[j] != 0:
                    fixed = low[j] if side[j] < 0 else high[j]
                    out[i] -= matrix[i, j] * size[i] * fixed
        for i in range(n):
            for j in range(i):
                free = side[i] == 0 and side[j] == 0
                work[i, j] = matrix[i, j] * size[i] * size[j] if free else 0.0
            work[i, i] = 1.0
        factorise(work, n)
        substitute(work, out, n)
        settled = True
        for back in range(n):
            i = n - 1 - back
            if side[i] == 0:
                now = out[i] * size[i]
                new = -1 if now < low[i] else (1 if now > high[i] else 0)
            else:
                pull = right[i] * size[i]
                for j in range(n):
                    pull -= matrix[i, j] * size[i] * size[j] * out[j]
                new = side[i]
                if (side[i] < 0 and pull > SLACK * largest) or (side[i] > 0 and pull < -SLACK * largest):
                    new = 0
            if new != side[i]:
                side[i] = new if turn >= 5 else new + 10
                settled = False
                if turn >= 5:
                    break
        if settled:
            break
        for i in range(n):
            if side[i] > 5:
                side[i] -= 10
    for i in range(n):
        out[i] = min(max(out[i] * size[i], low[i]), high[i])
        if side[i] != 0:
            out[i] = low[i] if side[i] < 0 else high[i]


@njit(cache=True, error_model="numpy")
def damped_step(fisher, gradient, values, low, high, linear, damping, n, work, held, out):
    """Write the step in limits; return what the quadratic model promises as the gain in cost."""
    size = np.empty(n)
    for i in range(n):
        size[i] = 1.0 / sqrt(fisher[i, i]) if fisher[i, i] > 0 else 0.0
        down, up = values[i] <= low[i] and gradient[i] < 0, values[i] >= high[i] and gradient[i] > 0
        held[i] = size[i] == 0.0 or down or up
    for _ in range(4):
        for i in range(n):
            for j in range(i):
                work[i, j] = 0.0 if held[i] or held[j] else fisher[i, j] * size[i] * size[j]
            work[i, i] = 1.0 + (damping if i >= linear and not held[i] else 0.0)
            out[i] = 0.0 if held[i] else gradient[i] * size[i]
        factorise(work, n)
        substitute(work, out, n)
        again = False
        for i in range(n):
            if not held[i] and ((values[i] <= low[i] and out[i] < 0) or (values[i] >= high[i] and out[i] > 0)):
                held[i], again = True, True
        if not again:
            break
    gain = 0.0
    for i in range(n):
        gain += out[i] * gradient[i] * size[i]
        out[i] *= size[i]
    return gain


@njit(cache=True, error_model="numpy")
def invert(fisher, active):
    """Return inverses, dead parameters and doubtful members; see :func:`surfspec.fitting.batch.covariance.invert`."""
    members, n = active.shape
    inverse, dead = np.zeros((members, n, n)), np.zeros((members, n), dtype=np.bool_)
    doubtful = np.zeros(members, dtype=np.bool_)
    work, size, column = np.empty((n, n)), np.empty(n), np.empty(n)
    for m in range(members):
        for i in range(n):
            alive = fisher[m, i, i] > 0
            dead[m, i] = active[m, i] and not alive
            size[i] = 1.0 / sqrt(fisher[m, i, i]) if active[m, i] and alive else 0.0
        for i in range(n):
            for j in range(i):
                work[i, j] = fisher[m, i, j] * size[i] * size[j]
            work[i, i] = 1.0
        factorise(work, n)
        for k in range(n):
            column[:] = 0.0
            column[k] = 1.0
            substitute(work, column, n)
            doubtful[m] |= not (0.0 < column[k] < LARGEST_INFLATION)
            for i in range(n):
                inverse[m, i, k] = column[i] * size[i] * size[k]
    return inverse, dead, doubtful
