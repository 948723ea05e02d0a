r"""Chi-square of a dose model on a grid of cross-sections, the coverage at zero dose eliminated exactly.

At a given cross-section and a given share of the surface that is a layer thicker or thinner the chi-square is a
quadratic form in :math:`\theta_0`, so that profile and integral over all three are sums over a grid.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr, logsumexp

from surfspec.leis.film.dose import check_doses, mean_coverage, whitening

Array = NDArray[np.float64]

#: Cross-sections of the flat prior on their logarithm, cm2 times the last dose.
CROSS_SECTIONS = (1e-3, 30.0)
#: Points of the grid.
POINTS = 1000
#: Shares of the surface a layer thicker or thinner.
SHARES = np.linspace(-0.5, 0.5, 61)
#: Chi-square above the least beyond which no point matters to an interval.
FAR = 6.63


@dataclass(frozen=True)
class Profile:
    r"""Chi-square of one thickness on a grid of shares and cross-sections, the coverage at zero dose eliminated.

    Attributes
    ----------
    log_sigma
        Natural logarithm of the cross-section in cm2, shape (g,).
    shares
        Of the surface a layer thicker or thinner, shape (f,).
    curvature, best, least
        :math:`\chi^2 = \text{least} + \text{curvature}(\theta_0 - \text{best})^2` at each, shape (f, g); the prior
        of the share is part of the least.
    """

    log_sigma: Array
    shares: Array
    curvature: Array
    best: Array
    least: Array

    def everywhere(self) -> Array:
        """Return the chi-square with the best coverage between 0 and 1, shape (f, g)."""
        return np.asarray(self.least + self.curvature * (np.clip(self.best, 0.0, 1.0) - self.best) ** 2)

    def chi2(self) -> Array:
        """Return the least chi-square at each cross-section, shape (g,)."""
        return np.asarray(self.everywhere().min(axis=0))

    def log_weights(self) -> Array:
        r"""Return the logarithm of :math:`\int_0^1 e^{-\chi^2/2} d\theta_0` over the number of shares, shape (f, g)."""
        _, root, mass = self._bounded()
        return np.asarray(
            -0.5 * self.least + 0.5 * np.log(2.0 * np.pi) - np.log(root) + mass - np.log(self.shares.size)
        )

    def log_density(self) -> Array:
        r"""Return the logarithm of :math:`e^{-\chi^2/2}` averaged over coverage and share, shape (g,)."""
        return np.asarray(logsumexp(self.log_weights(), axis=0))

    def moments(self) -> tuple[Array, Array]:
        """Return mean and mean square of the coverage at zero dose between 0 and 1, shapes (f, g)."""
        (low, high), root, mass = self._bounded()
        at_low, at_high = (np.exp(-0.5 * x**2 - mass) / np.sqrt(2.0 * np.pi) for x in (low, high))
        mean = self.best + (at_low - at_high) / root
        variance = (1.0 + low * at_low - high * at_high - (at_low - at_high) ** 2) / root**2
        mean, variance = np.clip(mean, 0.0, 1.0), np.clip(variance, 0.0, 0.25)
        return np.asarray(mean), np.asarray(mean**2 + variance)

    def _bounded(self) -> tuple[tuple[Array, Array], Array, Array]:
        """Return the bounds of the coverage in standard units, their unit, and the logarithm of the mass between."""
        root = np.sqrt(np.maximum(self.curvature, 1e-300))
        low, high = -self.best * root, (1.0 - self.best) * root
        # the tail on the side where it is small, so that nothing cancels
        flip = low > 0
        lower, upper = np.where(flip, -high, low), np.where(flip, -low, high)
        gap = np.exp(np.minimum(log_ndtr(lower) - log_ndtr(upper), -1e-15))
        return (low, high), root, np.asarray(log_ndtr(upper) + np.log1p(-gap))


def profile(
    dose: Array,
    coverage: Array,
    covariance: Array,
    layers: int,
    *,
    start_dose: float = 0.0,
    interval: bool = True,
    roughness: float = 0.0,
    log_sigma: Array | None = None,
) -> Profile:
    """Compute the chi-square of one thickness over the cross-sections.

    Parameters
    ----------
    dose, coverage, covariance, layers, start_dose, interval
        As for :func:`surfspec.leis.film.dose.fit_dose`.
    roughness
        Standard deviation of the share of the surface that is a layer thicker or thinner; 0: none is.
    log_sigma
        Grid; by default :data:`POINTS` over :data:`CROSS_SECTIONS`.
    """
    edges = check_doses(dose, start_dose)
    grid = log_grid(float(edges[-1])) if log_sigma is None else log_sigma
    root = whitening(covariance)
    sigma = np.exp(grid)[:, None]
    start, end = sigma * edges[:-1], sigma * edges[1:]
    shares = SHARES[(0.0 if layers == 1 else -0.5) <= SHARES] if roughness > 0 else np.zeros(1)
    curves = {n: mean_coverage(n, start, end, interval=interval)[0] for n in {layers, *neighbours(layers, shares)}}
    model = np.stack([film_curve(curves, layers, float(f)) for f in shares]) @ root.T
    data = root @ coverage
    curvature = np.maximum(np.sum(model**2, axis=-1), 1e-300)
    best = model @ data / curvature
    least = np.sum((data - best[..., None] * model) ** 2, axis=-1)
    if roughness > 0:
        least = least + (shares[:, None] / roughness) ** 2
    return Profile(grid, shares, curvature, best, np.asarray(least))


def neighbours(layers: int, shares: Array) -> set[int]:
    """Return the films beside one of `layers` monolayers that these shares mix in."""
    return {layers + int(np.sign(f)) for f in shares}


def film_curve(curves: Mapping[int, Array], layers: int, share: float) -> Array:
    """Return the coverage of a film of which a share is a layer thicker (negative: thinner)."""
    other = curves[layers + int(np.sign(share))]
    return np.asarray((1.0 - abs(share)) * curves[layers] + abs(share) * other)


def log_grid(last_dose: float) -> Array:
    """Return the grid of cross-sections for a series that ends at `last_dose` (ions/cm2)."""
    low, high = np.log(np.array(CROSS_SECTIONS) / last_dose).tolist()
    return np.linspace(low, high, POINTS)


def interval_of(grid: Array, chi2: Array, rise: float = 1.0) -> tuple[float, float]:
    """Return where a chi-square over a grid rises by `rise` above its least, NaN where it does not.

    Examples
    --------
    >>> x = np.linspace(-3.0, 3.0, 601)
    >>> [round(edge, 3) for edge in interval_of(x, x**2)]
    [-1.0, 1.0]
    """
    k = int(np.argmin(chi2))
    level = chi2[k] + rise

    def crossing(order: NDArray[np.intp]) -> float:
        above = np.flatnonzero(chi2[order] > level)
        if above.size == 0:
            return np.nan
        j = int(above[0])
        a, b = order[j - 1], order[j]
        share = (level - chi2[a]) / (chi2[b] - chi2[a])
        return float(grid[a] + share * (grid[b] - grid[a]))

    return crossing(np.arange(k, -1, -1)), crossing(np.arange(k, grid.size))


def vertex(x: Array, y: Array) -> float:
    """Return where the parabola through three points has its vertex; the middle one where it has none.

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 3.0])
    >>> round(vertex(x, (x - 1.2) ** 2), 12)
    1.2
    """
    left, right = (y[1] - y[0]) / (x[1] - x[0]), (y[2] - y[1]) / (x[2] - x[1])
    bend = (right - left) / (x[2] - x[0])
    return float(0.5 * (x[0] + x[1] - left / bend)) if bend > 0 else float(x[1])


def lowest(grid: Array, curve: Array, k: int) -> float:
    """Return where a curve over a grid is least, between the points beside its least one `k`.

    Examples
    --------
    >>> x = np.linspace(0.0, 1.0, 6)
    >>> round(lowest(x, (x - 0.47) ** 2, 2), 6)
    0.47
    """
    inside = 0 < k < grid.size - 1
    return vertex(grid[k - 1 : k + 2], curve[k - 1 : k + 2]) if inside else float(grid[k])


def zero_dose_interval(profiles: list[Profile], offsets: list[float], rise: float = 1.0) -> tuple[float, float]:
    """Return the profile-likelihood interval of the coverage at zero dose, bounded at 0 and 1."""
    theta = np.linspace(0.0, 1.0, 1001)
    curve = np.full(theta.size, np.inf)
    least = min(float(one.everywhere().min()) + offset for one, offset in zip(profiles, offsets, strict=True))
    for one, offset in zip(profiles, offsets, strict=True):
        near = one.everywhere() + offset < least + 2.0 * rise + FAR
        low, at, steep = one.least[near], one.best[near], one.curvature[near]
        for first in range(0, low.size, 500):
            part = slice(first, first + 500)
            rise_of = low[part, None] + steep[part, None] * (theta - at[part, None]) ** 2
            curve = np.minimum(curve, rise_of.min(axis=0) + offset)
    low_edge, high_edge = interval_of(theta, curve, rise)
    return (0.0 if np.isnan(low_edge) else low_edge), (1.0 if np.isnan(high_edge) else high_edge)
