r"""How sure each phase is: which of its lines are seen clean, which are missing, and what else could explain them.

The probability of phase j in the best set S is

.. math:: P_j = \left[1 + e^{-\min(\Delta_j,\,C_j)} + \sum_k e^{E(S - j + k) - E(S)}\right]^{-1}

* Delta_j = E(S) - E(S - j): the loss of evidence when the phase is left out (others refitted);
* C_j: the phase against *unknown lines at free places*. Only lines that no other phase covers count. Each line that
  is seen saves the ``ln(positions)`` + amplitude cost that a free line would have needed, and pays for its
  intensity and place being off; each missing line pays; the phase pays its own parameters;
* the same limit is set by the strain of the cell: against an unlisted phase of the same structure type;
* the sum runs over exchanges for another candidate.

The numbers are model probabilities: they hold if the true phase is in the list or its lines are free.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching import model, search
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import Member, State
from surfspec.xrd.matching.search import Dictionary
from surfspec.xrd.patterns import profile
from surfspec.xrd.recipe import Limits

Array = NDArray[np.float64]

#: Relative spread of line intensities that texture and coarse grains cause.
TEXTURE = 0.35
#: Lines of one phase closer than this many FWHM are judged together.
MERGE = 0.8
#: A line is clean when the phase makes up at least this share of the signal at its place.
CLEAN_SHARE = 0.5
#: Observed over calculated area above which most of a line must come from something else (or from texture).
FOREIGN = 2.5
#: Share of the signal near a line below which the line may be the flank of something else.
LEAST_SHARE = 0.4
#: Calculated share of a line from which it counts as a line of a found phase, wrong in intensity.
OWN_LINE = 0.1
#: Relative uncertainty of an observed line above which nothing can be said about it.
UNDECIDED = 0.33
#: Prior odds that a pattern holds a phase which is not in the list.
UNLISTED = 0.2
#: Width of the range of relative cell differences between phases of one structure type.
ISOTYPE_RANGE = 0.1
#: Spread of true line positions about the refined ones, in FWHM.
PLACE = 0.08
#: Phases less probable than this are not named.
LEAST_PROBABILITY = 0.5
STATUS = ("confirmed", "missing", "overlapped", "weak")


@dataclass(frozen=True)
class Reflections:
    """Line groups of one phase: where, how strong, and what is seen of them.

    ``expected`` is the calculated area (intensity times deg), ``ratio`` the observed area over the expected one
    with its standard uncertainty, ``share`` the part of the signal at that place that the phase makes up,
    ``offset`` how far the observed line is from the calculated place (deg, with its uncertainty), ``width`` its
    FWHM (deg), ``status`` a word of `STATUS`.
    """

    number: NDArray[np.int64]
    two_theta: Array
    expected: Array
    ratio: Array
    ratio_unc: Array
    share: Array
    offset: Array
    offset_unc: Array
    width: Array
    status: NDArray[np.str_]


@dataclass(frozen=True)
class Assessment:
    """Probability, agreement of clean lines (0 to 1) and line groups of one phase."""

    probability: float
    score: float
    log_odds: float
    reflections: Reflections
    rival: str


def reflections(state: State, index: int, data: Measured) -> Reflections:
    """Compare the lines of one phase with what the others leave of the data."""
    one = state.members[index]
    positions, areas, width, _, numbers = model.geometry(one, state.common)
    first = np.zeros(len(positions), dtype=bool)
    first[: np.count_nonzero(np.isfinite(positions)) // len(state.common.light.wavelengths) + 1] = True
    shown = profile.shift(positions, state.common.zero, state.common.displacement)
    keep = (shown > data.x[0] + width) & (shown < data.x[-1] - width)
    keep &= areas > 5e-3 * areas[keep].max(initial=0.0)
    shown, areas, width, numbers = shown[keep], areas[keep], width[keep], numbers[keep]
    scale = float(state.scales[index])
    place, group = _groups(shown, areas, width, numbers)
    count = len(place)
    if count == 0 or scale <= 0:
        none = np.empty(0)
        no_number, word = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.str_)
        return Reflections(no_number, none, none, none, none, none, none, none, none, word)
    rest = data.y - state.columns @ state.scales + scale * state.columns[:, index]
    floor = background(state, data)
    rest = (rest - floor) * data.weight
    drawn = np.stack(
        [profile.draw(data.x, shown[group == g], areas[group == g], width[group == g], state.common.eta, 4.0)
         for g in range(count)], axis=1)  # fmt: skip
    weighted = drawn * data.weight[:, None]
    top, strength = weighted.T @ rest, np.sum(weighted**2, axis=0)
    # each group is judged on what the other groups of the phase leave
    overlap = weighted.T @ weighted
    ratio = (top - scale * (overlap.sum(axis=1) - strength)) / (scale * strength)
    unc = 1.0 / (scale * np.sqrt(strength))
    offset, offset_unc, wide = _offsets(
        data, rest, weighted, scale * np.maximum(ratio, 0.2), (shown, areas, width, group), state.common.eta
    )
    peak = np.argmax(drawn, axis=0)
    signal = np.maximum(data.signal[peak], 1e-12)
    share = np.minimum(
        scale * state.columns[peak, index] / np.maximum(signal, (state.columns @ state.scales)[peak]), 1.0
    )
    counting = 1.0 / (scale * np.sqrt(np.sum(drawn**2 / data.counting[:, None], axis=0)))
    status = np.full(count, "confirmed", dtype="<U10")
    status[ratio < 0.25 + 2.0 * unc] = "missing"
    status[(ratio < 0.25 + 2.0 * unc) & (ratio > 0.25)] = "weak"
    others = (state.columns @ state.scales)[peak] - scale * state.columns[peak, index]
    hidden = others > scale * state.columns[peak, index] / CLEAN_SHARE * (1 - CLEAN_SHARE)
    hidden |= (ratio > FOREIGN) | (share < LEAST_SHARE)
    hidden |= (unc > UNDECIDED) & (counting < UNDECIDED)
    status[counting >= UNDECIDED] = "weak"
    status[hidden & (counting < UNDECIDED)] = "overlapped"
    order = np.argsort(place)
    number = np.array([numbers[group == g][np.argmax(areas[group == g])] for g in range(count)])
    expected = np.asarray(scale * np.bincount(group, areas, count), dtype=np.float64)
    return Reflections(
        number[order],
        place[order],
        expected[order],
        ratio[order],
        unc[order],
        share[order],
        offset[order],
        offset_unc[order],
        wide[order],
        status[order],
    )


def _offsets(
    data: Measured, rest: Array, weighted: Array, amplitude: Array,
    lines: tuple[Array, Array, Array, NDArray[np.int64]], eta: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """How far each line group is from its calculated place (linearised), with uncertainty, and its FWHM (deg)."""
    shown, areas, width, group = lines
    count = weighted.shape[1]
    total = np.bincount(group, areas, count)
    wide = np.bincount(group, areas * width, count) / total
    left = rest - weighted @ amplitude
    offset, unc = np.zeros(count), np.full(count, np.inf)
    for g in range(count):
        own = group == g
        h = 0.05 * wide[g]
        ahead = profile.draw(data.x, shown[own] + h, areas[own], width[own], eta, 4.0)
        behind = profile.draw(data.x, shown[own] - h, areas[own], width[own], eta, 4.0)
        slope = (ahead - behind) / (2.0 * h) * amplitude[g] * data.weight
        norm = float(slope @ slope)
        if norm > 0:
            offset[g], unc[g] = float(slope @ left) / norm, norm**-0.5
    return offset, unc, wide


def _groups(shown: Array, areas: Array, width: Array, numbers: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """Merge lines (and the Ka2 line of each) that the instrument cannot part; return places and group numbers."""
    group = np.full(len(shown), -1, dtype=np.int64)
    seen: dict[int, int] = {}
    places: list[float] = []
    last = -np.inf
    for index in np.argsort(shown):
        number = int(numbers[index])
        if number in seen:
            group[index] = seen[number]
            continue
        if not places or shown[index] - last > MERGE * width[index]:
            places.append(float(shown[index]))
        last = float(shown[index])
        group[index] = seen[number] = len(places) - 1
    strongest = [float(shown[group == g][np.argmax(areas[group == g])]) for g in range(len(places))]
    return np.array(strongest), group


def background(state: State, data: Measured) -> Array:
    """Background that belongs to a state."""
    rest = data.y - (state.columns @ state.scales if state.columns.size else 0.0)
    solution, *_ = np.linalg.lstsq(data.raw_basis * data.weight[:, None], rest * data.weight, rcond=None)
    return np.asarray(data.raw_basis @ solution)


def clean_log_odds(lines: Reflections, one: Member, data: Measured, candidates: int, loose: int, foreign: int) -> float:
    """C_j: the phase against free unknown lines at the places where it alone is seen.

    `loose` is the number of lines that the other phases leave unexplained: the more of them, the likelier
    it is that a calculated line meets one by chance. `foreign` is the number of lines that the whole set leaves: where
    an unlisted phase is there anyway, its lines come at no price of their own.
    """
    crowd = 1.0 + foreign / 3.0
    amplitude = 1.0 + (0.5 * np.log(data.effective_points) - 1.0) / crowd
    free = np.log(max(data.effective_points / max(loose, 1), 2.0)) + amplitude
    judged = np.isin(lines.status, ("confirmed", "missing", "weak")) & (lines.ratio_unc < 1.0)
    ratio, unc = lines.ratio[judged], lines.ratio_unc[judged]
    spread = np.hypot(unc, TEXTURE)
    misfit = 0.5 * np.minimum((ratio - 1.0) / spread, 4.0) ** 2 + np.log(spread / unc) * (unc < spread)
    alone = 0.5 * np.maximum(ratio / unc, 0.0) ** 2
    with_phase = alone - np.minimum(misfit, alone + 8.0) + _place_odds(lines, judged)
    with_free = np.maximum(alone - free, 0.0)
    gain = float(np.sum(with_phase - with_free)) - float(np.log(UNLISTED)) / crowd
    return gain - search.penalty([one], data, candidates)


def _place_odds(lines: Reflections, judged: NDArray[np.bool_]) -> Array:
    """Ln of the likelihood of each line's offset if it belongs to the phase, over a uniform one within its width."""
    wide, unc = lines.width[judged], lines.offset_unc[judged]
    spread = np.hypot(unc, PLACE * wide)
    odds = np.log(wide / (spread * np.sqrt(2.0 * np.pi))) - 0.5 * np.minimum((lines.offset[judged] / spread) ** 2, 16.0)
    seen = (lines.status[judged] == "confirmed") & (unc < 0.3 * wide)
    return np.where(seen, odds, 0.0)


