"""One frame of a fit: points, envelope, components on their background, names at the curves, and the strip below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, MaxNLocator
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.columns import brief
from surfspec.display.placing import Flag, rows_above
from surfspec.display.residuals import point_unc, residual_of

#: Width of a letter of a name over a peak, in points, with its share of the gap to the next.
LETTER: Final = 5.0
#: Line style of what is no core level: X-ray satellites and Auger lines.
BROKEN: Final = (0, (4, 1.6))
#: A strip lower than this, in inches, has two numbers.
LOW_STRIP: Final = 0.36
#: Name of X-ray satellites in a legend.
SATELLITES: Final = "X-ray satellite"
#: Program whose fits are rebuilt, and the name of their envelope.
CASA: Final = "CasaXPS"


def draw_panel(
    ax: Axes, member: xr.Dataset, how: str, yscale: str, title: str, *, bottom: bool = True, side: bool = True,
    error_bars: bool = False,
) -> None:  # fmt: skip
    """Draw one fit into axes.

    Parameters
    ----------
    ax
        The frame.
    member
        Fit of one spectrum.
    how
        Names of components: ``"legend"``, ``"peaks"``, ``"positions"`` (see :func:`name_positions`, to be called when
        the layout of the figure is done) or ``"none"``.
    yscale
        ``"linear"``, ``"sqrt"`` or ``"log"``.
    title
        Title; a verdict that is not ok follows it.
    bottom, side
        Name the horizontal, the vertical axis.
    error_bars
        Draw the standard uncertainty of each point.
    """
    axis = schema.axis_of(member)
    x, y = member[axis].values, member["intensity"].values
    background, model = member["background"].values, member["model"].values
    style.scale_intensity(ax, yscale)
    draw_points(ax, member, error_bars=error_bars)
    ax.plot(x, model, color=style.INK, linewidth=1.0, label=curve_name(member), zorder=5)
    draw_components(ax, member, background)
    ax.plot(x, background, color=style.GREY, linewidth=0.8, linestyle=style.DASHES[1], label="Background", zorder=3)
    ax.set_xlim(x[0], x[-1])
    _limits(ax, y, model, background, yscale, how)
    style.dress(ax)
    style.spectral_axis(ax, axis, label=bottom)
    unit = str(member["intensity"].attrs.get("units", "1"))
    if yscale == "log":
        style.say(ax.yaxis.label, style.axis_text("Intensity", unit) if side else "")
    else:
        style.intensity_axis(ax, "Intensity", unit)
        if not side:
            style.say(ax.yaxis.label, "")
    if how == "legend":
        style.legend(ax, chemistry=True)
    elif how == "peaks":
        _name_peaks(ax, x, member, model)
    style.verdict_headline(ax, title, *labels.verdict_of(member))


def curve_name(member: xr.Dataset) -> str:
    """Say what the envelope is: a fit, start values before any, or the curve of another program rebuilt.

    Examples
    --------
    >>> import xarray as xr
    >>> reasons = ["", "not fitted: start values", "not fitted here: rebuilt from the numbers of CasaXPS"]
    >>> [curve_name(xr.Dataset({"verdict": "check", "reasons": one})) for one in reasons]
    ['Fit', 'Start', 'CasaXPS']
    """
    unfitted = [one for one in labels.verdict_of(member)[1] if one.startswith("not fitted")]
    if any(CASA in one for one in unfitted):
        return CASA
    return "Start" if unfitted else "Fit"


def name_scales(panels: Sequence[tuple[Axes, xr.Dataset]], columns: int) -> None:
    """Write the vertical scale, power of ten and unit, of frames whose limits are final.

    Parameters
    ----------
    panels
        Frames row by row, with their fits.
    columns
        Frames in a row. The label of a frame that is not the first of its row is left out where it is that of the frame
        to its left.
    """
    before = ""
    for index, (ax, member) in enumerate(panels):
        unit = str(member["intensity"].attrs.get("units", "1"))
        if ax.get_yscale() == "log":
            style.say(ax.yaxis.label, style.axis_text("Intensity", unit))
        else:
            style.intensity_axis(ax, "Intensity", unit)
        own = ax.get_ylabel()
        if index % columns and own == before:
            style.say(ax.yaxis.label, "")
        before = own


def draw_points(ax: Axes, member: xr.Dataset, *, error_bars: bool = False) -> None:
    """Draw the data of a fit as open points, with the standard uncertainty of each where asked."""
    x, y = member[schema.axis_of(member)].values, member["intensity"].values
    if error_bars:
        ax.errorbar(x, y, yerr=point_unc(member), linestyle="none", ecolor=style.INK, elinewidth=0.4, zorder=3.5)
    ax.plot(x, y, linestyle="none", marker="o", markersize=2.0, markerfacecolor="white", markeredgecolor=style.INK,
            markeredgewidth=0.45, label="Data", zorder=4)  # fmt: skip


def draw_components(
    ax: Axes, member: xr.Dataset, background: NDArray[np.float64], *, factor: float = 1.0, light: bool = False,
    order: Sequence[str] = (),
) -> None:  # fmt: skip
    """Fill each component above the background; the lines of one species share colour and hatching.

    Outlines of core levels are solid; X-ray satellites and Auger lines are dashed and not hatched.

    Parameters
    ----------
    ax
        The frame.
    member
        Fit of one spectrum.
    background
        Where the components stand, in the unit of the frame.
    factor
        What the contributions are multiplied by.
    light
        Thin outlines, pale fills and no hatching.
    order
        Names of groups in the order of their colours, where several fits share them; by default that of the fit.
    """
    x = member[schema.axis_of(member)].values
    groups, names = labels.component_groups(member)
    kinds = labels.component_kinds(member)
    told: set[str] = set()
    for index, (group, kind) in enumerate(zip(groups, kinds, strict=True)):
        top = background + factor * member["contribution"].values[index]
        if not np.any(np.isfinite(top)):
            continue
        place = order.index(names[group]) if names[group] in order else group
        shade = style.color(place)
        satellite = kind == "satellite"
        name = SATELLITES if satellite else names[group]
        label = None if name in told else name
        told.add(name)
        plain = light or kind != "core"
        fill = ax.fill_between(
            x, background, top, facecolor=style.tint(shade, 0.16 if plain else 0.28), edgecolor=style.tint(shade, 0.75),
            linewidth=0.0, hatch="" if plain else style.hatch(place), zorder=1, label=None if satellite else label,
        )  # fmt: skip
        if hasattr(fill, "set_hatch_linewidth"):
            fill.set_hatch_linewidth(0.35)
        line = BROKEN if kind != "core" else "-"
        look: dict[str, Any] = {"color": shade, "linewidth": 0.5 if light else 0.8, "linestyle": line, "zorder": 2}
        ax.plot(x, top, label=label if satellite else None, **look)


def name_positions(panels: Sequence[tuple[Axes, xr.Dataset]], *, freeze: bool = True) -> None:
    """Write name and position of each component above the curves, each joined to its maximum by a leader.

    X-ray satellites have no name of their own: they stand where their line has them. Grey and in brackets is what is
    below detection; a position that is not determined is written ``n.d.``.

    Parameters
    ----------
    panels
        Frames of one figure and the fits drawn into them.
    freeze
        Lay out the figure for good; not where it is the user's.
    """
    rows_above([(ax, _flags(member)) for ax, member in panels], freeze=freeze)


def _flags(member: xr.Dataset) -> list[Flag]:
    x = member[schema.axis_of(member)].values
    flags = []
    for index, (name, kind) in enumerate(zip(labels.curve_labels(member), labels.component_kinds(member), strict=True)):
        center, unc = float(member["center"].values[index]), float(member["center_unc"].values[index])
        part = member["contribution"].values[index]
        place = float(x[np.nanargmax(part)]) if np.any(part > 0) else center
        if kind == "satellite" or not x[0] <= place <= x[-1]:
            continue
        top = float(np.interp(place, x, member["background"].values + part))
        absent = str(member["flag"].values[index]) == "below_detection"
        text = f"{f'({name})' if absent else name}\n{brief(center, unc)}"
        flags.append(Flag(place, top, text, style.GREY if absent else style.INK))
    return flags


def draw_strip(ax: Axes, member: xr.Dataset, *, bottom: bool = True, side: bool = True) -> None:
    """Draw the residuals under a fit; the band is two standard deviations wide on either side."""
    axis = schema.axis_of(member)
    residual, name = residual_of(member)
    scaled = labels.statistics_of(member) != "unknown"
    residual_frame(ax, member[axis].values, residual, name, scaled=scaled, side=side)
    style.spectral_axis(ax, axis, label=bottom)
    ax.tick_params(labelbottom=bottom)


def residual_frame(
    ax: Axes, x: NDArray[np.float64], residual: NDArray[np.float64], name: str, *, scaled: bool, side: bool = True
) -> None:
    """Draw residuals around zero; `scaled` ones with their band."""
    if scaled:
        ax.axhspan(-2, 2, facecolor=style.PALE, linewidth=0, zorder=0)
    ax.axhline(0, color=style.INK, linewidth=0.5, zorder=1)
    ax.plot(x, residual, linestyle="none", marker="o", markersize=1.3, color=style.INK, markeredgewidth=0, zorder=2)
    finite = np.abs(residual[np.isfinite(residual)])
    bound = 1.1 * float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    bound = max(bound, 4.0) if scaled else bound
    ax.set_ylim(-bound, bound)
    style.dress(ax)
    low = ax.get_position().height * style.figure_of(ax).get_figheight() < LOW_STRIP
    if low:
        power = 10.0 ** np.floor(np.log10(0.75 * bound))
        mark = max(step * power for step in (1, 2, 5) if step * power <= 0.75 * bound)
        ax.yaxis.set_major_locator(FixedLocator([-mark, mark]))
    else:
        ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], prune="both"))
    style.say(ax.yaxis.label, name if side else "", size=style.SMALL)


def _limits(
    ax: Axes, y: NDArray[np.float64], model: NDArray[np.float64], background: NDArray[np.float64], yscale: str, how: str
) -> None:  # fmt: skip
    values = np.concatenate([part[np.isfinite(part)] for part in (y, model, background)])
    if yscale == "log":
        positive = values[values > 0]
        if positive.size:
            ax.set_ylim(0.7 * positive.min(), positive.max() * (4.0 if how == "peaks" else 2.0))
        return
    low, high = float(values.min()), float(values.max())
    room = (high - low) or 1.0
    above = (0.4 if yscale == "sqrt" else 0.2) if how == "peaks" else 0.06
    below = low - 0.06 * room
    if yscale == "sqrt" or (low >= 0 and low < 0.25 * room):
        below = 0.0 if low >= 0 else low
    ax.set_ylim(below, high + above * room)


def _name_peaks(ax: Axes, x: NDArray[np.float64], member: xr.Dataset, model: NDArray[np.float64]) -> None:
    """Write the name of each component over its maximum; grey and in brackets what is below detection."""
    names = labels.component_labels(member)
    tops = []
    for index, part in enumerate(member["contribution"].values):
        place = float(x[np.nanargmax(part)]) if np.any(part > 0) else float(member["center"].values[index])
        if x[0] <= place <= x[-1]:
            tops.append((place, names[index], str(member["flag"].values[index]) == "below_detection"))
    span = float(x[-1] - x[0])
    points = ax.get_position().width * style.figure_of(ax).get_figwidth() * 72
    before, reached, lift = -np.inf, 0.0, 0
    for place, name, absent in sorted(tops):
        half = max(0.02, LETTER * (len(name) + 2 * absent) / 2 / points) * span
        near = np.abs(x - place) < half  # above all that the text would cover
        level = float(np.nanmax(np.where(near, np.fmax(model, member["intensity"].values), np.nan)))
        lift = lift + 1 if place - before < half + reached else 0
        before, reached = place, half
        artist = ax.annotate(
            "",
            xy=(place, level),
            xytext=(0, 3 + 9 * lift),
            textcoords="offset points",
            ha="center",
            va="bottom",
            zorder=6,
        )
        style.say(artist, f"({name})" if absent else name, chemistry=True, color=style.GREY if absent else style.INK)
