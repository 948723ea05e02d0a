r"""The exact Shirley background.

The background at each energy is proportional to the peak area at lower binding energy (D. A. Shirley, Phys. Rev. B 5
(1972) 4709):

.. math:: B(E) = b_1 + k \int_{E_1}^{E} (y - B)\, dE', \qquad B(E_2) = b_2

Its fixed point solves the linear differential equation :math:`B' = k (y - B)`; no iteration is needed.
"""

from __future__ import annotations

from typing import Final

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
#: Relative size of a Newton step after which the next, quadratically smaller, is below rounding.
_SURE: Final = 1e-8
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
    step = region.step
    sloped = np.flatnonzero(step)
    if sloped.size < step.size:
        level = np.flatnonzero(step == 0.0)
        draft.put(level, flat(region.take(level)))
    if sloped.size:
        part, errors = _solve(region.take(sloped))
        draft.put(sloped if sloped.size < step.size else slice(None), part)
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
    gap, pair = np.zeros_like(region.x), region.y.copy()
    np.subtract(region.x[1:], region.x[:-1], out=gap[1:])
    pair[:, 0] = 0.0
    pair[:, 1:] += region.y[:, :-1]
    k, calls, lost = _strength(region, gap, pair)
    values, by_k, by_low = _recursion(gap, pair, region.anchors[:, :1], k[:, None])
    errors: dict[int, BackgroundError] = {}
    last = by_k[:, -1:].copy()
    void = last == 0.0
    if np.count_nonzero(void):
        last[void] = 1.0
        errors = {row: nothing_above("shirley") for row in np.flatnonzero(void).tolist()}
    for row in np.flatnonzero(lost).tolist() if np.count_nonzero(lost) else ():
        low, high = region.anchors[row].tolist()
        errors[row] = BackgroundError(
            f"No Shirley background joins the end levels {low:.6g} and {high:.6g}: "
            "the data between them hold too little area above it",
            remedy="Widen the limits, average more points for the end levels, or take kind 'smart' or 'linear'",
        )
    rows = np.empty((k.size, 2, region.x.size))
    np.divide(by_k, last, out=rows[:, 1])
    np.multiply(rows[:, 1], by_low[:, -1:], out=rows[:, 0])
    np.subtract(by_low, rows[:, 0], out=rows[:, 0])
    values[:, -1] = region.anchors[:, 1]
    k_width = k * region.width
    notes: list[str] | str = ""
    poor = np.abs(k_width) >= POOR
    if np.count_nonzero(poor):
        notes = [remark(w) for w in k_width.tolist()]
    return Part(values, rows, iterations=calls, k=k, k_width=k_width, note=notes), errors


def _recursion(gap: Array, pair: Array, low: Array, k: Array) -> tuple[Array, Array, Array]:
    """B, dB/dk and dB/d b1 by the trapezoidal step, as cumulative sums over the decay of the homogeneous solution.

    ``gap`` (n,) and ``pair`` (m, n) are the distance to, and the sum with, the point before; 0 at the first point;
    ``low`` and ``k`` have the shape (m, 1).
    """
    half = 0.5 * gap
    a = k * half
    rise = 1.0 + a
    decay = (1.0 - a) / rise
    np.multiply.accumulate(decay, axis=1, out=decay)
    rise *= decay
    a *= pair
    a /= rise
    values = np.add.accumulate(a, axis=1, out=a)
    values += low
    values *= decay
    net = pair - values
    net[:, 1:] -= values[:, :-1]
    net *= half
    net /= rise
    by_k = np.add.accumulate(net, axis=1, out=net)
    by_k *= decay
    return values, by_k, decay


def _end(half: Array, pair: Array, low: Array, k: Array) -> tuple[Array, Array]:
    """B_N and dB_N/dk for k other than 0: the last column of :func:`_recursion`, with net_i = (B_i - B_(i-1)) / a_i."""
    a = k * half
    rise = 1.0 + a
    decay = 1.0 - a
    decay /= rise
    np.multiply.accumulate(decay, axis=1, out=decay)
    rise *= decay
    np.divide(1.0, rise, out=rise)
    a *= pair
    a *= rise
    values = np.add.accumulate(a, axis=1, out=a)
    values += low
    values *= decay
    last = values[:, -1:].copy()
    rise[:, 1:] *= values[:, 1:] - values[:, :-1]
    return last, decay[:, -1:] * np.add.reduce(rise[:, 1:], axis=1, keepdims=True) / k


