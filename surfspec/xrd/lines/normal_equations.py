"""Normal equations of lines and background: steps, covariance, and the uncertainty of a line that stands alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.linalg.lapack import dpotrf, dpotri
from scipy.sparse import csc_array

from surfspec.xrd.lines.background_choice import weighted_rows
from surfspec.xrd.lines.line_model import KINDS

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def normal_equations(
    jacobian: csc_array, root: Array, basis: Array, square: Array, residual: Array, active: Mask, precision: Array,
    away: Array,
) -> tuple[Array, Array]:  # fmt: skip
    """Matrix and right side of background coefficients and active line values, priors in it, shape (k + p, k + p)."""
    chosen = np.flatnonzero(active)
    columns = weighted_rows(jacobian[:, chosen], root)
    size = len(square)
    normal = np.empty((size + len(chosen),) * 2)
    normal[:size, :size] = square
    cross = columns.T @ basis
    normal[size:, :size] = cross
    normal[:size, size:] = cross.T
    normal[size:, size:] = (columns.T @ columns.tocsr()).toarray()
    at = np.arange(size, len(normal))
    normal[at, at] += precision[chosen]
    weighted = root * residual
    slope = np.concatenate([basis.T @ weighted, columns.T @ weighted - precision[chosen] * away[chosen]])
    return normal, slope


def damped_step(normal: Array, slope: Array, damping: Array) -> Array:
    """Step of Levenberg and Marquardt; `damping` of the line values only, shape (p,)."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-300))
    scaled = normal * scale[:, None] * scale
    scaled[np.diag_indices(len(scaled))] += 1e-10
    values = np.arange(len(scaled) - len(damping), len(scaled))
    scaled[values, values] += damping
    try:
        return np.asarray(scale * cho_solve(cho_factor(scaled, check_finite=False), scale * slope, check_finite=False))
    except LinAlgError:
        return np.asarray(scale * np.linalg.lstsq(scaled, scale * slope, rcond=None)[0])


def covariance_of(normal: Array) -> Array:
    """Covariance; what the data do not determine gets a variance that says so, no error."""
    scale = 1.0 / np.sqrt(np.maximum(np.diag(normal), 1e-300))
    scaled = normal * scale[:, None] * scale
    scaled[np.diag_indices(len(scaled))] += 1e-10
    factor, wrong = dpotrf(scaled)
    inverse, fault = dpotri(factor) if not wrong else (factor, wrong)
    if fault:
        inverse = np.asarray(np.linalg.pinv(scaled, hermitian=True), dtype=np.float64)
    else:
        upper = np.triu(inverse)
        inverse = upper + np.triu(inverse, 1).T
    return np.asarray(inverse * scale[:, None] * scale)


def lone_heights(normal: Array, active: Mask, base: int) -> Array:
    """Return the standard uncertainty of each height with only the line's own other values free."""
    count = len(active) // KINDS
    place = (np.cumsum(active) - 1 + base).reshape(KINDS, count).T
    free = active.reshape(KINDS, count).T
    place = np.where(free, place, 0)
    block = normal[place[:, :, None], place[:, None, :]]
    block = np.where(free[:, :, None] & free[:, None, :], block, np.eye(KINDS))
    scale = 1.0 / np.sqrt(np.maximum(np.diagonal(block, axis1=1, axis2=2), 1e-300))
    inverse = np.linalg.inv(block * scale[:, :, None] * scale[:, None, :] + 1e-10 * np.eye(KINDS))
    return np.asarray(np.sqrt(np.maximum(inverse[:, 0, 0], 0.0)) * scale[:, 0])
