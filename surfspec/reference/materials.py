"""Materials: what mean free paths and atomic densities are computed from, each number with its source."""

from __future__ import annotations

import difflib
import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import periodictable

from surfspec.errors import InputError
from surfspec.reference.tables import table

AVOGADRO: Final = 6.02214076e23
_FORMULA: Final = re.compile(r"(?:[A-Z][a-z]?\d*\.?\d*|[()]\d*\.?\d*)+")
#: Atomic numbers of the noble gases, whose shells are core.
_NOBLE: Final = (0, 2, 10, 18, 36, 54, 86)
#: Electrons of a filled d shell.
_D_SHELL: Final = 10


@dataclass(frozen=True)
class Material:
    """A homogeneous solid.

    Attributes
    ----------
    name
        What it is called.
    formula
        Chemical formula, ``"Na3PO4"``; decimal numbers allowed.
    density, density_unc
        g/cm3.
    valence_electrons
        Per formula unit, as Tanuma, Powell and Penn count them; None takes the sum over the elements.
    band_gap, band_gap_unc
        eV; 0 for metals.
    verified
        Whether density and band gap were read in a source.
    source
        Where they come from.

    Examples
    --------
    >>> film = Material("film", "Na3PO4", 2.536, band_gap=5.0)
    >>> film.electrons, round(film.molar_mass, 2), round(film.atoms("Na"), 1)
    (32.0, 163.94, 27.9)
    """

    name: str
    formula: str
    density: float
    valence_electrons: float | None = None
    band_gap: float = 0.0
    density_unc: float = 0.0
    band_gap_unc: float = 0.0
    verified: bool = False
    source: str = "given by the user"

    def __post_init__(self) -> None:
        composition(self.formula)
        for word, value, low in (
            ("density", self.density, 1e-6),
            ("band_gap", self.band_gap, 0.0),
            ("density_unc", self.density_unc, 0.0),
            ("band_gap_unc", self.band_gap_unc, 0.0),
            ("valence_electrons", 1.0 if self.valence_electrons is None else self.valence_electrons, 1e-6),
        ):
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value < 1e6:
                raise InputError(
                    f"{word} is {value!r}",
                    where=f"material {self.name}",
                    remedy="Give a number: density in g/cm3 and electrons above 0, band gap in eV from 0",
                )

    @property
    def molar_mass(self) -> float:
        """Mass of a formula unit in g/mol."""
        return float(periodictable.formula(self.formula).mass)

    @property
    def electrons(self) -> float:
        """Valence electrons of a formula unit."""
        return valence_electrons(self.formula) if self.valence_electrons is None else float(self.valence_electrons)

    @property
    def atoms_per_formula(self) -> float:
        """Number of atoms of a formula unit."""
        return math.fsum(composition(self.formula).values())

    @property
    def mean_atomic_number(self) -> float:
        """Atomic number averaged over the atoms."""
        parts = composition(self.formula)
        return math.fsum(n * _number(symbol) for symbol, n in parts.items()) / self.atoms_per_formula

    def atoms(self, element: str) -> float:
        """Return the atoms of an element per nm3; 0 for one that the formula does not hold."""
        return composition(self.formula).get(element, 0.0) * self.density * AVOGADRO * 1e-21 / self.molar_mass


@functools.lru_cache(maxsize=256)
def composition(formula: str) -> Mapping[str, float]:
    """Return the atoms of each element in a chemical formula.

    Parameters
    ----------
    formula
        ``"Na3.4Zr2Si2.4P0.6O12"``, brackets allowed.

    Raises
    ------
    InputError
        For what is no formula.

    Examples
    --------
    >>> dict(composition("Ca(OH)2"))
    {'Ca': 1.0, 'O': 2.0, 'H': 2.0}
    """
    remedy = "Write elements and numbers, 'Na3PO4' or 'Ca(OH)2'"
    if not isinstance(formula, str) or not _FORMULA.fullmatch(formula.strip()):
        raise InputError(f"{str(formula)[:40]!r} is no chemical formula", remedy=remedy)
    try:
        atoms = periodictable.formula(formula.strip()).atoms
    except Exception as error:  # its parser raises errors of its own kind
        raise InputError(f"{formula[:40]!r} is no chemical formula", remedy=remedy) from error
    found = {str(element.symbol): float(count) for element, count in atoms.items() if count > 0}
    if not found:
        raise InputError(f"{formula[:40]!r} holds no atoms", remedy=remedy)
    return MappingProxyType(found)


def valence_electrons(formula: str) -> float:
    """Return the valence electrons of a formula unit: the sum over its elements.

    Counted are the electrons outside the noble-gas core and outside filled d and f shells below the p block, as
    Tanuma, Powell and Penn recommend for their formula (Na 1, Si 4, O 6, Zr 4, Cu 11, Au 11).

    Raises
    ------
    InputError
        For lanthanides and actinides: give the number of the material yourself.

    References
    ----------
    Tanuma, Powell & Penn, Surf. Interface Anal. 21 (1994) 165; 35 (2003) 268.

    Examples
    --------
    >>> valence_electrons("C5H8O2"), valence_electrons("SiO2")
    (40.0, 16.0)
    """
    return math.fsum(count * _valence(symbol) for symbol, count in composition(formula).items())


def _number(symbol: str) -> int:
    return int(getattr(periodictable, symbol).number)


def _valence(symbol: str) -> int:
    z = _number(symbol)
    core = max(noble for noble in _NOBLE if noble < z)
    outer = z - core
    if core < 18:  # periods 1 to 3: s and p electrons
        return outer
    if core in (18, 36):  # periods 4 and 5: the d shell belongs to the core from the p block on
        return outer if outer <= 12 else outer - _D_SHELL
    if 3 <= outer <= 17 or core == 86:
        raise InputError(
            f"the number of valence electrons of {symbol} follows no rule",
            where=symbol,
            remedy="Give valence_electrons of the material, as Tanuma, Powell & Penn (2003) recommend them",
        )
    beyond = outer - 14 if outer > 17 else outer
    return beyond if beyond <= 12 else beyond - _D_SHELL


def material_names() -> tuple[str, ...]:
    """Return the names of the materials that come with the package.

    Examples
    --------
    >>> "Na3PO4" in material_names()
    True
    """
    return tuple(str(row["material"]) for row in table("materials").rows())


def material(name: str | Material) -> Material:
    """Return a material that comes with the package.

    Parameters
    ----------
    name
        One of :func:`material_names`; a :class:`Material` is returned as it is.

    Raises
    ------
    InputError
        When there is none of this name.

    Examples
    --------
    >>> material("Na3PO4").density, material("Na3PO4").verified
    (2.536, False)
    """
    if isinstance(name, Material):
        return name
    row = next((row for row in table("materials").rows() if row["material"] == name), None)
    if row is None:
        near = difflib.get_close_matches(str(name), material_names(), n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(material_names())}"
        raise InputError(
            f"no material {str(name)[:40]!r} comes with the package",
            where="material",
            remedy=f"{hint.rstrip('?.')}; or give reference.Material(name, formula, density, band_gap=...)",
        )
    return Material(
        name=row["material"],
        formula=row["formula"],
        density=row["density"],
        valence_electrons=row["valence_electrons"],
        band_gap=row["band_gap"],
        density_unc=row["density_unc"],
        band_gap_unc=row["band_gap_unc"],
        verified=row["density_verified"] == "yes" and row["band_gap_verified"] == "yes",
        source=f"density: {row['density_source']}; band gap: {row['band_gap_source']}",
    )
