"""Covariances of the non-negative linear parameters of many spectra with the same columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.fitting.solver.polish import NULL_SINGULAR_VALUE
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.limited_gaussian import limited_moments
from surfspec.leis.spectrum.maximisation import LEAST_VARIANCE

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def _gram(columns: Array, weight: Array) -> Array:
    """Return the Fisher matrices, shape (m, linear, linear)."""
    one, other = np.triu_indices(columns.shape[1])
    flat = weight**2 @ (columns[:, one] * columns[:, other])
    out = np.empty((weight.shape[0], columns.shape[1], columns.shape[1]))
    out[:, one, other] = flat
    out[:, other, one] = flat
    return out


def inverse_of(columns: Array, weight: Array, free: Flags) -> tuple[Array, Flags]:
    """Return the inverse Fisher matrices over free parameters, zero elsewhere, and what they do not determine."""
    gram = _gram(columns, weight)
    size = np.sqrt(np.einsum("mii->mi", gram))
    dead = free & ~((size > 0) & np.isfinite(size))
    used = free & ~dead
    unit = np.where(used, size, 1.0)
    scaled = np.where(used[:, :, None] & used[:, None, :], gram / (unit[:, :, None] * unit[:, None, :]), 0.0)
    place = np.arange(columns.shape[1])
    scaled[:, place, place] = 1.0  # a parameter that takes no part has an axis and a value of its own
    values, axes = np.linalg.eigh(scaled)
    null = values < NULL_SINGULAR_VALUE**2 * values[:, -1:]
    lost = dead | (used & np.any((np.abs(axes) > 0.1) & null[:, None, :], axis=2))
    reciprocal = np.where(null, 0.0, 1.0 / np.where(null, 1.0, values))
    inverse = (axes * reciprocal[:, None, :]) @ axes.transpose(0, 2, 1)
    inverse = np.where(used[:, :, None] & used[:, None, :], inverse / (unit[:, :, None] * unit[:, None, :]), 0.0)
    return inverse, lost


def with_unknown(covariance: Array, unknown: Flags) -> Array:
    """Return the covariance with NaN in the rows and columns of what is not known."""
    return np.where(unknown[:, :, None] | unknown[:, None, :], np.nan, covariance)


def covariances(
    model: SpectrumModel,
    columns: Array,
    values: Array,
    fitted: Array,
    y: Array,
    statistics: str,
    sigma: Array | None,
    lost: Flags,
    dof: NDArray[np.int64],
) -> Array:
    """Return the covariances within limits: see :func:`~.limited_covariance.with_areas`.

    Parameters
    ----------
    model, columns
        The model and its columns, shape (n, linear).
    values, fitted, y
        Linear parameters, shape (m, linear), the model there and intensities, shape (m, n).
    statistics, sigma
        As for :func:`surfspec.fitting.solver.solve`.
    lost
        What the data do not fix, shape (m, linear).
    dof
        Degrees of freedom, shape (m,).
    """
    count, p = model.shape_count, len(model.parameters)
    areas = np.zeros(columns.shape[1], dtype=bool)
    areas[model.area_columns] = True
    floor = LEAST_VARIANCE if statistics == "poisson" else 1e-3 * np.max(np.abs(y), axis=1, keepdims=True)
    given = statistics == "given" and sigma is not None
    weight = 1.0 / sigma if given and sigma is not None else 1.0 / np.sqrt(np.maximum(fitted, floor))
    scale = np.ones(y.shape[0])
    if statistics == "unknown":
        scale = np.sum(((y - fitted) * weight) ** 2, axis=1) / dof
    gram = _gram(columns, weight) / scale[:, None, None]
    slope = (((y - fitted) * weight**2) @ columns) / scale[:, None]
    used = ~lost & (np.einsum("mii->mi", gram) > 0)
    # a parameter that takes no part stands for itself
    alone = ~(used[:, :, None] & used[:, None, :])
    gram = np.where(alone, np.eye(columns.shape[1]), gram)
    low = np.where(areas | ~used, -np.inf, -values)
    found = limited_moments(gram, np.where(used, slope, 0.0), low=low, high=np.full_like(low, np.inf))
    out = np.zeros((y.shape[0], p, p))
    out[:, count:, count:] = np.where(alone, 0.0, found.covariance)
    unknown = np.zeros((y.shape[0], p), dtype=bool)
    unknown[:, count:] = ~used | (~areas & (values <= 0))
    return with_unknown(out, unknown)
