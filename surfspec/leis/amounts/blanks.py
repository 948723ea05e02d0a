"""Blanks: what the same fit finds of an element on a sample without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from surfspec.errors import InputError
from surfspec.leis.amounts.inputs import elements_of, recipe_of
from surfspec.leis.amounts.signal import signed_areas

Array = NDArray[np.float64]

#: Values of the scatter over which a chance is averaged.
GRID = 100


@dataclass(frozen=True)
class Blank:
    """Signed shares that a fit finds where the element is absent, and their uncertainties, shape (n,)."""

    share: Array
    share_unc: Array


def blank_p_value(seen: Array, seen_unc: Array, blank: Blank) -> float:
    r"""Chance of a mean apparent share at least this large on a sample without the element.

    Shares scatter about one false share `b` by their uncertainties and by :math:`\tau`, which is the error of the
    spectral model that differs from spectrum to spectrum. Both are unknown, and the chance is averaged over what the
    blanks tell of them:

    .. math:: p = \int P\Big(z \ge \frac{\bar r - \hat b(\tau)}{\sqrt{v(\tau)}}\Big)\,p(\tau|r_b)\,d\tau, \qquad
              v = \frac{\overline{u^2} + \tau^2}{m} + \Big(\sum_b \frac{1}{u_b^2 + \tau^2}\Big)^{-1}

    with a flat prior for `b` and a half-Cauchy prior for :math:`\tau`, whose scale is half the scatter of the blanks,
    counting included. Over drawn samples the rate of false calls at 0.05 is 0.03 to 0.07 with six blanks or more,
    whatever :math:`\tau`; with three it is 0.02 to 0.09.

    Parameters
    ----------
    seen, seen_unc
        Signed shares of the element in the `m` spectra in question and their uncertainties, shape (m,).
    blank
        The same where the element is absent, at least three.

    Returns
    -------
    float
        One-sided.

    References
    ----------
    Currie, Pure Appl. Chem. 67 (1995) 1699 (IUPAC): decisions from blanks; Gelman, Bayesian Anal. 1 (2006) 515: the
    prior of a scatter.

    Examples
    --------
    >>> unc = np.full(3, 0.01)
    >>> blank_p_value(np.array([0.02]), unc[:1], Blank(np.array([0.01, 0.02, 0.03]), unc)) > 0.4
    True
    """
    scale = 0.5 * np.sqrt(np.var(blank.share, ddof=1) + np.mean(blank.share_unc**2))
    tau = scale * np.tan((np.arange(GRID) + 0.5) / GRID * np.pi / 2)  # equal steps of the prior's probability
    variance = blank.share_unc[:, None] ** 2 + tau**2
    weight = np.sum(1.0 / variance, axis=0)
    false = np.sum(blank.share[:, None] / variance, axis=0) / weight
    squares = np.sum((blank.share[:, None] - false) ** 2 / variance, axis=0)
    log = -0.5 * (np.sum(np.log(variance), axis=0) + np.log(weight) + squares)
    posterior = np.exp(log - np.max(log))
    own = np.mean(np.where(np.isfinite(seen_unc), seen_unc, 0.0) ** 2)
    spread = np.sqrt((own + tau**2) / seen.size + 1.0 / weight)
    return float(posterior @ norm.sf((np.mean(seen) - false) / spread) / np.sum(posterior))


def model_part(blank: Blank, members: NDArray[np.int64]) -> Array:
    r"""Return the standard uncertainty of a mean share by the spectral model, as large as its error on the blank.

    .. math:: u^2 = \bar b^2 + \frac{s^2}{m} + \frac{v}{n}, \qquad s^2 = \max(0, v - \overline{u_b^2})

    with the mean :math:`\bar b` and the variance `v` of the `n` shares of the blank. What the model sees where there is
    nothing is taken for an error of unknown sign, for a surface that holds the element is not the blank.

    Parameters
    ----------
    blank
        Signed shares where the element is absent.
    members
        Spectra `m` in each mean, any shape.

    Examples
    --------
    >>> quiet = Blank(np.array([0.003, 0.004, 0.005]), np.full(3, 0.01))
    >>> model_part(quiet, np.array([1, 3])).round(4).tolist()
    [0.004, 0.004]
    """
    variance = float(np.var(blank.share, ddof=1))
    scatter = max(0.0, variance - float(np.mean(blank.share_unc**2)))
    return np.asarray(np.sqrt(np.mean(blank.share) ** 2 + scatter / members + variance / blank.share.size))


def shares(fit: xr.Dataset, element: str, signed: Array | None = None) -> tuple[Array, Array]:
    """Return the area of an element over that of all others and its uncertainty, shape of the series.

    Where the others have no area the share is NaN.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.
    element
        One of its components.
    signed
        Signed areas of all components, shape (..., component); the areas themselves by default.
    """
    area, unc = fit["area"].sel(component=element).values, fit["area_unc"].sel(component=element).values
    others = fit["area"].sum("component").values - area
    others = np.where(others > 0, others, np.nan)
    wanted = area if signed is None else signed[..., elements_of(fit).index(element)]
    return wanted / others, unc / others


def blank_shares(blanks: Mapping[str, xr.Dataset] | None, elements: Sequence[str]) -> dict[str, Blank]:
    """Return the signed shares that each element seems to have in its blank.

    Raises
    ------
    InputError
        For a blank of an element that was not fitted, or with fewer than three spectra.
    """
    out: dict[str, Blank] = {}
    known: dict[int, Array] = {}  # one Dataset is often the blank of several elements
    for element, blank in (blanks or {}).items():
        recipe_of(blank)
        fitted = elements_of(blank)
        if element not in elements or element not in fitted:
            raise InputError(
                f"the blank for {element!r} was fitted with {', '.join(fitted)}, the sample with {', '.join(elements)}",
                where="blanks",
                remedy="Fit both with the same recipe, and name an element of it",
            )
        if id(blank) not in known:
            known[id(blank)] = signed_areas(blank)
        values, unc = (np.ravel(one) for one in shares(blank, element, known[id(blank)]))
        good = np.isfinite(values) & np.isfinite(unc) & (unc > 0)
        values, unc = values[good], unc[good]
        if values.size < 3:
            raise InputError(
                f"{values.size} usable spectra of a sample without {element} tell no scatter",
                where="blanks",
                remedy="Measure at least three, or leave the blank out",
            )
        out[element] = Blank(values, unc)
    return out
