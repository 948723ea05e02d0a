r"""The Doniach-Šunjić line of metals, on the binding-energy axis (its tail goes to higher binding energy).

.. math:: f(x) = \mathrm{Re}\left[e^{-i\pi\alpha/2}\, q^{\alpha - 1}\right] / N, \quad q = \gamma + i (c - x)

which is :math:`\cos[\pi\alpha/2 + (1-\alpha)\arctan((c-x)/\gamma)] / ((x-c)^2 + \gamma^2)^{(1-\alpha)/2}`
(S. Doniach, M. Šunjić, J. Phys. C 3 (1970) 285, eq. 17) with :math:`2\gamma` the role ``fwhm`` (the lifetime width) and
:math:`\alpha` the role ``asymmetry``.

**The area.** The tail falls as :math:`x^{\alpha-1}`, so for :math:`\alpha > 0` the area over all energies is
infinite. Here the area from minus infinity to ``center + 20 fwhm`` is 1:
:math:`N = \mathrm{Re}[(i/\alpha) e^{-i\pi\alpha/2} (\gamma - 40 i \gamma)^\alpha]`. Areas of different asymmetry depend
on this choice of the range (doubling it adds a share of about :math:`2^\alpha - 1`); at :math:`\alpha = 0` 0.8 % of the
Lorentzian lies beyond it.

**The position.** The maximum lies :math:`\gamma \tan[\pi\alpha/(2(2-\alpha))]` above ``center``, on the side of the
tail.
"""

from __future__ import annotations

from math import cos, log, pi, tan
from typing import Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import factorial

from surfspec.fitting.lineshapes.base import ANYWHERE, FAR, WIDTH_BOUNDS, Array, Shape, axis, require, require_width

#: Upper end of the normalised range, in units of the role ``fwhm`` above ``center``.
TAIL_WIDTHS: Final = 20.0
#: Largest asymmetry: at 1/2 the tail is already x^(-1/2); simple metals lie between 0 and 0.25.
ASYMMETRY_BOUNDS: Final = (0.0, 0.5)
_END: Final = complex(np.log(1.0 - 2.0j * TAIL_WIDTHS)) - 0.5j * pi
#: Taylor coefficients of (exp(z) - 1) / z.
_TAYLOR: Final = 1.0 / factorial(np.arange(1.0, 25.0))


def norm(alpha: float) -> tuple[float, float]:
    """Give the area M = Im[(1 - exp(alpha L)) / alpha] up to center + 20 fwhm for gamma = 1, and dM/d alpha.

    Parameters
    ----------
    alpha : float
        Asymmetry.

    Returns
    -------
    area, slope : float
        By Taylor series where the closed form cancels.

    References
    ----------
    The antiderivative of the complex power in the module text; L = ln(1 - 40 i) - i pi / 2.

    Examples
    --------
    >>> norm(0.0)[0] / np.pi
    0.992044
    """
    z = alpha * _END
    if abs(z) < 1.0:
        power = z ** np.arange(_TAYLOR.size)
        value = _TAYLOR @ power
        slope = (np.arange(1, _TAYLOR.size) * _TAYLOR[1:]) @ power[:-1]
    else:
        value = (np.exp(z) - 1.0) / z
        slope = (np.exp(z) - value) / z
    return -float((_END * value).imag), -float((_END**2 * slope).imag)


def _checked(center: float, fwhm: float, asymmetry: float) -> None:
    require("center", center, -1e300, 1e300)
    require_width("fwhm", fwhm)
    require("asymmetry", asymmetry, *ASYMMETRY_BOUNDS)


def _power(x: Array, center: float, fwhm: float, asymmetry: float) -> tuple[np.ndarray, np.ndarray]:
    """Give p = q / gamma and G = exp(-i pi alpha / 2) p^(alpha - 1)."""
    gamma, reach = 0.5 * fwhm, FAR * fwhm
    p = 1.0 + 1j * np.clip((center - axis(x)), -reach, reach) / gamma
    return p, np.exp((asymmetry - 1.0) * np.log(p) - 0.5j * pi * asymmetry)


def doniach_sunjic(x: Array, center: float, fwhm: float, asymmetry: float) -> Array:
    """Evaluate the Doniach-Šunjić line, Re[exp(-i pi alpha / 2) q^(alpha - 1)] / N.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energies [eV].
    center, fwhm : float
        Energy c of the unscreened line (not of its maximum) and lifetime width 2 gamma [eV].
    asymmetry : float
        Singularity index alpha, 0 to 0.5.

    Returns
    -------
    ndarray, shape (n,)
        Values [1/eV]; their area from minus infinity to ``center + 20 fwhm`` is 1.

    Raises
    ------
    InputError
        For a role outside its range.

    References
    ----------
    S. Doniach, M. Šunjić, J. Phys. C: Solid State Phys. 3 (1970) 285.

    Examples
    --------
    >>> low, high = doniach_sunjic(np.array([-1.0, 1.0]), 0.0, 0.5, 0.1)
    >>> bool(high > low)
    True
    """
    _checked(center, fwhm, asymmetry)
    _, grown = _power(x, center, fwhm, asymmetry)
    return np.asarray(grown.real / (0.5 * fwhm * norm(asymmetry)[0]), dtype=np.float64)


