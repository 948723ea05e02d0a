"""How far the in-depth edge of an element lies below its surface peak, read from a fit and averaged over spots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.leis.amounts.detection import recipe_of
from surfspec.leis.film.edge_mixture import covered_edges
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
    prominence
        Height of that peak over the level of the shoulder a width below it, mean over the spots.
    share, share_unc
        Bare share of the surface and its uncertainty by counting and spots; NaN without a reference.
    failed
        Why, where the fits of all spots failed; else nothing.
    """

    dims: tuple[str, ...]
    lag: Array
    lag_unc: Array
    between: Array
    area: Array
    area_unc: Array
    present: NDArray[np.bool_]
    prominence: Array
    share: Array
    share_unc: Array
    failed: NDArray[np.str_]


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


def edge_lags(fit: xr.Dataset, element: str, spot_dim: str = "spot", reference: xr.Dataset | None = None) -> EdgeLags:
    """Read the lags of a fit, or find those beneath the film beside bare parts, and average them over the spots.

    Parameters
    ----------
    fit
        What :func:`surfspec.leis.fit` returned.
    element
        Whose edge.
    spot_dim
        Dimension of equivalent spots; need not be there.
    reference
        Fit of the bare substrate: then the lag is that of the covered part alone
        (:mod:`surfspec.leis.film.edge_mixture`).

    Returns
    -------
    EdgeLags
        Over the other series dimensions. Failed members and edges that the fit could not place are left out.
    """
    if reference is None:
        part = fit.sel(parameter=f"{element} lag")
        value, unc = part["value"], part["value_unc"].where(fit["verdict"] != "failed")
        share = xr.full_like(value, np.nan)
        share_unc = share
    else:
        covered = covered_edges(fit, reference, element)
        value, unc, share, share_unc = (covered[name] for name in ("lag", "lag_unc", "share", "share_unc"))
    dims = tuple(str(d) for d in value.dims if d != spot_dim)
    area = fit["area"].sel(component=element)
    area_unc = fit["area_unc"].sel(component=element)

    def spots_last(one: xr.DataArray) -> Array:
        one = one if spot_dim in one.dims else one.expand_dims(spot_dim)
        return np.asarray(one.transpose(*dims, spot_dim).values, dtype=np.float64)

    x, u, a, v, s, p, b, w = (
        spots_last(one)
        for one in (
            value, unc, area, area_unc, fit["area"].sum("component"), _prominence(fit, element), share, share_unc
        )
    )  # fmt: skip
    shape = x.shape[:-1]
    lag, lag_unc, between, mean, mean_unc, above, bare, bare_unc = (np.full(shape, np.nan) for _ in range(8))
    present = np.zeros(shape, dtype=bool)
    for i in np.ndindex(*shape):
        lag[i], lag_unc[i], between[i] = combine(x[i], u[i])
        mean[i], mean_unc[i] = _average(a[i], v[i])
        bare[i], bare_unc[i] = _average(b[i], w[i])
        seen = np.isfinite(a[i]) & np.isfinite(v[i])
        if np.any(seen):
            present[i] = mean[i] > PRESENT * np.hypot(mean_unc[i], MODEL_SHARE * s[i][seen].mean())
            above[i] = np.nan_to_num(p[i][seen]).mean()
    return EdgeLags(
        dims, lag, lag_unc, between, mean, mean_unc, present, above, bare, bare_unc, _failures(fit, dims, spot_dim)
    )


def _failures(fit: xr.Dataset, dims: tuple[str, ...], spot_dim: str) -> NDArray[np.str_]:
    """Return the first reason where the fits of all spots failed, else nothing."""
    failed, why = (
        (one if spot_dim in one.dims else one.expand_dims(spot_dim)).transpose(*dims, spot_dim).values
        for one in (fit["verdict"] == "failed", fit["reasons"])
    )
    first = np.vectorize(lambda text: str(text).split("; ")[0], otypes=[str])(why[..., 0])
    return np.where(failed.all(axis=-1), first, "")


def _average(values: Array, errors: Array) -> tuple[float, float]:
    """Return the mean over the spots, whose uncertainty is no less than their scatter; NaN for none."""
    seen = np.isfinite(values) & np.isfinite(errors)
    count = int(seen.sum())
    if count == 0:
        return np.nan, np.nan
    own = float(np.sqrt((errors[seen] ** 2).sum()) / count)
    spread = float(values[seen].std(ddof=1) / np.sqrt(count)) if count > 1 else 0.0
    return float(values[seen].mean()), max(own, spread)


def _prominence(fit: xr.Dataset, element: str) -> xr.DataArray:
    """Return the height of a surface peak over the shoulder a width below it, NaN where there is no shoulder."""
    axis = str(fit["intensity"].dims[-1])
    one = fit[["height", "center", "fwhm"]].sel(component=element)
    below = abs(fit[axis] - (one["center"] - one["fwhm"])) <= one["fwhm"] / 2.0
    level = (fit["background"] * below).sum(axis) / below.sum(axis).clip(min=1)
    found: xr.DataArray = one["height"] / level.where(level > 0)
    return found.reset_coords(drop=True)
