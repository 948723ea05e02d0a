"""Checks of what a fit is asked for, and whether a solution is one of the data at hand."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.solver.objective import Objective, Precise, Problem, objective
from surfspec.fitting.solver.solution import Solution

Array = NDArray[np.float64]

#: Relative difference of two costs up to which they are those of the same data; batched fits stop a little before the
#: last digit, which counts at most as much in units of the deviance.
SAME: Final = 1e-6
#: Relative rounding of a model that may lie between them.
ROUNDED: Final = 1e-9


def whole_number(name: str, given: Any, lowest: int) -> int:
    """Return a whole number that is high enough.

    Raises
    ------
    InputError
        For anything else.

    Examples
    --------
    >>> whole_number("steps", 3, 1)
    3
    """
    try:
        number = operator.index(given)
    except TypeError:
        number = lowest - 1
    if isinstance(given, bool | np.bool_) or number < lowest:
        raise InputError(f"{name}={given!r:.40}", where=name, remedy=f"Give a whole number from {lowest} up")
    return number


def probability(what: str, given: Any) -> float:
    """Return a number between 0 and 1, the ends excluded.

    Raises
    ------
    InputError
        For anything else.

    Examples
    --------
    >>> probability("confidence", 0.95)
    0.95
    """
    number = _number(given)
    if not 0 < number < 1:
        shown = f"{number:g}" if math.isfinite(number) else f"{given!r:.40}"
        raise InputError(f"a {what} of {shown}", where="level", remedy="Give a number between 0 and 1, 0.95 say")
    return number


def _number(given: Any) -> float:
    try:
        return math.nan if isinstance(given, str | bytes | bool) else float(given)
    except (TypeError, ValueError):
        return math.nan


def check_options(problem: Problem, tolerance: float, max_evaluations: int, doubt: Collection[str] | None) -> None:
    """Check the options of :func:`~surfspec.fitting.solver.solve`.

    Raises
    ------
    InputError
        For a tolerance that is no positive number, no evaluations at all, or a doubt about unknown parameters.
    """
    if not 0 < _number(tolerance) < math.inf:
        raise InputError(
            f"tolerance={tolerance!r:.40}", where="tolerance", remedy="Give a small positive number, 1e-8 say"
        )
    whole_number("max_evaluations", max_evaluations, 1)
    if doubt is None:
        return
    names = [one.name for one in problem.parameters]
    if isinstance(doubt, str) or not isinstance(doubt, Collection):
        raise InputError(f"doubt={doubt!r:.40}", where="doubt", remedy="Give a list of names")
    unknown = [one for one in doubt if one not in names]
    if unknown:
        raise InputError(
            f"doubt about {unknown[0]!r:.40}, which is no parameter",
            where="doubt",
            remedy=f"Parameters are {', '.join(names)}",
        )


def start_values(problem: Problem, starts: Sequence[Array] | None) -> list[Array]:
    """Return the starts, each with one number for each parameter; those of the parameters where none are given.

    Raises
    ------
    InputError
        For starts of another length, or that are not all numbers.
    """
    parameters = problem.parameters
    remedy = f"Give a list of starts, each a number for {', '.join(p.name for p in parameters)}"
    try:
        given = starts if starts is not None and len(starts) else [np.array([p.value for p in parameters])]
        options = [np.array(start, dtype=np.float64) for start in given]
    except (TypeError, ValueError) as error:
        raise InputError(f"the starts are no numbers ({error})", where="starts", remedy=remedy) from error
    for start in options:
        if start.shape != (len(parameters),):
            raise InputError(
                f"a start of shape {start.shape} for {len(parameters)} parameters", where="starts", remedy=remedy
            )
        bad = np.flatnonzero(~np.isfinite(start))
        if bad.size:
            name = parameters[int(bad[0])].name
            raise InputError(f"a start has {start[bad[0]]} for {name!r}", where="starts", remedy=remedy)
    return options


def objective_of(
    problem: Problem, y: Precise, solution: Solution, statistics: str, sigma: Array | None, where: str
) -> Objective:
    r"""Return what was minimised, after a check that the solution is one of this problem and these data.

    .. math:: |D(\hat p; y) - D_{\mathrm{solution}}| \le 10^{-6} \max(D, D_{\mathrm{solution}})

    but for rounding.

    Parameters
    ----------
    problem, y, statistics, sigma
        As given to :func:`~surfspec.fitting.solver.solve`.
    solution
        What it returned.
    where
        The caller, for messages.

    Raises
    ------
    InputError
        For data that cannot be fitted, or a solution of others.
    """
    goal = objective(problem, y, statistics, sigma)
    if not isinstance(solution, Solution):
        raise InputError(
            f"a {type(solution).__name__} is no solution", where=where, remedy="Pass what solve() returned"
        )
    if solution.values.shape != (len(problem.parameters),):
        raise InputError(
            f"a solution of {solution.values.size} parameters for a problem with {len(problem.parameters)}",
            where=where,
            remedy="This solution is not one of this problem; solve() it first",
        )
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        model = problem.evaluate(solution.values)
        if model.shape != goal.y.shape:
            raise InputError(
                f"{goal.y.size} intensities and a model on {model.size} points",
                where=where,
                remedy="Give intensities on the axis of the model",
            )
        cost = goal.cost(model)
        rounding = float(np.sum((ROUNDED * goal.weight(model) * np.asarray(model, dtype=np.float64)) ** 2))
    unit = 0.0 if statistics == "unknown" else SAME
    if not abs(cost - solution.deviance) <= SAME * max(cost, solution.deviance) + unit + rounding:
        raise InputError(
            f"the deviance of these data is {cost:.7g} at the solution, which says {solution.deviance:.7g}",
            where=where,
            remedy="This solution is not one of these data; solve() them first (with the same statistics and sigma)",
        )
    return goal
