"""The spectra of a global fit: their data together, their own fits, their priors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from surfspec.errors import InputError
from surfspec.fitting.linked_map import Array, Flags, LinkedMap
from surfspec.fitting.model import BoundModel, Parameter
from surfspec.fitting.shared_problem import invert
from surfspec.fitting.solver import Problem, Solution, solve
from surfspec.fitting.solver.objective import Objective, Precise, objective
from surfspec.fitting.solver.priors import WithPriors, has_priors


@dataclass(frozen=True)
class LinkedMember:
    """One spectrum of a global fit.

    Attributes
    ----------
    bound
        Its model.
    y
        Intensities, shape (n,).
    links
        How its parameters follow the common ones.
    statistics
        ``"poisson"``, ``"given"`` (by `sigma`) or ``"unknown"``: then variances are taken proportional to `sigma`
        squared, or to the smoothed intensity, and their scale from the member's own fit.
    sigma
        One standard uncertainty of the data, shape (n,).
    own
        Its own parameters, where their ranges are not those of the model's.
    nuisance
        Change of the model by one standard deviation of each nuisance, shape (k, n), independent between members.
    start
        Start values of the member's own fit, shape (p,).
    extra
        Reasons for the verdict that were found elsewhere.
    """

    bound: BoundModel
    y: Array
    links: LinkedMap
    statistics: str = "poisson"
    sigma: Array | None = None
    own: tuple[Parameter, ...] | None = None
    nuisance: Array | None = None
    start: Array | None = None
    extra: tuple[str, ...] = ()

    def free(self) -> Flags:
        """Return which parameters the member's own fit moves, shape (p,)."""
        return np.array([p.vary for p in self.bound.parameters], dtype=bool)


class JointObjective(Objective):
    """The data of several members, each with its own statistics, one after the other."""

    goals: tuple[Objective, ...]

    @classmethod
    def of(cls, goals: Sequence[Objective]) -> JointObjective:
        """Return the data of these members together."""
        kinds = {goal.statistics for goal in goals}
        out = cls(
            np.concatenate([goal.y for goal in goals]),
            kinds.pop() if len(kinds) == 1 else "given",
            np.concatenate([goal.sigma for goal in goals]),
        )
        object.__setattr__(out, "goals", tuple(goals))
        return out

    def _split(self, model: Precise) -> list[tuple[Objective, Precise]]:
        ends = np.cumsum([goal.y.size for goal in self.goals])[:-1]
        return list(zip(self.goals, np.split(model, ends), strict=True))

    def residuals(self, model: Precise) -> tuple[Array, Array]:
        """Return residuals whose squares add up to the cost, and their derivative by the model."""
        parts = [goal.residuals(part) for goal, part in self._split(model)]
        return np.concatenate([one for one, _ in parts]), np.concatenate([slope for _, slope in parts])

    def weight(self, model: Precise) -> Array:
        """Return one over the expected standard deviation of each point, shape (n,)."""
        return np.concatenate([goal.weight(part) for goal, part in self._split(model)])


def own_fits(members: Sequence[LinkedMember], *, scaled: bool) -> tuple[list[Solution], list[Array], list[Objective]]:
    """Fit every member alone.

    Returns
    -------
    fits, bare, goals
        The fits, their covariances from the points alone, and the data, with the scale of unknown statistics found
        there where `scaled`.
    """
    fits, bare, goals = [], [], []
    for number, one in enumerate(members):
        try:
            goal = objective(one.bound, one.y, one.statistics, one.sigma)
            kind = "poisson" if one.statistics == "poisson" else "given"
            goal = Objective(np.asarray(goal.y, dtype=np.float64), kind, goal.sigma)
            fit = _alone(one, goal)
            if scaled and one.statistics == "unknown" and fit.chi2 > 0:
                goal = Objective(goal.y, kind, goal.sigma * np.sqrt(fit.chi2 / fit.dof))
                fit = _alone(replace(one, start=fit.values), goal)
        except InputError as error:
            raise InputError(error.message, where=f"member {number}", remedy=error.remedy) from error
        fits.append(fit)
        bare.append(_of_points(one, goal, fit))
        goals.append(goal)
    return fits, bare, goals


def _alone(one: LinkedMember, goal: Objective) -> Solution:
    """Fit one member with all its parameters free."""
    start = one.start
    if start is None:
        start = one.bound.start(np.array([p.value for p in one.bound.parameters]), goal.y, goal.sigma)
    sigma = None if goal.statistics == "poisson" else goal.sigma
    return solve(
        one.bound,
        goal.y,
        statistics=goal.statistics,
        sigma=sigma,
        starts=[start],
        nuisance=one.nuisance,
        doubt=(),
    )


def _of_points(one: LinkedMember, goal: Objective, fit: Solution) -> Array:
    """Return the covariance of a member's own fit without the share of its nuisances, shape (p, p)."""
    problem, whole = with_priors(one.bound, goal, relative=1.0)
    weight = whole.weight(problem.evaluate(fit.values))
    return invert(weight[:, None] * problem.jacobian(fit.values), one.free() & (fit.uncertainties > 0))[0]


class _Held:
    """A model with other priors on its parameters."""

    def __init__(self, bound: BoundModel, parameters: tuple[Parameter, ...]) -> None:
        self.bound = bound
        self.parameters = parameters

    def evaluate(self, values: Array) -> Precise:
        return self.bound.evaluate(values)

    def jacobian(self, values: Array) -> Array:
        return self.bound.jacobian(values)


def priors_once(members: Sequence[LinkedMember]) -> list[Problem]:
    """Return the models, the prior of what several members have in common standing in the first of them only."""
    seen: set[tuple[Any, ...]] = set()
    out: list[Problem] = []
    for one in members:
        if not has_priors(one.bound.parameters):
            out.append(one.bound)
            continue
        kept = []
        for row, parameter in enumerate(one.bound.parameters):
            key = (
                parameter.name,
                parameter.prior,
                one.links.linear[row].tobytes(),
                float(one.links.offset[row]),
                tuple(product[1:] for product in one.links.products if product[0] == row),
            )
            once = bool(one.links.owned[row]) or key not in seen
            kept.append(parameter if once else replace(parameter, prior=None))
            if not one.links.owned[row]:
                seen.add(key)
        out.append(_Held(one.bound, tuple(kept)))
    return out


def with_priors(problem: Problem, goal: Objective, *, relative: float) -> tuple[Problem, Objective]:
    """Return the problem and its data with the priors among them."""
    if not has_priors(problem.parameters):
        return problem, goal
    held = WithPriors(problem, counts=goal.statistics == "poisson", relative=relative)
    return held, held.goal(goal)


def relative_scale(goal: Objective, alone: Sequence[Solution]) -> float:
    """Return the scale of the variance by which the joint fit will multiply, as far as the own fits know it."""
    if goal.statistics == "poisson":
        return 1.0
    return max(sum(fit.chi2 for fit in alone) / max(1, sum(fit.dof for fit in alone)), np.finfo(np.float64).tiny)


def padded_nuisance(one: LinkedMember, points: int) -> Array:
    """Return the nuisances of a member, which do not touch its priors, shape (k, points)."""
    given = np.zeros((0, one.y.size)) if one.nuisance is None else np.asarray(one.nuisance, dtype=np.float64)
    return np.pad(given, ((0, 0), (0, points - given.shape[1])))
