"""Doubts about the element whose edge is free: the wrong one, or none that is needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.result import DETECTION
from surfspec.fitting.solver import Solution
from surfspec.fitting.verdict import CORRELATED
from surfspec.leis.model import FAINT, SpectrumModel
from surfspec.leis.spectrum.maximisation import LEAST_VARIANCE, idle_lags, maximise
from surfspec.leis.spectrum.projection import expected_sigma

Array = NDArray[np.float64]

#: Fall of the deviance from which another free lag is asked for: a chance of 0.001 for one parameter.
FALL = 10.8
#: Change of an area, in standard uncertainties, from which a free lag that fits as well is told of, and by how much the
#: deviance may be higher then.
CHANGE, AS_GOOD = 4.0, 1.0
#: Relative uncertainty of an area from which a lag that is correlated with it spoils it, and standard uncertainties
#: below which a lag is none that the data show.
SPOILED, SHOWN = 0.05, 2.0


def lag_reasons(
    model: SpectrumModel, solution: Solution, covariance: Array, y: Array, statistics: str, sigma: Array | None
) -> list[str]:
    """Return what is to be said about the lags of a fit.

    Parameters
    ----------
    model, solution, covariance
        The model on its points, its parameters at the maximum, and their covariance.
    y
        Intensities, shape (n,).
    statistics, sigma
        As for :func:`surfspec.fitting.solver.solve`.
    """
    return [
        *_absent_heaviest(model, solution, covariance, y, statistics, sigma),
        *_tied_to_areas(model, solution, covariance),
    ]


def _absent_heaviest(
    model: SpectrumModel, solution: Solution, covariance: Array, y: Array, statistics: str, sigma: Array | None
) -> list[str]:
    """Ask for the lag of the heaviest element that is there, where the heaviest of the recipe is not.

    The recipe gives a lag to its heaviest element. If that shows neither peak nor shoulder, the edge of the heaviest
    element in the sample has to lie on its peak.
    """
    recipe, count = model.recipe, model.shape_count
    heaviest = model.heaviest
    if recipe.lag is not None or model.absent or recipe.lag_range[0] == recipe.lag_range[1]:
        return []
    spread = expected_sigma(solution.fitted, y, statistics, sigma, LEAST_VARIANCE)
    idle = idle_lags(model, solution.values, spread)[model.shape_names.index(f"{heaviest} lag")]
    area = count + model.linear_names.index(f"{heaviest} area")
    shown = [one for one in recipe.elements if _shoulder(model, solution, spread, one) >= FAINT]
    seen = solution.values[area] >= DETECTION * np.sqrt(np.nan_to_num(covariance[area, area]))
    if not idle or seen or not shown:
        return []
    element = max(shown, key=recipe.line)
    other = SpectrumModel(replace(recipe, lag=(element,)), model.energy)
    place = other.shape_names.index(f"{element} lag")
    start = solution.values[:count].copy()
    start[place] = other.parameters[place].value
    found, _ = maximise(other, y, statistics, sigma, start=start)
    if not found.converged or not found.uncertainties[place] > 0:
        return []
    fall = (solution.deviance - found.deviance) / solution.scale
    unc = np.sqrt(np.nan_to_num(np.diag(covariance)[count + model.area_columns]))
    change = found.values[other.shape_count + other.area_columns] - solution.values[count + model.area_columns]
    score = change / np.where(unc > 0, unc, np.inf)
    worst = int(np.argmax(np.abs(score)))
    reason = ""
    if fall > FALL:
        reason = (
            f"model inadequate: the edge of {element} lies {found.values[place]:.0f} eV below its peak and the recipe "
            f'leaves it no lag (deviance {fall:.0f} lower), say lag=("{element}",)'
        )
    elif fall > -AS_GOOD and abs(score[worst]) > CHANGE:
        reason = (
            f"ambiguous: with a free lag of {element} the area of {recipe.elements[worst]} changes by "
            f'{score[worst]:+.1f} uncertainties and the fit is as good, say lag=("{element}",)'
        )
    return [reason] if reason else []


def _shoulder(model: SpectrumModel, solution: Solution, spread: Array, element: str) -> float:
    """Return the chi-square that the shoulder of an element explains."""
    names = [f"{element} shoulder", *([f"{element} slope"] if model.recipe.slope else [])]
    used = [model.linear_names.index(name) for name in names]
    columns = model.design(solution.values[: model.shape_count])[:, used]
    signal = columns @ solution.values[model.shape_count :][used] / spread
    return float(signal @ signal)


def _tied_to_areas(model: SpectrumModel, solution: Solution, covariance: Array) -> list[str]:
    """Tell of lags that the data do not show and that spoil an area: metals and thick pure samples need none."""
    out = []
    unc = np.sqrt(np.nan_to_num(np.diag(covariance)))
    for element in model.recipe.lagging():
        lag = model.shape_names.index(f"{element} lag")
        if solution.values[lag] > SHOWN * unc[lag]:
            continue
        for one, area in zip(model.recipe.elements, model.shape_count + model.area_columns, strict=True):
            size = unc[lag] * unc[area]
            value = float(covariance[lag, area] / size) if size > 0 else 0.0
            spoiled = unc[area] > SPOILED * solution.values[area]
            if spoiled and abs(value) > CORRELATED:
                out.append(
                    f"correlated: {element} lag and {one} area ({value:+.2f}), lag=() where no film lies on the sample"
                )
    return out