def _strength(region: Region, gap: Array, pair: Array) -> tuple[Array, Index, Mask]:
    """Smallest root k of B_N(k) = b2: Newton from zero while it stays below the root, else inside the bracket.

    From k = 0 the end of the curve rises with the net area and levels off, so that Newton approaches the first root
    from below; its first step is the estimate step over net area. Returns k, the calls made, and where no root is.
    """
    m, half, every = len(pair), 0.5 * gap, pair
    low, high = region.anchors[:, :1], region.anchors[:, 1:]
    short = low - high
    sign = -np.sign(short)
    goal = 1e-13 * np.abs(short) + 1e-15 * region.x.size * np.maximum(np.abs(low), np.abs(high))
    short *= sign
    limit = min(_WIDEST / region.width, 1.9 / float(gap.max()))
    slope = np.add.reduce(half * pair, axis=1, keepdims=True) - low * region.width
    at, size = np.arange(m), np.zeros((m, 1))
    k, calls, lost = np.zeros((m, 1)), np.zeros((m, 1), dtype=np.intp), np.zeros((m, 1), dtype=np.bool_)
    brackets: list[tuple[Index, Array, Array]] = []
    last = size
    for call in range(1, _CALLS + 1):
        flat_top, past = slope <= 0.0, short > goal
        if np.count_nonzero(flat_top):
            slope = np.where(flat_top, 1.0, slope)
        new = np.minimum(size - short / slope, limit)
        gone = (flat_top | (size >= limit)) & (short < -goal)
        ended = (new - size <= _SURE * new) | gone | past
        stopped = np.count_nonzero(ended)
        if stopped:
            stop = ended[:, 0]
            rows = at[stop]
            k[rows], calls[rows], lost[rows] = (sign * new)[stop], call, gone[stop]
            if np.count_nonzero(past):
                crossed = past[:, 0]
                brackets.append((at[crossed], last[crossed], size[crossed]))
            if stopped == at.size:
                break
            keep = ~stop
            at, pair, low, high, sign, goal = at[keep], pair[keep], low[keep], high[keep], sign[keep], goal[keep]
            size, new = size[keep], new[keep]
        last, size = size, new
        value, slope = _end(half, pair, low, sign * size)
        short = sign * (value - high)
    for rows, under, over in brackets:
        levels, up = region.anchors[rows], np.sign(region.step[rows, None])
        size, more = _inside(half, every[rows], levels, up, under, over)
        k[rows], calls[rows] = up * size, calls[rows] + more
    return k[:, 0], calls[:, 0], lost[:, 0]


def _inside(half: Array, pair: Array, levels: Array, sign: Array, under: Array, over: Array) -> tuple[Array, Index]:
    """Find the root inside a bracket: Newton where its steps stay inside and halve, else the middle."""
    low, high = levels[:, :1], levels[:, 1:]
    size, move = over, 2.0 * (over - under)
    calls, going = np.zeros(size.shape, dtype=np.intp), np.ones(size.shape, dtype=np.bool_)
    for _ in range(_CALLS):
        calls += going
        value, slope = _end(half, pair, low, sign * size)
        short = sign * (value - high)
        under, over = np.where(short < 0.0, size, under), np.where(short < 0.0, over, size)
        rising = slope > 0.0
        newton = size - short / np.where(rising, slope, 1.0)
        near = rising & (newton > under) & (newton < over) & (2.0 * np.abs(newton - size) <= np.abs(move))
        new = np.where(near, newton, 0.5 * (under + over))
        move = new - size
        size = np.where(going, new, size)
        going &= np.abs(move) > np.where(near, _SURE, 1e-14) * size
        if not np.count_nonzero(going):
            break
    return size, calls
