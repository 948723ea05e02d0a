"""Rigaku files: .ras (text, mostly CP932) and .rasx (a zip archive with a table and an XML of conditions a scan)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import FormatError
from surfspec.io import _bytes, _entry, archive, diffraction, safe_xml

NAME = "rigaku-ras"
NAME_X = "rigaku-rasx"
_KEY = re.compile(r'^\*(\S+)\s+"?(.*?)"?\s*$')
_OVER_TWO_THETA = {"twothetatheta", "twotheta", "twothetaomega", "2theta/theta", "2theta", "2θ/θ", "2θ"}


def recognises(source: _bytes.Source) -> bool:
    """Tell a .ras by its first line."""
    return source.data.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"*RAS_DATA_START")


def recognises_archive(source: _bytes.Source) -> bool:
    """Tell a .rasx by the names of its members."""
    return source.data.startswith(b"PK\x03\x04") and b"Profile0.txt" in source.data


def read(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read all scans of a .ras file; `options` is what the caller knows.

    Raises
    ------
    FormatError
        For a file that is cut off, a table that is none, and scans that are not over 2θ.
    """
    found = list(_scans(_bytes.decode(source), source.name))
    if not found:
        raise FormatError("no scan in this file", where=source.name, remedy="Measure or export it again")
    many = len(found) > 1
    return [
        diffraction.entry(
            replace(one, label=f"scan {index}") if many else one, source, options, NAME,
            f"{source.name}: scan {index} of {len(found)}" if many else source.name,
        )
        for index, one in enumerate(found, start=1)
    ]  # fmt: skip


