r"""How the signal of one element settles under the beam: preferential loss, mixing, removal down to a plateau.

.. math:: c(D) = c_\infty + (c_0 - c_\infty)\,e^{-\sigma D}

averaged over the dose interval of each spectrum, :math:`\bar c_k = c_0 m_k + c_\infty(1 - m_k)` with
:math:`m_k = (e^{-\sigma D_{k-1}} - e^{-\sigma D_k})/(\sigma\,\Delta D)`. At a given :math:`\sigma` that is linear,
and the chi-square is computed exactly over a grid of :math:`\ln\sigma`. Few doses at a small one do not tell a
plateau from a slow decay: then nothing but the fitted curve is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import chdtrc

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.fitting.verdict import IMPROBABLE, require, verdict_of
from surfspec.given import number, switch
from surfspec.leis.amounts.checks import mapping
from surfspec.leis.amounts.checks import names as checked_names
from surfspec.leis.film import budget
from surfspec.leis.film.dose import check_doses
from surfspec.leis.film.dose_axis import numbers_of, rising
from surfspec.leis.film.relaxation_fit import NOT_CONSTANT, Relaxation, fit_relaxation
from surfspec.leis.film.spot_effects import spot_mean

Array = NDArray[np.float64]

#: Unit of the dose and that of the cross-section.
RECIPROCAL: Final = {"ions/cm2": "cm2", "s": "s-1", "1": "1", "cycle": "1"}
#: Units of a count of spectra.
COUNTS: Final = ("1", "cycle")


def relaxation(
    data: xr.Dataset,
    *,
    elements: Sequence[str] | None = None,
    end: Mapping[str, float | tuple[float, float]] | None = None,
    interval: bool = True,
    start_dose: float = 0.0,
    dose_scale_unc: float = 0.0,
    dose_dim: str = "dose",
    spot_dim: str = "spot",
) -> xr.Dataset:
    r"""Find start, plateau and cross-section with which the signal of each element settles under the beam.

    Parameters
    ----------
    data
        What :func:`surfspec.leis.normalise` returned, or :func:`surfspec.leis.fit` (then the areas are used). One
        series over `dose_dim`, with spots or without; spots share the cross-section.
    elements
        Which; all by default.
    end
        Plateau of an element where it is known, from the end of a long series or a depth profile: its value, or value
        and standard uncertainty. By default it is free.
    interval
        Average over the dose interval of each spectrum.
    start_dose
        Dose before the first spectrum.
    dose_scale_unc
        Relative standard uncertainty of the dose scale; it goes on the cross-section alone.
    dose_dim
        Dimension of the series, in any order. Its coordinate is the dose at the end of each spectrum (ions/cm2), or the
        time (s); without one, spectra are counted, each an interval of 1, and a count that begins at 0 is taken for
        that of the spectra before.
    spot_dim
        Dimension of equivalent spots.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``, over ``element``: ``start`` and ``end`` with ``_unc`` (of the unit of the data),
        ``end_fraction`` (end over start) with ``_unc``, ``cross_section`` (cm2) with ``_unc``, ``_low`` and ``_high``
        (68 % profile likelihood), over an axis that is no dose ``rate`` instead (the reciprocal unit of the series),
        ``chi2``, ``constant_chi2``, ``dof``, ``widening``, ``identifiable``, ``verdict`` and ``reasons``; over (series,
        element) ``curve``. NaN where the series does not determine a number. Where the chi-square is improbably large a
        reason says so, and uncertainties are wider by ``widening``, the root of the reduced chi-square.

    Raises
    ------
    InputError
        For other data, an unknown element, fewer than four spectra with a free plateau, or doses that do not rise.
    NotDeterminedError
        When a fit failed.

    References
    ----------
    Birge, Phys. Rev. 40 (1932) 207 (widening).

    Examples
    --------
    >>> from surfspec.leis.film.relaxation_fit import decay
    >>> edges = np.arange(21.0)
    >>> m = decay(0.17, edges)
    >>> noise = np.random.default_rng(1).normal(0.0, 300.0, 20)
    >>> unit = {"units": "counts eV", "long_name": "Area"}
    >>> table = xr.Dataset(
    ...     {"normalised_area": (("time", "element"), (2e4 * m + 4e3 * (1 - m) + noise)[:, None], unit),
    ...      "normalised_area_unc": (("time", "element"), np.full((20, 1), 300.0), unit)},
    ...     coords={"element": ["Ag"]}, attrs={"kind": "table", "technique": "LEIS"})
    >>> found = relaxation(table, dose_dim="time")
    >>> bool(abs(found.rate[0] - 0.17) < 3 * found.rate_unc[0])
    True
    """
    if not isinstance(data, xr.Dataset):
        raise InputError(
            f"data is a {type(data).__name__}", where="data", remedy="Pass what surfspec.leis.normalise returned"
        )
    number(start_dose, "start_dose", low=0.0)
    number(dose_scale_unc, "dose_scale_unc", low=0.0, high=10.0)
    switch(interval, "interval")
    data = rising(data, dose_dim)
    values, unit, names, common = _values(data, elements, dose_dim, spot_dim)
    edges, dose_unit = _edges(data, dose_dim, values[0][0].shape[-1], start_dose)
    given = mapping(end, names, "end", "Give the plateau by element, or it and its standard uncertainty")
    known = {name: _pair(name, value) for name, value in given.items()}
    dosed = dose_unit == "ions/cm2"
    columns: dict[str, list[float]] = {name: [] for name in (*_MEANING, *_FIT)}
    curves, verdicts, reasons, flags = [], [], [], []
    for name, (seen, unc) in zip(names, values, strict=True):
        over = spot_mean(seen, unc)
        if not np.all(np.isfinite(over.mean)):
            raise InputError(
                f"{name} has no value at {int(np.isnan(over.mean).sum())} of the spectra",
                where="data",
                remedy=f"Leave those out: .isel({dose_dim}=[...])",
            )
        free = name not in known
        if over.mean.size < 3 + int(free):
            raise InputError(
                f"{over.mean.size} spectra cannot determine {3 if free else 2} numbers and be tested",
                where=dose_dim,
                remedy="Measure more, or give the plateau: end={...}",
            )
        matrix = over.covariance + common**2
        dof = over.mean.size - 2 - int(free)
        found = first = fit_relaxation(edges, over.mean, matrix, end=known.get(name), interval=interval)
        widening, why = 1.0, []
        if float(chdtrc(dof, first.chi2)) < IMPROBABLE:
            widening = float(np.sqrt(first.chi2 / dof))
            found = fit_relaxation(edges, over.mean, widening**2 * matrix, end=known.get(name), interval=interval)
            why.append(
                f"chi-square improbable: {first.chi2:.4g} for {dof} degrees of freedom, uncertainties widened "
                f"{widening:.2g} times"
            )
        why += [] if found.identifiable else [_why(found)]
        if found.identifiable and dosed and (doubt := budget.implausible(float(np.exp(found.values[2])), name=name)):
            why.append(doubt)
        _fill(columns, found, dose_scale_unc)
        for key, value in zip(_FIT, (first.chi2, first.constant_chi2, float(dof), widening), strict=True):
            columns[key].append(value)
        curves.append(found.fitted)
        reasons.append("; ".join(why))
        verdicts.append(verdict_of(why))
        flags.append(int(found.identifiable))
    variables: dict[str, object] = {}
    for key, text in _MEANING.items():
        own = {"start": unit, "end": unit, "end_fraction": "1"}.get(key.removesuffix("_unc"), RECIPROCAL[dose_unit])
        label = key if dosed else key.replace("cross_section", "rate")
        meta = {"units": own, "long_name": text if dosed else text.replace(*_RATE)}
        variables[label] = ("element", np.array(columns[key]), meta | (
            {"ancillary_variables": f"{label}_unc"} if f"{key}_unc" in _MEANING else {}))  # fmt: skip
    for key, text in _FIT.items():
        variables[key] = ("element", np.array(columns[key]), {"units": "1", "long_name": text})
    variables |= {
        "curve": ((dose_dim, "element"), np.stack(curves, axis=1), {"units": unit, "long_name": "Fitted relaxation"}),
        "identifiable": ("element", np.array(flags), {"units": "1", "long_name": "1 where the numbers are"}),
        "verdict": ("element", np.array(verdicts)),
        "reasons": ("element", np.array(reasons)),
    }
    coords = {dose_dim: data[dose_dim]} if dose_dim in data.coords else {}
    table = xr.Dataset(
        variables, coords={**coords, "element": names},
        attrs={"kind": "table", "technique": "LEIS", "inputs": str(data.attrs["kind"]), "start_dose": float(start_dose),
               "interval": str(interval).lower(), "dose_scale_unc": float(dose_scale_unc),
               "fixed_ends": ", ".join(sorted(known)), **spectra.origin(data)},
    )  # fmt: skip
    return schema.check(table, "table")


_MEANING: Final = {
    "start": "Value before any dose",
    "start_unc": "Its standard uncertainty",
    "end": "Plateau",
    "end_unc": "Its standard uncertainty",
    "end_fraction": "Plateau over start",
    "end_fraction_unc": "Its standard uncertainty",
    "cross_section": "Cross-section of the relaxation",
    "cross_section_unc": "Its standard uncertainty",
    "cross_section_low": "Lower end of its 68 % interval",
    "cross_section_high": "Upper end of its 68 % interval",
}
_RATE: Final = ("Cross-section", "Rate")
_FIT: Final = {
    "chi2": "Chi-square",
    "constant_chi2": "Chi-square of a constant",
    "dof": "Degrees of freedom",
    "widening": "Factor on the uncertainties by the scatter about the curve",
}


def _fill(columns: dict[str, list[float]], found: Relaxation, scale: float) -> None:
    """Append the numbers of one element."""
    start, plateau, log_sigma = found.values.tolist()
    sigma = float(np.exp(log_sigma))
    errors = np.sqrt(np.maximum(np.diag(found.covariance), 0.0))
    ratio = plateau / start if start > 0 else np.nan
    gradient = np.array([-ratio, 1.0]) / start if start > 0 else np.full(2, np.nan)
    ratio_unc = float(np.sqrt(gradient @ found.covariance[:2, :2] @ gradient))
    low, high = found.interval
    numbers = (
        start, errors[0], plateau, errors[1], ratio, ratio_unc, sigma, float(np.hypot(errors[2], scale)) * sigma,
        sigma - float(np.hypot(sigma - low, scale * sigma)), sigma + float(np.hypot(high - sigma, scale * sigma)),
    )  # fmt: skip
    for key, value in zip(_MEANING, numbers, strict=True):
        columns[key].append(float(value) if found.identifiable else np.nan)


def _why(found: Relaxation) -> str:
    if found.constant_chi2 - found.chi2 <= NOT_CONSTANT:
        return "ambiguous: a constant describes the series as well, start and cross-section are not identifiable"
    return (
        "ambiguous: a slow decay and a plateau look alike at these doses, not identifiable; fix the plateau with end="
    )


def _pair(name: str, value: float | tuple[float, float]) -> tuple[float, float]:
    parts = list(value) if isinstance(value, tuple | list) else [value, 0.0]
    if len(parts) != 2:
        raise InputError(f"the plateau of {name} is {value}", where="end", remedy="Give it, or it and its uncertainty")
    return number(parts[0], "end", low=0.0), number(parts[1], "end", low=0.0)


def _edges(data: xr.Dataset, dose_dim: str, count: int, start_dose: float) -> tuple[Array, str]:
    """Return the ends of the intervals, shape (k + 1,), and the unit of the dose."""
    if dose_dim not in data.coords:
        return np.arange(count + 1.0), "1"
    ends = numbers_of(data, dose_dim)
    told = data[dose_dim].attrs.get("units")
    unit = "1" if told is None else str(told)
    if unit not in RECIPROCAL or (told is None and data[dose_dim].dtype.kind == "f"):
        raise InputError(
            f"{dose_dim} is in {unit!r}" if told is not None else f"{dose_dim} has no units",
            where=dose_dim,
            remedy=f'Name them in {dose_dim}.attrs["units"]: "ions/cm2" for a dose, "s" for a time, "1" for a count',
        )
    if unit in COUNTS and start_dose == 0 and ends[0] == 0:
        ends = ends + 1.0  # how many spectra came before, rather than with it
    return check_doses(ends, start_dose), unit


def _values(
    data: xr.Dataset, elements: Sequence[str] | None, dose_dim: str, spot_dim: str
) -> tuple[list[tuple[Array, Array]], str, list[str], float]:
    """Return values and uncertainties (spot, dose) of each element, their unit, the names, and an error all share."""
    kind = schema.kind_of(data)
    common = 0.0
    if kind == "fit":
        failed = data["verdict"].values == "failed"
        if np.any(failed):
            require("failed", str(np.ravel(data["reasons"].values)[np.ravel(failed)][0]), what="this relaxation")
        value, unc, label = data["area"], data["area_unc"], "component"
    elif kind == "table" and "spot_normalised_area" in data and spot_dim in data["spot_normalised_area"].dims:
        value, unc, label = data["spot_normalised_area"], data["spot_normalised_area_unc"], "element"
        told = data.attrs.get("model_uncertainty", 0.0)
        common = float(told) if isinstance(told, int | float) else 0.0
    elif kind == "table" and "normalised_area" in data:
        value, unc, label = data["normalised_area"], data["normalised_area_unc"], "element"
    else:
        raise InputError(
            f"a {kind} without areas",
            where="data",
            remedy="Pass what surfspec.leis.fit or surfspec.leis.normalise returned",
        )
    names = [str(name) for name in value[label].values]
    if elements is not None:
        checked_names(elements, names, "elements", least=1)
    chosen = names if elements is None else [str(name) for name in elements]
    foreign = [str(d) for d in value.dims if d not in (dose_dim, spot_dim, label)]
    if foreign or dose_dim not in value.dims:
        raise InputError(
            f"the data run over {', '.join(map(str, value.dims))}",
            where="data",
            remedy=f"Select one series over {dose_dim}, with {spot_dim} or without, or name its dimension: "
            f'dose_dim="{foreign[0] if foreign else "..."}"',
        )
    order = (spot_dim, dose_dim, label)

    def arranged(one: xr.DataArray) -> Array:
        one = one if spot_dim in one.dims else one.expand_dims(spot_dim)
        return np.asarray(one.transpose(*order).values, dtype=np.float64)

    x, u = arranged(value), arranged(unc)
    at = [names.index(name) for name in chosen]
    return [(x[..., i], u[..., i]) for i in at], str(value.attrs["units"]), chosen, common
