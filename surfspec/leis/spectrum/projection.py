r"""Variable projection with non-negative linear parameters, and the set that lies on zero.

For fixed non-linear parameters the linear ones follow from weighted non-negative least squares (Lawson and Hanson,
1974); the outer search moves the few non-linear ones alone, with the projected Jacobian of Kaufman (BIT 15
(1975) 49). Counts are weighted by the variance of the model and reweighted until that settles, so that the end is
close to the Poisson likelihood, which :func:`surfspec.fitting.solver.solve` then maximises.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares, nnls

from surfspec.leis.model import SpectrumModel

Array = NDArray[np.float64]

#: Rounds of reweighting, and sweeps of the outer search in each.
ROUNDS = 3
SWEEPS = 25
#: Relative change of the cost and of the parameters that ends a search; what follows is the solver's.
FTOL, XTOL = 1e-4, 1e-3


def linear_part(columns: Array, y: Array, sigma: Array) -> Array:
    """Return the non-negative linear parameters that fit `y` best, shape (linear,).

    Parameters
    ----------
    columns
        Shape (n, linear).
    y, sigma
        Data and standard uncertainties, shape (n,).

    Examples
    --------
    >>> linear_part(np.eye(2), np.array([3.0, -1.0]), np.ones(2)).tolist()
    [3.0, 0.0]
    """
    scaled = columns / sigma[:, None]
    size = np.sqrt(np.sum(scaled**2, axis=0))
    size = np.where(size > 0, size, 1.0)
    # the normal equations through QR: the same minimum in far fewer rows
    q, r = np.linalg.qr(scaled / size)
    values, _ = nnls(r, q.T @ (y / sigma), maxiter=50 * size.size)
    return np.asarray(values / size)


def expected_sigma(model: Array, y: Array, statistics: str, sigma: Array | None, least: float = 1.0) -> Array:
    """Return the standard uncertainty of each point: given, or from the expected counts.

    Parameters
    ----------
    model, y
        Shape (n,).
    statistics, sigma
        As for :func:`surfspec.fitting.solver.solve`.
    least
        Smallest variance of counts: 1 where counts stand for their own variance, far less where the model is known.
    """
    if statistics == "given" and sigma is not None:
        return sigma
    floor = least if statistics == "poisson" else 1e-3 * float(np.max(np.abs(y)))
    return np.sqrt(np.maximum(model, floor))


def project(
    model: SpectrumModel,
    y: Array,
    *,
    statistics: str,
    sigma: Array | None = None,
    start: Array | None = None,
    weight: Array | None = None,
) -> Array:
    """Return values of all parameters close to the best fit, shape (parameters,).

    Parameters
    ----------
    model
        The model on its points.
    y
        Intensities, shape (n,).
    statistics, sigma
        As for :func:`surfspec.fitting.solver.solve`.
    start
        Start of the non-linear parameters, shape (shape_count,); by default the model's own.
    weight
        Standard uncertainties that are known already, shape (n,): one round finds what they ask for.
    """
    count = model.shape_count
    shape = np.array([p.value for p in model.parameters[:count]]) if start is None else np.array(start, dtype=float)
    low = np.array([p.low for p in model.parameters[:count]])
    high = np.array([p.high for p in model.parameters[:count]])
    margin = 1e-6 * (high - low)
    shape = np.clip(shape, low + margin, high - margin)
    known = weight is not None or statistics == "given"
    if weight is None:
        width = max(3, 2 * (y.size // 60) + 1)
        smooth = np.convolve(np.pad(y, width // 2, mode="edge"), np.ones(width) / width, mode="valid")
        weight = expected_sigma(smooth, y, statistics, sigma)
    linear = linear_part(model.design(shape), y, weight)
    # a shoulder that is not there has no edge: its lag would wander without end
    idle = model.idle_lags(shape, linear, weight)
    shape = np.where(idle, low, shape)
    for _ in range(ROUNDS):
        shape, linear = _search(model, y, weight, shape, (low, high), idle)
        if known:
            break
        weight = expected_sigma(model.design(shape) @ linear, y, statistics, sigma)
    linear = linear_part(model.design(shape), y, weight)
    return np.concatenate([shape, linear])


def _search(
    model: SpectrumModel,
    y: Array,
    weight: Array,
    shape: Array,
    bounds: tuple[Array, Array],
    idle: NDArray[np.bool_],
) -> tuple[Array, Array]:
    free = np.array([p.vary for p in model.parameters[: model.shape_count]]) & ~idle
    if not np.any(free):
        return shape, linear_part(model.design(shape), y, weight)

    def whole(values: Array) -> Array:
        out = shape.copy()
        out[free] = values
        return out

    last: list[tuple[bytes, Array, Array]] = []  # residual and slopes are asked for at the same values

    def at(values: Array) -> tuple[Array, Array]:
        key = values.tobytes()
        if not last or last[0][0] != key:
            columns = model.design(whole(values))
            last[:] = [(key, columns, linear_part(columns, y, weight))]
        return last[0][1], last[0][2]

    def residual(values: Array) -> Array:
        columns, linear = at(values)
        return np.asarray((columns @ linear - y) / weight)

    def slopes(values: Array) -> Array:
        columns, linear = at(values)
        basis, _ = np.linalg.qr(columns[:, linear > 0] / weight[:, None])
        moved = model.slopes(whole(values), linear)[:, free] / weight[:, None]
        return np.asarray(moved - basis @ (basis.T @ moved))

    found = least_squares(
        residual, shape[free], jac=slopes, bounds=(bounds[0][free], bounds[1][free]), x_scale="jac",
        ftol=FTOL, xtol=XTOL, gtol=1e-8, max_nfev=SWEEPS,
    )  # fmt: skip
    best = whole(found.x)
    return best, linear_part(model.design(best), y, weight)
