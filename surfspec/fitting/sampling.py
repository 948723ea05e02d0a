"""Markov chain Monte Carlo: the whole posterior, where an error bar is not enough (extra ``mcmc``)."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError, MissingDependencyError
from surfspec.fitting.solver import Problem, Solution
from surfspec.fitting.solver.inputs import objective_of, probability, whole_number
from surfspec.fitting.solver.objective import Objective

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Chain:
    """Samples of the posterior.

    Attributes
    ----------
    names
        The free parameters.
    samples
        Shape (k, free): after the burn-in, all walkers behind one another.
    acceptance
        Mean share of accepted moves; 0.2 to 0.5 is sound.
    autocorrelation
        Integrated autocorrelation time of each parameter in steps, shape (free,); an estimate that is
        only good where the chain is some 50 times as long.
    independent
        Number of independent samples, by the slowest parameter.
    """

    names: tuple[str, ...]
    samples: Array
    acceptance: float
    autocorrelation: Array
    independent: float

    @property
    def mean(self) -> Array:
        """Return the posterior mean, shape (free,)."""
        return np.asarray(np.mean(self.samples, axis=0))

    @property
    def covariance(self) -> Array:
        """Return the posterior covariance, shape (free, free)."""
        return np.atleast_2d(np.cov(self.samples, rowvar=False))

    def interval(self, name: str, level: float = 0.6826894921370859) -> tuple[float, float]:
        """Return the central credible interval of one parameter.

        Raises
        ------
        InputError
            For an unknown or fixed parameter, or a level outside 0 to 1.
        """
        if name not in self.names:
            raise InputError(f"{name!r} was not sampled", remedy=f"Sampled are {', '.join(self.names)}")
        level = probability("credibility", level)
        column = self.samples[:, self.names.index(name)]
        low, high = np.quantile(column, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)


def sample(
    problem: Problem,
    y: Array,
    solution: Solution,
    *,
    statistics: str = "poisson",
    sigma: Array | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    steps: int = 2000,
    burn: int = 500,
    walkers: int | None = None,
    seed: int = 0,
) -> Chain:
    r"""Sample the posterior of a fit with emcee.

    .. math:: \ln p = -D(p) / 2s \quad\text{within the limits}

    with the deviance D, the solution's scale s, and a uniform prior between finite limits: without
    them an area may wander off for ever and there is no posterior.

    Parameters
    ----------
    problem, y, statistics, sigma
        What was fitted, as given to :func:`~surfspec.fitting.solver.solve`.
    solution
        The best fit, around which the walkers begin.
    limits
        Finite limits of parameters that have none of their own, or narrower ones, by name.
    steps, burn
        Steps kept of each walker, and steps before that.
    walkers
        By default four times the free parameters, and at least 16.
    seed
        The same seed gives the same chain.

    Returns
    -------
    Chain

    Raises
    ------
    MissingDependencyError
        Without the package emcee.
    InputError
        For a free parameter without finite limits, a solution outside them or not of these data, or counts of steps and
        walkers that cannot be.

    References
    ----------
    Goodman and Weare, Commun. Appl. Math. Comput. Sci. 5 (2010) 65; Foreman-Mackey et al., PASP 125
    (2013) 306.

    Examples
    --------
    >>> import numpy as np
    >>> from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie, sample, solve
    >>> roles = {"center": Tie("center"), "fwhm": Tie("fwhm")}
    >>> area, center, fwhm = Parameter("area", 50, 0), Parameter("center", 5, 3, 7), Parameter("fwhm", 1, 0.3, 3)
    >>> x = np.linspace(0.0, 10.0, 101)
    >>> peak = Component("peak", "gaussian", Tie("area"), roles)
    >>> bound = BoundModel(Model((area, center, fwhm), (peak,)), x, np.full(101, 3.0))
    >>> y = np.round(bound.evaluate(np.array([300.0, 5.1, 1.2])))
    >>> chain = sample(bound, y, solve(bound, y), limits={"area": (0.0, 1000.0)}, steps=50, burn=50)
    >>> chain.names, chain.samples.shape
    (('area', 'center', 'fwhm'), (800, 3))
    """
    emcee = _emcee()
    steps, burn = whole_number("steps", steps, 1), whole_number("burn", burn, 0)
    seed = whole_number("seed", seed, 0)
    goal = objective_of(problem, y, solution, statistics, sigma, "sample")
    free = np.flatnonzero([one.vary for one in problem.parameters])
    if not free.size:
        raise InputError("no parameter is free", where="sample", remedy="Sample a fit that may move something")
    low, high = _box(problem, solution, _limits(limits), free)
    count = max(16, 4 * free.size) if walkers is None else whole_number("walkers", walkers, 2 * free.size)
    rng = np.random.default_rng(seed)
    posterior = _Posterior(problem, goal, solution, free, low, high)
    sampler = emcee.EnsembleSampler(count, free.size, posterior)
    begin = emcee.State(_around(solution, free, low, high, count, rng), random_state=_legacy_state(seed))
    sampler.run_mcmc(begin, burn + steps)
    time = np.atleast_1d(sampler.get_autocorr_time(discard=burn, tol=0, quiet=True))
    slowest = float(np.max(time)) if np.all(np.isfinite(time)) else np.inf
    return Chain(
        tuple(solution.names[i] for i in free),
        np.asarray(sampler.get_chain(discard=burn, flat=True), dtype=np.float64),
        float(np.mean(sampler.acceptance_fraction)),
        time,
        count * steps / slowest,
    )


def _emcee() -> Any:
    try:
        return importlib.import_module("emcee")
    except ImportError as error:
        raise MissingDependencyError(
            "sampling needs the package emcee", remedy="Install it: pip install 'surfspec[mcmc]'"
        ) from error


def _legacy_state(seed: int) -> tuple[str, NDArray[np.uint32], int, int, float]:
    """Return a state of the generator that emcee keeps."""
    state = np.random.MT19937(seed).state["state"]
    return "MT19937", state["key"], int(state["pos"]), 0, 0.0


@dataclass(frozen=True)
class _Posterior:
    """Logarithm of the posterior over the free parameters."""

    problem: Problem
    goal: Objective
    solution: Solution
    free: NDArray[np.intp]
    low: Array
    high: Array

    def __call__(self, numbers: Array) -> float:
        if np.any(numbers < self.low) or np.any(numbers > self.high):
            return -np.inf
        values = self.solution.values.copy()
        values[self.free] = numbers
        return -0.5 * self.goal.cost(self.problem.evaluate(values)) / self.solution.scale


def _limits(given: Any) -> dict[str, tuple[float, float]]:
    """Return limits by name, each of two numbers."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"limits={given!r:.40}", where="limits", remedy="Give a dict of (low, high) by name")
    out = {}
    for name, pair in given.items():
        try:
            low, high = (float(end) for end in pair)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"the limits of {name!r} are {pair!r:.40}", where="limits", remedy="Give two numbers, (low, high)"
            ) from error
        if not low < high:
            raise InputError(
                f"the limits of {name!r} are {low:g} and {high:g}", where="limits", remedy="Give (low, high), low first"
            )
        out[name] = (low, high)
    return out


