"""Formats that surfspec knows by sight and does not read: each is refused with the way out."""

from __future__ import annotations

from surfspec.errors import FormatError
from surfspec.io._bytes import Source

_NETCDF = "Load what surfspec saved with surfspec.load(); export a NeXus (.nxs) measurement as .xy or .xrdml"
_MAGIC = (
    (
        b"\x89HDF\r\n\x1a\n",
        "an HDF5 or netCDF file",
        _NETCDF,
    ),
    (
        b"CDF\x01",
        "a netCDF file",
        _NETCDF,
    ),
    (
        b"CDF\x02",
        "a netCDF file",
        _NETCDF,
    ),
    (b"RAW2", "a Siemens .raw file of version 2", "Export it as .xy, .xye or .xrdml"),
    (b"RAW_1.06", "a Stoe .raw file", "Export it as .xy"),
    (b"\x89PNG", "a picture", "Read the numbers, not a plot of them"),
    (b"\xff\xd8\xff", "a picture", "Read the numbers, not a plot of them"),
    (b"%PDF", "a PDF document", "Export the numbers from the instrument's program"),
    (b"\xd0\xcf\x11\xe0", "an old Excel (.xls) or Avantage document", "Save it as .xlsx or export VAMAS"),
    (b"SOFH", "a PHI MultiPak file", "Export it as VAMAS or text"),
)
_TEXT = (
    ("<?xml", "an XML file that is no .xrdml", "Export it as VAMAS, text or .xrdml"),
    ("<!DOCTYPE html", "a web page", "Download the data file itself"),
    ("<html", "a web page", "Download the data file itself"),
    ("version https://git-lfs", "a Git LFS pointer, not the data", "Fetch the file with git lfs pull"),
)


def refuse_known(source: Source) -> None:
    """Raise for binary formats that surfspec recognises and does not read.

    Raises
    ------
    FormatError
        Naming the format and what to do.
    """
    if source.data.startswith(b"PK\x03\x04") and b"xl/workbook" not in source.data:
        raise FormatError(
            "this is a zip archive and no .xlsx, .rasx or .brml",
            where=source.name,
            remedy="Unpack the archive, and read the measurement in it",
        )
    for magic, name, remedy in _MAGIC:
        if source.data.startswith(magic):
            raise FormatError(f"this is {name}", where=source.name, remedy=remedy)


def refuse_known_text(text: str, source: Source) -> None:
    """Raise for text formats that surfspec recognises and does not read as a table.

    Raises
    ------
    FormatError
        Naming the format and what to do.
    """
    head = text.lstrip("\ufeff \t\n")[:64].lower()
    for start, name, remedy in _TEXT:
        if head.startswith(start.lower()):
            raise FormatError(f"this is {name}", where=source.name, remedy=remedy)
