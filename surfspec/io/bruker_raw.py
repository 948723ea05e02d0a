"""Bruker and Siemens .raw files: DIFFRAC-AT version 1 (``RAW ``), version 3 (``RAW1.01``) and version 4 (``RAW4.00``).

Layouts (little-endian; offsets in bytes, from several published descriptions that agree with one another and with
exports of the same scans as text):

* ``RAW ``: points u32 at 4, counting time f32 at 8, step f32 at 12, first 2θ f32 at 24, sample at 40, wavelengths f32
  at 72 and 76, then f32 intensities from 156.
* ``RAW1.01``: 712 bytes of header with the number of ranges at 12, date 16, sample 326, goniometer radius f32 564,
  anode 608, K-alpha1, K-alpha2, K-beta and the ratio f64 at 624, 632, 640, 648. Each range: header length u32 at 0,
  points 4, first 2θ f64 16, step f64 176, counting time f32 192, kind of scan u32 196, bytes a record u32 252, further
  header u32 256; the first f32 of a record is the intensity.
* ``RAW4.00``: segments (kind u32, length u32) from byte 61: kind 10 a key and its text, kind 30 the tube; kind 0 or
  160 begins a range: kind of scan as text at 32, first angle f64 72, step f64 80, points u32 88, counting time f32 92,
  bytes a record u32 136, length of its drive records u32 140, which follow at 160 (kind 50: name at 12, position f64
  at 56).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import FormatError
from surfspec.io import _bytes, _entry, diffraction

NAME = "bruker-raw"
_MAGIC = (b"RAW1.01", b"RAW4.00", b"RAW ")
#: Kinds of scan of version 3 whose axis is 2θ: locked and unlocked coupled, detector; and their PSD versions.
_OVER_TWO_THETA = {0, 1, 2, 129, 130}
_SEGMENTS = 61
_KEY, _TUBE, _DRIVE = 10, 30, 50


def recognises(source: _bytes.Source) -> bool:
    """Tell by the first bytes."""
    return source.data.startswith(_MAGIC)


def read(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read all ranges of a .raw file.

    Parameters
    ----------
    source
        The file.
    options
        What the caller knows.

    Returns
    -------
    list of Entry
        One for each range.

    Raises
    ------
    FormatError
        For a file that is cut off or damaged, and for scans that are not over 2θ.
    """
    data = source.data
    reader = _version_4 if data.startswith(b"RAW4.00") else _version_3 if data.startswith(b"RAW1.01") else _version_1
    try:
        scans = list(reader(data, source.name))
    except struct.error:
        raise _cut_off(source.name) from None
    if not scans:
        raise FormatError("the file holds no scan", where=source.name, remedy="Measure or export it again")
    many = len(scans) > 1
    return [
        diffraction.entry(
            diffraction.Scan(
                one.two_theta, one.values, one.units, None, one.attrs, f"range {index}" if many else one.label
            ),
            source,
            options,
            NAME,
            f"{source.name}: range {index} of {len(scans)}" if many else source.name,
        )
        for index, one in enumerate(scans, start=1)
    ]


def _cut_off(where: str) -> FormatError:
    return FormatError("the file ends before its last point", where=where, remedy="It is cut off; copy it again")


def _text(data: bytes, at: int, length: int) -> str:
    return data[at : at + length].split(b"\0")[0].decode("latin-1").strip()


def _intensities(data: bytes, at: int, count: int, record: int, where: str) -> NDArray[np.float64]:
    """First float32 of each record."""
    if record < 4 or count < 1 or at + count * record > len(data):
        raise _cut_off(where)
    block = np.frombuffer(data, dtype=np.uint8, count=count * record, offset=at).reshape(count, record)
    return np.ascontiguousarray(block[:, :4]).view("<f4").ravel().astype(np.float64)


def _labels(sample: str, date: str, seconds: float, radius: float = 0.0) -> dict[str, _entry.Attr]:
    attrs: dict[str, _entry.Attr] = {}
    if sample:
        attrs["sample"] = sample
    if date:
        attrs["date"] = date
    if np.isfinite(seconds) and seconds > 0:
        attrs["dwell_time"] = round(float(seconds), 6)
    if np.isfinite(radius) and radius > 0:
        attrs["radius_mm"] = round(float(radius), 3)
    return attrs


