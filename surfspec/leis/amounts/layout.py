"""Series with spots as arrays: the spots last, and what a caller knows of the model's errors laid out alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.leis.amounts.inputs import elements_of

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """Where the spots are: they come last before the element, and one is made up where there is none."""

    dims: tuple[str, ...]
    outer: tuple[str, ...]
    spot_dim: str

    @classmethod
    def of(cls, fit: xr.Dataset, spot_dim: str) -> Layout:
        """Return that of a fit."""
        dims = tuple(str(d) for d in fit["chi2"].dims)
        return cls(dims, tuple(d for d in dims if d != spot_dim), spot_dim)

    @property
    def has_spots(self) -> bool:
        """Whether the fit has a dimension of spots."""
        return self.spot_dim in self.dims

    def ordered(self, values: Array, *trailing: str) -> Array:
        """Return values over the dims of the series and `trailing`, shape (..., spot, *trailing)."""
        order = (*self.outer, *((self.spot_dim,) if self.has_spots else ()), *trailing)
        out = xr.DataArray(values, dims=(*self.dims, *trailing)).transpose(*order).values
        return np.asarray(out if self.has_spots else np.expand_dims(out, len(self.outer)))


def model_areas(fit: xr.Dataset, given: xr.DataArray | None, layout: Layout) -> Array:
    """Return the standard uncertainties of the areas by the model, shape (..., spot, component), zeros by default."""
    if given is None:
        return layout.ordered(np.zeros(fit["area"].shape), "component")
    if not isinstance(given, xr.DataArray):
        raise InputError(
            f"area_model_unc is a {type(given).__name__}",
            where="area_model_unc",
            remedy="Give a DataArray over component (or element), in counts eV",
        )
    one = given.rename({"element": "component"}) if "component" not in given.dims and "element" in given.dims else given
    known = elements_of(fit)
    stray = sorted({str(d) for d in one.dims} - {*layout.dims, "component"})
    missing = [name for name in known if "component" not in one.coords or name not in one["component"].values]
    if stray or missing:
        raise InputError(
            f"area_model_unc has {'dimensions ' + ', '.join(stray) if stray else 'no ' + ', '.join(missing)}",
            where="area_model_unc",
            remedy=f"Give it over component ({', '.join(known)}) and dimensions of the fit",
        )
    labels = [d for d in one.dims if d in fit.coords and d in one.coords]
    selected = one.sel({"component": known})
    for d in labels:
        if d != "component" and not np.array_equal(one[d].values, fit[d].values):
            raise InputError(
                f"area_model_unc has other values of {d} than the fit",
                where="area_model_unc",
                remedy="Compute it from the same series",
            )
    values = np.broadcast_to(
        selected.transpose(*(d for d in layout.dims if d in one.dims), "component").values[
            tuple(slice(None) if d in one.dims else None for d in layout.dims)
        ],
        fit["area"].transpose(*layout.dims, "component").shape,
    )
    if np.any(values < 0):
        raise InputError("a negative uncertainty", where="area_model_unc", remedy="Give 0 or positive numbers")
    return layout.ordered(np.nan_to_num(values), "component")
