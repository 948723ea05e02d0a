"""Bootstrap: the scatter of fits to data that could as well have been measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError, NotDeterminedError, SurfspecError
from surfspec.fitting.batch import solve_batch
from surfspec.fitting.model import BoundModel
from surfspec.fitting.solver import Problem, Solution, solve
from surfspec.fitting.solver.inputs import objective_of, probability, whole_number
from surfspec.fitting.solver.objective import Objective

Array = NDArray[np.float64]

#: Returns the problem of a replicate: its background estimated anew, say.
Rebuild = Callable[[Array], Problem]


@dataclass(frozen=True)
class Bootstrap:
    """Parameters fitted to replicates.

    Attributes
    ----------
    names
        Parameters, in the problem's order.
    values
        Shape (replicates, p): those that converged.
    best
        Values of the fit that was replicated, shape (p,).
    failed
        Replicates that were refused or did not converge, which `values` leaves out.
    """

    names: tuple[str, ...]
    values: Array
    best: Array
    failed: int

    @property
    def covariance(self) -> Array:
        """Return the covariance of the parameters, shape (p, p)."""
        return np.atleast_2d(np.cov(self.values, rowvar=False))

    @property
    def uncertainties(self) -> Array:
        """Return the standard deviation of each parameter, shape (p,)."""
        return np.asarray(np.std(self.values, axis=0, ddof=1))

    @property
    def bias(self) -> Array:
        """Return the mean of the replicates less the values they were made from, shape (p,)."""
        return np.asarray(np.mean(self.values, axis=0) - self.best)

    def interval(self, name: str, level: float = 0.6826894921370859) -> tuple[float, float]:
        """Return the interval between the percentiles of one parameter.

        Raises
        ------
        InputError
            For an unknown parameter or a level outside 0 to 1.
        """
        if name not in self.names:
            raise InputError(f"there is no parameter {name!r}", remedy=f"Parameters are {', '.join(self.names)}")
        level = probability("confidence", level)
        column = self.values[:, self.names.index(name)]
        low, high = np.quantile(column, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def bootstrap(
    problem: Problem,
    y: Array,
    solution: Solution,
    *,
    statistics: str = "poisson",
    sigma: Array | None = None,
    kind: Literal["parametric", "residual"] = "parametric",
    replicates: int = 200,
    seed: int = 0,
    rebuild: Rebuild | None = None,
) -> Bootstrap:
    r"""Fit replicates of a spectrum and return what comes out.

    .. math:: y^* \sim \mathrm{Poisson}(m) \ \ \text{or}\ \ N(m, \sigma^2) \quad\text{(parametric)}, \qquad
              y^*_i = m_i + \sigma_i\,e_{k(i)}, \quad e = r \sqrt{n / \mathrm{dof}} \quad\text{(residual)}

    with the fitted model m, and centred standardised residuals r drawn with replacement. The replicates of a
    :class:`~surfspec.fitting.BoundModel` are fitted all at once.

    Parameters
    ----------
    problem, y, statistics, sigma
        What was fitted, as given to :func:`~surfspec.fitting.solver.solve`.
    solution
        The best fit; the replicates' fits start there.
    kind
        ``"parametric"`` believes the statistics; ``"residual"`` takes the scatter from the residuals, for
        data whose noise is not what it is said to be. Replicates of counts stay at zero or above.
    replicates
        How many; a standard deviation is then known to ``1 / sqrt(2 replicates)``.
    seed
        The same seed gives the same replicates.
    rebuild
        Called with the intensities of a replicate, returns the problem to fit to it: so that a background
        that was computed from the data is computed anew and its noise takes part.

    Returns
    -------
    Bootstrap

    Raises
    ------
    InputError
        For fewer than two replicates, an unknown kind, or a solution that is not one of these data.
    NotDeterminedError
        When fewer than half of the replicates could be fitted.

    References
    ----------
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), sections 6.5 and 9.4; Davison and
    Hinkley, Bootstrap Methods and their Application (1997), section 7.3 (standardised residuals).

    Examples
    --------
    >>> import numpy as np
    >>> from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie, bootstrap, solve
    >>> roles = {"center": Tie("center"), "fwhm": Tie("fwhm")}
    >>> area, center, fwhm = Parameter("area", 50, 0), Parameter("center", 5, 3, 7), Parameter("fwhm", 1, 0.3, 3)
    >>> x = np.linspace(0.0, 10.0, 101)
    >>> peak = Component("peak", "gaussian", Tie("area"), roles)
    >>> bound = BoundModel(Model((area, center, fwhm), (peak,)), x, np.full(101, 30.0))
    >>> y = np.round(bound.evaluate(np.array([300.0, 5.1, 1.2])))
    >>> result = bootstrap(bound, y, solve(bound, y), replicates=20)
    >>> result.values.shape, result.failed
    ((20, 3), 0)
    """
    if whole_number("replicates", replicates, 0) < 2:
        raise InputError(f"{replicates} replicates have no scatter", remedy="Ask for at least 100")
    if kind not in ("parametric", "residual"):
        raise InputError(f"unknown kind of bootstrap {kind!r}", remedy="Choose 'parametric' or 'residual'")
    goal = objective_of(problem, y, solution, statistics, sigma, "bootstrap")
    draw = _source(goal, solution, kind, np.random.default_rng(whole_number("seed", seed, 0)))
    data = np.stack([draw() for _ in range(replicates)])
    if type(problem) is BoundModel and rebuild is None:
        values = _together(problem, data, solution, statistics, sigma)
    else:
        values = _one_by_one(problem, data, solution, statistics, sigma, rebuild)
    failed = replicates - len(values)
    if 2 * failed > replicates:
        raise NotDeterminedError(
            f"{failed} of {replicates} replicates could not be fitted",
            remedy="The fit is not determined by such data: mend the recipe first",
        )
    return Bootstrap(solution.names, values, solution.values, failed)


def _together(bound: BoundModel, data: Array, solution: Solution, statistics: str, sigma: Array | None) -> Array:
    """Fit all replicates at once and return the values of those that converged, shape (k, p)."""
    follows = bound.sensitivity is not None
    found = solve_batch(
        bound.model,
        bound.x,
        data,
        bound.base,
        statistics=statistics,
        sigma=sigma,
        sensitivity=bound.sensitivity,
        tails=bound.tails if follows else None,
        ends=bound.ends if follows else None,
        starts=[solution.values],
    )
    return np.asarray(found.values[found.converged & (found.refused == "")])


def _one_by_one(
    problem: Problem,
    data: Array,
    solution: Solution,
    statistics: str,
    sigma: Array | None,
    rebuild: Rebuild | None,
) -> Array:
    """Fit one replicate after the other, each over its own problem where that is rebuilt."""
    values = [np.zeros((0, solution.values.size))]
    for replicate in data:
        try:
            one = problem if rebuild is None else rebuild(replicate)
            fitted = solve(one, replicate, statistics=statistics, sigma=sigma, starts=[solution.values], doubt=())
        except SurfspecError:
            continue
        if fitted.converged:
            values.append(fitted.values[None])
    return np.concatenate(values)


def _source(goal: Objective, solution: Solution, kind: str, rng: np.random.Generator) -> Callable[[], Array]:
    """Return a function that draws a replicate."""
    model, statistics = solution.fitted, goal.statistics
    if kind == "parametric" and statistics == "poisson":
        expected = np.maximum(model, 0.0)
        return lambda: rng.poisson(expected).astype(np.float64)
    width = np.sqrt(np.maximum(model, 0.0)) if statistics == "poisson" else goal.sigma * np.sqrt(solution.scale)
    if kind == "parametric":
        return lambda: rng.normal(model, width)
    standard = solution.pulls * np.sqrt(goal.y.size / solution.dof)
    standard = standard - np.mean(standard)
    floor = 0.0 if statistics == "poisson" else -np.inf
    return lambda: np.maximum(model + width * rng.choice(standard, goal.y.size), floor)
