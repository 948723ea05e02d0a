"""The XRD part of ``results.json``: phases by pattern, and what changed from one pattern to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import xarray as xr

from surfspec import xrd as diffraction
from surfspec.report import layout
from surfspec.report.quantities import finite, number


def xrd(matches: Mapping[str, xr.Dataset], labels: Sequence[str], missing: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the results of the diffraction patterns of one sample.

    Parameters
    ----------
    matches
        Matches by label.
    labels
        Labels of the patterns, in the order of the study file.
    missing
        What could not be determined, with the reason.
    """
    out: dict[str, Any] = {
        label: pattern(matches[label]) if label in matches else _none(layout.reasons_for(missing, f"xrd {label}"))
        for label in labels
    }
    found = {label: matches[label] for label in labels if label in matches}
    out["changes"] = [
        change for (a, first), (b, second) in pairwise(found.items()) for change in changes(a, first, b, second)
    ]
    return out


def pattern(match: xr.Dataset) -> dict[str, Any]:
    """Return one pattern: its phases, unexplained lines and verdict, as ``identify --json`` gives them."""
    found: dict[str, Any] = finite(diffraction.report(match))
    return found


def _none(reasons: list[str]) -> dict[str, Any]:
    return {"wavelength": None, "phases": [], "unexplained": [], "verdict": "failed", "reasons": reasons}


def changes(first_label: str, first: xr.Dataset, second_label: str, second: xr.Dataset) -> list[dict[str, Any]]:
    """Return the phases that one of two matches has and the other lacks.

    Each entry says how small a weight fraction the other pattern would have shown (``detection_limit``), without which
    "absent" means little.
    """
    before, after = _ids(first), _ids(second)
    out = []
    for phase in [*(p for p in before if p not in after), *(p for p in after if p not in before)]:
        gone = phase in before
        present, absent = (first, second) if gone else (second, first)
        out.append(
            {
                "from": first_label,
                "to": second_label,
                "phase": str(present["name"].sel(phase=phase).values),
                "change": "vanished" if gone else "appeared",
                "detection_limit": _limit(absent, phase),
            }
        )
    return out


def _ids(match: xr.Dataset) -> list[str]:
    return [str(name) for name in match["phase"].values]


def _limit(match: xr.Dataset, phase: str) -> float | None:
    if "detection_limit" not in match or phase not in match["candidate"].values:
        return None
    return number(match["detection_limit"].sel(candidate=phase).values)
