"""Spectra whose shapes the recipe fixes: only areas and heights are left, and all spectra are fitted at once.

The model columns are computed once. The answers are those of :mod:`surfspec.leis.spectrum.member_fit`, spectrum by
spectrum: the same likelihood, covariance, flags and verdicts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import SurfspecError
from surfspec.fitting.residual_tests import normal_residuals
from surfspec.fitting.result import DETECTION, Members
from surfspec.fitting.solver.objective import assumed_sigma, deviance_residuals, objective
from surfspec.fitting.verdict import Evidence, Judgement, judge_evidence
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.fixed_covariance import covariances, inverse_of, with_unknown
from surfspec.leis.spectrum.member_fit import fit_member
from surfspec.leis.spectrum.nonnegative import Counts, Squares, linear_parts
from surfspec.leis.spectrum.peak_sizes import peak_sizes

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Spectra that are fitted at once, so that their arrays stay near the processor.
BLOCK = 256
#: Part of the largest value of a column below which it is zero.
FAINTEST = 1e-60


def all_fixed(model: SpectrumModel) -> bool:
    """Return whether the recipe leaves no shape free."""
    return not any(p.vary for p in model.parameters[: model.shape_count])


def fit_fixed(
    model: SpectrumModel,
    y: Array,
    statistics: str,
    sigma: Array | None,
    *,
    extra: tuple[str, ...] = (),
    progress: Callable[[int, int], None] | None = None,
    single: bool = False,
) -> Members:
    """Fit spectra that share all shapes.

    Parameters
    ----------
    model
        On their points, every non-linear parameter fixed.
    y
        Intensities, shape (m, n).
    statistics, sigma
        As for :func:`surfspec.fitting.solver.solve`; sigma of shape (m, n).
    extra
        Reasons that every verdict must know.
    progress
        Called with the number of spectra done and their total, block by block.
    single
        This is one spectrum and no series: raise for data that cannot be fitted.

    Returns
    -------
    Members
        One for each spectrum; failed with the reason where its data cannot be fitted at all.

    Raises
    ------
    InputError
        For a single spectrum that cannot be fitted.
    """
    members = Members.empty(y.shape[0], y.shape[1], len(model.recipe.elements), model.parameters, ("not fitted",))
    for begin in range(0, y.shape[0], BLOCK):
        rows = np.arange(begin, min(begin + BLOCK, y.shape[0]))
        refused = _refused(model, y[rows], statistics, None if sigma is None else sigma[rows], single)
        good = np.array([not reason for reason in refused])
        if np.any(good):
            chosen = rows[good]
            given = None if sigma is None else sigma[chosen]
            part = _block(model, y[chosen], statistics, given, extra)
            for i in [i for i, why in enumerate(part.reasons) if "not converged" in why]:
                # alone, by the way of free shapes, which is slow and takes other steps
                other = fit_member(model, y[chosen[i]], statistics, None if given is None else given[i], extra=extra)
                part = part.put(np.array([i]), Members.of([other]))
            members = members.put(chosen, part)
        bad = [(row, reason) for row, reason in zip(rows.tolist(), refused, strict=True) if reason]
        for row, reason in bad:
            empty = Members.empty(1, y.shape[1], len(model.recipe.elements), model.parameters, (reason,))
            members = members.put(np.array([row]), empty)
        if progress is not None:
            progress(int(rows[-1]) + 1, y.shape[0])
    return members


def _refused(model: SpectrumModel, y: Array, statistics: str, sigma: Array | None, single: bool) -> list[str]:
    """Return for each spectrum why it cannot be fitted, '' where it can."""
    plain = np.all(np.isfinite(y), axis=1) & np.any(y != 0, axis=1)
    plain &= y.shape[1] > len(model.linear_names)
    if statistics == "poisson":
        plain &= np.min(np.where(np.isfinite(y), y, -1.0), axis=1) >= 0
    if statistics == "given":
        plain &= sigma is not None
    if sigma is not None and statistics != "poisson":
        plain &= np.all(np.isfinite(sigma) & (sigma > 0), axis=1)
    out = []
    for i, good in enumerate(plain.tolist()):
        reason = ""
        if not good:
            try:
                objective(model, y[i], statistics, None if sigma is None else sigma[i])
            except SurfspecError as error:
                if single:
                    raise
                reason = f"refused: {error}".replace(";", ",")
        out.append(reason)
    return out


@dataclass(frozen=True)
class _Fitted:
    """What the linear parameters of m spectra say about their data.

    Attributes
    ----------
    contribution, background, model, pulls
        Shapes (m, elements, n) and (m, n).
    chi2, deviance, dof, scale
        Shape (m,).
    solved, undetermined
        Covariance of what is off its limit, shape (m, p, p), and what the data do not fix, shape (m, p).
    covariance
        Within limits, areas counted as free, shape (m, p, p).
    """

    contribution: Array
    background: Array
    model: Array
    pulls: Array
    chi2: Array
    deviance: Array
    dof: NDArray[np.int64]
    scale: Array
    solved: Array
    undetermined: Flags
    covariance: Array


def _fitted(model: SpectrumModel, columns: Array, data: Counts | Squares, values: Array, statistics: str) -> _Fitted:
    count, p, y = model.shape_count, len(model.parameters), data.y
    contribution = values[:, model.area_columns, None] * columns[:, model.area_columns].T
    rest = np.delete(np.arange(columns.shape[1]), model.area_columns)
    background = values[:, rest] @ columns[:, rest].T
    fitted = background + contribution.sum(axis=1)
    if isinstance(data, Counts):
        weight = 1.0 / np.sqrt(np.maximum(fitted, data.floor))
        deviance = np.sum(deviance_residuals(fitted, y)[0] ** 2, axis=1)
    else:
        weight = 1.0 / data.sigma
        deviance = np.sum(((y - fitted) * weight) ** 2, axis=1)
    pulls = (y - fitted) * weight
    chi2, free = np.sum(pulls**2, axis=1), values > 0
    dof = np.maximum(1, y.shape[1] - free.sum(axis=1))
    scale = chi2 / dof if statistics == "unknown" else np.ones(y.shape[0])
    inner, lost = inverse_of(columns, weight, free)
    solved, undetermined = np.zeros((y.shape[0], p, p)), np.zeros((y.shape[0], p), dtype=bool)
    solved[:, count:, count:] = scale[:, None, None] * inner
    undetermined[:, count:] = lost
    given = data.sigma if isinstance(data, Squares) and statistics == "given" else None
    return _Fitted(
        contribution=contribution,
        background=background,
        model=fitted,
        pulls=pulls / np.sqrt(np.where(scale > 0, scale, 1.0))[:, None],
        chi2=chi2,
        deviance=deviance,
        dof=dof,
        scale=scale,
        solved=with_unknown(solved, undetermined),
        undetermined=undetermined,
        covariance=covariances(model, columns, values, fitted, y, statistics, given, lost, dof),
    )


def _judged(
    model: SpectrumModel,
    one: _Fitted,
    converged: Flags,
    statistics: str,
    seen: Flags,
    extra: tuple[str, ...],
) -> list[Judgement]:
    """Judge all spectra; the areas alone are reported."""
    rows, p = one.undetermined.shape
    none, reported = np.zeros((rows, p), dtype=bool), np.zeros((rows, p), dtype=bool)
    reported[:, model.shape_count + model.area_columns] = True
    variance = np.einsum("mii->mi", one.solved)
    evidence = Evidence(
        names=tuple(each.name for each in model.parameters),
        uncertainties=np.sqrt(np.where(variance >= 0, variance, np.nan)),
        covariance=one.solved,
        pulls=one.pulls,
        normal=normal_residuals(one.pulls, one.model, statistics),
        finite=np.all(np.isfinite(one.model), axis=1),
        converged=converged,
        start_dependent=np.zeros(rows, dtype=bool),
        at_bound=none,
        undetermined=one.undetermined,
        insignificant=none,
        chi2=one.chi2,
        deviance=one.deviance,
        dof=one.dof,
        statistics=statistics,
        replaceable=[()] * rows,
    )
    reasons = [(*extra, *(() if any_seen else ("no peak detected",))) for any_seen in seen.tolist()]
    return judge_evidence(evidence, reported, reasons)


def _block(model: SpectrumModel, y: Array, statistics: str, sigma: Array | None, extra: tuple[str, ...]) -> Members:
    """Fit spectra that can be fitted."""
    rows, count = y.shape[0], model.shape_count
    shape = np.array([one.value for one in model.parameters[:count]])
    columns, areas = model.design(shape), count + model.area_columns
    # far tails whose squares no double holds slow down every product tenfold
    columns = np.where(np.abs(columns) < FAINTEST * np.max(np.abs(columns), axis=0), 0.0, columns)
    data: Counts | Squares
    if statistics == "poisson":
        data = Counts.of(y)
    else:
        given = [assumed_sigma(one, statistics, None if sigma is None else sigma[i]) for i, one in enumerate(y)]
        data = Squares(y, np.stack(given))
    found = linear_parts(columns, data)
    one = _fitted(model, columns, data, found.values, statistics)
    shapes = np.repeat(shape[None], rows, axis=0)
    variance = np.einsum("mii->mi", one.covariance)
    uncertainty = np.sqrt(np.where(variance >= 0, variance, np.nan))
    area, area_unc = found.values[:, model.area_columns], uncertainty[:, areas]
    faint = np.where(area < DETECTION * area_unc, "below_detection", "ok")
    flag = np.where(np.isfinite(area_unc), faint, "not_determined").astype("<U16")
    judged = _judged(model, one, found.converged, statistics, np.any(flag == "ok", axis=1), extra)
    values = np.concatenate([shapes, found.values], axis=1)
    fwhm, _, height, _ = peak_sizes(model, values[0])
    centers = np.array([model.lines[element].centroid for element in model.recipe.elements]) + shape[0]
    return Members(
        model=one.model,
        background=one.background,
        contribution=one.contribution,
        area=area,
        area_unc=area_unc,
        area_covariance=one.covariance[:, areas[:, None], areas],
        center=np.repeat(centers[None], rows, axis=0),
        center_unc=np.zeros(area.shape),
        fwhm=np.repeat(fwhm[None], rows, axis=0),
        fwhm_unc=np.zeros(area.shape),
        height=area * height,
        height_unc=area_unc * height,
        flag=flag,
        value=values,
        value_unc=uncertainty,
        start=np.concatenate([shapes, found.start], axis=1),
        low=np.repeat([[each.low for each in model.parameters]], rows, axis=0),
        high=np.repeat([[each.high for each in model.parameters]], rows, axis=0),
        covariance=one.covariance,
        chi2=one.chi2,
        deviance=one.deviance,
        dof=one.dof,
        verdict=np.array([verdict for verdict, _ in judged], dtype="<U8"),
        reasons=tuple(why for _, why in judged),
    )
