"""The iteration of :mod:`surfspec.fitting.batch.kernel`, one spectrum after the other, compiled by numba.

The model is data (index arrays), so that one compilation serves every model; numba keeps it on disk.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from surfspec.fitting.batch.columns import Filler
from surfspec.fitting.batch.fast.algebra import SUMS, bounded, damped_step, gram, invert
from surfspec.fitting.batch.fast.shapes import evaluate, logarithm
from surfspec.fitting.batch.problem import (
    DAMPING_END,
    DAMPING_FACTOR,
    DAMPING_NONE,
    DAMPING_START,
    NOISE,
    Chunk,
    Ends,
)
from surfspec.fitting.batch.table import KINDS, Table
from surfspec.fitting.solver.objective import FLOOR

Array = NDArray[np.float64]

_FAST: Final = {"nsz", "arcp", "contract"}


class _Plan(NamedTuple):
    """The compiled model as arrays.

    A component that is `direct` writes each of its rows with factor 1 into one `target`, on top of what it shall
    `keep`; the rows of the others are distributed by `steps`: component, target row, source row, whether it is the
    first there. The last row of the targets is the identity, for those; the last row of the model is never read.
    """

    kinds: NDArray[np.int64]
    role_factor: Array
    role_offset: Array
    unit: Array
    steps: NDArray[np.int64]
    factor: Array
    direct: NDArray[np.bool_]
    target: NDArray[np.int64]
    keep: Array
    empty: NDArray[np.int64]
    pairs: NDArray[np.int64]
    low: Array
    high: Array
    areas: int
    linear: int
    nonlinear: int
    has_offset: bool
    cap_factor: Array
    cap_offset: Array


class _Data(NamedTuple):
    """One spectrum; see :class:`~surfspec.fitting.batch.problem.Chunk`."""

    x: Array
    y: Array
    base: Array
    weight: Array
    bends: Array
    end_x: Array
    end_mean: Array
    counts: bool
    floor: float


class _Room(NamedTuple):
    """Working memory.

    `columns` holds the weighted linear columns, the residual, the derivatives by the nonlinear parameters, and a row
    of zeros where that makes an even number; `gram` their scalar products.
    """

    rows: Array
    shape: Array
    end_rows: Array
    end_shape: Array
    end_weight: Array
    columns: Array
    gram: Array
    guess: Array
    root: Array
    roles: Array
    right: Array
    work: Array
    size: Array
    side: NDArray[np.int64]
    new: NDArray[np.int64]
    zeros: Array


@njit(cache=True, fastmath=_FAST)
def _add(out, i, rows, j, factor):
    for k in range(out.shape[1]):
        out[i, k] += factor * rows[j, k]


@njit(cache=True, fastmath=_FAST)
def _set(out, i, rows, j, factor):
    for k in range(out.shape[1]):
        out[i, k] = factor * rows[j, k]


@njit(cache=True, fastmath=_FAST)
def _times(out, i, rows, j, weight):
    for k in range(out.shape[1]):
        out[i, k] = rows[j, k] * weight[k]


@njit(cache=True, fastmath=_FAST)
def _add_to(out, rows, j, factor):
    for k in range(out.size):
        out[k] += factor * rows[j, k]


@njit(cache=True)
def _fill(plan, data, theta, room):
    """Write the rows of the model but the extra columns."""
    rows, bends, tails = room.rows, data.bends, room.end_rows
    _shapes(plan, data.x, data.weight, theta, room.roles, room.shape, rows)
    if bends.shape[0]:
        _shapes(plan, data.end_x, room.end_weight, theta, room.roles, room.end_shape, tails)
        mean = data.end_mean
        for j in range(rows.shape[0] - 1):
            if not plan.areas <= j < plan.linear:
                low, high = 0.0, 0.0
                for i in range(tails.shape[1]):
                    low += mean[0, i] * tails[j, i]
                    high += mean[1, i] * tails[j, i]
                _add(rows, j, bends, 0, -low)
                _add(rows, j, bends, 1, -high)


@njit(cache=True)
def _shapes(plan, x, weight, theta, roles, shape, rows):
    """Write the rows of the areas and the mixed derivatives on some axis."""
    # what loops use stands in local names: each access to a field costs as much as several sums
    nonlinear, steps, factor = plan.nonlinear, plan.steps, plan.factor
    role_factor, role_offset, direct, target, keep = (
        plan.role_factor,
        plan.role_offset,
        plan.direct,
        plan.target,
        plan.keep,
    )
    kinds, unit = plan.kinds, plan.unit
    for j in plan.empty:
        rows[j, :] = 0.0
    at = 0
    for k in range(kinds.size):
        for i in range(3):
            value = role_offset[k, i]
            for q in range(nonlinear):
                value += role_factor[k, i, q] * theta[q]
            roles[i] = value
        if direct[k]:
            evaluate(kinds[k], x, weight, roles, unit[k], rows, target[k], keep[k])
            continue
        evaluate(kinds[k], x, weight, roles, unit[k], shape, target[-1], keep[-1])
        while at < steps.shape[0] and steps[at, 0] == k:
            if steps[at, 3]:
                _set(rows, steps[at, 1], shape, steps[at, 2], factor[at])
            else:
                _add(rows, steps[at, 1], shape, steps[at, 2], factor[at])
            at += 1


@njit(cache=True, fastmath=_FAST, error_model="numpy")
def _inverse_root(out, model, floor):
    for i in range(out.size):
        out[i] = 1.0 / np.sqrt(max(model[i], floor))


@njit(cache=True, fastmath=_FAST)
def _difference(out, row, y, model, root):
    for i in range(y.size):
        out[row, i] = (y[i] - model[i]) * root[i]


@njit(cache=True, fastmath=SUMS)
def _deviance(model, y, floor):
    """Put the floor under the model; return the deviance less its part that is the data's alone."""
    total = 0.0
    for i in range(model.size):
        m = max(model[i], floor)
        model[i] = m
        total += m - y[i] * logarithm(m)
    return 2.0 * total