def _box(
    problem: Problem, solution: Solution, limits: dict[str, tuple[float, float]], free: NDArray[np.intp]
) -> tuple[Array, Array]:
    names = [problem.parameters[i].name for i in free]
    unknown = set(limits) - set(names)
    if unknown:
        raise InputError(
            f"limits for {sorted(map(str, unknown))[0]!r}, which is no free parameter",
            remedy=f"Free are {', '.join(names)}",
        )
    low = np.array(
        [max(problem.parameters[i].low, limits.get(n, (-np.inf, 0))[0]) for i, n in zip(free, names, strict=True)]
    )
    high = np.array(
        [min(problem.parameters[i].high, limits.get(n, (0, np.inf))[1]) for i, n in zip(free, names, strict=True)]
    )
    endless = [name for name, a, b in zip(names, low, high, strict=True) if not (np.isfinite(a) and np.isfinite(b))]
    if endless:
        raise InputError(
            f"no finite limits for {', '.join(endless)}",
            where=endless[0],
            remedy=f"Pass limits={{{endless[0]!r}: (low, high)}}: without them there is no posterior",
        )
    best = solution.values[free]
    outside = [name for name, v, a, b in zip(names, best, low, high, strict=True) if not (a <= v <= b and a < b)]
    if outside:
        raise InputError(
            f"the best value of {outside[0]} lies outside its limits", where=outside[0], remedy="Widen the limits"
        )
    return low, high


def _around(
    solution: Solution, free: NDArray[np.intp], low: Array, high: Array, count: int, rng: np.random.Generator
) -> Array:
    """Return starts of the walkers: scattered by the error bars (a twentieth of the range without), inside."""
    width = solution.uncertainties[free]
    span = high - low
    width = np.where(np.isfinite(width) & (width > 0), np.minimum(width, span / 4), span / 20)
    points = solution.values[free] + width * rng.standard_normal((count, free.size))
    # reflected at the limits; what is still outside begins anywhere inside
    points = np.where(points < low, 2 * low - points, np.where(points > high, 2 * high - points, points))
    inside = (points >= low) & (points <= high)
    return np.asarray(np.where(inside, points, rng.uniform(low, high, points.shape)))
