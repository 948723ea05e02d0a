"""Covariances of many fits from their Fisher matrices."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Diagonal of the inverse of the normalised Fisher matrix (a variance inflation) from which a Gram matrix no longer
#: tells a null direction from a weak one; the single solver then looks at the Jacobian itself.
LARGEST_INFLATION: Final = 1e8


def invert(fisher: Array, active: Mask, place: NDArray[np.int64], count: int) -> tuple[Array, Mask, Mask]:
    """Invert the Fisher matrices over their active parameters.

    Parameters
    ----------
    fisher
        Shape (m, p, p).
    active
        Parameters that take part, shape (m, p); the others get zeros.
    place, count
        Where they stand among all parameters, shape (p,), and how many those are.

    Returns
    -------
    covariance
        Shape (m, count, count); zeros where a parameter is not active or dead.
    dead
        Active parameters of which the model does not depend at all, shape (m, p).
    doubtful
        Members whose matrix is too near singular for its inverse to be trusted, shape (m,).

    Examples
    --------
    >>> invert(np.array([[[4.0, 0.0], [0.0, 0.0]]]), np.array([[True, True]]), np.array([1, 0]), 2)[0].tolist()
    [[[0.0, 0.0], [0.0, 0.25]]]
    """
    diagonal = np.diagonal(fisher, axis1=1, axis2=2)
    dead = active & ~(diagonal > 0)
    used = active & ~dead & np.isfinite(diagonal)
    per = np.where(used, 1.0 / np.sqrt(np.where(used, diagonal, 1.0)), 0.0)
    matrix = fisher * per[:, :, None] * per[:, None, :]
    index = np.arange(fisher.shape[1])
    finite = np.isfinite(matrix).all(axis=(1, 2))
    matrix[~finite] = 0.0
    matrix[:, index, index] = 1.0 + 1e-15
    inverse = np.asarray(np.linalg.inv(matrix), dtype=np.float64)
    inflation = np.diagonal(inverse, axis1=1, axis2=2)
    doubtful: Mask = ~finite | ~np.all((inflation > 0) & (inflation < LARGEST_INFLATION), axis=1)
    out = np.zeros((len(fisher), count, count))
    out[:, place[:, None], place] = inverse * per[:, :, None] * per[:, None, :]
    return out, dead, doubtful
