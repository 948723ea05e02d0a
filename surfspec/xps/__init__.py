"""X-ray photoelectron spectroscopy: core-level fits, charge correction, quantities."""

from surfspec.xps.advice.registry import Advice, advice_table, advise
from surfspec.xps.amounts.auger import auger_parameter
from surfspec.xps.amounts.composition import quantify
from surfspec.xps.amounts.mean_free_path import inelastic_mean_free_path
from surfspec.xps.amounts.normalisation import normalise
from surfspec.xps.casa.columns import casa_report, casa_table
from surfspec.xps.casa.export import CasaFit, to_casa, write_casa_fit
from surfspec.xps.casa.rebuild import rebuild_casa
from surfspec.xps.casa.refit import CasaRecipe, from_casa
from surfspec.xps.charge.correction import charge_correct, charge_correct_each
from surfspec.xps.charge.undo import undo_charge_correction
from surfspec.xps.film.overlayer import thickness
from surfspec.xps.linked.joint import GlobalFit, fit_global
from surfspec.xps.linked.links import ChargeReference, Link
from surfspec.xps.linked.recipe import GlobalRecipe, load_global_recipe
from surfspec.xps.questions.choosing import choose
from surfspec.xps.questions.comparison import compare
from surfspec.xps.questions.limits import state_fraction
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
from surfspec.xps.region.replicates import bootstrap
from surfspec.xps.region.solving import solve
from surfspec.xps.region.spectrum_fit import fit
from surfspec.xps.region.starting import start_values

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
