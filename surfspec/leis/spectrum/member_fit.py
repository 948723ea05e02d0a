"""The fit of one LEIS spectrum as arrays: maximum of the likelihood, covariance, judgement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.result import DETECTION, MemberFit, propagate
from surfspec.fitting.solver import Solution
from surfspec.fitting.verdict import judge
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.energy_scale import scale_reasons
from surfspec.leis.spectrum.lag_doubts import lag_reasons
from surfspec.leis.spectrum.lag_margin import over_lags
from surfspec.leis.spectrum.limited_covariance import with_areas
from surfspec.leis.spectrum.maximisation import maximise
from surfspec.leis.spectrum.peak_sizes import peak_sizes

Array = NDArray[np.float64]


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
    covariance = over_lags(model, solution, with_areas(model, solution, y, sigma), y, sigma)
    told = lag_reasons(model, solution, covariance, y, statistics, sigma)
    told += scale_reasons(model, solution, y, statistics, sigma)
    return member_of(model, solution, covariance, first, reported, (*extra, *told))


def member_of(
    model: SpectrumModel,
    solution: Solution,
    covariance: Array,
    first: Array,
    reported: list[str],
    extra: tuple[str, ...],
) -> MemberFit:
    """Return the member of a solution, judged.

    Parameters
    ----------
    model, solution
        The model on its points, and its parameters there.
    covariance
        That of :func:`~.limited_covariance.with_areas`, or of a joint fit, shape (parameters, parameters).
    first
        Start values, shape (parameters,).
    reported
        Names of the parameters that are reported.
    extra
        Reasons found elsewhere.
    """
    values, count = solution.values, model.shape_count
    contribution, background = model.contributions(values)
    areas = count + model.area_columns
    variance = np.diag(covariance)
    uncertainty = np.sqrt(np.where(variance >= 0, variance, np.nan))
    area, area_unc = values[areas], uncertainty[areas]
    fwhm, fwhm_slopes, height, height_slopes = peak_sizes(model, values)
    by_shape, by_all = np.zeros((2, areas.size, values.size))
    by_shape[:, :count] = fwhm_slopes
    by_all[:, :count] = area[:, None] * height_slopes
    by_all[np.arange(areas.size), areas] = height
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
        fwhm_unc=_spread(by_shape, covariance),
        height=area * height,
        height_unc=_spread(by_all, covariance),
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


def _spread(gradient: Array, covariance: Array) -> Array:
    """Return standard uncertainties by the covariance, NaN where an undetermined parameter enters, shape (k,)."""
    return np.asarray(np.sqrt(np.maximum(np.diag(propagate(gradient, covariance)), 0.0)))
