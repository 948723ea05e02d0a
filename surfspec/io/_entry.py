"""What every reader takes and gives: `Options` in, a list of `Entry` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.io._bytes import Source

Attr = str | int | float

#: Distance from a whole number below which a product rate x time is that whole number (rounding of the file).
_WHOLE = 0.05


@dataclass(frozen=True)
class Options:
    """What the caller knows and the file may not say; ``None`` stands for "see the file"."""

    technique: str | None = None
    wavelength: float | str | None = None
    axis: str | None = None
    units: str | None = None
    decimal: str | None = None
    column: str | int | None = None
    attrs: Mapping[str, Attr] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """One spectrum (or series) of a file and the label that selects it."""

    label: str
    dataset: xr.Dataset


@dataclass(frozen=True)
class Reader:
    """A file format: its name, how its content is recognised, and the function that reads it."""

    name: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source, Options], list[Entry]]


def provenance(source: Source, format_name: str) -> dict[str, Attr]:
    """Attributes that say where a spectrum came from (file name without folder)."""
    return {"source_file": source.name, "source_sha256": source.sha256, "source_format": format_name}


def labelled(dataset: xr.Dataset, attrs: Mapping[str, Attr], source: Source, format_name: str) -> xr.Dataset:
    """Add metadata and provenance to a new spectrum; what the spectrum says of itself stays."""
    extra = {key: value for key, value in attrs.items() if key not in {"kind", "technique", "statistics"}}
    intensity = dataset["intensity"]
    if dataset.attrs["statistics"] == "unknown" and intensity.attrs["units"] == "counts":
        broken = intensity.values[np.abs(intensity.values - np.rint(intensity.values)) > _WHOLE]
        extra["statistics_note"] = (
            f"the file calls these counts, but {broken.size} of {intensity.size} are no whole numbers "
            f"({broken[0]:.6g}, say): scaled or averaged by a factor that it does not give"
        )
    return schema.check(dataset.assign_attrs({**extra, **provenance(source, format_name)}), "spectrum")


def with_wavelength(attrs: Mapping[str, Attr], wavelength: float | str | None) -> dict[str, Attr]:
    """Put the caller's wavelength (angstrom, or a name) in the place of everything the file says about it."""
    if wavelength is None:
        return dict(attrs)
    rest = {key: value for key, value in attrs.items() if not key.startswith("wavelength")}
    return {**rest, "wavelength_name" if isinstance(wavelength, str) else "wavelength": wavelength}


def is_whole(values: NDArray[np.float64], tolerance: float = 1e-6) -> bool:
    """Tell whether all finite values are whole numbers."""
    good = values[np.isfinite(values)]
    return bool(good.size) and bool(np.all(np.abs(good - np.rint(good)) <= tolerance))


def counted(
    intensity: NDArray[np.float64],
    units: str,
    dwell_time: float | None,
    scans: float | None,
    *,
    averaged: bool | None = None,
) -> tuple[NDArray[np.float64], str, str]:
    r"""Turn what a file holds into counts where the file allows it.

    .. math:: N = r\, t\, n

    with rate r, dwell time t of one scan and number of scans n. Counts averaged over scans become
    totals, N = n c. A product within 0.05 of whole numbers everywhere is rounded to them, which undoes the
    rounding of the file.

    Parameters
    ----------
    intensity
        As stored, shape (..., n).
    units
        ``counts``, ``counts/s`` or another unit.
    dwell_time
        Dwell time of one scan (s), or None.
    scans
        Number of scans, or None (counted as one).
    averaged
        Whether counts are means over the scans; None to see from the numbers: not whole, but whole after
        multiplication by the number of scans.

    Returns
    -------
    intensity, units, statistics
        Counts with ``poisson`` where possible; otherwise the input with ``unknown``. What a file calls counts and
        is neither whole nor negative nor a product of rate and time is ``unknown``: it was scaled or averaged.
    """
    number = float(scans) if scans is not None and scans > 0 else 1.0
    if units == "counts/s" and dwell_time is not None and dwell_time > 0:
        return snapped(intensity * dwell_time * number), "counts", "poisson"
    if units != "counts":
        return intensity, units, "unknown"
    if averaged is None:
        averaged = number > 1 and not is_whole(intensity) and is_whole(intensity * number, _WHOLE)
    if averaged:
        return snapped(intensity * number), "counts", "poisson"
    return intensity, "counts", statistics_of_counts(intensity)


def statistics_of_counts(values: NDArray[np.float64]) -> str:
    """Return ``poisson`` for whole numbers (and negative ones, which are refused elsewhere), else ``unknown``."""
    return "poisson" if is_whole(values, _WHOLE) or np.any(values < 0) else "unknown"


def snapped(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to whole numbers where all values lie within 0.05 of them; otherwise return them as they are."""
    return np.rint(values) if is_whole(values, _WHOLE) else values
