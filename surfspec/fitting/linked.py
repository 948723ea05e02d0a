"""Global fits over spectra with different models, axes and statistics, tied by common parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surfspec.errors import InputError
from surfspec.fitting.linked_covariance import JointCovariance
from surfspec.fitting.linked_data import (
    JointObjective,
    LinkedMember,
    own_fits,
    padded_nuisance,
    priors_once,
    relative_scale,
    with_priors,
)
from surfspec.fitting.linked_map import Array
from surfspec.fitting.linked_ratio import Ratio, likelihood_ratio
from surfspec.fitting.model import Parameter
from surfspec.fitting.result import MemberFit, member_from_model
from surfspec.fitting.shared_problem import OwnProblem, SharedProblem
from surfspec.fitting.solver import Problem, Solution
from surfspec.fitting.solver.minimise import trust_region
from surfspec.fitting.solver.objective import Objective
from surfspec.fitting.solver.polish import Limits
from surfspec.fitting.solver.priors import WithPriors, has_priors
from surfspec.fitting.solver.run import finish
from surfspec.fitting.solver.solution import describe
from surfspec.fitting.verdict import judge

#: Evaluations of the trust region over the common parameters before the last digits are looked for, and at most.
FIRST, EVALUATIONS = 150, 2000
#: Relative tolerance of the trust region.
TOLERANCE = 1e-8
#: Weight of the recipe's start value of a common parameter, in its own range, against what the members' own fits say.
FAINT = 1e-6
#: Linearisations of products of common parameters at the start.
START_PASSES = 5


@dataclass(frozen=True)
class SharedFit:
    """The fit of several members with common parameters.

    Attributes
    ----------
    names, values, uncertainties, covariance
        Of the common parameters; NaN uncertainty where not determined, 0 on a limit.
    joint
        The covariances of and between members.
    ratio
        The likelihood ratio of the joint fit to the members' own.
    members
        One fit for each spectrum; its covariance includes the common parameters. Its ``dof`` counts its points less
        its own parameters.
    solutions
        The same as the solver's answers, for who judges the members anew.
    converged
        Common and own parameters lie at a minimum.
    at_bound, undetermined
        Common parameters on a limit that is no physical answer, and those that the data do not fix.
    chi2, deviance, dof, scale
        Of all members together.
    evaluations
        Times that all members were evaluated.
    reasons
        What the data say against sharing, see :mod:`surfspec.fitting.linked_ratio`. Every member's verdict contains it.
    alone
        The members' own fits, nothing being shared.
    """

    names: tuple[str, ...]
    values: Array
    uncertainties: Array
    covariance: Array
    joint: JointCovariance
    ratio: Ratio
    members: tuple[MemberFit, ...]
    solutions: tuple[Solution, ...]
    converged: bool
    at_bound: tuple[str, ...]
    undetermined: tuple[str, ...]
    chi2: float
    deviance: float
    dof: int
    scale: float
    evaluations: int
    reasons: tuple[str, ...] = ()
    alone: tuple[Solution, ...] = ()


def fit_linked(
    members: Sequence[LinkedMember],
    parameters: Sequence[Parameter],
    *,
    one_scale: bool = False,
    begin: SharedFit | None = None,
) -> SharedFit:
    r"""Fit several spectra at once whose parameters follow common ones.

    .. math:: D(s, t_1 \dots t_N) = \sum_i D_i\big(\theta_i(s, t_i)\big) \to \min

    Each member is fitted alone first, and the common parameters begin where these fits, weighted with their
    variances, put them. The own parameters are eliminated member by member, see
    :mod:`surfspec.fitting.shared_problem`. A prior of a parameter that several members have in common counts once.

    Parameters
    ----------
    members
        One for each spectrum; models, axes and statistics may differ.
    parameters
        The common parameters, each with its start, its range, its name, and what is known of it beforehand.
    one_scale
        For members of unknown statistics: one scale of the variance for all of them, from the joint residuals,
        in place of one for each from its own fit.
    begin
        An earlier fit of these members, over other backgrounds say, from whose end this one goes on.

    Returns
    -------
    SharedFit
        Never raises for a bad fit; the verdicts of the members say what it is worth.

    Raises
    ------
    InputError
        For maps that do not fit the models, or a member whose data cannot be fitted at all.

    References
    ----------
    Golub and Pereyra, Inverse Problems 19 (2003) R1; Bates and Watts, Nonlinear Regression Analysis and Its
    Applications (1988), chapter 6; Wilks, Ann. Math. Stat. 9 (1938) 60 for the likelihood ratio.

    Examples
    --------
    Two lines on different axes, the second 1.5 times as wide as the first:

    >>> import numpy as np
    >>> from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie
    >>> from surfspec.fitting.linked_map import LinkedMap
    >>> def line(x):
    ...     own = (Parameter("area", 50.0, 0.0), Parameter("center", 5.0, 2.0, 8.0), Parameter("w", 1.2, 0.3, 4.0))
    ...     peak = Component("one", "gaussian", Tie("area"), {"center": Tie("center"), "fwhm": Tie("w")})
    ...     return BoundModel(Model(own, (peak,)), x, np.full(x.size, 5.0))
    >>> bounds = [line(np.linspace(0.0, 10.0, 101)), line(np.linspace(1.0, 9.0, 61))]
    >>> data = [b.evaluate(np.array([200.0, c, w])) for b, c, w in zip(bounds, (5.1, 4.9), (1.0, 1.5))]
    >>> owned = np.array([True, True, False])
    >>> maps = [LinkedMap(np.array([[0.0], [0.0], [f]]), np.zeros(3), owned) for f in (1.0, 1.5)]
    >>> fit = fit_linked([LinkedMember(*one) for one in zip(bounds, data, maps)], [Parameter("w", 1.2, 0.3, 2.5)])
    >>> fit.values.round(6).tolist(), [round(float(m.fwhm[0]), 6) for m in fit.members]
    ([1.0], [1.0, 1.5])
    """
    common = tuple(parameters)
    _fitting(members, common)
    alone, bare, goals = own_fits(members, scaled=not one_scale)
    counted = priors_once(members)
    problems, own_problems = [], []
    for member, goal, held in zip(members, goals, counted, strict=True):
        problem, whole = with_priors(held, goal, relative=relative_scale(goal, alone) if one_scale else 1.0)
        problems.append(whole)
        own_problems.append(OwnProblem(problem, member.links, whole, member.own))
    if begin is None:
        first, whole_starts = _start(members, alone, common), [fit.values for fit in alone]
    else:
        first, whole_starts = begin.values, [fit.values for fit in begin.solutions]
    starts = [
        np.clip((values - one.links.moved(first))[problem.own], problem.limits.low, problem.limits.high)
        for one, values, problem in zip(members, whole_starts, own_problems, strict=True)
    ]
    joint = SharedProblem(own_problems, common, first, starts, strict=begin is None)
    outer = _minimum(joint, problems, first)
    unknown = one_scale and all(one.statistics == "unknown" for one in members)
    covariance = JointCovariance(
        joint,
        joint.at(outer.values),
        outer.values,
        chi2=outer.chi2,
        rescale=unknown,
        nuisance=[padded_nuisance(one, goal.y.size) for one, goal in zip(members, problems, strict=True)],
    )
    ratio = likelihood_ratio(members, alone, bare, covariance, outer.deviance)
    return _result(members, common, alone, outer, covariance, ratio)


def _fitting(members: Sequence[LinkedMember], common: tuple[Parameter, ...]) -> None:
    """Refuse maps that do not belong to their models, and common parameters that nobody follows."""
    if not members:
        raise InputError("there are no members", where="members", remedy="Give at least one")
    known = np.zeros(len(common), dtype=bool)
    for number, one in enumerate(members):
        count = len(one.bound.parameters)
        if one.links.linear.shape != (count, len(common)):
            raise InputError(
                f"the map of member {number} is {one.links.linear.shape}, not {(count, len(common))}",
                where="members",
                remedy="Give one row for each parameter and one column for each common one",
            )
        known |= one.links.touched()
    if not known.all():
        name = common[int(np.argmin(known))].name
        raise InputError(f"no member follows {name!r}", where="parameters", remedy="Leave it out")


def _start(members: Sequence[LinkedMember], alone: Sequence[Solution], common: tuple[Parameter, ...]) -> Array:
    """Return the common parameters that agree best with the members' own fits, weighted with their variances."""
    limits = Limits.of(common)
    first = np.array([p.value for p in common], dtype=np.float64)
    span = np.where(np.isfinite(limits.high - limits.low), limits.high - limits.low, np.maximum(1.0, np.abs(first)))
    values = first
    for _ in range(START_PASSES if any(one.links.products for one in members) else 1):
        rows, targets = [np.diag(FAINT / span)], [FAINT * (first - values) / span]
        for one, fit in zip(members, alone, strict=True):
            tied = ~one.links.owned & np.any(one.links.slopes(values) != 0, axis=1)
            unc = fit.uncertainties
            good = np.isfinite(unc) & (unc > 0)
            weight = np.where(good, 1.0 / np.where(good, unc, 1.0), FAINT)[tied]
            rows.append(weight[:, None] * one.links.slopes(values)[tied])
            targets.append(weight * (fit.values - one.links.moved(values))[tied])
        matrix, target = np.concatenate(rows), np.concatenate(targets)
        size = np.sqrt(np.sum(matrix**2, axis=0))
        step = np.linalg.lstsq(matrix / size, target, rcond=None)[0] / size
        values = np.clip(values + step, limits.low, limits.high)
    return values


