"""Global fits: some parameters have one value for all members of a series, the others one for each member."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.model import BoundModel, Parameter
from surfspec.fitting.residual_tests import chi2_probability
from surfspec.fitting.result import MemberFit, member_from_model
from surfspec.fitting.shared_problem import (
    Array,
    MemberState,
    OwnProblem,
    SharedProblem,
    common_parameters,
    eliminate,
    invert,
)
from surfspec.fitting.solver import Solution, solve
from surfspec.fitting.solver.objective import Objective, objective
from surfspec.fitting.solver.polish import Limits
from surfspec.fitting.verdict import IMPROBABLE, judge

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class SharedFit:
    """The fit of several members with common parameters.

    Attributes
    ----------
    names, values, uncertainties, covariance
        Of the common parameters; NaN uncertainty where not determined, 0 on a limit.
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
        What the data say against sharing: the rise of the deviance over that of the members' own fits is tested by
        the likelihood ratio. Every member's verdict contains it.
    """

    names: tuple[str, ...]
    values: Array
    uncertainties: Array
    covariance: Array
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


def fit_shared(
    models: Sequence[BoundModel],
    data: Sequence[Array],
    *,
    shared: Sequence[str],
    statistics: str = "poisson",
    sigma: Sequence[Array] | None = None,
    nuisance: Sequence[Array] | None = None,
    extra: Sequence[Sequence[str]] | None = None,
    starts: Sequence[Array] | None = None,
) -> SharedFit:
    r"""Fit several spectra at once, some of their parameters having one value for all.

    .. math:: D(s, t_1 \dots t_N) = \sum_i D_i(s, t_i) \to \min

    Each member is fitted alone first; the common parameters begin at the mean of these fits, weighted with their
    variances. With :math:`F` the Fisher matrix of the common parameters after elimination of all others, the
    covariance of a member is that of the joint fit:

    .. math:: C_{ss} = F^{-1}, \qquad C_{st} = C_{ss} G^T, \qquad C_{tt} = A^{-1} + G\,C_{ss}\,G^T

    Parameters
    ----------
    models
        One for each member, each with all the `shared` names among its parameters.
    data
        Intensities, shape (n_i,) each.
    shared
        Names of the common parameters.
    statistics
        ``"poisson"``, ``"given"`` (by `sigma`) or ``"unknown"`` (one scale of the variance for all members).
    sigma
        One standard uncertainty of the data, shape (n_i,) each.
    nuisance
        Change of each model by one standard deviation of each of its nuisances, shape (k_i, n_i); they are
        independent between members.
    extra
        Reasons for the verdict of each member that were found elsewhere.
    starts
        Start values of each member's own fit, shape (p_i,) each; by default those of its parameters with the areas that
        fit best.

    Returns
    -------
    SharedFit
        Never raises for a bad fit; the verdicts of the members say what it is worth.

    Raises
    ------
    InputError
        For a shared name that is missing, fixed or repeated, for lists of different lengths, or a member whose data
        cannot be fitted at all.

    References
    ----------
    Bates and Watts, Nonlinear Regression Analysis and Its Applications (1988), chapter 6.

    Examples
    --------
    >>> import numpy as np
    >>> from surfspec.fitting import Component, Model, Parameter, Tie
    >>> parameters = (Parameter("area", 50.0, 0.0), Parameter("center", 285.0, 280.0, 290.0), Parameter("w", 1.2, 0.3))
    >>> peak = Component("C 1s", "gaussian", Tie("area"), {"center": Tie("center"), "fwhm": Tie("w")})
    >>> x = np.linspace(280.0, 290.0, 101)
    >>> bound = BoundModel(Model(parameters, (peak,)), x, np.full(101, 5.0))
    >>> data = [bound.evaluate(np.array([area, 285.2, 1.0])) for area in (100.0, 300.0)]
    >>> fit = fit_shared([bound, bound], data, shared=["center", "w"])
    >>> fit.values.round(6).tolist(), [round(float(m.area[0]), 4) for m in fit.members]
    ([285.2, 1.0], [100.0, 300.0])
    """
    if isinstance(shared, str):
        raise InputError(
            f"shared={shared!r:.40} is one text", where="shared", remedy=f"Give a list of names: [{shared!r:.40}]"
        )
    goals = _goals(models, data, statistics, sigma, nuisance, extra, starts)
    parameters = common_parameters(models, shared)
    where = [np.array([_place(bound, name) for name in shared]) for bound in models]
    members = [OwnProblem(bound, common, goal) for bound, common, goal in zip(models, where, goals, strict=True)]
    alone = [
        _alone(bound, goal, None if starts is None else starts[number], number)
        for number, (bound, goal) in enumerate(zip(models, goals, strict=True))
    ]
    begin = _weighted_start(alone, where, [(p.low, p.high) for p in parameters])
    own = [fit.values[member.own] for fit, member in zip(alone, members, strict=True)]
    problem = SharedProblem(members, parameters, begin, own)
    outer = solve(
        problem,
        np.concatenate([goal.y for goal in goals]),
        statistics=goals[0].statistics,
        sigma=None if statistics == "poisson" else np.concatenate([goal.sigma for goal in goals]),
        starts=[begin],
        doubt=(),
    )
    states = problem.at(outer.values)
    return _Joint(problem, states, outer, statistics, nuisance).fit(alone, extra)


def _goals(
    models: Sequence[BoundModel],
    data: Sequence[Array],
    statistics: str,
    sigma: Sequence[Array] | None,
    nuisance: Sequence[Array] | None,
    extra: Sequence[Sequence[str]] | None,
    starts: Sequence[Array] | None,
) -> list[Objective]:
    """Return the data of each member; unknown statistics become weights that are scaled at the end."""
    if models is None or not len(models):
        raise InputError("there are no members", where="models", remedy="Give at least one model")
    if data is None:
        raise InputError("there are no data", where="data", remedy="Give the intensities of each member")
    for name, one in (("data", data), ("sigma", sigma), ("nuisance", nuisance), ("extra", extra), ("starts", starts)):
        if one is not None and len(one) != len(models):
            raise InputError(f"{len(one)} entries for {len(models)} members", where=name, remedy="Give one for each")
    if statistics not in ("poisson", "given", "unknown"):
        raise InputError(
            f"statistics {statistics!r} is not known", where="statistics", remedy="Use poisson, given or unknown"
        )
    goals = []
    for number, y in enumerate(data):
        given = None if sigma is None else sigma[number]
        if np.size(y) != models[number].x.size:
            raise InputError(
                f"member {number} has {np.size(y)} intensities on {models[number].x.size} points",
                where="data",
                remedy="Give each member its own axis and data of one length",
            )
        try:
            goal = objective(models[number], y, statistics, given)
        except InputError as error:
            raise InputError(error.message, where=f"member {number}", remedy=error.remedy) from error
        kind = "poisson" if statistics == "poisson" else "given"
        goals.append(Objective(np.asarray(goal.y, dtype=np.float64), kind, goal.sigma))
    return goals


def _place(bound: BoundModel, name: str) -> int:
    return [p.name for p in bound.parameters].index(name)


def _alone(bound: BoundModel, goal: Objective, start: Array | None, number: int) -> Solution:
    """Fit one member with all its parameters free."""
    sigma = None if goal.statistics == "poisson" else goal.sigma
    try:
        if start is None:
            start = bound.start(np.array([p.value for p in bound.parameters]), goal.y, goal.sigma)
        return solve(bound, goal.y, statistics=goal.statistics, sigma=sigma, starts=[start])
    except InputError as error:
        raise InputError(error.message, where=f"member {number}", remedy=error.remedy) from error


def _weighted_start(
    alone: Sequence[Solution], where: Sequence[NDArray[np.intp]], ranges: Sequence[tuple[float, float]]
) -> Array:
    """Return the mean of the members' values of the common parameters, weighted with their variances."""
    values = np.stack([fit.values[common] for fit, common in zip(alone, where, strict=True)])
    unc = np.stack([fit.uncertainties[common] for fit, common in zip(alone, where, strict=True)])
    weight = np.where(np.isfinite(unc) & (unc > 0), 1.0 / np.where(unc > 0, unc, 1.0) ** 2, 0.0)
    weight = np.where(np.sum(weight, axis=0) > 0, weight, 1.0)
    mean = np.sum(weight * values, axis=0) / np.sum(weight, axis=0)
    low, high = np.array(ranges).T
    out: Array = np.clip(mean, low, high)
    return out


