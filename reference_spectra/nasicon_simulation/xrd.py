"""Powder patterns from structure factors: Cu K-alpha1, germanium monochromator, pseudo-Voigt lines, Poisson counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import gemmi
import numpy as np
from numpy.typing import NDArray

from nasicon_simulation.structures import STRUCTURES, Structure

Floats = NDArray[np.float64]

WAVELENGTH = 1.540598  # angstrom
PHOTON_ENERGY = 8047.78  # eV
STEP = 0.033
AXIS = np.round(10.0 + STEP * np.arange(2122), 4)
MONOCHROMATOR = 27.28  # 2 theta of Ge (111) [deg]
CAGLIOTI = (0.004, -0.002, 0.0060)  # U, V, W [deg2]
LORENTZ_SHARE = 0.55
#: Counts at unit weight fraction; one constant for all patterns.
BRIGHTNESS = 1.8e4


@dataclass(frozen=True)
class Pattern:
    """What was put under the beam: weight fractions by phase, zero error, displacement, counting."""

    sample: str
    label: str
    filename: str
    weights: dict[str, float]
    zero: float  # deg, added to every angle
    displacement: float  # deg, multiplied by cos(theta) and added
    level: float  # background counts
    hump: float  # counts of the broad hump of a cover film near 22 degrees

    @property
    def name(self) -> str:
        """Return sample and label in one word."""
        return f"{self.sample}_{self.label}"


PATTERNS = (
    Pattern(
        "as_sintered", "before", "as_sintered_before.xrdml",
        {"NZSP_C2c": 0.974, "ZrO2_m": 0.026}, 0.015, -0.010, 260, 0,
    ),
    Pattern(
        "as_sintered", "after", "as_sintered_after.xrdml",
        {"NZSP_C2c": 0.620, "ZrO2_m": 0.016, "Na_bcc": 0.364}, 0.015, 0.030, 320, 180,
    ),
    Pattern("polished", "before", "polished_before.xy", {"NZSP_C2c": 1.0}, -0.010, 0.020, 260, 0),
    Pattern("polished", "coated", "polished_coated.xy", {"NZSP_C2c": 0.880, "Pb_fcc": 0.120}, -0.010, 0.035, 300, 0),
    Pattern(
        "polished", "after", "polished_after.xy",
        {"NZSP_C2c": 0.330, "Na15Pb4": 0.280, "Na_bcc": 0.330, "Pb_fcc": 0.060}, -0.010, 0.045, 320, 180,
    ),
    Pattern(
        "annealed", "before", "annealed_before.xye",
        {"NZSP_C2c": 0.915, "ZrO2_m": 0.045, "ZrSiO4": 0.040}, 0.020, 0.0, 260, 0,
    ),
    Pattern(
        "annealed", "after", "annealed_after.xy",
        {"NZSP_C2c": 0.600, "ZrO2_m": 0.030, "ZrSiO4": 0.026, "Na_bcc": 0.344}, 0.020, 0.025, 320, 180,
    ),
)  # fmt: skip


def _atoms(structure: Structure) -> list[tuple[dict[str, float], NDArray[np.float64], float]]:
    """Positions of all atoms in the cell, one list of distinct positions a site."""
    group = gemmi.SpaceGroup(structure.space_group)
    cell = gemmi.UnitCell(*structure.cell)
    orbits = []
    for occupancy, x, y, z, b in structure.sites:
        found: list[gemmi.Fractional] = []
        for operation in group.operations():
            point = gemmi.Fractional(*operation.apply_to_xyz([x, y, z]))
            if all(cell.find_nearest_pbc_image(point, other, 0).dist() > 0.05 for other in found):
                found.append(point)
        orbits.append((occupancy, np.array([[p.x, p.y, p.z] for p in found]), b))
    return orbits


def molar_mass_of_cell(structure: Structure) -> float:
    """Mass of the atoms in the cell [g/mol]."""
    return sum(
        len(places) * sum(share * gemmi.Element(symbol).weight for symbol, share in occupancy.items())
        for occupancy, places, _ in _atoms(structure)
    )


@cache
def reflections(phase: str) -> tuple[Floats, Floats]:
    """Bragg angles 2 theta [deg] and ``multiplicity * |F|**2`` of a phase, equivalent and overlapping lines summed."""
    structure = STRUCTURES[phase]
    cell = gemmi.UnitCell(*structure.cell)
    shortest = WAVELENGTH / (2.0 * np.sin(np.deg2rad(41.0)))
    limits = [int(np.ceil(edge / shortest)) for edge in structure.cell[:3]]
    grid = np.stack(np.meshgrid(*(np.arange(-n, n + 1) for n in limits), indexing="ij"), axis=-1).reshape(-1, 3)
    fractionalisation = np.array(cell.frac.mat.tolist())
    reciprocal = grid @ fractionalisation
    inverse_d2 = np.sum(reciprocal**2, axis=1)
    keep = (inverse_d2 > 1e-9) & (inverse_d2 < 1.0 / shortest**2)
    hkl, stol2 = grid[keep].astype(float), 0.25 * inverse_d2[keep]
    amplitude = np.zeros(len(hkl), dtype=complex)
    for occupancy, places, b in _atoms(structure):
        phases = np.exp(2j * np.pi * hkl @ places.T).sum(axis=1)
        amplitude += _scattering(occupancy, stol2) * np.exp(-b * stol2) * phases
    order = np.argsort(stol2)
    groups = np.cumsum(np.diff(stol2[order], prepend=0.0) > 1e-8)
    power = np.bincount(groups, weights=np.abs(amplitude[order]) ** 2)
    mean = np.bincount(groups, weights=stol2[order]) / np.maximum(np.bincount(groups), 1)
    strong = power > 1e-6 * power.max()
    return np.rad2deg(2.0 * np.arcsin(WAVELENGTH * np.sqrt(mean[strong]))), power[strong]


def _scattering(occupancy: dict[str, float], stol2: Floats) -> NDArray[np.complex128]:
    """Atomic form factor (International Tables C, 1992) with Cromer-Liberman dispersion, occupancies included."""
    total = np.zeros(stol2.size, dtype=complex)
    for symbol, share in occupancy.items():
        element = gemmi.Element(symbol)
        real, imaginary = gemmi.cromer_liberman(element.atomic_number, PHOTON_ENERGY)
        form = np.array([element.it92.calculate_sf(float(s)) for s in stol2])
        total += share * (form + real + 1j * imaginary)
    return total


def lorentz_polarisation(two_theta: Floats) -> Floats:
    """Lorentz and polarisation factor behind an incident-beam crystal monochromator."""
    theta = np.deg2rad(two_theta) / 2.0
    crystal = np.cos(np.deg2rad(MONOCHROMATOR)) ** 2
    return np.asarray((1.0 + crystal * np.cos(2 * theta) ** 2) / ((1.0 + crystal) * np.sin(theta) ** 2 * np.cos(theta)))


def width(two_theta: Floats, crystallite: float) -> Floats:
    """Full width at half maximum [deg]: Caglioti's instrument plus Scherrer's size, added in quadrature."""
    theta = np.deg2rad(two_theta) / 2.0
    u, v, w = CAGLIOTI
    instrument = u * np.tan(theta) ** 2 + v * np.tan(theta) + w
    size = np.rad2deg(0.9 * WAVELENGTH / (10.0 * crystallite * np.cos(theta)))
    return np.asarray(np.sqrt(instrument + size**2))


def phase_pattern(phase: str, pattern: Pattern) -> Floats:
    """Return the counts of one phase: its weight over the mass and volume of the cell, times ``m |F|^2 LP``."""
    structure = STRUCTURES[phase]
    angles, power = reflections(phase)
    volume = gemmi.UnitCell(*structure.cell).volume
    scale = BRIGHTNESS * pattern.weights[phase] / (molar_mass_of_cell(structure) * volume)
    areas = scale * power * lorentz_polarisation(angles)
    places = angles + pattern.zero + pattern.displacement * np.cos(np.deg2rad(angles) / 2.0)
    widths = width(angles, structure.crystallite)
    y = np.zeros_like(AXIS)
    for place, area, full in zip(places, areas, widths, strict=True):
        near = slice(*np.searchsorted(AXIS, [place - 40.0 * full, place + 40.0 * full]))
        t = (AXIS[near] - place) / full
        gauss = 2.0 * np.sqrt(np.log(2.0) / np.pi) * np.exp(-4.0 * np.log(2.0) * t**2)
        lorentz = 2.0 / np.pi / (1.0 + 4.0 * t**2)
        y[near] += area * STEP / full * (LORENTZ_SHARE * lorentz + (1.0 - LORENTZ_SHARE) * gauss)
    return y


def background(pattern: Pattern) -> Floats:
    """Level, air scatter at low angles, and the hump of a polymer cover where sodium had to be kept from air."""
    air = 2.2 * pattern.level * np.exp(-(AXIS - 10.0) / 6.0)
    hump = pattern.hump * np.exp(-0.5 * ((AXIS - 22.0) / 3.5) ** 2)
    return np.asarray(pattern.level * (1.0 - 0.004 * (AXIS - 10.0)) + air + hump)


def expected(pattern: Pattern) -> Floats:
    """Return the expected counts of a pattern."""
    return background(pattern) + sum((phase_pattern(phase, pattern) for phase in pattern.weights), np.zeros_like(AXIS))
