"""Powder diffraction: phases, calculated patterns, peak search, phase identification and weight fractions.

>>> from surfspec import xrd
>>> lead = xrd.phases(["Pb_fcc"])[0]
>>> lines = xrd.pattern(lead, wavelength="CuKa1", two_theta=(25, 40))
>>> lines.reflection_two_theta.values.round(2).tolist()
[31.27, 36.26]
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surfspec.xrd.cif import read_cif
    from surfspec.xrd.match import match
    from surfspec.xrd.pattern import pattern
    from surfspec.xrd.peaks import find_peaks
    from surfspec.xrd.phases import Phase, Site, phases
    from surfspec.xrd.quantify import quantify
    from surfspec.xrd.radiation import Radiation, radiation
    from surfspec.xrd.recipe import Recipe
    from surfspec.xrd.report import report

_HOME = {
    "Phase": "phases",
    "Radiation": "radiation",
    "Recipe": "recipe",
    "Site": "phases",
    "find_peaks": "peaks",
    "match": "match",
    "pattern": "pattern",
    "phases": "phases",
    "quantify": "quantify",
    "radiation": "radiation",
    "read_cif": "cif",
    "report": "report",
}

__all__ = [
    "Phase",
    "Radiation",
    "Recipe",
    "Site",
    "find_peaks",
    "match",
    "pattern",
    "phases",
    "quantify",
    "radiation",
    "read_cif",
    "report",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"surfspec.xrd.{_HOME[name]}"), name)
        globals()[name] = value  # a submodule of the same name must not shadow the function
        return value
    raise AttributeError(f"module 'surfspec.xrd' has no attribute {name!r}; public names: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
