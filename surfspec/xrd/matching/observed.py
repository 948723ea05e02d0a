"""What is seen of a set of phases: each line of a phase, the lines nobody explains, the background."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.matching import model
from surfspec.xrd.matching.measured import Measured
from surfspec.xrd.matching.model import State
from surfspec.xrd.patterns import profile

Array = NDArray[np.float64]

#: Lines of one phase closer than this many FWHM are judged together.
MERGE = 0.8
#: A line is clean when the phase makes up at least this share of the signal at its place.
CLEAN_SHARE = 0.5
#: Observed over calculated area above which most of a line must come from something else (or from texture).
FOREIGN = 2.5
#: Share of the signal near a line below which the line may be the flank of something else.
LEAST_SHARE = 0.4
#: Relative uncertainty of an observed line above which nothing can be said about it.
UNDECIDED = 0.33
STATUS = ("confirmed", "missing", "overlapped", "weak", "not measured")
#: Share of a line (of its squared profile) that must have been measured.
MEASURED = 0.5


@dataclass(frozen=True)
class Reflections:
    """Line groups of one phase: where, how strong, and what is seen of them.

    ``expected`` is the calculated area (intensity times deg), ``ratio`` the observed area over the expected one
    with its standard uncertainty, ``share`` the part of the signal at that place that the phase makes up,
    ``offset`` how far the observed line is from the calculated place (deg, with its uncertainty), ``width`` its
    FWHM (deg), ``status`` a word of `STATUS`. Lines in gaps of the pattern are
    not measured: they have no ratio (NaN) and count neither for the phase nor against it.
    """

    number: NDArray[np.int64]
    two_theta: Array
    expected: Array
    ratio: Array
    ratio_unc: Array
    share: Array
    offset: Array
    offset_unc: Array
    width: Array
    status: NDArray[np.str_]


def reflections(state: State, index: int, data: Measured) -> Reflections:
    """Compare the lines of one phase with what the others leave of the data."""
    one = state.members[index]
    positions, areas, width, _, numbers = model.geometry(one, state.common)
    first = np.zeros(len(positions), dtype=bool)
    first[: np.count_nonzero(np.isfinite(positions)) // len(state.common.light.wavelengths) + 1] = True
    shown = profile.shift(positions, state.common.zero, state.common.displacement)
    keep = (shown > data.x[0] + width) & (shown < data.x[-1] - width)
    keep &= areas > 5e-3 * areas[keep].max(initial=0.0)
    shown, areas, width, numbers = shown[keep], areas[keep], width[keep], numbers[keep]
    scale = float(state.scales[index])
    place, group = _groups(shown, areas, width, numbers)
    count = len(place)
    if count == 0 or scale <= 0:
        none = np.empty(0)
        no_number, word = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.str_)
        return Reflections(no_number, none, none, none, none, none, none, none, none, word)
    rest = data.y - state.columns @ state.scales + scale * state.columns[:, index]
    floor = background(state, data)
    rest = (rest - floor) * data.weight
    drawn = np.stack(
        [profile.draw(data.x, shown[group == g], areas[group == g], width[group == g], state.common.eta, 4.0)
         for g in range(count)], axis=1)  # fmt: skip
    weighted = drawn * data.weight[:, None]
    top, strength = weighted.T @ rest, np.sum(weighted**2, axis=0) + 1e-300
    lost = np.sum(drawn[data.seen] ** 2, axis=0) < MEASURED * np.sum(drawn**2, axis=0)
    # each group is judged on what the other groups of the phase leave
    overlap = weighted.T @ weighted
    ratio = (top - scale * (overlap.sum(axis=1) - strength)) / (scale * strength)
    unc = 1.0 / (scale * np.sqrt(strength))
    offset, offset_unc, wide = _offsets(
        data, rest, weighted, scale * np.maximum(ratio, 0.2), (shown, areas, width, group), state.common.eta
    )
    peak = np.argmax(drawn, axis=0)
    signal = np.maximum(data.signal[peak], 1e-12)
    share = np.minimum(
        scale * state.columns[peak, index] / np.maximum(signal, (state.columns @ state.scales)[peak]), 1.0
    )
    counting = 1.0 / (scale * np.sqrt(np.sum(drawn**2 / data.counting[:, None], axis=0) + 1e-300))
    status = np.full(count, "confirmed", dtype="<U12")
    status[ratio < 0.25 + 2.0 * unc] = "missing"
    status[(ratio < 0.25 + 2.0 * unc) & (ratio > 0.25)] = "weak"
    others = (state.columns @ state.scales)[peak] - scale * state.columns[peak, index]
    hidden = others > scale * state.columns[peak, index] / CLEAN_SHARE * (1 - CLEAN_SHARE)
    hidden |= (ratio > FOREIGN) | (share < LEAST_SHARE)
    hidden |= (unc > UNDECIDED) & (counting < UNDECIDED)
    status[counting >= UNDECIDED] = "weak"
    status[hidden & (counting < UNDECIDED)] = "overlapped"
    status[lost] = "not measured"
    ratio, unc = np.where(lost, np.nan, ratio), np.where(lost, np.nan, unc)
    order = np.argsort(place)
    number = np.array([numbers[group == g][np.argmax(areas[group == g])] for g in range(count)])
    expected = np.asarray(scale * np.bincount(group, areas, count), dtype=np.float64)
    return Reflections(
        number[order],
        place[order],
        expected[order],
        ratio[order],
        unc[order],
        share[order],
        offset[order],
        offset_unc[order],
        wide[order],
        status[order],
    )


def _offsets(
    data: Measured, rest: Array, weighted: Array, amplitude: Array,
    lines: tuple[Array, Array, Array, NDArray[np.int64]], eta: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """How far each line group is from its calculated place (linearised), with uncertainty, and its FWHM (deg)."""
    shown, areas, width, group = lines
    count = weighted.shape[1]
    total = np.bincount(group, areas, count)
    wide = np.bincount(group, areas * width, count) / total
    left = rest - weighted @ amplitude
    offset, unc = np.zeros(count), np.full(count, np.inf)
    for g in range(count):
        own = group == g
        h = 0.05 * wide[g]
        ahead = profile.draw(data.x, shown[own] + h, areas[own], width[own], eta, 4.0)
        behind = profile.draw(data.x, shown[own] - h, areas[own], width[own], eta, 4.0)
        slope = (ahead - behind) / (2.0 * h) * amplitude[g] * data.weight
        norm = float(slope @ slope)
        if norm > 0:
            offset[g], unc[g] = float(slope @ left) / norm, norm**-0.5
    return offset, unc, wide


def _groups(shown: Array, areas: Array, width: Array, numbers: NDArray[np.int64]) -> tuple[Array, NDArray[np.int64]]:
    """Merge lines (and the Ka2 line of each) that the instrument cannot part; return places and group numbers."""
    group = np.full(len(shown), -1, dtype=np.int64)
    seen: dict[int, int] = {}
    places: list[float] = []
    last = -np.inf
    for index in np.argsort(shown):
        number = int(numbers[index])
        if number in seen:
            group[index] = seen[number]
            continue
        if not places or shown[index] - last > MERGE * width[index]:
            places.append(float(shown[index]))
        last = float(shown[index])
        group[index] = seen[number] = len(places) - 1
    strongest = [float(shown[group == g][np.argmax(areas[group == g])]) for g in range(len(places))]
    return np.array(strongest), group


def background(state: State, data: Measured) -> Array:
    """Background that belongs to a state."""
    rest = data.y - (state.columns @ state.scales if state.columns.size else 0.0)
    solution, *_ = np.linalg.lstsq(data.raw_basis * data.weight[:, None], rest * data.weight, rcond=None)
    return np.asarray(data.raw_basis @ solution)


def unexplained(state: State, data: Measured, significance: float = 5.0) -> Array:
    """Lines of the data that the state does not explain: columns 2theta, height, significance, explained share."""
    explained = state.columns @ state.scales if state.columns.size else np.zeros_like(data.y)
    floor = background(state, data)
    rest = data.y - explained - floor
    rows = []
    widths = data.resolution
    for at, height in zip(data.peaks.two_theta, data.peaks.height, strict=True):
        near = (np.abs(data.x - at) < 0.6 * widths) & data.seen
        if not np.any(near):
            continue
        w = data.weight[near] ** 2
        left = float(np.sum(rest[near] * w) / np.sum(w))
        z = left * float(np.sqrt(np.sum(w)))
        model_height = float(explained[near].max())
        data_height = float((data.y - floor)[near].max())
        if z > significance and left > 0.5 * float(height) * 0.5 and model_height < 0.5 * data_height:
            rows.append((float(at), float(height), z, model_height / max(data_height, 1e-300)))
    return np.array(rows).reshape(-1, 4)


def agreement(state: State, data: Measured) -> float:
    """Share of the net signal that the model leaves, 0 (perfect) to 1: sum |y - model| / sum (y - background)."""
    floor = background(state, data)
    seen = data.seen
    net = (data.y - floor)[seen]
    explained = (state.columns @ state.scales)[seen] if state.columns.size else np.zeros_like(net)
    noise = float(np.sum(np.sqrt(data.counting[seen]))) * 0.8
    strong: Sequence[float] = [float(np.sum(np.abs(net - explained))) - noise, float(np.sum(np.abs(net))) - noise]
    return float(np.clip(strong[0] / max(strong[1], 1e-300), 0.0, 1.0))
