"""One frame of a diffraction pattern: points, calculated curve, background, lines without a phase; the difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.transforms import offset_copy
from numpy.typing import NDArray

from surfspec.display import diffraction_axis as bragg
from surfspec.display import labels, style

Array = NDArray[np.float64]

#: So many marked lines at most have their position written beside them.
POSITIONS: Final = 8
#: Half width in deg of the part of a pattern in which the top of a line is looked for.
REACH: Final = 0.15
#: Half height of a turned text, in points.
TEXT: Final = 4.0

#: Height of an arrow with its position above it, in points.
WRITTEN: Final = 36.0

CALCULATED: Final = style.COLORS[1]
DIFFERENCE: Final = style.COLORS[0]


def draw_pattern(
    ax: Axes, member: xr.Dataset, axis: str, yscale: str, window: object = None,
    fills: Sequence[tuple[str, Array]] = (),
) -> slice:  # fmt: skip
    """Draw points, background and calculated curve of one pattern, and return which points the frame shows.

    Parameters
    ----------
    ax
        The frame.
    member
        ``intensity`` over two_theta; ``background`` and ``model`` where there are.
    axis, yscale
        Axes as :func:`surfspec.display.plot_match` takes them.
    window
        Part of the horizontal axis to show, by default all.
    fills
        Names and contributions (two_theta) of phases, to be filled above the background.
    """
    wavelength = bragg.wavelength_of(member, axis)
    x = bragg.abscissa(member["two_theta"].values.astype(np.float64), axis, wavelength)
    part = bragg.part_of(x, window, axis)
    x, y = x[part], member["intensity"].transpose(..., "two_theta").values[part]
    style.scale_intensity(ax, yscale)
    look: dict[str, Any] = {"linestyle": "none", "marker": "o", "markersize": 1.1 if x.size > 2000 else 1.6}
    look = look if "model" in member else {"linewidth": 0.7}
    ax.plot(
        x, y, color=style.INK, markeredgewidth=0, zorder=5, **look,
        label="Calculated" if is_calculated(member) else "Simulated" if labels.is_simulated(member) else "Measured",
    )  # fmt: skip
    background = member["background"].values[part] if "background" in member else np.zeros_like(y)
    for index, (name, curve) in enumerate(fills):
        fill = ax.fill_between(
            x, background, background + curve[part], facecolor=style.tint(style.color(index + 2), 0.5),
            edgecolor=style.color(index + 2), linewidth=0.4, label=name, zorder=1,
        )  # fmt: skip
        fill.set_linestyle(style.dash(index))
    if "background" in member:
        ax.plot(x, background, color=style.GREY, linewidth=0.8, linestyle=style.DASHES[1], label="Background", zorder=3)
    if "model" in member:
        ax.plot(x, member["model"].values[part], color=CALCULATED, linewidth=0.8, label="Calculated", zorder=4)
    bragg.span(ax, axis, float(x[0]), float(x[-1]))
    vertical_limits(ax, np.concatenate([y, member["model"].values[part]]) if "model" in member else y, yscale)
    style.dress(ax)
    bragg.tick(ax, axis)
    unit = str(member["intensity"].attrs.get("units", "1"))
    if yscale == "log":
        style.say(ax.yaxis.label, style.axis_text("Intensity", unit))
    else:
        style.intensity_axis(ax, "Intensity", unit)
    return part


def is_calculated(member: xr.Dataset) -> bool:
    """Tell whether a pattern is the one that a card lets expect, with its lines and without any noise."""
    return "relative_intensity" in member and "reflection_two_theta" in member and "phase" in member.attrs


def vertical_limits(ax: Axes, y: Array, yscale: str) -> None:
    """Set the limits so that there is room for marks above the highest line."""
    finite = y[np.isfinite(y)]
    low, high = float(finite.min(initial=np.inf)), float(finite.max(initial=-np.inf))
    if not low <= high:
        return
    if yscale == "log":
        positive = finite[finite > 0]
        if positive.size:
            ax.set_ylim(0.7 * positive.min(), 3 * high)
        return
    room = (high - low) or 1.0
    ax.set_ylim(0 if 0 <= low < 0.5 * high else low - 0.05 * room, high + (0.4 if yscale == "sqrt" else 0.15) * room)


def mark_lines(
    ax: Axes, member: xr.Dataset, two_theta: Array, axis: str, part: slice, name: str, texts: Sequence[str] = (),
    color: str = style.WARN,
) -> None:  # fmt: skip
    """Mark lines of a pattern with arrows from above, with texts where there are few.

    Parameters
    ----------
    ax
        The frame that :func:`draw_pattern` drew.
    member
        The pattern.
    two_theta
        Places of the lines, deg.
    axis, part
        Horizontal axis, and the points that the frame shows.
    name
        Entry of the legend.
    texts
        What to write at each line, by default its place.
    color
        Colour of arrows and texts.
    """
    measured = member["two_theta"].values
    shown = measured[part]
    inside = np.isfinite(two_theta) & (two_theta >= shown[0]) & (two_theta <= shown[-1])
    texts = [text for text, keep in zip(texts, inside, strict=True) if keep] if texts else []
    two_theta = two_theta[inside]
    if not two_theta.size:
        return
    y = member["intensity"].values
    tops = [np.nanmax(y[np.abs(measured - place) < REACH], initial=-np.inf) for place in two_theta]
    levels = np.where(np.isfinite(tops), tops, np.interp(two_theta, measured, y))
    places = bragg.abscissa(two_theta, axis, bragg.wavelength_of(member, axis))
    arrow = {"arrowstyle": "-|>,head_width=0.18,head_length=0.35", "color": color, "linewidth": 0.7,
             "shrinkA": 0, "shrinkB": 2}  # fmt: skip
    heads = _clear(ax, measured[part], y[part], two_theta, axis, member) if two_theta.size <= POSITIONS else levels
    for index, (place, level, head) in enumerate(zip(places, levels, np.maximum(heads, levels), strict=True)):
        ax.annotate(
            "", xy=(place, level), xytext=(place, head), zorder=6, arrowprops=arrow,
            textcoords=offset_copy(ax.transData, fig=style.figure_of(ax), y=8, units="points"),
        )  # fmt: skip
        if two_theta.size > POSITIONS:
            continue
        text = texts[index] if texts else f"{two_theta[index]:.2f}°" if axis == "two_theta" else f"{place:.3f}"
        artist = ax.annotate(
            "", xy=(place, head), xytext=(0, 9), textcoords="offset points", ha="center", va="bottom", rotation=90,
            zorder=6,
        )  # fmt: skip
        style.say(artist, text, size=6, color=color, chemistry=True)
        artist.set_path_effects([withStroke(linewidth=1.6, foreground="white")])
    if two_theta.size <= POSITIONS:
        _make_room(ax, float(np.max(np.maximum(heads, levels))))
    ax.plot([], [], linestyle="none", marker="v", markersize=3.5, color=color, markeredgewidth=0, label=name)


def _make_room(ax: Axes, level: float) -> None:
    """Raise the vertical limit so that a position written above a level stays below the title."""
    part = min(WRITTEN / (ax.get_position().height * style.figure_of(ax).get_figheight() * 72), 0.5)
    scale, (low, high) = ax.yaxis.get_transform(), ax.get_ylim()
    foot, top = (float(scale.transform(np.array([one]))[0]) for one in (low, level))
    needed = float(scale.inverted().transform(np.array([foot + (top - foot) / (1 - part)]))[0])
    ax.set_ylim(low, max(high, needed))


def _clear(ax: Axes, shown: Array, y: Array, two_theta: Array, axis: str, member: xr.Dataset) -> Array:
    """Return the levels above which a text at each line is clear of the pattern."""
    wavelength = bragg.wavelength_of(member, axis)
    wide = ax.get_window_extent().width * 72 / style.figure_of(ax).dpi
    along, places = (
        ax.transAxes.inverted().transform(ax.transData.transform(np.column_stack([at, np.ones_like(at)])))[:, 0] * wide
        for at in (bragg.abscissa(shown, axis, wavelength), bragg.abscissa(two_theta, axis, wavelength))
    )
    return np.array([np.nanmax(y[np.abs(along - place) < TEXT], initial=-np.inf) for place in places])


def draw_difference(ax: Axes, member: xr.Dataset, axis: str, part: slice) -> None:
    """Draw measured less calculated, in the unit of the intensity."""
    x = bragg.abscissa(member["two_theta"].values, axis, bragg.wavelength_of(member, axis))[part]
    if "model" in member:
        rest = (member["intensity"].values - member["model"].values)[part]
        ax.plot(x, rest, color=DIFFERENCE, linewidth=0.6)
        finite = np.append(rest[np.isfinite(rest)], 0.0)
        room = 0.15 * float(np.ptp(finite)) or 1.0
        ax.set_ylim(finite.min() - room, finite.max() + room)
    ax.axhline(0, color=style.INK, linewidth=0.5)
    style.dress(ax)
    bragg.tick(ax, axis)
    style.plain_ticks(ax.yaxis, 3)
    style.intensity_axis(ax, "Diff.", "1")
