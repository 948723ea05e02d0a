"""The dose of a table of coverages or of a fit: its unit, its order, and the rows of a covariance that belong to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.errors import InputError

Array = NDArray[np.float64]

#: Ways to write the unit of a dose.
DOSE_UNITS = ("ions/cm2",)


@dataclass(frozen=True)
class DoseRows:
    """Coverages over rising dose.

    Attributes
    ----------
    dose
        At the end of each spectrum of the series, shape (k,), those left out of the table since included.
    coverage, covariance
        Shapes (k,) and (k, k); NaN for what was left out.
    """

    dose: Array
    coverage: Array
    covariance: Array


def check_unit(table: xr.Dataset, dose_dim: str, where: str) -> None:
    """Raise where the doses are in another unit than ions/cm2; one that is not stated is taken for that.

    Raises
    ------
    InputError
        With the unit found.
    """
    unit = table[dose_dim].attrs.get("units") if dose_dim in table.coords else None
    if unit is not None and unit not in DOSE_UNITS:
        raise InputError(
            f"the coordinate '{dose_dim}' is in {str(unit)!r}",
            where=where,
            remedy="Give doses in ions/cm2 (1 ion/m2 is 1e-4 ions/cm2), and name that unit in its attrs['units']",
        )


def numbers_of(data: xr.Dataset, dose_dim: str) -> Array:
    """Return the values of the coordinate, shape (k,).

    Raises
    ------
    InputError
        Where they are labels or dates, as a reader gives that was told no doses.
    """
    values = np.asarray(data[dose_dim].values)
    if values.dtype.kind not in "iuf":
        first = f" ({str(values.flat[0])!r})" if values.size else ""
        raise InputError(
            f"the coordinate '{dose_dim}' is not made of numbers{first}",
            where=dose_dim,
            remedy=f'Give numbers: .assign_coords({dose_dim}=("{dose_dim}", [...], {{"units": "ions/cm2"}})); '
            f'"s" for times, "1" for a count',
        )
    return values.astype(np.float64)


def rising(data: xr.Dataset, dose_dim: str) -> xr.Dataset:
    """Return data in the order of their dose; the order of a series says nothing.

    Examples
    --------
    >>> two = xr.Dataset(coords={"dose": [2.0, 1.0]})
    >>> rising(two, "dose").dose.values.tolist()
    [1.0, 2.0]
    """
    if dose_dim not in data.coords or data[dose_dim].dims != (dose_dim,):
        return data
    order = np.argsort(numbers_of(data, dose_dim), kind="stable")
    return data if np.array_equal(order, np.arange(order.size)) else data.isel({dose_dim: order})


def rows_of(table: xr.Dataset, dose_dim: str, name: str) -> DoseRows:
    """Return coverages and covariance over rising dose, rows and columns matched by their doses.

    A table that was cut along its dose still has the doses of the whole series along the second one of its
    covariance: those say where the interval of each spectrum begins.

    Parameters
    ----------
    table
        With ``coverage`` over the dose alone.
    dose_dim
        Its dimension.
    name
        Of the sample, for messages.

    Raises
    ------
    InputError
        For a covariance that cannot be matched, or is no covariance.
    """
    table = rising(table, dose_dim)
    dose = np.asarray(table[dose_dim].values, dtype=np.float64)
    seen = np.asarray(table["coverage"].values, dtype=np.float64)
    if "coverage_covariance" not in table:
        return DoseRows(dose, seen, np.diag(np.asarray(table["coverage_unc"].values, dtype=np.float64) ** 2))
    other = f"{dose_dim}_b"
    matrix = table["coverage_covariance"]
    if set(matrix.dims) != {dose_dim, other}:
        raise InputError(
            f"the covariance of {name} is over {', '.join(map(str, matrix.dims))}",
            where="coverages",
            remedy=f"Give it over {dose_dim} and {other}",
        )
    values = np.asarray(matrix.transpose(dose_dim, other).values, dtype=np.float64)
    if other in table.coords:
        whole = np.sort(np.asarray(table[other].values, dtype=np.float64))
        at = np.array([int(np.argmin(np.abs(table[other].values - one))) for one in dose], dtype=np.intp)
        if not np.allclose(np.asarray(table[other].values, dtype=np.float64)[at], dose, rtol=1e-9, atol=0.0):
            raise InputError(
                f"the covariance of {name} lacks the row of a dose", where="coverages",
                remedy="Give the table as surfspec.leis.coverage returned it, or a part of it",
            )  # fmt: skip
        values = values[:, at]
    elif values.shape[0] == values.shape[1]:
        whole = dose
    else:
        raise InputError(
            f"the covariance of {name} has {values.shape[1]} columns for {values.shape[0]} doses",
            where="coverages",
            remedy=f"Give its doses as the coordinate {other}, or cut it along {other} too",
        )
    known = values[np.isfinite(values) & np.isfinite(values.T)]
    if not np.allclose(values, values.T, rtol=1e-6, atol=1e-12 * float(np.max(np.abs(known), initial=0.0)),
                       equal_nan=True):  # fmt: skip
        raise InputError(
            f"the covariance of {name} is not symmetric", where="coverages", remedy="Give a symmetric covariance"
        )
    whole = whole[whole <= dose[-1]]
    place = np.searchsorted(whole, dose)
    coverage, covariance = np.full(whole.size, np.nan), np.full((whole.size, whole.size), np.nan)
    coverage[place] = seen
    covariance[np.ix_(place, place)] = values
    return DoseRows(whole, coverage, covariance)
