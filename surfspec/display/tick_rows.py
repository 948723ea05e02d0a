"""Rows of ticks under a diffraction pattern: where each phase has its lines, and how sure it is."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from numpy.typing import NDArray

from surfspec.display import labels, style
from surfspec.display.text import value_text


def phase_order(dataset: xr.Dataset) -> list[int]:
    """Return the rows of the ticks: the most probable phase first; phases of no member left out of a series."""
    probability = dataset["probability"]
    best = np.asarray(probability.max([name for name in probability.dims if name != "phase"]).values, dtype=np.float64)
    return [int(index) for index in np.argsort(-np.nan_to_num(best, nan=-1.0), kind="stable")]


def draw_rows(
    ax: Axes,
    dataset: xr.Dataset,
    rows: Sequence[int],
    convert: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    *,
    labelled: bool,
) -> None:
    """Draw one row of ticks for each phase.

    Weak lines are short; lines that were expected and not found carry a cross.

    Parameters
    ----------
    ax
        Axes that share the horizontal axis of the pattern.
    dataset
        Kind ``match``.
    rows
        Indices of the phases, from the top.
    convert
        Turns 2θ in degrees into the horizontal axis.
    labelled
        Name the phases at the right of the frame, else above their ticks inside it.
    """
    low, high = (-0.32, 0.32) if labelled else (0.08, 0.4)
    for row, index in enumerate(rows):
        two_theta, status = _reflections(dataset, index)
        place = convert(two_theta)
        shade = style.color(index + 2)
        weak, missing = status == "weak", status == "missing"
        ax.vlines(place[~weak], row + low, row + high, color=shade, linewidth=0.9)
        ax.vlines(place[weak], row + low + 0.6 * (high - low), row + high, color=shade, linewidth=0.6)
        ax.plot(
            place[missing], np.full(np.count_nonzero(missing), row + (low + high) / 2), linestyle="none", marker="x",
            markersize=3.6, color=style.WARN, markeredgewidth=0.9, zorder=4,
        )  # fmt: skip
    style.dress(ax)
    ax.tick_params(axis="y", which="both", length=0, labelleft=False, labelright=labelled)
    ax.yaxis.minorticks_off()
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    ax.set_yticks([])
    if not rows:
        style.note(ax, 0.5, 0.5, "no phase identified", ha="center", va="center", color=style.WARN)
    names = labels.phase_names(dataset, formulas=labelled)
    short = [textwrap.shorten(names[index], 44 if labelled else 24, placeholder=" ...") for index in rows]
    texts = [_row_text(dataset, index, "\n" if labelled else ", ") for index in rows]
    if labelled:
        both = [f"{name}\n{text}" for name, text in zip(short, texts, strict=True)]
        style.name_ticks(ax.yaxis, range(len(rows)), both, chemistry=True, size=6.5)
        return
    for row, (name, text) in enumerate(zip(short, texts, strict=True)):
        across = ax.get_yaxis_transform()
        style.note(ax, 0.01, row - 0.24, f"{name}: {text}", transform=across, va="center", chemistry=True, size=6.5)


def _row_text(dataset: xr.Dataset, index: int, separator: str) -> str:
    """Say how sure a phase is, how much there is of it, and where its card is unverified."""
    phase = dataset.isel(phase=index)
    card = [note] if (note := labels.card_note(phase)) else []
    if phase["probability"].ndim:
        return ", ".join([f"best {labels.probability_text(float(phase['probability'].max()))}", *card])
    words = [labels.probability_text(float(phase["probability"]))]
    fraction, unc = float(phase["weight_fraction"]), float(phase["weight_fraction_unc"])
    if math.isfinite(fraction):
        factor = 100 if str(dataset["weight_fraction"].attrs.get("units", "1")) == "1" else 1
        words.append(value_text(factor * fraction, factor * unc, "wt %").replace("not determined", "n.d."))
    return ", ".join(words) + "".join(f"{separator}{text}" for text in card)


def _reflections(dataset: xr.Dataset, index: int) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Return 2θ and status of the lines of one phase, of all members of a series together."""
    if "reflection_two_theta" not in dataset or "reflection_phase" not in dataset:
        return np.zeros(0), np.zeros(0, dtype="<U9")
    owner = dataset["reflection_phase"]
    wanted = index if np.issubdtype(owner.dtype, np.number) else str(dataset["phase"].values[index])
    place = dataset["reflection_two_theta"]
    state = dataset["status"] if "status" in dataset else xr.full_like(place, "", dtype="<U9")
    place, owner, state = xr.broadcast(place, owner, state)
    mine = (owner.values == wanted) & np.isfinite(place.values)
    single = not labels.member_dims(dataset)
    return place.values[mine], state.values[mine].astype(str) if single else np.full(
        np.count_nonzero(mine), "", dtype="<U9"
    )
