"""Another anode would explain the lines far better: a hint that the wavelength told is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from surfspec.xrd.matching import model
from surfspec.xrd.matching.dictionary import COARSE, dictionary, first_shift
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import Common, Member, State
from surfspec.xrd.patterns.wavelengths import anodes, radiation
from surfspec.xrd.recipe import Limits
from surfspec.xrd.structures.phase import Phase

#: Part of the signal (as the best phase alone gains it) from which another anode explains much.
MUCH = 0.3
#: Share of chi-square that the doublet must take away, and the least (chi-square).
DOUBLET_SHARE, DOUBLET_LEAST = 0.08, 100.0
#: How many times more a phase must explain under the other anode.
TIMES = 2.0


def anode_hint(data: Measured, common: Common, candidates: Sequence[Phase], limits: Limits) -> str:
    """Return a reason naming the anode under which one phase alone explains far more than any does now, '' for none.

    Parameters
    ----------
    data, common
        The pattern and the radiation told.
    candidates
        Phases that were tried.
    limits
        Of shifts and cells.
    """
    residual = data.project(data.y)
    whole = 0.5 * float(residual @ residual)
    here, _ = _gain(data, common, candidates, limits)
    best, name, phase = here, "", ""
    for anode in anodes():
        light = radiation(f"{anode}Ka")
        if abs(light.wavelengths[0] / common.light.wavelengths[0] - 1.0) < 0.02:
            continue
        gain, which = _gain(data, replace(common, light=light, ghosts=()), candidates, limits)
        if gain > best:
            best, name, phase = gain, light.name, which
    if not name or best < MUCH * whole or best < TIMES * max(here, 1.0):
        return ""
    return f"ambiguous: the wavelength? {phase} explains the lines with {name} far better than any phase as told"


def doublet_hint(state: State, data: Measured, limits: Limits) -> str:
    """Return a reason where K-alpha1 alone was told and the found phases fit far better with K-alpha2, '' otherwise.

    Parameters
    ----------
    state, data, limits
        Found phases, the pattern, and limits of shifts and cells.
    """
    name = state.common.light.name
    if not state.members or not name.endswith("Ka1") or len(state.common.light.wavelengths) > 1:
        return ""
    pair = radiation(name.removesuffix("1"))
    both = model.solve(state.members, replace(state.common, light=pair), data, limits)
    both = model.refine(both, data, limits, iterations=4)
    gain = state.chi2 - both.chi2
    if gain < max(DOUBLET_LEAST, DOUBLET_SHARE * state.chi2):
        return ""
    return (
        f"ambiguous: the wavelength? K-alpha2 lines are there: {pair.name} fits far better than {name}, say {pair.name}"
    )


def _gain(data: Measured, common: Common, candidates: Sequence[Phase], limits: Limits) -> tuple[float, str]:
    members: list[Member] = [model.member(one, common.light, data, limits) for one in candidates]
    usable = [one for one in members if np.any(model.column(one, common, data) > 0)]
    if not usable:
        return 0.0, ""
    _, gain, _ = first_shift(dictionary(usable, common, data, COARSE), data, limits)
    at = int(np.argmax(gain))
    return float(gain[at]), usable[at].phase.id
