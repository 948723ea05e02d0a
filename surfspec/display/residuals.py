"""What a fit leaves over, and how far each point scatters: the numbers of residual strips and error bars."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.display import labels
from surfspec.display.text import unit_text
from surfspec.errors import InputError


def residual_of(member: xr.Dataset) -> tuple[NDArray[np.float64], str]:
    """Return the residuals of one fit and the name of their axis.

    Counts: sign(y - m) sqrt(2 [m - y + y ln(y/m)]), standard normal for many counts; given uncertainties u: (y - m)/u;
    unknown statistics: y - m in the unit of the intensity.

    References
    ----------
    Deviance residuals of Poisson counts: P. McCullagh, J. A. Nelder, Generalized Linear Models, 2nd ed. (1989), 2.4.3.
    """
    y, model = member["intensity"].values, member["model"].values
    statistics = labels.statistics_of(member)
    if statistics == "given" and "intensity_unc" in member:
        return (y - model) / member["intensity_unc"].values, "Res. (σ)"
    if statistics == "poisson":
        mean = np.where(model > 0, model, np.nan)
        log_term = np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0) / mean), 0.0)
        return np.sign(y - mean) * np.sqrt(np.maximum(2 * (mean - y + log_term), 0.0)), "Res. (σ)"
    unit = unit_text(str(member["intensity"].attrs.get("units", "1")))
    return y - model, f"Res. ({unit})" if unit else "Res."


def point_unc(member: xr.Dataset) -> NDArray[np.float64]:
    """Return the standard uncertainty of each point of a spectrum or fit.

    Given uncertainties as they are; for counts the root of the expected counts, which are those of the model where
    there is one, else the measured ones.

    Raises
    ------
    InputError
        When the statistics are unknown.
    """
    statistics = labels.statistics_of(member)
    if statistics == "given" and "intensity_unc" in member:
        return np.asarray(member["intensity_unc"].values, dtype=np.float64)
    if statistics == "poisson":
        expected = member["intensity"].values
        if "model" in member:
            expected = np.where(np.isfinite(member["model"].values), member["model"].values, expected)
        return np.asarray(np.sqrt(np.clip(expected, 0.0, None)), dtype=np.float64)
    raise InputError(
        "the counting statistics of these data are unknown",
        where="error_bars",
        remedy="Leave error_bars out, or give dwell time and scans so that the rate becomes counts",
    )
