"""The atoms of a CIF as sites: elements behind labels, occupancies, displacement parameters, shared positions."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import gemmi
import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.xrd.structures.cif_blocks import measured, text
from surfspec.xrd.structures.formula import parse_formula
from surfspec.xrd.structures.site import Site
from surfspec.xrd.structures.validation import FULL

Array = NDArray[np.float64]

#: B (angstrom^2) of a site whose file gives none.
ASSUMED_B = 0.6
#: Mean square displacement (angstrom^2) from which a file is not believed.
LARGEST_U = 0.3
#: Fractional coordinates within this are one position: files print four digits.
SAME_PLACE = 1e-3
_EIGHT_PI_SQUARED = 8.0 * math.pi**2


@dataclass
class Atoms:
    """What a file says of its atoms: sites, labels of which B was assumed or averaged, and what should be noted."""

    sites: tuple[Site, ...]
    assumed: list[str] = field(default_factory=list)
    averaged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_atoms(block: gemmi.cif.Block, structure: gemmi.SmallStructure, file: Path) -> Atoms:
    """Return the asymmetric unit of a structure block.

    Raises
    ------
    InputError
        For an unknown element, coordinates or occupancies that are no numbers, an occupancy that is ``?``, not above 0
        or above 1, and atoms that share a position which they fill more than once.
    """
    _refuse_unknown_occupancies(block, file)
    atoms = Atoms(())
    known = set(parse_formula(re.sub(r"[^A-Za-z0-9.]", "", text(block, "_chemical_formula_sum"))))
    typed = block.find_loop("_atom_site_type_symbol")
    dummies = _dummies(block)
    merged: dict[tuple[float, float, float], tuple[str, dict[str, float], float]] = {}
    for index, atom in enumerate(structure.sites):
        if index in dummies:
            continue
        symbol = _element(atom, known, bool(typed), file, atoms.notes)
        place = (float(atom.fract.x), float(atom.fract.y), float(atom.fract.z))
        if symbol == "H" and not all(math.isfinite(value) for value in place):
            atoms.notes.append(f"{atom.label} has no coordinates and is left out.")
            continue
        _check_numbers(atom, place, file)
        b, how = _displacement(atom, structure.cell)
        if how:
            (atoms.assumed if how == "assumed" else atoms.averaged).append(str(atom.label))
        _merge(merged, atom, place, symbol, b, file)
    if not merged:
        raise InputError(
            "no atom of the file has coordinates", where=file, remedy="Use a CIF with fractional coordinates"
        )
    atoms.sites = tuple(Site(label, species, place, b) for place, (label, species, b) in merged.items())
    return atoms


def _merge(
    merged: dict[tuple[float, float, float], tuple[str, dict[str, float], float]],
    atom: gemmi.SmallStructure.Site,
    place: tuple[float, float, float],
    symbol: str,
    b: float,
    file: Path,
) -> None:
    share = min(float(atom.occ), 1.0)
    key = next((one for one in merged if max(abs(a - c) for a, c in zip(one, place, strict=True)) < SAME_PLACE), place)
    if key not in merged:
        merged[key] = (str(atom.label) or symbol, {symbol: share}, b)
        return
    first, species, _ = merged[key]
    filled = sum(species.values()) + share
    if filled > FULL:
        raise InputError(
            f"{atom.label} lies where {first} lies, and together they fill the position {filled:.3g} times",
            where=file,
            remedy="Remove the atom that is listed twice (symmetry or disorder), or mend the occupancies",
        )
    species[symbol] = min(species.get(symbol, 0.0) + share, 1.0)


def _element(atom: gemmi.SmallStructure.Site, known: set[str], typed: bool, file: Path, notes: list[str]) -> str:
    """Return the element of an atom; labels without a type are read with the formula at hand (``Wat`` is water)."""
    symbol = str(atom.element.name) if atom.element.atomic_number else ""
    label = str(atom.label)
    if not typed and known and symbol not in known and not (symbol == "D" and "H" in known):
        letters = re.sub(r"[^A-Za-z].*", "", label)
        guesses = [letters[:2].capitalize(), letters[:1].upper(), "O" if label.lower().startswith("w") else ""]
        better = next((one for one in guesses if one in known), "")
        if better and better != symbol:
            notes.append(f"{label} is read as {better}, an element of the formula.")
            symbol = better
    if symbol == "D":
        notes.append(f"Deuterium at {label} is taken as hydrogen: X-rays do not tell them apart.")
        symbol = "H"
    if not symbol or gemmi.Element(symbol).atomic_number == 0:
        raise InputError(
            f"unknown element {atom.type_symbol or label!r} at site {label}",
            where=file,
            remedy="Use element symbols in _atom_site_type_symbol",
        )
    return symbol


def _check_numbers(atom: gemmi.SmallStructure.Site, place: tuple[float, float, float], file: Path) -> None:
    if not all(math.isfinite(value) for value in (*place, atom.occ)):
        raise InputError(
            f"site {atom.label} has a coordinate or occupancy that is not a number",
            where=file,
            remedy="Give x, y, z and the occupancy as numbers",
        )
    if not 0.0 < atom.occ <= FULL:
        raise InputError(
            f"site {atom.label} has the occupancy {atom.occ:g}",
            where=file,
            remedy="Occupancies are above 0 and at most 1",
        )


def _displacement(
    atom: gemmi.SmallStructure.Site, cell: gemmi.UnitCell
) -> tuple[float, Literal["", "averaged", "assumed"]]:
    """Return B and where it is from: empty for the file, the average of an anisotropic tensor, or assumed.

    U_eq = (1/3) sum_ij U_ij a*_i a*_j a_i . a_j (Fischer and Tillmanns, Acta Cryst. C44 (1988) 775).
    """
    u = float(atom.u_iso)
    how: Literal["", "averaged"] = ""
    if not (math.isfinite(u) and 0.0 < u < LARGEST_U) and atom.aniso.nonzero():
        tensor = np.array(atom.aniso.as_mat33().tolist(), dtype=np.float64)
        a = np.array([cell.a, cell.b, cell.c])
        cosines = np.cos(
            np.radians([[0, cell.gamma, cell.beta], [cell.gamma, 0, cell.alpha], [cell.beta, cell.alpha, 0]])
        )
        metric = np.outer(a, a) * np.where(np.eye(3) > 0, 1.0, cosines)
        reciprocal = np.sqrt(np.diag(np.linalg.inv(metric)))
        how = "averaged"
        u = float(np.sum(tensor * np.outer(reciprocal, reciprocal) * metric) / 3.0)
    if math.isfinite(u) and 0.0 < u < LARGEST_U:
        return _EIGHT_PI_SQUARED * u, how
    return ASSUMED_B, "assumed"


def _dummies(block: gemmi.cif.Block) -> set[int]:
    flags = [str(value) for value in block.find_values("_atom_site_calc_flag")]
    return {index for index, flag in enumerate(flags) if flag == "dum"}


def _refuse_unknown_occupancies(block: gemmi.cif.Block, file: Path) -> None:
    """Refuse occupancies that are unknown or no numbers; ``.`` or no column at all means full by the dictionary."""
    labels = [str(value) for value in block.find_values("_atom_site_label")]
    given = [str(value) for value in block.find_values("_atom_site_occupancy")]
    bad = [i for i, value in enumerate(given) if value != "." and not math.isfinite(measured(value)[0])]
    if bad:
        names = [labels[i] if i < len(labels) else f"number {i + 1}" for i in bad[:4]]
        raise InputError(
            f"the occupancy of {', '.join(names)}{' and others' if len(bad) > 4 else ''} is {given[bad[0]][:20]!r}"
            f"{', unknown' if given[bad[0]] == '?' else ', no number'}",
            where=file,
            remedy="Give the occupancy as a number, or '.' where the site is full",
        )
