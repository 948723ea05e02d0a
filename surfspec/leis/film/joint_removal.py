r"""Dose series of several samples that lose the same film, with one removal cross-section.

At a given cross-section the samples do not know of each other, so that the chi-square of all is a sum over samples of
the least over their thicknesses, and the posterior of a thickness an integral over the cross-section of products:

.. math:: p(n_k) \propto \int d\ln\sigma\; Z_{k,n_k}(\sigma) \prod_{j\ne k}\sum_m Z_{j,m}(\sigma)

with the evidence :math:`Z` and the priors of :mod:`surfspec.leis.film.layer_choice`. Spots enter by their mean, with
the variance between spots in its covariance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import logsumexp
from scipy.stats import chi2 as chi2_distribution

from surfspec.fitting.verdict import IMPROBABLE
from surfspec.given import number, switch
from surfspec.leis.amounts.checks import mapping
from surfspec.leis.film import budget
from surfspec.leis.film.averaging import Average, average
from surfspec.leis.film.dose import check_doses
from surfspec.leis.film.grid_profile import CROSS_SECTIONS, interval_of, lowest, profile
from surfspec.leis.film.layer_choice import IDENTIFIABLE, LAYERS, NOT_EXCLUDED, ROUGHNESS
from surfspec.leis.film.removal_series import Series, named_tables, series_of
from surfspec.leis.film.removal_table import removal_table
from surfspec.leis.spectrum.same_recipe import same_recipe

Array = NDArray[np.float64]

#: Points of the grid of cross-sections.
POINTS = 1200


def removal(
    coverages: xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset],
    *,
    layers: int | Mapping[str, int] | None = None,
    thickness: Mapping[str, tuple[float, float]] | None = None,
    start_dose: float = 0.0,
    interval: bool = True,
    dose_scale_unc: float = 0.0,
    roughness: float = ROUGHNESS,
    monolayer: float = 0.238,
    dose_dim: str = "dose",
) -> xr.Dataset:
    r"""Find the removal cross-section of a film from the dose series of one or more samples that share it.

    Parameters
    ----------
    coverages
        What :func:`surfspec.leis.coverage` returned, for one sample or several (by name).
    layers
        Monolayers of the films, where known: for all, or by sample. By default 1 to 4, each sample its own.
    thickness
        By sample, a thickness known otherwise and its standard uncertainty, nm (:func:`surfspec.leis.thickness`).
    start_dose
        Dose before the first spectrum, ions/cm2.
    interval
        Average over the dose interval of each spectrum; ``False`` shows what its neglect costs.
    dose_scale_unc
        Relative standard uncertainty of the dose scale; it goes on the cross-section alone.
    roughness
        Standard deviation of the share of each surface that is a layer thicker or thinner than its film; 0: none is.
    monolayer
        Thickness of a monolayer, nm.
    dose_dim
        Name of the dose dimension.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``: ``removal_cross_section`` (cm2) with ``_unc``, ``_stat_unc`` (without the dose scale),
        ``_low`` and ``_high`` (68 %, over all thicknesses, as ``_unc``; the value is that of the most probable). Over
        ``sample``: ``zero_dose_coverage`` with ``_unc``, ``_low`` and ``_high``, ``monolayers`` (the most probable),
        ``not_excluded`` (text) and ``own_cross_section`` (cm2, of each sample alone). Over (sample, layers):
        ``monolayers_chi2``, ``monolayers_aicc`` and ``monolayers_probability``. And ``chi2``, ``dof``,
        ``sharing_p_value`` (likelihood ratio against separate cross-sections), ``identifiable``, ``verdict``,
        ``reasons``. NaN where the doses do not determine a number.

    Raises
    ------
    InputError
        For tables without doses, missing coverages, or a number of monolayers that is not tried.

    Examples
    --------
    >>> from surfspec.leis.film.dose import mean_coverage
    >>> dose = np.array([1.6e15, 3.2e15, 4.8e15, 6.4e15])
    >>> x = np.concatenate([[0.0], 2.0e-16 * dose])
    >>> def table(theta, n):
    ...     seen = theta * mean_coverage(n, x[:-1], x[1:])[0]
    ...     unit = {"units": "1", "long_name": "Coverage"}
    ...     return xr.Dataset(
    ...         {"coverage": ("dose", seen, unit), "coverage_unc": ("dose", np.full(4, 0.005), unit)},
    ...         coords={"dose": ("dose", dose, {"units": "ions/cm2"})}, attrs={"kind": "table", "technique": "LEIS"})
    >>> found = removal({"a": table(0.9, 2), "b": table(1.0, 3)}, roughness=0)
    >>> round(float(found.removal_cross_section) * 1e16, 2), found.monolayers.values.tolist()
    (2.0, [2, 3])
    """
    tables = named_tables(coverages)
    number(dose_scale_unc, "dose_scale_unc", low=0.0, high=10.0)
    number(roughness, "roughness", low=0.0, high=10.0)
    number(monolayer, "monolayer", low=0.0, high=10.0, above=True)
    number(start_dose, "start_dose", low=0.0)
    switch(interval, "interval")
    mapping(thickness, tuple(tables), "thickness", "Give (value, standard uncertainty) in nm by sample")
    if layers is not None and (isinstance(layers, bool) or not isinstance(layers, int)):
        mapping(layers, tuple(tables), "layers", "Give a number of monolayers, or one by sample")
    doubts = same_recipe(*tables.values(), names=tuple(tables), where="coverages")
    many = [series_of(name, one, layers, thickness or {}, monolayer, dose_dim) for name, one in tables.items()]
    edges = [check_doses(one.dose, start_dose) for one in many]
    low, high = (
        np.log(CROSS_SECTIONS[0] / max(e[-1] for e in edges)),
        np.log(CROSS_SECTIONS[1] / min(e[-1] for e in edges)),
    )
    grid = np.linspace(float(low), float(high), POINTS)
    profiles = [
        [profile(s.dose, s.coverage, s.covariance, n, start_dose=start_dose, interval=interval, log_sigma=grid,
                 roughness=roughness)
         for n in s.layers] for s in many
    ]  # fmt: skip
    curves = [
        np.array([p.chi2() + e for p, e in zip(row, s.extra, strict=True)])
        for row, s in zip(profiles, many, strict=True)
    ]
    densities = [
        np.array([p.log_density() - 0.5 * e for p, e in zip(row, s.extra, strict=True)])
        for row, s in zip(profiles, many, strict=True)
    ]
    least = [curve.min(axis=0) for curve in curves]
    # the thicknesses are chosen by evidence; a chi-square alone may tie
    picks = [int(np.argmax(_log_evidence(densities, i))) for i in range(len(many))]
    joint = np.sum([curve[pick] for curve, pick in zip(curves, picks, strict=True)], axis=0)
    k = int(np.argmin(joint))
    sigma, curvature_unc = float(np.exp(lowest(grid, joint, k))), _curvature_unc(grid, joint, k)
    ends = interval_of(grid, joint)
    closed = bool(np.all(np.isfinite(ends)))
    stat = float(sigma * max(curvature_unc, 0.5 * (ends[1] - ends[0]) if closed else np.inf))
    identifiable = closed and stat < IDENTIFIABLE * sigma
    averages = [average(profiles[i], s.extra, sigma, ends, _rest(densities, i)) for i, s in enumerate(many)]
    # whichever the thicknesses
    of = averages[0]
    stat = max(stat, of.cross_section_unc) if np.isfinite(stat) else of.cross_section_unc
    points, free = sum(s.points for s in many), len(many) + 1
    penalty = 2.0 * free * (1.0 + (free + 1) / (points - free - 1)) if points > free + 1 else np.nan
    rows = [_sample(s, i, picks[i], curves, averages[i], grid) for i, s in enumerate(many)]
    separate = float(sum(one.min() for one in least))
    sharing = (
        float(chi2_distribution.sf(max(float(np.sum(least, axis=0).min()) - separate, 0.0), len(many) - 1))
        if len(many) > 1
        else np.nan
    )
    for row in rows:
        row["monolayers_aicc"] = row["monolayers_chi2"] + penalty
    reasons = doubts + _reasons(many, rows, identifiable, sharing, float(joint[k]), points - len(many) - 1)
    if identifiable and (doubt := budget.implausible(sigma)):
        reasons.append(doubt)
    scale = dose_scale_unc * sigma
    nan = float("nan")
    known = identifiable
    unit = "cm2"
    low_end, high_end = of.cross_section_range
    lower, upper = sigma - float(np.hypot(sigma - low_end, scale)), sigma + float(np.hypot(high_end - sigma, scale))
    return removal_table(
        many, rows, tables,
        {
            "removal_cross_section": (sigma if known else nan, unit, "Removal cross-section of a layer"),
            "removal_cross_section_unc": (
                float(np.hypot(stat, scale)) if known else nan, unit, "Its standard uncertainty"),
            "removal_cross_section_stat_unc": (stat if known else nan, unit, "Part of it without the dose scale"),
            "removal_cross_section_low": (lower if known else nan, unit, "Lower end of its 68 % interval"),
            "removal_cross_section_high": (upper if known else nan, unit, "Upper end of its 68 % interval"),
            "chi2": (float(joint[k]), "1", "Chi-square of the joint fit"),
            "dof": (float(points - len(many) - 1), "1", "Degrees of freedom"),
            "sharing_p_value": (sharing, "1", "Chance of what one cross-section for all costs"),
        },
        identifiable, reasons,
        {"start_dose": float(start_dose), "interval": str(interval).lower(), "dose_scale_unc": float(dose_scale_unc),
         "monolayer": float(monolayer)},
    )  # fmt: skip


def _log_evidence(densities: list[Array], i: int) -> Array:
    """Return the logarithm of the evidence of each thickness of sample `i`, shape (layers,), up to a constant."""
    return np.asarray(logsumexp(densities[i] + _rest(densities, i), axis=1))


def _rest(densities: list[Array], i: int) -> Array:
    """Return the logarithm of the likelihood of each cross-section by the other samples, shape (g,)."""
    rest = [logsumexp(one, axis=0) for j, one in enumerate(densities) if j != i]
    return np.sum(rest, axis=0) if rest else np.zeros(densities[i].shape[1])


def _curvature_unc(grid: Array, curve: Array, k: int) -> float:
    """Return the standard uncertainty of ln(sigma) by the curvature at the minimum."""
    if not 0 < k < grid.size - 1:
        return np.inf
    second = (curve[k + 1] - 2.0 * curve[k] + curve[k - 1]) / (grid[1] - grid[0]) ** 2
    return float(np.sqrt(2.0 / second)) if second > 0 else np.inf


def _sample(
    one: Series,
    i: int,
    best: int,
    curves: list[Array],
    of: Average,
    grid: Array,
) -> dict[str, Any]:
    """Return what the joint fit says about one sample."""
    others = [curve.min(axis=0) for j, curve in enumerate(curves) if j != i]
    rest = np.sum(others, axis=0) if others else np.zeros(grid.size)
    totals = np.min(curves[i] + rest, axis=1)
    allowed = [j for j in range(totals.size) if totals[j] - totals.min() <= NOT_EXCLUDED or j == best]
    chi2, probability = np.full((2, len(LAYERS)), np.nan)
    at = [LAYERS.index(n) for n in one.layers]
    chi2[at], probability[at] = totals, of.probability
    alone = curves[i].min(axis=0)
    return {
        "zero_dose_coverage": of.zero_dose, "zero_dose_coverage_unc": of.zero_dose_unc,
        "zero_dose_coverage_low": of.zero_dose_range[0], "zero_dose_coverage_high": of.zero_dose_range[1],
        "monolayers": one.layers[best], "monolayers_chi2": chi2, "monolayers_probability": probability,
        "not_excluded": tuple(one.layers[j] for j in allowed),
        "own_cross_section": float(np.exp(grid[int(np.argmin(alone))])),
    }  # fmt: skip


def _reasons(
    many: list[Series], rows: list[dict[str, Any]], identifiable: bool, sharing: float, chi2: float, dof: int
) -> list[str]:
    reasons: list[str] = []
    if not identifiable:
        reasons.append("ambiguous: the doses do not determine a removal cross-section, not identifiable")
    for one, row in zip(many, rows, strict=True):
        if len(row["not_excluded"]) > 1:
            reasons.append(
                f"ambiguous: films of {', '.join(map(str, row['not_excluded']))} monolayers fit alike ({one.name})"
            )
    if sharing < IMPROBABLE:
        reasons.append(f"sharing improbable: one removal cross-section for all, chance {sharing:.1g}")
    if dof > 0 and chi2_distribution.sf(chi2, dof) < IMPROBABLE:
        reasons.append(
            f"model inadequate: the dose model leaves a chi-square of {chi2:.1f} for {dof} degrees of freedom"
        )
    return reasons
