"""One site of the asymmetric unit of a crystal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from surfspec import given
from surfspec.errors import InputError


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
        Isotropic displacement parameter B = 8 pi^2 <u^2>, angstrom^2, 0 to 25.

    Raises
    ------
    InputError
        For a field of another type, and numbers that are not finite. Whether they can be is asked of the phase.
    """

    label: str
    species: Mapping[str, float] = field(metadata={"low": 0.0, "high": 1.0})
    xyz: tuple[float, float, float]
    b_iso: float = field(default=0.6, metadata={"low": 0.0, "high": 25.0, "unit": "angstrom^2"})

    def __post_init__(self) -> None:
        where = f"site {self.label}" if isinstance(self.label, str) else "label"
        if not isinstance(self.label, str):
            raise InputError(f"the label of a site is {given.shown(self.label)}", where=where, remedy="Give a text")
        if not isinstance(self.species, Mapping) or not all(isinstance(one, str) for one in self.species):
            raise InputError(
                f"species is {given.shown(self.species)}", where=where, remedy="Give elements with shares: {'Na': 1.0}"
            )
        xyz = given.listed(self.xyz, f"xyz of {where}")
        if len(xyz) != 3:
            raise InputError(f"xyz holds {len(xyz)} numbers", where=where, remedy="Give three fractional coordinates")
        species = {symbol: given.number(value, f"{where}, share of {symbol}") for symbol, value in self.species.items()}
        object.__setattr__(self, "species", MappingProxyType(species))
        object.__setattr__(
            self, "xyz", tuple(given.number(value, f"{where}, xyz", low=-100.0, high=100.0) for value in xyz)
        )
        object.__setattr__(self, "b_iso", given.number(self.b_iso, f"{where}, b_iso"))

    def __hash__(self) -> int:
        return hash((self.label, tuple(self.species.items()), self.xyz, self.b_iso))

    def __reduce__(self) -> tuple[object, ...]:
        return Site, (self.label, dict(self.species), self.xyz, self.b_iso)
