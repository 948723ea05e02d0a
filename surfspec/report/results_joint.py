"""The film by XPS and LEIS together in ``results.json``."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import xarray as xr

from surfspec.report.quantities import number, quantity, reasons_of

#: Quantities of each technique in the detail, and the variables of the table they come from.
TECHNIQUE: Final = {
    "coverage": ("technique_coverage", "1"),
    "thickness": ("technique_thickness", "nm"),
    "equivalent_thickness": ("technique_equivalent_thickness", "nm"),
}


def joint(table: xr.Dataset | None) -> dict[str, Any]:
    """Return coverage, thickness and pulls of the joint estimate, and the detail where there is one.

    Parameters
    ----------
    table
        As :func:`surfspec.joint.film` returned it; None where none was made.
    """
    if table is None:
        return {"coverage": None, "thickness": None, "pulls": {}}
    return {
        "coverage": quantity(table["coverage"].values, table["coverage_unc"].values, "1"),
        "thickness": quantity(table["thickness"].values, table["thickness_unc"].values, "nm"),
        "pulls": {
            str(name): number(value) for name, value in zip(table["datum"].values, table["pull"].values, strict=True)
        },
        "detail": detail(table),
    }


def detail(table: xr.Dataset) -> dict[str, Any]:
    """Return what stands behind a joint estimate: cross-section, monolayers, agreement, each technique alone."""
    found = int(table["monolayers"].values)
    text = str(table["not_excluded"].values)
    probability = zip(table["layers"].values, table["monolayers_probability"].values, strict=True)
    return {
        "removal_cross_section": quantity(
            table["removal_cross_section"].values, table["removal_cross_section_unc"].values, "cm2"
        ),
        "monolayers": {
            "value": found if found > 0 else None,
            "not_excluded": [int(part) for part in text.split(", ") if part],
            "probability": {str(int(n)): number(p) for n, p in probability},
        },
        "inputs": str(table.attrs["inputs"]).split(", "),
        "techniques": {
            str(name): {
                key: quantity(one[variable].values, one[f"{variable}_unc"].values, unit)
                for key, (variable, unit) in TECHNIQUE.items()
            }
            for name in table["technique"].values
            for one in (table.sel(technique=name),)
        },
        "data": [
            {
                "name": str(table["datum"].values[i]),
                "unit": str(table["datum_unit"].values[i]),
                **{key: number(table[key].values[i]) for key in ("observed", "observed_unc", "predicted", "pull")},
            }
            for i in np.arange(table.sizes["datum"])
        ],
        "agreement": str(table["agreement"].values),
        "statement": str(table["statement"].values),
        "agreement_p_value": number(table["agreement_p_value"].values),
        "film_shape": str(table["film_shape"].values),
        "log_bayes_closed": number(table["log_bayes_closed"].values),
        "chi2": number(table["chi2"].values),
        "dof": int(table["dof"].values),
        "p_value": number(table["p_value"].values),
        # what is not determined is null and to be looked at; it does not spoil the study
        "verdict": "ok" if str(table["verdict"].values) == "ok" else "check",
        "reasons": reasons_of(table),
    }
