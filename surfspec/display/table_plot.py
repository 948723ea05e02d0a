"""Any table as a picture: bars or points with error bars; a table over dose or time as a series."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import axes, heading
from surfspec.display.series_plot import plot_series, quantity, spread_of
from surfspec.errors import InputError

STYLES: Final = ("auto", "bar", "point")

#: Ends of names that tell about another variable, or are no quantity of their own.
COMPANIONS: Final = ("_unc", "_sd", "_low", "_high", "_covariance", "covariance", "p_value", "detected", "upper_limit")

#: Dimensions that run along a series even when their coordinate is missing.
_ALONG: Final = ("dose", "time", "cycle", "temperature", "depth")


def plot_table(
    table: xr.Dataset,
    *,
    variable: str | None = None,
    along: str | None = None,
    by: str | None = None,
    marks: str = "auto",
    ax: Axes | None = None,
    title: str | None = None,
    width: str | float | None = None,
    height: float = 6.0,
    **options: object,
) -> Figure:
    """Draw a quantity of a table: against a number as a series, over names as bars or points with error bars.

    Parameters
    ----------
    table
        Kind ``table``.
    variable
        The quantity; by default the first that has an uncertainty and at least one dimension.
    along
        Dimension of the horizontal axis; by default dose, time, cycle or another with numbers, else the last one.
    by
        Dimension of the lines or of the bars in a group.
    marks
        ``"bar"`` (from zero, for shares), ``"point"``, or ``"auto"``: bars for shares that are not negative.
    ax, title, width, height
        As for the other pictures.
    **options
        For a series, those of :func:`plot_series`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        When nothing in the table can be drawn, or for unknown names.

    Examples
    --------
    >>> import surfspec as ss, xarray as xr
    >>> table = xr.Dataset(
    ...     {"share": ("element", [62.0, 38.0], {"units": "%"}), "share_unc": ("element", [2.0, 2.0], {"units": "%"})},
    ...     coords={"element": ["O", "Na"]},
    ...     attrs={"kind": "table", "technique": "XPS"},
    ... )
    >>> ss.display.plot_table(table).axes[0].get_ylabel()
    'Share (%)'
    """
    schema.check(table, "table")
    title, ax = heading(title), axes(ax)
    labels.choice(marks, STYLES, "marks")
    name = variable or _first(table)
    values = quantity(table, name)
    if not values.dims:
        raise InputError(
            f"{name!r} is one number, not a picture", where="variable", remedy="Print it with summary(table)"
        )
    run = along or _along(values)
    numeric = run in table.coords and np.issubdtype(table[run].dtype, np.number) if run in values.dims else True
    if (numeric or run in _ALONG) and marks == "auto":
        return plot_series(table, name, along=run, by=by, ax=ax, title=title, width=width, height=height, **options)  # type: ignore[arg-type]
    if options:
        raise InputError(
            f"unknown option {next(iter(options))!r}",
            where="plot_table",
            remedy="Use variable, along, by, marks, title, width, height",
        )
    by = _bars_by(values, run, by)
    if ax is None:
        ax = style.figure(width or "column", height).add_subplot()
    _marks(ax, table, name, run, by, marks)
    text = labels.subject(table) if title is None else title
    if text:
        style.headline(ax, text)
    return style.figure_of(ax)


def quantities(table: xr.Dataset) -> list[str]:
    """Return the variables that are quantities of their own, those with an uncertainty first."""
    names = [
        str(name)
        for name, array in table.data_vars.items()
        if np.issubdtype(array.dtype, np.number) and not str(name).endswith(COMPANIONS)
    ]
    return sorted(names, key=lambda name: f"{name}_unc" not in table)


def _first(table: xr.Dataset) -> str:
    for name in quantities(table):
        if table[name].dims and not any(str(dim).endswith("_b") for dim in table[name].dims):
            return name
    raise InputError(
        "this table has no quantity with a dimension", where="plot_table", remedy="Print it with summary(table)"
    )


def _along(values: xr.DataArray) -> str:
    dims = [str(name) for name in values.dims]
    named = [name for name in _ALONG if name in dims]
    numeric = [name for name in dims if name in values.coords and np.issubdtype(values[name].dtype, np.number)]
    return (named + numeric + dims[-1:])[0]


def _bars_by(values: xr.DataArray, run: str, by: str | None) -> str | None:
    dims = [str(name) for name in values.dims]
    for role, name in (("along", run), ("by", by)):
        if name is not None and name not in dims:
            raise InputError(
                f"{values.name!r} has no dimension {name!r}", where=role, remedy=f"Use one of {', '.join(dims)}"
            )
    left = [name for name in dims if name not in {run, by}]
    if by is None and left:
        by = left.pop()
    if left:
        raise InputError(
            f"{values.name!r} has dimensions {tuple(dims)}, more than bars can show",
            where="plot_table",
            remedy=f"Select or average first: {', '.join(left)}",
        )
    return by


def _marks(ax: Axes, table: xr.Dataset, name: str, run: str, by: str | None, marks: str) -> None:
    values = table[name]
    unit = str(values.attrs.get("units", "1"))
    finite = values.values[np.isfinite(values.values)]
    bars = marks == "bar" or (marks == "auto" and unit in {"1", "%", "percent"} and bool(np.all(finite >= 0)))
    count, groups = table.sizes[run], table.sizes[by] if by else 1
    step = 0.8 / groups
    for index in range(groups):
        part = table.isel({by: index}) if by else table
        x = np.arange(count) + (index - (groups - 1) / 2) * step
        y, spread = part[name].values.astype(float), spread_of(part, name, "unc")
        shade = style.color(index)
        label = labels.coordinate_label(table, by, index) if by else None
        if bars:
            drawn = ax.bar(x, y, width=0.92 * step, facecolor=style.tint(shade, 0.4), edgecolor=shade, linewidth=0.8,
                           hatch=style.HATCHES[index % len(style.HATCHES)], label=label, zorder=2)  # fmt: skip
            for patch in drawn.patches:
                if hasattr(patch, "set_hatch_linewidth"):
                    patch.set_hatch_linewidth(0.35)
        ax.errorbar(x, y, yerr=spread, linestyle="none", marker="" if bars else style.marker(index), markersize=4,
                    color=style.INK if bars else shade, capsize=2, elinewidth=0.8, capthick=0.8,
                    label=None if bars else label, zorder=3)  # fmt: skip
        for place in x[~np.isfinite(y)]:
            style.note(
                ax, place, 0.01, "n.d.", transform=ax.get_xaxis_transform(), ha="center", va="bottom", color=style.GREY
            )
    style.dress(ax)
    ax.set_xlim(-0.6, count - 0.4)
    names = [labels.coordinate_label(table, run, index) for index in range(count)]
    long = max(map(len, names)) * count > 40
    style.name_ticks(ax.xaxis, range(count), names, chemistry=run in {"element", "component", "phase"})
    for artist in ax.get_xticklabels():
        artist.set(rotation=35 if long else 0, ha="right" if long else "center", rotation_mode="anchor")
    ax.tick_params(axis="x", which="both", top=False, length=0)
    ax.xaxis.minorticks_off()
    low, high = ax.get_ylim()
    if bars or (finite.size and finite.min() >= 0 and low < 0.4 * high):
        ax.set_ylim(bottom=0.0 if finite.size and finite.min() >= 0 else min(0.0, low))
    style.quantity_axis(ax.yaxis, labels.long_name(values), unit)
    if by:
        style.legend(ax, chemistry=by in {"element", "component", "phase"})
