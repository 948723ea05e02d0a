r"""Coverage, thickness, monolayers and removal cross-section that the data allow, with their probabilities.

At each coverage of a grid and each number of monolayers the other parameters are fitted, and integrated over by
Laplace's approximation, :math:`-\chi^2/2 - \tfrac12\ln\det J^T J`. Coverage and layers are summed over, so that the
limits 0 and 1, a banana of coverage and thickness, and several numbers of layers are taken as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from surfspec.joint.minimum import minimise
from surfspec.joint.model import (
    FACTOR,
    HIGH,
    LOG_SIGMA,
    LOW,
    THICKNESS,
    Beam,
    Evidence,
    log_width_of_layers,
    residuals,
)

Array = NDArray[np.float64]

#: Coverages of a grid, and how far below the best (logarithm) they may lie to be looked at again, and to count.
GRID, FAR, NEAR = 21, 12.0, 6.0
#: Points within :data:`NEAR` from which a grid is fine enough, and grids at most.
ENOUGH, GRIDS = 8, 5
#: Share of the posterior whose fits may stop short of their minimum.
LOST = 0.02
#: Removal cross-sections tried as starts, logarithm over the typical one.
STARTS: Final = (-2.0, -0.5, 0.5, 1.5, 3.0)


@dataclass(frozen=True)
class Posterior:
    """What the data allow.

    Attributes
    ----------
    mean, covariance
        Of coverage, thickness (nm) and logarithm of the removal cross-section over the typical one.
    layers, probability
        Numbers of monolayers and their probabilities, all as likely beforehand.
    best_coverage, best_layers, best_values
        The least-squares answer: coverage, monolayers, parameters of the model.
    chi2
        Of all data there, errors of the inputs included, what was known of the cross-section left out.
    best_chi2
        The least of each number of monolayers.
    log_uniform
        Logarithm of the Bayes factor of a closed film (coverage 1) against any coverage from 0 to 1.
    reached
        Whether the fits that make up the posterior arrived at their minimum, but for a share of :data:`LOST`.
    """

    mean: Array
    covariance: Array
    layers: Array
    probability: Array
    best_coverage: float
    best_layers: int
    best_values: Array
    chi2: float
    best_chi2: Array
    log_uniform: float
    reached: bool

    @property
    def unc(self) -> Array:
        """Standard uncertainties."""
        return np.sqrt(np.clip(np.diag(self.covariance), 0.0, None))


@dataclass(frozen=True)
class _Cells:
    """Fits over (layers, coverage), flattened."""

    layers: Array
    coverage: Array
    values: Array
    chi2: Array
    log: Array
    inverse: Array
    reached: NDArray[np.bool_]


def posterior(evidence: Evidence) -> Posterior:
    """Return what the data of one sample allow.

    Parameters
    ----------
    evidence
        The data; at least one technique.

    References
    ----------
    Laplace's approximation and Bayes factors: Kass & Raftery, J. Am. Stat. Assoc. 90 (1995) 773. A Bayes factor as
    ratio of densities at the tested value: Dickey, Ann. Math. Stat. 42 (1971) 204.
    """
    low, high, layers = 0.0, 1.0, evidence.candidates
    points = GRID if evidence.present != ("edges",) else 2  # edges know nothing of the coverage
    for _ in range(GRIDS):
        grid = np.linspace(low, high, points)
        cells = _fit(evidence, layers, grid)
        table = cells.log.reshape(layers.size, points)
        best = np.max(table)
        if np.sum(np.max(table, axis=0) > best - NEAR) >= min(ENOUGH, points):
            break
        inside = np.flatnonzero(np.max(table, axis=0) > best - FAR)
        low, high = float(grid[max(inside[0] - 1, 0)]), float(grid[min(inside[-1] + 1, points - 1)])
        layers = layers[np.max(table, axis=1) > best - FAR]
    return _summary(evidence, cells, layers, grid)


def _fit(evidence: Evidence, layers: Array, grid: Array) -> _Cells:
    n, c = (a.ravel() for a in np.meshgrid(layers, grid, indexing="ij"))

    beam = Beam(evidence, n)

    def both(x: Array) -> Array:
        return np.concatenate(residuals(evidence, c, n, x, beam), axis=1)

    values, chi2, normal, reached = minimise(both, _starts(evidence, n, c), LOW, HIGH)
    normal = normal + 1e-9 * np.eye(LOW.size)
    log = -0.5 * chi2 - 0.5 * np.linalg.slogdet(normal)[1] - log_width_of_layers(evidence, n)
    return _Cells(n, c, values, chi2, np.asarray(log), np.asarray(np.linalg.inv(normal)), reached)


def _starts(evidence: Evidence, n: Array, c: Array) -> Array:
    """Return the best of several cross-sections for each cell; the thickness from XPS, edge or layers."""
    thickness = n * evidence.monolayer
    if evidence.edges is not None:
        thickness = np.full(n.size, max(float(np.max(evidence.edges.value)), 0.05))
    elif evidence.doses is None and evidence.attenuation is not None:
        seen = evidence.attenuation
        share = np.clip(np.interp(c, seen.coverage, seen.product) / np.maximum(c, 1e-6), 0.0, 0.98)
        thickness = -seen.length * np.log1p(-share)
    tried, costs = [], []
    for log_sigma in STARTS if evidence.doses is not None or evidence.edges is not None else (0.0,):
        start = np.stack([thickness, np.full(n.size, log_sigma), np.zeros(n.size)], axis=1)
        tried.append(start)
        costs.append(sum(np.sum(part**2, axis=1) for part in residuals(evidence, c, n, start, Beam(evidence, n))))
    return np.asarray(np.stack(tried)[np.argmin(np.stack(costs), axis=0), np.arange(n.size)])


def _summary(evidence: Evidence, cells: _Cells, layers: Array, grid: Array) -> Posterior:
    width = np.full(grid.size, grid[1] - grid[0])
    width[[0, -1]] *= 0.5
    top = float(np.max(cells.log))
    weight = np.exp(cells.log - top) * np.tile(width, layers.size)
    whole = float(weight.sum())
    weight = weight / whole
    points = np.stack([cells.coverage, cells.values[:, THICKNESS], cells.values[:, LOG_SIGMA]], axis=1)
    mean = weight @ points
    inner = np.zeros((points.shape[0], 3, 3))
    inner[:, 1:, 1:] = cells.inverse[:, :2, :2]
    apart = points - mean
    covariance = np.einsum("m,mij->ij", weight, inner + apart[:, :, None] * apart[:, None, :])
    probability = np.zeros(evidence.candidates.size)
    least = np.full(evidence.candidates.size, np.nan)
    for i, n in enumerate(evidence.candidates):
        here = cells.layers == n
        probability[i] = weight[here].sum()
        least[i] = np.min(cells.chi2[here]) if np.any(here) else np.nan
    k = int(np.argmin(cells.chi2))
    c, x, chi2 = _polished(evidence, float(cells.layers[k]), float(cells.coverage[k]), cells.values[k])
    at_one = _fit(evidence, layers, np.ones(1)).log
    closed = float(np.log(np.sum(np.exp(at_one - np.max(at_one)))) + np.max(at_one) - top - np.log(whole))
    return Posterior(
        mean=mean,
        covariance=covariance,
        layers=evidence.candidates.astype(np.int64),
        probability=probability,
        best_coverage=c,
        best_layers=int(cells.layers[k]),
        best_values=x,
        chi2=chi2 - (float(x[LOG_SIGMA]) / FACTOR) ** 2,
        best_chi2=least,
        log_uniform=closed,
        reached=bool(weight[~cells.reached].sum() < LOST),
    )


def _polished(evidence: Evidence, n: float, c: float, x: Array) -> tuple[float, Array, float]:
    """Return the least-squares answer with the coverage fitted too, from the best cell."""
    layers = np.array([n])
    beam = Beam(evidence, layers)

    def both(full: Array) -> Array:
        return np.concatenate(residuals(evidence, full[:, 0], layers, full[:, 1:], beam), axis=1)

    start = np.concatenate([[c], x])[None]
    low, high = np.concatenate([[0.0], LOW]), np.concatenate([[1.0], HIGH])
    values, chi2, _, _ = minimise(both, start, low, high)
    return float(values[0, 0]), values[0, 1:], float(chi2[0])
