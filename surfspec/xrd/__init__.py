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
    from surfspec.xrd.calculated import pattern
    from surfspec.xrd.cif import read_cif
    from surfspec.xrd.identification import match
    from surfspec.xrd.peaks import find_peaks
    from surfspec.xrd.recipe import Recipe
    from surfspec.xrd.structures import Phase, Site, phases
    from surfspec.xrd.summaries import report
    from surfspec.xrd.wavelengths import Radiation, radiation
    from surfspec.xrd.weights import quantify

_HOME = {
    "Phase": "structures",
    "Radiation": "wavelengths",
    "Recipe": "recipe",
    "Site": "structures",
    "find_peaks": "peaks",
    "match": "identification",
    "pattern": "calculated",
    "phases": "structures",
    "quantify": "weights",
    "radiation": "wavelengths",
    "read_cif": "cif",
    "report": "summaries",
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
        return getattr(importlib.import_module(f"surfspec.xrd.{_HOME[name]}"), name)
    raise AttributeError(f"module 'surfspec.xrd' has no attribute {name!r}; public names: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
