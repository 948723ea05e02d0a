r"""How sure each phase is: which of its lines are seen clean, which are missing, and what else could explain them.

The probability of phase j is

.. math:: P_j = \frac{\sum_{S \ni j} e^{E(S)}}{\sum_S e^{E(S)} + e^{E(S^*)}(e^{-C_j} + e^{-I_j})}

* the sums run over the sets that the search refined, S* is the best; among them are S* - j (without the phase)
  and S* - j + k (exchanged for another candidate);
* C_j: the phase against *unknown lines at free places*. Only lines that no other phase covers count. Each line that
  is seen saves what a free line would have cost (:mod:`surfspec.xrd.matching.chance`), and pays for its intensity and
  place being off; each missing line pays; the phase pays its own parameters and what its cell and width cost;
* I_j: the phase against an unlisted phase of the same structure type with another cell, or one lattice that two found
  phases share (:mod:`surfspec.xrd.matching.company`).

The numbers are model probabilities: they hold if the true phase is in the list or its lines are free.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching import chance, company, model, search
from surfspec.xrd.matching.dictionary import Dictionary
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import Member, State
from surfspec.xrd.matching.observed import Reflections, reflections, unexplained
from surfspec.xrd.matching.priors import Prior
from surfspec.xrd.matching.rivals import isotypes
from surfspec.xrd.matching.search import Visited
from surfspec.xrd.recipe import Limits

Array = NDArray[np.float64]

#: Relative spread of line intensities that texture and coarse grains cause.
TEXTURE = 0.35
#: Calculated share of a line from which it counts as a line of a found phase, wrong in intensity.
OWN_LINE = 0.1
#: Width of the range of relative cell differences between phases of one structure type.
ISOTYPE_RANGE = 0.1
#: Share of samples whose cell is far from the card's (twice the prior's deviation; the others have half of it).
FAR = 0.1
#: Spread of true line positions about the refined ones, in FWHM.
PLACE = 0.08
#: Evidence (nats) below which another set is no rival.
RIVAL = 7.0


@dataclass(frozen=True)
class Assessment:
    """How sure one phase is.

    Attributes
    ----------
    probability
        P_j.
    presence
        Probability that the phase or a candidate that looks like it is present.
    unlisted
        Share of the probability that belongs to an unlisted phase in its place.
    score
        Agreement of clean lines, 0 to 1.
    log_odds
        Ln of the odds against leaving it out and against unlisted phases.
    reflections
        Its line groups.
    rival, rival_probability
        Most probable candidate in its place ('' for none) and its probability.
    """

    probability: float
    presence: float
    unlisted: float
    score: float
    log_odds: float
    reflections: Reflections
    rival: str
    rival_probability: float


def clean_log_odds(
    lines: Reflections, one: Member, data: Measured, prior_cost: float, without: Array, foreign: int
) -> float:
    """C_j: the phase against free unknown lines at the places where it alone is seen.

    `without` are the lines (as from `unexplained`) that the other phases leave: the more of them, the likelier
    it is that a calculated line meets one by chance. `foreign` is the number of lines that the whole set leaves: where
    an unlisted phase is there anyway, its lines come at no price of their own. `prior_cost` is that of the choice.
    """
    crowd = 1.0 + foreign / 3.0
    amplitude = 1.0 + (0.5 * np.log(data.effective_points) - 1.0) / crowd
    judged = np.isin(lines.status, ("confirmed", "missing", "weak")) & (lines.ratio_unc < 1.0)
    ratio, unc = lines.ratio[judged], lines.ratio_unc[judged]
    heights = lines.expected[judged] * np.maximum(ratio, 0.0) * chance.PEAK / lines.width[judged]
    strongest = max(float(heights.max(initial=0.0)), float(without[:, 1].max(initial=0.0)))
    free = chance.free_cost(
        heights, lines.width[judged], strongest, len(without), float(np.ptp(data.x)), float(amplitude)
    )
    spread = np.hypot(unc, TEXTURE)
    misfit = 0.5 * np.minimum((ratio - 1.0) / spread, 4.0) ** 2 + np.log(spread / unc) * (unc < spread)
    alone = 0.5 * np.maximum(ratio / unc, 0.0) ** 2
    with_phase = alone - np.minimum(misfit, alone + 8.0) + _place_odds(lines, judged)
    with_free = np.maximum(alone - free, 0.0)
    gain = float(np.sum(with_phase - with_free)) + chance.unlisted_cost(foreign)
    return gain - search.parameters_cost([one], data) - 0.5 * model.member_cost(one, data) - prior_cost


def _place_odds(lines: Reflections, judged: NDArray[np.bool_]) -> Array:
    """Ln of the likelihood of each line's offset if it belongs to the phase, over a uniform one within its width."""
    wide, unc = lines.width[judged], lines.offset_unc[judged]
    spread = np.hypot(unc, PLACE * wide)
    odds = np.log(wide / (spread * np.sqrt(2.0 * np.pi))) - 0.5 * np.minimum((lines.offset[judged] / spread) ** 2, 16.0)
    seen = (lines.status[judged] == "confirmed") & (unc < 0.3 * wide)
    return np.where(seen, odds, 0.0)


