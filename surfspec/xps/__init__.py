"""X-ray photoelectron spectroscopy: core-level fits, charge correction, quantities."""

from surfspec.xps.charge import charge_correct, undo_charge_correction
from surfspec.xps.composition import quantify
from surfspec.xps.mean_free_path import inelastic_mean_free_path
from surfspec.xps.quantities import normalise
from surfspec.xps.recipe import (
    AreaRatio,
    Background,
    Doublet,
    Multiplet,
    MultipletLine,
    Peak,
    Range,
    Recipe,
    load_recipe,
    recipe_names,
)
from surfspec.xps.replicates import bootstrap
from surfspec.xps.solving import solve
from surfspec.xps.spectrum_fit import fit
from surfspec.xps.starting import start_values

__all__ = [
    "AreaRatio",
    "Background",
    "Doublet",
    "Multiplet",
    "MultipletLine",
    "Peak",
    "Range",
    "Recipe",
    "bootstrap",
    "charge_correct",
    "fit",
    "inelastic_mean_free_path",
    "load_recipe",
    "normalise",
    "quantify",
    "recipe_names",
    "solve",
    "start_values",
    "undo_charge_correction",
]
