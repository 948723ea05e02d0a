"""The periodic table of what a measurement can see: colours, energies and nearest neighbours in its cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from surfspec import schema
from surfspec.display import style
from surfspec.display.checks import axes, heading
from surfspec.display.text import unit_text
from surfspec.errors import InputError

#: Borders of the colours: distance to the nearest element over FWHM. Up to 1 neighbours merge into one peak.
BORDERS: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
#: Light for overlapped, dark for separated elements: even in lightness, so that it reads in grey.
COLOURS: Final = "cividis_r"
#: Atomic numbers of the noble gases, which end the periods.
PERIODS: Final = (2, 10, 18, 36, 54, 86, 118)
SYMBOL: Final = 8.0
NUMBER: Final = 5.2
_NEEDED: Final = ("number", "state", "visible", "energy", "nearest", "separation_fwhm")


def place_of(number: int) -> tuple[int, float]:
    """Return group (1 to 18) and row of an element; lanthanides and actinides stand below all, in rows 8.4 and 9.4.

    Examples
    --------
    >>> place_of(1), place_of(14), place_of(40), place_of(57), place_of(72)
    ((1, 1), (14, 3), (4, 5), (3, 8.4), (4, 6))
    """
    period = next(index for index, last in enumerate(PERIODS, start=1) if number <= last)
    first = 1 if period == 1 else PERIODS[period - 2] + 1
    position = number - first + 1
    length = PERIODS[period - 1] - first + 1
    if length == 32 and 3 <= position <= 17:
        return position, 8.4 if period == 6 else 9.4
    if position <= 2 and number != 2:
        return position, period
    return 18 - (length - position), period


def plot_periodic(
    table: xr.Dataset,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    width: str | float = "page",
    height: float = 11.5,
) -> Figure:
    """Draw which elements a geometry of ion scattering sees, as a periodic table.

    The colour of a cell is the distance to the nearest other element in units of the FWHM, dark where it is far; the
    numbers are the energy of the peak and, below, that distance with the neighbour's symbol. Cells without colour are
    elements that cannot be seen: hatched where the peak is too slow, crossed out where scattering is forbidden.

    Parameters
    ----------
    table
        As :func:`surfspec.leis.visibility` makes it: over ``element`` ``number``, ``state``, ``visible``, ``energy``,
        ``nearest`` and ``separation_fwhm``. Elements that it does not hold are left out.
    ax
        Axes to draw into.
    title
        By default ion, energy, angle and resolution; ``""`` for none.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure
        The table and its colour bar.

    Raises
    ------
    InputError
        For a table without these variables.

    Examples
    --------
    >>> import surfspec as ss
    >>> figure = ss.display.plot_periodic(ss.leis.visibility(["O", "Na", "Al", "Si", "P", "Zr"]))
    >>> figure.axes[1].get_ylabel()
    'Distance to the nearest element (FWHM)'
    """
    schema.check(table, "table")
    title, ax = heading(title), axes(ax)
    missing = [name for name in _NEEDED if name not in table]
    if missing:
        raise InputError(
            f"the table has no {', '.join(missing)}", where="table", remedy="Pass what leis.visibility() returned"
        )
    if ax is None:
        ax = style.figure(width, height).add_subplot()
    shades = ListedColormap(colormaps[COLOURS](np.linspace(0.0, 1.0, len(BORDERS))))
    norm = BoundaryNorm(BORDERS, shades.N, extend="max")
    # below the sixth period there is nothing but actinides in nature: the rows of these move up
    heavy = any(place_of(int(number))[1] == 7 for number in table["number"].values)
    for index, symbol in enumerate(table["element"].values.tolist()):
        column, row = place_of(int(table["number"][index]))
        _cell(ax, table.isel(element=index), symbol, (column, row - (row > 7 and not heavy)), shades, norm)
    _frame(ax, 7 if heavy else 6)
    figure = style.figure_of(ax)
    bar = figure.colorbar(ScalarMappable(norm, shades), ax=ax, ticks=list(BORDERS), shrink=0.75, pad=0.01, aspect=25)
    style.colour_bar(bar.ax)
    style.say(bar.ax.yaxis.label, "Distance to the nearest element (FWHM)")
    style.headline(ax, _subject(table) if title is None else title)
    return figure


def _cell(
    ax: Axes, element: xr.Dataset, symbol: str, place: tuple[int, float], shades: ListedColormap, norm: BoundaryNorm
) -> None:
    """Draw one element: its frame, symbol, energy and nearest neighbour."""
    column, row = place
    state, distance = str(element["state"].values), float(element["separation_fwhm"])
    seen = bool(element["visible"])
    face = shades(norm(distance if np.isfinite(distance) else np.inf)) if seen else (1.0, 1.0, 1.0, 1.0)
    ax.add_patch(
        Rectangle(
            (column - 0.5, row - 0.5), 1.0, 1.0, facecolor=face, edgecolor="white" if seen else style.GREY,
            linewidth=0.6, hatch="////" if state == "too slow" else "", alpha=None if seen else 0.35,
        )
    )  # fmt: skip
    if state == "forbidden":
        ax.plot([column - 0.4, column + 0.4], [row + 0.4, row - 0.4], color=style.GREY, linewidth=0.4, alpha=0.6)
    ink = _ink(face) if seen else style.GREY
    common: dict[str, Any] = {"transform": ax.transData, "ha": "center", "va": "center", "color": ink}
    style.note(ax, column, row - 0.2, symbol, size=SYMBOL, **common)
    energy = float(element["energy"])
    if np.isfinite(energy):
        style.note(ax, column, row + 0.14, f"{energy:.0f}", size=NUMBER, **common)
    if seen and str(element["nearest"].values):
        far = f"{distance:.1f}" if distance >= 1 else f"{distance:.2f}"
        style.note(ax, column, row + 0.37, f"{element['nearest'].values} {far}", size=NUMBER, **common)


def _ink(face: Sequence[float]) -> str:
    """Return black or white, whichever is read more easily on a colour (luminance by ITU-R BT.709)."""
    return style.INK if 0.2126 * face[0] + 0.7152 * face[1] + 0.0722 * face[2] > 0.5 else "#FFFFFF"


def _frame(ax: Axes, periods: int) -> None:
    """Write periods and groups, the key and nothing else."""
    ax.set(xlim=(0.0, 18.6), ylim=(periods + 2.98, 0.0), aspect="auto")
    for side in ax.spines.values():
        side.set_visible(False)
    ax.tick_params(which="both", length=0, left=False, bottom=False, labelleft=False, labelbottom=False)
    plain: dict[str, Any] = {
        "transform": ax.transData,
        "ha": "center",
        "va": "center",
        "size": NUMBER + 1,
        "color": style.GREY,
    }
    for group in range(1, 19):
        style.note(ax, group, 0.25, str(group), **plain)
    for period in range(1, periods + 1):
        style.note(ax, 0.25, period, str(period), **plain)
    key = (
        ("Energy (eV) and nearest element", "with its distance in FWHM", None),
        ("cannot be used: too slow", "", "////"),
        ("cannot be seen: forbidden", "", ""),
    )
    for line, (first, second, pattern) in enumerate(key):
        y = 1.0 + 0.62 * line + (0.2 if line else 0.0)
        text: dict[str, Any] = {"transform": ax.transData, "ha": "left", "va": "center", "size": NUMBER + 1.3}
        if pattern is None:
            style.note(ax, 3.6, y - 0.15, first, **text)
            style.note(ax, 3.6, y + 0.2, second, **text)
            continue
        ax.add_patch(
            Rectangle((3.6, y - 0.17), 0.5, 0.34, facecolor="white", edgecolor=style.GREY, linewidth=0.6, hatch=pattern,
                      alpha=0.35)
        )  # fmt: skip
        if not pattern:
            ax.plot([3.65, 4.05], [y + 0.13, y - 0.13], color=style.GREY, linewidth=0.4, alpha=0.6)
        style.note(ax, 4.3, y, first, **text)


def _subject(table: xr.Dataset) -> str:
    """Say which geometry the table is of."""
    about = table.attrs
    parts = [_ion_text(str(about["ion"]))] if "ion" in about else []
    if "ion_energy" in about:
        parts.append(f"{float(about['ion_energy']) / 1000:g} keV")
    if "scattering_angle" in about:
        parts.append(f"{float(about['scattering_angle']):g}{unit_text('deg')}")
    if "resolution" in about:
        parts.append(f"resolution {100 * float(about['resolution']):g} %")
    if about.get("simulated"):
        parts.append("simulated")
    return ", ".join(parts)


def _ion_text(name: str) -> str:
    """Write an ion with its mass number and charge raised: ``4He2+`` as ⁴He²⁺."""
    found = re.fullmatch(r"\s*(\d+)\s*-?\s*([A-Z][a-z]?)\s*(\d*)\+?\s*", name)
    if found is None:
        return name
    raised = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
    return f"{found[1].translate(raised)}{found[2]}{found[3].translate(raised)}⁺"
