"""Sensitivity factors as a table."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.fitting.verdict import verdict_of

Array = NDArray[np.float64]


def yields_table(
    elements: list[str],
    values: Array,
    covariance: Array,
    reasons: list[str],
    chi2: float,
    dof: int,
    attrs: dict[str, str | float],
) -> xr.Dataset:
    """Lay factors, shape (element,), and their covariance out as a Dataset of kind ``table``."""
    one = {"units": "1"}
    unc = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    return xr.Dataset(
        {
            "sensitivity": ("element", values, {**one, "long_name": "Sensitivity factor",
                                                "ancillary_variables": "sensitivity_unc"}),
            "sensitivity_unc": ("element", unc, {**one, "long_name": "Standard uncertainty of the factor"}),
            "covariance": (("element", "element_b"), covariance, {**one, "long_name": "Covariance of the factors"}),
            "chi2": ((), chi2, {**one, "long_name": "Chi-square of the references"}),
            "dof": ((), dof, {**one, "long_name": "Degrees of freedom"}),
            "verdict": ((), verdict_of(reasons) if reasons else "ok", {"long_name": "Verdict"}),
            "reasons": ((), "; ".join(reasons), {"long_name": "Reasons"}),
        },
        coords={"element": np.array(elements), "element_b": np.array(elements)},
        attrs={"kind": "table", "technique": "LEIS", **attrs},
    )  # fmt: skip
