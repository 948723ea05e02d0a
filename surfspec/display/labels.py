"""What the members, components and quantities of a Dataset are called in pictures and summaries."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display.text import number_text, unit_text, value_text, with_unit
from surfspec.errors import InputError

#: Dimensions that index parts of one result, not members of a series.
PART_DIMS: Final = frozenset({"component", "component_b", "parameter", "parameter_b", "phase", "peak", "reflection"})

#: How the origin of a line begins that other radiation of the tube makes of a known one.
GHOSTS: Final = ("K-beta", "W L")

_SPIN: Final = re.compile(r"\s*\d/2\b")
_SPIN_END: Final = re.compile(r"\d/2$")
#: Line of a core level: ``Zr 3d5/2``.
_CORE: Final = re.compile(r"[A-Z][a-z]? \d[spdf](\d/2)?")
#: Ending of the line of an X-ray satellite: ``Zr 3d5/2 sat``.
_SATELLITE: Final = re.compile(r"\s+sat$")
#: Last word of an Auger line: ``Na KLL``, ``Zn L3M45M45``.
_AUGER: Final = re.compile(r"^[KLMNO]\d{0,2}([KLMNOPV]\d{0,2}){2}$")
#: Kinds of components that belong to a core level.
_OF_LEVEL: Final = ("core", "satellite")
#: What parts two reasons: a semicolon or new line that stands in no brackets.
_SPLIT_REASONS: Final = re.compile(r"\s*(?:;(?![^()]*\))|\n)\s*")


def member_dims(dataset: xr.Dataset) -> tuple[str, ...]:
    """Return the series dimensions of a Dataset of any kind but table."""
    if "intensity" in dataset:
        return schema.series_dims(dataset)
    if "verdict" in dataset:
        return tuple(str(name) for name in dataset["verdict"].dims)
    return ()


def members(dataset: xr.Dataset, most: int | None = None) -> Iterator[tuple[str, xr.Dataset]]:
    """Yield each member of a series with its label; a single spectrum once, with an empty label.

    Of more than `most` members that many are taken, evenly from the first to the last.
    """
    dims = member_dims(dataset)
    shape = tuple(dataset.sizes[name] for name in dims)
    count = member_count(dataset)
    chosen: Sequence[int] = range(count)
    if most is not None and count > most:
        chosen = np.linspace(0, count - 1, most).round().astype(int).tolist()
    for number in chosen:
        position = [int(index) for index in np.unravel_index(number, shape)] if dims else []
        place = dict(zip(dims, position, strict=True))
        yield place_label(dataset, place), dataset.isel(place)


def member_count(dataset: xr.Dataset) -> int:
    """Return the number of members of a series; 1 for a single spectrum."""
    return int(np.prod([dataset.sizes[name] for name in member_dims(dataset)], dtype=int))


def place_label(dataset: xr.Dataset, place: dict[str, int]) -> str:
    """Name a place in a series: ``as sintered, dose 1.6×10¹⁵ ions/cm²``."""
    return ", ".join(coordinate_label(dataset, name, index) for name, index in place.items())


def coordinate_label(dataset: xr.Dataset, name: str, index: int) -> str:
    """Name one value of a coordinate: text as it is, a number with its name and unit."""
    if name not in dataset.coords:
        return f"{name} {index}"
    coordinate = dataset[name]
    value = coordinate.values[index]
    if coordinate.dtype.kind in "UST" or not np.issubdtype(coordinate.dtype, np.number):
        return str(value)
    unit = unit_text(str(coordinate.attrs.get("units", "1")))
    return f"{name.replace('_', ' ')} {number_text(float(value))}{' ' if unit else ''}{unit}"


def component_labels(dataset: xr.Dataset) -> list[str]:
    """Name the components of a fit: species and line where known, then element, else the component's own name.

    Where two components would have one name, their own names are added.
    """
    own = _words(dataset, "component") or [str(index + 1) for index in range(dataset.sizes["component"])]
    columns = [_words(dataset, name) for name in ("species", "line")]
    found = [_joined([column[index] for column in columns if column]) for index in range(len(own))]
    elements = _words(dataset, "element") or [""] * len(own)
    found = [text or element or name for text, element, name in zip(found, elements, own, strict=True)]
    return [text if found.count(text) == 1 else _told_apart(text, name) for text, name in zip(found, own, strict=True)]


def _told_apart(text: str, name: str) -> str:
    """Add a component's own name to what it shares with another; alone where that says the same and more."""
    return name if set(text.replace(",", " ").split()) & set(name.split()) else f"{text} ({name})"


def words(dataset: xr.Dataset, name: str) -> list[str]:
    """Return a text coordinate of the components (``species``, ``line``, ``element``); empty texts where it is not."""
    return _words(dataset, name) or [""] * dataset.sizes["component"]


