r"""Covariance of a refinement, and how far serial correlation and misfit widen it.

.. math:: C = (J^T W J + P)^{-1}, \qquad
   F^2 = \frac{1}{1 + 4/\pi}\,\frac{1}{n - p} \sum_{\mathrm{runs}} \Big(\sum_{i \in \mathrm{run}} r_i\Big)^2

J holds all parameters, amplitudes and background included. Residuals r (in counting errors) of one sign in a row are
summed before they are squared, after Berar & Lelann (1991) J. Appl. Cryst. 24, 1: a misfit of the profile is no
independent news at each of its points. Runs by chance give 1 + 4/pi for white residuals, which is divided out, so that
F is 1 there. F holds the misfit (the goodness of fit) as well and is never taken below 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.refinement.least_squares import Data, State, jacobian
from surfspec.xrd.refinement.phase_model import PhaseModel

Array = NDArray[np.float64]

#: Expected sum over chance runs of white normal residuals, relative to their sum of squares.
WHITE: Final = 1.0 + 4.0 / np.pi
#: Eigenvalue of the scaled normal matrix below which a direction is not determined.
SINGULAR: Final = 1e-11


@dataclass(frozen=True)
class Uncertainty:
    """Covariance of nonlinear parameters (all of them, NaN where fixed or resting) and of amplitudes.

    Attributes
    ----------
    parameters, amplitudes, cross
        Statistical covariances, shapes (p, p), (a, a) and (p, a).
    inflation
        F.
    durbin_watson
        d of Hill & Flack (1987) J. Appl. Cryst. 20, 356; 2 without serial correlation.
    fitted
        Number of fitted numbers.
    undetermined
        Places of free parameters in a direction that the data do not fix.
    """

    parameters: Array
    amplitudes: Array
    cross: Array
    inflation: float
    durbin_watson: float
    fitted: int
    undetermined: NDArray[np.intp]


def runs_factor(residuals: Array, fitted: int) -> float:
    """Return F of residuals in units of their counting errors, with so many fitted numbers.

    Examples
    --------
    >>> white = np.random.default_rng(0).standard_normal(20000)
    >>> abs(runs_factor(white, 0) - 1.0) < 0.02
    True
    >>> runs_factor(np.repeat(white, 4), 0) > 1.9
    True
    """
    signs = residuals > 0
    starts = np.concatenate([[0], np.flatnonzero(signs[1:] != signs[:-1]) + 1])
    sums = np.add.reduceat(residuals, starts)
    return float(max(np.sqrt(np.sum(sums**2) / WHITE / max(len(residuals) - fitted, 1)), 1.0))


def uncertainty(models: Sequence[PhaseModel], state: State, fitted: Data) -> Uncertainty:
    """Compute the covariance at a minimum.

    Parameters
    ----------
    models, state, fitted
        The fit.
    """
    table = state.parameters
    free = np.flatnonzero(table.free)
    resting = (table.value[free] <= table.low[free]) | (table.value[free] >= table.high[free])
    slope = jacobian(models, state)[:, ~resting]
    moving = free[~resting]
    columns = np.concatenate([one.columns for one in state.drawn], axis=1)
    single = np.array([one.count == 1 for one in models for _ in range(one.count)])
    used = (state.amplitudes > 0) | single
    whole = np.concatenate([slope, columns[:, used], fitted.basis], axis=1) * fitted.weight[:, None]
    normal = whole.T @ whole
    stiff = np.zeros(len(normal))
    stiff[: len(moving)] = table.prior_unc[moving] ** -2.0
    normal[np.diag_indices_from(normal)] += stiff
    inverse, lost = _inverse(normal)
    count, amplitudes = len(table.value), len(state.amplitudes)
    place = np.flatnonzero(used)
    stop = len(moving) + len(place)
    inner = inverse[:stop, :stop].copy()
    inner[lost[:stop], :] = np.nan
    inner[:, lost[:stop]] = np.nan
    full = np.full((count, count), np.nan)
    full[np.ix_(moving, moving)] = inner[: len(moving), : len(moving)]
    linear = np.zeros((amplitudes, amplitudes))
    linear[np.ix_(place, place)] = inner[len(moving) :, len(moving) :]
    cross = np.full((count, amplitudes), np.nan)
    cross[np.ix_(moving, place)] = inner[: len(moving), len(moving) :]
    residuals = (fitted.y - state.calculated - state.background) * fitted.weight
    watson = float(np.sum(np.diff(residuals) ** 2) / max(float(residuals @ residuals), 1e-300))
    return Uncertainty(
        full, linear, cross, runs_factor(residuals, len(normal)), watson, len(normal),
        moving[lost[: len(moving)]],
    )  # fmt: skip


def _inverse(normal: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Invert a normal matrix; parameters that take part in a null direction are marked as lost."""
    diagonal = np.diag(normal)
    dead = diagonal <= 1e-30 * diagonal.max(initial=0.0)
    scale = np.where(dead, 0.0, 1.0 / np.sqrt(np.where(dead, 1.0, diagonal)))
    value, vector = np.linalg.eigh(normal * np.outer(scale, scale) + np.diag(dead.astype(np.float64)))
    null = value < SINGULAR
    lost = dead | np.any(np.abs(vector[:, null]) > 0.05, axis=1)
    safe = np.where(null, np.inf, value)
    inverse = (vector / safe) @ vector.T * np.outer(scale, scale)
    return np.asarray(inverse), np.asarray(lost)
