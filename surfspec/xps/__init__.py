"""X-ray photoelectron spectroscopy: core-level fits, charge correction, quantities."""

from surfspec.xps.advice import Advice, advice_table, advise
from surfspec.xps.auger import auger_parameter
from surfspec.xps.casa_columns import casa_report, casa_table
from surfspec.xps.casa_export import CasaFit, to_casa, write_casa_fit
from surfspec.xps.casa_rebuild import rebuild_casa
from surfspec.xps.casa_recipe import CasaRecipe, from_casa
from surfspec.xps.charge import charge_correct, charge_correct_each
from surfspec.xps.charge_undo import undo_charge_correction
from surfspec.xps.choosing import choose
from surfspec.xps.comparison import compare
from surfspec.xps.composition import quantify
from surfspec.xps.global_fit import GlobalFit, fit_global
from surfspec.xps.global_recipe import GlobalRecipe, load_global_recipe
from surfspec.xps.limits import state_fraction
from surfspec.xps.links import ChargeReference, Link
from surfspec.xps.mean_free_path import inelastic_mean_free_path
from surfspec.xps.overlayer import thickness
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
    "Advice",
    "AreaRatio",
    "Background",
    "CasaFit",
    "CasaRecipe",
    "ChargeReference",
    "Doublet",
    "GlobalFit",
    "GlobalRecipe",
    "Link",
    "Multiplet",
    "MultipletLine",
    "Peak",
    "Range",
    "Recipe",
    "advice_table",
    "advise",
    "auger_parameter",
    "bootstrap",
    "casa_report",
    "casa_table",
    "charge_correct",
    "charge_correct_each",
    "choose",
    "compare",
    "fit",
    "fit_global",
    "from_casa",
    "inelastic_mean_free_path",
    "load_global_recipe",
    "load_recipe",
    "normalise",
    "quantify",
    "rebuild_casa",
    "recipe_names",
    "solve",
    "start_values",
    "state_fraction",
    "thickness",
    "to_casa",
    "undo_charge_correction",
    "write_casa_fit",
]
