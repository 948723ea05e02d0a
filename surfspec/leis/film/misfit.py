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


def _restricted(areas: Array, matrices: Array, yields: Array, errors: Array, below: Array, share: Array) -> Array:
    """Return the restricted log-likelihood of each spectrum at each share, shape (s, m).

    The amounts are those of :func:`surfspec.leis.film.unmixing.unmix`, for all spectra and shares at once.
    """
    shape = (share.size, len(areas))
    faint = 1e-12 * np.einsum("mjj->mj", matrices)[:, :, None] * np.eye(areas.shape[1])
    covered = np.full(shape, 0.5)
    for _ in range(2):
        floor = _diagonal((share[:, None, None] * covered[..., None] * below) ** 2)
        amounts = np.full((*shape, 2), 0.5)
        for _ in range(unmixing.ROUNDS):
            whole = matrices + floor + np.einsum("...p,pij->...ij", amounts**2, errors)
            amounts = _two_amounts(np.linalg.inv(whole + faint), yields, areas)
        covered = amounts[..., 0] / np.maximum(amounts.sum(axis=-1), 1e-300)
    floor = _diagonal((share[:, None, None] * covered[..., None] * below) ** 2)
    whole = matrices + floor + np.einsum("...p,pij->...ij", amounts**2, errors)
    weight = np.linalg.inv(whole + faint)
    residual = areas - np.einsum("jp,...p->...j", yields, amounts)
    spread, shared = np.linalg.slogdet(whole)[1], np.linalg.slogdet(yields.T @ weight @ yields)[1]
    chi2 = np.einsum("...i,...ij,...j->...", residual, weight, residual)
    return np.asarray(-0.5 * (chi2 + spread + shared))


def _diagonal(values: Array) -> Array:
    return np.asarray(values[..., :, None] * np.eye(values.shape[-1]))


def _two_amounts(weight: Array, yields: Array, areas: Array) -> Array:
    """Return the two amounts, none negative, of least squares with a weight matrix each, shape (..., 2)."""
    normal = yields.T @ weight @ yields
    right = np.einsum("jp,...jk,...k->...p", yields, weight, areas)
    alone = np.maximum(right / np.einsum("...pp->...p", normal), 0.0)
    gains = alone**2 * np.einsum("...pp->...p", normal)
    one = np.where(np.argmax(gains, axis=-1)[..., None] == np.arange(2), alone, 0.0)
    determinant = normal[..., 0, 0] * normal[..., 1, 1] - normal[..., 0, 1] ** 2
    both = np.stack(
        [
            normal[..., 1, 1] * right[..., 0] - normal[..., 0, 1] * right[..., 1],
            normal[..., 0, 0] * right[..., 1] - normal[..., 0, 1] * right[..., 0],
        ],
        axis=-1,
    ) / np.maximum(determinant, 1e-300)[..., None]  # fmt: skip
    return np.asarray(np.where(np.all(both >= 0, axis=-1, keepdims=True), both, one))


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
    log = _restricted(areas, matrices, yields, errors, below, SHARES).sum(axis=1)
    prior = -PRIOR_STRENGTH * (np.log(SHARES) + 0.5 * (PRIOR_SCALE / SHARES) ** 2)
    weight = np.exp(log + prior - np.max(log + prior))
    return float(np.sqrt(weight.sum() / (weight / SHARES**2).sum()))


def common_part(relative: Array) -> float:
    r"""Part of the variance of the model's error that is the same at every dose.

    The spectral model errs by what it does not have, and lacks that at each dose, so that the misfit of a covered
    surface keeps its signs. With residuals :math:`r_{dj}` over `D` doses of one common part :math:`\rho` the sums of
    squares between and within, :math:`B = D\sum_j \bar r_j^2` and :math:`W = \sum_{dj}(r_{dj} - \bar r_j)^2`, have the
    likelihood

    .. math:: L(\rho) \propto (1 + (D-1)\rho)^{-q/2}\,(1-\rho)^{-q(D-1)/2}
        \Big[\frac{B}{1 + (D-1)\rho} + \frac{W}{1 - \rho}\Big]^{-qD/2}

    whatever their scale (Searle, Casella and McCulloch, Variance Components (1992), chapter 3), with as many
    independent residuals `q` as there are elements beyond the two amounts. Few doses hardly tell :math:`\rho`. Its mean
    under a flat prior less its standard deviation is returned, for what is held for common makes the slope along the
    doses, and with it the removal cross-section, look better known than it is.

    Parameters
    ----------
    relative
        Residuals of the areas over their background, shape (spot, dose, element); NaN where missing.

    Returns
    -------
    float
        From 0 to 1; 0 for a single dose, or two elements.

    Examples
    --------
    >>> same = np.array([1.0, -2.0, 0.5, 1.5]) + 0.01 * np.arange(12.0).reshape(1, 3, 4)
    >>> round(common_part(same), 2), round(common_part(same * np.array([[[1.0], [-1.0], [0.1]]])), 2)
    (0.95, 0.05)
    """
    count = np.isfinite(relative).sum(axis=0)
    seen = np.all(count > 0, axis=1)
    mean = np.nansum(relative, axis=0)[seen] / count[seen]
    doses, q = mean.shape[0], mean.shape[1] - 2
    between = doses * float((mean.mean(axis=0) ** 2).sum()) if doses else 0.0
    within = float(((mean - mean.mean(axis=0)) ** 2).sum()) if doses else 0.0
    if doses < 2 or q < 1 or not between + within > 0:
        return 0.0
    rho = (np.arange(1000) + 0.5) / 1000.0
    common, own = 1.0 + (doses - 1) * rho, 1.0 - rho
    log = -0.5 * q * (np.log(common) + (doses - 1) * np.log(own) + doses * np.log(between / common + within / own))
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    mean_rho = float(weight @ rho)
    return max(0.0, mean_rho - float(np.sqrt(weight @ (rho - mean_rho) ** 2)))
