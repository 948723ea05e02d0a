"""Crystalline phases as frozen data: cell, space group and sites, each with its source and its grade of trust."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

import gemmi
import numpy as np
from numpy.typing import NDArray

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.structures import validation
from surfspec.xrd.structures.formula import is_known_formula
from surfspec.xrd.structures.site import Site
from surfspec.xrd.structures.symmetry import orbit_of, space_group

__all__ = ["TRUST", "Phase", "Site", "Trust", "orbits"]

Array = NDArray[np.float64]
Trust = Literal["A", "B", "C", "D"]

#: What the grades mean; everything below A is shown as unverified.
TRUST: Final[Mapping[str, str]] = MappingProxyType(
    {
        "A": "values read in an open structure file of the named source",
        "B": "values read in another text that quotes the named source",
        "C": "literature values that passed density and distance checks, source not read again",
        "D": "idealised or isotypic coordinates, or an approximate cell",
    }
)


#: Highest temperature of a crystal, K.
HOTTEST: Final = 1e4


@dataclass(frozen=True)
class Phase:
    """A crystalline phase.

    Attributes
    ----------
    id
        Short unique name, the coordinate of results.
    name, formula
        Mineral or chemical name, and the formula unit (``"Na3Zr2Si2PO12"``, ``"Ca(OH)2"``), empty or ``"X"`` for an
        unknown one.
    space_group
        Extended Hermann-Mauguin symbol, with the setting where there are several (``"F d -3 m:1"``).
    cell
        a, b, c in angstrom and alpha, beta, gamma in degrees.
    sites
        The asymmetric unit.
    source
        Where the numbers come from.
    trust
        Grade of trust, see `TRUST`.
    verified
        False while nobody has compared the card with its named source.
    cod
        Number in the Crystallography Open Database.
    cell_uncertainty
        Relative standard uncertainty of the cell lengths, None where unknown.
    temperature
        Kelvin, None where unknown.
    note
        What the user should know.

    Raises
    ------
    InputError
        For what no crystal can be (see `validation.check`), fields of another type, a formula of no elements, an
        uncertainty outside 0 to 0.1, a temperature that is not above 0 K.
    """

    id: str
    name: str
    formula: str
    space_group: str
    cell: tuple[float, float, float, float, float, float]
    sites: tuple[Site, ...]
    source: str
    trust: Trust
    verified: bool = False
    cod: str = ""
    cell_uncertainty: float | None = field(default=None, metadata={"above": 0.0, "below": 0.1})
    temperature: float | None = field(default=None, metadata={"above": 0.0, "unit": "K"})
    note: str = ""

    def __post_init__(self) -> None:
        self._check_fields()
        if self.verified and self.trust != "A":
            raise InputError(
                f"trust {self.trust} cannot be verified", where="verified", remedy="Only grade A is verified"
            )
        validation.check(self.id, self.cell, self.space_group, self.sites)

    def _check_fields(self) -> None:
        texts = ("id", "name", "formula", "space_group", "source", "cod", "note")
        wrong = next((name for name in texts if not isinstance(getattr(self, name), str)), None)
        if wrong is not None:
            shown = given.shown(getattr(self, wrong))
            raise InputError(f"{wrong} is {shown}", where=f"phase {self.id!s}", remedy="Give a text")
        where = f"phase {self.id}"
        if not self.id.strip():
            raise InputError("a phase has no id", where="id", remedy="Give a short unique name, 'Na15Pb4' say")
        if self.formula not in ("", "X") and not is_known_formula(self.formula):
            raise InputError(
                f"{self.formula[:40]!r} is no chemical formula", where=where, remedy="Write 'Na3PO4' or 'Ca(OH)2'"
            )
        if not isinstance(self.trust, str) or self.trust not in TRUST:
            raise InputError(f"trust is {given.shown(self.trust)}", where=where, remedy="Use 'A', 'B', 'C' or 'D'")
        given.switch(self.verified, f"{where}, verified")
        for name, low, high in (("cell_uncertainty", 0.0, 0.1), ("temperature", 0.0, HOTTEST)):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, given.number(value, f"{where}, {name}", low=low, high=high, above=True))
        sites = given.listed(self.sites, f"{where}, sites")
        if not all(isinstance(site, Site) for site in sites):
            raise InputError("a site is no Site", where=where, remedy="Give xrd.Site(label, {'Na': 1.0}, (x, y, z))")
        cell = given.listed(self.cell, f"{where}, cell")
        if len(cell) != 6:
            raise InputError(
                f"the cell holds {len(cell)} numbers",
                where=where,
                remedy="Give a, b, c in angstrom and alpha, beta, gamma in degrees",
            )
        object.__setattr__(self, "sites", sites)
        object.__setattr__(self, "cell", cell)

    @functools.cached_property
    def unit_cell(self) -> gemmi.UnitCell:
        """The cell as a gemmi object."""
        return gemmi.UnitCell(*self.cell)

    @functools.cached_property
    def group(self) -> gemmi.SpaceGroup:
        """The space group as a gemmi object."""
        return space_group(self.space_group)

    @functools.cached_property
    def elements(self) -> frozenset[str]:
        """Element symbols of the phase."""
        return frozenset(symbol for site in self.sites for symbol in site.species)

    @functools.cached_property
    def volume(self) -> float:
        """Volume of the unit cell, angstrom^3."""
        return float(self.unit_cell.volume)

    @functools.cached_property
    def cell_mass(self) -> float:
        """Mass of the unit cell content, u."""
        return float(
            sum(
                len(points) * occupancy * gemmi.Element(symbol).weight
                for site, points in zip(self.sites, orbits(self), strict=True)
                for symbol, occupancy in site.species.items()
            )
        )

    @property
    def density(self) -> float:
        """Calculated density, g/cm^3 (1 u/angstrom^3 = 1.66053907 g/cm^3)."""
        return 1.66053907 * self.cell_mass / self.volume

    def __hash__(self) -> int:
        return hash((self.id, self.space_group, self.cell, self.sites))

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, tuple(getattr(self, name) for name in self.__dataclass_fields__)


def _rebuild(*values: object) -> Phase:
    return Phase(*values)  # type: ignore[arg-type]


def orbits(phase: Phase) -> list[Array]:
    """Return the distinct positions of every site in the unit cell, each (n, 3), fractional in [0, 1)."""
    return [orbit_of(site.xyz, phase.space_group) for site in phase.sites]
