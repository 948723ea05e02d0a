"""Chi-square, runs and autocorrelation of residuals, for one fit or for many at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaincc

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def chi2_probability(deviance: ArrayLike, dof: ArrayLike) -> Array:
    """Return the probability of a deviance at least this large under the model.

    Parameters
    ----------
    deviance, dof
        Numbers, or arrays of one shape.

    Returns
    -------
    numpy.ndarray
        Of that shape.

    Examples
    --------
    >>> chi2_probability([10.0, 30.0], [10, 10]).round(4).tolist()
    [0.4405, 0.0009]
    """
    half = np.asarray(dof, dtype=np.float64) / 2
    return np.asarray(gammaincc(half, np.asarray(deviance, dtype=np.float64) / 2), dtype=np.float64)


def runs_score(residuals: Array) -> Array:
    r"""Return the standard score of too few runs of equal sign.

    .. math:: z = \frac{\mu - R}{\sigma}, \quad \mu = 1 + \frac{2 n_+ n_-}{n}, \quad
       \sigma^2 = \frac{(\mu - 1)(\mu - 2)}{n - 1}

    Residuals that are zero have no sign and are passed over; fewer than five of a sign tell nothing: a score of zero.

    Parameters
    ----------
    residuals
        In the order of the axis, shape (..., n).

    Returns
    -------
    numpy.ndarray
        Shape (...).

    References
    ----------
    Wald and Wolfowitz, Ann. Math. Stat. 11 (1940) 147.

    Examples
    --------
    >>> runs_score(np.repeat([[1.0, -1.0]], 10, axis=1)).round(2).tolist()
    [4.13]
    """
    up, down = residuals > 0, residuals < 0
    plus, minus = np.count_nonzero(up, axis=-1), np.count_nonzero(down, axis=-1)
    signed = bool(np.all(plus + minus == residuals.shape[-1]))
    changed = up[..., 1:] != up[..., :-1] if signed else _sign_changes(residuals)
    total = plus + minus
    runs = 1 + np.count_nonzero(changed, axis=-1)
    enough = (plus >= 5) & (minus >= 5)
    mean = 1 + 2.0 * plus * minus / np.maximum(total, 1)
    variance = np.where(enough, (mean - 1) * (mean - 2) / np.maximum(total - 1, 1), 1.0)
    return np.asarray(np.where(enough, (mean - runs) / np.sqrt(variance), 0.0))


def _sign_changes(residuals: Array) -> Mask:
    """Return where the sign is another than that of the last residual that had one, shape (..., n - 1)."""
    signs = np.sign(residuals)
    last = np.maximum.accumulate(np.where(signs != 0, np.arange(signs.shape[-1]), 0), axis=-1)
    before = np.take_along_axis(signs, last, axis=-1)[..., :-1]
    changed: Mask = (signs[..., 1:] != before) & (signs[..., 1:] != 0) & (before != 0)
    return changed


def autocorrelation_score(residuals: Array) -> Array:
    """Return the standard score of the lag-one autocorrelation, variance 1/n under independence.

    Parameters
    ----------
    residuals
        In the order of the axis, shape (..., n).

    Returns
    -------
    numpy.ndarray
        Shape (...); zero for fewer than ten points, for residuals that are all equal or that are no numbers.

    References
    ----------
    Bartlett, J. R. Stat. Soc. Suppl. 8 (1946) 27 for the variance.

    Examples
    --------
    >>> autocorrelation_score(np.array([[1.0, -1.0] * 8, [1.0] * 8 + [-1.0] * 8])).round(2).tolist()
    [-3.75, 3.25]
    """
    count = residuals.shape[-1]
    if count < 10:
        return np.zeros(residuals.shape[:-1])
    usable = np.all(np.abs(residuals) < 1e100, axis=-1)
    r = residuals if np.all(usable) else np.where(usable[..., None], residuals, 0.0)
    r = r - np.mean(r, axis=-1, keepdims=True)
    total = np.sum(r**2, axis=-1)
    lagged = np.sum(r[..., 1:] * r[..., :-1], axis=-1)
    return np.asarray(np.where(total > 0, lagged / np.where(total > 0, total, 1.0) * np.sqrt(count), 0.0))