def _minimum(joint: SharedProblem, goals: Sequence[Objective], begin: Array) -> Solution:
    """Return the best common parameters; their priors are data of their own."""
    limits, whole = Limits.of(joint.parameters), list(goals)
    problem: Problem = joint
    held = WithPriors(joint, counts=False)
    if has_priors(joint.parameters):
        count = held.mean.size
        problem, whole = held, [*goals, Objective(np.zeros(count), "given", np.ones(count))]
    goal = JointObjective.of(whole)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        values, count = trust_region(problem, goal, begin, TOLERANCE, FIRST)
        end = finish(problem, goal, limits, values, EVALUATIONS)
        return describe(
            problem,
            goal,
            limits,
            end,
            nuisance=None,
            evaluations=count + end.evaluations,
            others=(),
            doubt=(),
        )


def _result(
    members: Sequence[LinkedMember],
    common: tuple[Parameter, ...],
    alone: Sequence[Solution],
    outer: Solution,
    joint: JointCovariance,
    ratio: Ratio,
) -> SharedFit:
    """Judge every member and return the whole."""
    fitted, solutions = [], []
    for number, one in enumerate(members):
        solution = joint.solution(number, one.y.size, one.statistics, outer)
        solutions.append(solution)
        verdict, reasons = judge(solution, extra=(*one.extra, *ratio.reasons()))
        fitted.append(member_from_model(one.bound, solution, alone[number].values, verdict=verdict, reasons=reasons))
    names, covariance = np.array([p.name for p in common]), joint.of_common()
    return SharedFit(
        names=tuple(names.tolist()),
        values=outer.values,
        uncertainties=np.sqrt(np.diag(covariance)),
        covariance=covariance,
        joint=joint,
        members=tuple(fitted),
        solutions=tuple(solutions),
        converged=outer.converged and all(state.converged for state in joint.states),
        at_bound=tuple(names[~joint.common_active].tolist()),
        undetermined=tuple(names[joint.lost].tolist()),
        chi2=outer.chi2,
        deviance=outer.deviance,
        dof=joint.dof,
        scale=joint.scale,
        evaluations=outer.evaluations,
        reasons=ratio.reasons(),
        alone=tuple(alone),
        ratio=ratio,
    )
