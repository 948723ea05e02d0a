"""XRD of one sample: the phases of each of its patterns, and what changed from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from pathlib import Path

import xarray as xr

from surfspec import xrd
from surfspec.errors import InputError
from surfspec.report import layout
from surfspec.study.outcome import Outcome, placed
from surfspec.study.reading import Progress, in_file
from surfspec.study.spec import XrdPart


def candidates(part: XrdPart, base: Path) -> tuple[xrd.Phase, ...]:
    """Return the phases that a study allows: cards and CIF files by name, and cards made of its elements.

    Raises
    ------
    InputError
        For an unknown phase or element, or when nothing is left to look for.
    """
    if part.wavelength:
        with placed("xrd.wavelength", inner=False):
            xrd.radiation(part.wavelength)
    if not part.phases:
        with placed("xrd.elements", inner=False):
            return tuple(xrd.phases(elements=part.elements or None))
    found: list[xrd.Phase] = []
    for name in part.phases:
        if name.lower().endswith(".cif"):
            found.append(xrd.read_cif(base / name))
            continue
        with placed("xrd.phases", inner=False):
            found.extend(xrd.phases([name]))
    outside = [phase.id for phase in found if part.elements and not phase.elements <= set(part.elements)]
    if outside:
        raise InputError(
            f"the phase {outside[0]} holds elements outside {', '.join(part.elements)}",
            where="xrd.phases",
            remedy="Add its elements, or leave 'elements' out",
        )
    return tuple(dict.fromkeys(found))


def analyse(patterns: Mapping[str, xr.Dataset], phases: tuple[xrd.Phase, ...], *, progress: Progress) -> Outcome:
    """Match every pattern of one sample against the candidate phases, and compare each with the one before it.

    Parameters
    ----------
    patterns
        Patterns by label.
    phases
        Candidates.
    progress
        Told what is done.
    """
    out = Outcome()
    found: dict[str, tuple[xr.Dataset, xr.Dataset]] = {}
    for label, measured in patterns.items():
        progress(f"identifying phases{'' if label == layout.PATTERN else f' ({label})'}")
        out.spectra[layout.pattern_node(label)] = measured
        with in_file(str(measured.attrs.get("source_file", ""))):
            match = out.attempt(f"xrd {label}", partial(xrd.match, measured, phases=phases))
        if match is not None:
            out.matches[layout.pattern_node(label)] = match
            found[label] = measured, match
    for (first, before), (second, after) in pairwise(found.items()):
        progress(f"comparing patterns ({first}, {second})")
        matches = before[1], after[1]
        compare = partial(xrd.changes, before[0], after[0], matches=matches, phases=phases)
        table = out.conclude(f"xrd changes {first} to {second}", compare)
        if table is not None:
            out.tables[layout.changes_node(second)] = table.assign_attrs({"from": first, "to": second})
    return out
