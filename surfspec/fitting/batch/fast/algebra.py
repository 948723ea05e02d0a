"""Small dense algebra for the compiled kernel: Cholesky, least squares in limits, steps, inverses."""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from math import sqrt
from typing import Final

import numpy as np
from numba import njit

from surfspec.fitting.batch.bounded import SLACK
from surfspec.fitting.batch.covariance import LARGEST_INFLATION
from surfspec.fitting.batch.fast.stamp import STAMP

#: Smallest pivot of a normalised matrix.
_PIVOT: Final = 1e-14
#: Sums keep their order here: these are so short that vector instructions take longer.
_FAST: Final = {"nsz", "arcp", "contract"}


@njit(fastmath=_FAST, error_model="numpy")
def factorise(a, n):
    """Overwrite the lower triangle by its Cholesky factor, the diagonal by its reciprocal; pivots have a floor."""
    for i in range(n):
        pivot = a[i, i]
        for j in range(i):
            t = a[i, j]
            for k in range(j):
                t -= a[i, k] * a[j, k]
            a[i, j] = t * a[j, j]
        for k in range(i):
            pivot -= a[i, k] * a[i, k]
        a[i, i] = 1.0 / sqrt(max(pivot, _PIVOT))


@njit(fastmath=_FAST, error_model="numpy")
def substitute(a, b, n):
    """Solve in place with the factor of :func:`factorise`; return the product of right side and solution."""
    product = 0.0
    for i in range(n):
        u = b[i]
        for k in range(i):
            u -= a[i, k] * b[k]
        b[i] = u * a[i, i]
        product += b[i] * b[i]
    for i in range(n - 1, -1, -1):
        b[i] *= a[i, i]
        for k in range(i):
            b[k] -= a[i, k] * b[i]
    return product


@njit(error_model="numpy")
def _solve_free(matrix, right, low, high, size, side, work, out, n):
    """Solve for the unknowns that are free while the others stay at their limits; all in normalised units."""
    for i in range(n):
        if side[i] != 0:
            out[i] = (low[i] if side[i] < 0 else high[i]) / size[i]
        else:
            out[i] = right[i] * size[i]
        for j in range(n):
            free = side[i] == 0 and side[j] == 0
            if side[i] == 0 and side[j] != 0:
                out[i] -= matrix[i, j] * size[i] * (low[j] if side[j] < 0 else high[j])
            if j < i:
                work[i, j] = matrix[i, j] * size[i] * size[j] if free else 0.0
        work[i, i] = 1.0
    factorise(work, n)
    substitute(work, out, n)


@njit(error_model="numpy")
def _new_side(i, matrix, right, low, high, size, side, out, n, slack):
    """Return where an unknown belongs: -1 at the low limit, 0 free, 1 at the high one."""
    if side[i] == 0:
        now = out[i] * size[i]
        return -1 if now < low[i] else (1 if now > high[i] else 0)
    pull = right[i] * size[i]
    for j in range(n):
        pull -= matrix[i, j] * size[i] * size[j] * out[j]
    wants_back = (side[i] < 0 and pull > slack) or (side[i] > 0 and pull < -slack)
    return 0 if wants_back else side[i]


@njit(error_model="numpy")
def bounded(matrix, right, low, high, n, work, size, side, new, out):  # noqa: C901, PLR0912 - in pieces it runs a third slower
    """Minimise a quadratic in limits, as :func:`~surfspec.fitting.batch.bounded.bounded_quadratic` does for many.

    Return whether no limit holds; then `work` has the Cholesky factor of the matrix that `size` normalises.
    """
    largest, inside = 0.0, True
    for i in range(n):
        size[i] = 1.0 / sqrt(matrix[i, i]) if matrix[i, i] > 0 else 1.0
        side[i] = 0
        largest = max(largest, abs(right[i] * size[i]))
    for i in range(n):
        out[i] = right[i] * size[i]
        for j in range(i):
            work[i, j] = matrix[i, j] * size[i] * size[j]
        work[i, i] = 1.0
    factorise(work, n)
    substitute(work, out, n)
    for i in range(n):
        out[i] *= size[i]
        inside = inside and low[i] <= out[i] <= high[i]
    if inside:
        return True
    for turn in range(12 + 3 * n):
        _solve_free(matrix, right, low, high, size, side, work, out, n)
        last = -1
        for i in range(n):
            new[i] = _new_side(i, matrix, right, low, high, size, side, out, n, SLACK * largest)
            if new[i] != side[i]:
                last = i
        if last < 0:
            break
        for i in range(n):
            if turn < 5 or i == last:
                side[i] = new[i]
    for i in range(n):
        out[i] = min(max(out[i] * size[i], low[i]), high[i])
        if side[i] != 0:
            out[i] = low[i] if side[i] < 0 else high[i]
    return False


@njit(fastmath=_FAST, error_model="numpy")
def plain_step(fisher, gradient, first, linear, damping, n, work, size, out):
    """Write the step where no limit holds, as :func:`damped_step` does.

    The factor of the first `first` rows stands in `work` already, as :func:`bounded` left it; the others go on.
    """
    for i in range(first, n):
        size[i] = 1.0 / sqrt(fisher[i, i])
    for i in range(first, n):
        pivot = 1.0 + (damping if i >= linear else 0.0)
        for j in range(i):
            t = fisher[i, j] * size[i] * size[j]
            for k in range(j):
                t -= work[i, k] * work[j, k]
            work[i, j] = t * work[j, j]
        for k in range(i):
            pivot -= work[i, k] * work[i, k]
        work[i, i] = 1.0 / sqrt(max(pivot, _PIVOT))
    for i in range(n):
        out[i] = gradient[i] * size[i]
    gain = substitute(work, out, n)
    for i in range(n):
        out[i] *= size[i]
    return gain


@njit(error_model="numpy")
def damped_step(fisher, gradient, values, low, high, linear, damping, n, work, size, held, out):
    """Write the step in limits; return what the quadratic model promises as the gain in cost."""
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


@njit(fastmath=_FAST, error_model="numpy")
def _invert_factor(work, n):
    """Overwrite a Cholesky factor (reciprocal diagonal) by its inverse, column by column."""
    for k in range(n):
        for i in range(k + 1, n):
            t = work[i, k] * work[k, k]
            for j in range(k + 1, i):
                t += work[i, j] * work[j, k]
            work[i, k] = -t * work[i, i]


def _kept(stamp):
    """Return the function that is kept on disk, as long as the sources have this stamp."""

    @njit(cache=True, fastmath=_FAST, error_model="numpy")
    def invert(fisher, active, place, count):
        """Return covariances, dead parameters and doubtful members; see :mod:`surfspec.fitting.batch.covariance`."""
        members, n = active.shape
        out, dead = np.zeros((members, count, count)), np.zeros((members, n), dtype=np.bool_)
        doubtful = np.zeros(members, dtype=np.bool_)
        work, size = np.empty((n, n)), np.empty(n)
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
            _invert_factor(work, n)
            for i in range(n):
                for k in range(i + 1):
                    t = 0.0
                    for j in range(i, n):
                        t += work[j, i] * work[j, k]
                    if i == k:
                        doubtful[m] |= not (0.0 < t < LARGEST_INFLATION)
                    t *= size[i] * size[k]
                    out[m, place[i], place[k]] = t
                    out[m, place[k], place[i]] = t
        return out, dead, doubtful, stamp

    return invert


invert = _kept(STAMP)
