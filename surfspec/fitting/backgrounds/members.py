"""The backgrounds of many spectra at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from surfspec.errors import InputError
from surfspec.fitting.backgrounds.base import Array, BackgroundSeries, Draft, Pair
from surfspec.fitting.backgrounds.inputs import energies, not_finite, numeric
from surfspec.fitting.backgrounds.iterative import shirley_iterative_rows
from surfspec.fitting.backgrounds.linear import constant_rows, linear_rows, none_rows
from surfspec.fitting.backgrounds.region import Spectra
from surfspec.fitting.backgrounds.shirley import shirley_rows
from surfspec.fitting.backgrounds.smart import smart_rows
from surfspec.fitting.backgrounds.tougaard import tougaard_rows

#: The function of each kind that treats many spectra.
ROWS: Final[Mapping[str, Callable[..., BackgroundSeries]]] = MappingProxyType(
    {
        "none": none_rows,
        "constant": constant_rows,
        "linear": linear_rows,
        "shirley": shirley_rows,
        "shirley_iterative": shirley_iterative_rows,
        "smart": smart_rows,
        "tougaard": tougaard_rows,
    }
)
#: Numbers of one array that are worked on at once, so that a handful of them stay in the cache of a core.
_CHUNK: Final = 20_000


def in_chunks(
    kind: str,
    x: ArrayLike,
    y: ArrayLike,
    sigma: ArrayLike | None,
    anchors: ArrayLike | None = None,
    window: Pair | None = None,
    **options: Any,
) -> BackgroundSeries:
    """Make the backgrounds of all members, some hundred thousand bytes of them at a time.

    Parameters
    ----------
    kind : str
    x, y, sigma
        As for :func:`surfspec.fitting.backgrounds.background_series`.
    anchors : array_like, shape (m, 2), optional
    window, **options
        Of the kind.

    Returns
    -------
    BackgroundSeries
    """
    spectra = _spectra(x, y, sigma, anchors, window)
    members, points = spectra.y.shape
    size = max(1, _CHUNK // max(points, 1))
    made = ROWS[kind](_some(spectra, slice(0, size)), **options)
    if size >= members:
        return made
    draft = Draft(kind, members, made.values.shape[1])
    _copy(made, draft, slice(0, size))
    for first in range(size, members, size):
        rows = slice(first, min(first + size, members))
        _copy(ROWS[kind](_some(spectra, rows), **options), draft, rows)
    return draft.finish()


def _copy(made: BackgroundSeries, draft: Draft, rows: slice) -> None:
    for name in ("values", "sensitivity", "anchors", "anchor_unc", "converged", "iterations"):
        getattr(draft, name)[rows] = getattr(made, name)
    draft.numbers[:, rows] = made.k, made.k_width, made.contact
    draft.note[rows] = made.note
    draft.errors.update({rows.start + place: error for place, error in made.errors.items()})


def _some(spectra: Spectra, rows: slice) -> Spectra:
    """Take a chunk, its data as floating-point numbers."""
    y, sigma, anchors = spectra.y[rows], spectra.sigma, spectra.anchors
    if sigma is not None and len(sigma) > 1:
        sigma = sigma[rows]
    return Spectra(
        spectra.x,
        numeric("y", y, y.shape, ""),
        None if sigma is None else numeric("sigma", sigma, sigma.shape, ""),
        None if anchors is None else anchors[rows],
        spectra.window,
    )


def _spectra(
    x: ArrayLike, y: ArrayLike, sigma: ArrayLike | None, anchors: ArrayLike | None, window: Pair | None
) -> Spectra:
    """Check the shapes; the numbers of the members are left as they are."""
    axis = energies(x)
    data = _table("y", y)
    if data.ndim != 2 or data.shape[1] != axis.size:
        raise InputError(
            f"y has the shape {data.shape}",
            remedy=f"Give rows of {axis.size} values, as x has, one row for each member",
            where="y",
        )
    spread: Array | None = None
    if sigma is not None:
        spread = _table("sigma", sigma)
        if spread.shape == axis.shape:
            spread = _common(numeric("sigma", spread, axis.shape, ""))[None]
        elif spread.shape != data.shape:
            raise InputError(
                f"sigma has the shape {spread.shape}",
                remedy=f"Give the shape {data.shape} of y, or one row of {axis.size} values for all members",
                where="sigma",
            )
    levels = None
    if anchors is not None:
        levels = numeric("anchors", anchors, (len(data), 2), f"two levels for each member, shape ({len(data)}, 2)")
    return Spectra(axis, data, spread, levels, window)


def _common(sigma: Array) -> Array:
    """Refuse uncertainties of all members that none can use."""
    if not np.isfinite(sigma).all():
        raise not_finite("sigma", sigma)
    if (sigma < 0).any():
        raise InputError("sigma is negative", remedy="Give standard uncertainties", where="sigma")
    return sigma


def _table(name: str, values: ArrayLike) -> Array:
    try:
        return np.asarray(values)
    except ValueError:
        raise InputError(f"{name} is not numeric", remedy="Give rows of the same length", where=name) from None
