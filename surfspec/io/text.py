"""Text tables (.xy .xye .csv .dat .txt .prn) as spectra: which column is what, and in which unit.

The axis, technique and counting statistics come from what the file says; where it does not say enough the
reader asks instead of guessing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.errors import FormatError, InputError
from surfspec.io import _bytes, _entry, foreign, text_meta, text_table
from surfspec.io.regions import spelled
from surfspec.io.text_columns import AXIS_ROLES, Column, agreed_unit, classify
from surfspec.io.text_places import on_a_grid

NAME = "text"

#: Largest deviation of sigma² / y from 1 (median) at which an unnamed third column is taken as sigma.
_POISSON_SIGMA = 0.1
#: An unnamed rising axis below 180 that spans at least 40 in steps of at most 0.06 is a 2θ scan in degrees: no
#: electron or ion spectrum is recorded so finely over so much at so low an energy.
_LAST_ANGLE, _LONG_SCAN, _FINE_STEP = 180.0, 40.0, 0.06
_ION = re.compile(r"(\d+(?:[.,]\d+)?)\s*(k?eV)[\s,;]+(\d*(?:He|Ne|Ar|Kr|Xe|H|D|Li|Na|K))\+", re.IGNORECASE)


@dataclass(frozen=True)
class _Choice:
    """Columns chosen from a table."""

    axis: Column
    intensity: list[Column]
    sigma: Column | None


def recognises(source: _bytes.Source) -> bool:
    """Tell whether the bytes decode as text (the last reader asked)."""
    return bool(_bytes.decode(source))


def read(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read a text table.

    Parameters
    ----------
    source
        The file.
    options
        What the caller knows.

    Returns
    -------
    list of Entry
        One spectrum, or one series along ``spectrum`` where several intensity columns stand side by side.

    Raises
    ------
    FormatError, InputError
        See :func:`surfspec.io.read`.
    """
    content = _bytes.decode(source)
    foreign.refuse_known_text(content, source)
    table = text_table.parse(content, source.name, options.decimal)
    return [spectrum_of(table, source, options)]


def spectrum_of(table: text_table.Table, source: _bytes.Source, options: _entry.Options) -> _entry.Entry:
    """Make a spectrum of a parsed table (see :func:`read`)."""
    where = source.name
    meta = {**text_meta.attributes(table.meta, where), **_from_comments(table.comments)}
    known = {**meta, **options.attrs}
    columns = classify(table.names or tuple(f"column {i + 1}" for i in range(table.values.shape[1])))
    choice = _choose(table, columns, options, known, where)
    if not options.technique:
        text_meta.refuse_other_methods(table.meta, where)
    technique = options.technique or str(known.get("technique", "")) or _technique(choice, known, source, table)
    if not technique:
        raise _ask_technique(choice, table, where)
    name, x = _axis(table, choice, technique, options, known, where)
    series = len(choice.intensity) > 1
    labels = [column.name for column in choice.intensity]
    y = np.stack([table.values[:, column.index] for column in choice.intensity])
    _refuse_gaps(table, choice, where)
    units, factor = _intensity_units(choice.intensity[0], y, technique, options, known, where)
    sigma = None if choice.sigma is None else table.values[:, choice.sigma.index] * factor
    counts, units, statistics = _entry.counted(y * factor, units, _number(known, "dwell_time"), _number(known, "scans"))
    if sigma is not None:
        sigma, statistics = _scaled(sigma, y[0] * factor, counts[0], known), "given"
    attrs = _final_attrs(known, choice, technique, options)
    dataset = spectra.spectrum(
        x,
        counts if series else counts[0],
        technique=technique,
        axis=name,
        units=units,
        intensity_unc=sigma,
        statistics=statistics,
        dims=("spectrum",) if series else (),
        coords={"spectrum": ("spectrum", labels, {"long_name": "Spectrum"})} if series else None,
        where=where,
    )
    if series:
        dataset = on_a_grid(dataset, labels)
    dataset = _entry.labelled(dataset, attrs, source, NAME)
    return _entry.Entry(str(attrs.get("region", "")) or source.name.rsplit(".", 1)[0], dataset)


def _from_comments(comments: tuple[str, ...]) -> dict[str, _entry.Attr]:
    """Read ``3 keV 4He+`` and ``SYNTHETIC`` out of free comment lines."""
    found: dict[str, _entry.Attr] = {}
    for line in comments:
        match = _ION.search(line)
        if match:
            factor = 1e3 if match.group(2).lower() == "kev" else 1.0
            found.setdefault("ion_energy", float(match.group(1).replace(",", ".")) * factor)
            found.setdefault("ion", match.group(3))
        if ":" not in line and re.search(r"\b(?:synthetic|simulated)\b", line, re.IGNORECASE):
            found.setdefault("simulated", "true")
    return found


