"""What both kernels take and give back: a chunk of spectra, the options of the iteration, the ends of the fits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Damping after the first refused step, the factor between refusals, and where the iteration gives up.
DAMPING_START: Final = 1e-3
DAMPING_FACTOR: Final = 10.0
DAMPING_END: Final = 1e8
#: Damping below this is none.
DAMPING_NONE: Final = 1e-5
#: What may be left after the last step, relative to the tolerance; the shrinking of the steps so far foretells it.
REMAINDER: Final = 0.05
#: Relative noise of a cost in double precision, per unit of the data's sum of squares.
NOISE: Final = 4e-16


@dataclass(frozen=True)
class EndLevels:
    """The points that make the lower and the upper end level of a background.

    Attributes
    ----------
    x
        Their axis values, rising, shape (e,); they need not lie on the axis of the spectra.
    mean
        What takes the mean of the lower and of the upper ones, shape (2, e).
    """

    x: Array
    mean: Array

    @classmethod
    def of(cls, low: Array, high: Array) -> EndLevels:
        """Return those of some lower and some upper points.

        Examples
        --------
        >>> EndLevels.of(np.array([0.0, 1.0]), np.array([9.0])).mean.tolist()
        [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]
        """
        mean = np.zeros((2, low.size + high.size))
        mean[0, : low.size], mean[1, low.size :] = 1.0 / low.size, 1.0 / high.size
        x = np.concatenate([low, high])
        order = np.argsort(x, kind="stable")
        return cls(x[order], mean[:, order])


@dataclass(frozen=True)
class Chunk:
    """Some spectra on one axis: m members, n points.

    Attributes
    ----------
    x
        Axis, shape (n,).
    y
        Intensities, shape (m, n).
    base
        The fixed part of the background, shape (m, n), or (1, n) where it is the same for all.
    spread
        Standard uncertainties, shape (m, n) or (1, n); None for counts.
    extra
        Linear columns beside the peaks, shape (m, e, n).
    sensitivity
        How the background gives way to the peaks at its end levels, shape (m, 2, n) or (1, 2, n); None where it does
        not.
    ends
        The points of those end levels.
    weight
        One over the uncertainties, shape (m, n) or (1, n), where `y` is the intensity less the background times the
        weight, and `extra` and `sensitivity` have it in them as well (see :meth:`weighted`); else None.
    known
        Means of the priors of each member, shape (m, p) or (1, p) over all parameters; None for those of the model.
    """

    x: Array
    y: Array
    base: Array
    spread: Array | None
    extra: Array
    sensitivity: Array | None
    ends: EndLevels
    weight: Array | None = None
    known: Array | None = None

    def weighted(self) -> Chunk:
        """Return the chunk with its weights in it; counts stay as they are."""
        if self.spread is None or self.weight is not None:
            return self
        weight = 1.0 / self.spread
        bends = None if self.sensitivity is None else self.sensitivity * weight[:, None]
        return replace(
            self, y=(self.y - self.base) * weight, extra=self.extra * weight[:, None], sensitivity=bends, weight=weight
        )

    def rows(self, chosen: NDArray[np.intp]) -> Chunk:
        """Return some of the members."""

        def some(array: Array) -> Array:
            return array if array.shape[0] == 1 else array[chosen]

        return Chunk(
            self.x,
            self.y[chosen],
            self.base if self.weight is not None else some(self.base),
            self.spread if self.spread is None or self.weight is not None else some(self.spread),
            self.extra[chosen],
            None if self.sensitivity is None else some(self.sensitivity),
            self.ends,
            None if self.weight is None else some(self.weight),
            None if self.known is None else some(self.known),
        )


@dataclass(frozen=True)
class Ends:
    """Where the fits of a chunk ended; p free parameters in the order of ``Table.free``.

    Attributes
    ----------
    values
        Shape (m, p).
    fisher
        ``J^T W J`` there, shape (m, p, p).
    cost, chi2
        Deviance (or chi-square) and Pearson's chi-square, shape (m,).
    converged
        The predicted gain of a further step is below the tolerance.
    passes
        Evaluations of the model.
    """

    values: Array
    fisher: Array
    cost: Array
    chi2: Array
    converged: NDArray[np.bool_]
    passes: NDArray[np.int64]

    @classmethod
    def empty(cls, members: int, free: int) -> Ends:
        """Return room for some members."""
        return cls(
            np.full((members, free), np.nan),
            np.full((members, free, free), np.nan),
            np.full(members, np.inf),
            np.full(members, np.nan),
            np.zeros(members, dtype=bool),
            np.zeros(members, dtype=np.int64),
        )
