"""Solve one fit: the one module that imports lmfit.

Counts are fitted by the Poisson deviance, through signed deviance residuals that keep a
least-squares solver usable; everything else by least squares. The optimiser's own success
flag is not used: convergence is read off the gradient, and :mod:`surfspec.fitting.verdict` judges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import lmfit
import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.model import Parameter

Array = NDArray[np.float64]

#: Largest cosine between the residual and a column of the Jacobian at a converged minimum.
GRADIENT_COSINE = 1e-4
#: A parameter this close to a limit, in units of its range (or of its size), lies on it.
ON_BOUND = 1e-6
#: Singular values below this, relative to the largest of the normalised Jacobian, are null.
NULL_SINGULAR_VALUE = 1e-7
#: Smallest expected count, relative to the mean of the data (or to one count).
FLOOR = 1e-9
#: The optimiser keeps off a limit of zero by the smallest float there is; that is zero.
TINY = 1e-90
#: Residual that stands for a model that is not finite there.
FAR = 1e6


class Problem(Protocol):
    """What can be fitted: parameters, a model and its exact derivatives."""

    parameters: tuple[Parameter, ...]

    def evaluate(self, values: Array) -> Array:
        """Return the model, shape (n,)."""
        ...

    def jacobian(self, values: Array) -> Array:
        """Return its derivatives by every parameter, shape (n, parameters)."""
        ...


@dataclass(frozen=True)
class Solution:
    """The best parameters and everything needed to judge them.

    Attributes
    ----------
    names, values, uncertainties
        Parameters in the problem's order; NaN uncertainty where not determined, 0 where fixed.
    covariance
        Shape (p, p): inverse Fisher matrix plus the share of nuisances (background anchors).
    converged
        The gradient is zero within ``GRADIENT_COSINE``; says nothing about the fit's quality.
    at_bound
        Parameters that lie on a limit that is no physical answer.
    undetermined
        Parameters that the data do not fix (null directions of the Jacobian).
    start_dependent
        Another start reached an equally good but different answer.
    chi2, deviance, dof
        Pearson's chi-square, the deviance (equal to chi2 unless Poisson), degrees of freedom.
    scale
        Factor applied to the covariance: 1, or reduced chi-square where the statistics are unknown.
    """

    names: tuple[str, ...]
    values: Array
    uncertainties: Array
    covariance: Array
    fitted: Array
    pulls: Array
    converged: bool
    at_bound: tuple[str, ...]
    undetermined: tuple[str, ...]
    start_dependent: bool
    chi2: float
    deviance: float
    dof: int
    evaluations: int
    statistics: str
    scale: float = 1.0


def deviance_residuals(model: Array, counts: Array) -> tuple[Array, Array]:
    r"""Return signed Poisson deviance residuals and their derivative by the model.

    .. math:: r = \mathrm{sign}(m - d)\sqrt{2 (m - d + d \ln(d / m))}

    Parameters
    ----------
    model, counts
        Expected and observed counts, shape (n,).

    Returns
    -------
    residuals, slopes
        Shape (n,) each; sum(residuals**2) is the deviance.

    References
    ----------
    McCullagh and Nelder, Generalized Linear Models (1989), section 2.4.

    Examples
    --------
    >>> import numpy as np
    >>> r, _ = deviance_residuals(np.array([2.0]), np.array([0.0]))
    >>> float(r[0])
    2.0
    """
    m = np.maximum(model, FLOOR * max(1.0, float(np.mean(counts))))
    u = (counts - m) / m
    small = np.abs(u) < 1e-3
    series = 1 - u / 3 + u**2 / 6 - u**3 / 10
    safe = np.where(small | (counts <= 0), 0.5, u)
    bracket = np.where(counts <= 0, 1.0, (1 + safe) * np.log1p(safe) - safe)
    ratio = np.where(small, series, 2 * bracket / np.where(small, 1.0, u) ** 2)
    root = np.sqrt(m * ratio)
    return -u * root, 1.0 / root


def solve(
    problem: Problem,
    y: Array,
    *,
    statistics: str = "poisson",
    sigma: Array | None = None,
    starts: Sequence[Array] | None = None,
    nuisance: Array | None = None,
    tolerance: float = 1e-10,
    max_evaluations: int = 400,
) -> Solution:
    """Fit a problem to one spectrum.

    Parameters
    ----------
    problem
        Parameters, model and Jacobian.
    y
        Intensities, shape (n,).
    statistics
        ``"poisson"`` (y is counts), ``"given"`` (by `sigma`) or ``"unknown"``: then the variance
        is taken proportional to the smoothed intensity and its scale from the residuals.
    sigma
        One standard uncertainty of `y`, shape (n,), for ``"given"``.
    starts
        Start values, each of shape (p,); by default the parameters' own. The best end wins.
    nuisance
        Change of the model by one standard deviation of each nuisance, shape (k, n).
    tolerance
        Relative tolerance of the cost, the step and the gradient.
    max_evaluations
        Model evaluations for each start.

    Returns
    -------
    Solution
        Never raises for a bad fit; :func:`surfspec.fitting.verdict.judge` says what it is worth.

    Raises
    ------
    InputError
        For data that cannot be fitted at all: all zero, or fewer points than parameters.
    """
    _fittable(problem, y)
    weight = _sigma(y, statistics, sigma)
    free = np.array([p.vary for p in problem.parameters])
    options = list(starts) if starts else [np.array([p.value for p in problem.parameters])]
    ends = [_minimise(problem, y, statistics, weight, free, start, tolerance, max_evaluations) for start in options]
    order = sorted(range(len(ends)), key=lambda i: ends[i][1])
    values = ends[order[0]][0]
    evaluations = sum(end[2] for end in ends)
    return _describe(problem, y, statistics, weight, free, values, nuisance, evaluations, [ends[i] for i in order])


def _fittable(problem: Problem, y: Array) -> None:
    if not np.any(y):
        raise InputError("every intensity is zero", remedy="Check the file, the region and the detector")
    if not np.all(np.isfinite(y)):
        raise InputError("some intensities are not numbers", remedy="Repair or remove those points")
    count = sum(p.vary for p in problem.parameters)
    if y.size <= count:
        raise InputError(
            f"{y.size} points cannot determine {count} parameters",
            remedy="Widen the window, or fix or tie parameters",
        )


def _sigma(y: Array, statistics: str, sigma: Array | None) -> Array:
    if statistics == "given":
        if sigma is None:
            raise InputError("no uncertainties given", remedy="Pass sigma, or say statistics='unknown'")
        return sigma
    width = max(3, min(11, 2 * (y.size // 20) + 1))
    padded = np.pad(y, width // 2, mode="edge")
    smooth = np.convolve(padded, np.ones(width) / width, mode="valid")
    if statistics == "poisson":
        return np.sqrt(np.maximum(smooth, 1.0))
    if np.min(y) < 0:
        return np.full(y.size, float(np.std(y)) or 1.0)
    return np.sqrt(np.maximum(smooth, 1e-3 * float(np.max(smooth))))


def _minimise(
    problem: Problem,
    y: Array,
    statistics: str,
    sigma: Array,
    free: NDArray[np.bool_],
    start: Array,
    tolerance: float,
    max_evaluations: int,
) -> tuple[Array, float, int]:
    """Run lmfit's bounded least squares with the exact Jacobian; return values, cost, evaluations."""
    parameters = lmfit.Parameters()
    for i, one in enumerate(problem.parameters):
        margin = 1e-7 * (one.high - one.low) if np.isfinite(one.high - one.low) else 0.0
        inside = float(np.clip(start[i], one.low + margin, one.high - margin))
        parameters.add(f"p{i}", value=inside, vary=bool(free[i]), min=one.low, max=one.high)

    def vector(current: Any) -> Array:
        values = np.array([current[f"p{i}"].value for i in range(free.size)])
        return np.where(np.abs(values) < TINY, 0.0, values)

    def residual(current: Any) -> Array:
        out = _residuals(problem.evaluate(vector(current)), y, statistics, sigma)[0]
        return np.where(np.isfinite(out), out, FAR)

    def slopes(current: Any) -> Array:
        values = vector(current)
        _, slope = _residuals(problem.evaluate(values), y, statistics, sigma)
        out = slope[:, None] * problem.jacobian(values)[:, free]
        return np.where(np.isfinite(out), out, 0.0)

    if not np.any(free):
        values = vector(parameters)
        return values, float(np.sum(residual(parameters) ** 2)), 1
    minimizer = lmfit.Minimizer(residual, parameters, nan_policy="raise")
    outcome = minimizer.minimize(
        method="least_squares", jac=slopes, x_scale="jac",
        ftol=tolerance, xtol=tolerance, gtol=tolerance, max_nfev=max_evaluations,
    )  # fmt: skip
    values = vector(outcome.params)
    cost = float(np.sum(_residuals(problem.evaluate(values), y, statistics, sigma)[0] ** 2))
    return values, cost if np.isfinite(cost) else np.inf, int(outcome.nfev)


