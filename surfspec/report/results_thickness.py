"""The film thickness by XPS in ``results.json``: one quantity, and what stands behind it."""

from __future__ import annotations

from typing import Any, Final

import xarray as xr

from surfspec.report.quantities import Q, number, quantity, reasons_of

#: Quantities of the detail and the variables of the table they come from.
DETAIL: Final = {
    "coverage": "coverage",
    "equivalent_thickness": "equivalent_thickness",
    "mean_thickness": "mean_thickness",
    "contamination": "contamination",
}


def thickness(table: xr.Dataset | None) -> Q:
    """Return the thickness of the film under the model that the study asked for; None where it is not determined."""
    if table is None:
        return None
    return quantity(table["thickness"].values, table["thickness_unc"].values, "nm")


def detail(table: xr.Dataset) -> dict[str, Any]:
    """Return model, limits, coverage, pulls of the lines and the curve of a thickness.

    Parameters
    ----------
    table
        As :func:`surfspec.xps.thickness` returned it.
    """
    out: dict[str, Any] = {
        "model": str(table.attrs["model"]),
        "film": str(table.attrs["film"]),
        "substrate": str(table.attrs["substrate"]),
        "attenuation": str(table.attrs["attenuation"]),
        "materials_verified": table.attrs["materials_verified"] == "yes",
        "limit_level": number(table.attrs["limit_level"]),
    }
    for key, name in DETAIL.items():
        unit = str(table[name].attrs["units"])
        out[key] = quantity(table[name].values, table[f"{name}_unc"].values, unit)
    for name in ("lower_limit", "upper_limit"):
        out[name] = number(table[name].values)
    out["budget_nm"] = {
        str(source): number(value) for source, value in zip(table["source"].values, table["budget"].values, strict=True)
    }
    out["pulls"] = {
        str(line): number(value) for line, value in zip(table["line"].values, table["pull"].values, strict=True)
    }
    pairs = zip(
        table["trial_coverage"].values, table["trial_thickness"].values, table["trial_chi2"].values, strict=True
    )
    out["curve"] = [{"coverage": number(c), "thickness": number(d), "chi2": number(x)} for c, d, x in pairs]
    out["chi2"], out["dof"] = number(table["chi2"].values), int(table["dof"].values)
    # What is not determined is null and to be looked at; it does not spoil the study.
    out["verdict"] = "ok" if str(table["verdict"].values) == "ok" else "check"
    out["reasons"] = reasons_of(table)
    return out
