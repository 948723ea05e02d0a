"""Tables that describe themselves: CSV files whose first lines say where the numbers come from."""

from __future__ import annotations

import csv
import functools
import math
import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import FormatError, InputError
from surfspec.reference.files import path

_HEADER: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?: \((?P<unit>[^()]+)\))?")


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length, with units and the words about their source.

    Attributes
    ----------
    name
        Name of the table.
    notes
        The comment lines at the top of its file: source, meaning, how it was made.
    columns
        Column name -> values; columns whose header has a unit are float64 (NaN where nothing is known), others text.
    units
        Column name -> unit, of the columns of numbers.
    """

    name: str
    notes: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]]
    units: Mapping[str, str]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, column: str) -> NDArray[Any]:
        if column not in self.columns:
            raise InputError(
                f"table '{self.name}' has no column {column!r}", remedy=f"Use one of {', '.join(self.columns)}"
            )
        return self.columns[column]

    def rows(self, **equal: str) -> Iterator[Mapping[str, Any]]:
        """Go through the rows, or through those whose columns equal the given words."""
        chosen = np.ones(len(self), dtype=bool)
        for column, value in equal.items():
            chosen &= self[column] == value
        for index in np.flatnonzero(chosen):
            yield {column: values[index].item() for column, values in self.columns.items()}


def table(name: str) -> Table:
    """Return one of the tables that come with the package.

    Parameters
    ----------
    name
        Its name, ``"xps_lines"`` say; see ``names("tables", ".csv")``.

    Returns
    -------
    Table
        Frozen and cached: the same object at each call.

    Raises
    ------
    InputError
        When there is no table of this name.
    FormatError
        When its file is not as it should be, with the line.

    Examples
    --------
    >>> table("xps_lines").units["energy"]
    'eV'
    """
    return read_table(path("tables", f"{name}.csv"))


@functools.lru_cache(maxsize=64)
def read_table(file: Path) -> Table:
    """Read a table: comment lines with ``#``, a header like ``energy (eV)``, rows of equal length.

    Parameters
    ----------
    file
        CSV file in UTF-8.

    Returns
    -------
    Table
        Its columns.

    Raises
    ------
    FormatError
        With the line of the fault.

    Examples
    --------
    >>> read_table(path("tables", "sensitivity_althermo1.csv"))["line"].tolist()
    ['C 1s', 'O 1s', 'Na 1s']
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError("the table cannot be read", where=file, remedy="Check that it is a UTF-8 file") from error
    start = next((index for index, line in enumerate(lines) if not line.startswith("#")), len(lines))
    notes = tuple(line.removeprefix("#").strip() for line in lines[:start])
    if not notes:
        raise FormatError(
            "the table does not say where its numbers come from",
            where=file,
            remedy="Begin it with comment lines '# Source: ...'",
        )
    reader = csv.reader(lines[start:], strict=True)
    try:
        records = list(reader)
    except csv.Error as error:
        raise FormatError(f"{error}", where=f"{file}:{start + reader.line_num}", remedy="Mend the quotes") from error
    if len(records) < 2:
        raise FormatError("the table has no rows", where=file, remedy="Add a header and at least one row")
    header, units = _header(records[0], f"{file}:{start + 1}")
    for number, record in enumerate(records[1:], start=start + 2):
        if len(record) != len(header):
            raise FormatError(
                f"{len(record)} fields where the header has {len(header)}",
                where=f"{file}:{number}",
                remedy="Give every field; leave unknown ones empty, and put text with commas in quotes",
            )
    columns = {
        column: _column([record[index] for record in records[1:]], column in units, f"{file}:{start + 2}")
        for index, column in enumerate(header)
    }
    return Table(file.stem, notes, types.MappingProxyType(columns), types.MappingProxyType(units))


def _header(fields: list[str], where: str) -> tuple[list[str], dict[str, str]]:
    header: list[str] = []
    units: dict[str, str] = {}
    for entry in fields:
        match = _HEADER.fullmatch(entry.strip())
        if match is None or match["name"] in header:
            raise FormatError(
                f"column {entry!r} is {'repeated' if match else 'not a name'}",
                where=where,
                remedy="Write each column once, as 'name' (text) or 'name (unit)' (numbers)",
            )
        header.append(match["name"])
        if match["unit"]:
            units[match["name"]] = match["unit"]
    return header, units


def _column(words: list[str], is_number: bool, where: str) -> NDArray[Any]:
    if not is_number:
        texts = np.array([word.strip() for word in words], dtype=np.str_)
        texts.flags.writeable = False
        return texts
    numbers = np.full(len(words), math.nan)
    for index, word in enumerate(words):
        if word.strip():
            try:
                numbers[index] = float(word)
            except ValueError as error:
                raise FormatError(
                    f"{word!r} is no number (row {index + 1} from here)",
                    where=where,
                    remedy="Write a number or nothing",
                ) from error
    numbers.flags.writeable = False
    return numbers
