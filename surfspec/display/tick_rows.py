"""Rows of ticks under a diffraction pattern: where each phase has its lines, and what is said of it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from surfspec.display import style

Array = NDArray[np.float64]

#: Letters of a name, and of a name with its first note, above ticks.
SHORT: Final = 34
LONG: Final = 46


@dataclass(frozen=True)
class Row:
    """One phase: its name, what is said of it, its lines.

    Attributes
    ----------
    name
        Name, chemical formulas in it as plain text.
    notes
        What is said of it, one line each.
    two_theta
        Places of its lines, deg.
    height
        Heights of the ticks from 0 to 1; empty for ticks of full height.
    status
        ``weak`` lines are short, ``missing`` ones carry a cross; empty where nothing is known.
    color
        Colour of ticks and name.
    """

    name: str
    notes: tuple[str, ...]
    two_theta: Array
    color: str
    height: Array = field(default_factory=lambda: np.empty(0))
    status: NDArray[np.str_] = field(default_factory=lambda: np.empty(0, dtype="<U9"))


def draw_rows(ax: Axes, rows: Sequence[Row], convert: Callable[[Array], Array], *, labelled: bool, none: str) -> None:
    """Draw one row of ticks for each phase.

    Weak lines are short; lines that were expected and not found carry a cross. Names have the colour of their ticks,
    darkened to be read on white.

    Parameters
    ----------
    ax
        Axes that share the horizontal axis of the pattern.
    rows
        The phases, from the top.
    convert
        Turns 2θ in degrees into the horizontal axis.
    labelled
        Name the phases at the right of the frame, else above their ticks inside it.
    none
        What to write where there is no phase.
    """
    low, high = (-0.34, 0.34) if labelled else (0.12, 0.44)
    for place, row in enumerate(rows):
        at = convert(row.two_theta)
        status = row.status if row.status.size else np.full(at.size, "", dtype="<U9")
        height = row.height if row.height.size else np.where(status == "weak", 0.4, 1.0)
        foot = np.full(at.size, float(place + high))
        missing = status == "missing"
        for group, width in ((status == "weak", 0.6), (status != "weak", 0.9)):
            top = place + high - np.maximum(height[group], 0.06) * (high - low)
            ax.vlines(at[group], top, foot[group], color=row.color, linewidth=width)
        ax.plot(
            at[missing], np.full(np.count_nonzero(missing), place + (low + high) / 2), linestyle="none", marker="x",
            markersize=3.6, color=style.WARN, markeredgewidth=0.9, zorder=4,
        )  # fmt: skip
    style.dress(ax)
    ax.tick_params(axis="y", which="both", length=0, labelleft=False, labelright=labelled)
    ax.yaxis.minorticks_off()
    ax.set_ylim(max(len(rows), 1) - 0.4, -0.6)
    ax.set_yticks([])
    if not rows:
        style.note(ax, 0.5, 0.5, none, ha="center", va="center", color=style.WARN)
    if labelled:
        names = [textwrap.shorten(row.name, 44, placeholder=" ...") for row in rows]
        both = ["\n".join([name, *row.notes]) for name, row in zip(names, rows, strict=True)]
        style.name_ticks(ax.yaxis, range(len(rows)), both, chemistry=True, size=6.5)
        for one, row in zip(ax.get_yticklabels(), rows, strict=True):
            one.set_color(style.readable(row.color))
        return
    for place, row in enumerate(rows):
        style.note(
            ax, 0.01, place - 0.2, "\n".join(_told(row)), transform=ax.get_yaxis_transform(), va="center",
            chemistry=True, size=6.0, color=style.readable(row.color), linespacing=1.05,
        )  # fmt: skip


def _told(row: Row) -> list[str]:
    """Write name and notes above the ticks, the first note beside the name where both fit."""
    name = textwrap.shorten(row.name, SHORT, placeholder=" ...")
    head, *more = row.notes or ("",)
    both = f"{name}: {head}" if head else name
    return [both, *more] if len(both) <= LONG else [name, *row.notes]


def height_of(rows: Sequence[Row], *, labelled: bool) -> float:
    """Return the height in cm of a frame with these rows."""
    if labelled:
        each = 0.3 + 0.31 * (1 + max((len(row.notes) for row in rows), default=0))
    else:
        each = 0.5 + 0.28 * max((len(_told(row)) for row in rows), default=1)
    return 0.35 + each * max(len(rows), 1)
