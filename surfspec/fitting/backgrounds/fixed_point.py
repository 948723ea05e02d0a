"""The background that a sweep reproduces: the loop that finds it, and its derivative."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from surfspec.fitting.backgrounds.base import Array, Index, Mask, Part
from surfspec.fitting.backgrounds.region import Region
from surfspec.fitting.backgrounds.shirley import POOR, remark
from surfspec.fitting.backgrounds.sweeps import Count, Members, Weights, counted, members_of, rule_weights, sweep

#: From this k times width on, there is no derivative worth solving for: it grows as the exponential of it.
_STRAINED: Final = 100.0
#: The same for an iteration that did not converge: where nothing rests, the derivative that a sweep reproduces is that
#: of no background (up to 1e23 was seen); from here on it is that of one sweep: the shares s and 1 - s themselves,
#: between 0 and 1 unless signed differences are summed.
_RESTLESS: Final = 10.0
_TINY: Final = 1e-12
#: Decay of a recursion over the whole axis that still divides without loss.
_SAFE: Final = 1e-150
#: kappa times the longest step below which no decay leaves that range: at least exp(-_STRAINED / (1 - _SHORT)).
_SHORT: Final = 0.7


class _End(NamedTuple):
    """Where each member came to rest: (m, n), (m, n), and (m, 1) from ``total`` on."""

    values: Array
    sums: Array
    total: Array
    void: Mask
    change: Array
    done: Index


def iterate(
    region: Region,
    target: Array,
    weights: Weights,
    start: Array,
    *,
    count: Count,
    cap: Array | None,
    tolerance: float,
    max_iterations: int,
    note: str,
) -> tuple[Part, Mask]:
    """Sweep until nothing changes, damped where the change grows; then the derivatives by the same sweeps.

    Parameters
    ----------
    region : Region
    target, start : ndarray, shape (m, n)
        Data that are integrated, and the first background.
    weights : (ndarray, ndarray)
        Of the rule.
    count : {"above", "signed", "size"}
        What is summed.
    cap : ndarray, shape (m, n), or None
        Upper limit of the background.
    tolerance, max_iterations
        Of the iteration.
    note : str
        For the result.

    Returns
    -------
    part : Part
    void : ndarray of bool, shape (m,)
        Members of which nothing lies above the background; their numbers mean nothing.
    """
    members = members_of(region, target, cap)
    goal = tolerance * np.abs(members.step)
    end = _rest(members, weights, start, count, goal, max_iterations)
    slope = counted(members, end.values, count)
    free: Array | None = None
    contact: Array | float = 0.0
    if cap is not None:
        free = np.less(end.values, cap).astype(np.float64)
        contact = 1.0 - np.add.reduce(free, axis=1) / free.shape[1]
        slope *= free
    converged = (end.change <= goal)[:, 0]
    rows, strained = _derivative(members, weights, slope, end, region.width, converged)
    if free is not None:
        rows *= free[:, None]
    above = target - end.values
    np.maximum(above, 0.0, out=above)
    own, previous = rule_weights(region.x, "trapezoid")
    above *= own + np.append(previous[1:], 0.0)
    area = np.add.reduce(above, axis=1)
    k = np.zeros_like(area)
    np.divide(region.step, area, out=k, where=area > 0.0)
    part = Part(
        end.values,
        rows,
        converged=converged,
        iterations=end.done[:, 0],
        k=k,
        k_width=k * region.width,
        contact=contact,
        note=_notes(note, k * region.width, strained, converged, end, region.step),
    )
    return part, end.void[:, 0]


def _rest(members: Members, weights: Weights, start: Array, count: Count, goal: Array, max_iterations: int) -> _End:
    """Sweep each member until it rests; only those that still move are worked on."""
    m, n = start.shape
    at, values = np.arange(m), start
    damping, last = np.ones((m, 1)), np.full((m, 1), np.inf)
    out = _End(
        values=np.empty((m, n)),
        sums=np.empty((m, n)),
        total=np.ones((m, 1)),
        void=np.zeros((m, 1), dtype=np.bool_),
        change=np.zeros((m, 1)),
        done=np.zeros((m, 1), dtype=np.intp),
    )
    damped = False
    for done in range(1, max_iterations + 1):
        swept = sweep(members, weights, values, count)
        move = swept.new - values
        change = np.maximum.reduce(np.abs(move), axis=1, keepdims=True)
        near, grown = change <= goal, change > last
        if np.count_nonzero(grown):
            damping, damped = np.where(grown, np.maximum(0.5 * damping, 1 / 64), damping), True
        if damped:
            move *= damping
            move += values
            values = np.where(near | (damping == 1.0), swept.new, move)
        else:
            values = swept.new
        last, stop = change, near | swept.void
        stopped = at.size if done == max_iterations else np.count_nonzero(stop)
        if stopped == 0:
            continue
        if stopped == m:
            return _End(values, *swept[1:], change, np.full((m, 1), done))
        ended = slice(None) if stopped == at.size else stop[:, 0]
        for field, now in zip(out, (values, *swept[1:], change, np.full((at.size, 1), done)), strict=True):
            field[at[ended]] = now[ended]
        if stopped == at.size:
            break
        keep = ~stop[:, 0]
        at, values, members, goal = at[keep], values[keep], members.keep(keep), goal[keep]
        damping, last = damping[keep], last[keep]
    return out


def _derivative(
    members: Members, weights: Weights, slope: Array, end: _End, width: float, converged: Mask
) -> tuple[Array, Mask]:
    r"""Find the derivative that a sweep reproduces, over both end levels; True where it is that of one sweep only.

    With s = S / S_N, kappa = step / S_N, ``slope`` a and S[r] the running sum of a r, it solves
    r = e - kappa (S[r] - s S_N[r]), with e the derivative of the sweep over the levels themselves: 1 - s and s. The
    rule gives S[r]_i - S[r]_(i-1) = o_i a_i r_i + p_i a_(i-1) r_(i-1), and so, by elimination of S,

    r_high = U / U_N and r_low = D - D_N r_high, where
    D_i = f_i D_(i-1), U_i = f_i U_(i-1) + (s_i - s_(i-1)) / (1 + kappa o_i a_i),
    f_i = (1 - kappa p_i a_(i-1)) / (1 + kappa o_i a_i), D_1 = 1, U_1 = s_1 = 0.
    """
    kappa = members.step / end.total
    strained = np.abs(kappa) * width > np.where(converged, _STRAINED, _RESTLESS)[:, None]
    if np.count_nonzero(strained):
        kappa = np.where(strained, 0.0, kappa)
    own, previous = weights
    below = slope * own
    below *= kappa
    below += 1.0
    below[np.abs(below) < _TINY] = _TINY
    factor = np.ones_like(below)
    np.multiply(slope[:, :-1], -previous[1:], out=factor[:, 1:])
    factor[:, 1:] *= kappa
    factor[:, 1:] += 1.0
    factor[:, 1:] /= below[:, 1:]
    share = end.sums / end.total
    gain = share.copy()
    gain[:, 1:] -= share[:, :-1]
    gain /= below
    reach = np.abs(kappa) * max(float(own.max()), float(previous.max()))
    decay, high = _recur(factor, gain, bool((reach < _SHORT).all()))
    top = high[:, -1:]
    high /= np.where(np.abs(top) > _TINY, top, _TINY)
    rows = np.empty((len(high), 2, high.shape[1]))
    rows[:, 1] = high
    np.multiply(high, decay[:, -1:], out=rows[:, 0])
    np.subtract(decay, rows[:, 0], out=rows[:, 0])
    return rows, strained[:, 0]


def _recur(factor: Array, gain: Array, mild: bool) -> tuple[Array, Array]:
    """Solve D_i = f_i D_(i-1), D_1 = 1, and U_i = f_i U_(i-1) + g_i, U_1 = g_1; all (m, n).

    Where D cannot leave the range of numbers (``mild``, or seen to be so) the second is a running sum of g / D.
    """
    with np.errstate(over="ignore", under="ignore"):
        decay = np.asarray(np.multiply.accumulate(factor, axis=1), dtype=np.float64)
    if mild:
        rows, rest = np.empty(0, dtype=np.intp), gain[:0]
    else:
        size = np.abs(decay)
        rows = np.flatnonzero((size.min(axis=1) <= _SAFE) | (size.max(axis=1) >= 1 / _SAFE))
        rest = gain[rows]
        for i in range(1, gain.shape[1]):
            rest[:, i] += factor[rows, i] * rest[:, i - 1]
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        gain /= decay
        np.add.accumulate(gain, axis=1, out=gain)
        gain *= decay
    gain[rows] = rest
    return decay, gain


def _notes(note: str, k_width: Array, strained: Mask, converged: Mask, end: _End, step: Array) -> list[str]:
    """Write the note of each member."""
    texts = [note] * len(k_width)
    for i in np.flatnonzero((np.abs(k_width) >= POOR) | strained | ~converged).tolist():
        said = [note, remark(float(k_width[i])), "the sensitivity is that of one sweep" if strained[i] else ""]
        if not converged[i]:
            share = end.change[i, 0] / abs(step[i])
            said.append(f"stopped after {end.done[i, 0]} sweeps with a change of {share:.1e} of the step")
        texts[i] = "; ".join(text for text in said if text)
    return texts
