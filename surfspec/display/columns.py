"""Plain text in columns, and tables of numbers with their uncertainties in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import Final

import numpy as np
import xarray as xr

from surfspec.display import labels
from surfspec.display.text import number_text, unit_text, value_text

#: Columns of the page.
WIDTH: Final = 100

#: Smaller probabilities are called smaller than this: no model of the noise is good enough for more.
SMALLEST_P: Final = 1e-12

#: Rows of a table before the rest is only counted.
ROWS: Final = 40

#: Coordinates that are results in words.
TOLD: Final = frozenset({"hint"})

#: Ends of names that stand for how well something is known: left out of grids that show the thing itself.
HOW_WELL: Final = ("_sd", "_low", "_high", "_unc")


def verdict_rows(member: xr.Dataset) -> list[tuple[str, str]]:
    """Return the verdict and its reasons as a row of :func:`aligned`."""
    verdict, reasons = labels.verdict_of(member)
    return [("verdict", f"{verdict}{': ' if reasons else ''}{'; '.join(reasons)}")]


def reason_rows(table: xr.Dataset) -> list[tuple[str, str]]:
    """Return verdict and reasons of a table, or its reasons where it has no verdict, as rows of :func:`aligned`.

    The members of a series with the same reasons share a row.
    """
    if "verdict" in table and not table["verdict"].dims:
        return verdict_rows(table)
    if "reasons" not in table:
        told = labels.reasons_of(str(table.attrs.get("reasons", "")))
        verdict = str(table.attrs.get("verdict", ""))
        if verdict:
            return [("verdict", f"{verdict}{': ' if told else ''}{'; '.join(told)}")]
        return [("reasons", "; ".join(told))] if told else []
    if not table["reasons"].dims:
        told = labels.reasons_of(str(table["reasons"].values))
        return [("reasons", "; ".join(told))] if told else []
    dims = tuple(map(str, table["reasons"].dims))
    members: dict[str, list[str]] = {}
    for place in product(*(range(table.sizes[dim]) for dim in dims)):
        at = dict(zip(dims, place, strict=True))
        text = "; ".join(labels.reasons_of(str(table["reasons"].isel(at).values)))
        if text:
            members.setdefault(text, []).append(labels.place_label(table, at))
    return [(f"reasons, {_few(names)}", text) for text, names in list(members.items())[:ROWS]]


def _few(names: Sequence[str]) -> str:
    """Name a few members, or the first of many and how many more."""
    return ", ".join(names) if len(names) <= 3 else f"{names[0]} and {len(names) - 1} more"


def describe_table(dataset: xr.Dataset) -> list[str]:
    """Write a table: verdict or reasons, single numbers, a grid for each set of dimensions, names of the rest."""
    lines: list[str] = []
    for row in reason_rows(dataset):
        lines += aligned([row])
    facts = [
        (name.replace("_", " "), str(dataset.attrs[name])) for name in ("exclude", "inputs") if dataset.attrs.get(name)
    ]
    lines += aligned(facts)
    shown = [str(name) for name, array in dataset.variables.items() if _is_shown(str(name), dataset[name], dataset)]
    scalars = [(name.replace("_", " "), _cell(dataset, name, {})) for name in shown if not dataset[name].dims]
    lines += aligned(scalars)
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in shown:
        if dataset[name].dims:
            groups.setdefault(tuple(map(str, dataset[name].dims)), []).append(name)
    left: list[str] = []
    for dims, names in groups.items():
        curves = any(dim.startswith("curve_") for dim in dims)  # for drawing, not for reading
        kept = [] if curves else _main(dataset, dims, names)
        left += [name.replace("_", " ") for name in names if name not in kept]
        lines += ["", *_grid(dataset, dims, kept)] if kept else []
    return [*lines, "", f"also in the table: {', '.join(left)}"] if left else lines


def _main(dataset: xr.Dataset, dims: tuple[str, ...], names: Sequence[str]) -> list[str]:
    """Return the names that a grid shows: quantities, not how well they are known, nor members of a mean shown."""
    of_members = [
        name
        for name in names
        if any(name.startswith(f"{dim}_") and name.removeprefix(f"{dim}_") in dataset for dim in dims)
    ]
    plain = [name for name in names if name not in of_members and not name.endswith(HOW_WELL)]
    return plain or [name for name in names if name not in of_members]


def _is_shown(name: str, array: xr.DataArray, dataset: xr.Dataset) -> bool:
    if name in dataset.coords:
        return name in TOLD
    companion = name.endswith("_unc") and name.removesuffix("_unc") in dataset
    matrix = any(str(dim).endswith("_b") for dim in array.dims)
    return not companion and not matrix and name != "reasons" and not (name == "verdict" and not array.dims)


def _grid(dataset: xr.Dataset, dims: tuple[str, ...], names: Sequence[str]) -> list[str]:
    """Write the variables of one set of dimensions as columns, split where they are too wide for the page."""
    places = list(product(*(range(dataset.sizes[dim]) for dim in dims)))
    keys = [
        [coordinate_text(dataset, dim, index) for dim, index in zip(dims, place, strict=True)]
        for place in places[:ROWS]
    ]
    columns = {
        name: [_cell(dataset, name, dict(zip(dims, place, strict=True)), unit=False) for place in places[:ROWS]]
        for name in names
    }
    heads = {name: _head(name, str(dataset[name].attrs.get("units", "1"))) for name in names}
    left = [_head(dim, str(dataset[dim].attrs.get("units", "1")) if dim in dataset.coords else "1") for dim in dims]
    taken = sum(max([len(head), *(len(key[at]) for key in keys)]) + 2 for at, head in enumerate(left))
    lines: list[str] = []
    block: list[str] = []
    used = taken
    for name in [*names, ""]:
        size = max([len(heads[name]), *map(len, columns[name])]) + 2 if name else WIDTH
        if block and used + size > WIDTH:
            body = [[*key, *(columns[one][at] for one in block)] for at, key in enumerate(keys)]
            lines += [*([""] if lines else []), *columns_text([*left, *(heads[one] for one in block)], body)]
            block, used = [], taken
        if name:
            block.append(name)
            used += size
    return [*lines, *left_out(len(places))]


def coordinate_text(dataset: xr.Dataset, dim: str, index: int) -> str:
    """Write one value of a coordinate without its unit."""
    if dim not in dataset.coords:
        return str(index)
    value = dataset[dim].values[index]
    return number_text(float(value)) if np.issubdtype(dataset[dim].dtype, np.number) else str(value)


def _cell(dataset: xr.Dataset, name: str, place: dict[str, int], *, unit: bool = True) -> str:
    array = dataset[name]
    value = array.isel(place).values
    if not np.issubdtype(array.dtype, np.number):
        return str(value) if unit else cut(str(value), 48)
    units = str(array.attrs.get("units", "1")) if unit else "1"
    if f"{name}_unc" in dataset:
        unc = float(dataset[f"{name}_unc"].isel(place).values)
        if name.endswith("fraction") and math.isfinite(float(value)) and not math.isfinite(unc):
            return f"{number_text(float(value), 2)} (n.d.)"  # more digits would say that they are known
        return value_text(float(value), unc, units) if unit else brief(float(value), unc)
    written = unit_text(units)
    if np.issubdtype(array.dtype, np.floating) and not math.isfinite(float(value)):
        return "not determined" if unit else "–" if name.endswith("_limit") else "n.d."
    if name.endswith("p_value") and 0 <= float(value) < SMALLEST_P:
        return f"< {number_text(SMALLEST_P)}"
    digits = 2 if name.endswith(("_sd", "_limit")) else 3 if name.endswith(("_low", "_high", "p_value")) else 5
    return f"{number_text(float(value), digits)} {written}".strip()


def brief(value: float, unc: float) -> str:
    """Write a value for a column: ``n.d.`` is not determined, ``(n.d.)`` an uncertainty that is not."""
    return value_text(value, unc).replace("not determined", "n.d.")


def _head(name: str, unit: str) -> str:
    written = unit_text(unit)
    return f"{name.replace('_', ' ')} ({written})" if written else name.replace("_", " ")


def left_out(count: int) -> list[str]:
    """Say how many rows are not shown."""
    return [f"... and {count - ROWS} more rows"] if count > ROWS else []


def aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Write pairs of name and text, the texts in line."""
    size = max((len(name) for name, _ in rows), default=0)
    return [f"{name:<{size}}  {text}" for name, text in rows]


def columns_text(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Align columns; text columns left, numbers right. Columns that are empty throughout are left out."""
    kept = [at for at in range(len(head)) if any(row[at] for row in rows)]
    sizes = {at: max(len(head[at]), *(len(row[at]) for row in rows)) for at in kept}
    over = sum(sizes.values()) + 2 * (len(kept) - 1) - WIDTH
    if over > 0 and kept:
        sizes[kept[0]] = max(sizes[kept[0]] - over, 8)
    numeric = {at for at in kept if all(not row[at] or row[at][0] in "−–(0123456789n<>" for row in rows)}
    lines = []
    for row in [head, *rows]:
        cells = [
            cut(row[at], sizes[at]).rjust(sizes[at])
            if at in numeric and at
            else cut(row[at], sizes[at]).ljust(sizes[at])
            for at in kept
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def cut(text: str, size: int) -> str:
    """Shorten a text to a number of characters."""
    return text if len(text) <= size else f"{text[: size - 1]}…"
