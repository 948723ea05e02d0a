r"""The covariance of a fit whose heights cannot be negative.

Near the maximum the likelihood is a Gaussian by its slope and its Fisher matrix there, cut off where a height is zero
or a shape on its limit. The covariance is that of the cut Gaussian (:mod:`surfspec.leis.spectrum.limited_gaussian`).
A height barely above zero then counts neither as free nor as certain, and equal spectra have equal uncertainties. Areas
are not cut off: an element that was not found has an area of zero with an uncertainty, not a certain zero.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.solver import Solution
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.limited_gaussian import limited_moments
from surfspec.leis.spectrum.maximisation import LEAST_VARIANCE, idle_lags
from surfspec.leis.spectrum.projection import expected_sigma

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def with_areas(model: SpectrumModel, solution: Solution, y: Array, sigma: Array | None) -> Array:
    """Return the covariance within limits, NaN for whatever lies on one, shape (parameters, parameters).

    Parameters
    ----------
    model, solution
        The model on its points, and its parameters at the maximum.
    y, sigma
        Intensities and, where given, their standard uncertainties, shape (n,).

    Returns
    -------
    numpy.ndarray
        A shape parameter or a height that lies on a limit has no uncertainty that could be told: its row is NaN. What
        the recipe fixes has zeros.
    """
    values, count = solution.values, model.shape_count
    areas = np.isin(np.arange(values.size), count + model.area_columns)
    vary = np.array([p.vary for p in model.parameters])
    low, high = (np.array([getattr(p, end) for p in model.parameters]) for end in ("low", "high"))
    spread = expected_sigma(solution.fitted, y, solution.statistics, sigma, LEAST_VARIANCE)
    columns = model.jacobian(values) / spread[:, None]
    pulls = (y - solution.fitted) / spread
    scale = scale_of(solution, pulls)
    free, used = taking_part(model, solution, spread, columns)
    limits = np.where(areas, -np.inf, low - values), np.where(areas, np.inf, high - values)
    some = columns[:, used]
    found = limited_moments(
        (some.T @ some)[None] / scale,
        (some.T @ pulls)[None] / scale,
        low=limits[0][None, used],
        high=limits[1][None, used],
    )
    covariance = np.where(np.isnan(solution.covariance), np.nan, 0.0)
    covariance[np.ix_(used, used)] = found.covariance[0]
    unknown = vary & (~used | ~free | (~areas & (values <= low)))
    covariance[unknown, :] = np.nan
    covariance[:, unknown] = np.nan
    return np.asarray(covariance)


def scale_of(solution: Solution, pulls: Array) -> float:
    """Return the variance of one pull: 1, or that of the residuals where the noise is not known."""
    return float(np.sum(pulls**2)) / solution.dof if solution.statistics == "unknown" else 1.0


def taking_part(model: SpectrumModel, solution: Solution, spread: Array, columns: Array) -> tuple[Flags, Flags]:
    """Return which parameters are free, and which take part in the covariance, shape (parameters,) each.

    Parameters
    ----------
    model, solution
        As for :func:`with_areas`.
    spread
        Standard uncertainty of each point, shape (n,).
    columns
        Derivatives by all parameters, shape (n, parameters).
    """
    values, count = solution.values, model.shape_count
    names, position = np.array(solution.names), np.arange(values.size)
    areas = np.isin(position, count + model.area_columns)
    free = ((solution.uncertainties > 0) | areas) & ~np.isin(names, solution.undetermined)
    vary, natural = (np.array([getattr(p, name) for p in model.parameters]) for name in ("vary", "natural_low"))
    low = np.array([p.low for p in model.parameters])
    # what lies on the limit that ends its meaning takes part; on any other limit something is wrong and cannot be told
    used = free | (vary & natural & (values <= low))
    used[:count] &= ~idle_lags(model, values, spread)
    used &= (np.sum(columns**2, axis=0) > 0) & ~np.isin(names, solution.undetermined)
    return free, used
