"""Many small least-squares problems at once: Levenberg-Marquardt over a batch, parameters kept within limits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Step of the differences that give the derivatives.
STEP = 1e-6
#: Steps at most, and the decrease of the sum of squares below which a member has arrived.
STEPS, ARRIVED = 60, 1e-5
#: Decrease of the sum of squares that a whole Newton step still promises, below which a member is at its minimum: a
#: tenth of a standard uncertainty away. Where the residuals are strongly curved the last steps are many and small.
NEAR = 1e-2
#: Steps after which members are left alone that lie so far above the best that they count for nothing.
PATIENCE, HOPELESS = 5, 60.0


def minimise(
    residuals: Callable[[Array], Array], start: Array, low: Array, high: Array
) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
    r"""Minimise :math:`\sum r^2` of every member of a batch.

    Parameters
    ----------
    residuals
        Parameters (m, p) to residuals (m, r).
    start
        Shape (m, p).
    low, high
        Limits, shape (p,).

    Returns
    -------
    values, chi2, normal, reached
        Parameters (m, p), sums of squares (m,), normal matrices :math:`J^T J` (m, p, p) at the minimum, and whether
        each member arrived, (m,); those far above the best of the batch need not.

    References
    ----------
    Marquardt, J. SIAM 11 (1963) 431.

    Examples
    --------
    >>> goal = np.array([[1.0], [2.0]])
    >>> x, chi2, _, _ = minimise(lambda x: x**2 - goal**2, np.ones((2, 1)), np.zeros(1), np.full(1, 9.0))
    >>> x.round(6).ravel().tolist()
    [1.0, 2.0]
    """
    x = np.clip(start, low, high)
    r = residuals(x)
    cost = np.sum(r**2, axis=1)
    damping = np.full(len(x), 1e-3)
    reached = np.zeros(len(x), dtype=bool)
    normal, gradient = _derivatives(residuals, x, r, high)
    diagonal = np.arange(x.shape[1])
    for count in range(STEPS):
        # what a limit holds and the gradient pushes outward does not move
        held = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
        matrix = np.where(held[:, :, None] | held[:, None, :], 0.0, normal)
        matrix[:, diagonal, diagonal] = np.where(
            held, 1.0, (1 + damping[:, None]) * normal[:, diagonal, diagonal] + 1e-14
        )
        step = np.linalg.solve(matrix, np.where(held, 0.0, -gradient)[:, :, None])[:, :, 0]
        trial = np.clip(x + step, low, high)
        r_trial = residuals(trial)
        cost_trial = np.sum(r_trial**2, axis=1)
        better = cost_trial <= cost
        reached |= better & (cost - cost_trial < ARRIVED) & (damping <= 1.0)
        x = np.where(better[:, None], trial, x)
        r = np.where(better[:, None], r_trial, r)
        cost = np.where(better, cost_trial, cost)
        damping = np.where(better, 0.2 * damping, 5.0 * damping)
        reached |= damping > 1e8  # no step of any length goes down
        normal, gradient = _derivatives(residuals, x, r, high)
        if np.all(reached | ((count >= PATIENCE) & (cost > np.min(cost) + HOPELESS))):
            break
    held = ((x <= low) & (gradient > 0)) | ((x >= high) & (gradient < 0))
    matrix = np.where(held[:, :, None] | held[:, None, :], 0.0, normal)
    matrix[:, diagonal, diagonal] = np.where(held, 1.0, normal[:, diagonal, diagonal] + 1e-14)
    step = np.linalg.solve(matrix, np.where(held, 0.0, gradient)[:, :, None])[:, :, 0]
    reached |= np.sum(gradient * step, axis=1) < NEAR
    return x, cost, normal, reached


def _derivatives(residuals: Callable[[Array], Array], x: Array, r: Array, high: Array) -> tuple[Array, Array]:
    columns = []
    for k in range(x.shape[1]):
        moved = x.copy()
        sign = np.where(x[:, k] + STEP > high[k], -1.0, 1.0)
        moved[:, k] += sign * STEP
        columns.append((residuals(moved) - r) / (sign * STEP)[:, None])
    jacobian = np.stack(columns, axis=2)
    return np.einsum("mrp,mrq->mpq", jacobian, jacobian), np.einsum("mrp,mr->mp", jacobian, r)
