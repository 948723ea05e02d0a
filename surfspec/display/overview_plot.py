"""One page on one sample: its survey, the fits of all regions, and a table of what came out."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.areas import single_fits
from surfspec.display.checks import shortened
from surfspec.display.fit_panel import draw_panel, draw_strip, name_positions, name_scales
from surfspec.display.overview_rows import HEAD, facts, region_rows
from surfspec.display.placing import Flag, rows_above
from surfspec.display.text_table import LEADING, draw_table
from surfspec.errors import InputError

#: Width and height of the page, and its margin, in cm.
PAGE: Final = (21.0, 29.7)
MARGIN: Final = 1.5
#: Regions on one page at most.
MOST: Final = 12
#: Heights in cm: of the title, the survey, a region at most and at least, and a line of the table.
TITLE: Final = 1.7
SURVEY: Final = 4.2
TALLEST: Final = 8.0
LOWEST: Final = 3.6
#: Size of type of the title; letters of the facts in an inch.
HEADING: Final = 10.0
LETTERS: Final = 22
#: Letters that are kept of the title and of the name of a region.
NAME: Final = 80
REGION: Final = 40
LINE: Final = 6.5 * LEADING / 72 * 2.54


def plot_overview(
    fits: Mapping[str, xr.Dataset],
    *,
    tables: Mapping[str, xr.Dataset] | Sequence[xr.Dataset] = (),
    survey: xr.Dataset | None = None,
    to: str | None = None,
    title: str | None = None,
    yscale: str = "linear",
) -> Figure:
    """Draw one sample on one page, A4 upright: survey, fit of each region with its residuals, and the numbers.

    The table has a row for each component: position, width, share of the area of the core levels of its region; and
    for each region the area over that of a reference line, the atomic percentage, and the verdict with its reasons.
    What is not determined is written ``n.d.``, what was not asked for ``–``. Where the components would leave the
    figures too low, the table has one row for each region. Components are named at their curves, and from seven
    regions on in legends.

    Parameters
    ----------
    fits
        ``{region: fit}`` of one sample, single spectra, at most twelve.
    tables
        Tables over ``region`` with ``normalised_area`` or ``atomic_percent``; single numbers of other tables
        (a thickness) are written above. What else they hold is not shown.
    survey
        Survey spectrum, which goes across the page; the fitted regions are marked in it.
    to
        Line for the normalised areas where no table has them: ``"Zr 3d5/2"``.
    title
        By default the sample.
    yscale
        ``"linear"`` or ``"sqrt"``.

    Returns
    -------
    matplotlib.figure.Figure
        Its axes are the title, the survey, the regions in order, each followed by its residuals, and the table.

    Raises
    ------
    InputError
        For no fit, a series, more than twelve regions, a survey that is no single spectrum, or tables that are none.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> zr = ss.xps.fit(ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d"), "Zr 3d")
    >>> len(ss.display.plot_overview({"Zr 3d": zr}, to="Zr 3d5/2").axes)
    4
    """
    shown = single_fits(fits, "plot_overview")
    labels.choice(yscale, ("linear", "sqrt"), "yscale")
    if len(shown) > MOST:
        raise InputError(
            f"{len(shown)} regions do not fit on a page", where="fits", remedy=f"Draw up to {MOST} on each page"
        )
    found = _tables(tables)
    _check_survey(survey)
    columns = 1 if len(shown) == 1 else 2 if len(shown) <= 6 else 3
    rows = -(-len(shown) // columns)
    lines, rules, warn = region_rows(shown, found, to)
    if _height_left(rows, len(lines), survey) < LOWEST:
        lines, rules, warn = region_rows(shown, found, to, components=False)
    how = "positions" if columns < 3 else "none"
    page = _page(list(shown), columns, len(lines), survey)
    for index, fit in enumerate(shown.values()):
        main, strip = page.regions[index]
        draw_panel(main, fit, how, yscale, shortened(list(shown)[index], REGION), bottom=False)
        draw_strip(strip, fit, bottom=index + columns >= len(shown), side=index % columns == 0)
        main.tick_params(labelbottom=False)
        if how == "none":
            style.legend(main, chemistry=True, only=labels.component_groups(fit)[1], handlelength=1.2)
        strip.tick_params(labelbottom=True)
    if page.survey is not None and survey is not None:
        _draw_survey(page.survey, survey, yscale)
    panels = [(main, fit) for (main, _), fit in zip(page.regions, shown.values(), strict=True)]
    name_scales(panels, columns)
    if how == "positions":
        name_positions(panels)
    if page.survey is not None and survey is not None:
        _mark_regions(page.survey, survey, shown)
    style.freeze(page.figure)
    _write_heading(page.title, shown, found, title)
    draw_table(page.table, HEAD, lines, rules=rules, warn=warn)
    return page.figure


@dataclass(frozen=True)
class _Page:
    """The frames of the page."""

    figure: Figure
    title: Axes
    survey: Axes | None
    regions: list[tuple[Axes, Axes]]
    table: Axes


def _height_left(rows: int, lines: int, survey: xr.Dataset | None) -> float:
    """Return the height in cm that is left for each row of regions."""
    taken = 2 * MARGIN + TITLE + (SURVEY if survey is not None else 0.0) + (lines + 2) * LINE
    return (PAGE[1] - taken) / rows


def _page(regions: Sequence[str], columns: int, lines: int, survey: xr.Dataset | None) -> _Page:
    """Lay out the page: title, survey, regions with strips, table, and what is left empty."""
    figure = style.figure(*PAGE)
    side, foot = MARGIN / PAGE[0], MARGIN / PAGE[1]
    inside = (side, foot, 1 - 2 * side, 1 - 2 * foot)
    figure.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.03, h_pad=0.03, wspace=0.02, hspace=0.0, rect=inside))
    rows = -(-len(regions) // columns)
    each = min(_height_left(rows, lines, survey), TALLEST)
    above = [TITLE, *([SURVEY] if survey is not None else [])]
    heights = [*above, *([0.78 * each, 0.22 * each] * rows), (lines + 2) * LINE]
    heights.append(max(PAGE[1] - 2 * MARGIN - sum(heights), 0.01))
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    title = figure.add_subplot(grid[0, :])
    top = figure.add_subplot(grid[1, :]) if survey is not None else None
    panels = []
    for index in range(len(regions)):
        row, column = divmod(index, columns)
        main = figure.add_subplot(grid[len(above) + 2 * row, column])
        panels.append((main, figure.add_subplot(grid[len(above) + 2 * row + 1, column], sharex=main)))
    table = figure.add_subplot(grid[len(above) + 2 * rows, :])
    for ax in (title, table):
        ax.set_axis_off()
    return _Page(figure, title, top, panels, table)


def _draw_survey(ax: Axes, survey: xr.Dataset, yscale: str) -> None:
    axis = schema.axis_of(survey)
    x, y = survey[axis].values, survey["intensity"].values
    style.scale_intensity(ax, yscale)
    ax.plot(x, y, color=style.INK, linewidth=0.7)
    ax.set_xlim(x[0], x[-1])
    ax.set_ylim(0.0 if float(np.nanmin(y)) >= 0 else None, 1.04 * float(np.nanmax(y)))
    style.dress(ax)
    style.spectral_axis(ax, axis)
    style.intensity_axis(ax, "Intensity", str(survey["intensity"].attrs.get("units", "1")))
    style.headline(ax, "Survey (simulated)" if labels.is_simulated(survey) else "Survey")


def _mark_regions(ax: Axes, survey: xr.Dataset, fits: Mapping[str, xr.Dataset]) -> None:
    """Name the fitted regions above their strongest line."""
    x, y = survey[schema.axis_of(survey)].values, survey["intensity"].values
    flags = []
    for region, fit in fits.items():
        area, center = fit["area"].values, fit["center"].values
        if not np.any(np.isfinite(area)) or schema.axis_of(fit) != schema.axis_of(survey):
            continue
        place = float(center[int(np.nanargmax(area))])
        if x[0] <= place <= x[-1]:
            near = np.abs(x - place) <= max(3.0, 2 * float(np.median(np.diff(x))))
            flags.append(Flag(place, float(np.nanmax(np.where(near, y, -np.inf))), region))
    rows_above([(ax, flags)])


def _write_heading(ax: Axes, fits: Mapping[str, xr.Dataset], tables: Sequence[xr.Dataset], title: str | None) -> None:
    """Write the sample, and below it the facts in small type."""
    first = next(iter(fits.values()))
    name = str(first.attrs.get("sample", "") if title is None else title)
    if any(labels.is_simulated(fit) for fit in fits.values()) and "simulated" not in name.lower():
        name = f"{name} (simulated)" if name else "Simulated"
    inches = ax.get_position().width * PAGE[0] * style.CM
    text = textwrap.fill("; ".join(facts(fits, tables)), int(inches * LETTERS), max_lines=4, placeholder=" ...")
    style.note(ax, 0.0, 1.0, shortened(name, NAME), va="top", size=HEADING)
    style.note(ax, 0.0, 0.6, text, va="top", size=6.5, linespacing=1.3)


def _tables(tables: object) -> list[xr.Dataset]:
    listed = list(tables.values()) if isinstance(tables, Mapping) and not isinstance(tables, xr.Dataset) else tables
    if isinstance(listed, xr.Dataset) or not isinstance(listed, Sequence) or isinstance(listed, str):
        raise InputError(
            f"tables is a {type(tables).__name__}", where="tables", remedy="Pass a list or mapping of tables"
        )
    for table in listed:
        if schema.kind_of(table) != "table":
            raise InputError(
                f"one of the tables is a {schema.kind_of(table)}",
                where="tables",
                remedy="Pass what xps.normalise() and xps.quantify() returned",
            )
    return list(listed)


def _check_survey(survey: xr.Dataset | None) -> None:
    if survey is not None and (schema.kind_of(survey) != "spectrum" or labels.member_dims(survey)):
        raise InputError(
            "the survey is no single spectrum", where="survey", remedy="Pass one spectrum; select it with .isel()"
        )
