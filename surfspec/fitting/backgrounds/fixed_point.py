"""The background that a sweep reproduces: the loop that finds it, and its derivative."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from surfspec.fitting.backgrounds.base import Array, Index, Mask, Part
from surfspec.fitting.backgrounds.region import Region
from surfspec.fitting.backgrounds.shirley import POOR, remark
from surfspec.fitting.backgrounds.sweeps import Count, Members, Weights, counted, members_of, rule_weights, sweep

#: From this k times width on, an iteration that did not converge has no derivative worth solving for.
_STRAINED: Final = 100.0
_TINY: Final = 1e-12
#: Decay of a recursion over the whole axis that still divides without loss.
_SAFE: Final = 1e-150


class _End(NamedTuple):
    """Where each member came to rest: (m, n), (m, n), and (m, 1) from ``total`` on."""

    values: Array
    share: Array
    total: Array
    change: Array
    done: Index
    void: Mask


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
    active = counted(members, end.values, count)
    free: Array | None = None
    contact: Array | float = 0.0
    if cap is not None:
        below = end.values < cap
        contact = 1.0 - below.mean(axis=1)
        free = below.astype(np.float64)
    rows, strained = _derivative(members, weights, active, free, end, region.width)
    above = np.maximum(target - end.values, 0.0)
    own, previous = rule_weights(region.x, "trapezoid")
    area = (above * (own + np.append(previous[1:], 0.0))).sum(axis=1)
    k = np.zeros_like(area)
    np.divide(region.step, area, out=k, where=area > 0.0)
    converged = (end.change <= goal)[:, 0]
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
    m = len(start)
    at, values = np.arange(m), start
    damping, last = np.ones((m, 1)), np.full((m, 1), np.inf)
    out = _End(
        np.empty_like(start),
        np.empty_like(start),
        np.ones((m, 1)),
        np.zeros((m, 1)),
        np.zeros((m, 1), dtype=np.intp),
        np.zeros((m, 1), dtype=np.bool_),
    )
    for done in range(1, max_iterations + 1):
        new, share, total, void = sweep(members, weights, values, count)
        move = new - values
        change = np.abs(move).max(axis=1, keepdims=True)
        near = change <= goal
        damping = np.where(change > last, np.maximum(0.5 * damping, 1 / 64), damping)
        whole = near | (damping == 1.0)
        if whole.all():
            values = new
        else:
            move *= damping
            move += values
            values = np.where(whole, new, move)
        last = change
        stop = (near | void)[:, 0]
        if done == max_iterations:
            stop = np.ones_like(stop)
        if not stop.any():
            continue
        if stop.all() and at.size == m:
            return _End(values, share, total, change, np.full((m, 1), done), void)
        ended = at[stop]
        for whole_array, now in zip(out, (values, share, total, change, None, void), strict=True):
            whole_array[ended] = done if now is None else now[stop]
        keep = ~stop
        if not keep.any():
            break
        at, values, members, goal = at[keep], values[keep], members.keep(keep), goal[keep]
        damping, last = damping[keep], last[keep]
    return out


def _derivative(
    members: Members, weights: Weights, active: Array, free: Array | None, end: _End, width: float
) -> tuple[Array, Mask]:
    """Find the derivative that a sweep reproduces, over both end levels; True where it is that of one sweep only.

    With S_i the running sum of ``active * r`` it solves r = free * (e - kappa (S - share S_N)), kappa = step / S_N(net)
    and e the derivative of the sweep over the levels themselves: a first-order recursion in S, given S_N. It is linear:
    S = P_e + kappa S_N P_share, with P_e the solution for S_N = 0.
    """
    kappa = members.step / end.total
    strained = np.abs(kappa) * width > _STRAINED
    kappa = np.where(strained, 0.0, kappa)
    slope = active if free is None else active * free
    own, previous = weights[0] * slope, weights[1][1:] * slope[:, :-1]
    levels = np.stack([1.0 - end.share, end.share])
    right = own * levels
    right[..., 1:] += previous * levels[..., :-1]
    own *= kappa
    own += 1.0
    own[np.abs(own) < _TINY] = _TINY
    factor = np.ones_like(own)
    np.subtract(1.0, kappa * previous, out=factor[:, 1:])
    factor[:, 1:] /= own[:, 1:]
    right /= own
    sums = _recur(factor, right)
    rest = 1.0 - kappa * sums[1, :, -1:]
    last = sums[:, :, -1:] / np.where(np.abs(rest) > _TINY, rest, _TINY)
    sums += last * (kappa * sums[1] - end.share)
    sums *= kappa
    levels -= sums
    if free is not None:
        levels *= free
    return levels.transpose(1, 0, 2), strained[:, 0]


def _recur(factor: Array, right: Array) -> Array:
    """Solve S_i = factor_i S_(i-1) + right_i, for factors (m, n) and right-hand sides (2, m, n)."""
    with np.errstate(over="ignore", under="ignore"):
        decay = np.cumprod(factor, axis=-1)
    size = np.abs(decay)
    safe = (size.min(axis=1) > _SAFE) & (size.max(axis=1) < 1 / _SAFE)
    if safe.all():
        right /= decay
        return np.asarray(decay * np.cumsum(right, axis=-1), dtype=np.float64)
    sums = np.empty_like(right)
    if safe.any():
        sums[:, safe] = _recur(factor[safe], right[:, safe])
    factor, right = factor[~safe], right[:, ~safe].copy()
    for i in range(1, factor.shape[1]):
        right[..., i] += factor[:, i] * right[..., i - 1]
    sums[:, ~safe] = right
    return sums


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
