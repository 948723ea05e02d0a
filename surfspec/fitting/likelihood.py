"""Profile likelihood: how far a parameter can go before the others cannot make up for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import chi2

from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.model import Parameter
from surfspec.fitting.solver import Problem, Solution, solve
from surfspec.fitting.solver.inputs import objective_of, probability

Array = NDArray[np.float64]

#: Confidence of one standard deviation of a normal distribution.
ONE_SIGMA = 0.6826894921370859
#: A fit on the way that is better than the best one by this much deviance contradicts it.
BETTER = 1e-3
#: Steps outwards at most, each longer than the last.
STEPS = 30


@dataclass(frozen=True)
class Interval:
    """Where the likelihood says a parameter lies.

    Attributes
    ----------
    name, value
        Parameter and its best value.
    low, high
        Ends of the interval; the parameter's limit where the likelihood does not end it before.
    open_low, open_high
        True where that is so: the data do not bound the parameter on that side.
    level
        Confidence.
    points, increase
        Values that were tried, rising, and the rise of the deviance there, shape (k,) each.
    """

    name: str
    value: float
    low: float
    high: float
    open_low: bool
    open_high: bool
    level: float
    points: Array
    increase: Array


class _Fixed:
    """A problem with one parameter held at a number."""

    def __init__(self, problem: Problem, index: int, number: float) -> None:
        self.problem = problem
        self.parameters: tuple[Parameter, ...] = tuple(
            replace(one, value=number, low=min(one.low, number), high=max(one.high, number), vary=False)
            if i == index
            else one
            for i, one in enumerate(problem.parameters)
        )

    def evaluate(self, values: Array) -> Array:
        return self.problem.evaluate(values)

    def jacobian(self, values: Array) -> Array:
        return self.problem.jacobian(values)


def profile(
    problem: Problem,
    y: Array,
    parameter: str,
    solution: Solution,
    *,
    statistics: str = "poisson",
    sigma: Array | None = None,
    level: float = ONE_SIGMA,
) -> Interval:
    r"""Return the profile likelihood interval of one parameter.

    .. math:: \{p : \min_{\mathrm{others}} D(p, \mathrm{others}) - D_{\min} \le s\,\chi^2_{1,\mathrm{level}}\}

    with the deviance :math:`D` and the scale :math:`s` of the solution. Unlike the error bar of the
    covariance it may be lopsided, and it ends at a limit where the data do not end it.

    Parameters
    ----------
    problem, y, statistics, sigma
        What was fitted, as given to :func:`~surfspec.fitting.solver.solve`.
    parameter
        Name of a free parameter.
    solution
        The best fit.
    level
        Confidence, by default that of one standard deviation (0.683).

    Returns
    -------
    Interval
        Background anchors and other nuisances outside the problem's parameters are not profiled.

    Raises
    ------
    InputError
        For an unknown or fixed parameter, a level outside 0 to 1, or a solution that is not one of these data.
    NotDeterminedError
        When a better minimum turns up on the way: the best fit was none.

    References
    ----------
    Venzon and Moolgavkar, Appl. Statist. 37 (1988) 87; Wilks, Ann. Math. Stat. 9 (1938) 60.

    Examples
    --------
    >>> import numpy as np
    >>> from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie, profile, solve
    >>> roles = {"center": Tie("center"), "fwhm": Tie("fwhm")}
    >>> area, center, fwhm = Parameter("area", 50, 0), Parameter("center", 5, 3, 7), Parameter("fwhm", 1, 0.3, 3)
    >>> x = np.linspace(0.0, 10.0, 101)
    >>> peak = Component("peak", "gaussian", Tie("area"), roles)
    >>> bound = BoundModel(Model((area, center, fwhm), (peak,)), x, np.full(101, 3.0))
    >>> y = np.round(bound.evaluate(np.array([30.0, 5.1, 1.2])))
    >>> interval = profile(bound, y, "area", solve(bound, y))
    >>> bool(interval.low < interval.value < interval.high)
    True
    """
    level = probability("confidence", level)
    names = [one.name for one in problem.parameters]
    if parameter not in names:
        raise InputError(f"there is no parameter {parameter!r}", remedy=f"Parameters are {', '.join(names)}")
    index = names.index(parameter)
    one = problem.parameters[index]
    if not one.vary:
        raise InputError(f"{parameter!r} is fixed", remedy="Profile a parameter that the fit may move")
    objective_of(problem, y, solution, statistics, sigma, "profile")
    best = float(solution.values[index])
    wanted = float(chi2.ppf(level, 1)) * solution.scale
    seen: dict[float, tuple[float, Array]] = {best: (0.0, solution.values)}

    def increase(number: float) -> float:
        if number not in seen:
            near = min(seen, key=lambda other: abs(other - number))
            start = seen[near][1].copy()
            start[index] = number
            moved = solve(
                _Fixed(problem, index, number), y, statistics=statistics, sigma=sigma, starts=[start], doubt=()
            )
            seen[number] = (moved.deviance - solution.deviance, moved.values)
        rise = seen[number][0]
        if rise < -BETTER * solution.scale:
            raise NotDeterminedError(
                f"at {parameter} = {number:g} the deviance is {-rise:.3g} lower than at the best fit",
                where=parameter,
                remedy="Fit again from there: the solution was a local minimum",
            )
        return rise

    step = float(solution.uncertainties[index])
    if not (np.isfinite(step) and step > 0):
        span = one.high - one.low
        step = span / 20 if np.isfinite(span) else 0.1 * max(1.0, abs(best))
    step *= float(np.sqrt(wanted / solution.scale))
    low, open_low = _end(increase, best, -step, one.low, wanted)
    high, open_high = _end(increase, best, step, one.high, wanted)
    points = np.array(sorted(seen))
    rises = np.array([seen[float(point)][0] for point in points])
    return Interval(parameter, best, low, high, open_low, open_high, level, points, rises)


def _end(
    increase: Callable[[float], float], best: float, step: float, limit: float, wanted: float
) -> tuple[float, bool]:
    """Walk outwards until the deviance has risen enough, then find where it just has."""
    inside = best
    for _ in range(STEPS):
        beyond = inside + step
        stops = (limit - beyond) * step <= 0
        outside = limit if stops else beyond
        if outside == inside:
            return limit, True
        if increase(outside) >= wanted:
            tolerance = 1e-6 * abs(step)
            return float(brentq(lambda p: increase(float(p)) - wanted, inside, outside, xtol=tolerance)), False
        if stops:
            return limit, True
        inside, step = outside, 1.5 * step
    return inside, True
