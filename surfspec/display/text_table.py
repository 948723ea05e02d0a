"""A table of words and numbers set into a frame of a figure, its columns as wide as their text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.text import Text

from surfspec.display import style
from surfspec.display.placing import text_size

#: Points between columns, and from line to line in parts of the size of type.
COLUMN_GAP: Final = 9.0
LEADING: Final = 1.45
#: Smallest type in points.
SMALLEST: Final = 3.5


def draw_table(
    ax: Axes, head: Sequence[str], rows: Sequence[Sequence[str]], *, rules: Sequence[int] = (), size: float = 6.5,
    warn: Sequence[tuple[int, int]] = (),
) -> list[Text]:  # fmt: skip
    """Write a table into a frame: a rule above and below the head and at the end, numbers to the right.

    Columns without text are left out. The type becomes smaller where the frame is too narrow or too low; no text
    covers another.

    Parameters
    ----------
    ax
        The frame; the layout of its figure is done. Its own lines and ticks are taken away.
    head
        Names of the columns.
    rows
        Cells of each row, as many as there are columns.
    rules
        Rows above which a thin line is drawn.
    size
        Size of type in points, at most.
    warn
        (row, column) of cells in the colour of warnings.

    Returns
    -------
    list of matplotlib.text.Text
        The cells that are not empty, head first.
    """
    kept = [at for at in range(len(head)) if any(row[at] for row in rows) or not rows]
    head, rows = [head[at] for at in kept], [[row[at] for at in kept] for row in rows]
    warn = [(row, kept.index(at)) for row, at in warn if at in kept]
    ax.set_axis_off()
    figure = style.figure_of(ax)
    box = ax.get_window_extent()
    width, height = box.width * 72 / figure.dpi, box.height * 72 / figure.dpi
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(text_size(ax, cell, size)[0] for cell in column) for column in zip(*cells, strict=True)]
    wide = sum(widths) + COLUMN_GAP * (len(widths) - 1)
    tall = LEADING * size * (len(cells) + 1)
    scale = max(min(1.0, width / wide, height / tall), SMALLEST / size)
    line = LEADING * size * scale / height
    numeric = [_is_numeric([row[at] for row in rows]) for at in range(len(head))]
    written, left = [], 0.0
    for at, span in enumerate(widths):
        across = (left + (span if numeric[at] else 0.0)) * scale / width
        for row, cells_of in enumerate(cells):
            if cells_of[at]:
                color = style.WARN if (row - 1, at) in set(warn) else style.INK
                middle = 1 - (row + 0.75) * line
                look: dict[str, Any] = {"ha": "right" if numeric[at] else "left", "va": "center", "color": color}
                written.append(style.note(ax, across, middle, cells_of[at], chemistry=True, size=size * scale, **look))
        left += span + COLUMN_GAP
    end = min(wide * scale / width, 1.0)
    for place, thick in ((0.1, 0.8), (1.27, 0.5), (len(cells) + 0.27, 0.8)):
        _rule(ax, 1 - place * line, thick, end)
    for row in rules:
        _rule(ax, 1 - (row + 1.27) * line, 0.25, end)
    return written


def _rule(ax: Axes, y: float, thick: float, end: float) -> None:
    ax.plot([0.0, end], [y, y], transform=ax.transAxes, color=style.INK, linewidth=thick, clip_on=False)


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(cell[0] in "−–(0123456789n<>" for cell in filled)
