"""Structures from CIF files: read by gemmi, then checked, because gemmi accepts what cannot be."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Sequence
from pathlib import Path

import gemmi
import numpy as np
from numpy.typing import NDArray

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.structures import cif_blocks
from surfspec.xrd.structures.cif_sites import ASSUMED_B, Atoms, read_atoms
from surfspec.xrd.structures.cif_symmetry import operations, settings
from surfspec.xrd.structures.formula import is_known_formula, parse_formula
from surfspec.xrd.structures.phase import Phase, Site
from surfspec.xrd.structures.plausibility import content, unlikely

Cell = tuple[float, float, float, float, float, float]

#: Calculated density of the file and of the sites may differ by this, relative: hydrogen is often missing.
DENSITY_TOLERANCE = 0.03
#: Pressure above which a structure is not that of ambient conditions, kPa.
HIGH_PRESSURE = 1e4
_LENGTHS = tuple(f"_cell_length_{axis}" for axis in "abc")
_ANGLES = tuple(f"_cell_angle_{angle}" for angle in ("alpha", "beta", "gamma"))


def read_cif(path: str | Path, *, id: str | None = None, block: str | None = None) -> Phase:  # noqa: A002
    """Read the structure of a CIF file.

    Parameters
    ----------
    path
        The file.
    id
        Identifier of the phase, by default the name of the file.
    block
        Name of the data block (``data_...``) of a file that holds several structures.

    Returns
    -------
    Phase
        With trust ``"B"``: nobody has compared it with its source. Occupancies are those of the file (the share of
        a position that is filled). Standard uncertainties in brackets give ``cell_uncertainty``, the temperature of
        the measurement is taken over. The note says what was assumed (displacement parameters that the file lacks, the
        origin that the symbol leaves open), averaged (anisotropic displacements) or not understood and, after "Check:",
        what is unlikely (see `doubts`); it is empty where nothing was. A file is read again when it changes.

    Raises
    ------
    FormatError
        When the file is missing, no CIF, or holds no or several structures.
    InputError
        For a missing cell or space group, a cell or operations that contradict it, an origin that cannot be told, an
        unknown element, occupancies that are ``?`` or no numbers, outside 0 to 1 or with a sum above 1, other numbers
        that are not finite, atoms closer than 0.5 angstrom, and magnetic or modulated structures.

    Examples
    --------
    >>> read_cif("missing.cif")
    Traceback (most recent call last):
    surfspec.errors.FormatError: missing.cif: there is no such file. Check the path...
    """
    if not isinstance(path, str | Path):
        raise InputError(f"a {type(path).__name__} is no file name", where="read_cif", remedy="Pass the path of a CIF")
    for word, value in (("id", id), ("block", block)):
        if value is not None and not isinstance(value, str):
            raise InputError(f"{word} is {given.shown(value)}", where=word, remedy="Give a text, or leave it out")
    file = Path(path)
    stamp = (file.stat().st_mtime_ns, file.stat().st_size) if file.is_file() else (0, 0)
    return _read(str(file), str(file.resolve()), stamp, id, block)


@functools.lru_cache(maxsize=2048)
def _read(path: str, whole: str, stamp: tuple[int, int], name: str | None, block: str | None) -> Phase:
    file = Path(path)
    chosen = cif_blocks.choose(cif_blocks.structure_blocks(file), block, file)
    return read_block(chosen, file, name or file.stem)


def read_block(block: gemmi.cif.Block, file: Path, name: str) -> Phase:
    """Make a phase of one data block; see `read_cif`."""
    cif_blocks.refuse_special(block, file)
    structure = gemmi.make_small_structure_from_block(block)
    cell = _cell(block, file)
    groups, symmetry_note = settings(structure, cell, file)
    atoms = read_atoms(block, structure, file)
    stated, formula_note = _stated_formula(block)
    header = _Header(
        cif_blocks.text(block, "_chemical_name_mineral", "_chemical_name_common") or file.stem,
        _source(block, file),
        cif_blocks.text(block, "_cod_database_code"),
        _cell_uncertainty(block),
        _temperature(block),
    )
    tries = [_Try(group.xhm(), atoms.sites) for group in groups] or [_Try("P 1", _spread(atoms, structure, file))]
    made = [_make(name, cell, one, stated, header) for one in tries]
    phase, origin_note = _the_one(made, block, stated, file)
    notes = [*_said(symmetry_note, origin_note, formula_note), *atoms.notes, *_assumed(atoms)]
    notes += _missing_hydrogen(phase, stated)
    unlikely = [*_unlikely(block, phase, stated), *_conditions(block)]
    if unlikely:
        notes.append("Check: " + " ".join(unlikely))
    return dataclasses.replace(phase, note=" ".join(notes))


@dataclasses.dataclass(frozen=True)
class _Try:
    """A reading of the file: a setting with the sites that belong to it."""

    symbol: str
    sites: tuple[Site, ...]


@dataclasses.dataclass(frozen=True)
class _Header:
    """What the file says beside cell, symmetry and atoms."""

    name: str
    source: str
    cod: str
    cell_uncertainty: float | None
    temperature: float | None


def _make(name: str, cell: Cell, reading: _Try, stated: str, header: _Header) -> Phase | InputError:
    try:
        phase = Phase(
            id=name, name=header.name, formula=stated or "X", space_group=reading.symbol, cell=cell,
            sites=reading.sites, source=header.source, trust="B", cod=header.cod,
            cell_uncertainty=header.cell_uncertainty, temperature=header.temperature,
        )  # fmt: skip
    except InputError as error:
        return error
    return phase if stated else dataclasses.replace(phase, formula=_unit(content(phase)))


def _the_one(made: Sequence[Phase | InputError], block: gemmi.cif.Block, stated: str, file: Path) -> tuple[Phase, str]:
    """Choose the reading that can be; with several, the one that fits what the file says of it. Never guess."""
    possible = [one for one in made if isinstance(one, Phase)]
    if not possible:
        error = next(one for one in made if isinstance(one, InputError))
        raise InputError(error.message, where=f"{file}: {error.where}", remedy=error.remedy) from error
    if len(made) == 1:
        return possible[0], ""
    if len(possible) > 1:
        likely = [one for one in possible if not _unlikely(block, one, stated)]
        possible = likely if len(likely) == 1 else possible
    if len(possible) > 1:
        names = " or ".join(one.space_group for one in possible)
        raise InputError(
            f"the file does not say which origin its coordinates have ({names})",
            where=file,
            remedy="Add ':1' or ':2' to _space_group_name_H-M_alt, or list the symmetry operations",
        )
    return possible[0], f"Setting {possible[0].space_group}: the other origin gives wrong distances or contents."


def _spread(atoms: Atoms, structure: gemmi.SmallStructure, file: Path) -> tuple[Site, ...]:
    """Write out all atoms of the cell, for operations that no tabulated setting has."""
    moves = operations(structure, file)
    out: list[Site] = []
    for site in atoms.sites:
        points: list[NDArray[np.float64]] = []
        for op in moves:
            point = np.mod(np.array(op.apply_to_xyz(list(site.xyz))), 1.0)
            if all(np.max(np.abs((point - old + 0.5) % 1.0 - 0.5)) > 1e-3 for old in points):
                points.append(point)
        for number, point in enumerate(points, 1):
            x, y, z = (float(value) for value in point)
            out.append(Site(f"{site.label}.{number}", site.species, (x, y, z), site.b_iso))
    return tuple(out)


def _cell(block: gemmi.cif.Block, file: Path) -> Cell:
    values = tuple(cif_blocks.number(block, tag) for tag in (*_LENGTHS, *_ANGLES))
    missing = [
        tag
        for tag, value in zip((*_LENGTHS, *_ANGLES), values, strict=True)
        if not (math.isfinite(value) and value > 0)
    ]
    if missing:
        raise InputError(
            f"the cell is incomplete ({', '.join(missing)})", where=file, remedy="Add the cell lengths and angles"
        )
    return values[0], values[1], values[2], values[3], values[4], values[5]


def _cell_uncertainty(block: gemmi.cif.Block) -> float | None:
    """Largest relative standard uncertainty of the lengths, None where no bracket is given."""
    pairs = [cif_blocks.measured(cif_blocks.text(block, tag)) for tag in _LENGTHS]
    relative = [sigma / value for value, sigma in pairs if math.isfinite(sigma) and 0.0 < sigma < 0.1 * value]
    return max(relative) if relative else None


def _temperature(block: gemmi.cif.Block) -> float | None:
    value = cif_blocks.number(
        block, "_cell_measurement_temperature", "_diffrn_ambient_temperature", "_diffrn.ambient_temp"
    )
    return value if math.isfinite(value) and 0.0 < value < 4000.0 else None


def _conditions(block: gemmi.cif.Block) -> list[str]:
    pressure = cif_blocks.number(block, "_cell_measurement_pressure", "_diffrn_ambient_pressure")
    if math.isfinite(pressure) and pressure > HIGH_PRESSURE:
        return [f"The structure is one at {pressure / 1e6:.3g} GPa."]
    return []


def _unlikely(block: gemmi.cif.Block, phase: Phase, stated: str) -> list[str]:
    return [*unlikely(phase), *_density(block, phase, stated), *_units(block, phase, stated)]


def _units(block: gemmi.cif.Block, phase: Phase, stated: str) -> list[str]:
    """Compare the formula units in the cell with those that the file says (Z), by the elements but hydrogen."""
    said = cif_blocks.number(block, "_cell_formula_units_Z")
    amounts = content(phase)
    counts = {name: count for name, count in parse_formula(stated).items() if name in amounts and name != "H"}
    if not math.isfinite(said) or said <= 0 or not counts:
        return []
    units = float(np.median([amounts[name] / count for name, count in counts.items()]))
    if abs(units / said - 1.0) <= DENSITY_TOLERANCE:
        return []
    return [f"The sites give {units:.3g} formula units {stated} in the cell, the file says {said:g}."]


def _density(block: gemmi.cif.Block, phase: Phase, stated: str) -> list[str]:
    density = cif_blocks.number(block, "_exptl_crystal_density_diffrn")
    complete = set(parse_formula(stated)) - {"D"} <= phase.elements
    if math.isfinite(density) and complete and abs(phase.density / density - 1.0) > DENSITY_TOLERANCE:
        return [f"The sites give {phase.density:.3f} g/cm3, the file says {density:g} g/cm3."]
    return []


def _assumed(atoms: Atoms) -> list[str]:
    notes = []
    if atoms.assumed:
        notes.append(f"B = {ASSUMED_B} square angstrom assumed for {_some(atoms.assumed)}.")
    if atoms.averaged:
        notes.append(f"B of {_some(atoms.averaged)} is the isotropic equivalent of anisotropic displacements.")
    return notes


def _some(labels: Sequence[str]) -> str:
    return ", ".join(labels[:6]) + (" and others" if len(labels) > 6 else "")


def _missing_hydrogen(phase: Phase, stated: str) -> list[str]:
    if set(parse_formula(stated)) & {"H", "D"} and "H" not in phase.elements:
        return ["Hydrogen is in the formula and not at the sites; the density lacks its mass."]
    return []


def _said(*texts: str) -> list[str]:
    return [one for one in texts if one]


def _stated_formula(block: gemmi.cif.Block) -> tuple[str, str]:
    """Return the formula of the file, empty where there is none of elements, and a note on what is no formula."""
    written = cif_blocks.text(block, "_chemical_formula_sum")
    letters = re.sub(r"[^A-Za-z0-9.()]", "", written)
    letters = re.sub(r"D(?![a-z])", "H", letters)
    formula = re.sub(r"(?<![0-9.])1(?![0-9.])", "", letters)
    if not formula or is_known_formula(formula):
        return formula, ""
    return "", f"The file's formula {written[:40]!r} cannot be read, that of the sites is used."


def _unit(amounts: dict[str, float]) -> str:
    """Make the smallest formula unit of amounts of elements."""
    whole = [round(amount) for amount in amounts.values()]
    exact = all(
        abs(amount - number) < 0.01 and number > 0 for amount, number in zip(amounts.values(), whole, strict=True)
    )
    unit = math.gcd(*whole) if exact else 1
    return "".join(f"{element}{_number(amount / unit)}" for element, amount in amounts.items())


def _number(value: float) -> str:
    return "" if abs(value - 1.0) < 5e-3 else f"{value:.2f}".rstrip("0").rstrip(".")


def _source(block: gemmi.cif.Block, file: Path) -> str:
    names = [row[0].strip("'\"") for row in block.find(["_publ_author_name"])]
    journal, year = cif_blocks.text(block, "_journal_name_full"), cif_blocks.text(block, "_journal_year")
    parts = [", ".join(names[:3]), f"({year})" if year else "", journal]
    return " ".join(part for part in parts if part) or f"CIF file {file.name}"
