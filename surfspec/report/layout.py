"""Where everything of a study lies in its DataTree, and the notes on what could not be determined.

Below the groups ``spectra``, ``fits``, ``matches`` and ``tables`` stands the sample, below that the technique:
``/fits/SAMPLE/xps/REGION``, ``/fits/SAMPLE/leis``, ``/matches/SAMPLE/xrd/LABEL``, ``/tables/SAMPLE/leis/coverage``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr

from surfspec.display import labels

LEIS: Final = "leis"
_XPS: Final = "xps/"
_XRD: Final = "xrd/"

#: Tables of a sample.
XPS_NORMALISED: Final = "xps/normalised"
XPS_QUANTIFIED: Final = "xps/composition"
XPS_THICKNESS: Final = "xps/thickness"
XPS_WARNINGS: Final = "xps/warnings"
LEIS_NORMALISED: Final = "leis/normalised"
LEIS_COVERAGE: Final = "leis/coverage"
LEIS_THICKNESS: Final = "leis/thickness"
LEIS_PROFILE: Final = "leis/profile"
LEIS_ADEQUACY: Final = "leis/adequacy"
JOINT: Final = "joint/film"
NOTES: Final = "not_determined"

#: Label of the pattern of a sample that has only one.
PATTERN: Final = "pattern"

#: Pseudo-samples that hold the LEIS references of a coverage.
REFERENCE: Final = "leis_reference_"


def region_node(region: str) -> str:
    """Return the node of an XPS region below its sample: ``xps/REGION``."""
    return f"{_XPS}{region}"


def pattern_node(label: str) -> str:
    """Return the node of a diffraction pattern below its sample: ``xrd/LABEL``."""
    return f"{_XRD}{label}"


def changes_node(label: str) -> str:
    """Return the table that compares a pattern with the one before it: ``xrd/changes_LABEL`` below its sample."""
    return f"{_XRD}changes_{label}"


def comparisons(nodes: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return the comparisons of patterns among the tables of a sample, by the label of the second pattern."""
    start = changes_node("")
    return {name.removeprefix(start): one for name, one in nodes.items() if name.startswith(start)}


def regions(nodes: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return the XPS regions among the nodes of a sample, by region."""
    return {name.removeprefix(_XPS): one for name, one in nodes.items() if name.startswith(_XPS)}


def patterns(nodes: Mapping[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Return the diffraction patterns among the nodes of a sample, by label."""
    return {name.removeprefix(_XRD): one for name, one in nodes.items() if name.startswith(_XRD)}


def notes(entries: Sequence[tuple[str, str]]) -> xr.Dataset:
    """Return a table of what could not be determined: pairs of quantity and reason.

    Examples
    --------
    >>> table = notes([("thickness", "no bulk reference")])
    >>> read_notes(table)
    [('thickness', 'no bulk reference')]
    """
    return xr.Dataset(
        {"reason": ("note", np.array([reason for _, reason in entries], dtype=np.str_))},
        coords={"quantity": ("note", np.array([name for name, _ in entries], dtype=np.str_))},
        attrs={"kind": "table", "technique": "joint", "title": "What could not be determined, and why"},
    )


def read_notes(table: xr.Dataset | None) -> list[tuple[str, str]]:
    """Return the notes of a sample as pairs of quantity and reason."""
    if table is None or "reason" not in table:
        return []
    return [(str(a), str(b)) for a, b in zip(table["quantity"].values, table["reason"].values, strict=True)]


def all_notes(tree: xr.DataTree) -> dict[str, list[tuple[str, str]]]:
    """Return the notes of every sample that has some."""
    found = {name: read_notes(nodes(tree, "tables", name).get(NOTES)) for name in samples(tree)}
    return {name: entries for name, entries in found.items() if entries}


def reasons_for(entries: Sequence[tuple[str, str]], quantity: str) -> list[str]:
    """Return the reasons noted for one quantity."""
    return [reason for name, reason in entries if name == quantity]


def nodes(tree: xr.DataTree, group: str, sample: str) -> dict[str, xr.Dataset]:
    """Return the Datasets below ``/group/sample`` by their place below the sample; empty where there are none.

    The order is that of the tree, or, for spectra, fits and matches, that of the study where the tree remembers it.
    """
    parent = tree.children.get(group)
    top = parent.children.get(sample) if parent is not None else None
    if top is None:
        return {}
    found = {node.relative_to(top): node.to_dataset(inherit=False) for node in top.subtree if node.has_data}
    order = _lines(tree, f"order_{sample}")
    return {name: found[name] for name in sorted(found, key=lambda name: order.index(name) if name in order else 999)}


def samples(tree: xr.DataTree) -> list[str]:
    """Return the samples of a study, in the order of the study file, without the LEIS references."""
    order = _lines(tree, "samples")
    if order:
        return order
    group = tree.children.get("spectra")
    return [str(name) for name in group.children if not str(name).startswith(REFERENCE)] if group is not None else []


def references(tree: xr.DataTree) -> list[str]:
    """Return the pseudo-samples that hold LEIS references."""
    group = tree.children.get("spectra")
    return [str(name) for name in group.children if str(name).startswith(REFERENCE)] if group is not None else []


def is_simulated(tree: xr.DataTree, sample: str) -> bool:
    """Tell whether any spectrum of a sample, or any LEIS reference its coverage rests on, says that it is simulated."""
    own = list(nodes(tree, "spectra", sample).values())
    covered = nodes(tree, "tables", sample).get(LEIS_COVERAGE)
    return any(labels.is_simulated(one) for one in [*own, *([covered] if covered is not None else [])])


def origin(tree: xr.DataTree, sample: str) -> str:
    """Return what the files of a sample say of their origin: ``simulated``, ``measured``, or ``not stated``.

    Measured are data only where every spectrum says that it is not simulated.
    """
    if is_simulated(tree, sample):
        return "simulated"
    own = list(nodes(tree, "spectra", sample).values())
    return "measured" if own and all(_says_measured(one) for one in own) else "not stated"


def _says_measured(spectrum: xr.Dataset) -> bool:
    members = spectrum.coords["simulated"].values.ravel().tolist() if "simulated" in spectrum.coords else []
    words: list[object] = members or [spectrum.attrs.get("simulated")]
    return all(str(word).strip().lower() in {"false", "0", "no"} for word in words)


def order_attributes(spectra: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return the attributes of the tree that remember the order of samples and of their nodes."""
    return {"samples": "\n".join(spectra), **{f"order_{name}": "\n".join(order) for name, order in spectra.items()}}


def _lines(tree: xr.DataTree, name: str) -> list[str]:
    return [line for line in str(tree.attrs.get(name, "")).split("\n") if line]
