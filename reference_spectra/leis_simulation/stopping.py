"""Energy that helium loses per length in a material: to electrons, and to atoms that it passes at a distance.

Electrons: J. Lindhard, M. Scharff, Phys. Rev. 124 (1961) 128, proportional to the velocity, times a factor for
insulators at low velocity (a choice of the simulation). Atoms: energy transferred in collisions that deflect by less
than ``SMALL_ANGLE``, by the trajectories of ``sections.py``; ions deflected further are the dual scattering of
``depth.py``. Both are sums over the atoms (Bragg's rule).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from nasicon_simulation import ions
from nasicon_simulation.samples import Material
from numpy.typing import NDArray

from leis_simulation import sections

Floats = NDArray[np.float64]

#: Factor on the electronic stopping.
ELECTRONIC = 0.8
#: Deflection that still counts as passing by [rad, centre of mass].
SMALL_ANGLE = np.deg2rad(25.0)
BOHR = 0.0529177211  # nm
COULOMB = 1.43996448  # e^2/(4 pi eps0) [eV nm]
#: Energy of a helium ion that moves with the velocity of Bohr [eV].
BOHR_ENERGY = 24800.0 * ions.ION_MASS


def electronic(material: Material, energy: Floats | float) -> Floats:
    """Electronic stopping power [eV/nm]."""
    z1 = ions.ION_CHARGE
    total = 0.0
    for element in material.formula:
        z2 = ions.NUMBERS[element]
        mean = (z1 ** (2 / 3) + z2 ** (2 / 3)) ** 1.5
        total += material.atoms(element) * 8.0 * np.pi * COULOMB * BOHR * z1 ** (1 / 6) * z1 * z2 / mean
    return np.asarray(ELECTRONIC * total * np.sqrt(np.asarray(energy, dtype=np.float64) / BOHR_ENERGY))


@cache
def _transfer(element: str, energy: float) -> float:
    """Energy given to an atom in small deflections, times area [eV nm2]."""
    impact, angle = sections.trajectories(element, energy)
    ratio = sections.mean_mass(element) / ions.ION_MASS
    given = 4.0 * ratio / (1.0 + ratio) ** 2 * energy * np.sin(0.5 * angle) ** 2
    b = np.linspace(float(np.interp(-SMALL_ANGLE, -angle, impact)), float(impact[-1]), 400)
    y = 2.0 * np.pi * b * np.interp(b, impact, given)
    return float(np.sum(0.5 * (y[1:] + y[:-1]) * np.diff(b))) * 0.01  # angstrom2 -> nm2


def nuclear(material: Material, energy: Floats | float) -> Floats:
    """Return the stopping power by small deflections [eV/nm]."""
    total = np.array(
        [sum(material.atoms(e) * _transfer(e, one) for e in material.formula) for one in sections.ENERGIES]
    )
    return np.asarray(np.interp(np.asarray(energy, dtype=np.float64), sections.ENERGIES, total))


def power(material: Material, energy: Floats | float) -> Floats:
    """Return the stopping power, electronic and by small deflections [eV/nm]."""
    return electronic(material, energy) + nuclear(material, energy)
