"""Bootstrap of one spectrum by batched fits, the background columns made anew in every replicate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.batch.solve import solve_batch
from surfspec.fitting.batch.table import Columns
from surfspec.fitting.model import Model
from surfspec.fitting.solver import Solution
from surfspec.fitting.solver.objective import assumed_sigma

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Replicates:
    """Parameters fitted to replicates of one spectrum.

    Attributes
    ----------
    names
        The model's parameters, then those of the columns.
    values
        Shape (replicates, p); NaN where a replicate was refused or did not converge.
    best
        What was fitted to the spectrum itself.
    failed
        How many replicates have no values.
    """

    names: tuple[str, ...]
    values: Array
    best: Solution
    failed: int


def bootstrap_batch(
    model: Model,
    x: ArrayLike,
    y: ArrayLike,
    base: ArrayLike,
    *,
    columns: Columns | None = None,
    statistics: str = "poisson",
    sigma: ArrayLike | None = None,
    sensitivity: ArrayLike | None = None,
    tails: ArrayLike | None = None,
    ends: tuple[ArrayLike, ArrayLike] | None = None,
    kind: Literal["parametric", "residual"] = "parametric",
    replicates: int = 1000,
    seed: int = 0,
    engine: str = "auto",
    tolerance: float = 0.05,
) -> Replicates:
    r"""Fit a spectrum and then replicates of it, all at once.

    .. math:: y^* \sim \mathrm{Poisson}(m) \ \ \text{or}\ \ N(m, \sigma^2) \quad\text{(parametric)}, \qquad
              y^*_i = m_i + \sigma_i\,e_{k(i)}, \quad e = r \sqrt{n / \mathrm{dof}} \quad\text{(residual)}

    with the fitted model `m` and its centred standardised residuals `r`. It takes what
    :func:`~surfspec.fitting.solve_batch` takes: a fixed background that may give way to the tails of the peaks, and
    columns, which are made from the intensities of each replicate, so that their noise takes part. A background that is
    computed from the data otherwise, or a problem that is no :class:`~surfspec.fitting.Model`, is for
    :func:`surfspec.fitting.bootstrap`.

    Parameters
    ----------
    model, x, base, columns, statistics, sensitivity, tails, ends, engine
        As for :func:`~surfspec.fitting.solve_batch`.
    y, sigma
        Intensities of the spectrum and their uncertainties, shape (n,).
    kind
        ``"parametric"`` believes the statistics, ``"residual"`` takes the scatter from the residuals.
    replicates
        How many; a standard deviation is then known to ``1 / sqrt(2 replicates)``.
    seed
        The same seed gives the same replicates.
    tolerance
        Of the fits of the replicates, in standard uncertainties; what is left of it after the last step (a twentieth)
        is far below the scatter.

    Returns
    -------
    Replicates

    Raises
    ------
    InputError
        For fewer than two replicates, an unknown kind, or data of more than one spectrum.
    NotDeterminedError
        Where the spectrum itself cannot be fitted, or fewer than half of the replicates.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 6.5 and 9.4.

    Examples
    --------
    >>> from surfspec.fitting import Component, Parameter, Tie
    >>> ps = (Parameter("area", 1.0, low=0.0), Parameter("center", 0.2), Parameter("fwhm", 1.5, low=0.1))
    >>> peak = Component("one", "gaussian", Tie("area"), {"center": Tie("center"), "fwhm": Tie("fwhm")})
    >>> x = np.linspace(-4, 4, 81)
    >>> y = np.round(10 + 500 * np.exp(-2.772589 * x**2))
    >>> found = bootstrap_batch(Model(ps, (peak,)), x, y, np.full(81, 10.0), replicates=500)
    >>> found.values.shape, found.failed
    ((500, 3), 0)
    >>> bool(0.9 < np.std(found.values[:, 1]) / found.best.uncertainties[1] < 1.1)
    True
    """
    if replicates < 2:
        raise InputError(f"{replicates} replicates have no scatter", remedy="Ask for at least 100")
    if kind not in ("parametric", "residual"):
        raise InputError(f"unknown kind of bootstrap {kind!r}", remedy="Choose 'parametric' or 'residual'")
    counts = np.asarray(y, dtype=np.float64)
    if counts.ndim != 1:
        raise InputError(f"y has {counts.ndim} dimensions", where="y", remedy="Give one spectrum, of shape (n,)")
    spread = None if sigma is None else np.asarray(sigma, dtype=np.float64)

    options: dict[str, Any] = {
        "statistics": statistics, "sigma": spread, "sensitivity": sensitivity, "tails": tails, "ends": ends,
        "columns": columns,
    }  # fmt: skip
    first = engine if engine == "numba" else "numpy"
    one = solve_batch(model, x, counts[None], base, engine=first, **options)
    if one.refused[0] or not one.converged[0]:
        raise NotDeterminedError(
            f"the spectrum itself cannot be fitted: {one.refused[0] or 'the fit did not converge'}",
            remedy="Mend the data, give better start values, or a simpler model",
        )
    best = one.member(0)
    data = _draw(counts, best, statistics, spread, kind, (replicates, counts.size), np.random.default_rng(seed))
    found = solve_batch(
        model, x, data, base, starts=[best.values], engine=engine, tolerance=tolerance, covariance=False, **options
    )
    good = found.converged & (found.refused == "")
    failed = int(replicates - good.sum())
    if 2 * failed > replicates:
        raise NotDeterminedError(
            f"{failed} of {replicates} replicates could not be fitted",
            remedy="The fit is not determined by such data: mend the recipe first",
        )
    return Replicates(best.names, np.where(good[:, None], found.values, np.nan), best, failed)


def _draw(
    y: Array,
    best: Solution,
    statistics: str,
    sigma: Array | None,
    kind: str,
    shape: tuple[int, int],
    rng: np.random.Generator,
) -> Array:
    """Return replicates of a spectrum, shape (replicates, n)."""
    model = best.fitted
    if kind == "parametric" and statistics == "poisson":
        return rng.poisson(np.maximum(model, 0.0), shape).astype(np.float64)
    if statistics == "poisson":
        width = np.sqrt(np.maximum(model, 0.0))
    else:
        width = assumed_sigma(y, statistics, sigma) * np.sqrt(best.scale)
    if kind == "parametric":
        return rng.normal(model, width, shape)
    standard = best.pulls * np.sqrt(y.size / best.dof)
    floor = 0.0 if statistics == "poisson" else -np.inf
    drawn = model + width * rng.choice(standard - np.mean(standard), shape)
    return np.asarray(np.maximum(drawn, floor), dtype=np.float64)
