"""Low-energy ion scattering: kinematics, cross-sections, tied fits, normalisation, coverage, detection.

>>> import surfspec as ss
>>> round(ss.leis.elastic_energy("O", ion="4He", energy=3000, angle=145), 1)
1182.1
"""

from surfspec.leis.amounts.appearance import first_detected
from surfspec.leis.amounts.comparison import area_ratio
from surfspec.leis.amounts.computed_yields import sensitivity_from_cross_sections
from surfspec.leis.amounts.detection import detect
from surfspec.leis.amounts.neutralisation import ion_fraction
from surfspec.leis.amounts.normalisation import normalise
from surfspec.leis.amounts.profile import depth_profile
from surfspec.leis.amounts.surface_composition import composition
from surfspec.leis.amounts.yields import sensitivity
from surfspec.leis.collisions.calibrated_positions import calibrated_energies
from surfspec.leis.collisions.calibration import calibrate
from surfspec.leis.collisions.cross_sections import cross_section, rutherford
from surfspec.leis.collisions.kinematics import elastic_energy, target_mass
from surfspec.leis.collisions.recoils import double_scattering_limit, recoil_energy
from surfspec.leis.film.edge_calibration import calibrate_edge
from surfspec.leis.film.edge_thickness import thickness
from surfspec.leis.film.element_relaxation import relaxation
from surfspec.leis.film.joint_removal import removal
from surfspec.leis.film.single_element import element_coverage
from surfspec.leis.film.two_phase import coverage
from surfspec.leis.planning.element_lines import line_table
from surfspec.leis.planning.identification import candidates
from surfspec.leis.planning.projectiles import better_projectile
from surfspec.leis.planning.seen_elements import visibility
from surfspec.leis.planning.separation import forecast
from surfspec.leis.recipe import Recipe
from surfspec.leis.spectrum.foot_calibration import calibrate_foot
from surfspec.leis.spectrum.model_adequacy import adequacy
from surfspec.leis.spectrum.shared_table import area_covariance
from surfspec.leis.spectrum.spectrum_fit import fit

__all__ = [
    "Recipe",
    "adequacy",
    "area_covariance",
    "area_ratio",
    "better_projectile",
    "calibrate",
    "calibrate_edge",
    "calibrate_foot",
    "calibrated_energies",
    "candidates",
    "composition",
    "coverage",
    "cross_section",
    "depth_profile",
    "detect",
    "double_scattering_limit",
    "elastic_energy",
    "element_coverage",
    "first_detected",
    "fit",
    "forecast",
    "ion_fraction",
    "line_table",
    "normalise",
    "recoil_energy",
    "relaxation",
    "removal",
    "rutherford",
    "sensitivity",
    "sensitivity_from_cross_sections",
    "target_mass",
    "thickness",
    "visibility",
]
