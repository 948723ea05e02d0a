"""The covariance of one noisy spectrum less another one, as a spline, without a matrix of all points by all points."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import cho_solve_banded, cholesky_banded, solve_banded
from scipy.sparse import csr_array, diags_array

Array = NDArray[np.float64]

#: Degree of the splines, and so the number of diagonals beside the main one.
DEGREE: Final = 3


def basis(knots: Array, x: Array) -> csr_array:
    """Return the B-splines at some energies, shape (n, k); four of a row are not zero."""
    return csr_array(BSpline.design_matrix(np.ascontiguousarray(x), knots, DEGREE, extrapolate=True))


def normal_bands(design: csr_array, variance: Array) -> Array:
    r"""Return the upper diagonals of :math:`B^T D^{-1} B`, shape (4, k), as :func:`scipy.linalg.cholesky_banded` asks.

    Examples
    --------
    >>> normal_bands(basis(np.array([0.0, 0, 0, 0, 1, 1, 1, 1]), np.linspace(0.0, 1.0, 9)), np.ones(9)).shape
    (4, 4)
    """
    full = design.T @ (diags_array(1 / variance) @ design)
    out = np.zeros((DEGREE + 1, design.shape[1]))
    for away in range(DEGREE + 1):
        out[DEGREE - away, away:] = full.diagonal(away)
    return out


class Spread:
    r"""The covariance :math:`V = D + M \Gamma M^T` with diagonal D and banded :math:`N = \Gamma^{-1}`.

    .. math:: V^{-1} = D^{-1} - D^{-1} M (N + M^T D^{-1} M)^{-1} M^T D^{-1}

    Every matrix is banded, so that the work grows with the number of points and not with its cube.

    Parameters
    ----------
    variance
        Diagonal of D, shape (n,).
    matrix
        M, shape (n, k).
    bands
        Upper diagonals of N, shape (4, k).

    References
    ----------
    Woodbury, Memorandum report 42, Statistical Research Group, Princeton (1950).
    """

    def __init__(self, variance: Array, matrix: csr_array, bands: Array) -> None:
        self.variance, self.matrix, self.bands = variance, matrix, bands
        self.weighted = csr_array(diags_array(1 / variance) @ matrix)
        self.factor = cholesky_banded(bands + normal_bands(matrix, variance))

    def moved(self, residual: Array) -> Array:
        r"""Return the change :math:`\Gamma M^T V^{-1} r` of the coefficients that a residual asks for, shape (k,)."""
        return np.asarray(cho_solve_banded((self.factor, False), self.weighted.T @ residual))

    def solve(self, right: Array) -> Array:
        """Return the inverse times a vector or the columns of a matrix; shape of `right`."""
        scaled = (right.T / self.variance).T
        return np.asarray(scaled - self.weighted @ self.moved(right))

    def diagonal(self) -> Array:
        """Return the variances, shape (n,)."""
        inverse = cho_solve_banded((cholesky_banded(self.bands), False), self.matrix.T.toarray())
        return np.asarray(self.variance + np.asarray(self.matrix.multiply(inverse.T).sum(axis=1)).ravel())

    def rooted(self, columns: Array) -> Array:
        r"""Return :math:`R^T X` with :math:`R R^T = V`, shape (n + k, m): what makes noise of normal numbers."""
        upper = cholesky_banded(self.bands)
        lower = np.zeros_like(upper)
        for away in range(DEGREE + 1):
            lower[away, : upper.shape[1] - away] = upper[DEGREE - away, away:]
        of_curve = solve_banded((DEGREE, 0), lower, self.matrix.T @ columns)
        return np.concatenate([np.sqrt(self.variance)[:, None] * columns, of_curve])
