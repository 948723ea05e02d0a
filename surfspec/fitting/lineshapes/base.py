"""What a line shape is: unit area, exact derivatives, its width and height with their gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec.errors import InputError

Array = NDArray[np.float64]

#: Smallest width that a fit may reach, in units of the axis. Far below any sampling step.
WIDTH_FLOOR: Final = 1e-6
#: Smallest width that is computed at all: below it the square of the reciprocal overflows.
_WIDTH_LIMIT: Final = 1e-100
#: Distances beyond this many widths are computed as if they were there.
FAR: Final = 1e50

WIDTH_BOUNDS: Final = (WIDTH_FLOOR, np.inf)
ANYWHERE: Final = (-np.inf, np.inf)


@dataclass(frozen=True)
class Shape:
    """A line shape of unit area.

    Attributes
    ----------
    name
        Key in ``SHAPES``.
    roles
        Non-linear roles in the order in which the functions take them, ``center`` first.
    evaluate
        ``evaluate(x, *roles) -> (n,)`` per unit of ``x``; its integral over all ``x`` is 1
        (Doniach-Šunjić: over the stated finite range; shapes in ``STEPS`` have unit height and no finite integral).
    derivatives
        ``derivatives(x, *roles) -> (1 + roles, n)``: row 0 the values, row ``1 + i`` their exact derivative
        with respect to role ``i``.
    width
        ``width(*roles) -> (full width at half maximum, gradient over roles)``.
    height
        ``height(*roles) -> (maximum of the unit-area shape, gradient over roles)``.
    bounds
        Natural bounds of each role.
    reference
        Where the formula comes from.
    """

    name: str
    roles: tuple[str, ...]
    evaluate: Callable[..., Array]
    derivatives: Callable[..., Array]
    width: Callable[..., tuple[float, Array]]
    height: Callable[..., tuple[float, Array]]
    bounds: Mapping[str, tuple[float, float]]
    reference: str = ""


def axis(x: ArrayLike) -> Array:
    """Give the points of ``x`` as an array of float.

    Parameters
    ----------
    x : array_like, shape (n,)
        Positions [eV or deg].

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    InputError
        Where ``x`` is not a one-dimensional array of numbers.

    Examples
    --------
    >>> axis([1, 2])
    array([1., 2.])
    """
    try:
        points = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError("The axis of a line shape is not numeric", remedy="Give an array of numbers") from None
    if points.ndim != 1:
        raise InputError(
            f"The axis of a line shape has {points.ndim} dimensions", remedy="Give a one-dimensional array"
        )
    return points


def require(name: str, value: float, low: float, high: float) -> None:
    """Refuse a role outside ``low <= value <= high``.

    Parameters
    ----------
    name : str
        The role, for the message.
    value, low, high : float

    Raises
    ------
    InputError
        Where the value is outside or not a number.

    Examples
    --------
    >>> require("mixing", 0.3, 0.0, 1.0)
    """
    if not low <= value <= high:
        raise InputError(
            f"{name} = {value:g} is outside {low:g} to {high:g}", remedy=f"Bound {name} to that range", where=name
        )


def require_width(name: str, value: float) -> None:
    """Refuse a width that is not positive and finite.

    Parameters
    ----------
    name : str
        The role, for the message.
    value : float
        Width [unit of the axis].

    Raises
    ------
    InputError
        Where the width is zero, negative, infinite or not a number.

    Examples
    --------
    >>> require_width("fwhm", 1.2)
    """
    if not _WIDTH_LIMIT <= value < np.inf:
        raise InputError(
            f"{name} = {value:g} is not a positive finite width", remedy=f"Bound {name} above zero", where=name
        )
