"""What callers of :func:`surfspec.leis.coverage` give beside the fits, looked at once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.given import number, switch
from surfspec.leis.amounts.checks import text
from surfspec.leis.film.dose_conclusion import DoseSetting
from surfspec.leis.film.layer_choice import thickness_terms
from surfspec.leis.recipe import Recipe

Array = NDArray[np.float64]


def check_setting(setting: DoseSetting) -> None:
    """Raise for numbers of the dose model that cannot be.

    Raises
    ------
    InputError
        With the name of the number.
    """
    number(setting.dose_scale_unc, "dose_scale_unc", low=0.0, high=10.0)
    number(setting.roughness, "roughness", low=0.0, high=10.0)
    number(setting.start_dose, "start_dose", low=0.0)
    number(setting.site_density, "site_density", low=0.0, above=True)
    number(setting.monolayer, "monolayer", low=0.0, high=10.0, above=True)
    thickness_terms(setting.thickness, setting.monolayer)
    switch(setting.interval, "interval")


def check_options(
    dose_dim: object,
    spot_dim: object,
    film_formula: object,
    substrate_formula: object,
    recipe: object,
    densities: object,
    force: object,
) -> None:
    """Raise for options of another type.

    Raises
    ------
    InputError
        With the name of the option.
    """
    for where, one in (("dose_dim", dose_dim), ("spot_dim", spot_dim)):
        text(one, where, "Give the name of a dimension")
    for where, one in (("film_formula", film_formula), ("substrate_formula", substrate_formula)):
        text(one, where, "Give a formula, such as 'Na3PO4'")
    if recipe is not None and not isinstance(recipe, Recipe):
        raise InputError(f"recipe is a {type(recipe).__name__}", where="recipe", remedy="Give a surfspec.leis.Recipe")
    if densities is not None and not isinstance(densities, Mapping):
        raise InputError(
            f"densities is a {type(densities).__name__}", where="densities", remedy="Give a mapping: g/cm3 by formula"
        )
    switch(force, "force")


def told(model_uncertainty: float | Mapping[str, float] | xr.DataArray | None) -> str | float:
    """Return the model's error as an attribute."""
    if model_uncertainty is None:
        return "learned from the misfit"
    return float(model_uncertainty) if isinstance(model_uncertainty, int | float) else "given by element"


def model_errors(
    model_uncertainty: float | Mapping[str, float] | xr.DataArray | None,
    areas: Array,
    names: list[str],
    order: tuple[str, ...],
) -> Array | None:
    """Return the standard uncertainty of each area by the spectral model, of the shape of the areas."""
    if model_uncertainty is None:
        return None
    if isinstance(model_uncertainty, xr.DataArray):
        label = "component" if "component" in model_uncertainty.dims else "element"
        if label not in model_uncertainty.dims or not set(names) <= set(map(str, model_uncertainty[label].values)):
            raise InputError(
                f"model_uncertainty has the dimensions {model_uncertainty.dims}, and not every element used",
                where="model_uncertainty",
                remedy=f"Give it over 'component' for {', '.join(names)}",
            )
        part = model_uncertainty.rename({label: "component"}) if label != "component" else model_uncertainty
        part = part.sel(component=names).reset_coords(drop=True)
        foreign = [str(d) for d in part.dims if d not in order]
        if foreign:
            raise InputError(
                f"model_uncertainty runs over {', '.join(foreign)}, which the fit does not",
                where="model_uncertainty",
                remedy="Select or average first",
            )
        missing = [d for d in order if d not in part.dims]
        values = np.asarray(part.expand_dims(missing).transpose(*order).values, dtype=np.float64)
        values = values * (areas if part.attrs.get("units") == "1" else 1.0)
    elif isinstance(model_uncertainty, Mapping):
        unknown = sorted(set(model_uncertainty) - set(names))
        if unknown:
            raise InputError(
                f"{unknown[0]!r} is not among the elements used, {', '.join(names)}",
                where="model_uncertainty",
                remedy="Use those",
            )
        given = {name: number(one, "model_uncertainty", low=0.0) for name, one in model_uncertainty.items()}
        values = areas * np.array([given.get(name, 0.0) for name in names])
    else:
        values = number(model_uncertainty, "model_uncertainty", low=0.0) * areas.sum(axis=-1, keepdims=True)
    values = np.broadcast_to(values, areas.shape)
    if np.any(values < 0) or np.any(~np.isfinite(values) & np.isfinite(areas)):
        raise InputError(
            "a model uncertainty is negative or no number",
            where="model_uncertainty",
            remedy="Give 0 or positive numbers",
        )
    return values