@njit(cache=True)
def _amplitudes(plan, data, linear, first, room, best):  # noqa: PLR0912
    """Write the best amplitudes under weights from the guess `linear`, and leave the model or residual of the guess."""
    products, right = room.gram, room.right
    count, rows, columns, guess, root = plan.linear, room.rows, room.columns, room.guess, room.root
    guess[:] = data.base
    for j in range(count):
        if linear[j] != 0.0:
            _add_to(guess, rows, j, linear[j])
    if plan.has_offset:
        _add_to(guess, rows, count, 1.0)
    if data.counts:
        if first:
            _inverse_root(root, data.y, 1.0)
        else:
            _inverse_root(root, guess, data.floor)
        for j in range(count):
            _times(columns, j, rows, j, root)
    else:
        for j in range(count):
            _set(columns, j, rows, j, 1.0)
    _difference(columns, count, data.y, guess, root)
    gram(columns, 0, count + 1, products)
    for i in range(count):
        right[i] = products[count, i]
        for j in range(i + 1):
            products[j, i] = products[i, j]
        if data.counts:
            for j in range(count):
                right[i] += products[max(i, j), min(i, j)] * linear[j]
    bounded(products, right, plan.low, plan.high, count, room.work, room.size, room.side, room.new, best)


@njit(cache=True)
def _point(plan, data, theta, linear, first, room, best, fisher, gradient):
    """Write the best amplitudes at `theta`, Fisher matrix and gradient; return cost and chi-square."""
    products, pairs = room.gram, plan.pairs
    count, total = plan.linear, plan.linear + plan.nonlinear
    rows, columns, guess, root = room.rows, room.columns, room.guess, room.root
    _fill(plan, data, theta, room)
    if not data.counts:
        linear = room.zeros  # the weights are fixed, no guess is needed
    _amplitudes(plan, data, linear, first, room, best)
    for q in range(count + 1, total + 1):
        columns[q, :] = 0.0
    shift = count + plan.has_offset
    for p in range(pairs.shape[0]):
        j = pairs[p, 0]
        amplitude = best[j] if j < count else 1.0
        if amplitude != 0.0:
            _add(columns, count + 1 + pairs[p, 1], rows, shift + p, amplitude)
    cost = 0.0
    if data.counts:
        for j in range(count):
            _add_to(guess, rows, j, best[j] - linear[j])
        cost = _deviance(guess, data.y, data.floor)
        _inverse_root(root, guess, data.floor)
        for j in range(count):
            _times(columns, j, rows, j, root)
        for q in range(count + 1, total + 1):
            _times(columns, q, columns, q, root)
        _difference(columns, count, data.y, guess, root)
    else:
        for j in range(count):
            _add(columns, count, columns, j, linear[j] - best[j])
    gram(columns, 0 if data.counts else count, total + 1, products)
    for i in range(total):
        at = i + (i >= count)
        gradient[i] = products[max(at, count), min(at, count)]
        for j in range(i + 1):
            fisher[i, j] = products[at, j + (j >= count)]
            fisher[j, i] = fisher[i, j]
    chi2 = products[count, count]
    return cost if data.counts else chi2, chi2


