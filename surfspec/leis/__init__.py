"""Low-energy ion scattering: kinematics, cross-sections, tied fits, normalisation, coverage, detection.

>>> import surfspec as ss
>>> round(ss.leis.elastic_energy("O", ion="4He", energy=3000, angle=145), 1)
1182.1
"""

from surfspec.leis.amounts.appearance import first_detected
from surfspec.leis.amounts.detection import detect
from surfspec.leis.amounts.normalisation import normalise
from surfspec.leis.collisions.calibration import calibrate
from surfspec.leis.collisions.cross_sections import cross_section, rutherford
from surfspec.leis.collisions.kinematics import (
    double_scattering_limit,
    elastic_energy,
    recoil_energy,
    target_mass,
)
from surfspec.leis.film.two_phase import coverage
from surfspec.leis.planning.element_lines import line_table
from surfspec.leis.planning.identification import candidates
from surfspec.leis.recipe import Recipe
from surfspec.leis.spectrum.spectrum_fit import fit

__all__ = [
    "Recipe",
    "calibrate",
    "candidates",
    "coverage",
    "cross_section",
    "detect",
    "double_scattering_limit",
    "elastic_energy",
    "first_detected",
    "fit",
    "line_table",
    "normalise",
    "recoil_energy",
    "rutherford",
    "target_mass",
]
