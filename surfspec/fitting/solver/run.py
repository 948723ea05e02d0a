"""Solve one fit: several starts, the trust region, the last digits, the statistics."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.solver.inputs import check_options, start_values
from surfspec.fitting.solver.minimise import trust_region
from surfspec.fitting.solver.objective import Objective, Precise, Problem, objective
from surfspec.fitting.solver.polish import End, Limits, polish
from surfspec.fitting.solver.priors import WithPriors, has_priors
from surfspec.fitting.solver.solution import Solution, describe

Array = NDArray[np.float64]

#: Evaluations of the trust region after which it is asked whether it creeps towards a limit, and the distance from
#: one (in units of the range) that says so. Towards an answer on a limit its steps become shorter and shorter.
FIRST = 150
CREEPING = 1e-2
#: Tolerance of a second run, from where the first one stopped without a minimum.
STRICT = 1e-15


def solve(
    problem: Problem,
    y: Precise,
    *,
    statistics: str = "poisson",
    sigma: Array | None = None,
    starts: Sequence[Array] | None = None,
    nuisance: Array | None = None,
    tolerance: float = 1e-8,
    max_evaluations: int = 2000,
    doubt: Collection[str] | None = None,
) -> Solution:
    """Fit a problem to one spectrum, and to what is known of its parameters beforehand.

    Each start is followed by a bounded trust region; the best end is polished by Gauss-Newton steps
    until they are lost in rounding, and taken up again by the trust region where that finds no minimum.

    Parameters
    ----------
    problem
        Parameters, model and Jacobian. Priors of free parameters take part in the deviance and in
        the degrees of freedom.
    y
        Intensities, shape (n,). Where they are long doubles and the problem's model is too, residuals are
        formed in long doubles: data of fifteen digits that a model explains to fourteen keep their scatter.
    statistics
        ``"poisson"`` (y is counts), ``"given"`` (by `sigma`) or ``"unknown"``: then the variance is
        taken proportional to `sigma` squared, or to the smoothed intensity where `sigma` is not given,
        and its scale from the residuals.
    sigma
        One standard uncertainty of `y`, shape (n,), for ``"given"``; relative ones for ``"unknown"``.
    starts
        Start values, each of shape (p,); by default the parameters' own. The best end wins.
    nuisance
        Change of the model by one standard deviation of each nuisance, shape (k, n).
    tolerance
        Relative tolerance of the cost, the step and the gradient in the trust region.
    max_evaluations
        Model evaluations for each start.
    doubt
        Amplitudes of which it is asked whether the data need them (``Solution.replaceable``): by default all with a
        natural lower limit, ``()`` for none. Costs some evaluations for each that others could make up for.

    Returns
    -------
    Solution
        Never raises for a bad fit; :func:`surfspec.fitting.verdict.judge` says what it is worth.

    Raises
    ------
    InputError
        For data that cannot be fitted at all: none, all zero, not finite, negative counts, uncertainties
        that are no positive numbers, or fewer points than parameters; and for options that cannot be.

    References
    ----------
    Branch, Coleman and Li, SIAM J. Sci. Comput. 21 (1999) 1 for the trust region.

    Examples
    --------
    >>> import numpy as np
    >>> from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie
    >>> parameters = (Parameter("area", 50.0, 0.0), Parameter("center", 285.0, 280.0, 290.0), Parameter("w", 1.2, 0.3))
    >>> peak = Component("C 1s", "gaussian", Tie("area"), {"center": Tie("center"), "fwhm": Tie("w")})
    >>> x = np.linspace(280.0, 290.0, 101)
    >>> bound = BoundModel(Model(parameters, (peak,)), x, np.full(101, 5.0))
    >>> solution = solve(bound, bound.evaluate(np.array([100.0, 285.2, 1.0])))
    >>> solution.values.round(6).tolist(), solution.converged
    ([100.0, 285.2, 1.0], True)
    """
    goal = objective(problem, y, statistics, sigma)
    check_options(problem, tolerance, max_evaluations, doubt)
    options = start_values(problem, starts)
    nuisance = _nuisance(nuisance, goal.y.size)
    if isinstance(problem, WithPriors) or not has_priors(problem.parameters):
        return _solve(problem, goal, options, nuisance, tolerance, max_evaluations, doubt)
    scale = 1.0
    if statistics == "unknown":  # the scatter is that of the data, not of their distance from the prior
        scale = _solve(problem, goal, options, nuisance, tolerance, max_evaluations, ()).scale
    held = WithPriors(problem, counts=statistics == "poisson", relative=scale)
    solution = _solve(held, held.goal(goal), options, held.nuisance(nuisance), tolerance, max_evaluations, doubt)
    return held.of_data(solution)


def _solve(
    problem: Problem,
    goal: Objective,
    options: Sequence[Array],
    nuisance: Array | None,
    tolerance: float,
    max_evaluations: int,
    doubt: Collection[str] | None,
) -> Solution:
    """Follow every start, polish the best end, and describe it."""
    limits = Limits.of(problem.parameters)
    # a model that overflows on the way is no accident: what is not finite is looked for where it matters
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        ends = [_approach(problem, goal, limits, start, tolerance, max_evaluations) for start in options]
        costs = [goal.cost(problem.evaluate(values)) for values, _ in ends]
        order = sorted(range(len(ends)), key=lambda i: costs[i])
        best = finish(problem, goal, limits, ends[order[0]][0], max_evaluations)
        return describe(
            problem,
            goal,
            limits,
            best,
            nuisance=nuisance,
            evaluations=best.evaluations + sum(count for _, count in ends),
            others=[(ends[i][0], costs[i]) for i in order[1:]],
            doubt=doubt,
        )


def _nuisance(nuisance: Array | None, points: int) -> Array | None:
    """Return the nuisances, each with one number for each point."""
    if nuisance is None:
        return None
    try:
        out = np.atleast_2d(np.asarray(nuisance, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(
            f"the nuisances are no numbers ({error})", where="nuisance", remedy="Give shape (k, points)"
        ) from error
    if out.ndim != 2 or (out.size and out.shape[1] != points):
        raise InputError(
            f"nuisances of shape {out.shape} for {points} points", where="nuisance", remedy="Give shape (k, points)"
        )
    return out


def _approach(
    problem: Problem, goal: Objective, limits: Limits, start: Array, tolerance: float, max_evaluations: int
) -> tuple[Array, int]:
    """Follow one start by the trust region; where it creeps towards a limit, let the polishing go there at once."""
    span = (limits.high - limits.low)[limits.free]
    if max_evaluations <= FIRST or not np.any(np.isfinite(span)):
        return trust_region(problem, goal, start, tolerance, max_evaluations)
    values, count = trust_region(problem, goal, start, tolerance, FIRST)
    if count < FIRST:
        return values, count
    near = np.minimum(values - limits.low, limits.high - values)[limits.free] < CREEPING * span
    if np.any(near & np.isfinite(span)):
        end = polish(problem, goal, limits, values)
        count += end.evaluations
        if end.converged:
            return end.values, count
        values = end.values
    further, more = trust_region(problem, goal, values, tolerance, max_evaluations - count)
    return further, count + more


def finish(problem: Problem, goal: Objective, limits: Limits, values: Array, max_evaluations: int) -> End:
    """Polish an end of the trust region; where that is no minimum, go on from there with the strictest tolerance."""
    end = polish(problem, goal, limits, values)
    if end.converged or not np.isfinite(end.cost):
        return end
    further, count = trust_region(problem, goal, end.values, STRICT, max_evaluations)
    again = polish(problem, goal, limits, further)
    better = again if again.cost <= end.cost else end
    return replace(better, evaluations=end.evaluations + again.evaluations + count)
