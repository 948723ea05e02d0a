"""Space groups at work: operations, orbits of points, and whether a cell obeys its group."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import gemmi
import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError

Array = NDArray[np.float64]

#: Relative tolerance with which a cell must obey its crystal system.
CELL_TOLERANCE = 2e-4


@functools.lru_cache(maxsize=256)
def space_group(symbol: str) -> gemmi.SpaceGroup:
    """Return the space group of an extended Hermann-Mauguin symbol; refuses an unknown one."""
    try:
        group = gemmi.find_spacegroup_by_name(symbol)
    except (ValueError, TypeError):
        group = None
    if group is None:
        raise InputError(
            f"unknown space group {symbol!r}",
            where="space_group",
            remedy="Give the full Hermann-Mauguin symbol with spaces and setting, 'P 1 21/c 1' or 'R -3 c:H'",
        )
    return group


@functools.lru_cache(maxsize=8192)
def orbit_of(xyz: tuple[float, float, float], symbol: str) -> Array:
    """Distinct images of a point: coordinates within 1e-3 are one, because fractions are printed to a few digits."""
    rotations, translations = symmetry(space_group(symbol))
    points = np.mod(rotations @ np.asarray(xyz) + translations, 1.0)
    delta = np.abs((points[:, None, :] - points[None, :, :] + 0.5) % 1.0 - 0.5)
    same = np.all(delta < 1e-3, axis=2)
    distinct: Array = points[np.argmax(same, axis=1) == np.arange(len(points))]
    distinct.flags.writeable = False
    return distinct


def orbit(xyz: Sequence[float], group: gemmi.SpaceGroup) -> Array:
    """Return the distinct images of a point in the unit cell, shape (n, 3), fractional in [0, 1)."""
    return orbit_of((float(xyz[0]), float(xyz[1]), float(xyz[2])), group.xhm())


def symmetry(group: gemmi.SpaceGroup) -> tuple[Array, Array]:
    """Return rotations (n, 3, 3) and translations (n, 3) of all operations, centring included."""
    return _symmetry(group.xhm())


@functools.lru_cache(maxsize=256)
def _symmetry(symbol: str) -> tuple[Array, Array]:
    operations = list(space_group(symbol).operations())
    rotations = np.array([op.rot for op in operations], dtype=np.float64) / gemmi.Op.DEN
    translations = np.array([op.tran for op in operations], dtype=np.float64) / gemmi.Op.DEN
    return rotations, translations


def obeys(cell: Sequence[float], group: gemmi.SpaceGroup) -> bool:
    """Say whether the rotations of a group leave the metric tensor of a cell unchanged, within the tolerance."""
    metric = metric_of(cell)
    rotations, _ = symmetry(group)
    scale = np.sqrt(np.outer(np.diag(metric), np.diag(metric)))
    turned = np.einsum("nji,jk,nkl->nil", rotations, metric, rotations)
    return bool(np.all(np.abs(turned - metric) <= 4 * CELL_TOLERANCE * scale))


def metric_of(cell: Sequence[float]) -> Array:
    """Return the metric tensor of a cell, angstrom^2, shape (3, 3)."""
    a, b, c = cell[:3]
    ca, cb, cg = np.cos(np.radians(cell[3:]))
    return np.array([[a * a, a * b * cg, a * c * cb], [a * b * cg, b * b, b * c * ca], [a * c * cb, b * c * ca, c * c]])
