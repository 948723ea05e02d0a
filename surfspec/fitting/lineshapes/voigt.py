r"""The Voigt line: a Gaussian convolved with a Lorentzian, by the Faddeeva function.

.. math:: V(u) = \mathrm{Re}\, w(z) / (s \sqrt\pi), \quad z = \zeta / s, \quad \zeta = u + i \gamma

with :math:`u = x - c`, :math:`\gamma` half the Lorentzian width and :math:`s = w_G / (2 \sqrt{\ln 2})`
(Abramowitz and Stegun 7.1.3 and 7.4; derivative :math:`w' = -2 z w + 2 i/\sqrt\pi`, 7.1.20). Beyond :math:`|z| = 25`,
and for a vanishing Gaussian, the asymptotic series of :math:`w` is used, so that nothing cancels and both pure limits
are exact.
"""

from __future__ import annotations

from math import log, pi, sqrt
from typing import Final

import numpy as np
from scipy.special import wofz

from surfspec.errors import InputError
from surfspec.fitting.lineshapes.base import ANYWHERE, FAR, WIDTH_BOUNDS, Array, Shape, axis, require, require_width

_FAR_SQUARED: Final = 625.0
_TERMS: Final = 9
_K: Final = np.arange(_TERMS)
#: (2k - 1)!! / 2^k, the coefficients of the asymptotic series of w; then those of w' and of the derivative over s.
_SERIES: Final = np.cumprod([1.0, *((2 * k - 1) / 2.0 for k in range(1, _TERMS))])
_SERIES_ROWS: Final = np.stack([_SERIES, (2 * _K + 1) * _SERIES, np.append((_K * _SERIES)[1:], 0.0)]).astype(complex)
_SCALE: Final = 2.0 * sqrt(log(2.0))
_ROOT_PI: Final = sqrt(pi)


def _near(u: Array, s: float, gamma: float) -> Array:
    z = (u + 1j * gamma) / s
    w = wofz(z)
    slope = -2.0 * z * w + 2.0j / _ROOT_PI
    rows = np.empty((4, u.size))
    rows[0], rows[1], rows[2], rows[3] = w.real, slope.real / s, -(w + z * slope).real / s, -slope.imag / s
    rows /= s * _ROOT_PI
    return rows


def _far(u: Array, s: float, gamma: float) -> Array:
    inverse = 1.0 / (u + 1j * gamma)
    powers = np.empty((_TERMS, u.size), dtype=np.complex128)
    powers[0] = 1.0
    r = (s * inverse) ** 2
    for k in range(1, _TERMS):
        np.multiply(powers[k - 1], r, out=powers[k])
    w, slope, by_s = _SERIES_ROWS @ powers
    w, slope, by_s = 1j * inverse * w, -1j * inverse**2 * slope, 2.0j * s * inverse**3 * by_s
    return np.asarray([w.real, slope.real, by_s.real, -slope.imag], dtype=np.float64) / pi


def _clipped(u: Array, s: float, gamma: float) -> Array:
    reach = FAR * (s + gamma)
    return np.minimum(np.maximum(u, -reach), reach)


def _parts(u: Array, s: float, gamma: float) -> Array:
    """V and its derivatives over u, s and gamma as rows."""
    u = _clipped(u, s, gamma)
    far = u * u + gamma * gamma >= _FAR_SQUARED * s * s
    if far.all():
        return _far(u, s, gamma)
    if not far.any():
        return _near(u, s, gamma)
    out = np.empty((4, u.size))
    out[:, far] = _far(u[far], s, gamma)
    out[:, ~far] = _near(u[~far], s, gamma)
    return out


def _checked(center: float, fwhm_gauss: float, fwhm_lorentz: float) -> None:
    require("center", center, -1e300, 1e300)
    for name, value in (("fwhm_gauss", fwhm_gauss), ("fwhm_lorentz", fwhm_lorentz)):
        if value != 0.0:
            require_width(name, value)
    if fwhm_gauss == 0.0 and fwhm_lorentz == 0.0:
        raise InputError("Both widths of a Voigt line are zero", remedy="Bound fwhm_gauss above zero")


def voigt(x: Array, center: float, fwhm_gauss: float, fwhm_lorentz: float) -> Array:
    """Evaluate the Voigt line of unit area, Re w(z) / (s sqrt(pi)).

    Parameters
    ----------
    x : ndarray, shape (n,)
        Positions [eV or deg].
    center, fwhm_gauss, fwhm_lorentz : float
        Position and the full widths of the two partners of the convolution; one of them may be zero [unit of x].

    Returns
    -------
    ndarray, shape (n,)
        Values [1 / unit of x].

    Raises
    ------
    InputError
        For negative, infinite or two vanishing widths.

    References
    ----------
    B. H. Armstrong, J. Quant. Spectrosc. Radiat. Transfer 7 (1967) 61.

    Examples
    --------
    >>> float(voigt(np.array([0.0]), 0.0, 0.0, 2.0)[0])
    0.318310
    """
    _checked(center, fwhm_gauss, fwhm_lorentz)
    s, gamma = fwhm_gauss / _SCALE, 0.5 * fwhm_lorentz
    u = _clipped(axis(x) - center, s, gamma)
    if s < 1e-6 * gamma:
        value: Array = _far(u, s, gamma)[0]
        return value
    return np.asarray(wofz((u + 1j * gamma) / s).real / (s * _ROOT_PI), dtype=np.float64)


