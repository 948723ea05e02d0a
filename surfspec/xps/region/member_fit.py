"""Fit one core-level spectrum: background, peaks, tails, verdict. Arrays in, a member out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.active import HIGHEST_DEGREE, ActiveModel, power_missed
from surfspec.fitting.backgrounds import Background
from surfspec.fitting.model import BoundModel
from surfspec.fitting.result import MemberFit, member_from_model
from surfspec.fitting.solver import Solution
from surfspec.fitting.verdict import judge
from surfspec.xps.region.member import Member, Task, noise, solved
from surfspec.xps.region.reasons import (
    background_reasons,
    component_reasons,
    detected_together,
    of_peaks,
    prior_reasons,
    stands_out,
)

Array = NDArray[np.float64]

#: Drop of the deviance from which a power is missed; one that is not there reaches it in one fit of a thousand.
MISSED_POWER = 10.8


def fit_member(
    task: Task, x: Array, y: Array, sigma: Array | None, inside: NDArray[np.bool_], *, warm: Array | None = None
) -> MemberFit:
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
    warm
        Values of the parameters to begin at, shape (p,), besides the starts of the recipe.
    """
    work = Member(task, x, y, noise(y, task.statistics, sigma), inside)
    end = solved(work, warm)
    member = member_from_model(end.bound, end.solution, end.start, verdict="ok", reasons=())
    return judged(task, end.under, end.bound, member, end.solution, _power_reasons(work, end.bound, end.solution))


def _power_reasons(work: Member, bound: BoundModel, solution: Solution) -> tuple[str, ...]:
    """Say whether a polynomial that is fitted with the peaks should have had one more power."""
    if not isinstance(bound, ActiveModel) or not solution.converged:
        return ()
    degree = len(bound.active.polynomial)
    if degree > HIGHEST_DEGREE:
        return ()
    drop = power_missed(bound, solution.values, solution.pulls, work.weight(solution.fitted) / np.sqrt(solution.scale))
    if drop < MISSED_POWER:
        return ()
    missed = ("a level", "a slope of the level", "a curvature of the level", "a cubic bend of the level")[degree]
    return (f"background improper: {missed} would lower the deviance by {drop:.0f}; raise its degree to {degree}",)


def judged(
    task: Task,
    under: Background,
    bound: BoundModel,
    member: MemberFit,
    solution: Solution,
    others: tuple[str, ...] = (),
) -> MemberFit:
    """Return the member with its verdict: that of the solution, of the background and of the components."""
    extra = [
        *task.extra,
        *others,
        *background_reasons(
            under.kind,
            under.anchors,
            under.anchor_unc,
            converged=under.converged,
            k_width=under.k_width,
            options=task.recipe.background.options,
        ),
        *component_reasons(
            [c.name for c in bound.model.components],
            member.fwhm,
            member.flag,
            together=detected_together(member.area, member.area_covariance)
            or stands_out(member.height, member.height_unc),
            window=float(bound.x[-1] - bound.x[0]),
            tail=0.0 if task.recipe.background.in_fit else float(np.max(bound.end_tails(member.value))),
            highest=float(np.max(member.contribution.sum(axis=0))),
        ),
        *prior_reasons(bound.parameters, member.value, member.value_unc),
    ]
    reported = _reported(bound, member)
    absent = _of_absent(bound, member)
    of_seen = replace(
        solution,
        at_bound=tuple(name for name in solution.at_bound if name in reported.every),
        undetermined=tuple(name for name in solution.undetermined if name not in absent),
    )
    verdict, reasons = judge(of_seen, reported=reported.told, extra=extra)
    return replace(member, verdict=verdict, reasons=of_peaks(reasons))


def _of_absent(bound: BoundModel, member: MemberFit) -> tuple[str, ...]:
    """Name the strengths of the steps that only peaks would leave which are not there."""
    if not isinstance(bound, ActiveModel):
        return ()
    gone = member.flag == "below_detection"
    return tuple(one.parameter for one in bound.active.scatterings if gone[list(one.components)].all())


@dataclass(frozen=True)
class _Reported:
    """Parameters of the components that were detected: all of them, and the areas and centres."""

    every: tuple[str, ...]
    told: tuple[str, ...]


def _reported(bound: BoundModel, member: MemberFit) -> _Reported:
    """Name the parameters that count: a limit or a correlation of what was not detected is no fault."""
    components = bound.model.components
    seen = [c for c, flag in zip(components, member.flag, strict=True) if flag != "below_detection"] or components
    every = [name for c in seen for tie in (c.area, *c.roles.values()) for name in tie.names()]
    told = [tie.parameter for c in seen for tie in (c.area, c.roles["center"])]
    if isinstance(bound, ActiveModel):  # an area that hangs on the strength of a loss has no meaning apart from it
        told += [one.parameter for one in bound.active.scatterings]
    return _Reported(tuple(dict.fromkeys(every)), tuple(dict.fromkeys(told)))
