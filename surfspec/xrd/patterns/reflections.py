"""Which reflections a phase has: indices, multiplicities, and 1/d^2 by the free terms of the cell."""

from __future__ import annotations

import functools
import math

import gemmi
import numpy as np
from numpy.typing import NDArray

from surfspec.xrd.patterns.texture import laue_rotations
from surfspec.xrd.structures.phase import Phase
from surfspec.xrd.structures.symmetry import space_group

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: Base of the number that stands for an index triple; indices stay below half of it, and its square below 2^53.
_BASE = 4096.0
#: Above the indices of all lines.
LARGEST_INDEX = 2048
#: Which indices are multiplied in hh, kk, ll, hk, hl, kl.
_LEFT, _RIGHT = np.array([0, 1, 2, 0, 0, 1]), np.array([0, 1, 2, 1, 2, 2])
_OWN = np.array([_BASE * _BASE, _BASE, 1.0])


def indices(phase: Phase, d_min: float) -> NDArray[np.int32]:
    """One index triple of each form down to a spacing, without systematic absences, shape (n, 3)."""
    found: NDArray[np.int32] = gemmi.make_miller_array(phase.unit_cell, phase.group, d_min, 1e4, True)
    return found[~operations(phase.space_group).systematic_absences(found)]


@functools.lru_cache(maxsize=256)
def operations(symbol: str) -> gemmi.GroupOps:
    """Operations of a space group as a gemmi object."""
    return space_group(symbol).operations()


def multiplicity(hkl: NDArray[np.integer], phase: Phase) -> Array:
    """Count the distinct images of each index under the Laue group: its order over that of the stabiliser."""
    codes = stabiliser_codes(phase.space_group)
    floating = hkl.astype(np.float64)
    same = np.abs(floating @ codes) == np.abs(floating @ _OWN)[:, None]
    return np.asarray(2.0 * codes.shape[1] / same.sum(axis=1))


@functools.lru_cache(maxsize=256)
def stabiliser_codes(symbol: str) -> Array:
    """Matrix (3, k) that gives the number of each image of an index under the k Laue rotations of a space group."""
    codes = np.ascontiguousarray((laue_rotations(symbol) @ _OWN).T)
    codes.flags.writeable = False
    return codes


@functools.lru_cache(maxsize=256)
def symmetry_codes(symbol: str) -> tuple[Array, Array, Index, Index]:
    """Return what the compiled kernel must know of a space group.

    Returns
    -------
    laue, rotations, translations, centring
        :func:`stabiliser_codes`, shape (3, k); the same of the operations, signs kept, shape (3, n); their
        translations in 24ths, shape (n, 3); and those of the lattice beyond the cell, shape (c, 3).
    """
    known = operations(symbol)
    turned = np.array([one.rot for one in known.sym_ops], dtype=np.float64) / gemmi.Op.DEN
    moved = np.array([one.tran for one in known.sym_ops], dtype=np.int64)
    lattice = np.array(known.cen_ops, dtype=np.int64).reshape(-1, 3)[1:]
    return stabiliser_codes(symbol), np.ascontiguousarray((turned @ _OWN).T), moved, lattice


def customary(hkl: NDArray[np.integer], symbol: str) -> Index:
    """Return indices as they are usually written: without signs where that is possible, then the largest first.

    Parameters
    ----------
    hkl
        Indices, shape (n, 3).
    symbol
        Space group.

    Returns
    -------
    numpy.ndarray
        Shape (n, 3): 2 0 0 of a cubic phase, and 1 0 4 (not 0 1 -4) of calcite.

    Examples
    --------
    >>> customary(np.array([[0, 0, 2], [1, -3, 2]]), "F m -3 m").tolist()
    [[2, 0, 0], [3, 2, 1]]
    """
    turned = np.rint(np.asarray(hkl, dtype=np.float64) @ laue_rotations(symbol)).astype(np.int64)  # (k, n, 3)
    images = np.concatenate([turned, -turned])
    signs, last = (images < 0).sum(axis=2), images[..., 2] < 0
    h, k, l = np.moveaxis(images + LARGEST_INDEX, 2, 0)  # noqa: E741
    rank = (((6 - 2 * signs - last) * 2 * LARGEST_INDEX + h) * 2 * LARGEST_INDEX + k) * 2 * LARGEST_INDEX + l
    best = np.argmax(rank, axis=0)
    return np.asarray(images[best, np.arange(images.shape[1])])


def metric_parts(phase: Phase, hkl: NDArray[np.integer]) -> Array:
    """Split 1/d^2 into the terms that a strain of the same symmetry may change on their own.

    Parameters
    ----------
    phase
        Gives the cell and the crystal system.
    hkl
        Indices, shape (n, 3).

    Returns
    -------
    numpy.ndarray
        Shape (n, k) with k = 1 (cubic), 2 (hexagonal, trigonal, tetragonal), 3 (orthorhombic, rhombohedral axes: 2),
        4 (monoclinic) or 6 (triclinic); rows sum to 1/d^2 in angstrom^-2.
    """
    floating = hkl.astype(np.float64)
    products = np.take(floating, _LEFT, axis=1) * np.take(floating, _RIGHT, axis=1)
    return np.asarray(products @ (np.array(reciprocal_terms(phase))[:, None] * _shares(phase)))


def reciprocal_terms(phase: Phase) -> tuple[float, float, float, float, float, float]:
    """Factors of hh, kk, ll, hk, hl and kl in 1/d^2, angstrom^-2."""
    cell = phase.unit_cell.reciprocal()
    a, b, c = cell.a, cell.b, cell.c
    ab = 2.0 * a * b * math.cos(math.radians(cell.gamma))
    ac = 2.0 * a * c * math.cos(math.radians(cell.beta))
    bc = 2.0 * b * c * math.cos(math.radians(cell.alpha))
    return a * a, b * b, c * c, ab, ac, bc


def _shares(phase: Phase) -> Array:
    system = phase.group.crystal_system_str()
    if system == "trigonal" and abs(phase.cell[5] - 120.0) > 1.0:
        return _grouped("rhombohedral")
    return _grouped(f"monoclinic {phase.group.monoclinic_unique_axis()}" if system == "monoclinic" else system)


@functools.lru_cache(maxsize=16)
def _grouped(system: str) -> Array:
    """0 and 1, shape (6, k): which of hh, kk, ll, hk, hl, kl belong to which free term."""
    columns: dict[str, tuple[tuple[int, ...], ...]] = {
        "cubic": ((0, 1, 2),),
        "rhombohedral": ((0, 1, 2), (3, 4, 5)),
        "hexagonal": ((0, 1, 3), (2,)),
        "trigonal": ((0, 1, 3), (2,)),
        "tetragonal": ((0, 1), (2,)),
        "orthorhombic": ((0,), (1,), (2,)),
        "monoclinic a": ((0,), (1,), (2,), (5,)),
        "monoclinic b": ((0,), (1,), (2,), (4,)),
        "monoclinic c": ((0,), (1,), (2,), (3,)),
    }
    chosen = columns.get(system, tuple((index,) for index in range(6)))
    out = np.zeros((6, len(chosen)))
    for column, rows in enumerate(chosen):
        out[list(rows), column] = 1.0
    out.flags.writeable = False
    return out
