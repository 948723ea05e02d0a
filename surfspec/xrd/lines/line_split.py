"""Two lines in place of one that misfits, where that mends it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.lines.hunt import Hunt, State, joined, step_of
from surfspec.xrd.lines.line_misfit import local_misfit

Index = NDArray[np.int64]

#: Reduced chi-square on a line, by counting alone, from which two lines are tried in its place.
SPLIT_MISFIT = 2.5
#: Fall of chi-square that two lines in place of one must bring: three further parameters at about 6 sigma.
SPLIT_GAIN = 40.0
#: Relative error of the profile that is always allowed when a line is split.
PROFILE_ERROR = 0.05


def split(hunt: Hunt, state: State) -> State:
    """Put two lines in place of one that misfits, where that mends it beyond what chance and profile errors do."""
    lines = state.fit.lines
    law = state.law.width(lines.center)
    squares = (hunt.y - state.fit.model) ** 2 / hunt.counting(state.fit.model)
    odd = local_misfit(hunt.x, squares, lines) > SPLIT_MISFIT
    odd |= (lines.width > 1.5 * law) & (state.strength > 2.0 * hunt.threshold)
    odd &= state.strength > 2.0 * hunt.threshold
    if not np.any(odd):
        return state
    chosen = lines.take(np.flatnonzero(odd))
    parts = [
        replace(chosen, height=0.6 * chosen.height, center=chosen.center + side * 0.35 * chosen.width,
                log_width=np.minimum(chosen.log_width - 0.35, np.log(law[odd])), share=np.full(odd.sum(), 0.5),
                skew=np.zeros(odd.sum()))
        for side in (-1.0, 1.0)
    ]  # fmt: skip
    kept = np.flatnonzero(~odd)
    strength = np.concatenate([state.strength[kept], np.tile(state.strength[odd], 2)])
    typical = replace(state.law, size=min(state.law.size, float(np.median(parts[0].width))))
    trial = hunt.fit(joined(lines.take(kept), joined(*parts)), typical, state.basis, strength, state.variance, steps=15)
    return _better_parts(hunt, state, trial, np.flatnonzero(odd), len(kept))


def _better_parts(hunt: Hunt, state: State, trial: State, odd: Index, kept: int) -> State:
    """Keep the parts of those lines that they mend; both parts must stand out."""
    number = np.arange(len(odd))
    first, second = kept + number, kept + len(odd) + number
    error = max(trial.model_error, PROFILE_ERROR)
    points = max(float(trial.law.width(np.array(np.median(hunt.x)))) / step_of(hunt.x), 1.0)
    variance = hunt.counting(trial.fit.model) + points * (error * (trial.fit.model - trial.fit.background)) ** 2
    region = state.fit.lines.take(odd)
    count = 4.0 * region.width / step_of(hunt.x)
    gain = count * (local_misfit(hunt.x, (hunt.y - state.fit.model) ** 2 / variance, region)
                    - local_misfit(hunt.x, (hunt.y - trial.fit.model) ** 2 / variance, region))  # fmt: skip
    new = trial.fit.lines
    apart = np.abs(new.center[second] - new.center[first]) > 0.4 * trial.law.width(region.center)
    stands = np.minimum(trial.strength[first], trial.strength[second]) > hunt.threshold
    good = (gain > SPLIT_GAIN) & stands & apart
    if not np.any(good):
        return state
    old = np.setdiff1d(np.arange(len(state.fit.lines.height)), odd[good])
    parts = np.concatenate([first[good], second[good]])
    lines = joined(state.fit.lines.take(old), new.take(parts))
    strength = np.concatenate([state.strength[old], trial.strength[parts]])
    return hunt.fit(lines, state.law, state.basis, strength, hunt.first_variance)
