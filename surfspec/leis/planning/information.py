r"""Fisher information of a LEIS spectrum that has not been measured yet.

With counts of Poisson statistics and expectation :math:`\mu_i(p)` the information on the parameters is

.. math:: F_{jk} = \sum_i \frac1{\mu_i}\frac{\partial\mu_i}{\partial p_j}\frac{\partial\mu_i}{\partial p_k},

and no unbiased estimate has a covariance below :math:`F^{-1}` (Cramer and Rao). The derivatives are those of
:class:`surfspec.leis.model.SpectrumModel`, the model that is fitted. Parameters at their natural limit (no
foot, no slope) take no part; in a forecast like a fit they do, within limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.leis.collisions.width import ACCEPTANCE_FACTOR, FWHM
from surfspec.leis.model import SpectrumModel
from surfspec.leis.recipe import Recipe
from surfspec.leis.spectrum.lag_margin import Point, averaged
from surfspec.leis.spectrum.limited_gaussian import limited_moments

Array = NDArray[np.float64]

#: Smallest eigenvalue of the scaled information, over the largest, that still determines its direction.
SINGULAR = 1e-13


@dataclass(frozen=True)
class Expected:
    """What the spectrum is expected to hold.

    Attributes
    ----------
    counts
        Counts in each surface peak, all points together, by element.
    shoulder
        Height of each in-depth shoulder at its edge, counts per point, by element; None for `SHOULDER` of the peak.
    background
        Constant background, counts per point.
    tail
        Decay length of the tails to low energy, eV; 0 for none.
    step
        Distance of the points, eV.
    found
        Parameters of a measured spectrum by name, which take the place of all this where they are there.
    """

    counts: Mapping[str, float]
    shoulder: Mapping[str, float] | None
    background: float
    tail: float
    step: float
    found: Mapping[str, float] = field(default_factory=dict)


#: Step of numerical derivatives by position (eV) and by the variance of a peak (eV^2), small against every width.
MOVE = 0.01
#: Height of a shoulder over that of its peak where nobody gave one.
SHOULDER = 0.05
#: Points of a spectrum that is forecast.
LEAST_POINTS, MOST_POINTS = 8, 100_000


def resolution_of(model: SpectrumModel, fwhm: float) -> float:
    """Return the analyser resolution that makes the peaks of a model `fwhm` (eV) wide in the mean.

    Raises
    ------
    InputError
        When angular acceptance and thermal motion alone are wider.
    """
    recipe = model.recipe
    acceptance = float(np.mean(recipe.acceptance))
    factor = ACCEPTANCE_FACTOR[recipe.acceptance_shape]
    rest = [(acceptance * one.dispersion / factor) ** 2 + one.doppler_variance for one in model.lines.values()]
    left = (fwhm / FWHM) ** 2 - float(np.mean(rest))
    if left <= 0:
        raise InputError(
            f"peaks of {fwhm:g} eV are narrower than the {FWHM * np.sqrt(np.mean(rest)):.0f} eV of angular acceptance "
            "and thermal motion",
            where="fwhm",
            remedy="Give a larger FWHM, or a recipe with a smaller acceptance or thermal_energy",
        )
    energy = np.array([one.centroid for one in model.lines.values()])
    return float(np.sqrt(left / np.mean((energy / FWHM) ** 2)))


def model_of(recipe: Recipe, expected: Expected) -> SpectrumModel:
    """Return the model on the points of a spectrum that covers the window of the recipe."""
    low, high = recipe.limits()
    if not LEAST_POINTS <= (high - low) / expected.step <= MOST_POINTS:
        raise InputError(
            f"points {expected.step:g} eV apart are {(high - low) / expected.step:.3g} in the window",
            where="step",
            remedy=f"Choose a step that gives {LEAST_POINTS} to {MOST_POINTS} points between {low:g} and {high:g} eV",
        )
    points = np.arange(max(low, expected.step), high + 0.5 * expected.step, expected.step)
    return SpectrumModel(replace(recipe, low_energy_tail=expected.tail > 0), points)


def parameters_of(model: SpectrumModel, expected: Expected, resolution: float) -> Array:
    """Return the value of every parameter of the model, shape (parameters,)."""
    start = {p.name: p.value for p in model.parameters}
    start["resolution"] = resolution
    start["survival"] = model.recipe.survival[0]
    start["tail"] = expected.tail
    for element in model.recipe.lagging():
        start[f"{element} lag"] = model.recipe.lag_range[0]
    start["constant"] = expected.background
    named = {"tail": 0.0, **{name: start[name] for name in model.shape_names}}
    for element in model.recipe.elements:
        start[f"{element} area"] = expected.counts[element] * expected.step
        if expected.shoulder is None:
            sigma = float(np.hypot(model.widths(element, named)[0], model.lines[element].spread))
            start[f"{element} shoulder"] = SHOULDER * start[f"{element} area"] / (sigma * np.sqrt(2.0 * np.pi))
        else:
            start[f"{element} shoulder"] = expected.shoulder[element]
    start.update({name: value for name, value in expected.found.items() if name in start})
    return np.array([start[p.name] for p in model.parameters])


def area_covariance(
    model: SpectrumModel, values: Array, *, free_positions: bool = False, limited: bool = False
) -> Array:
    """Return the smallest possible covariance of the areas.

    Parameters
    ----------
    model, values
        The model and all its parameters.
    free_positions
        Every element with a position and a width of its own, instead of one offset and one width law for all.
    limited
        All within limits, as in a fit (:mod:`surfspec.leis.spectrum.limited_covariance`), zero ones included;
        else those off zero are free.

    Returns
    -------
    numpy.ndarray
        Shape (elements, elements), counts^2 eV^2; NaN for an area that the spectrum does not determine.
    """
    count = model.shape_count
    expected = model.evaluate(values)
    takes_part = np.array([
        p.vary and not (p.natural_low and value <= p.low and not limited)
        for p, value in zip(model.parameters, values, strict=True)
    ])  # fmt: skip
    columns = model.jacobian(values)
    if free_positions:
        common = [name in ("offset", "resolution", "acceptance") for name in model.shape_names]
        takes_part[:count] &= ~np.array(common)
    areas = count + model.area_columns
    takes_part[areas] = True
    order = np.cumsum(takes_part) - 1
    used = columns[:, takes_part]
    if free_positions:
        used = np.concatenate([used, _own_positions(model, values)], axis=1)
    whitened = used / np.sqrt(np.maximum(expected, 1e-9))[:, None]
    covariance = _inverse(whitened)
    if limited and np.all(np.isfinite(np.diag(covariance))):
        low, high = np.full((2, used.shape[1]), np.inf)
        low, own = -low, np.array([p.low for p in model.parameters]) - values
        own[areas] = -np.inf
        low[: order[-1] + 1] = own[takes_part]
        information = (whitened.T @ whitened)[None]
        covariance = limited_moments(information, np.zeros((1, low.size)), low=low[None], high=high[None]).covariance[0]
        if not free_positions:
            covariance = _over_lags(model, values, takes_part, expected, covariance)
    return np.asarray(covariance[np.ix_(order[areas], order[areas])])


def _over_lags(
    model: SpectrumModel, values: Array, takes_part: NDArray[np.bool_], expected: Array, covariance: Array
) -> Array:
    """Return the covariance of what takes part, averaged over a lag near its peak as that of a fit."""
    whole = np.zeros((values.size, values.size))
    place = np.ix_(takes_part, takes_part)
    whole[place] = covariance
    point = Point(values, takes_part, expected, np.sqrt(np.maximum(expected, 1e-9)), 1.0)
    return np.asarray(averaged(model, point, whole)[place])


def _own_positions(model: SpectrumModel, values: Array) -> Array:
    """Return derivatives by position and width of each element with its shoulder, shape (n, 2 elements)."""

    def moved(element: str, by: float, broader: float) -> Array:
        other = SpectrumModel(model.recipe, model.energy)
        lines = model.lines[element]
        other.lines[element] = replace(
            lines,
            energy=lines.energy + by,
            centroid=lines.centroid + by,
            doppler_variance=lines.doppler_variance + broader,
        )
        return other.evaluate(values)

    out = []
    for element in model.recipe.elements:
        out.append((moved(element, MOVE, 0.0) - moved(element, -MOVE, 0.0)) / (2.0 * MOVE))
        out.append((moved(element, 0.0, MOVE) - moved(element, 0.0, -MOVE)) / (2.0 * MOVE))
    return np.stack(out, axis=1)


def _inverse(whitened: Array) -> Array:
    """Return the inverse of the information, rows and columns NaN where it does not determine the parameter."""
    size = np.linalg.norm(whitened, axis=0)
    alive = size > 0
    result = np.full((size.size, size.size), np.nan)
    scaled = whitened[:, alive] / size[alive]
    _, singular, rows = np.linalg.svd(scaled, full_matrices=False)
    lost = singular**2 < SINGULAR * singular[0] ** 2
    inverse = (rows[~lost].T / singular[~lost] ** 2) @ rows[~lost]
    undetermined = np.any(np.abs(rows[lost]) > 1e-3, axis=0)
    inverse[undetermined, :] = inverse[:, undetermined] = np.nan
    result[np.ix_(alive, alive)] = inverse / np.outer(size[alive], size[alive])
    return result
