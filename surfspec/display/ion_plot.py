"""Spectra of scattered ions: peaks on their background, elements at their energies, a scale of mass above."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import by_name, heading, number
from surfspec.display.doubts import doubts_of
from surfspec.display.fit_panel import curve_name, draw_components, draw_points
from surfspec.display.mass_scale import add_mass_axis, geometry
from surfspec.display.placing import Flag, rows_above
from surfspec.errors import InputError

Array = NDArray[np.float64]

NORMALISE: Final = ("none", "max", "area")
#: Vermillion, blue, green, ...: the first two differ in lightness too.
SHADES: Final = (style.COLORS[1], style.COLORS[0], style.COLORS[2], style.COLORS[3], style.COLORS[6])


def plot_ions(
    fits: xr.Dataset | Mapping[str, xr.Dataset],
    *,
    lines: xr.Dataset | None = None,
    normalise: str = "none",
    offset: float = 0.0,
    yscale: str = "linear",
    mass_axis: bool = True,
    title: str | None = None,
    width: str | float = "column",
    height: float | None = None,
) -> Figure:
    r"""Draw one or several fits of ion scattering: data, envelope, background with its shoulders, filled peaks.

    Elements are named above the curves, each joined to its peak; in grey and brackets where no fit detected it. The
    scale above is the mass that scatters to each energy, :math:`M_2 = M_1(1 + K - 2\sqrt K\cos\theta)/(1 - K)`, moved
    by the fitted offset of the energies (the mean of several fits). One fit has a colour for each element, several fits
    have one each.

    Parameters
    ----------
    fits
        Fit of one spectrum, or fits by name (at most five), of one ion, energy and angle.
    lines
        Table with ``energy`` over (element, isotope), as :func:`surfspec.leis.line_table` makes it: isotopes are drawn
        as ticks below the spectrum, as high as their ``weight`` (share of the element), moved by the fitted offset; the
        names carry the ``centroid`` as it was calculated.
    normalise
        ``"none"``, ``"max"`` (largest intensity is 1) or ``"area"`` (peak areas sum to 1 eV).
    offset
        Raise each further spectrum by this part of the largest intensity of the first. Not on a logarithmic scale.
    yscale
        ``"linear"``, ``"sqrt"`` or ``"log"``.
    mass_axis
        Write masses above the frame; needs ``ion``, ``ion_energy`` and ``scattering_angle`` among the attrs.
    title
        By default the sample, or what is simulated; ``""`` for none. A verdict that is not ok is always shown.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm.

    Returns
    -------
    matplotlib.figure.Figure
        Axes: the spectrum, the ticks of isotopes where given, the scale of mass.

    Raises
    ------
    InputError
        For a series, no fit or more than five, fits of different geometry, a logarithmic scale with an offset, a fit
        without area to be normalised by, or an unknown option.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> counts = 20 + 900 * np.exp(-((energy - 1182) ** 2) / 800) + 300 * np.exp(-((energy - 2557) ** 2) / 800)
    >>> about = {"technique": "LEIS", "ion": "4He", "ion_energy": 3000.0, "scattering_angle": 145.0}
    >>> spectrum = ss.spectrum(energy, np.random.default_rng(2).poisson(counts), **about)
    >>> figure = ss.display.plot_ions(ss.leis.fit(spectrum, ss.leis.Recipe(elements=("O", "Zr"))))
    >>> [axes.get_xlabel() for axes in figure.axes]
    ['Kinetic energy (eV)', 'Target mass (u)']
    """
    named = _named(fits)
    title = heading(title)
    labels.choice(normalise, NORMALISE, "normalise")
    labels.choice(yscale, ("linear", "sqrt", "log"), "yscale")
    number(offset, 0.0, 10.0, "offset")
    if offset and yscale == "log":
        raise InputError(
            "an offset means nothing on a logarithmic scale", where="offset", remedy="Use yscale='linear' or offset=0"
        )
    first = next(iter(named.values()))
    shift = float(np.mean([_energy_offset(fit) for fit in named.values()]))
    figure = style.figure(width, height or (9.0 if lines is not None else 8.2))
    frames = [figure.add_subplot()]
    if lines is not None:
        frames[0].remove()
        frames = list(figure.subplots(2, 1, sharex=True, height_ratios=[9, 1]))
    ax = frames[0]
    style.scale_intensity(ax, yscale)
    factors = {name: 1.0 / _divisor(name, fit, normalise) for name, fit in named.items()}
    step = offset * factors[next(iter(named))] * float(np.nanmax(first["intensity"].values))
    if len(named) == 1:
        _one(ax, first, next(iter(factors.values())))
    else:
        for index, (name, fit) in enumerate(named.items()):
            _overlaid(ax, name, fit, factors[name], index, index * step)
    ax.set_xlim(
        min(float(fit["kinetic_energy"][0]) for fit in named.values()),
        max(float(fit["kinetic_energy"][-1]) for fit in named.values()),
    )
    _limits(ax, named, factors, step, yscale)
    style.dress(ax)
    style.spectral_axis(ax, "kinetic_energy", label=lines is None)
    _name_intensity(ax, first, normalise, yscale, raised=bool(step))
    if lines is not None:
        _isotopes(frames[1], lines, [str(name) for name in first["component"].values], shift)
    if mass_axis:
        add_mass_axis(ax, first, shift=shift)
    style.legend(ax, outside=True, ncols=3)
    _headline(ax, named, title)
    rows_above([(ax, _flags(named, lines, shift, factors, step))])
    return figure


def _named(fits: xr.Dataset | Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Check the fits and name them."""
    named = by_name(fits, "fits", "leis.fit")
    if not 1 <= len(named) <= len(SHADES):
        raise InputError(f"{len(named)} fits", where="fits", remedy=f"Pass one to {len(SHADES)} fits")
    stated = set()
    for name, fit in named.items():
        schema.check(fit, "fit")
        if labels.member_dims(fit) or "kinetic_energy" not in fit.dims:
            raise InputError(
                f"the fit {name!r} is a series"
                if labels.member_dims(fit)
                else f"the fit {name!r} has no kinetic energy",
                where="fits",
                remedy="Select one member with .isel(), or average the spectra before the fit",
            )
        if {"ion", "ion_energy", "scattering_angle"} <= set(fit.attrs):
            stated.add(geometry(fit))
    if len(stated) > 1:
        raise InputError(
            f"the fits are of {' and '.join(f'{ion} {energy:g} eV {angle:g} deg' for ion, energy, angle in stated)}",
            where="fits",
            remedy="Draw spectra of one ion, energy and angle together",
        )
    return named


