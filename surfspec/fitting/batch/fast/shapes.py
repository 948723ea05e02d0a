"""Line shapes for the compiled kernel: the formulas of :mod:`surfspec.fitting.lineshapes`, a loop over points each.

Exponential and logarithm are written out so that the loops become vector instructions (the library's own functions
are calls, one a point). Each shape writes its values and derivatives over its roles into the rows of `out`.
"""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

from math import log, pi, sqrt
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.polynomial import chebyshev

from surfspec.fitting.batch.fast.edge import edge

_LN16: Final = 4.0 * log(2.0)
_GAUSS: Final = 2.0 * sqrt(log(2.0) / pi)
_LORENTZ: Final = 2.0 / pi
_LOWEST: Final = -600.0
#: Largest exponent of a power of one half; beyond it a bell is level at 1e-260 of its height.
_FARTHEST: Final = 865.0
_VOIGT_SCALE: Final = 2.0 * sqrt(log(2.0))
_ROOT_PI: Final = sqrt(pi)
_FAR_SQUARED: Final = 625.0
_TERMS: Final = 9
_SERIES: Final = np.cumprod(np.array([1.0, *((2 * k - 1) / 2.0 for k in range(1, _TERMS))]))
_LOG2_E: Final = 1.0 / log(2.0)
#: ln 2 in two parts, so that k ln 2 is exact in the first (Cody and Waite, Software Manual, 1980, chapter 6).
_LN2_HIGH: Final = 6.93147180369123816490e-01
_LN2_LOW: Final = 1.90821492927058770002e-10

#: Adding 1.5 2^52 rounds a number to an integer and leaves that in the last bits.
_MAGIC: Final = 6755399441055744.0

#: Reordering of single operations is allowed in these loops; nothing assumes that numbers are finite.
_FAST: Final = {"nsz", "arcp", "contract"}


def _weideman(terms: int) -> tuple[float, np.ndarray]:
    """Return L and the polynomial of the rational series of w(z) (Weideman, SIAM J. Numer. Anal. 31 (1994) 1497)."""
    half = 2 * terms
    length = sqrt(terms / sqrt(2.0))
    t = length * np.tan(np.arange(-half + 1, half) * pi / half / 2.0)
    f = np.concatenate([[0.0], np.exp(-t * t) * (length**2 + t * t)])
    a = np.fft.fft(np.fft.fftshift(f)).real / (2 * half)
    return length, a[1 : terms + 1][::-1].copy()


_WEIDEMAN_L, _WEIDEMAN = _weideman(32)


@njit(fastmath=_FAST)
def exponential(x):
    """Return exp(x) for x between -700 and 700, to 1e-15 of its value: 2^k times the Taylor series up to r^12."""
    shifted = x * _LOG2_E + _MAGIC  # the last bits of its mantissa are the integer k
    k = shifted - _MAGIC
    r = (x - k * _LN2_HIGH) - k * _LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    # the series in pairs (Estrin's order), which keeps the chain of dependent operations short
    low = (1.0 + r) + (0.5 + r * (1.0 / 6.0)) * r2
    middle = (1.0 / 24.0 + r * (1.0 / 120.0)) + (1.0 / 720.0 + r * (1.0 / 5040.0)) * r2
    high = (1.0 / 40320.0 + r * (1.0 / 362880.0)) + (1.0 / 3628800.0 + r * (1.0 / 39916800.0)) * r2
    p = low + r4 * (middle + r4 * (high + r4 * (1.0 / 479001600.0)))
    return p * np.int64((np.float64(shifted).view(np.int64) + np.int64(1023)) << np.int64(52)).view(np.float64)


@njit(fastmath=_FAST)
def mantissa(x):
    """Return k and f, within sqrt(1/2) and sqrt(2), of a normal positive x = 2^k f.

    The exponent k becomes a number by its bits in a mantissa: neither a shift that keeps the sign nor a conversion of
    integers is a vector instruction everywhere.
    """
    bits = np.float64(x).view(np.int64)
    up = (bits - np.int64(0x3FE6A09E667F3BCD)) & np.int64(-0x10000000000000)  # k in the place of the exponent
    f = np.int64(bits - up).view(np.float64)
    field = np.int64(np.uint64(up ^ np.int64(-0x8000000000000000)) >> np.uint64(52))  # k + 2048
    return np.int64(field | np.int64(0x4330000000000000)).view(np.float64) - 4503599627372544.0, f


