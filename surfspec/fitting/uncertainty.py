"""Sums, ratios and fractions with their covariance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError

Array = NDArray[np.float64]


def total(values: Array, covariance: Array) -> tuple[float, float]:
    """Return a sum and its standard uncertainty, ``u^2 = sum_ij C_ij``.

    Parameters
    ----------
    values
        Shape (k,).
    covariance
        Shape (k, k).

    Examples
    --------
    >>> import numpy as np
    >>> total(np.array([1.0, 2.0]), np.array([[1.0, 0.5], [0.5, 2.0]]))
    (3.0, 2.0)
    """
    _matching(values, covariance)
    return float(np.sum(values)), float(np.sqrt(max(0.0, float(np.sum(covariance)))))


def linear(matrix: Array, values: Array, covariance: Array) -> tuple[Array, Array]:
    """Return ``M v`` and ``M C M^T``.

    Parameters
    ----------
    matrix
        Shape (m, k).
    values, covariance
        Shapes (k,) and (k, k).
    """
    _matching(values, covariance)
    return matrix @ values, matrix @ covariance @ matrix.T


def ratio(
    numerator: float, u_numerator: float, denominator: float, u_denominator: float, covariance: float = 0.0
) -> tuple[float, float]:
    r"""Return a ratio and its uncertainty, first order.

    .. math:: u^2(r) = [u_a^2 + r^2 u_b^2 - 2 r\,\mathrm{cov}(a, b)] / b^2

    NaN where the denominator is not determined or is zero within its uncertainty.

    Examples
    --------
    >>> ratio(2.0, 0.2, 1.0, 0.1)
    (2.0, 0.28284271247461906)
    """
    if not np.isfinite(denominator) or abs(denominator) <= abs(u_denominator):
        return float("nan"), float("nan")
    value = numerator / denominator
    variance = (u_numerator**2 + value**2 * u_denominator**2 - 2 * value * covariance) / denominator**2
    return float(value), float(np.sqrt(max(variance, 0.0)) if np.isfinite(variance) else np.nan)


def fractions(values: Array, covariance: Array, included: NDArray[np.bool_] | None = None) -> tuple[Array, Array]:
    r"""Return shares of a sum and their covariance.

    .. math:: f_j = v_j / T, \qquad T = \sum_{k\,\in\,\mathrm{included}} v_k, \qquad
              \partial f_j / \partial v_k = (\delta_{jk} - f_j [k \in \mathrm{included}]) / T

    Parameters
    ----------
    values
        Shape (k,).
    covariance
        Shape (k, k).
    included
        Which values enter the sum; all by default. The others are still divided by it.

    Returns
    -------
    fractions, covariance
        Shapes (k,) and (k, k).

    Raises
    ------
    InputError
        Where the sum is not positive.

    Examples
    --------
    >>> import numpy as np
    >>> f, c = fractions(np.array([1.0, 3.0]), np.diag([0.01, 0.03]))
    >>> f.tolist(), bool(np.isclose(c.sum(), 0))
    ([0.25, 0.75], True)
    """
    _matching(values, covariance)
    chosen = np.ones(values.size, dtype=bool) if included is None else included
    sum_ = float(np.sum(values[chosen]))
    if not sum_ > 0:
        raise InputError(f"the sum of the values is {sum_:g}", remedy="At least one included value must be positive")
    share = values / sum_
    gradient = (np.eye(values.size) - np.outer(share, chosen.astype(float))) / sum_
    return share, gradient @ covariance @ gradient.T


def _matching(values: Array, covariance: Array) -> None:
    if covariance.shape != (values.size, values.size):
        raise InputError(
            f"{values.size} values with a covariance of shape {covariance.shape}",
            remedy="Give a square matrix with one row for each value",
        )
