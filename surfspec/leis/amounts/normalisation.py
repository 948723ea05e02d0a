r"""Peak areas divided by the summed area of all detected elements, some of them left out of the sum.

.. math:: r_j = \frac{A_j/s_j}{T}, \qquad T = \sum_{k\,\text{detected},\,k\notin\text{excluded}} A_k/s_k

An excluded element (sodium, which the beam removes faster than the rest) is divided by the same sum, and can exceed 1.
The uncertainty comes from the full covariance of the areas. Over several analysed spots of one sample the mean, the
standard deviation and Student's interval are given. Normalised areas are not linear in coverage: use
:func:`surfspec.leis.coverage` for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm, t

from surfspec import spectra
from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.uncertainty import fractions
from surfspec.fitting.verdict import require
from surfspec.leis.amounts.detection import (
    LEVEL,
    blank_p_value,
    blank_shares,
    check_level,
    likelihood_ratios,
    p_value,
    recipe_of,
    shares,
)

Array = NDArray[np.float64]

CONFIDENCE = 0.95
#: Standard uncertainty of a normalised area by the spectral model (peak against shoulder), which neither counting nor
#: the scatter between spots shows: the mean error of 300 normalised areas fitted to simulated oxide spectra.
MODEL_UNCERTAINTY = 0.01


def normalise(
    fit: xr.Dataset,
    *,
    exclude: Sequence[str] = (),
    spot_dim: str = "spot",
    sensitivity: Mapping[str, float] | None = None,
    blanks: Mapping[str, xr.Dataset] | None = None,
    level: float = LEVEL,
    model_uncertainty: float = MODEL_UNCERTAINTY,
    force: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Divide peak areas by the summed area of all detected elements.

    An element counts as detected when the likelihood ratio, summed over the spots, is improbable without it
    (:mod:`surfspec.leis.amounts.detection`) *and* its normalised area exceeds zero by its total standard uncertainty,
    model included. The others leave the sum, and have an upper limit. The `p_value` is the largest of the tests, so an
    element that is not there is called detected with a chance of at most `level`, as far as the uncertainties hold,
    and a detected one always has a value above ``norm.isf(level)`` standard uncertainties.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.
    exclude
        Elements left out of the sum, such as ``("Na",)``; they are still divided by it.
    spot_dim
        Dimension of equivalent analysed areas, over which to average; need not be there.
    sensitivity
        Divide the area of an element by this factor first; 1 for elements not named.
    blanks
        By element, the fit of a sample without it; see :func:`surfspec.leis.detect`.
    level
        Chance of calling an element detected that is not there.
    model_uncertainty
        Standard uncertainty of a normalised area by the spectral model, added to that of the mean and of the interval;
        equal for all spots (:data:`MODEL_UNCERTAINTY`).
    force
        Use members whose fit failed.
    progress
        Called with the number of spectra done and their total.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``. Without the spots, over (..., element), all 1: ``normalised_area`` (mean over spots),
        ``normalised_area_unc`` (standard uncertainty: the larger of sd/sqrt(n) and that of the fits, and the model's),
        ``normalised_area_sd`` (n - 1), ``normalised_area_low`` and ``normalised_area_high`` (95 % interval),
        ``detected``, ``p_value``, ``upper_limit`` (NaN where detected). With them, over (..., spot, element):
        ``spot_normalised_area``, ``spot_normalised_area_unc`` and ``spot_covariance`` (..., spot, element, element_b).

    Raises
    ------
    InputError
        For an element that was not fitted, or when nothing is left to divide by.
    NotDeterminedError
        When a fit failed and `force` is not set.

    References
    ----------
    JCGM 100:2008 (GUM), sections 4.2 and 5.2.

    Examples
    --------
    >>> import surfspec as ss
    >>> energy = np.arange(900.0, 2850.0, 5.0)
    >>> counts = 20 + 900 * np.exp(-((energy - 1182) ** 2) / 800) + 300 * np.exp(-((energy - 2557) ** 2) / 800)
    >>> counts = np.random.default_rng(2).poisson(counts)
    >>> fit = ss.leis.fit(ss.spectrum(energy, counts, technique="LEIS"), ss.leis.Recipe(elements=("O", "Zr")))
    >>> ss.leis.normalise(fit).normalised_area.values.round(2).tolist()
    [0.74, 0.26]
    """
    recipe_of(fit)
    check_level(level)
    if not model_uncertainty >= 0:
        raise InputError(
            f"model uncertainty {model_uncertainty}", where="model_uncertainty", remedy="Give 0 or a positive number"
        )
    elements = [str(name) for name in fit["component"].values]
    included = _included(elements, exclude)
    factors = _factors(elements, sensitivity)
    failed = fit["verdict"].values == "failed"
    if np.any(failed):
        first = str(fit["reasons"].values[failed][0]) if fit["verdict"].ndim else str(fit["reasons"].values)
        require("failed", first, what="this normalisation", force=force)
    ratio = likelihood_ratios(fit, elements, progress=progress)
    dims = [str(d) for d in fit["chi2"].dims]
    # the spots come last before the element, and one is made up where there is none
    outer = [d for d in dims if d != spot_dim]
    has_spots = spot_dim in dims
    order = (*outer, *((spot_dim,) if has_spots else ()))
    area = fit["area"].transpose(*order, "component").values / factors
    matrix = fit["area_covariance"].transpose(*order, "component", "component_b").values / np.outer(factors, factors)
    q = xr.DataArray(ratio, dims=(*dims, "component")).transpose(*order, "component").values
    if not has_spots:
        area, matrix, q = area[..., None, :], matrix[..., None, :, :], q[..., None, :]
    usable = np.all(np.isfinite(area), axis=-1)
    members = np.maximum(usable.sum(axis=-1), 1)
    summed = np.where(usable[..., None], q, 0.0).sum(axis=-2)
    p = np.ones_like(summed)
    for count in np.unique(members):
        p[members == count] = p_value(summed[members == count], int(count))
    for name, blank in blank_shares(blanks, elements).items():
        i = elements.index(name)
        share, unc = (_with_spots(one, dims, order, has_spots) for one in shares(fit, name))
        for index in np.ndindex(*p.shape[:-1]):
            good = np.isfinite(share[index])
            if np.any(good):
                p[(*index, i)] = max(p[(*index, i)], blank_p_value(share[index][good], unc[index][good], blank))
    # leaving an element out of the sum raises the shares of the others only, so this ends after one round an element
    while True:
        detected = p < level
        values, covariance = _divided(area, matrix, detected & included, usable)
        mean, standard = _mean(values, covariance, model_uncertainty)[:2]
        exceeds = norm.sf(mean / np.where(standard > 0, standard, np.inf))
        lost = detected & (exceeds >= level) & (standard > 0)
        p = np.where(detected & (standard > 0), np.fmax(p, exceeds), p)
        if not np.any(lost):
            break
    return _table(
        fit,
        outer,
        spot_dim,
        elements,
        values,
        covariance,
        detected,
        p,
        level,
        tuple(exclude),
        has_spots,
        included,
        model_uncertainty,
    )


