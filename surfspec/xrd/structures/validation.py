"""What no crystal can be: impossible cells, symmetries, occupancies and distances, each refused by name."""

from __future__ import annotations

from collections.abc import Sequence

import gemmi
import numpy as np

from surfspec.errors import InputError
from surfspec.xrd.structures.site import Site
from surfspec.xrd.structures.symmetry import metric_of, obeys, orbit_of, space_group

#: Atoms of two sites closer than this (angstrom) must share one position.
CLOSEST_APPROACH = 0.5
#: Largest length of a cell, angstrom.
MOST = 500.0
#: Largest displacement parameter B, angstrom^2.
LARGEST_B = 25.0
#: Sum of occupancies up to which a position counts as full: files round.
FULL = 1.001


def check(name: str, cell: Sequence[float], symbol: str, sites: Sequence[Site]) -> None:
    """Refuse a crystal that cannot exist, naming the field at fault.

    Parameters
    ----------
    name
        Name of the phase, for the message.
    cell
        a, b, c in angstrom and alpha, beta, gamma in degrees.
    symbol
        Extended Hermann-Mauguin symbol.
    sites
        The asymmetric unit.

    Raises
    ------
    InputError
        For a cell that is impossible or against its crystal system, an unknown space group or element,
        occupancies outside 0 to 1 or with a sum above 1, numbers that are not finite, no sites, and
        atoms of different sites closer than 0.5 angstrom that do not share one position.

    Examples
    --------
    >>> check("lead", (4.95, 4.95, 5.1, 90, 90, 90), "F m -3 m", [Site("Pb", {"Pb": 1.0}, (0.0, 0.0, 0.0))])
    Traceback (most recent call last):
    surfspec.errors.InputError: cell: the cell (4.95, 4.95, 5.1, 90, 90, 90) of lead is not cubic...
    """
    _check_cell(name, cell, symbol)
    if not sites:
        raise InputError(
            f"{name} has no sites", where="sites", remedy="Give the atoms: intensities cannot be computed without"
        )
    for site in sites:
        _check_site(name, site)
    _check_distances(name, cell, symbol, sites)


def _check_cell(name: str, cell: Sequence[float], symbol: str) -> None:
    plain = all(isinstance(one, int | float | np.integer | np.floating) and abs(one) < MOST for one in cell)
    lengths, angles = (
        (np.array(part, dtype=np.float64) for part in (cell[:3], cell[3:])) if plain else (np.zeros(3),) * 2
    )
    sound = bool(np.all(lengths > 0.5) and np.all((angles > 10.0) & (angles < 170.0)))
    if sound:
        cosines = np.cos(np.radians(angles))
        sound = bool(1.0 - cosines @ cosines + 2.0 * np.prod(cosines) > 1e-6)
    if not sound:
        raise InputError(
            f"{name} has the impossible cell {tuple(cell)}",
            where="cell",
            remedy="Give a, b, c in angstrom, 0.5 to 500, and alpha, beta, gamma in degrees",
        )
    group = space_group(symbol)
    if not obeys(cell, group):
        raise InputError(
            f"the cell {tuple(cell)} of {name} is not {group.crystal_system_str()}, as {symbol} demands",
            where="cell",
            remedy="Check the cell and the setting of the space group (':H' or ':R', unique axis)",
        )


def _check_site(name: str, site: Site) -> None:
    where = f"site {site.label}"
    if not np.all(np.isfinite([*site.xyz, site.b_iso, *site.species.values()])) or not 0 <= site.b_iso <= LARGEST_B:
        raise InputError(
            f"a number of {where} in {name} is not finite, or B = {site.b_iso:g} angstrom^2 is not within 0 and 25",
            where="sites",
            remedy="Repair the site; B = 8 pi^2 U",
        )
    for symbol in site.species:
        if gemmi.Element(symbol).atomic_number == 0 or gemmi.Element(symbol).name != symbol:
            raise InputError(
                f"unknown element {symbol!r} at {where} of {name}",
                where="sites",
                remedy="Use element symbols, 'Na' say, without charge",
            )
    values = list(site.species.values())
    if not values or min(values) <= 0 or max(values) > 1.0 + 1e-9 or sum(values) > FULL:
        listed = ", ".join(f"{symbol} {value:.4g}" for symbol, value in site.species.items()) or "none"
        raise InputError(
            f"the occupancies at {where} of {name} ({listed}) are not within 0 and 1 in sum",
            where="sites",
            remedy="Give the share of the position that each element fills",
        )


def _check_distances(name: str, cell: Sequence[float], symbol: str, sites: Sequence[Site]) -> None:
    images = [orbit_of(site.xyz, symbol) for site in sites]
    points = np.concatenate(images)
    owner = np.repeat(np.arange(len(images)), [len(one) for one in images])
    filled = np.array([sum(site.species.values()) for site in sites])[owner]
    first = np.concatenate([[0], np.cumsum([len(one) for one in images])[:-1]])
    metric = metric_of(cell)
    for index in first:
        delta = (points - points[index] + 0.5) % 1.0 - 0.5
        distance = np.sqrt(np.maximum(np.einsum("ni,ij,nj->n", delta, metric, delta), 0.0))
        near = np.flatnonzero((distance < CLOSEST_APPROACH) & (np.arange(len(points)) != index))
        clash = [other for other in near if filled[other] + filled[index] > FULL]
        if clash:
            a, b = sites[owner[index]].label, sites[owner[clash[0]]].label
            which = f"{a} and {b}" if a != b else f"{a} and its own image"
            raise InputError(
                f"{which} of {name} are {distance[clash[0]]:.2f} angstrom apart",
                where="sites",
                remedy="Check coordinates, origin choice and occupancies (shared positions must sum to 1 or less)",
            )
