"""What a file holds, in a few words for each spectrum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.io import _entry, recognise

#: Attributes that stand in columns of their own.
_OWN = {"kind", "technique", "region", "statistics", "source_file", "source_sha256", "source_format"}


def describe(path: str | Path, *, technique: str | None = None) -> dict[str, Any]:
    r"""Say what a file holds without judging it.

    Parameters
    ----------
    path
        A file of any format that :func:`surfspec.io.read` knows.
    technique
        ``"XPS"``, ``"LEIS"`` or ``"XRD"`` where the file does not say.

    Returns
    -------
    dict
        ``file``, ``format``, ``sha256`` and ``spectra``: for each its ``label``, ``technique``, ``region``,
        ``axis``, ``axis_units``, ``first``, ``last``, ``step`` (median), ``points``, ``series`` (sizes of the
        series dims), ``units``, ``statistics``, ``minimum``, ``maximum`` and ``metadata``. Ready for JSON.

    Raises
    ------
    FormatError, InputError
        As :func:`surfspec.io.read`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = file.write_text("# region: C 1s\nBinding Energy (eV),counts\n285,90\n284,100\n")
    >>> found = describe(file)["spectra"][0]
    >>> found["region"], found["points"], found["first"], found["statistics"]
    ('C 1s', 2, 284.0, 'poisson')
    """
    found = recognise.entries(path, _entry.Options(technique=technique))
    first = found[0].dataset.attrs
    return {
        "file": str(path),
        "format": str(first.get("source_format", "")),
        "sha256": str(first.get("source_sha256", "")),
        "spectra": [{"label": entry.label, **_spectrum(entry.dataset)} for entry in found],
    }


def _spectrum(dataset: xr.Dataset) -> dict[str, Any]:
    axis = schema.axis_of(dataset)
    x, y = dataset[axis].values, dataset["intensity"]
    return {
        "technique": str(dataset.attrs["technique"]),
        "region": str(dataset.attrs.get("region", "")),
        "axis": axis,
        "axis_units": str(dataset[axis].attrs["units"]),
        "first": float(x[0]),
        "last": float(x[-1]),
        "step": float(np.round(np.median(np.diff(x)), 9)),
        "points": int(x.size),
        "series": {name: int(dataset.sizes[name]) for name in schema.series_dims(dataset)},
        "units": str(y.attrs["units"]),
        "statistics": str(dataset.attrs["statistics"]),
        "minimum": float(y.min()),
        "maximum": float(y.max()),
        "metadata": {str(key): value for key, value in dataset.attrs.items() if key not in _OWN},
    }
