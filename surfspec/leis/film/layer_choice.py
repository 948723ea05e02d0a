r"""Which number of monolayers a dose series speaks for, and what it says whichever that is.

For each thickness the chi-square is a quadratic form in :math:`\theta_0` at every cross-section, so that profile and
integral over both are sums over a grid of :math:`\ln\sigma` (:mod:`surfspec.leis.film.grid_profile`). The evidence of a
thickness is

.. math:: Z_n = \int_0^1 d\theta_0 \int p(\ln\sigma)\,d\ln\sigma\; e^{-\chi^2_n(\theta_0, \sigma)/2}

with flat priors on :math:`\theta_0` and on :math:`\ln\sigma` over
:data:`~surfspec.leis.film.grid_profile.CROSS_SECTIONS`, the same for all thicknesses; every thickness of :data:`LAYERS`
is as likely as another beforehand, unless a thickness measured otherwise is given.

No film has one thickness everywhere. A share `f` of the surface may be a layer thicker (or, negative, thinner), with
:math:`|f| \le 1/2` and a Gaussian prior of standard deviation `roughness` about none: the film of `n` monolayers is one
whose mean thickness rounds to `n`. Without it the shape of the curve is held for exact, and decides for the wrong
number of layers with certainty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from surfspec.errors import InputError
from surfspec.leis.film import dose_curve
from surfspec.leis.film.averaging import Average, average
from surfspec.leis.film.dose import MISSING, DoseFit, check_doses, fit_dose, mean_coverage
from surfspec.leis.film.grid_profile import (
    Profile,
    film_curve,
    interval_of,
    lowest,
    neighbours,
    profile,
    zero_dose_interval,
)

Array = NDArray[np.float64]

#: Film thicknesses compared, in monolayers.
LAYERS = (1, 2, 3, 4)
#: Loss of chi-square (99 %, one degree of freedom) up to which a thickness is not excluded.
NOT_EXCLUDED = 6.63
#: Relative uncertainty of the removal cross-section from which it is called not identifiable.
IDENTIFIABLE = 0.5
#: Standard deviation of that share beforehand.
ROUGHNESS = 0.25


@dataclass(frozen=True)
class Comparison:
    """Film thicknesses compared.

    Attributes
    ----------
    fits
        One for each of :data:`LAYERS`.
    best
        The most probable one.
    not_excluded
        The most probable number of monolayers, and those whose chi-square is within :data:`NOT_EXCLUDED` of the least.
    probability
        Posterior of each of :data:`LAYERS`.
    aicc
        Akaike's criterion for small samples, chi-square + 4 + 12/(k - 3); infinite for three doses.
    average
        Coverage at zero dose and cross-section over all numbers of monolayers.
    layers_unc
        Standard deviation of the layers about the most probable number, at least that of a whole layer, 1/sqrt(12).
    identifiable
        Whether the cross-section is known to better than :data:`IDENTIFIABLE`, and its interval is closed.
    curve_dose, curve, curve_unc
        Coverage along the dose from none to the last, whichever the thickness, and its standard deviation
        (:mod:`surfspec.leis.film.dose_curve`).
    """

    fits: tuple[DoseFit, ...]
    best: DoseFit
    not_excluded: tuple[int, ...]
    probability: Array
    aicc: Array
    average: Average
    layers_unc: float
    identifiable: bool
    curve_dose: Array
    curve: Array
    curve_unc: Array


def thickness_terms(thickness: tuple[float, float] | None, monolayer: float) -> Array:
    r"""Return what a thickness measured otherwise adds to the chi-square of each of :data:`LAYERS`.

    A film of `n` monolayers may have any thickness within half a layer of :math:`n d`, so that the uncertainty of the
    measured one is widened by :math:`d/\sqrt{12}`.

    Parameters
    ----------
    thickness
        Value and standard uncertainty, nm; None for none.
    monolayer
        Thickness of one, nm.

    Raises
    ------
    InputError
        For an uncertainty that is not positive.
    """
    layers = np.array(LAYERS, dtype=np.float64)
    if thickness is None:
        return np.zeros(layers.size)
    try:
        value, unc = (float(one) for one in thickness)
    except (TypeError, ValueError):
        value = unc = np.nan
    if not (value >= 0 and np.isfinite(value) and unc > 0 and np.isfinite(unc)):
        raise InputError(
            f"thickness is {thickness}", where="thickness", remedy="Give (a value, a positive uncertainty) in nm"
        )
    return np.asarray((layers * monolayer - value) ** 2 / (unc**2 + monolayer**2 / 12.0))


def compare_layers(
    dose: Array,
    coverage: Array,
    covariance: Array,
    *,
    start_dose: float = 0.0,
    interval: bool = True,
    roughness: float = 0.0,
    thickness: tuple[float, float] | None = None,
    monolayer: float = 0.238,
) -> Comparison:
    """Fit the dose model for each film thickness and compare them by chi-square and evidence.

    Parameters
    ----------
    dose, coverage, covariance, start_dose, interval
        As for :func:`surfspec.leis.film.dose.fit_dose`.
    roughness
        As for :func:`surfspec.leis.film.grid_profile.profile`.
    thickness
        Thickness known otherwise, from the edge of the in-depth signal say, with its standard uncertainty, nm.
    monolayer
        Thickness of a monolayer, nm.

    Returns
    -------
    Comparison
        Four points can choose among thicknesses, hardly more: read ``not_excluded``.
    """
    profiles = [
        profile(dose, coverage, covariance, n, start_dose=start_dose, interval=interval, roughness=roughness)
        for n in LAYERS
    ]
    if roughness > 0:
        fits = tuple(_at_least(one, n, dose, start_dose, interval) for one, n in zip(profiles, LAYERS, strict=True))
    else:
        fits = tuple(fit_dose(dose, coverage, covariance, n, start_dose=start_dose, interval=interval) for n in LAYERS)
    extra = thickness_terms(thickness, monolayer)
    chi2 = np.array([one.chi2 for one in fits]) + extra
    rise = chi2 - chi2.min()
    evidence = [float(logsumexp(one.log_density())) - 0.5 * float(e) for one, e in zip(profiles, extra, strict=True)]
    pick = int(np.argmax(evidence))  # a chi-square alone may tie
    best = fits[pick]
    own = interval_of(profiles[pick].log_sigma, profiles[pick].chi2())
    found = average(profiles, extra, best.cross_section, own)
    spread = float(found.probability @ (np.array(LAYERS) - best.layers) ** 2)
    curve = np.min([one.chi2() + term for one, term in zip(profiles, extra, strict=True)], axis=0)
    low, high = interval_of(profiles[0].log_sigma, curve)
    curve_dose = np.linspace(0.0, float(dose[-1]), dose_curve.POINTS)
    mean, unc = dose_curve.dose_curve(profiles, LAYERS, extra, curve_dose)
    points = int(np.sum(np.diag(covariance) < MISSING))
    small = 12.0 / (points - 3) if points > 3 else np.inf
    return Comparison(
        fits=fits,
        best=best,
        not_excluded=tuple(n for i, n in enumerate(LAYERS) if rise[i] <= NOT_EXCLUDED or i == pick),
        probability=found.probability,
        aicc=np.array([one.chi2 for one in fits]) + 4.0 + small,
        average=found,
        layers_unc=float(np.sqrt(1.0 / 12.0 + spread)),
        identifiable=bool(
            best.cross_section_unc < IDENTIFIABLE * best.cross_section and np.isfinite(low) and np.isfinite(high)
        ),
        curve_dose=curve_dose,
        curve=mean,
        curve_unc=unc,
    )


def _at_least(one: Profile, layers: int, dose: Array, start_dose: float, interval: bool) -> DoseFit:
    """Return the fit at the least chi-square of a profile, with uncertainties by its rise."""
    every = one.everywhere()
    f, k = np.unravel_index(int(np.argmin(every)), every.shape)
    sigma, share = float(np.exp(lowest(one.log_sigma, every[f], int(k)))), float(one.shares[f])
    theta = float(np.clip(one.best[f, k], 0.0, 1.0))
    low, high = interval_of(one.log_sigma, one.chi2())
    log_unc = 0.5 * (high - low) if np.isfinite(high - low) else np.inf
    theta_low, theta_high = zero_dose_interval([one], [0.0])
    edges = check_doses(dose, start_dose)
    curves = {
        n: mean_coverage(n, sigma * edges[:-1], sigma * edges[1:], interval=interval)[0]
        for n in {layers, *neighbours(layers, np.array([share]))}
    }
    return DoseFit(
        layers=layers,
        zero_dose=theta,
        zero_dose_unc=max(0.5 * (theta_high - theta_low), float(one.curvature[f, k] ** -0.5)),
        cross_section=sigma,
        cross_section_unc=sigma * log_unc,
        covariance=np.nan,
        chi2=float(every[f, k]),
        fitted=theta * film_curve(curves, layers, share),
        share=share,
    )
