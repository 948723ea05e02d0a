"""The lower convex hull of many rows at once."""

from __future__ import annotations

import numpy as np

from surfspec.fitting.backgrounds.base import Array, Index, Part


def lower_hull(x: Array, y: Array) -> Part:
    """Lower convex hull of the points of each row, from the first to the last.

    A point on or above the chord between its neighbours is no vertex. All such points leave at once, in every row,
    until none is left: the chords join points of the data, so that none lies below the hull.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Rising positions.
    y : ndarray, shape (m, n)
        Data; the first and the last point of each row are vertices.

    Returns
    -------
    Part
        ``values`` (m, n), nowhere above the data; ``sensitivity`` (m, 2, n), its derivatives over the first and
        the last value; ``contact`` (m,), the fraction of the inner points that are vertices.

    Examples
    --------
    >>> lower_hull(np.arange(4.0), np.array([[3.0, 0.0, 5.0, 1.0]])).values.tolist()
    [[3.0, 0.0, 0.5, 1.0]]
    """
    m, n = y.shape
    at = _vertices(x, y)
    row, column = np.divmod(at, n)
    xs, ys = x[column], y.ravel()[at]
    slope = np.zeros(at.size)
    np.divide(ys[1:] - ys[:-1], xs[1:] - xs[:-1], out=slope[:-1], where=row[1:] == row[:-1])
    is_vertex = np.zeros(m * n, dtype=np.intp)
    is_vertex[at] = 1
    left = (np.cumsum(is_vertex) - 1).reshape(m, n)
    values = np.minimum(ys[left] + slope[left] * (x - xs[left]), y)
    begin, stop = np.flatnonzero(column == 0), np.flatnonzero(column == n - 1)
    second, last = xs[begin + 1, None], xs[stop - 1, None]
    sensitivity = np.empty((m, 2, n))
    sensitivity[:, 0] = (second - x) / (second - x[0])
    sensitivity[:, 1] = (x - last) / (x[-1] - last)
    np.clip(sensitivity, 0.0, 1.0, out=sensitivity)
    return Part(values, sensitivity, contact=(stop - begin - 1) / max(n - 2, 1))


def _vertices(x: Array, y: Array) -> Index:
    """Give the numbers of the vertices, counted through all rows."""
    at = np.arange(y.size)
    xs, ys = np.tile(x, len(y)), y.ravel()
    end = np.zeros(y.size, dtype=np.bool_)
    end[:: x.size] = end[x.size - 1 :: x.size] = True
    while True:
        gap, rise = xs[1:] - xs[:-1], ys[1:] - ys[:-1]
        keep = end.copy()
        keep[1:-1] |= rise[:-1] * gap[1:] < rise[1:] * gap[:-1]
        if keep.all():
            return at
        at, xs, ys, end = at[keep], xs[keep], ys[keep], end[keep]
