r"""Ions that stay ions: Auger neutralisation on the way in and out, and how an analyser passes energies."""

from __future__ import annotations

import numpy as np

from surfspec.errors import InputError
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.kinematics import check_geometry, elastic_energy

#: Joule in an electronvolt over kilogram in an atomic mass unit (CODATA 2018), m2/s2 per eV/u.
EV_PER_U = 1.602176634e-19 / 1.66053906660e-27


def speed(energy: float, ion: str) -> float:
    """Speed of an ion in m/s.

    Examples
    --------
    >>> round(speed(1.0, "4He"))
    6944
    """
    return float(np.sqrt(2.0 * EV_PER_U * energy / iso.ion(ion).mass))


def ion_fraction(
    element: str,
    *,
    velocity: float,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    incidence: float = 0.0,
) -> float:
    r"""Fraction of the ions scattered once by `element` that leave as ions.

    .. math:: P^+ = \exp\Big[-v_c\Big(\frac{1}{v_{\perp,\mathrm{in}}} + \frac{1}{v_{\perp,\mathrm{out}}}\Big)\Big]

    for Auger neutralisation alone, with the velocities normal to the surface. Collision-induced neutralisation and
    re-ionisation are left out.

    Parameters
    ----------
    element
        Symbol of the target atom.
    velocity
        Characteristic velocity :math:`v_c`, m/s: 1e5 to 4e5 for He; it depends on the surface.
    ion, energy, angle
        Projectile, its energy (eV) and the scattering angle (deg).
    incidence
        Angle between beam and surface normal, deg, in the scattering plane. The exit makes
        :math:`180^\circ - \theta - \alpha` with the normal.

    Returns
    -------
    float
        Between 0 and 1; NaN where the element cannot scatter the ion into this angle, or not out of the surface.

    Raises
    ------
    InputError, GeometryError
        For a velocity below 0, an incidence outside [0, 90), an unknown element or ion.

    References
    ----------
    Hagstrum, Phys. Rev. 96 (1954) 336; Draxler et al., Phys. Rev. Lett. 88 (2002) 263201, for where this ends.

    Examples
    --------
    >>> import surfspec as ss
    >>> round(ss.leis.ion_fraction("Zr", velocity=2e5), 3)
    0.295
    """
    check_geometry(energy, angle)
    if isinstance(velocity, bool) or not (np.isfinite(velocity) and velocity >= 0):
        raise InputError(f"velocity {velocity}", where="velocity", remedy="Give 0 or a positive number in m/s")
    if not 0.0 <= incidence < 90.0:
        raise InputError(f"incidence {incidence} deg", where="incidence", remedy="Give an angle from 0 to below 90 deg")
    scattered = elastic_energy(element, ion=ion, energy=energy, angle=angle)
    exit_angle = abs(180.0 - angle - incidence)
    if not np.isfinite(scattered) or exit_angle >= 90.0:
        return float("nan")
    inward = speed(energy, ion) * np.cos(np.radians(incidence))
    outward = speed(scattered, ion) * np.cos(np.radians(exit_angle))
    return float(np.exp(-velocity * (1.0 / inward + 1.0 / outward)))
