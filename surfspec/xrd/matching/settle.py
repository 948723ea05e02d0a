"""From the best sets to the answer: exchange phases for better ones, leave out those less likely than not."""

from __future__ import annotations

from surfspec.xrd.matching import model
from surfspec.xrd.matching.dictionary import Dictionary
from surfspec.xrd.matching.evidence import Assessment, assess
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import State
from surfspec.xrd.matching.priors import Prior
from surfspec.xrd.matching.search import Visited
from surfspec.xrd.recipe import Limits

#: Phases less probable than this (their look-alikes included) are not named.
LEAST_PROBABILITY = 0.5
#: How often a phase may be exchanged for a better one.
EXCHANGES = 3

Rejected = list[tuple[str, Assessment]]


def settle(
    state: State, book: Dictionary, data: Measured, limits: Limits, prior: Prior, visited: Visited
) -> tuple[State, list[Assessment], Rejected]:
    """Exchange phases for better ones and leave out those that are less likely than not, weakest first.

    Returns
    -------
    state, assessments, rejected
        `rejected` holds the id and the assessment of each phase that was left out, in the order of leaving. Sets with
        a phase that was left out do not stay in `visited`.
    """
    rejected: Rejected = []
    exchanges = 0
    exchange = False
    while state.members:
        found, better = assess(state, book, data, limits, prior, visited, exchange=exchange)
        free = [index for index, one in enumerate(state.members) if one.phase.id not in prior.stated]
        worst = min(free, key=lambda index: found[index].presence, default=-1)
        if better is not None and exchanges < EXCHANGES:
            exchanges += 1
            state = model.refine(better, data, limits, iterations=4)
        elif worst < 0 or found[worst].presence >= LEAST_PROBABILITY:
            if exchange:
                return state, found, rejected
            exchange = True
        else:
            name = state.members[worst].phase.id
            rejected.append((name, found[worst]))
            visited.sets = {ids: value for ids, value in visited.sets.items() if name not in ids}
            state = model.refine(model.without(state, worst, data, limits), data, limits, iterations=4)
    return state, [], rejected
