"""What the amounts are taken from: fits of LEIS spectra, and the lists and numbers given beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.given import number
from surfspec.leis.amounts import checks
from surfspec.leis.recipe import Recipe
from surfspec.recipes import load_yaml

Array = NDArray[np.float64]

#: Default chance of calling an element detected that is not there.
LEVEL = 0.05
#: Standard uncertainty of a normalised area by the spectral model (peak against shoulder), which neither counting nor
#: the scatter between spots shows: the mean error of 300 normalised areas fitted to simulated oxide spectra.
MODEL_UNCERTAINTY = 0.01


def recipe_of(fit: xr.Dataset) -> Recipe:
    """Return the recipe that a LEIS fit was made with.

    Raises
    ------
    InputError
        When the Dataset is the fit of another technique.
    """
    if not isinstance(fit, xr.Dataset):
        raise InputError(f"fit is a {type(fit).__name__}", where="fit", remedy="Pass what surfspec.leis.fit returned")
    schema.check(fit, "fit")
    if fit.attrs["technique"] != "LEIS":
        raise InputError(
            f"this is a fit of {fit.attrs['technique']} data",
            where="fit",
            remedy="Pass what surfspec.leis.fit returned",
        )
    return load_yaml(str(fit.attrs["recipe"]), Recipe)


def elements_of(fit: xr.Dataset) -> list[str]:
    """Return the symbols of the fitted elements."""
    return [str(name) for name in fit["component"].values] if "component" in fit.dims else []


def check_level(level: float) -> None:
    """Raise unless a significance level lies between 0 and 0.5.

    Examples
    --------
    >>> check_level(0.05)
    """
    if not 0.0 < number(level, "level") < 0.5:
        raise InputError(f"level {level}", where="level", remedy="Give a small chance between 0 and 0.5, such as 0.05")


def included(elements: Sequence[str], exclude: Sequence[str]) -> NDArray[np.bool_]:
    """Return which elements are not excluded, shape (elements,).

    Raises
    ------
    InputError
        For an element that was not fitted, a text instead of a list, or when none is left.

    Examples
    --------
    >>> included(["O", "Na", "P"], ("Na",)).tolist()
    [True, False, True]
    """
    checks.names(exclude, elements, "exclude")
    chosen = np.array([name not in exclude for name in elements])
    if not np.any(chosen):
        raise InputError("every element is excluded", where="exclude", remedy="Leave at least one in the sum")
    return chosen


def factors(elements: Sequence[str], sensitivity: Mapping[str, float] | None) -> Array:
    """Return the number by which each area is divided, 1 for elements not named, shape (elements,).

    Raises
    ------
    InputError
        For an element that was not fitted, or a factor that is not positive.
    """
    given = checks.mapping(sensitivity, elements, "sensitivity", 'Give factors by element: {"Si": 3.1}')
    for name, value in given.items():
        if not (isinstance(value, int | float | np.number) and np.isfinite(value) and value > 0):
            raise InputError(f"sensitivity of {name} is {value}", where="sensitivity", remedy="Give a positive number")
    return np.array([float(given.get(name, 1.0)) for name in elements])


def model_uncertainties(elements: Sequence[str], given: float | Mapping[str, float], default: float) -> Array:
    """Return the standard uncertainty of each share by the spectral model, shape (elements,).

    Parameters
    ----------
    elements
        Symbols.
    given
        One number for all, or numbers by element.
    default
        For the elements that a mapping does not name.

    Raises
    ------
    InputError
        For an element that was not fitted, or a number outside 0 to 1.

    Examples
    --------
    >>> model_uncertainties(["O", "Si"], {"Si": 0.02}, 0.01).tolist()
    [0.01, 0.02]
    """
    if not checks.is_mapping(given):
        return np.full(len(elements), number(given, "model_uncertainty", low=0.0, high=1.0))
    by_element = checks.mapping(given, elements, "model_uncertainty", "Give numbers by element")
    for value in by_element.values():
        number(value, "model_uncertainty", low=0.0, high=1.0)
    return np.array([float(by_element.get(name, default)) for name in elements])


def blanks_of(given: Mapping[str, xr.Dataset] | None, elements: Sequence[str]) -> dict[str, xr.Dataset]:
    """Return the blanks by element, each a fit.

    Raises
    ------
    InputError
        For something that is no mapping of fits, or an element that was not fitted.
    """
    found = checks.mapping(given, elements, "blanks", 'Give fits by element: {"Si": fit}')
    for name, one in found.items():
        if not isinstance(one, xr.Dataset):
            raise InputError(
                f"the blank for {name} is a {type(one).__name__}", where="blanks", remedy="Give what leis.fit returned"
            )
        recipe_of(one)
    return found
