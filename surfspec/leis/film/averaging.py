r"""What dose series say whichever the number of monolayers: means, standard deviations and intervals.

.. math:: \langle x\rangle = \sum_n\int d\ln\sigma\,df\,d\theta_0\;x\;p(n, \sigma, f, \theta_0)

with the posterior of :mod:`surfspec.leis.film.layer_choice`. Several numbers of monolayers describe four doses nearly
alike, with coverages at zero dose and cross-sections of their own, so that the uncertainty of the most probable one
alone is too small. A single function serves one series and several that share their cross-section.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtr

from surfspec.leis.film.grid_profile import Profile

Array = NDArray[np.float64]

#: Probability of an interval.
INTERVAL = 0.6827
#: Equally probable cells that stand for the posterior of the coverage at zero dose, and coverages tried.
CELLS, COVERAGES = 2000, 2001


@dataclass(frozen=True)
class Average:
    """The posterior of one sample.

    Attributes
    ----------
    probability
        Of each number of monolayers, shape (layers,).
    zero_dose, zero_dose_unc, zero_dose_range
        Coverage before any dose: mean, standard deviation, shortest interval of 68 %.
    cross_section, cross_section_unc, cross_section_range
        Removal cross-section, cm2: the value given, the standard deviation about it, the central interval of 68 %,
        that with the most probable number of monolayers included.
    """

    probability: Array
    zero_dose: float
    zero_dose_unc: float
    zero_dose_range: tuple[float, float]
    cross_section: float
    cross_section_unc: float
    cross_section_range: tuple[float, float]


def average(
    profiles: list[Profile], extra: Array, sigma: float, own: tuple[float, float], rest: Array | float = 0.0
) -> Average:
    """Average over the numbers of monolayers, the cross-section and the coverage at zero dose.

    Parameters
    ----------
    profiles
        Of each number of monolayers, on one grid of cross-sections.
    extra
        What a thickness measured otherwise adds to the chi-square of each, shape (layers,).
    sigma
        Cross-section of the most probable number of monolayers, cm2: a mean over several would be that of none.
    own
        Ends of the profile-likelihood interval of its logarithm with that number of monolayers; NaN where open.
    rest
        Logarithm of the likelihood of the cross-section by other samples that share it, shape (g,).

    Examples
    --------
    >>> from surfspec.leis.film.dose import mean_coverage
    >>> from surfspec.leis.film.grid_profile import profile
    >>> end = np.array([1.6e15, 3.2e15, 4.8e15, 6.4e15])
    >>> x = 2.5e-16 * np.concatenate([[0.0], end])
    >>> seen = 0.9 * mean_coverage(2, x[:-1], x[1:])[0]
    >>> many = [profile(end, seen, 1e-6 * np.eye(4), n) for n in (1, 2, 3)]
    >>> found = average(many, np.zeros(3), 2.5e-16, (-36.0, -35.9))
    >>> round(found.zero_dose, 3), round(found.cross_section_unc * 1e16, 3), found.probability.round(3).tolist()
    (0.9, 0.002, [0.0, 1.0, 0.0])
    """
    logs = [one.log_weights() - 0.5 * float(term) + rest for one, term in zip(profiles, extra, strict=True)]
    each = np.array([logsumexp(one) for one in logs])
    probability = np.exp(each - logsumexp(each))
    weights = [np.exp(one - logsumexp(each)) for one in logs]
    log_sigma = profiles[0].log_sigma
    by_sigma = np.sum([weight.sum(axis=0) for weight in weights], axis=0)
    spread = float(np.sqrt(by_sigma @ (np.exp(log_sigma) / sigma - 1.0) ** 2))
    ends = _quantiles(log_sigma, by_sigma)
    low_end, high_end = (
        float(np.exp(e if np.isnan(o) else f(e, o))) for e, o, f in zip(ends, own, (min, max), strict=True)
    )
    moments = [one.moments() for one in profiles]
    mean = float(sum((w * first).sum() for w, (first, _) in zip(weights, moments, strict=True)))
    square = float(sum((w * second).sum() for w, (_, second) in zip(weights, moments, strict=True)))
    low, high = _shortest(weights, profiles)
    return Average(
        probability=np.asarray(probability),
        zero_dose=mean,
        zero_dose_unc=float(np.sqrt(max(square - mean**2, 0.0))),
        zero_dose_range=(min(low, mean), max(high, mean)),
        cross_section=sigma,
        cross_section_unc=sigma * spread,
        cross_section_range=(min(low_end, sigma), max(high_end, sigma)),
    )


def _quantiles(x: Array, weight: Array) -> tuple[float, float]:
    """Return the ends of the central interval of a density on an even grid."""
    whole = np.cumsum(weight) - 0.5 * weight
    low, high = np.interp([0.5 * (1 - INTERVAL), 0.5 * (1 + INTERVAL)], whole / weight.sum(), x)
    return float(low), float(high)


def _shortest(weights: list[Array], profiles: list[Profile]) -> tuple[float, float]:
    """Return the shortest interval of the coverage at zero dose: near its limits a central one would leave them out.

    At each share and cross-section the coverage is normal between 0 and 1; cells as probable as each other, drawn
    evenly along their means, stand for all of them.
    """
    weight, center, root = (
        np.concatenate([np.ravel(one) for one in many])
        for many in (
            weights, [p.best for p in profiles], [np.sqrt(np.maximum(p.curvature, 1e-300)) for p in profiles],
        )
    )  # fmt: skip
    order = np.argsort(center)
    whole = np.cumsum(weight[order])
    at = order[np.minimum(np.searchsorted(whole / whole[-1], (np.arange(CELLS) + 0.5) / CELLS), order.size - 1)]
    theta = np.linspace(0.0, 1.0, COVERAGES)
    below = np.zeros(theta.size)
    for part in np.array_split(at, 10):
        c, s = center[part, None], root[part, None]
        bottom, top = ndtr(-c * s), ndtr((1.0 - c) * s)
        mass = top - bottom
        inside = mass > 1e-12  # else all of it lies at the limit
        share = (ndtr((theta - c) * s) - bottom) / np.where(inside, mass, 1.0)
        below += np.where(inside, share, theta >= np.clip(c, 0.0, 1.0)).sum(axis=0)
    below /= CELLS
    last = np.searchsorted(below, below + INTERVAL)
    fits = last < theta.size
    if not np.any(fits):
        return 0.0, 1.0
    first = np.flatnonzero(fits)
    k = int(np.argmin(theta[last[first]] - theta[first]))
    return float(theta[first[k]]), float(theta[last[first[k]]])
