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
from scipy.optimize import brentq

from surfspec.errors import BackgroundError
from surfspec.fitting.backgrounds.base import Array, Background, Pair, Region, make_region, nothing_above

#: Largest k times width that is a background: beyond it B follows (or, falling, flees) the data within a tenth of the
#: region. In 800 simulated weak doublets the roots lie below 3, or above 13 where noise alone joins the levels.
_WIDEST: Final = 10.0
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
    region = make_region(x, y, sigma=sigma, average=average, anchors=anchors, window=window)
    if region.step == 0.0:
        return flat(region, "shirley")
    gap, pair = np.diff(region.x, prepend=region.x[0]), region.y.copy()
    pair[0] = 0.0
    pair[1:] += region.y[:-1]
    k, calls = _strength(region, gap, pair)
    values, by_k, by_low = _recursion(gap, pair, region.anchors[0], k)
    if by_k[-1] == 0.0:
        raise nothing_above("shirley")
    sensitivity = np.stack([by_low - by_k * (by_low[-1] / by_k[-1]), by_k / by_k[-1]])
    values[-1] = region.anchors[1]
    return Background(
        values,
        region.anchors,
        region.anchor_unc,
        sensitivity,
        iterations=calls,
        k=k,
        k_width=k * region.width,
        kind="shirley",
        note=remark(k * region.width),
    )


def flat(region: Region, kind: str) -> Background:
    """Return the flat background between two equal levels.

    Parameters
    ----------
    region : Region
    kind : str

    Returns
    -------
    Background

    Examples
    --------
    >>> shirley(range(5), [1, 1, 5, 1, 1], average=1).note
    'both end levels are equal: the background is flat'
    """
    rise = (region.x - region.x[0]) / region.width
    return Background(
        np.full_like(region.x, region.anchors[0]),
        region.anchors,
        region.anchor_unc,
        np.stack([1.0 - rise, rise]),
        kind=kind,
        note="both end levels are equal: the background is flat",
    )


def _recursion(gap: Array, pair: Array, low: float, k: float) -> tuple[Array, Array, Array]:
    """B, dB/dk and dB/d b1 by the trapezoidal step, as cumulative sums over the decay of the homogeneous solution.

    ``gap`` and ``pair`` are the distance to, and the sum with, the point before; 0 at the first point.
    """
    a = (0.5 * k) * gap
    rise = 1.0 + a
    decay = np.asarray(np.cumprod((1.0 - a) / rise), dtype=np.float64)
    rise *= decay
    values = decay * (low + np.cumsum(a * pair / rise))
    net = pair - values
    net[1:] -= values[:-1]
    by_k = decay * np.cumsum(0.5 * gap * net / rise)
    return values, by_k, decay


def _strength(region: Region, gap: Array, pair: Array) -> tuple[float, int]:
    """Smallest root k of B_N(k) = b2: Newton from zero while it stays below the root, else Brent inside the bracket.

    From k = 0 the end of the curve rises with the net area and levels off, so that Newton approaches the first root
    from below; its first step is the estimate step over net area.
    """
    low, high = region.anchors
    sign = 1.0 if region.step > 0.0 else -1.0
    goal = 1e-13 * abs(region.step) + 1e-15 * region.x.size * max(abs(low), abs(high))
    limit = min(_WIDEST / region.width, 1.9 / float(gap.max()))
    calls = 0

    def excess(size: float) -> tuple[float, float]:
        nonlocal calls
        calls += 1
        values, by_k, _ = _recursion(gap, pair, low, sign * size)
        return sign * float(values[-1] - high), float(by_k[-1])

    size, (short, slope) = 0.0, excess(0.0)
    while short < -goal:
        if not slope > 0.0 or size >= limit:
            raise BackgroundError(
                f"No Shirley background joins the end levels {low:.6g} and {high:.6g}: "
                "the data between them hold too little area above it",
                remedy="Widen the limits, average more points for the end levels, or take kind 'smart' or 'linear'",
            )
        last, size = size, min(size - short / slope, limit)
        if size - last <= 1e-15 * size:
            break
        short, slope = excess(size)
        if short > goal:
            root = brentq(lambda k: excess(k)[0], last, size, xtol=1e-15 * size, rtol=1e-14)
            return sign * float(root), calls
    return sign * size, calls
