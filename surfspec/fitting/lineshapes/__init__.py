"""Line shapes: arrays in, arrays out; peaks of unit area and a step of unit height, with exact derivatives.

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
from surfspec.fitting.lineshapes.casa import LA, LF
from surfspec.fitting.lineshapes.doniach import DONIACH_SUNJIC
from surfspec.fitting.lineshapes.doniach_gauss import DONIACH_SUNJIC_GAUSS
from surfspec.fitting.lineshapes.edge import EDGE
from surfspec.fitting.lineshapes.symmetric import GAUSSIAN, GL_PRODUCT, GL_SUM, LORENTZIAN, PSEUDO_VOIGT
from surfspec.fitting.lineshapes.tailed import PSEUDO_VOIGT_TAIL
from surfspec.fitting.lineshapes.voigt import VOIGT

__all__ = ["SHAPES", "STEPS", "Shape", "shape"]

_PEAKS: Final = (
    GAUSSIAN,
    LORENTZIAN,
    VOIGT,
    PSEUDO_VOIGT,
    GL_SUM,
    GL_PRODUCT,
    DONIACH_SUNJIC,
    DONIACH_SUNJIC_GAUSS,
    LA,
    LF,
    PSEUDO_VOIGT_TAIL,
)
#: Every peak by name; each has unit area.
SHAPES: Final[Mapping[str, Shape]] = MappingProxyType({s.name: s for s in _PEAKS})
#: Shapes that a :class:`~surfspec.fitting.Model` takes beside the peaks and whose integral is not finite: they have
#: unit height, so that what the model calls the area of such a component is its height. They are no peak shapes.
STEPS: Final[Mapping[str, Shape]] = MappingProxyType({EDGE.name: EDGE})


def shape(name: str) -> Shape:
    """Look up a line shape by its name.

    Parameters
    ----------
    name : str
        One of ``SHAPES`` or ``STEPS``.

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
    if name in STEPS:
        return STEPS[name]
    close = get_close_matches(str(name), [*SHAPES, *STEPS], n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    known = f"peaks {', '.join(SHAPES)}; steps {', '.join(STEPS)}"
    raise InputError(f"Unknown line shape {name!r}", remedy=f"{hint}Known shapes: {known}")