def strain_log_odds(one: Member, data: Measured, foreign: int) -> float:
    r"""I_j: a strained cell against an unlisted phase of the same or a distorted structure with any cell nearby.

    .. math::

       I_j = \ln\frac{0.9\,N(e; 0, \sigma/2) + 0.1\,N(e; 0, 2\sigma)}{1/r_e}
             + \ln\frac{N(\ln w; 0, \sigma_w)}{1/r_w} - \ln\pi_u

    e is the strain of the worst axis: most samples are as pure and as cold as the card's, few are far off. w is the
    line width over the typical one: lines that a distortion splits look wide. r_e and r_w are the ranges that such a
    phase could show, pi_u the prior of an unlisted phase, which is no argument where one is there anyway (`foreign`
    lines).
    """
    strain = float(np.max(np.abs(one.metric - 1.0))) / 2.0
    width = float(np.log(one.size / data.size))
    return (
        _log_strain(strain, one.sigma) + float(np.log(ISOTYPE_RANGE))
        + _log_normal(width, model.WIDTH_PRIOR) + float(np.log(np.log(model.WIDEST / model.NARROWEST)))
        + chance.unlisted_cost(foreign)
    )  # fmt: skip


def _log_strain(strain: float, sigma: float) -> float:
    """Ln of the density of strains: most narrow, a share `FAR` of solid solutions and hot or strained samples wide."""
    near = np.log1p(-FAR) + _log_normal(strain, 0.5 * sigma)
    return float(np.logaddexp(near, np.log(FAR) + _log_normal(strain, 2.0 * sigma)))


def _log_normal(value: float, spread: float) -> float:
    return float(-0.5 * (value / spread) ** 2 - np.log(spread * np.sqrt(2.0 * np.pi)))


def assess(
    state: State, book: Dictionary, data: Measured, limits: Limits, prior: Prior, visited: Visited,
    *, exchange: bool = True, banned: frozenset[str] = frozenset(),
) -> list[Assessment]:  # fmt: skip
    """Assess every phase of a state; sets that are refined on the way are noted in `visited`.

    With `exchange` each phase is exchanged for other candidates, except for those of `banned`.
    """
    evidence = search.log_evidence(state, data, prior)
    visited.note(state, evidence)
    left = unexplained(state, data)
    foreign = int(np.count_nonzero(left[:, 3] < OWN_LINE))
    parts: list[tuple[float, float, Reflections]] = []
    alike = company.paired(np.array([strain_log_odds(one, data, foreign) for one in state.members]), state, data, prior)
    for index, one in enumerate(state.members):
        fewer = model.without(state, index, data, limits)
        fewer = model.refine(fewer, data, limits, iterations=2) if fewer.members else fewer
        below = search.log_evidence(fewer, data, prior)
        visited.note(fewer, below)
        lines = reflections(state, index, data)
        cost = prior.cost(m.phase for m in state.members) - prior.cost(m.phase for m in fewer.members)
        unlisted = np.logaddexp(
            -clean_log_odds(lines, one, data, cost, unexplained(fewer, data), foreign), -alike[index]
        )
        parts.append((evidence - below, float(unlisted), lines))
        free = exchange and one.phase.id not in prior.stated
        for trial in _exchanged(fewer, one, book, data, limits, prior, banned) if free else ():
            visited.note(trial, search.log_evidence(trial, data, prior))
    return [
        _assessment(one.phase.id, part, visited.sets, evidence)
        for one, part in zip(state.members, parts, strict=True)
    ]  # fmt: skip


