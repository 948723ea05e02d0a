r"""How flexible a background must be: spline bases compared by the Bayesian information criterion.

.. math:: \mathrm{BIC}_k = \chi^2_k / s^2 + (k + m) \ln n

with the heights of the m lines free in each comparison; s^2 is the larger of one and the reduced chi-square of the
best basis, so that errors of the line profiles buy no knots.

References
----------
Schwarz (1978) Ann. Statist. 6, 461.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array

Array = NDArray[np.float64]

#: Numbers of polynomial pieces that are tried.
PIECES = (1, 2, 3, 4, 6, 8, 11, 15, 20, 27)
#: Least spacing of knots, in widths of the typical line: a background is smooth on the scale of lines.
LEAST_SPACING = 8.0


@dataclass(frozen=True)
class Basis:
    """Background columns, shape (n, k), and what they are: pieces of the spline, even in 2 theta or its logarithm."""

    columns: Array
    pieces: int
    logarithmic: bool


def bases(x: Array, width: float, *, coarse: bool = False) -> list[Basis]:
    """Return spline bases from stiff to flexible, each with a column 1/2theta for air scatter.

    Parameters
    ----------
    x
        2 theta, deg, shape (n,).
    width
        Width of a line, deg: knots are no closer than :data:`LEAST_SPACING` of it.
    coarse
        Only the most flexible one that the spacing allows, at most 12 pieces.
    """
    span = float(x[-1] - x[0])
    most = max(int(span / (LEAST_SPACING * width)), 1)
    most = min(most, max((len(x) - 6) // 8, 1))
    allowed = [pieces for pieces in PIECES if pieces <= most]
    if coarse:
        pieces = max(one for one in allowed if one <= 11)
        return [Basis(_columns(x, pieces, False), pieces, False)]
    found = [Basis(_columns(x, pieces, False), pieces, False) for pieces in allowed]
    if x[0] > 0.5 and x[-1] / x[0] > 3.0:
        # knots even in ln 2theta: dense at low angle, where air scatter and beam stop are steep
        found += [
            Basis(_columns(x, pieces, True), pieces, True)
            for pieces in allowed[1:]
            if x[0] * ((x[-1] / x[0]) ** (1.0 / pieces) - 1.0) > LEAST_SPACING * width
        ]
    return found


def _columns(x: Array, pieces: int, logarithmic: bool) -> Array:
    inner = np.linspace(x[0], x[-1], pieces + 1)
    if logarithmic:
        inner = x[0] * (x[-1] / x[0]) ** np.linspace(0.0, 1.0, pieces + 1)
        inner[-1] = x[-1]
    knots = np.concatenate([[x[0]] * 3, inner, [x[-1]] * 3])
    spline = np.asarray(BSpline.design_matrix(np.clip(x, x[0], x[-1]), knots, 3).toarray())
    if pieces == 1 and x[-1] < 2.0 * x[0]:
        return spline  # 1/2theta is nearly a cubic on a short range
    return np.column_stack([spline, x[0] / np.maximum(x, 0.1)]) if x[0] > 0.1 else spline


@dataclass(frozen=True)
class Choice:
    """Probabilities of the bases (from the information criterion), and for each background and its variance."""

    probability: Array
    background: Array
    variance: Array

    @property
    def best(self) -> int:
        """Number of the most probable basis."""
        return int(np.argmax(self.probability))

    def average(self) -> tuple[Array, Array]:
        """Background averaged over the bases, and its variance within and between them."""
        mean = self.probability @ self.background
        spread = self.probability @ (self.variance + (self.background - mean) ** 2)
        return np.asarray(mean), np.asarray(spread)


def compare(y: Array, weight: Array, choices: list[Basis], nuisance: csr_array, precision: Array) -> Choice:
    """Fit each basis together with the columns of the lines, linearly.

    Parameters
    ----------
    y, weight
        Intensity and 1 / variance, shape (n,).
    choices
        The bases.
    nuisance
        Columns of the lines (derivatives at their fitted values, `y` being free of what they leave out), sparse (n, p).
    precision
        Prior precision of each of these columns, shape (p,).

    Returns
    -------
    Choice
    """
    root = np.sqrt(weight)
    target = root * y
    lines = nuisance.multiply(root[:, None]).tocsr()
    has_lines = lines.shape[1] > 0
    if has_lines:
        square = (lines.T @ lines).toarray()
        diagonal = np.diag(square) + precision
        scale = 1.0 / np.sqrt(np.maximum(diagonal, 1e-300))
        square = (square + np.diag(precision)) * scale[:, None] * scale
        factor = cho_factor(square + 1e-8 * np.eye(len(square)))
        lines = lines.multiply(scale[None, :]).tocsr()
        onto = cho_solve(factor, lines.T @ target)
        target_left = target - lines @ onto
    else:
        target_left = target
    count = int(np.count_nonzero(weight))
    costs, sizes, backgrounds, variances = [], [], [], []
    for choice in choices:
        columns = choice.columns * root[:, None]
        free = columns - lines @ cho_solve(factor, lines.T @ columns) if has_lines else columns
        normal = columns.T @ free
        normal = 0.5 * (normal + normal.T)
        normal[np.diag_indices(len(normal))] += 1e-10 * np.trace(normal) / len(normal)
        inverse = np.linalg.inv(normal)
        coefficients = inverse @ (columns.T @ target_left)
        left = target_left - free @ coefficients
        costs.append(float(left @ left))
        sizes.append(columns.shape[1])
        backgrounds.append(choice.columns @ coefficients)
        variances.append(np.maximum(np.einsum("nk,kl,nl->n", choice.columns, inverse, choice.columns), 0.0))
    cost, size = np.array(costs), np.array(sizes, dtype=np.float64)
    scale2 = max(1.0, float(np.min(cost / np.maximum(count - size - nuisance.shape[1], 1.0))))
    criterion = cost / scale2 + size * np.log(max(count, 2))
    probability = np.exp(-0.5 * (criterion - criterion.min()))
    return Choice(probability / probability.sum(), np.array(backgrounds), scale2 * np.array(variances))