def doniach_sunjic_derivatives(x: Array, center: float, fwhm: float, asymmetry: float) -> Array:
    """Evaluate the Doniach-Šunjić line and its derivatives over center, fwhm and asymmetry.

    Parameters
    ----------
    x, center, fwhm, asymmetry
        As for :func:`doniach_sunjic`.

    Returns
    -------
    ndarray, shape (4, n)
        Values and derivatives; that over the asymmetry includes the change of the norm.

    Raises
    ------
    InputError
        As :func:`doniach_sunjic`.

    References
    ----------
    S. Doniach, M. Šunjić, J. Phys. C: Solid State Phys. 3 (1970) 285.

    Examples
    --------
    >>> doniach_sunjic_derivatives(np.array([0.0]), 0.0, 1.0, 0.0)[:2, 0].round(6).tolist()
    [0.641725, 0.0]
    """
    _checked(center, fwhm, asymmetry)
    p, grown = _power(x, center, fwhm, asymmetry)
    gamma = 0.5 * fwhm
    area, area_a = norm(asymmetry)
    slope = (asymmetry - 1.0) * grown / p
    out = np.empty((4, p.size))
    out[0] = grown.real / (gamma * area)
    out[1] = -slope.imag / (gamma * gamma * area)
    out[2] = -0.5 * (out[0] / gamma + (slope * (p - 1.0)).real / (gamma * gamma * area))
    out[3] = (grown * (np.log(p) - 0.5j * pi)).real / (gamma * area) - out[0] * area_a / area
    return out


def _top_angle(alpha: float) -> tuple[float, float]:
    """Angle arctan((c - x) / gamma) of the maximum, and its derivative over alpha."""
    return -0.5 * pi * alpha / (2.0 - alpha), -pi / (2.0 - alpha) ** 2


def doniach_sunjic_width(center: float, fwhm: float, asymmetry: float) -> tuple[float, Array]:
    """Solve f = f_max / 2 on both sides of the maximum for the full width at half maximum.

    Parameters
    ----------
    center, fwhm, asymmetry : float
        As for :func:`doniach_sunjic`.

    Returns
    -------
    width : float
        Full width at half maximum [eV]; it grows with the asymmetry and equals ``fwhm`` at 0.
    gradient : ndarray, shape (3,)
        Over the roles.

    Raises
    ------
    InputError
        As :func:`doniach_sunjic`.

    References
    ----------
    S. Doniach, M. Šunjić, J. Phys. C: Solid State Phys. 3 (1970) 285.

    Examples
    --------
    >>> doniach_sunjic_width(0.0, 1.0, 0.0)[0]
    1.000000
    """
    _checked(center, fwhm, asymmetry)
    a = asymmetry
    top, top_a = _top_angle(a)
    half = 0.5 * cos(top) ** (2.0 - a)

    def excess(angle: float) -> float:
        return float(cos(angle) ** (1.0 - a) * cos(0.5 * pi * a + (1.0 - a) * angle) - half)

    edges, slopes = [], []
    for low, high in ((top, 0.5 * pi), (-0.5 * pi, top)):
        angle = float(brentq(excess, low, high, xtol=1e-15, rtol=1e-15))
        phase = 0.5 * pi * a + (1.0 - a) * angle
        by_angle = -(1.0 - a) * (tan(angle) + tan(phase))
        by_alpha = -log(cos(angle)) - tan(phase) * (0.5 * pi - angle) + log(cos(top)) + (2.0 - a) * tan(top) * top_a
        edges.append(tan(angle))
        slopes.append(-by_alpha / by_angle / cos(angle) ** 2)
    unit, unit_a = 0.5 * (edges[0] - edges[1]), 0.5 * (slopes[0] - slopes[1])
    return unit * fwhm, np.array([0.0, unit, unit_a * fwhm])


def doniach_sunjic_height(center: float, fwhm: float, asymmetry: float) -> tuple[float, Array]:
    """Evaluate the maximum of the normalised line, cos(t)^(2 - alpha) / (gamma M) with t the angle of the maximum.

    Parameters
    ----------
    center, fwhm, asymmetry : float
        As for :func:`doniach_sunjic`.

    Returns
    -------
    height : float
        [1/eV].
    gradient : ndarray, shape (3,)
        Over the roles.

    Raises
    ------
    InputError
        As :func:`doniach_sunjic`.

    References
    ----------
    S. Doniach, M. Šunjić, J. Phys. C: Solid State Phys. 3 (1970) 285.

    Examples
    --------
    >>> doniach_sunjic_height(0.0, 1.0, 0.0)[0]
    0.641725
    """
    _checked(center, fwhm, asymmetry)
    top, top_a = _top_angle(asymmetry)
    area, area_a = norm(asymmetry)
    height = cos(top) ** (2.0 - asymmetry) / (0.5 * fwhm * area)
    by_alpha = height * (-log(cos(top)) - (2.0 - asymmetry) * tan(top) * top_a - area_a / area)
    return height, np.array([0.0, -height / fwhm, by_alpha])


DONIACH_SUNJIC: Final = Shape(
    "doniach_sunjic",
    ("center", "fwhm", "asymmetry"),
    evaluate=doniach_sunjic,
    derivatives=doniach_sunjic_derivatives,
    width=doniach_sunjic_width,
    height=doniach_sunjic_height,
    bounds={"center": ANYWHERE, "fwhm": WIDTH_BOUNDS, "asymmetry": ASYMMETRY_BOUNDS},
    reference="S. Doniach, M. Šunjić, J. Phys. C 3 (1970) 285; area up to center + 20 fwhm",
)
