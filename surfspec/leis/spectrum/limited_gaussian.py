r"""Mean and covariance of a Gaussian whose coordinates cannot leave their limits.

.. math:: p(d) \propto e^{\,b^T d - \frac12 d^T F d} \prod_j [\,l_j \le d_j \le h_j\,]

A likelihood near its maximum within limits is such a thing: :math:`F` is the Fisher matrix, :math:`b` the slope of the
log-likelihood there, and a height that cannot be negative has :math:`l_j` at its distance from zero. One that lies far
from its limits is free, one that the likelihood presses hard against a limit is known, and between the two lies a
smooth passage, which "free or fixed" is not.

Expectation propagation stands in for each limit a Gaussian factor that gives the coordinate the mean and variance that
the limit would. It is exact for one limit, and for limits on independent coordinates; with strong correlations it is an
approximation, good to some per cent.

References
----------
Cunningham, Hennig and Lacoste-Julien, arXiv:1111.6832 (2011); Minka, UAI 17 (2001) 362.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx

Array = NDArray[np.float64]

#: Sweeps over all limits at most, and relative change of a variance that ends them.
SWEEPS, SETTLED = 200, 1e-7
#: Share of a new factor in the first sweeps and in later ones, where the first did not settle.
FIRST_SHARE, LATER_SHARE, LATER = 1.0, 0.5, 20
#: Ridge on the unit diagonal of the information.
RIDGE = 1e-13
#: Distance beyond a limit, in standard deviations, from which its variance is taken by the asymptotic series.
FAR = 30.0


@dataclass(frozen=True)
class Limited:
    """Moments within limits.

    Attributes
    ----------
    mean, covariance
        Shapes (m, k) and (m, k, k).
    settled
        Whether the factors came to rest, shape (m,).
    """

    mean: Array
    covariance: Array
    settled: NDArray[np.bool_]


def limited_moments(information: Array, slope: Array, *, low: Array, high: Array) -> Limited:
    """Return mean and covariance of many Gaussians within limits.

    Parameters
    ----------
    information
        Inverse covariances without limits, shape (m, k, k).
    slope
        Slope of the log-density at the origin, shape (m, k).
    low, high
        Limits, infinite where there are none, low < high, shape (m, k).

    Examples
    --------
    A half-normal, beside a coordinate that it does not know:

    >>> low, high = np.array([[0.0, -np.inf]]), np.full((1, 2), np.inf)
    >>> one = limited_moments(np.eye(2)[None], np.zeros((1, 2)), low=low, high=high)
    >>> one.mean.round(6).tolist(), np.diag(one.covariance[0]).round(6).tolist()
    ([[0.797885, 0.0]], [0.36338, 1.0])
    """
    size = np.sqrt(np.einsum("mii->mi", information))
    scaled = information / (size[:, :, None] * size[:, None, :])
    place = np.arange(size.shape[1])
    scaled[:, place, place] = 1.0 + RIDGE
    # each limit as a lower one: of the coordinate, and of its negative
    sign = np.array([1.0, -1.0])[:, None, None]
    bound = np.stack([low * size, -high * size])
    mean, covariance, settled = _propagate(scaled, slope / size, sign, bound)
    return Limited(mean / size, covariance / (size[:, :, None] * size[:, None, :]), settled)


def _propagate(scaled: Array, slope: Array, sign: Array, bound: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return mean, covariance and whether the factors came to rest."""
    rows, count = slope.shape
    mean, covariance = np.empty((rows, count)), np.empty((rows, count, count))
    settled = np.zeros(rows, dtype=bool)
    place, here = np.arange(count), np.arange(rows)
    limited = np.any(np.isfinite(bound), axis=(0, 1))
    bound = bound[:, :, limited]
    tau, nu = np.zeros((2, *bound.shape))
    for sweep in range(SWEEPS):
        full = scaled[here].copy()
        at = place[limited]
        full[:, at, at] += tau[:, here].sum(axis=0)
        pull = slope[here].copy()
        pull[:, limited] += nu[:, here].sum(axis=0)
        inverse = np.linalg.inv(full)
        middle = (inverse @ pull[:, :, None])[:, :, 0]
        mean[here], covariance[here] = middle, inverse
        variance = np.einsum("mii->mi", inverse)[:, limited]
        share = FIRST_SHARE if sweep < LATER else LATER_SHARE
        new_tau, new_nu = _factors(variance, middle[:, limited], tau[:, here], nu[:, here], sign, bound[:, here])
        moved = share * (new_tau - tau[:, here])
        done = np.all(np.abs(moved) * variance <= SETTLED, axis=(0, 2))
        done &= np.all(np.abs(share * (new_nu - nu[:, here])) * np.sqrt(variance) <= SETTLED, axis=(0, 2))
        tau[:, here] += moved
        nu[:, here] += share * (new_nu - nu[:, here])
        settled[here[done]] = True
        here = here[~done]
        if not here.size:
            break
    return mean, covariance, settled


def _factors(variance: Array, mean: Array, tau: Array, nu: Array, sign: Array, bound: Array) -> tuple[Array, Array]:
    """Return the factors that stand for the limits beside all others, shape (2, m, limited) each."""
    # the coordinate as all but this limit know it
    precision = np.maximum(1.0 / variance - tau, 1e-300)
    spread = 1.0 / np.sqrt(precision)
    middle = (mean / variance - nu) / precision
    beyond = np.where(np.isfinite(bound), (bound - sign * middle) / spread, -np.inf)
    rise, left = _above(beyond)
    new_mean = middle + sign * spread * rise
    new_precision = precision / left
    none = rise == 0.0
    tau = np.where(none, 0.0, new_precision - precision)
    return np.maximum(tau, 0.0), np.where(none, 0.0, new_precision * new_mean - precision * middle)


def _above(beyond: Array) -> tuple[Array, Array]:
    """Return mean and variance of a unit Gaussian above a limit; the limit where it is -inf is none."""
    limit = np.maximum(beyond, -37.0)
    ratio = np.where(beyond > -37.0, np.sqrt(2.0 / np.pi) / erfcx(limit / np.sqrt(2.0)), 0.0)
    far = limit > FAR
    square = np.where(far, limit, FAR) ** -2.0
    variance = np.where(far, square * (1.0 - 6.0 * square + 50.0 * square**2), 1.0 - ratio * (ratio - limit))
    return ratio, variance
