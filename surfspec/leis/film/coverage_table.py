"""The numbers of several samples in one Dataset: what :func:`surfspec.leis.coverage` returns."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr

from surfspec.leis.film.layer_choice import LAYERS
from surfspec.leis.film.one_sample import SCALARS

#: Variables of the table and their long names.
OVER_DOSE: Final = {
    "coverage": "Coverage by the film",
    "coverage_unc": "Standard uncertainty of the coverage",
    "coverage_sd": "Standard deviation of the coverage between spots (n - 1)",
    "coverage_common_unc": "Part of its uncertainty that the references make common to all doses",
    "gain": "Intensity over that of the references",
    "gain_unc": "Standard uncertainty of the gain",
    "dose_model": "Coverage by the dose model",
}
OVER_LAYERS: Final = {
    "monolayers_chi2": "Chi-square of the dose model",
    "monolayers_aicc": "Akaike's criterion for small samples of the dose model, NaN for three doses",
    "monolayers_probability": "Posterior probability of the thickness",
}
CURVE: Final = {
    "curve": "Coverage at a dose, whichever the thickness",
    "curve_unc": "Its standard uncertainty",
}
OVER_SPOTS: Final = {
    "spot_coverage": "Coverage of a spot",
    "spot_coverage_unc": "Its standard uncertainty, references and spectral model included",
    "spot_gain": "Gain of a spot",
    "spot_gain_unc": "Its standard uncertainty",
    "spot_chi2": "Chi-square of two phases",
}


def coverage_table(
    results: list[dict[str, Any]], shape: tuple[int, ...], outer: tuple[str, ...], spot: str, dose: str, dims: list[str]
) -> xr.Dataset:
    """Stack the results of all samples.

    Parameters
    ----------
    results
        One of :func:`surfspec.leis.film.one_sample.one_sample` for each sample.
    shape, outer
        Lengths and names of the dimensions of samples.
    spot, dose, dims
        Names of the dimensions of spots and doses, and of those that are there.
    """
    has = [name in dims for name in (spot, dose)]

    def stack(name: str, inner: tuple[str, ...], meta: dict[str, str]) -> tuple[tuple[str, ...], Any, dict[str, str]]:
        values = np.stack([np.asarray(one[name]) for one in results])
        values = values.reshape(shape + values.shape[1:])
        # drop the axes that were made up, from the left, so that places counted from the right stay
        for i, axis in enumerate(inner):
            if axis in (spot, dose) and not has[(spot, dose).index(axis)]:
                values = np.take(values, 0, axis=i - len(inner))
        kept = tuple(n for n in inner if n not in (spot, dose) or n in dims)
        return (*outer, *kept), values, meta

    variables: dict[str, Any] = {}
    for name, long_name in OVER_DOSE.items():
        variables[name] = stack(name, (dose,), {"units": "1", "long_name": long_name} | _unc_of(name))
    for name, long_name in OVER_SPOTS.items():
        variables[name] = stack(name, (spot, dose), {"units": "1", "long_name": long_name} | _unc_of(name))
    for name, (unit, long_name) in SCALARS.items():
        variables[name] = stack(name, (), {"units": unit, "long_name": long_name} | _unc_of(name))
    variables["monolayers"] = stack(
        "monolayers", (), {"units": "monolayer", "long_name": "Film thickness, -1: unknown"}
    )
    variables["identifiable"] = stack("identifiable", (), {"units": "1", "long_name": "1 where the dose model is"})
    for name, long_name in OVER_LAYERS.items():
        variables[name] = stack(name, ("layers",), {"units": "1", "long_name": long_name})
    coords: dict[str, Any] = {"layers": np.array(LAYERS)}
    if has[1]:
        meta = {"units": "1", "long_name": "Covariance of the coverages"}
        variables["coverage_covariance"] = stack("coverage_covariance", (dose, f"{dose}_b"), meta)
        for name, long_name in CURVE.items():
            meta = {"units": "1", "long_name": long_name}
            meta |= {"ancillary_variables": "curve_unc"} if name == "curve" else {}
            variables[name] = stack(name, ("curve_dose",), meta)
        axis = np.asarray(results[0]["curve_dose"], dtype=np.float64)
        coords["curve_dose"] = ("curve_dose", axis, {"units": "ions/cm2", "long_name": "Dose"})
    for name in ("chi2", "dof"):
        variables[name] = stack(name, (), {"units": "1", "long_name": f"{name} of two phases"})
    for name in ("not_excluded", "statement", "verdict", "reasons"):
        variables[name] = stack(name, (), {})
    return xr.Dataset(variables, coords=coords)


def _unc_of(name: str) -> dict[str, str]:
    known = {**OVER_DOSE, **OVER_SPOTS, **SCALARS}
    return {"ancillary_variables": f"{name}_unc"} if f"{name}_unc" in known else {}
