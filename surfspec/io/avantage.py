"""Workbooks of Thermo Avantage (and sheets laid out like them) as spectra.

A sheet holds the axis in one column under ``Binding Energy (E)`` or ``Kinetic Energy (E)``, a row of units, the
measured rates, and to their right what Avantage fitted. The measured column alone becomes the spectrum; see
:mod:`surfspec.io.avantage_results` for the rest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.errors import FormatError, InputError
from surfspec.io import _bytes, _entry, text_meta
from surfspec.io.regions import spelled
from surfspec.io.text_columns import agreed_unit, classify, intensity_unit
from surfspec.io.workbook import Sheet, is_workbook, sheets

NAME = "Avantage .xlsx"

_AXES = re.compile(r"\A(?:(binding)|(kinetic))\s+energy\b|\A(b\.?e\.?)\Z|\A(k\.?e\.?)\Z", re.IGNORECASE)
_MEASURED = re.compile(r"\Araw data\Z|\Aintensity\Z|\Acounts|\Acps\Z", re.IGNORECASE)
_FITTED = re.compile(r"backgnd|background|envelope|residual|corrected|transmission|calculated|fit", re.IGNORECASE)
_HEAD_ROWS = 60
_UNITS_OF_COORDINATE = {"µm": "um", "um": "um", "mm": "mm", "s": "s", "°": "deg", "deg": "deg", "k": "K"}


@dataclass(frozen=True)
class Column:
    """A column of numbers beside the axis: name and unit as written, label above it, and values."""

    name: str
    unit: str
    label: str | float | None
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    r"""A sheet that holds spectra.

    Attributes
    ----------
    title
        Title of the sheet.
    axis
        ``binding_energy`` or ``kinetic_energy``.
    x
        Its values, shape (n,).
    columns
        Columns to the right that hold numbers, up to the next axis.
    label_name
        What the labels above the columns count (``Y (Y)\µm``), or an empty string.
    meta
        Further ``name, number`` pairs above the numbers.
    path
        Path of the instrument's file, where the sheet gives it.
    """

    title: str
    axis: str
    x: NDArray[np.float64]
    columns: list[Column]
    label_name: str
    meta: dict[str, tuple[str, int]]
    path: str


def grid(sheet: Sheet) -> Grid | None:
    """Find axis and columns in a sheet, or None where it holds no spectrum."""
    place = _axis_cell(sheet)
    if place is None:
        return None
    row, column, axis = place
    first = row + 1 if isinstance(sheet.at(row + 1, column), float) else row + 2
    x = _numbers(sheet, first, column)
    if x.size < 2:
        return None
    units_row = first - 1 if first == row + 2 else -1
    columns: list[Column] = []
    width = max(len(cells) for cells in sheet.rows[row : first + 1])
    for index in range(column + 1, width):
        if _AXES.match(sheet.text(row, index)):
            break
        if isinstance(sheet.at(first, index), float):
            values = np.array([_value(sheet.at(first + i, index)) for i in range(x.size)])
            columns.append(
                Column(sheet.text(row, index), sheet.text(units_row, index), sheet.at(row - 1, index), values)
            )
    label_name = sheet.text(row - 1, column + 1)
    if not columns:
        return None
    return Grid(sheet.title, axis, x, columns, label_name, _pairs(sheet, row), _path(sheet, row))


def _axis_cell(sheet: Sheet) -> tuple[int, int, str] | None:
    for row in range(min(_HEAD_ROWS, len(sheet.rows))):
        for column in range(min(4, len(sheet.rows[row]))):
            match = _AXES.match(sheet.text(row, column))
            below = any(isinstance(sheet.at(row + step, column), float) for step in (1, 2))
            if match and below:
                return row, column, "binding_energy" if match.group(1) or match.group(3) else "kinetic_energy"
    return None


def _numbers(sheet: Sheet, row: int, column: int) -> NDArray[np.float64]:
    found: list[float] = []
    while isinstance(value := sheet.at(row + len(found), column), float):
        found.append(value)
    return np.array(found, dtype=np.float64)


def _value(cell: str | float | None) -> float:
    return cell if isinstance(cell, float) else float("nan")


def _pairs(sheet: Sheet, end: int) -> dict[str, tuple[str, int]]:
    found = {}
    for row in range(end):
        for column in range(len(sheet.rows[row]) - 1):
            name, value = sheet.at(row, column), sheet.at(row, column + 1)
            if isinstance(name, str) and isinstance(value, float) and sheet.text(row, 0).lower() != "axis":
                found[name] = (f"{value:.12g}", row + 1)
    return found


def _path(sheet: Sheet, end: int) -> str:
    texts = [sheet.text(row, 0) for row in range(end)]
    return next((text for text in texts if re.search(r"\.vg[dp]\Z", text, re.IGNORECASE)), "")


def read(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read all sheets of a workbook that hold spectra.

    Parameters
    ----------
    source
        The file.
    options
        What the caller knows.

    Returns
    -------
    list of Entry
        One for each sheet; a sheet with labelled columns becomes a series along that label.

    Raises
    ------
    FormatError
        When no sheet holds a spectrum, or the workbook is damaged.
    """
    book = sheets(source)
    grids = [found for sheet in book if (found := grid(sheet)) is not None]
    if not grids:
        titles = ", ".join(repr(sheet.title) for sheet in book[:8])
        raise FormatError(
            f"no sheet with numbers under 'Binding Energy' or 'Kinetic Energy' (sheets: {titles})",
            where=source.name,
            remedy="Head the axis column so, or export the spectra as text",
        )
    return [_entry.Entry(label_of(found), _spectrum(found, source, options)) for found in grids]


