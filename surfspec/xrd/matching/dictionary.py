"""A dictionary of strained patterns of all candidates, and the fast scan of a residual with it."""

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

#: Isotropic strains of the dictionary, and those that the search for the common shift needs.
STRAINS = np.round(np.arange(-0.010, 0.0101, 0.001), 4)
COARSE = STRAINS[::2]
#: Zero shifts (deg) tried with the first phase.
ZEROS = np.round(np.arange(-0.20, 0.201, 0.05), 3)


@dataclass(frozen=True)
class Dictionary:
    """Unit-scale patterns of all candidates at all strains, weighted and free of background.

    ``columns`` has shape (candidates, strains, n), ``penalty`` (candidates, strains) holds the strain prior.
    """

    members: tuple[Member, ...]
    columns: NDArray[np.float32]
    penalty: Array
    strains: Array


def dictionary(members: Sequence[Member], common: Common, data: Measured, strains: Array = STRAINS) -> Dictionary:
    """Draw every candidate at every strain with the typical line width of the pattern."""
    n, step = len(data.x), data.step
    size = fft.next_fast_len(n + 512, real=True)
    width = data.resolution
    offsets = np.arange(size) * step
    offsets = np.minimum(offsets, size * step - offsets)
    kernel = fft.rfft(profile.pseudo_voigt(offsets, np.array(width), common.eta) * (offsets < model.REACH * width))
    sticks = np.zeros((len(members), len(strains), size), dtype=np.float32)
    for number, one in enumerate(members):
        sticks[number] = _sticks(one, common, data, size, strains)
    flat = sticks.reshape(-1, size)
    columns = np.empty((len(flat), n), dtype=np.float32)
    for start in range(0, len(flat), 256):
        part = fft.irfft(fft.rfft(flat[start : start + 256], axis=1) * kernel, size, axis=1)
        columns[start : start + 256] = part[:, :n]
    sigma = np.array([one.sigma for one in members])
    penalty = (strains[None, :] / sigma[:, None]) ** 2 * np.array([len(one.metric) for one in members])[:, None] * 0.25
    return Dictionary(tuple(members), columns.reshape(len(members), len(strains), n), penalty, strains)


def _sticks(one: Member, common: Common, data: Measured, size: int, strains: Array) -> Array:
    """Histogram of line areas on the grid for each strain, shape (strains, size), linear between grid points."""
    _, areas, _, waves, numbers = model.geometry(one, common)
    base = (one.found.parts @ one.metric)[numbers]
    q = base[None, :] * (1.0 - 2.0 * strains[:, None])
    sine = np.minimum(waves * np.sqrt(q) / 2.0, 1.0)
    shown = profile.shift(2.0 * np.degrees(np.arcsin(sine)), common.zero, common.displacement)
    place = (shown - data.x[0]) / data.step
    ok = (place >= 0) & (place < len(data.x) - 1) & (sine < 1.0)
    low = np.where(ok, place, 0.0).astype(np.int64)
    part = np.where(ok, place - low, 0.0)
    strength = np.where(ok, areas, 0.0)
    row = low + np.arange(len(strains))[:, None] * size
    total = len(strains) * size
    left = np.bincount(row.ravel(), (strength * (1.0 - part)).ravel(), total)
    right = np.bincount(row.ravel() + 1, (strength * part).ravel(), total + 1)[:total]
    return np.asarray((left + right).reshape(len(strains), size))


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
    few = np.flatnonzero(np.isin(book.strains, COARSE))
    part = slice(int(few[0]), None, int(few[1] - few[0]))
    coarse = replace(book, columns=book.columns[:, part], penalty=book.penalty[:, part], strains=book.strains[part])
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
