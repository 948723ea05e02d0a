"""The columns of a compiled model over many spectra: shapes, mixed derivatives, residual, in plain numpy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.batch.problem import Chunk
from surfspec.fitting.batch.shapes import EVALUATE
from surfspec.fitting.batch.table import Table

Array = NDArray[np.float64]


class Filler:
    """Fills the rows of the matrix whose Gram product is everything that a step needs.

    Rows: the linear columns (areas, then extra ones), the column of fixed areas where there is one, the derivative of
    each linear column by each nonlinear parameter (``Table.pairs``), the residual.

    Parameters
    ----------
    table
        The compiled model.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.linear = table.linear.size
        self.first_pair = self.linear + table.has_offset
        self.rows = self.first_pair + len(table.pairs) + 1
        self.unit: list[float] = []
        self.plan = self._plan_rows()
        self.groups = self._groups()

    def _plan_rows(self) -> list[list[tuple[int, int, float, bool]]]:
        """Return for each component (target row, source row of the shape, factor, whether it is the first there)."""
        table, written = self.table, set[int]()
        plan: list[list[tuple[int, int, float, bool]]] = []
        areas = np.concatenate([table.area_factor, table.area_offset[:, None]], axis=1)
        for k in range(table.kinds.size):
            steps: list[tuple[int, int, float]] = []
            for j in np.flatnonzero(areas[k]):
                steps.append((int(j), 0, float(areas[k, j])))
            for p, (j, q) in enumerate(table.pairs):
                for role in np.flatnonzero(table.role_factor[k, :, q]):
                    factor = float(areas[k, j] * table.role_factor[k, role, q])
                    if factor:
                        steps.append((self.first_pair + p, 1 + int(role), factor))
            plan.append([])
            self.unit.append(next((f for _, _, f in steps if f), 1.0))
            for target, source, factor in steps:
                factor /= self.unit[-1]  # noqa: PLW2901
                plan[-1].append((target, source, factor, target not in written))
                written.add(target)
        self.empty = sorted(set(range(table.areas)) - written)
        return plan

    def _groups(self) -> list[list[int]]:
        """Return the components in groups that add up row by row: the lines of a multiplet of fixed splitting."""
        out: list[list[int]] = []
        for k, steps in enumerate(self.plan):
            mine = [step[:3] for step in steps]
            sources = [source for _, source, _, _ in steps]
            same = bool(out) and mine == [step[:3] for step in self.plan[out[-1][0]]]
            if same and len(set(sources)) == len(sources):
                out[-1].append(k)
            else:
                out.append([k])
        return out

    def fill(self, chunk: Chunk, theta: Array, out: Array) -> None:
        """Write every row but the residual; with the weight in it where the chunk has one.

        Parameters
        ----------
        chunk
            The data.
        theta
            Nonlinear parameters, shape (m, Q).
        out
            Shape (m, rows, n).
        """
        self._fill_shapes(chunk.x, theta, chunk.weight, out)
        out[:, self.table.areas : self.linear] = chunk.extra
        if chunk.sensitivity is not None:
            tails = np.zeros((theta.shape[0], self.rows, chunk.ends.x.size))
            self._fill_shapes(chunk.ends.x, theta, None, tails)
            levels = tails @ chunk.ends.mean.T
            for part in (slice(0, self.table.areas), slice(self.linear, self.rows - 1)):
                out[:, part] -= levels[:, part] @ chunk.sensitivity

    def _fill_shapes(self, x: Array, theta: Array, weight: Array | None, out: Array) -> None:
        """Write the rows of the areas and the mixed derivatives on some axis."""
        for target in self.empty:
            out[:, target] = 0.0
        for group in self.groups:
            parts = [self._shape(k, x, theta, weight) for k in group]
            for target, source, factor, first in self.plan[group[0]]:
                row = parts[0][source]
                for part in parts[1:-1]:
                    row += part[source]
                if first and len(parts) > 1:
                    np.add(row, parts[-1][source], out=out[:, target])
                    if factor != 1.0:
                        out[:, target] *= factor
                    continue
                if len(parts) > 1:
                    row += parts[-1][source]
                if first:
                    np.multiply(row, factor, out=out[:, target])
                elif factor == 1.0:
                    out[:, target] += row
                else:
                    out[:, target] += factor * row

    def _shape(self, k: int, x: Array, theta: Array, weight: Array | None) -> tuple[Array, ...]:
        """Return one component and its derivatives over the roles, (members, n) each."""
        table = self.table
        # one small product for each member: one for all would round differently in other company
        roles = (theta[:, None, :] @ table.role_factor[k].T)[:, 0] + table.role_offset[k]
        evaluate = EVALUATE[int(table.kinds[k])]
        return evaluate(x, roles[:, :1], roles[:, 1:2], roles[:, 2:3], self.unit[k], weight)

    def above_base(self, linear: Array, rows: Array) -> Array:
        """Return the model without its base from the filled rows, shape (m, n)."""
        out: Array = (linear[:, None, :] @ rows[:, : self.linear])[:, 0]
        if self.table.has_offset:
            out += rows[:, self.linear]
        return out

    def contraction(self, linear: Array, change: Array) -> Array:
        """Return the matrix T that turns the rows into Jacobian and residual.

        Columns of T: the linear parameters, the nonlinear ones (the mixed derivatives times the amplitudes), the
        residual after the amplitudes changed by `change`. Shape (m, rows, L + Q + 1).
        """
        table, count = self.table, self.linear
        out = np.zeros((linear.shape[0], self.rows, count + table.nonlinear.size + 1))
        index = np.arange(count)
        out[:, index, index] = 1.0
        j, q = table.pairs[:, 0], table.pairs[:, 1]
        amplitude = np.ones((linear.shape[0], count + 1))
        amplitude[:, :count] = linear
        out[:, self.first_pair + np.arange(len(j)), count + q] = amplitude[:, j]
        out[:, :count, -1] = -change
        out[:, -1, -1] = 1.0
        return out
