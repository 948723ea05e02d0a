"""Expected counts of a pattern: phases in their amounts, background, and the truth in words."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xrd_simulation import optics as beam
from xrd_simulation.crystals import Crystal
from xrd_simulation.optics import Optics
from xrd_simulation.reflections import Texture, lines

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Part:
    """One phase of a sample: the crystal as it is, that of its card, amount, size (nm), strain, texture, graininess."""

    crystal: Crystal
    weight: float
    size: float = 150.0
    strain: float = 0.0
    texture: Texture | None = None
    graininess: float = 0.0
    origin: Crystal | None = None


@dataclass(frozen=True)
class Background:
    """Level (counts), air scatter over it at 10 deg with its decay (deg), humps (height, place, width)."""

    level: float = 200.0
    air: float = 0.0
    decay: float = 6.0
    slope: float = -0.003
    humps: tuple[tuple[float, float, float], ...] = field(default=())


@dataclass(frozen=True)
class Pattern:
    """One measurement: axis (start, stop, step in deg), optics, phases, background, counts of the highest line."""

    name: str
    axis: tuple[float, float, float]
    optics: Optics
    parts: tuple[Part, ...]
    background: Background
    top: float

    @property
    def two_theta(self) -> Floats:
        """Angles (deg)."""
        start, stop, step = self.axis
        return np.asarray(np.round(start + step * np.arange(round((stop - start) / step) + 1), 4))


def part_curve(pattern: Pattern, part: Part, rng: np.random.Generator) -> Floats:
    """Intensity of one phase in arbitrary units that are the same for all phases."""
    axis = pattern.two_theta
    first = pattern.optics.lines[0][0]
    found = lines(
        part.crystal, first, min(axis[-1] + 8.0, 160.0), origin=part.origin, texture=part.texture,
        graininess=part.graininess, rng=rng,
    )  # fmt: skip
    y = np.zeros(axis.size)
    for wavelength, share in pattern.optics.lines:
        sine = wavelength / (2.0 * found.d)
        keep = (sine < np.sin(np.deg2rad(min(axis[-1] + 2.0, 160.0)) / 2)) & (
            sine > np.sin(np.deg2rad(axis[0] - 2.0) / 2)
        )
        if not np.any(keep):
            continue
        angles = np.rad2deg(2.0 * np.arcsin(sine[keep]))
        areas = share * found.power[keep] * beam.lorentz_polarisation(angles, pattern.optics.monochromator)
        places, weights = beam.shifts(angles, pattern.optics)
        gauss, lorentz = beam.widths(angles, wavelength, pattern.optics, part.size, part.strain)
        count = places.shape[1]
        y += beam.draw(
            axis, places.ravel(), (areas[:, None] * weights).ravel(), np.repeat(gauss, count),
            np.repeat(lorentz, count), pattern.optics,
        )  # fmt: skip
    return part.weight * y


def background(pattern: Pattern) -> Floats:
    """Return the counts of level, air scatter and humps."""
    axis, one = pattern.two_theta, pattern.background
    y = one.level * np.maximum(1.0 + one.slope * (axis - axis[0]), 0.2)
    y = y + one.level * one.air * np.exp(-(axis - 10.0) / one.decay)
    for height, place, width in one.humps:
        y = y + height * np.exp(-0.5 * ((axis - place) / width) ** 2)
    return np.asarray(y)


def curves(pattern: Pattern, rng: np.random.Generator | None = None) -> tuple[Floats, Floats]:
    """Background (n,) and the expected counts of each phase (parts, n)."""
    rng = rng or np.random.default_rng(0)
    found = np.array([part_curve(pattern, part, rng) for part in pattern.parts]).reshape(len(pattern.parts), -1)
    total = found.sum(axis=0)
    scale = pattern.top / total.max() if len(pattern.parts) else 1.0
    return background(pattern), scale * found


def expected(pattern: Pattern, rng: np.random.Generator | None = None) -> Floats:
    """Return the expected counts of a pattern."""
    floor, found = curves(pattern, rng)
    return np.asarray(floor + found.sum(axis=0))
