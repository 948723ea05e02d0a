"""Where the data of a study came from: files, their hashes, and whether they are simulated."""

from __future__ import annotations

import json

import numpy as np
import xarray as xr

from surfspec.report import layout
from surfspec.report.tables import Column, Table


def files(tree: xr.DataTree) -> Table:
    """Return one row for each file that the study read: name, format, SHA-256, and whether it is simulated."""
    rows: dict[tuple[str, str], tuple[str, ...]] = {}
    for sample in [*layout.samples(tree), *layout.references(tree)]:
        for place, spectrum in layout.nodes(tree, "spectra", sample).items():
            columns = [_column(spectrum, f"source_{what}") for what in ("file", "sha256", "format")]
            simulated = _column(spectrum, "simulated")
            for i, (name, digest, form) in enumerate(zip(*_same_length(columns), strict=True)):
                if name:
                    said = simulated[min(i, len(simulated) - 1)].lower()
                    rows.setdefault(
                        (name, digest), (sample, place, name, form, digest, "yes" if said == "true" else "")
                    )
    return Table(
        "input_files",
        "Input files",
        tuple(Column(name) for name in ("sample", "first used for", "file", "format", "SHA-256", "simulated")),
        tuple(rows.values()),
    )


def _column(spectrum: xr.Dataset, name: str) -> list[str]:
    """Return an attribute, or the coordinate it became in a series, as a flat list."""
    if name in spectrum.coords:
        return [str(value) for value in np.ravel(spectrum.coords[name].values)]
    return [str(spectrum.attrs.get(name, ""))]


def _same_length(columns: list[list[str]]) -> list[list[str]]:
    longest = max(len(column) for column in columns)
    return [column if len(column) == longest else column[:1] * longest for column in columns]


def versions(tree: xr.DataTree) -> dict[str, str]:
    """Return the versions that made the study."""
    found = json.loads(str(tree.attrs.get("versions", "{}")))
    return {str(name): str(version) for name, version in found.items()}


def is_simulated(tree: xr.DataTree) -> bool:
    """Tell whether any input of the study says that it is simulated."""
    return str(tree.attrs.get("simulated", "")) == "true"