def _with_spots(values: Array, dims: list[str], order: tuple[str, ...], has_spots: bool) -> Array:
    ordered = xr.DataArray(values, dims=dims).transpose(*order).values
    return ordered if has_spots else ordered[..., None]


def _included(elements: list[str], exclude: Sequence[str]) -> NDArray[np.bool_]:
    if isinstance(exclude, str):
        raise InputError(f"exclude is the text {exclude!r}", where="exclude", remedy=f"Give a list: ({exclude!r},)")
    for name in exclude:
        if name not in elements:
            raise InputError(f"{name!r} was not fitted", where="exclude", remedy=f"Use {', '.join(elements)}")
    included = np.array([name not in exclude for name in elements])
    if not np.any(included):
        raise InputError("every element is excluded", where="exclude", remedy="Leave at least one in the sum")
    return included


def _factors(elements: list[str], sensitivity: Mapping[str, float] | None) -> Array:
    for name, value in (sensitivity or {}).items():
        if name not in elements:
            raise InputError(f"{name!r} was not fitted", where="sensitivity", remedy=f"Use {', '.join(elements)}")
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"sensitivity of {name} is {value}", where="sensitivity", remedy="Give a positive number")
    return np.array([float((sensitivity or {}).get(name, 1.0)) for name in elements])