def component_kinds(dataset: xr.Dataset) -> list[str]:
    """Say what each component is by its line: ``core`` level, X-ray ``satellite``, ``auger`` line or ``other``.

    Other is what has another name: a valence band, an edge, a loss. A component without a line counts as core level.

    Examples
    --------
    >>> import xarray as xr
    >>> lines = ["Zr 3d5/2", "Zr 3d5/2 sat", "Na KLL", "Zn L3M45M45", ""]
    >>> component_kinds(xr.Dataset(coords={"component": list("abcde"), "line": ("component", lines)}))
    ['core', 'satellite', 'auger', 'auger', 'core']
    """
    return [_kind(line) for line in words(dataset, "line")]


def curve_labels(dataset: xr.Dataset) -> list[str]:
    """Name the components shortly, to be written at their curves: species and the part of the line that tells it.

    Examples
    --------
    >>> import xarray as xr
    >>> coords = {"component": ["a", "b"], "species": ("component", ["Zr4+", "Zr4+"])}
    >>> curve_labels(xr.Dataset(coords=coords | {"line": ("component", ["Zr 3d5/2", "Zr 3d3/2"])}))
    ['Zr4+ 3d5/2', 'Zr4+ 3d3/2']
    """
    found = []
    kinds, full = component_kinds(dataset), component_labels(dataset)
    for own, kind, species, line in zip(full, kinds, words(dataset, "species"), words(dataset, "line"), strict=True):
        spin = line.split()[-1] if kind == "core" and _SPIN_END.search(line) else ""
        found.append(own if not species or kind != "core" else f"{species} {spin}" if spin else species)
    return [short if found.count(short) == 1 else long for short, long in zip(found, full, strict=True)]


def component_groups(dataset: xr.Dataset) -> tuple[list[int], list[str]]:
    """Group the components, so that the two lines of a doublet and their satellites share a colour and a name.

    Returns
    -------
    tuple
        The group of each component, and the name of each group: species, and line without its j where lines
        differ, or the element, or the component's own name.
    """
    own = component_labels(dataset)
    empty = [""] * len(own)
    species, lines = _words(dataset, "species") or empty, _words(dataset, "line") or empty
    levels = [_SPIN.sub("", _SATELLITE.sub("", line)) for line in lines]
    kinds = component_kinds(dataset)
    if len({level for level, kind in zip(levels, kinds, strict=True) if kind in _OF_LEVEL}) <= 1 and all(species):
        levels = ["" if kind in _OF_LEVEL else level for level, kind in zip(levels, kinds, strict=True)]
    keys = [
        _joined([_SATELLITE.sub("", kind), level]) or label
        for kind, level, label in zip(species, levels, own, strict=True)
    ]
    order = list(dict.fromkeys(keys))
    return [order.index(key) for key in keys], order


def phase_names(dataset: xr.Dataset, *, formulas: bool = True) -> list[str]:
    """Return readable names of the phases: name, and formula where asked and where it says something else."""
    ids = [str(value) for value in dataset["phase"].values] if "phase" in dataset.coords else []
    ids = ids or [f"phase {index + 1}" for index in range(dataset.sizes["phase"])]
    names = [str(value) for value in dataset["name"].values] if "name" in dataset.coords else ids
    written = (
        [str(value) for value in dataset["formula"].values]
        if formulas and "formula" in dataset.coords
        else [""] * len(ids)
    )
    return [
        f"{name or key} {formula}" if formula and formula not in (name or key) else name or key
        for key, name, formula in zip(ids, names, written, strict=True)
    ]


def amount_text(percent: float, unc: float, unit: str = "wt %") -> str:
    """Write the weight fraction of a phase, with two digits where its uncertainty is not known.

    That of an only phase is 1 by definition and has no uncertainty.

    Examples
    --------
    >>> amount_text(37.2, 1.4), amount_text(100.0, 0.0), amount_text(100.0, 0.0, ""), amount_text(37.2, math.nan, "")
    ('(37.2 ± 1.4) wt %', '100 wt % (only phase)', '100', '37 (n.d.)')
    """
    if math.isfinite(percent) and not math.isfinite(unc):  # more digits would say that they are known
        return f"{with_unit(number_text(percent, 2), unit or '1')} (n.d.)"
    text = value_text(percent, unc, unit or "1").replace("not determined", "n.d.")
    return text.replace("fixed", "only phase") if unit else text.removesuffix(" (fixed)")


def probability_text(probability: float) -> str:
    """Write a probability with two digits, never as exactly 0 or 1."""
    if not math.isfinite(probability):
        return "p n/a"
    if probability > 0.99:
        return "p > 0.99"
    return "p < 0.01" if probability < 0.01 else f"p = {probability:.2f}"


def verdict_of(member: xr.Dataset) -> tuple[str, list[str]]:
    """Return verdict and reasons of one fit or match; ``ok`` where none is given."""
    verdict = str(member["verdict"].values) if "verdict" in member else "ok"
    return verdict, reasons_of(str(member["reasons"].values) if "reasons" in member else "")


def reasons_of(text: str) -> list[str]:
    """Take the reasons apart, which are stored as one text.

    Examples
    --------
    >>> reasons_of("not explained: 2 lines (Na2HPO4 -1 0 2; 31.2); ambiguous: two cards")
    ['not explained: 2 lines (Na2HPO4 -1 0 2; 31.2)', 'ambiguous: two cards']
    """
    return [part for part in _SPLIT_REASONS.split(text.strip()) if part]


