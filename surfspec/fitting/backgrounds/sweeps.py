"""The sweep that Shirley iterations share, its derivative, and the loop that repeats it."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from surfspec.fitting.backgrounds.base import Array, Background, Region, nothing_above
from surfspec.fitting.backgrounds.shirley import remark

Rule = Literal["trapezoid", "casa", "avantage"]
#: Weights (own, previous) of the running sum S_i = S_(i-1) + own_i f_i + previous_i f_(i-1).
Weights = tuple[Array, Array]
#: What a sweep sums of the data minus the background: the part above it, all of it with its sign, or its size.
Count = Literal["above", "signed", "size"]

#: Sweeps of the derivative before it is solved for, and the change at which it has settled.
_REPEATS: Final = 60
_SETTLED: Final = 1e-7


def rule_weights(x: Array, rule: Rule) -> Weights:
    """Give the weights of the running sum of a rule.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Rising energies [eV].
    rule : {"trapezoid", "casa", "avantage"}

    Returns
    -------
    own, previous : ndarray, shape (n,)
        Weight of each point and of the point before it [eV].

    Examples
    --------
    >>> rule_weights(np.array([0.0, 1.0, 3.0]), "casa")[1].tolist()
    [0.0, 1.0, 2.0]
    """
    gap = np.concatenate([[0.0], np.diff(x)])
    if rule == "casa":
        return np.zeros_like(gap), gap
    if rule == "avantage":
        own = gap.copy()
        own[0] = gap[1]
        return own, np.zeros_like(gap)
    return 0.5 * gap, 0.5 * gap


def running(weights: Weights, f: Array) -> Array:
    """Cumulate ``f`` from the low end with the weights of a rule, along the last axis.

    Parameters
    ----------
    weights : (ndarray, ndarray)
        Weight of each point and of the point before it.
    f : ndarray, shape (..., n)

    Returns
    -------
    ndarray, shape (..., n)

    Examples
    --------
    >>> running((np.full(3, 0.5), np.full(3, 0.5)), np.array([0.0, 2.0, 2.0])).tolist()
    [0.0, 1.0, 3.0]
    """
    terms = weights[0] * f
    terms[..., 1:] += weights[1][1:] * f[..., :-1]
    return np.asarray(np.cumsum(terms, axis=-1), dtype=np.float64)


def sweep(
    region: Region, target: Array, weights: Weights, values: Array, count: Count, kind: str
) -> tuple[Array, Array, float]:
    """Make one sweep b1 + (b2 - b1) S_i / S_N with S the running sum of what lies above ``values``.

    Parameters
    ----------
    region : Region
    target : ndarray, shape (n,)
        Data or their centred means.
    weights : (ndarray, ndarray)
        Of the rule.
    values : ndarray, shape (n,)
        The background so far.
    count : {"above", "signed", "size"}
        What is summed.
    kind : str
        For the message.

    Returns
    -------
    new : ndarray, shape (n,)
    share : ndarray, shape (n,)
        S_i / S_N.
    total : float
        S_N.

    Raises
    ------
    BackgroundError
        Where nothing lies above.
    """
    net = target - values
    if count != "signed":
        net = np.maximum(net, 0.0) if count == "above" else np.abs(net)
    sums = running(weights, net)
    total = float(sums[-1])
    if abs(total) <= 1e-14 * float(np.abs(target).sum()) * region.width / region.x.size or total < 0.0:
        raise nothing_above(kind)
    share = sums / total
    return region.anchors[0] + region.step * share, share, total


def counted(region: Region, target: Array, values: Array, count: Count) -> Array:
    """Differentiate what a sweep sums over the data: 1 above the background; below it 0, 1 or -1.

    Parameters
    ----------
    region : Region
    target, values : ndarray, shape (n,)
        Data and background; where they meet, at the end levels, the mean of both sides is taken.
    count : {"above", "signed", "size"}
        What is summed.

    Returns
    -------
    ndarray, shape (n,)
    """
    net = target - values
    below = {"above": 0.0, "signed": 1.0, "size": -1.0}[count]
    slope = np.where(net > 0.0, 1.0, below)
    return np.where(np.abs(net) <= 1e-9 * abs(region.step), 0.5 * (1.0 + below), slope)


def tangent(region: Region, weights: Weights, active: Array, share: Array, total: float, rows: Array) -> Array:
    """Differentiate a sweep over both end levels, given the derivative of the background it started from.

    Parameters
    ----------
    region : Region
    weights : (ndarray, ndarray)
        Of the rule.
    active : ndarray, shape (n,)
        From :func:`counted`.
    share, total
        From :func:`sweep`.
    rows : ndarray, shape (2, n)
        Derivative of the background before the sweep.

    Returns
    -------
    ndarray, shape (2, n)
    """
    sums = running(weights, -rows * active)
    return np.stack([1.0 - share, share]) + region.step / total * (sums - share * sums[:, -1:])


def _fixed_point(region: Region, weights: Weights, active: Array, free: Array, share: Array, total: float) -> Array:
    """Find the derivative that a sweep reproduces: by repetition, or by solving where that is slow or diverges."""
    rows = np.zeros((2, share.size))
    last = np.inf
    for _ in range(_REPEATS):
        new = tangent(region, weights, active, share, total, rows) * free
        moved = float(np.abs(new - rows).max())
        if moved <= _SETTLED:
            return new
        if moved > 2.0 * last:
            break
        rows, last = new, moved
    steps = running(weights, np.eye(share.size)).T * active
    jacobian = region.step / total * free[:, None] * (np.outer(share, steps[-1]) - steps)
    levels = np.stack([1.0 - share, share]) * free
    return np.asarray(np.linalg.lstsq(np.eye(share.size) - jacobian, levels.T, rcond=None)[0].T, dtype=np.float64)


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
    kind: str,
    note: str,
) -> Background:
    """Sweep until nothing changes, damped where the change grows; then the derivatives by the same sweeps.

    Parameters
    ----------
    region : Region
    target, start : ndarray, shape (n,)
        Data that are integrated, and the first background.
    weights : (ndarray, ndarray)
        Of the rule.
    count : {"above", "signed", "size"}
        What is summed.
    cap : ndarray, shape (n,), or None
        Upper limit of the background.
    tolerance, max_iterations
        Of the iteration.
    kind, note : str
        For the result.

    Returns
    -------
    Background

    Raises
    ------
    BackgroundError
        Where nothing lies above.
    """
    values, damping, last, change, done = start, 1.0, np.inf, np.inf, 0
    goal = tolerance * abs(region.step)
    share, total = start, 1.0
    for done in range(1, max_iterations + 1):  # noqa: B007  (the number is part of the result)
        new, share, total = sweep(region, target, weights, values, count, kind)
        new = new if cap is None else np.minimum(new, cap)
        change = float(np.abs(new - values).max())
        if change <= goal:
            values = new
            break
        damping = max(0.5 * damping, 1 / 64) if change > last else damping
        values, last = values + damping * (new - values), change
    active = counted(region, target, values, count)
    free = np.ones_like(values) if cap is None else (values < cap).astype(np.float64)
    rows = _fixed_point(region, weights, active, free, share, total)
    area = float(running(rule_weights(region.x, "trapezoid"), np.maximum(target - values, 0.0))[-1])
    k = region.step / area if area > 0.0 else 0.0
    notes = [note, remark(k * region.width)]
    converged = change <= goal
    if not converged:
        notes.append(f"stopped after {done} sweeps with a change of {change / abs(region.step):.1e} of the step")
    return Background(
        values,
        region.anchors,
        region.anchor_unc,
        rows,
        converged=converged,
        iterations=done,
        k=k,
        k_width=k * region.width,
        contact=float(1.0 - free.mean()),
        kind=kind,
        note="; ".join(n for n in notes if n),
    )