def _divided(area: Array, matrix: Array, chosen: NDArray[np.bool_], usable: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return the shares of every spot, shape (..., spot, element), and their covariances; NaN where not usable."""
    values, covariance = np.full_like(area, np.nan), np.full_like(matrix, np.nan)
    for index in np.ndindex(*area.shape[:-1]):
        if usable[index]:
            values[index], covariance[index] = _divide(area[index], matrix[index], chosen[index[:-1]])
    return values, covariance


def _mean(values: Array, covariance: Array, model_uncertainty: float) -> tuple[Array, Array, Array, Array]:
    """Return mean over the spots, its standard uncertainty, standard deviation and half a 95 % interval."""
    unc = np.sqrt(np.maximum(np.einsum("...ii->...i", covariance), 0.0))
    count = np.sum(np.isfinite(values), axis=-2)
    some = np.maximum(count, 1)
    mean = np.where(count > 0, np.nansum(values, axis=-2) / some, np.nan)
    squares = np.nansum((values - mean[..., None, :]) ** 2, axis=-2)
    sd = np.where(count > 1, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)
    from_fits = np.sqrt(np.nansum(unc**2, axis=-2)) / some
    standard = np.where(count > 1, np.fmax(sd / np.sqrt(some), from_fits), from_fits)
    student = np.where(count > 1, t.ppf(0.5 + CONFIDENCE / 2, np.maximum(count - 1, 1)), norm.ppf(0.5 + CONFIDENCE / 2))
    half = np.where(count > 1, student * sd / np.sqrt(some), student * from_fits)
    by_model = norm.ppf(0.5 + CONFIDENCE / 2) * model_uncertainty
    return mean, np.hypot(standard, model_uncertainty), sd, np.hypot(half, by_model)


def _divide(area: Array, covariance: Array, chosen: NDArray[np.bool_]) -> tuple[Array, Array]:
    if not np.any(chosen) or not np.sum(area[chosen]) > 0:
        raise NotDeterminedError(
            "no element of the sum was detected",
            where="normalise",
            remedy="Check the energies of the recipe against the spectrum, or exclude fewer elements",
        )
    return fractions(area, covariance, chosen)


def _table(
    fit: xr.Dataset,
    outer: list[str],
    spot_dim: str,
    elements: list[str],
    values: Array,
    covariance: Array,
    detected: NDArray[np.bool_],
    p: Array,
    level: float,
    exclude: tuple[str, ...],
    has_spots: bool,
    included: NDArray[np.bool_],
    model_uncertainty: float,
) -> xr.Dataset:
    unc = np.sqrt(np.maximum(np.einsum("...ii->...i", covariance), 0.0))
    mean, standard, sd, half = _mean(values, covariance, model_uncertainty)
    limit = np.where(detected, np.nan, mean + norm.isf(level) * standard)
    top = (*outer, "element")
    one = {"units": "1"}

    def entry(dims: tuple[str, ...], data: Array, name: str, with_unc: str = "") -> tuple[tuple[str, ...], Array, dict]:  # type: ignore[type-arg]
        return dims, data, {**one, "long_name": name} | ({"ancillary_variables": with_unc} if with_unc else {})

    variables = {
        "normalised_area": entry(top, mean, "Normalised area", "normalised_area_unc"),
        "normalised_area_unc": entry(top, standard, "Standard uncertainty of the normalised area"),
        "normalised_area_sd": entry(top, sd, "Standard deviation between spots (n - 1)"),
        "normalised_area_low": entry(top, mean - half, "Lower end of the 95 % interval"),
        "normalised_area_high": entry(top, mean + half, "Upper end of the 95 % interval"),
        "detected": entry(top, detected.astype(np.int8), "1 where detected"),
        "p_value": entry(top, p, "Chance of so strong a signal without the element"),
        "upper_limit": entry(top, limit, f"Upper limit at {1 - level:.0%} where not detected"),
        "spot_count": entry(tuple(outer), usable_count(values).astype(np.float64), "Number of spots"),
    }
    spot = (*outer, spot_dim)
    if not has_spots:
        spot, values, unc, covariance = tuple(outer), values[..., 0, :], unc[..., 0, :], covariance[..., 0, :, :]
    variables["spot_normalised_area"] = entry(
        (*spot, "element"), values, "Normalised area of a spot", "spot_normalised_area_unc"
    )
    variables["spot_normalised_area_unc"] = entry((*spot, "element"), unc, "Its standard uncertainty by the fit")
    variables["spot_covariance"] = entry((*spot, "element", "element_b"), covariance, "Covariance of a spot")
    names = np.array(elements)
    allowed = {*outer, *((spot_dim,) if has_spots else ())}
    coords = {str(name): c for name, c in fit.coords.items() if set(map(str, c.dims)) <= allowed}
    return xr.Dataset(
        variables,
        coords={
            **coords, "element": names, "element_b": names,
            "in_sum": ("element", included.astype(np.int8), {**one, "long_name": "1 where in the sum if detected"}),
        },
        attrs={
            "kind": "table", "technique": "LEIS", "exclude": ", ".join(exclude), "level": float(level), "inputs": "fit",
            "model_uncertainty": float(model_uncertainty), **spectra.origin(fit),
        },
    )  # fmt: skip


def usable_count(values: Array) -> NDArray[np.int64]:
    """Return how many spots have values, over the leading dimensions of shape (..., spot, element).

    Examples
    --------
    >>> usable_count(np.array([[1.0, 2.0], [np.nan, np.nan]])).tolist()
    1
    """
    return np.asarray(np.sum(np.all(np.isfinite(values), axis=-1), axis=-1), dtype=np.int64)
