r"""How much of each candidate would have been seen, by the rule that names phases.

A phase of scale s is named when both terms of its odds are positive (:mod:`surfspec.xrd.matching.evidence`):

.. math:: \Delta(s) = \tfrac12 s^2 Q - p > 0, \qquad
   C(s) = \sum_{clean} \left[\min\left(\tfrac12 z_g^2, f_g\right) - \tfrac12 - \ln(\epsilon_t z_g)\right] - p' > 0

Q is the weighted norm of its unit pattern next to background and found phases, z_g = s a_g the signal-to-noise ratio
of line group g, f_g the cost of a line at a free place, eps_t the scatter of intensities, p and p' what the phase costs
before it is seen. A line counts as clean where the phase makes more of the signal there than the found phases do. The
limit is the smallest such s, raised by one standard deviation: about five in six samples at the limit show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching import chance, model, search
from surfspec.xrd.matching.dictionary import Dictionary
from surfspec.xrd.matching.evidence import TEXTURE
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import Common, Member, State
from surfspec.xrd.matching.observed import CLEAN_SHARE, MERGE
from surfspec.xrd.matching.priors import Prior
from surfspec.xrd.patterns import profile
from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]

#: Integral of the square of a unit-area pseudo-Voigt line (eta = 0.5), times its FWHM.
SQUARE = 0.476
#: Scales tried, in units of the scale that stands out by one standard deviation.
TRIALS = np.geomspace(2.0, 3000.0, 80)
#: Odds (nats) that both terms must reach, so that their sum is more likely than not.
NEEDED = float(np.log(2.0))
#: Lines weaker than this share of the strongest are no help.
FAINT = 0.02


@dataclass(frozen=True)
class Groups:
    """Line groups of a candidate at unit scale: place (deg), area, width (deg), line number of the strongest."""

    place: Array
    area: Array
    width: Array
    number: NDArray[np.signedinteger]


def groups_of(one: Member, common: Common, data: Measured) -> Groups:
    """Merge the lines of a candidate (Ka2 counted with Ka1) that the instrument cannot part."""
    single = replace(common, light=Radiation("", common.light.wavelengths[:1], (1.0,)))
    positions, areas, width, _, numbers = model.geometry(one, single)
    shown = profile.shift(positions, common.zero, common.displacement)
    keep = (shown > data.x[0] + width) & (shown < data.x[-1] - width)
    keep &= areas > FAINT * areas[keep].max(initial=0.0)
    shown, areas, width, numbers = shown[keep], areas[keep], width[keep], numbers[keep]
    if not len(shown):
        none = np.empty(0)
        return Groups(none, none, none, np.empty(0, dtype=np.int64))
    first = np.concatenate([[True], np.diff(shown) > MERGE * width[1:]])
    group = np.cumsum(first) - 1
    count = int(group[-1]) + 1
    total = np.bincount(group, areas, count).astype(np.float64)
    best = np.lexsort((-areas, group))[first]
    return Groups(np.asarray(np.bincount(group, areas * shown, count) / total), total, width[best], numbers[best])


def limits_of(
    groups: Sequence[Groups], book: Dictionary, state: State, data: Measured, prior: Prior, foreign: int, loose: int
) -> tuple[Array, Array]:
    """Return the detection limit of each candidate as a scale, and how much of its pattern found phases hide.

    Parameters
    ----------
    groups, book, state, data, prior
        Line groups of the candidates, the candidates, the best set, the pattern, and the costs of sets.
    foreign, loose
        Lines that the set leaves unexplained, those of no found phase and all.

    Returns
    -------
    limit, hidden
        Shape (candidates,). The limit is inf where no amount would be named, because no line stands alone. Hidden is
        the share (of the squared, weighted pattern above background) that found phases can imitate, from 0 to 1.
    """
    names = [one.phase.id for one in state.members]
    found, hidden = np.full(len(book.members), np.inf), np.ones(len(book.members))
    smooth = data.raw_basis.shape[1]
    middle = int(np.argmin(np.abs(book.strains)))
    phases = [one.phase for one in state.members]
    base = prior.cost(phases)
    shared: dict[int, tuple[Array, Array, Array]] = {}
    for number, one in enumerate(book.members):
        own = names.index(one.phase.id) if one.phase.id in names else -1
        if own not in shared:
            shared[own] = _surroundings(state, data, own)
        weight, basis, others = shared[own]
        column = book.columns[number, middle] * weight
        along = (column @ basis) ** 2
        norm, alone = float(column @ column - np.sum(along)), float(column @ column - np.sum(along[:smooth]))
        hidden[number] = 1.0 - norm / alone if alone > 0 else 1.0
        if norm <= 1e-3 * float(column @ column):
            continue
        cost = (
            base - prior.cost(phases[:own] + phases[own + 1 :]) if own >= 0 else prior.cost([*phases, one.phase]) - base
        )
        occam = search.parameters_cost([one], data) + cost
        found[number] = _limit(groups[number], norm, occam, weight, others, data, foreign, loose)
    return found, hidden


def _surroundings(state: State, data: Measured, own: int) -> tuple[Array, Array, Array]:
    """Weights, orthonormal basis of background and other phases, and the signal of the others."""
    scales = state.scales.copy()
    signal = data.signal
    if own >= 0:
        signal = np.maximum(signal - scales[own] * state.columns[:, own], 0.0)
        scales[own] = 0.0
    weight = 1.0 / np.sqrt(data.counting + data.points * (data.model_error * signal) ** 2)
    other = state.columns[:, scales > 0]
    basis, _ = np.linalg.qr(np.concatenate([data.raw_basis, other], axis=1) * weight[:, None])
    return weight, basis, np.asarray(state.columns @ scales) if state.columns.size else np.zeros(len(data.x))


def _limit(
    groups: Groups, norm: float, occam: float, weight: Array, others: Array, data: Measured, foreign: int, loose: int
) -> float:
    if not len(groups.place):
        return float("inf")
    scales = TRIALS / np.sqrt(norm)
    at = np.clip(np.searchsorted(data.x, groups.place), 0, len(data.x) - 1)
    near = np.clip(at[:, None] + np.arange(-2, 3), 0, len(data.x) - 1)
    heights = groups.area * chance.PEAK / groups.width
    unit = groups.area * np.sqrt(SQUARE / groups.width / data.step * np.mean(weight[near] ** 2, axis=1))
    z = scales[:, None] * unit
    clean = scales[:, None] * heights * (1.0 - CLEAN_SHARE) > CLEAN_SHARE * others[near].max(axis=1)
    clean &= z > 1.0
    crowd = 1.0 + foreign / 3.0
    amplitude = 1.0 + (0.5 * np.log(data.effective_points) - 1.0) / crowd
    free = chance.free_cost(heights, groups.width, float(heights.max()), loose, float(np.ptp(data.x)), float(amplitude))
    line = np.minimum(0.5 * z**2, free) - 0.5 - np.maximum(np.log(TEXTURE * np.maximum(z, 1e-9)), 0.0)
    odds = np.sum(np.where(clean, line, 0.0), axis=1) + chance.unlisted_cost(foreign) - occam
    enough = (odds > NEEDED) & (0.5 * TRIALS**2 - occam > NEEDED)
    if not np.any(enough):
        return float("inf")
    first = int(np.argmax(enough))
    return float(scales[first] * (1.0 + 1.0 / TRIALS[first]))


def weight_fractions(limit: Array, book: Dictionary, state: State) -> Array:
    """Return detection limits as weight fractions next to the found phases; NaN where nothing would be named."""
    names = [one.phase.id for one in state.members]
    masses = np.array([s * one.phase.density for s, one in zip(state.scales, state.members, strict=True)])
    known = np.full(len(book.members), float(masses.sum()))
    for number, one in enumerate(book.members):
        if one.phase.id in names:
            known[number] -= masses[names.index(one.phase.id)]
    mass = limit * np.array([one.phase.density for one in book.members])
    with np.errstate(invalid="ignore"):
        share = np.where(np.isfinite(mass) & (known > 0), mass / (mass + known), np.nan)
    return np.asarray(share, dtype=np.float64)
