r"""Width budget of a surface peak.

.. math:: s^2 = (wE_1/2.3548)^2 + (dE_1/d\theta\;\Delta\theta/2.3548)^2 + s_D^2

with the relative resolution `w` of the analyser (FWHM over energy), its angular acceptance (FWHM) and the
thermal and zero-point motion of the target atom. Isotopes are lines of their own and widen nothing.

Accepted angles of another shape than a Gaussian have the variance :math:`\Delta\theta^2/12` (uniform over a full width
:math:`\Delta\theta`) or :math:`\Delta\theta^2/16` (all directions inside a cone of that opening).
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.kinematics import angle_dispersion, check_geometry, kinematic_factor

#: Full width at half maximum of a Gaussian over its standard deviation.
FWHM = float(2.0 * np.sqrt(2.0 * np.log(2.0)))

#: Windows of accepted angles that end somewhere, and all shapes of the acceptance.
Window = Literal["box", "cone"]
AcceptanceShape = Literal["gaussian", "box", "cone"]
#: Quoted width over standard deviation: full width at half maximum of a Gaussian, full width of the others.
ACCEPTANCE_FACTOR: Final[dict[str, float]] = {"gaussian": FWHM, "box": float(np.sqrt(12.0)), "cone": 4.0}


def doppler_sigma(mass_ratio: ArrayLike, angle: float, energy: float, thermal_energy: float) -> NDArray[np.float64]:
    r"""Return the standard deviation of the scattered energy by the motion of the target atom.

    .. math:: s_D = \frac{\sqrt{2 E_0\,kT_\mathrm{eff}\,(1 + K - 2\sqrt K\cos\theta)/A}}{1 + (1 - \cos\theta/\sqrt K)/A}

    Derived from the conservation laws with a target velocity along the momentum transfer, first order in it.

    Parameters
    ----------
    mass_ratio
        :math:`A = M_2/M_1`, any shape.
    angle, energy
        Scattering angle (deg) and ion energy (eV).
    thermal_energy
        :math:`kT_\mathrm{eff}`, eV: mean kinetic energy of a vibrating atom in one direction times two; 0.026 at
        room temperature without, 0.035 to 0.06 with zero-point motion.

    Returns
    -------
    numpy.ndarray
        eV; NaN where the scattering is forbidden.

    Examples
    --------
    >>> from surfspec.leis.collisions.isotopes import ion, isotopes
    >>> doppler_sigma(isotopes("16O").mass / ion("4He").mass, 145.0, 3000.0, 0.045).round(1).tolist()
    [8.1]
    """
    A = np.asarray(mass_ratio, dtype=np.float64)
    K = kinematic_factor(A, angle)
    cosine = np.cos(np.radians(angle))
    momentum = np.sqrt(2.0 * energy * thermal_energy * (1.0 + K - 2.0 * np.sqrt(K) * cosine) / A)
    return np.asarray(momentum / (1.0 + (1.0 - cosine / np.sqrt(K)) / A))


def line_broadening(
    element: str, *, ion: str, energy: float, angle: float, thermal_energy: float
) -> tuple[float, float]:
    """Return what widens a line beside the analyser's energy resolution.

    Parameters
    ----------
    element
        Symbol.
    ion, energy, angle
        Projectile, its energy (eV) and the scattering angle (deg).
    thermal_energy
        As for :func:`doppler_sigma`, eV.

    Returns
    -------
    dispersion
        Change of energy with angle, root mean square over the isotopes that can scatter, eV/deg.
    doppler_variance
        Of the thermal motion, eV^2. Both NaN where no isotope can scatter.

    Examples
    --------
    >>> dispersion, variance = line_broadening("Zr", ion="4He", energy=3000, angle=145, thermal_energy=0.045)
    >>> round(dispersion, 2), round(variance**0.5, 2)
    (2.25, 5.83)
    """
    check_geometry(energy, angle)
    target = iso.isotopes(element)
    A = target.mass / iso.ion(ion).mass
    dispersion = energy * angle_dispersion(A, angle)
    variance = doppler_sigma(A, angle, energy, thermal_energy) ** 2
    real = np.isfinite(dispersion) & np.isfinite(variance)
    if not np.any(real):
        return float("nan"), float("nan")
    weight = target.abundance[real]
    return float(np.sqrt(np.average(dispersion[real] ** 2, weights=weight))), float(
        np.average(variance[real], weights=weight)
    )


def line_curvature(element: str, *, ion: str, energy: float, angle: float) -> float:
    r"""Return how the change of energy with angle changes over wide acceptances.

    .. math:: \frac{d^2E_1}{d\theta^2} = -2E_1\left[\frac{\cos\theta}{S} + \frac{\sin^2\theta\cos\theta}{S^3}
        - \frac{2\sin^2\theta}{S^2}\right], \qquad S = \sqrt{A^2 - \sin^2\theta}

    the derivative of :math:`dE_1/d\theta = -2E_1\sin\theta/S` of elastic scattering.

    Parameters
    ----------
    element, ion, energy, angle
        As for :func:`line_broadening`.

    Returns
    -------
    float
        Mean over the isotopes that can scatter, eV/deg^2; NaN where none can.

    Examples
    --------
    >>> round(line_curvature("Ni", ion="4He", energy=975.0, angle=107.0), 4)
    0.0142
    """
    check_geometry(energy, angle)
    target = iso.isotopes(element)
    A = target.mass / iso.ion(ion).mass
    K = kinematic_factor(A, angle)
    real = np.isfinite(K)
    if not np.any(real):
        return float("nan")
    sine, cosine = np.sin(np.radians(angle)), np.cos(np.radians(angle))
    S2 = A[real] ** 2 - sine**2
    curvature = -2.0 * K[real] * (cosine / np.sqrt(S2) * (1.0 + sine**2 / S2) - 2.0 * sine**2 / S2)
    return float(energy * np.radians(1.0) ** 2 * np.average(curvature, weights=target.abundance[real]))
