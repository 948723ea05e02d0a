"""A candidate whose cell is far from its card's may explain what nobody does: a hint, not a named phase.

A solid solution, an isotype or a hot sample has the lines of a card at other places. Within the strain that
identification allows such a phase is improbable and is not named; here the strain is free within the range of the
recipe, and what fits best is told.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching import dictionary, model, observed
from surfspec.xrd.matching.evidence import OWN_LINE
from surfspec.xrd.matching.judgement import STRONG
from surfspec.xrd.matching.outcome import Outcome

Array = NDArray[np.float64]

#: Candidates refined with a wide prior.
TRIED = 4
#: Share of the height of the unexplained strong lines that must be explained, and of the expected clean intensity that
#: must be seen.
EXPLAINED, SEEN = 0.6, 0.7
#: Clean lines that a hint needs, and the least strain worth one.
LEAST_LINES, LEAST_STRAIN = 3, 0.003
#: Step of the strains, about the reach of the refinement.
STEP = 0.001


def shifted_hint(outcome: Outcome) -> str:
    """Return a reason naming the candidate that fits the unexplained strong lines with another cell, '' for none.

    Parameters
    ----------
    outcome
        The identification.
    """
    state, data, limits = outcome.state, outcome.data, outcome.limits
    before = _strong(outcome.unexplained, data.peaks.height)
    if len(before) < 2 or not outcome.book.members:
        return ""
    wide = replace(limits, strain=limits.largest_strain)
    common = state.common
    named = {one.phase.id for one in state.members}
    members = [
        replace(one, sigma=max(limits.largest_strain, one.sigma))
        for one in outcome.book.members
        if one.phase.id not in named
    ]
    if not members:
        return ""
    strains = np.arange(-limits.largest_strain, limits.largest_strain + STEP / 2, STEP)
    gain, strain = dictionary.scan(dictionary.dictionary(members, common, data, strains), state, data)
    best, told = 0.0, ""
    for number in np.argsort(-gain)[:TRIED]:
        if gain[number] <= 0:
            break
        one = members[number]
        start = replace(one, metric=one.metric * (1.0 - 2.0 * float(strain[number])))
        more = model.added(state, start, data, wide)
        index = len(more.members) - 1
        more = model.refine(more, data, wide, free=[index], shifts=not state.members, iterations=8)
        share, text = _judged(more, index, before, outcome)
        if share > best:
            best, told = share, text
    return told


def _strong(rows: Array, heights: Array) -> Array:
    """Unexplained lines of no found phase that are high."""
    tallest = max(float(heights.max(initial=0.0)), 1e-300)
    return rows[(rows[:, 1] >= STRONG / 100.0 * tallest) & (rows[:, 3] < OWN_LINE)]


def _judged(more: model.State, index: int, before: Array, outcome: Outcome) -> tuple[float, str]:
    """Share of the height of the lines that the phase explains, and the reason; 0 where it does not convince."""
    one, data = more.members[index], outcome.data
    change = -(one.metric - 1.0) / 2.0
    size = float(np.mean(change))
    if more.scales[index] <= 0 or float(np.max(np.abs(change))) < LEAST_STRAIN:
        return 0.0, ""
    lines = observed.reflections(more, index, data)
    judged = np.isin(lines.status, ("confirmed", "missing"))
    seen = float(np.sum(lines.expected[judged] * np.clip(lines.ratio[judged], 0.0, 1.0)))
    if np.count_nonzero(lines.status == "confirmed") < LEAST_LINES or seen < SEEN * float(lines.expected[judged].sum()):
        return 0.0, ""
    left = _strong(observed.unexplained(more, data), data.peaks.height)
    gone = ~np.isin(before[:, 0], left[:, 0])
    share = float(before[gone, 1].sum() / before[:, 1].sum())
    if share < EXPLAINED:
        return 0.0, ""
    even = float(np.ptp(change)) < 0.3 * abs(size)
    cell = f"a cell {100 * abs(size):.1f} % {'larger' if size > 0 else 'smaller'}" if even else "another cell"
    count = int(np.count_nonzero(gone))
    return share * seen / float(lines.expected[judged].sum()), (
        f"unknown phase likely: {one.phase.id} with {cell} fits {count} of {len(before)} strong lines that nobody "
        "explains (solid solution or isotype?)"
    )
