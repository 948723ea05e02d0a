"""What phases do along a coordinate: weight fractions with where they come and go, and below their cells."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import heading
from surfspec.display.series_plot import plot_series
from surfspec.errors import InputError

_NEEDED: Final = ("weight_fraction", "present", "cell_slope")
#: Where a phase comes or goes, and the arrow that says which.
EVENTS: Final = {"appears": "↑", "vanishes": "↓"}


def is_trend(table: xr.Dataset) -> bool:
    """Tell whether a table follows phases along a coordinate."""
    return "along" in table.attrs and all(name in table for name in _NEEDED)


def plot_trend(
    trend: xr.Dataset,
    cells: xr.Dataset | None = None,
    *,
    title: str | None = None,
    width: str | float = "column",
    height: float | None = None,
) -> Figure:
    """Draw the phases of a series against its coordinate: weight fractions, and cells with their straight lines.

    Above, an absent phase is its detection limit with an arrow, and a band of one standard uncertainty stands where a
    phase appears (↑) or vanishes (↓). Below, the relative change of the cell lengths against the card, in percent,
    with the line of `cell_slope` through its mean; what is not there has no cell.

    Parameters
    ----------
    trend
        What :func:`surfspec.xrd.follow` returned.
    cells
        The series that was followed, with ``strain`` of each phase: that of :func:`surfspec.xrd.fractions`, or of
        :func:`surfspec.xrd.match` (one strain for all axes). By default fractions alone are drawn.
    title
        By default the sample; ``""`` for none.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm.

    Returns
    -------
    matplotlib.figure.Figure
        Axes: fractions, and cells where these were given.

    Raises
    ------
    InputError
        For another table, or a series that is not the one followed.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x = np.arange(20.0, 60.0, 0.03)
    >>> a, b = (ss.xrd.pattern(ss.xrd.phases([n])[0], wavelength="CuKa", two_theta=x, scale=1.0).intensity.values
    ...         for n in ("corundum", "halite"))
    >>> made = 100 + 4e5 * np.stack([a + k * b for k in (0.0, 0.0, 0.4, 0.8)])
    >>> series = ss.spectrum(x, np.random.default_rng(1).poisson(made), technique="XRD", dims=("time",),
    ...                      coords={"time": ("time", [0.0, 10.0, 20.0, 30.0], {"units": "min"})})
    >>> amounts = ss.xrd.fractions(series, ["corundum", "halite"], wavelength="CuKa")
    >>> figure = ss.display.plot_trend(ss.xrd.follow(amounts), amounts)
    >>> [ax.get_ylabel() for ax in figure.axes]
    ['Weight fraction', 'Cell length against card (%)']
    """
    schema.check(trend, "table")
    title = heading(title)
    if not is_trend(trend):
        raise InputError("this table follows no phases", where="plot_trend", remedy="Pass what xrd.follow() returned")
    along = str(trend.attrs["along"])
    figure = style.figure(width, height or (6.2 if cells is None else 10.0))
    frames = list(np.ravel(figure.subplots(1 if cells is None else 2, 1, sharex=True, squeeze=False)))
    plot_series(trend, "weight_fraction", along=along, by="phase", ax=frames[0], title=title)
    _events(frames[0], trend)
    if cells is not None:
        _cells(frames[1], trend, _strain(trend, cells, along), along)
        style.say(frames[0].xaxis.label, "")
        frames[0].tick_params(axis="x", which="both", labelbottom=False)
        figure.align_ylabels(frames)
    return figure


def _events(ax: Axes, trend: xr.Dataset) -> None:
    """Mark where a phase appears or vanishes."""
    for index in range(trend.sizes["phase"]):
        for name, arrow in EVENTS.items():
            place, unc = float(trend[name].values[index]), float(trend[f"{name}_unc"].values[index])
            if np.isfinite(place) and np.isfinite(unc):
                shade = style.color(index)
                ax.axvspan(place - unc, place + unc, facecolor=style.tint(shade, 0.25), linewidth=0, zorder=0)
                style.note(
                    ax, place, 0.97, arrow, transform=ax.get_xaxis_transform(), ha="center", va="top",
                    color=style.readable(shade),
                )  # fmt: skip


def _strain(trend: xr.Dataset, cells: xr.Dataset, along: str) -> xr.Dataset:
    """Return strain and its uncertainty (along, phase) of the series that was followed, in the order of the trend."""
    if not isinstance(cells, xr.Dataset) or "strain" not in cells or along not in cells["strain"].dims:
        raise InputError(
            "this series has no strain of phases", where="cells", remedy="Pass the series that follow() was given"
        )
    same = list(map(str, cells["phase"].values)) == list(map(str, trend["phase"].values))
    if not same or cells.sizes[along] != trend.sizes[along] or set(cells["strain"].dims) != {along, "phase"}:
        raise InputError(
            "its phases or members are others", where="cells", remedy="Pass the series that follow() was given"
        )
    kept = cells[[name for name in ("strain", "strain_unc") if name in cells]]
    return kept.sortby(along).transpose(along, "phase") if along in cells.coords else kept.transpose(along, "phase")


def _cells(ax: Axes, trend: xr.Dataset, strain: xr.Dataset, along: str) -> None:
    there = trend["present"].transpose(along, "phase").values != 0
    x = trend[along].values.astype(np.float64) if along in trend.coords else np.arange(trend.sizes[along], dtype=float)
    single = trend.sizes["axis"] == 1
    for index in range(trend.sizes["phase"]):
        shade, mine = style.color(index), there[:, index]
        y = 100 * strain["strain"].values[:, index]
        unc = 100 * strain["strain_unc"].values[:, index] if "strain_unc" in strain else np.full(y.size, np.nan)
        ax.errorbar(
            x[mine], y[mine], yerr=unc[mine], linestyle="none", marker=style.marker(index), markersize=3.8, color=shade,
            markerfacecolor="white" if index % 2 else shade, capsize=1.8, elinewidth=0.7,
            label=str(trend["phase"].values[index]), zorder=3,
        )  # fmt: skip
        sure = trend["present"].transpose(along, "phase").values[:, index] == 1
        if single and np.any(sure):
            _line(ax, x[sure], y[sure], float(trend["cell_slope"].values[index, 0]), index)
    style.dress(ax)
    ax.margins(x=0.08)
    if along in trend.coords:
        style.quantity_axis(ax.xaxis, labels.long_name(trend[along]), str(trend[along].attrs.get("units", "1")))
    style.quantity_axis(ax.yaxis, "Cell length against card", "%")


def _line(ax: Axes, x: NDArray[np.float64], y: NDArray[np.float64], slope: float, index: int) -> None:
    """Draw the fitted straight line through the mean of the points; the slope is relative to the mean length."""
    if not np.isfinite(slope):
        return
    ends = np.array([x.min(), x.max()])
    rise = 100 * slope * (1 + y.mean() / 100)
    ax.plot(
        ends, y.mean() + rise * (ends - x.mean()), color=style.color(index), linewidth=0.8, linestyle=style.dash(index),
        zorder=2,
    )  # fmt: skip
