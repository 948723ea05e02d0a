"""Tables of a study as plain data, written as CSV and as one Excel workbook."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

#: First characters with which spreadsheet programs take a text for a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

#: Creation date written into workbooks, fixed so that the same study gives the same content.
_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - the format of Excel knows no time zone


@dataclass(frozen=True)
class Quantity:
    """A value with its standard uncertainty; NaN stands for "not determined"."""

    value: float
    unc: float


@dataclass(frozen=True)
class Column:
    """One column: its heading, its unit, what its cells are, and the significant digits of a number on the page."""

    name: str
    unit: str = ""
    kind: Literal["text", "verdict", "number", "quantity"] = "text"
    digits: int = 5

    @property
    def heading(self) -> str:
        """The heading with the unit in brackets."""
        return f"{self.name} [{self.unit}]" if self.unit and self.unit != "1" else self.name


Cell = str | float | Quantity | None


@dataclass(frozen=True)
class Table:
    """A table of a study: a file name, a title, columns, rows and a note on how to read it."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


def flat_header(table: Table) -> list[str]:
    """Return the headings with every quantity spread over a value and an uncertainty column."""
    names: list[str] = []
    for column in table.columns:
        names.append(column.heading)
        if column.kind == "quantity":
            names.append(Column(f"{column.name} standard uncertainty", column.unit).heading)
    return names


def flat_rows(table: Table) -> list[list[str | float | None]]:
    """Return the rows with every quantity spread over two cells; what is not determined is None."""
    return [[cell for pair in zip(table.columns, row, strict=True) for cell in _flat(*pair)] for row in table.rows]


def _flat(column: Column, cell: Cell) -> list[str | float | None]:
    if column.kind == "quantity":
        if isinstance(cell, Quantity):
            return [_finite(cell.value), _finite(cell.unc)]
        return [cell if isinstance(cell, str) else None, None]
    return [_finite(cell) if isinstance(cell, float) else cell]  # type: ignore[list-item]


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def csv_text(table: Table) -> str:
    """Return a table as CSV: a header line with units, then numbers in full precision.

    A text that a spreadsheet program would take for a formula is preceded by an apostrophe.

    Examples
    --------
    >>> table = Table("t", "T", (Column("name"), Column("E", "eV", "quantity")), (("=1+1", Quantity(1.5, 0.1)),))
    >>> print(csv_text(table))
    name,E [eV],E standard uncertainty [eV]
    '=1+1,1.5,0.1
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(flat_header(table))
    for row in flat_rows(table):
        writer.writerow([_csv_cell(cell) for cell in row])
    return buffer.getvalue()


def _csv_cell(cell: str | float | None) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
    return repr(cell)


def write_csv(tables: Sequence[Table], folder: Path) -> list[Path]:
    """Write each table into ``folder/NAME.csv`` (UTF-8) and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for table in tables:
        path = folder / f"{table.name}.csv"
        path.write_text(csv_text(table), encoding="utf-8")
        paths.append(path)
    return paths


def write_workbook(tables: Sequence[Table], path: Path, *, facts: Sequence[tuple[str, str]] = ()) -> Path:
    """Write all tables into one Excel workbook, one sheet each, numbers as numbers and text always as text.

    Parameters
    ----------
    tables
        Tables to write.
    path
        File to write.
    facts
        Lines of the first sheet: what the study is, its verdict, the versions.
    """
    book = Workbook()
    first = book.active
    assert first is not None  # noqa: S101 - a new workbook has one sheet
    first.title = "study"
    for row, fact in enumerate(facts, start=1):
        for place, text in enumerate(fact, start=1):
            _put(first, row, place, text)
    for column, width in (("A", 24), ("B", 90)):
        first.column_dimensions[column].width = width
    used = {"study"}
    for table in tables:
        _sheet(book, table, used)
    book.properties.created = book.properties.modified = _EPOCH
    book.properties.creator = "surfspec"
    book.save(path)
    return path


def _sheet(book: Workbook, table: Table, used: set[str]) -> None:
    title = table.name[:31]
    while title in used:
        title = f"{title[:28]}_{len(used)}"
    used.add(title)
    sheet = book.create_sheet(title)
    header = flat_header(table)
    rows = flat_rows(table)
    for place, text in enumerate(header, start=1):
        cell = _put(sheet, 1, place, text)
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    for number, row in enumerate(rows, start=2):
        for place, value in enumerate(row, start=1):
            _put(sheet, number, place, value)
    for place, text in enumerate(header, start=1):
        longest = max([len(text) // 2, *(len(str(row[place - 1] or "")) for row in rows)], default=10)
        sheet.column_dimensions[get_column_letter(place)].width = min(max(longest + 2, 10), 60)
    sheet.freeze_panes = "A2"


def _put(sheet: Worksheet, row: int, column: int, value: str | float | None) -> SheetCell:
    """Write one cell; text stays text, whatever it begins with."""
    cell = sheet.cell(row=row, column=column)
    assert isinstance(cell, SheetCell)  # noqa: S101 - merged cells are never made here
    if isinstance(value, str):
        cell.value = "".join(character for character in value if character >= " " or character in "\t\n")
        cell.data_type = "s"
    else:
        cell.value = value
    return cell
