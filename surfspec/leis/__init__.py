"""Low-energy ion scattering: kinematics, cross-sections, tied fits, normalisation, coverage, detection.

>>> import surfspec as ss
>>> round(ss.leis.elastic_energy("O", ion="4He", energy=3000, angle=145), 1)
1182.1
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surfspec.leis.calibration import calibrate
    from surfspec.leis.cross_sections import cross_section
    from surfspec.leis.detection import detect
    from surfspec.leis.kinematics import elastic_energy
    from surfspec.leis.normalisation import normalise
    from surfspec.leis.recipe import Recipe
    from surfspec.leis.spectrum_fit import fit
    from surfspec.leis.two_phase import coverage

#: Public name -> module that defines it; loaded on first use. No module carries the name of a function,
#: or importing it would put the module in the place of the function.
_HOME = {
    "Recipe": "recipe",
    "calibrate": "calibration",
    "coverage": "two_phase",
    "cross_section": "cross_sections",
    "detect": "detection",
    "elastic_energy": "kinematics",
    "fit": "spectrum_fit",
    "normalise": "normalisation",
}

__all__ = ["Recipe", "calibrate", "coverage", "cross_section", "detect", "elastic_energy", "fit", "normalise"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"surfspec.leis.{_HOME[name]}"), name)
    raise AttributeError(f"module 'surfspec.leis' has no attribute {name!r}; public names: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
