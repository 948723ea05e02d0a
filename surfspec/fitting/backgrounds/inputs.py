"""Checks of what a caller gives, and the errors that several kinds raise."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from surfspec.errors import BackgroundError, InputError
from surfspec.fitting.backgrounds.base import Array, Pair

#: A region of fewer points has no inside between its end levels.
FEWEST_POINTS: Final = 5


def numeric(name: str, values: ArrayLike, shape: tuple[int, ...] | None, remedy: str) -> Array:
    """Read an array of numbers.

    Parameters
    ----------
    name : str
        For the message.
    values : array_like
    shape : tuple of int, or None
        The shape it must have; ``None`` asks for one dimension.
    remedy : str
        What to give where the shape is another.

    Returns
    -------
    ndarray

    Raises
    ------
    InputError

    Examples
    --------
    >>> numeric("y", [1, 2], (2,), "").tolist()
    [1.0, 2.0]
    """
    if np.iscomplexobj(values):
        raise InputError(f"{name} has complex numbers", remedy="Give their real part or their magnitude", where=name)
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name} is not numeric", remedy="Give an array of numbers", where=name) from None
    if array.ndim != 1 if shape is None else array.shape != shape:
        raise InputError(f"{name} has the shape {array.shape}", remedy=f"Give {remedy}", where=name)
    return array


def not_finite(name: str, row: Array) -> InputError:
    """Make the error for the first number of a row that is not finite."""
    first = int(np.flatnonzero(~np.isfinite(row))[0])
    return InputError(
        f"{name} is not a finite number at index {first}", remedy="Cut or interpolate those points", where=name
    )


def energies(x: ArrayLike) -> Array:
    """Read an energy axis.

    Parameters
    ----------
    x : array_like, shape (n,)

    Returns
    -------
    ndarray

    Raises
    ------
    InputError
        Where it is not numeric, not finite or does not rise.

    Examples
    --------
    >>> energies([1, 2]).tolist()
    [1.0, 2.0]
    """
    axis = numeric("x", x, None, "one dimension")
    if np.count_nonzero(np.isfinite(axis)) < axis.size:
        raise not_finite("x", axis)
    if np.count_nonzero(axis[1:] <= axis[:-1]):
        raise InputError("The energy axis does not rise", remedy="Sort the points by rising energy first", where="x")
    return axis


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
