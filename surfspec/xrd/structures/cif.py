"""Structures from CIF files: read by gemmi, then checked, because gemmi accepts what cannot be."""

from __future__ import annotations

import math
import re
from pathlib import Path

import gemmi

from surfspec.errors import FormatError, InputError
from surfspec.xrd.structures.phase import Phase, Site
from surfspec.xrd.structures.symmetry import obeys, orbit

#: B (angstrom^2) of a site whose file gives none.
ASSUMED_B = 0.6
#: Sum of occupancies up to which a position counts as full: files round.
FULL = 1.001
_EIGHT_PI_SQUARED = 8.0 * math.pi**2


def read_cif(path: str | Path, *, id: str | None = None) -> Phase:  # noqa: A002
    """Read the structure of a CIF file.

    Parameters
    ----------
    path
        The file; it must hold one structure.
    id
        Identifier of the phase, by default the name of the file.

    Returns
    -------
    Phase
        With trust ``"B"``: nobody has compared it with its source. Occupancies are those of the file (the share of
        a position that is filled); displacement parameters that are not given are assumed, and the note says so.

    Raises
    ------
    FormatError
        When the file is missing, no CIF, or holds no or several structures.
    InputError
        For a missing cell or space group, an unknown element, occupancies that are ``?``, outside 0 to 1 or with a sum
        above 1,
        numbers that are not finite, or atoms closer than 0.5 angstrom.

    Examples
    --------
    >>> read_cif("missing.cif")
    Traceback (most recent call last):
    surfspec.errors.FormatError: missing.cif: there is no such file. Check the path...
    """
    file = Path(path)
    block = _structure_block(file)
    _check_occupancies(block, file)
    structure = gemmi.make_small_structure_from_block(block)
    cell = _cell(block, structure, file)
    symbol = _space_group(structure, cell, file)
    sites, notes = _sites(structure, file)
    draft_name = _text(block, "_chemical_name_mineral") or _text(block, "_chemical_name_common") or file.stem
    try:
        phase = Phase(
            id=id or file.stem, name=draft_name, formula=_formula(block, sites, symbol), space_group=symbol, cell=cell,
            sites=sites, source=_source(block, file), trust="B", cod=_text(block, "_cod_database_code"),
            note=" ".join(notes),
        )  # fmt: skip
    except InputError as error:
        raise InputError(error.message, where=f"{file}: {error.where}", remedy=error.remedy) from error
    return phase


def _structure_block(file: Path) -> gemmi.cif.Block:
    if not file.is_file():
        raise FormatError("there is no such file", where=file, remedy="Check the path and the current folder")
    try:
        document = gemmi.cif.read(str(file))
    except (ValueError, RuntimeError, OSError, UnicodeDecodeError) as error:
        text = " ".join(str(error).split())[:200]
        raise FormatError(
            f"this is no readable CIF ({text})", where=file, remedy="Download it again, or mend the named line"
        ) from error
    blocks = [
        block for block in document if block.find_loop("_atom_site_label") or block.find_loop("_atom_site_fract_x")
    ]
    if not blocks:
        raise FormatError("the file holds no atoms", where=file, remedy="Use a CIF with an _atom_site loop")
    if len(blocks) > 1:
        raise FormatError(f"the file holds {len(blocks)} structures", where=file, remedy="Keep one data_ block a file")
    return blocks[0]


def _check_occupancies(block: gemmi.cif.Block, file: Path) -> None:
    """Refuse occupancies that the file says are unknown; ``.`` or no column at all means full by the dictionary."""
    labels = [str(value) for value in block.find_values("_atom_site_label")]
    given = [str(value) for value in block.find_values("_atom_site_occupancy")]
    unknown = [labels[i] if i < len(labels) else f"number {i + 1}" for i, text in enumerate(given) if text == "?"]
    if unknown:
        raise InputError(
            f"the occupancy of {', '.join(unknown[:4])}{' and others' if len(unknown) > 4 else ''} is '?', unknown",
            where=file,
            remedy="Give the occupancy as a number, or '.' where the site is full",
        )


def _cell(
    block: gemmi.cif.Block, structure: gemmi.SmallStructure, file: Path
) -> tuple[float, float, float, float, float, float]:
    tags = [f"_cell_length_{axis}" for axis in "abc"] + [f"_cell_angle_{angle}" for angle in ("alpha", "beta", "gamma")]
    missing = [tag for tag in tags if not _text(block, tag)]
    values = tuple(float(value) for value in structure.cell.parameters)
    if missing or not all(math.isfinite(value) and value > 0 for value in values):
        raise InputError(
            f"the cell is incomplete ({', '.join(missing) or values})",
            where=file,
            remedy="Add the cell lengths and angles",
        )
    return values  # type: ignore[return-value]


