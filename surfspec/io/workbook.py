"""Cells of .xlsx workbooks, opened safely: in memory, with limits, without macros, links or entities."""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ET
import zipfile
import zlib
from dataclasses import dataclass

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from surfspec.errors import FormatError
from surfspec.io._bytes import Source

#: Limits of the archive: unpacked bytes, members, and ratio unpacked : packed (a real sheet has about 10).
MAX_UNPACKED = 400 * 2**20
MAX_MEMBERS = 5000
MAX_RATIO = 300
#: What zipfile and openpyxl raise for damaged archives.
_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, ET.ParseError, InvalidFileException, EOFError, OSError,
    KeyError, IndexError, ValueError, TypeError, AttributeError, NotImplementedError, RuntimeError,
)  # fmt: skip
_NOT_A_NUMBER = re.compile(r"[+-]?1\.#(?:inf|ind|qnan|snan)\d*|nan|[+-]?inf|#(?:n/a|num!|div/0!|value!)", re.IGNORECASE)

Cell = str | float | None


@dataclass(frozen=True)
class Sheet:
    """A worksheet: its title and its cells as text, numbers (NaN for ``-1.#INF0`` and the like) or None."""

    title: str
    rows: list[list[Cell]]

    def at(self, row: int, column: int) -> Cell:
        """Return a cell, or None outside the sheet."""
        if 0 <= row < len(self.rows) and 0 <= column < len(self.rows[row]):
            return self.rows[row][column]
        return None

    def text(self, row: int, column: int) -> str:
        """Return a cell as text, an empty string for None."""
        value = self.at(row, column)
        return "" if value is None else str(value).strip()


def is_workbook(source: Source) -> bool:
    """Tell by content whether a file is an .xlsx workbook."""
    return source.data.startswith(b"PK\x03\x04") and b"xl/workbook" in source.data


def sheets(source: Source) -> list[Sheet]:
    """Read all worksheets of a workbook.

    Raises
    ------
    FormatError
        When the archive is damaged, encrypted, or unpacks to far more than it should.
    """
    _check_archive(source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # styles and extensions that openpyxl does not know
            book = openpyxl.load_workbook(io.BytesIO(source.data), read_only=True, data_only=True, keep_links=False)
            found = [
                Sheet(str(sheet.title), [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)])
                for sheet in book.worksheets
            ]
            book.close()
    except _DAMAGE as problem:
        raise _damaged(source) from problem
    return found


def _check_archive(source: Source) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            packed = max(sum(member.compress_size for member in members), 1)
            too_much = unpacked > MAX_UNPACKED or len(members) > MAX_MEMBERS or unpacked / packed > MAX_RATIO
            if not too_much:
                heads = [archive.open(member).read(2048) for member in members if member.filename.endswith(".xml")]
    except _DAMAGE as problem:
        raise _damaged(source) from problem
    if too_much:
        raise FormatError(
            f"the workbook unpacks to {unpacked / 2**20:.0f} MiB in {len(members)} parts, "
            f"{unpacked / packed:.0f} times its size",
            where=source.name,
            remedy="This is no exported spectrum; save the sheets with the spectra to a new workbook",
        )
    if any(b"<!DOCTYPE" in head or b"<!ENTITY" in head for head in heads):
        raise FormatError(
            "the workbook declares a document type",
            where=source.name,
            remedy="Save it again with a spreadsheet program",
        )


def _damaged(source: Source) -> FormatError:
    return FormatError(
        "this workbook is damaged or encrypted", where=source.name, remedy="Copy or export it again, without a password"
    )


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    text = str(value).replace("\ufeff", "").strip()
    if _NOT_A_NUMBER.fullmatch(text):
        return float("nan")
    return text or None