def _residuals(model: Array, y: Array, statistics: str, sigma: Array) -> tuple[Array, Array]:
    if statistics == "poisson":
        return deviance_residuals(model, y)
    return (model - y) / sigma, 1.0 / sigma


def _describe(
    problem: Problem,
    y: Array,
    statistics: str,
    sigma: Array,
    free: NDArray[np.bool_],
    values: Array,
    nuisance: Array | None,
    evaluations: int,
    ends: list[tuple[Array, float, int]],
) -> Solution:
    fitted = problem.evaluate(values)
    jacobian = problem.jacobian(values)
    if statistics == "poisson":
        expected = np.maximum(fitted, FLOOR * max(1.0, float(np.mean(y))))
        weight = 1.0 / np.sqrt(expected)
    else:
        weight = 1.0 / sigma
    pulls = (y - fitted) * weight
    residual, slope = _residuals(fitted, y, statistics, sigma)
    chi2, deviance = float(np.sum(pulls**2)), float(np.sum(residual**2))
    on_low, on_high = _on_bounds(problem, values)
    natural = np.array([p.natural_low for p in problem.parameters]) & on_low
    bound = (on_low | on_high) & free & ~natural
    active = free & ~bound
    dof = max(1, int(y.size - np.count_nonzero(active)))
    scale = chi2 / dof if statistics == "unknown" else 1.0
    covariance, undetermined = _covariance(jacobian, weight, active, scale, nuisance)
    converged = _converged(slope[:, None] * jacobian, residual, free, on_low, on_high)
    variance = np.diag(covariance)
    uncertainties = np.sqrt(np.where(variance >= 0, variance, np.nan))
    names = tuple(p.name for p in problem.parameters)
    return Solution(
        names=names,
        values=values,
        uncertainties=uncertainties,
        covariance=covariance,
        fitted=fitted,
        pulls=pulls / np.sqrt(scale) if scale > 0 else pulls,
        converged=converged and bool(np.all(np.isfinite(fitted))),
        at_bound=tuple(np.array(names)[bound].tolist()),
        undetermined=tuple(np.array(names)[undetermined].tolist()),
        start_dependent=_start_dependent(ends, uncertainties, free),
        chi2=chi2,
        deviance=deviance,
        dof=dof,
        evaluations=evaluations,
        statistics=statistics,
        scale=scale,
    )


