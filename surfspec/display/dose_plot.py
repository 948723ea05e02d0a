"""Amounts of each element against ion dose: one frame an element, one line a sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import by_name, chosen_names, heading
from surfspec.display.series_plot import draw_limits, make_room_for_limits, quantity, spread_of, undetected
from surfspec.errors import InputError

#: Distance of the markers of neighbouring samples, and the farthest that one stands from its dose, in parts of the
#: smallest distance of the doses.
DODGE, FARTHEST = 0.06, 0.045


def plot_dose(
    tables: xr.Dataset | Mapping[str, xr.Dataset],
    variable: str = "normalised_area",
    *,
    elements: Sequence[str] | None = None,
    along: str = "dose",
    errors: str = "sd",
    title: str | None = None,
    width: str | float | None = None,
    height: float | None = None,
) -> Figure:
    """Draw how the amounts of the elements change with dose, for several samples.

    Markers of several samples stand a little beside each other, so that their error bars can be told apart: each is
    moved sideways by less than a twentieth of the smallest distance between two doses, and the dose to read is that of
    the middle of the group. Where the table says that an element was not detected, its upper limit is a short bar with
    an arrow downwards.

    Parameters
    ----------
    tables
        Tables by the name of the sample, as :func:`surfspec.leis.normalise` makes them, or one table.
    variable
        Quantity over (`along`, ``element``).
    elements
        Which, in the order of the frames; by default all.
    along
        Dimension of the horizontal axis.
    errors
        ``"sd"`` (standard deviation over the analysed areas; the standard uncertainty where there is none), ``"unc"``
        (standard uncertainty) or ``"none"``.
    title
        By default the sample, or what is simulated; ``""`` for none.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm.

    Returns
    -------
    matplotlib.figure.Figure
        One axes for each element; where frames are left over, one that holds the legend of several samples.

    Raises
    ------
    InputError
        For no table, a quantity over other dimensions, or an unknown element or option.

    Examples
    --------
    >>> import surfspec as ss, xarray as xr
    >>> one = {"units": "1", "long_name": "Normalised area"}
    >>> table = xr.Dataset(
    ...     {"normalised_area": (("dose", "element"), [[0.6, 0.4], [0.5, 0.5]], one)},
    ...     coords={"dose": ("dose", [1.6e15, 3.2e15], {"units": "ions/cm2"}), "element": ["O", "P"]},
    ...     attrs={"kind": "table", "technique": "LEIS"},
    ... )
    >>> figure = ss.display.plot_dose({"as sintered": table, "polished": table})
    >>> [axes.get_title(loc="left") for axes in figure.axes]
    ['O', 'P']
    """
    named = by_name(tables, "tables", "leis.normalise")
    text = heading(title)
    labels.choice(errors, ("sd", "unc", "none"), "errors")
    for name, table in named.items():
        schema.check(table, "table")
        if set(quantity(table, variable).dims) != {along, "element"}:
            raise InputError(
                f"{variable!r} of {name or 'the table'} is over ({', '.join(map(str, table[variable].dims))})",
                where="tables",
                remedy=f"Pass tables over {along} and element; select or average other dimensions first",
            )
    known = list(dict.fromkeys(str(one) for table in named.values() for one in table["element"].values))
    chosen = chosen_names(elements, known, "elements")
    columns = min(len(chosen), 3)
    rows = -(-len(chosen) // columns)
    figure = style.figure(width or ("column" if columns == 1 else "page"), height or 5.2 * rows + 0.9)
    grid = list(figure.subplots(rows, columns, squeeze=False, sharex=True).flat)
    for index, (ax, element) in enumerate(zip(grid, chosen, strict=False)):
        for place, (name, table) in enumerate(named.items()):
            if element in table["element"].values:
                _line(ax, table.sel(element=element), variable, along, errors, name, (place, len(named)))
        _finish(ax, next(iter(named.values())), variable, along, index, columns, len(chosen))
        style.headline(ax, element)
    _legend(grid[0], grid[len(chosen) :], len(named))
    if text is None:
        sole = next(iter(named.values()))
        text = labels.subject(sole) if len(named) == 1 else labels.simulated_among({k: [v] for k, v in named.items()})
    if text:
        style.say(figure.suptitle("", x=0.01, ha="left"), text)
    return figure


def _legend(first: Axes, spare: Sequence[Axes], samples: int) -> None:
    """Put the names of several samples into a frame that is left over, or below all; take away other such frames."""
    if samples > 1 and spare:
        style.legend(first, into=spare[0])
    elif samples > 1:
        style.legend(first, outside=True, ncols=min(samples, 4))
    for unused in spare[1:] if samples > 1 else spare:
        unused.remove()


def _line(ax: Axes, row: xr.Dataset, variable: str, along: str, errors: str, name: str, place: tuple[int, int]) -> None:
    """Draw one sample in the frame of one element."""
    index, count = place
    x = np.asarray(row[along].values, dtype=np.float64)
    steps = np.abs(np.diff(np.unique(x)))
    gap = float(steps.min()) if steps.size else 1.0
    x = x + min(DODGE, 2 * FARTHEST / max(count - 1, 1)) * gap * (index - 0.5 * (count - 1))
    y = np.asarray(row[variable].values, dtype=np.float64)
    spread = spread_of(row, variable, errors)
    if errors == "sd":
        spread = np.where(np.isfinite(spread), spread, spread_of(row, variable, "unc"))
    hidden = undetected(row, variable)
    shade = style.color(index)
    ax.errorbar(
        x, np.where(hidden, np.nan, y), yerr=np.where(hidden, np.nan, spread), color=shade, linestyle=style.dash(index),
        linewidth=0.9, marker=style.marker(index), markersize=3.8, markeredgewidth=0.8, capsize=1.8, elinewidth=0.7,
        markerfacecolor="white" if index % 2 else shade, label=name or None, zorder=3,
    )  # fmt: skip
    if hidden.any():
        draw_limits(ax, x[hidden], np.asarray(row["upper_limit"].values, dtype=np.float64)[hidden], shade)


def _finish(ax: Axes, table: xr.Dataset, variable: str, along: str, index: int, columns: int, count: int) -> None:
    """Dress a frame and name its axes; the vertical one begins at zero."""
    style.dress(ax)
    ax.margins(x=0.08)
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, 0.0) if low < 0 else 0.0, high)
    make_room_for_limits(ax)
    style.quantity_axis(ax.xaxis, labels.long_name(table[along]), str(table[along].attrs.get("units", "1")))
    if index + columns < count:
        style.say(ax.xaxis.label, "")
    else:
        ax.tick_params(labelbottom=True)
    style.quantity_axis(ax.yaxis, labels.long_name(table[variable]), str(table[variable].attrs.get("units", "1")))
    if index % columns:
        style.say(ax.yaxis.label, "")
