"""Shirley backgrounds by iteration, with the rules of other programs."""

from __future__ import annotations

from typing import Final, get_args

import numpy as np
from numpy.typing import ArrayLike

from surfspec.errors import InputError
from surfspec.fitting.backgrounds.base import Background, BackgroundSeries, Mask, Pair, Part
from surfspec.fitting.backgrounds.fixed_point import iterate
from surfspec.fitting.backgrounds.hull import lower_hull
from surfspec.fitting.backgrounds.inputs import check_iteration, nothing_above
from surfspec.fitting.backgrounds.linear import line_shares
from surfspec.fitting.backgrounds.region import Region, Spectra, draft_of, make_region, single
from surfspec.fitting.backgrounds.shirley import flat, remark
from surfspec.fitting.backgrounds.sweeps import Count, Rule, counted, members_of, rule_weights, sweep, tangent

#: Sweeps of the rule inferred for Avantage.
_AVANTAGE_SWEEPS: Final = 2


def shirley_iterative(
    x: ArrayLike,
    y: ArrayLike,
    *,
    sigma: ArrayLike | None = None,
    rule: Rule = "trapezoid",
    average: int | None = None,
    anchors: Pair | None = None,
    window: Pair | None = None,
    clip: bool = True,
    tolerance: float = 1e-8,
    max_iterations: int = 200,
) -> Background:
    r"""Iterate the Shirley background as other programs do, for parity with them.

    :math:`B_i \leftarrow b_1 + (b_2 - b_1) S_i / S_N`, ``S`` the running integral of :math:`(y - B)_+` from the low
    binding-energy side. ``rule``:

    * ``trapezoid``: the trapezoidal integral from a linear start;
    * ``casa``: the rectangle sum of :math:`|y - B|` over the points before ``i``. Found from backgrounds exported by
      CasaXPS, of which it reproduces sixteen within two units of the last printed digit, falling ones included;
    * ``avantage``: the sum including ``i``, of five-point means, two sweeps from a flat start; a falling region takes
      the lower convex hull of the five-point means. Inferred from one exported file of three regions, not from
      documentation.

    Parameters
    ----------
    x, y, sigma, anchors, window
        As for :func:`surfspec.fitting.backgrounds.linear`.
    rule : {"trapezoid", "casa", "avantage"}
    average : int, optional
        Odd number of points averaged for each end level; 5 for ``avantage``, else 11.
    clip : bool
        Integrate only what lies above the background (``trapezoid``; the other rules know what they sum).
    tolerance : float
        Largest change of a sweep relative to ``|b2 - b1|`` at which it has converged.
    max_iterations : int

    Returns
    -------
    Background

    Raises
    ------
    BackgroundError
        Where no data lie above the background.
    InputError
        For data or options that cannot be used.

    References
    ----------
    A. Proctor, P. M. A. Sherwood, Anal. Chem. 54 (1982) 13.

    Examples
    --------
    >>> y = [10, 10, 60, 110, 60, 20, 20]
    >>> shirley_iterative(range(7), y, average=1).values.round(3).tolist()
    [10.0, 10.0, 11.319, 15.205, 18.886, 20.0, 20.0]
    """
    return shirley_iterative_rows(
        single(x, y, sigma, anchors, window),
        rule=rule,
        average=average,
        clip=clip,
        tolerance=tolerance,
        max_iterations=max_iterations,
    ).member(0)


def shirley_iterative_rows(
    spectra: Spectra,
    *,
    rule: Rule = "trapezoid",
    average: int | None = None,
    clip: bool = True,
    tolerance: float = 1e-8,
    max_iterations: int = 200,
) -> BackgroundSeries:
    """Make :func:`shirley_iterative` for many spectra."""
    if rule not in get_args(Rule):
        raise InputError(f"Unknown rule {rule!r}", remedy=f"Take one of {', '.join(get_args(Rule))}", where="rule")
    check_iteration(tolerance, max_iterations)
    points = average if average is not None else (5 if rule == "avantage" else 11)
    region = make_region(spectra, points)
    draft = draft_of(region, "shirley_iterative")
    level = region.step == 0.0
    falls = (region.step < 0.0) & (rule == "avantage")
    if level.any():
        draft.put(np.flatnonzero(level), flat(region.take(np.flatnonzero(level))))
    if falls.any():
        draft.put(np.flatnonzero(falls), _hull(region.take(np.flatnonzero(falls))))
    moving = np.flatnonzero(~level & ~falls)
    if moving.size:
        region = region.take(moving)
        if rule == "avantage":
            part, void = _two_sweeps(region)
        else:
            count: Count = "size" if rule == "casa" else "above" if clip else "signed"
            part, void = iterate(
                region,
                region.y,
                rule_weights(region.x, rule),
                region.anchors[:, :1] + region.step[:, None] * line_shares(region)[1],
                count=count,
                cap=None,
                tolerance=tolerance,
                max_iterations=max_iterations,
                note=f"rule {rule}",
            )
        draft.put(moving, part)
        for row in moving[void].tolist():
            draft.errors.setdefault(row, nothing_above("shirley_iterative"))
    return draft.finish()


def _hull(region: Region) -> Part:
    target = region.mean.copy()
    target[:, [0, -1]] = region.anchors
    return lower_hull(region.x, target)._replace(note="rule avantage: the level falls, lower convex hull of the means")


def _two_sweeps(region: Region) -> tuple[Part, Mask]:
    weights = rule_weights(region.x, "avantage")
    members = members_of(region, region.mean)
    values = np.repeat(region.anchors[:, :1], region.x.size, axis=1)
    rows = np.zeros((len(values), 2, region.x.size))
    rows[:, 0] = 1.0
    void = np.zeros((len(values), 1), dtype=np.bool_)
    k = np.zeros_like(region.step)
    for _ in range(_AVANTAGE_SWEEPS):
        swept = sweep(members, weights, values, "above")
        rows = tangent(members, weights, counted(members, values, "above"), swept, rows)
        values, void, k = swept.new, void | swept.void, region.step / swept.total[:, 0]
    k_width = k * region.width
    notes = ["; ".join(n for n in ("rule avantage: two sweeps", remark(w)) if n) for w in k_width.tolist()]
    part = Part(values, rows, iterations=_AVANTAGE_SWEEPS, k=k, k_width=k_width, note=notes)
    return part, void[:, 0]
