"""From the DataTree of a study to ``results.json``: keys that stay, quantities as value, uncertainty and unit."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from surfspec.fitting import uncertainty
from surfspec.report import layout, provenance, results_joint, results_leis, results_thickness, results_xrd
from surfspec.report.quantities import Q, members, quantity, reasons_of, worst

#: Relative uncertainty of a share below which it is fixed by the recipe, and what is left is rounding.
ROUNDING = 1e-9


def results(tree: xr.DataTree) -> dict[str, Any]:
    """Return everything that a study concluded as plain data, the content of ``results.json``.

    Parameters
    ----------
    tree
        The study as :func:`surfspec.run` returned it or :func:`surfspec.load` read it back.

    Returns
    -------
    dict
        Keys ``study``, ``simulated``, ``versions``, ``verdict`` (the worst of all, ``check`` at least where
        something that was asked for is not determined) and ``samples``; None where a quantity is not determined. It
        holds only what JSON can say: no NaN, no infinity.
    """
    by_sample = {name: sample_results(tree, name) for name in layout.samples(tree)}
    refused = any(layout.NOTES in layout.nodes(tree, "tables", name) for name in by_sample)
    verdicts = [verdict for sample in by_sample.values() for verdict in verdicts_of(sample)]
    verdicts += [verdict for name in layout.references(tree) for verdict in _reference_verdicts(tree, name)]
    return {
        "study": str(tree.attrs.get("study", "")),
        "simulated": provenance.is_simulated(tree),
        "versions": json.loads(str(tree.attrs.get("versions", "{}"))),
        "verdict": worst([*verdicts, "check" if refused else "ok"]),
        "samples": by_sample,
    }


def _reference_verdicts(tree: xr.DataTree, name: str) -> list[str]:
    return [verdict for fit in layout.nodes(tree, "fits", name).values() for verdict in members(fit, "verdict")]


def sample_results(tree: xr.DataTree, name: str) -> dict[str, Any]:
    """Return the results of one sample; techniques that were not measured are left out."""
    spectra, fits, matches, tables = (
        layout.nodes(tree, group, name) for group in ("spectra", "fits", "matches", "tables")
    )
    missing = layout.read_notes(tables.get(layout.NOTES))
    out: dict[str, Any] = {"simulated": layout.is_simulated(tree, name), "origin": layout.origin(tree, name)}
    regions = layout.regions(spectra)
    if regions:
        out["xps"] = _xps(regions, layout.regions(fits), tables, missing)
    if layout.LEIS in spectra:
        out["leis"] = results_leis.leis(fits.get(layout.LEIS), tables, missing)
    labels = list(layout.patterns(spectra))
    if labels:
        out["xrd"] = results_xrd.xrd(layout.patterns(matches), labels, missing, layout.comparisons(tables))
    out["joint"] = results_joint.joint(tables.get(layout.JOINT))
    return out


def verdicts_of(sample: Mapping[str, Any]) -> list[str]:
    """Return all verdicts of the results of one sample."""
    found = list(sample.get("xps", {}).get("verdict", {}).values())
    if "thickness_detail" in sample.get("xps", {}):
        found.append(sample["xps"]["thickness_detail"]["verdict"])
    if "leis" in sample:
        found.append(sample["leis"]["verdict"])
    if "detail" in sample.get("joint", {}):
        found.append(sample["joint"]["detail"]["verdict"])
    found += [entry["verdict"] for label, entry in sample.get("xrd", {}).items() if label != "changes"]
    lost = (one for one in sample.get("xrd", {}).get("changes", []) if one["change"] == "not determined")
    found += ["check" for _ in lost]
    return found


def dumps(document: Mapping[str, Any]) -> str:
    """Return a JSON text; a NaN in it is a fault and raises."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _xps(
    spectra: Mapping[str, xr.Dataset],
    fits: Mapping[str, xr.Dataset],
    tables: Mapping[str, xr.Dataset],
    missing: Sequence[tuple[str, str]],
) -> dict[str, Any]:
    shifts = [one.attrs for one in spectra.values() if "charge_shift" in one.attrs]
    shift = quantity(shifts[0]["charge_shift"], shifts[0].get("charge_shift_unc", math.nan), "eV") if shifts else None
    normalised = tables.get(layout.XPS_NORMALISED)
    film = tables.get(layout.XPS_THICKNESS)
    return {
        "charge_shift": shift,
        "normalised_area": {region: _row(normalised, "normalised_area", "region", region) for region in spectra},
        "area": {region: _area(region, fits, tables) for region in spectra},
        "components": {region: components(fits[region]) if region in fits else {} for region in spectra},
        "atomic_percent": _column(tables.get(layout.XPS_QUANTIFIED), "atomic_percent", "element"),
        "thickness": results_thickness.thickness(film),
        **({"thickness_detail": results_thickness.detail(film)} if film is not None else {}),
        "warnings": _warnings(tables.get(layout.XPS_WARNINGS)),
        "verdict": {
            region: worst(members(fits[region], "verdict")) if region in fits else "failed" for region in spectra
        },
        "reasons": {
            region: [
                *(reasons_of(fits[region]) if region in fits else []),
                *layout.reasons_for(missing, f"xps {region}"),
            ]
            for region in spectra
        },
    }


