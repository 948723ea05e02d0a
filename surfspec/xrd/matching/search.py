r"""Which set of phases explains a pattern best: a dictionary of strained patterns, greedy growth, pruning and exchange.

The evidence of a set is approximated as

.. math:: \ln E = -\tfrac12\chi^2_{min} - \tfrac12\,\mathrm{priors} - \sum_j\left[\tfrac12 k_j\ln n + \ln N\right]

with k_j free parameters of phase j (scale, cell, width), n the number of line widths in the pattern and N the number of
candidates (every one as likely before the measurement). Half the first term is the Schwarz criterion (1978, Ann.
Statist. 6, 461).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from surfspec.xrd.matching import model
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import Common, Member, State
from surfspec.xrd.patterns import profile
from surfspec.xrd.recipe import Limits

Array = NDArray[np.float64]

#: Isotropic strains of the dictionary.
STRAINS = np.round(np.arange(-0.010, 0.0101, 0.001), 4)
#: Zero shifts (deg) tried with the first phase.
ZEROS = np.round(np.arange(-0.20, 0.201, 0.05), 3)
#: Candidates refined in each round of growth.
SHORTLIST = 5


@dataclass(frozen=True)
class Dictionary:
    """Unit-scale patterns of all candidates at all strains, weighted and free of background.

    ``columns`` has shape (candidates, strains, n), ``penalty`` (candidates, strains) holds the strain prior.
    """

    members: tuple[Member, ...]
    columns: NDArray[np.float32]
    penalty: Array
    strains: Array


def dictionary(members: Sequence[Member], common: Common, data: Measured) -> Dictionary:
    """Draw every candidate at every strain with the typical line width of the pattern."""
    n, step = len(data.x), data.step
    size = fft.next_fast_len(n + 512, real=True)
    width = data.resolution
    offsets = np.arange(size) * step
    offsets = np.minimum(offsets, size * step - offsets)
    kernel = fft.rfft(profile.pseudo_voigt(offsets, np.array(width), common.eta) * (offsets < model.REACH * width))
    sticks = np.zeros((len(members), len(STRAINS), size), dtype=np.float32)
    for number, one in enumerate(members):
        sticks[number] = _sticks(one, common, data, size)
    flat = sticks.reshape(-1, size)
    columns = np.empty((len(flat), n), dtype=np.float32)
    for start in range(0, len(flat), 256):
        part = fft.irfft(fft.rfft(flat[start : start + 256], axis=1) * kernel, size, axis=1)
        columns[start : start + 256] = part[:, :n]
    sigma = np.array([one.sigma for one in members])
    penalty = (STRAINS[None, :] / sigma[:, None]) ** 2 * np.array([len(one.metric) for one in members])[:, None] * 0.25
    return Dictionary(tuple(members), columns.reshape(len(members), len(STRAINS), n), penalty, STRAINS)


def _sticks(one: Member, common: Common, data: Measured, size: int) -> Array:
    """Histogram of line areas on the grid for each strain, shape (strains, size), linear between grid points."""
    _, areas, _, waves, numbers = model.geometry(one, common)
    base = (one.found.parts @ one.metric)[numbers]
    q = base[None, :] * (1.0 - 2.0 * STRAINS[:, None])
    sine = np.minimum(waves * np.sqrt(q) / 2.0, 1.0)
    shown = profile.shift(2.0 * np.degrees(np.arcsin(sine)), common.zero, common.displacement)
    place = (shown - data.x[0]) / data.step
    ok = (place >= 0) & (place < len(data.x) - 1) & (sine < 1.0)
    low = np.where(ok, place, 0.0).astype(np.int64)
    part = np.where(ok, place - low, 0.0)
    strength = np.where(ok, areas, 0.0)
    row = low + np.arange(len(STRAINS))[:, None] * size
    total = len(STRAINS) * size
    left = np.bincount(row.ravel(), (strength * (1.0 - part)).ravel(), total)
    right = np.bincount(row.ravel() + 1, (strength * part).ravel(), total + 1)[:total]
    return np.asarray((left + right).reshape(len(STRAINS), size))


def scan(book: Dictionary, state: State, data: Measured) -> tuple[Array, Array]:
    """Gain in -chi^2/2 of adding each candidate to a state, at its best strain.

    Returns
    -------
    gain, strain
        Each of shape (candidates,); the gain includes the strain prior and is 0 where the scale would be negative.
    """
    residual = data.project(data.y - state.columns @ state.scales if state.columns.size else data.y)
    if state.columns.size and np.any(state.scales > 0):
        basis, _ = np.linalg.qr(data.project(state.columns[:, state.scales > 0]))
        basis = np.concatenate([data.basis, basis], axis=1)
    else:
        basis = data.basis
    bins = _bins(state.common, data)
    return _gains(book, *(np.roll(one, -bins, axis=0) for one in (residual, data.weight, basis)))


def _bins(common: Common, data: Measured) -> int:
    """Shift of the lines in the middle of the pattern, in grid steps; the strains of the dictionary take the rest."""
    middle = np.array([float(np.median(data.x))])
    moved = float(profile.shift(middle, common.zero, common.displacement)[0] - middle[0])
    return round(moved / data.step)


def _gains(book: Dictionary, residual: Array, weight: Array, basis: Array) -> tuple[Array, Array]:
    count, strains, n = book.columns.shape
    flat = book.columns.reshape(-1, n)
    top = (flat @ (residual * weight).astype(np.float32)).astype(np.float64)
    own = np.square(flat) @ np.square(weight).astype(np.float32)
    shared = flat @ (basis * weight[:, None]).astype(np.float32)
    norm = np.maximum(own - np.einsum("ij,ij->i", shared, shared), 1e-3 * own + 1e-30).astype(np.float64)
    gain = np.where(top > 0, 0.5 * top**2 / norm, 0.0).reshape(count, strains) - 0.5 * book.penalty
    best = np.argmax(gain, axis=1)
    return gain[np.arange(count), best], book.strains[best]


def first_shift(book: Dictionary, data: Measured, limits: Limits) -> tuple[float, Array, Array]:
    """Try zero shifts with every single phase: return the best shift with the gains and strains at that shift."""
    best: tuple[float, float, Array, Array] | None = None
    residual = data.project(data.y)
    coarse = replace(book, columns=book.columns[:, ::2], penalty=book.penalty[:, ::2], strains=book.strains[::2])
    for zero in ZEROS[np.abs(ZEROS) <= limits.largest_shift]:
        bins = round(zero / data.step)
        moved = [np.roll(one, -bins, axis=0) for one in (residual, data.weight, data.basis)]
        gain, strain = _gains(coarse, *moved)
        value = float(gain.max()) - 0.5 * float(zero / limits.displacement) ** 2
        if best is None or value > best[0]:
            best = (value, float(zero), gain, strain)
    if best is None:
        return 0.0, np.zeros(len(book.members)), np.zeros(len(book.members))
    return best[1], best[2], best[3]


def penalty(members: Sequence[Member], data: Measured, candidates: int) -> float:
    """Occam factor of a set: parameters of each phase and the choice of it."""
    each = [0.5 * (1.0 + len(one.metric)) * np.log(data.effective_points) + np.log(candidates) for one in members]
    return float(np.sum(each))


def log_evidence(state: State, data: Measured, candidates: int) -> float:
    """Ln E of a state, up to a constant of the pattern."""
    return -0.5 * state.cost - penalty(state.members, data, candidates)


def _strained(one: Member, strain: float) -> Member:
    return replace(one, metric=one.metric * (1.0 - 2.0 * strain))


def shortlist(
    book: Dictionary, state: State, data: Measured, limits: Limits, count: int = SHORTLIST
) -> list[tuple[int, State]]:
    """Refine the most promising candidates on top of a state; return (candidate, refined state), best first."""
    gain, strain = scan(book, state, data)
    present = {one.phase.id for one in state.members}
    order = [i for i in np.argsort(-gain) if book.members[i].phase.id not in present and gain[i] > 3.0][:count]
    tried = []
    for number in order:
        start = model.added(state, _strained(book.members[number], float(strain[number])), data, limits)
        last = len(start.members) - 1
        tried.append((number, model.refine(start, data, limits, free=[last], shifts=False, iterations=4)))
    return sorted(tried, key=lambda item: item[1].cost)


def grow(book: Dictionary, data: Measured, limits: Limits, common: Common, most: int) -> State:
    """Add phases one after another while the evidence rises; drop and exchange them on the way."""
    total = len(book.members)
    state = model.solve([], common, data, limits)
    zero, gain, strain = first_shift(book, data, limits)
    starts = []
    for number in np.argsort(-gain)[:SHORTLIST]:
        if gain[number] <= 0:
            continue
        shifted = replace(common, zero=0.4 * zero, displacement=0.6 * zero)
        one = _strained(book.members[number], float(strain[number]))
        starts.append(model.refine(model.solve([one], shifted, data, limits), data, limits, iterations=6))
    if not starts:
        return state
    best = max(starts, key=lambda one: log_evidence(one, data, total))
    if log_evidence(best, data, total) <= log_evidence(state, data, total):
        return state
    state = best
    while len(state.members) < most:
        options = shortlist(book, state, data, limits)
        if not options:
            break
        trial = model.refine(options[0][1], data, limits, iterations=4)
        if log_evidence(trial, data, total) <= log_evidence(state, data, total):
            break
        state = prune(trial, data, limits, total)
        if len(state.members) < len(trial.members) and log_evidence(state, data, total) <= log_evidence(
            trial, data, total
        ):
            break
    return prune(state, data, limits, total)


def prune(state: State, data: Measured, limits: Limits, total: int) -> State:
    """Leave out phases as long as that raises the evidence."""
    while state.members:
        trials = [model.without(state, index, data, limits) for index in range(len(state.members))]
        best = max(trials, key=lambda one: log_evidence(one, data, total))
        if log_evidence(best, data, total) < log_evidence(state, data, total):
            break
        state = model.refine(best, data, limits, iterations=3)
    return state