@njit(fastmath=_FAST)
def log_of_parts(k, s):
    """Return k ln 2 + 2 artanh(s), which is ln(2^k f) where s = (f - 1) / (f + 1)."""
    z = s * s
    z2 = z * z
    z4 = z2 * z2
    low = (1.0 / 3.0 + z * (1.0 / 5.0)) + z2 * (1.0 / 7.0 + z * (1.0 / 9.0))
    middle = (1.0 / 11.0 + z * (1.0 / 13.0)) + z2 * (1.0 / 15.0 + z * (1.0 / 17.0))
    high = (1.0 / 19.0 + z * (1.0 / 21.0)) + z2 * (1.0 / 23.0)
    p = 1.0 + z * (low + z4 * (middle + z4 * high))
    return k * _LN2_HIGH + (k * _LN2_LOW + 2.0 * s * p)


@njit(fastmath=_FAST)
def logarithm(x):
    """Return ln(x) of a normal positive x."""
    k, f = mantissa(x)
    return log_of_parts(k, (f - 1.0) / (f + 1.0))


def _power_series() -> list[float]:
    """Return the polynomial of degree 10 through 2^-f in the Chebyshev points of -1/2 to 1/2, lowest power first."""

    def power(u: Any) -> Any:
        return np.exp2(-0.5 * u)

    return [float(c) * 2.0**n for n, c in enumerate(chebyshev.cheb2poly(chebyshev.chebinterpolate(power, 10)))]


_P0, _P1, _P2, _P3, _P4, _P5, _P6, _P7, _P8, _P9, _P10 = _power_series()


@njit(fastmath=_FAST)
def half_power(z):
    """Return 2^-z for z from 0 to 1000, to 2e-15 of its value: 2^-k times a polynomial in z - k."""
    shifted = _MAGIC + 1023.0 - z  # the last bits of its mantissa are the exponent of the power of two
    f = z + (shifted - (_MAGIC + 1023.0))
    f2 = f * f
    f4 = f2 * f2
    low = (_P0 + _P1 * f) + (_P2 + _P3 * f) * f2
    middle = (_P4 + _P5 * f) + (_P6 + _P7 * f) * f2
    high = (_P8 + _P9 * f) + _P10 * f2
    return (low + f4 * (middle + f4 * high)) * np.int64(np.float64(shifted).view(np.int64) << np.int64(52)).view(
        np.float64
    )


@njit(fastmath=_FAST, error_model="numpy")
def gaussian(x, weight, center, fwhm, area, first, end, out, at, keep):
    """Write a Gaussian as :func:`evaluate` does, from the point `first` to `end` only."""
    ka, kb, kc = keep[0], keep[1], keep[2]
    per = 1.0 / fwhm
    height = area * _GAUSS * per
    x, weight = x[first:end], weight[first:end]
    a, b, c = out[at[0], first:end], out[at[1], first:end], out[at[2], first:end]
    for i in range(x.size):
        s = (x[i] - center) * (2.0 * per)
        s2 = s * s
        value = height * weight[i] * half_power(min(s2, _FARTHEST))
        slope = _LN16 * per * value
        a[i] = ka * a[i] + value
        b[i] = kb * b[i] + slope * s
        c[i] = kc * c[i] + (0.5 * slope * s2 - per * value)


@njit(fastmath=_FAST, error_model="numpy")
def _lorentzian(x, weight, center, fwhm, area, out, at, keep):
    a, b, c = at[0], at[1], at[2]
    ka, kb, kc = keep[0], keep[1], keep[2]
    per = 1.0 / fwhm
    height = area * _LORENTZ * per
    for i in range(x.size):
        t = (x[i] - center) * per
        t2 = t * t
        share = 1.0 / (1.0 + 4.0 * t2)
        value = height * weight[i] * share
        out[a, i] = ka * out[a, i] + value
        out[b, i] = kb * out[b, i] + 8.0 * per * t * value * share
        out[c, i] = kc * out[c, i] + per * value * (8.0 * t2 * share - 1.0)


@njit(fastmath=_FAST, error_model="numpy")
def _mixed(x, weight, center, fwhm, mixing, gauss, lorentz, loss, out, a, b, c, d, ka, kb, kc, kd):
    """Fill (1 - m) G + m L; `loss` is the derivative of the norm's logarithm by the mixing."""
    per = 1.0 / fwhm
    gauss, lorentz = gauss * per, lorentz * per
    steep, flat = _LN16 * per * (1.0 - mixing), 4.0 * per * mixing
    for i in range(x.size):
        s = (x[i] - center) * (2.0 * per)
        s2 = s * s
        bell = gauss * weight[i] * half_power(min(s2, _FARTHEST))
        share = 1.0 / (1.0 + s2)
        hat = lorentz * weight[i] * share
        more = hat - bell
        value = bell + mixing * more
        slope = steep * bell + flat * (hat * share)
        out[a, i] = ka * out[a, i] + value
        out[b, i] = kb * out[b, i] + slope * s
        out[c, i] = kc * out[c, i] + (0.5 * slope * s2 - per * value)
        out[d, i] = kd * out[d, i] + (more - loss * value)