def strain_log_odds(one: Member) -> float:
    """Weigh the phase with a strained cell against an unlisted phase of the same structure with any cell nearby.

    ``ln N(e; 0, sigma) - ln(1 / range) - ln(prior of an unlisted phase)`` for the strain e of the worst axis.
    """
    strain = float(np.max(np.abs(one.metric - 1.0))) / 2.0
    density = -0.5 * (strain / one.sigma) ** 2 - np.log(one.sigma * np.sqrt(2.0 * np.pi))
    return float(density + np.log(ISOTYPE_RANGE) - np.log(UNLISTED))


def assess(
    state: State, book: Dictionary, data: Measured, limits: Limits, *, exchange: bool = True
) -> tuple[list[Assessment], State | None]:
    """Assess every phase of a state.

    Returns
    -------
    assessments, better
        One for each member; and the best state with one phase exchanged, if it has more evidence than `state`.
    """
    total = len(book.members)
    evidence = search.log_evidence(state, data, total)
    found = []
    better: State | None = None
    lead = 0.0
    left = unexplained(state, data)
    foreign = int(np.count_nonzero(left[:, 3] < OWN_LINE))
    for index, one in enumerate(state.members):
        fewer = model.without(state, index, data, limits)
        fewer = model.refine(fewer, data, limits, iterations=2) if fewer.members else fewer
        loss = evidence - search.log_evidence(fewer, data, total)
        lines = reflections(state, index, data)
        loose = len(unexplained(fewer, data))
        odds = min(loss, clean_log_odds(lines, one, data, total, loose, foreign), strain_log_odds(one))
        rivals, rival = 0.0, ""
        for trial in _exchanged(fewer, one, book, data, limits) if exchange else ():
            difference = search.log_evidence(trial, data, total) - evidence
            rivals += float(np.exp(np.clip(difference, -500, 500)))
            if difference > -7.0 and not rival:
                rival = trial.members[-1].phase.id
            if difference > lead:
                lead, better = difference, trial
        probability = 1.0 / (1.0 + float(np.exp(np.clip(-odds, -500, 500))) + rivals)
        found.append(Assessment(probability, _score(lines), odds, lines, rival))
    return found, better


