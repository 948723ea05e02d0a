"""What a comparison of two powder patterns says, as lines of text: conclusion, lines by position, phases."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import xarray as xr

from surfspec.display import labels
from surfspec.display.columns import ROWS, aligned, brief, columns_text, left_out, reason_rows
from surfspec.display.text import number_text, unit_text, value_text

#: What a table of changes has.
NEEDED: Final = ("intensity", "expected", "difference", "difference_unc", "line_two_theta")
#: Attribute that holds the factor between the patterns, here and in files of older versions.
FACTORS: Final = ("intensity_ratio", "scale_factor")
#: Phases without a change whose limits are written out at most.
LISTED: Final = 12


def is_comparison(table: xr.Dataset) -> bool:
    """Tell whether a table compares two powder patterns."""
    return "two_theta" in table.dims and all(name in table for name in NEEDED)


def verdict_of(table: xr.Dataset) -> tuple[str, list[str]]:
    """Return verdict and reasons of a comparison, wherever they stand; ``ok`` where none is given."""
    if "verdict" in table:
        return labels.verdict_of(table)
    return str(table.attrs.get("verdict", "ok")), labels.reasons_of(str(table.attrs.get("reasons", "")))


def changes_lines(table: xr.Dataset) -> list[str]:
    """Write one comparison: what it concludes and why to doubt it, how the patterns were aligned, lines, phases."""
    rows = [(name, str(table.attrs[name])) for name in ("conclusion", "note") if table.attrs.get(name)]
    rows = [*reason_rows(table), *rows, *_alignment(table)]
    return [*aligned(rows), *_lines(table), *_moved(table), *_unmoved(table)]


def _alignment(table: xr.Dataset) -> list[tuple[str, str]]:
    """Say how the first pattern was laid over the second, and how strong a line would have been seen."""
    rows = [("after / before", _valued(table, name, "1")) for name in FACTORS if name in table.attrs]
    if "shift" in table.attrs:
        rows.append(("shift", _valued(table, "shift", "deg")))
    limit = float(table.attrs.get("line_limit", math.nan))
    if math.isfinite(limit):
        rows.append(("line seen from", f"{number_text(limit, 2)} % of the strongest (median)"))
    return rows


def _valued(table: xr.Dataset, name: str, unit: str) -> str:
    return value_text(float(table.attrs[name]), float(table.attrs.get(f"{name}_unc", math.nan)), unit)


def _lines(table: xr.Dataset) -> list[str]:
    """Write the lines that changed, the surest first."""
    if not table.sizes["line"]:
        return ["no line changed"]
    unit = unit_text(str(table["height_change"].attrs.get("units", "1")))
    head = ["2θ (°)", "d (Å)", "change", f"height ({unit})", "of strongest (%)", "significance"]
    body = []
    for index in range(min(table.sizes["line"], ROWS)):
        line = table.isel(line=index)
        body.append([
            f"{float(line['line_two_theta']):.2f}", f"{float(line['d']):.4f}", str(line["change"].values),
            brief(float(line["height_change"]), float(line["height_change_unc"])),
            number_text(float(line["relative_intensity"]), 2), number_text(float(line["significance"]), 2),
        ])  # fmt: skip
    return ["", *columns_text(head, body), *left_out(table.sizes["line"])]


def _named(table: xr.Dataset, *, changed: bool) -> xr.Dataset | None:
    """Return the candidates that changed, or those that did not; None where there is none.

    Those of which nothing can be said are in neither: the reasons say why.
    """
    if "phase_change" not in table:
        return None
    words = table["phase_change"].values.astype(str)
    kept = np.flatnonzero((words != "none") & (words != "not determined") if changed else words == "none")
    return table.isel(candidate=kept) if kept.size else None


def _moved(table: xr.Dataset) -> list[str]:
    """Write the phases whose lines the difference holds."""
    moved = _named(table, changed=True)
    if moved is None:
        return []
    head = ["phase", "name", "change", "significance", "at most (wt %)"]
    body = []
    for index in range(moved.sizes["candidate"]):
        one = moved.isel(candidate=index)
        limit = float(one["weight_fraction_limit"]) if "weight_fraction_limit" in one else math.nan
        body.append([
            str(one["candidate"].values), str(one["name"].values) if "name" in one.coords else "",
            str(one["phase_change"].values), number_text(float(one["phase_significance"]), 2),
            number_text(100 * limit, 2) if math.isfinite(limit) else "",
        ])  # fmt: skip
    return ["", *columns_text(head, body)]


def _unmoved(table: xr.Dataset) -> list[str]:
    """Say of the phases without a change from which weight fraction on one would have been seen."""
    still = _named(table, changed=False)
    if still is None:
        return []
    names = [str(one) for one in still["candidate"].values]
    limits = still["weight_fraction_limit"].values if "weight_fraction_limit" in still else np.full(len(names), np.nan)
    if not np.isfinite(limits).any():
        return [f"no change seen of {len(names)} candidates"]
    if len(names) <= LISTED:
        told = (f"{name} < {number_text(100 * float(one), 2)} wt %" if math.isfinite(one) else name
                for name, one in zip(names, limits, strict=True))  # fmt: skip
        return [f"no change seen of ({len(names)}): {'; '.join(told)}"]
    worst = int(np.nanargmax(limits))
    median = number_text(100 * float(np.nanmedian(limits)), 2)
    most = f"{number_text(100 * limits[worst], 2)} wt % (that of {names[worst]}; median {median})"
    return [f"no change seen of {len(names)} candidates, each below {most}"]
