"""From the best sets to the answer: exchange phases for better ones, leave out those less likely than not."""

from __future__ import annotations

from surfspec.xrd.matching import model, search
from surfspec.xrd.matching.dictionary import Dictionary
from surfspec.xrd.matching.evidence import Assessment, assess
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import State
from surfspec.xrd.matching.priors import Prior
from surfspec.xrd.matching.search import Visited
from surfspec.xrd.recipe import Limits

#: Phases less probable than this (their look-alikes included) are not named.
LEAST_PROBABILITY = 0.5
#: How often a better set may be taken instead.
EXCHANGES = 6

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
    banned: frozenset[str] = frozenset()
    before: list[tuple[frozenset[str], State]] = []
    exchanges = 0
    exchange = False
    while True:
        if not state.members:
            better = _better(state, data, prior, visited) if exchanges < EXCHANGES else None
            if better is None:
                return state, [], rejected
            exchanges += 1
            state = model.refine(better, data, limits, iterations=4)
        found = assess(state, book, data, limits, prior, visited, exchange=exchange, banned=banned)
        free = [index for index, one in enumerate(state.members) if one.phase.id not in prior.stated]
        worst = min(free, key=lambda index: found[index].presence, default=-1)
        if worst >= 0 and found[worst].presence < LEAST_PROBABILITY:
            name = state.members[worst].phase.id
            rejected.append((name, found[worst]))
            banned |= {name}
            visited.forget(name)
            state = _back(state, name, before, banned, data, limits)
            continue
        better = _better(state, data, prior, visited) if exchanges < EXCHANGES else None
        if better is not None:
            exchanges += 1
            before.append((search.ids_of(better) - search.ids_of(state), state))
            state = model.refine(better, data, limits, iterations=4)
        elif exchange:
            return state, found, rejected
        exchange = True


def _better(state: State, data: Measured, prior: Prior, visited: Visited) -> State | None:
    """Return the set with most evidence, where that is more than this one has."""
    best = visited.best()
    if best is None or visited.sets[best[0]] <= search.log_evidence(state, data, prior) + search.BETTER:
        return None
    return best[1] if best[0] != search.ids_of(state) else None


def _back(
    state: State, name: str, before: list[tuple[frozenset[str], State]], banned: frozenset[str], data: Measured,
    limits: Limits,
) -> State:  # fmt: skip
    """Leave a phase out; where it came in exchange for another, go back to that set."""
    for place, (new, earlier) in enumerate(before):
        if name in new:
            state = earlier
            del before[place:]
            break
    for index in reversed(range(len(state.members))):
        if state.members[index].phase.id in banned:
            state = model.without(state, index, data, limits)
    return model.refine(state, data, limits, iterations=4) if state.members else state
