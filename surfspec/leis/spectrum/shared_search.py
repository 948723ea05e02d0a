"""The highest likelihood of a joint fit: heights on zero are released, and lags are looked for again.

The edge of a shoulder can lie under its peak or far below it, with a maximum of the likelihood at each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.linked import SharedFit
from surfspec.fitting.solver.solution import EQUALLY_GOOD
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.maximisation import RELEASE_COSINE, RELEASES, maximise
from surfspec.leis.spectrum.shared_rows import Row, cosines, fit_rows, held_of
from surfspec.leis.spectrum.sharing import Common

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Times that better lags are looked for, and where in their range.
LOOKS, LAGS = 3, (0.05, 0.35)
#: Lags further apart than this (eV) are different answers.
APART = 10.0


def searched(rows: list[Row], commons: Sequence[Common], statistics: str) -> tuple[SharedFit, list[Row], bool]:
    """Fit members together from where their own fits end, and from other lags; the higher likelihood wins.

    The edge of a shoulder can lie under its peak or far below it, with a maximum of the likelihood at each; which of
    them is the higher one hangs on what is shared. So the fit begins once more where the members end with the shared
    values at their medians, and again wherever a member alone finds a better lag at the values found.
    """
    best = _settled(rows, commons, statistics)
    middle = np.median([row.values for row in rows], axis=0)
    level = [_with_lags(row, middle, commons, statistics) for row in rows]
    if any(_apart(row, other[0]) for row, other in zip(rows, level, strict=True)):
        moved = [_moved(row, other[0], commons, statistics) for row, other in zip(rows, level, strict=True)]
        best = min(best, _settled(moved, commons, statistics), key=lambda one: one[0].deviance)
    for _ in range(LOOKS):
        joint, rows, _whole = best
        found = [
            _with_lags(row, one.values, commons, statistics) for row, one in zip(rows, joint.solutions, strict=True)
        ]
        better = [
            deviance < one.deviance - EQUALLY_GOOD * joint.scale
            for (_, deviance), one in zip(found, joint.solutions, strict=True)
        ]
        if not any(better):
            break
        moved = [
            _moved(row, values, commons, statistics) if yes else row
            for row, (values, _), yes in zip(rows, found, better, strict=True)
        ]
        best = min(best, _settled(moved, commons, statistics), key=lambda one: one[0].deviance)
        if best[0] is joint:
            break
    return best


def _lags(row: Row, commons: Sequence[Common]) -> list[int]:
    """Return the places of the member's own free lags."""
    shared = {one.name for one in commons if row.index in one.members}
    return [
        i
        for i, p in enumerate(row.model.parameters[: row.model.shape_count])
        if p.name.endswith(" lag") and p.vary and p.name not in shared
    ]


def _with_lags(row: Row, at: Array, commons: Sequence[Common], statistics: str) -> tuple[Array, float]:
    """Return the best values of a member with the shared ones held as `at` has them, from several lags."""
    shared = {one.name for one in commons if row.index in one.members}
    model, lags = row.model, _lags(row, commons)
    best, deviance = row.values, np.inf
    held = SpectrumModel(model.recipe, model.energy, absent=model.absent)
    held.parameters = tuple(
        replace(p, value=float(np.clip(v, p.low, p.high)), vary=p.vary and p.name not in shared)
        for p, v in zip(model.parameters, at, strict=True)
    )
    for share in LAGS if lags else ():
        shape = at[: model.shape_count].copy()
        for i in lags:
            low, high = model.parameters[i].low, model.parameters[i].high
            shape[i] = low + share * (high - low)
        found, _ = maximise(held, row.y, statistics, row.sigma, start=shape)
        if found.deviance < deviance:
            best, deviance = np.array(found.values), found.deviance
    return best, deviance


def _apart(row: Row, values: Array) -> bool:
    """Return whether lags differ by more than :data:`APART`."""
    lags = [i for i, name in enumerate(row.model.shape_names) if name.endswith(" lag")]
    return bool(np.any(np.abs(row.values[lags] - values[lags]) > APART))


def _moved(row: Row, values: Array, commons: Sequence[Common], statistics: str) -> Row:
    shared = {one.name for one in commons if row.index in one.members}
    return replace(row, values=values, held=held_of(row.model, values, row.y, row.sigma, statistics, shared))


def _settled(rows: list[Row], commons: Sequence[Common], statistics: str) -> tuple[SharedFit, list[Row], bool]:
    """Fit members together; heights held at zero are released where the joint likelihood wants them to rise.

    Returns
    -------
    joint, rows, whole
        The fit, what is held in it, and whether nothing wants to rise any more.
    """
    joint = fit_rows(rows, commons, statistics, None)
    for _ in range(RELEASES):
        moved = [
            replace(row, held=row.held & ~_rising(row, one.values, statistics))
            for row, one in zip(rows, joint.solutions, strict=True)
        ]
        if all(np.array_equal(a.held, b.held) for a, b in zip(rows, moved, strict=True)):
            return joint, rows, True
        rows = moved
        joint = fit_rows(rows, commons, statistics, joint)
    rising = any(np.any(_rising(row, one.values, statistics)) for row, one in zip(rows, joint.solutions, strict=True))
    return joint, rows, not rising


def _rising(row: Row, values: Array, statistics: str) -> Flags:
    cosine, _, _ = cosines(row, values, statistics)
    linear = np.arange(values.size) >= row.model.shape_count
    return np.asarray(row.held & linear & (cosine > RELEASE_COSINE))
