r"""The classical scattering integral of a screened potential, and what follows from it in the centre of mass.

The potential is :math:`V(r) = (Z_1 Z_2 e^2/r)\,\Phi(r/a)`. The deflection

.. math:: \chi(b) = \pi - 2b\int_{r_0}^\infty \frac{dr}{r^2\sqrt{1 - V/E_{cm} - b^2/r^2}}

is integrated by the Gauss-Mehler rule in :math:`u = r_0/r`. Everything is a function of the distance of
closest approach :math:`r_0`, for which :math:`b^2 = r_0^2(1 - V(r_0)/E_{cm})` is explicit, and
:math:`d\sigma/d\Omega_{cm} = \frac12 |db^2/d\cos\chi|` stays smooth up to a head-on collision.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.leis.collisions.potentials import Potential

NODES: Final = 100


def deflection(
    closest: NDArray[np.float64], potential: Potential, energy_cm: NDArray[np.float64], nodes: int = NODES
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Impact parameter and deflection for a distance of closest approach.

    Parameters
    ----------
    closest
        :math:`r_0`, any shape, angstrom; not below the head-on distance.
    potential
        The interaction.
    energy_cm
        Energy in the centre-of-mass frame, broadcast with `closest`, eV.
    nodes
        Of the Gauss-Mehler rule; 100 give nine digits.

    Returns
    -------
    b, chi
        Impact parameter (angstrom) and centre-of-mass deflection (rad).
    """
    v0, _ = potential.energy(closest)
    b = closest * np.sqrt(np.maximum(1.0 - v0 / energy_cm, 0.0))
    u = np.cos((2.0 * np.arange(1, nodes + 1) - 1.0) * np.pi / (4.0 * nodes))
    r = closest[..., None] / u
    v, _ = potential.energy(r)
    inside = 1.0 - v / energy_cm[..., None] - (b / closest)[..., None] ** 2 * u**2
    g = np.sqrt((1.0 - u**2) / np.maximum(inside, np.finfo(float).tiny))
    return b, np.pi * (1.0 - b / closest * g.mean(axis=-1))


def closest_approach(
    chi: NDArray[np.float64], potential: Potential, energy_cm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance of closest approach for a deflection, by bisection in its logarithm, all targets at once.

    Parameters
    ----------
    chi
        Deflection in the centre-of-mass frame, rad, any shape.
    potential, energy_cm
        As for :func:`deflection`.

    Returns
    -------
    numpy.ndarray
        Shape of `chi`, angstrom.
    """
    # V < strength/r everywhere, so the head-on distance is below strength/E
    low = np.full_like(chi, 1e-9)
    high = potential.strength / energy_cm
    for _ in range(80):
        middle = np.sqrt(low * high)
        inside = potential.energy(middle)[0] > energy_cm
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    head_on = high
    low, high = head_on, head_on * 2.0
    for _ in range(60):
        short = deflection(high, potential, energy_cm)[1] > chi
        if not np.any(short):
            break
        high = np.where(short, high * 1.5, high)
    for _ in range(60):
        middle = np.sqrt(low * high)
        above = deflection(middle, potential, energy_cm)[1] > chi
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray(np.sqrt(low * high))


def centre_of_mass(
    r0: NDArray[np.float64], potential: Potential, energy_cm: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Cross-section per solid angle in the centre-of-mass frame.

    Parameters
    ----------
    r0
        Distance of closest approach, angstrom, any shape.
    potential, energy_cm
        As for :func:`deflection`.

    Returns
    -------
    numpy.ndarray
        Shape of `r0`, angstrom2/sr.
    """
    v, dv = potential.energy(r0)
    b2_slope = 2.0 * r0 * (1.0 - v / energy_cm) - r0**2 * dv / energy_cm
    # cos(chi) is smooth in r0 down to the head-on distance, below which there is nothing: a forward derivative
    step = 1e-4 * r0
    cosines = [np.cos(deflection(r0 + i * step, potential, energy_cm)[1]) for i in range(5)]
    slope = sum(w * c for w, c in zip((-25.0, 48.0, -36.0, 16.0, -3.0), cosines, strict=True)) / (12.0 * step)
    return np.asarray(0.5 * np.abs(b2_slope / slope))