class _Joint:
    """The joint covariance of common and own parameters at the minimum, put together from its blocks."""

    def __init__(
        self,
        problem: SharedProblem,
        states: Sequence[MemberState],
        outer: Solution,
        statistics: str,
        nuisance: Sequence[Array] | None,
    ) -> None:
        self.problem, self.states, self.outer, self.statistics = problem, states, outer, statistics
        self.active = [_active(m.parameters, m.limits, s.own) for m, s in zip(problem.members, states, strict=True)]
        parts = [
            eliminate(m, s.model, s.jacobian, active)
            for m, s, active in zip(problem.members, states, self.active, strict=True)
        ]
        self.follow = [part[0] for part in parts]
        self.inverse = [part[1] for part in parts]
        self.lost_own = [part[2] for part in parts]
        self.weights = [m.goal.weight(s.model) for m, s in zip(problem.members, states, strict=True)]
        self.columns = [
            w[:, None] * (s.jacobian[:, m.common] + s.jacobian[:, m.own] @ follow)
            for m, s, w, follow in zip(problem.members, states, self.weights, self.follow, strict=True)
        ]
        self.common_active = _active(problem.parameters, Limits.of(problem.parameters), outer.values)
        self.common, self.lost = invert(np.concatenate(self.columns), self.common_active)
        points = sum(s.model.size for s in states)
        self.dof = max(1, points - sum(int(np.sum(a)) for a in self.active) - int(np.sum(self.common_active)))
        self.scale = outer.chi2 / self.dof if statistics == "unknown" else 1.0
        self._nuisances(nuisance)

    def _nuisances(self, nuisance: Sequence[Array] | None) -> None:
        """Move the parameters by each nuisance: those in common, and the own ones at fixed common ones."""
        count = self.common.shape[0]
        self.moved_common = [np.zeros((count, 0)) for _ in self.states]
        self.moved_own = [np.zeros((len(one), 0)) for one in self.follow]
        if nuisance is not None:
            for i, (member, state, weight) in enumerate(
                zip(self.problem.members, self.states, self.weights, strict=True)
            ):
                change = weight[:, None] * np.asarray(nuisance[i], dtype=np.float64).T
                self.moved_common[i] = self.common @ (self.columns[i].T @ change)
                own = weight[:, None] * state.jacobian[:, member.own]
                self.moved_own[i] = self.inverse[i] @ (own.T @ change)
        self.from_nuisance = sum((m @ m.T for m in self.moved_common), np.zeros((count, count)))
        self.covariance_common = self.scale * self.common + self.from_nuisance

    def covariance(self, number: int) -> Array:
        """Return the covariance of all parameters of a member, shape (p, p); NaN where not determined."""
        member, follow = self.problem.members[number], self.follow[number]
        here, own = self.moved_common[number], self.moved_own[number]
        cross = self.covariance_common @ follow.T + here @ own.T
        block = self.scale * self.inverse[number] + follow @ self.covariance_common @ follow.T
        block = block + own @ own.T + follow @ here @ own.T + own @ here.T @ follow.T
        out = np.zeros((member.common.size + member.own.size,) * 2)
        out[np.ix_(member.common, member.common)] = self.covariance_common
        out[np.ix_(member.common, member.own)] = cross
        out[np.ix_(member.own, member.common)] = cross.T
        out[np.ix_(member.own, member.own)] = block
        lost = self._spread(number, self.lost, self.lost_own[number])
        out[lost, :] = np.nan
        out[:, lost] = np.nan
        return out

    def _spread(self, number: int, common: Flags, own: Flags) -> Flags:
        member = self.problem.members[number]
        out = np.zeros(common.size + own.size, dtype=bool)
        out[member.common], out[member.own] = common, own
        return out

    def solution(self, number: int) -> Solution:
        """Return the solution of one member within the joint fit."""
        member, state = self.problem.members[number], self.states[number]
        names = np.array([p.name for p in member.bound.parameters])
        covariance = self.covariance(number)
        goal, active = member.goal, self.active[number]
        pulls = (goal.y - state.model) * self.weights[number]
        bound = self._spread(number, ~self.common_active, member.limits.free & ~active)
        lost = self._spread(number, self.lost, self.lost_own[number])
        return Solution(
            names=tuple(names.tolist()),
            values=state.values,
            uncertainties=np.sqrt(np.diag(covariance)),
            covariance=covariance,
            fitted=state.model,
            pulls=pulls / np.sqrt(self.scale) if self.scale > 0 else pulls,
            converged=self.outer.converged and state.converged,
            at_bound=tuple(names[bound].tolist()),
            undetermined=tuple(names[lost].tolist()),
            start_dependent=False,
            chi2=float(np.sum(pulls**2)),
            deviance=goal.cost(state.model),
            dof=max(1, goal.y.size - int(np.sum(active))),
            evaluations=self.outer.evaluations,
            statistics=self.statistics,
            scale=self.scale,
        )

    def fit(self, alone: Sequence[Solution], extra: Sequence[Sequence[str]] | None) -> SharedFit:
        """Judge every member and return the whole."""
        against = self._against(alone)
        members, solutions = [], []
        for number, member in enumerate(self.problem.members):
            solution = self.solution(number)
            solutions.append(solution)
            verdict, reasons = judge(solution, extra=(*(() if extra is None else extra[number]), *against))
            members.append(
                member_from_model(member.bound, solution, alone[number].values, verdict=verdict, reasons=reasons)
            )
        names = np.array(self.outer.names)
        covariance = self.covariance_common.copy()
        covariance[self.lost, :] = np.nan
        covariance[:, self.lost] = np.nan
        return SharedFit(
            names=self.outer.names,
            values=self.outer.values,
            uncertainties=np.sqrt(np.diag(covariance)),
            covariance=covariance,
            members=tuple(members),
            solutions=tuple(solutions),
            converged=self.outer.converged and all(state.converged for state in self.states),
            at_bound=tuple(names[~self.common_active].tolist()),
            undetermined=tuple(names[self.lost].tolist()),
            chi2=self.outer.chi2,
            deviance=self.outer.deviance,
            dof=self.dof,
            scale=self.scale,
            evaluations=self.outer.evaluations,
            reasons=against,
        )

    def _against(self, alone: Sequence[Solution]) -> tuple[str, ...]:
        """Return the reason against sharing: the likelihood ratio to the members' own fits (Wilks, 1938)."""
        constraints = (len(alone) - 1) * int(np.sum(self.common_active))
        rise = (self.outer.deviance - sum(fit.deviance for fit in alone)) / (self.scale if self.scale > 0 else 1.0)
        if constraints < 1 or not rise > 0:
            return ()
        probability = float(chi2_probability(rise, constraints))
        if probability >= IMPROBABLE:
            return ()
        return (
            f"sharing improbable: deviance +{rise:.4g} for {constraints} constraints, probability {probability:.1g}",
        )


def _active(parameters: Sequence[Parameter], limits: Limits, values: Array) -> Flags:
    """Return which parameters take part in the covariance: free, and not on a limit that is no physical answer."""
    low, high = limits.touched(values)
    natural = np.array([p.natural_low for p in parameters], dtype=bool)
    out: Flags = limits.free & ~((low & ~natural) | high)
    return out
