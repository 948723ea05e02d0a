"""The maximum of the likelihood with parameters that cannot be negative.

Variable projection (:mod:`surfspec.leis.spectrum.projection`) gives the start and the set that lies on zero; the solver
then moves all that is free at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.model import Parameter
from surfspec.fitting.solver import Solution, solve
from surfspec.fitting.solver.solution import DIFFERENT, EQUALLY_GOOD
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.projection import expected_sigma, project

Array = NDArray[np.float64]

#: Times that parameters held at zero may be released again.
RELEASES = 4
#: Cosine between residual and column above which a parameter held at zero wants to rise.
RELEASE_COSINE = 1e-3
#: Cosine below which the likelihood is level along a free parameter.
FLAT_COSINE = 1e-6
#: Where in its range a lag begins again that ended far from its peak, and one that ended near it.
LAGS = (0.01, 0.35)
#: Uncertainty of a lag, in standard deviations of the peak, from which its edge may have another place.
UNPLACED = 0.25
#: The same for a lag from which on its edge may also lie on the peak.
CLOSE = 0.5
#: Lags no further apart than this (eV) are one, and a second maximum that lies lower by more is left where it is.
SAME_LAG, LOWER = 1.0, 5.0
#: Expected counts below which a point weighs no more.
LEAST_VARIANCE = 1e-3


@dataclass
class _Held:
    """The model with some parameters held where they are: what the solver sees."""

    model: SpectrumModel
    parameters: tuple[Parameter, ...]

    def evaluate(self, values: Array) -> Array:
        return self.model.evaluate(values)

    def jacobian(self, values: Array) -> Array:
        return self.model.jacobian(values)


def maximise(
    model: SpectrumModel, y: Array, statistics: str, sigma: Array | None, *, start: Array | None = None
) -> tuple[Solution, Array]:
    """Return the best solution and the values it started from.

    An edge that lies on its peak can be a maximum of the likelihood of its own, because peak and shoulder trade counts.
    So a lag that ends within the width of its peak is looked for once more far from it, and an uncertain one that ends
    far from it near it. A short search tells whether there is another maximum worth the climb, and the higher
    likelihood wins. Where both are as good and differ, the solution says that it depends on the start.
    """
    best, first = _climb(model, y, statistics, sigma, start)
    dependent = False
    for again in _lags_again(model, best):
        scouted = _scouted(model, best, y, statistics, sigma, again)
        if scouted is None:
            continue
        other, second = _climb(model, y, statistics, sigma, scouted)
        if other.converged and other.deviance < best.deviance:
            best, first, other = other, second, best
        unit = np.where(best.uncertainties > 0, best.uncertainties, np.inf)
        apart = bool(np.any(np.abs(other.values - best.values) / unit > DIFFERENT))
        dependent |= apart and other.deviance - best.deviance <= EQUALLY_GOOD * best.scale
    return replace(best, start_dependent=dependent), first


def _lags_again(model: SpectrumModel, solution: Solution) -> tuple[Array, ...]:
    """Return non-linear start values for other tries where a lag allows another place, none where none does."""
    tries = []
    for element in model.recipe.lagging():
        i = model.shape_names.index(f"{element} lag")
        one, unc = model.parameters[i], solution.uncertainties[i]
        lag, width = (
            solution.values[i] - one.low,
            model.widths(element, model.named(solution.values[: model.shape_count]))[0],
        )
        if not one.vary or not unc > 0:
            continue
        for share, wanted in zip(LAGS, (lag > CLOSE * width and unc > UNPLACED * width, lag < width), strict=True):
            if wanted:
                shape = solution.values[: model.shape_count].copy()
                shape[i] = one.low + share * (one.high - one.low)
                tries.append(shape)
    return tuple(tries)


def _scouted(
    model: SpectrumModel, best: Solution, y: Array, statistics: str, sigma: Array | None, again: Array
) -> Array | None:
    """Return where a short search from other lags ends, None where that is the same place or a far lower one."""
    spread = expected_sigma(best.fitted, y, statistics, sigma, LEAST_VARIANCE)
    found = project(model, y, statistics=statistics, sigma=sigma, start=again, weight=spread)
    lags = [model.shape_names.index(f"{element} lag") for element in model.recipe.lagging()]
    if np.all(np.abs(found[lags] - best.values[lags]) <= SAME_LAG):
        return None
    there, here = (float(np.sum(((y - fitted) / spread) ** 2)) for fitted in (model.evaluate(found), best.fitted))
    return found[: model.shape_count] if there < here + LOWER * best.scale else None


def _climb(
    model: SpectrumModel, y: Array, statistics: str, sigma: Array | None, start: Array | None
) -> tuple[Solution, Array]:
    """Return the solution that one start leads to, and the values of its projection.

    Non-negative parameters that end on zero are held there while the others are polished, and released where the
    likelihood wants them to rise (the conditions of Karush, Kuhn and Tucker).
    """
    first = project(model, y, statistics=statistics, sigma=sigma, start=start)
    values = first
    held = _at_zero(model, values, expected_sigma(model.evaluate(values), y, statistics, sigma))
    solution = None
    for _ in range(RELEASES):
        problem = _Held(model, _hold(model, values, held))
        # whether the data need an element is what surfspec.leis.detect asks, and no fault of the fit
        solution = solve(problem, y, statistics=statistics, sigma=sigma, doubt=())
        values = solution.values
        cosine = _gradient(model, solution, y, statistics, sigma)
        rising = held & (np.arange(values.size) >= model.shape_count) & (cosine > RELEASE_COSINE)
        if not np.any(rising):
            # shoulder and peak trade counts along a curved valley, on which Gauss-Newton steps overshoot by some
            # 1e-5 uncertainties for ever; a gradient that vanishes there is a minimum all the same
            flat = np.all(np.abs(cosine[solution.uncertainties > 0]) < FLAT_COSINE)
            return replace(solution, converged=solution.converged or bool(flat)), first
        held = held & ~rising
    if solution is None:  # RELEASES is positive, so the loop ran
        raise InputError("the fit did not start", remedy="Report this with the spectrum")
    return replace(solution, converged=False), first


def _at_zero(model: SpectrumModel, values: Array, sigma: Array) -> NDArray[np.bool_]:
    """Find parameters to hold: linear ones at zero, and lags of shoulders that are not there."""
    held = (np.arange(values.size) >= model.shape_count) & (values <= 0)
    held[: model.shape_count] = idle_lags(model, values, sigma)
    return held


def idle_lags(model: SpectrumModel, values: Array, sigma: Array) -> NDArray[np.bool_]:
    """Return which non-linear parameters are lags that the spectrum does not show, shape (shape_count,)."""
    return model.idle_lags(values[: model.shape_count], values[model.shape_count :], sigma)


def _hold(model: SpectrumModel, values: Array, held: NDArray[np.bool_]) -> tuple[Parameter, ...]:
    def one(p: Parameter, value: float, hold: bool) -> Parameter:
        if not p.vary:
            # limits that coincide mean nothing to the solver
            return replace(p, low=-np.inf, high=np.inf)
        return replace(p, value=float(np.clip(value, p.low, p.high)), vary=not hold)

    return tuple(one(p, v, bool(h)) for p, v, h in zip(model.parameters, values, held, strict=True))


def _gradient(model: SpectrumModel, solution: Solution, y: Array, statistics: str, sigma: Array | None) -> Array:
    """Return the cosine between the residual and each column of the Jacobian, positive where more is wanted."""
    weight = 1.0 / expected_sigma(solution.fitted, y, statistics, sigma, LEAST_VARIANCE)
    pulls = (y - solution.fitted) * weight
    columns = weight[:, None] * model.jacobian(solution.values)
    size = np.sqrt(np.sum(columns**2, axis=0)) * np.sqrt(np.sum(pulls**2))
    return np.asarray(columns.T @ pulls / np.where(size > 0, size, 1.0))
