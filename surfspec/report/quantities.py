"""Numbers and verdicts of Datasets as what JSON can say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from surfspec import schema

#: Verdicts from best to worst; the verdict of a whole is the worst of its parts.
ORDER = schema.VERDICTS

Q = dict[str, Any] | None


def quantity(value: Any, unc: Any, unit: str) -> Q:
    """Return ``{"value", "unc", "unit"}``, or None where the value is not determined.

    Examples
    --------
    >>> quantity(182.4, 0.02, "eV")
    {'value': 182.4, 'unc': 0.02, 'unit': 'eV'}
    >>> quantity(float("nan"), 0.02, "eV") is None
    True
    """
    found = number(value)
    return None if found is None else {"value": found, "unc": number(unc), "unit": unit}


def number(value: Any) -> float | None:
    """Return a finite float, or None: JSON knows neither NaN nor infinity."""
    found = float(value)
    return found if math.isfinite(found) else None


def worst(verdicts: Iterable[str]) -> str:
    """Return the worst of some verdicts; ``ok`` where there are none.

    Examples
    --------
    >>> worst(["ok", "failed", "check"])
    'failed'
    """
    return ORDER[max((ORDER.index(verdict) for verdict in verdicts), default=0)]


def members(dataset: xr.Dataset, name: str) -> list[str]:
    """Return a text variable of a fit or match as a flat list over its series."""
    return [str(value) for value in np.ravel(dataset[name].values)]


def reasons_of(dataset: xr.Dataset) -> list[str]:
    """Return the reasons of a fit or match, each once, in the order of the series."""
    found = [part for text in members(dataset, "reasons") for part in text.split("; ") if part]
    return list(dict.fromkeys(found))


def finite(value: Any) -> Any:
    """Return nested data with every NaN and infinity as None, and numpy scalars as Python's own.

    Examples
    --------
    >>> finite({"a": [float("nan"), np.float64(1.5)]})
    {'a': [None, 1.5]}
    """
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return number(value) if isinstance(value, float) else value
