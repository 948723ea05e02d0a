"""A quantity of a table against dose, cycle, time: points with error bars, or a band."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import offset_copy
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import axes, heading
from surfspec.errors import InputError

ERRORS: Final = ("unc", "sd", "none")

#: What says that something was not detected (0), and the limit that holds then: of elements, of phases.
LIMITS: Final = (("detected", "upper_limit"), ("present", "detection_limit"))

#: Dimensions that make the lines of a frame, in this order, when none is named.
_LINES: Final = ("element", "component", "phase", "sample", "spot")


#: Length of the arrow of an upper limit in points; part of its place that a frame has beside its texts, at least.
ARROW: Final = 9
FRAME_PART: Final = 0.75


def plot_series(
    table: xr.Dataset,
    variable: str,
    *,
    along: str = "dose",
    by: str | None = None,
    panels: str | None = None,
    errors: str = "unc",
    band: bool = False,
    ax: Axes | None = None,
    title: str | None = None,
    width: str | float | None = None,
    height: float | None = None,
) -> Figure:
    """Draw a quantity against a series coordinate, one line for each value of another.

    A value without uncertainty has no error bar. Where the table says that something was not detected
    (``detected`` is 0, or ``present`` of a phase), its ``upper_limit`` (``detection_limit``) is drawn as a short
    bar with an arrow downwards instead.

    Parameters
    ----------
    table
        Kind ``table``, or ``fit`` for the areas, centres and so on of a series.
    variable
        Name of the quantity; its dimensions are among `along`, `by` and `panels`.
    along
        Dimension of the horizontal axis.
    by
        Dimension of the lines in a frame; by default ``element``, ``component``, ``sample``, ``spot`` or what is left.
    panels
        Dimension of the frames; by default what is left.
    errors
        ``"unc"`` (standard uncertainty), ``"sd"`` (standard deviation over areas, where there is one) or ``"none"``.
    band
        Draw the uncertainty as a band instead of bars.
    ax
        Axes to draw into, for one frame.
    title
        By default the sample; ``""`` for none.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure
        One axes for each frame.

    Raises
    ------
    InputError
        For a variable or dimension that is not there, or more than three dimensions.

    Examples
    --------
    >>> import surfspec as ss, xarray as xr
    >>> table = xr.Dataset(
    ...     {"coverage": ("dose", [0.9, 0.7], {"units": "1"}), "coverage_unc": ("dose", [0.02, 0.03], {"units": "1"})},
    ...     coords={"dose": ("dose", [1.6e15, 3.2e15], {"units": "ions/cm2"})},
    ...     attrs={"kind": "table", "technique": "LEIS"},
    ... )
    >>> ss.display.plot_series(table, "coverage", along="dose").axes[0].get_xlabel()
    'Dose (10¹⁵ ions/cm²)'
    """
    schema.kind_of(table)
    title, ax = heading(title), axes(ax)
    labels.choice(errors, ERRORS, "errors")
    values = quantity(table, variable)
    by, panels = _roles(values, along, by, panels)
    count = table.sizes[panels] if panels else 1
    if ax is not None:
        if count > 1:
            raise InputError(
                f"{count} frames do not fit into one", where="ax", remedy=f"Select one value of {panels!r}"
            )
        frames = [ax]
        figure = style.figure_of(ax)
    else:
        columns = min(count, 3)
        rows = -(-count // columns)
        figure = style.figure(width or ("column" if columns == 1 else "page"), height or 6.0 * rows)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=panels is not None and by == "element")
        frames = list(grid.flat)
        for spare in frames[count:]:
            spare.set_axis_off()
    for index, frame in enumerate(frames[:count]):
        part = table.isel({panels: index}) if panels else table
        _frame(frame, part, variable, along, by, errors, band)
        if panels:
            style.headline(frame, labels.coordinate_label(table, panels, index))
    _name_axes(frames[:count], table, values, along, min(count, 3))
    if by:
        style.legend(
            frames[0],
            chemistry=by in {"element", "component", "phase"},
            outside=count > 1,
            ncols=min(table.sizes[by], 6) if count > 1 else 1,
        )
    text = labels.subject(table) if title is None else title
    if text and count == 1 and not panels:
        style.headline(frames[0], text)
    elif text:
        style.say(figure.suptitle("", x=0.01, ha="left"), text)
    return figure


def quantity(table: xr.Dataset, variable: str) -> xr.DataArray:
    """Return a numeric variable of a table, or raise with those there are."""
    names = [str(name) for name, array in table.data_vars.items() if np.issubdtype(array.dtype, np.number)]
    if variable not in names:
        raise InputError(
            f"there is no quantity {variable!r} in this table",
            where="variable",
            remedy=f"Use one of {', '.join(names) or '(none: no numeric variable)'}",
        )
    return table[variable]


def spread_of(table: xr.Dataset, variable: str, errors: str) -> NDArray[np.float64]:
    """Return the error bars of a variable, in its shape; NaN where there is none."""
    name = f"{variable}_{errors}"
    if errors == "none" or name not in table:
        return np.full(table[variable].shape, np.nan)
    return np.asarray(table[name].transpose(*table[variable].dims).values, dtype=np.float64)


def _roles(values: xr.DataArray, along: str, by: str | None, panels: str | None) -> tuple[str | None, str | None]:
    """Decide which dimension makes the lines and which the frames."""
    dims = [str(name) for name in values.dims]
    for role, name in (("along", along), ("by", by), ("panels", panels)):
        if name is not None and name not in dims:
            raise InputError(
                f"{values.name!r} has no dimension {name!r}",
                where=role,
                remedy=f"Use one of {', '.join(dims) or '(it is one number)'}",
            )
    left = [name for name in dims if name not in {along, by, panels}]
    if by is None and left:
        by = next((name for name in _LINES if name in left), left[0])
        left.remove(by)
    if panels is None and left:
        panels = left.pop(0)
    if left or len({along, by, panels} - {None}) < len(dims):
        raise InputError(
            f"{values.name!r} has dimensions {tuple(dims)}, more than a picture can show",
            where="plot_series",
            remedy=f"Select or average first, {', '.join(left) or 'one dimension for each role'}",
        )
    return by, panels


def _frame(ax: Axes, part: xr.Dataset, variable: str, along: str, by: str | None, errors: str, band: bool) -> None:
    """Draw the lines of one frame."""
    x, ticks = positions(part, along)
    for index in range(part.sizes[by] if by else 1):
        line = part.isel({by: index}) if by else part
        y = np.asarray(line[variable].values, dtype=np.float64)
        spread = spread_of(line, variable, errors)
        hidden = undetected(line, variable)
        shade = style.color(index)
        name = labels.coordinate_label(part, by, index) if by else None
        look: dict[str, Any] = {
            "color": shade, "linestyle": style.dash(index), "linewidth": 0.9, "marker": style.marker(index),
            "markersize": 3.8, "markeredgewidth": 0.8, "label": name,
            "markerfacecolor": "white" if index % 2 else shade, "zorder": 3,
        }  # fmt: skip
        shown = np.where(hidden, np.nan, y)
        if band:
            ax.plot(x, shown, **look)
            ax.fill_between(x, shown - spread, shown + spread, facecolor=style.tint(shade, 0.25), linewidth=0, zorder=1)
        else:
            ax.errorbar(
                x, shown, yerr=np.where(hidden, np.nan, spread), capsize=1.8, elinewidth=0.7, capthick=0.7, **look
            )
        if hidden.any():
            draw_limits(ax, x[hidden], _limits(line, variable)[hidden], shade)
    style.dress(ax)
    if ticks is not None:
        style.name_ticks(ax.xaxis, x.tolist(), ticks)
        ax.xaxis.minorticks_off()
    ax.margins(x=0.08)
    low, high = ax.get_ylim()
    if low < 0.4 * high:
        finite = part[variable].values[np.isfinite(part[variable].values)]
        ax.set_ylim(0 if not finite.size or finite.min() >= 0 else low, high)
    make_room_for_limits(ax)


def draw_limits(ax: Axes, x: NDArray[np.float64], limit: NDArray[np.float64], shade: str) -> None:
    """Draw upper limits: a short bar with an arrow downwards, of the same length everywhere."""
    ax.plot(x, limit, linestyle="none", marker="_", color=shade, markersize=6, markeredgewidth=1.0, zorder=4)
    arrow = {
        "arrowstyle": "-|>,head_width=0.12,head_length=0.25",
        "color": shade,
        "linewidth": 0.8,
        "shrinkA": 0,
        "shrinkB": 0,
    }
    for place, level in zip(x, limit, strict=True):
        below = offset_copy(ax.transData, fig=style.figure_of(ax), y=-ARROW, units="points")
        ax.annotate(
            "", xy=(place, level), xycoords=below, xytext=(place, level), textcoords="data", arrowprops=arrow,
            annotation_clip=False, zorder=4,
        )  # fmt: skip


def make_room_for_limits(ax: Axes) -> None:
    """Lower the vertical limit so that no arrow of an upper limit is cut by the axis; call it when limits are set."""
    tips = [text.xyann[1] for text in ax.texts if isinstance(text, Annotation) and text.arrow_patch is not None]
    if not tips or ax.get_yscale() != "linear":
        return
    height = FRAME_PART * ax.get_position().height * style.figure_of(ax).get_figheight() * 72
    part = min((ARROW + 2) / height, 0.4)
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, (min(tips) - part * high) / (1 - part)), high)


def undetected(line: xr.Dataset, variable: str) -> NDArray[np.bool_]:
    """Say where an upper limit is drawn instead of a value."""
    values = line[variable]
    for flag, limit in LIMITS:
        if flag not in line or limit not in line or line[flag].dims != values.dims:
            continue
        if line[limit].attrs.get("units") == values.attrs.get("units") and line[limit].dims == values.dims:
            return np.asarray((line[flag].values == 0) & np.isfinite(line[limit].values))
    return np.zeros(values.shape, dtype=bool)


def _limits(line: xr.Dataset, variable: str) -> NDArray[np.float64]:
    """Return the upper limits that belong to a quantity."""
    dims = line[variable].dims
    name = next(limit for flag, limit in LIMITS if flag in line and limit in line and line[flag].dims == dims)
    return np.asarray(line[name].values, dtype=np.float64)


def positions(part: xr.Dataset, along: str) -> tuple[NDArray[np.float64], list[str] | None]:
    """Return horizontal positions, and names for them where the coordinate is text."""
    if along in part.coords and np.issubdtype(part[along].dtype, np.number):
        return np.asarray(part[along].values, dtype=np.float64), None
    count = part.sizes[along]
    return np.arange(count, dtype=np.float64), [labels.coordinate_label(part, along, index) for index in range(count)]


def _name_axes(frames: list[Axes], table: xr.Dataset, values: xr.DataArray, along: str, columns: int) -> None:
    for index, frame in enumerate(frames):
        bottom = index + columns >= len(frames)
        if along in table.coords and np.issubdtype(table[along].dtype, np.number):
            style.quantity_axis(frame.xaxis, labels.long_name(table[along]), str(table[along].attrs.get("units", "1")))
        if not bottom:
            style.say(frame.xaxis.label, "")
        style.quantity_axis(frame.yaxis, labels.long_name(values), str(values.attrs.get("units", "1")))
        if index % columns:
            style.say(frame.yaxis.label, "")
