"""The data of a region, their centred means, and the end levels that all backgrounds share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from surfspec.errors import InputError
from surfspec.fitting.backgrounds.base import Array, Draft, Index, Pair
from surfspec.fitting.backgrounds.inputs import energies, not_finite, numeric, window_slice


class Spectra(NamedTuple):
    """Spectra on one axis, of the right shapes: x (n,), y (m, n), sigma (m, n) or (1, n), anchors (m, 2)."""

    x: Array
    y: Array
    sigma: Array | None
    anchors: Array | None
    window: Pair | None


@dataclass(frozen=True)
class Region:
    """The points between two limits, with means and end levels taken on the whole spectra.

    Attributes
    ----------
    x
        Energies inside the limits, shape (n,).
    y, mean
        Data and their centred means, shape (m, n).
    mean_unc
        Standard uncertainty of the means, shape (m, n) or (1, n).
    anchors
        End levels, shape (m, 2).
    anchor_unc
        Their standard uncertainties, shape (m, 2) or (1, 2).
    faults
        Why a member cannot be used, by its number; ones stand for its data.
    """

    x: Array
    y: Array
    mean: Array
    mean_unc: Array
    anchors: Array
    anchor_unc: Array
    faults: Mapping[int, InputError]

    @property
    def step(self) -> Array:
        """Rise from the low to the high end, shape (m,) [unit of y]."""
        return np.asarray(self.anchors[:, 1] - self.anchors[:, 0], dtype=np.float64)

    @property
    def width(self) -> float:
        """Width of the region [unit of x]."""
        return float(self.x[-1] - self.x[0])

    def take(self, rows: Index) -> Region:
        """Keep some of the members, in the order given; their faults stay behind."""
        if rows.size == len(self.y):
            return self
        own = len(self.mean_unc) == len(self.y)
        return replace(
            self,
            y=self.y[rows],
            mean=self.mean[rows],
            mean_unc=self.mean_unc[rows] if own else self.mean_unc,
            anchors=self.anchors[rows],
            anchor_unc=self.anchor_unc[rows] if own else self.anchor_unc,
            faults={},
        )


def single(
    x: ArrayLike, y: ArrayLike, sigma: ArrayLike | None, anchors: Pair | None = None, window: Pair | None = None
) -> Spectra:
    """Take one spectrum for a series of one.

    Parameters
    ----------
    x, y, sigma, anchors, window
        As for :func:`surfspec.fitting.backgrounds.linear`.

    Returns
    -------
    Spectra

    Raises
    ------
    InputError
        For an axis that does not rise and for shapes that differ.

    Examples
    --------
    >>> single([0, 1], [5, 6], None).y.tolist()
    [[5.0, 6.0]]
    """
    axis = energies(x)
    wanted = f"{axis.size} values in one dimension, as x has"
    return Spectra(
        axis,
        numeric("y", y, axis.shape, wanted)[None],
        None if sigma is None else numeric("sigma", sigma, axis.shape, wanted)[None],
        None if anchors is None else numeric("anchors", anchors, (2,), "two levels")[None],
        window,
    )


def make_region(spectra: Spectra, average: int) -> Region:
    """Check the data, average them and read the end levels.

    Parameters
    ----------
    spectra : Spectra
        Without ``sigma`` they are counts: their standard uncertainty is the square root of the centred mean, at
        least 1. ``anchors`` replace the means at the limits of the window.
    average : int
        Odd number of points of the centred mean; it is taken on the whole spectra, before the window is cut.

    Returns
    -------
    Region

    Raises
    ------
    InputError
        For an even or too large ``average`` and a window that cannot be.

    Examples
    --------
    >>> make_region(single(range(7), [4] * 7, None), 3).anchors.tolist()
    [[4.0, 4.0]]
    """
    n = spectra.x.size
    if isinstance(average, bool) or int(average) != average or average < 1 or average % 2 == 0 or average > n:
        raise InputError(
            f"average = {average} is not an odd number of points up to {n}",
            remedy="Give an odd number, 11 say" if n > 11 else "Take more points, or give a smaller odd number",
            where="average",
        )
    inside = window_slice(spectra.x, spectra.window)
    faults: dict[int, InputError] = {}
    y = _usable("y", spectra.y, faults)
    used = points_used(n, int(average))
    mean = centred_sum(y, int(average)) / used
    if spectra.sigma is None:
        variance = np.maximum(mean, 1.0)
    else:
        sigma = _usable("sigma", spectra.sigma, faults)
        for row in np.flatnonzero(np.min(sigma, axis=1) < 0).tolist():
            faults.setdefault(row, InputError("sigma is negative", remedy="Give standard uncertainties", where="sigma"))
        variance = sigma * sigma
    mean_unc = centred_sum(variance, int(average)) / (used * used)
    np.sqrt(mean_unc, out=mean_unc)
    ends = [inside.start, inside.stop - 1]
    levels = mean[:, ends] if spectra.anchors is None else _usable("An anchor", spectra.anchors, faults)
    return Region(
        spectra.x[inside],
        y[:, inside],
        mean[:, inside],
        mean_unc[:, inside],
        levels,
        mean_unc[:, ends],
        faults,
    )


def _usable(name: str, rows: Array, faults: dict[int, InputError]) -> Array:
    """Note which rows hold numbers that are not finite, and put ones in their place."""
    finite = np.asarray(np.isfinite(rows))
    if np.count_nonzero(finite) == finite.size:
        return rows
    whole = np.asarray(finite.all(axis=1))
    for row in np.flatnonzero(~whole).tolist():
        if name == "An anchor":
            error = InputError("An anchor is not a finite number", remedy="Give two levels", where="anchors")
        else:
            error = not_finite(name, rows[row])
        faults.setdefault(row, error)
    return np.where(whole[:, None], rows, 1.0)


def draft_of(region: Region, kind: str) -> Draft:
    """Begin the series of a region with its levels and faults."""
    draft = Draft(kind, *region.y.shape)
    draft.anchors[:], draft.anchor_unc[:] = region.anchors, region.anchor_unc
    draft.errors.update(region.faults)
    return draft


@lru_cache(maxsize=64)
def points_used(n: int, points: int) -> Array:
    """Count the points that each centred mean holds.

    Parameters
    ----------
    n, points : int
        Length of the data; odd number of points of the mean.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> points_used(4, 3).tolist()
    [2.0, 3.0, 3.0, 2.0]
    """
    before = np.minimum(np.arange(n), points // 2)
    used: Array = before + before[::-1] + 1.0
    used.flags.writeable = False
    return used


def centred_sum(y: Array, points: int) -> Array:
    """Sum over the odd number of points centred on each point; near the ends over those there are.

    Sums of 2, 4, 8 ... neighbours are made of each other, and that of all of them.

    Parameters
    ----------
    y : ndarray, shape (..., n)
        Data.
    points : int
        Odd number of points.

    Returns
    -------
    ndarray, shape (..., n)

    Examples
    --------
    >>> centred_sum(np.array([0.0, 3.0, 6.0, 9.0]), 3).tolist()
    [3.0, 9.0, 18.0, 15.0]
    """
    if points == 1:
        return y
    n, half = y.shape[-1], points // 2
    block = np.zeros((*y.shape[:-1], n + 2 * half))
    block[..., half : half + n] = y
    total = block[..., :n].copy()
    first, size, rest = 1, 1, points >> 1
    while rest:
        block = block[..., :-size] + block[..., size:]
        size *= 2
        if rest & 1:
            total += block[..., first : first + n]
            first += size
        rest >>= 1
    return total
