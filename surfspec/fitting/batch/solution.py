"""The answers of a batched fit, as arrays with one row a spectrum."""

from __future__ import annotations

import operator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.batch.columns import Filler
from surfspec.fitting.batch.inputs import Inputs
from surfspec.fitting.batch.table import Table
from surfspec.fitting.solver import Solution

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class BatchSolution:
    """The best parameters of m spectra, with the meaning that they have in :class:`~surfspec.fitting.Solution`.

    Attributes
    ----------
    names
        All p parameters: the model's, then those of the extra columns.
    values, uncertainties
        Shape (m, p); NaN uncertainty where not determined, 0 where fixed.
    covariance
        Shape (m, p, p).
    converged
        Shape (m,).
    at_bound, undetermined, unsettled
        Shape (m, p); `unsettled` are the parameters of which another start found another value, equally good.
    chi2, deviance, dof, scale, passes
        Shape (m,); `passes` counts evaluations of the model over all starts.
    single
        Which members went through :func:`~surfspec.fitting.solve` one by one, shape (m,).
    refused
        Why a member could not be fitted at all (its numbers are NaN), shape (m,); empty texts otherwise.
    engine
        ``numpy``, ``numba`` or ``solve``; and in `fallback` why it was the last.
    statistics
        As given.
    """

    names: tuple[str, ...]
    values: Array
    uncertainties: Array
    covariance: Array
    converged: Mask
    at_bound: Mask
    undetermined: Mask
    unsettled: Mask
    chi2: Array
    deviance: Array
    dof: NDArray[np.int64]
    scale: Array
    passes: NDArray[np.int64]
    single: Mask
    refused: NDArray[np.str_]
    engine: str
    fallback: str
    statistics: str
    inputs: Inputs
    table: Table | None

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @property
    def start_dependent(self) -> Mask:
        """Whether another start reached an equally good but different answer, shape (m,)."""
        return np.asarray(self.unsettled.any(axis=1))

    @property
    def fitted(self) -> Array:
        """The model of every member, shape (m, n), evaluated anew from the parameters."""
        return self.evaluate(np.arange(len(self)))

    def evaluate(self, members: NDArray[np.intp]) -> Array:
        """Return the model of some members, shape (members, n)."""
        inputs, out = self.inputs, np.empty((len(members), self.inputs.x.size))
        for first in range(0, len(members), inputs.chunk):
            part = slice(first, first + inputs.chunk)
            rows = members[part]
            if self.table is None:
                out[part] = [inputs.problem(int(i)).evaluate(self.values[i]) for i in rows]
                continue
            chunk = inputs.load(rows, spread=False)
            filler = Filler(self.table)
            room = np.empty((len(rows), filler.rows, inputs.x.size))
            values = np.ascontiguousarray(self.values[rows][:, self.table.free])
            linear, theta = values[:, : filler.linear], values[:, filler.linear :]
            filler.fill(chunk, theta, room)
            out[part] = chunk.base + filler.above_base(linear, room)
        return out

    def member(self, index: int) -> Solution:
        """Return one member as the single solver would, but for its `insignificant` and `replaceable`.

        Those two are found for many members by :mod:`surfspec.fitting.batch_joining` and
        :mod:`surfspec.fitting.batch_necessity`.

        Parameters
        ----------
        index
            Which one, from 0.

        Raises
        ------
        InputError
            For a number that no member has.
        """
        try:
            number = operator.index(index)
        except TypeError:
            number = -1
        if not 0 <= number < len(self):
            raise InputError(
                f"there is no member {index!r:.40}",
                where="index",
                remedy=f"Give a whole number from 0 to {len(self) - 1}",
            )
        fitted = self.evaluate(np.array([index]))[0]
        goal = self.inputs.objective(index)
        scale = float(self.scale[index])
        names = np.array(self.names)
        return Solution(
            names=self.names,
            values=self.values[index],
            uncertainties=self.uncertainties[index],
            covariance=self.covariance[index],
            fitted=fitted,
            pulls=(goal.y - fitted) * goal.weight(fitted) / (np.sqrt(scale) if scale > 0 else 1.0),
            converged=bool(self.converged[index]),
            at_bound=tuple(names[self.at_bound[index]].tolist()),
            undetermined=tuple(names[self.undetermined[index]].tolist()),
            start_dependent=bool(self.start_dependent[index]),
            chi2=float(self.chi2[index]),
            deviance=float(self.deviance[index]),
            dof=int(self.dof[index]),
            evaluations=int(self.passes[index]),
            statistics=self.statistics,
            scale=scale,
            unsettled=tuple(names[self.unsettled[index]].tolist()),
        )
