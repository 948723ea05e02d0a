"""Fit LEIS spectra: start by variable projection, end at the maximum of the likelihood, judged and assembled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.model import Parameter
from surfspec.fitting.result import DETECTION, MemberFit, assemble
from surfspec.fitting.series import fit_members
from surfspec.fitting.solver import Solution, solve
from surfspec.fitting.verdict import judge, verdict_of, worst
from surfspec.leis import shapes
from surfspec.leis.model import SpectrumModel
from surfspec.leis.projection import expected_sigma, project
from surfspec.leis.recipe import Recipe
from surfspec.recipes import to_yaml

Array = NDArray[np.float64]

#: Times that parameters held at zero may be released again.
RELEASES = 4
#: Cosine between residual and column above which a parameter held at zero wants to rise.
RELEASE_COSINE = 1e-3
#: Cosine below which the likelihood is level along a free parameter.
FLAT_COSINE = 1e-6
#: Expected counts below which a point weighs no more.
LEAST_VARIANCE = 1e-3
#: Relative span of energy in which signal above the window is summed, and the fewest points of one.
SPAN, LEAST_ABOVE = 0.03, 5
#: Standard score from which such a sum is no chance; there are at most some hundred spans.
ABOVE_SCORE = 6.0


@dataclass
class _Held:
    """The model with some parameters held where they are: what the solver sees."""

    model: SpectrumModel
    parameters: tuple[Parameter, ...]

    def evaluate(self, values: Array) -> Array:
        return self.model.evaluate(values)

    def jacobian(self, values: Array) -> Array:
        return self.model.jacobian(values)


def fit(
    spectrum: xr.Dataset,
    recipe: Recipe,
    *,
    start: Mapping[str, float] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Fit a LEIS spectrum, or every spectrum of a series, with peaks tied through the kinematics.

    The model is that of :mod:`surfspec.leis.model`; counts are fitted by the Poisson likelihood.

    Parameters
    ----------
    spectrum
        Dataset of kind ``spectrum``: ``intensity`` (..., kinetic_energy).
    recipe
        Projectile, geometry, elements and what is free.
    start
        Start values of ``offset`` (eV), ``resolution`` (1), ``survival`` (eV^1/2), ``tail`` (eV) or
        ``"Zr lag"`` (eV), by name.
    progress
        Called with the number of spectra done and their total.

    Returns
    -------
    xarray.Dataset
        Of kind ``fit``. Components are the elements (coordinates ``component`` and ``element``): ``contribution`` is
        the surface peak, ``area`` its counts eV; in-depth shoulders, foot, sputter tail and constant make the
        ``background`` and have their heights among the parameters. ``center`` is the mean single-scattering energy plus
        the offset, ``fwhm`` and ``height`` are those of the whole peak, isotopes and tail included.

    Raises
    ------
    InputError, SchemaError
        For data that are no LEIS spectrum or do not cover the peaks.

    References
    ----------
    Nelson, J. Vac. Sci. Technol. A 4 (1986) 1567; Golub and Pereyra, Inverse Problems 19 (2003) R1.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> recipe = ss.leis.Recipe(elements=("O", "Zr"))
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> model = SpectrumModel(recipe, energy)
    >>> truth = np.zeros(len(model.parameters))
    >>> truth[:4] = 4.0, 0.02, 100.0, 8.0
    >>> truth[[5, 9]] = 4e5, 9e5
    >>> truth[-1] = 3.0
    >>> counts = np.random.default_rng(1).poisson(model.evaluate(truth))
    >>> fit = ss.leis.fit(ss.spectrum(energy, counts, technique="LEIS"), recipe)
    >>> bool(abs(fit.area.sel(component="Zr") / 9e5 - 1) < 0.01)
    True
    """
    schema.check(spectrum, "spectrum")
    if spectrum.attrs["technique"] != "LEIS":
        raise InputError(
            f"this is a {spectrum.attrs['technique']} spectrum",
            where="spectrum",
            remedy=f"Fit it with surfspec.{str(spectrum.attrs['technique']).lower()}.fit",
        )
    if not isinstance(recipe, Recipe):
        raise InputError(
            f"a {type(recipe).__name__} is no LEIS recipe", where="recipe", remedy="Pass surfspec.leis.Recipe(...)"
        )
    cut = spectra.crop(spectrum, *recipe.limits())
    energy = np.array(cut["kinetic_energy"].values, dtype=np.float64)
    model = SpectrumModel(recipe, energy, units=str(cut["intensity"].attrs["units"]))
    shape_start = _shape_start(model, start)
    statistics = str(cut.attrs["statistics"])
    extra = _setting_reasons(cut, recipe)
    above = _above(spectrum, recipe)

    def fit_one(x: Array, y: Array, sigma: Array | None, index: tuple[int, ...]) -> MemberFit:
        member = fit_member(model, y, statistics, sigma, start=shape_start, extra=extra)
        found = unexplained_above(above[0], above[1][index], member, y, statistics) if above else ""
        if not found:
            return member
        return replace(member, reasons=(*member.reasons, found), verdict=worst([member.verdict, verdict_of([found])]))

    members = fit_members(cut, fit_one, components=len(recipe.elements), parameters=model.parameters, progress=progress)
    return assemble(
        members,
        cut,
        components=recipe.elements,
        parameters=model.parameters,
        labels={"element": recipe.elements},
        recipe=to_yaml(recipe),
        attrs={"ion": recipe.ion, "ion_energy": recipe.energy, "scattering_angle": recipe.angle},
    )