def left_out(
    state: State, one: Member, data: Measured, limits: Limits, prior: Prior, sets: Mapping[frozenset[str], float],
    lines: Array,
) -> float:  # fmt: skip
    """Probability of a phase that is not in the best set, by the same terms: it is added and assessed there.

    `lines` are those that the state leaves (as from `unexplained`).
    """
    more = model.added(state, one, data, limits)
    index = len(more.members) - 1
    more = model.refine(more, data, limits, free=[index], shifts=False, iterations=3)
    if more.scales[index] <= 0:
        return 0.0
    one = more.members[index]
    foreign = int(np.count_nonzero(unexplained(more, data)[:, 3] < OWN_LINE))
    seen = reflections(more, index, data)
    cost = prior.cost(m.phase for m in more.members) - prior.cost(m.phase for m in state.members)
    alike = company.paired(np.array([strain_log_odds(m, data, foreign) for m in more.members]), more, data, prior)
    unlisted = np.logaddexp(-clean_log_odds(seen, one, data, cost, lines, foreign), -alike[index])
    above = search.log_evidence(more, data, prior)
    loss = above - search.log_evidence(state, data, prior)
    known = {**sets, search.ids_of(more): max(above, sets.get(search.ids_of(more), -np.inf))}
    return _assessment(one.phase.id, (loss, float(unlisted), seen), known, above).probability


def _assessment(
    name: str, part: tuple[float, float, Reflections], sets: Mapping[frozenset[str], float], evidence: float
) -> Assessment:
    loss, unlisted, lines = part
    instead = float(np.exp(np.clip(unlisted, -500, 500)))
    weights = {ids: float(np.exp(np.clip(value - evidence, -500, 500))) for ids, value in sets.items()}
    own = sum(weight for ids, weight in weights.items() if name in ids)
    other = sum(weight for ids, weight in weights.items() if name not in ids)
    odds = -float(np.logaddexp(-loss, unlisted))
    best = max((ids for ids in sets if name in ids), key=lambda ids: sets[ids])
    rest = best - {name}
    swaps = {ids: w for ids, w in weights.items() if name not in ids and rest < ids and len(ids) == len(best)}
    rival = max(swaps, key=lambda ids: swaps[ids], default=None)
    near = rival is not None and swaps[rival] > np.exp(-RIVAL)
    # an unlisted phase stands for this one in every set that holds it, however that set was refined
    instead *= max(own, 1e-300)
    total = own + other + instead
    return Assessment(
        own / total, 1.0 / (1.0 + float(np.exp(np.clip(-odds, -500, 500)))), instead / total, _score(lines), odds,
        lines, next(iter(rival - rest)) if near and rival is not None else "",
        swaps[rival] / total if near and rival is not None else 0.0,
    )  # fmt: skip


def _exchanged(
    fewer: State, one: Member, book: Dictionary, data: Measured, limits: Limits, prior: Prior, banned: frozenset[str]
) -> list[State]:
    """States with a phase exchanged for another candidate, best first; phases of its structure type always."""
    options = search.shortlist(book, fewer, data, limits, prior, count=3, banned=banned | {one.phase.id})
    tried = {number for number, _ in options}
    present = search.ids_of(fewer) | banned
    alike = [
        model.refine(model.added(fewer, book.members[number], data, limits), data, limits,
                     free=[len(fewer.members)], shifts=False, iterations=4)
        for number in isotypes(one.phase, [m.phase for m in book.members], limits.largest_strain)
        if number not in tried and book.members[number].phase.id not in present
    ]  # fmt: skip
    return [trial for _, trial in options] + alike[:3]


def _score(lines: Reflections) -> float:
    """Share of the expected clean intensity that is seen, from 0 to 1."""
    judged = np.isin(lines.status, ("confirmed", "missing"))
    expected = lines.expected[judged]
    if not np.any(judged) or expected.sum() <= 0:
        return 0.0
    return float(np.sum(expected * np.clip(lines.ratio[judged], 0.0, 1.0)) / expected.sum())
