"""Blanks: what the same fit finds of an element on a sample without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import t as student

from surfspec.errors import InputError
from surfspec.leis.amounts.inputs import elements_of, recipe_of
from surfspec.leis.amounts.signal import signed_areas

Array = NDArray[np.float64]


def blank_p_value(seen: Array, seen_unc: Array, blank: Array) -> float:
    r"""Chance of a mean apparent share at least this large on a sample without the element.

    .. math:: t = \frac{\bar r - \bar r_b}{\sqrt{\max(s_b^2,\ \overline{u^2})/m + s_b^2/n_b}}

    Parameters
    ----------
    seen, seen_unc
        Signed shares of the element in the `m` spectra in question and their uncertainties, shape (m,).
    blank
        Signed shares that the same fit finds where the element is absent, shape (n_b,), at least three.

    Returns
    -------
    float
        One-sided, by Student's distribution with n_b - 1 degrees of freedom.

    References
    ----------
    Currie, Pure Appl. Chem. 67 (1995) 1699 (IUPAC): critical value from blanks.

    Examples
    --------
    >>> blank_p_value(np.array([0.02]), np.array([0.01]), np.array([0.01, 0.02, 0.03])) > 0.4
    True
    """
    spread = float(np.var(blank, ddof=1))
    own = float(np.mean(seen_unc**2)) if np.all(np.isfinite(seen_unc)) else spread
    variance = max(spread, own) / seen.size + spread / blank.size
    return float(student.sf((np.mean(seen) - np.mean(blank)) / np.sqrt(variance), blank.size - 1))


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


def blank_shares(blanks: Mapping[str, xr.Dataset] | None, elements: Sequence[str]) -> dict[str, Array]:
    """Return the signed shares that each element seems to have in its blank.

    Raises
    ------
    InputError
        For a blank of an element that was not fitted, or with fewer than three spectra.
    """
    out: dict[str, Array] = {}
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
        values = np.ravel(shares(blank, element, known[id(blank)])[0])
        values = values[np.isfinite(values)]
        if values.size < 3 or not np.var(values) > 0:
            raise InputError(
                f"{values.size} usable spectra of a sample without {element} tell no scatter",
                where="blanks",
                remedy="Measure at least three, or leave the blank out",
            )
        out[element] = values
    return out
