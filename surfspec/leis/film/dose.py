r"""How coverage falls with ion dose: layers removed at random sites, averaged over each spectrum's own dose.

A film of :math:`n_0` monolayers, of which sites lose one layer at a time with the removal cross-section
:math:`\sigma`, covers the substrate at dose `D` by

.. math:: \theta(D) = \theta_0\,Q(n_0, \sigma D), \qquad Q(1, x) = e^{-x},

with the regularised upper incomplete gamma function `Q` (Poisson statistics of the removed layers). A spectrum measured
while the dose rises from :math:`D_{k-1}` to :math:`D_k` sees the mean of that,
:math:`\bar\theta_k = \theta_0 [F(x_k) - F(x_{k-1})]/(x_k - x_{k-1})` with
:math:`F(x) = \int_0^x Q(n_0, t)\,dt = x\,Q(n_0, x) + n_0\,P(n_0 + 1, x)`. Taking the dose at the end instead inflates
the coverage at zero dose, by 4 % at :math:`\sigma\Delta D = 0.08` and by 23 % at 0.4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc, gammaincc, gammaln

from surfspec.errors import InputError
from surfspec.fitting.model import Parameter
from surfspec.fitting.solver import solve

Array = NDArray[np.float64]

#: Variance of a coverage from which it is none: that of a dose whose spectra failed, which still ends an interval.
MISSING = 1e6


def without_missing(coverage: Array, covariance: Array) -> tuple[Array, Array]:
    """Return coverages and covariance in which a dose without a coverage has no weight.

    Its interval stays, so that the next spectrum does not take over its dose.

    Examples
    --------
    >>> value, matrix = without_missing(np.array([0.5, np.nan]), np.diag([0.01, np.nan]))
    >>> value.tolist(), bool(matrix[1, 1] > MISSING)
    ([0.5, 0.0], True)
    """
    lost = ~(np.isfinite(coverage) & np.isfinite(np.diag(covariance)))
    value, matrix = np.where(lost, 0.0, coverage), covariance.copy()
    matrix[lost, :] = matrix[:, lost] = 0.0
    matrix[lost, lost] = 10.0 * MISSING
    return value, matrix


def mean_coverage(layers: int, start: Array, end: Array, *, interval: bool = True) -> tuple[Array, Array]:
    r"""Mean of :math:`Q(n_0, x)` over each interval, and its derivative by :math:`\ln\sigma`.

    Parameters
    ----------
    layers
        :math:`n_0`, 1 or more.
    start, end
        :math:`\sigma D` at the beginning and end of each spectrum, shape (k,).
    interval
        Average over the interval; without, the value at its end, as if a spectrum took no dose of its own: only to see
        what that neglect costs.

    Returns
    -------
    mean, slope
        Of the shape of `end`, 1.

    Examples
    --------
    >>> mean, _ = mean_coverage(1, np.array([0.0]), np.array([0.4]))
    >>> round(float(mean[0] / np.exp(-0.4)), 2)
    1.23
    """
    if not interval:
        slope = -np.exp(layers * np.log(np.maximum(end, 1e-300)) - end - gammaln(layers))
        return np.asarray(gammaincc(layers, end)), np.asarray(slope)

    def integral(x: Array) -> Array:
        return np.asarray(x * gammaincc(layers, x) + layers * gammainc(layers + 1, x))

    width = end - start
    mean = (integral(end) - integral(start)) / width
    # d/dln(sigma) of [F(x2) - F(x1)]/(x2 - x1): F'(x) x = x Q(x), and the width scales with sigma
    slope = (end * gammaincc(layers, end) - start * gammaincc(layers, start)) / width - mean
    return mean, np.asarray(slope)


@dataclass(frozen=True)
class DoseFit:
    """The dose model of one film thickness.

    Attributes
    ----------
    layers
        Monolayers of the film.
    zero_dose, zero_dose_unc
        Coverage before any dose, 1.
    cross_section, cross_section_unc
        Removal cross-section, cm2.
    covariance
        Of the two, off-diagonal element, cm2.
    chi2
        Chi-square of the doses.
    fitted
        Coverage of each spectrum, shape (k,).
    share
        Part of the surface that is a layer thicker (negative: thinner).
    """

    layers: int
    zero_dose: float
    zero_dose_unc: float
    cross_section: float
    cross_section_unc: float
    covariance: float
    chi2: float
    fitted: Array
    share: float = 0.0


class _Whitened:
    """The dose model seen through the inverse root of the data's covariance, so that all points weigh one."""

    def __init__(self, layers: int, start: Array, end: Array, root: Array, scale: float, interval: bool) -> None:
        self.layers, self.start, self.end, self.root, self.scale = layers, start, end, root, scale
        self.interval = interval
        self.parameters: tuple[Parameter, ...] = ()

    def mean(self, values: Array) -> tuple[Array, Array]:
        sigma = np.exp(values[1]) * self.scale
        mean, slope = mean_coverage(self.layers, sigma * self.start, sigma * self.end, interval=self.interval)
        return values[0] * mean, np.stack([mean, values[0] * slope], axis=1)

    def evaluate(self, values: Array) -> Array:
        return np.asarray(self.root @ self.mean(values)[0])

    def jacobian(self, values: Array) -> Array:
        return np.asarray(self.root @ self.mean(values)[1])


