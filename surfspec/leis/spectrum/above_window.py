"""Signal above the fitted window: a peak of an element that the recipe does not name."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.fitting.result import MemberFit
from surfspec.leis.recipe import Recipe

Array = NDArray[np.float64]

#: Relative span of energy in which signal above the window is summed, and the fewest points of one.
SPAN, LEAST_ABOVE = 0.03, 5
#: Standard score from which such a sum is no chance; there are at most some hundred spans.
ABOVE_SCORE = 6.0


def points_above(spectrum: xr.Dataset, recipe: Recipe) -> tuple[Array, Array] | None:
    """Return energies and intensities between the automatic window and the ion energy, None where there are too few.

    A window that was given is an answer to what lies outside it.
    """
    if recipe.window is not None:
        return None
    energy = np.array(spectrum["kinetic_energy"].values, dtype=np.float64)
    chosen = (energy > recipe.limits()[1]) & (energy < recipe.gain * recipe.energy)
    if np.count_nonzero(chosen) < LEAST_ABOVE:
        return None
    intensity = spectrum["intensity"].transpose(..., "kinetic_energy").values[..., chosen]
    return energy[chosen], np.array(intensity, dtype=np.float64)


def unexplained_above(energy: Array, y: Array, member: MemberFit, fitted: Array, statistics: str) -> str:
    r"""Return the reason for signal above the fitted window that no element of the recipe explains, '' for none.

    Above the heaviest peak the model holds nothing but its constant `c`. In spans of :data:`SPAN` of their energy,

    .. math:: z = \frac{\sum_i (y_i - c)}{\sqrt{n \sigma^2 + n^2 u^2(c)}}

    is asked to stay below :data:`ABOVE_SCORE`, where the variance is that of counting, or that of the residuals where
    the statistics are not those of counts.

    Parameters
    ----------
    energy, y
        Of the points above the window, shape (n,).
    member
        The fit of the spectrum.
    fitted, statistics
        Intensities inside the window, and how they scatter.
    """
    level, level_unc = float(member.background[-1]), float(np.nan_to_num(member.value_unc[-1]))
    noise = float(np.median(np.abs(fitted - member.model)) / 0.67448975) ** 2
    variance = max(level, 0.0) + 1e-300 if statistics == "poisson" else noise
    excess = np.concatenate([[0.0], np.cumsum(y - level)])
    ends = np.searchsorted(energy, energy * (1.0 + SPAN))
    count = ends - np.arange(energy.size)
    total = excess[ends] - excess[:-1]
    # one count more than expected is no peak where nothing is expected
    score = total / np.sqrt(count * variance + (count * level_unc) ** 2 + (1.0 if statistics == "poisson" else 1e-300))
    score[count < LEAST_ABOVE] = 0.0
    high = np.flatnonzero(score > ABOVE_SCORE)
    if not high.size:
        return ""
    low, top = energy[high[0]], energy[ends[high[-1]] - 1]
    first = int(np.argmax(score))
    peak = energy[first + int(np.argmax(y[first : ends[first]]))]
    return (
        f"model inadequate: signal above the window ({low:.0f} to {top:.0f} eV, strongest at {peak:.0f} eV) "
        "that no element of the recipe explains"
    )
