"""Names of regions: ``Na1s``, ``Na_1s`` and ``na 1S`` are one region, ``Na 1s``."""

from __future__ import annotations

import re

from surfspec import reference
from surfspec.errors import InputError
from surfspec.io._entry import Entry


def spelled(text: str) -> str:
    """Write the name of a region in the spelling of :func:`surfspec.reference.region_name`; others stay as they are.

    Examples
    --------
    >>> [spelled(t) for t in ("Na1s", "na_1S", "wide", "Fe2p PE20")]
    ['Na 1s', 'Na 1s', 'Survey', 'Fe2p PE20']
    """
    try:
        return reference.region_name(text)
    except InputError:
        return text.strip()


def key(text: str) -> str:
    """Return the form in which two region names are compared."""
    return re.sub(r"[\s_\-]+", "", text).lower()


def pick(entries: list[Entry], region: str | None, where: str) -> Entry:
    """Choose the entry of a region.

    Parameters
    ----------
    entries
        What a reader found.
    region
        Label or region name in any spelling, or None where there is only one.
    where
        File name for errors.

    Returns
    -------
    Entry
        The one that matches.

    Raises
    ------
    InputError
        When none or several match; the error lists the regions.
    """
    labels = [entry.label for entry in entries]
    if region is None:
        if len(entries) == 1:
            return entries[0]
        raise InputError(
            f"{len(entries)} regions: {_listed(labels)}",
            where=where,
            remedy="Say region=..., or use read_tree() for all, read_series() for a series",
        )
    exact = [entry for entry in entries if entry.label == region]
    same = exact or matching(entries, region)
    if len(same) == 1:
        return same[0]
    if same:
        raise InputError(
            f"{len(same)} regions match {region!r}: {_listed([entry.label for entry in same])}",
            where=where,
            remedy="Say region= with one of these labels, or use read_tree() for all",
        )
    unnamed = len(entries) == 1 and not entries[0].dataset.attrs.get("region")
    if unnamed:
        only = entries[0]
        return Entry(spelled(region), only.dataset.assign_attrs(region=spelled(region)))
    raise InputError(
        f"no region {region!r}; there is {_listed(labels)}", where=where, remedy="Use one of these in region="
    )


def matching(entries: list[Entry], region: str) -> list[Entry]:
    """Return the entries of a region in any spelling."""
    wanted = {key(region), key(spelled(region))}
    return [entry for entry in entries if wanted & _keys(entry)]


def _keys(entry: Entry) -> set[str]:
    region = str(entry.dataset.attrs.get("region", ""))
    return {key(entry.label), key(region), key(spelled(region))} - {""}


def unique(labels: list[str]) -> list[str]:
    """Make labels fit as names in a tree: no slashes, none empty, none twice.

    Examples
    --------
    >>> unique(["C 1s", "C 1s", "a/b", ""])
    ['C 1s', 'C 1s 2', 'a-b', 'spectrum']
    """
    taken: set[str] = set()
    result = []
    for label in labels:
        base = re.sub(r"[/\\]+", "-", label).strip(" .") or "spectrum"
        name, number = base, 1
        while name in taken:
            number += 1
            name = f"{base} {number}"
        taken.add(name)
        result.append(name)
    return result


def _listed(labels: list[str]) -> str:
    shown = ", ".join(repr(label) for label in labels[:12])
    return shown + (f" and {len(labels) - 12} more" if len(labels) > 12 else "")
