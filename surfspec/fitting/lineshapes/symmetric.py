r"""Symmetric shapes of one width: Gaussian, Lorentzian and their mixtures.

All are ``f(x) = P(t; m) / w`` with ``t = (x - center) / w``, ``w`` the role ``fwhm``, ``m`` the role ``mixing``
(the Lorentzian share) and a profile ``P`` of unit area. With :math:`g(t) = e^{-4 \ln 2\, t^2}` and
:math:`l(t) = 1/(1 + 4 t^2)`:

================ ======================================================================= ==============================
shape            :math:`P(t; m)`                                                         source
================ ======================================================================= ==============================
gaussian         :math:`2\sqrt{\ln 2/\pi}\; g`                                           ISO 18115-1
lorentzian       :math:`(2/\pi)\; l`                                                     ISO 18115-1
pseudo_voigt     :math:`(1-m)\,2\sqrt{\ln 2/\pi}\;g + m\,(2/\pi)\,l` (areas are mixed)   Thompson, Cox, Hastings 1987
gl_sum           :math:`[(1-m)\,g + m\,l] / [(1-m)\sqrt{\pi/4\ln 2} + m\,\pi/2]`         CasaXPS SGL(100 m)
gl_product       :math:`e^{-4\ln 2\,(1-m)\,t^2} / (1 + 4 m t^2) / N(m)`                  CasaXPS GL(100 m)
================ ======================================================================= ==============================

:math:`N(m) = (\pi/\sqrt b)\, \mathrm{erfcx}\sqrt{a/b}` with :math:`a = 4\ln 2\,(1-m)`, :math:`b = 4m`
(Abramowitz and Stegun 7.4.11). The full width at half maximum of ``gl_product`` is its role ``fwhm`` only for ``m`` = 0
and 1 (up to 4.4 % less between them, see ``Shape.width``); the others have it exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import log, log1p, pi, sqrt
from typing import Final

import numpy as np
from scipy.special import erfcx

from surfspec.fitting.lineshapes.base import ANYWHERE, FAR, WIDTH_BOUNDS, Array, Shape, axis, require, require_width

_LN16: Final = 4.0 * log(2.0)
_GAUSS: Final = 2.0 * sqrt(log(2.0) / pi)
_LORENTZ: Final = 2.0 / pi
#: Exponents stop here (1e-261), so that no product of a Gaussian tail underflows.
_EXPONENT_LIMIT: Final = 600.0
#: Below this ratio b / 2a the norm of ``gl_product`` comes from its asymptotic series.
_SERIES_LIMIT: Final = 2e-3
#: The derivative of that norm is infinite at m = 1 (it goes as 1/sqrt(1 - m)) and is computed this far from it.
_LORENTZ_LIMIT: Final = 1.0 - 1e-12

#: ``profile(t, mixing) -> P, dP/dt, dP/dm``; ``flat(mixing) -> value, d value / dm``.
Profile = Callable[[Array, float], tuple[Array, Array, Array]]
Flat = Callable[[float], tuple[float, float]]


def _bell(t2: Array, a: float) -> Array:
    return np.asarray(np.exp(-np.minimum(a * t2, _EXPONENT_LIMIT)), dtype=np.float64)


def _gaussian(t: Array, _: float) -> tuple[Array, Array, Array]:
    p = _GAUSS * _bell(t * t, _LN16)
    return p, -2.0 * _LN16 * t * p, np.zeros_like(t)


def _lorentzian(t: Array, _: float) -> tuple[Array, Array, Array]:
    shape = 1.0 / (1.0 + 4.0 * t * t)
    p = _LORENTZ * shape
    return p, -8.0 * t * p * shape, np.zeros_like(t)


def _pseudo_voigt(t: Array, mixing: float) -> tuple[Array, Array, Array]:
    gauss, gauss_t, _ = _gaussian(t, mixing)
    lorentz, lorentz_t, _ = _lorentzian(t, mixing)
    return (1.0 - mixing) * gauss + mixing * lorentz, (1.0 - mixing) * gauss_t + mixing * lorentz_t, lorentz - gauss


def _gl_sum(t: Array, mixing: float) -> tuple[Array, Array, Array]:
    bell, shape = _bell(t * t, _LN16), 1.0 / (1.0 + 4.0 * t * t)
    norm, norm_m = _gl_sum_norm(mixing)
    p = ((1.0 - mixing) * bell + mixing * shape) / norm
    slope = (-2.0 * _LN16 * (1.0 - mixing) * t * bell - 8.0 * mixing * t * shape * shape) / norm
    return p, slope, (shape - bell - p * norm_m) / norm


def _gl_sum_norm(mixing: float) -> tuple[float, float]:
    return (1.0 - mixing) / _GAUSS + mixing / _LORENTZ, 1.0 / _LORENTZ - 1.0 / _GAUSS


def _gl_product(t: Array, mixing: float) -> tuple[Array, Array, Array]:
    a, t2 = _LN16 * (1.0 - mixing), t * t
    shape = 1.0 / (1.0 + 4.0 * mixing * t2)
    norm, norm_m = _gl_product_norm(mixing)
    p = _bell(t2, a) * shape / norm
    return p, -2.0 * t * (a + 4.0 * mixing * shape) * p, (t2 * (_LN16 - 4.0 * shape) - norm_m / norm) * p


def _gl_product_norm(mixing: float) -> tuple[float, float]:
    """N(m) and dN/dm; by its asymptotic series in u = b / 2a where the closed form cancels (small m)."""
    m = min(mixing, _LORENTZ_LIMIT)
    a, b = _LN16 * (1.0 - m), 4.0 * m
    u, u_m = b / (2.0 * a), 2.0 / (_LN16 * (1.0 - m) ** 2)
    plain = sqrt(pi / a)
    if u < _SERIES_LIMIT:  # N = sqrt(pi/a) (1 - u + 3 u^2 - 15 u^3 ...), Abramowitz and Stegun 7.1.23
        series, slope, term = 1.0, 0.0, 1.0
        for k in range(1, 14):
            slope += -(2 * k - 1) * k * term
            term *= -(2 * k - 1) * u
            series += term
        return plain * series, plain * (0.5 * series / (1.0 - m) + slope * u_m)
    z = sqrt(a / b)
    scaled = float(erfcx(z))
    z_m = -_LN16 / (8.0 * m * m * z)
    slope_z = 2.0 * z * scaled - 2.0 / sqrt(pi)
    norm_m = pi / sqrt(b) * (slope_z * z_m - 0.5 * scaled / m)
    return (pi / 2.0 if mixing >= 1.0 else pi / sqrt(b) * scaled), norm_m


def _exact_width(_: float) -> tuple[float, float]:
    return 1.0, 0.0


def _gl_product_width(mixing: float) -> tuple[float, float]:
    """Width in units of the role, from a v + ln(1 + 4 m v) = ln 2 with v = t^2, by Newton (concave: no overshoot)."""
    a, v = _LN16 * (1.0 - mixing), 0.25
    for _ in range(30):
        slope = a + 4.0 * mixing / (1.0 + 4.0 * mixing * v)
        step = (a * v + log1p(4.0 * mixing * v) - log(2.0)) / slope
        v -= step
        if abs(step) <= 1e-16 * v:
            break
    slope = a + 4.0 * mixing / (1.0 + 4.0 * mixing * v)
    v_m = (_LN16 * v - 4.0 * v / (1.0 + 4.0 * mixing * v)) / slope
    return 2.0 * sqrt(v), v_m / sqrt(v)


def _gaussian_top(_: float) -> tuple[float, float]:
    return _GAUSS, 0.0


def _lorentzian_top(_: float) -> tuple[float, float]:
    return _LORENTZ, 0.0


def _pseudo_voigt_top(mixing: float) -> tuple[float, float]:
    return (1.0 - mixing) * _GAUSS + mixing * _LORENTZ, _LORENTZ - _GAUSS


def _gl_sum_top(mixing: float) -> tuple[float, float]:
    norm, norm_m = _gl_sum_norm(mixing)
    return 1.0 / norm, -norm_m / norm**2


def _gl_product_top(mixing: float) -> tuple[float, float]:
    norm, norm_m = _gl_product_norm(mixing)
    return 1.0 / norm, -norm_m / norm**2


def _reduced(x: Array, center: float, fwhm: float) -> Array:
    reach = FAR * fwhm
    return np.minimum(np.maximum(x - center, -reach), reach) / fwhm


def _checked(center: float, fwhm: float, mixing: float) -> None:
    require("center", center, -1e300, 1e300)
    require_width("fwhm", fwhm)
    require("mixing", mixing, 0.0, 1.0)


def _evaluate(profile: Profile, x: Array, center: float, fwhm: float, mixing: float = 0.0) -> Array:
    _checked(center, fwhm, mixing)
    return profile(_reduced(axis(x), center, fwhm), mixing)[0] / fwhm


def _derivatives(profile: Profile, rows: int, x: Array, center: float, fwhm: float, mixing: float = 0.0) -> Array:
    _checked(center, fwhm, mixing)
    t = _reduced(axis(x), center, fwhm)
    p, p_t, p_m = profile(t, mixing)
    out = np.empty((rows, t.size))
    out[0] = p / fwhm
    out[1] = -p_t / fwhm / fwhm
    out[2] = -(p + t * p_t) / fwhm / fwhm
    if rows == 4:
        out[3] = p_m / fwhm
    return out


def _width(flat: Flat, roles: int, center: float, fwhm: float, mixing: float = 0.0) -> tuple[float, Array]:
    _checked(center, fwhm, mixing)
    unit, unit_m = flat(mixing)
    return unit * fwhm, np.array([0.0, unit, unit_m * fwhm][:roles])


def _height(flat: Flat, roles: int, center: float, fwhm: float, mixing: float = 0.0) -> tuple[float, Array]:
    _checked(center, fwhm, mixing)
    top, top_m = flat(mixing)
    return top / fwhm, np.array([0.0, -top / fwhm**2, top_m / fwhm][:roles])


def _shape(name: str, profile: Profile, top: Flat, width: Flat, *, mixed: bool, reference: str) -> Shape:
    roles = ("center", "fwhm", "mixing") if mixed else ("center", "fwhm")
    count = len(roles)
    every = {"center": ANYWHERE, "fwhm": WIDTH_BOUNDS, "mixing": (0.0, 1.0)}
    return Shape(
        name,
        roles,
        evaluate=partial(_evaluate, profile),
        derivatives=partial(_derivatives, profile, 1 + count),
        width=partial(_width, width, count),
        height=partial(_height, top, count),
        bounds={role: every[role] for role in roles},
        reference=reference,
    )


GAUSSIAN: Final = _shape("gaussian", _gaussian, _gaussian_top, _exact_width, mixed=False, reference="ISO 18115-1")
LORENTZIAN: Final = _shape(
    "lorentzian", _lorentzian, _lorentzian_top, _exact_width, mixed=False, reference="ISO 18115-1"
)
PSEUDO_VOIGT: Final = _shape(
    "pseudo_voigt",
    _pseudo_voigt,
    _pseudo_voigt_top,
    _exact_width,
    mixed=True,
    reference="P. Thompson, D. E. Cox, J. B. Hastings, J. Appl. Cryst. 20 (1987) 79",
)
GL_SUM: Final = _shape(
    "gl_sum", _gl_sum, _gl_sum_top, _exact_width, mixed=True, reference="CasaXPS manual, SGL(p), p = 100 mixing"
)
GL_PRODUCT: Final = _shape(
    "gl_product",
    _gl_product,
    _gl_product_top,
    _gl_product_width,
    mixed=True,
    reference="CasaXPS manual, GL(p), p = 100 mixing",
)
