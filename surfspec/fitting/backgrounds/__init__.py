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
from surfspec.fitting.backgrounds.base import Background, BackgroundSeries
from surfspec.fitting.backgrounds.iterative import shirley_iterative
from surfspec.fitting.backgrounds.linear import constant, linear, none
from surfspec.fitting.backgrounds.members import in_chunks
from surfspec.fitting.backgrounds.shirley import shirley
from surfspec.fitting.backgrounds.smart import PRESETS, smart
from surfspec.fitting.backgrounds.tougaard import CROSS_SECTIONS, tougaard

__all__ = [
    "CROSS_SECTIONS",
    "KINDS",
    "PRESETS",
    "Background",
    "BackgroundSeries",
    "background",
    "background_options",
    "background_series",
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
    _check(kind, options)
    return KINDS[kind](x, y, sigma=sigma, **options)


def background_series(
    x: ArrayLike, y: ArrayLike, *, kind: str = "smart", sigma: ArrayLike | None = None, **options: Any
) -> BackgroundSeries:
    """Compute the backgrounds of many spectra on one axis, each as :func:`background` does it alone.

    The members do not see each other: their order and their number change no bit of an answer. A member that
    :func:`background` refuses is refused here with the same words, and the others go on.

    Parameters
    ----------
    x : array_like, shape (n,)
        Rising binding energies [eV].
    y : array_like, shape (m, n)
        Data [counts].
    kind : str
        One of ``KINDS``.
    sigma : array_like, shape (m, n) or (n,), optional
        Standard uncertainties of ``y``; counts are assumed without them.
    **options
        Of the function of that name, the same for all members; ``anchors`` of shape (m, 2).

    Returns
    -------
    BackgroundSeries

    Raises
    ------
    InputError
        For what concerns all members: an unknown kind or option, a bad value of one, a window that cannot be, an axis
        that does not rise, shapes that differ.

    Examples
    --------
    >>> under = background_series(range(5), [[1, 1, 5, 3, 3], [0, 0, 0, 0, float("nan")]], kind="linear", average=1)
    >>> under.values[0].tolist()
    [1.0, 1.5, 2.0, 2.5, 3.0]
    >>> under.refused[1]
    'y: y is not a finite number at index 4. Cut or interpolate those points.'
    """
    _check(kind, options)
    return in_chunks(kind, x, y, sigma, **options)


def _check(kind: str, options: Mapping[str, Any]) -> None:
    if kind not in KINDS:
        raise InputError(f"Unknown background {kind!r}", remedy=_near(kind, tuple(KINDS), "kinds"), where="kind")
    for option in options:
        if option not in _OPTIONS[kind]:
            raise InputError(
                f"The background {kind!r} has no option {option!r}",
                remedy=_near(option, _OPTIONS[kind], "options"),
                where=option,
            )


def _near(word: str, known: tuple[str, ...], what: str) -> str:
    close = get_close_matches(str(word), known, n=1, cutoff=0.5)
    hint = f"Did you mean {close[0]!r}? " if close else ""
    return f"{hint}Known {what}: {', '.join(known)}"
