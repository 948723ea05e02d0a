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
#: Widths tried at each shift, relative to the start widths of the recipe.
WIDTHS = (0.75, 1.0, 1.4)
#: Widths tried at the candidates, and the part of the largest drop from which a shift is one.
FINE_WIDTHS = (0.65, 0.85, 1.0, 1.15, 1.3, 1.5, 1.8)
CANDIDATE = 0.85
#: Unexplained part of the data, above the least one, with which a smaller shift still wins: a single line
#: can be explained by any of a recipe's peaks, and the nearest explanation is the likely one.
NEARLY = 0.012


def rigid_shift(x: Array, y: Array, recipe: Recipe, span: float) -> float:
    """Return the shift within +-`span` eV at which the recipe's peaks explain most of the data.

    For every trial shift the peaks at their start widths, the steps they leave towards higher
    binding energy, a level and a slope are fitted by non-negative least squares, with several widths. Of the
    shifts with a large drop of chi-square over the featureless fit, the smallest wins that explains nearly as
    much as the best.

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
    sigma = np.sqrt(np.maximum(y, 1e-3 * float(np.max(np.abs(y)))))
    trials = np.arange(-np.floor(span / STEP), np.floor(span / STEP) + 1) * STEP
    drops = np.array([max(_fit(x, y, sigma, recipe, s, w)[0] for w in WIDTHS) for s in trials])
    if not np.any(drops > 0):
        return 0.0
    maxima = np.flatnonzero((drops >= np.roll(drops, 1)) & (drops >= np.roll(drops, -1)))
    places = trials[maxima[drops[maxima] >= drops.max() * CANDIDATE]]
    left = np.array([min(_fit(x, y, sigma, recipe, s, w)[1] for w in FINE_WIDTHS) for s in places])
    near = places[left <= left.min() + NEARLY]
    return float(near[np.argmin(np.abs(near))])


def _fit(x: Array, y: Array, sigma: Array, recipe: Recipe, shift: float, width: float) -> tuple[float, float]:
    """Return the drop of chi-square by the peaks, and the part of the featureless chi-square that stays."""
    low, high = recipe.window[0] + shift, recipe.window[1] + shift
    inside = (x >= low) & (x <= high)
    if np.count_nonzero(inside) < 8 or (min(high, x[-1]) - max(low, x[0])) < 0.6 * (high - low):
        return -np.inf, np.inf
    xi, target, weight = x[inside], y[inside] / sigma[inside], 1 / sigma[inside]
    model = build(recipe, shift=shift).model
    bound = BoundModel(model, xi, np.zeros(xi.size))
    values = np.array([p.value * (width if p.name.split()[-1].startswith("fwhm") else 1.0) for p in model.parameters])
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
    return float(bare**2 - full**2), float(full**2 / max(bare**2, 1e-300))
