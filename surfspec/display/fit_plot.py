"""Pictures of fits: data, envelope, components on their background, and what is left over."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import axes, heading
from surfspec.display.fit_panel import CASA, SATELLITES, draw_panel, draw_strip, name_positions, name_scales
from surfspec.display.residuals import residual_of
from surfspec.errors import InputError

__all__ = ["LABELS", "SHOWN", "STACKED", "plot_fit", "residual_of"]

LABELS: Final = ("auto", "legend", "positions", "peaks", "none")

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
    error_bars: bool = False,
    width: str | float | None = None,
    height: float | None = None,
) -> Figure:
    """Draw a fit: points, envelope, filled components over the background, and a residual strip below.

    Residuals are signed roots of the deviance for counts, (y - m)/u where uncertainties were given, and y - m where
    the statistics are unknown; the band is two standard deviations wide on either side. Both lines of a doublet share
    colour and hatching; X-ray satellites and Auger lines are dashed and not hatched. A verdict that is not ``ok``
    stands in the title with its reasons. A series becomes one panel for each member: one column up to six, a grid
    above, and at most thirty, evenly chosen, of a longer one.

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
        ``"legend"``, ``"positions"`` (name and position of each component in a row above the curves, joined to its
        maximum), ``"peaks"`` (written above each peak), ``"none"``, or ``"auto"``: peaks for LEIS, else legend.
    yscale
        ``"linear"``, ``"sqrt"`` or ``"log"``.
    share_y
        Give all panels of a series the same vertical scale.
    error_bars
        Draw the standard uncertainty of each point: as given, or the root of the expected counts.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; its axes are ``figure.axes``: panels in order, each followed by its residual strip.

    Raises
    ------
    InputError
        For a series or a residual strip in given axes, error bars where the statistics are unknown, or an unknown
        option value.

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
    title, ax = heading(title), axes(ax)
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
        text = labels.subject(dataset) if title is None else title
        draw_panel(ax, named[0][1], how, yscale, text, error_bars=error_bars)
        if how == "positions":
            name_positions([(ax, named[0][1])], freeze=False)
        return style.figure_of(ax)
    if len(named) == 1:
        size = (width or "column", height or (8.8 if how == "positions" else 7.6))
        return _single(named[0], dataset, title, residuals is not False, how, yscale, size, error_bars)
    return _series(named, dataset, title, bool(residuals), how, yscale, share_y, width, height, error_bars)


def _single(
    named: tuple[str, xr.Dataset], dataset: xr.Dataset, title: str | None, residuals: bool, how: str, yscale: str,
    size: tuple[str | float, float], error_bars: bool,
) -> Figure:  # fmt: skip
    figure = style.figure(*size)
    text = ", ".join(part for part in (labels.subject(dataset), named[0]) if part) if title is None else title
    frames = figure.subplots(2, 1, sharex=True, height_ratios=[4.2, 1]) if residuals else [figure.add_subplot()]
    main = frames[0]
    draw_panel(main, named[1], how, yscale, text, bottom=not residuals, error_bars=error_bars)
    if residuals:
        draw_strip(frames[1], named[1])
    if how == "positions":
        _key(main)
        name_positions([(main, named[1])])
    return figure


def _key(ax: Axes) -> None:
    """Tell below the figure what is no component: those have their names at the curves."""
    only = ("Data", "Fit", "Start", CASA, "Background", SATELLITES)
    style.legend(ax, chemistry=True, outside=True, ncols=4, only=only)


def _series(
    named: list[tuple[str, xr.Dataset]], dataset: xr.Dataset, title: str | None, residuals: bool, how: str, yscale: str,
    share_y: bool, width: str | float | None, height: float | None, error_bars: bool,
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
        draw_panel(own[0], member, inside, yscale, label, bottom=lowest, side=column == 0, error_bars=error_bars)
        own[0].tick_params(labelbottom=last and not residuals)
        if residuals:
            draw_strip(own[1], member, bottom=row == rows - 1, side=column == 0)
            own[1].tick_params(labelbottom=last)
    panels = [grid[index // columns * step, index % columns] for index in range(len(named))]
    if share_y:
        _share_y(panels)
    name_scales([(panel, member) for panel, (_, member) in zip(panels, named, strict=True)], columns)
    if how == "legend":
        style.legend(grid[0, 0], chemistry=True, outside=True, ncols=3 if columns == 1 else 6)
    text = labels.subject(dataset) if title is None else title
    if count > len(named):
        text = f"{text + ': ' if text else ''}{len(named)} of {count} members"
    if text:
        style.say(figure.suptitle("", x=0.01, ha="left"), text)
    if how == "positions":
        _key(grid[0, 0])
        name_positions([(panel, member) for panel, (_, member) in zip(panels, named, strict=True)])
    return figure


def _share_y(panels: list[Axes]) -> None:
    """Give all panels the widest limits of any of them."""
    limits = np.array([panel.get_ylim() for panel in panels])
    for panel in panels:
        panel.set_ylim(limits[:, 0].min(), limits[:, 1].max())
