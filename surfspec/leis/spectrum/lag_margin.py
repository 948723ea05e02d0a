r"""The covariance of a fit whose edge may lie at many places: averaged over the lag.

Peak and shoulder trade counts while the edge moves from the peak to a peak width below it. That valley is curved, and
often ends at a lag of zero: its slope at the maximum says little about it. So the lag is put on a grid, the other
parameters follow it, and

.. math:: C = \sum_k w_k \left[C_k + (p_k - \hat p)(p_k - \hat p)^T\right], \qquad
          w_k \propto e^{-(D_k - \min D)/2s}

with the covariance :math:`C_k` at that lag, within limits, the parameters :math:`p_k` there, and the deviance
:math:`D_k` (:math:`s` where the noise is not known). All lags of the allowed range count alike beforehand. At each lag
the heights are found by non-negative least squares, and the other shapes move by one Gauss-Newton step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from surfspec.fitting.solver import Solution
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.limited_covariance import scale_of, taking_part
from surfspec.leis.spectrum.limited_gaussian import limited_moments
from surfspec.leis.spectrum.maximisation import LEAST_VARIANCE
from surfspec.leis.spectrum.projection import expected_sigma, linear_part

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Lag from which on the edge stands clear of its peak, in standard deviations of the peak.
CLEAR = 6.0
#: Reach of the first grid in standard uncertainties and in standard deviations of the peak; points of the two grids.
REACH, WIDTHS, COARSE, FINE = 4.0, 2.5, 8, 14
#: Rise of the deviance up to which lags are averaged over, and places between the lowest lag and the best one, as a
#: share of the way, at which it is looked for.
RISE, LOOKED = 8.0, (0.0, 0.5)


@dataclass(frozen=True)
class _Place:
    """The best fit at one lag: all parameters, derivatives and pulls in units of the noise."""

    values: Array
    columns: Array
    pulls: Array
    deviance: float


@dataclass(frozen=True)
class Point:
    """Where a likelihood has its maximum, and how wide the noise is there.

    Attributes
    ----------
    values
        All parameters, shape (parameters,).
    used
        Which of them take part in the covariance, shape (parameters,).
    y, spread
        Data and their standard uncertainties by the model, shape (n,).
    scale
        Variance of one pull: 1 where the noise is known.
    """

    values: Array
    used: Flags
    y: Array
    spread: Array
    scale: float


def over_lags(model: SpectrumModel, solution: Solution, covariance: Array, y: Array, sigma: Array | None) -> Array:
    """Return the covariance averaged over the lag where that is badly placed, else the one given.

    Parameters
    ----------
    model, solution
        The model on its points, and its parameters at the maximum.
    covariance
        That of :func:`~.limited_covariance.with_areas`, shape (parameters, parameters).
    y, sigma
        Intensities and, where given, their standard uncertainties, shape (n,).

    Returns
    -------
    numpy.ndarray
        NaN where `covariance` is.
    """
    spread = expected_sigma(solution.fitted, y, solution.statistics, sigma, LEAST_VARIANCE)
    columns = model.jacobian(solution.values) / spread[:, None]
    scale = scale_of(solution, (y - solution.fitted) / spread)
    _, used = taking_part(model, solution, spread, columns)
    return averaged(model, Point(solution.values, used, y, spread, scale), covariance)


def averaged(model: SpectrumModel, point: Point, covariance: Array) -> Array:
    """Return the covariance at a maximum averaged over the lag, as :func:`over_lags` does."""
    lag = _lag_near_peak(model, point)
    if lag is None:
        return covariance
    used, scale = point.used.copy(), point.scale
    used[lag] = False
    valley = _Valley(model, point, lag, used)
    if not valley.reaches_peak():
        return covariance
    places = valley.places(covariance[lag, lag])
    deviance = np.array([one.deviance for one in places])
    weight = np.exp(-0.5 * (deviance - deviance.min()) / scale)
    weight /= weight.sum()
    areas = np.isin(np.arange(used.size), model.shape_count + model.area_columns)
    low, high = (np.array([getattr(p, end) for p in model.parameters]) for end in ("low", "high"))
    values = np.stack([one.values for one in places])
    inner = np.stack([one.columns[:, used] for one in places])
    found = limited_moments(
        inner.transpose(0, 2, 1) @ inner / scale,
        (inner.transpose(0, 2, 1) @ np.stack([one.pulls for one in places])[:, :, None])[:, :, 0] / scale,
        low=np.where(areas, -np.inf, np.minimum(low - values, 0.0))[:, used],
        high=np.where(areas, np.inf, np.maximum(high - values, 0.0))[:, used],
    )
    out = np.zeros_like(covariance)
    out[np.ix_(used, used)] = np.einsum("k,kij->ij", weight, found.covariance)
    apart = np.where(used | (np.arange(used.size) == lag), values - point.values, 0.0)
    out += np.einsum("k,ki,kj->ij", weight, apart, apart)
    return np.where(np.isnan(covariance), np.nan, out)


def _lag_near_peak(model: SpectrumModel, point: Point) -> int | None:
    """Return the parameter that is the smallest free lag in units of its peak width, None where all stand clear."""
    count, least, which = model.shape_count, CLEAR, None
    idle = model.idle_lags(point.values[:count], point.values[count:], point.spread)
    named = model.named(point.values[:count])
    for element in model.recipe.lagging():
        i = model.shape_names.index(f"{element} lag")
        if idle[i] or not model.parameters[i].vary or not point.used[i]:
            continue
        distance = float(point.values[i]) / model.widths(element, named)[0]
        if distance < least:
            least, which = distance, i
    return which


@dataclass(frozen=True)
class _Valley:
    """The best fits along one lag."""

    model: SpectrumModel
    point: Point
    lag: int
    used: Flags

    @property
    def best(self) -> float:
        """The lag at the maximum, eV."""
        return float(self.point.values[self.lag])

    def reaches_peak(self) -> bool:
        """Return whether the edge may as well lie on the peak, or half way to it."""
        low = self.model.parameters[self.lag].low
        top = self.at(self.best).deviance + RISE * self.point.scale
        return any(self.at(low + share * (self.best - low)).deviance < top for share in LOOKED)

    def places(self, variance: float) -> list[_Place]:
        """Return the best fits at lags between which the deviance stays near its minimum."""
        one, count = self.model.parameters[self.lag], self.model.shape_count
        element = self.model.shape_names[self.lag].removesuffix(" lag")
        width = self.model.widths(element, self.model.named(self.point.values[:count]))[0]
        reach = max(REACH * float(np.sqrt(np.nan_to_num(variance))), WIDTHS * width)
        first = np.linspace(one.low, min(one.high, self.best + reach), COARSE)
        rise = np.array([self.at(value).deviance for value in first])
        near = np.flatnonzero(rise <= rise.min() + RISE * self.point.scale)
        fine = np.linspace(first[max(near[0] - 1, 0)], first[min(near[-1] + 1, first.size - 1)], FINE)
        return [self.at(value) for value in fine]

    def at(self, value: float) -> _Place:
        """Return the best fit at one lag, the other shapes moved by one Gauss-Newton step, never below their limits."""
        model, count, used = self.model, self.model.shape_count, self.used
        shape = self.point.values[:count].copy()
        shape[self.lag] = value
        columns = model.design(shape) / self.point.spread[:, None]
        linear = linear_part(model.design(shape), self.point.y, self.point.spread)
        slopes = model.slopes(shape, linear) / self.point.spread[:, None]
        moving = np.flatnonzero(used[:count])
        low = np.array([model.parameters[i].low for i in moving])
        # every shape is counted from its lower limit, so that all unknowns are non-negative
        side = slopes[:, moving]
        wide = np.concatenate([columns, side], axis=1)
        size = np.sqrt(np.sum(wide**2, axis=0))
        size = np.where(size > 0, size, 1.0)
        target = self.point.y / self.point.spread + side @ (shape[moving] - low)
        q, r = np.linalg.qr(wide / size)
        found, _ = nnls(r, q.T @ target, maxiter=50 * size.size)
        pulls = target - (wide / size) @ found
        found = found / size
        values = np.concatenate([shape, found[: columns.shape[1]]])
        values[moving] = low + found[columns.shape[1] :]
        return _Place(values, np.concatenate([slopes, columns], axis=1), pulls, float(pulls @ pulls))
