"""Read a series: many files that differ in what their names say, or many spectra of one file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from surfspec import schema, spectra
from surfspec.errors import InputError, SurfspecError
from surfspec.io import _entry, patterns, recognise, regions
from surfspec.io.coordinates import Meanings, series_values, values_of_metadata

#: Positions of one spectrum have one unit.
_POSITIONS = ("x", "y")


def read_series(
    source: str | Path,
    *,
    blocks: str = "",
    along: str | Sequence[str] = (),
    region: str | None = None,
    exclude: str | Sequence[str] = (),
    technique: str | None = None,
    wavelength: float | str | None = None,
    axis: str | None = None,
    units: str | None = None,
    decimal: str | None = None,
    column: str | int | None = None,
    **given: str | float | int | Mapping[Any, float],
) -> xr.Dataset:
    r"""Read many spectra into one series over dose, spot, cycle, x, y, ...

    Parameters
    ----------
    source
        Files by a pattern, ``"leis/a_area{spot}_dose{dose}.csv"``: each ``{name}`` becomes a dimension. Or one file
        with many spectra: blocks of VAMAS, sheets of a workbook.
    blocks
        Pattern of the labels of the spectra inside a file, ``"a_area{spot}_dose{dose}"``; others are left out. Without
        it the metadata tell what the spectra differ in.
    along
        The dimensions inside a file, where the metadata would do in several ways.
    region
        Only spectra of this region.
    exclude
        Names of files to leave out, ``"*_components.csv"``.
    technique, wavelength, axis, units, decimal, column
        As for :func:`surfspec.io.read`.
    **given
        A mapping is what the labels of a ``{name}`` mean: ``dose={1: 1.6e15, 2: 3.2e15}`` (ions/cm2), ``time=`` (s),
        ``temperature=`` (degC); it goes before what the files state. Text and numbers are metadata, as for ``read``.

    Returns
    -------
    xarray.Dataset
        Kind ``spectrum``, dims (spot, dose, ..., axis). What else the files differ in becomes a coordinate.

    Raises
    ------
    FormatError
        As :func:`surfspec.io.read`.
    InputError
        For a pattern without files, a label without meaning, a place of the series without a spectrum or with two,
        spectra that nothing tells apart, and spectra that do not stack.

    Notes
    -----
    ``{dose}``, ``{cycle}``, ``{time}``, ``{temperature}``, ``{x}``, ``{y}`` and names whose mapping has numbers as keys
    match numbers only; other labels end at an underscore. A running number is never taken for a dose.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for i in (1, 2):
    ...     _ = (folder / f"a_dose{i}.csv").write_text("Kinetic Energy (eV),counts\n1000,90\n1005,100\n")
    >>> series = read_series(folder / "a_dose{dose}.csv", technique="LEIS", dose={1: 1.6e15, 2: 3.2e15})
    >>> dict(series.sizes), series.dose.attrs["units"]
    ({'dose': 2, 'kinetic_energy': 2}, 'ions/cm2')
    """
    pattern = str(source)
    mapped, attrs = _sorted_out(given)
    options = recognise.options_of(technique, wavelength, axis, units, decimal, column, attrs)
    dims = (along,) if isinstance(along, str) else tuple(along)
    outside = set(patterns.placeholders(pattern))
    _refuse_unused(mapped, outside, blocks, dims, pattern)
    names = (exclude,) if isinstance(exclude, str) else tuple(exclude)
    found = patterns.find(pattern, Path.cwd(), where="read_series", allowed=None, mapped=mapped,
                          exclude=[name for name in names if name])  # fmt: skip
    inner = {name: meaning for name, meaning in mapped.items() if name not in outside}
    members = [
        series_of_file(one.path, options, region=region, blocks=blocks, along=dims, mapped=inner) for one in found
    ]
    if not outside:
        return members[0]
    outer = {name: meaning for name, meaning in mapped.items() if name in outside}
    return series_of_members(members, found, outer, where=pattern)


def _sorted_out(
    given: Mapping[str, str | float | int | Mapping[Any, float]],
) -> tuple[dict[str, dict[str, float]], dict[str, str | float | int]]:
    """Separate the meanings of labels from metadata; what is neither is refused."""
    mapped: dict[str, dict[str, float]] = {}
    attrs: dict[str, str | float | int] = {}
    for name, value in given.items():
        if isinstance(value, Mapping):
            for label, one in value.items():
                if isinstance(one, bool) or not isinstance(one, int | float) or not math.isfinite(one):
                    raise InputError(
                        f"{name} {label!r} stands for {one!r}", where=name, remedy="Give each label a number"
                    )
            mapped[name] = {str(label): float(one) for label, one in value.items()}
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            attrs[name] = value
        else:
            raise InputError(
                f"{name} is {value!r}"[:120],
                where=name,
                remedy=f"Give the meaning of labels as {name}={{1: 1.6e15, 2: 3.2e15}}, metadata as text or a number",
            )
    return mapped, attrs


def _refuse_unused(mapped: Meanings, outside: set[str], blocks: str, dims: Sequence[str], pattern: str) -> None:
    """Refuse a mapping of a name that stands nowhere; one file may have what its metadata state."""
    by_metadata = not blocks and not dims and not outside
    for name in mapped:
        if not by_metadata and name not in {*outside, *patterns.placeholders(blocks), *dims}:
            raise InputError(
                f"nothing is called '{{{name}}}' in the pattern '{blocks or pattern}'",
                where=name,
                remedy=f"Write {{{name}}} where the names differ, or leave {name}= out",
            )


def series_of_file(
    path: Path,
    options: _entry.Options,
    *,
    region: str | None = None,
    blocks: str = "",
    along: Sequence[str] = (),
    mapped: Meanings | None = None,
) -> xr.Dataset:
    """Read all spectra of one file into one series; a single one is returned as it is (see :func:`read_series`)."""
    entries = recognise.entries(path, options)
    if region is not None:
        entries = regions.matching(entries, region) or [regions.pick(entries, region, path.name)]
    if blocks:
        entries, labels = _labelled(entries, blocks, path.name, mapped or {})
        values = series_values(labels, mapped or {}, where=path.name, stated=_stated(entries, labels))
    elif len(entries) == 1:
        if mapped:
            raise InputError(
                f"a meaning is given for the {next(iter(mapped))} and the file holds one spectrum",
                where=path.name,
                remedy="Leave it out, or give a pattern that matches several files",
            )
        return schema.check(entries[0].dataset, "spectrum")
    else:
        values = values_of_metadata([one.dataset for one in entries], where=path.name, along=along, mapped=mapped)
    members = [one.dataset for one in entries]
    return spectra.stack_grid(members, values, where=path.name, units=_units(members, values))


def series_of_members(
    members: Sequence[xr.Dataset],
    found: Sequence[patterns.Found],
    mapped: Meanings,
    *,
    where: str,
    fallback: Meanings | None = None,
) -> xr.Dataset:
    """Stack the spectra of many files by the labels in their names (see :func:`read_series`).

    Parameters
    ----------
    members
        One spectrum or series for each file.
    found
        The files and their labels.
    mapped, fallback
        What the labels mean, see :func:`surfspec.io.coordinates.series_values`.
    where
        Place named in errors.
    """
    entries = [_entry.Entry(one.path.name, member) for one, member in zip(found, members, strict=True)]
    labels = [one.labels for one in found]
    values = series_values(labels, mapped, where=where, stated=_stated(entries, labels), fallback=fallback)
    try:
        return spectra.stack_grid(members, values, where=where, units=_units(members, values), member="file")
    except SurfspecError as error:
        for item, one in zip(found[1:], members[1:], strict=True):
            reason = _misfit(members[0], one)
            if reason is not None:
                raise InputError(
                    f"does not go into one series with {found[0].path.name}: {reason.message}",
                    where=item.path,
                    remedy=reason.remedy,
                ) from error
        raise


def _misfit(first: xr.Dataset, other: xr.Dataset) -> SurfspecError | None:
    try:
        spectra.stack([first, other], "pair", [0, 1])
    except SurfspecError as error:
        return error
    return None


def _labelled(
    entries: Sequence[_entry.Entry], blocks: str, where: str, mapped: Meanings
) -> tuple[list[_entry.Entry], list[dict[str, str]]]:
    """Return the spectra whose label (or block identifier) a pattern matches, and the labels in it."""
    if not patterns.checked_placeholders(blocks, where, None):
        raise InputError(f"blocks='{blocks}' has no {{name}}", where=where, remedy="Say region= to choose one spectrum")
    for names in ([one.label for one in entries], [str(one.dataset.attrs.get("block", "")) for one in entries]):
        found = patterns.labels_of(blocks, names, mapped)
        kept = [(one, found[name]) for one, name in zip(entries, names, strict=True) if name in found]
        if kept:
            return [one for one, _ in kept], [labels for _, labels in kept]
    raise InputError(
        f"no spectrum is called '{blocks}'",
        where=where,
        remedy=f"The labels are {patterns.listing([one.label for one in entries][:6])}",
    )


def _stated(entries: Sequence[_entry.Entry], labels: Sequence[Mapping[str, str]]) -> dict[str, list[Any]]:
    """Return what all members state in an attribute that is called like a placeholder: numbers, or words."""
    out: dict[str, list[Any]] = {}
    for name in labels[0]:
        column = [one.dataset.attrs.get(name) for one in entries]
        numbers = spectra.stated_numbers([one.dataset for one in entries], name) if None not in column else None
        if numbers is not None:
            whole = name not in ("dose", "time", "temperature", *_POSITIONS) and all(n.is_integer() for n in numbers)
            out[name] = [int(n) for n in numbers] if whole else numbers
        elif None not in column:
            out[name] = [str(value) for value in column]
    return out


def _units(members: Sequence[xr.Dataset], values: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """Return the units of positions: that which the metadata state, else that of the other position of the spectra."""
    first = members[0]
    known = [str(first[name].attrs.get("units", "")) for name in _POSITIONS if name in first.coords]
    said = {name: str(first.attrs.get(f"{name}_unit", "") or (known[0] if known else "")) for name in _POSITIONS}
    return {name: said[name] for name in values if said.get(name) in schema.UNITS}
