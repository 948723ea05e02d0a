"""What the amounts are taken from: fits of LEIS spectra, and the lists and numbers given beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError
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
    if isinstance(level, bool) or not isinstance(level, int | float | np.number) or not 0.0 < level < 0.5:
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
    if isinstance(exclude, str):
        raise InputError(f"exclude is the text {exclude!r}", where="exclude", remedy=f"Give a list: ({exclude!r},)")
    for name in exclude:
        if name not in elements:
            raise InputError(f"{name!r} was not fitted", where="exclude", remedy=f"Use {', '.join(elements)}")
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
    for name, value in (sensitivity or {}).items():
        if name not in elements:
            raise InputError(f"{name!r} was not fitted", where="sensitivity", remedy=f"Use {', '.join(elements)}")
        if not (np.isfinite(value) and value > 0):
            raise InputError(f"sensitivity of {name} is {value}", where="sensitivity", remedy="Give a positive number")
    return np.array([float((sensitivity or {}).get(name, 1.0)) for name in elements])


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
        For an element that was not fitted, or a negative number.

    Examples
    --------
    >>> model_uncertainties(["O", "Si"], {"Si": 0.02}, 0.01).tolist()
    [0.01, 0.02]
    """
    by_element = given if isinstance(given, Mapping) else dict.fromkeys(elements, given)
    for name, value in by_element.items():
        if name not in elements:
            raise InputError(f"{name!r} was not fitted", where="model_uncertainty", remedy=f"Use {', '.join(elements)}")
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not (np.isfinite(value) and value >= 0):
            raise InputError(
                f"model uncertainty {value}", where="model_uncertainty", remedy="Give 0 or a positive number"
            )
    return np.array([float(by_element.get(name, default)) for name in elements])