@njit(fastmath=_FAST, error_model="numpy")
def _two_mixed(
    x, weight, center, fwhm, mixing, gauss, lorentz, loss, center_2, fwhm_2, mixing_2, gauss_2, lorentz_2, loss_2, out,
    a, b, c, d, ka, kb, kc, kd,
):  # fmt: skip
    """Fill the sum of two lines as :func:`_mixed` fills one; a tenth less time than one after the other."""
    per, per_2 = 1.0 / fwhm, 1.0 / fwhm_2
    gauss, lorentz, gauss_2, lorentz_2 = gauss * per, lorentz * per, gauss_2 * per_2, lorentz_2 * per_2
    steep, flat = _LN16 * per * (1.0 - mixing), 4.0 * per * mixing
    steep_2, flat_2 = _LN16 * per_2 * (1.0 - mixing_2), 4.0 * per_2 * mixing_2
    for i in range(x.size):
        s, t = (x[i] - center) * (2.0 * per), (x[i] - center_2) * (2.0 * per_2)
        s2, t2 = s * s, t * t
        bell = gauss * weight[i] * half_power(min(s2, _FARTHEST))
        bell_2 = gauss_2 * weight[i] * half_power(min(t2, _FARTHEST))
        under, under_2 = 1.0 + s2, 1.0 + t2
        share = 1.0 / (under * under_2)  # one division for two
        share, share_2 = share * under_2, share * under
        hat, hat_2 = lorentz * weight[i] * share, lorentz_2 * weight[i] * share_2
        more, more_2 = hat - bell, hat_2 - bell_2
        value, value_2 = bell + mixing * more, bell_2 + mixing_2 * more_2
        slope, slope_2 = steep * bell + flat * (hat * share), steep_2 * bell_2 + flat_2 * (hat_2 * share_2)
        out[a, i] = ka * out[a, i] + (value + value_2)
        out[b, i] = kb * out[b, i] + (slope * s + slope_2 * t)
        out[c, i] = kc * out[c, i] + ((0.5 * slope * s2 - per * value) + (0.5 * slope_2 * t2 - per_2 * value_2))
        out[d, i] = kd * out[d, i] + ((more - loss * value) + (more_2 - loss_2 * value_2))


@njit(fastmath=_FAST, error_model="numpy")
def _voigt_near(x, weight, center, s, gamma, height, f, by_center, by_gauss, by_lorentz):
    """Fill by w(z) from Weideman's rational series, in real arithmetic; w' = -2 z w + 2 i / sqrt(pi)."""
    per = 1.0 / s
    b = gamma * per
    down, up = _WEIDEMAN_L + b, _WEIDEMAN_L - b
    for i in range(x.size):  # Z = (L + i z) / (L - i z), kept in two of the rows
        a = (x[i] - center) * per
        norm = 1.0 / (down * down + a * a)
        by_gauss[i] = (up * down - a * a) * norm
        by_lorentz[i] = (up + down) * a * norm
        f[i], by_center[i] = _WEIDEMAN[0], 0.0
    for k in range(1, _WEIDEMAN.size):  # the polynomial of Z, in the other two
        add = _WEIDEMAN[k]
        for i in range(x.size):
            p_re, p_im, z_re, z_im = f[i], by_center[i], by_gauss[i], by_lorentz[i]
            f[i] = p_re * z_re - p_im * z_im + add
            by_center[i] = p_re * z_im + p_im * z_re
    for i in range(x.size):
        a = (x[i] - center) * per
        p_re, p_im = f[i], by_center[i]
        norm = 1.0 / (down * down + a * a)
        inv_re, inv_im = down * norm, a * norm
        q_re = 2.0 * (p_re * inv_re - p_im * inv_im) + 1.0 / _ROOT_PI
        q_im = 2.0 * (p_re * inv_im + p_im * inv_re)
        w_re = q_re * inv_re - q_im * inv_im
        w_im = q_re * inv_im + q_im * inv_re
        d_re = -2.0 * (a * w_re - b * w_im)
        d_im = -2.0 * (a * w_im + b * w_re) + 2.0 / _ROOT_PI
        scale = height * weight[i] * per / _ROOT_PI
        f[i] = scale * w_re
        by_center[i] = -scale * per * d_re
        by_gauss[i] = -scale * per * (w_re + a * d_re - b * d_im) / _VOIGT_SCALE
        by_lorentz[i] = -0.5 * scale * per * d_im