def _version_1(data: bytes, where: str) -> Iterator[diffraction.Scan]:
    count, seconds, step = struct.unpack_from("<Iff", data, 4)
    (start,) = struct.unpack_from("<f", data, 24)
    first, second = struct.unpack_from("<ff", data, 72)
    sample = _text(data, 40, 32)
    light = diffraction.radiation("", float(f"{first:.6g}"), float(f"{second:.6g}"), None)
    values = _intensities(data, 156, count, 4, where)
    angles = diffraction.uniform(float(f"{start:.7g}"), float(f"{step:.7g}"), count, where)
    yield diffraction.Scan(angles, values, attrs={**light, **_labels(sample, "", seconds)}, label=sample)


def _version_3(data: bytes, where: str) -> Iterator[diffraction.Scan]:
    (ranges,) = struct.unpack_from("<I", data, 12)
    sample, date = _text(data, 326, 60), f"{_text(data, 16, 10)} {_text(data, 26, 10)}".strip()
    (radius,) = struct.unpack_from("<f", data, 564)
    first, second, beta, ratio = struct.unpack_from("<4d", data, 624)
    light = diffraction.radiation(_text(data, 608, 4), first, second, ratio, beta)
    at = 712
    for _ in range(ranges):
        length, count = struct.unpack_from("<II", data, at)
        (start,) = struct.unpack_from("<d", data, at + 16)
        (step,) = struct.unpack_from("<d", data, at + 176)
        seconds, kind = struct.unpack_from("<fI", data, at + 192)
        record, further = struct.unpack_from("<II", data, at + 252)
        if kind not in _OVER_TWO_THETA:
            raise FormatError(
                f"a scan of kind {kind} is not over 2θ",
                where=where,
                remedy="surfspec reads coupled and detector scans; export others as text",
            )
        begin = at + length + further
        values = _intensities(data, begin, count, record, where)
        angles = diffraction.uniform(start, step, count, where)
        yield diffraction.Scan(angles, values, attrs={**light, **_labels(sample, date, seconds, radius)}, label=sample)
        at = begin + count * record


def _segments(data: bytes, at: int, end: int, where: str) -> Iterator[tuple[int, int, int]]:
    """Kind, place and length of each segment until `end` or the mark of a range."""
    while at + 8 <= end:
        kind, length = struct.unpack_from("<II", data, at)
        if kind in {0, 160}:
            return
        if length < 8 or at + length > end:
            raise _cut_off(where)
        yield kind, at, length
        at += length


def _version_4(data: bytes, where: str) -> Iterator[diffraction.Scan]:
    light: dict[str, _entry.Attr] = {}
    sample = ""
    date = f"{_text(data, 12, 12)} {_text(data, 24, 10)}".strip()
    at = _SEGMENTS
    while at + 160 <= len(data):
        for kind, place, length in _segments(data, at, len(data), where):
            if kind == _KEY and _text(data, place + 12, 24).upper() == "SAMPLEID":
                sample = _text(data, place + 36, length - 36)
            elif kind == _TUBE:
                first, second, beta, ratio = struct.unpack_from("<4d", data, place + 80)
                light = diffraction.radiation(_text(data, place + 116, 4), first, second, ratio, beta)
            at = place + length
        if at + 160 > len(data):
            return
        scan, at = _range_4(data, at, where)
        attrs = {**light, **_labels(sample, date, 0.0), **scan.attrs}
        yield diffraction.Scan(scan.two_theta, scan.values, attrs=attrs, label=sample)


def _range_4(data: bytes, at: int, where: str) -> tuple[diffraction.Scan, int]:
    start, step, count, seconds = struct.unpack_from("<ddIf", data, at + 72)
    record, drives = struct.unpack_from("<II", data, at + 136)
    begin = at + 160 + drives
    kind = _text(data, at + 32, 24)
    places = {
        _text(data, place + 12, 24).lower().replace(" ", ""): struct.unpack_from("<d", data, place + 56)[0]
        for number, place, length in _segments(data, at + 160, min(begin, len(data)), where)
        if number == _DRIVE and length >= 64
    }
    position = places.get("2theta", places.get("twotheta"))
    if position is None or abs(position - start) > 1e-3:
        raise FormatError(
            f"the scan ({kind or 'of no stated kind'}) does not begin where 2θ stands, so it is not over 2θ",
            where=where,
            remedy="surfspec reads coupled and detector scans; export others as text",
        )
    values = _intensities(data, begin, count, record, where)
    attrs = _labels("", "", seconds)
    return diffraction.Scan(diffraction.uniform(start, step, count, where), values, attrs=attrs), begin + count * record


READER = _entry.Reader(NAME, recognises, read)
