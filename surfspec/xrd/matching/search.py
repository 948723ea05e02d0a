r"""Which sets of phases explain a pattern best: a beam of sets that grow, shrink and exchange members.

The evidence of a set is approximated as

.. math:: \ln E = -\tfrac12\chi^2_{min} - \tfrac12\,\mathrm{priors} - \sum_j \tfrac12 k_j\ln n + \ln\pi(S)

with k_j free parameters of phase j (scale, cell), n the number of line widths in the pattern and pi the prior
(:mod:`surfspec.xrd.matching.priors`). Half the first term is the Schwarz criterion (1978, Ann. Statist. 6, 461).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching import ghosts, model
from surfspec.xrd.matching.dictionary import Dictionary, first_shift, scan
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import Common, Member, State
from surfspec.xrd.matching.priors import Prior
from surfspec.xrd.recipe import Limits

Array = NDArray[np.float64]

#: Candidates refined in each round of growth.
SHORTLIST = 5
#: Gain in -chi^2/2 below which a candidate is not tried.
LEAST_GAIN = 3.0
#: Sets kept in each round, and how far (nats) their evidence may lie below the best.
WIDTH, WITHIN = 3, 8.0
#: Gain (nats) from which another refinement of the same set is worth going on from.
BETTER = 0.5


@dataclass
class Visited:
    """Best evidence of each set of phases that was refined (ids -> ln E), and the state that has it.

    Sets without a phase of `stated` are not kept.
    """

    stated: frozenset[str] = frozenset()
    sets: dict[frozenset[str], float] = field(default_factory=dict)
    states: dict[frozenset[str], State] = field(default_factory=dict)

    def note(self, state: State, value: float) -> None:
        """Keep the evidence of a state if it is the best of its set."""
        key = ids_of(state)
        if self.stated <= key and value > self.sets.get(key, -np.inf):
            self.sets[key], self.states[key] = value, state

    def forget(self, name: str) -> None:
        """Drop the sets with a phase."""
        self.sets = {ids: value for ids, value in self.sets.items() if name not in ids}

    def best(self) -> tuple[frozenset[str], State] | None:
        """Return the set with most evidence."""
        if not self.sets:
            return None
        key = max(self.sets, key=lambda ids: self.sets[ids])
        return key, self.states[key]


def ids_of(state: State) -> frozenset[str]:
    """Ids of the phases of a state that take part."""
    return frozenset(one.phase.id for one in state.members)


def parameters_cost(members: Sequence[Member], data: Measured) -> float:
    """Occam factor of the parameters of a set of phases."""
    return float(sum(0.5 * (1.0 + len(one.metric)) for one in members) * np.log(data.effective_points))


def penalty(members: Sequence[Member], data: Measured, prior: Prior) -> float:
    """Occam factor of a set: parameters of each phase and the choice of it; stated phases cost nothing."""
    free = [one for one in members if one.phase.id not in prior.stated]
    return parameters_cost(free, data) + prior.cost(one.phase for one in members)


def log_evidence(state: State, data: Measured, prior: Prior) -> float:
    """Ln E of a state, up to a constant of the pattern."""
    return -0.5 * state.cost - penalty(state.members, data, prior)


def _strained(one: Member, strain: float) -> Member:
    return replace(one, metric=one.metric * (1.0 - 2.0 * strain))


def shortlist(
    book: Dictionary,
    state: State,
    data: Measured,
    limits: Limits,
    prior: Prior,
    count: int = SHORTLIST,
    banned: frozenset[str] = frozenset(),
) -> list[tuple[int, State]]:
    """Refine the most promising candidates on top of a state; return (candidate, refined state), best first."""
    gain, strain = scan(book, state, data)
    present = ids_of(state) | banned
    allowed = [i for i in np.flatnonzero(gain > LEAST_GAIN) if book.members[i].phase.id not in present]
    phases = [one.phase for one in state.members]
    before = prior.cost(phases)
    costs = {i: prior.cost([*phases, book.members[i].phase]) - before for i in allowed} if prior.element_cost else {}
    order = sorted(allowed, key=lambda i: costs.get(i, 0.0) - float(gain[i]))[:count]
    tried = []
    for number in order:
        start = model.added(state, _strained(book.members[number], float(strain[number])), data, limits)
        last = len(start.members) - 1
        tried.append((int(number), model.refine(start, data, limits, free=[last], shifts=False, iterations=4)))
    return sorted(tried, key=lambda item: -log_evidence(item[1], data, prior))


def grow(
    book: Dictionary, data: Measured, limits: Limits, common: Common, most: int, prior: Prior,
    stated: Sequence[Member] = (),
) -> tuple[list[State], Visited]:  # fmt: skip
    """Grow a beam of sets while the evidence rises.

    Parameters
    ----------
    book
        Candidates.
    data, limits, common
        Pattern, limits of the refinement, and what the phases share at the start.
    most
        Largest number of phases.
    prior
        Costs of sets.
    stated
        Members that every set holds.

    Returns
    -------
    states, visited
        The best states, best first (at least one, maybe empty of phases), and the evidence of all sets refined.
    """
    visited = Visited(prior.stated)
    empty = model.solve(stated, common, data, limits)
    if stated:
        empty = _with_ghosts(model.refine(empty, data, limits, iterations=6), data, limits)
    visited.note(empty, log_evidence(empty, data, prior))
    beam = [empty] if stated else _first(book, empty, data, limits, common, prior, visited)
    best = {ids_of(one): one for one in beam}
    best.setdefault(ids_of(empty), empty)

    def rank(state: State) -> float:
        return log_evidence(state, data, prior)

    while beam and len(beam[0].members) < most:
        found: dict[frozenset[str], State] = {}
        for state in beam:
            for trial in _children(book, state, data, limits, prior, visited):
                name, value = ids_of(trial), log_evidence(trial, data, prior)
                known = max((one for one in (best.get(name), found.get(name)) if one), key=rank, default=None)
                if known is None or value > rank(known) + BETTER:
                    found[name] = trial
        if not found:
            break
        for name, trial in found.items():
            visited.note(trial, log_evidence(trial, data, prior))
            best[name] = trial
        beam = _kept(list(best.values()), found, data, prior)
    return _ranked(best.values(), data, prior)[:WIDTH], visited


def _kept(states: Sequence[State], new: Mapping[frozenset[str], State], data: Measured, prior: Prior) -> list[State]:
    """Return new states that are near the best of all."""
    top = max(log_evidence(one, data, prior) for one in states)
    near = [one for one in new.values() if log_evidence(one, data, prior) > top - WITHIN]
    return _ranked(near, data, prior)[:WIDTH]


def _ranked(states: Iterable[State], data: Measured, prior: Prior) -> list[State]:
    return sorted(states, key=lambda one: -log_evidence(one, data, prior))


def _children(
    book: Dictionary, state: State, data: Measured, limits: Limits, prior: Prior, visited: Visited
) -> list[State]:
    """Return sets with one phase more (and pruned) that have more evidence than their parent."""
    here = log_evidence(state, data, prior)
    options = shortlist(book, state, data, limits, prior)
    for _, one in options:
        visited.note(one, log_evidence(one, data, prior))
    if not options:
        return []
    top = log_evidence(options[0][1], data, prior)
    children = []
    for _, one in options[:WIDTH]:
        if log_evidence(one, data, prior) < max(top - WITHIN, here - WITHIN):
            continue
        trial = _with_ghosts(model.refine(one, data, limits, iterations=4), data, limits)
        if log_evidence(trial, data, prior) <= here:
            visited.note(trial, log_evidence(trial, data, prior))
            continue
        smaller = prune(trial, data, limits, prior)
        if len(smaller.members) < len(trial.members):
            visited.note(trial, log_evidence(trial, data, prior))
            if log_evidence(smaller, data, prior) <= here:
                continue
        children.append(smaller)
    return children


def _first(
    book: Dictionary, empty: State, data: Measured, limits: Limits, common: Common, prior: Prior, visited: Visited
) -> list[State]:
    """Return sets of one phase, at the line shift that suits the pattern best."""
    zero, gain, strain = first_shift(book, data, limits)
    starts = []
    shifted = replace(common, zero=0.4 * zero, displacement=0.6 * zero)
    for number in np.argsort(-gain)[:SHORTLIST]:
        if gain[number] <= 0:
            continue
        one = _strained(book.members[number], float(strain[number]))
        state = model.refine(model.solve([one], shifted, data, limits), data, limits, iterations=6)
        state = _with_ghosts(state, data, limits)
        visited.note(state, log_evidence(state, data, prior))
        starts.append(state)
    here = log_evidence(empty, data, prior)
    better = [one for one in _ranked(starts, data, prior) if log_evidence(one, data, prior) > here]
    if not better:
        return []
    top = log_evidence(better[0], data, prior)
    return [one for one in better[:WIDTH] if log_evidence(one, data, prior) > top - WITHIN]


def _with_ghosts(state: State, data: Measured, limits: Limits) -> State:
    """Take K-beta and tungsten lines into the model where the data show them."""
    seen = ghosts.ghosts_of(state, data)
    if seen == state.common.ghosts:
        return state
    return model.solve(state.members, replace(state.common, ghosts=seen), data, limits)


def prune(state: State, data: Measured, limits: Limits, prior: Prior) -> State:
    """Leave out phases as long as that raises the evidence; stated ones stay."""
    while True:
        free = [index for index, one in enumerate(state.members) if one.phase.id not in prior.stated]
        if not free:
            return state
        trials = [model.without(state, index, data, limits) for index in free]
        best = max(trials, key=lambda one: log_evidence(one, data, prior))
        if log_evidence(best, data, prior) < log_evidence(state, data, prior):
            return state
        state = model.refine(best, data, limits, iterations=3) if best.members else best