def fit_dose(
    dose: Array, coverage: Array, covariance: Array, layers: int, *, start_dose: float = 0.0, interval: bool = True
) -> DoseFit:
    """Fit coverage at zero dose and removal cross-section for a film of `layers` monolayers.

    Parameters
    ----------
    dose
        Cumulated dose at the end of each spectrum, rising, shape (k,), ions/cm2.
    coverage, covariance
        Mean coverage in each spectrum, shape (k,), and its covariance, shape (k, k).
    layers
        Film thickness in monolayers.
    start_dose
        Dose before the first spectrum, ions/cm2.
    interval
        As in :func:`mean_coverage`.

    Returns
    -------
    DoseFit
        The coverage at zero dose never exceeds 1.

    Raises
    ------
    InputError
        For fewer than three doses, doses that do not rise, or a covariance that is none.

    Examples
    --------
    >>> dose = np.array([1.6e15, 3.2e15, 4.8e15, 6.4e15])
    >>> x = np.concatenate([[0.0], 2.5e-16 * dose])
    >>> seen = 0.9 * mean_coverage(2, x[:-1], x[1:])[0]
    >>> result = fit_dose(dose, seen, 1e-4 * np.eye(4), 2)
    >>> round(result.zero_dose, 3), round(result.cross_section * 1e16, 3)
    (0.9, 2.5)
    """
    edges = check_doses(dose, start_dose)
    root = whitening(covariance)
    scale = 1.0 / float(edges[-1])
    problem = _Whitened(layers, edges[:-1], edges[1:], root, scale, interval)
    first = float(np.clip(coverage[np.diag(covariance) < MISSING][0], 1e-3, 0.999))
    starts = [np.array([first, np.log(x)]) for x in (0.03, 0.3, 1.0, 3.0)]
    problem.parameters = (
        Parameter("zero-dose coverage", first, 0.0, 1.0),
        Parameter("log cross-section", 0.0, np.log(1e-4), np.log(50.0)),
    )
    solution = solve(problem, root @ coverage, statistics="given", sigma=np.ones(dose.size), starts=starts)
    sigma = float(np.exp(solution.values[1]) * scale)
    jacobian = problem.jacobian(solution.values)
    fisher = jacobian.T @ jacobian
    errors = np.linalg.pinv(fisher, rcond=1e-12, hermitian=True)
    determined = np.linalg.cond(fisher) < 1e12
    unc = np.sqrt(np.diag(errors)) if determined else np.full(2, np.inf)
    return DoseFit(
        layers=layers,
        zero_dose=float(solution.values[0]),
        zero_dose_unc=float(unc[0]),
        cross_section=sigma,
        cross_section_unc=float(sigma * unc[1]),
        covariance=float(sigma * errors[0, 1]),
        chi2=solution.chi2,
        fitted=problem.mean(solution.values)[0],
    )


def whitening(covariance: Array) -> Array:
    """Return the inverse root of a covariance, or raise.

    Raises
    ------
    InputError
        For one that is not symmetric and positive definite.
    """
    try:
        if not np.allclose(covariance, covariance.T, rtol=1e-6, atol=0.0):
            raise np.linalg.LinAlgError
        return np.asarray(np.linalg.inv(np.linalg.cholesky(covariance)))
    except np.linalg.LinAlgError as error:
        raise InputError(
            "the covariance of the coverages is not symmetric and positive definite",
            where="coverage",
            remedy="Check the uncertainties of the fits that the coverages come from",
        ) from error


def check_doses(dose: Array, start_dose: float = 0.0) -> Array:
    """Return the edges of the dose intervals, shape (k + 1,), or raise.

    Examples
    --------
    >>> check_doses(np.array([1.0, 2.0, 4.0])).tolist()
    [0.0, 1.0, 2.0, 4.0]
    """
    if dose.size < 3:
        raise InputError(
            f"{dose.size} doses cannot determine a coverage and a cross-section",
            where="dose",
            remedy="Measure at least three spectra, one after the other, on one spot",
        )
    edges = np.concatenate([[start_dose], dose])
    if start_dose >= 0 and dose[0] <= start_dose and np.all(np.diff(dose) > 0):
        raise InputError(
            f"the first spectrum ends at the dose {dose[0]:g}, and begins at {start_dose:g}",
            where="dose",
            remedy="Give the cumulated dose at the end of each spectrum, not at its beginning",
        )
    if not np.all(np.isfinite(edges)) or np.any(np.diff(edges) <= 0) or start_dose < 0:
        raise InputError(
            f"doses {', '.join(f'{d:g}' for d in edges)} do not rise",
            where="dose",
            remedy="Give the cumulated dose at the end of each spectrum, in order, in ions/cm2",
        )
    return edges