def read_archive(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read all profiles of a .rasx file; `options` is what the caller knows.

    Raises
    ------
    FormatError
        For a damaged archive or XML, and for scans that are not over 2θ.
    """
    names = archive.members(source.data, source.name)
    profiles = sorted(name for name in names if re.search(r"Profile\d+\.txt$", name))
    found = []
    for name in profiles:
        where = f"{source.name}: {name}"
        head = re.sub(r"Profile(\d+)\.txt$", r"MesurementConditions\1.xml", name)
        table = _table(archive.member(source.data, name, source.name).decode("utf-8-sig", errors="replace"), where)
        keys = _conditions(source, head) if head in names else {}
        found.append((where, _scan(keys, table, where)))
    if not found:
        raise FormatError("no profile in this archive", where=source.name, remedy="Export it as .ras or .xy")
    many = len(found) > 1
    return [
        diffraction.entry(replace(one, label=f"scan {index}") if many else one, source, options, NAME_X, where)
        for index, (where, one) in enumerate(found, start=1)
    ]


def _scans(text: str, where: str) -> Iterator[diffraction.Scan]:
    keys: dict[str, str] = {}
    lines = text.split("\n")
    start: int | None = None
    for number, line in enumerate(lines):
        if line.startswith("*RAS_HEADER_START"):
            keys = {}
        elif line.startswith("*RAS_INT_START"):
            start = number + 1
        elif line.startswith("*RAS_INT_END"):
            if start is not None:
                yield _scan(keys, _table("\n".join(lines[start:number]), f"{where}:{start + 1}"), where)
            start = None
        elif start is None:
            match = _KEY.match(line)
            if match:
                keys[match[1]] = match[2].strip()
    if start is not None:
        raise FormatError("the table of a scan does not end", where=f"{where}:{start}", remedy="The file is cut off")


def _table(text: str, where: str) -> NDArray[np.float64]:
    rows = [line.split() for line in text.splitlines() if line.strip()]
    try:
        table = np.array(rows, dtype=np.float64)
    except ValueError:
        table = np.empty(0)
    if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] not in {2, 3}:
        raise FormatError(
            "the points are no table of angle, intensity and attenuation", where=where, remedy="Export it again"
        )
    return table


def _conditions(source: _bytes.Source, name: str) -> dict[str, str]:
    """Conditions of a .rasx under the keys that a .ras has for them."""
    text = archive.member(source.data, name, source.name).decode("utf-8-sig", errors="replace")
    root = safe_xml.root(text, f"{source.name}: {name}")
    keys = {
        "MEAS_SCAN_AXIS_X_INTERNAL": "AxisName", "MEAS_SCAN_UNIT_Y": "IntensityUnit", "MEAS_SCAN_SPEED": "Speed",
        "MEAS_SCAN_SPEED_UNIT": "SpeedUnit", "MEAS_SCAN_STEP": "Step", "MEAS_SCAN_START_TIME": "StartTime",
        "HW_XG_TARGET_NAME": "TargetName", "MEAS_COND_XG_WAVE_TYPE": "WaveType", "FILE_SAMPLE": "SampleName",
        "HW_XG_WAVE_LENGTH_ALPHA1": "WavelengthKalpha1", "HW_XG_WAVE_LENGTH_ALPHA2": "WavelengthKalpha2",
        "HW_XG_WAVE_LENGTH_BETA": "WavelengthKbeta", "FILE_SYSTEM": "SystemName",
    }  # fmt: skip
    return {key: safe_xml.text_of(root, element) for key, element in keys.items()}


def _scan(keys: Mapping[str, str], table: NDArray[np.float64], where: str) -> diffraction.Scan:
    axis = keys.get("MEAS_SCAN_AXIS_X_INTERNAL") or keys.get("MEAS_SCAN_AXIS_X", "")
    if axis and axis.lower() not in _OVER_TWO_THETA:
        raise FormatError(
            f"the scan is over {axis}, not over 2θ", where=where, remedy="surfspec reads powder scans over 2θ"
        )
    factors = table[:, 2] if table.shape[1] == 3 else None
    if factors is not None and np.any(factors <= 0):
        raise FormatError("an attenuation factor is not positive", where=where, remedy="Export the measurement again")
    unit = {"counts": "counts", "cps": "counts/s", "counts/s": "counts/s"}.get(keys.get("MEAS_SCAN_UNIT_Y", "").lower())
    attrs = _attrs(keys)
    return diffraction.Scan(table[:, 0], table[:, 1], unit or "", factors, attrs, str(attrs.get("sample", "")))


def _attrs(keys: Mapping[str, str]) -> dict[str, _entry.Attr]:
    first, second, beta = (
        diffraction.number(keys.get(f"HW_XG_WAVE_LENGTH_{name}")) for name in ("ALPHA1", "ALPHA2", "BETA")
    )
    # the header says "Ka" for the doublet and names no ratio: that of the 2p levels
    ratio = {"ka": 0.5, "ka1": 0.0}.get(keys.get("MEAS_COND_XG_WAVE_TYPE", "").lower())
    attrs = diffraction.radiation(keys.get("HW_XG_TARGET_NAME", ""), first, second, ratio, beta)
    step, speed = diffraction.number(keys.get("MEAS_SCAN_STEP")), diffraction.number(keys.get("MEAS_SCAN_SPEED"))
    speed_unit = keys.get("MEAS_SCAN_SPEED_UNIT", "").lower()
    if step and speed and step > 0 and speed > 0 and speed_unit in {"deg/min", "sec", "s", "sec/step"}:
        attrs["dwell_time"] = round(60.0 * step / speed, 6) if speed_unit == "deg/min" else speed
    names = (("FILE_SAMPLE", "sample"), ("MEAS_SCAN_START_TIME", "date"), ("HW_GONIOMETER_NAME", "instrument"),
             ("FILE_SYSTEM", "instrument"))  # fmt: skip
    for key, name in names:
        value = keys.get(key, "").split("|")[-1].strip()
        if value:
            attrs[name] = value
    return attrs


READER = _entry.Reader(NAME, recognises, read)
READER_X = _entry.Reader(NAME_X, recognises_archive, read_archive)
