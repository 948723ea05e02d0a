"""Text exports of SPECS (SpecsLab, Prodigy ``.xy``): several regions, cycles and scans in one file.

Scans of one region and cycle that the program wrote one by one are added up, which gives the counts of all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import spectra
from surfspec.errors import FormatError
from surfspec.io import _bytes, _entry, text_meta
from surfspec.io.regions import spelled
from surfspec.io.text_columns import agreed_unit

NAME = "SPECS .xy"

_CURVE = re.compile(r"Cycle:\s*(\d+),\s*Curve:\s*(\d+)(?:,\s*Scan:\s*(\d+))?")
#: Scan modes whose axis is no energy of the emitted electrons.
_NO_SPECTRA = frozenset({"ConstantFinalState", "ConstantInitialState", "FixedEnergies", "DetectorVoltageScan"})
_AXIS_WORDS = {"kinetic": "kinetic_energy", "binding": "binding_energy"}


@dataclass
class _Curve:
    """One table of numbers with the header that holds for it."""

    meta: dict[str, tuple[str, int]]
    labels: list[str]
    line: int
    rows: list[list[float]] = field(default_factory=list)


def recognises(source: _bytes.Source) -> bool:
    """Tell by the first lines: the program names itself and its serializer."""
    head = source.data[:2048].replace(b"\x00", b"")
    return b"Created by:" in head and b"XY-Serializer Export Settings" in head


def read(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read all spectra of a SPECS text export.

    Parameters
    ----------
    source
        The file.
    options
        What the caller knows.

    Returns
    -------
    list of Entry
        One for each region and cycle over an energy range; scans at fixed energies or with the photon
        energy varied are left out. The label carries the group where a region comes in several groups.

    Raises
    ------
    FormatError
        When a row is damaged, or no curve is a spectrum.
    """
    curves = _curves(_bytes.decode(source), source.name)
    merged: dict[tuple[str, ...], list[_Curve]] = {}
    for curve in curves:
        mode = curve.meta.get("Scan Mode", ("", 0))[0]
        if curve.labels[:1] == ["energy"] and len(curve.rows) > 1 and mode not in _NO_SPECTRA:
            merged.setdefault(_key(curve), []).append(curve)
    if not merged:
        raise FormatError(
            "no spectrum over energy in this file",
            where=source.name,
            remedy="Export regions measured over an energy range",
        )
    datasets = [_spectrum(scans, source, options) for scans in merged.values()]
    groups = {str(dataset.attrs.get("group", "")) for dataset in datasets}
    return [_entry.Entry(_label(dataset, len(groups) > 1), dataset) for dataset in datasets]


def _label(dataset: xr.Dataset, grouped: bool) -> str:
    region = str(dataset.attrs.get("region", "spectrum"))
    return f"{dataset.attrs.get('group', '')} {region}".strip() if grouped else region


def _key(curve: _Curve) -> tuple[str, ...]:
    names = ("Group", "Region", "Spectrum ID", "Cycle", "Curve")
    return tuple(curve.meta.get(name, ("", 0))[0] for name in names)


def _curves(text: str, name: str) -> list[_Curve]:
    meta: dict[str, tuple[str, int]] = {}
    curves: list[_Curve] = []
    fresh = True
    for number, line in enumerate(text.split("\n"), start=1):
        if line.startswith("#"):
            _header(line.lstrip("# ").strip(), number, meta)
            fresh = True
        elif line.strip():
            if fresh:
                labels = meta.get("ColumnLabels", ("energy counts/s", 0))[0].split()
                curves.append(_Curve(dict(meta), labels, number))
                fresh = False
            curves[-1].rows.append(_row(line, len(curves[-1].labels), f"{name}:{number}"))
    return curves


def _header(text: str, number: int, meta: dict[str, tuple[str, int]]) -> None:
    curve = _CURVE.match(text)
    if curve is not None:
        for key, value in zip(("Cycle", "Curve", "Scan"), curve.groups(), strict=True):
            meta[key] = (value or "", number)
        return
    if text.startswith("values in "):
        meta["Energy Axis"] = (text, number)
    key, colon, value = text.partition(":")
    if not colon or text.startswith("Parameter"):
        return
    if key in {"Region", "Group"}:  # what was said of the region before does not hold for the next
        keep = ("Energy Axis", "Count Rate", "Counts Per Second", "Group", "Created by")
        if key == "Region":
            for old in [name for name in meta if name not in keep and meta[name][1] > meta.get("Group", ("", 0))[1]]:
                del meta[old]
    meta[key.strip()] = (value.strip(), number)


