"""A quantity of a fit or table over two dimensions: an image of the sample, or one dimension against another."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import axes, heading
from surfspec.display.series_plot import quantity
from surfspec.errors import InputError

Array = NDArray[np.float64]

#: Even in lightness, so that it reads in grey and to the colour-blind.
COLOURS = "cividis"
#: Shade of members that have no number.
NOTHING = "0.75"
#: Parts of the members below and above which the colours do not go.
OUTLIERS = (0.002, 0.998)


def plot_map(
    fit: xr.Dataset,
    variable: str = "area",
    *,
    component: str | None = None,
    element: str | None = None,
    force: bool = False,
    ax: Axes | None = None,
    title: str | None = None,
    width: str | float | None = None,
    height: float | None = None,
) -> Figure:
    """Draw a quantity of a fit, or of a table made of it, over its two series dimensions, as colours.

    A dimension ``x`` runs across and ``y`` upwards; of other names the last one runs across. Members whose fit failed
    are grey: their numbers are none. The title says how many members have the verdict ``check`` or ``failed``.

    Parameters
    ----------
    fit
        Kind ``fit`` with two series dimensions, ``y`` and ``x`` of an image say; or kind ``table`` with them.
    variable
        ``"area"``, ``"center"``, ``"fwhm"``, ``"height"``, one of their uncertainties (``"area_unc"``), or
        ``"reduced_chi2"``; of a table any number over the two, such as ``"coverage"`` or ``"normalised_area"``.
    component
        Name of the component, or the element of a table; by default the first one. Not used where the variable has
        none.
    element
        The same by its other name.
    force
        Show the numbers of failed fits, too.
    ax
        Axes to draw into.
    title
        By default the sample and the component; ``""`` for none. The lines on verdicts and grey members stay.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure
        The map and its colour bar.

    Raises
    ------
    InputError
        Without exactly two series dimensions; for an unknown variable or component, or two different names of it.
    SchemaError
        For another kind.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.2)
    >>> line = np.exp(-((e - 182.4) ** 2)) + 0.67 * np.exp(-((e - 184.8) ** 2))
    >>> row = [ss.spectrum(e, np.round(50 + a * line), technique="XPS") for a in (400, 800)]
    >>> image = ss.stack([ss.stack(row, dim="x"), ss.stack(row, dim="x")], dim="y")
    >>> figure = ss.display.plot_map(ss.xps.fit(image, "Zr 3d"))
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['y', 'Area (counts·eV)']
    """
    title, ax = heading(title), axes(ax)
    if component is not None and element is not None and component != element:
        raise InputError(
            f"component is {component!r} and element {element!r}", where="element", remedy="Pass one of the two"
        )
    component = element if component is None else component
    if schema.kind_of(fit) == "table":
        schema.check(fit, "table")
        values, name = _of_table(fit, variable, component)
    else:
        schema.check(fit, "fit")
        _two(labels.member_dims(fit), "fit")
        values, name = _chosen(fit, variable, component)
    dims = _upwards_and_across(tuple(map(str, values.dims)))
    verdicts = np.full([fit.sizes[dim] for dim in dims], "ok", dtype=object)
    if "verdict" in fit and set(fit["verdict"].dims) == set(dims):
        verdicts = fit["verdict"].transpose(*dims).values
    failed = verdicts == "failed"
    shown = np.where(failed & (not force), np.nan, values.transpose(*dims).values)
    if ax is None:
        ax = style.figure(width or "column", height or 7.0).add_subplot()
    x, y = _edges(fit, dims[1]), _edges(fit, dims[0])
    low, high, beyond = _range(shown)
    mesh = ax.pcolormesh(x, y, np.ma.masked_invalid(shown), cmap=COLOURS, vmin=low, vmax=high, rasterized=True)
    units = [_unit(fit, dim) for dim in dims]
    if units[0] == units[1]:
        ax.set_aspect("equal")
    style.dress(ax)
    ax.set_facecolor(NOTHING)
    style.say(ax.xaxis.label, style.axis_text(dims[1].replace("_", " "), units[1]))
    style.say(ax.yaxis.label, style.axis_text(dims[0].replace("_", " "), units[0]))
    bar = style.figure_of(ax).colorbar(mesh, ax=ax, extend=beyond)
    style.colour_bar(bar.ax)
    style.quantity_axis(bar.ax.yaxis, labels.long_name(values), str(values.attrs.get("units", "1")))
    lines = [labels.subject(fit), name] if title is None else [title]
    doubtful = int((verdicts == "check").sum())
    if doubtful or failed.any():
        counts = ((doubtful, "check"), (int(failed.sum()), "failed"))
        told = (f"{count} {word} ({_percent(count, shown.size)})" for count, word in counts if count)
        lines.append(f"of {shown.size}: {', '.join(told)}")
    missing = int(np.isnan(shown).sum())
    if missing:
        lines.append(f"grey: {missing} of {shown.size} without a number")
    style.headline(ax, "\n".join(line for line in lines if line))
    return style.figure_of(ax)


def _upwards_and_across(dims: tuple[str, ...]) -> tuple[str, ...]:
    """Return the dimension that runs upwards and the one that runs across."""
    return dims[::-1] if dims[0] == "x" or dims[1] == "y" else dims


def _percent(count: int, whole: int) -> str:
    """Write a share so that neither none nor all is said where it is not so."""
    share = 100.0 * count / whole
    if 0 < share < 1:
        return "<1 %"
    return ">99 %" if 99 < share < 100 else f"{share:.0f} %"


def _two(dims: tuple[str, ...], what: str) -> None:
    if len(dims) != 2:
        raise InputError(
            f"the {what} has {len(dims)} series dimensions and a map has two",
            where="fit",
            remedy="Use plot_series for one dimension, or select with .isel()",
        )


def _of_table(table: xr.Dataset, variable: str, component: str | None) -> tuple[xr.DataArray, str]:
    """Return a quantity of a table over two dimensions, of one element where it has them, and the name of that."""
    values = quantity(table, variable)
    name = ""
    if "element" in values.dims:
        known = [str(one) for one in table["element"].values]
        name = known[0] if component is None else labels.choice(component, known, "component")
        values = values.sel(element=name)
    _two(tuple(map(str, values.dims)), f"quantity {variable!r}")
    return values, name


def _range(shown: Array) -> tuple[float | None, float | None, str]:
    """Return the ends of the colours, between which all but a few outliers lie, and at which end those lie beyond."""
    known = shown[np.isfinite(shown)]
    if not known.size:
        return None, None, "neither"
    low, high = (float(end) for end in np.quantile(known, OUTLIERS))
    if not low < high:
        return None, None, "neither"
    beyond = {(True, True): "both", (True, False): "min", (False, True): "max", (False, False): "neither"}
    return low, high, beyond[bool(known.min() < low), bool(known.max() > high)]


def _chosen(fit: xr.Dataset, variable: str, component: str | None) -> tuple[xr.DataArray, str]:
    """Return the quantity of one component, and the name of that."""
    series = set(labels.member_dims(fit))
    known = [str(name) for name, one in fit.data_vars.items() if series <= set(one.dims) <= series | {"component"}]
    numeric = [name for name in known if fit[name].dtype.kind in "fi"]
    labels.choice(variable, numeric, "variable")
    values = fit[variable]
    if "component" not in values.dims:
        return values, ""
    names = fit["component"].values.tolist()
    chosen = names[0] if component is None else labels.choice(component, names, "component")
    return values.sel(component=chosen), labels.component_labels(fit)[names.index(chosen)]


def _edges(fit: xr.Dataset, dim: str) -> Array:
    """Return the borders of the pixels along a dimension: half-way between its values, or its numbers."""
    count = fit.sizes[dim]
    values = fit[dim].values if dim in fit.coords else np.arange(count)
    if values.dtype.kind not in "fiu" or (count > 1 and not _one_way(values)):
        values = np.arange(count)
    middle = np.asarray(values, dtype=np.float64)
    if count == 1:
        return np.array([middle[0] - 0.5, middle[0] + 0.5])
    half = np.diff(middle) / 2
    return np.concatenate([[middle[0] - half[0]], middle[:-1] + half, [middle[-1] + half[-1]]])


def _one_way(values: NDArray[Any]) -> bool:
    """Say whether numbers only rise or only fall."""
    steps = np.diff(np.asarray(values, dtype=np.float64))
    return bool(np.all(steps > 0) or np.all(steps < 0))


def _unit(fit: xr.Dataset, dim: str) -> str:
    return str(fit[dim].attrs.get("units", "1")) if dim in fit.coords else "1"
