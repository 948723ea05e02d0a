r"""The fit of a start, a plateau and a cross-section to one series. Arrays in, numbers out.

At a given cross-section the curve of :mod:`surfspec.leis.film.element_relaxation` is linear in start and plateau, and
the chi-square is computed exactly over a grid of :math:`\ln\sigma`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.leis.film.dose import whitening
from surfspec.leis.film.grid_profile import CROSS_SECTIONS, interval_of, vertex
from surfspec.leis.film.layer_choice import IDENTIFIABLE

Array = NDArray[np.float64]

#: Points of the grid of cross-sections.
POINTS = 4000
#: Loss of chi-square (99 %, two degrees of freedom) from which a series is no constant.
NOT_CONSTANT = 9.21


@dataclass(frozen=True)
class Relaxation:
    """The relaxation of one element.

    Attributes
    ----------
    values, covariance
        Of start, end and logarithm of the cross-section, shapes (3,) and (3, 3).
    interval
        68 % profile-likelihood interval of the cross-section; NaN where open.
    chi2, constant_chi2
        Of the curve, and of a constant.
    fitted
        Shape (k,).
    identifiable
        Whether start and cross-section are known to better than a half.
    """

    values: Array
    covariance: Array
    interval: tuple[float, float]
    chi2: float
    constant_chi2: float
    fitted: Array
    identifiable: bool


def decay(sigma: Array | float, edges: Array, *, interval: bool = True) -> Array:
    r"""Return :math:`m_k`, the mean of :math:`e^{-\sigma D}` over each spectrum, shape (..., k).

    Parameters
    ----------
    sigma
        Any shape.
    edges
        Doses at the ends of the intervals, shape (k + 1,).
    interval
        Without, the value at the end of each.

    Examples
    --------
    >>> decay(1.0, np.array([0.0, 0.5])).round(4).tolist()
    [0.7869]
    """
    x = np.asarray(sigma, dtype=np.float64)[..., None] * edges
    if not interval:
        return np.asarray(np.exp(-x[..., 1:]))
    width = np.diff(x, axis=-1)
    return np.asarray(np.exp(-x[..., :-1]) * -np.expm1(-width) / width)


def fit_relaxation(
    edges: Array,
    values: Array,
    covariance: Array,
    *,
    end: tuple[float, float] | None = None,
    interval: bool = True,
) -> Relaxation:
    """Fit start, end and cross-section of one element.

    Parameters
    ----------
    edges
        Doses at the ends of the intervals, shape (k + 1,).
    values, covariance
        Shapes (k,) and (k, k).
    end
        The plateau where it is known, with its standard uncertainty (0: exactly).
    interval
        As in :func:`decay`.

    Examples
    --------
    >>> edges = np.array([0.0, 1.6e15, 3.2e15, 4.8e15, 6.4e15])
    >>> m = decay(6e-16, edges)
    >>> found = fit_relaxation(edges, 1.0 * m + 0.45 * (1 - m), 1e-4 * np.eye(4), end=(0.45, 0.02))
    >>> bool(np.allclose(found.values, [1.0, 0.45, np.log(6e-16)], atol=2e-3)), found.identifiable
    (True, True)
    """
    low, high = np.log(np.array(CROSS_SECTIONS) / (edges[-1] - edges[0])).tolist()
    grid = np.linspace(low, high, POINTS)
    root = whitening(covariance)
    curve, _ = _over_grid(decay(np.exp(grid), edges, interval=interval), root, values, end)
    k = int(np.argmin(curve))
    log_sigma = float(grid[k])
    if 0 < k < POINTS - 1:
        log_sigma = vertex(grid[k - 1 : k + 2], curve[k - 1 : k + 2])
    chi2, best = _over_grid(decay(np.exp(log_sigma), edges, interval=interval)[None], root, values, end)
    ends = interval_of(grid, curve)
    start, plateau = best[0]
    m = decay(np.exp(log_sigma), edges, interval=interval)
    step = 1e-5
    slope = (decay(np.exp(log_sigma + step), edges, interval=interval) - m) / step
    jacobian = root @ np.stack([m, 1.0 - m, (start - plateau) * slope], axis=1)
    fisher = jacobian.T @ jacobian
    if end is not None:
        fisher[1, 1] += 1.0 / max(end[1], 1e-6 * max(abs(end[0]), 1e-12)) ** 2
    scale = np.sqrt(np.maximum(np.diag(fisher), 1e-300))
    errors = np.linalg.pinv(fisher / np.outer(scale, scale), rcond=1e-12, hermitian=True) / np.outer(scale, scale)
    whole = root @ np.ones(values.size)
    mean = float(whole @ (root @ values) / (whole @ whole))
    constant = float(np.sum((root @ values - mean * whole) ** 2))
    log_unc = float(np.sqrt(errors[2, 2]))
    closed = bool(np.all(np.isfinite(ends)))
    known = closed and max(log_unc, 0.5 * (ends[1] - ends[0])) < IDENTIFIABLE
    return Relaxation(
        values=np.array([start, plateau, log_sigma]),
        covariance=np.asarray(errors),
        interval=(float(np.exp(ends[0])), float(np.exp(ends[1]))),
        chi2=float(chi2[0]),
        constant_chi2=constant,
        fitted=start * m + plateau * (1.0 - m),
        identifiable=bool(
            known and constant - chi2[0] > NOT_CONSTANT and np.sqrt(errors[0, 0]) < IDENTIFIABLE * abs(start)
        ),
    )


def _over_grid(m: Array, root: Array, values: Array, end: tuple[float, float] | None) -> tuple[Array, Array]:
    """Return chi-square and best (start, end), none negative, for each row of `m`; shapes (g,) and (g, 2)."""
    first, second, data = m @ root.T, (1.0 - m) @ root.T, root @ values
    aa, ab, bb = (first * first).sum(-1), (first * second).sum(-1), (second * second).sum(-1)
    ya, yb = first @ data, second @ data
    known, weight = 0.0, 0.0
    if end is not None:
        known, weight = end[0], 1.0 / max(end[1], 1e-6 * max(abs(end[0]), 1e-12)) ** 2
    bb, yb = bb + weight, yb + weight * known
    det = np.maximum(aa * bb - ab**2, 1e-300)
    both = np.stack([(bb * ya - ab * yb) / det, (aa * yb - ab * ya) / det], axis=-1)
    only_first = np.stack([np.maximum(ya / np.maximum(aa, 1e-300), 0.0), np.zeros_like(aa)], axis=-1)
    only_second = np.stack([np.zeros_like(aa), np.maximum(yb / np.maximum(bb, 1e-300), 0.0)], axis=-1)

    def chi2(c: Array) -> Array:
        rest = data - c[..., :1] * first - c[..., 1:] * second
        return np.asarray((rest**2).sum(-1) + weight * (c[..., 1] - known) ** 2)

    choices = np.stack([both, only_first, only_second])
    costs = np.stack([np.where(np.all(both >= 0, axis=-1), chi2(both), np.inf), chi2(only_first), chi2(only_second)])
    pick = np.argmin(costs, axis=0)
    rows = np.arange(aa.size)
    return costs[pick, rows], choices[pick, rows]
