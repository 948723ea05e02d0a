"""Pictures of identified patterns: measured, calculated, difference, and the lines of each phase."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import diffraction_axis as bragg
from surfspec.display import labels, style
from surfspec.display.checks import axes, heading
from surfspec.display.pattern_frame import draw_difference, draw_pattern, mark_lines
from surfspec.display.phase_frames import WIDE, finish, frames
from surfspec.display.tick_rows import Row, draw_rows
from surfspec.errors import InputError

YSCALES = ("linear", "sqrt", "log")


def plot_match(
    dataset: xr.Dataset,
    *,
    axis: str = "two_theta",
    yscale: str = "linear",
    window: tuple[float, float] | None = None,
    contributions: bool = False,
    ax: Axes | None = None,
    title: str | None = None,
    width: str | float = "page",
    height: float | None = None,
) -> Figure:
    """Draw an identified pattern: points, calculated pattern, background, a row of ticks for each phase, difference.

    Lines that no phase explains carry a triangle; expected lines that were not found carry a cross in the row of their
    phase, and weak ones are short. A verdict that is not ``ok`` stands in the title with its reasons.

    Parameters
    ----------
    dataset
        Kind ``match`` with ``intensity`` (two_theta); a series becomes one frame for each member over common ticks.
    axis
        ``"two_theta"``, ``"d"`` (lattice spacing, falling, evenly in 1/d) or ``"Q"``; the last two need
        ``attrs["wavelength"]``.
    yscale
        ``"linear"``, ``"sqrt"`` (shows weak lines) or ``"log"``.
    window
        Part of the horizontal axis to show, (low, high) in its unit; by default all.
    contributions
        Also fill the contribution of each phase.
    ax
        Axes to draw the pattern of a single match into, without ticks and difference.
    title
        By default the sample; ``""`` for none. A verdict that is not ``ok`` is always shown.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure
        Axes in order: pattern (one for each member), ticks, difference (single match only).

    Raises
    ------
    InputError
        When the match holds no pattern, no wavelength for a d or Q axis, or nothing inside the window.

    Notes
    -----
    d = λ / (2 sin θ) and Q = 4π sin θ / λ, with the wavelength of the Dataset.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> (phase,) = ss.xrd.phases(["Pb"])
    >>> angles = np.arange(25.0, 60.0, 0.05)
    >>> calculated = ss.xrd.pattern(phase, wavelength="CuKa1", two_theta=angles).intensity.values
    >>> counts = np.round(200 + 5000 * calculated / calculated.max())
    >>> lead = ss.spectrum(angles, counts, technique="XRD", wavelength=1.540598)
    >>> figure = ss.display.plot_match(ss.xrd.match(lead, phases=["Pb"]), axis="d")
    >>> figure.axes[-1].get_xlabel()
    'd (Å)'
    """
    schema.check(dataset, "match")
    title, ax = heading(title), axes(ax)
    labels.choice(axis, tuple(bragg.AXES), "axis")
    labels.choice(yscale, YSCALES, "yscale")
    if "intensity" not in dataset or "two_theta" not in dataset.dims:
        raise InputError(
            "this match holds no pattern",
            where="plot_match",
            remedy="Print it with summary(match), or keep what xrd.match() returned",
        )
    named = list(labels.members(dataset))
    wavelength = bragg.wavelength_of(dataset, axis)
    if ax is not None:
        if len(named) > 1:
            raise InputError("a series needs more than one frame", where="ax", remedy="Select one member with .isel()")
        _pattern(ax, named[0][1], axis, yscale, window, contributions)
        style.verdict_headline(ax, labels.subject(dataset) if title is None else title, *labels.verdict_of(named[0][1]))
        bragg.name_axis(ax, axis)
        return style.figure_of(ax)
    single = len(named) == 1
    wide = style.width_cm(width) > WIDE
    rows = [_row(dataset, index, wide=wide) for index in phase_order(dataset)]
    made = frames(rows, len(named), width, height, difference=single, tall=6.6 if single else 4.0)
    part = slice(None)
    for panel, (label, member) in zip(made.patterns, named, strict=True):
        part = _pattern(panel, member, axis, yscale, window, contributions)
        text = ", ".join(part for part in (labels.subject(dataset) if title is None else title, label) if part)
        style.verdict_headline(panel, text, *labels.verdict_of(member))
    draw_rows(
        made.ticks, rows, lambda two_theta: bragg.abscissa(two_theta, axis, wavelength), labelled=wide,
        none="no phase identified",
    )  # fmt: skip
    bragg.tick(made.ticks, axis)
    if made.difference is not None:
        draw_difference(made.difference, named[0][1], axis, part)
    bragg.name_axis(made.difference or made.ticks, axis)
    finish(made)
    return made.figure


def phase_order(dataset: xr.Dataset) -> list[int]:
    """Return the rows of the ticks: the most probable phase first; phases of no member left out of a series."""
    probability = dataset["probability"]
    best = np.asarray(probability.max([name for name in probability.dims if name != "phase"]).values, dtype=np.float64)
    return [int(index) for index in np.argsort(-np.nan_to_num(best, nan=-1.0), kind="stable")]


def _pattern(ax: Axes, member: xr.Dataset, axis: str, yscale: str, window: object, contributions: bool) -> slice:
    fills = []
    if contributions and "contribution" in member:
        curves = member["contribution"].transpose("phase", "two_theta").values
        fills = list(zip(labels.phase_names(member), curves, strict=True))
    part = draw_pattern(ax, member, axis, yscale, window, fills)
    two_theta, ghost = _without_phase(member)
    mark_lines(ax, member, two_theta[~ghost], axis, part, "Unexplained")
    mark_lines(ax, member, two_theta[ghost], axis, part, "Other radiation", color=style.GREY)
    return part


def _without_phase(member: xr.Dataset) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return 2θ of the lines that no phase has, deg, and which of them other radiation of the tube makes."""
    if "peak_two_theta" not in member:
        return np.empty(0), np.empty(0, dtype=bool)
    two_theta = np.asarray(member["peak_two_theta"].values, dtype=np.float64)
    keep = np.isfinite(two_theta)
    if "peak_phase" in member:
        keep &= member["peak_phase"].values == -1
    return two_theta[keep], labels.of_the_tube(member)[keep]


