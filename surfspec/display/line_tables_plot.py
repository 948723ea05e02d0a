"""Pictures of what was read off one powder pattern without any phase: found lines with their widths, the background."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import diffraction_axis as bragg
from surfspec.display import labels, style
from surfspec.display.checks import axes, heading
from surfspec.display.pattern_frame import draw_pattern
from surfspec.display.placing import Flag, rows_above
from surfspec.errors import InputError

_PEAKS: Final = ("peak_two_theta", "height", "fwhm")
_BACKGROUND: Final = ("background", "background_unc", "net")
#: Lines at most whose positions are written.
NAMED: Final = 16
#: Widths, as multiples of that typical of the pattern, above which the axis of widths is cut.
WIDEST: Final = 5.0


def is_peak_table(table: xr.Dataset) -> bool:
    """Tell whether a table holds the lines found in one powder pattern."""
    return all(name in table and table[name].dims == ("peak",) for name in _PEAKS)


def is_background_table(table: xr.Dataset) -> bool:
    """Tell whether a table holds the background of one powder pattern."""
    return all(name in table and table[name].dims == ("two_theta",) for name in _BACKGROUND)


def plot_peaks(
    table: xr.Dataset,
    *,
    axis: str = "two_theta",
    yscale: str = "linear",
    window: tuple[float, float] | None = None,
    title: str | None = None,
    width: str | float = "page",
    height: float = 8.0,
) -> Figure:
    """Draw found lines of a powder pattern: heights as sticks, and below the width of each against its place.

    Widths of one instrument and one phase lie on a smooth curve; what lies off it is another phase, several lines in
    one, or noise. Lines that the search calls doubtful are open and red. The dashed line is the typical width.

    Parameters
    ----------
    table
        What :func:`surfspec.xrd.find_peaks` returned.
    axis, yscale, window
        As in :func:`plot_match`; not the logarithm, as sticks begin at zero.
    title
        By default the sample and the number of lines; ``""`` for none.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes: heights, widths.

    Raises
    ------
    InputError
        For another table, one without lines, or none inside the window.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x = np.arange(20, 60, 0.03)
    >>> salt = ss.xrd.pattern(ss.xrd.phases(["halite"])[0], wavelength="CuKa1", two_theta=x).intensity.values
    >>> counts = np.random.default_rng(1).poisson(50 + 20 * salt)
    >>> found = ss.xrd.find_peaks(ss.spectrum(x, counts, technique="XRD"), wavelength="CuKa1")
    >>> [ax.get_ylabel() for ax in ss.display.plot_peaks(found).axes]
    ['Height (10³ counts)', 'FWHM (°)']
    """
    schema.check(table, "table")
    title = heading(title)
    labels.choice(axis, tuple(bragg.AXES), "axis")
    labels.choice(yscale, ("linear", "sqrt"), "yscale")
    if not is_peak_table(table):
        raise InputError(
            "this table holds no lines of one pattern", where="plot_peaks", remedy="Pass what xrd.find_peaks() returned"
        )
    wavelength = bragg.wavelength_of(table, axis)
    place = bragg.abscissa(np.asarray(table["peak_two_theta"].values, dtype=np.float64), axis, wavelength)
    order = np.argsort(table["peak_two_theta"].values, kind="stable")
    order = order[np.isfinite(place[order])]
    if not order.size:
        raise InputError("no line was found", where="plot_peaks", remedy="Print the table with summary()")
    part = order if window is None else _inside(place, order, window)
    figure = style.figure(width, height)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    words = table["flag"].values.astype(str) if "flag" in table else np.full(place.size, "")
    doubtful = ~np.isin(words, ["", "ok"])
    style.scale_intensity(above, yscale)
    _sticks(above, table, place, part, doubtful)
    _widths(below, table, place, part, doubtful)
    low, high = float(place[part[0]]), float(place[part[-1]])
    room = 0.03 * (high - low) or (-0.01 if axis == "d" else 0.01) * high
    bragg.span(above, axis, low - room, high + room)
    for frame in (above, below):
        style.dress(frame)
        bragg.tick(frame, axis)
    style.intensity_axis(above, "Height", str(table["height"].attrs.get("units", "1")))
    style.quantity_axis(below.yaxis, "FWHM", str(table["fwhm"].attrs.get("units", "deg")))
    bragg.name_axis(below, axis)
    above.tick_params(axis="x", which="both", labelbottom=False)
    told = f"{part.size} lines" if part.size != 1 else "1 line"
    text = ": ".join(word for word in (labels.subject(table), told) if word) if title is None else title
    if text:
        style.headline(above, text)
    style.legend(above, outside=True)
    figure.align_ylabels([above, below])
    rows_above([(above, _flags(table, place, part, doubtful, axis))])
    return figure


def plot_background(
    table: xr.Dataset,
    *,
    axis: str = "two_theta",
    yscale: str = "sqrt",
    window: tuple[float, float] | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    width: str | float = "page",
    height: float = 6.6,
) -> Figure:
    """Draw the background of a powder pattern through the pattern it was estimated from, with a band of two sigma.

    Parameters
    ----------
    table
        What :func:`surfspec.xrd.background` returned.
    axis, yscale, window, ax, title, width, height
        As in :func:`plot_match`; the root of the intensity by default, which shows a background below strong lines.

    Returns
    -------
    matplotlib.figure.Figure
        One axes.

    Raises
    ------
    InputError
        For another table, or nothing inside the window.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x = np.arange(20, 60, 0.03)
    >>> flat = ss.spectrum(x, np.random.default_rng(1).poisson(50 + 0 * x), technique="XRD")
    >>> len(ss.plot(ss.xrd.background(flat)).axes)
    1
    """
    schema.check(table, "table")
    title, ax = heading(title), axes(ax)
    labels.choice(axis, tuple(bragg.AXES), "axis")
    labels.choice(yscale, ("linear", "sqrt", "log"), "yscale")
    if not is_background_table(table):
        raise InputError(
            "this table holds no background", where="plot_background", remedy="Pass what xrd.background() returned"
        )
    if ax is None:
        ax = style.figure(width, height).add_subplot()
    pattern = table.assign(intensity=("two_theta", (table["net"] + table["background"]).values, table["net"].attrs))
    part = draw_pattern(ax, pattern, axis, yscale, window)
    x = bragg.abscissa(table["two_theta"].values.astype(np.float64), axis, bragg.wavelength_of(table, axis))[part]
    level, spread = table["background"].values[part], 2 * table["background_unc"].values[part]
    ax.fill_between(
        x, level - spread, level + spread, facecolor=style.tint(style.COLORS[1], 0.5), linewidth=0, zorder=5.5,
        label="Two standard uncertainties",
    )  # fmt: skip
    for line in ax.get_lines():
        if line.get_label() == "Background":
            line.set(color=style.COLORS[1], zorder=6)
    style.legend(ax)
    text = labels.subject(table) if title is None else title
    if text:
        style.headline(ax, text)
    bragg.name_axis(ax, axis)
    return style.figure_of(ax)


def _inside(place: NDArray[np.float64], order: NDArray[np.int64], window: object) -> NDArray[np.int64]:
    """Return which lines lie between the two ends of a window."""
    try:
        low, high = sorted(float(end) for end in window)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise InputError(f"{window!r} is no window", where="window", remedy="Give two numbers") from None
    part = order[(place[order] >= low) & (place[order] <= high)]
    if not part.size:
        raise InputError(f"no line lies between {low:g} and {high:g}", where="window", remedy="Widen it")
    return part


def _sticks(
    ax: Axes, table: xr.Dataset, place: NDArray[np.float64], part: NDArray[np.int64], doubtful: NDArray[np.bool_]
) -> None:  # fmt: skip
    height = np.asarray(table["height"].values, dtype=np.float64)
    spread = np.asarray(table["height_unc"].values, dtype=np.float64) if "height_unc" in table else 0 * height
    for chosen, name, shade in ((~doubtful, "Line", style.COLORS[0]), (doubtful, "Doubtful line", style.WARN)):
        mine = part[chosen[part]]
        if mine.size:
            ax.vlines(place[mine], 0, height[mine], color=shade, linewidth=0.8, zorder=2)
            ax.errorbar(
                place[mine], height[mine], yerr=spread[mine], linestyle="none", marker="o", markersize=2.6, color=shade,
                markerfacecolor="white" if name != "Line" else shade, capsize=1.5, elinewidth=0.7, label=name, zorder=3,
            )  # fmt: skip
    ax.set_ylim(0, (1.5 if ax.get_yscale() != "linear" else 1.15) * float(np.nanmax(height[part], initial=0.0)) or 1.0)


def _widths(
    ax: Axes, table: xr.Dataset, place: NDArray[np.float64], part: NDArray[np.int64], doubtful: NDArray[np.bool_]
) -> None:  # fmt: skip
    wide = np.asarray(table["fwhm"].values, dtype=np.float64)
    spread = np.asarray(table["fwhm_unc"].values, dtype=np.float64) if "fwhm_unc" in table else 0 * wide
    typical = float(table.attrs.get("typical_fwhm", np.nan))
    for chosen, shade, filled in (
        (~doubtful, style.COLORS[0], style.COLORS[0]), (doubtful, style.WARN, "white"),
    ):  # fmt: skip
        mine = part[chosen[part]]
        if mine.size:
            ax.errorbar(
                place[mine], wide[mine], yerr=spread[mine], linestyle="none", marker="o", markersize=2.6, color=shade,
                markerfacecolor=filled, capsize=1.5, elinewidth=0.7, zorder=3,
            )  # fmt: skip
    if np.isfinite(typical):
        ax.axhline(typical, color=style.GREY, linewidth=0.7, linestyle=style.DASHES[1], zorder=1)
    largest = float(np.nanmax(wide[part], initial=0.0))
    ax.set_ylim(0, min(1.25 * largest, WIDEST * typical) if np.isfinite(typical) else 1.25 * largest or 1.0)


def _flags(
    table: xr.Dataset, place: NDArray[np.float64], part: NDArray[np.int64], doubtful: NDArray[np.bool_], axis: str
) -> list[Flag]:  # fmt: skip
    height = table["height"].values
    strongest = sorted(part, key=lambda index: -np.nan_to_num(float(height[index])))[:NAMED]
    digits = 2 if axis == "two_theta" else 3
    return [
        Flag(float(place[at]), float(height[at]), f"{place[at]:.{digits}f}", style.WARN if doubtful[at] else style.INK)
        for at in strongest
    ]
