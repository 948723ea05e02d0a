"""Lines of unit area with their derivatives with respect to centre and to both widths of Thompson, Cox and Hastings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.patterns.thompson import mix_derivatives

Array = NDArray[np.float64]

_LN2 = float(np.log(2.0))


class Shape(NamedTuple):
    """FWHM and Lorentzian share of lines, with their derivatives with respect to both widths; arrays of shape (m,)."""

    width: Array
    eta: Array
    width_g: Array
    width_l: Array
    eta_g: Array
    eta_l: Array


def shape(gauss: Array, lorentz: Array) -> Shape:
    """Combine Gaussian and Lorentzian FWHM (deg), see :func:`surfspec.xrd.patterns.thompson.mix_derivatives`."""
    return Shape(*mix_derivatives(gauss, lorentz))


def blocks(offset: Array, lines: Shape, slopes: bool = True) -> tuple[Array, Array, Array, Array]:
    """Draw lines of unit area, and their derivatives with respect to centre, G and L.

    Parameters
    ----------
    offset
        Distance from the centres, deg, shape (m, k).
    lines
        Of shape (m,).
    slopes
        Whether derivatives are wanted; empty arrays otherwise.

    Returns
    -------
    value, by_center, by_gauss, by_lorentz
        deg^-1 and deg^-2, shape (m, k).
    """
    h, eta = lines.width[:, None], lines.eta[:, None]
    u = offset / h
    squared = u * u
    bell = 1.0 / (1.0 + 4.0 * squared)
    lorentz = (2.0 / np.pi) * bell / h
    gauss = (2.0 * np.sqrt(_LN2 / np.pi)) * np.exp(-4.0 * _LN2 * squared) / h
    value = eta * lorentz + (1.0 - eta) * gauss
    if not slopes:
        none = np.empty((0, 0))
        return value, none, none, none
    by_u = -8.0 * u * (eta * lorentz * bell + (1.0 - eta) * _LN2 * gauss)
    by_width = -(value + u * by_u) / h
    by_eta = lorentz - gauss
    by_gauss = by_width * lines.width_g[:, None] + by_eta * lines.eta_g[:, None]
    by_lorentz = by_width * lines.width_l[:, None] + by_eta * lines.eta_l[:, None]
    return value, -by_u / h, by_gauss, by_lorentz
