r"""Equivalent spots of one sample: their mean, and how much they differ beyond what their fits allow.

Spots are a random effect, :math:`r_i = \mu + b_i + e_i` with :math:`\mathrm{var}\,b_i = \tau^2` and the variance of
:math:`e_i` known from the fit. The estimate is :math:`\tau^2 = \max(0,\ s^2 - \overline{u^2})`, and an interval follows
from :math:`(n-1)s^2/(\tau^2 + \overline{u^2}) \sim \chi^2_{n-1}`. Of three spots the standard deviation `s` itself is
known to a factor between 0.52 and 6.3 only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm, t

Array = NDArray[np.float64]

CONFIDENCE = 0.95
#: Chance within one standard uncertainty of a normal variable.
ONE_SIGMA = 0.6827


@dataclass(frozen=True)
class OverSpots:
    """Numbers over the spots, each of shape (..., element).

    Attributes
    ----------
    mean, standard
        Mean, and its standard uncertainty by the spots and their fits alone.
    sd, sd_low, sd_high
        Standard deviation (n - 1) and the ends of its 95 % interval, NaN for one spot.
    half
        Half the 95 % interval of the mean, by Student's distribution.
    between, between_unc, between_low, between_high
        Standard deviation between the spots beyond their fits, half its 68 % interval, and the ends of its 95 %
        interval, NaN for one spot. Half the interval is NaN where spots agree better than their fits let them.
    """

    mean: Array
    standard: Array
    sd: Array
    sd_low: Array
    sd_high: Array
    half: Array
    between: Array
    between_unc: Array
    between_low: Array
    between_high: Array


def over_spots(values: Array, uncertainties: Array) -> OverSpots:
    r"""Average over the spots.

    Parameters
    ----------
    values, uncertainties
        Shape (..., spot, element); NaN where a spot has no value.

    Returns
    -------
    OverSpots
        The standard uncertainty of the mean is :math:`\sqrt{(\tau^2 + \overline{u^2})/n}`.

    References
    ----------
    JCGM 100:2008 (GUM), sections 4.2 and 5.2; Searle, Casella and McCulloch, Variance Components (1992), for the
    estimate and the interval.

    Examples
    --------
    >>> of = over_spots(np.array([[1.0], [2.0], [3.0]]), np.full((3, 1), 0.6))
    >>> of.mean.tolist(), of.sd.tolist(), of.between.round(3).tolist()
    ([2.0], [1.0], [0.8])
    """
    count = np.sum(np.isfinite(values), axis=-2)
    some, several = np.maximum(count, 1), count > 1
    dof = np.maximum(count - 1, 1)
    mean = np.where(count > 0, np.nansum(values, axis=-2) / some, np.nan)
    squares = np.nansum((values - mean[..., None, :]) ** 2, axis=-2)
    sd = np.where(several, np.sqrt(squares / dof), np.nan)
    from_fits = np.sqrt(np.nansum(uncertainties**2, axis=-2)) / some
    within = from_fits**2 * some  # mean variance of a fit
    standard = np.where(several, np.fmax(sd / np.sqrt(some), from_fits), from_fits)
    factor = np.where(several, t.ppf(0.5 + CONFIDENCE / 2, dof), norm.ppf(0.5 + CONFIDENCE / 2))
    half = factor * np.where(several, sd / np.sqrt(some), from_fits)

    def between_at(probability: float) -> Array:
        return np.asarray(np.sqrt(np.maximum(squares / chi2.ppf(probability, dof) - within, 0.0)) + 0.0 * sd)

    low, high = (np.sqrt(squares / chi2.ppf(0.5 + sign * CONFIDENCE / 2, dof)) + 0.0 * sd for sign in (1, -1))
    narrow = between_at(0.5 - ONE_SIGMA / 2) - between_at(0.5 + ONE_SIGMA / 2)
    return OverSpots(
        mean=mean,
        standard=standard,
        sd=sd,
        sd_low=low,
        sd_high=high,
        half=half,
        between=np.sqrt(np.maximum(sd**2 - within, 0.0)),
        between_unc=np.where(narrow > 0, 0.5 * narrow, np.nan),
        between_low=between_at(0.5 + CONFIDENCE / 2),
        between_high=between_at(0.5 - CONFIDENCE / 2),
    )


def with_model(of: OverSpots, model: Array) -> tuple[Array, Array]:
    """Return standard uncertainty and half 95 % interval of the mean with an uncertainty that all spots share.

    Parameters
    ----------
    of
        What the spots say.
    model
        Standard uncertainty common to them, shape (..., element).
    """
    return np.hypot(of.standard, model), np.hypot(of.half, norm.ppf(0.5 + CONFIDENCE / 2) * model)