def _choose(
    table: text_table.Table,
    columns: list[Column],
    options: _entry.Options,
    known: dict[str, _entry.Attr],
    where: str,
) -> _Choice:
    axis = _axis_column(columns, options, known)
    if options.column is not None:
        return _Choice(axis, [_asked_column(columns, options.column, where)], None)
    rest = [column for column in columns if column.index != axis.index]
    sigma = next((column for column in rest if column.role == "sigma"), None)
    if not table.names:
        return _unnamed(table, axis, rest, where)
    measured = [column for column in rest if column.role == "intensity"]
    counts = [column for column in measured if column.unit == "counts"]
    if counts and len({column.unit for column in measured}) > 1:
        measured = counts
    if not measured:
        measured = [column for column in rest if column.role == "other"]
    if len({column.unit for column in measured}) > 1 or not measured:
        raise _ask_column(columns, where)
    return _Choice(axis, measured, sigma if len(measured) == 1 else None)


def _axis_column(columns: list[Column], options: _entry.Options, known: dict[str, _entry.Attr]) -> Column:
    wanted = [str(known.get("axis", "")) or options.axis or ""]
    if options.axis and any(column.role == options.axis for column in columns):
        wanted = [options.axis]
    wanted += ["kinetic_energy"] if options.technique == "LEIS" else []
    for role in (*wanted, *AXIS_ROLES):
        found = next((column for column in columns if column.role == role), None)
        if found is not None:
            return found
    return columns[0]


def _asked_column(columns: list[Column], asked: str | int, where: str) -> Column:
    if isinstance(asked, int):
        if 2 <= asked <= len(columns):
            return columns[asked - 1]
    else:
        found = [column for column in columns if column.name.lower() == asked.strip().lower()]
        if found:
            return found[0]
    raise InputError(
        f"column={asked!r} is not one of the intensity columns",
        where=where,
        remedy=f"Use a name or a number counted from 1, the axis: {_listed(columns)}",
    )


def _unnamed(table: text_table.Table, axis: Column, rest: list[Column], where: str) -> _Choice:
    if len(rest) == 1:
        return _Choice(axis, rest, None)
    if len(rest) == 2:
        y, s = table.values[:, 1], table.values[:, 2]
        inside = y > 0
        if np.any(inside) and abs(float(np.median(s[inside] ** 2 / y[inside])) - 1.0) < _POISSON_SIGMA:
            return _Choice(axis, rest[:1], rest[1])
    raise _ask_column([axis, *rest], where)


def _ask_column(columns: list[Column], where: str) -> FormatError:
    return FormatError(
        f"{len(columns)} columns, and the file does not say which is the intensity ({_listed(columns)})",
        where=where,
        remedy="Say column=2 (or the name of another); for x, y, sigma name the columns in a header line",
    )


def _listed(columns: list[Column]) -> str:
    shown = ", ".join(f"{column.index + 1}: {column.name}" for column in columns[:8])
    return shown + (", ..." if len(columns) > 8 else "")


def _technique(choice: _Choice, known: dict[str, _entry.Attr], source: _bytes.Source, table: text_table.Table) -> str:
    """Conclude the technique from axis and metadata, or return an empty string."""
    role = choice.axis.role
    if role == "two_theta" or "wavelength" in known:
        return "XRD"
    if "ion" in known or "ion_energy" in known:
        return "LEIS"
    if role == "binding_energy" or "photon_energy" in known:
        return "XPS"
    if role != "other" or len(choice.intensity) > 1:
        return ""
    x = table.values[:, choice.axis.index]
    angles = bool(np.all(np.diff(x) > 0)) and x[0] >= -10.0 and x[-1] <= _LAST_ANGLE
    powder = angles and x[-1] - x[0] >= _LONG_SCAN and float(np.median(np.diff(x))) <= _FINE_STEP
    return "XRD" if powder or (angles and source.suffix in {".xy", ".xye"}) else ""


def _ask_technique(choice: _Choice, table: text_table.Table, where: str) -> FormatError:
    x = table.values[:, choice.axis.index]
    return FormatError(
        f"nothing in the file says what was measured (axis {choice.axis.name!r}, {np.min(x):g} to {np.max(x):g})",
        where=where,
        remedy="Say technique='XPS', 'LEIS' or 'XRD', or write a line '# technique: XPS' at its top",
    )