def voigt_derivatives(x: Array, center: float, fwhm_gauss: float, fwhm_lorentz: float) -> Array:
    """Evaluate the Voigt line and its derivatives over center, fwhm_gauss and fwhm_lorentz.

    Parameters
    ----------
    x, center, fwhm_gauss, fwhm_lorentz
        As for :func:`voigt`.

    Returns
    -------
    ndarray, shape (4, n)
        Values and derivatives.

    Raises
    ------
    InputError
        As :func:`voigt`.

    References
    ----------
    Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.20.

    Examples
    --------
    >>> float(voigt_derivatives(np.array([0.0]), 0.0, 0.0, 2.0)[3, 0])
    -0.159155
    """
    _checked(center, fwhm_gauss, fwhm_lorentz)
    parts = _parts(axis(x) - center, fwhm_gauss / _SCALE, fwhm_lorentz / 2.0)
    parts[1] = -parts[1]
    parts[2] /= _SCALE
    parts[3] *= 0.5
    return parts


def voigt_width(center: float, fwhm_gauss: float, fwhm_lorentz: float) -> tuple[float, Array]:
    """Solve V(h) = V(0) / 2 for the full width at half maximum 2 h.

    Parameters
    ----------
    center, fwhm_gauss, fwhm_lorentz : float
        As for :func:`voigt`.

    Returns
    -------
    width : float
        Full width at half maximum [unit of x], to rounding: Olivero and Longbothum's approximation polished by Newton.
    gradient : ndarray, shape (3,)
        Over the roles, from the implicit function theorem.

    Raises
    ------
    InputError
        As :func:`voigt`.

    References
    ----------
    J. J. Olivero, R. L. Longbothum, J. Quant. Spectrosc. Radiat. Transfer 17 (1977) 233.

    Examples
    --------
    >>> voigt_width(0.0, 1.0, 1.0)[0]
    1.637595
    """
    _checked(center, fwhm_gauss, fwhm_lorentz)
    scale = fwhm_gauss + fwhm_lorentz
    s, gamma = fwhm_gauss / scale / _SCALE, fwhm_lorentz / scale / 2.0
    fl = 2.0 * gamma
    half = 0.5 * (0.5346 * fl + sqrt(0.2166 * fl**2 + (s * _SCALE) ** 2))
    for _ in range(6):
        parts = _parts(np.array([0.0, half]), s, gamma)
        step = (parts[0, 1] - 0.5 * parts[0, 0]) / parts[1, 1]
        half -= step
        if abs(step) < 1e-15 * half:
            break
    parts = _parts(np.array([0.0, half]), s, gamma)
    by_s, by_gamma = -2.0 * (parts[2:, 1] - 0.5 * parts[2:, 0]) / parts[1, 1]
    return 2.0 * float(half) * scale, np.array([0.0, by_s / _SCALE, by_gamma / 2.0])


def voigt_height(center: float, fwhm_gauss: float, fwhm_lorentz: float) -> tuple[float, Array]:
    """Evaluate the maximum of the unit-area Voigt line and its gradient.

    Parameters
    ----------
    center, fwhm_gauss, fwhm_lorentz : float
        As for :func:`voigt`.

    Returns
    -------
    height : float
        V(center) [1 / unit of x].
    gradient : ndarray, shape (3,)
        Over the roles.

    Raises
    ------
    InputError
        As :func:`voigt`.

    References
    ----------
    B. H. Armstrong, J. Quant. Spectrosc. Radiat. Transfer 7 (1967) 61.

    Examples
    --------
    >>> voigt_height(0.0, 1.0, 0.0)[0]
    0.939437
    """
    parts = voigt_derivatives(np.array([center]), center, fwhm_gauss, fwhm_lorentz)[:, 0]
    return float(parts[0]), np.array([0.0, parts[2], parts[3]])


VOIGT: Final = Shape(
    "voigt",
    ("center", "fwhm_gauss", "fwhm_lorentz"),
    evaluate=voigt,
    derivatives=voigt_derivatives,
    width=voigt_width,
    height=voigt_height,
    bounds={"center": ANYWHERE, "fwhm_gauss": WIDTH_BOUNDS, "fwhm_lorentz": (0.0, np.inf)},
    reference="B. H. Armstrong, J. Quant. Spectrosc. Radiat. Transfer 7 (1967) 61",
)
