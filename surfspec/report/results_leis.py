"""The LEIS part of ``results.json``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from surfspec.report import layout
from surfspec.report.quantities import members, number, quantity, reasons_of, worst

#: Dimension of the series of a dose series.
DOSE = "dose"
#: Dimension of a sputter depth profile.
CYCLE = "cycle"
#: Parameter of the fits that is the common offset of the energy scale, eV.
OFFSET = "offset"


def leis(
    fit: xr.Dataset | None, tables: Mapping[str, xr.Dataset], missing: Sequence[tuple[str, str]]
) -> dict[str, Any]:
    """Return the results of the LEIS spectra of one sample.

    Parameters
    ----------
    fit
        Fit of all its spectra, over (spot, dose, ...) as measured; None where none could be made.
    tables
        Tables of the sample by name.
    missing
        What could not be determined, with the reason.
    """
    normalised = tables.get(layout.LEIS_NORMALISED)
    coverage = tables.get(layout.LEIS_COVERAGE)
    reasons = reasons_of(fit) if fit is not None else []
    verdicts = members(fit, "verdict") if fit is not None else ["failed"]
    if coverage is not None and "verdict" in coverage:
        verdicts += members(coverage, "verdict")
        reasons += reasons_of(coverage)
    edge = tables.get(layout.LEIS_THICKNESS)
    if edge is not None:
        verdicts += ["check" if verdict != "ok" else "ok" for verdict in members(edge, "verdict")]
        # the same doubt at several doses, with other numbers, is said once
        reasons += list({re.sub(r"[0-9.]+", "", reason): reason for reason in reversed(reasons_of(edge))}.values())
    judged = tables.get(layout.LEIS_ADEQUACY)
    if judged is not None:
        verdicts += members(judged, "verdict")
        reasons += reasons_of(judged)
    profile = tables.get(layout.LEIS_PROFILE)
    if profile is not None:
        verdicts += members(profile, "verdict")
        reasons += reasons_of(profile)
    noted = [text for name, text in missing if name.startswith("leis")]
    verdicts += ["check"] if noted else []
    reasons += noted
    return {
        "energy_offset": energy_offset(fit),
        "normalised_area": normalised_areas(normalised),
        "coverage": coverages(coverage),
        **({"depth_profile": depth_profile(profile), "bulk": bulk(profile)} if profile is not None else {}),
        "zero_dose_coverage": _scalar(coverage, "zero_dose_coverage", "1"),
        "removal_cross_section": _scalar(coverage, "removal_cross_section", "cm2"),
        "monolayers": _monolayers(coverage),
        "thickness": _scalar(coverage, "thickness", "nm"),
        "edge_thickness": edge_thicknesses(edge),
        "sputter_budget_nm": _budget(coverage),
        "verdict": worst(verdicts),
        "reasons": list(dict.fromkeys(reasons)),
    }


def energy_offset(fit: xr.Dataset | None) -> dict[str, Any] | None:
    """Return the offset of the energy scale that the fit found, where it had one for all spectra."""
    if fit is None or OFFSET not in fit["parameter"].values:
        return None
    values = np.ravel(fit["value"].sel(parameter=OFFSET).values)
    uncs = np.ravel(fit["value_unc"].sel(parameter=OFFSET).values)
    good = np.isfinite(values) & np.isfinite(uncs) & (uncs > 0)
    if not np.any(good):
        return None
    weight = 1 / uncs[good] ** 2
    mean = float(np.sum(weight * values[good]) / np.sum(weight))
    inner = float(1 / np.sum(weight))
    # The scatter between spectra counts where it exceeds the fits' own uncertainty (Birge ratio above one).
    spread = float(np.sum(weight * (values[good] - mean) ** 2) / max(1, values[good].size - 1))
    return quantity(mean, math.sqrt(inner * max(1.0, spread)), "eV")


def normalised_areas(table: xr.Dataset | None) -> dict[str, list[dict[str, Any]]]:
    """Return, for each element, one entry for each dose."""
    if table is None:
        return {}
    if DOSE not in table["normalised_area"].dims:
        table = table.expand_dims(DOSE) if DOSE in table.coords else table.expand_dims({DOSE: [math.nan]})
    extra = [dim for dim in table["normalised_area"].dims if dim not in (DOSE, "element")]
    if extra:
        return {}
    out: dict[str, list[dict[str, Any]]] = {}
    for element in table["element"].values:
        one = table.sel(element=element)
        out[str(element)] = [
            {
                "dose": number(one[DOSE].values[i]),
                "value": number(one["normalised_area"].values[i]),
                "unc": number(one["normalised_area_unc"].values[i]),
                "sd": number(one["normalised_area_sd"].values[i]),
                "detected": bool(one["detected"].values[i]),
                "p_value": number(one["p_value"].values[i]) if "p_value" in one else None,
            }
            for i in range(one.sizes[DOSE])
        ]
    return out


def coverages(table: xr.Dataset | None) -> list[dict[str, Any]]:
    """Return the coverage at each dose; a single one where the data are of one dose, null where that is not known."""
    if table is None:
        return []
    if table["coverage"].dims == ():
        table = table.expand_dims(DOSE) if DOSE in table.coords else table.expand_dims({DOSE: [math.nan]})
    if table["coverage"].dims != (DOSE,):
        return []
    return [
        {"dose": number(dose), "value": number(value), "unc": number(unc)}
        for dose, value, unc in zip(
            table[DOSE].values, table["coverage"].values, table["coverage_unc"].values, strict=True
        )
    ]


def edge_thicknesses(table: xr.Dataset | None) -> list[dict[str, Any]]:
    """Return the thickness by the in-depth edge at each dose, with its statistical part and whether there are patches.

    A single one where the data are of one dose; none where they are of several samples.
    """
    if table is None:
        return []
    if table["thickness"].dims == ():
        table = table.expand_dims(DOSE) if DOSE in table.coords else table.expand_dims({DOSE: [math.nan]})
    if table["thickness"].dims != (DOSE,):
        return []
    return [
        {
            "dose": number(one[DOSE].values),
            "value": number(one["thickness"].values),
            "unc": number(one["thickness_unc"].values),
            "stat_unc": number(one["thickness_stat_unc"].values),
            "patches": None if int(one["patches"].values) < 0 else bool(one["patches"].values),
        }
        for one in (table.isel({DOSE: i}) for i in range(table.sizes[DOSE]))
    ]


def depth_profile(table: xr.Dataset) -> dict[str, list[dict[str, Any]]]:
    """Return, for each element, one entry for each cycle of a depth profile; none for a table of several samples."""
    if table["normalised_area"].dims != (CYCLE, "element"):
        return {}
    return {
        str(element): [
            {
                "cycle": number(one[CYCLE].values[i]),
                "value": number(one["normalised_area"].values[i]),
                "unc": number(one["normalised_area_unc"].values[i]),
                "detected": bool(one["detected"].values[i]),
            }
            for i in range(one.sizes[CYCLE])
        ]
        for element in table["element"].values
        for one in (table.sel(element=element),)
    }


def bulk(table: xr.Dataset) -> dict[str, Any]:
    """Return the mean over the constant part of a depth profile, by element; null where there is none."""
    if table["bulk"].dims != ("element",):
        return {}
    return {
        str(table["element"].values[i]): quantity(table["bulk"].values[i], table["bulk_unc"].values[i], "1")
        for i in range(table.sizes["element"])
    }


def _scalar(table: xr.Dataset | None, name: str, unit: str) -> dict[str, Any] | None:
    if table is None or name not in table or table[name].ndim:
        return None
    return quantity(table[name].values, table[f"{name}_unc"].values, str(table[name].attrs.get("units", unit)))


def _monolayers(table: xr.Dataset | None) -> dict[str, Any]:
    if table is None or "monolayers" not in table or table["monolayers"].ndim:
        return {"value": None, "not_excluded": []}
    value = number(table["monolayers"].values)
    # A missing index is -1 by the convention of the data model.
    found = None if value is None or value < 0 else int(value)
    text = str(table["not_excluded"].values) if "not_excluded" in table else ""
    return {"value": found, "not_excluded": [int(part) for part in text.replace(",", " ").split()]}


def _budget(table: xr.Dataset | None) -> list[float | None] | None:
    """Return the least and most depth that all ions of the series can have removed, in nm."""
    if table is None or "sputter_budget" not in table:
        return None
    budget = table["sputter_budget"]
    if DOSE in budget.dims:
        budget = budget.isel({DOSE: -1})
    if budget.dims != ("bound",):
        return None
    return [number(budget.sel(bound="low").values), number(budget.sel(bound="high").values)]
