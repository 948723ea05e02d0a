"""The frames of a pattern and its phases, one above the other: pattern, rows of ticks, difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surfspec.display import style
from surfspec.display import tick_rows as ticks

#: Widths in cm above which names stand at the right of the frames.
WIDE: Final = 12.0


@dataclass(frozen=True)
class Frames:
    """A figure and its frames: patterns from the top, the row of ticks, the difference where there is one."""

    figure: Figure
    patterns: Sequence[Axes]
    ticks: Axes
    difference: Axes | None
    labelled: bool


def frames(
    rows: Sequence[ticks.Row], patterns: int, width: str | float, height: float | None, *, difference: bool,
    tall: float = 6.6,
) -> Frames:  # fmt: skip
    """Make a figure with a frame for each pattern over common ticks, and one for the difference.

    Parameters
    ----------
    rows
        The phases whose ticks will be drawn.
    patterns
        Number of frames with a pattern.
    width, height
        As :func:`surfspec.display.plot_match` takes them.
    difference
        Whether a frame for the difference stands below.
    tall
        Height of a frame with a pattern, cm.
    """
    wide = style.width_cm(width) > WIDE
    strip = ticks.height_of(rows, labelled=wide)
    sizes = [tall] * patterns + [strip] + ([1.8] if difference else [])
    figure = style.figure(width, height or min(sum(sizes) + (1.3 if wide else 2.2), 25.0))
    grid = list(figure.subplots(len(sizes), 1, sharex=True, height_ratios=sizes, squeeze=False)[:, 0])
    for frame in grid[: -1 if difference else patterns]:
        frame.tick_params(labelbottom=False)
    figure.align_ylabels([frame for index, frame in enumerate(grid) if index != patterns])
    return Frames(figure, grid[:patterns], grid[patterns], grid[-1] if difference else None, wide)


def finish(made: Frames) -> None:
    """Write the legend, at the right of a wide figure and below a narrow one, and take labels off inner axes."""
    if made.labelled:
        style.legend(made.patterns[0], loc="upper left", bbox_to_anchor=(1.0, 1.0), chemistry=True)
    else:
        style.legend(made.patterns[0], chemistry=True, outside=True, ncols=2)
    last = made.difference or made.ticks
    for frame in (*made.patterns, made.ticks):
        if frame is not last:
            frame.tick_params(axis="x", which="both", labelbottom=False)
    last.tick_params(axis="x", which="both", labelbottom=True)
