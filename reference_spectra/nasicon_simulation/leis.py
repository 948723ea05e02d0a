"""Spectra of scattered ions: surface peaks, an in-depth shoulder from a depth integral, plural scattering, recoils.

What differs on purpose from the usual fit model (an error-function edge with a straight plateau and a wide
error-function foot): the shoulder is the integral over depth of single scattering with stopping proportional to
the velocity, cross-section and re-ionisation taken at the actual energies, hence curved; its edge has one step for each
number of film layers; the foot of plural scattering is a cubic that ends 900 eV above the elastic energy.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr
from scipy.stats import exponnorm

from nasicon_simulation import ions
from nasicon_simulation.samples import BULK, FILM, Material, Sample, stack_shares

Floats = NDArray[np.float64]

ELEMENTS = ("O", "Na", "Si", "P", "Zr")
AXIS = np.arange(600.0, 2950.5, 5.0)
STEP = 5.0
DOSES = (1.6e15, 3.2e15, 4.8e15, 6.4e15)
SPOTS = (1, 2, 3)

#: Counts in a peak per unit of atomic share * cross-section [1e-4 angstrom2/sr] * survival.
BRIGHTNESS = 30000.0
RESOLUTION = 0.0068  # standard deviation of the analyser over the energy
ACCEPTANCE = np.deg2rad(0.6)  # standard deviation of the scattering angle
TAIL = 14.0  # decay length of the low-energy tail of a peak [eV]
STOPPING = 29.0  # eV/nm at 3 keV; proportional to the velocity
REIONISATION = 20.0  # eV lost when a neutral leaves as an ion
IN_DEPTH = 0.022  # share of re-ionised particles, relative to the survival of a surface ion
PLURAL = 1.4  # height of the plural-scattering foot over that of the single-scattering plateau
PLURAL_REACH = 900.0  # eV above the elastic energy
STRAGGLING = 0.25  # standard deviation over the energy loss
RECOILS = (900.0, 560.0, 140.0)  # counts at the reference energy [eV], decay [eV]
DARK = 3.0  # counts a channel
THICK = 1000  # film layers that stand for a pellet of film material

#: Preferential loss of sodium: its share falls towards SODIUM_LEFT of the start with this cross-section [cm2].
SODIUM_LOSS = 3.0e-16
SODIUM_LEFT = 0.45
#: Foot of plural scattering exists for elements lighter than the heaviest of the material.
HEAVIEST = {FILM.name: "P", BULK.name: "Zr"}


@dataclass(frozen=True)
class Simulated:
    """Expected counts of one spectrum and what they were made of."""

    expected: Floats
    areas: dict[str, float]
    background: dict[str, Floats]
    coverage: float


def peak_energy(element: str) -> float:
    """Mean elastic energy of an element, isotopes weighted by abundance [eV]."""
    pairs = ions.isotopes(element)
    return ions.ENERGY * sum(share * ions.kinematic_factor(mass) for mass, share in pairs) / sum(s for _, s in pairs)


def width(mass: float) -> float:
    """Return the standard deviation of the Gaussian part of an isotope's peak [eV]."""
    energy = ions.ENERGY * ions.kinematic_factor(mass)
    parts = (RESOLUTION * energy, ions.energy_per_angle(mass) * ACCEPTANCE, ions.doppler(mass))
    return float(np.sqrt(sum(part**2 for part in parts)))


@cache
def surface_peak(element: str, offset: float) -> Floats:
    """Peak of unit area, isotopes resolved, with an exponential tail towards low energy [1/eV].

    Each isotope is a Gaussian convolved with an exponential (Grushka, Anal. Chem. 44 (1972) 1733), mirrored.
    """
    pairs = ions.isotopes(element)
    total = sum(share for _, share in pairs)
    y = np.zeros_like(AXIS)
    for mass, share in pairs:
        sigma = width(mass)
        centre = ions.ENERGY * ions.kinematic_factor(mass) + offset
        y += share / total * exponnorm.pdf(centre - AXIS, TAIL / sigma, loc=0.0, scale=sigma)
    return y


@cache
def surface_yield(material: Material, element: str) -> float:
    """Area of the surface peak of an element on a closed surface of the material [counts]."""
    brightness = BRIGHTNESS * ions.cross_section(element) * 1e4 * float(ions.survival(peak_energy(element)))
    return brightness * material.share(element)


