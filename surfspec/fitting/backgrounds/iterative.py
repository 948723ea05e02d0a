"""Shirley backgrounds by iteration, with the rules of other programs."""

from __future__ import annotations

from typing import Final, get_args

import numpy as np
from numpy.typing import ArrayLike

from surfspec.errors import InputError
from surfspec.fitting.backgrounds.base import Background, Pair, Region, check_iteration, make_region
from surfspec.fitting.backgrounds.linear import lower_hull
from surfspec.fitting.backgrounds.shirley import flat, remark
from surfspec.fitting.backgrounds.sweeps import Rule, counted, iterate, rule_weights, sweep, tangent

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
    if rule not in get_args(Rule):
        raise InputError(f"Unknown rule {rule!r}", remedy=f"Take one of {', '.join(get_args(Rule))}", where="rule")
    check_iteration(tolerance, max_iterations)
    points = average if average is not None else (5 if rule == "avantage" else 11)
    region = make_region(x, y, sigma=sigma, average=points, anchors=anchors, window=window)
    if region.step == 0.0:
        return flat(region, "shirley_iterative")
    if rule == "avantage":
        return _avantage(region)
    weights = rule_weights(region.x, rule)
    start = region.anchors[0] + region.step * (region.x - region.x[0]) / region.width
    return iterate(
        region,
        region.y,
        weights,
        start,
        count="size" if rule == "casa" else "above" if clip else "signed",
        cap=None,
        tolerance=tolerance,
        max_iterations=max_iterations,
        kind="shirley_iterative",
        note=f"rule {rule}",
    )


def _avantage(region: Region) -> Background:
    if region.step < 0.0:
        target = region.mean.copy()
        target[[0, -1]] = region.anchors
        values, rows, contact = lower_hull(region.x, target)
        note = "rule avantage: the level falls, lower convex hull of the means"
        return Background(
            values,
            region.anchors,
            region.anchor_unc,
            rows,
            contact=contact,
            kind="shirley_iterative",
            note=note,
        )
    weights = rule_weights(region.x, "avantage")
    values = np.full_like(region.x, region.anchors[0])
    rows = np.stack([np.ones_like(values), np.zeros_like(values)])
    total = 0.0
    for _ in range(_AVANTAGE_SWEEPS):
        new, share, total = sweep(region, region.mean, weights, values, "above", "shirley_iterative")
        active = counted(region, region.mean, values, "above")
        values, rows = new, tangent(region, weights, active, share, total, rows)
    k = region.step / total
    return Background(
        values,
        region.anchors,
        region.anchor_unc,
        rows,
        iterations=_AVANTAGE_SWEEPS,
        k=k,
        k_width=k * region.width,
        kind="shirley_iterative",
        note="; ".join(n for n in ("rule avantage: two sweeps", remark(k * region.width)) if n),
    )