def _exchanged(fewer: State, one: Member, book: Dictionary, data: Measured, limits: Limits) -> list[State]:
    """States with a phase exchanged for another candidate, best first."""
    options = search.shortlist(book, fewer, data, limits, count=3)
    return [trial for number, trial in options if book.members[number].phase.id != one.phase.id]


def _score(lines: Reflections) -> float:
    """Share of the expected clean intensity that is seen, from 0 to 1."""
    judged = np.isin(lines.status, ("confirmed", "missing"))
    expected = lines.expected[judged]
    if not np.any(judged) or expected.sum() <= 0:
        return 0.0
    return float(np.sum(expected * np.clip(lines.ratio[judged], 0.0, 1.0)) / expected.sum())


def settle(
    state: State, book: Dictionary, data: Measured, limits: Limits
) -> tuple[State, list[Assessment], list[tuple[str, Assessment]]]:
    """Exchange phases for better ones and leave out those that are less likely than not, weakest first.

    Returns
    -------
    state, assessments, rejected
        `rejected` holds the id and the assessment of each phase that was left out, in the order of leaving.
    """
    rejected: list[tuple[str, Assessment]] = []
    exchanges = 0
    exchange = False
    while state.members:
        found, better = assess(state, book, data, limits, exchange=exchange)
        worst = int(np.argmin([one.probability for one in found]))
        if found[worst].probability >= LEAST_PROBABILITY:
            if exchange:
                return state, found, rejected
            exchange = True
        elif better is not None and exchanges < 3:
            exchanges += 1
            state = model.refine(better, data, limits, iterations=4)
        else:
            rejected.append((state.members[worst].phase.id, found[worst]))
            state = model.refine(model.without(state, worst, data, limits), data, limits, iterations=4)
    return state, [], rejected


