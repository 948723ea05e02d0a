"""Expected counts of a spectrum; the samples by the shares of their surface under 0, 1, ... layers of film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from nasicon_simulation import leis, noise
from nasicon_simulation.samples import BULK, FILM, REMOVAL, Sample, removed, stack_shares
from numpy.typing import NDArray

from leis_simulation import depth

Floats = NDArray[np.float64]

AXIS = leis.AXIS
COARSE = np.arange(900.0, 2850.5, 10.0)
#: Layers of film that stand for a pellet of film material.
PELLET = leis.THICK
RECOILS = (500.0, 900.0, 140.0)  # counts per 5 eV at the reference energy [eV], its decay [eV]
DARK = 3.0  # counts per 5 eV
ARGON_LAYERS = 0.7  # film layers that argon removes in a cycle
ARGON_SODIUM = 0.5  # decay of the sodium signal in a cycle, towards leis.SODIUM_LEFT
OFFSET = -3.2  # eV, of all but the cross-section
SPOT_GAIN = 0.03

SURFACE = Sample("as_sintered", 1.00, 2, 0.0, OFFSET, 0.0)
SECTION = Sample("cross_section", 0.02, 1, 0.0, -4.4, 0.0, {1: -0.01, 2: 0.0, 3: 0.01})


@dataclass(frozen=True)
class Spectrum:
    """One spectrum before counting: where it is written, what was measured, what went in."""

    stem: str
    sample: str
    dose: float
    shares: Mapping[int, float]
    sodium: float = 1.0
    gain: float = 1.0
    offset: float = OFFSET
    axis: Floats = field(default_factory=lambda: AXIS)
    known: Mapping[str, float] = field(default_factory=dict)

    @property
    def covered(self) -> float:
        """Share of the surface under film."""
        return sum(share for layers, share in self.shares.items() if layers > 0)

    @property
    def step(self) -> float:
        """Width of a channel [eV]."""
        return float(self.axis[1] - self.axis[0])

    def areas(self) -> dict[str, float]:
        """Areas of the peaks of the first layer [counts eV]."""
        found = {}
        for element in leis.ELEMENTS:
            film, bulk = leis.surface_yield(FILM, element), leis.surface_yield(BULK, element)
            area = self.gain * (self.covered * film + (1.0 - self.covered) * bulk)
            found[element] = self.step * area * (self.sodium if element == "Na" else 1.0)
        return found

    def second_layer(self) -> dict[str, float]:
        """Areas of ions of the second layer that were never neutralised [counts eV]; they lie under the peaks."""
        return {
            element: self.step * self.gain * sum(s * depth.second_layer(element, n)[0] for n, s in self.shares.items())
            for element in leis.ELEMENTS
        }

    def expected(self) -> Floats:
        """Return the expected counts."""
        total = np.zeros_like(self.axis)
        for element, area in self.areas().items():
            total += area * peak(self.axis, element, self.offset)
            for layers, share in self.shares.items():
                second, shift = depth.second_layer(element, layers)
                total += self.step * self.gain * share * second * peak(self.axis, element, self.offset + shift)
                below = np.interp(self.axis - self.offset, depth.GRID, depth.single(element, layers))
                total += self.step * self.gain * share * below
        for layers, share in self.shares.items():
            below = np.interp(self.axis - self.offset, depth.GRID, depth.dual(layers))
            total += self.step * self.gain * share * below
        height, reference, decay = RECOILS
        total += self.gain * self.step / 5.0 * height * np.exp(-(self.axis - reference) / decay)
        return total + self.step / 5.0 * DARK


def peak(axis: Floats, element: str, offset: float) -> Floats:
    """Peak of unit area [1/eV], that of the study, on any points."""
    return np.interp(axis, leis.AXIS, leis.surface_peak(element, round(offset, 6)))


def _sodium(cycles: float) -> float:
    return leis.SODIUM_LEFT + (1.0 - leis.SODIUM_LEFT) * float(np.exp(-ARGON_SODIUM * cycles))


def surface() -> list[Spectrum]:
    """Return the surface at 8e14 ions/cm2, and the cycles of sputtering by argon that follow."""
    dose = 8e14
    found = [Spectrum("surface", SURFACE.name, dose, stack_shares(SURFACE, 1, 0.0, dose), leis.sodium_left(0.0, dose))]
    for cycle in range(1, 16):
        x = ARGON_LAYERS * cycle
        left = {n: SURFACE.coverage * float(removed(SURFACE.monolayers - n, x / REMOVAL)) for n in (1, 2)}
        shares = {0: 1.0 - sum(left.values()), **left}
        known = {"cycle": float(cycle)}
        found.append(
            Spectrum(f"profile_cycle{cycle:02d}", SURFACE.name, 2e14, shares, _sodium(cycle), 1.0, known=known)
        )
    return found


def section() -> list[Spectrum]:
    """Return three areas of a cleaved pellet, four doses each."""
    found = []
    for spot in leis.SPOTS:
        gain = noise.gain(f"leis twin gain {SECTION.name} {spot}", SPOT_GAIN)
        for dose in range(1, len(leis.DOSES) + 1):
            low, high = (0.0, *leis.DOSES)[dose - 1], leis.DOSES[dose - 1]
            shares = stack_shares(SECTION, spot, low, high)
            stem = f"{SECTION.name}_area{spot}_dose{dose}"
            sodium = leis.sodium_left(low, high)
            found.append(
                Spectrum(stem, SECTION.name, high, shares, sodium, gain, SECTION.energy_offset, known={"spot": spot})
            )
    return found


def overlayers() -> list[Spectrum]:
    """Return closed films of known thickness and a pellet of film material, counted well, at a negligible dose."""
    found = []
    for layers in (0, 1, 2, 3, 4, 8):
        known = {"monolayers": float(layers), "thickness": layers * FILM.monolayer}
        found.append(
            Spectrum(f"overlayer_{layers}ml", f"{layers} monolayers", 1e13, {layers: 1.0}, gain=4.0, known=known)
        )
    return [*found, Spectrum("film_pellet", FILM.name, 1e13, {PELLET: 1.0}, gain=4.0)]


def area_scan() -> list[Spectrum]:
    """Return 8 x 8 spots whose coverage rises along x, with a bare spot in the middle."""
    found = []
    for row in range(8):
        for column in range(8):
            distance = np.hypot(column - 3.5, row - 3.5)
            covered = round((0.1 + 0.8 * column / 7) * float(1.0 - np.exp(-0.5 * (distance / 1.2) ** 2)), 4)
            known = {"x": 0.5 * column, "y": 0.5 * row}
            stem = f"scan {row + 1} {column + 1}"
            shares = {0: 1.0 - covered, 2: covered}
            found.append(Spectrum(stem, "area scan", 1e14, shares, gain=0.5, axis=COARSE, known=known))
    return found