@njit(error_model="numpy")
def _voigt_far(x, weight, center, s, gamma, height, f, by_center, by_gauss, by_lorentz):
    """Overwrite the points beyond ``|z| = 25`` by the asymptotic series (Abramowitz and Stegun 7.1.23)."""
    for i in range(x.size):
        u = x[i] - center
        if u * u + gamma * gamma >= _FAR_SQUARED * s * s:
            inverse = 1.0 / complex(u, gamma)
            r = (s * inverse) ** 2
            value, first, by_s, power = complex(0.0), complex(0.0), complex(0.0), complex(1.0)
            for k in range(_TERMS):
                value += _SERIES[k] * power
                first += (2 * k + 1) * _SERIES[k] * power
                if k + 1 < _TERMS:
                    by_s += (k + 1) * _SERIES[k + 1] * power
                power *= r
            scale = height * weight[i] / pi
            slope = -1j * inverse * inverse * first
            f[i] = scale * (1j * inverse * value).real
            by_center[i] = -scale * slope.real
            by_gauss[i] = scale * (2.0j * s * inverse**3 * by_s).real / _VOIGT_SCALE
            by_lorentz[i] = -0.5 * scale * slope.imag


@njit(error_model="numpy")
def _norms(kind, mixing, area):
    """Return the shares of both bells of a pseudo-Voigt (2) or of a sum of one height (3), and the `loss` of both."""
    if kind == 2:
        return area * _GAUSS, area * _LORENTZ, 0.0
    slope = 1.0 / _LORENTZ - 1.0 / _GAUSS
    per = 1.0 / (1.0 / _GAUSS + mixing * slope)
    return area * per, area * per, slope * per


@njit(error_model="numpy")
def mixed(kind, x, weight, roles, area, out, at, keep, k):
    """Write a pseudo-Voigt or a sum of one height as :func:`evaluate` does; `k` is the number of the component."""
    gauss, lorentz, loss = _norms(kind, roles[k, 2], area[k])
    _mixed(
        x, weight, roles[k, 0], roles[k, 1], roles[k, 2], gauss, lorentz, loss, out,
        at[k, 0], at[k, 1], at[k, 2], at[k, 3], keep[k, 0], keep[k, 1], keep[k, 2], keep[k, 3],
    )  # fmt: skip


@njit(error_model="numpy")
def two_mixed(kind, x, weight, roles, area, out, at, keep, k):
    """Write the components `k` and the next, of one kind and into the same rows, as :func:`mixed` writes one."""
    gauss, lorentz, loss = _norms(kind, roles[k, 2], area[k])
    gauss_2, lorentz_2, loss_2 = _norms(kind, roles[k + 1, 2], area[k + 1])
    _two_mixed(
        x, weight, roles[k, 0], roles[k, 1], roles[k, 2], gauss, lorentz, loss,
        roles[k + 1, 0], roles[k + 1, 1], roles[k + 1, 2], gauss_2, lorentz_2, loss_2, out,
        at[k, 0], at[k, 1], at[k, 2], at[k, 3], keep[k, 0], keep[k, 1], keep[k, 2], keep[k, 3],
    )  # fmt: skip


@njit(fastmath=_FAST, error_model="numpy")
def _bell(x, center, per, out):
    for i in range(x.size):
        s = (x[i] - center) * (2.0 * per)
        out[i] = half_power(min(s * s, _FARTHEST))


@njit(error_model="numpy")
def shoulder(x, weight, center, fwhm, height, first, end, out, at, keep):
    """Write an edge as :func:`evaluate` does; before `first` it is level, behind `end` nothing."""
    bell = np.empty(end - first)
    _bell(x[first:end], center, 1.0 / fwhm, bell)
    edge(x, weight, center, fwhm, height, bell, first, end, out, at, keep)


@njit(error_model="numpy")
def evaluate(kind, x, weight, roles, area, out, at, keep):
    """Write a shape of some area and its derivatives over the roles, times the weight, into the rows `at` of `out`.

    What stands there counts with the factor `keep`; a Voigt line always writes anew into the first four rows.
    """
    if kind == 0:
        gaussian(x, weight, roles[0], roles[1], area, 0, x.size, out, at, keep)
    elif kind == 1:
        _lorentzian(x, weight, roles[0], roles[1], area, out, at, keep)
    elif kind in (2, 3):
        mixed(
            kind, x, weight, roles.reshape((1, 3)), np.full(1, area), out, at.reshape((1, 4)), keep.reshape((1, 4)), 0
        )
    elif kind == 5:
        shoulder(x, weight, roles[0], roles[1], area, 0, x.size, out, at, keep)
    else:
        s, gamma = roles[1] / _VOIGT_SCALE, 0.5 * roles[2]
        reach = max(abs(x[0] - roles[0]), abs(x[-1] - roles[0]))
        if s > 0.0:
            _voigt_near(x, weight, roles[0], s, gamma, area, out[0], out[1], out[2], out[3])
        if reach * reach + gamma * gamma >= _FAR_SQUARED * s * s:
            _voigt_far(x, weight, roles[0], s, gamma, area, out[0], out[1], out[2], out[3])
