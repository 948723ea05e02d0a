"""One site of the asymmetric unit of a crystal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


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
