"""Line profiles of powder patterns: pseudo-Voigt lines of angle-dependent width, K-alpha doublets, line shifts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: A line is drawn out to this many FWHM on either side of its centre.
REACH = 12.0
_LN2 = float(np.log(2.0))


@dataclass(frozen=True)
class Caglioti:
    r"""Width of the lines of an instrument, and their shape.

    .. math:: H^2 = U\tan^2\theta + V\tan\theta + W

    Attributes
    ----------
    u, v, w
        deg^2. Defaults are a common laboratory instrument of 0.1 deg FWHM.
    eta
        Lorentzian share of the pseudo-Voigt, 0 to 1.

    References
    ----------
    Caglioti, Paoletti & Ricci (1958) Nucl. Instrum. 3, 223.
    """

    u: float = 0.006
    v: float = -0.004
    w: float = 0.01
    eta: float = 0.5

    def __post_init__(self) -> None:
        for name in ("u", "v", "w", "eta"):
            low, high = (0.0, 1.0) if name == "eta" else (-np.inf, np.inf)
            number = given.number(getattr(self, name), f"profile, {name}", low=low, high=high)
            object.__setattr__(self, name, number)

    def fwhm(self, two_theta: Array) -> Array:
        """FWHM at 2 theta, both in deg."""
        tangent = np.asarray(np.tan(np.radians(two_theta) / 2.0))
        squared = (self.u * tangent + self.v) * tangent + self.w
        if squared.size and squared.min() <= 0:
            raise InputError(
                f"H^2 of the profile U={self.u}, V={self.v}, W={self.w} is not positive everywhere",
                where="profile",
                remedy="Choose W > V^2 / (4 U)",
            )
        return np.asarray(np.sqrt(squared))

    def at_most(self, two_theta: float) -> float:
        """FWHM at one 2 theta, both in deg; 0 where it is not real."""
        tangent = math.tan(math.radians(two_theta) / 2.0)
        return math.sqrt(max((self.u * tangent + self.v) * tangent + self.w, 0.0))

    def shape(self, two_theta: Array) -> tuple[Array, Array]:
        """FWHM (deg) and Lorentzian share at 2 theta (deg)."""
        return self.fwhm(two_theta), np.full(np.shape(two_theta), self.eta)


def pseudo_voigt(offset: Array, fwhm: Array, eta: float | Array) -> Array:
    r"""Pseudo-Voigt of unit area.

    .. math:: \eta \frac{2}{\pi H}\frac{1}{1+4u^2} + (1-\eta)\frac{2}{H}\sqrt{\frac{\ln 2}{\pi}}\,
       e^{-4\ln 2\,u^2},\quad u = x/H

    Parameters
    ----------
    offset
        Distance x from the centre, deg.
    fwhm
        H, deg; broadcast against `offset`.
    eta
        Lorentzian share; broadcast as well.

    Returns
    -------
    numpy.ndarray
        deg^-1.

    References
    ----------
    Thompson, Cox & Hastings (1987) J. Appl. Cryst. 20, 79.

    Examples
    --------
    >>> x = np.linspace(-50, 50, 200001)
    >>> round(float(np.trapezoid(pseudo_voigt(x, np.array(0.2), 0.0), x)), 6)
    1.0
    """
    squared = (offset / fwhm) ** 2
    lorentz = (2.0 / np.pi) / (1.0 + 4.0 * squared)
    gauss = 2.0 * np.sqrt(_LN2 / np.pi) * np.exp(-4.0 * _LN2 * squared)
    return np.asarray((eta * lorentz + (1.0 - eta) * gauss) / fwhm)


def pseudo_voigt_derivatives(offset: Array, fwhm: Array, eta: float) -> tuple[Array, Array, Array]:
    """Return the pseudo-Voigt and its derivatives with respect to its centre and its FWHM."""
    u = offset / fwhm
    squared = u * u
    bell = 1.0 / (1.0 + 4.0 * squared)
    lorentz = (2.0 / np.pi) * bell
    gauss = 2.0 * np.sqrt(_LN2 / np.pi) * np.exp(-4.0 * _LN2 * squared)
    value = (eta * lorentz + (1.0 - eta) * gauss) / fwhm
    slope = (eta * lorentz * bell * -8.0 * u + (1.0 - eta) * gauss * -8.0 * _LN2 * u) / fwhm
    return value, np.asarray(-slope / fwhm), np.asarray(-(value + u * slope) / fwhm)


def windows(grid: Array, centers: Array, fwhm: Array, reach: float = REACH) -> tuple[Index, Array]:
    """Return grid indices near each line, and how far they are from it.

    Parameters
    ----------
    grid
        Rising 2 theta values, shape (n,).
    centers, fwhm
        Of the lines, shape (m,), deg.
    reach
        Half width in FWHM.

    Returns
    -------
    index, offset
        Shape (m, k). Indices outside the grid are n (one past the end): sums collect them in a spare bin.
    """
    n = len(grid)
    step = float((grid[1:] - grid[:-1]).min())
    half = min(math.ceil(reach * float(fwhm.max(initial=0.0)) / step) + 1, n)
    base = grid.searchsorted(centers)
    if len(base) and half <= base.min() and base.max() + half < n:
        index = base[:, None] + np.arange(-half, half + 1)
        return index, grid[index] - centers[:, None]
    # rows of padded arrays: whole windows are copied, which is faster than to pick points one by one
    places, edge = np.full(n + 2 * half + 1, n), np.full(half, grid[0])
    places[half : half + n] = np.arange(n)
    padded = np.concatenate([edge, grid, np.full(half + 1, grid[-1])])
    width = 2 * half + 1
    index = np.lib.stride_tricks.sliding_window_view(places, width)[base]
    return index, np.lib.stride_tricks.sliding_window_view(padded, width)[base] - centers[:, None]


def draw(grid: Array, centers: Array, areas: Array, fwhm: Array, eta: float | Array, reach: float = REACH) -> Array:
    """Sum lines on a grid.

    Parameters
    ----------
    grid
        2 theta, deg, rising, shape (n,).
    centers, areas, fwhm
        Of the lines, shape (m,); areas in intensity times deg.
    eta
        Lorentzian share, one of all lines or shape (m,).
    reach
        Half width of the drawn part in FWHM.

    Returns
    -------
    numpy.ndarray
        Intensity, shape (n,).
    """
    if not len(centers):
        return np.zeros(len(grid))
    index, offset = windows(grid, centers, fwhm, reach)
    share = eta if isinstance(eta, float | int) else np.asarray(eta)[..., None]
    values = areas[:, None] * pseudo_voigt(offset, fwhm[:, None], share)
    total: Array = np.bincount(index.ravel(), values.ravel(), len(grid) + 1).astype(np.float64)[: len(grid)]
    return total


def two_theta_of(q: Array, wavelength: float) -> Array:
    """Bragg's law: 2 theta in deg of 1/d^2 in angstrom^-2, NaN beyond the sphere of reflection."""
    sine = np.asarray(0.5 * wavelength * np.sqrt(q))
    return np.asarray(2.0 * np.degrees(np.arcsin(np.where(sine < 1.0, sine, np.nan))))


