"""The atoms of a cell as arrays: positions without those that a centring repeats, and what they scatter."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.patterns.form_factors import anomalous, gaussians
from surfspec.xrd.structures.phase import Phase, orbits
from surfspec.xrd.structures.symmetry import orbit_of, space_group, symmetry

Array = NDArray[np.float64]

#: One of the atoms that a centring repeats is chosen by windows that begin here: no coordinate of symmetry lies near.
_EDGE = 0.0137
_TURN = 2.0 * float(np.pi)


@dataclass(frozen=True)
class Atoms:
    """Atoms of a cell, those of one site together.

    Attributes
    ----------
    turns
        2 pi x of each atom, shape (3, m).
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
    points = orbits(phase)
    copies = 1
    if centring:
        reduced = [_one_of_each(site.xyz, phase.space_group) for site in phase.sites]
        if all(len(one) * centring == len(all_) for one, all_ in zip(reduced, points, strict=True)):
            points, copies = reduced, centring
    names = sorted(phase.elements)
    place = {name: index for index, name in enumerate(names)}
    occupancy = np.zeros((len(names), len(phase.sites)))
    counts = []
    for column, (site, images) in enumerate(zip(phase.sites, points, strict=True)):
        counts.append(len(images))
        for name, share in site.species.items():
            occupancy[place[name], column] = share
    a, b, c, second = _scattering(tuple(names), energy)
    return Atoms(
        turns=_TURN * (np.concatenate(points) if len(points) > 1 else points[0]).T,
        first=np.array([0, *counts[:-1]]).cumsum(),
        b_iso=np.array([site.b_iso for site in phase.sites]),
        b=b,
        a=a @ occupancy,
        c=c @ occupancy,
        imaginary=second @ occupancy,
        copies=copies,
        centred=centred,
    )


@functools.lru_cache(maxsize=2048)
def _scattering(names: tuple[str, ...], energy: float | None) -> tuple[Array, Array, Array, Array]:
    terms = [gaussians(name) for name in names]
    extra = np.array([0j if energy is None else anomalous(name, energy) for name in names])
    constant = np.array([c for _, _, c in terms]) + extra.real
    factors = np.zeros((4 * len(names), len(names)))
    for column, (a, _, _) in enumerate(terms):
        factors[4 * column : 4 * column + 4, column] = a
    return factors, np.concatenate([b for _, b, _ in terms]), constant, np.ascontiguousarray(extra.imag)


@functools.lru_cache(maxsize=256)
def _lattice(symbol: str) -> tuple[int, bool]:
    """How often a centring repeats the atoms (0: not, or in an unusual way), and whether -x goes with x."""
    group = space_group(symbol)
    rotations, translations = symmetry(group)
    inversions = np.all(rotations == -np.eye(3), axis=(1, 2))
    centred = bool(np.any(np.all(np.mod(translations[inversions], 1.0) == 0.0, axis=1)))
    usual = {"A": 2, "B": 2, "C": 2, "I": 2, "F": 4, "R": 3}.get(group.centring_type(), 0)
    return (usual if usual == len(_centring(group)) else 0), centred


def _centring(group: gemmi.SpaceGroup) -> list[list[int]]:
    return [list(one) for one in group.operations().cen_ops]


@functools.lru_cache(maxsize=8192)
def _one_of_each(xyz: tuple[float, float, float], symbol: str) -> Array:
    """Atoms of an orbit in one share of the cell, which the centring moves to all others."""
    points = orbit_of(xyz, symbol)
    kind = space_group(symbol).centring_type()
    axes, parts = {"A": ((1,), 2), "B": ((0,), 2), "C": ((0,), 2), "I": ((0,), 2), "F": ((0, 1), 2), "R": ((0,), 3)}[
        kind
    ]
    shifted = np.mod(points[:, axes] + _EDGE, 1.0)
    return points[np.all(shifted < 1.0 / parts, axis=1)]
