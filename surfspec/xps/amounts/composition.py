"""Atomic percent from areas, with a budget of its uncertainty, and limits for elements that are not detected."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from surfspec import schema, spectra
from surfspec.errors import InputError, NotDeterminedError
from surfspec.reference import Material
from surfspec.xps.amounts import budget
from surfspec.xps.amounts.areas import (
    Areas,
    areas_of,
    check_mapping,
    element_of,
    factor_of,
    kinetic_energy_of,
    level_of,
    number,
    shows_no_peak,
)
from surfspec.xps.amounts.normalisation import table_of
from surfspec.xps.amounts.shared_window import by_element

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Highest level of a limit.
SUREST = 0.999999
#: Standard uncertainties that an area must exceed to count as detected, as in the verdicts of fits.
DETECTED = 3.0


def quantify(
    fits: Mapping[str, xr.Dataset],
    *,
    library: str | Mapping[str, float] = "scofield",
    energy_exponent: float = 0.75,
    mean_free_path: str | Material | None = None,
    transmission: budget.Transmission = None,
    uncertainties: Mapping[str, float] | None = None,
    library_unc: float = 0.0,
    level: float = 0.95,
    force: bool = False,
) -> xr.Dataset:
    r"""Turn areas into atomic percent.

    .. math:: c_j = 100\,\frac{n_j}{\sum_k n_k}, \qquad
              n_j = \frac{A_j}{s_j\,T(E_j)\,\lambda(E_j)}

    with sensitivity factors :math:`s`, transmission :math:`T` and mean free path :math:`\lambda` at the kinetic
    energy of the line. By default :math:`\lambda T` is the power law :math:`E^n`. Homogeneous samples only: of a film
    the numbers are apparent ones.

    The uncertainty is a budget, :math:`u^2(c) = \sum_q u_q^2(c)`: columns ``from_area`` (counting, background, fit),
    ``from_sensitivity``, ``from_transmission``, ``from_mean_free_path``. Each follows from a covariance over the
    regions, so that what is common to all lines cancels.

    An element whose area does not exceed three standard uncertainties is not detected: its percentage is NaN, and
    ``upper_limit`` holds the most there can be, :math:`c(A + u(A)\,\Phi^{-1}[1 - (1 - p)\,\Phi(A/u)])` at the
    level p.

    Parameters
    ----------
    fits
        Fit of each region of one sample, one region for each element. Auger lines and satellites do not count.
    library
        ``"scofield"`` (Al K-alpha, C 1s = 1), ``"ALTHERMO1"``, or core level -> factor: ``{"Zr 3d": 7.04}``. The
        factor is that of the lines that the fit holds: of Zn 2p3/2 alone where only that line was fitted.
    energy_exponent
        n above, where no `mean_free_path` is named. 0.75 is Avantage's, and close to the mean free path alone with a
        constant transmission.
    mean_free_path
        Material whose mean free paths by TPP-2M are used instead of the power law: a name, a
        :class:`surfspec.reference.Material`, or ``"average"`` (matrix of average sensitivity factors).
    transmission
        An exponent x of :math:`T = E^x`; two rows (kinetic energies in eV, transmissions); or the spectra of the
        regions as read, where their files state the transmission. Multiplies the power law too.
    uncertainties
        Standard uncertainties, some of: ``sensitivity`` and ``transmission`` (relative, independent for each core
        level), ``transmission_exponent`` (all lines together), ``mean_free_path`` (relative; by default that of
        TPP-2M where a material is named) and ``mean_free_path_correlation`` between lines (0.9).
    library_unc
        The same as ``sensitivity`` among the uncertainties.
    level
        Level of the upper limits, one-sided.
    force
        Use failed fits as well.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``region``: ``atomic_percent`` with ``_unc``, ``covariance``, the budget, ``detected``,
        ``upper_limit``, ``area``, ``sensitivity``, ``transmission``, ``mean_free_path`` (nm, or the power law);
        coordinate ``element``.

    Raises
    ------
    InputError
        When an element has two regions, the factor of a line is missing, the photon energy is unknown or not the
        one of the library.
    NotDeterminedError
        When a fit failed otherwise than by showing no peak: a percentage of what is left would be a percentage of
        something else. When nothing is detected.

    References
    ----------
    Scofield, J. Electron Spectrosc. 8 (1976) 129; ISO 18118 (sensitivity factors); ISO 11929-1 (limits of a quantity
    that cannot be negative); Tanuma, Powell & Penn, Surf. Interface Anal. 21 (1994) 165.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> zr = ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d", photon_energy=1486.6)
    >>> ss.xps.quantify({"Zr 3d": ss.xps.fit(zr, "Zr 3d")}).atomic_percent.values.tolist()
    [100.0]
    """
    check_mapping(fits, "quantify")
    fits = by_element(fits)
    _usable(fits, force)
    stated = _stated(uncertainties, library_unc, energy_exponent, level)
    areas = areas_of(fits, force, absent=True)
    elements = _elements(fits, areas)
    factors = np.array([factor_of(library, fits[name]) for name in areas.regions])
    kinetic = np.array([kinetic_energy_of(fits[name], library) for name in areas.regions])
    photon = np.array([float(fits[name].attrs["photon_energy"]) for name in areas.regions])
    passed = budget.transmission_at(transmission, areas.regions, kinetic, photon)
    path, path_unc = budget.mean_free_path_at(mean_free_path, kinetic, energy_exponent)
    divisor = factors * passed * path
    area_unc = np.sqrt(np.clip(np.diag(areas.covariance), 0, None))
    detected = ~(areas.area <= DETECTED * area_unc)
    if force:
        detected |= ~np.array([shows_no_peak(fit) for fit in fits.values()]) & (areas.area > 0)
    amounts = np.where(detected, np.clip(areas.area, 0, None), 0.0) / divisor
    if not np.nansum(amounts) > 0:
        raise NotDeterminedError(
            "no element is detected", where="quantify", remedy="Fit a region in which a line stands out"
        )
    levels = tuple(level_of(fits[name]) for name in areas.regions)
    parts = _spreads(areas, amounts, detected, divisor, levels, kinetic, path_unc, stated)
    share = np.where(detected, 100 * amounts / np.nansum(amounts), np.nan)
    limit = upper_limits(areas.area, area_unc, detected, divisor, amounts, level)
    out = table_of(areas, {"atomic_percent": share}, np.sum(list(parts.values()), axis=0), "Atomic percent", units="%")
    out = out.assign(_columns(parts, detected, limit, factors, passed, path, mean_free_path is not None, level))
    out = out.assign_coords(element=("region", np.array(elements)))
    out.attrs |= {
        "library": library if isinstance(library, str) else "given by the user",
        "energy_exponent": energy_exponent if mean_free_path is None else 0.0,
        "mean_free_path": _name(mean_free_path),
        "transmission": _told(transmission),
        "library_relative_unc": stated.get("sensitivity", 0.0),
        "limit_level": level,
        **{f"unc_{key}": value for key, value in stated.items()},
        **spectra.origin(*fits.values()),
    }
    return schema.check(out, "table")


def _usable(fits: Mapping[str, xr.Dataset], force: bool) -> None:
    failed = [
        name
        for name, fit in fits.items()
        if str(schema.check(fit, "fit")["verdict"].values) == "failed" and not shows_no_peak(fit)
    ]
    if failed and not force:
        raise NotDeterminedError(
            f"the fit of {', '.join(failed)} failed",
            where="quantify",
            remedy="Mend it, or leave the region out of the fits: the percentages then refer to the other elements",
        )


def _stated(
    uncertainties: Mapping[str, float] | None, library_unc: float, exponent: float, level: float
) -> dict[str, float]:
    number(library_unc, "library_unc", 0.0, budget.KEYS["sensitivity"])
    number(exponent, "energy_exponent", -budget.STEEPEST, budget.STEEPEST)
    number(level, "level", 0.5, SUREST)
    stated = budget.checked(uncertainties)
    if library_unc > 0 and "sensitivity" in stated:
        raise InputError(
            "the uncertainty of the factors is given twice", where="library_unc", remedy="Leave out library_unc"
        )
    return {**stated, "sensitivity": library_unc} if library_unc > 0 else stated


def _elements(fits: Mapping[str, xr.Dataset], areas: Areas) -> list[str]:
    elements = [element_of(fits[name]) for name in areas.regions]
    repeated = sorted({e for e in elements if elements.count(e) > 1})
    if repeated:
        raise InputError(
            f"{repeated[0]} has several regions", where="quantify", remedy="Pass one region for each element"
        )
    return elements


def _spreads(
    areas: Areas,
    amounts: Array,
    detected: Mask,
    divisor: Array,
    levels: tuple[str, ...],
    kinetic: Array,
    path_unc: Array,
    stated: Mapping[str, float],
) -> dict[str, Array]:
    """Return the covariance of the percentages that each source makes; NaN rows where one is not known."""
    total = float(np.nansum(amounts))
    share = np.nan_to_num(amounts) / total
    gradient = 100 * (np.eye(share.size) - np.outer(share, detected.astype(float))) / total
    known = detected & np.isfinite(np.diag(areas.covariance))
    finite = np.where(np.isfinite(areas.covariance), areas.covariance, 0.0)
    logs = budget.covariances(np.zeros_like(finite), levels, kinetic, path_unc, stated)
    parts = {}
    for name in budget.SOURCES:
        spread = finite / np.outer(divisor, divisor) if name == "area" else logs[name] * np.outer(amounts, amounts)
        spread = np.where(np.outer(detected, detected), spread, 0.0)
        found = gradient @ spread @ gradient.T
        found[~known, :] = np.nan
        found[:, ~known] = np.nan
        parts[name] = found
    return parts


def upper_limits(area: Array, unc: Array, detected: Mask, divisor: Array, amounts: Array, level: float) -> Array:
    r"""Return the upper limit in atomic percent of what is not detected, NaN for the others.

    .. math:: A_\mathrm{up} = A + u\,\Phi^{-1}[1 - (1 - p)\,\Phi(A/u)], \qquad
              c_\mathrm{up} = 100\,\frac{n_\mathrm{up}}{n_\mathrm{up} + \sum_\mathrm{detected} n}

    Parameters
    ----------
    area, unc
        Measured areas and their standard uncertainties, shape (k,).
    detected, divisor, amounts
        What is detected, area over amount, amounts (0 where not detected), shape (k,).
    level
        p, one-sided.

    References
    ----------
    ISO 11929-1 (limits of the coverage interval of a non-negative quantity), Gaussian case.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.array([100.0, 0.0])
    >>> upper_limits(one, np.array([1.0, 1.0]), one > 0, np.ones(2), one, 0.95).round(2).tolist()
    [nan, 1.92]
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        most = area + unc * ndtri(1.0 - (1.0 - level) * ndtr(area / unc))
        top = most / divisor
        return np.asarray(np.where(detected, np.nan, 100 * top / (top + float(np.nansum(amounts)))))