def subject(dataset: xr.Dataset) -> str:
    """Say what a Dataset is of: sample and region, and that it is simulated where it is."""
    words = [str(dataset.attrs.get(name, "")) for name in ("sample", "region")]
    if not any(words) and dataset.attrs.get("ion"):
        words = [f"{dataset.attrs['ion']}⁺" + (
            f" {number_text(float(dataset.attrs['ion_energy']))} eV" if "ion_energy" in dataset.attrs else ""
        )]  # fmt: skip
    text = ", ".join(word for word in words if word)
    if is_simulated(dataset):
        text = f"{text} (simulated)" if text else "Simulated"
    return text


def is_simulated(dataset: xr.Dataset) -> bool:
    """Tell whether a Dataset, or any member of a series, says that it is simulated."""
    words = [str(dataset.attrs.get("simulated", ""))]
    if "simulated" in dataset.coords:
        words += [str(word) for word in np.ravel(dataset.coords["simulated"].values)]
    return any(word.strip().lower() in {"true", "1", "yes"} for word in words)


def simulated_among(samples: Mapping[str, Iterable[xr.Dataset]]) -> str:
    """Say which of several samples are simulated: ``Simulated``, ``Simulated: A, B``, or nothing."""
    found = [name for name, datasets in samples.items() if any(is_simulated(one) for one in datasets)]
    if len(found) == len(samples):
        return "Simulated" if found else ""
    return f"Simulated: {', '.join(found)}" if found else ""


def card_note(phase: xr.Dataset) -> str:
    """Say that nobody compared the card of one phase with its source; empty where somebody did, or nothing is known.

    Matches saved by older versions know the grade alone; A is the one that can be verified.
    """
    grade = str(phase["trust"].values) if "trust" in phase.coords else ""
    verified = bool(phase["verified"]) if "verified" in phase.coords else grade in {"", "A"}
    return "" if verified else f"unverified card{f' (grade {grade})' if grade else ''}"


def of_the_tube(peaks: xr.Dataset) -> NDArray[np.bool_]:
    """Tell which lines without a phase are named as those of other radiation of the tube: K-beta, tungsten."""
    if "origin" not in peaks.coords:
        return np.zeros(peaks.sizes["peak"], dtype=bool)
    return np.array([str(word).startswith(GHOSTS) for word in peaks["origin"].values], dtype=bool)


def long_name(variable: xr.DataArray) -> str:
    """Return the name of a quantity for an axis."""
    given = str(variable.attrs.get("long_name", "")) or str(variable.name).replace("_", " ")
    return given[:1].upper() + given[1:]


def statistics_of(member: xr.Dataset) -> str:
    """Return how the counting statistics are known: by attribute, else by what is there."""
    known = str(member.attrs.get("statistics", ""))
    if known in schema.STATISTICS:
        return known
    if "intensity_unc" in member:
        return "given"
    return "poisson" if member["intensity"].attrs.get("units") == "counts" else "unknown"


def unknown_because(dataset: xr.Dataset) -> str:
    """Say why the counting statistics of data are unknown: what the reader noted, else what is missing.

    Examples
    --------
    >>> import xarray as xr
    >>> rate = xr.Dataset({"intensity": ("x", [1.0], {"units": "counts/s"})})
    >>> unknown_because(rate)
    'a rate without dwell time'
    >>> unknown_because(rate.assign_attrs(statistics_note="the file holds averages"))
    'the file holds averages'
    """
    note = str(dataset.attrs.get("statistics_note", ""))
    if note:
        return note
    unit = str(dataset["intensity"].attrs.get("units", "1"))
    if unit == "counts":
        return "called counts, and no counts by what the data say"
    if unit != "counts/s":
        return "the unit is no count"
    return "a rate without dwell time" if "dwell_time" not in dataset.attrs else "a rate, not turned into counts"


def choice(value: str, allowed: Sequence[str], where: str) -> str:
    """Return an option, or raise InputError with those there are."""
    if value not in allowed:
        raise InputError(
            f"{value!r} is no choice for {where}", where=where, remedy=f"Use {', '.join(map(repr, allowed))}"
        )
    return value


def _kind(line: str) -> str:
    if not line or _CORE.fullmatch(line):
        return "core"
    if _SATELLITE.search(line):
        return "satellite"
    return "auger" if _AUGER.match(line.rpartition(" ")[2]) else "other"


def _words(dataset: xr.Dataset, name: str) -> list[str]:
    if name not in dataset.coords or dataset[name].dims != ("component",):
        return []
    return [str(value) for value in dataset[name].values]


def _joined(parts: Sequence[Any]) -> str:
    """Join texts, leaving out one that another contains."""
    words = [str(part) for part in parts if str(part)]
    kept = [word for word in words if not any(word != other and word in other for other in words)]
    return ", ".join(dict.fromkeys(kept))
