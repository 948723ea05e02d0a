"""Areas of a surface into amounts of two phases, with every source of uncertainty kept apart."""

from __future__ import annotations

import re

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import nnls

Array = NDArray[np.float64]

#: Rounds in which the weights follow the solution.
ROUNDS = 5
#: Standard uncertainty of the share of an element by the spectral model, as for normalised areas.
SHARE_UNCERTAINTY = 0.01
#: Standard uncertainties from which an element that a formula does not hold counts as shown.
SHOWN = 4.0


def reference(fit: xr.Dataset, names: list[str]) -> tuple[Array, Array]:
    """Return the mean areas of a reference over all its members, shape (j,), and their covariance, shape (j, j).

    The covariance of the mean is that of the fits, inflated where the members scatter more than their fits say.

    Parameters
    ----------
    fit
        Fit of the pure film or the bare substrate.
    names
        The elements wanted.
    """
    part = fit.sel(component=names, component_b=names)
    series = [str(d) for d in fit["chi2"].dims]
    area = part["area"].transpose(*series, "component").values.reshape(-1, len(names))
    matrix = part["area_covariance"].transpose(*series, "component", "component_b").values
    matrix = matrix.reshape(-1, len(names), len(names))
    good = np.all(np.isfinite(area), axis=1)
    area, matrix = area[good], matrix[good]
    count = area.shape[0]
    mean = area.mean(axis=0)
    errors = matrix.sum(axis=0) / count**2
    if count > 1:
        scatter = area.var(axis=0, ddof=1) / count
        factor = np.sqrt(np.maximum(scatter / np.diag(errors), 1.0))
        errors = errors * np.outer(factor, factor)
    return mean, errors


def unmix(
    area: Array, covariance: Array, yields: Array, errors: Array, floor: Array | float = 0.0, guard: Array | float = 0.0
) -> tuple[Array, Array, Array, Array, float]:
    """Find the amounts of film and substrate that make up the areas of one spectrum.

    Parameters
    ----------
    area, covariance
        Areas and their covariance, shapes (j,) and (j, j), counts eV.
    yields
        Areas of film and substrate alone, shape (j, 2).
    errors
        Their covariances, shape (2, j, j).
    floor
        Standard uncertainty of each area by the spectral model, shape (j,) or one for all, counts eV.
    guard
        What the weights allow each area beyond that, without its being an uncertainty of the amounts: an error of the
        model that sample and reference have in common.

    Returns
    -------
    amounts
        Of film and substrate, shape (2,), none negative.
    covariance, from_references, from_model
        Their covariance by the spectrum alone, by the references alone and by the floor alone, shape (2, 2).
    chi2
        Of the areas under two phases, references' uncertainty included.
    """
    scale = np.sqrt(np.diag(covariance))
    amounts = np.array([0.5, 0.5])
    diagonal = np.diag(np.broadcast_to(np.asarray(floor, dtype=np.float64) ** 2, area.shape))
    cautious = np.diag(np.broadcast_to(np.asarray(guard, dtype=np.float64) ** 2, area.shape))
    whole = covariance
    for _ in range(ROUNDS):
        whole = covariance + diagonal + cautious + np.einsum("p,pij->ij", amounts**2, errors)
        root = np.linalg.inv(np.linalg.cholesky(whole + 1e-12 * np.diag(scale**2)))
        amounts, _ = nnls(root @ yields, root @ area)
    weight = root.T @ root
    inverse = np.linalg.pinv(yields.T @ weight @ yields, hermitian=True)
    gain = inverse @ yields.T @ weight
    own = gain @ covariance @ gain.T
    references = gain @ np.einsum("p,pij->ij", amounts**2, errors) @ gain.T
    model = gain @ diagonal @ gain.T
    expected = covariance + diagonal + np.einsum("p,pij->ij", amounts**2, errors)
    residual = area - yields @ amounts
    chi2 = float(residual @ np.linalg.solve(expected + 1e-12 * np.diag(scale**2), residual))
    return amounts, own, references, model, chi2


def foreign_elements(fit: xr.Dataset, formula: str) -> list[str]:
    r"""Return the fitted elements that a reference shows and its formula does not hold, strongest first.

    .. math:: r_j / \sqrt{u^2(A_j)/T^2 + 0.01^2} > 4, \qquad r_j = A_j / T, \quad T = \sum_k A_k

    with areas averaged over all members, and the standard uncertainty of 0.01 that the spectral model gives a share.

    Parameters
    ----------
    fit
        Fit of the pure film or the bare substrate.
    formula
        Such as ``"Na3PO4"``.
    """
    names = [str(name) for name in fit["component"].values]
    area, errors = reference(fit, names)
    total = float(area.sum())
    if not total > 0:
        return []
    held = set(re.findall(r"[A-Z][a-z]?", formula))
    unc = np.hypot(np.sqrt(np.maximum(np.diag(errors), 0.0)) / total, SHARE_UNCERTAINTY)
    order = np.argsort(-area)
    return [names[i] for i in order if names[i] not in held and area[i] / total > SHOWN * unc[i]]
