"""The line that decides on a phase: the strongest that no other phase can stand behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching.detection import Groups
from surfspec.xrd.matching.dictionary import Dictionary
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import State

Array = NDArray[np.float64]

#: Lines nearer than this (deg), or than one line width, may stand for each other.
APART = 0.25
#: Share of the strongest line of a phase from which its line may stand behind that of another.
STRONG = 0.10
#: A line that is clean of other candidates too is preferred where it is at least this share of the strongest clean one.
PREFERRED = 0.3
#: Share of the strongest line below which a line decides nothing.
LEAST = 0.05


@dataclass(frozen=True)
class Deciding:
    """Place (deg, as it appears), number of the line, its share of the strongest line, and against whom it is clean.

    ``against`` is ``"all"`` (found phases and other candidates), ``"found"`` (found phases only) or ``""`` (no line
    is clean; the place is NaN).
    """

    two_theta: float
    number: int
    share: float
    against: str


NOTHING = Deciding(float("nan"), -1, float("nan"), "")


def deciding_lines(groups: Sequence[Groups], book: Dictionary, state: State, data: Measured) -> list[Deciding]:
    """Return the deciding line of each candidate next to the found phases and the other candidates."""
    found = {one.phase.id for one in state.members}
    apart = max(APART, data.resolution)
    owner = np.concatenate([np.full(len(one.place), i) for i, one in enumerate(groups)] or [np.empty(0)])
    place = np.concatenate([one.place for one in groups] or [np.empty(0)])
    share = np.concatenate([one.area / one.area.max(initial=1e-300) for one in groups] or [np.empty(0)])
    is_found = np.array([book.members[int(i)].phase.id in found for i in owner], dtype=bool)
    order = np.argsort(place)
    place, owner, share, is_found = place[order], owner[order], share[order], is_found[order]
    return [_deciding(number, one, place, owner, share, is_found, apart) for number, one in enumerate(groups)]


def _deciding(
    number: int, own: Groups, place: Array, owner: Array, share: Array, is_found: NDArray[np.bool_], apart: float
) -> Deciding:
    if not len(own.place):
        return NOTHING
    fallback = NOTHING
    top = float(own.area.max())
    for index in np.argsort(-own.area):
        if own.area[index] < LEAST * top:
            break
        if fallback is not NOTHING and own.area[index] < PREFERRED * fallback.share * top:
            break
        low, high = np.searchsorted(place, [own.place[index] - apart, own.place[index] + apart])
        near = slice(int(low), int(high))
        other = (owner[near] != number) & (share[near] > STRONG)
        one = Deciding(
            float(own.place[index]), int(own.number[index]), float(own.area[index] / top),
            "found" if np.any(other & ~is_found[near]) else "all",
        )  # fmt: skip
        if np.any(other & is_found[near]):
            continue
        if one.against == "all":
            return one
        if fallback is NOTHING:
            fallback = one
    return fallback
