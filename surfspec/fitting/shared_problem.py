r"""Many members with some parameters in common, as a problem in the common parameters alone.

The Jacobian of all members together is sparse: the own parameters :math:`t_i` of a member touch its points only. They
are therefore eliminated member by member, and the solver sees the common parameters :math:`s` with

.. math:: f_i(s) = f_i(s, \hat t_i(s)), \qquad P_i = J_{s,i} + J_{t,i} G_i, \qquad
          G_i = \partial \hat t_i / \partial s = -(J_t^T W J_t)^{-1} J_t^T W J_s

where :math:`\hat t_i(s)` is the best fit of the member at these :math:`s`, and
:math:`J_s = J\,\partial\theta/\partial s` goes through the map from common parameters to those of the model
(:mod:`surfspec.fitting.linked_map`). The gradient :math:`P^T \nabla` is exact, because the own gradient vanishes there;
work and memory grow linearly with the members.

References
----------
Golub and Pereyra, Inverse Problems 19 (2003) R1 (variable projection); Bates and Watts, Nonlinear Regression
Analysis and Its Applications (1988), section 6.1 (profiles).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.linked_map import LinkedMap
from surfspec.fitting.model import BoundModel, Parameter
from surfspec.fitting.solver import Problem, solve
from surfspec.fitting.solver.objective import Objective
from surfspec.fitting.solver.polish import NULL_SINGULAR_VALUE, Limits, polish

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


class OwnProblem:
    """One member with the common parameters held: a problem in its own parameters.

    Parameters
    ----------
    bound
        The model of the member.
    links
        How its parameters follow the common ones.
    goal
        Its data.
    own
        Its own parameters, where their ranges are not those of the model's (a binding energy beside a shift).
    """

    def __init__(
        self, bound: Problem, links: LinkedMap, goal: Objective, own: tuple[Parameter, ...] | None = None
    ) -> None:
        self.bound = bound
        self.goal = goal
        self.links = links
        self.own = np.flatnonzero(links.owned)
        mine = tuple(bound.parameters[i] for i in self.own) if own is None else own
        self.parameters = tuple(replace(one, prior=None) for one in mine)  # those are among the data of `bound`
        self.limits = Limits.of(self.parameters)
        self.hold(np.zeros(links.linear.shape[1]))

    def hold(self, common: Array) -> None:
        """Hold the common parameters at these values."""
        self.moved, self.slopes = self.links.moved(common), self.links.slopes(common)

    def full(self, values: Array) -> Array:
        """Return all parameters of the member, shape (p,)."""
        out = self.moved.copy()
        out[self.own] += values
        return out

    def evaluate(self, values: Array) -> Array:
        """Return the model, shape (n,)."""
        return np.asarray(self.bound.evaluate(self.full(values)), dtype=np.float64)

    def jacobian(self, values: Array) -> Array:
        """Return its derivatives by the own parameters, shape (n, own)."""
        return self.bound.jacobian(self.full(values))[:, self.own]


@dataclass(frozen=True)
class MemberState:
    """A member at the best own parameters for given common ones.

    Attributes
    ----------
    values, own
        All parameters and the own ones.
    model, jacobian
        Shape (n,) and (n, p).
    slopes
        Derivatives of all parameters by the common ones at fixed own ones, shape (p, common).
    follow
        :math:`G`, shape (own, common).
    converged
        The own parameters lie at a minimum.
    """

    values: Array
    own: Array
    model: Array
    jacobian: Array
    slopes: Array
    follow: Array
    converged: bool


class SharedProblem:
    """Several members with some parameters in common: what :func:`surfspec.fitting.solver.solve` needs.

    Parameters
    ----------
    members
        One for each spectrum.
    parameters
        The common parameters.
    start, own
        Where to begin: common values, shape (s,), and own values of each member.
    strict
        Look for the own values by the trust region first; else they are near a minimum already.
    """

    def __init__(
        self,
        members: Sequence[OwnProblem],
        parameters: tuple[Parameter, ...],
        start: Array,
        own: Sequence[Array],
        *,
        strict: bool = True,
    ) -> None:
        self.members = tuple(members)
        self.parameters = parameters
        self._at = np.array(start)
        self.states = [self._state(m, start, t, strict=strict) for m, t in zip(self.members, own, strict=True)]

    def evaluate(self, values: Array) -> Array:
        """Return the models of all members, one after the other, at the best own parameters."""
        return np.concatenate([one.model for one in self.at(values)])

    def jacobian(self, values: Array) -> Array:
        """Return its derivatives by the common parameters, shape (all points, s)."""
        return np.concatenate([projected(m, one) for m, one in zip(self.members, self.at(values), strict=True)])

    def at(self, values: Array) -> list[MemberState]:
        """Return every member at these common parameters."""
        if not np.array_equal(values, self._at):
            step = values - self._at
            self.states = [
                self._state(m, values, np.clip(one.own + one.follow @ step, m.limits.low, m.limits.high))
                for m, one in zip(self.members, self.states, strict=True)
            ]
            self._at = np.array(values)
        return self.states

    @staticmethod
    def _state(member: OwnProblem, common: Array, own: Array, *, strict: bool = False) -> MemberState:
        """Bring the own parameters of a member to their minimum, from values near it where not `strict`."""
        member.hold(np.array(common))
        end = polish(member, member.goal, member.limits, own)
        values, converged = end.values, end.converged
        if own.size and (strict or not converged):
            sigma = None if member.goal.statistics == "poisson" else member.goal.sigma
            kind, starts = member.goal.statistics, [own, values]
            found = solve(member, member.goal.y, statistics=kind, sigma=sigma, starts=starts, doubt=())
            values, converged = found.values, found.converged
        full = member.full(values)
        jacobian = member.bound.jacobian(full)
        model = np.asarray(member.bound.evaluate(full), dtype=np.float64)
        low, high = member.limits.touched(values)
        moving = member.limits.free & ~low & ~high
        follow, _, _ = eliminate(member, model, jacobian, moving, member.slopes)
        return MemberState(full, values, model, jacobian, member.slopes, follow, converged)


def projected(member: OwnProblem, state: MemberState) -> Array:
    """Return the derivatives of a member's best model by the common parameters, shape (n, s)."""
    out: Array = state.jacobian @ state.slopes + state.jacobian[:, member.own] @ state.follow
    return out


