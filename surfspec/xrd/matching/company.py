r"""Two found phases on one lattice: more likely one unlisted phase than two listed ones whose cells happen to agree.

An unlisted phase of a simple structure (ZnS, say) is easily drawn as two listed phases of the same lattice (Si and
CeO2), each strained to the measured cell, each taking part of the lines. Two listed phases of different elements whose
refined lines all coincide must have been chosen, and have met, by chance:

.. math:: \ln\frac{P(j, k)}{P(u)} = \max(I_j, I_k) - \ln N + \ln\left[2\delta\,N(e; 0, \sigma)\right]

I is the phase alone against an unlisted one of its lattice, N the number of candidates, e the larger of the two
strains, delta the strain within which lines coincide. Solid solutions and polymorphs (phases that share an element
other than H, C and O) are no chance and are left out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching import model
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import Member, State
from surfspec.xrd.matching.priors import FREE, Prior
from surfspec.xrd.patterns import profile
from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]

#: Distance in FWHM within which two lines coincide.
NEAR = 0.35
#: Share of the calculated area of a phase that must coincide with lines of the other.
MOST = 0.9
#: Lines that a phase must show, weakest line that counts (relative), largest share of the range that the lines of the
#: other may cover: where it is more, coincidence says nothing.
LEAST_LINES, FAINT, CROWDED = 3, 0.02, 0.25


def _shown(one: Member, state: State, data: Measured) -> tuple[Array, Array, Array]:
    """Places (deg), areas and widths of the lines of a member for the main wavelength."""
    single = replace(state.common, light=Radiation("", state.common.light.wavelengths[:1], (1.0,)))
    positions, areas, width, _, _ = model.geometry(one, single)
    shown = profile.shift(positions, state.common.zero, state.common.displacement)
    keep = (shown > data.x[0] + width) & (shown < data.x[-1] - width)
    keep &= areas > FAINT * areas[keep].max(initial=0.0)
    return shown[keep], areas[keep], width[keep]


def _within(own: tuple[Array, Array, Array], other: tuple[Array, Array, Array], span: float) -> bool:
    """Tell whether the lines of one phase all fall on lines of the other, and not by crowding."""
    (place, area, width), (there, _, wide) = own, other
    if len(place) < LEAST_LINES or not len(there) or 2.0 * NEAR * float(np.sum(wide)) > CROWDED * span:
        return False
    apart = np.min(np.abs(place[:, None] - there[None, :]), axis=1)
    return float(np.sum(area[apart < NEAR * width])) >= MOST * float(np.sum(area))


def companions(state: State, data: Measured, prior: Prior) -> list[tuple[int, int]]:
    """Pairs of members on one lattice: of different elements, none stated, the lines of one all on lines of the other.

    Parameters
    ----------
    state, data, prior
        Set of phases, pattern, and what is stated.
    """
    lines = [_shown(one, state, data) for one in state.members]
    span = float(np.ptp(data.x))
    found = []
    for second, b in enumerate(state.members):
        for first, a in enumerate(state.members[:second]):
            if prior.stated & {a.phase.id, b.phase.id} or (a.phase.elements & b.phase.elements) - FREE:
                continue
            if _within(lines[first], lines[second], span) or _within(lines[second], lines[first], span):
                found.append((first, second))
    return found


def paired(odds: Array, state: State, data: Measured, prior: Prior) -> Array:
    """Return the log-odds I against an unlisted phase of the same lattice, lowered where two phases are on one.

    Parameters
    ----------
    odds
        I of each member, shape (members,).
    state, data, prior
        As for :func:`companions`.
    """
    lowered = odds.copy()
    middle = np.radians(float(np.median(data.x))) / 2.0
    delta = float(np.radians(NEAR * data.resolution) / 2.0 / np.tan(middle))
    for pair in companions(state, data, prior):
        a, b = (state.members[index] for index in pair)
        far = max((a, b), key=lambda one: float(np.max(np.abs(one.metric - 1.0))) / one.sigma)
        strain = float(np.max(np.abs(far.metric - 1.0))) / 2.0
        meet = np.log(2.0 * delta / (far.sigma * np.sqrt(2.0 * np.pi))) - 0.5 * (strain / far.sigma) ** 2
        together = max(odds[pair[0]], odds[pair[1]]) - np.log(max(prior.candidates, 1)) + min(float(meet), 0.0)
        for index in pair:
            lowered[index] = min(lowered[index], together)
    return lowered
