"""What every background returns, and the end levels that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec.errors import BackgroundError, InputError

Array = NDArray[np.float64]
Pair = tuple[float, float]

#: A region of fewer points has no inside between its end levels.
FEWEST_POINTS: Final = 5


@dataclass(frozen=True)
class Background:
    """A background under a region, with what its end levels do to it.

    Attributes
    ----------
    values
        The background on the points of the region, shape (n,) [unit of y].
    anchors
        Levels at the low and the high end of the energy axis, ``b1`` and ``b2`` [unit of y].
    anchor_unc
        One standard uncertainty of each, from the counts averaged there [unit of y].
    sensitivity
        ``d values / d anchors``, shape (2, n).
    converged
        False where an iteration stopped before its tolerance.
    iterations
        Sweeps made; 0 where there was nothing to iterate.
    k
        Scattering strength: step over net area [1 / unit of x] (Shirley kinds); the factor ``B`` [eV2] (Tougaard).
    k_width
        ``k`` times the width of the region (Shirley kinds); from 2 on a Shirley background is poorly defined.
    contact
        Fraction of points where a cap or a hull acts.
    kind, note
        Name of the kind, and what a reader should know of this one.
    """

    values: Array
    anchors: Pair
    anchor_unc: Pair
    sensitivity: Array
    converged: bool = True
    iterations: int = 0
    k: float = 0.0
    k_width: float = 0.0
    contact: float = 0.0
    kind: str = ""
    note: str = ""


@dataclass(frozen=True)
class Region:
    """The points between two limits, with means and end levels taken on the whole spectrum.

    Attributes
    ----------
    x, y, sigma
        Points, data and their standard uncertainties inside the limits, each of shape (n,).
    mean, mean_unc
        Centred mean of the data and its standard uncertainty.
    anchors, anchor_unc
        End levels and their standard uncertainties.
    """

    x: Array
    y: Array
    sigma: Array
    mean: Array
    mean_unc: Array
    anchors: Pair
    anchor_unc: Pair

    @property
    def step(self) -> float:
        """Rise from the low to the high end [unit of y]."""
        return self.anchors[1] - self.anchors[0]

    @property
    def width(self) -> float:
        """Width of the region [unit of x]."""
        return float(self.x[-1] - self.x[0])


def _numbers(name: str, values: ArrayLike, size: int | None = None) -> Array:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is not numeric", remedy="Give an array of numbers", where=name) from None
    if array.ndim != 1 or (size is not None and array.size != size):
        wanted = "one dimension" if size is None else f"{size} values in one dimension, as x has"
        raise InputError(f"{name} has the shape {array.shape}", remedy=f"Give {wanted}", where=name)
    if not np.isfinite(array).all():
        first = int(np.flatnonzero(~np.isfinite(array))[0])
        raise InputError(
            f"{name} is not a finite number at index {first}", remedy="Cut or interpolate those points", where=name
        )
    return array


def centred_mean(y: Array, points: int) -> tuple[Array, Array]:
    """Mean over the odd number of points centred on each point; near the ends over those there are.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Data.
    points : int
        Odd number of points.

    Returns
    -------
    mean : ndarray, shape (n,)
    used : ndarray, shape (n,)
        How many points each mean holds.

    Examples
    --------
    >>> centred_mean(np.array([0.0, 3.0, 6.0, 9.0]), 3)[0].tolist()
    [1.5, 3.0, 6.0, 7.5]
    """
    window = np.ones(points)
    used = np.convolve(np.ones(y.size), window)[points // 2 : points // 2 + y.size]
    total = np.convolve(y, window)[points // 2 : points // 2 + y.size]
    return total / used, used


def window_slice(x: Array, window: Pair | None) -> slice:
    """Give the points of ``x`` inside the limits.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Rising axis.
    window : (float, float) or None
        Both limits, included; ``None`` takes all points.

    Returns
    -------
    slice

    Raises
    ------
    InputError
        For limits in the wrong order or fewer than five points between them.

    Examples
    --------
    >>> window_slice(np.arange(10.0), (2.0, 7.0))
    slice(2, 8, None)
    """
    if window is None:
        first, last = 0, x.size
    else:
        low, high = window
        if not low < high:
            raise InputError(
                f"The window {low:g} to {high:g} has its limits in the wrong order",
                remedy="Give the lower energy first",
                where="window",
            )
        slack = 1e-9 * max(abs(low), abs(high), 1.0)
        first, last = int(np.searchsorted(x, low - slack)), int(np.searchsorted(x, high + slack))
    if last - first < FEWEST_POINTS:
        raise InputError(
            f"Only {last - first} points lie in the region of the background",
            remedy=f"Take a wider window; at least {FEWEST_POINTS} points are needed",
            where="window",
        )
    return slice(first, last)


def make_region(
    x: ArrayLike,
    y: ArrayLike,
    *,
    sigma: ArrayLike | None,
    average: int,
    anchors: Pair | None,
    window: Pair | None,
) -> Region:
    """Check the data, average them and read the end levels.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Rising energies and data.
    sigma : array_like, shape (n,), or None
        Standard uncertainties; ``None`` means counts: the square root of the centred mean, at least 1.
    average : int
        Odd number of points of the centred mean; it is taken on the whole spectrum given, before the window is cut.
    anchors : (float, float) or None
        End levels that replace the means at the limits.
    window : (float, float) or None
        Limits of the region.

    Returns
    -------
    Region

    Raises
    ------
    InputError
        For an axis that does not rise, data that are not finite, an even or too large ``average``.

    Examples
    --------
    >>> make_region(np.arange(7.0), np.full(7, 4.0), sigma=None, average=3, anchors=None, window=None).anchors
    (4.0, 4.0)
    """
    axis = _numbers("x", x)
    data = _numbers("y", y, axis.size)
    if np.any(np.diff(axis) <= 0):
        raise InputError("The energy axis does not rise", remedy="Sort the points by rising energy first", where="x")
    if isinstance(average, bool) or int(average) != average or average < 1 or average % 2 == 0 or average > axis.size:
        raise InputError(
            f"average = {average} is not an odd number of points up to {axis.size}",
            remedy="Give an odd number, 11 say",
            where="average",
        )
    inside = window_slice(axis, window)
    mean, used = centred_mean(data, int(average))
    if sigma is None:
        unc = np.sqrt(np.maximum(mean, 1.0))
    else:
        unc = _numbers("sigma", sigma, axis.size)
        if np.any(unc < 0):
            raise InputError("sigma is negative", remedy="Give standard uncertainties", where="sigma")
    mean_unc = np.sqrt(centred_mean(unc * unc, int(average))[0] / used)
    first, last = inside.start, inside.stop - 1
    levels = (float(mean[first]), float(mean[last])) if anchors is None else (float(anchors[0]), float(anchors[1]))
    if not np.isfinite(levels).all():
        raise InputError("An anchor is not a finite number", remedy="Give two levels", where="anchors")
    return Region(
        axis[inside],
        data[inside],
        unc[inside],
        mean[inside],
        mean_unc[inside],
        levels,
        (float(mean_unc[first]), float(mean_unc[last])),
    )


def check_iteration(tolerance: float, max_iterations: int) -> None:
    """Refuse an iteration that could not end or could not begin.

    Parameters
    ----------
    tolerance : float
        Relative to the step, above 0.
    max_iterations : int
        At least 1.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_iteration(1e-8, 100)
    """
    if not 0.0 < tolerance < 1.0:
        raise InputError(
            f"tolerance = {tolerance:g} is not between 0 and 1",
            remedy="It is relative to the step of the background; give 1e-8, say",
            where="tolerance",
        )
    if max_iterations < 1:
        raise InputError(
            f"max_iterations = {max_iterations} allows no sweep", remedy="Give at least 1", where="max_iterations"
        )


def nothing_above(kind: str) -> BackgroundError:
    """Make the error for data that nowhere rise above their background.

    Parameters
    ----------
    kind : str
        Name of the background.

    Returns
    -------
    BackgroundError

    Examples
    --------
    >>> nothing_above("shirley").message
    'No data lie above the shirley background, so that its shape is undefined'
    """
    return BackgroundError(
        f"No data lie above the {kind} background, so that its shape is undefined",
        remedy="Take a linear background, or limits on both sides of a peak",
    )
