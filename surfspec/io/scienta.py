"""Text exports of Scienta (SES): ``[Info]``, then for each region ``[Region n]``, ``[Info n]`` and ``[Data n]``.

The exports do not say what their intensity is (counts, a rate, a sum of channels), so it stays in arbitrary units.
"""

from __future__ import annotations

import re

import numpy as np
import xarray as xr

from surfspec import spectra
from surfspec.errors import FormatError
from surfspec.io import _bytes, _entry, text_meta
from surfspec.io.regions import spelled
from surfspec.io.text_columns import agreed_unit

NAME = "Scienta text"

_SECTION = re.compile(r"\[(Region|Info|Data|Run Mode Information)(?: (\d+))?\]\s*\Z")
_KEEP = {
    "lens_mode",
    "acquisition_mode",
    "date",
    "time",
    "location",
    "user",
    "comments",
    "spectrum_name",
    "detectormode",
}

Section = tuple[dict[str, tuple[str, int]], list[tuple[int, str]]]


def recognises(source: _bytes.Source) -> bool:
    """Tell by the first two lines."""
    return re.match(rb"(?:\xef\xbb\xbf)?\s*\[Info\]\s*Number of Regions=", source.data) is not None


def read(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read all regions of a Scienta text export.

    Parameters
    ----------
    source
        The file.
    options
        What the caller knows.

    Returns
    -------
    list of Entry
        One for each region; several slices make a series along ``slice``.

    Raises
    ------
    FormatError
        When a region has no numbers, or fewer than it promises.
    """
    regions = _sections(_bytes.decode(source))
    found = [_spectrum(number, section, source, options) for number, section in regions.items() if section[1]]
    if not found:
        raise FormatError("no region with data", where=source.name, remedy="The file is cut off; export it again")
    return [_entry.Entry(str(dataset.attrs.get("region", "region")), dataset) for dataset in found]


def _sections(text: str) -> dict[str, Section]:
    sections: dict[str, Section] = {}
    kind, number = "Info", ""
    for line_number, line in enumerate(text.split("\n"), start=1):
        match = _SECTION.match(line.strip())
        if match is not None:
            kind, number = match.group(1), match.group(2) or ""
            continue
        if not number or not line.strip():
            continue
        meta, rows = sections.setdefault(number, ({}, []))
        if kind == "Data":
            rows.append((line_number, line))
        elif "=" in line:
            key, _, value = line.partition("=")
            meta.setdefault(key.strip(), (value.strip(), line_number))
    return sections


def _spectrum(number: str, section: Section, source: _bytes.Source, options: _entry.Options) -> xr.Dataset:
    meta, rows = section
    where = f"{source.name}:{rows[0][0]}"
    table = _table(rows, source.name)
    promised = meta.get("Dimension 1 size", ("", 0))[0]
    if promised.isdigit() and int(promised) != len(table):
        raise FormatError(
            f"region {number}: {promised} values promised, {len(table)} found",
            where=where,
            remedy="Export the file again",
        )
    attrs = {**_attrs(meta, source.name), **options.attrs}
    name = meta.get("Dimension 1 name", ("", 0))[0].lower()
    stored = "binding_energy" if "binding" in name else "kinetic_energy" if "kinetic" in name else options.axis or ""
    if not stored:
        raise FormatError(
            f"region {number} is over {name or 'an unnamed axis'!r}", where=where, remedy="Say axis='kinetic_energy'"
        )
    hv = attrs.get("photon_energy")
    target = options.axis or ("binding_energy" if isinstance(hv, int | float) else stored)
    x = table[:, 0]
    if target != stored:
        if not isinstance(hv, int | float):
            raise FormatError(f"the file is over {stored}", where=where, remedy="Say photon_energy=... (eV)")
        x = np.round(hv - x, 9)
    y = table[:, 1:].T
    series = len(y) > 1
    unit = agreed_unit(options.units or "arb. units", None, "the table", where)
    dataset = spectra.spectrum(
        x,
        y * unit[1] if series else y[0] * unit[1],
        technique=options.technique or "XPS",
        axis=target,
        units=unit[0],
        dims=("slice",) if series else (),
        coords={"slice": ("slice", np.arange(len(y)), {"long_name": "Slice"})} if series else None,
        where=where,
    )
    return _entry.labelled(dataset, attrs, source, NAME)


def _table(rows: list[tuple[int, str]], name: str) -> np.ndarray:
    numbers: list[list[float]] = []
    for line, text in rows:
        try:
            numbers.append([float(cell) for cell in text.split()])
        except ValueError:
            numbers.append([])
        if len(numbers[-1]) != len(numbers[0]) or len(numbers[-1]) < 2:
            raise FormatError(
                f"{text.strip()[:40]!r} is no row of numbers",
                where=f"{name}:{line}",
                remedy="The file is damaged or cut off",
            )
    return np.array(numbers, dtype=np.float64)


def _attrs(meta: dict[str, tuple[str, int]], name: str) -> dict[str, _entry.Attr]:
    known = text_meta.attributes(meta, name)
    words = {"region", "sample", "instrument", "photon_energy", "pass_energy", "scans"} | _KEEP
    attrs = {key: value for key, value in known.items() if key in words}
    milliseconds = meta.get("Step Time", ("", 0))[0]
    if re.fullmatch(r"\d+(?:\.\d*)?", milliseconds):
        attrs["dwell_time"] = float(milliseconds) / 1e3
    if "region" in attrs:
        attrs["region"] = spelled(str(attrs["region"]))
    return attrs


READER = _entry.Reader(NAME, recognises, read)
