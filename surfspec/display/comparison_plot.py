"""Two spectra over each other up to scale, shift and a smooth difference of level, and what is left between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.columns import brief
from surfspec.display.fit_panel import residual_frame
from surfspec.display.residuals import point_unc
from surfspec.display.text import number_text, unit_text
from surfspec.errors import InputError

Array = NDArray[np.float64]
#: Passes in which the scale enters its own weights; fewer points than this are no comparison.
PASSES: Final = 20
POINTS: Final = 5


@dataclass(frozen=True)
class Overlay:
    """The second spectrum on the points of the first, and the difference of the two."""

    x: Array
    first: Array
    second: Array
    unc: Array
    scale: float
    scale_unc: float
    chi2: float
    dof: int


def plot_comparison(
    first: xr.Dataset,
    second: xr.Dataset,
    *,
    scale: float | None = None,
    shift: float = 0.0,
    degree: int = 0,
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
        For series, different axes, less than five points in common, a scale that is not positive, or a degree outside
        -1 to 3.

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
    if not -1 <= degree <= 3 or isinstance(degree, bool) or int(degree) != degree:
        raise InputError(f"a polynomial of degree {degree}", where="degree", remedy="Use -1 (none), 0, 1, 2 or 3")
    if scale is not None and not 0 < scale < np.inf:
        raise InputError(f"a scale of {scale:g}", where="scale", remedy="Give a positive number, or leave it out")
    known = all(labels.statistics_of(one) != "unknown" for one in pair)
    laid = overlay(first, second, scale=scale, shift=float(shift), degree=degree)
    figure = style.figure(width, height)
    main, strip = figure.subplots(2, 1, sharex=True, height_ratios=[4.2, 1])
    said = names or (_name(first, "first"), _name(second, "second"))
    main.plot(laid.x, laid.first, linestyle="none", marker="o", markersize=2.2, markerfacecolor="white",
              markeredgecolor=style.INK, markeredgewidth=0.5, label=said[0], zorder=3)  # fmt: skip
    axis = schema.axis_of(first)
    main.plot(laid.x, laid.second, color=style.color(1), linewidth=1.1, zorder=4,
              label=said[1] + _how(laid, float(shift), unit_text(schema.AXES[axis][0])))  # fmt: skip
    main.set_xlim(laid.x[0], laid.x[-1])
    style.dress(main)
    style.spectral_axis(main, axis, label=False)
    unit = str(first["intensity"].attrs.get("units", "1"))
    style.intensity_axis(main, "Intensity", unit)
    style.legend(main, outside=True, ncols=1)
    _strip_of(strip, laid, axis, unit, known=known)
    heading = _heading(pair) if title is None else title
    if known and laid.dof > 0:
        told = f"χ²/dof = {number_text(laid.chi2 / laid.dof, 3)} ({laid.dof} dof)"
        heading = f"{heading}, {told}" if heading else told
    style.headline(main, heading)
    style.freeze(figure)
    return figure


def overlay(first: xr.Dataset, second: xr.Dataset, *, scale: float | None, shift: float, degree: int) -> Overlay:
    """Bring the second spectrum onto the points of the first, see :func:`plot_comparison`.

    Raises
    ------
    InputError
        For less than five points in common, or spectra without a common scale above zero.
    """
    axis = schema.axis_of(first)
    x, other = first[axis].values, second[axis].values + shift
    used = (x >= other[0]) & (x <= other[-1])
    x, y = x[used], first["intensity"].values[used]
    if x.size < max(POINTS, degree + 3):
        raise InputError(
            f"the spectra have {x.size} points in common",
            where="plot_comparison",
            remedy="Compare spectra of the same region, or mend the shift",
        )
    known = all(labels.statistics_of(one) != "unknown" for one in (first, second))
    at = np.clip(np.searchsorted(other, x, side="right") - 1, 0, other.size - 2)
    part = (x - other[at]) / (other[at + 1] - other[at])
    values = second["intensity"].values
    moved = (1 - part) * values[at] + part * values[at + 1]
    own = point_unc(first)[used] ** 2 if known else np.ones(x.size)
    wide = point_unc(second) ** 2 if known else np.zeros(values.size)
    spread = (1 - part) ** 2 * wide[at] + part**2 * wide[at + 1]
    powers = np.vander(2 * (x - x.mean()) / np.ptp(x), max(degree + 1, 0), increasing=True)
    factor, unc, level = _solved(y, moved, own, spread, powers, scale)
    variance = own + factor**2 * spread
    left = y - factor * moved - level
    chi2 = float(np.sum(left**2 / np.where(variance > 0, variance, np.nan))) if known else np.nan
    dof = x.size - powers.shape[1] - (1 if scale is None else 0)
    sigma = np.sqrt(variance) if known else np.ones(x.size)
    scatter = 1.0 if known else float(np.sqrt(np.sum(left**2) / max(dof, 1)))
    return Overlay(x, y, factor * moved + level, sigma, factor, unc * scatter, chi2, dof)


def _solved(
    y: Array, moved: Array, own: Array, spread: Array, powers: Array, scale: float | None
) -> tuple[float, float, Array]:
    """Return scale, its standard uncertainty (0 where given) and the polynomial on the points."""
    factor, unc = scale if scale is not None else 1.0, 0.0
    level = np.zeros(y.size)
    for _ in range(PASSES):
        variance = own + factor**2 * spread
        root = 1 / np.sqrt(np.where(variance > 0, variance, 1.0))
        columns = powers if scale is not None else np.column_stack([moved, powers])
        target = y - factor * moved if scale is not None else y
        if not columns.shape[1]:
            break
        found, *_ = np.linalg.lstsq(columns * root[:, None], target * root, rcond=None)
        if scale is not None:
            level = powers @ found
            break
        before, factor = factor, float(found[0])
        level = powers @ found[1:]
        inverse = np.linalg.pinv((columns * root[:, None]).T @ (columns * root[:, None]))
        unc = float(np.sqrt(max(inverse[0, 0], 0.0)))
        if abs(factor - before) <= 1e-10 * abs(factor):
            break
    if not factor > 0:
        raise InputError(
            f"the best scale is {factor:g}",
            where="plot_comparison",
            remedy="The spectra have no common shape; give a scale, or mend the shift",
        )
    return factor, unc, level


def _strip_of(ax: Axes, laid: Overlay, axis: str, unit: str, *, known: bool) -> None:
    left = (laid.first - laid.second) / laid.unc
    written = unit_text(unit)
    residual_frame(ax, laid.x, left, "Res. (σ)" if known else f"Res. ({written})" if written else "Res.", scaled=known)
    style.spectral_axis(ax, axis)


def _how(laid: Overlay, shift: float, unit: str) -> str:
    """Say what was done to the second spectrum."""
    number = brief(laid.scale, laid.scale_unc) if laid.scale_unc > 0 else number_text(laid.scale)
    text = f", × {number}"
    return text + (f", shifted by {number_text(shift)} {unit}" if shift else "")


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
