"""The sweep that Shirley iterations share, its derivative, and the loop that repeats it."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from scipy.linalg import solve_banded

from surfspec.fitting.backgrounds.base import Array, Background, Region, nothing_above
from surfspec.fitting.backgrounds.shirley import remark

Rule = Literal["trapezoid", "casa", "avantage"]
#: Weights (own, previous) of the running sum S_i = S_(i-1) + own_i f_i + previous_i f_(i-1).
Weights = tuple[Array, Array]
#: What a sweep sums of the data minus the background: the part above it, all of it with its sign, or its size.
Count = Literal["above", "signed", "size"]

#: From this k times width on, an iteration that did not converge has no derivative worth solving for.
_STRAINED: Final = 100.0
_TINY: Final = 1e-12
#: Area above the background, relative to the area below it, that is only rounding.
_NOTHING: Final = 1e-15


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
    if total <= _NOTHING * region.width * max(abs(region.anchors[0]), abs(region.anchors[1])):
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


def _fixed_point(
    region: Region, weights: Weights, active: Array, free: Array, share: Array, total: float
) -> tuple[Array, str]:
    """Find the derivative that a sweep reproduces, over both end levels.

    With S_i the running sum of ``active * r`` it solves r = free * (e - kappa (S - share S_N)), kappa = step / S_N(net)
    and e the derivative of the sweep over the levels themselves: a first-order recursion in S, given S_N.
    """
    kappa = region.step / total
    levels = np.stack([1.0 - share, share])
    if abs(kappa) * region.width > _STRAINED:
        return levels * free, "the sensitivity is that of one sweep"
    own, previous = weights[0] * active * free, weights[1][1:] * (active * free)[:-1]
    e = np.stack([levels[0], levels[1], kappa * share])
    right = own * e
    right[:, 1:] += previous * e[:, :-1]
    bands = np.zeros((2, share.size))
    bands[0], bands[1, :-1] = 1.0 + kappa * own, kappa * previous - 1.0
    bands[0] = np.where(np.abs(bands[0]) < _TINY, _TINY, bands[0])
    sums = solve_banded((1, 0), bands, right.T, overwrite_b=True, check_finite=False).T
    rest = 1.0 - float(sums[2, -1])
    last = sums[:2, -1:] / (rest if abs(rest) > _TINY else _TINY)
    return np.asarray(free * (levels - kappa * (sums[:2] + last * sums[2] - share * last)), dtype=np.float64), ""


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
    rows, warning = _fixed_point(region, weights, active, free, share, total)
    area = float(running(rule_weights(region.x, "trapezoid"), np.maximum(target - values, 0.0))[-1])
    k = region.step / area if area > 0.0 else 0.0
    notes = [note, remark(k * region.width), warning]
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
