"""The numbers of a joint dose model in one Dataset: what :func:`surfspec.leis.removal` returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from surfspec import schema, spectra
from surfspec.fitting.verdict import verdict_of
from surfspec.leis.film.layer_choice import LAYERS
from surfspec.leis.film.removal_series import Series


def removal_table(
    many: list[Series],
    rows: list[dict[str, Any]],
    tables: Mapping[str, xr.Dataset],
    scalars: Mapping[str, tuple[float, str, str]],
    identifiable: bool,
    reasons: list[str],
    attrs: Mapping[str, Any],
) -> xr.Dataset:
    """Return the table.

    Parameters
    ----------
    many, rows
        The samples, and what the joint fit says about each.
    tables
        The tables of coverages, for their origin.
    scalars
        Value, unit and long name by name.
    identifiable
        Whether the doses determine a cross-section.
    reasons
        For doubt.
    attrs
        Further attributes.
    """
    variables: dict[str, Any] = {
        name: ((), value, {"units": unit, "long_name": text}) for name, (value, unit, text) in scalars.items()
    }
    variables["removal_cross_section"][2]["ancillary_variables"] = "removal_cross_section_unc"
    for name, unit, text in (
        ("zero_dose_coverage", "1", "Coverage before any dose"),
        ("zero_dose_coverage_unc", "1", "Its standard uncertainty"),
        ("zero_dose_coverage_low", "1", "Lower end of its 68 % interval over all layers"),
        ("zero_dose_coverage_high", "1", "Upper end of its 68 % interval over all layers"),
        ("own_cross_section", "cm2", "Removal cross-section of the sample alone"),
    ):
        kept = identifiable or not name.startswith("zero_dose")
        values = np.array([row[name] if kept else np.nan for row in rows], dtype=np.float64)
        variables[name] = ("sample", values, {"units": unit, "long_name": text})
    variables["zero_dose_coverage"][2]["ancillary_variables"] = "zero_dose_coverage_unc"
    variables["monolayers"] = (
        "sample", np.array([row["monolayers"] if identifiable else -1 for row in rows]),
        {"units": "monolayer", "long_name": "Film thickness, -1: unknown"},
    )  # fmt: skip
    for name, text in (
        ("monolayers_chi2", "Chi-square of the joint fit with this thickness"),
        ("monolayers_aicc", "Akaike's criterion for small samples of that fit, NaN where there are too few doses"),
        ("monolayers_probability", "Posterior probability of the thickness"),
    ):
        variables[name] = (
            ("sample", "layers"),
            np.stack([row[name] for row in rows]),
            {"units": "1", "long_name": text},
        )
    variables["not_excluded"] = ("sample", np.array([", ".join(map(str, row["not_excluded"])) for row in rows]))
    variables["identifiable"] = ((), int(identifiable), {"units": "1", "long_name": "1 where the dose model is"})
    variables["verdict"] = ((), verdict_of(reasons))
    variables["reasons"] = ((), "; ".join(reasons))
    table = xr.Dataset(
        variables,
        coords={"sample": [one.name for one in many], "layers": np.array(LAYERS)},
        attrs={
            "kind": "table",
            "technique": "LEIS",
            "inputs": "coverages",
            **attrs,
            **spectra.origin(*tables.values()),
        },
    )
    return schema.check(table, "table")
