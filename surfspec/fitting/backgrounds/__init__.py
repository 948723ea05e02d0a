"""Backgrounds: arrays in, a ``Background`` out, with the effect of its end levels on every point.

All work on a rising binding-energy axis of any spacing. A background that sits inside a fit (one that integrates the
peaks of the model) is a component of a model, not one of these.

>>> background([0, 1, 2, 3, 4], [1, 1, 5, 3, 3], kind="linear", average=1).values.tolist()
[1.0, 1.5, 2.0, 2.5, 3.0]
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from numpy.typing import ArrayLike

from surfspec.errors import InputError
from surfspec.fitting.backgrounds.base import Background
from surfspec.fitting.backgrounds.iterative import shirley_iterative
from surfspec.fitting.backgrounds.linear import constant, linear, none
from surfspec.fitting.backgrounds.shirley import shirley
from surfspec.fitting.backgrounds.smart import PRESETS, smart
from surfspec.fitting.backgrounds.tougaard import CROSS_SECTIONS, tougaard

__all__ = [
    "CROSS_SECTIONS",
    "KINDS",
    "PRESETS",
    "Background",
    "background",
    "background_options",
    "constant",
    "linear",
    "none",
    "shirley",
    "shirley_iterative",
    "smart",
    "tougaard",
]

#: Every kind of background by name.
KINDS: Final[Mapping[str, Callable[..., Background]]] = MappingProxyType(
    {f.__name__: f for f in (none, constant, linear, shirley, shirley_iterative, smart, tougaard)}
)
_OPTIONS: Final = {name: tuple(inspect.signature(f).parameters)[2:] for name, f in KINDS.items()}


def background_options(kind: str) -> tuple[str, ...]:
    """Name the options of a kind that a recipe may set.

    Parameters
    ----------
    kind : str
        One of ``KINDS``.

    Examples
    --------
    >>> background_options("linear")
    ('average',)
    """
    return tuple(name for name in _OPTIONS[kind] if name not in ("sigma", "window", "anchors"))


def background(
    x: ArrayLike, y: ArrayLike, *, kind: str = "smart", sigma: ArrayLike | None = None, **options: Any
) -> Background:
    """Compute a background of any kind.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Rising binding energies [eV] and data [counts].
    kind : str
        One of ``KINDS``.
    sigma : array_like, shape (n,), optional
        Standard uncertainties of ``y``; counts are assumed without them.
    **options
        Of the function of that name.

    Returns
    -------
    Background

    Raises
    ------
    InputError
        For an unknown kind or option, with the nearest known one, and for data that cannot be used.
    BackgroundError
        Where the background is undefined for these data.

    Examples
    --------
    >>> background(range(5), [0, 0, 0, 0, 0], average=1).values.tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0]
    """
    if kind not in KINDS:
        raise InputError(f"Unknown background {kind!r}", remedy=_near(kind, tuple(KINDS), "kinds"), where="kind")
    for option in options:
        if option not in _OPTIONS[kind]:
            raise InputError(
                f"The background {kind!r} has no option {option!r}",
                remedy=_near(option, _OPTIONS[kind], "options"),
                where=option,
            )
    return KINDS[kind](x, y, sigma=sigma, **options)


def _near(word: str, known: tuple[str, ...], what: str) -> str:
    close = get_close_matches(str(word), known, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known {what}: {', '.join(known)}"
