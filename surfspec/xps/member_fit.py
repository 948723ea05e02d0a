"""Fit one core-level spectrum: background, peaks, tails, verdict. Arrays in, a member out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.backgrounds import PRESETS, Background, background
from surfspec.fitting.model import BoundModel, Parameter
from surfspec.fitting.result import MemberFit, member_from_model
from surfspec.fitting.solver import Solution, solve
from surfspec.fitting.verdict import judge
from surfspec.xps.model import Table
from surfspec.xps.recipe import Recipe

Array = NDArray[np.float64]

#: Backgrounds with end levels that can be taken below the tails of the peaks.
ANCHORED = ("constant", "linear", "shirley", "shirley_iterative", "smart")
#: Times the end levels are lowered, and the change (in standard uncertainties) at which that stops.
TAIL_PASSES = 6
TAIL_TOLERANCE = 0.02
#: Widths of alternative starts, relative to the recipe's, and the centres' jitter in eV.
OTHER_STARTS = ((0.6, 0.15), (1.6, -0.15))
#: Points that make an end level where the recipe does not say.
END_POINTS = 11
#: Tails at an end of the window, relative to the highest peak, from which the window cuts into the peaks.
CUT_TAIL = 0.04


@dataclass(frozen=True)
class Task:
    """What is the same for every member of a series."""

    recipe: Recipe
    table: Table
    statistics: str
    extra: tuple[str, ...]


def fit_member(task: Task, x: Array, y: Array, sigma: Array | None, inside: NDArray[np.bool_]) -> MemberFit:
    """Fit one spectrum.

    Parameters
    ----------
    task
        Recipe and model.
    x, y
        Binding energy (eV) and intensity of the whole spectrum, shape (n,).
    sigma
        Standard uncertainties where they were given, shape (n,).
    inside
        Which points are fitted, shape (n,); the others serve the means at the ends of the window.
    """
    work = _Member(task, x, y, noise(y, task.statistics, sigma), inside)
    under, bound, starts, solution = work.solve_over(None, np.zeros(2), None)
    first = under
    lowers = task.recipe.background.below_tails and under.kind in ANCHORED
    for _ in range(TAIL_PASSES if lowers else 0):
        tails = bound.end_tails(solution.values)
        before = solution
        lowered = np.array(first.anchors) - tails
        if np.min(y) >= 0:
            lowered = np.maximum(lowered, 0.0)
        under, bound, _, solution = work.solve_over(
            (float(lowered[0]), float(lowered[1])), np.array(first.anchors) - lowered, before.values, first.anchor_unc
        )
        unit = np.where(solution.uncertainties > 0, solution.uncertainties, np.inf)
        if np.max(np.abs(solution.values - before.values) / unit) < TAIL_TOLERANCE:
            break
    under = replace(under, anchors=first.anchors)
    member = member_from_model(bound, solution, starts[0], verdict="ok", reasons=())
    extra = [
        *task.extra,
        *_background_reasons(under, task.recipe.background.options),
        *_component_reasons(bound, member),
    ]
    reported = _reported(bound, member)
    of_seen = replace(solution, at_bound=tuple(name for name in solution.at_bound if name in reported.every))
    verdict, reasons = judge(of_seen, reported=reported.told, extra=extra)
    return replace(member, verdict=verdict, reasons=reasons)


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
class _Member:
    """The data of one member, ready to be fitted over one background after the other."""

    task: Task
    x: Array
    y: Array
    sigma: Array | None
    inside: NDArray[np.bool_]

    def ends(self) -> tuple[Array, Array]:
        """Return the axis values of the points that make each end level."""
        chosen = self.task.recipe.background
        number = END_POINTS
        if chosen.kind == "smart":
            number = PRESETS[str(chosen.options.get("preset", "noise_aware"))].average
        half = int(chosen.options.get("average", number)) // 2
        first, last = np.flatnonzero(self.inside)[[0, -1]]
        return (
            self.x[max(first - half, 0) : first + half + 1],
            self.x[max(last - half, 0) : last + half + 1],
        )

    def solve_over(
        self,
        anchors: tuple[float, float] | None,
        tails: Array,
        warm: Array | None,
        anchor_unc: tuple[float, float] | None = None,
    ) -> tuple[Background, BoundModel, list[Array], Solution]:
        """Fit the peaks over one background, whose end levels may be given."""
        task, inside, chosen = self.task, self.inside, self.task.recipe.background
        forced = {} if anchors is None else {"anchors": anchors}
        window = (float(self.x[inside][0]), float(self.x[inside][-1]))
        under = background(
            self.x, self.y, kind=chosen.kind, sigma=self.sigma, window=window, **chosen.options, **forced
        )
        follows = chosen.below_tails and under.kind in ANCHORED
        sensitivity = under.sensitivity if follows else None
        bound = BoundModel(task.table.model, self.x[inside], under.values, sensitivity, tails, self.ends())
        y = self.y[inside]
        sigma = None if self.sigma is None else self.sigma[inside]
        weight = np.sqrt(np.maximum(y, 1.0)) if sigma is None else sigma
        begin = _starts(task.table.model.parameters)
        starts = [warm] if warm is not None else [bound.start(values, y, weight) for values in begin]
        nuisance = under.sensitivity * np.asarray(anchor_unc or under.anchor_unc)[:, None]
        solution = solve(
            bound,
            y,
            statistics=task.statistics,
            sigma=sigma if task.statistics == "given" else None,
            starts=starts,
            nuisance=nuisance if np.all(np.isfinite(nuisance)) else None,
        )
        return under, bound, starts, solution


@dataclass(frozen=True)
class _Reported:
    """Parameters of the components that were detected: all of them, and the areas and centres."""

    every: tuple[str, ...]
    told: tuple[str, ...]


def _reported(bound: BoundModel, member: MemberFit) -> _Reported:
    """Name the parameters that count: a limit or a correlation of what was not detected is no fault."""
    components = bound.model.components
    seen = [c for c, flag in zip(components, member.flag, strict=True) if flag != "below_detection"] or components
    every = [name for c in seen for tie in (c.area, *c.roles.values()) for name, _ in tie.terms()]
    told = [tie.parameter for c in seen for tie in (c.area, c.roles["center"])]
    return _Reported(tuple(dict.fromkeys(every)), tuple(dict.fromkeys(told)))


def _starts(parameters: tuple[Parameter, ...]) -> list[Array]:
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


def _background_reasons(under: Background, options: Mapping[str, str | float]) -> list[str]:
    reasons = []
    if not under.converged:
        reasons.append(f"background not converged: {under.kind}, k W = {under.k_width:.2g}")
    falls = under.anchors[1] < under.anchors[0]
    if under.kind.startswith("shirley") and falls and options.get("rule") != "avantage":
        reasons.append("background improper: the level falls towards higher binding energy")
    return reasons


def _component_reasons(bound: BoundModel, member: MemberFit) -> list[str]:
    reasons = []
    names = [c.name for c in bound.model.components]
    width = float(bound.x[-1] - bound.x[0])
    wide = [name for name, fwhm in zip(names, member.fwhm, strict=True) if fwhm > width]
    if wide:
        reasons.append(f"width exceeds window: {', '.join(wide)}")
    missing = [name for name, flag in zip(names, member.flag, strict=True) if flag == "below_detection"]
    if len(missing) == len(names):
        return [*reasons, "no peak detected"]
    if missing:
        reasons.append(f"below detection: {', '.join(missing)}")
    tail = float(np.max(bound.end_tails(member.value)))
    highest = float(np.max(member.contribution.sum(axis=0)))
    if highest > 0 and tail > CUT_TAIL * highest:
        reasons.append(
            f"background improper: at an end of the window the peaks still have {tail / highest:.0%} of their height"
        )
    return reasons
