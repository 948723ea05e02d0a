"""Ions from below the first layer: one collision, or two, on a path through layers of film on electrolyte.

A stack is the number of film layers on the electrolyte; an infinite number is a pellet of film material. Ions are
neutralised on their way in and re-ionised on leaving, at a cost of ``REIONISATION``. Those of the second layer of which
a few were never neutralised keep that energy; they lie under the surface peak.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from nasicon_simulation import ions, leis
from nasicon_simulation.samples import BULK, FILM, Material
from numpy.typing import NDArray

from leis_simulation import sections, stopping

Floats = NDArray[np.float64]

#: Share of re-ionised particles, relative to the survival of a surface ion.
IN_DEPTH = 0.022
REIONISATION = 20.0  # eV
#: Share of ions of the second layer that were never neutralised, relative to those of the first.
SECOND_LAYER = 0.04
#: Path between two collisions beyond which an ion does not count any more [nm], and collisions after the second.
BETWEEN = 0.6
HIGHER_ORDERS = 2.5
#: Smallest deflection of dual scattering in the laboratory [rad].
SMALLEST = np.deg2rad(20.0)
STRAGGLING = 6.0  # variance over the energy loss [eV]
LOWEST = 350.0  # eV; slower ions are not counted
EXIT = float(np.cos(np.pi - ions.ANGLE))
#: Depth of the borders of steps, from the centres of the first layer [nm]: borders of layers are among them.
BORDERS = np.concatenate([FILM.monolayer / 12 * np.arange(216), FILM.monolayer / 12 * 216 + 0.25 * np.arange(225)])
DEPTH = 0.5 * (BORDERS[1:] + BORDERS[:-1])
STEP = np.diff(BORDERS)
#: Energies on which spectra are computed before the offset and the channels of a measurement [eV].
GRID = np.arange(480.0, 3060.5, 2.5)


def in_film(layers: int) -> NDArray[np.bool_]:
    """Tell which steps of depth lie in the film."""
    return np.asarray(DEPTH + 0.5 * FILM.monolayer < layers * FILM.monolayer)


@cache
def _loss_table(material: Material) -> tuple[Floats, Floats]:
    energies = np.linspace(100.0, ions.ENERGY, 117)
    return energies, stopping.power(material, energies)


def _slow(energy: Floats, path: float, film: bool) -> Floats:
    """Energy after a short path."""
    energies, power = _loss_table(FILM if film else BULK)
    return np.maximum(energy - path * np.interp(energy, energies, power), 100.0)


@cache
def arrival(layers: int) -> Floats:
    """Energies of ions on arrival at each depth [eV]."""
    energy, before = np.array([ions.ENERGY]), 0.0
    found = []
    for z, film in zip(DEPTH, in_film(layers), strict=True):
        energy = _slow(energy, float(z - before), bool(film))
        found.append(energy[0])
        before = float(z)
    return np.array(found)


def leave(energy: Floats, layers: int) -> Floats:
    """Energies at the surface of ions that start from each depth (last axis) on the way out."""
    out = np.array(energy, dtype=np.float64)
    film = in_film(layers)
    for index in range(DEPTH.size - 1, -1, -1):
        step = float(DEPTH[index] - (DEPTH[index - 1] if index else 0.0)) / EXIT
        out[..., index:] = _slow(out[..., index:], step, bool(film[index]))
    return out


def _spread(element: str, out: Floats, elastic: float) -> Floats:
    """Return the standard deviation of the energy of an ion that left with less than the elastic energy."""
    heavy = max(ions.isotopes(element), key=lambda pair: pair[1])[0]
    return np.sqrt(leis.width(heavy) ** 2 + STRAGGLING * np.maximum(elastic - out - REIONISATION, 0.0))


@cache
def single(element: str, layers: int) -> Floats:
    """Shoulder of an element on ``GRID``: one collision, re-ionised [counts per eV]."""
    hit = arrival(layers)
    factor = leis.peak_energy(element) / ions.ENERGY
    out = leave(np.maximum(factor * hit - REIONISATION, 100.0), layers)
    section = 1e4 * sections.section(element, np.full_like(hit, ions.ANGLE), hit)
    share = np.where(in_film(layers), FILM.share(element), BULK.share(element))
    weight = leis.BRIGHTNESS * IN_DEPTH * STEP / FILM.monolayer * share
    weight = weight * section * ions.survival(out, incoming=False)
    kept = (0.5 * FILM.monolayer < DEPTH) & (out > LOWEST)
    spread = _spread(element, out[kept], factor * ions.ENERGY)
    z = (GRID[:, None] - out[None, kept]) / spread
    return np.asarray(np.sum(weight[kept] / (spread * np.sqrt(2.0 * np.pi)) * np.exp(-0.5 * z**2), axis=1))


def second_layer(element: str, layers: int) -> tuple[float, float]:
    """Area [counts] and shift of the energy [eV] of ions of the second layer that were never neutralised."""
    material = FILM if layers >= 2 else BULK
    above = FILM if layers >= 1 else BULK
    factor = leis.peak_energy(element) / ions.ENERGY
    loss = FILM.monolayer * (
        factor * float(stopping.power(above, ions.ENERGY)) + float(stopping.power(above, factor * ions.ENERGY)) / EXIT
    )
    return SECOND_LAYER * leis.surface_yield(material, element), -loss


@cache
def _pairs(material: Material) -> tuple[Floats, Floats]:
    """Energies after two collisions of a 3 keV ion [eV], rising, and their weights, relative to ``BRIGHTNESS``.

    The first collision deflects by t1 into any azimuth; the second brings the ion into the direction of the detector.
    """
    t1 = (np.arange(90) + 0.5) * np.pi / 90
    azimuth = (np.arange(45) + 0.5) * np.pi / 45  # the other half is the same
    a, f = (x.ravel() for x in np.meshgrid(t1, azimuth, indexing="ij"))
    cosine = np.cos(a) * np.cos(ions.ANGLE) + np.sin(a) * np.sin(ions.ANGLE) * np.cos(f)
    b = np.arccos(np.clip(cosine, -1.0, 1.0))
    used = (a > SMALLEST) & (b > SMALLEST)
    a, b = a[used], b[used]
    solid = 2.0 * np.sin(a) * (np.pi / 90) * (np.pi / 45)
    atoms = sum(material.atoms(element) for element in material.formula)
    energies, weights = [], []
    for first in material.formula:
        after = ions.ENERGY * sections.factor(first, a)
        once = material.share(first) * sections.section(first, a) * solid
        for second in material.formula:
            again = material.share(second) * sections.section(second, b, after) * 0.01 * atoms * BETWEEN
            energies.append(after * sections.factor(second, b))
            weights.append(1e4 * once * again)
    grid = np.arange(300.0, ions.ENERGY, 10.0)
    where = (np.concatenate(energies) - grid[0]) / 10.0
    low = np.clip(np.floor(where).astype(int), 0, grid.size - 2)
    part, weight = where - low, np.concatenate(weights)
    kept = (where >= 0) & (where < grid.size - 1)
    total = np.bincount(low[kept], (weight * (1.0 - part))[kept], grid.size)
    total += np.bincount(low[kept] + 1, (weight * part)[kept], grid.size)
    return grid, total


@cache
def dual(layers: int) -> Floats:
    """Ions after two collisions and more on ``GRID``, of all pairs of elements [counts per eV].

    Both collisions are taken to lie in the material that is at the depth of the first.
    """
    film, hit = in_film(layers), arrival(layers)
    total, step = np.zeros_like(GRID), float(GRID[1] - GRID[0])
    for inside, material in ((film, FILM), (~film, BULK)):
        if not np.any(inside):
            continue
        energies, weight = _pairs(material)
        out = leave(np.maximum(energies[:, None] * hit / ions.ENERGY - REIONISATION, 100.0), layers)[:, inside]
        scale = leis.BRIGHTNESS * IN_DEPTH * STEP[inside] / FILM.monolayer * HIGHER_ORDERS
        weights = scale * weight[:, None] * ions.survival(out, incoming=False)
        place = (out - GRID[0]) / step
        low = np.floor(place).astype(int)
        kept = (out > LOWEST) & (low >= 0) & (low < GRID.size - 1)
        part = (place - low)[kept]
        total += np.bincount(low[kept], weights[kept] * (1 - part), GRID.size)
        total += np.bincount(low[kept] + 1, weights[kept] * part, GRID.size)
    return _smoothed(total / step, 20.0 / step)


def _smoothed(y: Floats, sigma: float) -> Floats:
    """Smooth with a Gaussian, in points; ends are continued by their value."""
    reach = int(4 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.concatenate([np.full(reach, y[0]), y, np.full(reach, y[-1])])
    return np.convolve(padded, kernel / kernel.sum(), mode="valid")