def _warnings(table: xr.Dataset | None) -> list[dict[str, str]]:
    """Return the warnings on the fits of a sample, the gravest first."""
    if table is None:
        return []
    names = ("level", "code", "region", "about", "reason", "remedy", "reference")
    return [{name: str(table[name].values[i]) for name in names} for i in range(table.sizes["advice"])]


def _area(region: str, fits: Mapping[str, xr.Dataset], tables: Mapping[str, xr.Dataset]) -> Q:
    """Return the area of a region as the tables compared it (a rate, without Auger lines), else the sum of its fit."""
    for name in (layout.XPS_NORMALISED, layout.XPS_QUANTIFIED):
        if name in tables and region in tables[name]["region"].values:
            return _row(tables[name], "area", "region", region)
    return total_area(fits[region]) if region in fits else None


def total_area(fit: xr.Dataset) -> Q:
    """Return the area of a whole region: the sum over its components with their covariance."""
    if fit["area"].ndim != 1:
        return None
    value, unc = uncertainty.total(fit["area"].values, fit["area_covariance"].values)
    return quantity(value, unc, str(fit["area"].attrs["units"]))


def components(fit: xr.Dataset) -> dict[str, dict[str, Q]]:
    """Return centre, width, area and fraction of every component of the fit of one spectrum."""
    if fit["area"].ndim != 1:
        return {}
    area = fit["area"].values
    share = share_unc = np.full(area.size, np.nan)
    if np.sum(area) > 0:
        share, covariance = uncertainty.fractions(area, fit["area_covariance"].values)
        share_unc = np.sqrt(np.clip(np.diag(covariance), 0.0, None))
        share_unc[share_unc < ROUNDING * np.abs(share)] = 0.0
    out = {}
    for i, name in enumerate(fit["component"].values):
        one = {
            key: quantity(fit[source].values[i], fit[f"{source}_unc"].values[i], str(fit[source].attrs["units"]))
            for key, source in (("center", "center"), ("fwhm", "fwhm"), ("area", "area"))
        }
        out[str(name)] = {**one, "fraction": quantity(share[i], share_unc[i], "1")}
    return out


def _row(table: xr.Dataset | None, name: str, dim: str, label: str) -> Q:
    return _column(table, name, dim).get(label)


def _column(table: xr.Dataset | None, name: str, dim: str) -> dict[str, Q]:
    if table is None or name not in table:
        return {}
    unit = str(table[name].attrs.get("units", "1"))
    return {
        str(label): quantity(value, unc, unit)
        for label, value, unc in zip(table[dim].values, table[name].values, table[f"{name}_unc"].values, strict=True)
    }
