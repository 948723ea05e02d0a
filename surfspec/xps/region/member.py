"""The data of one core-level spectrum on their way through a fit: backgrounds, starts, solutions. Arrays only."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.active import ActiveModel
from surfspec.fitting.backgrounds import PRESETS, Background, background
from surfspec.fitting.model import BoundModel, Parameter
from surfspec.fitting.solver import Problem, Solution, WithPriors, solve
from surfspec.fitting.solver.necessity import replaceable
from surfspec.fitting.solver.objective import Objective, assumed_sigma, objective
from surfspec.fitting.solver.polish import End as SolverEnd
from surfspec.fitting.solver.polish import Limits
from surfspec.fitting.solver.priors import has_priors
from surfspec.fitting.solver.run import finish
from surfspec.fitting.solver.solution import describe
from surfspec.xps.model import Table
from surfspec.xps.recipe import Recipe
from surfspec.xps.region.second_look import other_places, own_places

Array = NDArray[np.float64]

#: Backgrounds with end levels that can be taken below the tails of the peaks.
ANCHORED = ("constant", "linear", "shirley", "shirley_iterative", "smart")
#: Relative difference of two deviances that are equal.
AS_GOOD = 1e-8
#: Evaluations at most where a fit goes on from its end.
EVALUATIONS = 2000
#: Times the end levels are lowered, and the change (in standard uncertainties) at which that stops.
TAIL_PASSES = 6
TAIL_TOLERANCE = 0.02
#: Widths of alternative starts, relative to the recipe's, and the centres' jitter in eV.
OTHER_STARTS = ((0.6, 0.15), (1.6, -0.15))
#: Points that make an end level where the recipe does not say.
END_POINTS = 11


@dataclass(frozen=True)
class Task:
    """What is the same for every member of a series."""

    recipe: Recipe
    table: Table
    statistics: str
    extra: tuple[str, ...]

    @property
    def one_by_one(self) -> bool:
        """Whether every spectrum is fitted on its own: the batched kernels do not know this model."""
        return self.table.one_by_one or (self.table.has_priors and self.statistics == "unknown")


def noise(y: Array, statistics: str, sigma: Array | None) -> Array | None:
    """Return standard uncertainties for the background, or None where counts speak for themselves.

    Where the statistics are unknown, the variance is taken proportional to the smoothed intensity and its scale
    from the second differences of the data, which a smooth spectrum leaves alone; the unit does not matter.

    Parameters
    ----------
    y
        Intensities, shape (n,).
    statistics
        ``"poisson"``, ``"given"`` or ``"unknown"``.
    sigma
        Given uncertainties, shape (n,).

    Examples
    --------
    >>> y = np.random.default_rng(0).poisson(400.0, 500) * 1e-3
    >>> bool(abs(noise(y, "unknown", None).mean() / 0.02 - 1) < 0.1)
    True
    """
    if statistics != "unknown":
        return sigma
    width = max(3, min(11, 2 * (y.size // 20) + 1))
    smooth = np.convolve(np.pad(y, width // 2, mode="edge"), np.ones(width) / width, mode="valid")
    size = float(np.max(np.abs(y)))
    shape = np.sqrt(np.maximum(smooth, 1e-3 * size)) if np.min(y) >= 0 else np.ones(y.size)
    second = np.abs(y[:-2] - 2 * y[1:-1] + y[2:]) / (np.sqrt(6.0) * shape[1:-1])
    scale = float(np.median(second)) / 0.6745 if second.size else 0.0
    return shape * max(scale, 1e-6 * np.sqrt(size) if np.min(y) >= 0 else 1e-6 * size)


@dataclass(frozen=True)
class Member:
    """The data of one member, ready to be fitted over one background after the other."""

    task: Task
    x: Array
    y: Array
    sigma: Array | None
    inside: NDArray[np.bool_]

    def ends(self) -> tuple[Array, Array]:
        """Return the axis values of the points that make each end level."""
        return end_points(self.task.recipe, self.x, self.inside)

    def lowers(self, under: Background) -> bool:
        """Say whether the end levels of this background give way to the tails of the peaks."""
        return lowers(self.task.recipe, under.kind)

    def first(self, warm: Array | None = None) -> tuple[Background, BoundModel, list[Array], Solution]:
        """Fit over the background of the data; return it, the model on it, the starts and the solution."""
        under = self._background(None)
        bound = self._bound(under, np.zeros(2))
        starts = self._starts(bound)
        begin = starts if warm is None else [warm, *starts]
        solution = self._solve(bound, under, under.anchor_unc, begin)
        return under, bound, starts, self._second_look(bound, under, solution)

    def _second_look(self, bound: BoundModel, under: Background, first: Solution) -> Solution:
        """Return the better of the solution and of those with faint peaks looked for elsewhere in their ranges."""
        moved = [one[0] for one in other_places(bound.model, first.values[None], first.uncertainties[None])]
        if not any(np.any(one != first.values) for one in moved):
            return first
        begin = [self._with_areas(bound, one) for one in moved]
        second = self._solve(bound, under, under.anchor_unc, [first.values, *begin])
        return replace(second, unsettled=first.unsettled)

    def begin(self) -> tuple[BoundModel, Array]:
        """Return the model on the background of the data, and the start values of the recipe."""
        bound = self._bound(self._background(None), np.zeros(2))
        return bound, self._starts(bound)[0]

    def _starts(self, bound: BoundModel) -> list[Array]:
        """Return start values, the recipe's own first, with the areas that fit best."""
        return [self._with_areas(bound, values) for values in other_starts(self.task.table.model.parameters)]

    def _with_areas(self, bound: BoundModel, values: Array) -> Array:
        y = self.y[self.inside]
        weight = np.sqrt(np.maximum(y, 1.0)) if self.sigma is None else self.sigma[self.inside]
        return bound.start(values, y, weight)

    def placed(
        self, bound: BoundModel, under: Background, solution: Solution, anchor_unc: tuple[float, float]
    ) -> Solution:
        """Return the solution with peaks without area where the recipe has them, unless that is worse."""
        values = own_places(bound.model, solution.values[None])[0]
        if np.array_equal(values, solution.values):
            return solution
        problem, goal = self._held(bound, solution.scale)
        limits, nuisance = Limits.of(bound.parameters), self.nuisance(under, anchor_unc)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            end = finish(problem, goal, limits, values, EVALUATIONS)
            moved = describe(
                problem,
                goal,
                limits,
                end,
                nuisance=problem.nuisance(nuisance) if isinstance(problem, WithPriors) else nuisance,
                evaluations=solution.evaluations + end.evaluations,
                others=(),
                doubt=(),
            )
        moved = problem.of_data(moved) if isinstance(problem, WithPriors) else moved
        return moved if moved.deviance <= solution.deviance + AS_GOOD * max(1.0, solution.deviance) else solution

    def again(self, first: Background, tails: Array, warm: Array) -> tuple[Background, BoundModel, Solution]:
        """Fit over the background whose end levels are those of `first` less the peaks' tails there."""
        under, bound = self.below(first, tails)
        return under, bound, self._solve(bound, under, first.anchor_unc, [warm])

    def below(self, first: Background, tails: Array) -> tuple[Background, BoundModel]:
        """Return the background with its end levels below the tails, and the model on it."""
        lowered = np.array(first.anchors) - tails
        if np.min(self.y) >= 0:
            lowered = np.maximum(lowered, 0.0)
        under = self._background((float(lowered[0]), float(lowered[1])))
        return under, self._bound(under, np.array(first.anchors) - lowered)

    def nuisance(self, under: Background, anchor_unc: tuple[float, float]) -> Array | None:
        """Return what one standard deviation of each end level changes, shape (2, n), where that is known."""
        change: Array = under.sensitivity * np.asarray(anchor_unc)[:, None]
        return change if np.all(np.isfinite(change)) else None

    def _background(self, anchors: tuple[float, float] | None) -> Background:
        chosen = self.task.recipe.background
        if chosen.in_fit:  # nothing is known of it before the fit
            zeros = np.zeros(np.count_nonzero(self.inside))
            return Background(zeros, (0.0, 0.0), (0.0, 0.0), np.stack([zeros, zeros]), kind=chosen.kind)
        forced = {} if anchors is None else {"anchors": anchors}
        window = (float(self.x[self.inside][0]), float(self.x[self.inside][-1]))
        return background(self.x, self.y, kind=chosen.kind, sigma=self.sigma, window=window, **chosen.options, **forced)

    def _bound(self, under: Background, tails: Array) -> BoundModel:
        if self.task.table.active is not None:
            return ActiveModel(self.task.table.model, self.x[self.inside], self.task.table.active)
        sensitivity = under.sensitivity if self.lowers(under) else None
        return BoundModel(self.task.table.model, self.x[self.inside], under.values, sensitivity, tails, self.ends())

    def weight(self, model: Array) -> Array:
        """Return one over the expected standard deviation of each point of a model; relative where it is unknown."""
        y, statistics = self.y[self.inside], self.task.statistics
        return Objective(y, statistics, assumed_sigma(y, statistics, self._given())).weight(model)

    def _given(self) -> Array | None:
        """Return the uncertainties that were given for the points of the window."""
        return self.sigma[self.inside] if self.sigma is not None and self.task.statistics == "given" else None

    def _held(self, bound: BoundModel, scale: float) -> tuple[Problem, Objective]:
        """Return the problem with its priors, if it has any, and what is minimised."""
        goal = objective(bound, self.y[self.inside], self.task.statistics, self._given())
        if not has_priors(bound.parameters):
            return bound, goal
        held = WithPriors(bound, counts=self.task.statistics == "poisson", relative=scale)
        return held, held.goal(goal)

    def _solve(
        self, bound: BoundModel, under: Background, anchor_unc: tuple[float, float], starts: list[Array]
    ) -> Solution:
        return solve(
            bound,
            self.y[self.inside],
            statistics=self.task.statistics,
            sigma=self._given(),
            starts=starts,
            nuisance=self.nuisance(under, anchor_unc),
            doubt=(),  # asked once, of the last solution
        )

    def needless(self, bound: BoundModel, solution: Solution) -> tuple[tuple[str, float], ...]:
        """Return the amplitudes that the data do not need; see :mod:`surfspec.fitting.solver.necessity`."""
        if not solution.converged:
            return ()
        problem, goal = self._held(bound, solution.scale)
        model, jacobian = problem.evaluate(solution.values), problem.jacobian(solution.values)
        here = SolverEnd(solution.values, model, jacobian, goal.cost(model), converged=True, evaluations=0)
        limits, areas = Limits.of(bound.parameters), {component.area.parameter for component in bound.model.components}
        return replaceable(problem, goal, limits, here, solution.covariance, solution.scale, areas)


