r"""The joint covariance of common and own parameters, put together from its blocks.

With the map :math:`\theta_i = E t_i + A s + b` of a member and :math:`F_i = A + E G_i`, by which its parameters follow
the common ones at the best own ones,

.. math:: C_i = F_i\,C_{ss} F_i^T + E\,(J_t^T W J_t)^{-1} E^T, \qquad C_{ij} = F_i\,C_{ss} F_j^T \quad (i \ne j)

and each nuisance moves the common parameters by m and the own ones, at fixed common ones, by o: it adds
:math:`(F m + E o)(F m + E o)^T`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.linked_map import Array, Flags
from surfspec.fitting.model import Parameter
from surfspec.fitting.shared_problem import MemberState, OwnProblem, SharedProblem, eliminate, invert
from surfspec.fitting.solver import Solution
from surfspec.fitting.solver.polish import Limits


class JointCovariance:
    """Covariances at the minimum of a joint fit.

    Parameters
    ----------
    problem, states
        The members at the best parameters.
    common
        Values of the common parameters, shape (s,).
    chi2
        Of all members together.
    rescale
        Multiply variances by the reduced chi-square of all members together.
    nuisance
        Change of each member's data by one standard deviation of each of its nuisances, shape (k_i, n_i).
    """

    def __init__(
        self,
        problem: SharedProblem,
        states: Sequence[MemberState],
        common: Array,
        *,
        chi2: float,
        rescale: bool,
        nuisance: Sequence[Array] | None,
    ) -> None:
        self.problem, self.states = problem, states
        self.active = [_active(m.parameters, m.limits, s.own) for m, s in self._pairs()]
        parts = [
            eliminate(m, s.model, s.jacobian, a, s.slopes) for (m, s), a in zip(self._pairs(), self.active, strict=True)
        ]
        self.inverse = [part[1] for part in parts]
        self.lost_own = [part[2] for part in parts]
        self.weights = [m.goal.weight(s.model) for m, s in self._pairs()]
        self.follow = [s.slopes.copy() for s in states]
        for (member, _), whole, part in zip(self._pairs(), self.follow, parts, strict=True):
            whole[member.own] += part[0]
        self.columns = [
            w[:, None] * (s.jacobian @ f) for w, s, f in zip(self.weights, states, self.follow, strict=True)
        ]
        self.common_active = _active(problem.parameters, Limits.of(problem.parameters), common)
        known = _prior_rows(problem.parameters)
        self.common, self.lost = invert(np.concatenate([*self.columns, known]), self.common_active)
        points = sum(s.model.size for s in states) + known.shape[0]
        self.dof = max(1, points - sum(int(np.sum(a)) for a in self.active) - int(np.sum(self.common_active)))
        self.scale = chi2 / self.dof if rescale else 1.0
        self._nuisances(nuisance)

    def _pairs(self) -> list[tuple[OwnProblem, MemberState]]:
        return list(zip(self.problem.members, self.states, strict=True))

    def _nuisances(self, nuisance: Sequence[Array] | None) -> None:
        """Move the parameters by each nuisance: those in common, and the own ones at fixed common ones."""
        count = self.common.shape[0]
        self.moved_common = [np.zeros((count, 0)) for _ in self.states]
        self.moved_own = [np.zeros((one.shape[0], 0)) for one in self.follow]
        for i, (member, state) in enumerate(self._pairs() if nuisance is not None else ()):
            change = self.weights[i][:, None] * np.asarray(nuisance[i], dtype=np.float64).T if nuisance else None
            if change is None:
                continue
            self.moved_common[i] = self.common @ (self.columns[i].T @ change)
            own = self.weights[i][:, None] * state.jacobian[:, member.own]
            moved = np.zeros((self.follow[i].shape[0], change.shape[1]))
            moved[member.own] = self.inverse[i] @ (own.T @ change)
            self.moved_own[i] = moved
        shares = (m @ m.T for m in self.moved_common)
        self.covariance_common: Array = self.scale * self.common + sum(shares, np.zeros((count, count)))

    def of_common(self) -> Array:
        """Return the covariance of the common parameters, shape (s, s); NaN where not determined."""
        out = self.covariance_common.copy()
        out[self.lost, :] = np.nan
        out[:, self.lost] = np.nan
        return out

    def of_member(self, number: int) -> Array:
        """Return the covariance of all parameters of a member, shape (p, p); NaN where not determined."""
        member, follow = self.problem.members[number], self.follow[number]
        own = self.moved_own[number]
        cross = follow @ self.moved_common[number] @ own.T
        out: Array = follow @ self.covariance_common @ follow.T + cross + cross.T + own @ own.T
        out[np.ix_(member.own, member.own)] += self.scale * self.inverse[number]
        lost = self.lost_of(number)
        out[lost, :] = np.nan
        out[:, lost] = np.nan
        return out

    def between(self, one: int, other: int) -> Array:
        """Return the covariance of the parameters of two members, shape (p_i, p_j)."""
        if one == other:
            return self.of_member(one)
        left, right = self.follow[one], self.follow[other]
        out: Array = left @ self.covariance_common @ right.T
        out = out + self.moved_own[one] @ (right @ self.moved_common[one]).T
        out = out + (left @ self.moved_common[other]) @ self.moved_own[other].T
        out[self.lost_of(one), :] = np.nan
        out[:, self.lost_of(other)] = np.nan
        return out

    def with_common(self, number: int) -> Array:
        """Return the covariance of the parameters of a member with the common ones, shape (p, s)."""
        out: Array = self.follow[number] @ self.covariance_common
        out = out + self.moved_own[number] @ self.moved_common[number].T
        out[self.lost_of(number), :] = np.nan
        out[:, self.lost] = np.nan
        return out

    def lost_of(self, number: int) -> Flags:
        """Return which parameters of a member the data do not fix, shape (p,)."""
        member = self.problem.members[number]
        out: Flags = np.any(self.states[number].slopes[:, self.lost] != 0, axis=1)
        out[member.own] |= self.lost_own[number]
        return out

    def bound_of(self, number: int) -> Flags:
        """Return which parameters of a member a limit holds that is no physical answer, shape (p,)."""
        member = self.problem.members[number]
        held = ~self.common_active
        out: Flags = np.any(self.states[number].slopes[:, held] != 0, axis=1)
        out[member.own] |= member.limits.free & ~self.active[number]
        return out

    def solution(self, number: int, points: int, statistics: str, outer: Solution) -> Solution:
        """Return the solution of one member within the joint fit, `points` of its data being intensities."""
        member, state = self.problem.members[number], self.states[number]
        names = np.array([p.name for p in member.bound.parameters])
        covariance = self.of_member(number)
        goal = member.goal
        pulls = (goal.y - state.model) * self.weights[number]
        shown = pulls / np.sqrt(self.scale) if self.scale > 0 else pulls
        variance = np.diag(covariance)
        return Solution(
            names=tuple(names.tolist()),
            values=state.values,
            uncertainties=np.sqrt(np.where(variance >= 0, variance, np.nan)),
            covariance=covariance,
            fitted=state.model[:points],
            pulls=shown[:points],
            converged=outer.converged and state.converged,
            at_bound=tuple(names[self.bound_of(number)].tolist()),
            undetermined=tuple(names[self.lost_of(number)].tolist()),
            start_dependent=False,
            chi2=float(np.sum(pulls**2)),
            deviance=goal.cost(state.model),
            dof=max(1, goal.y.size - int(np.sum(self.active[number]))),
            evaluations=outer.evaluations,
            statistics=statistics,
            scale=self.scale,
        )


def _prior_rows(parameters: Sequence[Parameter]) -> Array:
    """Return the weighted derivatives of what is known of the common parameters beforehand, shape (k, s)."""
    rows = [(i, one.prior[1]) for i, one in enumerate(parameters) if one.prior is not None and one.vary]
    out = np.zeros((len(rows), len(parameters)))
    for row, (i, unc) in enumerate(rows):
        out[row, i] = 1.0 / unc
    return out


def _active(parameters: Sequence[Parameter], limits: Limits, values: Array) -> NDArray[np.bool_]:
    """Return which parameters take part in the covariance: free, and not on a limit that is no physical answer."""
    low, high = limits.touched(values)
    natural = np.array([p.natural_low for p in parameters], dtype=bool)
    out: Flags = limits.free & ~((low & ~natural) | high)
    return out
