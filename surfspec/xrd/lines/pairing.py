"""Pair the peaks of a pattern with the lines of a standard, and tell whether chance pairs as well.

A shift is tried together with a scale of the standard: a line is paired where a peak lies at its shifted place and is
as strong as the scale says, and counts against the shift where it should be seen and is not. In a crowded pattern any
shift pairs something; how much is read off shifts far beyond those allowed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: A peak and a shifted line belong together within this, deg.
WINDOW = 0.06
#: Steps of the shift, deg.
STEP = 0.02
#: Factor by which the area of a peak may differ from that of its line: texture above, an overlap below.
LIKE = 2.5
#: A line with this many times the area of the faintest peak should be seen.
SEEN = 2.0
#: Usual size of a shift, deg.
USUAL = 0.15
#: Shifts by which chance is judged go this far, in tolerances.
FAR = 10.0


@dataclass(frozen=True)
class Pairing:
    """Which peak belongs to which line, and how well.

    Attributes
    ----------
    line, peak
        Indices of the pairs, shape (p,).
    shift
        Common shift, deg.
    score
        Sum over the pairs less the lines that should be seen and are not.
    chance
        Best score of a range of shifts as wide as the allowed one, but far from it: median and largest.
    """

    line: Index
    peak: Index
    shift: float
    score: float
    chance: tuple[float, float]


def pair(at: Array, area: Array, true: Array, relative: Array, tolerance: float) -> Pairing | None:
    """Find the shift and scale at which most lines have their peak.

    Parameters
    ----------
    at, area
        Peaks: position (deg) and area, shape (k,).
    true, relative
        Lines of the standard: position (deg) and intensity, shape (m,).
    tolerance
        Largest shift, deg.

    Returns
    -------
    Pairing or None
        None when no line has a peak within the tolerance.
    """
    best: tuple[float, float, Index, Index] | None = None
    top = 0.0
    for shift in np.arange(-tolerance, tolerance + 1e-9, STEP):
        score, line, peak = _paired(at, area, true + shift, relative)
        # of shifts that pair as much the smaller is meant
        weighed = score * float(np.exp(-0.5 * (shift / USUAL) ** 2))
        if len(line) and (best is None or weighed > top):
            best, top = (float(shift), score, line, peak), weighed
    if best is None:
        return None
    return Pairing(best[2], best[3], best[0], best[1], _by_chance(at, area, true, relative, tolerance))


def _by_chance(at: Array, area: Array, true: Array, relative: Array, tolerance: float) -> tuple[float, float]:
    """Median and largest of the best scores in ranges of shifts as wide as the allowed one, on both sides of it."""
    best = []
    for number in np.arange(3.0, FAR + 1e-9, 2.0):
        for side in (-1.0, 1.0):
            shifts = side * tolerance * number + np.arange(-tolerance, tolerance + 1e-9, STEP)
            best.append(max(_paired(at, area, true + shift, relative)[0] for shift in shifts))
    return float(np.median(best)), float(np.max(best))


def _paired(at: Array, area: Array, place: Array, relative: Array) -> tuple[float, Index, Index]:
    """Return score, lines and peaks of one shift, at the scale that scores best."""
    none = np.empty(0, dtype=np.int64)
    measured = (place > at.min() - WINDOW) & (place < at.max() + WINDOW)
    right = np.clip(np.searchsorted(at, place), 1, max(len(at) - 1, 1))
    nearest = np.where(
        np.abs(at[right - 1] - place) < np.abs(at[np.minimum(right, len(at) - 1)] - place),
        right - 1, np.minimum(right, len(at) - 1),
    )  # fmt: skip
    apart = np.abs(at[nearest] - place)
    hit = np.flatnonzero(apart < WINDOW)
    if not len(hit):
        return 0.0, none, none
    scales = area[nearest[hit]] / relative[hit]
    worth = np.sqrt(relative)
    # all scales at once: rows are scales, columns lines
    expected = scales[:, None] * relative
    ratio = np.abs(np.log(area[nearest] / expected))
    good = (apart < WINDOW) & (ratio < np.log(LIKE))
    value = worth * (1.0 - apart / WINDOW) * np.maximum(1.0 - ratio / np.log(LIKE), 0.0)
    # a stronger peak may hide the line: only where there is none, or a much weaker one, is it missing
    bare = (apart > 2.0 * WINDOW) | (area[nearest] < expected / LIKE**2)
    missing = bare & measured & (expected > SEEN * float(area.min()))
    score = np.sum(np.where(good, value, 0.0), axis=1) - np.sum(np.where(missing, worth, 0.0), axis=1)
    top = int(np.argmax(score))
    line = np.flatnonzero(good[top]).astype(np.int64)
    return float(score[top]), line, nearest[line].astype(np.int64)
