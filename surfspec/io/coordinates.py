"""What the members of a series differ in: values from labels, from mappings and from metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Final

import xarray as xr

from surfspec import spectra
from surfspec.errors import InputError
from surfspec.io.patterns import is_number, listing, natural, without_companions

#: Doses below this (ions/cm2) are a running number, not a dose.
LEAST_DOSE: Final = 1e9
#: Metadata that tell members apart; where several would do, the first ones are taken.
_PREFERRED: Final = ("dose", "cycle", "spot", "x", "y", "temperature", "time")
#: Dimensions that count something: whole numbers, or words.
_COUNTED: Final = frozenset({"spot", "cycle"})

#: Label -> value, by placeholder.
Meanings = Mapping[str, Mapping[str, float]]


def series_values(
    labels: Sequence[Mapping[str, str]],
    mapped: Meanings,
    *,
    where: str,
    stated: Mapping[str, Sequence[Any]] | None = None,
    fallback: Meanings | None = None,
) -> dict[str, list[Any]]:
    """Return the value of every member along each dimension that its labels make.

    The meaning of a label is taken from the mapping given for it, then from what the files state themselves, then from
    `fallback`; last, the label is the value.

    Parameters
    ----------
    labels
        Of every member, by placeholder.
    mapped
        Mappings of labels to values.
    where
        Place named in errors.
    stated
        Values that the files state themselves, by dimension.
    fallback
        Further mappings, used where they hold all labels.

    Raises
    ------
    InputError
        For a label without a value, a value without a label, or a label that is no number where a number is needed.

    Examples
    --------
    >>> series_values([{"spot": "1", "dose": "2"}], {"dose": {"2": 3.2e15}}, where="")
    {'spot': [1], 'dose': [3200000000000000.0]}
    """
    out: dict[str, list[Any]] = {}
    for name in (*spectra.SERIES_UNITS, *labels[0]):
        if name not in labels[0] or name in out:
            continue
        column = [one[name] for one in labels]
        other = (fallback or {}).get(name, {})
        if mapped.get(name):
            out[name] = _mapped(column, mapped[name], name, where)
        elif stated and name in stated:
            out[name] = list(stated[name])
        elif other and all(label in other for label in column):
            out[name] = [other[label] for label in column]
        else:
            out[name] = _labels_as_values(column, name, where)
    return out


def values_of_metadata(
    members: Sequence[xr.Dataset], *, where: str, along: Sequence[str] = (), mapped: Meanings | None = None
) -> dict[str, list[Any]]:
    """Return the values along the fewest dimensions by which the metadata of the members tell them apart.

    Parameters
    ----------
    members
        Spectra, two or more.
    where
        Place named in errors.
    along
        The dimensions, where they are known; by default those of dose, cycle, spot (or area), x, y, temperature and
        time that are needed so that the members fill a rectangle.
    mapped
        Values that stand for the numbers stated, by dimension.

    Raises
    ------
    InputError
        When the metadata do not tell the members apart.
    """
    known = {name: spectra.stated_numbers(members, name) for name in along or _PREFERRED}
    missing = [name for name in along if known[name] is None]
    if missing:
        raise InputError(
            f"not every spectrum states its {missing[0]} as a number",
            where=where,
            remedy="Name only what the metadata of all state, or give a pattern of the labels: blocks='..._dose{dose}'",
        )
    columns = {name: column for name, column in known.items() if column is not None and len(set(column)) > 1}
    sizes = [len(along)] if along else range(1, len(columns) + 1)
    for size in sizes:
        for names in combinations(columns, size):
            if spectra.rectangle({name: columns[name] for name in names}):
                return {name: _of_numbers(columns[name], name, (mapped or {}).get(name, {}), where)
                        for name in spectra.SERIES_UNITS | dict.fromkeys(names) if name in names}  # fmt: skip
    told = "; ".join(f"{name} {_few(column)}" for name, column in columns.items())
    regions = list(dict.fromkeys(str(one.attrs["region"]) for one in members if one.attrs.get("region")))
    if len(regions) > 1:
        listed = ", ".join(regions[:6]) + (f" and {len(regions) - 6} more" if len(regions) > 6 else "")
        told = f"regions {listed}" + (f"; {told}" if told else "")
    others = [name for name in members[0].attrs if name not in (*_PREFERRED, *along)]
    enough = [f"along='{name}'" for name in others if _tells_apart(spectra.stated_numbers(members, str(name)))][:4]
    say = f"In Python say {' or '.join(enough)}; or name" if enough else "Name"
    raise InputError(
        f"{len(members)} spectra, and their metadata do not order them into a series "
        f"({told or 'no dose, spot, cycle or place in which all of them differ'})",
        where=where,
        remedy=f"{say} the dimensions by a "
        "pattern of their labels, blocks: 'name_spot{spot}_dose{dose}', choose one spectrum by region=, or export each "
        "into a file of its own and give a pattern of their names",
    )


def _of_numbers(column: Sequence[float], name: str, mapping: Mapping[str, float], where: str) -> list[Any]:
    if mapping:
        return _mapped([f"{value:.15g}" for value in column], mapping, name, where)
    whole = name in _COUNTED and all(value.is_integer() for value in column)
    if name == "dose" and min(column) < 0:
        raise InputError("a dose is negative", where=where, remedy="Correct the metadata")
    return [int(value) for value in column] if whole else list(column)


def _tells_apart(column: Sequence[float] | None) -> bool:
    return column is not None and len(set(column)) == len(column)


def _few(column: Sequence[float]) -> str:
    shown = [f"{value:g}" for value in dict.fromkeys(column)]
    return ", ".join(shown[:4]) + (f" and {len(shown) - 4} more" if len(shown) > 4 else "")


def _labels_as_values(labels: Sequence[str], name: str, where: str) -> list[Any]:
    if name in _COUNTED or name not in spectra.SERIES_UNITS:
        if all(label.isdigit() for label in labels):
            return [int(label) for label in labels]
        numbers = name not in _COUNTED and all(is_number(label) for label in labels)
        return [float(label) for label in labels] if numbers else list(labels)
    bad = [label for label in labels if not is_number(label) or (name == "dose" and float(label) < LEAST_DOSE)]
    if bad:
        unit = spectra.SERIES_UNITS[name]
        raise InputError(
            f"the {name} label '{bad[0]}' of a name is no {name}{f' in {unit}' if unit else ''}",
            where=where,
            remedy=f"Give its value beside the pattern: {name}: {{{bad[0]}: ...}} in a study file, "
            f"{name}={{'{bad[0]}': ...}} in Python",
        )
    return [float(label) for label in labels]


def _mapped(labels: Sequence[str], mapping: Mapping[str, float], name: str, where: str) -> list[float]:
    """Return the value of each label; "01" and 1 are one number."""
    known = {_key(label): value for label, value in mapping.items()}
    missing = sorted({label for label in labels if _key(label) not in known}, key=natural)
    if missing:
        raise InputError(
            f"the files have the {name} labels {listing(without_companions(missing))} and no value is given for them",
            where=where,
            remedy=f"Add them to '{name}: {{...}}', narrow the pattern, or leave the files out with 'exclude'",
        )
    present = {_key(label) for label in labels}
    absent = [label for label in mapping if _key(label) not in present]
    if absent:
        raise InputError(
            f"there is a value for the {name} {listing(absent)} and no file has it",
            where=where,
            remedy="Add the file or remove the value",
        )
    return [known[_key(label)] for label in labels]


def _key(label: str) -> str | float:
    return float(label) if is_number(label) else label
