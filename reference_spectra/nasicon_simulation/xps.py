"""Core-level spectra: Voigt lines on a Shirley-type step, their areas from a film on a substrate.

Areas follow the straight-line model of attenuation: a line of the electrolyte is reduced by
``1 - coverage * (1 - exp(-t / L))``, one of the film grows with ``coverage * (1 - exp(-t / L))``, with L the
inelastic mean free path in the film at the kinetic energy of the line and emission along the normal. Transmission is
constant. Relative cross-sections are Scofield's for Al K-alpha with C 1s = 1 (J. Electron Spectrosc. 8 (1976) 129).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import cumulative_trapezoid
from scipy.optimize import brentq
from scipy.special import voigt_profile

from nasicon_simulation.samples import BULK, FILM, Material, Sample

Floats = NDArray[np.float64]

PHOTON_ENERGY = 1486.6
PASS_ENERGY = 20.0
DWELL_TIME = 0.05
STEP = 0.1
#: Counts eV per second of a line with cross-section 1, 1 atom/nm3 and 1 nm mean free path.
BRIGHTNESS = 245.0


@dataclass(frozen=True)
class Region:
    """Window [eV, on the uncorrected scale], scans, background level [counts/s] and step per peak area [1/eV]."""

    name: str
    low: float
    high: float
    scans: int
    level: float
    step: float


@dataclass(frozen=True)
class Line:
    """One line: true energy, Gaussian and Lorentzian width [eV], area [counts eV] at infinite range."""

    name: str
    energy: float
    gaussian: float
    lorentzian: float
    area: float


REGIONS = (
    Region("Zr 3d", 178.0, 193.0, 50, 1500.0, 0.030),
    Region("Na 1s", 1065.0, 1083.0, 30, 9000.0, 0.025),
    Region("P 2p", 128.0, 143.0, 80, 1050.0, 0.030),
    Region("C 1s", 280.0, 297.0, 60, 2100.0, 0.020),
    Region("O 1s", 526.0, 546.0, 30, 3600.0, 0.018),
    Region("Si 2p", 96.0, 111.0, 80, 900.0, 0.030),
)

#: Element, level: Scofield cross-section (sum over the doublet), binding energy of the line at the lowest energy,
#: splitting, share of the lower-energy member (2j + 1 ratio), Gaussian and Lorentzian full widths.
#: Zr 3d5/2 is the charge reference; Na 1s and P 2p of film and electrolyte coincide (Querel et al. 2021). The
#: widths are choices of this simulation.
LEVELS = {
    "Zr 3d": ("Zr", 7.04, 182.40, 2.40, 3.0 / 5.0, 1.45, 0.20),
    "Na 1s": ("Na", 8.52, 1071.40, 0.0, 1.0, 1.55, 0.30),
    "P 2p": ("P", 1.192, 133.10, 0.85, 2.0 / 3.0, 1.55, 0.15),
    "O 1s": ("O", 2.93, 530.90, 0.0, 1.0, 1.50, 0.20),
    "Si 2p": ("Si", 0.817, 102.00, 0.61, 2.0 / 3.0, 1.55, 0.12),
}
DOUBLETS = {"Zr 3d": ("Zr 3d5/2", "Zr 3d3/2"), "P 2p": ("P 2p3/2", "P 2p1/2"), "Si 2p": ("Si 2p3/2", "Si 2p1/2")}
#: Contamination: energy, share of the C 1s area, Gaussian and Lorentzian width, oxygen atoms a carbon.
CARBON = {
    "C-C": (284.90, 0.72, 1.40, 0.10, 0.0),
    "C-O": (286.40, 0.17, 1.40, 0.10, 1.0),
    "carbonate": (289.30, 0.11, 1.40, 0.10, 3.0),
}
SURFACE_OXYGEN = (532.30, 1.50, 0.20)  # phosphate film, carbonate and C-O taken together
#: Na KL1L23 Auger group near 950.7 eV of kinetic energy: position on the binding scale, Gaussian width, area / Na 1s.
AUGER = (535.90, 3.4, 0.060)


def mean_free_path(material: Material, kinetic_energy: float) -> float:
    """Inelastic mean free path by TPP-2M [nm] (Tanuma, Powell and Penn, Surf. Interface Anal. 21 (1994) 165)."""
    u = material.valence_electrons * material.density / material.molar_mass
    plasmon = 28.8 * np.sqrt(u)
    beta = -0.10 + 0.944 / np.sqrt(plasmon**2 + material.band_gap**2) + 0.069 * material.density**0.1
    gamma = 0.191 / np.sqrt(material.density)
    c, d = 1.97 - 0.91 * u, 53.4 - 20.8 * u
    e = kinetic_energy
    return float(0.1 * e / (plasmon**2 * (beta * np.log(gamma * e) - c / e + d / e**2)))


def _strengths(sample: Sample, region: str) -> tuple[float, float]:
    """Area of a level from the electrolyte and from the film, per second of counting [counts eV/s]."""
    element, section, energy = LEVELS[region][:3]
    kinetic = PHOTON_ENERGY - energy
    in_film, in_bulk = mean_free_path(FILM, kinetic), mean_free_path(BULK, kinetic)
    lost = sample.coverage * (1.0 - np.exp(-sample.thickness / in_film))
    bulk = BRIGHTNESS * section * BULK.atoms(element) * in_bulk * (1.0 - lost)
    film = BRIGHTNESS * section * FILM.atoms(element) * in_film * lost
    return float(bulk), float(film)


def lines(sample: Sample, region: Region) -> list[Line]:
    """Return the lines of a region with their areas in counts eV."""
    seconds = DWELL_TIME * region.scans
    if region.name == "C 1s":
        total = _carbon(sample) * seconds
        return [Line(n, e, g, w, total * share) for n, (e, share, g, w, _) in CARBON.items()]
    _, _, energy, splitting, share, gaussian, lorentzian = LEVELS[region.name]
    bulk, film = (seconds * part for part in _strengths(sample, region.name))
    if region.name == "O 1s":
        outer = seconds * 2.93 * _carbon(sample) * sum(c[1] * c[4] for c in CARBON.values())
        auger = seconds * AUGER[2] * sum(_strengths(sample, "Na 1s"))
        return [
            Line("O lattice", energy, gaussian, lorentzian, bulk),
            Line("O surface", SURFACE_OXYGEN[0], SURFACE_OXYGEN[1], SURFACE_OXYGEN[2], film + outer),
            Line("Na KLL", AUGER[0], AUGER[1], 0.0, auger),
        ]
    if region.name not in DOUBLETS:
        return [Line(region.name, energy, gaussian, lorentzian, bulk + film)]
    first, second = DOUBLETS[region.name]
    return [
        Line(first, energy, gaussian, lorentzian, share * (bulk + film)),
        Line(second, energy + splitting, gaussian, lorentzian, (1.0 - share) * (bulk + film)),
    ]


def _carbon(sample: Sample) -> float:
    """Area of C 1s per second, given by its ratio to Zr 3d5/2."""
    return sample.carbon * LEVELS["Zr 3d"][4] * sum(_strengths(sample, "Zr 3d"))


def profile(line: Line, x: Floats) -> Floats:
    """Voigt profile times area at true energies x [counts]."""
    sigma = line.gaussian / (2.0 * np.sqrt(2.0 * np.log(2.0)))
    return np.asarray(line.area * voigt_profile(x - line.energy, sigma, 0.5 * line.lorentzian))


def full_width(line: Line) -> float:
    """Full width at half maximum of a line, found numerically [eV]."""
    half = 0.5 * profile(line, np.array([line.energy]))[0]

    def excess(distance: float) -> float:
        return float(profile(line, np.array([line.energy + distance]))[0] - half)

    return 2.0 * float(brentq(excess, 0.0, 3.0 * (line.gaussian + line.lorentzian), xtol=1e-12))


def axis(region: Region) -> Floats:
    """Energies at which the region was measured, as the analyser showed them [eV]."""
    return np.round(region.low + STEP * np.arange(round((region.high - region.low) / STEP) + 1), 4)


def background(sample: Sample, region: Region, found: list[Line]) -> Floats:
    """Constant level plus `step` times the integral of all lines at lower binding energy [counts].

    The integral starts 200 eV below the window and runs on steps of 0.01 eV.
    """
    fine = np.round(np.arange(region.low - 200.0, region.high + 0.005, 0.01), 4)
    signal = sum((profile(line, fine - sample.charge_shift) for line in found), np.zeros_like(fine))
    below = cumulative_trapezoid(signal, fine, initial=0)
    level = region.level * DWELL_TIME * region.scans
    return np.asarray(level + region.step * np.interp(axis(region), fine, below))


def expected(sample: Sample, region: Region) -> Floats:
    """Return the expected counts of a region on its measured axis."""
    found = lines(sample, region)
    signal = sum((profile(line, axis(region) - sample.charge_shift) for line in found), np.zeros(axis(region).size))
    return np.asarray(signal + background(sample, region, found))
