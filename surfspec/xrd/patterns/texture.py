"""Preferred orientation: the March-Dollase factor, averaged over symmetry-equivalent reflections."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import gemmi
import numpy as np
from numpy.typing import ArrayLike, NDArray

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.structures.phase import Phase
from surfspec.xrd.structures.symmetry import metric_of, space_group, symmetry

Array = NDArray[np.float64]

#: Largest index of a direction.
MOST_INDEX = 100


@dataclass(frozen=True)
class Texture:
    """Preferred orientation of a flat powder.

    Attributes
    ----------
    r
        March's parameter: 1 for none, below 1 for plates lying flat (lines of `direction` strong), above 1 for needles.
    direction
        hkl of the planes that lie flat (or stand upright).
    """

    r: float
    direction: tuple[int, int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "r", given.number(self.r, "texture, r of March and Dollase", low=0.01, high=100.0))
        object.__setattr__(self, "direction", direction_of(self.direction, "texture"))


def direction_of(value: object, where: str) -> tuple[int, int, int]:
    """Return a direction as three whole indices, not all of them 0.

    Raises
    ------
    InputError
        For anything else.

    Examples
    --------
    >>> direction_of([0, 0, 1], "texture")
    (0, 0, 1)
    """
    remedy = "Give three whole indices, (0, 0, 1) say"
    indices = given.listed(value, where) if not isinstance(value, str) else ()
    found = [int(one) for one in indices if isinstance(one, int | np.integer) and not isinstance(one, bool)]
    if len(indices) != 3 or len(found) != 3 or not any(found) or max(map(abs, found)) > MOST_INDEX:
        raise InputError(f"the direction {given.shown(value)} is no hkl", where=where, remedy=remedy)
    return found[0], found[1], found[2]


def march_dollase(hkl: ArrayLike, phase: Phase, *, direction: tuple[int, int, int], r: float) -> Array:
    r"""Intensity of reflections of a textured powder over that of a random one.

    .. math:: P_{hkl} = \frac{1}{m} \sum_{j=1}^{m} \left(r^2\cos^2\alpha_j + \frac{\sin^2\alpha_j}{r}\right)^{-3/2}

    with the angle alpha between the reciprocal vectors of an equivalent of hkl and of the direction. Over the sphere
    P has the mean 1. The specimen turns around its normal, and the geometry is symmetric reflection.

    Parameters
    ----------
    hkl
        Indices, shape (n, 3).
    phase
        Gives cell and symmetry.
    direction
        hkl of the texture axis.
    r
        March's parameter, above 0.

    Returns
    -------
    numpy.ndarray
        P, shape (n,).

    References
    ----------
    Dollase (1986) J. Appl. Cryst. 19, 267.

    Examples
    --------
    >>> from surfspec import xrd
    >>> zinc_oxide = xrd.phases(["ZnO"])[0]
    >>> march_dollase([[0, 0, 2], [1, 0, 0]], zinc_oxide, direction=(0, 0, 1), r=0.5).round(4).tolist()
    [8.0, 0.3536]
    """
    return march_factor(texture_cosines(hkl, phase, direction=direction), r)[0]


def texture_cosines(hkl: ArrayLike, phase: Phase, *, direction: tuple[int, int, int]) -> Array:
    """Squared cosines between the equivalents of reflections and a direction.

    Parameters
    ----------
    hkl
        Indices, shape (n, 3).
    phase
        Gives cell and symmetry.
    direction
        hkl of the texture axis.

    Returns
    -------
    numpy.ndarray
        Shape (n, k): each of the k rotations of the Laue class once, so that the mean over k is that over equivalents.
    """
    indices = np.asarray(hkl, dtype=np.float64).reshape(-1, 3)
    reciprocal = np.linalg.inv(metric_of(phase.cell))
    axis = np.asarray(direction, dtype=np.float64)
    turned = laue_rotations(phase.space_group) @ (reciprocal @ axis)  # each (h R) . G* . d, shape (k, 3) before hkl
    dot = indices @ turned.T
    length = np.einsum("ni,ij,nj->n", indices, reciprocal, indices) * (axis @ reciprocal @ axis)
    return np.asarray(np.clip(dot**2 / length[:, None], 0.0, 1.0))


def march_factor(cosines: Array, r: float) -> tuple[Array, Array]:
    """March-Dollase factor and its derivative with respect to r, from the squared cosines of the equivalents.

    Parameters
    ----------
    cosines
        Shape (n, k), of :func:`texture_cosines`.
    r
        March's parameter, above 0.

    Returns
    -------
    factor, by_r
        Shape (n,).
    """
    if not r > 0.0 or not np.isfinite(r):
        raise InputError(f"r of March and Dollase is {r}", where="texture", remedy="Give r above 0, 1 for no texture")
    inner = r * r * cosines + (1.0 - cosines) / r
    power = inner**-1.5
    slope = -1.5 * power / inner * (2.0 * r * cosines - (1.0 - cosines) / (r * r))
    return np.asarray(power.mean(axis=1)), np.asarray(slope.mean(axis=1))


@functools.lru_cache(maxsize=256)
def laue_rotations(symbol: str) -> Array:
    """Distinct rotations of a space group without the inversion, shape (k, 3, 3), acting on indices as h R."""
    rotations, _ = symmetry(space_group(symbol))
    matrices = np.rint(rotations).astype(np.int64)
    proper = matrices * np.rint(np.linalg.det(matrices)).astype(np.int64)[:, None, None]  # R and -R turn a line alike
    distinct = np.unique(proper.reshape(-1, 9), axis=0).reshape(-1, 3, 3).astype(np.float64)
    distinct.flags.writeable = False
    return distinct


def laue_order(group: gemmi.SpaceGroup) -> int:
    """Order of the Laue class: the largest multiplicity a line can have."""
    return 2 * len(laue_rotations(group.xhm()))