def _row(dataset: xr.Dataset, index: int, *, wide: bool) -> Row:
    two_theta, status = _reflections(dataset, index)
    name = labels.phase_names(dataset, formulas=wide)[index]
    phase = dataset.isel(phase=index)
    card = [note] if (note := labels.card_note(phase)) else []
    if phase["probability"].ndim:
        notes = [f"best {labels.probability_text(float(phase['probability'].max()))}"]
    else:
        notes = [labels.probability_text(float(phase["probability"]))]
        fraction, unc = float(phase["weight_fraction"]), float(phase["weight_fraction_unc"])
        if math.isfinite(fraction):
            factor = 100 if str(dataset["weight_fraction"].attrs.get("units", "1")) == "1" else 1
            amount = labels.amount_text(factor * fraction, factor * unc)
            notes = [f"{notes[0]}, {amount}"]
    return Row(name, (*notes, *card), two_theta, style.color(index + 2), status=status)


def _reflections(dataset: xr.Dataset, index: int) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Return 2θ and status of the lines of one phase, of all members of a series together."""
    if "reflection_two_theta" not in dataset or "reflection_phase" not in dataset:
        return np.zeros(0), np.zeros(0, dtype="<U9")
    owner = dataset["reflection_phase"]
    wanted = index if np.issubdtype(owner.dtype, np.number) else str(dataset["phase"].values[index])
    place = dataset["reflection_two_theta"]
    state = dataset["status"] if "status" in dataset else xr.full_like(place, "", dtype="<U9")
    place, owner, state = xr.broadcast(place, owner, state)
    mine = (owner.values == wanted) & np.isfinite(place.values)
    single = not labels.member_dims(dataset)
    status = state.values[mine].astype(str) if single else np.full(np.count_nonzero(mine), "", dtype="<U9")
    return place.values[mine], status
