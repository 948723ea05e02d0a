"""Where lines may be: their typical width, maxima of a matched filter, and baselines to stand on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d
from scipy.signal import find_peaks as local_peaks

from surfspec.xrd.lines.background import clip_baseline
from surfspec.xrd.lines.noise import counting_skewness, gaussian_score, matched_filter

Array = NDArray[np.float64]

#: FWHM (deg) assumed where no line stands out.
FIRST_WIDTH = 0.12
#: Prominence, in standard deviations of the smoothed noise, from which a maximum tells the line width.
PROMINENT = 8.0
#: Largest share of the range that the typical line may fill; wider is background.
WIDEST = 0.06
ROOT8LN2 = float(np.sqrt(8.0 * np.log(2.0)))


def typical_width(y: Array, variance: Array, step: float) -> float:
    """Return the FWHM (deg) of the narrower prominent maxima, at the least smoothing that shows three of them.

    The lower quartile, at a smoothing of 1, 2, 4, ... points.
    """
    limit = WIDEST * step * len(y)
    found = FIRST_WIDTH
    spread = float(np.median(variance)) if len(variance) else 1.0
    for points in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0):
        if 4.0 * points * step > limit:
            break
        smooth = gaussian_filter1d(y, points)
        local = np.maximum(gaussian_filter1d(variance, points), 1e-3 * spread)
        scaled = smooth / np.sqrt(local / (2.0 * points * np.sqrt(np.pi)))
        peaks, shown = local_peaks(scaled, prominence=PROMINENT, width=0.0, rel_height=0.5)
        if not len(peaks):
            continue
        # the half-height width is that of the square-root-like scaled data: measure it again on the data themselves
        widths = _half_widths(smooth, peaks, shown["left_bases"], shown["right_bases"]) * step
        narrow = np.sqrt(np.maximum(widths**2 - (ROOT8LN2 * points * step) ** 2, step**2))
        strong = np.argsort(-shown["prominences"])[:30]
        kept = narrow[strong][narrow[strong] < limit]
        if len(kept):
            found = float(np.quantile(kept, 0.25))
        if len(kept) >= 3:
            break
    return max(found, 1.5 * step)


def _half_widths(y: Array, peaks: NDArray[np.int64], left: NDArray[np.int64], right: NDArray[np.int64]) -> Array:
    widths = np.empty(len(peaks))
    for number, (at, low, high) in enumerate(zip(peaks, left, right, strict=True)):
        half = y[at] - 0.5 * (y[at] - max(y[low], y[high]))
        below = np.flatnonzero(y[low:at] < half)
        above = np.flatnonzero(y[at : high + 1] < half)
        widths[number] = (at - low - below[-1] if len(below) else at - low) + (above[0] if len(above) else high - at)
    return np.maximum(widths - 1.0, 1.0)


def baseline_below(y: Array, width: float, step: float) -> Array:
    """Clipped baseline under lines of a width (deg), after smoothing well below it."""
    points = width / step
    return clip_baseline(gaussian_filter1d(y, max(0.15 * points, 1.0)), max(round(8.0 * points), 2))


def maxima(
    net: Array, variance: Array, width: float, step: float, threshold: float, *, counts: Array | None = None,
    centred: bool = True,
) -> NDArray[np.int64]:  # fmt: skip
    """Points at which a line of a width stands out.

    Parameters
    ----------
    net, variance
        Intensity above background and its variance, shape (n,).
    width, step
        FWHM and grid step, deg.
    threshold
        Smallest signal-to-noise ratio.
    counts
        Expected counts, shape (n,), where the noise is Poisson: the skewness of few counts is taken off the ratio.
    centred
        Take the median of the filter's output off it (for baselines that lie low).

    Returns
    -------
    numpy.ndarray
        Indices, rising.
    """
    sigma = width / ROOT8LN2 / step
    trace = matched_filter(net, variance, sigma)
    if centred:
        trace = trace - max(float(np.median(trace)), 0.0)
    if counts is not None:
        trace = gaussian_score(trace, counting_skewness(counts, sigma))
    reach = 2 * max(round(0.5 * width / step), 1) + 1
    return np.flatnonzero((trace == maximum_filter1d(trace, reach)) & (trace > threshold)).astype(np.int64)
