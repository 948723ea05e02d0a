"""Sputter depth profile: elements over cycles, what was not detected as a limit, and the bulk where nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import axes, chosen_names, heading
from surfspec.display.series_plot import draw_limits, make_room_for_limits, positions, quantity, spread_of, undetected
from surfspec.errors import InputError

YSCALES: Final = ("linear", "log")


def plot_profile(
    table: xr.Dataset,
    variable: str = "normalised_area",
    *,
    along: str = "cycle",
    elements: Sequence[str] | None = None,
    bulk: bool = True,
    yscale: str = "linear",
    ax: Axes | None = None,
    title: str | None = None,
    width: str | float = "column",
    height: float = 7.5,
) -> Figure:
    """Draw element profiles over the cycles of a sputter depth profile.

    Bars are standard uncertainties. An element that was not detected in a cycle has a short bar with an arrow
    downwards at its upper limit. Where the table has a bulk, a line in the colour of each element spans the cycles
    that it is the mean of, with a band of one standard deviation between them; a dotted line marks the first of them.

    Parameters
    ----------
    table
        Table of :func:`surfspec.leis.depth_profile`, or any over (`along`, ``element``).
    variable
        Quantity over (`along`, ``element``). The bulk belongs to ``normalised_area``.
    along
        Dimension of the horizontal axis.
    elements
        Which, in the order of the colours; by default all.
    bulk
        Draw the bulk.
    yscale
        ``"linear"`` (from zero) or ``"log"``.
    ax
        Axes to draw into.
    title
        By default the sample; ``""`` for none. A verdict that is not ok is always shown.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        For a quantity over other dimensions, an unknown element or scale.

    Examples
    --------
    >>> import surfspec as ss, xarray as xr
    >>> one = {"units": "1", "long_name": "Normalised area"}
    >>> table = xr.Dataset(
    ...     {"normalised_area": (("cycle", "element"), [[0.9, 0.1], [0.6, 0.4], [0.6, 0.4]], one)},
    ...     coords={"cycle": ("cycle", [1.0, 2.0, 3.0], {"units": "cycle"}), "element": ["P", "Zr"]},
    ...     attrs={"kind": "table", "technique": "LEIS"},
    ... )
    >>> figure = ss.display.plot_profile(table)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['P', 'Zr']
    """
    schema.check(table, "table")
    title, ax = heading(title), axes(ax)
    labels.choice(yscale, YSCALES, "yscale")
    values = quantity(table, variable)
    if set(values.dims) != {along, "element"}:
        raise InputError(
            f"{variable!r} is over ({', '.join(map(str, values.dims))})",
            where="plot_profile",
            remedy=f"Pass a table over {along} and element; select or average other dimensions first",
        )
    known = [str(one) for one in table["element"].values]
    chosen = chosen_names(elements, known, "elements")
    if ax is None:
        ax = style.figure(width, height).add_subplot()
    ax.set_yscale(yscale, **({"nonpositive": "mask"} if yscale == "log" else {}))
    x, names = positions(table, along)
    first = _plateau(table, x, names) if bulk and variable == "normalised_area" else None
    for index, element in enumerate(chosen):
        row = table.sel(element=element)
        shade = style.color(index)
        y = np.asarray(row[variable].values, dtype=np.float64)
        hidden = undetected(row, variable)
        spread = np.where(hidden, np.nan, spread_of(row, variable, "unc"))
        ax.errorbar(
            x, np.where(hidden, np.nan, y), yerr=spread, color=shade, linestyle=style.dash(index), linewidth=0.8,
            marker=style.marker(index), markersize=3.6, markerfacecolor="white" if index % 2 else shade, capsize=1.6,
            elinewidth=0.7, label=element, zorder=3,
        )  # fmt: skip
        if hidden.any():
            draw_limits(ax, x[hidden], np.asarray(row["upper_limit"].values, dtype=np.float64)[hidden], shade)
        if first is not None:
            _bulk(ax, row, first, float(x.max()), shade)
    if first is not None:
        ax.axvline(first, color=style.GREY, linewidth=0.7, linestyle=":", zorder=0)
    style.dress(ax)
    if yscale == "linear":
        low, high = ax.get_ylim()
        ax.set_ylim(0.0 if low > -0.02 * high else low, high)
        make_room_for_limits(ax)
        style.quantity_axis(ax.yaxis, labels.long_name(values), str(values.attrs.get("units", "1")))
    else:
        style.say(ax.yaxis.label, style.axis_text(labels.long_name(values), str(values.attrs.get("units", "1"))))
    if names is not None:
        style.name_ticks(ax.xaxis, x.tolist(), names)
        ax.xaxis.minorticks_off()
    unit = str(table[along].attrs.get("units", "1")) if along in table.coords else "1"
    style.quantity_axis(ax.xaxis, along.capitalize().replace("_", " "), "1" if unit == along else unit)
    style.legend(ax, outside=True, ncols=min(len(chosen), 6))
    style.verdict_headline(ax, labels.subject(table) if title is None else title, *labels.verdict_of(table))
    return style.figure_of(ax)


def _plateau(table: xr.Dataset, x: np.ndarray, names: list[str] | None) -> float | None:
    """Return where the cycles begin of which the bulk is the mean; None where there is none."""
    if not {"bulk", "constant_from"} <= set(table.data_vars) or table["constant_from"].ndim or names is not None:
        return None
    first = float(table["constant_from"])
    return first if np.isfinite(first) and first <= x.max() else None


def _bulk(ax: Axes, row: xr.Dataset, first: float, last: float, shade: str) -> None:
    mean = float(row["bulk"])
    if not np.isfinite(mean):
        return
    ax.hlines(mean, first, last, color=shade, linewidth=1.6, zorder=2)
    spread = float(row["bulk_sd"]) if "bulk_sd" in row else float("nan")
    if np.isfinite(spread):
        ax.fill_between(
            [first, last], mean - spread, mean + spread, facecolor=style.tint(shade, 0.25), linewidth=0, zorder=1
        )
