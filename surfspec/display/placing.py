"""Places for texts so that none covers another: a row of labels above curves, joined to them by leaders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text
from matplotlib.transforms import blended_transform_factory
from numpy.typing import NDArray

from surfspec.display import style
from surfspec.display.checks import shortened

#: Points between neighbouring labels, from the labels to the frame, and of the slanted part of a leader.
GAP: Final = 6.0
EDGE: Final = 4.0
SLANT: Final = 9.0
TURNED_GAP: Final = 1.5
#: Part of a frame that the row takes at most; smallest type in points.
HIGHEST: Final = 0.6
SMALLEST: Final = 4.0
#: Times that a text may be longer at another resolution than at that of the figure (letters end at whole pixels).
LONGER: Final = 1.1
#: Letters of a line of a label that are kept.
LETTERS: Final = 32


@dataclass(frozen=True)
class Flag:
    """A label for the place (x, y) of a curve, in data coordinates."""

    x: float
    y: float
    text: str
    color: str = style.INK


@dataclass(frozen=True)
class _Row:
    """How the labels of one frame are written: texts, angle, size of type, lengths along the row, height of the row."""

    lines: list[str]
    turn: int
    size: float
    sizes: list[float]
    height: float


def spread(wanted: Sequence[float], sizes: Sequence[float], low: float, high: float) -> NDArray[np.float64]:
    """Place intervals of given sizes near where they are wanted, without overlap, in their order.

    Minimises the sum of squared displacements: with the sizes taken off, the places have to rise, which is isotonic
    regression (pool adjacent violators); the limits cut its solution.

    Parameters
    ----------
    wanted
        Wanted centres, rising.
    sizes
        Lengths, gaps included.
    low, high
        Ends of the line. Where the intervals do not fit between them they overhang evenly.

    Returns
    -------
    ndarray
        Centres.

    References
    ----------
    R. E. Barlow et al., Statistical Inference under Order Restrictions (1972).

    Examples
    --------
    >>> spread([5.0, 5.0, 9.0], [2.0, 2.0, 2.0], 0.0, 10.0).tolist()
    [4.0, 6.0, 9.0]
    """
    size = np.asarray(sizes, dtype=np.float64)
    before = np.concatenate([[0.0], np.cumsum((size[1:] + size[:-1]) / 2)])
    blocks: list[list[float]] = []
    for value in np.asarray(wanted, dtype=np.float64) - before:
        blocks.append([float(value), 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            last, count = blocks.pop()
            mean, others = blocks[-1]
            blocks[-1] = [(mean * others + last * count) / (others + count), others + count]
    level = np.concatenate([np.full(int(count), mean) for mean, count in blocks])
    first, final = low + size[0] / 2, high - size[-1] / 2 - before[-1]
    if final < first:
        first = final = (first + final) / 2
    return np.asarray(np.clip(level, first, final) + before, dtype=np.float64)


def rows_above(frames: Sequence[tuple[Axes, Sequence[Flag]]], *, size: float = 6.5, freeze: bool = True) -> list[Text]:
    """Write labels in a row along the upper edge of each frame and join each to its place by a leader.

    Upright where the frame is wide enough, else turned by 90 degrees, then in smaller type. The vertical limits are
    widened so that the row stands above everything drawn below the present upper limit, in the same measure in all
    frames: those that shared a scale still do.

    Parameters
    ----------
    frames
        Frames of one figure with their labels; limits are final but for the upper one.
    size
        Size of type in points.
    freeze
        Lay out the figure for good, see :func:`style.freeze`; not where it is the user's.
    """
    used = [(ax, sorted(flags, key=lambda flag: _across(ax, flag.x))) for ax, flags in frames if flags]
    if not used:
        return []
    style.lay_out(style.figure_of(used[0][0]))
    rows = [_fitting(ax, flags, size) for ax, flags in used]
    tallest = max(row.height for row in rows)
    parts = [_make_room(ax, tallest + EDGE + SLANT + GAP) for ax, _ in used]
    if freeze:
        style.freeze(style.figure_of(used[0][0]))
    written = []
    for (ax, flags), row, part in zip(used, rows, parts, strict=True):
        width = _points(ax)[0]
        wanted = [_across(ax, flag.x) * width for flag in flags]
        centres = spread(wanted, row.sizes, EDGE, width - EDGE)
        for flag, text, at in zip(flags, row.lines, centres, strict=True):
            written.append(_write(ax, flag, text, float(at) / width, part, row))
    return written


def text_size(ax: Axes, text: str, size: float) -> tuple[float, float]:
    """Return width and height in points of a text as :func:`style.note` writes it."""
    figure = style.figure_of(ax)
    artist = style.note(ax, 0.5, 0.5, text, chemistry=True, size=size)
    box = artist.get_window_extent()
    artist.remove()
    return box.width * 72 / figure.dpi, box.height * 72 / figure.dpi


def _points(ax: Axes) -> tuple[float, float]:
    """Return width and height of a frame in points, as last laid out."""
    box, dpi = ax.get_window_extent(), style.figure_of(ax).dpi
    return box.width * 72 / dpi, box.height * 72 / dpi


def _across(ax: Axes, x: float) -> float:
    """Return the horizontal place of a data coordinate in parts of the frame."""
    return float(ax.transAxes.inverted().transform(ax.transData.transform((x, ax.get_ylim()[0])))[0])


def _fitting(ax: Axes, flags: Sequence[Flag], size: float) -> _Row:
    """Choose how the labels of a frame are written: upright, turned, turned in one line, and smaller if need be."""
    width, height = _points(ax)
    room, most = width - 2 * EDGE, HIGHEST * height - EDGE - SLANT - GAP
    lines = [shortened(flag.text, LETTERS) for flag in flags]
    boxes = [text_size(ax, text, size) for text in lines]
    if sum(across + GAP for across, _ in boxes) <= room:
        return _Row(lines, 0, size, [across + GAP for across, _ in boxes], max(tall for _, tall in boxes))
    if sum(tall + TURNED_GAP for _, tall in boxes) > room:
        lines = [text.replace("\n", " ") for text in lines]
        boxes = [text_size(ax, text, size) for text in lines]
    longest = LONGER * max(across for across, _ in boxes)
    narrow = room / sum(tall + TURNED_GAP for _, tall in boxes)
    shrink = max(min(1.0, narrow, most / longest), SMALLEST / size)
    return _Row(lines, 90, size * shrink, [(tall + TURNED_GAP) * shrink for _, tall in boxes], shrink * longest)


def _make_room(ax: Axes, needed: float) -> float:
    """Raise the upper limit so that `needed` points stay free above the present one; return their part of the frame."""
    part = min(needed / _points(ax)[1], 0.75)
    scale = ax.yaxis.get_transform()
    low, high = (float(value) for value in scale.transform(np.array(ax.get_ylim())))
    top = low + (high - low) / (1 - part)
    ax.set_ylim(ax.get_ylim()[0], float(scale.inverted().transform(np.array([top]))[0]))
    return part


def _write(ax: Axes, flag: Flag, text: str, across: float, part: float, row: _Row) -> Text:
    """Write one label, and its leader: upright, slanted, and down to its place."""
    height = _points(ax)[1]
    edge, turn = EDGE / height, 1 - part + GAP / height
    foot = turn + SLANT / height
    artist = style.note(
        ax, across, foot if row.turn else 1 - edge, text, chemistry=True, size=row.size, color=flag.color,
        ha="center", va="bottom" if row.turn else "top", rotation=row.turn, zorder=7, linespacing=1.1,
    )  # fmt: skip
    under = foot if row.turn else 1 - edge - text_size(ax, text, row.size)[1] / height
    to_data = (ax.transAxes + ax.transData.inverted()).transform
    x_label, bend = (float(value) for value in to_data((across, turn)))
    look: dict[str, Any] = {"color": style.GREY, "linewidth": 0.4, "zorder": 6}
    mixed = blended_transform_factory(ax.transData, ax.transAxes)
    ax.plot([x_label, x_label, flag.x], [under - 1 / height, foot - 1 / height, turn], transform=mixed, **look)
    ax.plot([flag.x, flag.x], [bend, flag.y], **look)
    return artist
