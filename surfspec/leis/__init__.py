"""Low-energy ion scattering: kinematics, cross-sections, tied fits, normalisation, coverage, detection.

>>> import surfspec as ss
>>> round(ss.leis.elastic_energy("O", ion="4He", energy=3000, angle=145), 1)
1182.1
"""

from surfspec.leis.amounts.detection import detect
from surfspec.leis.amounts.normalisation import normalise
from surfspec.leis.collisions.calibration import calibrate
from surfspec.leis.collisions.cross_sections import cross_section
from surfspec.leis.collisions.kinematics import elastic_energy
from surfspec.leis.film.two_phase import coverage
from surfspec.leis.recipe import Recipe
from surfspec.leis.spectrum.spectrum_fit import fit

__all__ = [
    "Recipe",
    "calibrate",
    "coverage",
    "cross_section",
    "detect",
    "elastic_energy",
    "fit",
    "normalise",
]
