"""What Avantage itself concluded: its peak tables, backgrounds, envelopes and component curves.

These are the vendor's numbers, read for comparison; nothing of surfspec depends on them.
"""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import xarray as xr

from surfspec.errors import FormatError
from surfspec.io import _bytes, _entry
from surfspec.io.avantage import NAME, Column, Grid, grid, label_of, measured
from surfspec.io.workbook import Sheet, is_workbook, sheets

#: Quantity -> (pattern of its column head, unit).
_HEADS = {
    "center": (r"peak\s*be|position|\bbe\b", "eV"),
    "fwhm": (r"fwhm", "eV"),
    "height": (r"height|peak\s*cps", "counts/s"),
    "area": (r"area", "counts/s eV"),
    "atomic_percent": (r"at(?:omic)?\.?\s*\(?%", "%"),
    "sensitivity_factor": (r"\bsf\b|rsf|sensitivity", "1"),
}
_NAME_HEAD = re.compile(r"\A(?:peak\s*)?(?:name|label)\Z", re.IGNORECASE)


def read_avantage_results(path: str | Path) -> xr.DataTree:
    """Read the stored results of an Avantage workbook.

    Parameters
    ----------
    path
        The .xlsx file.

    Returns
    -------
    xarray.DataTree
        ``peaks/<sheet>``: tables over ``peak`` with ``center``, ``fwhm`` (eV), ``height`` (counts/s), ``area``
        (counts/s eV), ``atomic_percent`` (%) and ``sensitivity_factor``, as far as the sheet has them.
        ``curves/<region>``: over the axis ``intensity``, ``background``, ``envelope`` and, over ``component``,
        ``component_curve``, which includes the background; NaN outside the window that was fitted.
        ``areas/<sheet>``: over ``spectrum`` and ``peak`` the areas of a series.

    Raises
    ------
    FormatError
        When the file is no workbook or holds no results.

    Examples
    --------
    >>> read_avantage_results("missing.xlsx")
    Traceback (most recent call last):
    surfspec.errors.FormatError: missing.xlsx: no such file. Check the path and the spelling.
    """
    source = _bytes.load(path)
    if not is_workbook(source):
        raise FormatError(
            "this is no .xlsx workbook", where=source.name, remedy="Export the results from Avantage to Excel"
        )
    nodes: dict[str, xr.Dataset] = {}
    for sheet in sheets(source):
        title = sheet.title.replace("/", "-").strip()
        found = grid(sheet)
        tables = {
            f"curves/{label_of(found).replace('/', '-')}" if found else "": _curves(found) if found else None,
            f"peaks/{title}": _peak_table(sheet),
            f"areas/{title}": _areas(sheet),
        }
        nodes.update({name: _finish(table, source) for name, table in tables.items() if table is not None})
    if not nodes:
        raise FormatError(
            "no peak table and no fitted curves in this workbook",
            where=source.name,
            remedy="Use read() for the spectra",
        )
    return xr.DataTree.from_dict(nodes, name="results")


def _finish(table: xr.Dataset, source: _bytes.Source) -> xr.Dataset:
    technique = "LEIS" if "kinetic_energy" in table.dims or "spectrum" in table.dims else "XPS"
    return table.assign_attrs(kind="table", technique=technique, **_entry.provenance(source, NAME))


def _heads(sheet: Sheet) -> tuple[int, int, dict[str, int]] | None:
    """Find the row of column heads: its row, the column of names, and the column of each quantity."""
    for row in range(min(10, len(sheet.rows))):
        texts = [re.sub(r"\s+", " ", sheet.text(row, column)) for column in range(len(sheet.rows[row]))]
        names = [column for column, text in enumerate(texts) if _NAME_HEAD.match(text)]
        places = {
            quantity: next((c for c, text in enumerate(texts) if re.search(pattern, text, re.IGNORECASE)), -1)
            for quantity, (pattern, _) in _HEADS.items()
        }
        places = {quantity: column for quantity, column in places.items() if column >= 0}
        if names and "center" in places:
            return row, names[0], places
    return None


def _peak_table(sheet: Sheet) -> xr.Dataset | None:
    heads = _heads(sheet)
    if heads is None:
        return None
    row, name_column, places = heads
    rows = [r for r in range(row + 1, len(sheet.rows)) if sheet.text(r, name_column)]
    rows = [r for r in rows if np.isfinite(_float(sheet, r, places["center"]))]
    names = [sheet.text(r, name_column) for r in rows]
    data = {
        quantity: ("peak", [_float(sheet, r, column) for r in rows], {"units": _HEADS[quantity][1]})
        for quantity, column in places.items()
    }
    return xr.Dataset(data, coords={"peak": ("peak", np.array(names, dtype=np.str_))}) if rows else None


def _float(sheet: Sheet, row: int, column: int) -> float:
    value = sheet.at(row, column)
    try:
        return float(value) if value is not None else float("nan")
    except ValueError:
        return float("nan")


def _curves(found: Grid) -> xr.Dataset | None:
    background = _named(found, r"backgnd|background")
    envelope = _named(found, r"envelope|calculated")
    if background is None or envelope is None:
        return None
    inside = background.values != 0
    fitted = r"backgnd|background|envelope|calculated|residual|corrected|transmission|raw|intensity"
    parts = [c for c in found.columns if c.name and not re.search(fitted, c.name, re.IGNORECASE)]
    order = np.argsort(found.x, kind="stable")
    units = {"units": "counts/s"}
    names = np.array([part.name for part in parts], dtype=np.str_)
    curves = np.array([np.where(inside, part.values, np.nan)[order] for part in parts]).reshape(
        len(parts), found.x.size
    )
    return xr.Dataset(
        {
            "intensity": (found.axis, measured(found)[0].values[order], units),
            "background": (found.axis, np.where(inside, background.values, np.nan)[order], units),
            "envelope": (found.axis, np.where(inside, envelope.values, np.nan)[order], units),
            "component_curve": (("component", found.axis), curves, units),
        },
        coords={found.axis: (found.axis, found.x[order], {"units": "eV"}), "component": ("component", names)},
    )


def _named(found: Grid, pattern: str) -> Column | None:
    return next((column for column in found.columns if re.search(pattern, column.name, re.IGNORECASE)), None)


def _areas(sheet: Sheet) -> xr.Dataset | None:
    """Read a sheet ``Axis, Peaks``: one row for each spectrum of a series, one column for each peak."""
    head = next((row for row in range(min(30, len(sheet.rows))) if sheet.text(row, 1).startswith("Peaks (P)")), -1)
    if head < 0:
        return None
    first = head + 3
    columns = list(itertools.takewhile(lambda c: sheet.text(head + 1, c), range(2, len(sheet.rows[head + 1]))))
    rows = [row for row in range(first, len(sheet.rows)) if isinstance(sheet.at(row, 0), float)]
    values = np.array([[_float(sheet, row, column) for column in columns] for row in rows])
    if values.size == 0:
        return None
    return xr.Dataset(
        {"area": (("spectrum", "peak"), values, {"units": "counts/s eV"})},
        coords={
            "spectrum": ("spectrum", np.array([int(_float(sheet, row, 0)) for row in rows])),
            "peak": ("peak", np.array([sheet.text(head + 1, column) for column in columns], dtype=np.str_)),
        },
    )
