"""Whether probabilities mean what they say: how often what was given a probability was so."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import axes, heading
from surfspec.errors import InputError

_NEEDED: Final = ("probability", "frequency", "count")


def plot_reliability(
    table: xr.Dataset,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    width: str | float = "column",
    height: float = 8.6,
) -> Figure:
    r"""Draw a reliability diagram: the share that was true against the mean probability that was stated, bin by bin.

    Points on the diagonal are calibrated; below it the probabilities claim too much, above it too little. The bars at
    the foot are the numbers of cases in each bin, as parts of the largest. The expected calibration error stands in the
    legend,

    .. math:: ECE = \frac{1}{N} \sum_b n_b \left| f_b - \bar p_b \right| .

    Parameters
    ----------
    table
        Kind ``table`` over ``bin`` (and one more dimension for several sets of cases): ``probability`` (mean stated),
        ``frequency`` (share that was true) with ``frequency_unc``, ``count``; bins without cases are NaN.
    ax
        Axes to draw into.
    title
        By default the sample, and that cases are simulated; ``""`` for none.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure
        One axes.

    Raises
    ------
    InputError
        For a table without these quantities or with probabilities outside 0 to 1.

    References
    ----------
    M. H. DeGroot and S. E. Fienberg, The Statistician 32, 12 (1983): reliability diagrams.

    Examples
    --------
    >>> import surfspec as ss, xarray as xr
    >>> bins = {"probability": [0.1, 0.5, 0.9], "frequency": [0.1, 0.6, 0.9], "count": [50, 20, 30]}
    >>> attrs = {"kind": "table", "technique": "XRD"}
    >>> table = xr.Dataset({k: ("bin", v, {"units": "1"}) for k, v in bins.items()}, attrs=attrs)
    >>> figure = ss.display.plot_reliability(table)
    >>> figure.axes[0].get_legend().get_texts()[0].get_text()
    'ECE 0.020, 100 cases'
    """
    schema.check(table, "table")
    title, ax = heading(title), axes(ax)
    dims = _dims(table)
    if ax is None:
        ax = style.figure(width, height).add_subplot()
    ax.plot([0, 1], [0, 1], color=style.GREY, linewidth=0.7, linestyle=style.DASHES[1], zorder=1)
    for index in range(table.sizes[dims[0]] if dims else 1):
        one = table.isel({dims[0]: index}) if dims else table
        name = labels.coordinate_label(table, dims[0], index) if dims else ""
        _draw(ax, one, name, index)
    style.dress(ax)
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.02)
    ax.set_aspect("equal")
    style.say(ax.xaxis.label, "Stated probability (mean of the bin)")
    style.say(ax.yaxis.label, "Share that was true")
    style.legend(ax, loc="lower right")
    text = labels.subject(table) if title is None else title
    if text:
        style.headline(ax, text)
    return style.figure_of(ax)


def _dims(table: xr.Dataset) -> list[str]:
    missing = [name for name in _NEEDED if name not in table or "bin" not in table[name].dims]
    if missing:
        raise InputError(
            f"this table has no {' and no '.join(missing)} over bin",
            where="plot_reliability",
            remedy="Give probability, frequency and count of each bin",
        )
    values = np.concatenate([table[name].values.ravel() for name in ("probability", "frequency")])
    if np.any((values < 0) | (values > 1)):
        raise InputError(
            "a probability lies outside 0 to 1", where="plot_reliability", remedy="Give shares, not percent"
        )
    dims = [str(name) for name in table["probability"].dims if name != "bin"]
    if len(dims) > 1:
        raise InputError(
            f"the table has dimensions {(*dims, 'bin')}", where="plot_reliability", remedy="Select with .isel() first"
        )
    return dims


def _draw(ax: Axes, one: xr.Dataset, name: str, index: int) -> None:
    """Draw the bins of one set of cases, and their numbers at the foot."""
    stated, seen = (np.asarray(one[key].values, dtype=np.float64) for key in ("probability", "frequency"))
    count = np.nan_to_num(np.asarray(one["count"].values, dtype=np.float64))
    known = np.isfinite(stated) & np.isfinite(seen) & (count > 0)
    total = float(count[known].sum())
    error = float(np.sum(count[known] * np.abs(seen - stated)[known]) / total) if total else float("nan")
    spread = (
        np.asarray(one["frequency_unc"].values, dtype=float) if "frequency_unc" in one else np.full(seen.size, np.nan)
    )
    shade = style.color(index)
    look: dict[str, Any] = {
        "color": shade, "marker": style.marker(index), "linestyle": style.dash(index), "markersize": 4,
        "markerfacecolor": "white" if index % 2 else shade, "capsize": 1.8, "elinewidth": 0.7, "zorder": 3,
        "linewidth": 0.8,
    }  # fmt: skip
    text = f"ECE {error:.3f}, {total:.0f} cases"
    order = np.flatnonzero(known)[np.argsort(stated[known])]
    ax.errorbar(
        stated[order], seen[order], yerr=spread[order], label=f"{name}: {text}" if name else text, **look
    )  # fmt: skip
    if total:
        shift = 0.006 * index
        ax.vlines(
            stated[order] + shift, 0, 0.12 * count[order] / count[order].max(), color=style.tint(shade, 0.5),
            linewidth=3.0, zorder=1,
        )  # fmt: skip
