r"""A pseudo-Voigt line with an exponential tail towards high binding energy: asymmetric, and its area is finite.

.. math:: f(x) = (1 - r)\,P(x - c) + r \int_0^\infty P(x - c - u)\, \frac{e^{-u/\lambda}}{\lambda}\, du

``P`` is ``pseudo_voigt`` of width w and mixing m, r the role ``tail`` (its share of the area), :math:`\lambda` the role
``tail_length``: 1/e length of the tail [eV]. The exponential has unit area, and so has f by construction. Its Gaussian
share is :math:`e^{-x^2/2\sigma^2}\mathrm{erfcx}(a)/2\lambda` with :math:`a = (\sigma/\lambda - x/\sigma)/\sqrt2`; the
Lorentzian share :math:`-\mathrm{Re}[i\,e^q E_1(q)]/\pi\lambda` with :math:`q = -(x + i\gamma)/\lambda`
(Abramowitz and Stegun 7.4.2 and 5.1.1). ``center`` is that of P; the maximum lies somewhat higher.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import erfc, erfcx, exp1

from surfspec.fitting.lineshapes.base import ANYWHERE, FAR, WIDTH_BOUNDS, Array, Shape, axis, require, require_width

Complex = NDArray[np.complex128]

_SIGMAS: Final = sqrt(8.0 * log(2.0))
#: |q| from which the exponential integral comes from its asymptotic series (Abramowitz and Stegun 5.1.51).
_FAR_Q: Final = 40.0
_TERMS: Final = 24
#: Shortest tail in widths of the line: a shorter one is a shift, and its formula cancels.
SHORTEST: Final = 1e-3
LENGTHS: Final = (1e-3, 1e4)


def _scaled_integral(q: Complex) -> Complex:
    """Evaluate e^q E1(q)."""
    out = np.empty_like(q)
    far = np.abs(q) >= _FAR_Q
    term = 1.0 / q[far]
    total = term.copy()
    for k in range(1, _TERMS):
        term = term * (-k / q[far])
        total += term
    out[far] = total
    out[~far] = np.exp(q[~far]) * exp1(q[~far])
    return out


def _gauss(x: Array, sigma: float, length: float) -> tuple[Array, Array, Array, Array]:
    """Give the exponentially modified Gaussian and its derivatives over x, sigma and the length."""
    bell = np.exp(-np.minimum(0.5 * (x / sigma) ** 2, 600.0)) / (sigma * sqrt(2.0 * pi))
    a = (sigma / length - x / sigma) / sqrt(2.0)
    right = a < -5.0
    value = np.empty_like(x)
    value[~right] = bell[~right] * (sigma * sqrt(pi / 2.0) / length) * erfcx(a[~right])
    exponent = 0.5 * (sigma / length) ** 2 - x[right] / length
    value[right] = np.exp(np.maximum(exponent, -700.0)) * erfc(a[right]) / (2.0 * length)
    by_x = (bell - value) / length
    by_sigma = sigma * (-x * bell / sigma**2 - by_x) / length
    by_length = value * (x / length - 1.0 - (sigma / length) ** 2) / length + bell * sigma**2 / length**3
    return value, by_x, by_sigma, by_length


def _lorentz(x: Array, half: float, length: float) -> tuple[Array, Array, Array, Array]:
    """Give the Lorentzian with the exponential and its derivatives over x, the half width and the length."""
    zeta = x + 1j * half
    q = np.asarray(-zeta / length, dtype=np.complex128)
    scaled = _scaled_integral(q)
    value = -1j * scaled / (pi * length)
    by_x = (1j / (pi * zeta) - value) / length
    by_length = 1j / (pi * length**2) * (scaled + q * scaled - 1.0)
    return value.real, by_x.real, (1j * by_x).real, by_length.real


def _line(x: Array, fwhm: float, mixing: float) -> tuple[Array, Array, Array, Array]:
    """Give the line without tail: value, derivatives over x, fwhm and mixing."""
    t = x / fwhm
    bell = 2.0 * sqrt(log(2.0) / pi) * np.exp(-np.minimum(4.0 * log(2.0) * t * t, 600.0)) / fwhm
    share = 1.0 / (1.0 + 4.0 * t * t)
    hat = 2.0 / pi * share / fwhm
    value = (1.0 - mixing) * bell + mixing * hat
    by_x = (-(1.0 - mixing) * 8.0 * log(2.0) * t * bell - mixing * 8.0 * t * share * hat) / fwhm
    return value, by_x, -(value + x * by_x) / fwhm, hat - bell


def _tail(x: Array, fwhm: float, mixing: float, length: float) -> tuple[Array, Array, Array, Array, Array]:
    """Give the tail: value, derivatives over x, fwhm, mixing and length."""
    bell, bell_x, bell_s, bell_l = _gauss(x, fwhm / _SIGMAS, length)
    hat, hat_x, hat_h, hat_l = _lorentz(x, 0.5 * fwhm, length)
    g = 1.0 - mixing
    return (
        g * bell + mixing * hat,
        g * bell_x + mixing * hat_x,
        g * bell_s / _SIGMAS + mixing * 0.5 * hat_h,
        hat - bell,
        g * bell_l + mixing * hat_l,
    )


def _checked(center: float, fwhm: float, mixing: float, tail: float, tail_length: float) -> float:
    """Check the roles and give the length of the tail that is computed."""
    require("center", center, -1e300, 1e300)
    require_width("fwhm", fwhm)
    require("mixing", mixing, 0.0, 1.0)
    require("tail", tail, 0.0, 1.0)
    require_width("tail_length", tail_length)
    return max(tail_length, SHORTEST * fwhm)


def pseudo_voigt_tail(x: Array, center: float, fwhm: float, mixing: float, tail: float, tail_length: float) -> Array:
    """Evaluate the pseudo-Voigt line with an exponential tail, of unit area.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energies [eV].
    center, fwhm : float
        Position and full width at half maximum of the line without its tail [eV].
    mixing : float
        Lorentzian share of the area, 0 to 1.
    tail : float
        Share of the area that is drawn out, 0 to 1.
    tail_length : float
        Length over which it falls to 1/e [eV]; below a thousandth of ``fwhm`` that thousandth is taken.

    Returns
    -------
    ndarray, shape (n,)
        Values [1/eV].

    Raises
    ------
    InputError
        For a role outside its range.

    References
    ----------
    E. Grushka, Anal. Chem. 44 (1972) 1733 (exponentially modified Gaussian); Abramowitz and Stegun 5.1.1.

    Examples
    --------
    >>> low, high = pseudo_voigt_tail(np.array([-3.0, 3.0]), 0.0, 1.0, 0.2, 0.3, 2.0)
    >>> bool(high > 5 * low)
    True
    """
    value: Array = pseudo_voigt_tail_derivatives(x, center, fwhm, mixing, tail, tail_length)[0]
    return value


def pseudo_voigt_tail_derivatives(
    x: Array, center: float, fwhm: float, mixing: float, tail: float, tail_length: float
) -> Array:
    """Evaluate the line and its derivatives over its five roles.

    Parameters
    ----------
    x, center, fwhm, mixing, tail, tail_length
        As for :func:`pseudo_voigt_tail`.

    Returns
    -------
    ndarray, shape (6, n)

    Examples
    --------
    >>> pseudo_voigt_tail_derivatives(np.array([0.0]), 0.0, 2.0, 1.0, 0.0, 1.0)[:2, 0].round(6).tolist()
    [0.31831, 0.0]
    """
    length = _checked(center, fwhm, mixing, tail, tail_length)
    reach = FAR * fwhm
    u = np.clip(axis(x) - center, -reach, reach)
    value, by_x, by_fwhm, by_mixing = _line(u, fwhm, mixing)
    drawn, drawn_x, drawn_fwhm, drawn_mixing, drawn_length = _tail(u, fwhm, mixing, length)
    kept = 1.0 - tail
    moves = 1.0 if length == tail_length else 0.0
    follows = 0.0 if moves else SHORTEST
    return np.stack(
        [
            kept * value + tail * drawn,
            -(kept * by_x + tail * drawn_x),
            kept * by_fwhm + tail * (drawn_fwhm + follows * drawn_length),
            kept * by_mixing + tail * drawn_mixing,
            drawn - value,
            tail * moves * drawn_length,
        ]
    )


def _maximum(roles: tuple[float, ...]) -> tuple[float, Array]:
    """Give the distance of the maximum from the centre, and the derivatives there."""
    fwhm = roles[1]

    def rows(u: float) -> Array:
        return pseudo_voigt_tail_derivatives(np.array([u]), 0.0, *roles[1:])[:, 0]

    high = min(fwhm, roles[4])
    while high < roles[4] + fwhm and rows(high)[1] < 0.0:
        high *= 2.0
    end = rows(0.0)[1]
    place = 0.0 if roles[3] == 0.0 or end >= 0.0 else float(brentq(lambda u: rows(u)[1], 0.0, high, xtol=1e-15))
    return place, rows(place)


def pseudo_voigt_tail_width(
    center: float, fwhm: float, mixing: float, tail: float, tail_length: float
) -> tuple[float, Array]:
    """Solve for the full width at half maximum, with its gradient over the roles.

    Examples
    --------
    >>> pseudo_voigt_tail_width(0.0, 1.0, 0.3, 0.0, 1.0)[0]
    1.000000
    """
    _checked(center, fwhm, mixing, tail, tail_length)
    roles = (0.0, fwhm, mixing, tail, tail_length)
    place, top = _maximum(roles)

    def rows(u: float) -> Array:
        return pseudo_voigt_tail_derivatives(np.array([u]), *roles)[:, 0]

    ends, slopes = [], []
    for sign in (1.0, -1.0):
        end = _crossing(lambda u, sign=sign: float(rows(place + sign * u)[0] / top[0]) - 0.5, fwhm)  # type: ignore[misc]
        there = rows(place + sign * end)
        ends.append(end)
        slopes.append((there[2:] - 0.5 * top[2:]) / there[1])  # dx at the half, as df/dx = -df/dc
    return ends[0] + ends[1], np.concatenate([[0.0], slopes[0] - slopes[1]])


def _crossing(excess: Callable[[float], float], first: float) -> float:
    reach = first
    while excess(reach) > 0.0:
        reach *= 2.0
    return float(brentq(excess, 0.0, reach, xtol=1e-15, rtol=1e-14))


def pseudo_voigt_tail_height(
    center: float, fwhm: float, mixing: float, tail: float, tail_length: float
) -> tuple[float, Array]:
    """Find the maximum and its gradient over the roles (at a maximum, that of the value there).

    Examples
    --------
    >>> pseudo_voigt_tail_height(0.0, 2.0, 1.0, 0.0, 1.0)[0]
    0.318310
    """
    _checked(center, fwhm, mixing, tail, tail_length)
    top = _maximum((0.0, fwhm, mixing, tail, tail_length))[1]
    return float(top[0]), np.concatenate([[0.0], top[2:]])


PSEUDO_VOIGT_TAIL: Final = Shape(
    "pseudo_voigt_tail",
    ("center", "fwhm", "mixing", "tail", "tail_length"),
    evaluate=pseudo_voigt_tail,
    derivatives=pseudo_voigt_tail_derivatives,
    width=pseudo_voigt_tail_width,
    height=pseudo_voigt_tail_height,
    bounds={
        "center": ANYWHERE,
        "fwhm": WIDTH_BOUNDS,
        "mixing": (0.0, 1.0),
        "tail": (0.0, 1.0),
        "tail_length": LENGTHS,
    },
    reference="E. Grushka, Anal. Chem. 44 (1972) 1733, for the Gaussian share; exponential integral for the Lorentzian",
)
