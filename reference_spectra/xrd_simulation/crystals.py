"""Crystals: cards of phases read as plain facts, all atoms of the cell, and samples that differ from the card."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import gemmi
import numpy as np
import yaml
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Cell = tuple[float, float, float, float, float, float]

CARDS = Path(__file__).resolve().parent.parent / "phases"
#: Two images of an atom closer than this are one (angstrom).
SAME_PLACE = 0.05


@dataclass(frozen=True)
class Site:
    """Elements with occupancies, place in fractions of the cell, displacement parameter B (angstrom2)."""

    species: tuple[tuple[str, float], ...]
    place: tuple[float, float, float]
    b: float


@dataclass(frozen=True)
class Crystal:
    """A structure: name, space group with its setting, cell (angstrom, deg), sites of the asymmetric unit."""

    name: str
    space_group: str
    cell: Cell
    sites: tuple[Site, ...]
    cell_uncertainty: float = 0.0  # relative

    @property
    def volume(self) -> float:
        """Volume of the cell (angstrom3)."""
        return float(gemmi.UnitCell(*self.cell).volume)

    @property
    def elements(self) -> frozenset[str]:
        """Symbols of the elements."""
        return frozenset(symbol for site in self.sites for symbol, share in site.species if share > 0)


@cache
def card(name: str) -> Crystal:
    """Read a card of the folder `phases` as plain YAML."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    facts = yaml.load((CARDS / f"{name}.yaml").read_text(encoding="utf-8"), Loader=loader)  # noqa: S506
    sites = tuple(
        Site(
            tuple((symbol, float(share)) for symbol, share in one["species"].items()),
            (float(one["xyz"][0]), float(one["xyz"][1]), float(one["xyz"][2])),
            float(one["b_iso"]),
        )
        for one in facts.get("sites", ())
    )
    a, b, c, alpha, beta, gamma = (float(edge) for edge in facts["cell"])
    return Crystal(
        name, str(facts["space_group"]), (a, b, c, alpha, beta, gamma), sites,
        float(facts.get("cell_uncertainty") or 0.0),
    )  # fmt: skip


@cache
def cards() -> tuple[Crystal, ...]:
    """All cards that hold atoms, in the order of their names."""
    found = (card(path.stem) for path in sorted(CARDS.glob("*.yaml")))
    return tuple(one for one in found if one.sites)


@cache
def operations(space_group: str) -> tuple[Floats, Floats]:
    """Rotations (n, 3, 3) and translations (n, 3) of a space group, centring included."""
    found = list(gemmi.SpaceGroup(space_group).operations())
    return np.array([one.rot for one in found]) / 24.0, np.array([one.tran for one in found]) / 24.0


def _near(difference: Floats, orthogonal: Floats) -> NDArray[np.bool_]:
    """Tell which differences (n, 3), taken to the nearest lattice point, are shorter than `SAME_PLACE`."""
    wrapped = difference - np.round(difference)
    return np.asarray(np.linalg.norm(wrapped @ orthogonal.T, axis=-1) < SAME_PLACE)


def orthogonal(cell: Cell) -> Floats:
    """Matrix from fractions to angstrom."""
    return np.array(gemmi.UnitCell(*cell).orth.mat.tolist())


def orbit(crystal: Crystal, site: Site) -> tuple[list[int], list[int]]:
    """Operations that give the distinct atoms of a site, and those that leave the site where it is."""
    rotations, translations = operations(crystal.space_group)
    images = rotations @ np.array(site.place) + translations
    matrix = orthogonal(crystal.cell)
    chosen: list[int] = []
    for index, image in enumerate(images):
        if not chosen or not np.any(_near(images[chosen] - image, matrix)):
            chosen.append(index)
    return chosen, np.flatnonzero(_near(images - np.array(site.place), matrix)).tolist()


def atoms(crystal: Crystal, site: Site, origin: Site | None = None) -> Floats:
    """Places of all atoms of a site in the cell, shape (n, 3); operations are those of `origin` where given."""
    rotations, translations = operations(crystal.space_group)
    chosen, _ = orbit(crystal, origin or site)
    return np.asarray(rotations[chosen] @ np.array(site.place) + translations[chosen])


def mass(crystal: Crystal) -> float:
    """Mass of the atoms in the cell (g/mol)."""
    return float(
        sum(
            len(orbit(crystal, site)[0]) * sum(share * gemmi.Element(symbol).weight for symbol, share in site.species)
            for site in crystal.sites
        )
    )


def strained(crystal: Crystal, edges: Floats, angle: float) -> Crystal:
    """Stretch the edges by relative amounts (3,) and oblique angles by `angle` (deg), as the crystal system allows.

    The system is read off the cell itself: equal edges stay equal, right and hexagonal angles stay.
    """
    lengths = np.array(crystal.cell[:3])
    strain = np.array([float(np.mean(edges[np.abs(lengths - one) < 1e-6 * one])) for one in lengths])
    angles = [one if one in {90.0, 120.0} else one + angle for one in crystal.cell[3:]]
    a, b, c = lengths * (1.0 + strain)
    return replace(crystal, cell=(float(a), float(b), float(c), angles[0], angles[1], angles[2]))


def moved(crystal: Crystal, shift: float, stretch: float, rng: np.random.Generator) -> tuple[Crystal, Crystal]:
    """Move atoms by `shift` (angstrom, along each axis) as symmetry allows and scale each B log-normally.

    Returns the crystal and the one whose operations still give its atoms (that is, the old one).
    """
    rotations, _ = operations(crystal.space_group)
    inverse = np.linalg.inv(orthogonal(crystal.cell))
    sites = []
    for site in crystal.sites:
        _, fixed = orbit(crystal, site)
        free = rotations[fixed].mean(axis=0) @ (inverse @ rng.normal(0.0, shift, 3))
        x, y, z = np.array(site.place) + free
        b = max(site.b, 0.1) * float(np.exp(stretch * rng.standard_normal()))
        sites.append(Site(site.species, (float(x), float(y), float(z)), b))
    return replace(crystal, sites=tuple(sites)), crystal
