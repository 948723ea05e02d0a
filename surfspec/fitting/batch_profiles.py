r"""Values, widths and heights of line shapes for many spectra at once, in plain numpy.

The formulas are those of :mod:`surfspec.fitting.lineshapes`; here every role is an array with one value a spectrum.
Shapes that :data:`PROFILES` does not list are evaluated one spectrum at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, wofz

from surfspec.fitting.lineshapes import shape

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
#: A number of each member, and its slopes by the roles of the shape: shapes (m,) and (m, roles).
Size = tuple[Array, Array]

_LN16: Final = 4.0 * log(2.0)
_GAUSS: Final = 2.0 * sqrt(log(2.0) / pi)
_LORENTZ: Final = 2.0 / pi
_EXPONENT_LIMIT: Final = 600.0
_SCALE: Final = 2.0 * sqrt(log(2.0))
_ROOT_PI: Final = sqrt(pi)
#: Ratio of Gaussian to Lorentzian widths below which a Voigt line is left to the series of the single function.
_NARROW: Final = 0.06
#: Ratio of half the Lorentzian width to the Gaussian scale from which the rational series is as good as the library.
_DAMPED: Final = 0.02
#: Members of a Voigt line that are computed at once: complex numbers take more of the processor's cache.
_CACHED: Final = 64
#: Newton steps for the width of a Voigt line; four are enough from Olivero and Longbothum's 0.02 %.
_STEPS: Final = 4


def write_values(name: str, x: Array, area: Array, roles: Array, out: Array) -> None:
    """Write a line shape times its area for every member.

    Parameters
    ----------
    name
        Of the shape.
    x
        Axis, shape (n,).
    area
        Shape (m,).
    roles
        In the order of the shape's roles, shape (m, roles).
    out
        Where to write, shape (m, n).

    Raises
    ------
    InputError
        For a role that the shape does not allow, where it is evaluated one by one.

    Examples
    --------
    >>> out = np.empty((2, 1))
    >>> write_values("lorentzian", np.array([0.5]), np.array([1.0, 2.0]), np.array([[0.0, 1.0], [0.5, 1.0]]), out)
    >>> out.round(4).tolist()
    [[0.3183], [1.2732]]
    """
    profile = PROFILES.get(name)
    if profile is not None:
        profile.write(x, area, roles, out)
        return
    one = shape(name)
    for i in range(len(area)):
        out[i] = area[i] * one.evaluate(x, *roles[i].tolist())


def sizes(name: str, roles: Array) -> tuple[Size, Size]:
    """Return full width at half maximum and height (at unit area) of a shape, with their slopes by the roles.

    Parameters
    ----------
    name
        Of the shape.
    roles
        In the order of the shape's roles, shape (m, roles).

    Returns
    -------
    width, height
        Each a pair of numbers, shape (m,), and slopes, shape (m, roles).

    Raises
    ------
    InputError
        For a role that the shape does not allow, where it is evaluated one by one.

    Examples
    --------
    >>> width, height = sizes("lorentzian", np.array([[0.0, 2.0]]))
    >>> width[1].tolist(), height[0].round(4).tolist()
    ([[0.0, 1.0]], [0.3183])
    """
    profile = PROFILES.get(name)
    if profile is not None:
        return profile.sizes(roles)
    return _sizes_singly(name, roles)


def _sizes_singly(name: str, roles: Array) -> tuple[Size, Size]:
    one = shape(name)
    width, height = np.empty(len(roles)), np.empty(len(roles))
    by_width, by_height = np.empty(roles.shape), np.empty(roles.shape)
    for i, row in enumerate(roles.tolist()):
        width[i], by_width[i] = one.width(*row)
        height[i], by_height[i] = one.height(*row)
    return (width, by_width), (height, by_height)


@dataclass(frozen=True)
class Profile:
    """A line shape over many members: ``write(x, area, roles, out)`` and ``sizes(roles)``."""

    write: Callable[[Array, Array, Array, Array], None]
    sizes: Callable[[Array], tuple[Size, Size]]


def _reduced(x: Array, roles: Array, out: Array) -> None:
    """Write ((x - center) / fwhm)^2."""
    np.subtract(x, roles[:, :1], out=out)
    out /= roles[:, 1:2]
    out *= out


def _bell(square: Array, amplitude: Array) -> None:
    """Turn t^2 into a Gaussian of some height."""
    square *= -_LN16
    np.maximum(square, -_EXPONENT_LIMIT, out=square)
    np.exp(square, out=square)
    square *= amplitude[:, None]


def _hat(square: Array, amplitude: Array) -> None:
    """Turn t^2 into a Lorentzian of some height."""
    square *= 4.0
    square += 1.0
    np.divide(amplitude[:, None], square, out=square)


def _write_gaussian(x: Array, area: Array, roles: Array, out: Array) -> None:
    _reduced(x, roles, out)
    _bell(out, area * (_GAUSS / roles[:, 1]))


def _write_lorentzian(x: Array, area: Array, roles: Array, out: Array) -> None:
    _reduced(x, roles, out)
    _hat(out, area * (_LORENTZ / roles[:, 1]))


def _write_mixed(x: Array, roles: Array, out: Array, gauss: Array, lorentz: Array) -> None:
    _reduced(x, roles, out)
    other = out.copy()
    _bell(out, gauss)
    _hat(other, lorentz)
    out += other


def _write_pseudo_voigt(x: Array, area: Array, roles: Array, out: Array) -> None:
    mixing, per = roles[:, 2], area / roles[:, 1]
    _write_mixed(x, roles, out, (1.0 - mixing) * _GAUSS * per, mixing * _LORENTZ * per)


def _write_gl_sum(x: Array, area: Array, roles: Array, out: Array) -> None:
    mixing = roles[:, 2]
    per = area / roles[:, 1] / ((1.0 - mixing) / _GAUSS + mixing / _LORENTZ)
    _write_mixed(x, roles, out, (1.0 - mixing) * per, mixing * per)


def _exact(roles: Array, top: Array, slope: Array | None) -> tuple[Size, Size]:
    """Return the sizes of a shape whose width is its role, from its height at unit width and that one's slope."""
    width, by_width, by_height = roles[:, 1], np.zeros(roles.shape), np.zeros(roles.shape)
    by_width[:, 1] = 1.0
    height = top / width
    by_height[:, 1] = -top / width**2
    if slope is not None:
        by_height[:, 2] = slope / width
    return (width.copy(), by_width), (height, by_height)


