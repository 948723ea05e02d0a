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
from surfspec.leis.film.layer_choice import LAYERS, thickness_terms

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Series:
    """The dose series of one sample.

    Attributes
    ----------
    name
        Of the sample.
    dose, coverage, covariance
        Shapes (k,), (k,) and (k, k).
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


def named_tables(
    coverages: xr.Dataset | Sequence[xr.Dataset] | Mapping[str, xr.Dataset],
) -> dict[str, xr.Dataset]:
    """Return tables by the name of their sample, or raise where there is none."""
    if isinstance(coverages, xr.Dataset):
        found = {str(coverages.attrs.get("sample", "sample")): coverages}
    elif isinstance(coverages, Mapping):
        named = cast(Mapping[str, xr.Dataset], coverages)
        found = {str(name): named[name] for name in named}
    else:
        many = list(coverages)
        names = [str(one.attrs.get("sample", "")) for one in many]
        distinct = len(set(names)) == len(names) and all(names)
        found = {
            name if distinct else f"sample {i + 1}": one for i, (name, one) in enumerate(zip(names, many, strict=True))
        }
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
    seen = np.asarray(table["coverage"].values, dtype=np.float64)
    if "coverage_covariance" in table:
        matrix = np.asarray(table["coverage_covariance"].values, dtype=np.float64)
    else:
        matrix = np.diag(np.asarray(table["coverage_unc"].values, dtype=np.float64) ** 2)
    if not (np.all(np.isfinite(seen)) and np.all(np.isfinite(matrix))):
        raise InputError(
            f"{name} misses the coverage of a dose", where="coverages", remedy="Leave that dose out: .dropna(dose)"
        )
    wanted = layers if layers is None or isinstance(layers, int) else layers.get(name)
    allowed = LAYERS if wanted is None else (int(wanted),)
    if not set(allowed) <= set(LAYERS):
        raise InputError(f"{wanted} monolayers", where="layers", remedy=f"Give one of {', '.join(map(str, LAYERS))}")
    terms = thickness_terms(thickness.get(name), monolayer)[[LAYERS.index(n) for n in allowed]]
    return Series(name, np.asarray(table[dose_dim].values, dtype=np.float64), seen, matrix, allowed, terms)
