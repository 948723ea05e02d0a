"""Pictures of identified patterns: measured, calculated, difference, and the lines of each phase."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import axes, heading
from surfspec.display.tick_rows import draw_rows, phase_order
from surfspec.errors import InputError

#: Horizontal axis -> name and unit.
AXES: Final[dict[str, tuple[str, str]]] = {"two_theta": ("2θ", "deg"), "d": ("d", "angstrom"), "Q": ("Q", "angstrom-1")}

#: So many unexplained lines at most have their position written beside them.
POSITIONS: Final = 8

_CALCULATED: Final = style.COLORS[1]
_DIFFERENCE: Final = style.COLORS[0]


def plot_match(
    dataset: xr.Dataset,
    *,
    axis: str = "two_theta",
    yscale: str = "linear",
    contributions: bool = False,
    ax: Axes | None = None,
    title: str | None = None,
    width: str | float = "page",
    height: float | None = None,
) -> Figure:
    """Draw an identified pattern: points, calculated pattern, background, a row of ticks for each phase, difference.

    Lines that no phase explains carry a triangle; expected lines that were not found carry a cross in the row of their
    phase, and weak ones are short. A verdict that is not ``ok`` stands in the title with its reasons.

    Parameters
    ----------
    dataset
        Kind ``match`` with ``intensity`` (two_theta); a series becomes one frame for each member over common ticks.
    axis
        ``"two_theta"``, ``"d"`` (lattice spacing, falling) or ``"Q"``; the last two need ``attrs["wavelength"]``.
    yscale
        ``"linear"``, ``"sqrt"`` (shows weak lines) or ``"log"``.
    contributions
        Also fill the contribution of each phase.
    ax
        Axes to draw the pattern of a single match into, without ticks and difference.
    title
        By default the sample; ``""`` for none. A verdict that is not ``ok`` is always shown.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure
        Axes in order: pattern (one for each member), ticks, difference (single match only).

    Raises
    ------
    InputError
        When the match holds no pattern, or no wavelength for a d or Q axis.

    Notes
    -----
    d = λ / (2 sin θ) and Q = 4π sin θ / λ, with the wavelength of the Dataset.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> (phase,) = ss.xrd.phases(["Pb"])
    >>> angles = np.arange(25.0, 60.0, 0.05)
    >>> calculated = ss.xrd.pattern(phase, wavelength="CuKa1", two_theta=angles).intensity.values
    >>> counts = np.round(200 + 5000 * calculated / calculated.max())
    >>> lead = ss.spectrum(angles, counts, technique="XRD", wavelength=1.540598)
    >>> figure = ss.display.plot_match(ss.xrd.match(lead, phases=["Pb"]), axis="d")
    >>> figure.axes[-1].get_xlabel()
    'd (Å)'
    """
    schema.check(dataset, "match")
    title, ax = heading(title), axes(ax)
    labels.choice(axis, tuple(AXES), "axis")
    labels.choice(yscale, ("linear", "sqrt", "log"), "yscale")
    if "intensity" not in dataset or "two_theta" not in dataset.dims:
        raise InputError(
            "this match holds no pattern",
            where="plot_match",
            remedy="Print it with summary(match), or keep what xrd.match() returned",
        )
    named = list(labels.members(dataset))
    wavelength = _wavelength(dataset, axis)
    if ax is not None:
        if len(named) > 1:
            raise InputError("a series needs more than one frame", where="ax", remedy="Select one member with .isel()")
        _pattern(ax, named[0][1], axis, wavelength, yscale, contributions)
        style.verdict_headline(ax, labels.subject(dataset) if title is None else title, *labels.verdict_of(named[0][1]))
        _name_axis(ax, axis)
        return style.figure_of(ax)
    rows = phase_order(dataset)
    single = len(named) == 1
    wide = style.width_cm(width) > 12
    marked = any(labels.card_note(dataset.isel(phase=index)) for index in rows)
    each = (0.92 if marked else 0.62) if wide else 0.95
    strip = 0.35 + each * max(len(rows), 1)
    sizes = [6.6 if single else 4.0] * len(named) + [strip] + ([1.8] if single else [])
    figure = style.figure(width, height or min(sum(sizes) + 1.3, 25.0))
    grid = list(figure.subplots(len(sizes), 1, sharex=True, height_ratios=sizes, squeeze=False)[:, 0])
    for panel, (label, member) in zip(grid, named, strict=False):
        _pattern(panel, member, axis, wavelength, yscale, contributions)
        text = ", ".join(part for part in (labels.subject(dataset) if title is None else title, label) if part)
        style.verdict_headline(panel, text, *labels.verdict_of(member))
        panel.tick_params(labelbottom=False)
    if wide:
        style.legend(grid[0], loc="upper left", bbox_to_anchor=(1.0, 1.0), chemistry=True)
    else:
        style.legend(grid[0], chemistry=True, outside=True, ncols=2)
    draw_rows(grid[len(named)], dataset, rows, lambda two_theta: abscissa(two_theta, axis, wavelength), labelled=wide)
    grid[len(named)].tick_params(axis="x", which="both", labelbottom=not single)
    if single:
        _difference(grid[-1], named[0][1], axis, wavelength)
    _name_axis(grid[-1], axis)
    figure.align_ylabels([panel for panel in grid if panel is not grid[len(named)]])
    return figure


def abscissa(two_theta: NDArray[np.float64], axis: str, wavelength: float) -> NDArray[np.float64]:
    """Turn 2θ in degrees into the chosen axis: itself, d in angstrom or Q in 1/angstrom."""
    if axis == "two_theta":
        return two_theta
    sine = np.sin(np.deg2rad(two_theta / 2))
    return wavelength / (2 * sine) if axis == "d" else 4 * math.pi * sine / wavelength


def _wavelength(dataset: xr.Dataset, axis: str) -> float:
    value = dataset.attrs.get("wavelength", math.nan)
    known = float(value) if isinstance(value, int | float | np.number) else math.nan
    if axis != "two_theta" and not known > 0:
        raise InputError(
            f"the wavelength is not known, so there is no {axis} axis",
            where="attrs['wavelength']",
            remedy="Give the wavelength in angstrom to match(), or use axis='two_theta'",
        )
    return known


def _pattern(ax: Axes, member: xr.Dataset, axis: str, wavelength: float, yscale: str, contributions: bool) -> None:
    x = abscissa(member["two_theta"].values, axis, wavelength)
    y = member["intensity"].transpose(..., "two_theta").values
    style.scale_intensity(ax, yscale)
    ax.plot(
        x,
        y,
        linestyle="none",
        marker="o",
        markersize=1.1 if x.size > 2000 else 1.6,
        color=style.INK,
        markeredgewidth=0,
        label="Simulated" if labels.is_simulated(member) else "Measured",
        zorder=2,
    )
    background = member["background"].values if "background" in member else np.zeros_like(y)
    if contributions and "contribution" in member:
        names = labels.phase_names(member)
        for index, part in enumerate(member["contribution"].transpose("phase", "two_theta").values):
            fill = ax.fill_between(
                x, background, background + part, facecolor=style.tint(style.color(index + 2), 0.5),
                edgecolor=style.color(index + 2), linewidth=0.4, label=names[index], zorder=1,
            )  # fmt: skip
            fill.set_linestyle(style.dash(index))
    if "background" in member:
        ax.plot(x, background, color=style.GREY, linewidth=0.8, linestyle=style.DASHES[1], label="Background", zorder=3)
    if "model" in member:
        ax.plot(x, member["model"].values, color=_CALCULATED, linewidth=0.8, label="Calculated", zorder=4)
    ax.set_xlim(float(x[0]), float(x[-1]))
    finite = y[np.isfinite(y)]
    low, high = float(finite.min()), float(finite.max())
    if yscale == "log":
        positive = finite[finite > 0]
        if positive.size:
            ax.set_ylim(0.7 * positive.min(), 3 * high)
    else:
        room = (high - low) or 1.0
        ax.set_ylim(
            0 if 0 <= low < 0.5 * high else low - 0.05 * room, high + (0.4 if yscale == "sqrt" else 0.15) * room
        )
    _unexplained(ax, member, axis, wavelength, x, y)
    style.dress(ax)
    unit = str(member["intensity"].attrs.get("units", "1"))
    if yscale == "log":
        style.say(ax.yaxis.label, style.axis_text("Intensity", unit))
    else:
        style.intensity_axis(ax, "Intensity", unit)


def _unexplained(
    ax: Axes, member: xr.Dataset, axis: str, wavelength: float, x: NDArray[np.float64], y: NDArray[np.float64]
) -> None:  # fmt: skip
    """Mark the lines that no phase explains, with their position where there are few."""
    if "peak_two_theta" not in member:
        return
    two_theta = np.asarray(member["peak_two_theta"].values, dtype=np.float64)
    if "peak_phase" in member:
        two_theta = two_theta[member["peak_phase"].values == -1]
    two_theta = two_theta[np.isfinite(two_theta)]
    if not two_theta.size:
        return
    measured = member["two_theta"].values
    levels = np.array(
        [np.nanmax(np.where(np.abs(measured - place) < 0.15, y, -np.inf), initial=-np.inf) for place in two_theta]
    )
    levels = np.where(np.isfinite(levels), levels, np.interp(two_theta, measured, y))
    places = abscissa(two_theta, axis, wavelength)
    for index, (place, level) in enumerate(zip(places, levels, strict=True)):
        ax.annotate(
            "", xy=(place, level), xytext=(0, 8), textcoords="offset points", zorder=5,
            arrowprops={"arrowstyle": "-|>,head_width=0.18,head_length=0.35", "color": style.WARN, "linewidth": 0.7,
                        "shrinkA": 0, "shrinkB": 2},
        )  # fmt: skip
        if two_theta.size <= POSITIONS:
            artist = ax.annotate(
                "",
                xy=(place, level),
                xytext=(0, 9),
                textcoords="offset points",
                ha="center",
                va="bottom",
                rotation=90,
                zorder=5,
            )
            style.say(
                artist, f"{two_theta[index]:.2f}°" if axis == "two_theta" else f"{place:.3f}", size=6, color=style.WARN
            )
            artist.set_path_effects([withStroke(linewidth=1.6, foreground="white")])
    ax.plot(
        [], [], linestyle="none", marker="v", markersize=3.5, color=style.WARN, markeredgewidth=0, label="Unexplained"
    )


def _difference(ax: Axes, member: xr.Dataset, axis: str, wavelength: float) -> None:
    x = abscissa(member["two_theta"].values, axis, wavelength)
    if "model" in member:
        rest = member["intensity"].values - member["model"].values
        ax.plot(x, rest, color=_DIFFERENCE, linewidth=0.6)
        finite = np.append(rest[np.isfinite(rest)], 0.0)
        room = 0.15 * float(np.ptp(finite)) or 1.0
        ax.set_ylim(finite.min() - room, finite.max() + room)
    ax.axhline(0, color=style.INK, linewidth=0.5)
    style.dress(ax)
    style.plain_ticks(ax.yaxis, 3)
    style.intensity_axis(ax, "Diff.", "1")


def _name_axis(ax: Axes, axis: str) -> None:
    name, unit = AXES[axis]
    style.say(ax.xaxis.label, style.axis_text(name, unit))