def _on_bounds(problem: Problem, values: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    low = np.array([p.low for p in problem.parameters])
    high = np.array([p.high for p in problem.parameters])
    span = np.where(np.isfinite(high - low), high - low, np.maximum(1.0, np.abs(values)))
    return values - low <= ON_BOUND * span, high - values <= ON_BOUND * span


def _covariance(
    jacobian: Array, weight: Array, active: NDArray[np.bool_], scale: float, nuisance: Array | None
) -> tuple[Array, NDArray[np.bool_]]:
    """Invert the Fisher matrix; NaN where the data fix nothing, 0 where nothing was free."""
    count = jacobian.shape[1]
    covariance = np.zeros((count, count))
    undetermined = np.zeros(count, dtype=bool)
    position = np.flatnonzero(active)
    columns = weight[:, None] * jacobian[:, position]
    size = np.sqrt(np.sum(columns**2, axis=0))
    dead = ~(size > 0) | ~np.isfinite(size)
    undetermined[position[dead]] = True
    position, columns, size = position[~dead], columns[:, ~dead], size[~dead]
    if position.size:
        _, singular, axes = np.linalg.svd(columns / size, full_matrices=False)
        null = singular < NULL_SINGULAR_VALUE * singular[0]
        lost = np.any(np.abs(axes[null]) > 0.1, axis=0) if np.any(null) else np.zeros(position.size, dtype=bool)
        inverse = (axes[~null].T / singular[~null] ** 2) @ axes[~null]
        share = scale * inverse / np.outer(size, size)
        if nuisance is not None and nuisance.size:
            moved = (inverse / np.outer(size, size)) @ (columns.T @ (weight[:, None] * nuisance.T))
            share = share + moved @ moved.T
        covariance[np.ix_(position, position)] = share
        undetermined[position[lost]] = True
    for i in np.flatnonzero(undetermined):
        covariance[i, :] = np.nan
        covariance[:, i] = np.nan
    return covariance, undetermined


def _converged(
    columns: Array, residual: Array, free: NDArray[np.bool_], on_low: NDArray[np.bool_], on_high: NDArray[np.bool_]
) -> bool:
    gradient = columns.T @ residual
    size = np.sqrt(np.sum(columns**2, axis=0)) * np.sqrt(np.sum(residual**2))
    cosine = np.abs(gradient) / np.where(size > 0, size, 1.0)
    held = (on_low & (gradient >= 0)) | (on_high & (gradient <= 0))
    matters = free & ~held & (size > 0)
    return bool(np.all(np.isfinite(gradient)) and np.all(cosine[matters] < GRADIENT_COSINE))


def _start_dependent(ends: list[tuple[Array, float, int]], uncertainties: Array, free: NDArray[np.bool_]) -> bool:
    best_values, best_cost, _ = ends[0]
    for values, cost, _ in ends[1:]:
        if cost - best_cost > 1.0:
            continue
        unit = np.where(uncertainties > 0, uncertainties, np.inf)
        if np.any((np.abs(values - best_values) / unit)[free] > 3.0):
            return True
    return False
