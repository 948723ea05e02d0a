r"""Cells: what is refined of them, and what their parameters say.

.. math:: \frac{1}{d^2} = \sum_t p_t\, h^T G^*_t\, h

with one matrix :math:`G^*_t` for each term of the reciprocal metric that symmetry leaves free, and p = 1 for the cell
of the card.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import cast

import gemmi
import numpy as np
from numpy.typing import NDArray

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.patterns.structure_factors import metric_parts
from surfspec.xrd.structures.phase import Phase
from surfspec.xrd.structures.symmetry import obeys, space_group

Array = NDArray[np.float64]
#: Longest edge of a cell, angstrom.
LONGEST = 200.0
_UNIT = np.eye(3, dtype=np.int64)
_PAIRS = ((1, 2), (0, 2), (0, 1))


@dataclass(frozen=True)
class Lattice:
    """A phase whose structure is not known: cell and space group are enough to place its lines.

    Attributes
    ----------
    id, name, formula
        As for :class:`surfspec.xrd.Phase`.
    space_group
        Hermann-Mauguin symbol with its setting.
    cell
        a, b, c in angstrom and alpha, beta, gamma in degrees.
    cell_uncertainty
        Relative standard uncertainty of the lengths, None where unknown.
    source
        Where the cell comes from.

    Examples
    --------
    >>> Lattice("salt", "F m -3 m", (5.64, 5.64, 5.64, 90, 90, 90)).group.number
    225
    """

    id: str
    space_group: str
    cell: tuple[float, float, float, float, float, float]
    name: str = ""
    formula: str = ""
    source: str = ""
    cell_uncertainty: float | None = field(default=None, metadata={"above": 0.0, "below": 0.1})

    def __post_init__(self) -> None:
        for name in ("id", "space_group", "name", "formula", "source"):
            value = getattr(self, name)
            if not isinstance(value, str) or (name in ("id", "space_group") and not value.strip()):
                raise InputError(f"{name} of a lattice is {given.shown(value)}", where=name, remedy="Give a text")
        numbers = tuple(given.number(one, f"cell of {self.id}") for one in given.listed(self.cell, "cell"))
        if len(numbers) != 6:
            raise InputError(
                f"the cell of {self.id} holds {len(numbers)} numbers", where="cell",
                remedy="Give a, b, c in angstrom and alpha, beta, gamma in deg",
            )  # fmt: skip
        object.__setattr__(self, "cell", numbers)
        if self.cell_uncertainty is not None:
            share = given.number(self.cell_uncertainty, "cell_uncertainty", low=0.0, high=0.1, above=True)
            object.__setattr__(self, "cell_uncertainty", share)
        lengths, angles = np.array(self.cell[:3]), np.array(self.cell[3:])
        sound = bool(np.all(lengths > 0.5) and np.all(lengths < LONGEST) and np.all((angles > 10) & (angles < 170)))
        if not sound or not obeys(self.cell, self.group):
            raise InputError(
                f"{self.id} has the cell {self.cell}, which {self.space_group} does not allow",
                where="cell", remedy="Give a, b, c in angstrom and angles in deg that obey the space group",
            )  # fmt: skip

    @functools.cached_property
    def unit_cell(self) -> gemmi.UnitCell:
        """The cell as a gemmi object."""
        return gemmi.UnitCell(*self.cell)

    @functools.cached_property
    def group(self) -> gemmi.SpaceGroup:
        """The space group as a gemmi object."""
        return space_group(self.space_group)

    @property
    def volume(self) -> float:
        """Volume of the cell, angstrom^3."""
        return float(self.unit_cell.volume)


def parts_of(phase: Phase | Lattice, hkl: NDArray[np.int64]) -> Array:
    """Terms of 1/d^2, see :func:`surfspec.xrd.patterns.structure_factors.metric_parts`."""
    return metric_parts(cast(Phase, phase), hkl)  # needs cell and group alone


def allowed(phase: Phase | Lattice, d_min: float) -> NDArray[np.int64]:
    """One index triple of each form that the space group allows, down to a spacing in angstrom, shape (n, 3)."""
    found = np.asarray(gemmi.make_miller_array(phase.unit_cell, phase.group, d_min, 1e4, True), dtype=np.int64)
    if not len(found):
        return found.reshape(0, 3)
    absent = np.asarray(phase.group.operations().systematic_absences(found.astype(np.int32)), dtype=bool)
    return np.asarray(found[~absent])


def metric_terms(phase: Phase | Lattice) -> Array:
    """Matrices G*_t of the terms, shape (terms, 3, 3), angstrom^-2."""
    single = parts_of(phase, _UNIT)
    terms = np.zeros((single.shape[1], 3, 3))
    for index in range(3):
        terms[:, index, index] = single[index]
    for i, j in _PAIRS:
        both = parts_of(phase, (_UNIT[i] + _UNIT[j])[None, :])[0]
        terms[:, i, j] = terms[:, j, i] = (both - single[i] - single[j]) / 2.0
    return terms


def cell_of(terms: Array, factors: Array) -> tuple[Array, Array]:
    """Cell and volume of factors on the terms, and their derivatives.

    Parameters
    ----------
    terms
        Shape (t, 3, 3).
    factors
        p, shape (t,).

    Returns
    -------
    cell, jacobian
        a, b, c (angstrom), alpha, beta, gamma (deg), V (angstrom^3), shape (7,), and shape (7, t).

    Examples
    --------
    >>> cubic = np.eye(3)[None] / 25.0
    >>> cell, slope = cell_of(cubic, np.array([1.0]))
    >>> cell.tolist(), slope[0].tolist()
    ([5.0, 5.0, 5.0, 90.0, 90.0, 90.0, 125.0], [-2.5])
    """
    direct = np.linalg.inv(np.tensordot(factors, terms, axes=1))
    change = -np.einsum("ij,tjk,kl->til", direct, terms, direct)
    length = np.sqrt(np.diag(direct))
    length_by = np.stack([change[:, i, i] / (2.0 * length[i]) for i in range(3)])
    angle, angle_by = np.empty(3), np.empty((3, len(factors)))
    for row, (i, j) in enumerate(_PAIRS):
        cosine = direct[i, j] / (length[i] * length[j])
        slope = change[:, i, j] / (length[i] * length[j])
        slope = slope - cosine * (length_by[i] / length[i] + length_by[j] / length[j])
        angle[row] = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        angle_by[row] = np.degrees(-slope / np.sqrt(max(1.0 - cosine**2, 1e-12)))
    volume = float(np.sqrt(np.linalg.det(direct)))
    volume_by = 0.5 * volume * np.einsum("ij,tji->t", np.linalg.inv(direct), change)
    angle_by[np.abs(angle_by) < 1e-9] = 0.0
    cell = np.concatenate([length, np.round(angle, 10), [volume]])
    return cell, np.concatenate([length_by, angle_by, volume_by[None]])


def factors_from_spacings(phase: Phase | Lattice, hkl: NDArray[np.int64], d: Array) -> Array:
    """Least-squares factors of a list of measured spacings (angstrom); 1 for terms that they do not fix."""
    parts = parts_of(phase, hkl)
    weight = d**2
    found, _, rank, _ = np.linalg.lstsq(parts * weight[:, None], np.ones(len(d)), rcond=1e-6)
    return np.asarray(found) if rank == parts.shape[1] else np.ones(parts.shape[1])
