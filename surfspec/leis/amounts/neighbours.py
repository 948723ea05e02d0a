r"""Elements whose peaks lie close to each other: what the spectral model may move from one to the other.

Where the foot and the shoulder of one element lie below the peak of another, a background of a slightly wrong shape
takes from one peak what it gives to the other. The sum of the two is right, the difference is not, and neither counting
statistics nor other backgrounds (:func:`surfspec.leis.adequacy`) show it. So each of two detected neighbours has an
uncertainty :math:`u_n` more, with correlation -1 between them.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.leis.amounts.layout import Layout

Array = NDArray[np.float64]

#: Standard uncertainty of what one neighbour gives to the other, over the summed area. Calibrated on one simulation of
#: one pair, Si and P 1.8 widths apart: half their difference is wrong by 0.018 on a sputtered bulk (nine spectra) and
#: by 0.005 on the bare substrate (three samples); 0.013 in the root of the mean square of the two surfaces, of which
#: 0.007 is in the uncertainty that every element has.
TRADE = 0.01
#: Peaks closer than so many full widths at half maximum are neighbours.
NEAR = 2.0


def near(center: Array, fwhm: Array) -> NDArray[np.bool_]:
    """Return which elements are neighbours, shape (..., element, element).

    Parameters
    ----------
    center, fwhm
        Energies and widths of the peaks in eV, shape (..., element).

    Examples
    --------
    >>> near(np.array([1182.0, 1780.0, 1870.0]), np.full(3, 50.0))[1].tolist()
    [False, False, True]
    """
    apart = np.abs(center[..., :, None] - center[..., None, :])
    width = 0.5 * (fwhm[..., :, None] + fwhm[..., None, :])
    return np.asarray((apart < NEAR * width) & ~np.eye(center.shape[-1], dtype=bool))


def trade_covariance(fit: xr.Dataset, layout: Layout, detected: NDArray[np.bool_], size: float = TRADE) -> Array:
    r"""Return the covariance of the shares by what neighbours may have traded, shape (..., element, element).

    .. math:: V = u_n^2 \sum_{\mathrm{pairs}} (e_i - e_j)(e_i - e_j)^T

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.
    layout
        Where its spots are; positions and widths are averaged over them.
    detected
        Elements that are there, shape (..., element): one that is not has nothing to trade.
    size
        :math:`u_n`, 1.
    """
    place = []
    for name in ("center", "fwhm"):
        values = layout.ordered(fit[name].values, "component")
        known = np.isfinite(values)
        total, count = np.where(known, values, 0.0).sum(axis=-2), known.sum(axis=-2)
        place.append(np.where(count > 0, total / np.maximum(count, 1), np.nan))
    pairs = near(*place) & detected[..., :, None] & detected[..., None, :]
    diagonal = pairs.sum(axis=-1)[..., :, None] * np.eye(detected.shape[-1])
    return np.asarray(size**2 * (diagonal - pairs))
