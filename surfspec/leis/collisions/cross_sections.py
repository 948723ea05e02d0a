r"""Differential cross-sections of screened Coulomb scattering by quadrature.

Deflection and closest approach come from :mod:`surfspec.leis.collisions.scattering_integral`.

The uncertainty of these numbers is that of the potential, not of the quadrature: for He at 1 to 3 keV the ZBL and
Thomas-Fermi-Moliere potentials differ by less than 1 % for O to P, 7 % for Zr and 15 % for Pb, and the common
reductions of the screening length lower light elements by 12 to 14 %. Use measured references for quantification, and
these numbers with a relative uncertainty of 20 to 30 % only where there are none (:data:`RELATIVE_UNCERTAINTY`).

They hold for classical two-body collisions, at ion energies of 0.3 to 10 keV and centre-of-mass angles above a few
degrees; :func:`outside_domain` says which of the two is left. Charge exchange is no part of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import GeometryError, InputError
from surfspec.given import number, shown
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.kinematics import Branch, check_geometry, kinematic_factor
from surfspec.leis.collisions.potentials import COULOMB, screened_potential
from surfspec.leis.collisions.scattering_integral import centre_of_mass, closest_approach, deflection

#: Relative standard uncertainty of a computed cross-section (spread of common potentials and screening lengths).
RELATIVE_UNCERTAINTY: Final = 0.2
#: Ion energies (eV) for which the potentials were made and compared, and the smallest centre-of-mass angle (deg).
DOMAIN_ENERGY: Final = (300.0, 10000.0)
DOMAIN_ANGLE: Final = 3.0
#: Centre-of-mass angle (deg) below which no number is given at all.
SMALLEST_ANGLE: Final = 0.5


@dataclass(frozen=True)
class Collisions:
    """Single collisions that send an ion into one laboratory angle, one entry an isotope; NaN where there is none.

    Attributes
    ----------
    angle
        Deflection in the centre-of-mass frame, deg.
    impact, closest
        Impact parameter and distance of closest approach, angstrom.
    cross_section
        In the laboratory, angstrom2/sr.
    """

    angle: NDArray[np.float64]
    impact: NDArray[np.float64]
    closest: NDArray[np.float64]
    cross_section: NDArray[np.float64]


def _angles(A: NDArray[np.float64], angle: float, branch: Branch) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the centre-of-mass angles (rad) and the factors from centre-of-mass to laboratory cross-sections."""
    t, g = np.radians(angle), 1.0 / A
    bend = np.arcsin(np.minimum(np.sin(t) * g, 1.0))
    chi = np.asarray(t + (bend if branch == "high" else np.pi - bend))
    cosine = np.cos(chi)
    with np.errstate(divide="ignore"):
        factor = (1.0 + 2.0 * g * cosine + g**2) ** 1.5 / np.abs(1.0 + g * cosine)
    return chi, np.asarray(factor)


@lru_cache(maxsize=2048)
def _isotope_collisions(
    element: str, ion: str, energy: float, angle: float, potential: str, screening_factor: float, branch: Branch
) -> Collisions:
    projectile, target = iso.ion(ion), iso.isotopes(element)
    shape = screened_potential(projectile.number, target.number, potential, screening_factor=screening_factor)
    A = target.mass / projectile.mass
    allowed = np.isfinite(kinematic_factor(A, angle, branch=branch))
    result = np.full((4, *A.shape), np.nan)
    if np.any(allowed):
        a = A[allowed]
        chi, factor = _angles(a, angle, branch)
        smallest = float(np.degrees(chi.min()))
        if smallest < SMALLEST_ANGLE:
            raise GeometryError(
                f"{angle:g} deg from {element} is a deflection of {smallest:.2g} deg in the centre of mass",
                where="angle",
                remedy=f"Use an angle of more than {SMALLEST_ANGLE:g} deg; no classical cross-section holds below",
            )
        energy_cm = energy * a / (1.0 + a)
        closest = closest_approach(chi, shape, energy_cm)
        impact = deflection(closest, shape, energy_cm)[0]
        section = centre_of_mass(closest, shape, energy_cm) * factor
        result[:, allowed] = np.degrees(chi), impact, closest, section
    result.flags.writeable = False
    return Collisions(*result)


def isotope_collisions(
    element: str,
    *,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    potential: str = "ZBL",
    screening_factor: float = 1.0,
    branch: Branch = "high",
) -> Collisions:
    """Angle, impact parameter, closest approach and cross-section of each isotope, as ``isotopes(element)`` has them.

    Parameters are those of :func:`cross_section`.

    Examples
    --------
    >>> found = isotope_collisions("P")
    >>> found.angle.round(2).tolist(), found.impact.round(4).tolist(), found.closest.round(4).tolist()
    ([149.25], [0.0147], [0.0933])
    """
    check_geometry(energy, angle)
    try:
        factor = number(screening_factor, "screening_factor", low=0.01, high=100.0)
    except InputError:
        raise InputError(
            f"screening factor {shown(screening_factor)}",
            where="screening_factor",
            remedy="Give a number from 0.01 to 100, 1 as published",
        ) from None
    # what a cache cannot look up is refused before
    iso.isotopes(element)
    iso.ion(ion)
    kinematic_factor(1.0, angle, branch=branch)
    return _isotope_collisions(element, ion, float(energy), float(angle), str(potential), factor, branch)


