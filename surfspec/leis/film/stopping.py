r"""What an ion loses on its way through a film and back, from first principles.

Electronic stopping is that of Lindhard and Scharff, Phys. Rev. 124 (1961) 128, proportional to the velocity,

.. math:: S_e = c\,8\pi e^2 a_0\,Z_1^{1/6}\,\frac{Z_1 Z_2}{(Z_1^{2/3} + Z_2^{2/3})^{3/2}}\,\frac{v}{v_0},

summed over the atoms of the film (Bragg), with a factor `c` of 0.6 to 1 for keV helium. Nuclear stopping is that of the
Thomas-Fermi potential in the form of Winterbon, Sigmund and Sanders, K. Dan. Vidensk. Selsk. Mat.-Fys. Medd. 37 no. 14
(1970),

.. math:: s_n = \frac1\epsilon\int_0^{\eta_c} f(\eta)\,d\eta, \qquad
    f = \lambda\eta^{1-2m}\,[1 + (2\lambda\eta^{2(1-m)})^q]^{-1/q}

with :math:`\lambda = 1.309`, :math:`m = 1/3`, :math:`q = 2/3`, cut at a loss :math:`T_c = T_m(\eta_c/\epsilon)^2` of a
single collision. The edge of an in-depth signal is made by ions that flew straight: one hard collision more than the
width of the edge takes an ion out of it, and moves no edge.
"""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad

from surfspec.errors import InputError
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.kinematics import elastic_energy
from surfspec.reference.materials import Material, composition, material

#: e^2 in eV angstrom, Bohr radius in angstrom, atomic mass unit in eV over twice the squared inverse fine-structure
#: constant: the energy of one unit of mass at Bohr's velocity.
E2 = 14.399645
BOHR = 0.529177
BOHR_ENERGY = 24802.0
#: Factor on the electronic stopping of Lindhard and Scharff for keV helium, and relative uncertainty of the total.
ELECTRONIC_SCALE = 0.8
RELATIVE_UNCERTAINTY = 0.25
#: Angstrom3 in a nm3.
CUBE = 1000.0


def electronic_cross_section(z1: int, m1: float, z2: int, energy: float) -> float:
    """Return the electronic stopping cross-section of Lindhard and Scharff, eV angstrom2.

    Parameters
    ----------
    z1, m1
        Atomic number and mass (u) of the ion.
    z2
        Atomic number of the target.
    energy
        eV.

    Examples
    --------
    >>> round(electronic_cross_section(2, 4.0026, 8, 3000.0), 1)
    45.3
    """
    shape = z1 ** (7.0 / 6.0) * z2 / (z1 ** (2.0 / 3.0) + z2 ** (2.0 / 3.0)) ** 1.5
    return float(8.0 * np.pi * E2 * BOHR * shape * np.sqrt(energy / (BOHR_ENERGY * m1)))


def nuclear_cross_section(z1: int, m1: float, z2: int, m2: float, energy: float, cut: float = np.inf) -> float:
    """Return the nuclear stopping cross-section of collisions that lose less than `cut`, eV angstrom2.

    Parameters
    ----------
    z1, m1, z2, m2
        Atomic numbers and masses (u) of ion and target.
    energy
        eV.
    cut
        Largest loss in one collision that counts, eV.

    Examples
    --------
    >>> full = nuclear_cross_section(2, 4.0026, 8, 15.999, 3000.0)
    >>> round(full, 1), round(nuclear_cross_section(2, 4.0026, 8, 15.999, 3000.0, cut=60.0) / full, 2)
    (32.2, 0.26)
    """
    length = 0.8853 * BOHR / np.sqrt(z1 ** (2.0 / 3.0) + z2 ** (2.0 / 3.0))
    reduced = length * m2 * energy / (z1 * z2 * E2 * (m1 + m2))
    most = 4.0 * m1 * m2 / (m1 + m2) ** 2 * energy
    end = reduced * np.sqrt(min(1.0, cut / most))

    def scattering(eta: float) -> float:
        return float(1.309 * eta ** (1.0 / 3.0) * (1.0 + (2.618 * eta ** (4.0 / 3.0)) ** (2.0 / 3.0)) ** -1.5)

    value = quad(scattering, 0.0, end, epsrel=1e-8)[0] / reduced
    return float(4.0 * np.pi * length * z1 * z2 * E2 * m1 / (m1 + m2) * value)


def film_material(film: str, density: float | None = None) -> Material:
    """Return the film: a known material, or a formula with its density.

    Parameters
    ----------
    film
        Formula or name.
    density
        g/cm3; None takes that of the material's table.

    Raises
    ------
    InputError
        For an unknown material without a density, or no formula.
    """
    if density is None:
        return material(film)
    composition(film)
    return Material(film, film, float(density))


def stopping_power(
    film: Material, energy: float, *, ion: str = "4He", scale: float = ELECTRONIC_SCALE, cut: float = np.inf
) -> float:
    """Return the energy that an ion loses on a nm of the film, eV/nm.

    Parameters
    ----------
    film
        The material.
    energy, ion
        Energy (eV) and isotope.
    scale
        Factor on the electronic part.
    cut
        Largest nuclear loss in one collision that counts, eV.

    Examples
    --------
    >>> round(stopping_power(film_material("Na3PO4", 2.536), 3000.0, cut=60.0), 1)
    34.9
    """
    projectile = iso.ion(ion)
    total = 0.0
    for symbol in composition(film.formula):
        target = iso.isotopes(symbol)
        m2 = float(np.average(target.mass, weights=target.abundance))
        per_atom = scale * electronic_cross_section(projectile.number, projectile.mass, target.number, energy)
        per_atom += nuclear_cross_section(projectile.number, projectile.mass, target.number, m2, energy, cut)
        total += film.atoms(symbol) / CUBE * per_atom * 10.0  # atoms per angstrom3; eV/angstrom to eV/nm
    return total


def path_stopping(
    film: Material,
    element: str,
    *,
    ion: str = "4He",
    energy: float = 3000.0,
    angle: float = 145.0,
    exit_angle: float | None = None,
    scale: float = ELECTRONIC_SCALE,
    cut: float = np.inf,
) -> float:
    r"""Shift of the edge of an element for a nm of film above it, :math:`K S(E_0) + S(E_1)/\cos\beta`, in eV/nm.

    Parameters
    ----------
    film
        The material.
    element
        Of the substrate, whose edge is seen.
    ion, energy, angle
        Projectile, its energy (eV) and the scattering angle (deg); normal incidence.
    exit_angle
        Angle between the way out and the surface normal, deg; by default 180 - `angle`.
    scale, cut
        As for :func:`stopping_power`.

    Raises
    ------
    InputError
        For an exit angle from 90 deg on.

    Examples
    --------
    >>> round(path_stopping(film_material("Na3PO4", 2.536), "Zr", cut=60.0))
    70
    """
    beta = 180.0 - angle if exit_angle is None else exit_angle
    if not 0.0 <= beta < 90.0:
        raise InputError(
            f"the ions leave at {beta:g} deg to the normal", where="exit_angle", remedy="Give 0 to below 90 deg"
        )
    after = elastic_energy(element, ion=ion, energy=energy, angle=angle)
    way_in = stopping_power(film, energy, ion=ion, scale=scale, cut=cut)
    way_out = stopping_power(film, after, ion=ion, scale=scale, cut=cut)
    return after / energy * way_in + way_out / float(np.cos(np.radians(beta)))