@njit(cache=True)
def _iterate(plan, data, values, scale, gain_limit, max_passes, room, fisher):
    """Fit one spectrum; `values` holds the start and gets the end. Return cost, chi2, converged, passes."""
    low, high, cap_factor, cap_offset = plan.low, plan.high, plan.cap_factor, plan.cap_offset
    count, total = plan.linear, plan.linear + plan.nonlinear
    matrices, gradients, bests = np.empty((2, total, total)), np.empty((2, total)), np.empty((2, count))
    step, held, trial = np.empty(total), np.empty(total, dtype=np.bool_), np.empty(total)
    at, damping = 0, 0.0
    cost, chi2 = _point(plan, data, values[count:], np.zeros(count), True, room, bests[0], matrices[0], gradients[0])
    values[:count] = bests[0]
    done, small, gain = 1, False, 0.0
    while True:
        gain = damped_step(
            matrices[at],
            gradients[at],
            values,
            low,
            high,
            count,
            damping,
            total,
            room.work,
            room.size,
            held,
            step,
        )
        if gain < gain_limit and damping > 0.0:
            damping = 0.0
            continue
        small = gain < gain_limit
        if small or damping > DAMPING_END or done == max_passes or not np.isfinite(gain):
            break
        for q in range(plan.nonlinear):
            cap = cap_offset[q]
            for i in range(plan.nonlinear):
                cap += cap_factor[q, i] * values[count + i]
            step[count + q] = min(max(step[count + q], -abs(cap)), abs(cap))
        for i in range(total):
            trial[i] = min(max(values[i] + step[i], low[i]), high[i])
        new = 1 - at
        new_cost, new_chi2 = _point(
            plan, data, trial[count:], trial[:count], False, room, bests[new], matrices[new], gradients[new]
        )
        done += 1
        if new_cost <= cost + NOISE * scale:
            at, cost, chi2 = new, new_cost, new_chi2
            values[:] = trial
            values[:count] = bests[at]
            damping = damping / DAMPING_FACTOR if damping > DAMPING_NONE else 0.0
        else:
            damping = max(DAMPING_FACTOR * damping, DAMPING_START)
    if small:
        for i in range(total):
            values[i] = min(max(values[i] + step[i], low[i]), high[i])
        cost -= gain
    fisher[:] = matrices[at]
    return cost, chi2, small, done


@njit(cache=True, nogil=True)
def _fit_chunk(plan, x, y, base, weight, extra, bends, end_x, end_mean, counts, start, gain_limit, max_passes, ends):
    """Fit every member of a chunk into the arrays of `ends`."""
    values, fisher, costs, chi2s, converged, passes = ends
    members, points = y.shape
    count, total = plan.linear, plan.linear + plan.nonlinear
    lines = count + plan.has_offset + plan.pairs.shape[0] + 1
    even = total + 1 + (total + 1) % 2
    room = _Room(
        rows=np.zeros((lines, points)), shape=np.zeros((4, points)),
        end_rows=np.zeros((lines, end_x.size)), end_shape=np.zeros((4, end_x.size)), end_weight=np.ones(end_x.size),
        columns=np.zeros((even, points)),
        gram=np.zeros((even, even)), guess=np.empty(points), root=np.ones(points), roles=np.empty(3),
        right=np.empty(count), work=np.empty((total, total)), size=np.empty(total),
        side=np.zeros(count, dtype=np.int64), new=np.zeros(count, dtype=np.int64), zeros=np.zeros(count),
    )  # fmt: skip
    ones, zeros = np.ones(points), np.zeros(points)
    for m in range(members):
        own, scale, floor = 0.0, float(points), 0.0
        if counts:
            floor = FLOOR * max(1.0, y[m].mean())
            for i in range(points):
                if y[m, i] > 0.0:
                    log = y[m, i] * logarithm(y[m, i])
                    own += 2.0 * (log - y[m, i])
                    scale += abs(log) + y[m, i]
        data = _Data(
            x, y[m], base[m] if counts else zeros, ones if counts else weight[m], bends[m], end_x, end_mean, counts,
            floor,
        )  # fmt: skip
        room.rows[plan.areas : count] = extra[m]
        values[m, count:] = start[m]
        cost, chi2, small, done = _iterate(plan, data, values[m], scale, gain_limit, max_passes, room, fisher[m])
        costs[m], chi2s[m], converged[m], passes[m] = cost + own, chi2, small, done


