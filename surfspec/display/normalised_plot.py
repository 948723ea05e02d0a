"""Samples above each other, one frame for each region, all intensities over the area of one line of the same sample."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import offset_copy
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.areas import Amount, holder, line_area, normalised_areas, rate_unit, seconds, single_fits
from surfspec.display.checks import number
from surfspec.display.columns import brief
from surfspec.display.fit_panel import draw_components
from surfspec.errors import InputError

Array = NDArray[np.float64]
#: ``{sample: {region: fit}}``
Study: TypeAlias = Mapping[str, Mapping[str, xr.Dataset]]

#: Points from a frame down to the names of its species, and to the right of it the name of a sample.
BELOW: Final = 12.0
BESIDE: Final = 4.0
#: Points from the upper end of a lane down to its number.
INSIDE: Final = 2.5
#: Frames narrower than this, in cm, have two numbers along their energy axis.
NARROW: Final = 2.4

#: Width in cm that a frame needs at least; more of them stand in further rows.
NEEDED: Final = 2.6
#: Letters of small type in an inch.
LETTERS: Final = 17
#: Points of a spectrum that are drawn at most.
POINTS: Final = 150


def plot_normalised(
    samples: Study,
    *,
    to: str = "Zr 3d5/2",
    regions: Sequence[str] | None = None,
    subtract_background: bool = True,
    components: bool = True,
    areas: bool = True,
    offset: float = 1.3,
    title: str | None = None,
    width: str | float = "double",
    height: float | None = None,
) -> Figure:
    """Stack the samples, one frame for each region, all divided by the area of a line of the same sample.

    Intensities are rates (dwell time and number of scans are those of each fit) over the area of the line as a rate,
    in eV-1: heights and areas can be compared between samples and between regions. The first sample is at the top.
    Each number is the area of the region over that of the line; Auger lines and X-ray satellites do not count to it.
    A verdict that is not ``ok`` stands beside the number.

    Parameters
    ----------
    samples
        ``{sample: {region: fit}}``; each sample has a fit with the line.
    to
        The line, a value of the coordinate ``line``.
    regions
        Which regions, in order; by default all but the one that holds the line.
    subtract_background
        Take the fitted background off; else a constant is taken off, so that it begins at zero.
    components
        Draw the components, pale.
    areas
        Write the normalised areas.
    offset
        Distance between neighbours, in parts of the tallest of a region; the numbers stand in what exceeds 1.
    title
        By default what is simulated; ``""`` for none.
    width, height
        ``"single"``, ``"double"``, ``"column"``, ``"page"`` or cm; cm.

    Returns
    -------
    matplotlib.figure.Figure
        One axes for each region.

    Raises
    ------
    InputError
        For no samples, regions that no sample has, fits of series, a sample without the line, dwell times that are
        known for some fits of a sample only, an offset below 1.
    NotDeterminedError
        When the fit of the line failed, or its area is below three standard uncertainties.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> zr = ss.xps.fit(ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d"), "Zr 3d")
    >>> figure = ss.display.plot_normalised({"A": {"Zr 3d": zr}, "B": {"Zr 3d": zr}}, regions=["Zr 3d"])
    >>> figure.axes[0].get_ylabel()
    'Intensity / area of Zr 3d$_{5/2}$ (eV⁻¹)'
    """
    study = _checked(samples, offset)
    for fits in study.values():
        rate_unit(fits)
    shown = _regions(study, to, regions)
    levels = {name: line_area(fits[holder(fits, to)], to) for name, fits in study.items()}
    numbers = {name: normalised_areas(fits, to) for name, fits in study.items()}
    rows = -(-len(shown) // max(int(style.width_cm(width) // NEEDED), 1))
    columns = -(-len(shown) // rows)
    figure = style.figure(width, rows * max(2.4 * len(study) + 2.6, 7.0) if height is None else height)
    grid = figure.subplots(rows, columns, squeeze=False)
    panels = list(grid.flat)[: len(shown)]
    for spare in list(grid.flat)[len(shown) :]:
        spare.set_axis_off()
    for ax, region in zip(panels, shown, strict=True):
        fits = {name: one[region] for name, one in study.items() if region in one}
        lanes = {name: _curves(fit, levels[name], subtract_background) for name, fit in fits.items()}
        step = offset * max(float(np.nanmax(np.append(lane["intensity"], 0.0))) for lane in lanes.values())
        if not step > 0:
            raise InputError(
                f"no sample has an intensity above its background in {region!r}",
                where="regions",
                remedy="Leave the region out",
            )
        _frame(ax, fits, lanes, list(study), step, offset, components)
        if areas:
            _write_areas(ax, region, list(study), study, numbers, step)
        style.headline(ax, region)
    for start in range(0, len(panels), columns):
        _name(panels[start : start + columns], study, to)
    _tell(figure, study, to, title, areas, subtract_background)
    style.freeze(figure)
    return figure


def _curves(fit: xr.Dataset, level: Amount, subtract: bool) -> dict[str, Array]:
    """Return the curves of a fit over the area of the reference line, in eV-1; ``factor`` is what they were times."""
    factor = 1 / (seconds(fit) * level.value)
    background = fit["background"].values
    base = np.where(np.isfinite(background), background, np.nanmin(fit["intensity"].values))
    taken = base if subtract else np.full(base.shape, float(base.min()))
    parts = {name: (fit[name].values - taken) * factor for name in ("intensity", "model")}
    return {**parts, "background": (base - taken) * factor, "factor": np.array(factor)}


def _frame(
    ax: Axes, fits: Mapping[str, xr.Dataset], lanes: Mapping[str, Mapping[str, Array]], order: list[str], step: float,
    offset: float, components: bool,
) -> None:  # fmt: skip
    """Draw one region: a lane for each sample, the first at the top."""
    low, high = np.inf, -np.inf
    names = list(dict.fromkeys(name for fit in fits.values() for name in labels.component_groups(fit)[1]))
    for name, lane in lanes.items():
        fit, shift = fits[name], (len(order) - 1 - order.index(name)) * step
        x = fit[schema.axis_of(fit)].values
        low, high = min(low, float(x[0])), max(high, float(x[-1]))
        base = lane["background"] + shift
        if components:
            draw_components(ax, fit, base, factor=float(lane["factor"]), light=True, order=names)
        ax.plot(x, base, color=style.GREY, linewidth=0.5, zorder=2)
        every = max(1, x.size // POINTS)
        ax.plot(x[::every], lane["intensity"][::every] + shift, linestyle="none", marker="o", markersize=1.4,
                markerfacecolor="white", markeredgecolor=style.INK, markeredgewidth=0.35, zorder=4)  # fmt: skip
        ax.plot(x, lane["model"] + shift, color=style.INK, linewidth=0.8, zorder=5)
    ax.set_xlim(low, high)
    style.dress(ax)
    style.spectral_axis(ax, schema.axis_of(next(iter(fits.values()))), label=False)
    if ax.get_position().width * style.figure_of(ax).get_figwidth() < NARROW * style.CM:
        style.plain_ticks(ax.xaxis, 2)
    ax.set_ylim(-0.08 * step / offset, len(order) * step)
    _lane_ticks(ax, len(order), step, step / offset)
    if components and len(names) > 1:
        _species(ax)


def _lane_ticks(ax: Axes, count: int, step: float, tallest: float) -> None:
    """Give each lane its own scale from zero."""
    ticks = [tick for tick in MaxNLocator(2, steps=[1, 2, 5, 10]).tick_values(0.0, tallest) if 0 <= tick <= tallest]
    texts = style.TidyFormatter().format_ticks(ticks)
    places = [lane * step + tick for lane in range(count) for tick in ticks]
    style.name_ticks(ax.yaxis, places, texts * count)
    ax.yaxis.minorticks_off()


def _species(ax: Axes) -> None:
    """Name the species of a region below its frame."""
    below = offset_copy(ax.transAxes, fig=style.figure_of(ax), y=-BELOW, units="points")
    style.legend(
        ax, chemistry=True, loc="upper center", bbox_to_anchor=(0.5, 0.0), bbox_transform=below, ncols=1,
        handlelength=1.2,
    )  # fmt: skip


def _write_areas(
    ax: Axes, region: str, order: list[str], study: Study, numbers: Mapping[str, Mapping[str, Amount]], step: float
) -> None:
    """Write the normalised area of each sample into the upper right corner of its lane."""
    inside = offset_copy(ax.get_yaxis_transform(), fig=style.figure_of(ax), y=-INSIDE, units="points")
    for place, name in enumerate(reversed(order)):
        text, color = "not measured", style.GREY
        if region in study[name]:
            amount = numbers[name][region]
            verdict = labels.verdict_of(study[name][region])[0]
            text = brief(amount.value, amount.unc).removesuffix(" (fixed)") + (
                "" if verdict == "ok" else f" {verdict.upper()}"
            )
            color = style.INK if verdict == "ok" else style.WARN
        style.note(
            ax, 0.97, (place + 1) * step, text, transform=inside, ha="right", va="top",
            color=color, size=6.5, zorder=7,
        )  # fmt: skip


def _name(panels: Sequence[Axes], study: Study, to: str) -> None:
    """Name the vertical axis at the first frame, and the samples at the right of the last."""
    style.say(panels[0].yaxis.label, style.axis_text(f"Intensity / area of {to}", "eV-1"), size=style.SMALL)
    last, count = panels[-1], len(study)
    low, high = last.get_ylim()
    right = offset_copy(last.transAxes, fig=style.figure_of(last), x=BESIDE, units="points")
    for place, sample in enumerate(reversed(list(study))):
        style.note(
            last, 1.0, (high * (place + 0.5) / count - low) / (high - low), _wrapped(sample), ha="left", va="center",
            rotation=-90, zorder=7, transform=right,
        )  # fmt: skip


def _wrapped(sample: str) -> str:
    return textwrap.fill(sample, 18, max_lines=2, placeholder=" ...")


def _tell(figure: Figure, study: Study, to: str, title: str | None, areas: bool, subtract: bool) -> None:
    """Say what the numbers are, which samples are simulated, and where the reference itself needs checking."""
    verdicts = {name: labels.verdict_of(fits[holder(fits, to)])[0] for name, fits in study.items()}
    doubtful = [f"{name} {verdict.upper()}" for name, verdict in verdicts.items() if verdict != "ok"]
    simulated = labels.simulated_among({name: fits.values() for name, fits in study.items()})
    said = [simulated if title is None else title]
    line = to.replace(" ", "\N{NO-BREAK SPACE}")
    said += [f"Numbers: area of the region / area of {line}"] if areas else []
    said += [] if subtract else ["Background shown, a constant taken off"]
    said += [f"{line}: {', '.join(doubtful)}"] if doubtful else []
    text = ". ".join(part for part in said if part)
    letters = int(figure.get_figwidth() * LETTERS)
    if text:
        color = style.WARN if doubtful else style.INK
        style.say(figure.suptitle("", x=0.01, ha="left"), textwrap.fill(text, letters), size=style.SMALL, color=color)
    axis = schema.axis_of(next(iter(next(iter(study.values())).values())))
    unit, name = schema.AXES[axis]
    style.say(figure.supxlabel(""), style.axis_text(name, unit))


def _checked(samples: object, offset: float) -> dict[str, dict[str, xr.Dataset]]:
    if not isinstance(samples, Mapping) or isinstance(samples, xr.Dataset) or not samples:
        raise InputError("no samples", where="plot_normalised", remedy="Pass {sample: {region: fit}}, one fit at least")
    number(offset, 1, 10, "offset", remedy="Use 1 to 10 heights of the tallest")
    return {str(name): single_fits(fits, str(name)) for name, fits in samples.items()}


def _regions(study: Study, to: str, wanted: Sequence[str] | None) -> list[str]:
    every = list(dict.fromkeys(region for fits in study.values() for region in fits))
    homes = {holder(fits, to) for fits in study.values()}
    if wanted is None:
        return [region for region in every if region not in homes] or every
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [name for name in names if name not in every]
    if unknown or not names:
        raise InputError(
            f"no sample has the region {unknown[0]!r}" if unknown else "no region",
            where="regions",
            remedy=f"Regions are {', '.join(every)}",
        )
    return names
