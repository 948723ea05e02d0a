"""Two spectra over each other up to scale, shift and a smooth difference of level, and what is left between them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import number, shortened, two_names
from surfspec.display.columns import brief
from surfspec.display.fit_panel import residual_frame
from surfspec.display.laid_over import Overlay, overlay
from surfspec.display.text import number_text, unit_text
from surfspec.errors import InputError

#: Letters of a name that are kept.
NAME: Final = 32
#: Letters of a title in an inch.
LETTERS: Final = 15


def plot_comparison(
    first: xr.Dataset,
    second: xr.Dataset,
    *,
    scale: float | None = None,
    shift: float = 0.0,
    degree: int = 0,
    table: xr.Dataset | None = None,
    names: tuple[str, str] | None = None,
    title: str | None = None,
    width: str | float = "single",
    height: float = 7.6,
) -> Figure:
    r"""Lay one spectrum over another and draw below what is left.

    With the second spectrum moved by a given shift :math:`d`, the difference is

    .. math:: r_i = \frac{y_{1,i} - a\,y_2(E_i - d) - P(E_i)}{\sqrt{u_{1,i}^2 + a^2 u_2^2(E_i - d)}}

    where scale :math:`a` and polynomial :math:`P` are found by weighted least squares, :math:`a` in the weights by
    iteration. Between its points the second spectrum is interpolated linearly, and so is its variance propagated.
    Where the statistics of one are unknown the difference itself is drawn. Neighbouring residuals are correlated where
    the points do not coincide: chi-square here is a guide; the shift is not fitted.

    Parameters
    ----------
    first, second
        Kinds ``spectrum`` or ``fit``, single, on the same kind of axis.
    scale
        What the second is multiplied by; by default the least-squares scale.
    shift
        What is added to the axis of the second, in its unit.
    degree
        Degree of the polynomial; -1 for none.
    table
        What :func:`surfspec.xps.compare` returned for the same two in the same order; in place of `scale` and `shift`,
        which become 1/s and -d of :math:`y_2(E) = s\,y_1(E - d)`. Its degree is that of the polynomial, to which a
        Shirley step is added as there; its conclusion and both p-values stand in the title.
    names
        Names of the two; by default their samples.
    title
        By default the region; ``""`` for none.
    width, height
        ``"single"``, ``"double"``, ``"column"``, ``"page"`` or cm; cm.

    Returns
    -------
    matplotlib.figure.Figure
        Two axes: the overlay and the residuals.

    Raises
    ------
    InputError
        For series, different axes, less than five points in common, a scale that is not positive, a degree outside -1
        to 3, a table of something else, or one given beside a scale or a shift.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(278.0, 292.0, 0.1)
    >>> y = np.round(500 + 4000 * np.exp(-((e - 285) ** 2)))
    >>> one = ss.spectrum(e, y, technique="XPS", sample="A", region="C 1s")
    >>> two = ss.spectrum(e + 0.3, np.round(y / 2), technique="XPS", sample="B", region="C 1s")
    >>> figure = ss.display.plot_comparison(one, two, shift=-0.3)
    >>> [text.get_text() for text in figure.legends[0].get_texts()]
    ['A', 'B, × 2.000(15), shifted by −0.3 eV']
    """
    pair = (_checked(first, "first"), _checked(second, "second"))
    if schema.axis_of(first) != schema.axis_of(second):
        raise InputError(
            f"the axes are {schema.axis_of(first)} and {schema.axis_of(second)}",
            where="plot_comparison",
            remedy="Bring both spectra to the same axis first",
        )
    way = _way(scale, shift, degree) if table is None else _way_of(table, scale, shift)
    said = two_names(names or (_name(first, "first"), _name(second, "second")))
    known = all(labels.statistics_of(one) != "unknown" for one in pair)
    laid = overlay(first, second, scale=way.scale, shift=way.shift, degree=way.degree, step=way.step)
    figure = style.figure(width, height)
    main, strip = figure.subplots(2, 1, sharex=True, height_ratios=[4.2, 1])
    main.plot(laid.x, laid.first, linestyle="none", marker="o", markersize=2.2, markerfacecolor="white",
              markeredgecolor=style.INK, markeredgewidth=0.5, label=shortened(said[0], NAME), zorder=3)  # fmt: skip
    axis = schema.axis_of(first)
    main.plot(laid.x, laid.second, color=style.color(1), linewidth=1.1, zorder=4,
              label=shortened(said[1], NAME) + _how(laid, way, unit_text(schema.AXES[axis][0])))  # fmt: skip
    main.set_xlim(laid.x[0], laid.x[-1])
    style.dress(main)
    style.spectral_axis(main, axis, label=False)
    unit = str(first["intensity"].attrs.get("units", "1"))
    style.intensity_axis(main, "Intensity", unit)
    style.legend(main, outside=True, ncols=1)
    _strip_of(strip, laid, axis, unit, known=known)
    heading = _heading(pair) if title is None else title
    if table is not None:
        heading = f"{heading}: {way.told}" if heading else way.told
    elif known and laid.dof > 0:
        told = f"χ²/dof = {number_text(laid.chi2 / laid.dof, 3)} ({laid.dof} dof)"
        heading = f"{heading}, {told}" if heading else told
    letters = int(main.get_position().width * figure.get_figwidth() * LETTERS)
    style.headline(main, textwrap.fill(heading, max(letters, 16), break_on_hyphens=False))
    style.freeze(figure)
    return figure


@dataclass(frozen=True)
class _Way:
    """How the second spectrum is laid over the first, and what a comparison concluded."""

    scale: float | None
    scale_unc: float
    shift: float
    shift_unc: float
    degree: int
    step: bool = False
    told: str = ""


def _way(scale: object, shift: object, degree: object) -> _Way:
    """Check what the caller gave."""
    power = number(degree, -1, 3, "degree", remedy="Use -1 (none), 0, 1, 2 or 3")
    if int(power) != power:
        raise InputError(f"a polynomial of degree {power:g}", where="degree", remedy="Use -1 (none), 0, 1, 2 or 3")
    factor = scale
    if scale is not None:
        remedy = "Give a positive number, or leave it out"
        factor = number(scale, float(np.finfo(np.float64).tiny), 1e300, "scale", remedy=remedy)
    moved = number(shift, -1e6, 1e6, "shift", remedy="Give a number in the unit of the axis")
    return _Way(None if factor is None else float(factor), 0.0, moved, 0.0, int(power))  # type: ignore[arg-type]


def _way_of(table: xr.Dataset, scale: float | None, shift: float) -> _Way:
    """Take scale, shift, polynomial and conclusion from the table of a comparison."""
    if schema.kind_of(table) != "table" or any(name not in table for name in ("scale", "shift", "scale_unc")):
        raise InputError(
            "the table is none of a comparison", where="table", remedy="Pass what xps.compare(first, second) returned"
        )
    if scale is not None or shift != 0.0:
        raise InputError(
            "a scale or a shift is given beside the table", where="table", remedy="Pass the table alone, or the numbers"
        )
    values = {name: float(table[name].values) for name in ("scale", "shift", "scale_unc", "shift_unc")}
    factor = values["scale"]
    if not (factor > 0 and np.isfinite(values["shift"])):
        raise InputError(
            f"the comparison found the scale {factor:g} and the shift {values['shift']:g}",
            where="table",
            remedy="The spectra have nothing in common; give a scale and a shift to lay them over each other",
        )
    told = str(table.attrs.get("conclusion", ""))
    chances = [
        f"p = {float(table[name].values):.2g} ({of})"
        for name, of in (("p_value", "chi-square"), ("largest_p_value", "largest deviation"))
        if name in table
    ]
    degree, step = int(table.attrs.get("degree", 0)), bool(table.attrs.get("step", True))
    text = ", ".join(part for part in (told, *chances) if part)
    unc = values["scale_unc"] / factor**2
    return _Way(1 / factor, unc, -values["shift"], values["shift_unc"], degree, step, text)


def _strip_of(ax: Axes, laid: Overlay, axis: str, unit: str, *, known: bool) -> None:
    left = (laid.first - laid.second) / laid.unc
    written = unit_text(unit)
    residual_frame(ax, laid.x, left, "Res. (σ)" if known else f"Res. ({written})" if written else "Res.", scaled=known)
    style.spectral_axis(ax, axis)


def _how(laid: Overlay, way: _Way, unit: str) -> str:
    """Say what was done to the second spectrum."""
    unc = laid.scale_unc or way.scale_unc
    text = f", × {brief(laid.scale, unc) if unc > 0 else number_text(laid.scale)}"
    moved = brief(way.shift, way.shift_unc) if way.shift_unc > 0 else number_text(way.shift)
    return text + (f", shifted by {moved} {unit}" if way.shift else "")


def _name(one: xr.Dataset, otherwise: str) -> str:
    name = str(one.attrs.get("sample", "")) or otherwise
    return f"{name} (simulated)" if labels.is_simulated(one) else name


def _heading(pair: tuple[xr.Dataset, xr.Dataset]) -> str:
    regions = dict.fromkeys(str(one.attrs.get("region", "")) for one in pair)
    return " and ".join(region for region in regions if region)


def _checked(one: xr.Dataset, which: str) -> xr.Dataset:
    kind = schema.kind_of(one)
    if kind not in {"spectrum", "fit"} or labels.member_dims(one):
        raise InputError(
            f"the {which} is a {kind}{' series' if kind in {'spectrum', 'fit'} else ''}",
            where="plot_comparison",
            remedy="Pass single spectra or fits; select a member of a series with .isel()",
        )
    return one
