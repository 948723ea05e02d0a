"""Straight backgrounds: none, constant, linear."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from surfspec.fitting.backgrounds.base import Array, Background, BackgroundSeries, Draft, Pair, Part
from surfspec.fitting.backgrounds.region import Region, Spectra, draft_of, make_region, single


def none(x: ArrayLike, y: ArrayLike, *, sigma: ArrayLike | None = None, window: Pair | None = None) -> Background:
    """Return no background: zero everywhere.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Rising energies [eV] and data.
    sigma : array_like, shape (n,), optional
        Checked, not used.
    window : (float, float), optional
        Limits of the region [eV].

    Returns
    -------
    Background

    Raises
    ------
    InputError
        For data that cannot be used.

    Examples
    --------
    >>> none([0, 1, 2, 3, 4], [1, 1, 5, 1, 1]).values.tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0]
    """
    return none_rows(single(x, y, sigma, None, window)).member(0)


def constant(
    x: ArrayLike,
    y: ArrayLike,
    *,
    sigma: ArrayLike | None = None,
    average: int = 11,
    anchors: Pair | None = None,
    window: Pair | None = None,
) -> Background:
    """Return the mean of the two end levels, B = (b1 + b2) / 2.

    Parameters
    ----------
    x, y, sigma, average, anchors, window
        As for :func:`linear`.

    Returns
    -------
    Background

    Raises
    ------
    InputError
        For data that cannot be used.

    Examples
    --------
    >>> constant([0, 1, 2, 3, 4], [1, 1, 5, 3, 3], average=1).values.tolist()
    [2.0, 2.0, 2.0, 2.0, 2.0]
    """
    return constant_rows(single(x, y, sigma, anchors, window), average=average).member(0)


def linear(
    x: ArrayLike,
    y: ArrayLike,
    *,
    sigma: ArrayLike | None = None,
    average: int = 11,
    anchors: Pair | None = None,
    window: Pair | None = None,
) -> Background:
    """Return the straight line between the two end levels, B = b1 + (b2 - b1) (E - E1) / (E2 - E1).

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Rising energies [eV] and data [counts].
    sigma : array_like, shape (n,), optional
        Standard uncertainties of ``y``; counts are assumed without them.
    average : int
        Odd number of points averaged for each end level.
    anchors : (float, float), optional
        End levels that replace those means.
    window : (float, float), optional
        Limits of the region [eV]; means are taken on the whole spectrum, values returned inside.

    Returns
    -------
    Background

    Raises
    ------
    InputError
        For data that cannot be used.

    Examples
    --------
    >>> linear([0, 1, 2, 3, 4], [1, 1, 5, 3, 3], average=1).values.tolist()
    [1.0, 1.5, 2.0, 2.5, 3.0]
    """
    return linear_rows(single(x, y, sigma, anchors, window), average=average).member(0)


def none_rows(spectra: Spectra) -> BackgroundSeries:
    """Make :func:`none` for many spectra."""
    region = make_region(spectra, 1)
    draft = draft_of(region, "none")
    draft.anchors[:], draft.anchor_unc[:] = 0.0, 0.0
    return _shares(draft, np.zeros((2, region.x.size)))


def constant_rows(spectra: Spectra, *, average: int = 11) -> BackgroundSeries:
    """Make :func:`constant` for many spectra."""
    region = make_region(spectra, average)
    return _shares(draft_of(region, "constant"), np.full((2, region.x.size), 0.5))


def linear_rows(spectra: Spectra, *, average: int = 11) -> BackgroundSeries:
    """Make :func:`linear` for many spectra."""
    region = make_region(spectra, average)
    return _shares(draft_of(region, "linear"), line_shares(region))


def line_shares(region: Region) -> Array:
    """Share of each end level in the straight line between them, shape (2, n)."""
    rise = (region.x - region.x[0]) / region.width
    shares = np.empty((2, rise.size))
    shares[1] = rise
    np.subtract(1.0, rise, out=shares[0])
    return shares


def _shares(draft: Draft, shares: Array) -> BackgroundSeries:
    levels = draft.anchors[:, :, None]
    draft.put(slice(None), Part(levels[:, 0] * shares[0] + levels[:, 1] * shares[1], shares))
    return draft.finish()
