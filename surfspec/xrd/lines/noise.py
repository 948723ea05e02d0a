"""Counting noise of a pattern: its variance, spikes of one channel, and how often noise alone looks like a line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d
from scipy.special import ndtr

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: A channel this many standard deviations above its surroundings, with neighbours that are not, is a spike.
SPIKE = 7.0
#: Largest share of a spike's height that its neighbours may have; of a line as narrow as 2 steps they have half.
SPIKE_NEIGHBOUR = 0.2


@dataclass(frozen=True)
class Noise:
    """How the variance of a point follows from its expectation: var = factor * max(level, least) + floor.

    Attributes
    ----------
    factor
        1 for counts.
    floor
        Variance at level zero, intensity^2.
    least
        Smallest level, intensity: the expectation of an empty channel is not zero.
    """

    factor: float = 1.0
    floor: float = 0.0
    least: float = 1.0

    def variance(self, level: Array) -> Array:
        """Variance at an expected level, same shape."""
        return np.asarray(self.factor * np.maximum(level, self.least) + self.floor)


def noise_of(y: Array, statistics: str) -> Noise | None:
    """Return the noise law of a pattern, None where the uncertainties are given point by point."""
    if statistics == "given":
        return None
    if statistics == "poisson":
        return Noise()
    factor, floor = _scatter(y, np.maximum(gaussian_filter1d(y, 2.0), 0.0))
    return Noise(factor, floor, 0.0)


def counting_variance(y: Array, statistics: str, given: Array | None = None) -> tuple[Array, float]:
    """Variance of each point from counting, and the factor by which the noise differs from Poisson.

    Parameters
    ----------
    y
        Intensities, shape (n,).
    statistics
        ``"poisson"``, ``"given"`` (by `given`, one standard uncertainty) or ``"unknown"``: then the factor f of
        var = f y is read off the second differences of neighbours, robustly.

    Returns
    -------
    variance, factor
        Shape (n,), and f (1 for counts).
    """
    if statistics == "given" and given is not None:
        return np.asarray(given**2), 1.0
    smooth = np.maximum(gaussian_filter1d(y, 2.0), 0.0)
    if statistics == "poisson":
        return smooth + 1.0, 1.0
    factor, floor = _scatter(y, smooth)
    return factor * smooth + floor, factor


def _scatter(y: Array, smooth: Array) -> tuple[float, float]:
    """Factor f and floor of var = f y + floor, from the median of squared second differences."""
    second = y[:-2] - 2.0 * y[1:-1] + y[2:]
    level = np.maximum(smooth[1:-1], 1e-3 * max(float(y.max()), 1e-300))
    factor = float(np.median(np.abs(second) / np.sqrt(6.0 * level)) / 0.67448975) ** 2
    floor = (5e-4 * float(np.ptp(y))) ** 2 + 1e-300
    if np.any(y < 0.0):  # a background was taken off, and its noise is still there
        low = smooth[1:-1] <= np.median(smooth)
        floor += float(np.median(second[low] ** 2)) / 6.0 / 0.4549
        factor = min(factor, float(np.median(second[~low] ** 2 / smooth[1:-1][~low])) / 6.0 / 0.4549) if np.any(
            smooth[1:-1][~low] > 0) else 0.0  # fmt: skip
    return factor, floor


def spikes(y: Array, variance: Array) -> Mask:
    """Channels that stand alone above their surroundings: a cosmic ray or a fault, no line.

    Parameters
    ----------
    y, variance
        Intensity and variance, shape (n,).

    Returns
    -------
    numpy.ndarray
        True at spikes, shape (n,).
    """
    around = np.pad(y, 3, mode="edge")
    near = np.maximum(around[2:-4], around[4:-2])
    level = np.median(np.stack([around[:-6], around[1:-5], around[5:-1], around[6:]]), axis=0)
    excess = y - level
    # a variance smoothed from the data contains the spike itself: take that of points apart
    spread = np.pad(variance, 8, mode="edge")
    factor = float(np.sum(variance) / max(float(np.sum(np.abs(y))), 1e-300))
    sigma = np.sqrt(np.minimum(spread[:-16], spread[16:]) + factor * np.maximum(near, 0.0))
    return np.asarray((excess > SPIKE * sigma) & (near - level < SPIKE_NEIGHBOUR * excess + 2.0 * sigma))


def matched_filter(net: Array, variance: Array, sigma_points: float) -> Array:
    """Signal-to-noise ratio of a Gaussian line of the given width (points) at each point of a uniform grid."""
    half = int(np.ceil(4.0 * sigma_points))
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma_points) ** 2)
    weight = 1.0 / variance
    top = np.convolve(net * weight, kernel, "same")
    bottom = np.convolve(weight, kernel**2, "same")
    return np.asarray(top / np.sqrt(bottom))


def counting_skewness(level: Array, sigma_points: float | Array) -> Array:
    r"""Skewness of the matched filter on Poisson counts of a slowly varying level.

    .. math:: \gamma = \frac{\sum k^3}{(\sum k^2)^{3/2}} \mu^{-1/2}

    for a kernel k: each count has third central moment mu, and cumulants of independent counts add.
    """
    square, cube = sigma_points * np.sqrt(np.pi), sigma_points * np.sqrt(2.0 * np.pi / 3.0)
    return np.asarray(cube / square**1.5 / np.sqrt(np.maximum(level, 0.2)))


def gaussian_score(score: Array, skewness: Array) -> Array:
    r"""Return the score of a Gaussian with the same tail probability, to first order in the skewness.

    .. math:: z = t - \frac{\gamma}{6} (t^2 - 1)

    References
    ----------
    Cornish & Fisher (1938) Rev. Int. Stat. Inst. 5, 307: the normalising polynomial, first term.

    Examples
    --------
    >>> gaussian_score(np.array([5.0]), np.array([0.3])).round(2).tolist()
    [3.8]
    """
    turn = 1.5 / np.maximum(skewness, 1e-12)  # there the slope is one half; it is kept beyond
    near = np.minimum(score, turn)
    return np.asarray(near - skewness / 6.0 * (near**2 - 1.0) + 0.5 * (score - near))


def false_alarms(significance: Array, span: float, fwhm: float) -> Array:
    r"""Count the lines to expect in noise alone, of one significance or more, anywhere in a pattern.

    .. math:: N(>u) = \frac{L}{2\pi\sqrt2\,\sigma} e^{-u^2/2} + Q(u)

    Noise behind a Gaussian matched filter of standard deviation sigma is a stationary process with the
    autocorrelation exp(-t^2 / 4 sigma^2); the first term is Rice's rate of upcrossings of the level u over the length
    L, the second the chance to begin above it. This is the probability of one or more false lines while it is small.

    Parameters
    ----------
    significance
        u.
    span, fwhm
        L and the width of the filter (2.355 sigma), deg.

    References
    ----------
    Rice (1945) Bell Syst. Tech. J. 24, 46, eq. 3.3-11.

    Examples
    --------
    >>> float(false_alarms(np.array([5.0]), 70.0, 0.12).round(5)[0])
    0.00058
    """
    sigma = fwhm / np.sqrt(8.0 * np.log(2.0))
    rate = span / (2.0 * np.pi * np.sqrt(2.0) * sigma)
    return np.asarray(rate * np.exp(-0.5 * np.square(significance)) + ndtr(-significance))
