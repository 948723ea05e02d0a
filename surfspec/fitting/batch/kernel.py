r"""Batched variable projection in plain numpy.

Every pass evaluates the model of all spectra that are still on their way once, forms one Gram matrix of its columns,
their derivatives and the residual, and takes from it the amplitudes within their limits, the gradient and the step.
That step is the Gauss-Newton (Fisher scoring) step over amplitudes and nonlinear parameters together; with the
amplitudes at their optimum it equals Kaufman's step of the projected problem (BIT 15 (1975) 49).

For counts the weights are :math:`1/m` of the model itself, renewed in every pass, and the gradient
:math:`J^T (y - m)/m` is exact, so that the end is the minimum of the Poisson deviance.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.batch.bounded import bounded_quadratic
from surfspec.fitting.batch.columns import Filler
from surfspec.fitting.batch.covariance import invert
from surfspec.fitting.batch.problem import (
    DAMPING_END,
    DAMPING_FACTOR,
    DAMPING_NONE,
    DAMPING_START,
    NOISE,
    REMAINDER,
    Chunk,
    Ends,
)
from surfspec.fitting.batch.table import Table
from surfspec.fitting.solver.objective import FLOOR

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass
class _Point:
    """The model of every member at some parameters: costs, and the Fisher matrix bordered by the gradient."""

    linear: Array
    theta: Array
    cost: Array
    chi2: Array
    bordered: Array

    def take(self, chosen: NDArray[np.intp] | Mask) -> _Point:
        return _Point(*(getattr(self, f.name)[chosen] for f in fields(self)))

    def replace(self, better: Mask, other: _Point) -> None:
        for f in fields(self):
            getattr(self, f.name)[better] = getattr(other, f.name)[better]


def deviance(model: Array, counts: Array) -> Array:
    r"""Return :math:`2 \sum (m - d + d \ln(d / m))` over the last axis.

    Parameters
    ----------
    model, counts
        Expected (positive) and observed counts, shape (..., n).

    Examples
    --------
    >>> float(deviance(np.array([2.0]), np.array([0.0])))
    4.0
    """
    excess = (counts - model) / model
    log = np.log1p(np.maximum(excess, -1.0 + 1e-300), where=counts > 0, out=np.zeros_like(excess))
    out: Array = 2.0 * np.sum(counts * log - model * excess, axis=-1)
    return out


class Kernel:
    """Fits chunks of spectra with one compiled model.

    Parameters
    ----------
    table
        The compiled model.
    tolerance
        The fit has converged when a further step would gain less than the square of this (a step of that many
        standard uncertainties), and the one after it, were steps to go on shrinking as the last did, a twentieth of
        that; that step is still taken.
    max_passes
        Evaluations of the model for each spectrum.
    """

    def __init__(self, table: Table, *, tolerance: float, max_passes: int) -> None:
        self.filler = Filler(table)
        self.gain, self.max_passes = tolerance**2, max_passes
        self.low, self.high = table.limits(table.free)
        self._room = np.empty((0, 0, 0))

    def fit(self, chunk: Chunk, start: Array) -> Ends:
        """Fit every member of a chunk.

        Parameters
        ----------
        chunk
            The data.
        start
            Nonlinear start values, shape (m, Q).
        """
        chunk = chunk.weighted()
        members, points = chunk.y.shape
        count = self.filler.linear
        if self._room.shape[0] < members or self._room.shape[2] != points:
            self._room = np.empty((members, self.filler.rows, points))
        ends = Ends.empty(members, self.low.size)
        where, damping, before = np.arange(members), np.zeros(members), np.full(members, np.inf)
        at = self._evaluate(chunk, start, np.zeros((members, count)), first=True)
        for done in range(1, self.max_passes + 1):
            step, gain = self._step(at, damping)
            # a small gain under damping says nothing: look at the free step
            again = (gain < self.gain) & (damping > 0)
            if np.any(again):
                damping[again] = 0.0
                step[again], gain[again] = self._step(at.take(again), damping[again])
            small = (gain < self.gain) & (gain * np.minimum(gain / before, 1.0) < REMAINDER**2 * self.gain)
            over = small | (damping > DAMPING_END) | ~np.isfinite(gain)
            over |= done == self.max_passes
            if np.any(over):
                self._store(ends, where[over], at.take(over), step[over], gain[over], small[over], done)
                on = np.flatnonzero(~over)
                if not on.size:
                    break
                where, at, step, gain, chunk = where[on], at.take(on), step[on], gain[on], chunk.rows(on)
                damping, before = damping[on], before[on]
            cap = np.abs((at.theta[:, None, :] @ self.filler.table.cap_factor.T)[:, 0] + self.filler.table.cap_offset)
            np.clip(step[:, count:], -cap, cap, out=step[:, count:])
            values = np.concatenate([at.linear, at.theta], axis=1)
            trial = np.clip(values + step, self.low, self.high)
            new = self._evaluate(chunk, trial[:, count:], trial[:, :count])
            better = new.cost <= at.cost + NOISE * (np.abs(at.cost) + chunk.y.shape[1])
            refused = np.maximum(DAMPING_FACTOR * damping, DAMPING_START)
            relaxed = np.where(damping > DAMPING_NONE, damping / DAMPING_FACTOR, 0.0)
            damping = np.where(better, relaxed, refused)
            before = np.where(better, gain, before)
            at.replace(better, new)
        return ends

    def invert(self, fisher: Array, active: Mask) -> tuple[Array, Mask, Mask]:
        """Return the covariances, see :func:`surfspec.fitting.batch.covariance.invert`."""
        return invert(fisher, active, self.filler.table.free, len(self.filler.table.parameters))

    def _evaluate(self, chunk: Chunk, theta: Array, linear: Array, *, first: bool = False) -> _Point:
        """Return the point at `theta` with the best amplitudes; `linear` is the guess that sets the weights."""
        filler, count = self.filler, self.filler.linear
        rows = self._room[: chunk.y.shape[0]]
        filler.fill(chunk, theta, rows)
        guess = filler.above_base(linear, rows)
        if chunk.weight is not None:
            np.subtract(chunk.y, guess, out=rows[:, -1])
            root = chunk.weight
        else:
            floor = FLOOR * np.maximum(1.0, chunk.y.mean(axis=1, keepdims=True))
            guess += chunk.base
            np.subtract(chunk.y, guess, out=rows[:, -1])
            root = 1.0 / np.sqrt(np.maximum(chunk.y, 1.0) if first else np.maximum(guess, floor))
            rows *= root[:, None]
        gram = rows @ rows.transpose(0, 2, 1)
        corner = gram[:, :count, :count]
        right = gram[:, :count, -1] + (corner @ linear[:, :, None])[:, :, 0]
        best = bounded_quadratic(corner, right, self.low[:count], self.high[:count])
        change = best - linear
        turn = filler.contraction(best, change)
        turned = turn.transpose(0, 2, 1)
        bordered = turned @ gram @ turn
        if chunk.weight is not None:
            cost = bordered[:, -1, -1] + self._known(chunk, theta, bordered)
            return _Point(best, theta, cost, cost, bordered)
        model = guess + (change[:, None, :] @ rows[:, :count])[:, 0] / root
        np.maximum(model, floor, out=model)
        slope = (chunk.y - model) / model
        gradient = rows @ (slope / root)[:, :, None]
        gradient[:, -1] = 0.0
        bordered[:, :, -1:] = turned @ gradient
        known = self._known(chunk, theta, bordered)
        chi2 = np.sum(slope * slope * model, axis=1) + known
        return _Point(best, theta, deviance(model, chunk.y) + known, chi2, bordered)

    def _known(self, chunk: Chunk, theta: Array, bordered: Array) -> Array | float:
        """Add the priors to the Fisher matrices and gradients; return their share of the costs, shape (m,)."""
        table, count = self.filler.table, self.filler.linear
        if not table.priors:
            return 0.0
        apart = theta - table.means(chunk.known)
        at = count + np.arange(apart.shape[1])
        bordered[:, at, at] += table.prior_weight
        bordered[:, at, -1] -= table.prior_weight * apart
        return np.asarray((table.prior_weight * apart**2).sum(axis=1))

    def _step(self, at: _Point, damping: Array) -> tuple[Array, Array]:
        """Return the step and twice the gain in cost that the quadratic model promises, shapes (m, p) and (m,)."""
        count = self.filler.linear
        fisher, gradient = at.bordered[:, :-1, :-1], at.bordered[:, :-1, -1]
        values = np.concatenate([at.linear, at.theta], axis=1)
        diagonal = np.diagonal(fisher, axis1=1, axis2=2)
        alive = diagonal > 0
        per = 1.0 / np.sqrt(np.where(alive, diagonal, 1.0))
        matrix = fisher * per[:, :, None] * per[:, None, :]
        slope = gradient * per
        on_low, on_high = values <= self.low, values >= self.high
        held = ~alive | (on_low & (slope < 0)) | (on_high & (slope > 0))
        out = _solve_held(matrix, slope, held, damping, count)
        for _ in range(3):
            outward = ~held & ((on_low & (out < 0)) | (on_high & (out > 0)))
            again = np.flatnonzero(np.any(outward, axis=1))
            if not again.size:
                break
            held |= outward
            out[again] = _solve_held(matrix[again], slope[again], held[again], damping[again], count)
        return out * per, np.sum(out * slope, axis=1)

    def _store(
        self, ends: Ends, where: NDArray[np.intp], at: _Point, step: Array, gain: Array, small: Mask, done: int
    ) -> None:
        values = np.concatenate([at.linear, at.theta], axis=1)
        last = np.clip(values + np.where(small[:, None], step, 0.0), self.low, self.high)
        ends.values[where] = last
        ends.fisher[where] = at.bordered[:, :-1, :-1]
        ends.cost[where] = at.cost - np.where(small, gain, 0.0)
        ends.chi2[where] = at.chi2
        ends.converged[where] = small
        ends.passes[where] = done


def _solve_held(matrix: Array, slope: Array, held: Mask, damping: Array, count: int) -> Array:
    """Solve the normalised, damped equations with some parameters held, shape (m, p)."""
    work = np.array(matrix)
    index = np.arange(work.shape[1])
    if np.any(held):
        work *= ~held[:, :, None]
        work *= ~held[:, None, :]
        slope = np.where(held, 0.0, slope)
    work[:, index, index] = 1.0  # as it is but for its rounding, which must not depend on whether others are held
    work[:, index[count:], index[count:]] += damping[:, None]
    work[:, index, index] += 1e-14
    finite: Mask = np.asarray(np.isfinite(work).all(axis=(1, 2)))
    if not finite.all():
        work[~finite] = np.eye(index.size)
        slope = np.where(finite[:, None], slope, np.nan)
    return np.asarray(np.linalg.solve(work, slope[:, :, None])[:, :, 0], dtype=np.float64)
