"""Beside single scattering: atoms knocked on, and ions that were scattered twice."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec.errors import InputError
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.kinematics import SMALLEST_VELOCITY, check_geometry, kinematic_factor


def recoil_energy(
    element: str, recoil_angle: ArrayLike, *, ion: str = "4He", energy: float = 3000.0
) -> NDArray[np.float64]:
    r"""Energy of a surface atom knocked on by one collision, :math:`E_0\,4A\cos^2\varphi/(1+A)^2`.

    Parameters
    ----------
    element
        Symbol or isotope (``"O"``, ``"18O"``); for an element its most abundant isotope is taken.
    recoil_angle
        :math:`\varphi` from the incident direction, deg.
    ion, energy
        Projectile and its energy, eV.

    Returns
    -------
    numpy.ndarray
        eV; NaN for angles of 90 deg and more, where one collision gives no recoil.

    Examples
    --------
    >>> recoil_energy("O", [0.0, 60.0, 145.0]).round(1).tolist()
    [1921.0, 480.2, nan]
    """
    check_geometry(energy, 90.0)
    target = iso.isotopes(element)
    A = target.mass[np.argmax(target.abundance)] / iso.ion(ion).mass
    try:
        cosine = np.cos(np.radians(np.asarray(recoil_angle, dtype=np.float64)))
    except (TypeError, ValueError, OverflowError):
        raise InputError(
            "recoil_angle holds no numbers", where="recoil_angle", remedy="Give one angle or an array, deg"
        ) from None
    forward = np.where(cosine > SMALLEST_VELOCITY, cosine, np.nan)
    return np.asarray(energy * 4.0 * A / (1.0 + A) ** 2 * forward**2)


def double_scattering_limit(element: str, *, ion: str = "4He", energy: float = 3000.0, angle: float = 145.0) -> float:
    r"""Highest energy of an ion scattered twice in one plane, :math:`E_0 K(\theta/2)^2`, in eV.

    Counts between the elastic peak of an element and this limit are physical.

    Parameters
    ----------
    element
        Symbol or isotope; for an element its most abundant isotope is taken.
    ion, energy, angle
        Projectile, its energy (eV) and the total scattering angle (deg).

    Returns
    -------
    float
        eV; NaN where two half-angle collisions are forbidden.

    Examples
    --------
    >>> round(double_scattering_limit("O"))
    1472
    """
    check_geometry(energy, angle)
    target = iso.isotopes(element)
    A = target.mass[np.argmax(target.abundance)] / iso.ion(ion).mass
    return float(energy * kinematic_factor(A, angle / 2.0) ** 2)
