"""Areas of lines from a film on a substrate, summed over depth.

An electron made at the depth z reaches the surface without a loss with the probability of the straight line,
``exp(-sum of thickness / mean free path)``; emission is along the normal, no elastic scattering. Each site carries a
film of the full thickness with the probability ``coverage``, and none otherwise. Mean free paths are those of
nasicon_simulation (TPP-2M).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from nasicon_simulation.samples import BULK, FILM, Material
from nasicon_simulation.xps import mean_free_path

from xps_simulation.measuring import PHOTON_ENERGY

#: Counts eV per second of a line with cross-section 1, 1 atom/nm3 and 1 nm mean free path, at 1000 eV.
BRIGHTNESS = 245.0
#: Transmission of the analyser: (kinetic energy / 1000 eV) ** TRANSMISSION.
TRANSMISSION = -0.3
#: Scofield's cross-sections for Al K-alpha relative to C 1s, whole subshells; binding energy [eV].
SECTIONS = {
    "Zr 3d": ("Zr", 7.04, 182.4),
    "Na 1s": ("Na", 8.52, 1071.4),
    "P 2p": ("P", 1.192, 133.1),
    "O 1s": ("O", 2.93, 530.9),
    "Si 2p": ("Si", 0.817, 102.0),
    "B 1s": ("B", 0.486, 190.9),
    "Zn 2p": ("Zn", 28.72, 1022.2),
    "C 1s": ("C", 1.0, 284.8),
}
#: Thickness of the slices that are summed, and the depth at which the sum ends [nm].
SLICE, DEEP = 0.002, 60.0


@dataclass(frozen=True)
class Film:
    """Na3PO4 on the electrolyte: coverage, thickness where there is film [nm]."""

    coverage: float
    thickness: float


def transmission(level: str) -> float:
    """Return the transmission at the kinetic energy of a level."""
    return float(((PHOTON_ENERGY - SECTIONS[level][2]) / 1000.0) ** TRANSMISSION)


def path(level: str, material: Material) -> float:
    """Mean free path of the electrons of a level in a material [nm]."""
    return mean_free_path(material, PHOTON_ENERGY - SECTIONS[level][2])


def escaping(level: str, thickness: float) -> tuple[float, float]:
    """Depth integrals of one site: nm of film and of electrolyte that are seen, slice by slice."""
    middle = SLICE * (np.arange(round(DEEP / SLICE)) + 0.5)
    in_film = float(np.sum(SLICE * np.exp(-middle[middle < thickness] / path(level, FILM))))
    through = np.exp(-thickness / path(level, FILM))
    in_bulk = float(np.sum(SLICE * through * np.exp(-middle / path(level, BULK))))
    return in_film, in_bulk


def rates(level: str, film: Film) -> tuple[float, float]:
    """Areas of a level from film and electrolyte per second [counts eV/s]."""
    element, section, _ = SECTIONS[level]
    covered, bare = escaping(level, film.thickness), escaping(level, 0.0)
    seen_film = film.coverage * covered[0]
    seen_bulk = film.coverage * covered[1] + (1.0 - film.coverage) * bare[1]
    unit = BRIGHTNESS * section * transmission(level)
    return unit * FILM.atoms(element) * seen_film, unit * BULK.atoms(element) * seen_bulk


def homogeneous(level: str, density: float) -> float:
    """Area of a level of a homogeneous solid with `density` atoms per nm3, per second [counts eV/s]."""
    return BRIGHTNESS * SECTIONS[level][1] * transmission(level) * density * path(level, BULK)
