r"""Powder lines of a phase: structure factors and integrated intensities.

The integrated intensity of a line of a flat, thick powder sample is (International Tables for Crystallography C, 6.2)

.. math:: I_{hkl} \propto \frac{1}{V^2}\, m\, |F|^2 \, LP(\theta), \qquad
   F = \sum_j o_j (f_0 + f' + i f'') \exp(-B_j \sin^2\theta/\lambda^2)\, \exp(2\pi i\, h x_j)

with f0 of International Tables C 6.1.1 (four Gaussians) and the anomalous terms of Cromer & Liberman (1981), both
through gemmi. Friedel mates have different \|F\| in acentric structures with f''; their mean is used.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.patterns.atoms import Atoms, atoms_of
from surfspec.xrd.patterns.form_factors import anomalous, form_factor
from surfspec.xrd.patterns.optics import lorentz_polarisation
from surfspec.xrd.patterns.reflections import indices, metric_parts, multiplicity
from surfspec.xrd.patterns.wavelengths import HC
from surfspec.xrd.structures.phase import Phase

__all__ = ["Lines", "anomalous", "form_factor", "lines", "lorentz_polarisation", "metric_parts", "squared"]

Array = NDArray[np.float64]

#: Lines weaker than this share of the strongest |F|^2 m are left out as absent.
NEGLIGIBLE = 1e-6
#: Reflections whose 1/d^2 agree to so many decimals keep the order of their indices, whatever the last bits say.
SAME_Q = 12


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
    hkl = indices(phase, smallest_spacing(wavelength, two_theta_max))
    if not len(hkl):
        empty = np.empty(0)
        return Lines(hkl.astype(np.int64), empty, np.empty((0, 1)), empty, empty, phase.volume)
    parts = metric_parts(phase, hkl)
    q = parts.sum(axis=1)
    count = multiplicity(hkl, phase)
    f_squared = squared(atoms_of(phase, HC / wavelength), hkl, q)
    strength = count * f_squared
    order = np.argsort(np.round(q, SAME_Q), kind="stable")
    select = order[(strength > NEGLIGIBLE * strength.max(initial=0.0))[order]]
    return Lines(hkl[select].astype(np.int64), q[select], parts[select], count[select], f_squared[select], phase.volume)


def smallest_spacing(wavelength: float, two_theta_max: float) -> float:
    """Return d in angstrom of the largest angle in deg."""
    return wavelength / (2.0 * float(np.sin(np.radians(min(two_theta_max, 179.0)) / 2.0)))


def squared(atoms: Atoms, hkl: NDArray[np.integer], q: Array) -> Array:
    r"""Mean of \|F\|^2 of reflections and their Friedel mates, electrons^2.

    With P the sum of the real and Q that of the imaginary scattering amplitudes, each with its phases, the mates are
    P + iQ and P - iQ, and the mean of their squares is \|P\|^2 + \|Q\|^2.

    Parameters
    ----------
    atoms
        What the cell holds.
    hkl, q
        Indices, shape (n, 3), and 1/d^2 in angstrom^-2, shape (n,).

    Returns
    -------
    numpy.ndarray
        Shape (n,).
    """
    s_squared = -0.25 * q[:, None]
    real = np.exp(s_squared * atoms.b) @ atoms.a + atoms.c
    damping = np.exp(s_squared * atoms.b_iso)
    angle = hkl.astype(np.float64) @ atoms.turns.T
    total = np.zeros(len(q))
    for wave in (np.cos,) if atoms.centred else (np.cos, np.sin):
        geometry = damping * _by_site(wave(angle), atoms)
        total += np.einsum("ns,ns->n", real, geometry) ** 2 + (geometry @ atoms.imaginary) ** 2
    return np.asarray(total * atoms.copies**2)


def _by_site(values: Array, atoms: Atoms) -> Array:
    return values if len(atoms.first) == values.shape[1] else np.add.reduceat(values, atoms.first, axis=1)
