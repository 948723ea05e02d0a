"""Bruker .brml files: a zip archive with one ``RawData*.xml`` a scan, whose data views name the columns of points."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import FormatError
from surfspec.io import _bytes, _entry, archive, diffraction, safe_xml

NAME = "brml"
_SCAN = re.compile(r"(?:^|/)RawData\d*\.xml$")


def recognises(source: _bytes.Source) -> bool:
    """Tell by a member of the archive."""
    return source.data.startswith(b"PK\x03\x04") and b"RawData" in source.data and b"Experiment" in source.data


def read(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read all measured scans over 2θ of a .brml file.

    Parameters
    ----------
    source
        The file.
    options
        What the caller knows.

    Returns
    -------
    list of Entry
        One for each data route that holds points.

    Raises
    ------
    FormatError
        For a damaged archive, broken XML, columns that are not named, and files without a scan over 2θ.
    """
    names = sorted(name for name in archive.members(source.data, source.name) if _SCAN.search(name))
    found: list[tuple[str, diffraction.Scan]] = []
    for name in names:
        where = f"{source.name}: {name}"
        text = archive.member(source.data, name, source.name).decode("utf-8-sig", errors="replace")
        document = safe_xml.root(text, where)
        for number, route in enumerate(safe_xml.every(document, "DataRoute"), start=1):
            scan = _scan(route, document, f"{where}, route {number}")
            if scan is not None:
                found.append((f"{where}, route {number}", scan))
    if not found:
        raise FormatError("no measured scan over 2θ in this archive", where=source.name, remedy="Export it as .xy")
    many = len(found) > 1
    return [
        diffraction.entry(replace(scan, label=f"scan {index}") if many else scan, source, options, NAME, where)
        for index, (where, scan) in enumerate(found, start=1)
    ]


def _scan(route: ET.Element, document: ET.Element, where: str) -> diffraction.Scan | None:
    rows = [(one.text or "").strip() for one in safe_xml.every(route, "Datum")]
    if not rows:
        return None
    columns = _columns(route)
    if "TwoTheta" not in columns or "counter" not in columns:
        raise FormatError(
            f"its points hold {', '.join(columns) or 'columns without names'}, not 2θ and a counter",
            where=where,
            remedy="surfspec reads coupled and detector scans; export others as .xy",
        )
    table = _table(rows, where)
    if max(columns.values()) >= table.shape[1]:
        raise FormatError(
            "a point has fewer numbers than the columns that are named", where=where, remedy="Copy it again"
        )
    factors = table[:, columns["AbsorptionFactor"]] if "AbsorptionFactor" in columns else np.ones(len(table))
    if np.any(factors <= 0):
        raise FormatError("an absorption factor is not positive", where=where, remedy="Export the measurement again")
    attrs = {**_light(document), **_labels(document)}
    if "MeasuredTime" in columns:
        times = table[:, columns["MeasuredTime"]]
        if times[0] > 0 and float(np.ptp(times)) < 1e-6 * times[0]:
            attrs["dwell_time"] = float(times[0])
    angles, values = table[:, columns["TwoTheta"]], table[:, columns["counter"]]
    if float(np.ptp(angles)) == 0.0:
        raise FormatError("2θ stands still in this scan", where=where, remedy="surfspec reads scans over 2θ")
    label = str(attrs.get("sample", ""))
    return diffraction.Scan(angles, values, "", factors, attrs, label)


def _columns(route: ET.Element) -> dict[str, int]:
    """Column of each quantity by the data views: times, absorption, axes by their ids, and the first counter."""
    found: dict[str, int] = {}
    for view in safe_xml.every(route, "RawDataView"):
        start = int(diffraction.number(view.get("Start")) or 0) if view.get("Start", "").isdecimal() else -1
        kind = next((value for key, value in view.attrib.items() if key.endswith("type")), "")
        if start < 0:
            continue
        if kind.startswith("Fixed"):
            found.setdefault(view.get("LogicName", f"column {start}"), start)
        elif kind.startswith("Varying"):
            for offset, axis in enumerate(safe_xml.every(view, "FieldDefinitions")):
                found.setdefault(axis.get("AxisId", axis.get("FieldName", "")), start + offset)
        elif kind.startswith("Recorded"):
            found.setdefault("counter", start)
    return found


def _table(rows: list[str], where: str) -> NDArray[np.float64]:
    try:
        return np.array([row.split(",") for row in rows], dtype=np.float64)
    except ValueError:
        raise FormatError(
            "the points are no table of numbers", where=where, remedy="The file is damaged; export it again"
        ) from None


def _light(document: ET.Element) -> dict[str, _entry.Attr]:
    numbers = {}
    for name in ("WaveLengthAlpha1", "WaveLengthAlpha2", "WaveLengthBeta", "WaveLengthRatio"):
        element = safe_xml.first(document, name)
        numbers[name] = diffraction.number(element.get("Value")) if element is not None else None
    return diffraction.radiation(
        safe_xml.text_of(document, "TubeMaterial"),
        numbers["WaveLengthAlpha1"],
        numbers["WaveLengthAlpha2"],
        numbers["WaveLengthRatio"],
        numbers["WaveLengthBeta"],
    )


def _labels(document: ET.Element) -> dict[str, _entry.Attr]:
    attrs: dict[str, _entry.Attr] = {}
    for item in safe_xml.every(document, "InfoItem"):
        if item.get("Name") == "SampleName" and item.get("Value"):
            attrs["sample"] = str(item.get("Value"))
    started = safe_xml.text_of(document, "TimeStampStarted")
    if started:
        attrs["date"] = started
    radius = safe_xml.first(document, "Radius")
    value = diffraction.number(radius.get("Value")) if radius is not None else None
    if value is not None and value > 0:
        attrs["radius_mm"] = value
    return attrs


READER = _entry.Reader(NAME, recognises, read)
