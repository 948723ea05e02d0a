"""Line shapes by the Faddeeva function: Voigt, and a Voigt with the asymmetry of a metal that has a finite area.

The asymmetric line is the convolution of a Voigt with the gamma density
``x**(a - 1) exp(-x / e) / (Gamma(a) e**a)`` for losses x > 0: the line shape of Mahan, whose tail is cut off at the
energy e of the electrons that screen the hole (G. D. Mahan, Phys. Rev. B 11 (1975) 4814). Its area is one, which
that of the Doniach-Sunjic line is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import roots_genlaguerre, wofz

Floats = NDArray[np.float64]

FWHM_PER_SIGMA = 2.0 * np.sqrt(2.0 * np.log(2.0))
#: Nodes of the quadrature over losses of an asymmetric line.
NODES = 120


@dataclass(frozen=True)
class Line:
    """One line: energy of its Voigt part, Gaussian and Lorentzian full widths [eV], whole area [counts eV].

    ``asymmetry`` and ``cutoff`` [eV] are a and e of the module's docstring; an asymmetry of 0 is a Voigt.
    """

    name: str
    energy: float
    gaussian: float
    lorentzian: float
    area: float
    asymmetry: float = 0.0
    cutoff: float = 3.0


def voigt(x: Floats, gaussian: float, lorentzian: float) -> Floats:
    """Voigt profile of unit area about zero: Re w(z) / (sigma sqrt(2 pi)), z = (x + i gamma) / (sigma sqrt 2)."""
    sigma = gaussian / FWHM_PER_SIGMA
    z = (x + 0.5j * lorentzian) / (sigma * np.sqrt(2.0))
    return np.asarray(np.real(wofz(z)) / (sigma * np.sqrt(2.0 * np.pi)))


def shape(line: Line, x: Floats) -> Floats:
    """Profile of unit area at distances x from the energy of the line [1/eV]."""
    if line.asymmetry == 0.0:
        return voigt(x, line.gaussian, line.lorentzian)
    nodes, weights = roots_genlaguerre(NODES, line.asymmetry - 1.0)
    found = np.zeros(x.size)
    for node, weight in zip(nodes, weights / np.sum(weights), strict=True):
        found += weight * voigt(x - line.cutoff * node, line.gaussian, line.lorentzian)
    return found


def profile(line: Line, x: Floats) -> Floats:
    """Return the counts of a line at true energies x."""
    return np.asarray(line.area * shape(line, np.asarray(x, dtype=np.float64) - line.energy))


def _at(line: Line, distance: float) -> float:
    return float(shape(line, np.array([distance]))[0])


def maximum(line: Line) -> float:
    """Energy of the maximum of a line [eV]."""
    if line.asymmetry == 0.0:
        return line.energy
    best = minimize_scalar(lambda d: -_at(line, d), bounds=(-0.2, 0.5), method="bounded", options={"xatol": 1e-9})
    return line.energy + float(best.x)


def full_width(line: Line) -> float:
    """Full width at half maximum of a line [eV]."""
    top = maximum(line) - line.energy
    half = 0.5 * _at(line, top)
    reach = 3.0 * (line.gaussian + line.lorentzian)
    left = brentq(lambda d: _at(line, d) - half, top - reach, top, xtol=1e-10)
    right = brentq(lambda d: _at(line, d) - half, top, top + reach, xtol=1e-10)
    return float(right - left)
