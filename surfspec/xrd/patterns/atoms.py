"""The atoms of a cell as arrays: positions without those that a centring repeats, and what they scatter."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.patterns.form_factors import anomalous, gaussians
from surfspec.xrd.structures.phase import Phase
from surfspec.xrd.structures.symmetry import orbit_of, space_group, symmetry

Array = NDArray[np.float64]

#: One of the atoms that a centring repeats is chosen by windows that begin here: no coordinate of symmetry lies near.
_EDGE = 0.0137
#: Images of a position that agree to so many fractions of a cell are one.
SAME_PLACE = 1e-3
_TURN = 2.0 * float(np.pi)


@dataclass(frozen=True)
class Atoms:
    """Atoms of a cell, those of one site together.

    Attributes
    ----------
    turns
        2 pi x of each atom, shape (m, 3).
    first
        Place of the first atom of each site, shape (s,).
    b_iso
        Displacement parameter of each site, angstrom^2, shape (s,).
    b
        Exponents of the form factors, those of one element after the other, angstrom^2, shape (4 e,).
    a
        Their factors with the occupancies of each site, shape (4 e, s).
    c
        Constants of the form factors of each site, f' included, shape (s,).
    imaginary
        f'' of each site with its occupancies, shape (s,).
    copies
        How often a centring repeats the atoms listed.
    centred
        True where an inversion centre lies at the origin, so that all sines cancel.
    """

    turns: Array
    first: NDArray[np.int64]
    b_iso: Array
    b: Array
    a: Array
    c: Array
    imaginary: Array
    copies: int
    centred: bool


def atoms_of(phase: Phase, energy: float | None) -> Atoms:
    """Return the atoms of a phase for photons of an energy in eV; None leaves out f' and f''."""
    centring, centred = _lattice(phase.space_group)
    found = [images(site.xyz, phase.space_group) for site in phase.sites]
    apart = centring > 1 and all(len(one) * centring == len(every) for every, one in found)
    points, copies = ([one for _, one in found], centring) if apart else ([every for every, _ in found], 1)
    names = sorted(phase.elements)
    place = {name: index for index, name in enumerate(names)}
    occupancy = np.zeros((len(names), len(phase.sites)))
    first, end = [], 0
    for column, (site, here) in enumerate(zip(phase.sites, points, strict=True)):
        first.append(end)
        end += len(here)
        for name, share in site.species.items():
            occupancy[place[name], column] = share
    factors, b = _scattering(tuple(names), energy)
    scattered = factors @ occupancy
    return Atoms(
        turns=_TURN * np.concatenate(points),
        first=np.array(first),
        b_iso=np.array([site.b_iso for site in phase.sites]),
        b=b,
        a=scattered[:-2],
        c=scattered[-2],
        imaginary=scattered[-1],
        copies=copies,
        centred=centred,
    )


@functools.lru_cache(maxsize=2048)
def _scattering(names: tuple[str, ...], energy: float | None) -> tuple[Array, Array]:
    """Gaussian factors, constants with f', and f'', shape (4 e + 2, e); and the exponents (4 e,) of the elements."""
    terms = [gaussians(name) for name in names]
    extra = np.array([0j if energy is None else anomalous(name, energy) for name in names])
    factors = np.zeros((4 * len(names) + 2, len(names)))
    factors[-2] = np.array([c for _, _, c in terms]) + extra.real
    factors[-1] = extra.imag
    for column, (a, _, _) in enumerate(terms):
        factors[4 * column : 4 * column + 4, column] = a
    return factors, np.concatenate([b for _, b, _ in terms])


@functools.lru_cache(maxsize=256)
def _lattice(symbol: str) -> tuple[int, bool]:
    """How often a centring repeats the atoms (1: not, or in an unusual way), and whether -x goes with x."""
    group = space_group(symbol)
    rotations, translations = symmetry(group)
    inversions = np.all(rotations == -np.eye(3), axis=(1, 2))
    centred = bool(np.any(np.all(np.mod(translations[inversions], 1.0) == 0.0, axis=1)))
    usual = {"A": 2, "B": 2, "C": 2, "I": 2, "F": 4, "R": 3}.get(group.centring_type(), 1)
    return (usual if usual == len(list(group.operations().cen_ops)) else 1), centred


@functools.lru_cache(maxsize=8192)
def images(xyz: tuple[float, float, float], symbol: str) -> tuple[Array, Array]:
    """Atoms of an orbit in the cell, and those of them that a centring moves to all others.

    A position near a symmetry element is moved onto it (1/3 is printed as 0.3333), so that equivalent reflections have
    equal structure factors.
    """
    group = space_group(symbol)
    rotations, translations = symmetry(group)
    there = np.asarray(xyz)
    away = np.mod(rotations @ there + translations - there + 0.5, 1.0) - 0.5
    exact = there + away[np.all(np.abs(away) < SAME_PLACE, axis=1)].mean(axis=0)
    points = orbit_of((float(exact[0]), float(exact[1]), float(exact[2])), symbol)
    kind = group.centring_type()
    axes = {"A": (1,), "F": (0, 1)}.get(kind, (0,))
    shifted = np.mod(points[:, axes] + _EDGE, 1.0)
    return points, points[np.all(shifted < (1.0 / 3.0 if kind == "R" else 0.5), axis=1)]