def _direct(filler: Filler) -> tuple[NDArray[np.bool_], NDArray[np.int64], Array]:
    """Return which components write straight into the model's rows, where, and what they keep there."""
    count, spare = filler.table.kinds.size, filler.rows - 1
    direct, target, keep = np.zeros(count, dtype=bool), np.full((count + 1, 4), spare), np.zeros((count + 1, 4))
    target[-1] = np.arange(4)
    for k, steps in enumerate(filler.plan):
        sources = [source for _, source, _, _ in steps]
        plain = len(set(sources)) == len(sources) and all(factor == 1.0 for _, _, factor, _ in steps)
        direct[k] = plain and filler.table.kinds[k] != KINDS["voigt"]
        for goal, source, _, first in steps if direct[k] else []:
            target[k, source], keep[k, source] = goal, 0.0 if first else 1.0
    return direct, target.astype(np.int64), keep


def _plain(array: Array) -> Array:
    """Return the array in the one layout for which the kernel is compiled."""
    return np.require(array, requirements=("C", "W"))


class Kernel:
    """Fits chunks of spectra with one compiled model; the counterpart of the kernel in plain numpy.

    Parameters
    ----------
    table
        The compiled model.
    tolerance
        As there.
    max_passes
        As there.
    """

    def __init__(self, table: Table, *, tolerance: float, max_passes: int) -> None:
        filler = Filler(table)
        direct, target, keep = _direct(filler)
        kept = [(k, *step) for k, one in enumerate(filler.plan) if not direct[k] for step in one]
        low, high = table.limits(table.free)
        self._plan = _Plan(
            kinds=table.kinds,
            role_factor=table.role_factor,
            role_offset=table.role_offset,
            unit=np.array(filler.unit, dtype=np.float64),
            steps=np.array([(k, t, s, int(first)) for k, t, s, _, first in kept], dtype=np.int64).reshape(-1, 4),
            factor=np.array([factor for _, _, _, factor, _ in kept], dtype=np.float64),
            direct=direct,
            target=target,
            keep=keep,
            empty=np.array(filler.empty, dtype=np.int64),
            pairs=table.pairs,
            low=low,
            high=high,
            areas=table.areas,
            linear=filler.linear,
            nonlinear=table.nonlinear.size,
            has_offset=table.has_offset,
            cap_factor=table.cap_factor,
            cap_offset=table.cap_offset,
        )
        self._gain, self._max_passes = tolerance**2, max_passes

    def fit(self, chunk: Chunk, start: Array) -> Ends:
        """Fit every member of a chunk from nonlinear start values, shape (m, Q)."""
        members, points = chunk.y.shape
        ends = Ends.empty(members, self._plan.low.size)
        bends = np.empty((members, 0, points)) if chunk.sensitivity is None else chunk.sensitivity
        weight = np.empty((0, 0)) if chunk.weight is None else chunk.weight
        _fit_chunk(
            self._plan, _plain(chunk.x), _plain(chunk.y), _plain(chunk.base), _plain(weight), _plain(chunk.extra),
            _plain(bends), _plain(chunk.ends.x), _plain(chunk.ends.mean), chunk.weight is None,
            _plain(start), self._gain, self._max_passes,
            (ends.values, ends.fisher, ends.cost, ends.chi2, ends.converged, ends.passes),
        )  # fmt: skip
        return ends

    def invert(self, fisher: Array, active: NDArray[np.bool_]) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the covariances; see :func:`surfspec.fitting.batch.covariance.invert`."""
        inverse, dead, doubtful = invert(fisher, active)
        return inverse, dead, doubtful
