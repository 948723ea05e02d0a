"""The compiled model as arrays, and the rows of its columns, derivatives and residual for one spectrum.

Rows of the working matrix: the linear columns (areas, then extra ones), the derivatives by the nonlinear parameters,
the residual, a row of zeros where that makes an even number; then, off the Gram matrix, the column of fixed areas where
there is one, and the mixed derivatives that make up a derivative. A nonlinear parameter that only one linear column
knows needs no such sum: the shape writes straight into its row, and the amplitude counts in the Gram matrix.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from surfspec.fitting.batch.columns import Filler
from surfspec.fitting.batch.fast.shapes import evaluate, gaussian, mixed, shoulder, two_mixed
from surfspec.fitting.batch.fast.windows import hull, limit, window
from surfspec.fitting.batch.table import KINDS

Array = NDArray[np.float64]
Index = NDArray[np.int64]

FAST: Final = {"nsz", "arcp", "contract"}
_PSEUDO_VOIGT: Final = KINDS["pseudo_voigt"]
_GL_SUM: Final = KINDS["gl_sum"]
_GAUSSIAN: Final = KINDS["gaussian"]
_EDGE: Final = KINDS["edge"]


class Plan(NamedTuple):
    """The compiled model as arrays.

    A component that is `direct` writes each of its rows with factor 1 into one `target`, on top of what it shall
    `keep`; the rows of the others are distributed by `steps`: component, target row, source row, whether it is the
    first there. The last row of the targets is the identity, for those; the last row of the matrix is never read.

    `narrow` says whether some rows have windows (see :mod:`.windows`).

    `twin` is 1 for a component that is written together with the next, and 2 for that one: lines of one kind, into the
    same rows.

    `sums` makes the derivatives: row, source row, linear column (L for the fixed areas), whether it is the first there.
    `single` names the linear column whose amplitude the row of a derivative still lacks, or -1.

    `prior_weight` is empty where nothing is known beforehand.
    """

    kinds: Index
    role_factor: Array
    role_offset: Array
    unit: Array
    steps: Index
    factor: Array
    direct: NDArray[np.bool_]
    narrow: bool
    twin: Index
    target: Index
    keep: Array
    empty: Index
    coupled: Index
    sums: Index
    single: Index
    low: Array
    high: Array
    areas: int
    linear: int
    offset: int
    rows: int
    cap_factor: Array
    cap_offset: Array
    prior_weight: Array


def plan_of(filler: Filler) -> Plan:
    """Lay the rows of a model out for the compiled kernel.

    Parameters
    ----------
    filler
        The rows as the kernel in plain numpy has them.
    """
    table, count = filler.table, filler.linear
    nonlinear = table.nonlinear.size
    square = count + nonlinear + 1
    offset = square + square % 2
    at = offset + table.has_offset
    place = np.zeros(filler.rows, dtype=np.int64)  # of the numpy kernel's rows
    place[:count] = np.arange(count)
    if table.has_offset:
        place[count] = offset
    single, sums = np.full(nonlinear, -1, dtype=np.int64), []
    for q in range(nonlinear):
        mine = np.flatnonzero(table.pairs[:, 1] == q)
        alone = mine.size == 1 and table.pairs[mine[0], 0] < count
        for p in mine:
            column = table.pairs[p, 0]
            if alone:
                single[q], place[filler.first_pair + p] = column, count + q
            else:
                place[filler.first_pair + p] = at
                sums.append((count + q, at, column, p == mine[0]))
                at += 1
    rows = at + 1
    direct, target, keep = _direct(filler, place, rows - 1)
    kept = [(k, *step) for k, one in enumerate(filler.plan) if not direct[k] for step in one]
    coupled = np.concatenate([place[: table.areas], place[count : filler.rows - 1]])
    low, high = table.limits(table.free)
    return Plan(
        kinds=table.kinds, role_factor=table.role_factor, role_offset=table.role_offset,
        unit=np.array(filler.unit, dtype=np.float64),
        steps=np.array([(k, place[t], s, int(first)) for k, t, s, _, first in kept], dtype=np.int64).reshape(-1, 4),
        factor=np.array([factor for _, _, _, factor, _ in kept], dtype=np.float64),
        direct=direct, narrow=bool(np.any(direct & np.isin(table.kinds, (_GAUSSIAN, _EDGE)))),
        twin=_twins(table.kinds, direct, target), target=target, keep=keep,
        empty=place[np.array(filler.empty, dtype=np.int64)],
        coupled=coupled, sums=np.array(sums, dtype=np.int64).reshape(-1, 4), single=single, low=low, high=high,
        areas=table.areas, linear=count, offset=offset if table.has_offset else -1, rows=rows,
        cap_factor=table.cap_factor, cap_offset=table.cap_offset,
        prior_weight=table.prior_weight[: nonlinear if table.priors else 0],
    )  # fmt: skip


def _direct(filler: Filler, place: Index, spare: int) -> tuple[NDArray[np.bool_], Index, Array]:
    """Return which components write straight into the model's rows, where, and what they keep there."""
    count = filler.table.kinds.size
    direct, target, keep = np.zeros(count, dtype=bool), np.full((count + 1, 4), spare), np.zeros((count + 1, 4))
    target[-1] = np.arange(4)
    for k, steps in enumerate(filler.plan):
        sources = [source for _, source, _, _ in steps]
        plain = len(set(sources)) == len(sources) and all(factor == 1.0 for _, _, factor, _ in steps)
        direct[k] = plain and filler.table.kinds[k] != KINDS["voigt"]
        for goal, source, _, first in steps if direct[k] else []:
            target[k, source], keep[k, source] = place[goal], 0.0 if first else 1.0
    return direct, target.astype(np.int64), keep