def _row(line: str, width: int, where: str) -> list[float]:
    cells = line.split()
    try:
        numbers = [float(cell) for cell in cells]
    except ValueError:
        numbers = []
    if len(numbers) != width:
        raise FormatError(
            f"{line.strip()[:40]!r} is no row of {width} numbers", where=where, remedy="The file is damaged or cut off"
        )
    return numbers


def _spectrum(scans: list[_Curve], source: _bytes.Source, options: _entry.Options) -> xr.Dataset:
    first = scans[0]
    where = f"{source.name}:{first.line}"
    table = np.array(first.rows, dtype=np.float64)
    tables = [np.array(scan.rows, dtype=np.float64) for scan in scans]
    if any(other.shape != table.shape or np.any(other[:, 0] != table[:, 0]) for other in tables):
        raise FormatError(
            "the scans of this region have different energies",
            where=where,
            remedy="Export with 'Separate Scan Data: no'",
        )
    if options.technique is None:
        text_meta.refuse_other_methods(first.meta, source.name)
    attrs = {**_attrs(scans, source.name), **options.attrs}
    technique = options.technique or str(attrs.get("technique") or "XPS")
    axis, x = _axis(first, table[:, 0], technique, attrs, options, where)
    rate = np.mean([other[:, 1] for other in tables], axis=0)
    units = "counts/s" if first.labels[1] == "counts/s" else "counts"
    if options.units is not None:
        units = agreed_unit(options.units, (units, 1.0), first.labels[1], where)[0]
    y = rate if units == "counts/s" else rate * len(scans)
    counts, units, statistics = _entry.counted(
        y, units, _number(attrs.get("dwell_time")), _number(attrs.get("scans")), averaged=False
    )
    dataset = spectra.spectrum(
        x, counts, technique=technique, axis=axis, units=units, statistics=statistics, where=where
    )
    attrs = {key: value for key, value in attrs.items() if key != "axis"}
    dataset = _entry.labelled(dataset, attrs, source, NAME)
    if "transmission" not in first.labels:
        return dataset
    values = table[:, first.labels.index("transmission")]
    turned = values[::-1] if x[0] > x[-1] else values
    return dataset.assign(
        transmission=(axis, turned, {"units": "1", "long_name": "Transmission function of the analyser"})
    )


def _attrs(scans: list[_Curve], name: str) -> dict[str, _entry.Attr]:
    meta = {key: value for key, value in scans[0].meta.items() if key not in {"ColumnLabels", "Energy Axis"}}
    attrs = text_meta.attributes(meta, name)
    for key in (
        "scan",
        "curve",
        "values_curve",
        "comment_prefix",
        "binding_energy",
        "kinetic_energy",
        "counts_per_second",
    ):
        attrs.pop(key, None)
    if len(scans) > 1:
        attrs["scans"] = len(scans)
    if "region" in attrs:
        attrs["region"] = spelled(str(attrs["region"]))
    return {key: value for key, value in attrs.items() if key.isidentifier()}


def _axis(
    curve: _Curve,
    x: NDArray[np.float64],
    technique: str,
    attrs: dict[str, _entry.Attr],
    options: _entry.Options,
    where: str,
) -> tuple[str, NDArray[np.float64]]:
    words = curve.meta.get("Energy Axis", ("", 0))[0].lower()
    stored = next((axis for word, axis in _AXIS_WORDS.items() if word in words), options.axis or "")
    if not stored:
        raise FormatError(
            "the file does not say whether its energies are kinetic or binding energies",
            where=where,
            remedy="Say axis='kinetic_energy' or axis='binding_energy'",
        )
    hv = _number(attrs.get("photon_energy"))
    target = options.axis or ("kinetic_energy" if technique == "LEIS" or hv is None else "binding_energy")
    if hv is None and options.axis is None:
        target = stored
    if target == stored:
        return stored, x
    if hv is None:
        raise FormatError(
            f"the file is over {stored} without photon energy", where=where, remedy="Say photon_energy=1486.6"
        )
    return target, np.round(hv - x, 9)


def _number(value: _entry.Attr | None) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None


READER = _entry.Reader(NAME, recognises, read)
