r"""Line shapes over many spectra at once, in plain numpy: values and exact derivatives over the roles.

The formulas are those of :mod:`surfspec.fitting.lineshapes`; here the roles are arrays with one value a spectrum.
Each function takes the axis (n,), the roles (members, 1), an area, and a weight for the points, (members, n) or None;
and returns the shape of that area and its derivatives over the roles, (members, n) each.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, wofz

from surfspec.fitting.batch.looped import looped

Array = NDArray[np.float64]
Rows = tuple[Array, ...]

_LN16: Final = 4.0 * log(2.0)
_GAUSS: Final = 2.0 * sqrt(log(2.0) / pi)
_LORENTZ: Final = 2.0 / pi
_EXPONENT_LIMIT: Final = -600.0
_VOIGT_SCALE: Final = 2.0 * sqrt(log(2.0))
_ROOT_PI: Final = sqrt(pi)
#: |z|^2 from which the Faddeeva function comes from its asymptotic series (Abramowitz and Stegun 7.1.23).
_FAR_SQUARED: Final = 625.0
_TERMS: Final = 9
_SERIES: Final = np.cumprod([1.0, *((2 * k - 1) / 2.0 for k in range(1, _TERMS))])


def _bell(t2: Array, amplitude: Array, weight: Array | None) -> Array:
    out = np.minimum(t2, _EXPONENT_LIMIT / -_LN16)
    out *= -_LN16
    np.exp(out, out=out)
    out *= amplitude
    if weight is not None:
        out *= weight
    return out


def _gaussian(x: Array, center: Array, fwhm: Array, _: Array, area: float, weight: Array | None) -> Rows:
    per = 1.0 / fwhm
    t = (x - center) * per
    f = _bell(t * t, area * _GAUSS * per, weight)
    by_center = f * t
    by_center *= 2.0 * _LN16 * per
    by_width = by_center * t
    by_width -= f * per
    return f, by_center, by_width


def _lorentzian(x: Array, center: Array, fwhm: Array, _: Array, area: float, weight: Array | None) -> Rows:
    per = 1.0 / fwhm
    t = (x - center) * per
    share = 1.0 / (1.0 + 4.0 * t * t)
    f = share * (area * _LORENTZ * per)
    if weight is not None:
        f *= weight
    by_center = f * share
    by_center *= t
    by_center *= 8.0 * per
    by_width = by_center * t
    by_width -= f * per
    return f, by_center, by_width


def _mixed(
    x: Array, center: Array, fwhm: Array, mixing: Array, weight: Array | None, gauss: Array, lorentz: Array
) -> tuple[Array, Array, Array, Array]:
    """Return (1 - m) G + m L for a bell of height `gauss` and a Lorentzian of height `lorentz`; and L - G."""
    per = 1.0 / fwhm
    t = x - center
    t *= per
    t2 = t * t
    bell = _bell(t2, gauss * per, weight)
    t2 *= 4.0
    t2 += 1.0
    share = np.reciprocal(t2, out=t2)
    hat = share * (lorentz * per)
    if weight is not None:
        hat *= weight
    by_mixing = hat - bell
    f = by_mixing * mixing
    f += bell
    hat *= share
    hat *= mixing * (8.0 * per)
    bell *= (1.0 - mixing) * (2.0 * _LN16 * per)
    bell += hat
    bell *= t
    t *= bell
    t -= f * per
    return f, bell, t, by_mixing


def _pseudo_voigt(x: Array, center: Array, fwhm: Array, mixing: Array, area: float, weight: Array | None) -> Rows:
    return _mixed(x, center, fwhm, mixing, weight, np.asarray(area * _GAUSS), np.asarray(area * _LORENTZ))


def _gl_sum(x: Array, center: Array, fwhm: Array, mixing: Array, area: float, weight: Array | None) -> Rows:
    slope = 1.0 / _LORENTZ - 1.0 / _GAUSS
    per = 1.0 / (1.0 / _GAUSS + mixing * slope)
    f, by_center, by_width, by_mixing = _mixed(x, center, fwhm, mixing, weight, area * per, area * per)
    by_mixing -= f * (slope * per)
    return f, by_center, by_width, by_mixing


def _voigt(x: Array, center: Array, fwhm_gauss: Array, fwhm_lorentz: Array, area: float, weight: Array | None) -> Rows:
    s, gamma = fwhm_gauss / _VOIGT_SCALE, 0.5 * fwhm_lorentz
    zeta = (x - center) + 1j * gamma
    far = zeta.real**2 + zeta.imag**2 >= _FAR_SQUARED * s * s
    rows = np.empty((4, *zeta.shape))
    z = np.where(far, 1.0, zeta / np.where(s > 0, s, 1.0))
    per = 1.0 / (np.where(s > 0, s, 1.0) * _ROOT_PI)
    w = wofz(z)
    slope = -2.0 * z * w + 2.0j / _ROOT_PI
    rows[0] = w.real * per
    rows[1] = -slope.real * per * (per * _ROOT_PI)
    rows[2] = -(w + z * slope).real * per * (per * _ROOT_PI) / _VOIGT_SCALE
    rows[3] = -0.5 * slope.imag * per * (per * _ROOT_PI)
    if np.any(far):
        wide = np.broadcast_to(s, zeta.shape)[far]
        inverse = 1.0 / zeta[far]
        r = (wide * inverse) ** 2
        value, first, by_s, power = np.zeros_like(r), np.zeros_like(r), np.zeros_like(r), np.ones_like(r)
        for k in range(_TERMS):
            value += _SERIES[k] * power
            first += (2 * k + 1) * _SERIES[k] * power
            if k + 1 < _TERMS:
                by_s += (k + 1) * _SERIES[k + 1] * power
            power = power * r
        rows[0][far] = (1j * inverse * value).real / pi
        rows[1][far] = -(-1j * inverse**2 * first).real / pi
        rows[2][far] = (2.0j * wide * inverse**3 * by_s).real / pi / _VOIGT_SCALE
        rows[3][far] = -0.5 * (-1j * inverse**2 * first).imag / pi
    rows *= area if weight is None else area * weight
    return rows[0], rows[1], rows[2], rows[3]


def _edge(x: Array, center: Array, fwhm: Array, _: Array, height: float, weight: Array | None) -> Rows:
    """Return a falling step; what is the area of a peak is its height."""
    per = 1.0 / fwhm
    t = (x - center) * per
    by_center = _bell(t * t, height * _GAUSS * per, weight)
    f = erfc(_VOIGT_SCALE * t)
    f *= 0.5 * height
    if weight is not None:
        f *= weight
    t *= by_center
    return f, by_center, t


#: By the codes of :data:`surfspec.fitting.batch.table.KINDS`.
EVALUATE: Final[tuple[Callable[[Array, Array, Array, Array, float, Array | None], Rows], ...]] = (
    _gaussian, _lorentzian, _pseudo_voigt, _gl_sum, _voigt, _edge, looped("gl_product"), looped("doniach_sunjic"),
)  # fmt: skip
