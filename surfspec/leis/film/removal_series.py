"""Tables of coverages as the dose series that share a removal cross-section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.leis.film.dose import MISSING, without_missing
from surfspec.leis.film.dose_axis import check_unit, rows_of
from surfspec.leis.film.layer_choice import LAYERS, thickness_terms

Array = NDArray[np.float64]
_LAYERS = f"Give one of {', '.join(map(str, LAYERS))}"


@dataclass(frozen=True)
class Series:
    """The dose series of one sample.

    Attributes
    ----------
    name
        Of the sample.
    dose, coverage, covariance
        Shapes (k,), (k,) and (k, k); a dose without a coverage has no weight
        (:func:`surfspec.leis.film.dose.without_missing`).
    layers
        Thicknesses allowed.
    extra
        What a thickness measured otherwise adds to the chi-square of each of them, shape (layers,).
    """

    name: str
    dose: Array
    coverage: Array
    covariance: Array
    layers: tuple[int, ...]
    extra: Array

    @property
    def points(self) -> int:
        """Number of doses with a coverage."""
        return int(np.sum(np.diag(self.covariance) < MISSING))


def named_tables(
    coverages: xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset],
) -> dict[str, xr.Dataset]:
    """Return tables by the name of their sample, or raise where there is none."""
    if isinstance(coverages, xr.Dataset):
        found = {str(coverages.attrs.get("sample", "sample")): coverages}
    elif isinstance(coverages, Mapping):
        named = cast(Mapping[str, xr.Dataset], coverages)
        found = {str(name): named[name] for name in named}
    elif not isinstance(coverages, list | tuple):
        raise InputError(
            f"coverages is a {type(coverages).__name__}",
            where="coverages",
            remedy="Give the result of surfspec.leis.coverage, a list of them, or a mapping by sample",
        )
    else:
        many = list(coverages)
        if not all(isinstance(one, xr.Dataset) for one in many):
            raise InputError(
                "a member of the list is no table", where="coverages", remedy="Give results of surfspec.leis.coverage"
            )
        names = [str(one.attrs.get("sample", "")) for one in many]
        distinct = len(set(names)) == len(names) and all(names)
        found = {
            name if distinct else f"sample {i + 1}": one for i, (name, one) in enumerate(zip(names, many, strict=True))
        }
    foreign = [name for name, one in found.items() if not isinstance(one, xr.Dataset)]
    if foreign:
        raise InputError(
            f"{foreign[0]} is a {type(found[foreign[0]]).__name__}",
            where="coverages",
            remedy="Give the result of surfspec.leis.coverage",
        )
    if not found:
        raise InputError("no coverages", where="coverages", remedy="Give the result of surfspec.leis.coverage")
    return found


def series_of(
    name: str,
    table: xr.Dataset,
    layers: int | Mapping[str, int] | None,
    thickness: Mapping[str, tuple[float, float]],
    monolayer: float,
    dose_dim: str,
) -> Series:
    """Return one table as a series; the arguments are those of :func:`surfspec.leis.removal`.

    Raises
    ------
    InputError
        For a table without coverages over doses, with missing ones, or layers that are not tried.
    """
    schema.check(table, "table")
    if "coverage" not in table or table["coverage"].dims != (dose_dim,):
        raise InputError(
            f"{name} has no coverages over {dose_dim} alone",
            where="coverages",
            remedy="Give what surfspec.leis.coverage returned for one sample; select it from a series with isel",
        )
    check_unit(table, dose_dim, "coverages")
    if dose_dim not in table.coords:
        raise InputError(
            f"{name} has no doses", where="coverages", remedy=f"Give the coordinate {dose_dim} in ions/cm2"
        )
    found = rows_of(table, dose_dim, name)
    seen, matrix = without_missing(found.coverage, found.covariance)
    if int(np.sum(np.diag(matrix) < MISSING)) < 3:
        raise InputError(
            f"{name} has a coverage at {int(np.sum(np.diag(matrix) < MISSING))} doses only, "
            "which cannot determine a coverage and a cross-section",
            where="coverages",
            remedy="Measure at least three spectra, one after the other, on one spot",
        )
    wanted = layers if layers is None or isinstance(layers, int) else layers.get(name)
    if wanted is not None and (isinstance(wanted, bool) or not isinstance(wanted, int | np.integer)):
        raise InputError(f"{wanted!r} monolayers", where="layers", remedy=_LAYERS)
    allowed = LAYERS if wanted is None else (int(wanted),)
    if not set(allowed) <= set(LAYERS):
        raise InputError(f"{wanted} monolayers", where="layers", remedy=_LAYERS)
    terms = thickness_terms(thickness.get(name), monolayer)[[LAYERS.index(n) for n in allowed]]
    return Series(name, found.dose, seen, matrix, allowed, terms)
