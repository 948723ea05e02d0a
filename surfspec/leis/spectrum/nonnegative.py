r"""Non-negative linear parameters of many spectra at once: the maximum of the likelihood, exactly.

All spectra have the same columns :math:`X` (their shapes are fixed). For each the convex problem

.. math:: \min_{\beta \ge 0} \sum_i \mu_i - y_i \ln \mu_i, \quad \mu = X\beta \qquad\text{(counts)}, \qquad
          \min_{\beta \ge 0} \tfrac12 \sum_i \big((y_i - \mu_i) / \sigma_i\big)^2 \quad\text{(else)}

is solved by projected Newton steps: parameters on zero that the gradient presses there are held, the others take the
Newton step and stop at zero, halved until the likelihood rises. The Hessians of all spectra are one matrix product of
their weights with the products of columns.

References
----------
Bertsekas, SIAM J. Control Optim. 20 (1982) 221 (projected Newton methods).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from surfspec.fitting.solver.objective import FLOOR
from surfspec.leis.spectrum.projection import linear_part

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Newton steps at most, and halvings of one.
STEPS, HALVINGS = 100, 40
#: Squared distance to the maximum, in standard uncertainties, that is none.
FINISHED = 1e-17
#: The same where rounding lets no step improve the likelihood any more; more where the cost itself is rounded by more.
ROUNDED, EPSILON = 1e-13, float(np.finfo(np.float64).eps)
#: Steps within that distance after which rounding alone is left: its noise may pass for progress for ever.
WANDERED = 4
#: Share of the expected curvature that is added to the observed one, which is nothing where no counts are.
EXPECTED = 1e-4
#: Share of a start off zero in that of counts.
LIFT = 0.02
#: Least squares with weights of the model before counts are taken as such.
REWEIGHTED = 2
#: A parameter so near to zero, in standard uncertainties at fixed others, counts as zero on the way.
NEAR = 1e-3
#: Ridge on the unit diagonal of the curvature.
RIDGE = 1e-14


@dataclass(frozen=True)
class Counts:
    """Poisson counts, shape (m, n): cost, slope and curvature by the model, all per point."""

    y: Array
    floor: Array

    @classmethod
    def of(cls, y: Array) -> Counts:
        """Return the objective of these counts, with the floor of :mod:`surfspec.fitting.solver.objective`."""
        return cls(y, FLOOR * np.maximum(1.0, y.mean(axis=1, keepdims=True)))

    def rows(self, chosen: NDArray[np.intp]) -> Counts:
        """Return some of the spectra."""
        return Counts(self.y[chosen], self.floor[chosen])

    def cost(self, model: Array) -> Array:
        """Return half the deviance but for a constant, shape (m,)."""
        m = np.maximum(model, self.floor)
        # relative to the data, so that sums of large counts keep their digits
        ratio = np.where(self.y > 0, m / np.where(self.y > 0, self.y, 1.0), 1.0)
        return np.asarray(np.sum(m - self.y - self.y * np.log(ratio), axis=1))

    def rounding(self, model: Array) -> Array:
        """Return by how much rounding may change the cost: terms of the size of the counts cancel, shape (m,)."""
        return np.asarray(EPSILON * np.sum(np.abs(model) + self.y, axis=1))

    def slopes(self, model: Array) -> tuple[Array, Array]:
        """Return the first and second derivatives by the model, shape (m, n)."""
        m = np.maximum(model, self.floor)
        return 1.0 - self.y / m, (self.y / m + EXPECTED) / m


@dataclass(frozen=True)
class Squares:
    """Intensities with standard uncertainties, shape (m, n)."""

    y: Array
    sigma: Array

    def rows(self, chosen: NDArray[np.intp]) -> Squares:
        """Return some of the spectra."""
        return Squares(self.y[chosen], self.sigma[chosen])

    def cost(self, model: Array) -> Array:
        """Return half of chi-square, shape (m,)."""
        return np.asarray(0.5 * np.sum(((model - self.y) / self.sigma) ** 2, axis=1))

    def rounding(self, model: Array) -> Array:
        """Return by how much rounding may change the cost, shape (m,)."""
        return np.asarray(
            EPSILON * np.sum((np.abs(model) + np.abs(self.y)) * np.abs(model - self.y) / self.sigma**2, axis=1)
        )

    def slopes(self, model: Array) -> tuple[Array, Array]:
        """Return the first and second derivatives by the model, shape (m, n)."""
        weight = self.sigma**-2.0
        return (model - self.y) * weight, weight


@dataclass(frozen=True)
class Linear:
    """Non-negative parameters of m spectra.

    Attributes
    ----------
    values, start
        Shape (m, linear).
    converged
        The conditions of Karush, Kuhn and Tucker hold, shape (m,).
    """

    values: Array
    start: Array
    converged: Flags


def linear_parts(columns: Array, data: Counts | Squares) -> Linear:
    """Return the non-negative linear parameters of highest likelihood.

    Parameters
    ----------
    columns
        Shape (n, linear), the same for all spectra.
    data
        Of m spectra on n points.

    Examples
    --------
    >>> y = np.array([[9.0, 4.0, 1.0], [4.0, 4.0, 16.0]])
    >>> linear_parts(np.eye(3), Counts.of(y)).values.round(6).tolist()
    [[9.0, 4.0, 1.0], [4.0, 4.0, 16.0]]
    >>> linear_parts(np.ones((3, 1)), Squares(y - 9.0, np.ones((2, 3)))).values.tolist()
    [[0.0], [0.0]]
    """
    mean = data.y.mean(axis=0)
    spread = np.sqrt(np.maximum(mean, 1e-3 * max(float(np.max(np.abs(mean))), 1e-300)))
    size = np.sqrt(np.sum((columns / spread[:, None]) ** 2, axis=0))
    size = np.where(size > 0, size, 1.0)
    unit = columns / size
    begin = _start(unit, data.y, mean, spread)
    if isinstance(data, Counts):
        # least squares cost little and end near; off zero, for where nothing is expected no count may be
        sigma, near = _smoothed_sigma(data.y), begin
        for _ in range(REWEIGHTED):
            squares = _Work(unit, Squares(data.y, sigma), near.copy())
            squares.run()
            near = squares.values
            sigma = np.sqrt(np.maximum(near @ unit.T, 0.5))
        begin = (1.0 - LIFT) * near + LIFT * begin
    work = _Work(unit, data, begin.copy())
    work.run()
    return Linear(work.values / size, begin / size, work.converged)


def _start(unit: Array, y: Array, mean: Array, spread: Array) -> Array:
    """Return the answer of the mean spectrum in the size of each, every parameter off zero, shape (m, linear)."""
    first = linear_part(unit, mean, spread)
    total = max(float(mean.sum()), 1e-300)
    share = np.maximum(y.sum(axis=1), 1e-3 * total) / total
    return np.asarray(share[:, None] * np.maximum(first, 1e-3 * max(float(first.max()), 1e-12)))


def _smoothed_sigma(y: Array) -> Array:
    """Return the square root of the smoothed counts, at least 1, shape (m, n)."""
    width = min(max(3, 2 * (y.shape[1] // 60) + 1), y.shape[1])
    return np.sqrt(np.maximum(uniform_filter1d(y, width, axis=1, mode="nearest"), 1.0))


class _Work:
    """Projected Newton steps on those spectra that are not at their maximum yet."""

    def __init__(self, unit: Array, data: Counts | Squares, values: Array) -> None:
        self.unit = unit
        self.data = data
        self.values = values
        self.converged = np.zeros(values.shape[0], dtype=bool)
        self.close = np.zeros(values.shape[0], dtype=np.int64)
        self.pairs = np.triu_indices(unit.shape[1])
        self.products = unit[:, self.pairs[0]] * unit[:, self.pairs[1]]

    def run(self) -> None:
        """Step until all are there, or the steps are used up."""
        active = np.arange(self.converged.size)
        for _ in range(STEPS):
            there, stuck = self._step(active)
            self.converged[active[there]] = True
            active = active[~there & ~stuck]
            if not active.size:
                return

    def _step(self, rows: NDArray[np.intp]) -> tuple[Flags, Flags]:
        """Take one step of these spectra; return which are at their maximum, and which cannot move."""
        data, values = self.data.rows(rows), self.values[rows]
        model = values @ self.unit.T
        first, second = data.slopes(model)
        gradient = first @ self.unit
        change, gain = directions(self._hessian(second), gradient, values)
        rounded = gain <= np.maximum(ROUNDED, data.rounding(model))
        self.close[rows] += rounded
        there = (gain <= FINISHED) | (self.close[rows] > WANDERED)
        values = np.where(there[:, None] & (change >= values), 0.0, values)
        cost, moved, halved = data.cost(model), np.zeros(rows.size, dtype=bool), np.ones(rows.size)
        slack = 1e-14 * np.maximum(np.abs(cost), 1.0)
        best = values.copy()
        todo = np.flatnonzero(~there)
        for _ in range(HALVINGS):
            if not todo.size:
                break
            trial = np.maximum(values[todo] - halved[todo, None] * change[todo], 0.0)
            promised = np.sum(gradient[todo] * (values[todo] - trial), axis=1)
            lower = data.rows(todo).cost(trial @ self.unit.T) <= cost[todo] - 1e-4 * promised + slack[todo]
            good = lower & (promised > 0)
            best[todo[good]] = trial[good]
            moved[todo[good]] = True
            todo = todo[~good]
            halved[todo] *= 0.5
        self.values[rows] = best
        return there | (~moved & rounded), ~there & ~moved

    def _hessian(self, second: Array) -> Array:
        flat = second @ self.products
        count = self.unit.shape[1]
        out = np.empty((second.shape[0], count, count))
        out[:, self.pairs[0], self.pairs[1]] = flat
        out[:, self.pairs[1], self.pairs[0]] = flat
        return out


def directions(hessian: Array, gradient: Array, values: Array) -> tuple[Array, Array]:
    """Return steps along which many problems descend without leaving their limits, and what the maximum is away.

    Parameters
    ----------
    hessian, gradient, values
        Shapes (m, linear, linear), (m, linear) and (m, linear); a step is subtracted.

    Returns
    -------
    change, gain
        Shape (m, linear), and shape (m,): squared distance to the maximum in standard uncertainties.
    """
    unit = np.sqrt(np.maximum(np.einsum("mii->mi", hessian), 1e-300))
    # what is all but zero counts as zero, lest a step end there before it began
    zero = values * unit <= NEAR
    held = zero & (gradient >= 0)
    change = newton(hessian, gradient, held)
    gain = np.sum(np.where(held, gradient * values, gradient * change), axis=1)
    # what the gradient lifts and the step of all presses below zero is held with the rest
    pressed = zero & ~held & (change > 0)
    stay = np.zeros_like(held)
    for _ in range(zero.shape[1]):
        rows = np.flatnonzero(np.any(pressed, axis=1))
        if not rows.size:
            break
        stay[rows] |= pressed[rows]
        change[rows] = newton(hessian[rows], gradient[rows], (held | stay)[rows])
        pressed[rows] = zero[rows] & ~(held | stay)[rows] & (change[rows] > 0)
    left = np.sum(np.where(held, gradient * values, np.where(stay, 0.0, gradient * change)), axis=1)
    # the others are at their best: then the one that wants to rise most rises alone (Lawson and Hanson)
    rows = np.flatnonzero((left <= FINISHED) & (gain > FINISHED))
    if rows.size:
        most = np.argmin(np.where(zero[rows], gradient[rows] / unit[rows], np.inf), axis=1)
        alone = zero[rows].copy()
        alone[np.arange(rows.size), most] = False
        change[rows] = newton(hessian[rows], gradient[rows], alone)
    return np.where(held, values, change), gain


def newton(hessian: Array, gradient: Array, held: Flags) -> Array:
    """Return the Newton steps of many problems, zero where held, shape (m, linear).

    Parameters
    ----------
    hessian, gradient
        Shapes (m, linear, linear) and (m, linear).
    held
        Shape (m, linear).

    Examples
    --------
    >>> newton(np.array([[[4.0, 1.0], [1.0, 2.0]]]), np.array([[8.0, 1.0]]), np.array([[False, True]])).tolist()
    [[2.0, 0.0]]
    """
    count = gradient.shape[1]
    diagonal = np.einsum("mii->mi", hessian)
    unit = np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    fixed = held | (diagonal <= 0)
    scaled = hessian / (unit[:, :, None] * unit[:, None, :])
    scaled = np.where(fixed[:, :, None] | fixed[:, None, :], 0.0, scaled)
    place = np.arange(count)
    scaled[:, place, place] = 1.0 + RIDGE
    wanted = np.where(fixed, 0.0, gradient / unit)
    step = np.linalg.solve(scaled, wanted[:, :, None])[:, :, 0]
    return np.where(fixed, 0.0, step / unit)
