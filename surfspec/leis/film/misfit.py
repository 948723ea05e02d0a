r"""How far the areas of a partly covered surface are from a mixture of its two references, learned from the misfit.

The spectral model errs in an area by a share :math:`s` of the background from which the peak was taken. On the bare
parts of a surface that error is the one in the reference of the bare substrate, and cancels. A covered part, thin film
over substrate, is like neither of the two thick references, so that a surface of coverage :math:`\theta` has areas with
a standard uncertainty of

.. math:: u_j = s\,\theta\,b_j, \qquad b_j = w_j\,\langle\text{background}\rangle_{|E - E_j| < w_j} + \tfrac16 T

with the full width at half maximum :math:`w_j` of the peak, and a sixth of all areas `T` for what the other peaks leave
beneath it: at the scale expected beforehand that is the 0.5 % of the total which the weights allow for.

There are more elements than phases, and what is left over tells :math:`s`: its posterior is the restricted likelihood
of the residuals (Patterson and Thompson, Biometrika 58 (1971) 545) times a prior worth :data:`PRIOR_STRENGTH` degrees
of freedom at :data:`PRIOR_SCALE`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.leis.film import unmixing

Array = NDArray[np.float64]

#: Error of an area by the spectral model, over the background below the peak, before anything was seen: what the
#: misfit of two covered surfaces of one simulated set shows, without its truth; `unverified` elsewhere.
PRIOR_SCALE = 0.03
#: Degrees of freedom that this knowledge is worth.
PRIOR_STRENGTH = 4.0
#: Shares tried.
SHARES = np.exp(np.linspace(np.log(1e-3), 0.0, 41))


def backgrounds(fit: xr.Dataset, names: Sequence[str]) -> xr.DataArray:
    """Return the counts eV of background below each peak, over (..., component).

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.
    names
        Elements wanted.
    """
    axis = str(fit["intensity"].dims[-1])
    energy = fit[axis]
    level = fit["background"].clip(min=0.0)
    peaks = fit[["center", "fwhm"]].sel(component=list(names))
    width = peaks["fwhm"].where(np.isfinite(peaks["fwhm"]), 0.0)
    near: xr.DataArray = abs(energy - peaks["center"]) <= width
    below: xr.DataArray = (level * near).sum(dim=axis) / near.sum(dim=axis).clip(min=1) * width
    return below.reset_coords(drop=True)


def _restricted(area: Array, covariance: Array, yields: Array, errors: Array, below: Array, share: float) -> float:
    """Return the restricted log-likelihood of one spectrum."""
    amounts, covered = np.array([0.5, 0.5]), 0.5
    whole = covariance
    for _ in range(2):
        amounts, *_ = unmixing.unmix(area, covariance, yields, errors, share * covered * below)
        covered = float(amounts[0] / max(amounts.sum(), 1e-300))
    whole = covariance + np.diag((share * covered * below) ** 2) + np.einsum("p,pij->ij", amounts**2, errors)
    weight = np.linalg.inv(whole + 1e-12 * np.diag(np.diag(covariance)))
    residual = area - yields @ amounts
    _, spread = np.linalg.slogdet(whole)
    _, shared = np.linalg.slogdet(yields.T @ weight @ yields)
    return float(-0.5 * (residual @ weight @ residual + spread + shared))


def model_share(areas: Array, matrices: Array, yields: Array, errors: Array, below: Array) -> float:
    r"""Share of the background by which the spectral model errs in an area, from the misfit of two phases.

    Parameters
    ----------
    areas, matrices
        Areas of the spectra of one sample and their covariances, shapes (m, j) and (m, j, j).
    yields, errors
        Areas of the two references, shape (j, 2), and their covariances, shape (2, j, j).
    below
        Background below each peak, shape (m, j).

    Returns
    -------
    float
        Root of the posterior's harmonic mean of :math:`s^2`.
    """
    log = np.array([
        sum(_restricted(*one, float(share)) for one in zip(
            areas, matrices, [yields] * len(areas), [errors] * len(areas), below, strict=True))
        for share in SHARES
    ])  # fmt: skip
    prior = -PRIOR_STRENGTH * (np.log(SHARES) + 0.5 * (PRIOR_SCALE / SHARES) ** 2)
    weight = np.exp(log + prior - np.max(log + prior))
    return float(np.sqrt(weight.sum() / (weight / SHARES**2).sum()))
