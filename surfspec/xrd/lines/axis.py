"""Whether numbers can be diffraction angles in degrees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError

#: A pattern that ends below this angle (deg) is one in radians, in 1/angstrom, or of small angles.
LEAST_END = 5.0


def check_degrees(two_theta: NDArray[np.float64], where: str = "two_theta") -> None:
    """Refuse what cannot be the diffraction angles 2 theta of a powder pattern in degrees.

    Parameters
    ----------
    two_theta
        Rising, shape (n,).
    where
        Name for the message.

    Raises
    ------
    InputError
        For angles below 0 or from 180 deg, and for patterns that end below 5 deg: in radians or 1/angstrom.

    Examples
    --------
    >>> check_degrees(np.linspace(0.35, 1.2, 100))
    Traceback (most recent call last):
    surfspec.errors.InputError: two_theta: the angles run from 0.35 to 1.2, which are no degrees of a powder pattern...
    """
    if not len(two_theta):
        return
    low, high = float(np.min(two_theta)), float(np.max(two_theta))
    if not 0.0 <= low <= high < 180.0:
        kept = "slice(0, None)" if low < 0.0 else "slice(None, 179.9)"
        if low >= 180.0 or high < 0.0:
            remedy = "Give 2 theta in degrees, from 0 to 180"
        else:
            remedy = f"Leave the others out, ds.sel(two_theta={kept}), or correct the axis"
        raise InputError(
            f"the angles run from {low:.4g} to {high:.4g} deg, and 2 theta lies from 0 to 180 deg",
            where=where,
            remedy=remedy,
        )
    if high < LEAST_END:
        raise InputError(
            f"the angles run from {low:.4g} to {high:.4g}, which are no degrees of a powder pattern",
            where=where,
            remedy="Convert radians by np.degrees(x), Q in 1/angstrom by 2 np.degrees(np.arcsin(Q wavelength / 4 pi))",
        )
