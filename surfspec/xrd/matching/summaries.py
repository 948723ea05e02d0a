"""A match as plain Python: what ``surfspec identify --json`` prints."""

from __future__ import annotations

import math
from typing import Any

import xarray as xr

from surfspec import schema
from surfspec.errors import InputError


def report(match: xr.Dataset) -> dict[str, Any]:
    """Summarise the match of one pattern as a dictionary that JSON can hold.

    Parameters
    ----------
    match
        What :func:`surfspec.xrd.match` returned, for one pattern.

    Returns
    -------
    dict
        ``wavelength`` (angstrom), ``verdict``, ``reasons``, ``phases`` (each ``id, name, formula, space_group,
        trust, verified, probability, score, weight_fraction, weight_fraction_unc, missing`` with ``hkl, two_theta,
        d, relative_intensity`` of each missing line) and ``unexplained`` (``two_theta, d, relative_intensity,
        origin``). A number that is not determined is None.

    Raises
    ------
    InputError
        For a series.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from surfspec import xrd
    >>> x = np.arange(20, 70, 0.02)
    >>> salt = xrd.pattern(xrd.phases(["halite"])[0], wavelength="CuKa", two_theta=x)
    >>> ds = ss.spectrum(x, np.round(50 + 20 * salt.intensity.values), technique="XRD")
    >>> xrd.report(xrd.match(ds, elements=["Na", "Cl"], wavelength="CuKa"))["phases"][0]["formula"]
    'NaCl'
    """
    schema.check(match, "match")
    if match["verdict"].ndim:
        raise InputError("this match is a series", where="match", remedy="Report each member: match.isel(...)")
    reasons = str(match["reasons"].values)
    return {
        "wavelength": float(match.attrs["wavelength"]),
        "verdict": str(match["verdict"].values),
        "reasons": reasons.split("; ") if reasons else [],
        "phases": [_phase(match, index) for index in range(match.sizes["phase"])],
        "unexplained": [
            {
                "two_theta": round(float(match["peak_two_theta"][index]), 3),
                "d": round(float(match["peak_d"][index]), 4),
                "relative_intensity": round(float(match["relative_intensity"][index]), 2),
                "origin": str(match["origin"].values[index]),
            }
            for index in range(match.sizes["peak"])
        ],
    }


def _number(value: float, digits: int) -> float | None:
    return round(float(value), digits) if math.isfinite(value) else None


def _verified(phase: xr.Dataset) -> bool:
    """Tell whether the card was compared with its source; matches saved by older versions know the grade alone."""
    return bool(phase["verified"]) if "verified" in phase.coords else str(phase["trust"].values) == "A"


def _phase(match: xr.Dataset, index: int) -> dict[str, Any]:
    one = match.isel(phase=index)
    own = match["reflection_phase"].values == str(one["phase"].values)
    strongest = float(match["expected_area"].values[own].max(initial=0.0)) or 1.0
    lost = own & (match["status"].values == "missing")
    missing = [
        {
            "hkl": [int(match[axis].values[row]) for axis in "hkl"],
            "two_theta": round(float(match["reflection_two_theta"].values[row]), 3),
            "d": round(float(match["reflection_d"].values[row]), 4),
            "relative_intensity": round(100.0 * float(match["expected_area"].values[row]) / strongest, 2),
        }
        for row in lost.nonzero()[0]
    ]
    return {
        "id": str(one["phase"].values),
        "name": str(one["name"].values),
        "formula": str(one["formula"].values),
        "space_group": str(one["space_group"].values),
        "trust": str(one["trust"].values),
        "verified": _verified(one),
        "probability": _number(float(one["probability"]), 4),
        "score": _number(float(one["score"]), 4),
        "weight_fraction": _number(float(one["weight_fraction"]), 5),
        "weight_fraction_unc": _number(float(one["weight_fraction_unc"]), 5),
        "missing": missing,
    }