def _energy_offset(fit: xr.Dataset) -> float:
    """Return the fitted offset of the energies; 0 where a fit has none."""
    if "parameter" not in fit.coords or "offset" not in fit["parameter"].values:
        return 0.0
    value = float(fit["value"].sel(parameter="offset"))
    return value if np.isfinite(value) else 0.0


def _divisor(name: str, fit: xr.Dataset, normalise: str) -> float:
    if normalise == "none":
        return 1.0
    total = float(np.nanmax(fit["intensity"].values) if normalise == "max" else fit["area"].sum())
    if not total > 0:
        raise InputError(
            f"the fit {name!r} has nothing to be normalised by", where="normalise", remedy="Use normalise='none'"
        )
    return total


def _one(ax: Axes, fit: xr.Dataset, factor: float) -> None:
    """Draw one fit: elements in colours of their own, what lies below the peaks in pale grey."""
    x, background = fit["kinetic_energy"].values, factor * fit["background"].values
    scaled = fit.assign(intensity=fit["intensity"] * factor)
    draw_points(ax, scaled)
    ax.plot(x, factor * fit["model"].values, color=style.INK, linewidth=1.0, label=curve_name(fit), zorder=5)
    draw_components(ax, fit, background, factor=factor)
    for artist in (*ax.collections, *ax.lines):
        if artist.get_label() in labels.component_labels(fit):
            artist.set_label("")  # named at the curve
    ax.fill_between(x, 0, background, facecolor=style.PALE, linewidth=0, zorder=0, label="Background and shoulders")
    ax.plot(x, background, color=style.GREY, linewidth=0.8, linestyle=style.DASHES[1], zorder=3)


