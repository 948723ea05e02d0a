"""The share that one chemical state has of a line, profiled: the deviance at a given share, and limits from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import log_ndtr

from surfspec.fitting.model import BoundModel, Model
from surfspec.fitting.solver import Problem, Solution
from surfspec.fitting.solver.objective import objective
from surfspec.fitting.solver.polish import Limits, polish
from surfspec.fitting.solver.priors import WithPriors, has_priors
from surfspec.fitting.solver.run import finish

Array = NDArray[np.float64]

#: Places of a free centre that are tried at every share, besides that of the nearest share.
PLACES: Final = 5
#: The largest share that is asked for: at 1 the other states have none of the line.
LARGEST: Final = 0.999
#: Fall of the deviance below that of the best fit that contradicts it.
BETTER: Final = 1e-4
#: Evaluations at most where a fit does not end by its last steps alone.
EVALUATIONS: Final = 300
#: Part of a share to which limits are found.
RELATIVE: Final = 1e-4


@dataclass(frozen=True)
class Shares:
    """The areas of one state and of all states of its line, as functions of the parameters of a model.

    Attributes
    ----------
    bound
        The model (on any axis).
    state, every
        Positions of the components of the state, and of all states.
    area
        Position of the state's area among the parameters.
    """

    bound: BoundModel
    state: tuple[int, ...]
    every: tuple[int, ...]
    area: int

    @classmethod
    def of(cls, model: Model, state: Sequence[int], every: Sequence[int], area: str) -> Shares:
        """Return the shares of a model."""
        point = np.zeros(1)
        names = [one.name for one in model.parameters]
        return cls(BoundModel(model, point, point), tuple(state), tuple(every), names.index(area))

    def sums(self, values: Array) -> tuple[float, Array, float, Array]:
        """Return the area of the state and its gradient, and those of all states; shapes (p,)."""
        out: list[Any] = []
        count = len(self.bound.parameters)
        for chosen in (self.state, self.every):
            area, slope = 0.0, np.zeros(values.size)
            for index in chosen:
                one, gradient = self.bound.gradient(index, "area", values[:count])
                area, slope[:count] = area + one, slope[:count] + gradient
            out += [area, slope]
        return out[0], out[1], out[2], out[3]

    def fraction(self, values: Array, covariance: Array) -> tuple[float, float]:
        r"""Return the share f = N / T and its standard uncertainty, :math:`u^2 = g^T C g`, g = (N' - f T') / T."""
        own, own_slope, total, total_slope = self.sums(values)
        if not total > 0:
            return float("nan"), float("nan")
        share = own / total
        gradient = (own_slope - share * total_slope) / total
        used = gradient != 0
        variance = float(gradient[used] @ covariance[np.ix_(used, used)] @ gradient[used])
        return share, float(np.sqrt(variance)) if variance >= 0 else float("nan")


class AtFraction:
    r"""A problem with the share of a state held at f: its area follows the other areas.

    .. math:: N(p) = f\,T(p) \;\Rightarrow\; A = A(p), \qquad
              \frac{\partial A}{\partial p_j} = -\frac{N_j - f\,T_j}{N_A - f\,T_A}
    """

    def __init__(self, problem: Problem, shares: Shares, fraction: float) -> None:
        self.problem, self.shares, self.fraction = problem, shares, fraction
        self.parameters = tuple(
            replace(one, value=0.0, low=0.0, vary=False) if i == shares.area else one
            for i, one in enumerate(problem.parameters)
        )

    def full(self, values: Array) -> Array:
        """Return the parameters with the area that belongs to the share."""
        out = np.array(values)
        out[self.shares.area] = 0.0
        own, own_slope, total, total_slope = self.shares.sums(out)
        slope = own_slope[self.shares.area] - self.fraction * total_slope[self.shares.area]
        out[self.shares.area] = -(own - self.fraction * total) / slope
        return out

    def evaluate(self, values: Array) -> Array:
        """Return the model, shape (n,)."""
        return np.asarray(self.problem.evaluate(self.full(values)))

    def jacobian(self, values: Array) -> Array:
        """Return its derivatives by every parameter; none by the area."""
        full, place = self.full(values), self.shares.area
        _, own, _, total = self.shares.sums(full)
        follow = -(own - self.fraction * total) / (own[place] - self.fraction * total[place])
        out = np.array(self.problem.jacobian(full))
        column = out[:, place].copy()
        follow[place] = 0.0
        out += np.outer(column, follow)
        out[:, place] = 0.0
        return out


class Curve:
    """The deviance over the share of a state, all else fitted; the place of the state, too, where it is free."""

    def __init__(
        self, problem: Problem, y: Array, noise: Mapping[str, Any], shares: Shares, center: int | None, best: Solution
    ) -> None:
        self.problem, self.goal = problem, objective(problem, y, noise["statistics"], noise["sigma"])
        self.shares, self.center = shares, center
        if has_priors(problem.parameters) and not isinstance(problem, WithPriors):
            known = WithPriors(problem, counts=noise["statistics"] == "poisson", relative=best.scale)
            self.problem, self.goal = known, known.goal(self.goal)
        self.scale, self.covariance = best.scale, best.covariance
        self.seen: dict[float, tuple[float, Array]] = {}
        start = shares.fraction(best.values, best.covariance)[0]
        self.best = (start if np.isfinite(start) else 0.0), best.deviance, best.values
        self.seen[self.best[0]] = (best.deviance, best.values)

    def deviance(self, fraction: float) -> float:
        """Return the least deviance at a share, in units of the scale of the noise."""
        if fraction not in self.seen:
            near = min(self.seen, key=lambda other: abs(other - fraction))
            held = AtFraction(self.problem, self.shares, fraction)
            limits = Limits.of(held.parameters)
            first, *others = self._starts(self.seen[near][1])
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                ends = [finish(held, self.goal, limits, first, EVALUATIONS)]
                ends += [polish(held, self.goal, limits, start) for start in others]
            end = min(ends, key=lambda one: one.cost)
            self.seen[fraction] = (end.cost, held.full(end.values))
            if end.cost < self.best[1] - BETTER * self.scale:
                self.best = fraction, end.cost, self.seen[fraction][1]
        return self.seen[fraction][0] / self.scale

    def rise(self, fraction: float) -> float:
        """Return how much the deviance lies above its minimum."""
        here = self.deviance(fraction)
        return max(0.0, here - self.best[1] / self.scale)

    def _starts(self, near: Array) -> list[Array]:
        """Return start values: those of the nearest share, and the same with the state elsewhere in its range."""
        out = [near]
        if self.center is not None:
            one = self.problem.parameters[self.center]
            for share in (np.arange(PLACES) + 0.5) / PLACES:
                moved = near.copy()
                moved[self.center] = one.low + share * (one.high - one.low)
                out.append(moved)
        return out

    def end(self, level: float, step: float, *, up: bool) -> float:
        """Return where the deviance has risen by `level` on one side of the best share; 0 or 1 where it does not."""
        inside = self.best[0]
        for _ in range(40):
            outside = min(inside + step, LARGEST) if up else max(inside - step, 0.0)
            if self.rise(outside) >= level:
                return root(lambda f: self.rise(f) - level, inside, outside)
            if outside in (0.0, LARGEST):
                return 1.0 if up else 0.0
            inside, step = outside, 1.6 * step
        return 1.0 if up else 0.0


def root(function: Callable[[float], float], a: float, b: float) -> float:
    """Return where a function changes its sign, to a part of the share."""
    return float(brentq(lambda f: function(float(f)), a, b, xtol=RELATIVE * max(abs(a), abs(b), 1e-6), rtol=1e-6))


def log_cls(rise: float, expected: float) -> float:
    r"""Return the logarithm of CLs for the rise q of the deviance at a share above the best one.

    .. math:: CL_s = \frac{P(\tilde q \ge q \mid f)}{P(\tilde q \ge q \mid 0)} = \frac{1 - \Phi(\sqrt q)}
       {\Phi(\sqrt{q_A} - \sqrt q)} \;\; (q \le q_A), \qquad
       \frac{1 - \Phi([q + q_A] / 2\sqrt{q_A})}{1 - \Phi([q - q_A] / 2\sqrt{q_A})} \;\; (q > q_A)

    with the rise :math:`q_A` of the deviance of data without noise that have nothing of the state.

    References
    ----------
    Read, J. Phys. G 28 (2002) 2693 (CLs); Cowan, Cranmer, Gross and Vitells, Eur. Phys. J. C 71 (2011) 1554, section
    3.7 (distribution of the ratio where a share cannot be negative).

    Examples
    --------
    >>> round(float(np.exp(log_cls(1.95996398**2, 1.95996398**2))), 4)  # nothing seen, just as expected
    0.05
    """
    if not expected > 0:
        return 0.0
    root_q, root_a = np.sqrt(rise), np.sqrt(expected)
    if rise <= expected:
        return float(log_ndtr(-root_q) - log_ndtr(root_a - root_q))
    half = 2 * root_a
    return float(log_ndtr(-(rise + expected) / half) - log_ndtr(-(rise - expected) / half))


def upper_limit(curve: Curve, nothing: Curve, confidence: float, step: float) -> float:
    """Return the share above which CLs excludes the state; 1 where the data exclude no share.

    Parameters
    ----------
    curve
        The deviance of the data.
    nothing
        That of the model without the state, as if it had been measured without noise.
    confidence
        0.95, say.
    step
        First step above the best share.
    """
    wanted = np.log1p(-confidence)

    def excess(fraction: float) -> float:
        expected = nothing.deviance(fraction) - nothing.deviance(0.0)
        rise = curve.rise(fraction) if fraction > curve.best[0] else 0.0
        return log_cls(rise, expected) - float(wanted)

    inside = curve.best[0]
    for _ in range(40):
        outside = min(inside + step, LARGEST)
        if excess(outside) <= 0:
            return root(excess, inside, outside)
        if outside >= LARGEST:
            return 1.0
        inside, step = outside, 1.6 * step
    return 1.0