def _sizes_gaussian(roles: Array) -> tuple[Size, Size]:
    return _exact(roles, np.full(len(roles), _GAUSS), None)


def _sizes_lorentzian(roles: Array) -> tuple[Size, Size]:
    return _exact(roles, np.full(len(roles), _LORENTZ), None)


def _sizes_pseudo_voigt(roles: Array) -> tuple[Size, Size]:
    mixing = roles[:, 2]
    return _exact(roles, (1.0 - mixing) * _GAUSS + mixing * _LORENTZ, np.full(len(roles), _LORENTZ - _GAUSS))


def _sizes_gl_sum(roles: Array) -> tuple[Size, Size]:
    mixing, slope = roles[:, 2], 1.0 / _LORENTZ - 1.0 / _GAUSS
    norm = (1.0 - mixing) / _GAUSS + mixing / _LORENTZ
    return _exact(roles, 1.0 / norm, -slope / norm**2)


def _write_edge(x: Array, area: Array, roles: Array, out: Array) -> None:
    np.subtract(x, roles[:, :1], out=out)
    out *= _SCALE / roles[:, 1:2]
    erfc(out, out=out)
    out *= 0.5 * area[:, None]


def _sizes_edge(roles: Array) -> tuple[Size, Size]:
    by_width = np.zeros(roles.shape)
    by_width[:, 1] = 1.0
    return (roles[:, 1].copy(), by_width), (np.ones(len(roles)), np.zeros(roles.shape))


def _write_voigt(x: Array, area: Array, roles: Array, out: Array) -> None:
    s, gamma = roles[:, 1] / _SCALE, 0.5 * roles[:, 2]
    wide = s > _NARROW * gamma
    for i in np.flatnonzero(~wide):
        out[i] = area[i] * shape("voigt").evaluate(x, *roles[i].tolist())
    damping = np.divide(gamma, s, out=np.zeros_like(s), where=wide)
    for few in np.array_split(np.arange(len(s)), range(_CACHED, len(s), _CACHED)):
        for rows, real_w in ((few[damping[few] >= _DAMPED], _rational), (few[damping[few] < _DAMPED], _library)):
            chosen = rows[wide[rows]]
            if chosen.size:
                z = np.empty((chosen.size, x.size), dtype=np.complex128)
                z.real = (x - roles[chosen, :1]) / s[chosen, None]
                z.imag = damping[chosen, None]
                out[chosen] = real_w(z) * (area[chosen] / (s[chosen] * _ROOT_PI))[:, None]