def outside_domain(element: str, *, ion: str = "4He", energy: float = 3000.0, angle: float = 145.0) -> str:
    """Say why a computed cross-section should not be trusted, or return an empty text.

    Parameters
    ----------
    element, ion, energy, angle
        As for :func:`cross_section`.

    Examples
    --------
    >>> outside_domain("Zr")
    ''
    >>> outside_domain("Zr", energy=100.0)
    'ion energy 100 eV lies outside 300 to 10000 eV'
    """
    check_geometry(energy, angle)
    if not DOMAIN_ENERGY[0] <= energy <= DOMAIN_ENERGY[1]:
        return f"ion energy {energy:g} eV lies outside {DOMAIN_ENERGY[0]:g} to {DOMAIN_ENERGY[1]:g} eV"
    A = iso.isotopes(element).mass / iso.ion(ion).mass
    allowed = np.isfinite(kinematic_factor(A, angle))
    if np.any(allowed):
        smallest = float(np.degrees(_angles(A[allowed], angle, "high")[0].min()))
        if smallest < DOMAIN_ANGLE:
            return f"deflection of {smallest:.2g} deg in the centre of mass, below {DOMAIN_ANGLE:g} deg"
    return ""


def rutherford(
    element: str,
    *,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    branch: Branch = "high",
) -> float:
    r"""Differential cross-section of two bare nuclei in the laboratory, averaged over the isotopes.

    .. math:: \left(\frac{d\sigma}{d\Omega}\right)_{cm} =
        \left(\frac{Z_1 Z_2 e^2}{4 E_{cm}\sin^2(\chi/2)}\right)^2

    Screening lowers it: with 3 keV He at 145 deg it is 1.7 times that of ZBL for O and 4.6 times for Zr.

    Parameters
    ----------
    element, ion, energy, angle, branch
        As for :func:`cross_section`.

    Returns
    -------
    float
        angstrom2/sr; 0 where no isotope can scatter into this angle.

    References
    ----------
    Rutherford, Phil. Mag. 21 (1911) 669.

    Examples
    --------
    >>> round(1e4 * rutherford("P"), 2)
    15.23
    """
    check_geometry(energy, angle)
    projectile, target = iso.ion(ion), iso.isotopes(element)
    A = target.mass / projectile.mass
    allowed = np.isfinite(kinematic_factor(A, angle, branch=branch))
    chi, factor = _angles(A[allowed], angle, branch)
    energy_cm = energy * A[allowed] / (1.0 + A[allowed])
    half = COULOMB * projectile.number * target.number / (4.0 * energy_cm * np.sin(chi / 2.0) ** 2)
    return float(np.sum(half**2 * factor * target.abundance[allowed]))


def isotope_cross_sections(
    element: str,
    *,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    potential: str = "ZBL",
    screening_factor: float = 1.0,
    branch: Branch = "high",
) -> NDArray[np.float64]:
    """Laboratory cross-sections of each isotope, in the order of ``isotopes(element)``.

    Parameters are those of :func:`cross_section`.

    Returns
    -------
    numpy.ndarray
        Shape (isotopes,), angstrom2/sr; NaN for an isotope that cannot scatter into this angle.

    Examples
    --------
    >>> isotope_cross_sections("18O", angle=145.0).round(6).tolist()
    [0.000238]
    """
    return isotope_collisions(
        element,
        ion=ion,
        energy=energy,
        angle=angle,
        potential=potential,
        screening_factor=screening_factor,
        branch=branch,
    ).cross_section


def cross_section(
    element: str,
    *,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    potential: str = "ZBL",
    screening_factor: float = 1.0,
    branch: Branch = "high",
) -> float:
    r"""Differential cross-section :math:`d\sigma/d\Omega` in the laboratory, averaged over the isotopes.

    Parameters
    ----------
    element
        ``"Zr"`` for the element, ``"90Zr"`` for one isotope.
    ion, energy, angle
        Projectile, its energy (eV) and the scattering angle (deg).
    potential
        ``"ZBL"``, ``"TFM"``, ``"TFM_OB"`` (screening length of O'Connor and Biersack) or ``"KrC"``.
    screening_factor
        Multiplies the screening length; 1 as published.
    branch
        ``"high"`` or ``"low"`` root of the kinematics.

    Returns
    -------
    float
        angstrom2/sr; 0 where no isotope can scatter into this angle. Abundance-weighted; forbidden isotopes count 0.

    Raises
    ------
    GeometryError, InputError
        For an impossible geometry, deflections below 0.5 deg, an unknown ion, element or potential.

    References
    ----------
    Ziegler, Biersack and Littmark, The Stopping and Range of Ions in Solids (1985); Moliere, Z. Naturforsch. A 2
    (1947) 133; O'Connor and Biersack, Nucl. Instrum. Methods B 15 (1986) 14; Wilson, Haggmark and Biersack, Phys. Rev.
    B 15 (1977) 2458. Valid for 0.3 to 10 keV, see :func:`outside_domain`; standard relative uncertainty of the
    potential: 0.2 (:data:`RELATIVE_UNCERTAINTY`).

    Examples
    --------
    >>> import surfspec as ss
    >>> round(1e4 * ss.leis.cross_section("Zr", ion="4He", energy=3000, angle=145), 1)
    23.9
    >>> ss.leis.cross_section("O", ion="20Ne", energy=5000, angle=145)
    0.0
    """
    values = isotope_cross_sections(
        element,
        ion=ion,
        energy=energy,
        angle=angle,
        potential=potential,
        screening_factor=screening_factor,
        branch=branch,
    )
    return float(np.sum(np.nan_to_num(values) * iso.isotopes(element).abundance))
