r"""Texture of the found phases: one axis and one March coefficient each, within the limits of the recipe.

.. math:: A_{hkl} \to A_{hkl}\, P_{hkl}(r), \qquad 1/r_{max} \le r \le r_{max}

with P of March and Dollase (:func:`surfspec.xrd.patterns.texture.march_dollase`). A texture is taken where it raises
the evidence: half the gain in chi-square must exceed what one parameter and the choice of an axis cost.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching import model
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import Member, State
from surfspec.xrd.patterns.texture import march_factor, texture_cosines
from surfspec.xrd.recipe import Limits

Array = NDArray[np.float64]

#: Axes tried: normals of the usual cleavage and habit faces.
AXES = ((0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 1, 1), (1, 0, 1))
#: Coefficients tried on each side of 1, and nats that a texture must gain beyond its parameter and axis.
STEPS, MARGIN = 6, 2.0


def textured(state: State, data: Measured, limits: Limits) -> State:
    """Give each phase the texture that suits the data best, strongest phase first, where it is worth it."""
    if limits.largest_texture <= 1.0:
        return state
    order = np.argsort(-state.scales * state.columns.sum(axis=0)) if state.members else ()
    needed = 2.0 * (0.5 * np.log(data.effective_points) + np.log(len(AXES)) + MARGIN)
    for index in order:
        best = _best(state, int(index), data, limits)
        if best is None:
            continue
        members = list(state.members)
        members[int(index)] = best
        trial = model.solve(members, state.common, data, limits)
        if state.cost - trial.cost > needed:
            state = trial
    return state


def _best(state: State, index: int, data: Measured, limits: Limits) -> Member | None:
    """Texture of one phase for which its own pattern fits best what the others leave."""
    one = state.members[index]
    if one.texture is not None or state.scales[index] <= 0:
        return None
    rest = data.project(data.y - state.columns @ state.scales + state.scales[index] * state.columns[:, index])
    side = np.geomspace(1.0, limits.largest_texture, STEPS + 1)[1:]
    best, top = None, -np.inf
    for axis in AXES:
        cosines = texture_cosines(one.found.hkl, one.phase, direction=axis)
        for r in (*side, *(1.0 / side)):
            trial = replace(one, strength=one.strength * march_factor(cosines, float(r))[0], texture=(*axis, float(r)))
            column = data.project(model.column(trial, state.common, data))
            gain = float(column @ rest) ** 2 / max(float(column @ column), 1e-300)
            if gain > top:
                best, top = trial, gain
    return best