def _twins(kinds: Index, direct: NDArray[np.bool_], target: Index) -> Index:
    out = np.zeros(kinds.size, dtype=np.int64)
    for k in range(kinds.size - 1):
        same = kinds[k] == kinds[k + 1] and np.array_equal(target[k], target[k + 1])
        if out[k] == 0 and same and direct[k] and direct[k + 1] and kinds[k] in (_PSEUDO_VOIGT, _GL_SUM):
            out[k], out[k + 1] = 1, 2
    return out


@njit(fastmath=FAST)
def add(rows, windows, i, j, factor):
    """Add a multiple of row `j` to row `i`."""
    first, end = windows[j, 0], windows[j, 1]
    limit(rows, windows, i, 1.0, first, end)
    out, one = rows[i, first:end], rows[j, first:end]
    for k in range(out.size):
        out[k] += factor * one[k]


@njit(fastmath=FAST)
def put(rows, windows, i, j, factor):
    """Set row `i` to a multiple of row `j`."""
    first, end = windows[j, 0], windows[j, 1]
    limit(rows, windows, i, 0.0, first, end)
    out, one = rows[i, first:end], rows[j, first:end]
    for k in range(out.size):
        out[k] = factor * one[k]


@njit(fastmath=FAST)
def put_two(rows, windows, i, j, m, factor, factor_2):
    """Set row `i` to the sum of multiples of the rows `j` and `m`."""
    first, end = hull(windows, j, m)
    limit(rows, windows, i, 0.0, first, end)
    out, one, two = rows[i, first:end], rows[j, first:end], rows[m, first:end]
    for k in range(out.size):
        out[k] = factor * one[k] + factor_2 * two[k]


@njit(fastmath=FAST)
def put_two_whole(rows, i, j, m, factor, factor_2):
    """Set row `i` as :func:`put_two` does, at all points."""
    for k in range(rows.shape[1]):
        rows[i, k] = factor * rows[j, k] + factor_2 * rows[m, k]


@njit(fastmath=FAST)
def _spread(rows, i, shape, j, factor, keep):
    for k in range(rows.shape[1]):
        rows[i, k] = keep * rows[i, k] + factor * shape[j, k]


@njit
def _limited(kind, x, weight, roles, area, rows, windows, target, keep):
    """Write a Gaussian or an edge within its window."""
    first, end = window(x, roles[0], roles[1], kind == _GAUSSIAN)
    if kind == _GAUSSIAN:
        limit(rows, windows, target[0], keep[0], first, end)
    else:
        limit(rows, windows, target[0], keep[0], 0, end)
    limit(rows, windows, target[1], keep[1], first, end)
    limit(rows, windows, target[2], keep[2], first, end)
    if kind == _GAUSSIAN:
        gaussian(x, weight, roles[0], roles[1], area, first, end, rows, target, keep)
    else:
        shoulder(x, weight, roles[0], roles[1], area, first, end, rows, target, keep)


@njit
def _roles(theta, factor, offset, out):
    for k in range(out.shape[0]):
        for i in range(3):
            value = offset[k, i]
            for q in range(theta.size):
                value += factor[k, i, q] * theta[q]
            out[k, i] = value


@njit
def fill(
    x, weight, theta, rows, windows, narrow, shape, roles, kinds, role_factor, role_offset, unit, direct, twin, target,
    keep, steps, factor, empty,
):  # fmt: skip
    """Write the rows of the areas and the mixed derivatives, times the weight; nothing else is touched.

    The model comes array by array: a tuple of them costs more than a shape to hand over. Some rows have windows
    where the model is `narrow`.
    """
    _roles(theta, role_factor, role_offset, roles)
    for j in empty:
        rows[j, :] = 0.0
    at = 0
    for k in range(kinds.size):
        if twin[k] == 2:
            continue
        if not direct[k]:
            evaluate(kinds[k], x, weight, roles[k], unit[k], shape, target[-1], keep[-1])
            while at < steps.shape[0] and steps[at, 0] == k:
                _spread(rows, steps[at, 1], shape, steps[at, 2], factor[at], 0.0 if steps[at, 3] else 1.0)
                windows[steps[at, 1], 0], windows[steps[at, 1], 1] = 0, x.size
                at += 1
        elif narrow and (kinds[k] == _GAUSSIAN or kinds[k] == _EDGE):
            _limited(kinds[k], x, weight, roles[k], unit[k], rows, windows, target[k], keep[k])
        else:
            for i in range(4):
                windows[target[k, i], 0], windows[target[k, i], 1] = 0, x.size
            if twin[k] == 1:
                two_mixed(kinds[k], x, weight, roles, unit, rows, target, keep, k)
            elif kinds[k] == _PSEUDO_VOIGT or kinds[k] == _GL_SUM:  # the detour over all shapes costs as much again
                mixed(kinds[k], x, weight, roles, unit, rows, target, keep, k)
            else:
                evaluate(kinds[k], x, weight, roles[k], unit[k], rows, target[k], keep[k])


@njit(fastmath=FAST)
def give_way(rows, windows, bends, mean, tails, coupled):
    """Let the background give way to the tails of the rows at its end levels."""
    for j in coupled:
        low, high = 0.0, 0.0
        for i in range(tails.shape[1]):
            low += mean[0, i] * tails[j, i]
            high += mean[1, i] * tails[j, i]
        for k in range(rows.shape[1]):
            rows[j, k] -= low * bends[0, k] + high * bends[1, k]
        windows[j, 0], windows[j, 1] = 0, rows.shape[1]
