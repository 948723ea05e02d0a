"""The XRD part of ``results.json``: phases by pattern, and what changed from one pattern to the next."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import xarray as xr

from surfspec import xrd as diffraction
from surfspec.report import layout
from surfspec.report.quantities import finite, number

#: Standard uncertainties by which weight fractions of two patterns differ that are told apart.
DIFFERENT: Final = 3.0


def xrd(
    matches: Mapping[str, xr.Dataset],
    labels: Sequence[str],
    missing: Sequence[tuple[str, str]],
    comparisons: Mapping[str, xr.Dataset] | None = None,
) -> dict[str, Any]:
    """Return the results of the diffraction patterns of one sample.

    Parameters
    ----------
    matches
        Matches by label.
    labels
        Labels of the patterns, in the order of the study file.
    missing
        What could not be determined, with the reason.
    comparisons
        Tables of :func:`surfspec.xrd.changes` by the label of the second pattern.
    """
    out: dict[str, Any] = {
        label: pattern(matches[label]) if label in matches else _none(layout.reasons_for(missing, f"xrd {label}"))
        for label in labels
    }
    found = {label: matches[label] for label in labels if label in matches}
    tables = comparisons or {}
    out["changes"] = [
        change
        for (a, first), (b, second) in pairwise(found.items())
        for change in changes(a, first, b, second, tables.get(b))
    ]
    return out


def pattern(match: xr.Dataset) -> dict[str, Any]:
    """Return one pattern: its phases, unexplained lines and verdict, as ``identify --json`` gives them."""
    found: dict[str, Any] = finite(diffraction.report(match))
    return found


def _none(reasons: list[str]) -> dict[str, Any]:
    return {"wavelength": None, "phases": [], "unexplained": [], "verdict": "failed", "reasons": reasons}


def changes(
    first_label: str, first: xr.Dataset, second_label: str, second: xr.Dataset, table: xr.Dataset | None = None
) -> list[dict[str, Any]]:
    """Return what one pattern has and the other lacks, by their matches and by their difference.

    Parameters
    ----------
    first_label, first, second_label, second
        The two patterns: labels and matches.
    table
        What :func:`surfspec.xrd.changes` says of them; None where it could not be made.

    Returns
    -------
    list
        One entry for each phase that ``appeared`` or ``vanished``, or that both patterns hold and whose weight fraction
        ``increased`` or ``decreased`` by more than three standard uncertainties (``weight_fraction`` then holds both);
        where none did, and where the comparison failed, one entry with ``phase`` None and ``change`` ``"none"``, or
        ``"not determined"`` where the patterns could not be laid over each other (with a table only).
        ``detection_limit`` is the weight fraction that the other
        pattern would have shown, without which "absent" means little; ``seen_by`` names what says so (``match``,
        ``difference``), ``significance`` is that of the difference. ``limit`` is the weight fraction that may have
        come (95 %), of that phase or, with ``none``, the largest of all candidates. ``conclusion`` and ``line_limit``
        (%) are those of the pair.
    """
    before, after = _ids(first), _ids(second)
    grown = _grown(table)
    gone = [phase for phase in before if phase not in after]
    came = [phase for phase in after if phase not in before]
    words = {
        **dict.fromkeys(gone, "vanished"),
        **dict.fromkeys(came, "appeared"),
        **{phase: "appeared" for phase in grown if phase not in (*before, *came)},
    }
    pair = {"from": first_label, "to": second_label}
    told: dict[str, Any] = {
        "conclusion": None if table is None else str(table.attrs["conclusion"]),
        "line_limit": None if table is None else number(table.attrs["line_limit"]),
        "verdict": None if table is None else str(table.attrs.get("verdict", "ok")),
        "reasons": [] if table is None else [one for one in str(table.attrs.get("reasons", "")).split("; ") if one],
    }
    out = []
    for phase, word in words.items():
        absent = second if word == "vanished" else first
        by_match = phase in gone or phase in came
        out.append(
            {
                **pair,
                "phase": _name(phase, (first, second), table),
                "change": word,
                "detection_limit": _limit(absent, phase),
                "seen_by": ["match"] * by_match + ["difference"] * (phase in grown),
                "significance": _of(table, "phase_significance", phase),
                "limit": None if word == "vanished" else _of(table, "weight_fraction_limit", phase),
                **told,
            }
        )
    for phase in (name for name in before if name in after):
        shares = [_share(match, phase) for match in (first, second)]
        turned = _moved(shares)
        if turned is None:
            continue
        seen = phase in _grown(table, "more" if turned == "increased" else "less")
        out.append(
            {**pair, "phase": _name(phase, (first, second), table), "change": turned, "detection_limit": None,
             "seen_by": ["match"] + ["difference"] * seen,
             "significance": _of(table, "phase_significance", phase), "limit": None,
             "weight_fraction": [value for value, _ in shares], **told}
        )  # fmt: skip
    lost = bool(_grown(table, "not determined"))
    if table is not None and (lost or not out):
        highest = [number(value) for value in table["weight_fraction_limit"].values]
        limit = max((value for value in highest if value is not None), default=None)
        word = "not determined" if lost else "none"
        out.append(
            {**pair, "phase": None, "change": word, "detection_limit": None, "seen_by": [], "significance": None,
             "limit": None if lost else limit, **told}
        )  # fmt: skip
    return out


def _share(match: xr.Dataset, phase: str) -> tuple[float | None, float | None]:
    """Weight fraction of a phase and its standard uncertainty, None where they are not known."""
    if "weight_fraction_unc" not in match:
        return None, None
    one = match.sel(phase=phase)
    return number(one["weight_fraction"].values), number(one["weight_fraction_unc"].values)


def _moved(shares: Sequence[tuple[float | None, float | None]]) -> str | None:
    """Return ``increased`` or ``decreased`` where two weight fractions differ, None where they do not or may not."""
    (old, old_unc), (new, new_unc) = shares
    if old is None or new is None or old_unc is None or new_unc is None:
        return None
    if not abs(new - old) > DIFFERENT * math.hypot(old_unc, new_unc):
        return None
    return "increased" if new > old else "decreased"


def _grown(table: xr.Dataset | None, what: str = "more") -> list[str]:
    if table is None:
        return []
    return [str(name) for name, word in zip(table["candidate"].values, table["phase_change"].values, strict=True)
            if word == what]  # fmt: skip


def _of(table: xr.Dataset | None, name: str, phase: str) -> float | None:
    if table is None or phase not in table["candidate"].values:
        return None
    return number(table[name].sel(candidate=phase).values)


def _name(phase: str, matches: Sequence[xr.Dataset], table: xr.Dataset | None) -> str:
    """Return what a phase is called: as the matches say, else as the table of their difference does."""
    for match in matches:
        if phase in match["phase"].values:
            return str(match["name"].sel(phase=phase).values)
    return phase if table is None else str(table["name"].sel(candidate=phase).values)


def _ids(match: xr.Dataset) -> list[str]:
    return [str(name) for name in match["phase"].values]


def _limit(match: xr.Dataset, phase: str) -> float | None:
    if "detection_limit" not in match or phase not in match["candidate"].values:
        return None
    return number(match["detection_limit"].sel(candidate=phase).values)
