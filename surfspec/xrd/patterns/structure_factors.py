r"""Powder lines of a phase: structure factors, multiplicities and integrated intensities.

The integrated intensity of a line of a flat, thick powder sample is (International Tables for Crystallography C, 6.2)

.. math:: I_{hkl} \propto \frac{1}{V^2}\, m\, |F|^2 \, LP(\theta), \qquad
   F = \sum_j o_j (f_0 + f' + i f'') \exp(-B_j \sin^2\theta/\lambda^2)\, \exp(2\pi i\, h x_j)

with f0 of International Tables C 6.1.1 (four Gaussians) and the anomalous terms of Cromer & Liberman (1981), both
through gemmi. Friedel mates have different \|F\| in acentric structures with f''; their mean is used.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.patterns.wavelengths import HC
from surfspec.xrd.structures.phase import Phase, orbits
from surfspec.xrd.structures.symmetry import symmetry

Array = NDArray[np.float64]

#: Lines weaker than this share of the strongest |F|^2 m are left out as absent.
NEGLIGIBLE = 1e-6
#: Reflections whose 1/d^2 agree to this relative amount are one powder line (symmetry-related or metric coincidence).
SAME_D = 1e-9


@dataclass(frozen=True)
class Lines:
    r"""Reflections of one phase, sorted by rising 1/d^2.

    Attributes
    ----------
    hkl
        One index triple of each form, shape (n, 3).
    q
        1/d^2, angstrom^-2, shape (n,).
    parts
        Shares of `q` by free term of the reciprocal metric, shape (n, k): ``q = parts.sum(axis=1)``; a strained
        cell of the same symmetry has ``q = parts @ p`` with p near 1.
    multiplicity
        Number of symmetry-equivalent reflections, Friedel mates included.
    f_squared
        Mean of \|F\|^2 over the form, electrons^2.
    volume
        Cell volume, angstrom^3.
    """

    hkl: NDArray[np.int64]
    q: Array
    parts: Array
    multiplicity: Array
    f_squared: Array
    volume: float

    @property
    def d(self) -> Array:
        """Lattice spacings, angstrom."""
        return np.asarray(1.0 / np.sqrt(self.q))


def lorentz_polarisation(two_theta: Array, monochromator: float = 0.0) -> Array:
    r"""Lorentz-polarisation factor of Bragg-Brentano powder diffraction.

    .. math:: LP = \frac{1 + A\cos^2 2\theta}{(1 + A) \sin^2\theta\cos\theta}, \qquad A = \cos^2 2\theta_M

    Parameters
    ----------
    two_theta
        deg.
    monochromator
        Diffraction angle 2 theta_M of a graphite or Ge monochromator, deg; 0 for none (unpolarised beam).

    Returns
    -------
    numpy.ndarray
        Shape of `two_theta`.

    References
    ----------
    International Tables for Crystallography C, section 6.2; Azaroff (1955) Acta Cryst. 8, 701.

    Examples
    --------
    >>> round(float(lorentz_polarisation(np.array([90.0]))[0]), 4)
    1.4142
    """
    theta = np.radians(np.asarray(two_theta, dtype=np.float64)) / 2.0
    share = np.cos(np.radians(monochromator)) ** 2
    polarisation = (1.0 + share * np.cos(2.0 * theta) ** 2) / (1.0 + share)
    return np.asarray(polarisation / (np.sin(theta) ** 2 * np.cos(theta)))


@functools.lru_cache(maxsize=4096)
def anomalous(symbol: str, energy: float) -> complex:
    """Return f' + i f'' of an element at an energy in eV (0 for H and He, which the tables leave out).

    References
    ----------
    Cromer & Liberman (1981) Acta Cryst. A37, 267, as computed by gemmi. Unreliable within about 50 eV of an edge.
    """
    number = gemmi.Element(symbol).atomic_number
    if number <= 2:
        return 0j
    first, second = gemmi.cromer_liberman(z=number, energy=energy)
    return complex(float(first), float(second))


def form_factor(symbol: str, s_squared: Array) -> Array:
    """Return f0 at (sin(theta)/lambda)^2 in angstrom^-2 (International Tables C, table 6.1.1.4, neutral atom)."""
    coefficients = gemmi.Element(symbol).it92
    a, b = np.array(coefficients.a), np.array(coefficients.b)
    return np.asarray(np.exp(-np.multiply.outer(s_squared, b)) @ a + coefficients.c)


@functools.lru_cache(maxsize=2048)
def lines(phase: Phase, wavelength: float, two_theta_max: float = 90.0) -> Lines:
    """Compute the reflections of a phase up to an angle.

    Parameters
    ----------
    phase
        The structure.
    wavelength
        Angstrom; sets the resolution limit and the anomalous terms.
    two_theta_max
        Largest 2 theta, deg.

    Returns
    -------
    Lines
        Without systematically absent reflections.
    """
    d_min = wavelength / (2.0 * np.sin(np.radians(min(two_theta_max, 179.0)) / 2.0))
    group = phase.group
    found = gemmi.make_miller_array(phase.unit_cell, group, d_min, 1e4, True)
    hkl = np.asarray(found, dtype=np.int64)
    if not len(hkl):
        return Lines(hkl.reshape(0, 3), np.empty(0), np.empty((0, 1)), np.empty(0), np.empty(0), phase.volume)
    hkl = hkl[~np.asarray(group.operations().systematic_absences(hkl.astype(np.int32)), dtype=bool)]
    parts = metric_parts(phase, hkl)
    q = parts.sum(axis=1)
    multiplicity = _multiplicity(hkl, group)
    f_squared = _f_squared(phase, hkl, q, HC / wavelength)
    strength = multiplicity * f_squared
    keep = (strength > NEGLIGIBLE * strength.max(initial=0.0)) & (q > 0)
    order = np.argsort(q[keep], kind="stable")
    select = np.flatnonzero(keep)[order]
    return Lines(hkl[select], q[select], parts[select], multiplicity[select], f_squared[select], phase.volume)


def _multiplicity(hkl: NDArray[np.int64], group: gemmi.SpaceGroup) -> Array:
    """Distinct images of each index under the Laue group."""
    rotations, _ = symmetry(group)
    unique = np.unique(np.rint(rotations).astype(np.int64), axis=0)
    images = np.einsum("ni,rij->rnj", hkl, unique)
    images = np.concatenate([images, -images])
    base = 2 * int(np.abs(images).max()) + 1
    code = np.sort((images[..., 0] * base + images[..., 1]) * base + images[..., 2], axis=0)
    return np.asarray(1 + np.count_nonzero(np.diff(code, axis=0), axis=0), dtype=np.float64)


def _f_squared(phase: Phase, hkl: NDArray[np.int64], q: Array, energy: float) -> Array:
    s_squared = q / 4.0
    normal = np.zeros(len(hkl), dtype=np.complex128)
    shifted = np.zeros(len(hkl), dtype=np.complex128)
    for site, points in zip(phase.sites, orbits(phase), strict=True):
        geometry = np.exp(2j * np.pi * (hkl @ points.T)).sum(axis=1) * np.exp(-site.b_iso * s_squared)
        for symbol, occupancy in site.species.items():
            extra = anomalous(symbol, energy)
            normal += occupancy * (form_factor(symbol, s_squared) + extra.real) * geometry
            shifted += occupancy * extra.imag * geometry
    plus, minus = normal + 1j * shifted, normal - 1j * shifted
    return np.asarray((np.abs(plus) ** 2 + np.abs(minus) ** 2) / 2.0)


def metric_parts(phase: Phase, hkl: NDArray[np.int64]) -> Array:
    """Split 1/d^2 into the terms that a strain of the same symmetry may change on their own.

    Parameters
    ----------
    phase
        Gives the cell and the crystal system.
    hkl
        Indices, shape (n, 3).

    Returns
    -------
    numpy.ndarray
        Shape (n, k) with k = 1 (cubic), 2 (hexagonal, trigonal, tetragonal), 3 (orthorhombic, rhombohedral axes: 2),
        4 (monoclinic) or 6 (triclinic); rows sum to 1/d^2 in angstrom^-2.
    """
    h, k, l = (hkl[:, index].astype(np.float64) for index in range(3))  # noqa: E741
    reciprocal = phase.unit_cell.reciprocal()
    a, b, c = reciprocal.a, reciprocal.b, reciprocal.c
    ca, cb, cg = (np.cos(np.radians(angle)) for angle in (reciprocal.alpha, reciprocal.beta, reciprocal.gamma))
    aa, bb, cc = h * h * a * a, k * k * b * b, l * l * c * c
    ab, ac, bc = 2 * h * k * a * b * cg, 2 * h * l * a * c * cb, 2 * k * l * b * c * ca
    system = phase.group.crystal_system_str()
    rhombohedral = system == "trigonal" and abs(phase.cell[5] - 120.0) > 1.0
    if system == "cubic":
        terms = [aa + bb + cc]
    elif rhombohedral:
        terms = [aa + bb + cc, ab + ac + bc]
    elif system in {"hexagonal", "trigonal"}:
        terms = [aa + bb + ab, cc]
    elif system == "tetragonal":
        terms = [aa + bb, cc]
    elif system == "orthorhombic":
        terms = [aa, bb, cc]
    elif system == "monoclinic":
        unique = phase.group.monoclinic_unique_axis()
        terms = [aa, bb, cc, {"a": bc, "b": ac, "c": ab}[unique]]
    else:
        terms = [aa, bb, cc, ab, ac, bc]
    return np.stack(terms, axis=1)
