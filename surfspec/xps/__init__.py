"""X-ray photoelectron spectroscopy: core-level fits, charge correction, quantities."""

from surfspec.xps.charge import charge_correct, undo_charge_correction
from surfspec.xps.fit import fit
from surfspec.xps.quantify import normalise, quantify
from surfspec.xps.recipe import AreaRatio, Background, Doublet, Peak, Range, Recipe, recipe, recipe_names

__all__ = [
    "AreaRatio",
    "Background",
    "Doublet",
    "Peak",
    "Range",
    "Recipe",
    "charge_correct",
    "fit",
    "normalise",
    "quantify",
    "recipe",
    "recipe_names",
    "undo_charge_correction",
]
