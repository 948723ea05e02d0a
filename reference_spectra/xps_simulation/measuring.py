"""Expected counts of a region: true lines, electrons that lost energy, and the level below.

The background is made forward: every electron of a line loses an energy T with the probability K(T) per eV,

    K(T) = step * (1 - exp(-T / ONSET)) * exp(-T / REACH) + HUMP * 2866 T / (1643 + T**2)**2,

a step that does not begin at once, as the band gap of an insulator has it, dies away slowly, and a weak hump about
23 eV below the line (the universal cross-section of S. Tougaard, Surf. Interface Anal. 25 (1997) 137). A Shirley
background is its limit for ONSET = 0, REACH infinite and HUMP = 0. The level below falls slightly with binding energy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xps_simulation.profiles import Line, profile

Floats = NDArray[np.float64]

PHOTON_ENERGY = 1486.6
PASS_ENERGY = 20.0
DWELL_TIME = 0.05
STEP = 0.1

ONSET, REACH, HUMP = 0.3, 60.0, 0.3
#: Relative change of the level below the lines, per eV of binding energy.
SLOPE = -0.0005
#: Step of the grid on which losses are summed [eV], and how far below the window it begins.
FINE, BELOW = 0.02, 40.0


@dataclass(frozen=True)
class Region:
    """Name, window on the measured scale [eV], scans, level [counts/s] and step of the losses [1/eV]."""

    name: str
    low: float
    high: float
    scans: int
    level: float
    step: float = 0.020

    @property
    def seconds(self) -> float:
        """Counting time of a channel [s]."""
        return DWELL_TIME * self.scans


def axis(region: Region) -> Floats:
    """Energies at which the region was measured, as the analyser showed them [eV]."""
    return np.round(region.low + STEP * np.arange(round((region.high - region.low) / STEP) + 1), 4)


def losses(region: Region, lost: Floats) -> Floats:
    """Probability per eV that an electron lost the energy `lost` > 0 [1/eV]."""
    step = region.step * -np.expm1(-lost / ONSET) * np.exp(-lost / REACH)
    return np.asarray(step + HUMP * 2866.0 * lost / (1643.0 + lost**2) ** 2)


def background(region: Region, lines: list[Line], shift: float) -> Floats:
    """Return level and losses on the measured axis [counts]."""
    fine = np.round(np.arange(region.low - BELOW, region.high + 0.5 * FINE, FINE), 4)
    signal = sum((profile(line, fine - shift) for line in lines), np.zeros(fine.size))
    lost = FINE * np.convolve(signal, losses(region, FINE * np.arange(fine.size)))[: fine.size]
    x = axis(region)
    level = region.level * region.seconds * (1.0 + SLOPE * (x - x[0]))
    return np.asarray(level + np.interp(x, fine, lost))


def expected(region: Region, lines: list[Line], shift: float) -> Floats:
    """Return the expected counts of a region whose lines the charge moved by `shift` [eV]."""
    x = axis(region)
    signal = sum((profile(line, x - shift) for line in lines), np.zeros(x.size))
    return np.asarray(signal + background(region, lines, shift))
