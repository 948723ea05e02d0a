"""The sweep that Shirley iterations share, and its derivative, on many members at once."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

import numpy as np

from surfspec.fitting.backgrounds.base import Array, Index, Mask
from surfspec.fitting.backgrounds.region import Region

Rule = Literal["trapezoid", "casa", "avantage"]
#: Weights (own, previous) of the running sum S_i = S_(i-1) + own_i f_i + previous_i f_(i-1).
Weights = tuple[Array, Array]
#: What a sweep sums of the data minus the background: the part above it, all of it with its sign, or its size.
Count = Literal["above", "signed", "size"]

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
    half = 0.5 * gap
    return half, half


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
    own, previous = weights
    if own is previous:
        terms = f.copy()
        terms[..., 1:] += f[..., :-1]
        terms *= own
    else:
        terms = own * f
        terms[..., 1:] += previous[1:] * f[..., :-1]
    return np.asarray(np.add.accumulate(terms, axis=-1, out=terms), dtype=np.float64)


class Members(NamedTuple):
    """What a sweep needs of its members.

    ``target`` (m, n) are the data or their means, ``low`` and ``step`` (m, 1) the lower level and the rise from it,
    ``floor`` (m, 1) the area that is only rounding, ``cap`` (m, n) an upper limit.
    """

    target: Array
    low: Array
    step: Array
    floor: Array
    cap: Array | None

    def keep(self, rows: Mask | Index) -> Members:
        """Take some of the members."""
        cap = None if self.cap is None else self.cap[rows]
        return Members(self.target[rows], self.low[rows], self.step[rows], self.floor[rows], cap)


def members_of(region: Region, target: Array, cap: Array | None = None) -> Members:
    """Gather what a sweep needs.

    Parameters
    ----------
    region : Region
    target : ndarray, shape (m, n)
        Data that are integrated.
    cap : ndarray, shape (m, n), optional

    Returns
    -------
    Members
    """
    floor = _NOTHING * region.width * np.abs(region.anchors).max(axis=1, keepdims=True)
    return Members(target, region.anchors[:, :1], region.step[:, None], floor, cap)


class Swept(NamedTuple):
    """A sweep: the new background, S_i, S_N, and whether nothing lies above; (m, n), (m, n), (m, 1), (m, 1)."""

    new: Array
    sums: Array
    total: Array
    void: Mask


def sweep(members: Members, weights: Weights, values: Array, count: Count) -> Swept:
    """Make one sweep b1 + (b2 - b1) S_i / S_N with S the running sum of what lies above ``values``.

    Parameters
    ----------
    members : Members
    weights : (ndarray, ndarray)
        Of the rule.
    values : ndarray, shape (m, n)
        The background so far.
    count : {"above", "signed", "size"}
        What is summed.

    Returns
    -------
    Swept
        Where nothing lies above, its numbers mean nothing.
    """
    net = members.target - values
    if count == "above":
        np.maximum(net, 0.0, out=net)
    elif count == "size":
        np.abs(net, out=net)
    sums = running(weights, net)
    total = sums[:, -1:]
    void = total <= members.floor
    if np.count_nonzero(void):
        total = np.where(void, 1.0, total)
    np.multiply(sums, members.step / total, out=net)
    net += members.low
    if members.cap is not None:
        np.minimum(net, members.cap, out=net)
    return Swept(net, sums, total, void)


def counted(members: Members, values: Array, count: Count) -> Array:
    """Differentiate what a sweep sums over the data: 1 above the background; below it 0, 1 or -1.

    Parameters
    ----------
    members : Members
    values : ndarray, shape (m, n)
        Background; where it meets the data, at the end levels, the mean of both sides is taken.
    count : {"above", "signed", "size"}
        What is summed.

    Returns
    -------
    ndarray, shape (m, n)
    """
    net = members.target - values
    edge = 1e-9 * np.abs(members.step)
    slope = np.add(net > edge, net >= -edge, dtype=np.float64)
    if count == "above":
        slope *= 0.5
    elif count == "size":
        slope -= 1.0
    else:
        slope[:] = 1.0
    return slope


def tangent(members: Members, weights: Weights, active: Array, swept: Swept, rows: Array) -> Array:
    """Differentiate a sweep over both end levels, given the derivative of the background it started from.

    Parameters
    ----------
    members : Members
    weights : (ndarray, ndarray)
        Of the rule.
    active : ndarray, shape (m, n)
        From :func:`counted`.
    swept : Swept
        The sweep.
    rows : ndarray, shape (m, 2, n)
        Derivative of the background before the sweep.

    Returns
    -------
    ndarray, shape (m, 2, n)
    """
    share = (swept.sums / swept.total)[:, None]
    sums = running(weights, -rows * active[:, None])
    own = np.concatenate([1.0 - share, share], axis=1)
    return own + (members.step / swept.total)[:, None] * (sums - share * sums[..., -1:])
