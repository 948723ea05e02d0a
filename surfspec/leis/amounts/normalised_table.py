"""Normalised areas as a table, and the rule they were made by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from surfspec import spectra
from surfspec.fitting.verdict import verdict_of
from surfspec.leis.amounts.spots import OverSpots

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Normalised:
    """Normalised areas as arrays.

    Attributes
    ----------
    elements
        Symbols.
    of
        What the spots say.
    standard, half
        Standard uncertainty and half the 95 % interval of the mean, the model's included, shape (..., element).
    values, covariance
        Of every spot, shapes (..., spot, element) and (..., spot, element, element).
    detected, p_value
        Shape (..., element).
    in_sum
        Which elements are not excluded, shape (element,).
    model
        Standard uncertainty by the model, shape (..., element).
    """

    elements: list[str]
    of: OverSpots
    standard: Array
    half: Array
    values: Array
    covariance: Array
    detected: NDArray[np.bool_]
    p_value: Array
    in_sum: NDArray[np.bool_]
    model: Array


def rule_of(level: float, exclude: tuple[str, ...], blanks: tuple[str, ...]) -> str:
    """Say in words which elements are in the sum.

    Examples
    --------
    >>> rule_of(0.05, ("Na",), ()).split(";")[0]
    'in the sum: detected elements but Na'
    """
    seen = f", and by the blank for {', '.join(blanks)}" if blanks else ""
    but = f" but {', '.join(exclude)}" if exclude else ""
    return (
        f"in the sum: detected elements{but}; detected: p < {level:g} by the "
        f"likelihood ratio over the spots and by the normalised area over its total standard uncertainty{seen}; "
        f"others: left out, upper limit at {1 - level:.0%}"
    )


def asked_of(blanks: tuple[str, ...]) -> str:
    """Say in a few words what an element had to show to be called detected.

    Examples
    --------
    >>> asked_of(("Si",))
    'likelihood, and value above its total uncertainty, and above the blank for Si'
    """
    seen = f", and above the blank for {', '.join(blanks)}" if blanks else ""
    return f"likelihood, and value above its total uncertainty{seen}"


def usable_count(values: Array) -> NDArray[np.int64]:
    """Return how many spots have values, over the leading dimensions of shape (..., spot, element).

    Examples
    --------
    >>> usable_count(np.array([[1.0, 2.0], [np.nan, np.nan]])).tolist()
    1
    """
    return np.asarray(np.sum(np.all(np.isfinite(values), axis=-1), axis=-1), dtype=np.int64)


def normalised_table(
    fit: xr.Dataset,
    found: Normalised,
    *,
    outer: tuple[str, ...],
    spot_dim: str,
    level: float,
    exclude: tuple[str, ...],
    model_uncertainty: Array,
    blanks: tuple[str, ...],
    reasons: list[str],
) -> xr.Dataset:
    """Lay the arrays out as a Dataset of kind ``table``; `spot_dim` is empty where there are no spots."""
    of = found.of
    limit = np.where(found.detected, np.nan, of.mean + norm.isf(level) * found.standard)
    top = (*outer, "element")

    def entry(dims: tuple[str, ...], data: Array, name: str, with_unc: str = "") -> tuple[Any, ...]:
        return (
            dims,
            data,
            {"units": "1", "long_name": name} | ({"ancillary_variables": with_unc} if with_unc else {}),
        )

    variables = {
        "normalised_area": entry(top, of.mean, "Normalised area", "normalised_area_unc"),
        "normalised_area_unc": entry(top, found.standard, "Standard uncertainty of the normalised area"),
        "normalised_area_sd": entry(top, of.sd, "Standard deviation between spots (n - 1)"),
        "normalised_area_sd_low": entry(top, of.sd_low, "Lower end of the 95 % interval of that standard deviation"),
        "normalised_area_sd_high": entry(top, of.sd_high, "Upper end of the 95 % interval of that standard deviation"),
        "normalised_area_low": entry(top, of.mean - found.half, "Lower end of the 95 % interval"),
        "normalised_area_high": entry(top, of.mean + found.half, "Upper end of the 95 % interval"),
        "between_spot_sd": entry(
            top, of.between, "Standard deviation between spots beyond that of the fits", "between_spot_sd_unc"
        ),
        "between_spot_sd_unc": entry(top, of.between_unc, "Half the 68 % interval of the deviation between spots"),
        "between_spot_sd_low": entry(top, of.between_low, "Lower end of the 95 % interval of the deviation"),
        "between_spot_sd_high": entry(top, of.between_high, "Upper end of the 95 % interval of the deviation"),
        "model_unc": entry(top, np.broadcast_to(found.model, of.mean.shape), "Standard uncertainty by the model"),
        "detected": entry(top, found.detected.astype(np.int8), "1 where detected"),
        "p_value": entry(top, found.p_value, "Chance of so strong a signal without the element"),
        "upper_limit": entry(top, limit, f"Upper limit at {1 - level:.0%} where not detected"),
        "spot_count": entry(outer, usable_count(found.values).astype(np.float64), "Number of spots"),
    }
    variables["verdict"] = ((), verdict_of(reasons) if reasons else "ok", {"long_name": "Verdict"})
    variables["reasons"] = ((), "; ".join(reasons), {"long_name": "Reasons"})
    values, covariance = found.values, found.covariance
    spot = (*outer, spot_dim) if spot_dim else outer
    if not spot_dim:
        values, covariance = values[..., 0, :], covariance[..., 0, :, :]
    unc = np.sqrt(np.maximum(np.einsum("...ii->...i", covariance), 0.0))
    variables["spot_normalised_area"] = entry(
        (*spot, "element"), values, "Normalised area of a spot", "spot_normalised_area_unc"
    )
    variables["spot_normalised_area_unc"] = entry((*spot, "element"), unc, "Its standard uncertainty by the fit")
    variables["spot_covariance"] = entry((*spot, "element", "element_b"), covariance, "Covariance of a spot")
    names = np.array(found.elements)
    coords = {str(name): c for name, c in fit.coords.items() if set(map(str, c.dims)) <= set(spot)}
    in_sum = ("element", found.in_sum.astype(np.int8), {"units": "1", "long_name": "1 where in the sum if detected"})
    alike = bool(np.all(model_uncertainty == model_uncertainty[0]))
    stated: float | str = (
        float(model_uncertainty[0])
        if alike
        else ", ".join(f"{name} {value:g}" for name, value in zip(found.elements, model_uncertainty, strict=True))
    )
    return xr.Dataset(
        variables,
        coords={**coords, "element": names, "element_b": names, "in_sum": in_sum},
        attrs={
            "kind": "table", "technique": "LEIS", "exclude": ", ".join(exclude), "level": float(level), "inputs": "fit",
            "model_uncertainty": stated, "rule": rule_of(level, exclude, blanks),
            "asked": asked_of(blanks), "fit_recipe": str(fit.attrs["recipe"]), **spectra.origin(fit),
        },
    )  # fmt: skip
