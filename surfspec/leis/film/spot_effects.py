r"""Spots of one sample as a random effect: the mean over them, and its covariance from dose to dose.

.. math:: \theta_{sd} = \mu_d + b_s + \epsilon_{sd}, \qquad \operatorname{var} b_s = \tau^2

A spot that is covered more than the others is so at every dose, so that :math:`b_s` does not average out over the
doses: the mean over `n` spots has the covariance
:math:`\delta_{dd'}\sum_s u_{sd}^2/n^2 + \tau^2/n`. In a balanced design that mean holds all that the spots say about
:math:`\mu_d` (Searle, Casella and McCulloch, Variance Components (1992), chapter 3).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SpotMean:
    """The mean over spots.

    Attributes
    ----------
    mean, sd
        Shape (k,): over the spots of each dose; the standard deviation with n - 1, NaN for one spot.
    covariance
        Of the means, shape (k, k): fits and spots.
    between, between_unc
        Standard deviation between spots beyond what their fits explain, and its standard uncertainty; NaN for one spot.
    """

    mean: Array
    sd: Array
    covariance: Array
    between: float
    between_unc: float


def spot_mean(values: Array, errors: Array) -> SpotMean:
    r"""Average over the spots.

    The variance between spots is :math:`\tau^2 = \max(0, V - \bar v)` with the variance `V` of the spots' means over
    the doses and the mean variance :math:`\bar v` that their fits give these. What scatters from dose to dose more than
    the fits say widens the fits' uncertainties (Birge's ratio).

    Parameters
    ----------
    values, errors
        Numbers of each spot and their standard uncertainties, shape (spots, k); NaN where missing.

    Returns
    -------
    SpotMean

    Examples
    --------
    >>> found = spot_mean(np.array([[0.9, 0.8], [0.7, 0.6], [0.8, 0.7]]), np.full((3, 2), 0.001))
    >>> found.mean.round(3).tolist(), round(found.between, 3)
    ([0.8, 0.7], 0.1)
    """
    seen = np.isfinite(values)
    count = seen.sum(axis=0)
    some = np.maximum(count, 1)
    mean = np.where(count > 0, np.nansum(values, axis=0) / some, np.nan)
    away = np.where(seen, values - mean, 0.0)
    sd = np.where(count > 1, np.sqrt((away**2).sum(axis=0) / np.maximum(count - 1, 1)), np.nan)
    variance = np.where(seen, np.nan_to_num(errors) ** 2, 0.0)
    used = seen.any(axis=1)
    spots, steps = int(used.sum()), int((count > 0).sum())
    between, between_unc, widening = np.nan, np.nan, 1.0
    if spots > 1:
        doses = np.maximum(seen.sum(axis=1), 1)
        level = away.sum(axis=1) / doses
        free = (seen.sum() - spots - steps + 1) if steps > 1 else 0
        if free > 0:
            rest = np.where(seen, away - level[:, None], 0.0)
            widening = max(1.0, float((rest**2)[seen].sum() / max(variance[seen].mean(), 1e-300) / free))
        own = float((widening * variance.sum(axis=1) / doses**2)[used].mean())
        found = float((level[used] ** 2).sum() / (spots - 1))
        excess = max(0.0, found - own)
        between = float(np.sqrt(excess))
        spread = np.sqrt(2.0 / (spots - 1)) * max(found, own)
        # of a square root; where the excess is none, the root of the spread is what it could be
        between_unc = float(min(spread / (2.0 * between), np.sqrt(spread)) if between > 0 else np.sqrt(spread))
    own_mean = widening * variance.sum(axis=0) / some**2
    common = 0.0 if not between > 0 else between**2 / spots
    return SpotMean(mean, sd, np.diag(own_mean) + common, between, between_unc)
