"""``plot``: the picture that belongs to a Dataset, chosen by its kind."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any, Final

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surfspec import schema
from surfspec.display import checks, labels
from surfspec.display.changes_plot import plot_changes
from surfspec.display.changes_summary import is_comparison
from surfspec.display.fit_plot import plot_fit
from surfspec.display.line_tables_plot import is_background_table, is_peak_table, plot_background, plot_peaks
from surfspec.display.match_plot import plot_match
from surfspec.display.pattern_plot import plot_pattern
from surfspec.display.refinement_facts import is_refinement
from surfspec.display.refinement_plot import plot_refinement
from surfspec.display.series_plot import plot_series
from surfspec.display.spectrum_plot import plot_spectrum
from surfspec.display.table_plot import plot_table
from surfspec.errors import InputError

#: Kind -> what draws it.
_PICTURES: Final[dict[str, Callable[..., Figure]]] = {
    "spectrum": plot_spectrum,
    "fit": plot_fit,
    "match": plot_match,
    "table": plot_table,
}


def plot(dataset: xr.Dataset, *, ax: Axes | None = None, title: str | None = None, **options: Any) -> Figure:
    """Draw any Dataset: the picture is chosen by its kind.

    Parameters
    ----------
    dataset
        Of kind ``spectrum``, ``fit``, ``match`` or ``table``, single or series.
    ax
        Axes to draw into, where one frame is enough; by default a new figure is made.
    title
        By default sample and region; ``""`` for none.
    **options
        Those of :func:`plot_spectrum` (``normalise``, ``offset``, ``yscale``), :func:`plot_fit` (``residuals``,
        ``component_labels``, ``yscale``, ``share_y``), :func:`plot_match` and :func:`plot_refinement` (``axis``,
        ``yscale``, ``window``, ``contributions``), :func:`plot_pattern` (of a series of powder patterns) or
        :func:`plot_table` (``variable``, ``along``, ``by``, ``marks``), and ``width`` and ``height`` for all.

    Returns
    -------
    matplotlib.figure.Figure
        The figure, which pyplot does not know of; its axes are ``figure.axes``. With `ax` the figure that holds it.

    Raises
    ------
    SchemaError
        When the Dataset does not say what it is, or is not what it says.
    InputError
        For an unknown option, a wrong value, or axes that are too few.

    Examples
    --------
    >>> import surfspec as ss
    >>> ds = ss.spectrum([280, 285, 290], [10, 40, 12], technique="XPS", region="C 1s")
    >>> figure = ss.plot(ds, yscale="sqrt", width="page")
    >>> figure.axes[0].get_xlabel()
    'Binding energy (eV)'
    """
    kind = schema.kind_of(dataset)
    draw = _drawer(dataset, kind)
    _check_options(kind, draw, options)
    frame = checks.axes(ax)
    if "ax" in _keywords(draw):
        options["ax"] = frame
    elif frame is not None:
        raise InputError("this picture needs more than one frame", where="ax", remedy="Leave ax out")
    return draw(dataset, title=checks.heading(title), **options)


def _drawer(dataset: xr.Dataset, kind: str) -> Callable[..., Figure]:
    """Return what draws a Dataset: its kind decides, and for powder patterns what lies in it."""
    if kind == "fit" and is_refinement(dataset):
        return plot_refinement
    if kind == "spectrum" and "two_theta" in dataset.dims and labels.member_dims(dataset):
        return plot_pattern
    if kind == "table" and is_comparison(dataset):
        return plot_changes
    if kind == "table" and is_peak_table(dataset):
        return plot_peaks
    if kind == "table" and is_background_table(dataset):
        return plot_background
    return _PICTURES[kind]


def _check_options(kind: str, draw: Callable[..., Figure], options: dict[str, Any]) -> None:
    known = _keywords(draw) | (_keywords(plot_series) - {"panels"} if draw is plot_table else set())
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            guess = f"Did you mean {near[0]!r}? " if near else ""
            raise InputError(
                f"a picture of a {kind} has no option {name!r}",
                where="plot",
                remedy=f"{guess}Options are {', '.join(sorted(known - {'ax', 'title'}))}",
            )


def _keywords(draw: Callable[..., Figure]) -> set[str]:
    parameters = inspect.signature(draw).parameters.values()
    return {one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY}
