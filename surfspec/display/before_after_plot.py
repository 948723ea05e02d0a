"""One region before and after a treatment: both fits on one scale, and the areas of their components side by side."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.areas import Amount, component_amounts, line_area, rate_unit, seconds, single_fits
from surfspec.display.checks import shortened, two_names
from surfspec.display.columns import brief
from surfspec.display.fit_panel import draw_components
from surfspec.errors import InputError

AREAS: Final = ("share", "rate", "normalised")
#: Hatching of the bars after the treatment.
OPEN: Final = "/////"
#: Letters of the name of a fit that are kept, and up to which two stand in one row of the legend.
NAME: Final = 32
BESIDE: Final = 14


def plot_before_after(
    before: xr.Dataset,
    after: xr.Dataset,
    *,
    areas: str = "share",
    references: tuple[xr.Dataset, xr.Dataset] | None = None,
    to: str = "Zr 3d5/2",
    names: tuple[str, str] = ("before", "after"),
    title: str | None = None,
    width: str | float = "double",
    height: float | None = None,
) -> Figure:
    """Draw a region before and after a treatment, and how the area of each component changed.

    Both fits stand on one scale, as rates where dwell times are known. Beside them are the areas of the components
    with their standard uncertainties; over each pair is the change, after less before, with its uncertainty and in
    units of it. The two fits are independent; components are paired by name.

    Parameters
    ----------
    before, after
        Fits of single spectra of the same region.
    areas
        ``"share"`` (of the core levels of the region), ``"rate"``, or ``"normalised"``: over the area of the line `to`
        in `references`; the spectra are divided by it, too.
    references
        Fits that hold the line, before and after.
    to
        The line.
    names
        Names of the two.
    title
        By default sample and region; ``""`` for none.
    width, height
        ``"double"``, ``"single"``, ``"column"``, ``"page"`` or cm; cm. Below 12 cm the areas stand under the fits.

    Returns
    -------
    matplotlib.figure.Figure
        Three axes: before, after, areas.

    Raises
    ------
    InputError
        For series, fits that cannot be compared, no component in common, or references that are missing.
    NotDeterminedError
        When the area of the line is not determined.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> fits = [ss.xps.fit(ss.spectrum(e, np.round(k * y), technique="XPS"), "Zr 3d") for k in (1, 2)]
    >>> len(ss.display.plot_before_after(*fits, areas="rate").axes)
    3
    """
    fits = single_fits({"before": before, "after": after}, "plot_before_after")
    labels.choice(areas, AREAS, "areas")
    first, second = two_names(names)
    names = (shortened(first, NAME), shortened(second, NAME))
    unit = rate_unit(fits)
    levels = _levels(areas, references, to, fits)
    amounts = [_amounts(fit, areas, level) for fit, level in zip(fits.values(), levels, strict=True)]
    paired = [name for name in amounts[0] if name in amounts[1]]
    if not paired:
        raise InputError(
            "no component has the same name in both fits",
            where="plot_before_after",
            remedy="Fit both spectra with the same recipe",
        )
    wide = style.width_cm(width) >= 12
    figure = style.figure(width, (8.6 if wide else 13.0) if height is None else height)
    shape: dict[str, Any] = {"width_ratios": [1.35, 1]} if wide else {"height_ratios": [1, 1, 1.3]}
    grid = figure.add_gridspec(*((2, 2) if wide else (3, 1)), **shape)
    top = figure.add_subplot(grid[0, 0] if wide else grid[0])
    low = figure.add_subplot(grid[1, 0] if wide else grid[1], sharex=top, sharey=top)
    bars = figure.add_subplot(grid[:, 1] if wide else grid[2])
    groups = list(dict.fromkeys(name for fit in fits.values() for name in labels.component_groups(fit)[1]))
    for ax, fit, level, name in zip((top, low), fits.values(), levels, names, strict=True):
        _draw_fit(ax, fit, 1 / (seconds(fit) * (level.value if level else 1.0)), groups, name)
    _scale(top, low, unit.removesuffix(" eV") if areas != "normalised" else "eV-1", areas)
    own = labels.component_groups(before)
    colors = [groups.index(own[1][group]) for group in own[0]]
    shown = zip(labels.component_labels(before), labels.curve_labels(before), colors, strict=True)
    _bars(bars, [(key, text, color) for key, text, color in shown if key in paired], amounts, names)
    text = {"share": "Share of the region", "rate": "Area", "normalised": f"Area / area of {to}"}[areas]
    style.quantity_axis(bars.yaxis, text, unit if areas == "rate" else "1")
    heading = _heading(before, after) if title is None else title
    if heading:
        style.say(figure.suptitle("", x=0.01, ha="left"), heading)
    style.freeze(figure)
    return figure


def _heading(before: xr.Dataset, after: xr.Dataset) -> str:
    """Name sample, or both, and region; say whether one is simulated."""
    samples = dict.fromkeys(str(fit.attrs.get("sample", "")) for fit in (before, after))
    words = [" and ".join(name for name in samples if name), str(before.attrs.get("region", ""))]
    text = ", ".join(word for word in words if word)
    if not (labels.is_simulated(before) or labels.is_simulated(after)):
        return text
    return f"{text} (simulated)" if text else "Simulated"


def _levels(
    areas: str, references: tuple[xr.Dataset, xr.Dataset] | None, to: str, fits: dict[str, xr.Dataset]
) -> list[Amount | None]:
    """Return the areas of the reference line, or None for each."""
    if areas != "normalised":
        return [None, None]
    if not isinstance(references, list | tuple) or len(references) != 2:
        raise InputError(
            "the reference line needs a fit before and one after",
            where="references",
            remedy="Pass references=(fit_before, fit_after), which hold the line, or areas='share'",
        )
    held = single_fits({"before": references[0], "after": references[1]}, "references")
    for name, fit in fits.items():
        rate_unit({"region": fit, "reference": held[name]})
    return [line_area(fit, to) for fit in held.values()]


def _amounts(fit: xr.Dataset, areas: str, level: Amount | None) -> dict[str, Amount]:
    found = component_amounts(fit, share=areas == "share", over=level)
    kinds = dict(zip(labels.component_labels(fit), labels.component_kinds(fit), strict=True))
    return {name: amount for name, amount in found.items() if kinds[name] == "core"}


def _draw_fit(ax: Axes, fit: xr.Dataset, factor: float, groups: list[str], name: str) -> None:
    axis = schema.axis_of(fit)
    x, background = fit[axis].values, factor * fit["background"].values
    ax.plot(x, factor * fit["intensity"].values, linestyle="none", marker="o", markersize=1.8, markerfacecolor="white",
            markeredgecolor=style.INK, markeredgewidth=0.4, zorder=4)  # fmt: skip
    draw_components(ax, fit, background, factor=factor, order=groups)
    ax.plot(x, background, color=style.GREY, linewidth=0.8, linestyle=style.DASHES[1], zorder=3)
    ax.plot(x, factor * fit["model"].values, color=style.INK, linewidth=0.9, zorder=5)
    style.dress(ax)
    style.verdict_headline(ax, name, *labels.verdict_of(fit))


def _scale(top: Axes, low: Axes, unit: str, areas: str) -> None:
    """Give both fits one horizontal and one vertical scale."""
    lines = [line for ax in (top, low) for line in ax.lines]
    x = np.concatenate([np.asarray(line.get_xdata(), dtype=float) for line in lines])
    y = np.concatenate([np.asarray(line.get_ydata(), dtype=float) for line in lines])
    y = y[np.isfinite(y)]
    top.set_xlim(x.min(), x.max())
    room = float(np.ptp(y)) or 1.0
    top.set_ylim(float(y.min()) - 0.06 * room, float(y.max()) + 0.06 * room)
    for ax in (top, low):
        style.spectral_axis(ax, "binding_energy", label=ax is low)
        ax.tick_params(labelbottom=ax is low)
        style.intensity_axis(ax, "Intensity" if areas != "normalised" else "Intensity / area", unit)


def _bars(
    ax: Axes, paired: list[tuple[str, str, int]], amounts: list[dict[str, Amount]], names: tuple[str, str]
) -> None:
    """Draw a pair of bars for each component (key, name, colour): filled before, open after; over them the change."""
    tops = []
    for place, (key, _, group) in enumerate(paired):
        shade, ends = style.color(group), [0.0]
        for side, found in enumerate(amounts):
            amount, across = found[key], place + (side - 0.5) * 0.38
            look: dict[str, Any] = {"facecolor": "white" if side else style.tint(shade, 0.45), "edgecolor": shade}
            ax.bar(across, amount.value, width=0.34, hatch=OPEN if side else "", linewidth=0.9, zorder=2, **look)
            ax.errorbar(across, amount.value, yerr=amount.unc, color=style.INK, capsize=2, elinewidth=0.8,
                        capthick=0.8, zorder=3)  # fmt: skip
            ends.append(amount.value + (amount.unc if np.isfinite(amount.unc) else 0.0))
        tops.append(float(np.nanmax(ends)))
        note = ax.annotate(
            "", xy=(place, tops[-1]), xytext=(0, 3), textcoords="offset points", ha="center", va="bottom"
        )
        style.say(note, _change(amounts[0][key], amounts[1][key]), size=6.5)
    style.dress(ax)
    ax.set_xlim(-0.6, len(paired) - 0.4)
    ax.set_ylim(min(0.0, ax.get_ylim()[0]), 1.4 * max(tops) if max(tops) > 0 else 1.0)
    ax.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    style.name_ticks(ax.xaxis, range(len(paired)), [name.replace(" ", "\n") for _, name, _ in paired], chemistry=True)
    ax.xaxis.minorticks_off()
    ax.tick_params(axis="x", which="both", top=False, length=0)
    for side, name in enumerate(names):
        face = "white" if side else style.tint(style.GREY, 0.45)
        ax.bar(np.nan, np.nan, facecolor=face, edgecolor=style.GREY, hatch=OPEN if side else "", label=name)
    style.legend(ax, ncols=2 if max(map(len, names)) <= BESIDE else 1, loc="upper right")


def _change(before: Amount, after: Amount) -> str:
    """Write the change with its uncertainty, and its size in units of it."""
    difference, unc = after.value - before.value, float(np.hypot(before.unc, after.unc))
    if not np.isfinite(difference):
        return "n.d."
    sign = "+" if difference > 0 else ""
    text = f"{sign}{brief(difference, unc)}"
    return f"{text}\n{abs(difference) / unc:.1f} σ" if np.isfinite(unc) and unc > 0 else text
