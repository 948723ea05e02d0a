r"""The Doniach-Šunjić line convolved with a Gaussian, as an analyser records it.

.. math:: f = \mathrm{Re}\left[e^{-i\pi\alpha/2} F(q)\right] / N, \quad
   F(q) = \frac{1}{\Gamma(\nu)} \int_0^\infty t^{\nu-1} e^{-q t - \sigma^2 t^2/2}\, dt, \quad \nu = 1 - \alpha

with :math:`q = \gamma + i (c - x)`: the transform of :math:`q^{-\nu}` (Abramowitz and Stegun 6.1.1) with that of the
Gaussian as a factor. Near the line the integral is taken by the trapezoidal rule in :math:`y`,
:math:`t = e^{y - e^{-y}}/\sigma` (H. Takahasi, M. Mori, Publ. RIMS 9 (1974) 721); beyond nine standard deviations by
the asymptotic series :math:`q^{-\nu} \sum_k (-1)^k (\nu)_{2k} (\sigma/q)^{2k} / (2^k k!)`. Both agree within 4e-14.

``N`` is that of the line before the convolution: its area from minus infinity to ``center + 20 fwhm`` is 1.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, pi, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import digamma, factorial, gamma, poch

from surfspec.fitting.lineshapes.base import ANYWHERE, FAR, WIDTH_BOUNDS, Array, Shape, axis, require, require_width
from surfspec.fitting.lineshapes.doniach import ASYMMETRY_BOUNDS, norm

Complex = NDArray[np.complex128]

_SIGMAS: Final = sqrt(8.0 * log(2.0))
_FAR: Final = 9.0
_TERMS: Final = 28
_STEP: Final = 0.05
_NODES: Final = np.arange(-4.5, 2.4, _STEP)
_U: Final = np.exp(_NODES - np.exp(-_NODES))
_MEASURE: Final = _STEP * (1.0 + np.exp(-_NODES)) * np.exp(-0.5 * _U * _U)
_ORDER: Final = np.arange(_TERMS)


def _near(q: Complex, sigma: float, nu: float) -> Complex:
    """F, its first and second derivative over q, and that over nu, as rows, by quadrature."""
    weight = _MEASURE * _U**nu / gamma(nu)
    moments = np.stack([weight, -weight * _U / sigma, weight * (_U / sigma) ** 2, weight * np.log(_U)])
    rows = moments @ np.exp(-np.outer(_U, q / sigma)) * sigma**-nu
    rows[3] -= (log(sigma) + float(digamma(nu))) * rows[0]
    return np.asarray(rows, dtype=np.complex128)


def _distant(q: Complex, sigma: float, nu: float) -> Complex:
    """Give the same rows by the asymptotic series."""
    c = (-0.5) ** _ORDER * poch(nu, 2 * _ORDER) / factorial(_ORDER)
    up = nu + 2 * _ORDER
    table = np.stack([c, -c * up, c * up * (up + 1), c * (digamma(up) - digamma(nu))])
    powers = np.empty((_TERMS, q.size), dtype=np.complex128)
    powers[0] = 1.0
    r = (sigma / q) ** 2
    for k in range(1, _TERMS):
        np.multiply(powers[k - 1], r, out=powers[k])
    rows = table.astype(np.complex128) @ powers
    logarithm = np.log(q)
    rows[1] /= q
    rows[2] /= q * q
    rows[3] -= logarithm * rows[0]
    return np.asarray(rows * np.exp(-nu * logarithm), dtype=np.complex128)


def _parts(x: Array, center: float, half: float, alpha: float, sigma: float) -> Complex:
    """Rows of F and its derivatives, times exp(-i pi alpha / 2)."""
    reach = FAR * (half + sigma)
    q = half + 1j * np.clip(center - x, -reach, reach)
    far = np.abs(q) >= _FAR * sigma
    nu = 1.0 - alpha
    rows = np.empty((4, q.size), dtype=np.complex128)
    if far.any():
        rows[:, far] = _distant(q[far], sigma, nu)
    if not far.all():
        rows[:, ~far] = _near(q[~far], sigma, nu)
    return np.asarray(rows * np.exp(-0.5j * pi * alpha), dtype=np.complex128)


def _roles(center: float, fwhm: float, asymmetry: float, fwhm_gauss: float) -> tuple[float, float, float, float]:
    """Check the roles; give gamma, sigma, the norm N and d ln N / d alpha."""
    require("center", center, -1e300, 1e300)
    require_width("fwhm", fwhm)
    require("asymmetry", asymmetry, *ASYMMETRY_BOUNDS)
    if fwhm_gauss != 0.0:
        require_width("fwhm_gauss", fwhm_gauss)
    half = 0.5 * fwhm
    area, area_a = norm(asymmetry)
    return half, fwhm_gauss / _SIGMAS, area * half**asymmetry, log(half) + area_a / area


def doniach_sunjic_gauss(x: Array, center: float, fwhm: float, asymmetry: float, fwhm_gauss: float) -> Array:
    """Evaluate the convolved line, Re[exp(-i pi alpha / 2) F(q)] / N.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energies [eV].
    center, fwhm : float
        Energy c of the unscreened line (not of its maximum) and lifetime width 2 gamma [eV].
    asymmetry : float
        Singularity index alpha, 0 to 0.5.
    fwhm_gauss : float
        Full width of the Gaussian [eV]; 0 gives the plain line.

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
    S. Doniach, M. Šunjić, J. Phys. C: Solid State Phys. 3 (1970) 285.

    Examples
    --------
    >>> low, high = doniach_sunjic_gauss(np.array([-2.0, 2.0]), 0.0, 0.4, 0.1, 0.5)
    >>> bool(high > low)
    True
    """
    half, sigma, area, _ = _roles(center, fwhm, asymmetry, fwhm_gauss)
    return np.asarray(_parts(axis(x), center, half, asymmetry, sigma)[0].real / area, dtype=np.float64)


def doniach_sunjic_gauss_derivatives(
    x: Array, center: float, fwhm: float, asymmetry: float, fwhm_gauss: float
) -> Array:
    """Evaluate the convolved line and its derivatives over its four roles.

    Parameters
    ----------
    x, center, fwhm, asymmetry, fwhm_gauss
        As for :func:`doniach_sunjic_gauss`.

    Returns
    -------
    ndarray, shape (5, n)
        Values and derivatives; dF/d sigma is -sigma F'' (the heat equation).

    Raises
    ------
    InputError
        As :func:`doniach_sunjic_gauss`.

    References
    ----------
    S. Doniach, M. Šunjić, J. Phys. C: Solid State Phys. 3 (1970) 285.

    Examples
    --------
    >>> doniach_sunjic_gauss_derivatives(np.array([0.0]), 0.0, 1.0, 0.0, 0.0)[:2, 0].round(6).tolist()
    [0.641725, 0.0]
    """
    half, sigma, area, area_a = _roles(center, fwhm, asymmetry, fwhm_gauss)
    value, by_q, by_qq, by_nu = _parts(axis(x), center, half, asymmetry, sigma) / area
    f = value.real
    return np.stack(
        [
            f,
            -by_q.imag,
            0.5 * (by_q.real - f * asymmetry / half),
            0.5 * pi * value.imag - by_nu.real - f * area_a,
            -by_qq.real * sigma / _SIGMAS,
        ]
    )


def _top(center: float, fwhm: float, asymmetry: float, fwhm_gauss: float) -> tuple[float, Array]:
    """Position of the maximum, where the slope vanishes, and the derivatives there."""
    scale = fwhm + fwhm_gauss

    def slope(offset: float) -> float:
        rows = doniach_sunjic_gauss_derivatives(np.array([offset * scale]), 0.0, fwhm, asymmetry, fwhm_gauss)
        return float(rows[1, 0]) * scale * scale

    offset = 0.0 if asymmetry == 0.0 else float(brentq(slope, -0.1, 2.0, xtol=1e-14))
    at = center + offset * scale
    return at, doniach_sunjic_gauss_derivatives(np.array([offset * scale]), 0.0, fwhm, asymmetry, fwhm_gauss)[:, 0]


def doniach_sunjic_gauss_height(center: float, fwhm: float, asymmetry: float, fwhm_gauss: float) -> tuple[float, Array]:
    """Find the maximum of the convolved line and its gradient (at a maximum, that of the value there).

    Parameters
    ----------
    center, fwhm, asymmetry, fwhm_gauss : float
        As for :func:`doniach_sunjic_gauss`.

    Returns
    -------
    height : float
        [1/eV].
    gradient : ndarray, shape (4,)
        Over the roles.

    Raises
    ------
    InputError
        As :func:`doniach_sunjic_gauss`.

    References
    ----------
    S. Doniach, M. Šunjić, J. Phys. C: Solid State Phys. 3 (1970) 285.

    Examples
    --------
    >>> doniach_sunjic_gauss_height(0.0, 1.0, 0.0, 0.0)[0]
    0.641725
    """
    rows = _top(center, fwhm, asymmetry, fwhm_gauss)[1]
    return float(rows[0]), np.concatenate([[0.0], rows[2:]])


def doniach_sunjic_gauss_width(center: float, fwhm: float, asymmetry: float, fwhm_gauss: float) -> tuple[float, Array]:
    """Solve f = f_max / 2 on both sides of the maximum for the full width at half maximum.

    Parameters
    ----------
    center, fwhm, asymmetry, fwhm_gauss : float
        As for :func:`doniach_sunjic_gauss`.

    Returns
    -------
    width : float
        [eV].
    gradient : ndarray, shape (4,)
        Over the roles.

    Raises
    ------
    InputError
        As :func:`doniach_sunjic_gauss`.

    References
    ----------
    S. Doniach, M. Šunjić, J. Phys. C: Solid State Phys. 3 (1970) 285.

    Examples
    --------
    >>> doniach_sunjic_gauss_width(0.0, 1.0, 0.0, 0.0)[0]
    1.000000
    """
    at, top = _top(center, fwhm, asymmetry, fwhm_gauss)
    start, scale = at - center, fwhm + fwhm_gauss

    def rows_at(offset: float) -> Array:
        return doniach_sunjic_gauss_derivatives(np.array([start + offset * scale]), 0.0, fwhm, asymmetry, fwhm_gauss)[
            :, 0
        ]

    def excess(offset: float) -> float:
        return float(rows_at(offset)[0] / top[0]) - 0.5

    edges, gradients = [], []
    for sign in (1.0, -1.0):
        offset = _crossing(excess, sign)
        rows = rows_at(offset)
        edges.append(offset * scale)
        gradients.append((rows[2:] - 0.5 * top[2:]) / rows[1])  # df/dx = -df/dc
    return edges[0] - edges[1], np.concatenate([[0.0], gradients[0] - gradients[1]])


def _crossing(excess: Callable[[float], float], sign: float) -> float:
    """Offset at which the line has fallen to a half, searched outwards from the maximum."""
    reach = 0.5
    while excess(sign * reach) > 0.0:
        reach *= 2.0
    return float(brentq(excess, 0.0, sign * reach, xtol=1e-14))


DONIACH_SUNJIC_GAUSS: Final = Shape(
    "doniach_sunjic_gauss",
    ("center", "fwhm", "asymmetry", "fwhm_gauss"),
    evaluate=doniach_sunjic_gauss,
    derivatives=doniach_sunjic_gauss_derivatives,
    width=doniach_sunjic_gauss_width,
    height=doniach_sunjic_gauss_height,
    bounds={
        "center": ANYWHERE,
        "fwhm": WIDTH_BOUNDS,
        "asymmetry": ASYMMETRY_BOUNDS,
        "fwhm_gauss": (0.0, np.inf),
    },
    reference="S. Doniach, M. Šunjić, J. Phys. C 3 (1970) 285, convolved; area of the line before it as doniach_sunjic",
)