def _shape_start(model: SpectrumModel, start: Mapping[str, float] | None) -> Array:
    values = np.array([p.value for p in model.parameters[: model.shape_count]])
    for name, value in (start or {}).items():
        if name not in model.shape_names:
            raise InputError(
                f"no start value can be given for {name!r}",
                where="start",
                remedy=f"Give {', '.join(model.shape_names)}; areas and heights are found by linear least squares",
            )
        values[model.shape_names.index(name)] = float(value)
    return values


def _setting_reasons(spectrum: xr.Dataset, recipe: Recipe) -> tuple[str, ...]:
    """Return a reason for each setting that the file and the recipe state differently."""
    reasons = []
    for name, value in (("ion_energy", recipe.energy), ("scattering_angle", recipe.angle)):
        stated = spectrum.attrs.get(name)
        if isinstance(stated, int | float | np.number) and abs(float(stated) - value) > 1e-6 * abs(value):
            reasons.append(f"energy scale: {name} is {float(stated):g} in the file and {value:g} in the recipe")
    return tuple(reasons)


def _above(spectrum: xr.Dataset, recipe: Recipe) -> tuple[Array, Array] | None:
    """Return energies and intensities between the automatic window and the ion energy, None where there are too few.

    A window that was given is an answer to what lies outside it.
    """
    if recipe.window is not None:
        return None
    energy = np.array(spectrum["kinetic_energy"].values, dtype=np.float64)
    chosen = (energy > recipe.limits()[1]) & (energy < recipe.gain * recipe.energy)
    if np.count_nonzero(chosen) < LEAST_ABOVE:
        return None
    intensity = spectrum["intensity"].transpose(..., "kinetic_energy").values[..., chosen]
    return energy[chosen], np.array(intensity, dtype=np.float64)


