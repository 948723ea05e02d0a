r"""The exact Shirley background.

The background at each energy is proportional to the peak area at lower binding energy (D. A. Shirley, Phys. Rev. B 5
(1972) 4709):

.. math:: B(E) = b_1 + k \int_{E_1}^{E} (y - B)\, dE', \qquad B(E_2) = b_2

Its fixed point solves the linear differential equation :math:`B' = k (y - B)`; no iteration is needed.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from surfspec.errors import BackgroundError
from surfspec.fitting.backgrounds.base import LEVEL, Array, Background, BackgroundSeries, Index, Mask, Pair, Part
from surfspec.fitting.backgrounds.inputs import nothing_above
from surfspec.fitting.backgrounds.linear import line_shares
from surfspec.fitting.backgrounds.region import Region, Spectra, draft_of, make_region, single

#: Largest k times width that is a background: beyond it B follows (or, falling, flees) the data within a tenth of the
#: region. In 800 simulated weak doublets the roots lie below 3, or above 13 where noise alone joins the levels.
_WIDEST: Final = 10.0
#: Evaluations of a search for k; halving the bracket alone needs about 60.
_CALLS: Final = 200
#: From this k times width on, the background is poorly defined.
POOR: Final = 2.0


def remark(k_width: float) -> str:
    """Say when the step is too large for the net area.

    Parameters
    ----------
    k_width : float
        k times the width of the region.

    Returns
    -------
    str

    Examples
    --------
    >>> remark(0.4)
    ''
    """
    if abs(k_width) < POOR:
        return ""
    return f"k times width is {k_width:.2g}: the step is large for the net area, the background poorly defined"


def shirley(
    x: ArrayLike,
    y: ArrayLike,
    *,
    sigma: ArrayLike | None = None,
    average: int = 11,
    anchors: Pair | None = None,
    window: Pair | None = None,
) -> Background:
    r"""Return the exact Shirley background, the solution of B' = k (y - B) with both end levels.

    Trapezoidal step: :math:`B_{i+1} = [B_i (1 - a) + a (y_i + y_{i+1})] / (1 + a)`, :math:`a = k (E_{i+1} - E_i)/2`;
    ``k`` is the root of smallest size, of the sign of the step, at which the last value is the upper level.

    Parameters
    ----------
    x, y, sigma, average, anchors, window
        As for :func:`surfspec.fitting.backgrounds.linear`.

    Returns
    -------
    Background
        With the exact derivatives over both levels.

    Raises
    ------
    BackgroundError
        Where no root exists up to k times width = 10: a Shirley background is undefined for such data.
    InputError
        For data that cannot be used.

    References
    ----------
    D. A. Shirley, Phys. Rev. B 5 (1972) 4709.

    Examples
    --------
    >>> y = [10, 10, 60, 110, 60, 20, 20]
    >>> shirley(range(7), y, average=1).values.round(3).tolist()
    [10.0, 10.0, 11.319, 15.205, 18.886, 20.0, 20.0]
    """
    return shirley_rows(single(x, y, sigma, anchors, window), average=average).member(0)


def shirley_rows(spectra: Spectra, *, average: int = 11) -> BackgroundSeries:
    """Make :func:`shirley` for many spectra."""
    region = make_region(spectra, average)
    draft = draft_of(region, "shirley")
    level, sloped = np.flatnonzero(region.step == 0.0), np.flatnonzero(region.step != 0.0)
    if level.size:
        draft.put(level, flat(region.take(level)))
    if sloped.size:
        region = region.take(sloped)
        part, errors = _solve(region)
        draft.put(sloped, part)
        for row, error in errors.items():
            draft.errors.setdefault(int(sloped[row]), error)
    return draft.finish()


def flat(region: Region) -> Part:
    """Make the flat background between two equal levels.

    Parameters
    ----------
    region : Region

    Returns
    -------
    Part

    Examples
    --------
    >>> shirley(range(5), [1, 1, 5, 1, 1], average=1).note
    'both end levels are equal: the background is flat'
    """
    shape = region.y.shape
    shares = np.broadcast_to(line_shares(region), (shape[0], 2, shape[1]))
    return Part(np.broadcast_to(region.anchors[:, :1], shape), shares, note=LEVEL)


def _solve(region: Region) -> tuple[Part, dict[int, BackgroundError]]:
    """Find k of every member, then the background and its derivatives."""
    gap, pair = np.diff(region.x, prepend=region.x[0]), region.y.copy()
    pair[:, 0] = 0.0
    pair[:, 1:] += region.y[:, :-1]
    k, calls, lost = _strength(region, gap, pair)
    values, by_k, by_low = _recursion(gap, pair, region.anchors[:, :1], k[:, None])
    errors = {int(row): nothing_above("shirley") for row in np.flatnonzero(by_k[:, -1] == 0.0)}
    for row in np.flatnonzero(lost).tolist():
        low, high = region.anchors[row].tolist()
        errors[row] = BackgroundError(
            f"No Shirley background joins the end levels {low:.6g} and {high:.6g}: "
            "the data between them hold too little area above it",
            remedy="Widen the limits, average more points for the end levels, or take kind 'smart' or 'linear'",
        )
    last = np.where(by_k[:, -1:] == 0.0, 1.0, by_k[:, -1:])
    by_k /= last
    by_low -= by_k * by_low[:, -1:]
    values[:, -1] = region.anchors[:, 1]
    k_width = k * region.width
    notes = [""] * k.size
    for row in np.flatnonzero(np.abs(k_width) >= POOR).tolist():
        notes[row] = remark(float(k_width[row]))
    part = Part(values, np.stack([by_low, by_k], axis=1), iterations=calls, k=k, k_width=k_width, note=notes)
    return part, errors


def _recursion(gap: Array, pair: Array, low: Array, k: Array) -> tuple[Array, Array, Array]:
    """B, dB/dk and dB/d b1 by the trapezoidal step, as cumulative sums over the decay of the homogeneous solution.

    ``gap`` (n,) and ``pair`` (m, n) are the distance to, and the sum with, the point before; 0 at the first point;
    ``low`` and ``k`` have the shape (m, 1).
    """
    half = 0.5 * gap
    a = k * half
    rise = 1.0 + a
    decay = np.cumprod((1.0 - a) / rise, axis=1)
    rise *= decay
    a *= pair
    a /= rise
    values = np.cumsum(a, axis=1)
    values += low
    values *= decay
    net = pair - values
    net[:, 1:] -= values[:, :-1]
    net *= half
    net /= rise
    by_k = np.cumsum(net, axis=1)
    by_k *= decay
    return values, by_k, np.asarray(decay, dtype=np.float64)


class _Search(NamedTuple):
    """The state of a search for k of each member, (m, 1): its place, the bracket, the step before, sign and goal."""

    at: Index
    size: Array
    under: Array
    over: Array
    move: Array
    sign: Array
    goal: Array

    def only(self, rows: Mask) -> _Search:
        """Go on with some of the members."""
        numbers = (self.size, self.under, self.over, self.move, self.sign, self.goal)
        return _Search(self.at[rows], *(part[rows] for part in numbers))


def _strength(region: Region, gap: Array, pair: Array) -> tuple[Array, Index, Mask]:
    """Smallest root k of B_N(k) = b2: Newton from zero while it stays below the root, then inside the bracket.

    From k = 0 the end of the curve rises with the net area and levels off, so that Newton approaches the first root
    from below; its first step is the estimate step over net area. Once past it, a step that leaves the bracket or is
    not half of the one before is replaced by the middle. Returns k, the calls made, and where there is no root.
    """
    m, levels = len(pair), region.anchors
    limit = min(_WIDEST / region.width, 1.9 / float(gap.max()))
    zero = np.zeros((m, 1))
    out, calls, lost = np.zeros(m), np.zeros(m, dtype=np.intp), np.zeros(m, dtype=np.bool_)
    step = region.step[:, None]
    goal = 1e-13 * np.abs(step) + 1e-15 * region.x.size * np.abs(levels).max(axis=1, keepdims=True)
    now = _Search(np.arange(m), zero, zero, zero + np.inf, zero + np.inf, np.sign(step), goal)
    for call in range(1, _CALLS + 1):
        values, by_k, _ = _recursion(gap, pair, levels[:, :1], now.sign * now.size)
        short, slope = now.sign * (values[:, -1:] - levels[:, 1:]), by_k[:, -1:]
        open_ended = np.isinf(now.over) & (short < 0.0)
        gone = open_ended & (short < -now.goal) & (~(slope > 0.0) | (now.size >= limit))
        under, over = np.where(short < 0.0, now.size, now.under), np.where(short < 0.0, now.over, now.size)
        rising = slope > 0.0
        newton = now.size - short / np.where(rising, slope, 1.0)
        inside = rising & (newton > under) & (newton < over) & (2 * np.abs(newton - now.size) < np.abs(now.move))
        safe = np.where(open_ended, np.minimum(newton, limit), np.where(inside, newton, 0.5 * (under + over)))
        near = np.abs(short) <= now.goal
        size = np.where(near | gone, now.size, safe)
        stop = (near | gone | (np.abs(size - now.size) <= 1e-15 * size))[:, 0]
        now = _Search(now.at, size, under, over, size - now.size, now.sign, now.goal)
        if stop.any():
            ended = now.at[stop]
            out[ended] = (now.sign * size)[stop, 0]
            calls[ended], lost[ended] = call, gone[stop, 0]
            keep = ~stop
            if not keep.any():
                break
            now, pair, levels = now.only(keep), pair[keep], levels[keep]
    return out, calls, lost
