"""Where the foot of plural scattering lies and how wide it is, from spectra of one material system.

The foot of a light element above its edge is made by ions that met a heavy atom too, so that its shape belongs to the
composition and to the geometry. The shape that a recipe begins with was read off one simulation of oxides; spectra of
good statistics can tell their own, by the summed deviance of all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import minimize

from surfspec import spectra
from surfspec.errors import InputError, NotDeterminedError
from surfspec.leis.recipe import Recipe
from surfspec.leis.spectrum.spectrum_fit import fit

Array = NDArray[np.float64]

#: Ends of what is tried: position above the edge and standard deviation, in units of the ion energy.
POSITION: Final = (0.0, 0.2)
WIDTH: Final = (0.015, 0.2)
#: First step of the search, in the same units, and where it ends.
STEP, TOLERANCE, EVALUATIONS = 0.015, 5e-4, 80
#: Loss of deviance without any foot (chance of 0.1 %) below which the spectra show none.
SEEN: Final = 10.8
#: Distance of the points that tell the curvature, in the same units.
APART: Final = 0.004


def calibrate_foot(
    series: xr.Dataset | Sequence[xr.Dataset],
    recipe: Recipe,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> xr.Dataset:
    r"""Find the shape of the plural-scattering foot that spectra of one material system ask for.

    .. math:: (p, w) = \arg\min \sum_i D_i(p, w)

    with the deviance :math:`D_i` of the best fit of spectrum `i` for a foot at :math:`E_e + pE_0` with the standard
    deviation :math:`wE_0`. Fit all samples and references with the same shape afterwards:
    ``dataclasses.replace(recipe, foot_shape=(float(table.position), float(table.width)))``.

    Parameters
    ----------
    series
        One series, or several: samples and references measured alike. Spectra of few counts tell little.
    recipe
        What to fit; its ``foot_shape`` is where the search begins.
    progress
        Called with the number of shapes tried and the most that will be.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``: ``position`` and ``width`` with ``_unc`` (in units of the ion energy), their ``covariance``
        over (parameter, parameter_b), ``deviance`` at the end and ``deviance_before`` at the recipe's own shape, and
        ``dof``. Uncertainties follow from the curvature of the deviance, scaled by deviance over degrees of freedom; a
        position of 0 is a natural limit, where the foot begins at the edge, and its uncertainty is NaN.

    Raises
    ------
    InputError
        For a recipe without a foot, or something that is no spectrum.
    NotDeterminedError
        When the spectra do not tell the shape: they are as well described without a foot, the shape ends at a limit of
        the search, or the deviance is flat there.

    Examples
    --------
    >>> import surfspec as ss
    >>> twins = ss.reference.path("leis_twins")
    >>> recipe = Recipe(elements=("O", "Na", "Si", "P", "Zr"))
    >>> table = calibrate_foot(ss.read(twins / "overlayer_0ml.csv"), recipe)
    >>> bool(table.deviance <= table.deviance_before)
    True
    """
    given = [series] if isinstance(series, xr.Dataset) else list(series)
    if not isinstance(recipe, Recipe) or not recipe.foot or len(recipe.elements) < 2:
        raise InputError(
            "the recipe has no foot", where="recipe", remedy="Pass a leis.Recipe of two elements or more with foot=True"
        )
    if not given:
        raise InputError("no spectra", where="series", remedy="Pass spectra of samples and references")
    count = 0

    def summed(tried: Recipe) -> tuple[float, float]:
        nonlocal count
        count += 1
        if progress is not None:
            progress(min(count, EVALUATIONS + 8), EVALUATIONS + 8)
        fits = [fit(one, tried) for one in given]
        return float(sum(np.nansum(one["deviance"]) for one in fits)), float(sum(np.nansum(one["dof"]) for one in fits))

    def deviance(shape: Array) -> float:
        return summed(replace(recipe, foot_shape=(float(shape[0]), float(shape[1]))))[0]

    begin = np.array(recipe.foot_shape, dtype=np.float64)
    before, dof = summed(recipe)
    corners = np.vstack([begin, begin + STEP * np.eye(2)])
    found = minimize(
        deviance, begin, method="Nelder-Mead", bounds=[POSITION, WIDTH],
        options={"initial_simplex": corners, "xatol": TOLERANCE, "fatol": 0.1, "maxfev": EVALUATIONS},
    )  # fmt: skip
    best, least = (found.x, float(found.fun)) if found.fun < before else (begin, before)
    scale = max(1.0, least / dof)
    covariance = _covariance(deviance, best, least, scale)
    seen = summed(replace(recipe, foot=False))[0] - least > SEEN * scale
    at_end = best[0] > POSITION[1] - 2.0 * TOLERANCE or np.min(np.abs(best[1] - np.array(WIDTH))) < 2.0 * TOLERANCE
    if not seen or at_end or not np.isfinite(covariance[1, 1]):
        raise NotDeterminedError(
            f"the spectra do not tell the shape of the foot (position {best[0]:.3f}, width {best[1]:.3f})",
            where="series",
            remedy="Give spectra of better statistics with light and heavy elements, or keep the recipe's foot_shape",
        )
    return _table(best, covariance, least, before, dof, recipe, given)


def _covariance(deviance: Callable[[Array], float], best: Array, least: float, scale: float) -> Array:
    """Return twice the inverse curvature of the deviance, scaled, shape (2, 2); NaN where it is no minimum.

    A position on its lower limit (the foot begins at the edge) has no uncertainty that could be told.
    """
    unit = APART * np.eye(2)
    out = np.full((2, 2), np.nan)
    width = (deviance(best + unit[1]) - 2.0 * least + deviance(best - unit[1])) / APART**2
    if best[0] < APART:
        out[1, 1] = 2.0 * scale / width if width > 0 else np.nan
        return out
    place = (deviance(best + unit[0]) - 2.0 * least + deviance(best - unit[0])) / APART**2
    both, neither = deviance(best + unit.sum(axis=0)), deviance(best - unit.sum(axis=0))
    mixed = 0.5 * ((both + neither - 2.0 * least) / APART**2 - width - place)
    curve = np.array([[place, mixed], [mixed, width]])
    return np.asarray(2.0 * scale * np.linalg.inv(curve)) if np.all(np.linalg.eigvalsh(curve) > 0) else out


def _table(
    best: Array, covariance: Array, least: float, before: float, dof: float, recipe: Recipe, given: list[xr.Dataset]
) -> xr.Dataset:
    one = {"units": "1"}
    names = ("position", "width")
    words = ("Position of the foot above the edge over the ion energy", "Its standard deviation over the ion energy")
    variables: dict[str, object] = {}
    for i, name in enumerate(names):
        variables[name] = ((), best[i], {**one, "long_name": words[i], "ancillary_variables": f"{name}_unc"})
        unc = {**one, "long_name": f"Standard uncertainty of the {name}"}
        variables[f"{name}_unc"] = ((), float(np.sqrt(covariance[i, i])), unc)
    return xr.Dataset(
        {
            **variables,
            "covariance": (("parameter", "parameter_b"), covariance, {**one, "long_name": "Covariance of the two"}),
            "deviance": ((), least, {**one, "long_name": "Summed deviance"}),
            "deviance_before": ((), before, {**one, "long_name": "Summed deviance with the shape of the recipe"}),
            "dof": ((), dof, {**one, "long_name": "Degrees of freedom"}),
        },
        coords={"parameter": list(names), "parameter_b": list(names)},
        attrs={"kind": "table", "technique": "LEIS", "ion": recipe.ion, "inputs": "spectra", **spectra.origin(*given)},
    )