def _columns(
    parts: Mapping[str, Array],
    detected: Mask,
    limit: Array,
    factors: Array,
    passed: Array,
    path: Array,
    is_length: bool,
    level: float,
) -> dict[str, tuple[str, Array | Mask, dict[str, str]]]:
    out: dict[str, tuple[str, Array | Mask, dict[str, str]]] = {
        f"from_{name}": (
            "region",
            np.sqrt(np.clip(np.diag(part), 0, None)),
            {"units": "%", "long_name": f"Uncertainty by the {name.replace('_', ' ')}"},
        )
        for name, part in parts.items()
    }
    out["detected"] = ("region", detected, {"long_name": "Detected: area above three standard uncertainties"})
    out["upper_limit"] = ("region", limit, {"units": "%", "long_name": f"Upper limit, {100 * level:g} % one-sided"})
    out["sensitivity"] = ("region", factors, {"units": "1", "long_name": "Sensitivity factor"})
    out["transmission"] = ("region", passed, {"units": "1", "long_name": "Relative transmission"})
    name = "Inelastic mean free path (TPP-2M)" if is_length else "Power law of the kinetic energy"
    out["mean_free_path"] = ("region", path, {"units": "nm" if is_length else "1", "long_name": name})
    return out


def _name(material: str | Material | None) -> str:
    return "power law" if material is None else material if isinstance(material, str) else material.name


def _told(transmission: budget.Transmission) -> str:
    if transmission is None:
        return "constant"
    if isinstance(transmission, Mapping):
        return "as stated by the files"
    return f"E^{float(transmission):g}" if isinstance(transmission, int | float) else "given by the user"
