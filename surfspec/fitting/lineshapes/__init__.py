"""Line shapes: arrays in, arrays out; each of unit area with exact derivatives.

>>> shape("gaussian").height(0.0, 1.0)[0]
0.939437
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from surfspec.errors import InputError
from surfspec.fitting.lineshapes.base import Shape
from surfspec.fitting.lineshapes.doniach import DONIACH_SUNJIC
from surfspec.fitting.lineshapes.doniach_gauss import DONIACH_SUNJIC_GAUSS
from surfspec.fitting.lineshapes.symmetric import GAUSSIAN, GL_PRODUCT, GL_SUM, LORENTZIAN, PSEUDO_VOIGT
from surfspec.fitting.lineshapes.voigt import VOIGT

__all__ = ["SHAPES", "Shape", "shape"]

#: Every line shape by name.
SHAPES: Final[Mapping[str, Shape]] = MappingProxyType(
    {
        s.name: s
        for s in (GAUSSIAN, LORENTZIAN, VOIGT, PSEUDO_VOIGT, GL_SUM, GL_PRODUCT, DONIACH_SUNJIC, DONIACH_SUNJIC_GAUSS)
    }
)


def shape(name: str) -> Shape:
    """Look up a line shape by its name.

    Parameters
    ----------
    name : str
        One of ``SHAPES``.

    Returns
    -------
    Shape

    Raises
    ------
    InputError
        For an unknown name, with the nearest known one.

    Examples
    --------
    >>> shape("voigt").roles
    ('center', 'fwhm_gauss', 'fwhm_lorentz')
    """
    if name in SHAPES:
        return SHAPES[name]
    close = get_close_matches(str(name), SHAPES, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    raise InputError(f"Unknown line shape {name!r}", remedy=f"{hint}Known shapes: {', '.join(SHAPES)}")