def _space_group(structure: gemmi.SmallStructure, cell: tuple[float, ...], file: Path) -> str:
    """Find the setting whose symmetry the cell obeys; operations of the file outrank its symbol."""
    candidates: list[gemmi.SpaceGroup | None] = []
    if structure.symops:
        operations = gemmi.GroupOps([gemmi.Op(text) for text in structure.symops])
        operations.add_missing_elements()
        candidates.append(gemmi.find_spacegroup_by_ops(operations))
    symbol = structure.spacegroup_hm
    for text in (symbol, f"{symbol}:H", f"{symbol}:R") if symbol else ():
        candidates.append(gemmi.find_spacegroup_by_name(text))
    if not candidates and structure.spacegroup_number:
        candidates.append(gemmi.find_spacegroup_by_number(structure.spacegroup_number))
    for group in candidates:
        if group is not None and obeys(cell, group):
            return str(group.xhm())
    known = [group.xhm() for group in candidates if group is not None]
    if known:
        raise InputError(
            f"the cell {cell} does not have the symmetry of {known[0]}",
            where=file,
            remedy="Check the cell and the setting of the space group",
        )
    raise InputError(
        f"the space group {symbol or 'is missing or'} is not known",
        where=file,
        remedy="Add _space_group_name_H-M_alt with the full symbol ('P 1 21/c 1') or the symmetry operations",
    )


def _sites(structure: gemmi.SmallStructure, file: Path) -> tuple[tuple[Site, ...], list[str]]:
    merged: dict[tuple[float, float, float], tuple[str, dict[str, float], float]] = {}
    notes = []
    for atom in structure.sites:
        symbol = atom.element.name
        if atom.element.atomic_number == 0:
            raise InputError(
                f"unknown element {atom.type_symbol or atom.label!r} at site {atom.label}",
                where=file,
                remedy="Use element symbols in _atom_site_type_symbol",
            )
        place = (float(atom.fract.x), float(atom.fract.y), float(atom.fract.z))
        if not all(math.isfinite(value) for value in (*place, atom.occ)):
            raise InputError(
                f"site {atom.label} has a coordinate or occupancy that is not a number",
                where=file,
                remedy="Give x, y, z and the occupancy as numbers",
            )
        if not 0.0 < atom.occ <= 1.001:
            raise InputError(
                f"site {atom.label} has the occupancy {atom.occ:g}",
                where=file,
                remedy="Occupancies are above 0 and at most 1",
            )
        u = float(atom.u_iso)
        b = _EIGHT_PI_SQUARED * u if math.isfinite(u) and 0.0 < u < 0.3 else ASSUMED_B
        if b == ASSUMED_B:
            notes.append(atom.label)
        key = next((one for one in merged if max(abs(a - c) for a, c in zip(one, place, strict=True)) < 1e-3), place)
        if key in merged:
            first, species, _ = merged[key]
            filled = sum(species.values()) + min(atom.occ, 1.0)
            if filled > FULL:
                raise InputError(
                    f"{atom.label} lies where {first} lies, and together they fill the position {filled:.3g} times",
                    where=file,
                    remedy="Remove the atom that is listed twice (symmetry or disorder), or mend the occupancies",
                )
            species[symbol] = min(species.get(symbol, 0.0) + min(atom.occ, 1.0), 1.0)
        else:
            merged[key] = (atom.label or symbol, {symbol: min(float(atom.occ), 1.0)}, b)
    if not merged:
        raise InputError(
            "no atom of the file has coordinates", where=file, remedy="Use a CIF with fractional coordinates"
        )
    sites = tuple(Site(label, species, place, b) for place, (label, species, b) in merged.items())
    text = [f"B = {ASSUMED_B} square angstrom assumed for {', '.join(notes[:6])}."] if notes else []
    return sites, text


def _formula(block: gemmi.cif.Block, sites: tuple[Site, ...], symbol: str) -> str:
    text = re.sub(r"[^A-Za-z0-9.]", "", _text(block, "_chemical_formula_sum"))
    if text:
        return re.sub(r"(?<![0-9.])1(?![0-9.])", "", text)
    return _content(sites, symbol)


def _content(sites: tuple[Site, ...], symbol: str) -> str:
    """Make the formula unit from the content of the cell."""
    group = gemmi.find_spacegroup_by_name(symbol)
    amounts: dict[str, float] = {}
    for site in sites:
        for element, occupancy in site.species.items():
            amounts[element] = amounts.get(element, 0.0) + occupancy * len(orbit(site.xyz, group))
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
    journal, year = _text(block, "_journal_name_full"), _text(block, "_journal_year")
    parts = [", ".join(names[:3]), f"({year})" if year else "", journal]
    return " ".join(part for part in parts if part) or f"CIF file {file.name}"


def _text(block: gemmi.cif.Block, tag: str) -> str:
    value = block.find_value(tag)
    if value is None or value in ("?", "."):
        return ""
    return " ".join(str(gemmi.cif.as_string(value)).split())
