"""Pictures of refined patterns: measured, calculated, difference, the lines of each phase with its cell."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import diffraction_axis as bragg
from surfspec.display import labels, style
from surfspec.display.checks import axes, heading
from surfspec.display.pattern_frame import draw_difference, draw_pattern
from surfspec.display.phase_frames import WIDE, finish, frames
from surfspec.display.refinement_facts import agreement_words, cell_words, is_refinement, phase_names, weight_words
from surfspec.display.tick_rows import Row, draw_rows
from surfspec.errors import InputError


def plot_refinement(
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
    """Draw a refined pattern: points, calculated pattern, background, ticks of each phase with its cell, difference.

    The weighted profile R, what counting alone allows, and the goodness of fit stand in the corner.

    Parameters
    ----------
    dataset
        One member of what :func:`surfspec.xrd.refine` returned.
    axis, yscale, window, contributions, ax, title, width, height
        As in :func:`plot_match`.

    Returns
    -------
    matplotlib.figure.Figure
        Axes: pattern, ticks, difference; with `ax` the figure that holds it.

    Raises
    ------
    InputError
        For a fit of another kind of data, a series, or nothing inside the window.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x = np.arange(20, 70, 0.03)
    >>> card = ss.xrd.phases(["halite"])[0]
    >>> salt = ss.xrd.pattern(card, wavelength="CuKa1", two_theta=x).intensity.values
    >>> counts = np.random.default_rng(1).poisson(50 + 20 * salt)
    >>> fit = ss.xrd.refine(ss.spectrum(x, counts, technique="XRD"), [card], wavelength="CuKa1")
    >>> len(ss.display.plot_refinement(fit).axes)
    3
    """
    schema.check(dataset, "fit")
    title, ax = heading(title), axes(ax)
    labels.choice(axis, tuple(bragg.AXES), "axis")
    labels.choice(yscale, ("linear", "sqrt", "log"), "yscale")
    if not is_refinement(dataset) or labels.member_dims(dataset):
        raise InputError(
            "this is no refinement of a single powder pattern",
            where="plot_refinement",
            remedy="Pass what xrd.refine() returned, one member of a series with .isel()",
        )
    wavelength = bragg.wavelength_of(dataset, axis)
    subject = labels.subject(dataset) if title is None else title
    if ax is not None:
        _pattern(ax, dataset, axis, yscale, window, contributions)
        style.verdict_headline(ax, subject, *labels.verdict_of(dataset))
        bragg.name_axis(ax, axis)
        return style.figure_of(ax)
    wide = style.width_cm(width) > WIDE
    rows = [_row(dataset, index, wide=wide) for index in range(dataset.sizes["component"])]
    made = frames(rows, 1, width, height, difference=True)
    part = _pattern(made.patterns[0], dataset, axis, yscale, window, contributions)
    style.verdict_headline(made.patterns[0], subject, *labels.verdict_of(dataset))
    draw_rows(
        made.ticks, rows, lambda two_theta: bragg.abscissa(two_theta, axis, wavelength), labelled=wide, none="no phase"
    )  # fmt: skip
    bragg.tick(made.ticks, axis)
    below = made.difference or made.ticks
    draw_difference(below, dataset, axis, part)
    bragg.name_axis(below, axis)
    finish(made)
    return made.figure


def _pattern(ax: Axes, member: xr.Dataset, axis: str, yscale: str, window: object, contributions: bool) -> slice:
    fills = []
    if contributions:
        curves = member["contribution"].transpose("component", "two_theta").values
        fills = list(zip(phase_names(member), curves, strict=True))
    part = draw_pattern(ax, member, axis, yscale, window, fills)
    words = agreement_words(member)
    if words:
        note = style.note(ax, 0.985, 0.95, words.replace(", ", "\n"), ha="right", va="top", size=6.5, linespacing=1.3)
        note.set_bbox({"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0})
    return part


def _row(dataset: xr.Dataset, index: int, *, wide: bool) -> Row:
    part = dataset.isel(component=index)
    amount = weight_words(part) if dataset.sizes["component"] > 1 else ""
    cell = cell_words(part)
    pairs = [", ".join(cell[at : at + 2]) for at in range(0, len(cell), 2)]
    notes = [amount, *(cell if wide and len(cell) < 3 else pairs)]
    flag = str(part["flag"].values)
    if flag not in {"", "ok"}:
        notes.append(flag.replace("_", " "))
    place, status = _reflections(dataset, str(dataset["component"].values[index]))
    kept = tuple(note for note in notes if note)
    return Row(phase_names(dataset)[index], kept, place, style.color(index + 2), status=status)


def _reflections(dataset: xr.Dataset, name: str) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Return 2θ and status of the lines of one phase."""
    if "reflection_phase" not in dataset.coords:
        return np.empty(0), np.empty(0, dtype=np.str_)
    mine = dataset["reflection_phase"].values.astype(str) == name
    status = dataset["status"].values[mine].astype(str) if "status" in dataset.coords else np.empty(0, dtype=np.str_)
    return dataset["reflection_two_theta"].values[mine].astype(np.float64), status
