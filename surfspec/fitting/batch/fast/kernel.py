"""The batched kernel compiled by numba: the counterpart of the one in plain numpy."""
# mypy: disable-error-code="no-untyped-def, no-untyped-call, untyped-decorator"

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.batch.columns import Filler
from surfspec.fitting.batch.fast.algebra import invert
from surfspec.fitting.batch.fast.fill import plan_of
from surfspec.fitting.batch.fast.iterate import fit_chunk
from surfspec.fitting.batch.problem import Chunk, Ends
from surfspec.fitting.batch.table import Table

Array = NDArray[np.float64]


def _plain(array: Array) -> Array:
    """Return the array in the one layout for which the kernel is compiled."""
    return np.require(array, requirements=("C", "W"))


class Kernel:
    """Fits chunks of spectra with one compiled model; the counterpart of the kernel in plain numpy.

    Parameters
    ----------
    table
        The compiled model.
    tolerance
        As there.
    max_passes
        As there.
    """

    def __init__(self, table: Table, *, tolerance: float, max_passes: int) -> None:
        self._table = table
        self._plan, self._place, self._count = plan_of(Filler(table)), table.free, len(table.parameters)
        self._gain, self._max_passes = tolerance**2, max_passes

    def fit(self, chunk: Chunk, start: Array) -> Ends:
        """Fit every member of a chunk from nonlinear start values, shape (m, Q)."""
        members, points = chunk.y.shape
        ends = Ends.empty(members, self._plan.low.size)
        bends = np.empty((1, 0, points)) if chunk.sensitivity is None else chunk.sensitivity
        spread = np.empty((1, 0)) if chunk.spread is None else chunk.spread
        fit_chunk(
            self._plan, _plain(chunk.x), _plain(chunk.y), _plain(chunk.base), _plain(spread), _plain(chunk.extra),
            _plain(bends), _plain(chunk.ends.x), _plain(chunk.ends.mean), _plain(self._table.means(chunk.known)),
            chunk.spread is None, _plain(start), self._gain, self._max_passes,
            (ends.values, ends.fisher, ends.cost, ends.chi2, ends.converged, ends.passes),
        )  # fmt: skip
        return ends

    def invert(self, fisher: Array, active: NDArray[np.bool_]) -> tuple[Array, NDArray[np.bool_], NDArray[np.bool_]]:
        """Return the covariances; see :func:`surfspec.fitting.batch.covariance.invert`."""
        inverse, dead, doubtful, _ = invert(fisher, np.ascontiguousarray(active), self._place, self._count)
        return inverse, dead, doubtful
