"""The width that CasaXPS quotes of a component, its own parameter, beside the full width at half maximum."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import recipes
from surfspec.errors import SurfspecError
from surfspec.fitting.model import Component, Tie
from surfspec.xps.casa.shapes import shape_text
from surfspec.xps.model import build
from surfspec.xps.recipe import Recipe

Array = NDArray[np.float64]


def quoted_widths(fit: xr.Dataset) -> tuple[Array, Array]:
    """Return the FWHM of each component as CasaXPS means it, and its standard uncertainty.

    The number that its shapes GL, SGL, LA and LF have as FWHM; of LA and LF twice the distance from the maximum to half
    of it on the side of low binding energy. For a Voigt line and for shapes that CasaXPS does not have, the full width
    at half maximum.

    Parameters
    ----------
    fit
        Of :func:`surfspec.xps.fit` or :func:`surfspec.xps.rebuild_casa`, a single spectrum.

    Returns
    -------
    fwhm, fwhm_unc : ndarray, shape (k,)
        [eV]
    """
    width, unc = fit["fwhm"].values.copy(), fit["fwhm_unc"].values.copy()
    components = _components(fit)
    names = [str(name) for name in fit["parameter"].values]
    value = dict(zip(names, fit["value"].values.tolist(), strict=True))
    for i, name in enumerate(map(str, fit["component"].values)):
        one = components.get(name)
        if one is None or "fwhm" not in one.roles or one.shape.startswith("doniach") or not _known(one, value):
            continue
        tie = one.roles["fwhm"]
        width[i] = shape_text(one.shape, {role: _number(t, value) for role, t in one.roles.items()})[1]
        slope = np.array([_slope(tie, parameter, value) for parameter in names])
        used = slope != 0.0
        variance = float(slope[used] @ fit["covariance"].values[np.ix_(used, used)] @ slope[used])
        unc[i] = math.sqrt(variance) if variance >= 0.0 else math.nan
    return width, unc


def _components(fit: xr.Dataset) -> Mapping[str, Component]:
    """Return the components of the recipe of a fit; none for a result of another kind of recipe."""
    try:
        recipe = recipes.load_yaml(str(fit.attrs.get("recipe", "")), Recipe)
    except SurfspecError:
        return {}
    return {one.name: one for one in build(recipe).model.components}


def _known(one: Component, value: Mapping[str, float]) -> bool:
    try:
        shape_text(one.shape, {role: _number(tie, value) for role, tie in one.roles.items()})
    except (SurfspecError, KeyError):
        return False
    return True


def _number(tie: Tie, value: Mapping[str, float]) -> float:
    total = tie.offset + sum(factor * value[name] for name, factor in tie.terms())
    return total * (value[tie.times] if tie.times else 1.0)


def _slope(tie: Tie, parameter: str, value: Mapping[str, float]) -> float:
    times = value[tie.times] if tie.times else 1.0
    slope = sum(factor * times for name, factor in tie.terms() if name == parameter)
    if parameter == tie.times:
        slope += _number(Tie(tie.parameter, tie.factor, tie.offset, tie.also), value)
    return slope
