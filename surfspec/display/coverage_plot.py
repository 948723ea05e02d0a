"""Coverage of a film against ion dose: what each spectrum saw of its own dose interval, the removal, and its budget."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincc, gammaln

from surfspec import schema
from surfspec.display import labels, style
from surfspec.display.checks import axes, by_name, heading
from surfspec.display.doubts import doubts_of
from surfspec.display.text import value_text
from surfspec.errors import InputError

Array = NDArray[np.float64]

#: Data that span more of the range from 0 to 1 are drawn with all of it; margin of others at least.
HALF: Final = 0.5
LEAST_MARGIN: Final = 0.005
#: What a table must hold.
NEEDED: Final = ("coverage", "zero_dose_coverage", "removal_cross_section", "monolayers")


def plot_coverage(
    tables: xr.Dataset | Mapping[str, xr.Dataset],
    *,
    budget: bool = True,
    band: bool = True,
    ax: Axes | None = None,
    title: str | None = None,
    width: str | float = "column",
    height: float = 8.0,
) -> Figure:
    r"""Draw coverage against dose with the removal that was fitted to it.

    A spectrum is an average over its own dose interval: a thin horizontal line spans that, the point stands at its
    middle. The curve is the coverage at a dose, :math:`\theta(D) = \theta_0\,Q(n_0, \sigma D)`, for the number of
    layers that fits best. The band is one standard uncertainty of the coverage whichever the number of layers, about
    the mean over all of them (``curve`` of the table), cut at 0 and 1. For a table without it, it is that of the best
    number alone, by :math:`(J^T C^{-1} J)^{-1}` of :math:`\theta_0` and :math:`\sigma` from the covariance `C` of the
    coverages. The open marker is the coverage at zero dose with its standard uncertainty.

    Parameters
    ----------
    tables
        Table of :func:`surfspec.leis.coverage` over ``dose``, or such tables by the name of the sample.
    budget
        Write above the frame how much the dose can have removed at the highest yield assumed.
    band
        Draw the band.
    ax
        Axes to draw into; then there is no scale of the budget.
    title
        By default the sample, or what is simulated; ``""`` for none. A verdict that is not ok is always shown.
    width, height
        ``"column"``, ``"page"``, ``"single"``, ``"double"`` or cm; cm. Not used with `ax`.

    Returns
    -------
    matplotlib.figure.Figure
        Axes: the coverage, the scale of the budget.

    Raises
    ------
    InputError
        For a table without coverage over a dose alone, or no table.

    References
    ----------
    Q is the regularised upper incomplete gamma function: Poisson statistics of removed layers.

    Examples
    --------
    >>> import surfspec as ss, xarray as xr
    >>> numbers = {"coverage": [0.9, 0.6], "coverage_unc": [0.02, 0.03]}
    >>> table = xr.Dataset(
    ...     {name: ("dose", values, {"units": "1"}) for name, values in numbers.items()},
    ...     coords={"dose": ("dose", [1.6e15, 3.2e15], {"units": "ions/cm2"})},
    ...     attrs={"kind": "table", "technique": "LEIS"},
    ... ).assign(zero_dose_coverage=1.0, removal_cross_section=2.5e-16, monolayers=2)
    >>> for name, units in (("zero_dose_coverage", "1"), ("removal_cross_section", "cm2")):
    ...     table[name].attrs["units"] = units
    >>> ss.display.plot_coverage(table).axes[0].get_ylabel()
    'Coverage'
    """
    named = by_name(tables, "tables", "leis.coverage")
    title, ax = heading(title), axes(ax)
    for name, table in named.items():
        _check(name, table)
    own = ax is None
    if ax is None:
        ax = style.figure(width, height).add_subplot()
    for index, (name, table) in enumerate(named.items()):
        _sample(ax, table, name, index, band=band)
    style.dress(ax)
    first = next(iter(named.values()))
    ax.set_xlim(-0.03 * _last(named), 1.05 * _last(named))
    ax.set_ylim(*_vertical(named))
    style.quantity_axis(ax.xaxis, labels.long_name(first["dose"]), "ions/cm2")
    style.quantity_axis(ax.yaxis, "Coverage", "1")
    if budget and own:
        _budget(ax, first)
    if len(named) > 1 and own:
        style.legend(ax, outside=True, ncols=1)
    else:
        style.legend(ax, loc="lower left")
    _headline(ax, named, title)
    return style.figure_of(ax)


def _check(name: str, table: xr.Dataset) -> None:
    schema.check(table, "table")
    missing = [one for one in NEEDED if one not in table]
    if missing or table["coverage"].dims != ("dose",):
        what = f"lacks {', '.join(missing)}" if missing else f"is over {', '.join(map(str, table['coverage'].dims))}"
        raise InputError(
            f"the table {name!r} {what}",
            where="tables",
            remedy="Pass what leis.coverage returned for a dose series; select one sample with .isel() or .sel()",
        )


def _vertical(named: Mapping[str, xr.Dataset]) -> tuple[float, float]:
    """Return the limits: 0 to 1 where the data span more than half of that, else about the data."""
    ends = []
    for table in named.values():
        for name, unc in (("coverage", "coverage_unc"), ("zero_dose_coverage", "zero_dose_coverage_unc")):
            value = np.ravel(table[name].values).astype(np.float64)
            half = np.nan_to_num(np.ravel(table[unc].values)) if unc in table else np.zeros_like(value)
            ends += [value - half, value + half]
        if "dose_model" in table:
            ends.append(np.ravel(table["dose_model"].values))
    every = np.concatenate(ends)
    every = every[np.isfinite(every)]
    low, high = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
    if high - low > HALF:
        return (0.0 if low > 0.05 else min(low, 0.0) - 0.06), max(1.08, high + 0.04)
    margin = max(0.12 * (high - low), LEAST_MARGIN)
    bottom = low - 3 * margin  # the legend stands there
    return (0.0 if low >= 0 and bottom < 0 else bottom), high + margin


def _last(named: Mapping[str, xr.Dataset]) -> float:
    return max(float(table["dose"].values.max()) for table in named.values())


def _sample(ax: Axes, table: xr.Dataset, name: str, index: int, *, band: bool) -> None:
    """Draw points with their dose intervals, the curve with its band, and the coverage at zero dose.

    A sample that has a name has one entry in the legend.
    """
    shade = style.color(index)
    end = np.asarray(table["dose"].values, dtype=np.float64)
    start = np.concatenate([[float(table.attrs.get("start_dose", 0.0))], end[:-1]])
    y = table["coverage"].values
    unc = table["coverage_unc"].values if "coverage_unc" in table else np.full(y.shape, np.nan)
    theta, sigma, layers = (float(table[one]) for one in NEEDED[1:])
    removed = bool(np.isfinite(theta) and np.isfinite(sigma) and layers >= 1)
    ax.hlines(y, start, end, color=shade, linewidth=0.6, zorder=3)
    ax.errorbar(
        0.5 * (start + end), y, yerr=unc, linestyle="none", marker=style.marker(index), markersize=4.0, color=shade,
        capsize=1.8, elinewidth=0.8, zorder=4,
        label=f"{name}: {_words(table)}" if name and removed else name or "Measured",
    )  # fmt: skip
    if "dose_model" in table:
        ax.hlines(table["dose_model"].values, start, end, color=style.INK, linewidth=1.0, linestyle=":", zorder=3,
                  label="Model, mean of each interval" if index == 0 else "")  # fmt: skip
    if not removed:
        return
    dose = np.linspace(0.0, end[-1], 200)
    curve, by_theta, by_sigma = _removal(dose, theta, sigma, int(layers))
    ax.plot(dose, curve, color=shade, linewidth=1.0, linestyle=style.dash(index), zorder=2,
            label=None if name else _words(table))  # fmt: skip
    if band:
        _band(ax, table, (dose, curve, _half_width(table, start, end, (theta, sigma, int(layers)), by_theta, by_sigma)),
              shade)  # fmt: skip
    zero = _unc(table, "zero_dose_coverage")
    ax.errorbar([0.0], [theta], yerr=[zero] if np.isfinite(zero) else None, marker=style.marker(index), color=shade,
                markersize=5.0, markerfacecolor="white", capsize=2.2, elinewidth=0.8, zorder=5)  # fmt: skip


def _band(ax: Axes, table: xr.Dataset, of_best: tuple[Array, Array, Array | None], shade: str) -> None:
    """Fill the band of all numbers of layers, or of the best one (dose, curve, half width) where there is no other."""
    if "curve_unc" in table:
        dose, curve, half = (np.asarray(table[one].values) for one in ("curve_dose", "curve", "curve_unc"))
        low, high = np.clip(curve - half, 0.0, 1.0), np.clip(curve + half, 0.0, 1.0)
    elif of_best[2] is not None:
        dose, curve = of_best[:2]
        low, high = curve - of_best[2], np.minimum(curve + of_best[2], np.maximum(1.0, curve))
    else:
        return
    ax.fill_between(dose, low, high, facecolor=style.tint(shade, 0.25), linewidth=0, zorder=1)


def _half_width(
    table: xr.Dataset, start: Array, end: Array, best: tuple[float, float, int], by_theta: Array, by_sigma: Array
) -> Array | None:
    """Return one standard uncertainty of the curve, if the coverages determine one."""
    if "coverage_covariance" in table:
        covariance = np.asarray(table["coverage_covariance"].values, dtype=np.float64)
    elif "coverage_unc" in table:
        covariance = np.diag(np.asarray(table["coverage_unc"].values, dtype=np.float64) ** 2)
    else:
        return None
    nodes, weights = np.polynomial.legendre.leggauss(12)
    inside = 0.5 * (end - start)[:, None] * nodes + 0.5 * (end + start)[:, None]
    jacobian = np.stack([0.5 * slope @ weights for slope in _removal(inside, *best)[1:]], axis=1)
    jacobian[:, 1] *= best[1]  # by the logarithm of the cross-section: numbers of one size
    if not np.all(np.isfinite(covariance)):
        return None
    try:
        matrix = np.linalg.inv(jacobian.T @ np.linalg.solve(covariance, jacobian))
    except np.linalg.LinAlgError:
        return None
    both = np.stack([by_theta, by_sigma * best[1]], axis=1)
    return np.asarray(np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", both, matrix, both), 0.0)))


def _removal(dose: Array, theta: float, sigma: float, layers: int) -> tuple[Array, Array, Array]:
    r"""Return :math:`\theta_0 Q(n_0, \sigma D)` and its derivatives by :math:`\theta_0` and :math:`\sigma`."""
    x = sigma * dose
    left = np.asarray(gammaincc(layers, x))
    density = np.where(x > 0, np.exp((layers - 1) * np.log(np.maximum(x, 1e-300)) - x - gammaln(layers)), layers == 1)
    return theta * left, left, -theta * dose * density


def _unc(table: xr.Dataset, name: str) -> float:
    return float(table[f"{name}_unc"]) if f"{name}_unc" in table else float("nan")


def _words(table: xr.Dataset) -> str:
    """Say in a legend what was fitted: cross-section and number of monolayers."""
    sigma, unc, layers = (
        float(table["removal_cross_section"]),
        _unc(table, "removal_cross_section"),
        int(table["monolayers"]),
    )
    known = np.isfinite(unc) and unc > 0
    return f"σ = {value_text(sigma, unc, 'cm2') if known else f'{sigma / 1e-16:.2f}×10⁻¹⁶ cm²'}, {layers} ML"


def _budget(ax: Axes, table: xr.Dataset) -> None:
    """Write a second scale: thickness that a dose can have removed at the highest yield assumed."""
    if "sputter_budget" not in table or "bound" not in table["sputter_budget"].dims:
        return
    most = np.asarray(table["sputter_budget"].sel(bound="high").values, dtype=np.float64)
    spent = np.asarray(table["dose"].values, dtype=np.float64) - float(table.attrs.get("start_dose", 0.0))
    slope = float(most[-1] / spent[-1])
    start = float(table.attrs.get("start_dose", 0.0))
    if not slope > 0:
        return

    def removed(dose: ArrayLike) -> ArrayLike:
        return (np.asarray(dose, dtype=np.float64) - start) * slope

    def spent_for(thickness: ArrayLike) -> ArrayLike:
        return np.asarray(thickness, dtype=np.float64) / slope + start

    upper = ax.secondary_xaxis("top", functions=(removed, spent_for))
    ax.tick_params(axis="x", which="both", top=False)
    upper.tick_params(which="both", direction="in", length=3.0, width=style.THIN, labelsize=style.SMALL, pad=2)
    upper.tick_params(labelfontfamily=style.FONT)
    style.plain_ticks(upper.xaxis, 6)
    given = table.attrs.get("sputter_yield_high")
    words = f"Removed at most, at {given:g} atoms/ion" if given is not None else "Removed at most"
    style.say(upper.xaxis.label, style.axis_text(words, "nm"))


def _headline(ax: Axes, named: Mapping[str, xr.Dataset], title: str | None) -> None:
    if len(named) == 1:
        table = next(iter(named.values()))
        style.verdict_headline(ax, labels.subject(table) if title is None else title, *labels.verdict_of(table))
        return
    text = labels.simulated_among({name: [table] for name, table in named.items()}) if title is None else title
    verdict, doubts = doubts_of({name: labels.verdict_of(table) for name, table in named.items()})
    style.verdict_headline(ax, text, verdict, doubts)