def unexplained_above(energy: Array, y: Array, member: MemberFit, fitted: Array, statistics: str) -> str:
    r"""Return the reason for signal above the fitted window that no element of the recipe explains, '' for none.

    Above the heaviest peak the model holds nothing but its constant `c`. In spans of :data:`SPAN` of their energy,

    .. math:: z = \frac{\sum_i (y_i - c)}{\sqrt{n \sigma^2 + n^2 u^2(c)}}

    is asked to stay below :data:`ABOVE_SCORE`, where the variance is that of counting, or that of the residuals where
    the statistics are not those of counts.

    Parameters
    ----------
    energy, y
        Of the points above the window, shape (n,).
    member
        The fit of the spectrum.
    fitted, statistics
        Intensities inside the window, and how they scatter.
    """
    level, level_unc = float(member.background[-1]), float(np.nan_to_num(member.value_unc[-1]))
    noise = float(np.median(np.abs(fitted - member.model)) / 0.67448975) ** 2
    variance = max(level, 0.0) + 1e-300 if statistics == "poisson" else noise
    excess = np.concatenate([[0.0], np.cumsum(y - level)])
    ends = np.searchsorted(energy, energy * (1.0 + SPAN))
    count = ends - np.arange(energy.size)
    total = excess[ends] - excess[:-1]
    # one count more than expected is no peak where nothing is expected
    score = total / np.sqrt(count * variance + (count * level_unc) ** 2 + (1.0 if statistics == "poisson" else 1e-300))
    score[count < LEAST_ABOVE] = 0.0
    high = np.flatnonzero(score > ABOVE_SCORE)
    if not high.size:
        return ""
    low, top = energy[high[0]], energy[ends[high[-1]] - 1]
    first = int(np.argmax(score))
    peak = energy[first + int(np.argmax(y[first : ends[first]]))]
    return (
        f"model inadequate: signal above the window ({low:.0f} to {top:.0f} eV, strongest at {peak:.0f} eV) "
        "that no element of the recipe explains"
    )


def fit_member(
    model: SpectrumModel,
    y: Array,
    statistics: str,
    sigma: Array | None,
    *,
    start: Array | None = None,
    extra: tuple[str, ...] = (),
) -> MemberFit:
    """Fit one spectrum as arrays.

    Parameters
    ----------
    model
        The model on its points.
    y
        Intensities, shape (n,).
    statistics, sigma
        As for :func:`surfspec.fitting.solver.solve`.
    start
        Non-linear start values, shape (shape_count,).
    extra
        Reasons that the verdict must know.
    """
    solution, first = maximise(model, y, statistics, sigma, start=start)
    areas = model.shape_count + model.area_columns
    reported = [model.parameters[i].name for i in areas]
    covariance = with_areas(model, solution, y, sigma)
    return _member(model, solution, covariance, first, reported, extra)


def maximise(
    model: SpectrumModel, y: Array, statistics: str, sigma: Array | None, *, start: Array | None = None
) -> tuple[Solution, Array]:
    """Return the best solution and the values it started from.

    Non-negative parameters that end on zero are held there while the others are polished, and released where the
    likelihood wants them to rise (the conditions of Karush, Kuhn and Tucker).
    """
    first = project(model, y, statistics=statistics, sigma=sigma, start=start)
    values = first
    held = _at_zero(model, values, expected_sigma(model.evaluate(values), y, statistics, sigma))
    solution = None
    for _ in range(RELEASES):
        problem = _Held(model, _hold(model, values, held))
        solution = solve(problem, y, statistics=statistics, sigma=sigma)
        values = solution.values
        cosine = _gradient(model, solution, y, statistics, sigma)
        rising = held & (np.arange(values.size) >= model.shape_count) & (cosine > RELEASE_COSINE)
        if not np.any(rising):
            # shoulder and peak trade counts along a curved valley, on which Gauss-Newton steps overshoot by some
            # 1e-5 uncertainties for ever; a gradient that vanishes there is a minimum all the same
            flat = np.all(np.abs(cosine[solution.uncertainties > 0]) < FLAT_COSINE)
            return replace(solution, converged=solution.converged or bool(flat)), first
        held = held & ~rising
    if solution is None:  # RELEASES is positive, so the loop ran
        raise InputError("the fit did not start", remedy="Report this with the spectrum")
    return replace(solution, converged=False), first