def _overlaid(ax: Axes, name: str, fit: xr.Dataset, factor: float, index: int, lift: float) -> None:
    """Draw one of several fits in its own colour."""
    x, shade = fit["kinetic_energy"].values, SHADES[index]
    model, background = (lift + factor * fit[part].values for part in ("model", "background"))
    every = max(1, x.size // 200)
    look: dict[str, Any] = {"color": shade, "zorder": 4 - 0.1 * index}
    ax.plot(
        x[::every], lift + factor * fit["intensity"].values[::every], linestyle="none", marker=style.marker(index),
        markersize=1.8, markerfacecolor="white", markeredgewidth=0.4, **look,
    )  # fmt: skip
    ax.plot(x, model, linewidth=1.1, linestyle="-" if index % 2 == 0 else style.DASHES[1], label=name, **look)
    ax.plot(x, background, linewidth=0.6, linestyle=style.DASHES[3], **look)
    ax.fill_between(
        x, background, model, facecolor=style.tint(shade, 0.3), edgecolor=style.tint(shade, 0.7), linewidth=0,
        hatch=style.HATCHES[index], zorder=1 - 0.1 * index,
    ).set_hatch_linewidth(0.35)  # fmt: skip


def _limits(ax: Axes, named: Mapping[str, xr.Dataset], factors: Mapping[str, float], step: float, yscale: str) -> None:
    """Choose the vertical limits: from the peaks, so that a steep tail at low energy does not press them flat."""
    tops, lows = [], []
    for index, (name, fit) in enumerate(named.items()):
        x, y = fit["kinetic_energy"].values, factors[name] * np.fmax(fit["intensity"].values, fit["model"].values)
        peaks = fit["center"].values
        low = np.nanmin(peaks) - 0.08 * np.nanmax(x) if np.any(np.isfinite(peaks)) else x[0]
        tops.append(index * step + float(np.nanmax(y[x >= low])))
        positive = factors[name] * fit["intensity"].values
        lows.append(float(positive[positive > 0].min()) if np.any(positive > 0) else 1.0)
    if yscale == "log":
        ax.set_ylim(0.7 * min(lows), 1.6 * max(tops))
    else:
        ax.set_ylim(0.0, 1.06 * max(tops))


def _name_intensity(ax: Axes, fit: xr.Dataset, normalise: str, yscale: str, *, raised: bool) -> None:
    unit = str(fit["intensity"].attrs.get("units", "1"))
    name, unit = {
        "none": ("Intensity", unit),
        "max": ("Intensity / largest", "1"),
        "area": ("Intensity / summed peak area", "eV-1"),
    }[normalise]
    name += ", shifted" if raised else ""
    if yscale == "log":
        style.say(ax.yaxis.label, style.axis_text(name, unit))
    else:
        style.intensity_axis(ax, name, unit)


def _isotopes(ax: Axes, lines: xr.Dataset, elements: list[str], shift: float) -> None:
    """Draw the isotopes of the fitted elements as ticks."""
    _check_lines(lines)
    for index, element in enumerate(elements):
        if element not in lines["element"].values:
            continue
        row = lines.sel(element=element)
        places = row["energy"].values
        heights = row["weight"].values if "weight" in row else np.ones_like(places)
        known = np.isfinite(places) & (heights > 0)
        if not known.any():
            continue
        ax.vlines(
            places[known] + shift, 0, heights[known] / heights[known].max(), color=style.color(index), linewidth=0.9
        )
    ax.set_ylim(0, 1.15)
    style.dress(ax)
    ax.tick_params(axis="y", which="both", left=False, right=False, labelleft=False)
    ax.set_ylabel("", rotation=0, ha="right", va="center")
    style.say(ax.yaxis.label, "Isotopes", size=style.SMALL)
    style.spectral_axis(ax, "kinetic_energy")


def _check_lines(lines: xr.Dataset) -> None:
    if "energy" not in lines or set(lines["energy"].dims) != {"element", "isotope"}:
        raise InputError(
            "this table has no energy over (element, isotope)",
            where="lines",
            remedy="Pass what leis.line_table returned",
        )


def _flags(
    named: Mapping[str, xr.Dataset],
    lines: xr.Dataset | None,
    shift: float,
    factors: Mapping[str, float],
    step: float,
) -> list[Flag]:
    """Name each element at its peak: with its elastic energy where a table of lines gives it."""
    fits = list(named.values())
    low, high = (f([float(one["kinetic_energy"][end]) for one in fits]) for f, end in ((min, 0), (max, -1)))
    found = []
    for name in dict.fromkeys(str(one) for fit in fits for one in fit["component"].values):
        having = [fit for fit in fits if name in fit["component"].values]
        place = float(np.nanmean([float(fit["center"].sel(component=name)) for fit in having]))
        text = name
        if lines is not None and name in lines["element"].values and "centroid" in lines:
            elastic = float(lines["centroid"].sel(element=name))
            text, place = f"{name}\n{elastic:.0f}", elastic + shift
        if not low <= place <= high:
            continue
        top = max(
            index * step + factors[key] * float(np.interp(place, fit["kinetic_energy"], fit["model"]))
            for index, (key, fit) in enumerate(named.items())
        )
        absent = all(str(fit["flag"].sel(component=name).values) == "below_detection" for fit in having)
        text = text.replace(name, f"({name})", 1) if absent else text
        found.append(Flag(place, top, text, style.GREY if absent else style.INK))
    return found


def _headline(ax: Axes, named: Mapping[str, xr.Dataset], title: str | None) -> None:
    """Title the frame; verdicts that are not ok follow."""
    if len(named) == 1:
        fit = next(iter(named.values()))
        style.verdict_headline(ax, labels.subject(fit) if title is None else title, *labels.verdict_of(fit))
        return
    text = labels.simulated_among({name: [fit] for name, fit in named.items()}) if title is None else title
    verdict, doubts = doubts_of({name: labels.verdict_of(fit) for name, fit in named.items()})
    style.verdict_headline(ax, text, verdict, doubts)