def eliminate(
    member: OwnProblem, model: Array, jacobian: Array, active: Flags, slopes: Array
) -> tuple[Array, Array, Flags]:
    """Return how the own parameters follow the common ones, their covariance at fixed ones, and which are lost.

    Parameters
    ----------
    member, model, jacobian
        A member, its model (n,) and derivatives (n, p).
    active
        Own parameters that take part, shape (own,).
    slopes
        Derivatives of the member's parameters by the common ones, shape (p, common).

    Returns
    -------
    follow, inverse, lost
        Shapes (own, common), (own, own) and (own,).
    """
    weight = member.goal.weight(model)
    columns = weight[:, None] * jacobian
    inverse, lost = invert(columns[:, member.own], active)
    return -inverse @ (columns[:, member.own].T @ (columns @ slopes)), inverse, lost


def invert(columns: Array, active: Flags) -> tuple[Array, Flags]:
    """Return the inverse of ``C^T C`` over the active columns, and the columns that it does not determine.

    Parameters
    ----------
    columns
        Weighted derivatives, shape (n, p).
    active
        Shape (p,).

    Returns
    -------
    inverse, lost
        Shape (p, p), zero where inactive; and (p,).

    Examples
    --------
    >>> import numpy as np
    >>> invert(np.array([[2.0, 0.0], [0.0, 0.0]]), np.array([True, True]))
    (array([[0.25, 0.  ],
           [0.  , 0.  ]]), array([False,  True]))
    """
    count = columns.shape[1]
    inverse, lost = np.zeros((count, count)), np.zeros(count, dtype=bool)
    size = np.sqrt(np.sum(columns**2, axis=0))
    alive = (size > 0) & np.isfinite(size)
    lost[active & ~alive] = True
    position = np.flatnonzero(active & alive)
    if not position.size:
        return inverse, lost
    unit = size[position]
    _, singular, axes = np.linalg.svd(columns[:, position] / unit, full_matrices=False)
    null = singular < NULL_SINGULAR_VALUE * singular[0]
    if np.any(null):
        lost[position] = np.any(np.abs(axes[null]) > 0.1, axis=0)
    inverse[np.ix_(position, position)] = ((axes[~null].T / singular[~null] ** 2) @ axes[~null]) / np.outer(unit, unit)
    return inverse, lost


def common_parameters(models: Sequence[BoundModel], names: Sequence[str]) -> tuple[Parameter, ...]:
    """Return the common parameters, each with the range that all members allow.

    Raises
    ------
    InputError
        For a name that is missing, repeated or fixed somewhere, or ranges that do not overlap.
    """
    out = []
    if not names or len(set(names)) != len(names):
        raise InputError("name each shared parameter once", where="shared", remedy="Give at least one name")
    for name in names:
        found = []
        for number, bound in enumerate(models):
            one = next((p for p in bound.parameters if p.name == name), None)
            if one is None:
                raise InputError(
                    f"member {number} has no parameter {name!r}",
                    where="shared",
                    remedy=f"Its parameters are {', '.join(p.name for p in bound.parameters)}",
                )
            if not one.vary:
                raise InputError(
                    f"{name!r} is fixed in member {number}", where="shared", remedy="Share free parameters only"
                )
            found.append(one)
        low, high = max(p.low for p in found), min(p.high for p in found)
        if low >= high:
            raise InputError(
                f"the ranges of {name!r} do not overlap", where="shared", remedy="Give the members the same range"
            )
        middle = float(np.clip(np.mean([p.value for p in found]), low, high))
        out.append(Parameter(name, middle, low, high, unit=found[0].unit, natural_low=found[0].natural_low))
    return tuple(out)
