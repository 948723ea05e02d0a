"""The iteration of :mod:`surfspec.fitting.batch.kernel`, one spectrum after the other, compiled by numba.

The model is data (index arrays), so that one compilation serves every model; numba keeps it on disk.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from surfspec.fitting.batch.fast.algebra import bounded, damped_step, plain_step
from surfspec.fitting.batch.fast.fill import FAST, add, fill, give_way, put, put_two, put_two_whole
from surfspec.fitting.batch.fast.grams import SUMS, gram, project, weighted_gram, weighted_project
from surfspec.fitting.batch.fast.shapes import log_of_parts, mantissa
from surfspec.fitting.batch.fast.stamp import STAMP
from surfspec.fitting.batch.fast.windows import hull
from surfspec.fitting.batch.problem import DAMPING_END, DAMPING_FACTOR, DAMPING_NONE, DAMPING_START, NOISE, REMAINDER
from surfspec.fitting.solver.objective import FLOOR

Array = NDArray[np.float64]


class Room(NamedTuple):
    """Working memory of one spectrum: n points, of them the first `points` real, the others of weight zero.

    Attributes
    ----------
    x, y, base, weight
        The spectrum. By given uncertainties `y` is the intensity less the background, times the weight, and `weight`
        one over the uncertainty; else they are counts, and the weight is one.
    bends
        How the background gives way at its end levels, times the weight.
    rows, windows, narrow
        See :mod:`surfspec.fitting.batch.fast.fill`.
    inverse, model, variance
        One over the counts (over one where there are none), expected counts, and one over them.
    grams, works, sizes
        Gram matrices of the current and the trial point, their Cholesky factors and the scales of these.
    """

    x: Array
    y: Array
    base: Array
    weight: Array
    bends: Array
    end_x: Array
    end_mean: Array
    end_weight: Array
    end_rows: Array
    end_windows: NDArray[np.int64]
    end_shape: Array
    rows: Array
    windows: NDArray[np.int64]
    narrow: bool
    shape: Array
    inverse: Array
    model: Array
    variance: Array
    grams: Array
    works: Array
    sizes: Array
    scratch: Array
    bests: Array
    right: Array
    change: Array
    side: NDArray[np.int64]
    new: NDArray[np.int64]
    roles: Array
    gradient: Array
    step: Array
    trial: Array
    held: NDArray[np.bool_]


@njit
def _room(plan, x, bends, end_x, end_mean):
    """Return working memory; the number of points is rounded up, so that vector instructions leave no rest."""
    points, total = x.size, plan.low.size
    n = (points + 7) // 8 * 8
    square = total + 1 + (total + 1) % 2
    wide = np.full(n, x[-1])
    wide[:points] = x
    windows = np.zeros((plan.rows, 2), dtype=np.int64)
    windows[:, 1] = n
    narrow = plan.narrow and bool(np.all(x[1:] >= x[:-1]))
    if narrow:  # nothing yet, but for what is not filled
        windows[: plan.areas], windows[plan.linear : total] = np.array([n, 0]), np.array([n, 0])
        windows[total + 1 :] = np.array([n, 0])
    return Room(
        wide, np.zeros(n), np.zeros(n), np.zeros(n), np.zeros((bends.shape[1], n)), end_x, end_mean,
        np.ones(end_x.size),
        np.zeros((plan.rows, end_x.size)), np.zeros((plan.rows, 2), dtype=np.int64), np.zeros((4, end_x.size)),
        np.zeros((plan.rows, n)), windows, narrow, np.zeros((4, n)),
        np.zeros(n), np.zeros(n), np.zeros(n), np.zeros((2, square, square)), np.zeros((2, total, total)),
        np.zeros((2, total)),
        np.zeros((total, total)), np.zeros((2, plan.linear)), np.zeros(plan.linear),
        np.zeros(plan.linear),
        np.zeros(plan.linear, dtype=np.int64), np.zeros(plan.linear, dtype=np.int64), np.zeros((plan.kinds.size, 3)),
        np.zeros(total), np.zeros(total), np.zeros(total), np.zeros(total, dtype=np.bool_),
    )  # fmt: skip


@njit(fastmath=FAST, error_model="numpy")
def _load_given(room, areas, y, base, spread, extra, bends):
    """Take a spectrum in, times the weight."""
    weight, out, rows, levels = room.weight, room.y, room.rows, room.bends
    for i in range(y.size):
        weight[i] = 1.0 / spread[i]
        out[i] = (y[i] - base[i]) * weight[i]
    for j in range(extra.shape[0]):
        row = rows[areas + j]
        for i in range(y.size):
            row[i] = extra[j, i] * weight[i]
    for j in range(bends.shape[0]):
        row = levels[j]
        for i in range(y.size):
            row[i] = bends[j, i] * weight[i]


@njit(fastmath=FAST, error_model="numpy")
def _load_counts(room, areas, y, base, extra, bends):
    """Take counts in; return their sum. Points without weight hold counts that the model meets."""
    total = _sum(y)
    weight, out, under, inverse, rows, levels = room.weight, room.y, room.base, room.inverse, room.rows, room.bends
    for i in range(y.size):
        weight[i], out[i] = 1.0, y[i]
    for i in range(y.size):
        under[i], inverse[i] = base[i], 1.0 / (y[i] if y[i] > 0.0 else 1.0)
    for j in range(extra.shape[0]):
        row = rows[areas + j]
        for i in range(y.size):
            row[i] = extra[j, i]
    for j in range(bends.shape[0]):
        row = levels[j]
        for i in range(y.size):
            row[i] = bends[j, i]
    mean = max(1.0, total / y.size)
    out[y.size :], under[y.size :], inverse[y.size :] = mean, mean, 1.0 / mean
    return total


@njit(fastmath=SUMS)
def _sum(y):
    total = 0.0
    for i in range(y.size):
        total += y[i]
    return total


@njit(fastmath=FAST)
def _subtract_two(rows, windows, last, i, j, a, b):
    first, end = hull(windows, i, j)
    out, one, two = rows[last, first:end], rows[i, first:end], rows[j, first:end]
    for k in range(out.size):
        out[k] -= a * one[k] + b * two[k]


@njit(fastmath=FAST)
def _copy(rows, last, y):
    for k in range(y.size):
        rows[last, k] = y[k]


@njit
def _amplitudes_given(rows, windows, y, offset, constant, matrix, right, low, high, work, size, side, new, best):
    """Write the best amplitudes and the residual; return whether no limit holds them."""
    count, last = best.size, low.size
    _copy(rows, last, y)
    if offset >= 0:
        add(rows, windows, last, offset, -1.0)
    gram(rows, windows, 0, count, count, constant, matrix)
    project(rows, windows, last, count, right)
    inside = bounded(matrix, right, low, high, count, work, size, side, new, best)
    for j in range(0, count - 1, 2):
        _subtract_two(rows, windows, last, j, j + 1, best[j], best[j + 1])
    if count % 2:
        add(rows, windows, last, count - 1, -best[count - 1])
    return inside


@njit(fastmath=FAST, error_model="numpy")
def _guess(rows, last, counts, model, floor, variance, first):
    for i in range(counts.size):
        variance[i] = 1.0 / (max(counts[i], 1.0) if first else max(model[i], floor))
        rows[last, i] = counts[i] - model[i]


@njit(fastmath=SUMS, error_model="numpy")
def _compare(rows, last, counts, inverse, model, floor):
    """Put the floor under the model; write (y - m)/m; return the deviance and chi-square."""
    total, square = 0.0, 0.0
    for i in range(counts.size):
        m, y = max(model[i], floor), counts[i]
        k, f = mantissa(m * inverse[i])
        more = f + 1.0
        one = 1.0 / (m * more)  # one division for two
        rest = y - m
        slope = rest * (more * one)
        rows[last, i] = slope
        square += slope * rest
        total -= rest + y * log_of_parts(k, (f - 1.0) * (m * one))
    return 2.0 * total, square


@njit(fastmath=FAST)
def _add_two(model, rows, windows, i, j, a, b):
    first, end = hull(windows, i, j)
    out, one, two = model[first:end], rows[i, first:end], rows[j, first:end]
    for k in range(out.size):
        out[k] += a * one[k] + b * two[k]


@njit
def _raise(model, rows, windows, amplitudes):
    """Add rows times amplitudes to the model, two rows at once."""
    count = amplitudes.size
    for j in range(0, count - 1, 2):
        _add_two(model, rows, windows, j, j + 1, amplitudes[j], amplitudes[j + 1])
    if count % 2:
        _add_two(model, rows, windows, count - 1, count - 1, amplitudes[count - 1], 0.0)


@njit
def _amplitudes_counts(
    rows, windows, y, inverse, base, offset, guess, first, floor, model, variance, matrix, right, low, high, work, size,
    side, new, best, change,
):  # fmt: skip
    """Write the best amplitudes under the variance of the model that has the amplitudes `guess`.

    The residual becomes that of the new amplitudes, relative to their model. Return whether no limit holds them, the
    deviance, and chi-square.
    """
    count, last = best.size, low.size
    model[:] = base
    if offset >= 0:
        _add_two(model, rows, windows, offset, offset, 1.0, 0.0)
    if not first:
        _raise(model, rows, windows, guess)
    _guess(rows, last, y, model, floor, variance, first)
    weighted_gram(rows, windows, variance, 0, count, count, matrix)
    weighted_project(rows, windows, variance, last, count, right)
    if not first:
        for i in range(count):
            for j in range(count):
                right[i] += matrix[max(i, j), min(i, j)] * guess[j]
    inside = bounded(matrix, right, low, high, count, work, size, side, new, best)
    for j in range(count):
        change[j] = best[j] - guess[j]
    _raise(model, rows, windows, change)
    cost, chi2 = _compare(rows, last, y, inverse, model, floor)
    return inside, cost, chi2


@njit
def _derivatives(rows, windows, narrow, sums, best):
    """Write the sums of mixed derivatives times amplitudes."""
    s = 0
    while s < sums.shape[0]:
        i, j, column = sums[s, 0], sums[s, 1], sums[s, 2]
        amplitude = best[column] if column < best.size else 1.0
        if not sums[s, 3]:
            add(rows, windows, i, j, amplitude)
        elif s + 1 < sums.shape[0] and sums[s + 1, 0] == i:  # two at once
            s += 1
            column = sums[s, 2]
            second = best[column] if column < best.size else 1.0
            if narrow:
                put_two(rows, windows, i, j, sums[s, 1], amplitude, second)
            else:
                put_two_whole(rows, i, j, sums[s, 1], amplitude, second)
        else:
            put(rows, windows, i, j, amplitude)
        s += 1


@njit
def _amplify(single, best, matrix):
    """Multiply the products of the derivatives that lack their amplitude."""
    count, total = best.size, best.size + single.size
    for q in range(single.size):
        if single[q] >= 0:
            amplitude, at = best[single[q]], count + q
            for j in range(at + 1):
                matrix[at, j] *= amplitude
            for i in range(at, total + 1):
                matrix[i, at] *= amplitude


@njit
def _known(theta, mean, weight, count, matrix):
    """Add the priors to the Fisher matrix, the gradient and chi-square; return their share of the cost."""
    total, share = count + theta.size, 0.0
    for q in range(weight.size):
        apart = theta[q] - mean[q]
        matrix[count + q, count + q] += weight[q]
        matrix[total, count + q] -= weight[q] * apart
        share += weight[q] * apart * apart
    matrix[total, total] += share
    return share


@njit
def _trial(values, step, low, high, cap_factor, cap_offset, count, out):
    """Write the values after a step within its longest length and the limits."""
    for q in range(values.size - count):
        cap = cap_offset[q]
        for i in range(values.size - count):
            cap += cap_factor[q, i] * values[count + i]
        step[count + q] = min(max(step[count + q], -abs(cap)), abs(cap))
    for i in range(values.size):
        out[i] = min(max(values[i] + step[i], low[i]), high[i])


@njit
def _step(g, gradient, values, low, high, count, damping, inside, work, scratch, size, held, step):
    """Write the step; return what it gains."""
    total = values.size
    plain = True
    for i in range(total):
        gradient[i] = g[total, i]
        plain = plain and low[i] < values[i] < high[i] and g[i, i] > 0.0
    if plain:
        return plain_step(g, gradient, count if inside else 0, count, damping, total, work, size, step)
    return damped_step(g, gradient, values, low, high, count, damping, total, scratch, size, held, step)


@njit(error_model="numpy")
def _iterate(plan, room, values, known, counts, floor, scale, gain_limit, max_passes, fisher):  # noqa: PLR0912, PLR0915 - in pieces it runs slower
    """Fit one spectrum; `values` holds the start and gets the end. Return cost, chi2, converged, passes."""
    # the fields stand in local names: each access to one costs as much as several sums
    low, high, cap_factor, cap_offset, count, offset = (
        plan.low, plan.high, plan.cap_factor, plan.cap_offset, plan.linear, plan.offset,
    )  # fmt: skip
    kinds, role_factor, role_offset, unit, direct, twin = (
        plan.kinds, plan.role_factor, plan.role_offset, plan.unit, plan.direct, plan.twin,
    )  # fmt: skip
    target, keep, steps, factor, empty, sums, single, coupled = (
        plan.target, plan.keep, plan.steps, plan.factor, plan.empty, plan.sums, plan.single, plan.coupled,
    )  # fmt: skip
    x, y, weight, rows, windows, narrow, shape, roles = (
        room.x, room.y, room.weight, room.rows, room.windows, room.narrow, room.shape, room.roles,
    )  # fmt: skip
    bends, end_x, end_weight, end_rows, end_windows, end_shape = (
        room.bends, room.end_x, room.end_weight, room.end_rows, room.end_windows, room.end_shape,
    )  # fmt: skip
    base, inverse, model, variance, right, change, side, sides, scratch = (
        room.base, room.inverse, room.model, room.variance, room.right, room.change, room.side, room.new, room.scratch,
    )  # fmt: skip
    total = low.size
    gradient, step, held = room.gradient, room.step, room.held
    trial = room.trial
    trial[:count], trial[count:] = 0.0, values[count:]
    constant = count
    at, damping, inside, cost, done = 1, 0.0, False, np.inf, 0
    small, gain, before = False, np.inf, np.inf
    while True:
        new = 1 - at
        matrix, best, work, size = room.grams[new], room.bests[new], room.works[new], room.sizes[new]
        theta = trial[count:]
        fill(
            x, weight, theta, rows, windows, narrow, shape, roles, kinds, role_factor, role_offset, unit, direct,
            twin, target, keep, steps, factor, empty,
        )  # fmt: skip
        if bends.shape[0]:
            fill(
                end_x, end_weight, theta, end_rows, end_windows, False, end_shape, roles, kinds, role_factor,
                role_offset, unit, direct, twin, target, keep, steps, factor, empty,
            )  # fmt: skip
            give_way(rows, windows, bends, room.end_mean, end_rows, coupled)
        if counts:
            new_inside, new_cost, chi2 = _amplitudes_counts(
                rows, windows, y, inverse, base, offset, trial[:count], done == 0, floor, model, variance, matrix,
                right, low, high, work, size, side, sides, best, change,
            )  # fmt: skip
            _derivatives(rows, windows, narrow, sums, best)
            weighted_gram(rows, windows, variance, count, count, total, matrix)
            project(rows, windows, total, total, matrix[total])
            matrix[total, total] = chi2
        else:
            new_inside = _amplitudes_given(
                rows, windows, y, offset, constant, matrix, right, low, high, work, size, side, sides, best
            )
            _derivatives(rows, windows, narrow, sums, best)
            gram(rows, windows, count, count, total, total + 1, matrix)
            project(rows, windows, total, total + 1, matrix[total])
            new_cost = matrix[total, total]
        _amplify(single, best, matrix)
        new_cost += _known(theta, known, plan.prior_weight, count, matrix)
        done += 1
        if done == 1:  # products of the columns beside the peaks stay as they are
            constant = min(plan.areas + plan.areas % 2, count)
            room.grams[at, :count, :count] = matrix[:count, :count]
        if done == 1 or new_cost <= cost + NOISE * scale:
            at, cost, inside, before = new, new_cost, new_inside, gain
            values[:] = trial
            values[:count] = best
            damping = damping / DAMPING_FACTOR if damping > DAMPING_NONE else 0.0
        else:
            damping = max(DAMPING_FACTOR * damping, DAMPING_START)
        g, work, size = room.grams[at], room.works[at], room.sizes[at]
        gain = _step(g, gradient, values, low, high, count, damping, inside, work, scratch, size, held, step)
        if gain < gain_limit and damping > 0.0:  # a small gain under damping says nothing: look at the free step
            damping = 0.0
            gain = _step(g, gradient, values, low, high, count, damping, inside, work, scratch, size, held, step)
        small = gain < gain_limit and gain * min(gain / before, 1.0) < REMAINDER**2 * gain_limit
        if small or damping > DAMPING_END or done == max_passes or not np.isfinite(gain):
            break
        _trial(values, step, low, high, cap_factor, cap_offset, count, trial)
    if small:
        for i in range(total):
            values[i] = min(max(values[i] + step[i], low[i]), high[i])
        cost -= gain
    g = room.grams[at]
    for i in range(total):
        for j in range(i + 1):
            fisher[i, j] = fisher[j, i] = g[i, j]
    return cost, g[total, total], small, done


def _kept(stamp):
    """Return the function that is kept on disk, as long as the sources have this stamp."""

    @njit(cache=True, nogil=True)
    def fit_chunk(
        plan, x, y, base, spread, extra, bends, end_x, end_mean, known, counts, start, gain_limit, max_passes, ends
    ):  # fmt: skip
        """Fit every member of a chunk into the arrays of `ends`; arrays with one row serve all members."""
        values, fisher, costs, chi2s, converged, passes = ends
        points, count = x.size, plan.linear
        room = _room(plan, x, bends, end_x, end_mean)
        for m in range(y.shape[0]):
            under, levels = base[min(m, base.shape[0] - 1)], bends[min(m, bends.shape[0] - 1)]
            scale, floor = float(points), 0.0
            if counts:
                total = _load_counts(room, plan.areas, y[m], under, extra[m], levels)
                floor = FLOOR * max(1.0, total / points)
                scale += total
            else:
                _load_given(room, plan.areas, y[m], under, spread[min(m, spread.shape[0] - 1)], extra[m], levels)
            values[m, count:] = start[m]
            cost, chi2, small, done = _iterate(
                plan,
                room,
                values[m],
                known[min(m, known.shape[0] - 1)],
                counts,
                floor,
                scale,
                gain_limit,
                max_passes,
                fisher[m],
            )
            costs[m], chi2s[m], converged[m], passes[m] = cost, chi2, small, done
            if not np.isfinite(cost):  # what is no number would stay in the memory of the next member
                room.rows[:], room.shape[:], room.end_rows[:], room.end_shape[:] = 0.0, 0.0, 0.0, 0.0
        return stamp

    return fit_chunk


fit_chunk = _kept(STAMP)
