"""Powder diffraction: phases, calculated patterns, peak search, phase identification and weight fractions.

>>> from surfspec import xrd
>>> lead = xrd.phases(["Pb_fcc"])[0]
>>> lines = xrd.pattern(lead, wavelength="CuKa1", two_theta=(25, 40))
>>> lines.reflection_two_theta.values.round(2).tolist()
[31.27, 36.26]
"""

from surfspec.xrd.amounts.balance import composition
from surfspec.xrd.amounts.intensity_ratio import reference_intensity_ratio
from surfspec.xrd.amounts.quantification import quantify
from surfspec.xrd.lines.assignment import assign
from surfspec.xrd.lines.peak_table import find_peaks
from surfspec.xrd.lines.shift_by_standard import line_shift
from surfspec.xrd.lines.smooth_background import background
from surfspec.xrd.matching.identification import match
from surfspec.xrd.matching.summaries import report
from surfspec.xrd.patterns.axial import Axial
from surfspec.xrd.patterns.calculated import pattern
from surfspec.xrd.patterns.intensities import intensity
from surfspec.xrd.patterns.optics import displacement_to_degrees, displacement_to_mm, transparency_to_degrees
from surfspec.xrd.patterns.profile import Caglioti
from surfspec.xrd.patterns.texture import Texture
from surfspec.xrd.patterns.thompson import Thompson
from surfspec.xrd.patterns.wavelengths import Radiation, radiation
from surfspec.xrd.recipe import Recipe
from surfspec.xrd.refinement.cell_table import cells
from surfspec.xrd.refinement.full_pattern import refine
from surfspec.xrd.refinement.lattice import Lattice
from surfspec.xrd.refinement.options import Refinement
from surfspec.xrd.series.comparison import changes
from surfspec.xrd.series.fixed_phases import fractions
from surfspec.xrd.series.trend import follow
from surfspec.xrd.structures.cards import phases
from surfspec.xrd.structures.cif import read_cif
from surfspec.xrd.structures.folder import read_folder
from surfspec.xrd.structures.likeness import isotypes, polymorphs, same_structure_type
from surfspec.xrd.structures.listing import phase_table
from surfspec.xrd.structures.phase import Phase, Site
from surfspec.xrd.structures.second_look import doubts

__all__ = [
    "Axial",
    "Caglioti",
    "Lattice",
    "Phase",
    "Radiation",
    "Recipe",
    "Refinement",
    "Site",
    "Texture",
    "Thompson",
    "assign",
    "background",
    "cells",
    "changes",
    "composition",
    "displacement_to_degrees",
    "displacement_to_mm",
    "doubts",
    "find_peaks",
    "follow",
    "fractions",
    "intensity",
    "isotypes",
    "line_shift",
    "match",
    "pattern",
    "phase_table",
    "phases",
    "polymorphs",
    "quantify",
    "radiation",
    "read_cif",
    "read_folder",
    "reference_intensity_ratio",
    "refine",
    "report",
    "same_structure_type",
    "transparency_to_degrees",
]