def _depth_profile(element: str, layers: int) -> tuple[Floats, Floats, Floats]:
    """Energies at which ions leave, counts per eV there, and their spread, for depths below the first layer."""
    step = 0.02
    depth = np.arange(0.5 * step, 60.0, step) + FILM.monolayer
    inside_film = depth < layers * FILM.monolayer
    share = np.where(inside_film, FILM.share(element), BULK.share(element))
    factor = peak_energy(element) / ions.ENERGY
    slowing = STOPPING / (2.0 * np.sqrt(ions.ENERGY))  # d sqrt(E)/dz of a stopping power that goes with sqrt(E)
    path = depth - 0.5 * FILM.monolayer  # the centres of the atoms of the first layer lie at the surface
    root_in = np.maximum(np.sqrt(ions.ENERGY) - slowing * path, 1.0)
    hit = np.maximum(factor * root_in**2 - REIONISATION, 1.0)
    root_out = np.sqrt(hit) - slowing * path / np.cos(np.pi - ions.ANGLE)
    keep = root_out > np.sqrt(300.0)
    out = root_out[keep] ** 2
    energies = np.linspace(600.0, ions.ENERGY, 13)
    sections = np.log([ions.cross_section(element, round(float(e), 3)) for e in energies])
    section = np.exp(np.interp(root_in[keep] ** 2, energies, sections)) * 1e4
    leaving = ions.survival(out, incoming=False)
    scale = BRIGHTNESS * IN_DEPTH / FILM.monolayer
    weight = scale * share[keep] * section * leaving * step
    loss = factor * ions.ENERGY - out
    return out, weight, STRAGGLING * np.maximum(loss - REIONISATION, 0.0)


@cache
def in_depth(element: str, layers: int, offset: float) -> Floats:
    """Shoulder of an element under a number of film layers [counts per eV]."""
    out, weight, straggling = _depth_profile(element, layers)
    heavy = max(ions.isotopes(element), key=lambda pair: pair[1])[0]
    spread = np.minimum(np.hypot(width(heavy), straggling), 60.0)
    z = (AXIS[:, None] - out[None, :] - offset) / spread
    return np.asarray(np.sum(weight / (spread * np.sqrt(2.0 * np.pi)) * np.exp(-0.5 * z**2), axis=1))


@cache
def plural(element: str, material: Material, offset: float) -> Floats:
    """Foot of plural scattering of an element in a material [counts per eV]."""
    if element == HEAVIEST[material.name] or material.share(element) == 0.0:
        return np.zeros_like(AXIS)
    energy = peak_energy(element)
    section = ions.cross_section(element) * 1e4
    loss = STOPPING * (energy / ions.ENERGY + np.sqrt(energy / ions.ENERGY) / np.cos(np.pi - ions.ANGLE))
    leaving = float(ions.survival(energy, incoming=False))
    plateau = BRIGHTNESS * IN_DEPTH / FILM.monolayer * material.share(element) * section * leaving / loss
    above = (AXIS - energy - offset) / PLURAL_REACH
    fall = np.clip(1.0 - above, 0.0, None) ** 3
    rise = ndtr(above * PLURAL_REACH / 60.0)
    below = np.exp(np.minimum(above, 0.0) * 1.2)
    return np.asarray(PLURAL * plateau * (rise * np.minimum(fall, 1.0) + (1.0 - rise) * below))


def sodium_left(low: float, high: float) -> float:
    """Mean share of the sodium signal that remains while the dose goes from `low` to `high`."""
    x0, x1 = SODIUM_LOSS * low, SODIUM_LOSS * high
    return SODIUM_LEFT + (1.0 - SODIUM_LEFT) * float((np.exp(-x0) - np.exp(-x1)) / (x1 - x0))


def simulate(shares: dict[int, float], offset: float, gain: float, low: float, high: float) -> Simulated:
    """Return the spectrum of a surface of which the given shares lie under 0, 1, ... film layers."""
    covered = sum(share for layers, share in shares.items() if layers > 0)
    areas: dict[str, float] = {}
    parts = {"in_depth": np.zeros_like(AXIS), "plural": np.zeros_like(AXIS)}
    expected = np.zeros_like(AXIS)
    for element in ELEMENTS:
        sodium = sodium_left(low, high) if element == "Na" else 1.0
        film, bulk = surface_yield(FILM, element), surface_yield(BULK, element)
        areas[element] = gain * sodium * (covered * film + (1.0 - covered) * bulk)
        expected += areas[element] * STEP * surface_peak(element, offset)
        for layers, share in shares.items():
            parts["in_depth"] += gain * share * STEP * in_depth(element, layers, offset)
        # A film of one or two layers lets plural scattering from the electrolyte below come through unchanged.
        thick = shares.get(THICK, 0.0)
        parts["plural"] += gain * STEP * thick * plural(element, FILM, offset)
        parts["plural"] += gain * STEP * (1.0 - thick) * plural(element, BULK, offset)
    height, reference, decay = RECOILS
    parts["recoils"] = gain * height * np.exp(-(AXIS - reference) / decay)
    parts["dark"] = np.full_like(AXIS, DARK)
    expected += np.sum(list(parts.values()), axis=0)
    return Simulated(expected, areas, parts, covered)


def sample_spectrum(sample: Sample, spot: int, dose: int, gain: float) -> Simulated:
    """Simulate one spectrum of a sample: `dose` counts from 1."""
    low, high = (0.0, *DOSES)[dose - 1], DOSES[dose - 1]
    return simulate(stack_shares(sample, spot, low, high), sample.energy_offset, gain, low, high)


def reference_spectrum(material: Material, offset: float, dose: int, gain: float) -> Simulated:
    """Simulate a pellet of pure film material (very many layers) or a cross-section of the electrolyte (no film)."""
    low, high = (0.0, *DOSES)[dose - 1], DOSES[dose - 1]
    return simulate({THICK: 1.0} if material is FILM else {0: 1.0}, offset, gain, low, high)
