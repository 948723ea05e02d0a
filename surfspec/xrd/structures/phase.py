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

from surfspec.errors import InputError
from surfspec.xrd.structures.symmetry import metric_of, obeys, orbit_of, space_group

Array = NDArray[np.float64]
Trust = Literal["A", "B", "C", "D"]

#: What the grades mean; everything below A is shown as unverified.
TRUST: Final[Mapping[str, str]] = MappingProxyType(
    {
        "A": "values read in an openly licensed structure file of the named source",
        "B": "values read in another text that quotes the named source",
        "C": "literature values that passed density and distance checks, source not read again",
        "D": "idealised or isotypic coordinates, or an approximate cell",
    }
)
#: Atoms of two sites closer than this (angstrom) must share one position.
CLOSEST_APPROACH = 0.5


@dataclass(frozen=True)
class Site:
    """One site of the asymmetric unit.

    Attributes
    ----------
    label
        Name of the site.
    species
        Element symbol -> occupancy of the site, 0 to 1, with a sum of at most 1.
    xyz
        Fractional coordinates.
    b_iso
        Isotropic displacement parameter B = 8 pi^2 <u^2>, angstrom^2.
    """

    label: str
    species: Mapping[str, float] = field(metadata={"low": 0.0, "high": 1.0})
    xyz: tuple[float, float, float]
    b_iso: float = field(default=0.6, metadata={"low": 0.0, "high": 25.0, "unit": "angstrom^2"})

    def __post_init__(self) -> None:
        object.__setattr__(self, "species", MappingProxyType(dict(self.species)))

    def __hash__(self) -> int:
        return hash((self.label, tuple(self.species.items()), self.xyz, self.b_iso))

    def __reduce__(self) -> tuple[object, ...]:
        return Site, (self.label, dict(self.species), self.xyz, self.b_iso)


@dataclass(frozen=True)
class Phase:
    """A crystalline phase.

    Attributes
    ----------
    id
        Short unique name, the coordinate of results.
    name, formula
        Mineral or chemical name, and the formula unit (``"Na3Zr2Si2PO12"``).
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
        if self.verified and self.trust != "A":
            raise InputError(
                f"trust {self.trust} cannot be verified", where="verified", remedy="Only grade A is verified"
            )
        validate(self)

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


def validate(phase: Phase) -> None:
    """Refuse a phase that cannot exist, naming the field at fault.

    Raises
    ------
    InputError
        For a cell that is impossible or against its crystal system, an unknown space group or element,
        occupancies outside 0 to 1 or with a sum above 1, numbers that are not finite, no sites, and
        atoms of different sites closer than 0.5 angstrom that do not share one position.
    """
    _check_cell(phase)
    if not phase.sites:
        raise InputError(
            f"{phase.id} has no sites", where="sites", remedy="Give the atoms: intensities cannot be computed without"
        )
    for site in phase.sites:
        _check_site(phase, site)
    _check_distances(phase)


def _check_cell(phase: Phase) -> None:
    lengths, angles = np.array(phase.cell[:3]), np.array(phase.cell[3:])
    sound = bool(np.all(np.isfinite(phase.cell)) and np.all(lengths > 0.5) and np.all(lengths < 500.0))
    sound = sound and bool(np.all((angles > 10.0) & (angles < 170.0)))
    if sound:
        cosines = np.cos(np.radians(angles))
        sound = bool(1.0 - cosines @ cosines + 2.0 * np.prod(cosines) > 1e-6)
    if not sound:
        raise InputError(
            f"{phase.id} has the impossible cell {phase.cell}",
            where="cell",
            remedy="Give a, b, c in angstrom and alpha, beta, gamma in degrees",
        )
    group = space_group(phase.space_group)
    if not obeys(phase.cell, group):
        raise InputError(
            f"the cell {phase.cell} of {phase.id} is not {group.crystal_system_str()}, as {phase.space_group} demands",
            where="cell",
            remedy="Check the cell and the setting of the space group (':H' or ':R', unique axis)",
        )


def _check_site(phase: Phase, site: Site) -> None:
    where = f"site {site.label}"
    if not np.all(np.isfinite([*site.xyz, site.b_iso, *site.species.values()])) or site.b_iso < 0:
        raise InputError(
            f"a number of {where} in {phase.id} is not finite or B is negative", where="sites", remedy="Repair the site"
        )
    for symbol in site.species:
        if gemmi.Element(symbol).atomic_number == 0 or gemmi.Element(symbol).name != symbol:
            raise InputError(
                f"unknown element {symbol!r} at {where} of {phase.id}",
                where="sites",
                remedy="Use element symbols, 'Na' say, without charge",
            )
    values = list(site.species.values())
    if not values or min(values) <= 0 or max(values) > 1.0 + 1e-9 or sum(values) > 1.001:
        listed = ", ".join(f"{symbol} {value:.4g}" for symbol, value in site.species.items()) or "none"
        raise InputError(
            f"the occupancies at {where} of {phase.id} ({listed}) are not within 0 and 1 in sum",
            where="sites",
            remedy="Give the share of the position that each element fills",
        )


def _check_distances(phase: Phase) -> None:
    images = orbits(phase)
    points = np.concatenate(images)
    owner = np.repeat(np.arange(len(images)), [len(one) for one in images])
    filled = np.array([sum(site.species.values()) for site in phase.sites])[owner]
    first = np.concatenate([[0], np.cumsum([len(one) for one in images])[:-1]])
    metric = metric_of(phase.cell)
    for index in first:
        delta = (points - points[index] + 0.5) % 1.0 - 0.5
        distance = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", delta, metric, delta), 0.0))
        near = np.flatnonzero((distance < CLOSEST_APPROACH) & (np.arange(len(points)) != index))
        clash = [other for other in near if filled[other] + filled[index] > 1.001]
        if clash:
            a, b = phase.sites[owner[index]].label, phase.sites[owner[clash[0]]].label
            raise InputError(
                f"{a} and {b} of {phase.id} are {distance[clash[0]]:.2f} angstrom apart",
                where="sites",
                remedy="Check coordinates, origin choice and occupancies (shared positions must sum to 1 or less)",
            )