def detection_limits(book: Dictionary, state: State, data: Measured, factor: float = 3.0) -> Array:
    """Smallest scale of each candidate that would stand out by `factor` standard deviations next to the state."""
    basis = data.basis
    if state.columns.size and np.any(state.scales > 0):
        extra, _ = np.linalg.qr(data.project(state.columns[:, state.scales > 0]))
        basis = np.concatenate([basis, extra], axis=1)
    middle = int(np.argmin(np.abs(book.strains)))
    columns = book.columns[:, middle] * data.weight
    norm = np.sum(columns**2, axis=1) - np.sum((columns @ basis) ** 2, axis=1)
    return np.asarray(factor / np.sqrt(np.maximum(norm, 1e-300)))


def unexplained(state: State, data: Measured, significance: float = 5.0) -> Array:
    """Lines of the data that the state does not explain: columns 2theta, height, significance, explained share."""
    explained = state.columns @ state.scales if state.columns.size else np.zeros_like(data.y)
    floor = background(state, data)
    rest = data.y - explained - floor
    rows = []
    widths = data.resolution
    for at, height in zip(data.peaks.two_theta, data.peaks.height, strict=True):
        near = np.abs(data.x - at) < 0.6 * widths
        if not np.any(near):
            continue
        w = data.weight[near] ** 2
        left = float(np.sum(rest[near] * w) / np.sum(w))
        z = left * float(np.sqrt(np.sum(w)))
        model_height = float(explained[near].max())
        data_height = float((data.y - floor)[near].max())
        if z > significance and left > 0.5 * float(height) * 0.5 and model_height < 0.5 * data_height:
            rows.append((float(at), float(height), z, model_height / max(data_height, 1e-300)))
    return np.array(rows).reshape(-1, 4)


def agreement(state: State, data: Measured) -> float:
    """Share of the net signal that the model leaves, 0 (perfect) to 1: sum |y - model| / sum (y - background)."""
    floor = background(state, data)
    net = data.y - floor
    explained = state.columns @ state.scales if state.columns.size else np.zeros_like(net)
    noise = float(np.sum(np.sqrt(data.counting))) * 0.8
    strong: Sequence[float] = [float(np.sum(np.abs(net - explained))) - noise, float(np.sum(np.abs(net))) - noise]
    return float(np.clip(strong[0] / max(strong[1], 1e-300), 0.0, 1.0))
