"""A film by several techniques: what each says of coverage and thickness, and the pull of every datum."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import style
from surfspec.display.checks import heading
from surfspec.display.text import number_text
from surfspec.errors import InputError

Array = NDArray[np.float64]

#: Names of the techniques in the table.
SERIES, EDGE, LINES, ALL = "LEIS dose series", "LEIS edge", "XPS", "joint"
#: Coverages of the curve of XPS.
_COVERAGES: Final = np.linspace(0.02, 1.0, 300)


def plot_joint(
    table: xr.Dataset, *, title: str | None = None, width: str | float = "page", height: float = 8.0
) -> Figure:
    r"""Draw what each technique says of a film, and how far every datum lies from the joint estimate.

    On the left coverage and thickness: XPS allows a curve, :math:`\theta(1 - e^{-t/L})` constant, the in-depth edge a
    thickness, the LEIS dose series both; the ellipse is the joint estimate. Bands, bars and ellipse are one standard
    uncertainty (the ellipse, of both together, 39 %). On the right the pulls.

    Parameters
    ----------
    table
        What :func:`surfspec.joint.film` returned.
    title
        By default the sample and whether the data are simulated; ``""`` for none.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm.

    Returns
    -------
    matplotlib.figure.Figure
        Axes: coverage and thickness, pulls.

    Raises
    ------
    InputError
        For another table.

    Examples
    --------
    >>> import surfspec as ss
    >>> seen = xr.Dataset(
    ...     {"coverage": ("dose", [0.88, 0.79, 0.66, 0.53], {"units": "1"}),
    ...      "coverage_unc": ("dose", [0.01] * 4, {"units": "1"})},
    ...     coords={"dose": ("dose", [1.6e15, 3.2e15, 4.8e15, 6.4e15], {"units": "ions/cm2"})},
    ...     attrs={"kind": "table", "technique": "LEIS"},
    ... )
    >>> len(ss.display.plot_joint(ss.joint.film(seen)).axes)
    2
    """
    schema.check(table, "table")
    title = heading(title)
    if "technique_thickness" not in table or "datum" not in table.dims:
        raise InputError(
            "this is no joint estimate of a film", where="table", remedy="Pass what surfspec.joint.film returned"
        )
    page = style.figure(width, height)
    plane, pulls = page.subplots(1, 2, width_ratios=(1.0, 1.0))
    _plane(plane, table)
    _pulls(pulls, table)
    simulated = str(table.attrs.get("simulated", "")).lower() == "true"
    if title is None:
        title = str(table.attrs.get("sample", "")) or "Film"
        title += " (simulated)" if simulated else ""
    if title:
        style.headline(plane, title)
    return page


def _plane(ax: Axes, table: xr.Dataset) -> None:
    style.dress(ax)
    tallest = [0.4]
    pair = _pair(table, "equivalent_thickness", LINES)
    length = float(table.attrs.get("length", np.nan))
    if pair is not None and np.isfinite(length):
        low, middle, high = (_curve(max(pair[0] + step * pair[1], 0.0), length) for step in (-1, 0, 1))
        color = style.color(0)
        ax.fill_between(
            _COVERAGES, low, np.where(np.isfinite(high), high, 99.0), color=style.tint(color, 0.25), lw=0, label="XPS"
        )
        ax.plot(_COVERAGES, middle, color=color, lw=style.LINE)
        tallest.append(2 * (pair[0] + pair[1]))
    pair = _pair(table, "thickness", EDGE)
    if pair is not None:
        color = style.color(2)
        ax.axhspan(pair[0] - pair[1], pair[0] + pair[1], facecolor="none", edgecolor=color, hatch="////", lw=0,
                   label="LEIS edge")  # fmt: skip
        ax.axhline(pair[0], color=color, lw=style.LINE, dashes=(4, 2))
        tallest.append(1.6 * (pair[0] + pair[1]))
    cover, thick = _pair(table, "coverage", SERIES), _pair(table, "thickness", SERIES)
    if cover is not None and thick is not None:
        ax.errorbar(cover[0], thick[0], xerr=cover[1], yerr=thick[1], color=style.color(1), marker=style.marker(1),
                    ms=5, lw=style.LINE, capsize=2, ls="none", label="LEIS dose series")  # fmt: skip
        tallest.append(1.4 * (thick[0] + thick[1]))
    elif cover is not None:
        ax.axvspan(max(cover[0] - cover[1], 0.0), cover[0] + cover[1], facecolor="none", edgecolor=style.color(1),
                   hatch="\\\\\\\\", lw=0, label="LEIS dose series")  # fmt: skip
    cover, thick = _pair(table, "coverage", ALL), _pair(table, "thickness", ALL)
    if cover is not None and thick is not None:
        covariance = table["covariance"].values[:2, :2]
        eigen, vectors = np.linalg.eigh(covariance)
        ax.add_patch(
            Ellipse(
                (cover[0], thick[0]), *(2 * np.sqrt(np.clip(eigen, 0, None))),
                angle=float(np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))),
                facecolor="none", edgecolor=style.INK, lw=1.6, zorder=5,
            )
        )  # fmt: skip
        ax.plot(cover[0], thick[0], "D", color=style.INK, ms=4, zorder=5, label="together")
        tallest.append(1.6 * (thick[0] + thick[1]))
    ax.set_xlim(0.0, 1.04)
    ax.set_ylim(0.0, max(tallest))
    style.quantity_axis(ax.xaxis, "Coverage before any dose", "1")
    style.quantity_axis(ax.yaxis, "Thickness where there is film", "nm")
    ax.legend(loc="best", fontsize=style.SMALL, frameon=False)


def _curve(thickness: float, length: float) -> Array:
    """Return the thickness that attenuates like a closed film, at each coverage; NaN where none does."""
    share = -np.expm1(-thickness / length) / _COVERAGES
    return np.where(share < 1, -length * np.log1p(-np.minimum(share, 0.999999)), np.nan)


def _pulls(ax: Axes, table: xr.Dataset) -> None:
    style.dress(ax)
    names = [str(name) for name in table["datum"].values]
    places = np.arange(len(names))[::-1]
    values = table["pull"].values
    ax.axvspan(-1, 1, color=style.PALE, lw=0)
    ax.axvline(0, color=style.GREY, lw=style.THIN)
    for kind, number in (("LEIS", 1), ("XPS", 0)):
        here = np.array([name.startswith(kind) for name in names])
        if np.any(here):
            ax.plot(values[here], places[here], style.marker(number), color=style.color(number), ms=5, ls="none")
    widest = max(3.2, 1.1 * float(np.nanmax(np.abs(values))))
    ax.set_xlim(-widest, widest)
    ax.set_ylim(-0.7, len(names) - 0.3)
    ax.set_yticks(places, [_told(name) for name in names])
    ax.tick_params(axis="y", which="both", labelsize=style.SMALL, length=0)
    style.quantity_axis(ax.xaxis, "Pull: (measured − model) / uncertainty", "1")


def _pair(table: xr.Dataset, quantity: str, technique: str) -> tuple[float, float] | None:
    if technique not in table["technique"].values:
        return None
    one = table.sel(technique=technique)
    value, unc = float(one[f"technique_{quantity}"]), float(one[f"technique_{quantity}_unc"])
    return (value, unc) if np.isfinite(value) and np.isfinite(unc) else None


def _told(name: str) -> str:
    """Write the dose in the name of a datum as on an axis."""
    return re.sub(r"([\d.e+]+) ions/cm2", lambda found: f"{number_text(float(found[1]), 3)} cm⁻²", name)