def _at_zero(model: SpectrumModel, values: Array, sigma: Array) -> NDArray[np.bool_]:
    """Find parameters to hold: linear ones at zero, and lags of shoulders that are not there."""
    held = (np.arange(values.size) >= model.shape_count) & (values <= 0)
    held[: model.shape_count] = idle_lags(model, values, sigma)
    return held


def idle_lags(model: SpectrumModel, values: Array, sigma: Array) -> NDArray[np.bool_]:
    """Return which non-linear parameters are lags that the spectrum does not show, shape (shape_count,)."""
    return model.idle_lags(values[: model.shape_count], values[model.shape_count :], sigma)


def _hold(model: SpectrumModel, values: Array, held: NDArray[np.bool_]) -> tuple[Parameter, ...]:
    def one(p: Parameter, value: float, hold: bool) -> Parameter:
        if not p.vary:
            # limits that coincide mean nothing to the solver
            return replace(p, low=-np.inf, high=np.inf)
        return replace(p, value=float(np.clip(value, p.low, p.high)), vary=not hold)

    return tuple(one(p, v, bool(h)) for p, v, h in zip(model.parameters, values, held, strict=True))


def _gradient(model: SpectrumModel, solution: Solution, y: Array, statistics: str, sigma: Array | None) -> Array:
    """Return the cosine between the residual and each column of the Jacobian, positive where more is wanted."""
    weight = 1.0 / expected_sigma(solution.fitted, y, statistics, sigma, LEAST_VARIANCE)
    pulls = (y - solution.fitted) * weight
    columns = weight[:, None] * model.jacobian(solution.values)
    size = np.sqrt(np.sum(columns**2, axis=0)) * np.sqrt(np.sum(pulls**2))
    return np.asarray(columns.T @ pulls / np.where(size > 0, size, 1.0))


def with_areas(model: SpectrumModel, solution: Solution, y: Array, sigma: Array | None) -> Array:
    """Return the covariance with areas that lie on zero counted as free.

    An element that was not found has an area of zero with an uncertainty, not a certain zero.
    """
    names = np.array(solution.names)
    position = np.arange(names.size)
    areas = np.isin(position, model.shape_count + model.area_columns)
    free = ((solution.uncertainties > 0) | areas) & ~np.isin(names, solution.undetermined)
    weight = 1.0 / expected_sigma(solution.fitted, y, solution.statistics, sigma, LEAST_VARIANCE)
    columns = weight[:, None] * model.jacobian(solution.values)[:, free]
    size = np.sqrt(np.sum(columns**2, axis=0))
    size = np.where(size > 0, size, 1.0)
    inverse = np.linalg.pinv((columns / size).T @ (columns / size), rcond=1e-14, hermitian=True)
    scale = solution.scale
    if solution.statistics == "unknown":
        pulls = (y - solution.fitted) * weight
        scale = float(np.sum(pulls**2)) / solution.dof
    covariance = np.where(np.isnan(solution.covariance), np.nan, 0.0)
    covariance[np.ix_(free, free)] = scale * inverse / np.outer(size, size)
    # a lag that was held because nothing shows it is unknown, not certain
    unknown = np.flatnonzero(
        idle_lags(model, solution.values, 1.0 / weight) & (solution.uncertainties[: model.shape_count] == 0)
    )
    covariance[unknown, :] = np.nan
    covariance[:, unknown] = np.nan
    return np.asarray(covariance)


