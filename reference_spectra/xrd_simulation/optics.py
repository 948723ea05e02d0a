"""The diffractometer: radiation, Lorentz and polarisation, where lines come, how wide and how lopsided they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gamma, wofz

Floats = NDArray[np.float64]

#: K-alpha1, K-alpha2, K-beta (angstrom), peaks of Hoelzer et al. (1997) Phys. Rev. A 56, 4554.
ANODES = {"Cu": (1.5405929, 1.5444274, 1.392234), "Co": (1.788996, 1.792835, 1.620826)}
#: Nodes and weights of the opening of the beam along the axis, in units of its half height.
_AXIAL = (np.array([0.1, 0.35, 0.65, 1.0]), np.array([0.30, 0.33, 0.25, 0.12]))
#: Three-point Gauss-Laguerre rule for the depth in which a light sample diffracts.
_DEPTH = (np.array([0.415774557, 2.294280360, 6.289945083]), np.array([0.711093010, 0.278517734, 0.010389257]))
#: Reach of a drawn line in full widths.
REACH = 25.0


@dataclass(frozen=True)
class Optics:
    """One diffractometer with one sample in it.

    ``lines``: wavelengths (angstrom) and intensities against K-alpha1. ``monochromator``: its 2 theta (deg, or 0).
    ``caglioti``: U, V, W (deg2) of the Gauss width. ``lorentz``: Lorentz width (deg). ``axial``: half height
    of the beam over the radius. ``zero``, ``displacement``: deg, the latter times cos(theta). ``transparency``: mean
    shift to low angles (deg) times sin(2 theta). ``shape``: "voigt" or "pearson". ``exponent`` of Pearson VII.
    ``skew``: left over right width of each line.
    """

    lines: tuple[tuple[float, float], ...]
    monochromator: float = 0.0
    caglioti: tuple[float, float, float] = (0.004, -0.002, 0.006)
    lorentz: float = 0.02
    axial: float = 0.0
    zero: float = 0.0
    displacement: float = 0.0
    transparency: float = 0.0
    shape: str = "voigt"
    exponent: float = 1.6
    skew: float = 1.0


def radiation(name: str, beta: float = 0.0, ratio: float = 0.5) -> tuple[tuple[float, float], ...]:
    """Lines of ``CuKa``, ``CuKa1``, ``CoKa``; `beta` the intensity of K-beta that the filter leaves."""
    first, second, third = ANODES[name[:2]]
    if name.endswith("1"):
        return ((first, 1.0),)
    return ((first, 1.0), (second, ratio)) + (((third, beta),) if beta > 0 else ())


def lorentz_polarisation(two_theta: Floats, monochromator: float) -> Floats:
    """Lorentz and polarisation factor for flat powder; with a crystal (1 + k cos^2 2theta) / (1 + k)."""
    theta = np.deg2rad(two_theta) / 2.0
    k = np.cos(np.deg2rad(monochromator)) ** 2
    return np.asarray((1.0 + k * np.cos(2 * theta) ** 2) / ((1.0 + k) * np.sin(theta) ** 2 * np.cos(theta)))


def shifts(two_theta: Floats, optics: Optics) -> tuple[Floats, Floats]:
    """Places of the parts of each line (n, parts) and their weights (n, parts).

    Axial divergence as van Laar and Yelon (1984) J. Appl. Cryst. 17, 47: cos(2phi) = cos(2theta) sqrt(1 + h^2).
    """
    angle = np.deg2rad(two_theta)[:, None]
    opened = np.cos(angle) * np.sqrt(1.0 + (optics.axial * _AXIAL[0]) ** 2)
    axial = np.rad2deg(np.arccos(np.clip(opened, -1.0, 1.0)))
    depth = -optics.transparency * np.sin(angle) * _DEPTH[0]
    place = axial[:, :, None] + depth[:, None, :] + optics.zero + (optics.displacement * np.cos(angle / 2))[:, :, None]
    weight = _AXIAL[1][:, None] * _DEPTH[1] / (_AXIAL[1].sum() * _DEPTH[1].sum())
    if optics.axial == 0 and optics.transparency == 0:
        return place[:, 0, :1], np.ones((len(two_theta), 1))
    if optics.transparency == 0:
        return place[:, :, 0], np.broadcast_to(weight.sum(axis=1), place.shape[:2])
    return place.reshape(len(two_theta), -1), np.broadcast_to(weight.ravel(), (len(two_theta), weight.size))


def widths(two_theta: Floats, wavelength: float, optics: Optics, size: float, strain: float) -> tuple[Floats, Floats]:
    """Full widths (deg) of the Gauss part (instrument) and the Lorentz part (instrument, size in nm, strain)."""
    theta = np.deg2rad(two_theta) / 2.0
    u, v, w = optics.caglioti
    tangent = np.tan(theta)
    gauss = np.sqrt(np.maximum(u * tangent**2 + v * tangent + w, 1e-4))
    lorentz = optics.lorentz + np.rad2deg(0.9 * wavelength / (10.0 * size * np.cos(theta)) + 4.0 * strain * tangent)
    return np.asarray(gauss), np.asarray(lorentz)


def profile(t: Floats, gauss: Floats, lorentz: Floats, optics: Optics) -> Floats:
    """Line of unit area at distances `t` (deg); widths broadcast. A Voigt function, or Pearson VII of the same width.

    Widths of the two sides differ by `skew`; the full width of a Voigt line is that of Olivero and Longbothum (1977).
    """
    left, right = 2.0 * optics.skew / (1.0 + optics.skew), 2.0 / (1.0 + optics.skew)
    t = t / np.where(t < 0, left, right)
    if optics.shape == "voigt":
        sigma = gauss / (2.0 * np.sqrt(2.0 * np.log(2.0)))
        z = (t + 0.5j * lorentz) / (sigma * np.sqrt(2.0))
        return np.asarray(wofz(z).real / (sigma * np.sqrt(2.0 * np.pi)))
    full = 0.5346 * lorentz + np.sqrt(0.2166 * lorentz**2 + gauss**2)
    m = optics.exponent
    k = 2.0 ** (1.0 / m) - 1.0
    # area of (1 + 4 k t^2 / full^2)^-m by the beta function
    norm = full * _root_beta(m) / (2.0 * np.sqrt(k))
    return np.asarray((1.0 + 4.0 * k * (t / full) ** 2) ** -m / norm)


def _root_beta(m: float) -> float:
    """Sqrt(pi) Gamma(m - 1/2) / Gamma(m)."""
    return float(np.sqrt(np.pi) * gamma(m - 0.5) / gamma(m))


def draw(axis: Floats, places: Floats, areas: Floats, gauss: Floats, lorentz: Floats, optics: Optics) -> Floats:
    """Sum lines of given areas (counts deg) onto a uniform axis (deg)."""
    step = float(axis[1] - axis[0])
    y = np.zeros(axis.size)
    full = 0.5346 * lorentz + np.sqrt(0.2166 * lorentz**2 + gauss**2)
    # lines of about one width together, so that one window serves all
    for reach in np.unique(np.ceil(np.log2(full))):
        chosen = np.ceil(np.log2(full)) == reach
        half = int(np.ceil(REACH * 2.0**reach / step))
        offsets = np.arange(-half, half + 1)
        middle = np.round((places[chosen] - axis[0]) / step).astype(int)
        index = middle[:, None] + offsets
        t = axis[0] + step * index - places[chosen][:, None]
        values = areas[chosen][:, None] * profile(t, gauss[chosen][:, None], lorentz[chosen][:, None], optics)
        inside = (index >= 0) & (index < axis.size)
        y += np.bincount(index[inside], weights=values[inside], minlength=axis.size)
    return y