@dataclass(frozen=True)
class End:
    """Where the fit of a member ended: the background, the model over it, the recipe's start, the solution."""

    under: Background
    bound: BoundModel
    start: Array
    solution: Solution


def solved(work: Member, warm: Array | None = None) -> End:
    """Fit over the background of the data, then lower its end levels below the tails until nothing moves any more.

    Parameters
    ----------
    work
        The data of the member.
    warm
        As for :func:`fit_member`.
    """
    first, bound, starts, solution = work.first(warm)
    under, settled = first, solution
    for _ in range(TAIL_PASSES if work.lowers(first) else 0):
        before = solution
        under, bound, solution = work.again(first, bound.end_tails(before.values), before.values)
        unit = np.where(solution.uncertainties > 0, solution.uncertainties, np.inf)
        if np.max(np.abs(solution.values - before.values) / unit) < TAIL_TOLERANCE:
            break
    solution = work.placed(bound, under, solution, first.anchor_unc)
    told = replace(solution, unsettled=settled.unsettled, replaceable=work.needless(bound, solution))
    return End(replace(under, anchors=first.anchors, anchor_unc=first.anchor_unc), bound, starts[0], told)


def lowers(recipe: Recipe, kind: str) -> bool:
    """Say whether the end levels of a background of this kind give way to the tails of the peaks."""
    return recipe.background.below_tails and kind in ANCHORED


def end_points(recipe: Recipe, x: Array, inside: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return the axis values of the points whose mean is the end level at each end of the window."""
    chosen = recipe.background
    number = END_POINTS
    if chosen.kind == "smart":
        number = PRESETS[str(chosen.options.get("preset", "noise_aware"))].average
    half = int(chosen.options.get("average", number)) // 2
    first, last = np.flatnonzero(inside)[[0, -1]]
    return x[max(first - half, 0) : first + half + 1], x[max(last - half, 0) : last + half + 1]


def other_starts(parameters: tuple[Parameter, ...]) -> list[Array]:
    """Return the start values of the recipe, and others with narrower and wider lines."""
    base = np.array([p.value for p in parameters])
    out = [base]
    for factor, jitter in OTHER_STARTS:
        moved = base.copy()
        for i, one in enumerate(parameters):
            if not one.vary or one.name.endswith(" area"):
                continue
            number = one.value + jitter if one.name.endswith(" center") else one.value * factor
            moved[i] = np.clip(number, one.low, one.high)
        out.append(moved)
    return out
