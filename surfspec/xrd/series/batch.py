r"""Many patterns against the same columns: scales that are not negative, a strain of each cell, a background.

.. math:: y \approx \sum_j s_j C_j + \sum_j s_j \epsilon_j \frac{\partial C_j}{\partial \epsilon_j} + b

C is the pattern of a phase at unit scale and the cell it has in the sum of all patterns; epsilon the strain of one
pattern against that. The free columns are eliminated from the normal equations, the scales follow by
non-negative least squares on what is left (Lawson & Hanson 1974), so that a pattern costs about a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.ndimage import maximum_filter1d
from scipy.optimize import nnls

Array = NDArray[np.float64]

#: Passes: the first weighs by counting alone, the others by the model error of the signal found.
PASSES = 3
#: Redraws at the strains found, and the change of strain that needs none.
REDRAWS = 9
SAME_STRAIN = 2e-5
#: Shortest part of a step that a secant may leave.
SHORTEST = 0.1
#: Smallest scale, in standard uncertainties, of a phase that has a strain.
SEEN = 3.0


@dataclass(frozen=True)
class Fitted:
    """One pattern: scales and their covariance, strains and their uncertainty, chi-square per point, detection."""

    scale: Array
    covariance: Array
    strain: Array
    strain_unc: Array
    reduced_chi2: float
    least: Array
    converged: bool


def fit_one(
    y: Array,
    counting: Array,
    draw: Callable[[Array], tuple[Array, Array]],
    start: tuple[Array, Array],
    basis: Array,
    *,
    model_error: float,
    points: float,
    largest: float,
) -> Fitted:
    """Fit one pattern.

    Parameters
    ----------
    y, counting
        Intensity and counting variance, shape (n,).
    draw
        Gives columns and their derivatives by the strain, each (n, m), for strains (m,).
    start
        The same at strain zero, drawn once for all patterns.
    basis
        Background columns, (n, k).
    model_error, points
        Relative model error of a line, and points within a line.
    largest
        Largest strain.

    Returns
    -------
    Fitted
        Scales in intensity over column.
    """
    columns, slopes = start
    strain = np.zeros(columns.shape[1])
    signal = np.zeros_like(y)
    converged, sure = False, np.zeros(len(strain), dtype=np.bool_)
    step, earlier, gone = strain, strain, strain
    reach = np.full(len(strain), np.inf)
    for turn in range(PASSES + REDRAWS):
        variance = counting + points * (model_error * signal) ** 2
        scale, move, spread, covariance, least, chi2 = _linear(y, variance, columns, slopes, basis, reach)
        reach = np.maximum(scale, least) * largest / 2.0
        signal = maximum_filter1d(columns @ scale, 2 * round(0.5 * points) + 1)
        # a strain that its data do not determine stays; a long step is cut, the linear law holds for a part of a line
        sure = (spread < largest) & (scale > SEEN * least)
        step = np.clip(np.where(sure, move, 0.0), -largest / 8.0, largest / 8.0)
        if turn + 1 >= PASSES and np.all(np.abs(step) < np.maximum(SAME_STRAIN, 0.1 * spread)):
            converged = True
            break
        if turn + 1 >= PASSES or np.any(np.abs(step) > 0.5 * largest / 8.0):
            # where lines are narrower than drawn, steps are too long and swing about the answer: the secant ends that
            gone = np.clip(_secant(step, earlier, gone), -largest - strain, largest - strain)
            earlier, strain = step, strain + gone
            columns, slopes = draw(strain)
    kept = np.where(sure & (scale > 0), strain + step, np.nan)
    return Fitted(scale, covariance, kept, np.where(np.isnan(kept), np.nan, spread), chi2, least, converged)


def _secant(step: Array, earlier: Array, gone: Array) -> Array:
    """Shorten a step that turns back: `earlier` is the step asked for before, `gone` the way that was gone then."""
    swings = step * earlier < 0
    rate = np.where(swings, gone / np.where(swings, earlier - step, 1.0), 1.0)
    return np.asarray(step * np.clip(rate, SHORTEST, 1.0))


def _linear(
    y: Array, variance: Array, columns: Array, slopes: Array, basis: Array, reach: Array
) -> tuple[Array, Array, Array, Array, Array, float]:
    """Scales, strains and their uncertainties, covariance of the scales, smallest scales seen, chi-square a point."""
    count = columns.shape[1]
    design = np.concatenate([columns, slopes, basis], axis=1)
    weighted = design / variance[:, None]
    normal = weighted.T @ design
    moved = np.arange(count, 2 * count)
    normal[moved, moved] += reach**-2.0  # strains are small: what is not there has no strain to fit noise with
    unit = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-300))
    normal = normal * np.outer(unit, unit)
    normal[np.diag_indices_from(normal)] += 1e-10
    right = unit * (weighted.T @ y)
    own, free = np.arange(count), np.arange(count, len(right))
    across = np.linalg.solve(normal[np.ix_(free, free)], np.column_stack([normal[np.ix_(free, own)], right[free]]))
    left = normal[np.ix_(own, own)] - normal[np.ix_(own, free)] @ across[:, :count]
    target = right[own] - normal[np.ix_(own, free)] @ across[:, count]
    root = cholesky(left + 1e-12 * np.eye(count), lower=True)
    found, _ = nnls(root.T, solve_triangular(root, target, lower=True))
    rest = across[:, count] - across[:, :count] @ found
    inverse = np.linalg.inv(left + 1e-12 * np.eye(count))
    least = np.sqrt(np.diag(inverse)) * unit[:count]
    active = np.flatnonzero(found > 0)
    covariance = np.full((count, count), np.nan)
    if len(active):
        part = np.linalg.inv(left[np.ix_(active, active)])
        covariance[np.ix_(active, active)] = part * np.outer(unit[active], unit[active])
    scale = found * unit[:count]
    amplitude = rest[:count] * unit[count : 2 * count]
    spread = np.sqrt(np.diag(np.linalg.inv(normal[np.ix_(free, free)]))[:count]) * unit[count : 2 * count]
    safe = np.where(scale > 0, scale, np.nan)
    strain, strain_unc = np.nan_to_num(amplitude / safe), np.nan_to_num(spread / safe, nan=np.inf)
    residual = y - design @ (unit * np.concatenate([found, rest]))
    return scale, strain, strain_unc, covariance, least, float(np.mean(residual**2 / variance))
