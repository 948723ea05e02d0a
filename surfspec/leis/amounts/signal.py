r"""How strongly a spectrum asks for an element: the likelihood ratio, and an area that may be negative.

The null hypothesis leaves out the surface peak of the element and keeps everything else free, its in-depth shoulder and
foot too. Twice the gain in log likelihood, :math:`q = D_0 - D_1`, of a quantity that cannot be negative follows
:math:`\frac12\chi^2_0 + \frac12\chi^2_1` under the null (Chernoff, Ann. Math. Stat. 25 (1954) 573).

An area is never negative, so the areas of an element that is not there pile up at zero and their mean says nothing of
the errors of the spectral model. Where an area lies on zero, the step of Fisher's scoring from there with the areas let
go, :math:`(J^TWJ)^{-1}J^TW(y-\mu)`, says where the likelihood would have liked it (the score test of Rao, Proc.
Cambridge Phil. Soc. 44 (1948) 50, as an estimate). Over replicates such signed areas are close to normal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import binom, chi2

from surfspec.leis.amounts.inputs import recipe_of
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.maximisation import LEAST_VARIANCE, maximise
from surfspec.leis.spectrum.projection import expected_sigma

Array = NDArray[np.float64]

#: Peaks of so many standard uncertainties are beyond question: their likelihood ratio is the square of that number.
CLEAR = 10.0


def p_value(likelihood_ratio: Array, members: int = 1) -> Array:
    r"""Chance of a likelihood ratio at least this large without the element.

    .. math:: p = \sum_{k=1}^{n} \binom nk 2^{-n} P(\chi^2_k \ge q)

    Parameters
    ----------
    likelihood_ratio
        :math:`q`, summed over `members` independent spectra, any shape.
    members
        How many spectra.

    Examples
    --------
    >>> p_value(np.array([0.0, 2.7055, 9.0])).round(4).tolist()
    [1.0, 0.05, 0.0013]
    """
    q = np.asarray(likelihood_ratio, dtype=np.float64)
    total = np.zeros_like(q)
    for k in range(1, members + 1):
        total = total + binom.pmf(k, members, 0.5) * chi2.sf(q, k)
    return np.where(np.isnan(q), np.nan, np.where(q > 0, total, 1.0))


def likelihood_ratios(
    fit: xr.Dataset, elements: Sequence[str], *, progress: Callable[[int, int], None] | None = None
) -> Array:
    """Fit every member again without each of the elements, and return the loss of likelihood.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.
    elements
        Which to leave out, one at a time.
    progress
        Called after each spectrum.

    Returns
    -------
    numpy.ndarray
        Shape (..., elements); NaN for members without a fit. Peaks of more than ``CLEAR`` standard uncertainties are
        not fitted again; their ratio is the square of that number.
    """
    recipe = recipe_of(fit)
    energy = np.array(fit["kinetic_energy"].values, dtype=np.float64)
    units = str(fit["intensity"].attrs["units"])
    statistics = str(fit.attrs["statistics"])
    models = {name: SpectrumModel(recipe, energy, units, absent=(name,)) for name in elements}
    shape = fit["chi2"].shape
    out = np.full((*shape, len(elements)), np.nan)
    total = int(np.prod(shape)) if shape else 1
    count = SpectrumModel(recipe, energy, units).shape_count
    for done, index in enumerate(np.ndindex(*shape), start=1):
        best = float(fit["deviance"].values[index])
        if np.isfinite(best):
            y = np.array(fit["intensity"].values[index], dtype=np.float64)
            sigma = np.array(fit["intensity_unc"].values[index]) if "intensity_unc" in fit else None
            start = np.array(fit["value"].values[index][:count])
            scale = best / float(fit["dof"].values[index]) if statistics == "unknown" else 1.0
            for i, name in enumerate(elements):
                one = fit.sel(component=name)
                strength = float(one["area"].values[index]) / float(one["area_unc"].values[index])
                if strength <= 0 or strength > CLEAR:
                    out[(*index, i)] = max(strength, 0.0) ** 2
                    continue
                null, _ = maximise(models[name], y, statistics, sigma, start=start)
                out[(*index, i)] = max(0.0, (null.deviance - best) / scale)
        if progress is not None:
            progress(done, total)
    return out


def signed_areas(fit: xr.Dataset) -> Array:
    """Return the areas, and where they lie on zero what the likelihood would like: a negative number.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.

    Returns
    -------
    numpy.ndarray
        Shape (..., component), in the unit of the areas.
    """
    recipe = recipe_of(fit)
    model = SpectrumModel(recipe, np.array(fit["kinetic_energy"].values), str(fit["intensity"].attrs["units"]))
    out = np.array(fit["area"].values, dtype=np.float64)
    areas = model.shape_count + model.area_columns
    for index in np.ndindex(*fit["chi2"].shape):
        on_zero = out[index] <= 0
        if not np.any(on_zero):
            continue
        values = np.array(fit["value"].values[index], dtype=np.float64)
        free = (np.nan_to_num(fit["value_unc"].values[index]) > 0) | np.isin(np.arange(values.size), areas)
        y, fitted = fit["intensity"].values[index], fit["model"].values[index]
        sigma = np.array(fit["intensity_unc"].values[index]) if "intensity_unc" in fit else None
        weight = 1.0 / expected_sigma(fitted, y, str(fit.attrs["statistics"]), sigma, LEAST_VARIANCE)
        columns = weight[:, None] * model.jacobian(values)[:, free]
        size = np.sqrt(np.sum(columns**2, axis=0))
        size = np.where(size > 0, size, 1.0)
        step = np.zeros(values.size)
        step[free] = np.linalg.lstsq(columns / size, weight * (y - fitted), rcond=1e-7)[0] / size
        # the conditions at the maximum let it only fall; a rounding error must not make a signal of it
        out[index] = np.where(on_zero, np.minimum(step[areas], 0.0), out[index])
    return out


def own_widths(share: Array, share_unc: Array, likelihood_ratio: Array) -> Array:
    r"""Return the uncertainty of a share as seen from zero, :math:`|r|/\sqrt q`; `share_unc` where q is 0.

    Where there are few counts an area is less certain the larger it is, and its uncertainty at the maximum is not that
    which a true zero would have.

    Examples
    --------
    >>> own_widths(np.array([0.03, -0.01]), np.array([0.02, 0.02]), np.array([4.0, 0.0])).tolist()
    [0.015, 0.02]
    """
    seen = np.nan_to_num(likelihood_ratio) > 0
    return np.where(seen, np.abs(share) / np.sqrt(np.where(seen, likelihood_ratio, 1.0)), share_unc)