def label_of(found: Grid) -> str:
    """Return the label of a sheet: its region, or its title where it is over kinetic energy."""
    bare = re.sub(r"\s*scan\Z", "", found.title.strip(), flags=re.IGNORECASE)
    return spelled(bare) if found.axis == "binding_energy" else found.title.strip()


def measured(found: Grid) -> list[Column]:
    """Return the measured columns: named as such, or unnamed in front of the fitted ones."""
    named = [column for column in found.columns if _MEASURED.match(column.name)]
    if named:
        return named[:1]
    return [column for column in found.columns if not column.name and not _FITTED.search(column.name)]


def _technique(found: Grid, source: _bytes.Source, options: _entry.Options) -> str:
    if options.technique is not None:
        return options.technique
    if found.axis == "binding_energy":
        return "XPS"
    if re.search(r"\b(?:LEIS|ISS)\b", f"{found.path} {source.name}", re.IGNORECASE):
        return "LEIS"
    raise InputError(
        f"sheet {found.title!r} is over kinetic energy and does not say whether electrons or ions were measured",
        where=source.name,
        remedy="Say technique='XPS' or technique='LEIS'",
    )


def _spectrum(found: Grid, source: _bytes.Source, options: _entry.Options) -> xr.Dataset:
    where = f"{source.name} [{found.title}]"
    technique = _technique(found, source, options)
    columns = measured(found)
    if not columns:
        raise FormatError("no measured intensity beside the axis", where=where, remedy="Export the measured data too")
    attrs = {**_attrs(found, technique), **options.attrs}
    complete = [column for column in columns if np.all(np.isfinite(column.values))]
    if len(complete) < len(columns) and complete and len(columns) > 1:
        attrs["left_out"] = f"{len(columns) - len(complete)} of {len(columns)} columns that are not numbers throughout"
    columns = complete or columns
    name, x = _axis(found, technique, attrs, options, where)
    series = len(columns) > 1
    y = np.stack([column.values for column in columns])
    units, factor = _units(columns[0], options, where)
    counts, units, statistics = _entry.counted(
        y * factor, units, _number(attrs.get("dwell_time")), _number(attrs.get("scans"))
    )
    dim, coordinate = _coordinate(found, columns)
    dataset = spectra.spectrum(
        x,
        counts if series else counts[0],
        technique=technique,
        axis=name,
        units=units,
        statistics=statistics,
        dims=(dim,) if series else (),
        coords={dim: coordinate} if series else None,
        where=where,
    )
    return _entry.labelled(dataset, attrs, source, NAME)


def _attrs(found: Grid, technique: str) -> dict[str, _entry.Attr]:
    attrs = text_meta.attributes(found.meta, found.title)
    renamed = {"angle": "emission_angle"}
    keep = {renamed.get(key, key): value for key, value in attrs.items() if key not in {"axis", "technique"}}
    numbers = {key: _as_number(value) for key, value in keep.items() if key.isidentifier()}
    if technique == "XPS":
        numbers["region"] = label_of(found)
    if found.path:
        numbers["instrument_file"] = re.split(r"[\\/]", found.path)[-1]
    return numbers


def _as_number(value: _entry.Attr) -> _entry.Attr:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _axis(
    found: Grid, technique: str, attrs: dict[str, _entry.Attr], options: _entry.Options, where: str
) -> tuple[str, NDArray[np.float64]]:
    hv = _number(attrs.get("photon_energy"))
    target = options.axis or found.axis
    if technique == "LEIS" and options.axis is None:
        target = "kinetic_energy"
    if target == found.axis:
        return target, found.x
    if target not in schema.TECHNIQUE_AXES[technique] or hv is None:
        raise InputError(
            f"the sheet is over {found.axis}",
            where=where,
            remedy="Leave axis= out, or say photon_energy=1486.6 (eV) too",
        )
    return target, np.round(hv - found.x, 9)


def _units(column: Column, options: _entry.Options, where: str) -> tuple[str, float]:
    bare = re.sub(r"\s*\(.*\Z", "", column.unit).replace(" ", "").lower()
    unit = classify((column.name,))[0].unit
    stated = intensity_unit(bare) or ((unit, 1.0) if unit else None)
    if options.units is not None:
        return agreed_unit(options.units, stated, column.unit or column.name, where)
    return stated or ("arb. units", 1.0)


def _coordinate(found: Grid, columns: list[Column]) -> tuple[str, xr.Variable]:
    """Name the series dimension after the labels above the columns."""
    match = re.match(r"\s*([A-Za-z]+)[^\\]*\\?\s*(.*)\Z", found.label_name)
    numeric = all(isinstance(column.label, float) for column in columns)
    if match is None or not numeric:
        return "spectrum", xr.Variable("spectrum", np.arange(len(columns)), {"long_name": "Spectrum"})
    dim = match.group(1).lower()
    units = _UNITS_OF_COORDINATE.get(match.group(2).strip().lower(), "1")
    values = np.array([column.label for column in columns], dtype=np.float64)
    return dim, xr.Variable(dim, values, {"units": units, "long_name": match.group(1)})


def _number(value: _entry.Attr | None) -> float | None:
    return float(value) if isinstance(value, int | float) and value > 0 else None


READER = _entry.Reader(NAME, is_workbook, read)
