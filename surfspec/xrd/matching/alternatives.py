r"""What else the pattern may be: other sets of phases, and a phase that is not in the list.

The probability of a set is its share of the evidence of all sets that the search refined, of "an unlisted phase in the
place of j" for each found phase, and nothing else: sets that were not visited count as impossible.

.. math:: P_u = 1 - \left(1 - \frac{1}{1 + e^{-L}}\right)\prod_j (1 - u_j), \qquad
   L = \ln\pi_u + \sum_l \left[\tfrac12 \min(z_l, 10)^2 - f_l\right]_0^3

P_u is the probability of an unlisted phase that shows lines here: u_j is its share in the place of phase j, the sum
runs over unexplained lines l of significance z_l, each of which costs f_l as a line at a free place. None counts for
more than 3 nats, because one in twenty such lines is an artefact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching import chance, evidence
from surfspec.xrd.matching.outcome import Outcome

Array = NDArray[np.float64]

#: Significance beyond which a line is no surer, because model errors have long tails.
SUREST = 10.0
#: Probability that a line which no phase explains is none of a phase: a spike, the holder, a misfit of a strong line.
ARTEFACT = 0.05
#: Probability that a phase which is not in the list shows no unexplained line, though it can be seen.
SILENT = 0.05
#: Alternatives listed, and their least probability.
MOST, LEAST = 8, 1e-3
#: Evidence (nats) below its cost from which a candidate that was left out is refined and assessed.
PROMISING = 4.0
UNLISTED_NAME = "unlisted phase"


def unknown_probability(outcome: Outcome, lines: Array) -> float:
    """Probability that a phase which is not in the list shows lines in this pattern.

    Parameters
    ----------
    outcome
        The identification.
    lines
        Height and significance of the unexplained lines that are no ghosts and no lines of found phases, shape (m, 2).
    """
    data = outcome.data
    odds = float(np.log(chance.UNLISTED))
    if len(lines):
        free = chance.free_cost(
            lines[:, 0], data.resolution, float(lines[:, 0].max()), len(lines), float(np.ptp(data.x)), 1.0
        )
        odds += float(np.sum(np.clip(0.5 * np.minimum(lines[:, 1], SUREST) ** 2 - free, 0.0, -np.log(ARTEFACT))))
    else:
        odds += float(np.log(SILENT))
    none = 1.0 / (1.0 + float(np.exp(np.clip(odds, -500, 500))))
    for one in outcome.assessments:
        none *= 1.0 - one.unlisted
    return float(1.0 - none)


def set_probabilities(outcome: Outcome) -> list[tuple[tuple[str, ...], float]]:
    """Most probable sets of phases (ids in alphabetical order, ``unlisted phase`` among them), best first."""
    members = [one.phase.id for one in outcome.state.members]
    best = max(outcome.sets.values(), default=0.0)
    here = outcome.sets.get(frozenset(members), best)
    weights = {tuple(sorted(ids)): float(np.exp(np.clip(value - best, -500, 0))) for ids, value in outcome.sets.items()}
    own = float(np.exp(np.clip(here - best, -500, 0)))
    for name, one in zip(members, outcome.assessments, strict=True):
        rest = (*sorted(set(members) - {name}), UNLISTED_NAME)
        odds = one.unlisted / max(1.0 - one.unlisted, 1e-12)
        weights[rest] = weights.get(rest, 0.0) + odds * own
    total = sum(weights.values())
    listed = sorted(((ids, weight / total) for ids, weight in weights.items()), key=lambda item: -item[1])
    return [item for item in listed[:MOST] if item[1] >= LEAST]


def candidate_probabilities(outcome: Outcome, gain: Array, cost: Array, unknown: float) -> Array:
    """Probability of each candidate by the model.

    Parameters
    ----------
    outcome
        The identification.
    gain, cost
        Gain in evidence of adding each candidate to the best set (by the dictionary), and what that costs, shape
        (candidates,).
    unknown
        Probability of an unlisted phase, which may be what a candidate gains from.

    Returns
    -------
    numpy.ndarray
        Of named phases as assessed; of those left out as they were when they left; of the others what they have in
        exchange for a named phase, or next to the named phases: the most promising are refined and assessed there,
        the others have what the dictionary says.
    """
    named = {m.phase.id: a.probability for m, a in zip(outcome.state.members, outcome.assessments, strict=True)}
    left = {name: min(item.probability, item.presence) for name, item in outcome.rejected}
    best = max(outcome.sets.values(), default=0.0)
    weights = {ids: float(np.exp(np.clip(value - best, -500, 0))) for ids, value in outcome.sets.items()}
    total = sum(weights.values()) or 1.0
    here = frozenset(named)
    odds = gain - cost
    beside = 1.0 / (1.0 + np.exp(np.clip(-odds, -500, 500))) * (1.0 - unknown)
    ids = [phase.id for phase in outcome.candidates]
    open_ones = [i for i in np.argsort(-odds) if ids[i] not in named and ids[i] not in left and odds[i] > -PROMISING]
    for number in open_ones[:MOST]:
        one = outcome.book.members[number]
        beside[number] = evidence.left_out(
            outcome.state, one, outcome.data, outcome.limits, outcome.prior, outcome.sets, outcome.unexplained
        )
    if len(open_ones) > MOST:
        beside[open_ones[MOST:]] = np.minimum(beside[open_ones[MOST:]], beside[open_ones[:MOST]].max())
    found = np.zeros(len(ids))
    for number, name in enumerate(ids):
        instead = sum(weight for key, weight in weights.items() if name in key and not here <= key) / total
        found[number] = named.get(name, left.get(name, max(instead, float(beside[number]))))
    return found
