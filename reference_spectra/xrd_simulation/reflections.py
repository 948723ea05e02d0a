"""Structure factors of every reflection in the sphere, atom by atom; texture and coarse grains."""

from __future__ import annotations

from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import NDArray

from xrd_simulation.crystals import Crystal, atoms, mass

Floats = NDArray[np.float64]

#: Planck's constant times the speed of light (eV angstrom).
HC = 12398.41984


@dataclass(frozen=True)
class Texture:
    """March and Dollase: axis as Miller indices of a plane and strength r (1: none, below 1: plates lying flat)."""

    plane: tuple[int, int, int]
    strength: float


@dataclass(frozen=True)
class Lines:
    """Spacings d (angstrom) and powers: the sum of |F|^2 over equivalents, over mass and volume of the cell."""

    d: Floats
    power: Floats


def scattering(species: tuple[tuple[str, float], ...], stol2: Floats, wavelength: float) -> NDArray[np.complex128]:
    """Atomic form factor (International Tables C, 1992) with Cromer-Liberman dispersion, occupancies included."""
    total = np.zeros(stol2.size, dtype=complex)
    for symbol, share in species:
        element = gemmi.Element(symbol)
        real, imaginary = gemmi.cromer_liberman(element.atomic_number, HC / wavelength)
        table = element.it92
        form = table.c + sum(a * np.exp(-b * stol2) for a, b in zip(table.a, table.b, strict=True))
        total += share * (form + real + 1j * imaginary)
    return total


def march(cosine2: Floats, strength: float) -> Floats:
    """Weight of Dollase (1986) J. Appl. Cryst. 19, 267: (r^2 cos^2 + sin^2 / r)^(-3/2), mean 1 over the sphere."""
    return np.asarray((strength**2 * cosine2 + (1.0 - cosine2) / strength) ** -1.5)


def lines(
    crystal: Crystal, wavelength: float, largest: float, *, origin: Crystal | None = None,
    texture: Texture | None = None, graininess: float = 0.0, rng: np.random.Generator | None = None,
) -> Lines:  # fmt: skip
    """Return the powder lines up to the angle `largest` (2 theta, deg).

    All h, k, l in the sphere are summed, so multiplicities come out by counting. `origin` is the crystal
    whose operations give the atoms where they were moved; `graininess` the standard deviation of the logarithm of the
    power of each line (few crystallites).
    """
    shortest = wavelength / (2.0 * np.sin(np.deg2rad(largest) / 2.0))
    limits = [int(np.ceil(edge / shortest)) for edge in crystal.cell[:3]]
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in limits), indexing="ij"), axis=-1).reshape(-1, 3)
    fractional = np.array(gemmi.UnitCell(*crystal.cell).frac.mat.tolist())
    reciprocal = grid @ fractional
    inverse2 = np.sum(reciprocal**2, axis=1)
    keep = (inverse2 > 1e-9) & (inverse2 < shortest**-2)
    hkl, stol2, reciprocal = grid[keep].astype(float), 0.25 * inverse2[keep], reciprocal[keep]
    amplitude = np.zeros(len(hkl), dtype=complex)
    originals = (origin or crystal).sites
    for site, original in zip(crystal.sites, originals, strict=True):
        places = atoms(origin or crystal, site, original)
        phase = np.exp(2j * np.pi * (hkl @ places.T)).sum(axis=1)
        amplitude += scattering(site.species, stol2, wavelength) * np.exp(-site.b * stol2) * phase
    power = np.abs(amplitude) ** 2
    if texture is not None:
        axis = np.array(texture.plane) @ fractional
        cosine2 = (reciprocal @ axis) ** 2 / (axis @ axis) / inverse2[keep]
        power = power * march(np.minimum(cosine2, 1.0), texture.strength)
    order = np.argsort(stol2, kind="stable")
    group = np.cumsum(np.diff(stol2[order], prepend=0.0) > 1e-7) - 1
    total = np.bincount(group, weights=power[order])
    mean = np.bincount(group, weights=stol2[order]) / np.bincount(group)
    if graininess > 0 and rng is not None:
        total = total * np.exp(graininess * rng.standard_normal(total.size) - 0.5 * graininess**2)
    strong = total > 1e-5 * total.max()
    return Lines(0.5 / np.sqrt(mean[strong]), total[strong] / (mass(origin or crystal) * crystal.volume))
