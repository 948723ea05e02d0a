"""How far the in-depth edge of an element lies below its surface peak, read from a fit and averaged over spots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.leis.amounts.detection import recipe_of
from surfspec.reference.materials import composition

Array = NDArray[np.float64]

#: Standard uncertainties of its area from which a surface peak counts as present.
PRESENT = 3.0
#: Standard uncertainty of an area by the spectral model over all areas, as for normalised areas.
MODEL_SHARE = 0.01


@dataclass(frozen=True)
class EdgeLags:
    """Lags of a series without its spots.

    Attributes
    ----------
    dims
        Series dimensions left.
    lag, lag_unc
        Centre of the edge below that of the elastic peak, eV; NaN where no spot shows an edge.
    between
        Standard deviation between spots beyond what their fits explain, eV; NaN below two spots.
    area, area_unc
        Area of the surface peak, mean over the spots, in the unit of the fit.
    present
        Whether that peak stands out from its uncertainty, that of the spectral model included.
    """

    dims: tuple[str, ...]
    lag: Array
    lag_unc: Array
    between: Array
    area: Array
    area_unc: Array
    present: NDArray[np.bool_]


def edge_element(fit: xr.Dataset, film: str = "", element: str | None = None) -> str:
    """Return the element whose edge tells the thickness: the heaviest with a free edge that the film does not hold.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.
    film
        Formula of the film.
    element
        Take this one.

    Raises
    ------
    InputError
        For an element whose edge was not free in the fit, or one that the film holds.
    """
    recipe = recipe_of(fit)
    held = set(composition(film)) if film else set()
    free = [name for name in recipe.lagging() if name not in held]
    if element is None:
        if not free:
            raise InputError(
                f"no element beneath {film or 'the film'} had a free in-depth edge in the fit",
                where="element",
                remedy="Fit with Recipe(lag=(...)) of an element of the substrate that the film does not hold",
            )
        return max(free, key=recipe.line)
    if element in held:
        raise InputError(
            f"{film} holds {element} itself", where="element", remedy="Take an element of the substrate alone"
        )
    if element not in recipe.lagging():
        raise InputError(
            f"the edge of {element} was not free in the fit",
            where="element",
            remedy=f"Fit with Recipe(lag=({element!r},))",
        )
    return element


def combine(values: Array, errors: Array) -> tuple[float, float, float]:
    r"""Average numbers of different uncertainty that may scatter beyond it.

    Weights :math:`1/(u^2 + \tau^2)`, with the variance between them of DerSimonian and Laird, Control. Clin. Trials 7
    (1986) 177; the uncertainty of the mean is no less than its scatter says (Hartung and Knapp, Stat. Med. 20 (2001)
    3875).

    Parameters
    ----------
    values, errors
        Shape (n,); NaN where missing.

    Returns
    -------
    mean, uncertainty, between
        NaN for nothing; `between` is NaN for a single one.

    Examples
    --------
    >>> mean, unc, between = combine(np.array([10.0, 14.0]), np.array([1.0, 1.0]))
    >>> mean, round(unc, 2), round(between, 2)
    (12.0, 2.0, 2.65)
    """
    good = np.isfinite(values) & np.isfinite(errors) & (errors > 0)
    x, u = values[good], errors[good]
    if x.size == 0:
        return np.nan, np.nan, np.nan
    weight = u**-2.0
    mean = float(weight @ x / weight.sum())
    if x.size == 1:
        return mean, float(u[0]), np.nan
    scatter = float(weight @ (x - mean) ** 2)
    excess = (scatter - (x.size - 1)) / float(weight.sum() - (weight**2).sum() / weight.sum())
    tau2 = max(0.0, excess)
    weight = 1.0 / (u**2 + tau2)
    mean = float(weight @ x / weight.sum())
    seen = float(weight @ (x - mean) ** 2) / (x.size - 1)
    return mean, float(np.sqrt(max(1.0, seen) / weight.sum())), float(np.sqrt(tau2))


def edge_lags(fit: xr.Dataset, element: str, spot_dim: str = "spot") -> EdgeLags:
    """Read the lags of a fit and average them over the spots.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.
    element
        Whose edge.
    spot_dim
        Dimension of equivalent spots; need not be there.

    Returns
    -------
    EdgeLags
        Over the other series dimensions. Failed members and edges that the fit could not place are left out.
    """
    name = f"{element} lag"
    part = fit.sel(parameter=name)
    value, unc = part["value"], part["value_unc"].where(fit["verdict"] != "failed")
    dims = tuple(str(d) for d in value.dims if d != spot_dim)
    area = fit["area"].sel(component=element)
    area_unc = fit["area_unc"].sel(component=element)
    total = fit["area"].sum("component")

    def spots_last(one: xr.DataArray) -> Array:
        one = one if spot_dim in one.dims else one.expand_dims(spot_dim)
        return np.asarray(one.transpose(*dims, spot_dim).values, dtype=np.float64)

    x, u, a, v, s = (spots_last(one) for one in (value, unc, area, area_unc, total))
    shape = x.shape[:-1]
    lag, lag_unc, between, mean, mean_unc = (np.full(shape, np.nan) for _ in range(5))
    present = np.zeros(shape, dtype=bool)
    for i in np.ndindex(*shape):
        lag[i], lag_unc[i], between[i] = combine(x[i], u[i])
        seen = np.isfinite(a[i]) & np.isfinite(v[i])
        if np.any(seen):
            mean[i] = a[i][seen].mean()
            count = int(seen.sum())
            own = float(np.sqrt((v[i][seen] ** 2).sum()) / count)
            spread = float(a[i][seen].std(ddof=1) / np.sqrt(count)) if count > 1 else 0.0
            mean_unc[i] = max(own, spread)
            present[i] = mean[i] > PRESENT * np.hypot(mean_unc[i], MODEL_SHARE * s[i][seen].mean())
    return EdgeLags(dims, lag, lag_unc, between, mean, mean_unc, present)
