"""What every background returns, for one spectrum and for many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError, SurfspecError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Index = NDArray[np.intp]
Pair = tuple[float, float]

#: Note of a background between two equal levels.
LEVEL: Final = "both end levels are equal: the background is flat"


@dataclass(frozen=True)
class Background:
    """A background under a region, with what its end levels do to it.

    Attributes
    ----------
    values
        The background on the points of the region, shape (n,) [unit of y].
    anchors
        Levels at the low and the high end of the energy axis, ``b1`` and ``b2`` [unit of y].
    anchor_unc
        One standard uncertainty of each, from the counts averaged there [unit of y].
    sensitivity
        ``d values / d anchors``, shape (2, n).
    converged
        False where an iteration stopped before its tolerance.
    iterations
        Sweeps made; 0 where there was nothing to iterate.
    k
        Scattering strength: step over net area [1 / unit of x] (Shirley kinds); the factor ``B`` [eV2] (Tougaard).
    k_width
        ``k`` times the width of the region (Shirley kinds); from 2 on a Shirley background is poorly defined.
    contact
        Fraction of points where a cap or a hull acts.
    kind, note
        Name of the kind, and what a reader should know of this one.
    """

    values: Array
    anchors: Pair
    anchor_unc: Pair
    sensitivity: Array
    converged: bool = True
    iterations: int = 0
    k: float = 0.0
    k_width: float = 0.0
    contact: float = 0.0
    kind: str = ""
    note: str = ""

    @property
    def unc(self) -> Array:
        """One standard uncertainty of the background at every point, from that of its end levels, shape (n,)."""
        return np.asarray(np.sqrt(((self.sensitivity * np.array(self.anchor_unc)[:, None]) ** 2).sum(axis=0)))


@dataclass(frozen=True)
class BackgroundSeries:
    """The backgrounds of m spectra on one axis; each field as in :class:`Background`, its members first.

    Attributes
    ----------
    values
        Shape (m, k), on the k points of the region [unit of y].
    anchors, anchor_unc
        Shape (m, 2).
    sensitivity
        Shape (m, 2, k).
    converged, iterations, k, k_width, contact
        Shape (m,).
    kind
        Name of the kind.
    note, refused
        One text for each member. ``refused`` is empty, or says why there is no background; the numbers of that
        member are NaN, and it has not converged.
    errors
        What a refused member raises, by its number.
    """

    values: Array
    anchors: Array
    anchor_unc: Array
    sensitivity: Array
    converged: Mask
    iterations: Index
    k: Array
    k_width: Array
    contact: Array
    kind: str
    note: tuple[str, ...]
    refused: tuple[str, ...]
    errors: Mapping[int, SurfspecError] = field(repr=False)

    def member(self, i: int) -> Background:
        """Take one member out.

        Parameters
        ----------
        i : int
            Its number; negative ones count from the end.

        Returns
        -------
        Background

        Raises
        ------
        BackgroundError, InputError
            For a refused member, as for the spectrum alone.
        InputError
            For a number that no member has.
        """
        count = len(self.note)
        if not -count <= i < count:
            raise InputError(f"There is no member {i}", remedy=f"Take 0 to {count - 1}", where="i")
        i %= count
        if i in self.errors:
            raise self.errors[i]
        low, high = self.anchors[i].tolist()
        low_unc, high_unc = self.anchor_unc[i].tolist()
        return Background(
            self.values[i].copy(),
            (low, high),
            (low_unc, high_unc),
            self.sensitivity[i].copy(),
            converged=bool(self.converged[i]),
            iterations=int(self.iterations[i]),
            k=float(self.k[i]),
            k_width=float(self.k_width[i]),
            contact=float(self.contact[i]),
            kind=self.kind,
            note=self.note[i],
        )


class Part(NamedTuple):
    """What a kind finds for some members: a :class:`Draft` without the levels; one number serves all members."""

    values: Array
    sensitivity: Array
    converged: Mask | bool = True
    iterations: Index | int = 0
    k: Array | float = 0.0
    k_width: Array | float = 0.0
    contact: Array | float = 0.0
    note: list[str] | str = ""


class Draft:
    """A series that is being filled.

    Parameters
    ----------
    kind : str
        Name of the kind.
    members, points : int
        Shape of the values.
    """

    def __init__(self, kind: str, members: int, points: int) -> None:
        self.kind = kind
        self.values = np.empty((members, points))
        self.sensitivity = np.empty((members, 2, points))
        self.anchors = np.empty((members, 2))
        self.anchor_unc = np.empty((members, 2))
        self.numbers = np.zeros((3, members))
        self.converged = np.ones(members, dtype=np.bool_)
        self.iterations = np.zeros(members, dtype=np.intp)
        self.note = [""] * members
        self.errors: dict[int, SurfspecError] = {}

    def put(self, rows: Index | slice, part: Part) -> None:
        """Write the results of some members.

        Parameters
        ----------
        rows : ndarray of int, or slice
            Their numbers.
        part : Part
            Their results, in that order.
        """
        self.values[rows], self.sensitivity[rows] = part.values, part.sensitivity
        self.converged[rows], self.iterations[rows] = part.converged, part.iterations
        self.numbers[0, rows], self.numbers[1, rows], self.numbers[2, rows] = part.k, part.k_width, part.contact
        if isinstance(part.note, str):
            if not part.note:
                return
            part = part._replace(note=[part.note] * len(part.values))
        places = range(len(self.note))[rows] if isinstance(rows, slice) else rows.tolist()
        for place, text in zip(places, part.note, strict=True):
            self.note[place] = text

    def finish(self) -> BackgroundSeries:
        """Blank what was refused and give the series."""
        refused = [""] * len(self.note)
        for place, error in self.errors.items():
            refused[place], self.note[place] = str(error), ""
            for array in (self.values, self.sensitivity, self.anchors, self.anchor_unc):
                array[place] = np.nan
            self.numbers[:, place], self.converged[place], self.iterations[place] = np.nan, False, 0
        return BackgroundSeries(
            self.values,
            self.anchors,
            self.anchor_unc,
            self.sensitivity,
            self.converged,
            self.iterations,
            k=self.numbers[0],
            k_width=self.numbers[1],
            contact=self.numbers[2],
            kind=self.kind,
            note=tuple(self.note),
            refused=tuple(refused),
            errors=self.errors,
        )