def _member(
    model: SpectrumModel,
    solution: Solution,
    covariance: Array,
    first: Array,
    reported: list[str],
    extra: tuple[str, ...],
) -> MemberFit:
    values, count = solution.values, model.shape_count
    contribution, background = model.contributions(values)
    areas = count + model.area_columns
    variance = np.diag(covariance)
    uncertainty = np.sqrt(np.where(variance >= 0, variance, np.nan))
    area, area_unc = values[areas], uncertainty[areas]
    fwhm, fwhm_slopes, height, height_slopes = _peak_sizes(model, values)
    known = np.nan_to_num(covariance)  # no width or height depends on a lag, whose row may be NaN
    shape_covariance = known[:count, :count]
    fwhm_unc = np.sqrt(np.einsum("ki,ij,kj->k", fwhm_slopes, shape_covariance, fwhm_slopes))
    full = np.zeros((areas.size, values.size))
    full[:, :count] = area[:, None] * height_slopes
    full[np.arange(areas.size), areas] = height
    height_unc = np.sqrt(np.maximum(np.einsum("ki,ij,kj->k", full, known, full), 0.0))
    flag = np.where(
        ~np.isfinite(area_unc), "not_determined", np.where(area < DETECTION * area_unc, "below_detection", "ok")
    )
    reasons = list(extra)
    if np.all(flag != "ok"):
        reasons.append("no peak detected")
    verdict, why = judge(solution, reported=reported, extra=reasons)
    center = np.array([model.lines[element].centroid for element in model.recipe.elements]) + values[0]
    return MemberFit(
        model=background + contribution.sum(axis=0),
        background=background,
        contribution=contribution,
        area=area,
        area_unc=area_unc,
        area_covariance=covariance[np.ix_(areas, areas)],
        center=center,
        center_unc=np.full(areas.size, uncertainty[0]),
        fwhm=fwhm,
        fwhm_unc=fwhm_unc,
        height=area * height,
        height_unc=height_unc,
        flag=flag.astype("<U16"),
        value=values,
        value_unc=uncertainty,
        start=first,
        low=np.array([p.low for p in model.parameters]),
        high=np.array([p.high for p in model.parameters]),
        covariance=covariance,
        chi2=solution.chi2,
        deviance=solution.deviance,
        dof=solution.dof,
        verdict=verdict,
        reasons=why,
    )


def _peak_sizes(model: SpectrumModel, values: Array) -> tuple[Array, Array, Array, Array]:
    """Return FWHM and height at unit area of each peak, with their derivatives by the non-linear parameters."""
    count = model.shape_count
    names = list(model.shape_names)

    def sizes(shape: Array) -> tuple[Array, Array]:
        pairs = [_size(model, element, shape) for element in model.recipe.elements]
        return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])

    fwhm, height = sizes(values[:count])
    fwhm_slopes, height_slopes = np.zeros((fwhm.size, count)), np.zeros((fwhm.size, count))
    for i, name in enumerate(names):
        if name not in ("resolution", "acceptance", "tail"):
            continue
        step = 1e-3 * float(values[i])
        up, down = values[:count].copy(), values[:count].copy()
        up[i] += step
        down[i] -= step
        (f1, h1), (f0, h0) = sizes(up), sizes(down)
        fwhm_slopes[:, i], height_slopes[:, i] = (f1 - f0) / (2 * step), (h1 - h0) / (2 * step)
    return fwhm, fwhm_slopes, height, height_slopes


def _size(model: SpectrumModel, element: str, shape: Array) -> tuple[float, float]:
    """Return FWHM and height of the peak of unit area, read off a fine grid around its maximum."""
    lines, named = model.lines[element], model.named(shape)
    sigma, tail = model.widths(element, named)[0], named["tail"]
    main = float(lines.energy[np.argmax(lines.weight)])
    x = np.linspace(main - 8.0 * (sigma + tail), main + 8.0 * sigma, 4001)
    profile = shapes.peak(x[:, None], lines.energy, sigma, tail).value @ lines.weight
    top = int(np.argmax(profile))
    half = 0.5 * profile[top]
    left = np.flatnonzero(profile[:top] < half)[-1]
    right = top + np.flatnonzero(profile[top:] < half)[0]
    low = x[left] + (half - profile[left]) / (profile[left + 1] - profile[left]) * (x[left + 1] - x[left])
    high = x[right - 1] + (half - profile[right - 1]) / (profile[right] - profile[right - 1]) * (
        x[right] - x[right - 1]
    )
    return float(high - low), float(profile[top])
