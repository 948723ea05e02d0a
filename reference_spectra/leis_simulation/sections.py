"""Differential cross-sections at any angle, from a table of trajectories in the universal potential."""

from __future__ import annotations

from functools import cache

import numpy as np
from nasicon_simulation import ions
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

Floats = NDArray[np.float64]

#: Energies at which trajectories are computed [eV]; between them log-log interpolation.
ENERGIES = (700.0, 1200.0, 2000.0, 3000.0)


def mean_mass(element: str) -> float:
    """Mean mass of the natural isotopes [u]."""
    pairs = ions.isotopes(element)
    return sum(mass * share for mass, share in pairs) / sum(share for _, share in pairs)


@cache
def trajectories(element: str, energy: float) -> tuple[Floats, Floats]:
    """Impact parameters [angstrom], rising, and the deflections that belong to them [rad, centre of mass]."""
    energy_cm = energy / (1.0 + ions.ION_MASS / mean_mass(element))
    impact = np.geomspace(0.004, 1.6, 70)
    return impact, np.array([ions._deflection(float(b), energy_cm, ions.NUMBERS[element]) for b in impact])


@cache
def _table(element: str, energy: float) -> tuple[Floats, Floats]:
    """Angles in the centre of mass, rising, and logarithms of the cross-section there [angstrom2/sr]."""
    impact, angle = trajectories(element, energy)
    slope = CubicSpline(np.log(impact), angle)(np.log(impact), 1) / impact
    return angle[::-1], np.log(impact / (np.sin(angle) * np.abs(slope)))[::-1]


def section(element: str, angle: Floats, energy: Floats | float = ions.ENERGY) -> Floats:
    """Cross-section in the laboratory for scattering by an angle in rad [angstrom2/sr]."""
    light = ions.ION_MASS / mean_mass(element)
    centre = angle + np.arcsin(light * np.sin(angle))
    rows = np.stack([np.interp(centre, *_table(element, one)) for one in ENERGIES])
    where = np.interp(np.log(np.asarray(energy, dtype=np.float64)), np.log(ENERGIES), np.arange(len(ENERGIES)))
    where = np.broadcast_to(where, centre.shape)
    low = np.minimum(where.astype(int), len(ENERGIES) - 2)
    at = np.ogrid[tuple(slice(0, size) for size in centre.shape)]
    part = where - low
    log_section = (1.0 - part) * rows[(low, *at)] + part * rows[(low + 1, *at)]
    frame = (1.0 + 2.0 * light * np.cos(centre) + light**2) ** 1.5 / np.abs(1.0 + light * np.cos(centre))
    return np.asarray(np.exp(log_section) * frame)


def factor(element: str, angle: Floats) -> Floats:
    """Energy after over energy before an elastic collision, mean mass."""
    ratio = mean_mass(element) / ions.ION_MASS
    return np.asarray(((np.cos(angle) + np.sqrt(ratio**2 - np.sin(angle) ** 2)) / (1.0 + ratio)) ** 2)
