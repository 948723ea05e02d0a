"""Powder patterns as they were measured: one with cards and peaks laid over it, many as lines, waterfall or map."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import offset_copy

from surfspec import schema
from surfspec.display import diffraction_axis as bragg
from surfspec.display import labels, style
from surfspec.display.checks import axes, heading
from surfspec.display.pattern_frame import draw_pattern, is_calculated
from surfspec.display.pattern_stack import KINDS, draw_many
from surfspec.display.phase_frames import WIDE, finish, frames
from surfspec.display.placing import Flag, rows_above
from surfspec.display.text import value_text
from surfspec.display.tick_rows import Row, draw_rows
from surfspec.errors import InputError

#: Cards -> lines of a phase: the table of ``xrd.pattern``.
Cards = xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset]

#: Peaks at most whose positions are written; half width in deg in which the top of a peak is looked for.
NAMED: Final = 24
TOP: Final = 0.06


def plot_pattern(
    pattern: xr.Dataset | Mapping[str, xr.Dataset],
    *,
    cards: Cards | None = None,
    peaks: xr.Dataset | None = None,
    kind: str = "auto",
    axis: str = "two_theta",
    yscale: str = "linear",
    normalise: str = "none",
    offset: float = 0.35,
    window: tuple[float, float] | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    width: str | float = "page",
    height: float | None = None,
) -> Figure:
    """Draw powder patterns: one with the lines of cards below and found peaks marked, or many together.

    Nothing is identified here: cards show where a phase would have lines and how strong, whether it is there or not.

    Parameters
    ----------
    pattern
        Kind ``spectrum`` (or ``match``, ``fit``) over two_theta, one or a series; or several by name, each on its own
        angles.
    cards
        Lines of phases: the table or tables of :func:`surfspec.xrd.pattern`. Sticks are as high as the relative
        intensity, its root with ``yscale="sqrt"`` or ``"log"``.
    peaks
        The table of :func:`surfspec.xrd.find_peaks` of a single pattern.
    kind
        Of many patterns: ``"lines"`` (each shifted upwards by `offset`), ``"waterfall"`` (the same, nearer patterns
        cover those behind), ``"map"`` (intensity as lightness against the series coordinate), ``"auto"`` (a map from
        16 patterns).
    axis, yscale, window
        As in :func:`plot_match`. Shifted patterns and maps are drawn as root or logarithm of the intensity.
    normalise
        ``"none"``, or ``"max"``: each pattern is divided by its largest intensity in the window.
    offset
        Distance between neighbours in parts of the tallest.
    ax
        Axes to draw patterns into; not with cards.
    title
        By default the sample; ``""`` for none.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure
        Axes: patterns, then the rows of cards or the colour bar of a map.

    Raises
    ------
    InputError
        For anything that is no powder pattern, cards without lines, or peaks over several patterns.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x = np.arange(20, 60, 0.02)
    >>> salt = ss.xrd.pattern(ss.xrd.phases(["halite"])[0], wavelength="CuKa1", two_theta=x)
    >>> card = ss.xrd.pattern(ss.xrd.phases(["KCl"])[0], wavelength="CuKa1", two_theta=(20, 60))
    >>> figure = ss.display.plot_pattern(salt, cards=card, yscale="sqrt")
    >>> [label.get_text() for label in figure.axes[1].get_yticklabels()]
    ['KCl']
    """
    title, ax = heading(title), axes(ax)
    labels.choice(axis, tuple(bragg.AXES), "axis")
    labels.choice(yscale, ("linear", "sqrt", "log"), "yscale")
    labels.choice(normalise, ("none", "max"), "normalise")
    labels.choice(kind, KINDS, "kind")
    given, flags = ax, list[Flag]()
    named, coordinate = _named(pattern)
    named = _with_wavelength(named, [peaks, *_cards(cards).values()])
    first = next(iter(named.values()))
    rows = [_row(name, card, index, yscale) for index, (name, card) in enumerate(_cards(cards).items())]
    if rows and ax is not None:
        raise InputError("cards need frames of their own", where="ax", remedy="Leave ax out")
    if peaks is not None and len(named) > 1:
        raise InputError("peaks belong to one pattern", where="peaks", remedy="Select one member with .isel()")
    subject = _subject(pattern, named) if title is None else title
    made = None
    if rows:
        tall = 6.6 if len(named) == 1 else min(4.0 + 0.9 * len(named), 16.0)
        made = frames(rows, 1, width, height, difference=False, tall=tall)
        ax = made.patterns[0]
    elif ax is None:
        ax = style.figure(width, height or (7.0 if len(named) == 1 else 9.0)).add_subplot()
    if len(named) == 1:
        part = draw_pattern(ax, first, axis, yscale, window)
        flags = [] if peaks is None else _mark_peaks(ax, first, peaks, axis, part)
    else:
        draw_many(ax, named, coordinate, kind, axis, yscale, normalise, offset, window)
    if subject:
        style.headline(ax, subject)
    if made is None:
        bragg.name_axis(ax, axis)
        if flags:
            own = given is None
            style.legend(ax, outside=own)
            rows_above([(ax, flags)], freeze=own)
        return style.figure_of(ax)
    wavelength = bragg.wavelength_of(first, axis)
    draw_rows(
        made.ticks, rows, lambda two_theta: bragg.abscissa(two_theta, axis, wavelength),
        labelled=style.width_cm(width) > WIDE, none="no card",
    )  # fmt: skip
    bragg.tick(made.ticks, axis)
    bragg.name_axis(made.ticks, axis)
    finish(made)
    rows_above([(ax, flags)])
    return made.figure


def _named(pattern: object) -> tuple[dict[str, xr.Dataset], xr.DataArray | None]:
    """Return single patterns by name, and the coordinate of a series of numbers."""
    if isinstance(pattern, Mapping) and not isinstance(pattern, xr.Dataset):
        found = {str(name): _checked(one, str(name)) for name, one in pattern.items()}
        if not found or any(labels.member_dims(one) for one in found.values()):
            raise InputError("a pattern by name is one pattern", where="pattern", remedy="Pass {name: single pattern}")
        return found, None
    whole = _checked(pattern, "pattern")
    found = dict(labels.members(whole))
    dims = labels.member_dims(whole)
    numbers = len(dims) == 1 and dims[0] in whole.coords and np.issubdtype(whole[dims[0]].dtype, np.number)
    if len(found) < labels.member_count(whole):
        raise InputError(
            "two members have the same name", where="pattern", remedy=f"Give {dims} coordinates that differ"
        )
    return found, whole[dims[0]] if numbers else None


def _checked(one: Any, name: str) -> xr.Dataset:
    kind = schema.kind_of(one)
    if kind not in {"spectrum", "match", "fit"} or "intensity" not in one or schema.axis_of(one) != "two_theta":
        raise InputError(
            f"{name!r} is a {kind} without intensity over two_theta",
            where="plot_pattern",
            remedy="Pass a powder pattern that read() returned, or a match of it",
        )
    checked: xr.Dataset = one
    return checked.drop_vars([key for key in ("model", "background") if key in checked])


def _with_wavelength(named: dict[str, xr.Dataset], tables: Sequence[xr.Dataset | None]) -> dict[str, xr.Dataset]:
    """Give patterns that do not say their wavelength that of the cards or peaks, where these have one in common."""
    known = {float(one.attrs["wavelength"]) for one in tables if one is not None and "wavelength" in one.attrs}
    if len(known) != 1:
        return named
    (value,) = known
    return {name: one.assign_attrs(wavelength=one.attrs.get("wavelength", value)) for name, one in named.items()}


def _subject(pattern: object, named: Mapping[str, xr.Dataset]) -> str:
    if all(is_calculated(one) for one in named.values()):
        return f"Calculated: {', '.join(str(one.attrs.get('formula', one.attrs['phase'])) for one in named.values())}"
    if isinstance(pattern, xr.Dataset):
        return labels.subject(pattern)
    return labels.simulated_among({name: [one] for name, one in named.items()})


def _cards(cards: object) -> dict[str, xr.Dataset]:
    """Return tables of lines by name; the name of one that has none is its formula or id."""
    if cards is None:
        return {}
    if isinstance(cards, xr.Dataset):
        cards = [cards]
    if isinstance(cards, Mapping):
        found = {str(name): one for name, one in cards.items()}
    elif isinstance(cards, Sequence) and not isinstance(cards, str):
        found = {}
        for index, one in enumerate(cards):
            attrs = one.attrs if isinstance(one, xr.Dataset) else {}
            name = str(attrs.get("formula") or attrs.get("phase") or f"card {index + 1}")
            found[name if name not in found else f"{name} ({attrs.get('phase', index + 1)})"] = one
    else:
        raise InputError(f"they are {type(cards).__name__}", where="cards", remedy="Pass what xrd.pattern() returned")
    for name, one in found.items():
        if not isinstance(one, xr.Dataset) or "reflection_two_theta" not in one or "relative_intensity" not in one:
            raise InputError(
                f"{name!r} holds no lines",
                where="cards",
                remedy="Pass what xrd.pattern() returned",
            )
    return found


def _row(name: str, card: xr.Dataset, index: int, yscale: str) -> Row:
    relative = np.clip(card["relative_intensity"].values / 100.0, 0.0, 1.0)
    height = relative if yscale == "linear" else np.sqrt(relative)
    trust = str(card.attrs.get("trust", ""))
    notes = (f"card of grade {trust}",) if trust not in {"", "A"} else ()
    return Row(name, notes, card["reflection_two_theta"].values.astype(float), style.color(index + 2), height=height)


def _mark_peaks(ax: Axes, member: xr.Dataset, peaks: xr.Dataset, axis: str, part: slice) -> list[Flag]:
    """Mark found peaks with a triangle at their top, and return the labels of the strongest; doubtful ones in red."""
    if "peak_two_theta" not in peaks:
        raise InputError("this table holds no peaks", where="peaks", remedy="Pass what xrd.find_peaks() returned")
    place = np.asarray(peaks["peak_two_theta"].values, dtype=np.float64)
    measured, intensity = member["two_theta"].values[part], member["intensity"].values[part]
    kept = np.flatnonzero(np.isfinite(place) & (place >= measured[0]) & (place <= measured[-1]))
    unc = peaks["peak_two_theta_unc"].values if "peak_two_theta_unc" in peaks else np.full(place.size, np.nan)
    words = peaks["flag"].values.astype(str) if "flag" in peaks else np.full(place.size, "")
    doubtful = ~np.isin(words, ["", "ok"])
    shown = bragg.abscissa(place, axis, bragg.wavelength_of(member, axis))
    tops = np.array([np.nanmax(intensity[np.abs(measured - at) < TOP], initial=-np.inf) for at in place])
    tops = np.where(np.isfinite(tops), tops, np.interp(place, measured, intensity))
    for chosen, name, shade, filled in (
        (~doubtful, "Peak", style.COLORS[0], style.COLORS[0]), (doubtful, "Doubtful peak", style.WARN, "white"),
    ):  # fmt: skip
        mine = kept[chosen[kept]]
        if mine.size:
            ax.plot(
                shown[mine], tops[mine], linestyle="none", marker="v", markersize=3.2, color=shade, label=name,
                markerfacecolor=filled, markeredgewidth=0.6, zorder=6,
                transform=offset_copy(ax.transData, fig=style.figure_of(ax), y=4, units="points"),
            )  # fmt: skip
    size = peaks["height"].values if "height" in peaks else np.ones(place.size)
    strongest = sorted(kept, key=lambda index: -np.nan_to_num(float(size[index])))[:NAMED]
    return [
        Flag(float(shown[at]), float(tops[at]), _position(float(place[at]), float(unc[at]), float(shown[at]), axis),
             style.WARN if doubtful[at] else style.INK)
        for at in strongest
    ]  # fmt: skip


def _position(place: float, unc: float, shown: float, axis: str) -> str:
    """Write where a peak is, with its uncertainty in the last digits as far as thousandths of a degree show it."""
    if axis != "two_theta":
        return f"{shown:.3f}"
    return value_text(place, unc) if math.isfinite(unc) and unc >= 0.001 else f"{place:.3f}"