def shift(two_theta: Array, zero: float, displacement: float, transparency: float = 0.0) -> Array:
    r"""Apparent line positions.

    .. math:: 2\theta_{obs} = 2\theta + z + \delta\cos\theta + t\sin 2\theta, \qquad
       \delta = -\frac{2 s}{R}\frac{180}{\pi}, \qquad t = -\frac{1}{2\mu R}\frac{180}{\pi}

    with the zero shift z and the specimen displacement s (positive away from the focusing circle's centre) at radius R,
    and the linear absorption coefficient mu of a thick specimen; all four in deg.
    :func:`surfspec.xrd.patterns.optics.displacement_to_degrees` turns mm into delta.

    References
    ----------
    Wilson (1963) Mathematical Theory of X-ray Powder Diffractometry.
    """
    angle = np.radians(two_theta)
    moved = two_theta + zero + displacement * np.cos(angle / 2.0)
    return np.asarray(moved + transparency * np.sin(angle) if transparency else moved)


def split_doublet(q: Array, areas: Array, light: Radiation) -> tuple[Array, Array, Array]:
    """Repeat lines for each wavelength of the radiation.

    Returns
    -------
    two_theta, areas, wavelength
        One entry a line and wavelength, shape (m * number of wavelengths,); lines out of reach are NaN.
    """
    positions = np.concatenate([two_theta_of(q, value) for value in light.wavelengths])
    strengths = np.concatenate([areas * weight for weight in light.weights])
    return positions, strengths, np.repeat(light.wavelengths, len(q))
