"""Fit one core-level spectrum: background, peaks, tails, verdict. Arrays in, a member out."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.backgrounds import Background
from surfspec.fitting.model import BoundModel
from surfspec.fitting.result import MemberFit, member_from_model
from surfspec.fitting.solver import Solution
from surfspec.fitting.verdict import judge
from surfspec.xps.member import Member, Task, noise, solved
from surfspec.xps.reasons import background_reasons, component_reasons, detected_together, of_peaks

Array = NDArray[np.float64]


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
    end = solved(Member(task, x, y, noise(y, task.statistics, sigma), inside), warm)
    member = member_from_model(end.bound, end.solution, end.start, verdict="ok", reasons=())
    return judged(task, end.under, end.bound, member, end.solution)


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
            together=detected_together(member.area, member.area_covariance),
            window=float(bound.x[-1] - bound.x[0]),
            tail=0.0 if task.recipe.background.in_fit else float(np.max(bound.end_tails(member.value))),
            highest=float(np.max(member.contribution.sum(axis=0))),
        ),
    ]
    reported = _reported(bound, member)
    of_seen = replace(solution, at_bound=tuple(name for name in solution.at_bound if name in reported.every))
    verdict, reasons = judge(of_seen, reported=reported.told, extra=extra)
    return replace(member, verdict=verdict, reasons=of_peaks(reasons))


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
    return _Reported(tuple(dict.fromkeys(every)), tuple(dict.fromkeys(told)))
