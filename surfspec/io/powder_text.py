"""Text formats of powder diffraction that are no tables: GSAS (BANK lines) and LHPM.

* GSAS: ``BANK 1 NCHAN NREC CONST start step 0 0 STD`` (hundredths of a degree); STD records hold ten counts of eight
  columns (two for the number of detectors), ESD five pairs of intensity and standard uncertainty, FXYE triplets of
  position, intensity and standard uncertainty. Larson & Von Dreele (2004) GSAS, LANL report LAUR 86-748.
* LHPM / Riet7: a header, a line ``start step end ...``, then counts row by row.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import FormatError
from surfspec.io import _bytes, _entry, diffraction

NAME = "gsas"
NAME_LHPM = "lhpm"
_BANK = re.compile(r"^BANK\s+(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.*)$", re.MULTILINE)
_LHPM = re.compile(r"^\s*([\d.]+)\s+([\d.]+)\s+([\d.]+)\s+MeasureDateTime", re.MULTILINE)
_TUBE = re.compile(r"Anode\s+(\w+)\s+Alpha1\s+([\d.]+)\s+Alpha2\s+([\d.]+)\s+Ratio\s+([\d.]+)")


def recognises(source: _bytes.Source) -> bool:
    """Tell a GSAS file by its BANK line."""
    return re.search(rb"^BANK\s+\d+\s+\d+\s+\d+\s+(?:CONST|CONS|FXY|RALF|SLOG|TIME_MAP)", source.data, re.M) is not None


def recognises_lhpm(source: _bytes.Source) -> bool:
    """Tell an LHPM file by its header."""
    return source.data.lstrip().startswith(b"SampleIdent") and b"MeasureDateTime" in source.data[:4096]


def read(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read all banks of constant wavelength of a GSAS file; `options` is what the caller knows.

    Raises
    ------
    FormatError
        For times of flight, unknown kinds of records, and a bank that is cut off.
    """
    text = _bytes.decode(source)
    banks = list(_BANK.finditer(text))
    title = text[: banks[0].start()].strip().split("\n")[0].strip()
    found = []
    for index, bank in enumerate(banks):
        end = banks[index + 1].start() if index + 1 < len(banks) else len(text)
        where = f"{source.name}: bank {bank[1]}"
        found.append((where, _bank(bank, text[bank.end() : end], title, where, many=len(banks) > 1)))
    return [diffraction.entry(scan, source, options, NAME, where) for where, scan in found]


def _bank(bank: re.Match[str], body: str, title: str, where: str, *, many: bool) -> diffraction.Scan:
    kind, rest = bank[4].upper(), bank[5].split()
    count = int(bank[2])
    form = next((word.upper() for word in reversed(rest) if not re.fullmatch(r"[-+0-9.eE]+", word)), "STD")
    if kind not in {"CONST", "CONS"} or form not in {"STD", "ESD", "FXYE", "FXY"}:
        raise FormatError(
            f"a bank of kind {kind} with {form} records is no pattern of constant wavelength",
            where=where,
            remedy="surfspec reads CONST banks with STD, ESD or FXYE records; convert others to .xye",
        )
    body = "\n".join(line for line in body.split("\n") if not line.startswith("#"))
    ends = [diffraction.number(one) for one in rest[:2]]
    if len(ends) < 2 or ends[0] is None or ends[1] is None:
        raise FormatError("its BANK line has no start and step", where=where, remedy="Export the file again")
    start, step = ends[0] / 100.0, ends[1] / 100.0
    attrs: dict[str, _entry.Attr] = {"title": title} if title else {}
    label = f"bank {bank[1]}" if many else ""
    if form == "STD":
        values = _standard(body, count, where)
        return diffraction.Scan(diffraction.uniform(start, step, count, where), values, attrs=attrs, label=label)
    numbers = _numbers(body, where)
    width = {"ESD": 2, "FXYE": 3, "FXY": 2}[form]
    if len(numbers) < count * width:
        raise FormatError(f"{count} points are announced and fewer follow", where=where, remedy="It is cut off")
    table = numbers[: count * width].reshape(count, width)
    angles = diffraction.uniform(start, step, count, where) if form == "ESD" else table[:, 0] / 100.0
    values, sigma = (table[:, 0], table[:, 1]) if form == "ESD" else (table[:, 1], table[:, 2] if width == 3 else None)
    return diffraction.Scan(angles, values, attrs=attrs, label=label, sigma=sigma)


def _numbers(body: str, where: str) -> NDArray[np.float64]:
    try:
        return np.array(body.split(), dtype=np.float64)
    except ValueError:
        raise FormatError("a count is no number", where=where, remedy="The file is damaged; export it again") from None


def _standard(body: str, count: int, where: str) -> NDArray[np.float64]:
    """STD records: ten fields of eight columns, the number of detectors in the first two, counts in six."""
    fields = [line[at : at + 8] for line in body.split("\n") for at in range(0, len(line.rstrip("\r")), 8)]
    fields = [one for one in fields if one.strip()][:count]
    try:
        return (
            np.array([_detectors(one) for one in fields], dtype=np.float64) if len(fields) == count else _short(where)
        )
    except ValueError:
        raise FormatError("a count is no number", where=where, remedy="The file is damaged; export it again") from None


def _detectors(field: str) -> float:
    """Return the counts of one field; those of several detectors are means, whose sum is the count."""
    detectors = field[:2].strip()
    return float(field[2:]) * (max(int(detectors), 1) if detectors and len(field) == 8 else 1)


def _short(where: str) -> NDArray[np.float64]:
    raise FormatError("fewer counts than announced", where=where, remedy="The file is cut off; copy it again")


def read_lhpm(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read an LHPM (Riet7) file; `options` is what the caller knows.

    Raises
    ------
    FormatError
        Where the counts do not fill the range that the header states.
    """
    text = _bytes.decode(source)
    line = _LHPM.search(text)
    if line is None:
        raise FormatError("no line 'start step end'", where=source.name, remedy="Convert the file to .xy")
    start, step, end = (float(line[number]) for number in (1, 2, 3))
    body = text[line.end() :].partition("\n")[2]
    values = _numbers(body, source.name)
    count = round((end - start) / step) + 1 if step > 0 else 0
    if len(values) != count:
        raise FormatError(
            f"the header announces {count} points and {len(values)} follow", where=source.name, remedy="Copy it again"
        )
    tube = _TUBE.search(text[: line.start()])
    attrs = diffraction.radiation(tube[1], float(tube[2]), float(tube[3]), float(tube[4])) if tube else {}
    seconds = re.search(r"StepTime\s+([\d.]+)", line.group(0) + text[line.end() : line.end() + 80])
    if seconds:
        attrs["dwell_time"] = float(seconds[1])
    sample = re.match(r"\s*SampleIdent\s+(.*?)\s{2,}", text)
    if sample:
        attrs["sample"] = sample[1]
    scan = diffraction.Scan(diffraction.uniform(start, step, count, source.name), values, "counts", None, attrs)
    return [diffraction.entry(scan, source, options, NAME_LHPM, source.name)]


READER = _entry.Reader(NAME, recognises, read)
READER_LHPM = _entry.Reader(NAME_LHPM, recognises_lhpm, read_lhpm)
