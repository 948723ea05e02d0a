"""Two powder patterns of one sample: the second, what the first lets expect, and the lines that changed."""

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
from surfspec.display.changes_summary import is_comparison, verdict_of
from surfspec.display.checks import heading
from surfspec.display.pattern_frame import mark_lines, vertical_limits
from surfspec.errors import InputError

#: Change of a line -> what the legend calls it, and its colour.
CHANGES: Final[dict[str, tuple[str, str]]] = {
    "appeared": ("Appeared", style.WARN), "grew": ("Grew", "#9C6C00"), "vanished": ("Vanished", style.COLORS[0]),
    "shrank": ("Shrank", "#3B7CA1"),
}  # fmt: skip


def plot_changes(
    table: xr.Dataset,
    *,
    names: tuple[str, str] = ("before", "after"),
    axis: str = "two_theta",
    yscale: str = "linear",
    window: tuple[float, float] | None = None,
    title: str | None = None,
    width: str | float = "page",
    height: float = 9.5,
) -> Figure:
    """Draw what changed between two powder patterns of one sample.

    Above, the second pattern and what the first lets expect for it (scaled, shifted, with its change of background).
    Below, the difference with a band of two standard uncertainties; lines that changed are marked with what they did.

    Parameters
    ----------
    table
        What :func:`surfspec.xrd.changes` returned.
    names
        Names of the two patterns.
    axis, yscale, window
        As in :func:`plot_match`.
    title
        By default the sample and the conclusion; ``""`` for none.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes: patterns, difference.

    Raises
    ------
    InputError
        For another table, or nothing inside the window.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x = np.arange(20.0, 60.0, 0.03)
    >>> made = ss.xrd.pattern(ss.xrd.phases(["Pb"])[0], wavelength="CuKa1", two_theta=x).intensity.values
    >>> draw = np.random.default_rng(1).poisson
    >>> pair = [ss.spectrum(x, draw(200 + 10 * made), technique="XRD") for _ in range(2)]
    >>> figure = ss.display.plot_changes(ss.xrd.changes(*pair, wavelength="CuKa1"), yscale="sqrt")
    >>> len(figure.axes)
    2
    """
    schema.check(table, "table")
    title = heading(title)
    labels.choice(axis, tuple(bragg.AXES), "axis")
    labels.choice(yscale, ("linear", "sqrt", "log"), "yscale")
    if not is_comparison(table):
        raise InputError(
            "this table compares no powder patterns", where="plot_changes", remedy="Pass what xrd.changes() returned"
        )
    figure = style.figure(width, height)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 1])
    x = bragg.abscissa(table["two_theta"].values.astype(np.float64), axis, bragg.wavelength_of(table, axis))
    part = bragg.part_of(x, window, axis)
    wide = style.width_cm(width) > 12
    _patterns(above, table, x, part, axis, yscale, names)
    _difference(below, table, x, part, axis)
    bragg.name_axis(below, axis)
    above.tick_params(axis="x", which="both", labelbottom=False)
    if wide:
        style.legend(above, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    else:
        style.legend(above, outside=True, ncols=2)
    if title is None:
        told = [labels.subject(table), str(table.attrs.get("conclusion", ""))]
        title = ": ".join(word for word in told if word)
    style.verdict_headline(above, title, *verdict_of(table), lines=5)
    figure.align_ylabels([above, below])
    return figure


def _patterns(
    ax: Axes, table: xr.Dataset, x: NDArray[np.float64], part: slice, axis: str, yscale: str, names: tuple[str, str]
) -> None:  # fmt: skip
    y, expected = table["intensity"].values[part], table["expected"].values[part]
    style.scale_intensity(ax, yscale)
    ax.plot(x[part], y, color=style.INK, linewidth=0.7, label=names[1].capitalize(), zorder=3)
    ax.plot(
        x[part], expected, color=style.COLORS[1], linewidth=0.7, linestyle=style.DASHES[1],
        label=f"{names[0].capitalize()}, scaled", zorder=4,
    )  # fmt: skip
    bragg.span(ax, axis, float(x[part][0]), float(x[part][-1]))
    vertical_limits(ax, np.concatenate([y, expected]), yscale)
    style.dress(ax)
    bragg.tick(ax, axis)
    unit = str(table["intensity"].attrs.get("units", "1"))
    if yscale == "log":
        style.say(ax.yaxis.label, style.axis_text("Intensity", unit))
    else:
        style.intensity_axis(ax, "Intensity", unit)
    done = table["change"].values.astype(str) if "change" in table.variables else np.empty(0, dtype=np.str_)
    tops = table.assign(intensity=("two_theta", np.fmax(table["intensity"].values, table["expected"].values)))
    for word, (name, shade) in CHANGES.items():
        places = table["line_two_theta"].values[done == word]
        mark_lines(ax, tops, np.asarray(places, dtype=np.float64), axis, part, name, color=shade)


def _difference(ax: Axes, table: xr.Dataset, x: NDArray[np.float64], part: slice, axis: str) -> None:
    rest, spread = table["difference"].values[part], table["difference_unc"].values[part]
    ax.fill_between(x[part], -2 * spread, 2 * spread, facecolor=style.PALE, linewidth=0, zorder=1)
    ax.plot(x[part], rest, color=style.COLORS[0], linewidth=0.6, zorder=3)
    ax.axhline(0, color=style.INK, linewidth=0.5, zorder=2)
    style.dress(ax)
    bragg.tick(ax, axis)
    style.plain_ticks(ax.yaxis, 4)
    style.intensity_axis(ax, "Diff.", str(table["difference"].attrs.get("units", "1")))