def _axis(
    table: text_table.Table,
    choice: _Choice,
    technique: str,
    options: _entry.Options,
    known: dict[str, _entry.Attr],
    where: str,
) -> tuple[str, NDArray[np.float64]]:
    """Name the axis and bring it to eV or degrees; kinetic becomes binding energy where hν is known."""
    column = choice.axis
    x = table.values[:, column.index] * (column.factor if column.unit else 1.0)
    said = str(known.get("axis", ""))
    if said and said not in schema.AXES:
        raise InputError(f"unknown axis {said!r}", where=where, remedy=f"Use one of {', '.join(schema.AXES)}")
    named = column.role if column.role in schema.AXES else ""
    if said and named and said != named:
        raise FormatError(
            f"the file says 'axis: {said}' and its column is called {column.name!r}",
            where=where,
            remedy="Correct one of the two lines; which energy it is cannot be told",
        )
    # what the file says of its numbers stands; axis= of the caller names them only where the file does not
    stored = named or said or options.axis or spectra.DEFAULT_AXIS.get(technique, "")
    if technique == "XRD" and np.any(x > 180.0):
        raise FormatError(
            f"the axis reaches {np.nanmax(x):g}, which is no diffraction angle 2θ",
            where=where,
            remedy="Read XRD patterns over 2θ in degrees, not over d, q or energy",
        )
    hv = _number(known, "photon_energy")
    hv = hv if hv is not None and np.isfinite(hv) and hv > 0 else None
    target = options.axis or ("binding_energy" if technique == "XPS" and hv is not None else stored)
    if {stored, target} == {"binding_energy", "kinetic_energy"}:
        if hv is None:
            raise InputError(
                f"the file is over {stored} and does not give the photon energy",
                where=where,
                remedy="Say photon_energy=1486.6 (eV), or leave axis= out",
            )
        return target, np.round(hv - x, 9)
    return stored, x


def _refuse_gaps(table: text_table.Table, choice: _Choice, where: str) -> None:
    for column in (choice.axis, *choice.intensity, *([choice.sigma] if choice.sigma else [])):
        bad = np.flatnonzero(~np.isfinite(table.values[:, column.index]))
        if bad.size:
            raise FormatError(
                f"{column.name} has no number here ({bad.size} such row{'s' if bad.size > 1 else ''})",
                where=f"{where}:{table.lines[bad[0]]}",
                remedy="Repair or remove those rows; surfspec never fills gaps by itself",
            )


def _intensity_units(
    column: Column,
    y: NDArray[np.float64],
    technique: str,
    options: _entry.Options,
    known: dict[str, _entry.Attr],
    where: str,
) -> tuple[str, float]:
    said = str(known.get("intensity_unit", ""))
    stated = (column.unit, column.factor) if column.unit else None
    if said:
        stated = agreed_unit(said, None, column.name, where)
    if options.units:
        return agreed_unit(options.units, stated, column.name, where)
    if stated is not None:
        return stated
    rate = re.search(r"yes|true", str(known.get("counts_per_second", "")), re.IGNORECASE)
    if rate:
        return "counts/s", 1.0
    if technique == "XRD" and _entry.is_whole(y) and not np.any(y < 0):
        return "counts", 1.0
    return "arb. units", 1.0


def _scaled(
    sigma: NDArray[np.float64], before: NDArray[np.float64], after: NDArray[np.float64], known: dict[str, _entry.Attr]
) -> NDArray[np.float64]:
    """Scale an uncertainty as its intensity was scaled."""
    if np.array_equal(before, after):
        return sigma
    return sigma * (_number(known, "dwell_time") or 1.0) * (_number(known, "scans") or 1.0)


def _number(known: dict[str, _entry.Attr], key: str) -> float | None:
    value = known.get(key)
    return float(value) if isinstance(value, int | float) else None


def _final_attrs(
    known: dict[str, _entry.Attr], choice: _Choice, technique: str, options: _entry.Options
) -> dict[str, _entry.Attr]:
    drop = {"technique", "axis", "intensity_unit", "kind", "statistics"}
    attrs = {key: value for key, value in known.items() if key not in drop and key.isidentifier()}
    label = re.match(r"(?:cps|counts|intensity)_(.+?)(?:\s+\d+)?\Z", choice.intensity[0].name, re.IGNORECASE)
    if "region" not in attrs and label and technique == "XPS":
        attrs["region"] = label.group(1)
    if "region" in attrs:
        attrs["region"] = spelled(str(attrs["region"]))
    return _entry.with_wavelength(attrs, options.wavelength)


READER = _entry.Reader(NAME, recognises, read)
