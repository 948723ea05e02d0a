"""Find the rigid shift of an energy scale before a fit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from surfspec.fitting.model import BoundModel
from surfspec.xps.model import build
from surfspec.xps.recipe import Recipe

Array = NDArray[np.float64]

#: Step of the search, in eV; the fit that follows refines it.
STEP = 0.1


def rigid_shift(x: Array, y: Array, recipe: Recipe, span: float) -> float:
    """Return the shift within +-`span` eV at which the recipe's peaks explain most of the data.

    For every trial shift the peaks at their start widths, the steps they leave towards higher
    binding energy, a level and a slope are fitted by non-negative least squares; the shift with the largest
    drop of chi-square over the featureless fit wins.

    Parameters
    ----------
    x, y
        Binding energy in eV and intensity, shape (n,).
    recipe
        What to look for.
    span
        Half width of the search, in eV.

    Returns
    -------
    float
        The shift in eV: positive when the data lie at higher binding energy than the recipe.
    """
    sigma = np.sqrt(np.maximum(y, max(1.0, 1e-4 * float(np.max(y)))))
    trials = np.arange(-np.floor(span / STEP), np.floor(span / STEP) + 1) * STEP
    gains = np.array([_gain(x, y, sigma, recipe, shift) for shift in trials])
    if not np.any(gains > 0):
        return 0.0
    near = gains >= gains.max() * (1 - 1e-9)
    return float(trials[near][np.argmin(np.abs(trials[near]))])


def _gain(x: Array, y: Array, sigma: Array, recipe: Recipe, shift: float) -> float:
    low, high = recipe.window[0] + shift, recipe.window[1] + shift
    inside = (x >= low) & (x <= high)
    if np.count_nonzero(inside) < 8 or (min(high, x[-1]) - max(low, x[0])) < 0.6 * (high - low):
        return -np.inf
    xi, target, weight = x[inside], y[inside] / sigma[inside], 1 / sigma[inside]
    model = build(recipe, shift=shift).model
    bound = BoundModel(model, xi, np.zeros(xi.size))
    values = np.array([p.value for p in model.parameters])
    columns: dict[str, Array] = {}
    contributions = bound.contributions(values)
    for component, profile in zip(model.components, contributions, strict=True):
        name = component.area.parameter
        columns[name] = columns.get(name, np.zeros(xi.size)) + profile
    ramp = np.linspace(0, 1, xi.size)
    flat = [np.ones(xi.size), ramp, 1 - ramp]
    peaks = [*columns.values()]
    steps = [np.cumsum(column * np.gradient(xi)) for column in peaks]
    normalised = [c / max(float(np.max(np.abs(c))), 1e-300) for c in (*peaks, *steps)]
    bare = nnls(np.stack(flat, axis=1) * weight[:, None], target)[1]
    full = nnls(np.stack([*flat, *normalised], axis=1) * weight[:, None], target)[1]
    return float(bare**2 - full**2)