def _library(z: Complex) -> Array:
    return np.asarray(wofz(z).real)


def _rational(z: Complex) -> Array:
    """Return Re w(z) by Weideman's rational series, to 4e-12 of itself from an imaginary part of 0.02 on.

    Four times as fast as the library's function, which takes one of several ways for each point. `z` is overwritten.

    References
    ----------
    Weideman, SIAM J. Numer. Anal. 31 (1994) 1497, equation 38.
    """
    z *= 1j
    per = np.reciprocal(_LENGTH - z)
    z += _LENGTH
    z *= per
    p = z * _SERIES[0]
    for coefficient in _SERIES[1:-1]:
        p += coefficient
        p *= z
    p += _SERIES[-1]
    p *= per
    p *= 2.0
    p += 1.0 / _ROOT_PI
    p *= per
    return np.asarray(p.real)


def _weideman(terms: int) -> tuple[float, list[float]]:
    """Return L and the coefficients, that of the highest power first."""
    half = 2 * terms
    length = sqrt(terms / sqrt(2.0))
    t = length * np.tan(np.arange(1 - half, half) * (pi / half / 2.0))
    f = np.concatenate([[0.0], np.exp(-t * t) * (length**2 + t * t)])
    series = np.fft.fft(np.fft.fftshift(f)).real / (2 * half)
    return length, series[terms:0:-1].tolist()


_LENGTH, _SERIES = _weideman(36)


def _sizes_voigt(roles: Array) -> tuple[Size, Size]:
    """Solve V(h) = V(0) / 2 by Newton from Olivero and Longbothum's width, in units of the Gaussian scale."""
    s, gamma = roles[:, 1] / _SCALE, 0.5 * roles[:, 2]
    wide = s > _NARROW * gamma
    out = _sizes_singly("voigt", roles[~wide])
    (width, by_width), (height, by_height) = (
        (np.empty(len(roles)), np.zeros(roles.shape)),
        (np.empty(len(roles)), np.zeros(roles.shape)),
    )
    for mine, single in zip((width, by_width, height, by_height), (*out[0], *out[1]), strict=True):
        mine[~wide] = single
    s, y = s[wide], gamma[wide] / s[wide]
    top, top_y = _faddeeva(np.zeros(y.size), y)[::2]
    fl = 2.0 * y
    half = 0.5 * (0.5346 * fl + np.sqrt(0.2166 * fl**2 + _SCALE**2))
    for _ in range(_STEPS):
        value, by_x, _ = _faddeeva(half, y)
        half -= (value - 0.5 * top) / by_x
    _, by_x, by_y = _faddeeva(half, y)
    slope = -(by_y - 0.5 * top_y) / by_x  # of half by y
    # fwhm = 2 s half(gamma / s), height = top(gamma / s) / (s sqrt(pi))
    width[wide] = 2.0 * s * half
    by_width[wide, 1] = 2.0 * (half - y * slope) / _SCALE
    by_width[wide, 2] = slope
    height[wide] = top / (s * _ROOT_PI)
    by_height[wide, 1] = -(top + y * top_y) / (s**2 * _ROOT_PI) / _SCALE
    by_height[wide, 2] = 0.5 * top_y / (s**2 * _ROOT_PI)
    return (width, by_width), (height, by_height)


def _faddeeva(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Return Re w(x + iy) and its slopes by x and y (Abramowitz and Stegun 7.1.20)."""
    z = x + 1j * y
    w = np.asarray(wofz(z), dtype=np.complex128)
    slope = -2.0 * z * w + 2.0j / _ROOT_PI
    return np.asarray(w.real), np.asarray(slope.real), np.asarray(-slope.imag)


#: The shapes that are evaluated for all members at once.
PROFILES: Final[dict[str, Profile]] = {
    "gaussian": Profile(_write_gaussian, _sizes_gaussian),
    "lorentzian": Profile(_write_lorentzian, _sizes_lorentzian),
    "pseudo_voigt": Profile(_write_pseudo_voigt, _sizes_pseudo_voigt),
    "gl_sum": Profile(_write_gl_sum, _sizes_gl_sum),
    "voigt": Profile(_write_voigt, _sizes_voigt),
    "edge": Profile(_write_edge, _sizes_edge),
}
