"""Amounts of a fixed set of phases in many patterns: a map, a heating run, a titration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import given, schema
from surfspec.errors import InputError
from surfspec.fitting.series import check_progress
from surfspec.xrd.amounts import weights
from surfspec.xrd.lines.background import spline_basis
from surfspec.xrd.lines.noise import counting_variance
from surfspec.xrd.matching import measured, model
from surfspec.xrd.patterns import profile
from surfspec.xrd.patterns.wavelengths import Radiation, radiation
from surfspec.xrd.recipe import Limits
from surfspec.xrd.series.batch import SEEN, Fitted, fit_one
from surfspec.xrd.structures.chosen import several_phases
from surfspec.xrd.structures.phase import Phase

Array = NDArray[np.float64]

#: Points per line width of the grid on which patterns are fitted, and knots of the background, deg.
POINTS: Final = 5.0
KNOTS: Final = 6.0
#: Relative model error of a line: areas differ by texture and structure, in all patterns alike.
MODEL_ERROR: Final = 0.03
#: Chi-square per point above which the phases named do not explain the pattern.
REJECTED: Final = 3.0
#: Largest strain of one pattern against the sum of all.
LARGEST_STRAIN: Final = 0.01
#: Widening of lines by different cells, over their width, from which single patterns tell the width.
BLUR: Final = 0.2
#: What the uncertainties are for.
NOTE: Final = "uncertainties are for comparison along the series; quantify() adds what all its patterns share"
FWHM: Final = float(np.sqrt(8.0 * np.log(2.0)))


@dataclass(frozen=True)
class _Drawn:
    """Lines of one phase in the cell of the sum of all patterns: places at strain zero, areas, widths (deg)."""

    q: Array
    waves: Array
    areas: Array
    width: Array


def fractions(
    series: xr.Dataset,
    phases: Iterable[str | Phase],
    *,
    wavelength: str | float | Radiation | None = None,
    monochromator: float = 0.0,
    progress: Callable[[int, int], object] | None = None,
) -> xr.Dataset:
    r"""Fit the same phases to every pattern of a series.

    Cells, line widths and shifts are refined once, on the sum of all patterns; where cells change so much that lines
    blur in the sum, widths are those of the pattern that shows most of the phase. Each pattern then has a scale, not
    negative, and a strain of each phase against that cell, and a background of its own. No pattern sees its
    neighbours: their order changes no answer. Which phases are there is not asked; see :func:`surfspec.xrd.match`.

    Parameters
    ----------
    series
        Patterns over ``two_theta`` (deg) and any leading dimensions: temperature, time, x and y of a wafer.
    phases
        Ids, names or `Phase` objects.
    wavelength, monochromator
        As for :func:`surfspec.xrd.match`.
    progress
        Called with the number of patterns done and their total.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over the dimensions of the series and ``phase``: ``scale`` with ``scale_covariance``,
        ``weight_fraction`` with ``_unc`` (counting and line areas of this pattern alone: it is for comparison along the
        series; :func:`surfspec.xrd.quantify` of this table adds what all patterns have in common),
        at fraction 0 that of a scale at its bound;
        ``detection_limit`` (three sigma, weight fraction), ``strain`` with ``_unc`` of the cell lengths against the sum
        of all patterns, ``density``, ``absorption``; ``reduced_chi2`` and ``reasons`` over the series.

    Raises
    ------
    InputError
        For a single pattern, no phases, no wavelength, or when no phase has lines in the range.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x = np.arange(20.0, 60.0, 0.03)
    >>> a, b = (ss.xrd.pattern(ss.xrd.phases([n])[0], wavelength="CuKa", two_theta=x, scale=1.0).intensity.values
    ...         for n in ("corundum", "halite"))
    >>> made = 100 + 4e5 * np.stack([k * a + (1 - k) * b for k in (0.2, 0.5, 0.8)])
    >>> series = ss.spectrum(x, np.random.default_rng(1).poisson(made), technique="XRD", dims=("time",))
    >>> found = ss.xrd.fractions(series, ["corundum", "halite"], wavelength="CuKa")
    >>> found.weight_fraction.sel(phase="corundum").round(1).values.tolist()
    [0.3, 0.7, 0.9]
    """
    schema.check(series, "spectrum")
    check_progress(progress)
    dims = schema.series_dims(series)
    if schema.axis_of(series) != "two_theta" or not dims:
        raise InputError(
            f"fractions are for series of patterns, this is {dict(series.sizes)}",
            where="series",
            remedy="Use match() or refine() for one pattern, or stack patterns with surfspec.stack()",
        )
    given.number(monochromator, "monochromator", low=0.0, high=179.9)
    chosen = several_phases(phases, "phases")
    light = radiation(wavelength or series.attrs.get("wavelength_name") or series.attrs.get("wavelength"))
    x, y, unc = _stacked(series)
    statistics = str(series.attrs["statistics"])
    state, data = _shared(x, y, unc, statistics, light, chosen, monochromator)
    pairs = [(own, counting_variance(own, statistics, spread)[0]) for own, spread in zip(y, unc, strict=True)]
    fitted = _fit_all(x, pairs, state, data.resolution, progress)
    blurred = _blurred(state, fitted)
    if np.any(blurred):
        state = _sharpened(x, y, unc, statistics, light, state, fitted, blurred)
        fitted = _fit_all(x, pairs, state, data.resolution)
    return _table(series, dims, state, chosen, fitted, light)


def _fit_all(
    x: Array,
    pairs: Sequence[tuple[Array, Array]],
    state: model.State,
    width: float,
    progress: Callable[[int, int], object] | None = None,
) -> list[Fitted]:
    """Fit intensities with their counting variances, one after the other."""
    grid, count = _grid(x, width)
    common = state.common
    lines = [_lines_of(one, common, grid) for one in state.members]
    basis = spline_basis(grid, KNOTS)

    def draw(strain: Array) -> tuple[Array, Array]:
        drawn = [_column(one, common, grid, float(part)) for one, part in zip(lines, strain, strict=True)]
        return np.stack([part[0] for part in drawn], axis=1), np.stack([part[1] for part in drawn], axis=1)

    start = draw(np.zeros(len(lines)))
    points = width / float(grid[1] - grid[0])
    fitted: list[Fitted] = []
    for own, counting in pairs:
        value, variance = _binned(own, count), _binned(counting, count) / count
        fitted.append(
            fit_one(value, variance, draw, start, basis, model_error=MODEL_ERROR, points=points, largest=LARGEST_STRAIN)
        )
        if progress is not None:
            progress(len(fitted), len(pairs))
    return fitted


def _blurred(state: model.State, fitted: Sequence[Fitted]) -> NDArray[np.bool_]:
    """Tell which phases have cells so different along the series that their lines are wider in the sum."""
    scale = np.stack([one.scale for one in fitted])
    strain = np.stack([one.strain for one in fitted])
    scale = np.where(np.isnan(strain), 0.0, scale)
    total = np.maximum(scale.sum(axis=0), 1e-300)
    mean = np.nansum(scale * strain, axis=0) / total
    spread = np.sqrt(np.nansum(scale * (strain - mean) ** 2, axis=0) / total)
    # at 2 theta = 45 deg, the middle of most patterns
    theta = np.radians(22.5)
    width = np.array([one.size / np.cos(theta) + one.strain * np.tan(theta) for one in state.members])
    return np.asarray(np.degrees(2.0 * FWHM * spread * np.tan(theta)) > BLUR * width)


def _sharpened(
    x: Array,
    y: Array,
    unc: Sequence[Array | None],
    statistics: str,
    light: Radiation,
    state: model.State,
    fitted: Sequence[Fitted],
    blurred: NDArray[np.bool_],
) -> model.State:
    """Take the widths of blurred phases from the pattern that shows most of them, refined alone."""
    scale = np.stack([one.scale for one in fitted])
    members, shapes = list(state.members), []
    for place in np.unique([int(np.argmax(scale[:, number])) for number in np.flatnonzero(blurred)]):
        spread = unc[place]
        data = measured.prepare(x, y[place], statistics, None if spread is None else spread**2, light, None)
        limits = Limits()
        there = np.flatnonzero(scale[place] > SEEN * fitted[place].least)
        first = model.solve([state.members[number] for number in there], state.common, data, limits)
        own = model.refine(first, data, limits, iterations=10)
        shapes.append(own.common.eta)
        for number, one in zip(there, own.members, strict=True):
            if blurred[number] and int(np.argmax(scale[:, number])) == place:
                members[number] = replace(members[number], size=one.size, strain=one.strain)
    common = replace(state.common, eta=float(np.mean(shapes)))
    return replace(state, members=tuple(members), common=common)


def _stacked(series: xr.Dataset) -> tuple[Array, Array, Sequence[Array | None]]:
    x = series["two_theta"].values.astype(np.float64)
    y = series["intensity"].values.reshape(-1, len(x)).astype(np.float64)
    if "intensity_unc" not in series:
        return x, y, [None] * len(y)
    return x, y, list(series["intensity_unc"].values.reshape(-1, len(x)).astype(np.float64))


def _shared(
    x: Array,
    y: Array,
    unc: Sequence[Array | None],
    statistics: str,
    light: Radiation,
    phases: Sequence[Phase],
    monochromator: float,
) -> tuple[model.State, measured.Measured]:
    """Refine cells, widths and line shifts on the sum of all patterns."""
    known = [part**2 for part in unc if part is not None]
    spread = np.sqrt(np.sum(known, axis=0)) if known else None
    data = measured.prepare(x, y.sum(axis=0), statistics, spread, light, None)
    limits = Limits()
    common = model.Common(light, monochromator=monochromator)
    members = [model.member(phase, light, data, limits) for phase in phases]
    drawn = [model.column(one, common, data) for one in members]
    empty = [one.phase.id for one, column in zip(members, drawn, strict=True) if not np.any(column > 0)]
    if empty:
        raise InputError(
            f"{empty[0]} has no line in the patterns", where="phases", remedy="Leave it out, or widen the range"
        )
    state = model.refine(model.solve(members, common, data, limits), data, limits, iterations=10)
    return state, data


def _grid(x: Array, width: float) -> tuple[Array, int]:
    step = float(np.median(np.diff(x)))
    count = max(round(width / POINTS / step), 1)
    return _binned(x, count), count


def _binned(y: Array, count: int) -> Array:
    length = len(y) // count
    return np.asarray(y[: length * count].reshape(length, count).mean(axis=1))


def _lines_of(one: model.Member, common: model.Common, grid: Array) -> _Drawn:
    positions, areas, width, waves, numbers = model.geometry(one, common)
    shown = profile.shift(positions, common.zero, common.displacement)
    inside = (shown > grid[0] - 3 * width) & (shown < grid[-1] + 3 * width)
    inside &= areas > model.FAINT * areas[inside].max(initial=0.0)
    q = (one.found.parts @ one.metric)[numbers]
    return _Drawn(q[inside], waves[inside], areas[inside], width[inside])


def _column(one: _Drawn, common: model.Common, grid: Array, strain: float) -> tuple[Array, Array]:
    """Pattern at unit scale and its derivative by the strain of the cell lengths."""
    sine = np.minimum(one.waves * np.sqrt(one.q) / (2.0 * (1.0 + strain)), 0.9999)
    theta = np.arcsin(sine)
    shown = profile.shift(np.degrees(2.0 * theta), common.zero, common.displacement)
    moved = -2.0 * np.degrees(np.tan(theta)) / (1.0 + strain)
    index, offset = profile.windows(grid, shown, one.width, model.REACH)
    value, by_center, _ = profile.pseudo_voigt_derivatives(offset, one.width[:, None], common.eta)
    flat, length = index.ravel(), len(grid)
    column = np.bincount(flat, (value * one.areas[:, None]).ravel(), length + 1)[:length]
    slope = np.bincount(flat, (by_center * (one.areas * moved)[:, None]).ravel(), length + 1)[:length]
    return np.asarray(column, dtype=np.float64), np.asarray(slope, dtype=np.float64)


def _table(
    series: xr.Dataset,
    dims: tuple[str, ...],
    state: model.State,
    phases: Sequence[Phase],
    fitted: Sequence[Fitted],
    light: Radiation,
) -> xr.Dataset:
    shape = tuple(series.sizes[name] for name in dims)
    density = np.array([phase.density for phase in phases])
    absorption = np.array([weights.absorption(phase, light.wavelengths[0]) for phase in phases])
    amounts = [weights.fractions(one.scale, np.nan_to_num(one.covariance), density, 0.0) for one in fitted]
    shares = np.stack([w for w, _ in amounts])
    spread = np.stack([np.sqrt(np.maximum(np.diag(c), 0.0)) for _, c in amounts])
    scale = np.stack([one.scale for one in fitted])
    least, total = np.stack([one.least for one in fitted]) * density, (scale * density).sum(axis=1, keepdims=True)
    limit = 3.0 * least / (total + 3.0 * least)
    # at the bound the fit has no curvature: what one standard uncertainty of the scale would add
    spread = np.where(scale > 0, np.where(np.isfinite(spread), spread, np.nan), least / (total + least))

    def shaped(values: Array) -> Array:
        return values.reshape(*shape, *values.shape[1:])

    row, one = (*dims, "phase"), {"units": "1"}
    strain = np.stack([item.strain for item in fitted])
    strain_unc = np.stack([item.strain_unc for item in fitted])
    variance = np.stack([item.covariance for item in fitted])
    data: dict[str, object] = {}
    for name, values, unit, label, paired in (
        ("scale", scale, "arb. units", "Scale S of m|F|² LP / V²", False),
        ("weight_fraction", shares, "1", "Weight fraction", True),
        ("weight_fraction_unc", spread, "1", "Standard uncertainty within the series", False),
        ("detection_limit", limit, "1", "Weight fraction seen at three sigma", False),
        ("strain", strain, "1", "Relative change of the cell lengths against the sum of all patterns", True),
        ("strain_unc", strain_unc, "1", "Standard uncertainty", False),
        ("density", np.tile(density, (len(fitted), 1)), "g/cm3", "Calculated density", False),
        ("absorption", np.tile(absorption, (len(fitted), 1)), "cm-1", "Linear absorption coefficient", False),
    ):
        told = {"units": unit, "long_name": label} | ({"ancillary_variables": f"{name}_unc"} if paired else {})
        data[name] = (row, shaped(values), told)
    data["scale_covariance"] = ((*row, "phase_b"), shaped(variance), {"units": "arb. units"})
    chi2 = np.array([item.reduced_chi2 for item in fitted])
    data["reduced_chi2"] = (dims, chi2.reshape(shape), one | {"long_name": "χ² per point"})
    words = [_reason(item) for item in fitted]
    data["reasons"] = (dims, np.array(words, dtype=np.str_).reshape(shape))
    ids = np.array([phase.id for phase in phases], dtype=np.str_)
    coords: dict[str, object] = {
        "phase": ("phase", ids), "phase_b": ("phase_b", ids),
        "name": ("phase", np.array([phase.name for phase in phases], dtype=np.str_)),
        "formula": ("phase", np.array([phase.formula for phase in phases], dtype=np.str_)),
        "space_group": ("phase", np.array([phase.space_group for phase in phases], dtype=np.str_)),
        **{str(name): value for name, value in series.coords.items() if set(value.dims) <= set(dims)},
    }  # fmt: skip
    kept = {key: series.attrs[key] for key in ("sample", "source_file", "simulated") if key in series.attrs}
    attrs: dict[str, object] = {"kind": "table", "technique": "XRD", **kept, "wavelength": light.wavelengths[0],
             "wavelength_name": light.name, "zero_shift": state.common.zero,
             "displacement_shift": state.common.displacement, "inputs": "intensity", "note": NOTE}  # fmt: skip
    return schema.check(xr.Dataset(data, coords=coords, attrs=attrs), "table")


def _reason(one: Fitted) -> str:
    told = [] if one.converged else ["not converged: the strains still move"]
    if one.reduced_chi2 > REJECTED:
        told.append(f"model inadequate: χ² per point is {one.reduced_chi2:.1f}")
    return "; ".join(told)
