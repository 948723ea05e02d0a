"""Pictures of fits: data, envelope, components on their background, and what is left over."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.text import unit_text
from surfspec.errors import InputError

LABELS: Final = ("auto", "legend", "peaks", "none")

#: Up to so many members are stacked in one column, more in a grid.
STACKED: Final = 6
#: No figure shows more members than this; the title says how many there are.
SHOWN: Final = 30


def plot_fit(
    dataset: xr.Dataset,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    residuals: bool | None = None,
    component_labels: str = "auto",
    yscale: str = "linear",
    share_y: bool = True,
    width: str | float | None = None,
    height: float | None = None,
) -> Figure:
    """Draw a fit: points, envelope, filled components over the background, and a residual strip below.

    Residuals are signed roots of the deviance for counts, (y - m)/u where uncertainties were given, and y - m where
    the statistics are unknown. A verdict that is not ``ok`` stands in the title with its reasons. A series becomes one
    panel for each member: one column up to six, a grid above, and at most thirty, evenly chosen, of a longer one.

    Parameters
    ----------
    dataset
        Kind ``fit``, single or series.
    ax
        Axes to draw a single fit into, without residual strip.
    title
        By default sample and region; ``""`` for none. A verdict that is not ``ok`` is always shown.
    residuals
        Draw the residual strip; by default for a single fit in a figure of its own.
    component_labels
        ``"legend"``, ``"peaks"`` (written above each peak), ``"none"``, or ``"auto"``: peaks for LEIS, else legend.
    yscale
        ``"linear"``, ``"sqrt"`` or ``"log"``.
    share_y
        Give all panels of a series the same vertical scale.
    width, height
        ``"column"``, ``"page"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; its axes are ``figure.axes``: panels in order, each followed by its residual strip.

    Raises
    ------
    InputError
        For a series or a residual strip in given axes, or an unknown option value.

    References
    ----------
    Deviance residuals of Poisson counts: P. McCullagh, J. A. Nelder, Generalized Linear Models, 2nd ed. (1989), 2.4.3.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> energy = np.arange(178.0, 192.0, 0.1)
    >>> lines = 9000 * np.exp(-((energy - 182.6) ** 2)) + 6000 * np.exp(-((energy - 185.0) ** 2))
    >>> spectrum = ss.spectrum(energy, np.round(400 + lines), technique="XPS", region="Zr 3d")
    >>> figure = ss.display.plot_fit(ss.xps.fit(spectrum, ss.xps.load_recipe("Zr 3d")))
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['', 'Binding energy (eV)']
    """
    schema.check(dataset, "fit")
    labels.choice(component_labels, LABELS, "component_labels")
    labels.choice(yscale, ("linear", "sqrt", "log"), "yscale")
    how = component_labels
    if how == "auto":
        how = "peaks" if dataset.attrs["technique"] == "LEIS" else "legend"
    named = list(labels.members(dataset, SHOWN))
    if ax is not None:
        if len(named) > 1 or residuals:
            raise InputError(
                "a series, or a fit with its residuals, needs more than one frame",
                where="ax",
                remedy="Leave ax out, or select one member with .isel() and residuals=False",
            )
        _panel(ax, named[0][1], how, yscale, labels.subject(dataset) if title is None else title)
        return style.figure_of(ax)
    if len(named) == 1:
        return _single(named[0], dataset, title, residuals is not False, how, yscale, width or "column", height or 7.6)
    return _series(named, dataset, title, bool(residuals), how, yscale, share_y, width, height)


def residual_of(member: xr.Dataset) -> tuple[NDArray[np.float64], str]:
    """Return the residuals of one fit and the name of their axis.

    Counts: sign(y - m) sqrt(2 [m - y + y ln(y/m)]), standard normal for many counts; given uncertainties u: (y - m)/u;
    unknown statistics: y - m in the unit of the intensity.
    """
    y, model = member["intensity"].values, member["model"].values
    statistics = labels.statistics_of(member)
    if statistics == "given" and "intensity_unc" in member:
        return (y - model) / member["intensity_unc"].values, "Res. (σ)"
    if statistics == "poisson":
        mean = np.where(model > 0, model, np.nan)
        log_term = np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0) / mean), 0.0)
        return np.sign(y - mean) * np.sqrt(np.maximum(2 * (mean - y + log_term), 0.0)), "Res. (σ)"
    unit = unit_text(str(member["intensity"].attrs.get("units", "1")))
    return y - model, f"Res. ({unit})" if unit else "Res."


def _single(
    named: tuple[str, xr.Dataset], dataset: xr.Dataset, title: str | None, residuals: bool, how: str, yscale: str,
    width: str | float, height: float,
) -> Figure:  # fmt: skip
    figure = style.figure(width, height)
    text = ", ".join(part for part in (labels.subject(dataset), named[0]) if part) if title is None else title
    if not residuals:
        _panel(figure.add_subplot(), named[1], how, yscale, text)
        return figure
    main, strip = figure.subplots(2, 1, sharex=True, height_ratios=[4.2, 1])
    _panel(main, named[1], how, yscale, text, bottom=False)
    _strip(strip, named[1])
    return figure


def _series(
    named: list[tuple[str, xr.Dataset]], dataset: xr.Dataset, title: str | None, residuals: bool, how: str, yscale: str,
    share_y: bool, width: str | float | None, height: float | None,
) -> Figure:  # fmt: skip
    count = labels.member_count(dataset)
    columns = 1 if len(named) <= STACKED else 3 if len(named) <= 12 else 5
    rows = -(-len(named) // columns)
    each = (4.0 if columns == 1 else 3.6) + (1.2 if residuals else 0.0)
    figure = style.figure(width or ("column" if columns == 1 else "page"), height or min(rows * each + 1.5, 24.0))
    step = 2 if residuals else 1
    grid = figure.subplots(
        rows * step, columns, sharex=True, squeeze=False,
        height_ratios=[3.4, 1][:step] * rows,
    )  # fmt: skip
    inside = "none" if how == "legend" else how
    for index in range(rows * columns):
        row, column = divmod(index, columns)
        own = [grid[row * step + extra, column] for extra in range(step)]
        if index >= len(named):
            for spare in own:
                spare.set_axis_off()
            continue
        last = index + columns >= len(named)
        label, member = named[index]
        lowest = row == rows - 1 and not residuals
        _panel(own[0], member, inside, yscale, label, bottom=lowest, side=column == 0)
        own[0].tick_params(labelbottom=last and not residuals)
        if residuals:
            _strip(own[1], member, bottom=row == rows - 1, side=column == 0)
            own[1].tick_params(labelbottom=last)
    if share_y:
        _share_y([grid[index // columns * step, index % columns] for index in range(len(named))])
    if how == "legend":
        style.legend(grid[0, 0], chemistry=True, outside=True, ncols=3 if columns == 1 else 6)
    text = labels.subject(dataset) if title is None else title
    if count > len(named):
        text = f"{text + ': ' if text else ''}{len(named)} of {count} members"
    if text:
        style.say(figure.suptitle("", x=0.01, ha="left"), text)
    return figure


def _share_y(panels: list[Axes]) -> None:
    """Give all panels the widest limits of any of them."""
    limits = np.array([panel.get_ylim() for panel in panels])
    for panel in panels:
        panel.set_ylim(limits[:, 0].min(), limits[:, 1].max())


def _panel(
    ax: Axes, member: xr.Dataset, how: str, yscale: str, title: str, *, bottom: bool = True, side: bool = True
) -> None:  # fmt: skip
    """Draw one fit into axes."""
    axis = schema.axis_of(member)
    x, y = member[axis].values, member["intensity"].values
    background, model = member["background"].values, member["model"].values
    style.scale_intensity(ax, yscale)
    ax.plot(x, y, linestyle="none", marker="o", markersize=2.0, markerfacecolor="white", markeredgecolor=style.INK,
            markeredgewidth=0.45, label="Data", zorder=4)  # fmt: skip
    name = "Start" if any(one.startswith("not fitted") for one in labels.verdict_of(member)[1]) else "Fit"
    ax.plot(x, model, color=style.INK, linewidth=1.0, label=name, zorder=5)
    _components(ax, x, member, background)
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


def _components(ax: Axes, x: NDArray[np.float64], member: xr.Dataset, background: NDArray[np.float64]) -> None:
    """Fill each component above the background; the lines of one species share colour and hatching."""
    groups, names = labels.component_groups(member)
    for index, group in enumerate(groups):
        top = background + member["contribution"].values[index]
        if not np.any(np.isfinite(top)):
            continue
        shade = style.color(group)
        fill = ax.fill_between(
            x, background, top, facecolor=style.tint(shade, 0.28), edgecolor=style.tint(shade, 0.75), linewidth=0.0,
            hatch=style.HATCHES[group % len(style.HATCHES)], zorder=1,
            label=names[group] if groups.index(group) == index else None,
        )  # fmt: skip
        if hasattr(fill, "set_hatch_linewidth"):
            fill.set_hatch_linewidth(0.35)
        ax.plot(x, top, color=shade, linewidth=0.8, linestyle=style.dash(group), zorder=2)


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
    before, lift = -np.inf, 0
    for place, name, absent in sorted(tops):
        near = np.abs(x - place) < 0.02 * span
        level = float(np.nanmax(np.where(near, np.fmax(model, member["intensity"].values), np.nan)))
        lift = lift + 1 if place - before < 0.04 * span else 0
        before = place
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


def _strip(ax: Axes, member: xr.Dataset, *, bottom: bool = True, side: bool = True) -> None:
    """Draw the residuals under a fit."""
    axis = schema.axis_of(member)
    x = member[axis].values
    residual, name = residual_of(member)
    scaled = labels.statistics_of(member) != "unknown"
    if scaled:
        ax.axhspan(-2, 2, facecolor=style.PALE, linewidth=0, zorder=0)
    ax.axhline(0, color=style.INK, linewidth=0.5, zorder=1)
    ax.plot(x, residual, linestyle="none", marker="o", markersize=1.3, color=style.INK, markeredgewidth=0, zorder=2)
    finite = np.abs(residual[np.isfinite(residual)])
    bound = 1.1 * float(finite.max()) if finite.size and finite.max() > 0 else 1.0
    bound = max(bound, 4.0) if scaled else bound
    ax.set_ylim(-bound, bound)
    style.dress(ax)
    ax.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10], prune="both"))
    style.spectral_axis(ax, axis, label=bottom)
    ax.tick_params(labelbottom=bottom)
    style.say(ax.yaxis.label, name if side else "", size=style.SMALL)
