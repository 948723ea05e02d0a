"""Chi-square, runs, autocorrelation and normality of residuals, for one fit or for many at once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammainc, gammaincc, ndtri, ndtri_exp

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Fewest residuals whose skewness and kurtosis say something (D'Agostino and Pearson).
NORMAL_POINTS: Final = 20
#: Score from which residuals are not normal. The transformations are approximate in the tails: normal residuals, and
#: counts of 0.3 to 300, exceed 4 in 2e-4 to 7e-4 of cases and 5 in 4e-5 to 1e-4 (20 to 400 points, simulated).
NOT_NORMAL: Final = 5.0
#: Multiples of the golden ratio spread the residuals of counts evenly; doubles end at the farthest of them.
_GOLDEN: Final = 0.6180339887498949
_FARTHEST: Final = 37.0


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


def normality_score(residuals: Array) -> Array:
    r"""Return how improbable skewness and kurtosis of residuals are under a normal distribution, as a standard score.

    .. math:: K^2 = Z_1^2(\sqrt{b_1}) + Z_2^2(b_2) \sim \chi^2_2, \qquad s = \Phi^{-1}(1 - P(\chi^2_2 > K^2))

    with the normalising transformations :math:`Z_1` of the skewness and :math:`Z_2` of the kurtosis. One spike, or a
    part of the axis where the scatter is larger, is seen by it and by no test of the order of the residuals. Location
    and scale of the residuals do not matter. Residuals of counts go through :func:`quantile_residuals` first.

    Parameters
    ----------
    residuals
        Shape (..., n).

    Returns
    -------
    numpy.ndarray
        Shape (...); zero for fewer than twenty points, for residuals that are all equal or that are no numbers.

    References
    ----------
    D'Agostino and Pearson, Biometrika 60 (1973) 613; D'Agostino, Biometrika 57 (1970) 679 (skewness); Anscombe and
    Glynn, Biometrika 70 (1983) 227 (kurtosis).

    Examples
    --------
    >>> from scipy.special import ndtri
    >>> normal = ndtri((np.arange(100) + 0.5) / 100)
    >>> spike = np.where(np.arange(100) == 40, 7.0, normal)
    >>> normality_score(np.stack([normal, spike])).round(1).tolist()
    [-2.8, 7.3]
    """
    n = residuals.shape[-1]
    if n < NORMAL_POINTS:
        return np.zeros(residuals.shape[:-1])
    usable = np.all(np.abs(residuals) < 1e70, axis=-1)
    r = np.where(usable[..., None], residuals, 0.0)
    r = r - np.mean(r, axis=-1, keepdims=True)
    second = np.mean(r**2, axis=-1)
    usable = usable & (second > 0)
    second = np.where(usable, second, 1.0)
    skew, kurtosis = np.mean(r**3, axis=-1) / second**1.5, np.mean(r**4, axis=-1) / second**2
    half = (_skewness_score(skew, n) ** 2 + _kurtosis_score(kurtosis, n) ** 2) / 2
    # P(chi2 of 2 > K2) = exp(-K2 / 2), whose logarithm cannot underflow
    score = -ndtri_exp(-np.maximum(half, 1e-300))
    return np.asarray(np.where(usable, score, 0.0))


def _skewness_score(skew: Array, n: int) -> Array:
    """Return D'Agostino's normal score of a sample skewness."""
    y = skew * np.sqrt((n + 1) * (n + 3) / (6.0 * (n - 2)))
    beta = 3.0 * (n**2 + 27 * n - 70) * (n + 1) * (n + 3) / ((n - 2) * (n + 5) * (n + 7) * (n + 9))
    w2 = np.sqrt(2 * (beta - 1)) - 1
    return np.asarray(np.arcsinh(y * np.sqrt((w2 - 1) / 2)) / np.sqrt(np.log(w2) / 2))


def _kurtosis_score(kurtosis: Array, n: int) -> Array:
    """Return Anscombe and Glynn's normal score of a sample kurtosis."""
    mean = 3.0 * (n - 1) / (n + 1)
    variance = 24.0 * n * (n - 2) * (n - 3) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    x = (kurtosis - mean) / np.sqrt(variance)
    skew = 6.0 * (n**2 - 5 * n + 2) / ((n + 7) * (n + 9)) * np.sqrt(6.0 * (n + 3) * (n + 5) / (n * (n - 2) * (n - 3)))
    a = 6 + 8 / skew * (2 / skew + np.sqrt(1 + 4 / skew**2))
    ratio = np.cbrt((1 - 2 / a) / (1 + x * np.sqrt(2 / (a - 4))))
    return np.asarray((1 - 2 / (9 * a) - ratio) / np.sqrt(2 / (9 * a)))


def quantile_residuals(counts: Array, model: Array) -> Array:
    r"""Return randomised quantile residuals of counts: normal under the model, however few the counts are.

    .. math:: r = \Phi^{-1}(F(d - 1) + v\,[F(d) - F(d - 1)]), \qquad v \sim U(0, 1)

    with the Poisson distribution function F of the model. The numbers v are evenly spread, and the same in every call,
    so that the same data give the same answer. (Pearson's residuals of 2 counts have a skewness of 0.7, and few
    values.)

    Parameters
    ----------
    counts, model
        Observed and expected counts, shape (..., n); the model above 0.

    Returns
    -------
    numpy.ndarray
        Shape (..., n); within 37 of zero.

    References
    ----------
    Dunn and Smyth, J. Comput. Graph. Stat. 5 (1996) 236.

    Examples
    --------
    >>> d = np.random.default_rng(0).poisson(2.0, 4000).astype(float)
    >>> r = quantile_residuals(d, np.full(4000, 2.0))
    >>> abs(round(float(r.mean()), 1)), round(float(r.std()), 1)
    (0.0, 1.0)
    """
    d, m = np.asarray(counts, dtype=np.float64), np.asarray(model, dtype=np.float64)
    v = np.modf((np.arange(d.shape[-1]) + 0.5) * _GOLDEN)[0]
    lower, some = d < m, np.maximum(d, 0.5)  # of no counts F(d - 1) is 0, whatever is computed there
    # each tail by itself: one less a small probability would round
    low = ndtri((1 - v) * np.where(d > 0, gammaincc(some, m), 0.0) + v * gammaincc(d + 1, m))
    high = -ndtri((1 - v) * np.where(d > 0, gammainc(some, m), 1.0) + v * gammainc(d + 1, m))
    return np.asarray(np.clip(np.where(lower, low, high), -_FARTHEST, _FARTHEST))


def normal_residuals(pulls: Array, fitted: Array, statistics: str) -> Array:
    """Return residuals that are normal under the model: :func:`quantile_residuals` of counts, else the pulls.

    Parameters
    ----------
    pulls
        Residuals over their expected standard deviation, shape (..., n); for counts (d - m) / sqrt(m).
    fitted
        The model, shape (..., n).
    statistics
        ``"poisson"``, ``"given"`` or ``"unknown"``.

    Examples
    --------
    >>> normal_residuals(np.array([0.0, 2.0]), np.array([400.0, 400.0]), "poisson").round(1).tolist()
    [0.0, 2.0]
    """
    if statistics != "poisson":
        return pulls
    with np.errstate(invalid="ignore"):
        model = np.where(fitted > 0, fitted, 1e-9)
        counts = np.where(np.isfinite(pulls), np.maximum(model + pulls * np.sqrt(model), 0.0), model)
        return quantile_residuals(counts, model)
