"""Backgrounds made of straight pieces: none, constant, linear, and the lower convex hull."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from surfspec.fitting.backgrounds.base import Array, Background, Pair, make_region


def none(x: ArrayLike, y: ArrayLike, *, sigma: ArrayLike | None = None, window: Pair | None = None) -> Background:
    """Return no background: zero everywhere.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Rising energies [eV] and data.
    sigma : array_like, shape (n,), optional
        Checked, not used.
    window : (float, float), optional
        Limits of the region [eV].

    Returns
    -------
    Background

    Raises
    ------
    InputError
        For data that cannot be used.

    Examples
    --------
    >>> none([0, 1, 2, 3, 4], [1, 1, 5, 1, 1]).values.tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0]
    """
    region = make_region(x, y, sigma=sigma, average=1, anchors=(0.0, 0.0), window=window)
    zero = np.zeros_like(region.x)
    return Background(zero, (0.0, 0.0), (0.0, 0.0), np.zeros((2, zero.size)), kind="none")


def constant(
    x: ArrayLike,
    y: ArrayLike,
    *,
    sigma: ArrayLike | None = None,
    average: int = 11,
    anchors: Pair | None = None,
    window: Pair | None = None,
) -> Background:
    """Return the mean of the two end levels, B = (b1 + b2) / 2.

    Parameters
    ----------
    x, y, sigma, average, anchors, window
        As for :func:`linear`.

    Returns
    -------
    Background

    Raises
    ------
    InputError
        For data that cannot be used.

    Examples
    --------
    >>> constant([0, 1, 2, 3, 4], [1, 1, 5, 3, 3], average=1).values.tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0]
    """
    region = make_region(x, y, sigma=sigma, average=average, anchors=anchors, window=window)
    share = np.full((2, region.x.size), 0.5)
    return Background(region.anchors @ share, region.anchors, region.anchor_unc, share, kind="constant")


def linear(
    x: ArrayLike,
    y: ArrayLike,
    *,
    sigma: ArrayLike | None = None,
    average: int = 11,
    anchors: Pair | None = None,
    window: Pair | None = None,
) -> Background:
    """Return the straight line between the two end levels, B = b1 + (b2 - b1) (E - E1) / (E2 - E1).

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Rising energies [eV] and data [counts].
    sigma : array_like, shape (n,), optional
        Standard uncertainties of ``y``; counts are assumed without them.
    average : int
        Odd number of points averaged for each end level.
    anchors : (float, float), optional
        End levels that replace those means.
    window : (float, float), optional
        Limits of the region [eV]; means are taken on the whole spectrum, values returned inside.

    Returns
    -------
    Background

    Raises
    ------
    InputError
        For data that cannot be used.

    Examples
    --------
    >>> linear([0, 1, 2, 3, 4], [1, 1, 5, 3, 3], average=1).values.tolist()
    [1.0, 1.5, 2.0, 2.5, 3.0]
    """
    region = make_region(x, y, sigma=sigma, average=average, anchors=anchors, window=window)
    rise = (region.x - region.x[0]) / region.width
    share = np.stack([1.0 - rise, rise])
    return Background(region.anchors @ share, region.anchors, region.anchor_unc, share, kind="linear")


def lower_hull(x: Array, y: Array) -> tuple[Array, Array, float]:
    """Lower convex hull of the points, from the first to the last.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Rising positions and data; the first and the last point are vertices.

    Returns
    -------
    values : ndarray, shape (n,)
        The hull, nowhere above the data.
    sensitivity : ndarray, shape (2, n)
        Its derivatives over the first and the last value.
    contact : float
        Fraction of the inner points that are vertices.

    References
    ----------
    A. M. Andrew, Inf. Process. Lett. 9 (1979) 216 (monotone chain).

    Examples
    --------
    >>> lower_hull(np.arange(4.0), np.array([3.0, 0.0, 5.0, 1.0]))[0].tolist()
    [3.0, 0.0, 0.5, 1.0]
    """
    chain: list[int] = []
    for i, (xi, yi) in enumerate(zip(x.tolist(), y.tolist(), strict=True)):
        while len(chain) > 1:
            a, b = chain[-2], chain[-1]
            if (y[b] - y[a]) * (xi - x[b]) < (yi - y[b]) * (x[b] - x[a]):
                break
            chain.pop()
        chain.append(i)
    values = np.minimum(np.interp(x, x[chain], y[chain]), y)
    first, last = chain[1], chain[-2]
    sensitivity = np.stack(
        [
            np.clip((x[first] - x) / (x[first] - x[0]), 0.0, 1.0),
            np.clip((x - x[last]) / (x[-1] - x[last]), 0.0, 1.0),
        ]
    )
    return values, sensitivity, (len(chain) - 2) / max(x.size - 2, 1)
