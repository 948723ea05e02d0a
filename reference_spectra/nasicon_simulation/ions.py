"""Elastic scattering of 4He+ at 3 keV through 145 degrees: kinematics, cross-sections, survival as an ion."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import periodictable
from numpy.typing import NDArray
from scipy.optimize import brentq

Floats = NDArray[np.float64]

ENERGY = 3000.0  # eV
ANGLE = np.deg2rad(145.0)
ION_MASS = 4.002603254 - 0.000548579909  # 4He less one electron [u]; AME2020, CODATA 2018
ION_CHARGE = 2
NUMBERS = {"O": 8, "Na": 11, "Si": 14, "P": 15, "Zr": 40}
COULOMB = 14.3996448  # e^2/(4 pi eps0) [eV angstrom], CODATA
BOHR = 0.529177211  # angstrom
#: Speed of a 1 eV helium ion [m/s].
SPEED = float(np.sqrt(2.0 * 1.602176634e-19 / (ION_MASS * 1.66053906892e-27)))
#: Characteristic velocity of Auger neutralisation [m/s], chosen inside the published range of 1e5 to 4e5.
NEUTRALISATION = 2.0e5


def isotopes(element: str) -> list[tuple[float, float]]:
    """Return (mass [u], abundance) of the natural isotopes."""
    table = getattr(periodictable, element)
    return [(float(table[n].mass), float(table[n].abundance) / 100.0) for n in table.isotopes if table[n].abundance > 0]


def kinematic_factor(mass: float) -> float:
    """E1/E0 of an elastic collision with a target heavier than the ion (laboratory frame)."""
    ratio = mass / ION_MASS
    return float(((np.cos(ANGLE) + np.sqrt(ratio**2 - np.sin(ANGLE) ** 2)) / (1.0 + ratio)) ** 2)


def energy_per_angle(mass: float) -> float:
    """|dE1/d theta| by a central difference of the kinematic factor [eV/rad]."""
    step = 1e-5
    ratio = mass / ION_MASS

    def factor(angle: float) -> float:
        return float(((np.cos(angle) + np.sqrt(ratio**2 - np.sin(angle) ** 2)) / (1.0 + ratio)) ** 2)

    return ENERGY * abs(factor(ANGLE + step) - factor(ANGLE - step)) / (2.0 * step)


def doppler(mass: float, temperature_energy: float = 0.045) -> float:
    """Thermal width (standard deviation) of the peak of one isotope [eV].

    A target atom with velocity component variance ``kT/M`` changes the final energy by the derivative of the
    kinematics along the momentum transfer; `temperature_energy` is the effective kT, zero point included [eV].
    """
    ratio, root = mass / ION_MASS, np.sqrt(kinematic_factor(mass))
    transfer = 1.0 + root**2 - 2.0 * root * np.cos(ANGLE)
    spread = np.sqrt(2.0 * ENERGY * temperature_energy * transfer / ratio)
    return float(spread / (1.0 + (1.0 - np.cos(ANGLE) / root) / ratio))


def _screening(x: Floats | float) -> Floats:
    """ZBL universal screening function (Ziegler, Biersack and Littmark, 1985)."""
    x = np.asarray(x, dtype=np.float64)
    return np.asarray(
        0.18175 * np.exp(-3.1998 * x)
        + 0.50986 * np.exp(-0.94229 * x)
        + 0.28022 * np.exp(-0.4029 * x)
        + 0.028171 * np.exp(-0.20162 * x)
    )


def _deflection(impact: float, energy_cm: float, charge: int) -> float:
    """Angle of scattering in the centre of mass by Gauss-Mehler quadrature [rad]."""
    radius = 0.88534 * BOHR / (ION_CHARGE**0.23 + charge**0.23)

    def potential(r: Floats | float) -> Floats:
        return COULOMB * ION_CHARGE * charge / np.asarray(r) * _screening(np.asarray(r) / radius)

    def turning(r: float) -> float:
        return float(1.0 - potential(r) / energy_cm - (impact / r) ** 2)

    closest = float(brentq(turning, 1e-6, impact + 20.0, xtol=1e-14, rtol=1e-14))
    nodes = 200
    u = np.cos((np.arange(1, nodes // 2 + 1) - 0.5) * np.pi / nodes)
    inside = 1.0 - potential(closest / u) / energy_cm - (impact * u / closest) ** 2
    integrand = np.sqrt((1.0 - u**2) / inside)
    return float(np.pi - 2.0 * impact / closest * np.pi / nodes * np.sum(integrand))


@lru_cache(maxsize=4096)
def cross_section(element: str, energy: float = ENERGY) -> float:
    """Differential cross-section in the laboratory, mean over the isotopes [angstrom2/sr]."""
    pairs = isotopes(element)
    weighted = sum(share * _isotope_cross_section(mass, NUMBERS[element], energy) for mass, share in pairs)
    return weighted / sum(share for _, share in pairs)


def _isotope_cross_section(mass: float, charge: int, energy: float) -> float:
    light = ION_MASS / mass
    angle = ANGLE + np.arcsin(light * np.sin(ANGLE))
    energy_cm = energy / (1.0 + light)

    def excess(b: float) -> float:
        return float(_deflection(b, energy_cm, charge) - angle)

    impact = float(brentq(excess, 1e-6, 2.0, xtol=1e-13))
    step = 1e-4 * impact
    slope = (_deflection(impact + step, energy_cm, charge) - _deflection(impact - step, energy_cm, charge)) / (2 * step)
    centre = impact / np.sin(angle) / abs(slope)
    frame = (1 + 2 * light * np.cos(angle) + light**2) ** 1.5 / abs(1 + light * np.cos(angle))
    return float(centre * frame)


def survival(energy_out: Floats | float, *, incoming: bool = True) -> Floats:
    """Probability of remaining (or leaving as) an ion, ``exp(-v_c (1/v_in + 1/v_out))`` with normal velocities.

    Hagstrum's form for Auger neutralisation; the exit direction is 35 degrees from the surface normal.
    """
    out = SPEED * np.sqrt(np.asarray(energy_out, dtype=np.float64)) * np.cos(np.pi - ANGLE)
    inverse = 1.0 / out + (1.0 / (SPEED * np.sqrt(ENERGY)) if incoming else 0.0)
    return np.asarray(np.exp(-NEUTRALISATION * inverse))
