"""X-ray photoelectron spectroscopy: core-level fits, charge correction, quantities."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surfspec.xps.charge import charge_correct, undo_charge_correction
    from surfspec.xps.fit import fit
    from surfspec.xps.quantify import normalise, quantify
    from surfspec.xps.recipe import Background, Doublet, Peak, Range, Recipe, recipe, recipe_names

_HOME = {
    "Recipe": "recipe",
    "Peak": "recipe",
    "Doublet": "recipe",
    "Background": "recipe",
    "Range": "recipe",
    "recipe": "recipe",
    "recipe_names": "recipe",
    "fit": "fit",
    "charge_correct": "charge",
    "undo_charge_correction": "charge",
    "normalise": "quantify",
    "quantify": "quantify",
}

__all__ = [
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


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"surfspec.xps.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'surfspec.xps' has no attribute {name!r}; public names: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
