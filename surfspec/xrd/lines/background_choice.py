r"""How stiff a background is: a penalised spline whose stiffness the evidence of the data chooses.

The background is B c with cubic B-splines on many knots and a column 1/2theta; second differences of the spline
coefficients have the prior precision lambda. With the lines of the pattern free beside it, the evidence is

.. math:: \ln p(y|\lambda) = \tfrac12 \ln|\lambda P|_+ - \tfrac12 \ln|N + \lambda P|
   - \tfrac{1}{2 s^2} \bigl(y^T W y - b^T (N + \lambda P)^{-1} b\bigr) + const

with N = B^T W B and b = B^T W y after the lines are eliminated; s^2 is the larger of one and the reduced chi-square,
so that errors of the line profiles buy no flexibility.

References
----------
Eilers & Marx (1996) Statist. Sci. 11, 89 (penalised B-splines); MacKay (1992) Neural Comput. 4, 415 (the evidence
for a regularisation constant); Nychka (1988) J. Am. Statist. Assoc. 83, 1134 (coverage of such bands).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csc_array

Array = NDArray[np.float64]
Solver = Callable[[Array], Array]

#: Most polynomial pieces of the spline.
PIECES = 32
#: Least spacing of knots, in widths of the typical line: a background is smooth on the scale of lines.
LEAST_SPACING = 6.0
#: Stiffnesses that are tried, relative to the mean precision of a spline coefficient by the data.
STIFFNESSES = np.logspace(-4.0, 6.0, 21)


@dataclass(frozen=True)
class Basis:
    """Background columns, shape (n, k), and the prior precision of their coefficients, shape (k, k).

    `logarithmic` knots are even in ln 2theta: dense at low angle, where air scatter and beam stop are steep.
    """

    columns: Array
    penalty: Array
    logarithmic: bool


def bases(x: Array, width: float) -> list[Basis]:
    """Return the spline bases that are compared, with penalties of unit stiffness.

    Parameters
    ----------
    x
        2 theta, deg, shape (n,).
    width
        Width of a line, deg: knots are no closer than :data:`LEAST_SPACING` of it.
    """
    pieces = int(np.clip((x[-1] - x[0]) / (LEAST_SPACING * width), 1, min(PIECES, max(len(x) // 10, 1))))
    found = [_basis(x, pieces, False)]
    if x[0] > 0.5 and x[-1] > 4.0 * x[0]:
        ratio = float(np.log(x[-1] / x[0]))
        fewer = int(np.clip(ratio / np.log1p(LEAST_SPACING * width / x[0]), 1, pieces))
        if fewer > 3:
            found.append(_basis(x, fewer, True))
    return found


def _basis(x: Array, pieces: int, logarithmic: bool) -> Basis:
    inner = np.linspace(x[0], x[-1], pieces + 1)
    if logarithmic:
        inner = x[0] * (x[-1] / x[0]) ** np.linspace(0.0, 1.0, pieces + 1)
        inner[-1] = x[-1]
    knots = np.concatenate([[x[0]] * 3, inner, [x[-1]] * 3])
    spline = np.asarray(BSpline.design_matrix(np.clip(x, x[0], x[-1]), knots, 3).toarray())
    # Greville abscissae: coefficients on a straight line there are a straight line, which the penalty leaves free
    places = (knots[1:-3] + knots[2:-2] + knots[3:-1]) / 3.0
    places = (np.log(places) if logarithmic else places) / np.ptp(np.log(places) if logarithmic else places)
    gaps = np.diff(places) * (len(places) - 1)
    slopes = np.diff(np.eye(len(places)), axis=0) / gaps[:, None]
    bends = np.diff(slopes, axis=0)
    penalty = bends.T @ bends
    if x[0] <= 0.1 or x[-1] < 1.5 * x[0]:
        return Basis(spline, penalty, logarithmic)
    inverse = x[0] / x
    full = np.zeros((len(penalty) + 1,) * 2)
    full[:-1, :-1] = penalty
    return Basis(np.column_stack([spline, inverse]), full, logarithmic)


@dataclass(frozen=True)
class Choice:
    """Backgrounds of the bases and stiffnesses tried: probability, intensity and variance of each, and its basis."""

    probability: Array
    background: Array
    variance: Array
    tried: tuple[Basis, ...]

    @property
    def best(self) -> Basis:
        """The most probable basis, with its stiffness in the penalty."""
        return self.tried[int(np.argmax(self.probability))]

    def average(self) -> tuple[Array, Array]:
        """Background averaged over what was tried, and its variance within and between."""
        mean = self.probability @ self.background
        spread = self.probability @ (self.variance + (self.background - mean) ** 2)
        return np.asarray(mean), np.asarray(spread)


def compare(
    y: Array, weight: Array, choices: list[Basis], lines: csc_array, precision: Array, *, bands: bool = False
) -> Choice:
    """Compare backgrounds by their evidence, with the lines free (linearly) beside each.

    Parameters
    ----------
    y, weight
        Intensity and 1 / variance, shape (n,).
    choices
        The bases, see :func:`bases`.
    lines
        Columns of the lines, sparse (n, p).
    precision
        Prior precision of each of these columns, shape (p,).
    bands
        Also compute backgrounds and variances (otherwise left empty).

    Returns
    -------
    Choice
    """
    root = np.sqrt(weight)
    target = root * y
    count = int(np.count_nonzero(weight))
    weighted, solve = _eliminate(lines, root, precision)
    left = target - weighted @ solve(weighted.T @ target)
    reduced = [_reduced(choice, root, weighted, solve, target, left) for choice in choices]
    # one scale for all: a basis too stiff for the data must not excuse itself by its own misfit
    scale = max(1.0, min(one.best for one in reduced) / max(count - lines.shape[1], 1))
    evidences, backgrounds, variances, tried = [], [], [], []
    for choice, one in zip(choices, reduced, strict=True):
        for stiffness in STIFFNESSES * one.mean if one.rank else (0.0,):
            sum_of = one.normal + stiffness * choice.penalty
            inverse = np.linalg.inv(sum_of)
            coefficients = inverse @ one.slope
            cost = (one.total - float(one.slope @ coefficients)) / scale
            size = np.linalg.slogdet(sum_of / scale)[1]
            prior = one.rank * np.log(stiffness / scale) + one.penalty_size if one.rank else 0.0
            evidences.append(0.5 * (prior - size - cost))
            tried.append(replace(choice, penalty=stiffness * choice.penalty))
            if bands:
                backgrounds.append(choice.columns @ coefficients)
                variances.append(scale * np.einsum("nk,kl,nl->n", choice.columns, inverse, choice.columns))
    evidence = np.array(evidences)
    probability = np.exp(evidence - evidence.max())
    return Choice(probability / probability.sum(), np.array(backgrounds), np.array(variances), tuple(tried))


@dataclass(frozen=True)
class _Reduced:
    """Normal equations of one basis with the lines eliminated.

    `rank` and `penalty_size` (ln of the product of the eigenvalues that are not zero) belong to the penalty; `mean` is
    the mean precision of a coefficient, `total` the sum of squares without background, `best` that of the loosest one.
    """

    normal: Array
    slope: Array
    total: float
    mean: float
    rank: int
    penalty_size: float
    best: float


def _reduced(choice: Basis, root: Array, weighted: csc_array, solve: Solver, target: Array, left: Array) -> _Reduced:
    columns = choice.columns * root[:, None]
    free = columns - weighted @ solve(weighted.T @ columns)
    normal = columns.T @ free
    normal = 0.5 * (normal + normal.T)
    mean = float(np.trace(normal)) / len(normal)
    normal[np.diag_indices(len(normal))] += 1e-9 * mean
    slope = columns.T @ left
    total = float(target @ left)
    spared = float(slope @ np.linalg.solve(normal + STIFFNESSES[0] * mean * choice.penalty, slope))
    eigen = np.linalg.eigvalsh(choice.penalty)
    real = eigen > 1e-9 * max(float(eigen[-1]), 1e-300)
    return _Reduced(
        normal, slope, total, mean, int(np.count_nonzero(real)), float(np.sum(np.log(eigen[real]))), total - spared
    )


def weighted_rows(columns: csc_array, root: Array) -> csc_array:
    """Multiply each row by its root weight."""
    return csc_array((columns.data * root[columns.indices], columns.indices, columns.indptr), shape=columns.shape)


def _eliminate(lines: csc_array, root: Array, precision: Array) -> tuple[csc_array, Solver]:
    """Weighted, scaled columns of the lines, and the solver of their normal equations."""
    weighted = weighted_rows(lines, root)
    if not lines.shape[1]:
        return weighted, np.asarray
    square = (weighted.T @ weighted.tocsr()).toarray() + np.diag(precision)
    scale = 1.0 / np.sqrt(np.maximum(np.diag(square), 1e-300))
    factor = cho_factor(square * scale[:, None] * scale + 1e-8 * np.eye(len(square)))
    weighted = csc_array(
        (weighted.data * np.repeat(scale, np.diff(weighted.indptr)), weighted.indices, weighted.indptr),
        shape=weighted.shape,
    )
    return weighted, lambda right: np.asarray(cho_solve(factor, right))
