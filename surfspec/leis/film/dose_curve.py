r"""Coverage along a dose axis, whichever the thickness: the mean over all that the dose series leaves possible.

.. math:: \theta(D) = \sum_n\int d\ln\sigma\,df\,d\theta_0\;
    p(n, \sigma, f, \theta_0)\;\theta_0\big[(1 - |f|)\,Q(n, \sigma D) + |f|\,Q(n \pm 1, \sigma D)\big]

with the posterior of :mod:`surfspec.leis.film.layer_choice`. The standard deviation over the same is the uncertainty:
beyond the doses measured the thicknesses part, and it grows. A single dose is meant, not the mean over a spectrum's
interval.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc, logsumexp

from surfspec.leis.film.grid_profile import Profile

Array = NDArray[np.float64]

#: Points of the dose axis.
POINTS = 61
#: Share of the posterior below which a cross-section is passed over.
NEGLIGIBLE = 1e-9


def dose_curve(profiles: list[Profile], layers: tuple[int, ...], extra: Array, dose: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of the coverage at each dose.

    Parameters
    ----------
    profiles
        Of each number of monolayers.
    layers
        Those numbers.
    extra
        What a thickness measured otherwise adds to the chi-square of each, shape (layers,).
    dose
        Shape (d,), ions/cm2.

    Returns
    -------
    mean, sd
        Shape (d,), 1.

    Examples
    --------
    >>> from surfspec.leis.film.dose import mean_coverage
    >>> from surfspec.leis.film.grid_profile import profile
    >>> end = np.array([1.6e15, 3.2e15, 4.8e15, 6.4e15])
    >>> x = 2.5e-16 * np.concatenate([[0.0], end])
    >>> seen = 0.9 * mean_coverage(2, x[:-1], x[1:])[0]
    >>> one = profile(end, seen, 1e-6 * np.eye(4), 2)
    >>> mean, sd = dose_curve([one], (2,), np.zeros(1), np.array([0.0, 4e15]))
    >>> mean.round(3).tolist(), bool(np.all(sd < 0.003))
    ([0.9, 0.662], True)
    """
    logs = [one.log_weights() - 0.5 * float(term) for one, term in zip(profiles, extra, strict=True)]
    whole = logsumexp([logsumexp(one) for one in logs])
    first, second = np.zeros(dose.size), np.zeros(dose.size)
    for one, n, log in zip(profiles, layers, logs, strict=True):
        weight = np.exp(log - whole)
        used = weight.sum(axis=0) > NEGLIGIBLE
        if not np.any(used):
            continue
        mean, square = (part[:, used] for part in one.moments())
        weight, sigma = weight[:, used], np.exp(one.log_sigma[used])
        here = gammaincc(n, sigma[:, None] * dose)
        for side in (-1, 0, 1):
            on = np.sign(one.shares) == side
            if not np.any(on):
                continue
            f = np.abs(one.shares[on])[:, None]
            other = gammaincc(n + side, sigma[:, None] * dose)
            w, m, q = weight[on], mean[on], square[on]
            first += (w * m * (1 - f)).sum(axis=0) @ here + (w * m * f).sum(axis=0) @ other
            second += (
                (w * q * (1 - f) ** 2).sum(axis=0) @ here**2
                + 2.0 * (w * q * f * (1 - f)).sum(axis=0) @ (here * other)
                + (w * q * f**2).sum(axis=0) @ other**2
            )
    return first, np.sqrt(np.maximum(second - first**2, 0.0))
