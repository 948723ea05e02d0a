"""Areas of fits as rates, and their ratios: the numbers that stand in pictures of several regions or samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.display import labels
from surfspec.errors import InputError, NotDeterminedError

Array = NDArray[np.float64]

#: An area that others are divided by is at least so many standard uncertainties.
DETERMINED: Final = 3.0
#: Relative uncertainty below which a number is exact but for rounding (a line over itself).
ROUND_OFF: Final = 1e-9


@dataclass(frozen=True)
class Amount:
    """A number with its standard uncertainty; NaN where it is not determined."""

    value: float
    unc: float


def seconds(fit: xr.Dataset) -> float:
    """Return the seconds a channel was counted: dwell time times scans; 1 for rates, and where it is not known.

    Examples
    --------
    >>> import xarray as xr
    >>> counted = xr.Dataset({"intensity": ("x", [1.0], {"units": "counts"})}, attrs={"dwell_time": 0.1, "scans": 20})
    >>> seconds(counted), seconds(counted.assign_attrs(dwell_time=0.0))
    (2.0, 1.0)
    """
    if not is_timed(fit) or fit["intensity"].attrs.get("units") != "counts":
        return 1.0
    return float(fit.attrs["dwell_time"]) * float(fit.attrs.get("scans", 1))


def is_timed(fit: xr.Dataset) -> bool:
    """Tell whether the intensity is a rate or can be made one."""
    return fit["intensity"].attrs.get("units") != "counts" or float(fit.attrs.get("dwell_time", 0.0)) > 0


def rate_unit(fits: Mapping[str, xr.Dataset]) -> str:
    """Return the unit of areas divided by :func:`seconds`; refuse fits that cannot be compared.

    Raises
    ------
    InputError
        When units differ, or the dwell time is known for some fits only.
    """
    units = {str(fit["intensity"].attrs.get("units", "1")) for fit in fits.values()}
    if len(units) > 1:
        raise InputError(
            f"the intensities have different units: {', '.join(sorted(units))}",
            where="areas",
            remedy="Convert all regions to counts, or all to rates",
        )
    untimed = [name for name, fit in fits.items() if not is_timed(fit)]
    if untimed and len(untimed) < len(fits):
        raise InputError(
            f"the dwell time of {', '.join(untimed)} is not known, that of other regions is",
            where="areas",
            remedy="Set attrs['dwell_time'] (s) and attrs['scans'] of every region",
        )
    unit = units.pop()
    return f"{'counts/s' if unit == 'counts' and not untimed else unit} eV"


def core_levels(fit: xr.Dataset) -> NDArray[np.bool_]:
    """Return which components count to the area of a region: not Auger lines, not X-ray satellites."""
    return np.array([kind == "core" for kind in labels.component_kinds(fit)])


def line_area(fit: xr.Dataset, line: str) -> Amount:
    """Return the area (per second) of all components of a line, with its uncertainty from their covariance.

    Raises
    ------
    InputError
        When the fit does not have the line.
    NotDeterminedError
        When the fit failed, or the area is less than three standard uncertainties.
    """
    picked = np.array([name == line for name in labels.words(fit, "line")])
    if not picked.any():
        raise InputError(
            f"no component has the line {line!r}",
            where="line",
            remedy=f"Lines are {', '.join(dict.fromkeys(labels.words(fit, 'line'))) or '(none named)'}",
        )
    verdict, reasons = labels.verdict_of(fit)
    area = _sum(fit, picked)
    if verdict == "failed" or not area.value > DETERMINED * area.unc:
        why = f"its fit failed: {'; '.join(reasons)}" if verdict == "failed" else f"{area.value:g} +- {area.unc:.2g}"
        raise NotDeterminedError(
            f"the area of {line} is not determined ({why})",
            where="line",
            remedy="Choose a line that the data determine, or mend the fit",
        )
    return area


def holder(fits: Mapping[str, xr.Dataset], line: str) -> str:
    """Return the region whose fit has a line.

    Raises
    ------
    InputError
        When no fit has it.
    """
    for region, fit in fits.items():
        if line in labels.words(fit, "line"):
            return region
    found = sorted({name for fit in fits.values() for name in labels.words(fit, "line")})
    raise InputError(
        f"no fit has the line {line!r}", where="to", remedy=f"Lines are {', '.join(found) or '(none named)'}"
    )


def normalised_areas(fits: Mapping[str, xr.Dataset], line: str) -> dict[str, Amount]:
    r"""Divide the area of each region of one sample by that of a line.

    With areas as rates, :math:`r = A / L` and

    .. math:: u^2(r) = \left[u^2(A) - 2 r \,\mathrm{cov}(A, L) + r^2 u^2(L)\right] / L^2,

    the covariance being that of one fit where region and line share it, else zero. Auger lines and X-ray satellites do
    not count. The region of a failed fit has no number.

    Parameters
    ----------
    fits
        ``{region: fit}`` of one sample.
    line
        ``"Zr 3d5/2"``.

    Raises
    ------
    InputError, NotDeterminedError
        As :func:`rate_unit` and :func:`line_area`.

    References
    ----------
    JCGM 100:2008 (GUM), 5.2.2.
    """
    rate_unit(fits)
    home = holder(fits, line)
    anchor = fits[home]
    level = line_area(anchor, line)
    found = {}
    for region, fit in fits.items():
        area = _sum(fit, core_levels(fit))
        shared = _shared(anchor, line) if region == home else 0.0
        ratio = area.value / level.value
        variance = (area.unc**2 - 2 * ratio * shared + (ratio * level.unc) ** 2) / level.value**2
        unc = float(np.sqrt(max(variance, 0.0))) if np.isfinite(variance) else np.nan
        failed = labels.verdict_of(fit)[0] == "failed"
        found[region] = Amount(np.nan, np.nan) if failed else Amount(ratio, 0.0 if unc < ROUND_OFF * ratio else unc)
    return found


def component_amounts(fit: xr.Dataset, *, share: bool = False, over: Amount | None = None) -> dict[str, Amount]:
    r"""Return the area of each component as a rate, as a share of the core levels, or over another area.

    Share: :math:`f_j = A_j / \sum_k A_k` with :math:`u^2(f) = J C J^T`,
    :math:`J_{jk} = (\delta_{jk} - f_j) / \sum A`, over the components that are core levels.

    Parameters
    ----------
    fit
        Single fit.
    share
        Divide by the sum over the core levels of this fit.
    over
        Divide by this area, which is independent of the fit.
    """
    names = labels.component_labels(fit)
    if labels.verdict_of(fit)[0] == "failed":
        return {name: Amount(np.nan, np.nan) for name in names}
    core = core_levels(fit)
    divisor = seconds(fit)
    area = fit["area"].values / divisor
    covariance = fit["area_covariance"].values / divisor**2
    if share:
        total = float(area[core].sum())
        if not total > 0:
            return {name: Amount(np.nan, np.nan) for name in names}
        part = area / total
        jacobian = (np.eye(area.size) - np.outer(part, core.astype(float))) / total
        used = np.where(np.isfinite(covariance), covariance, 0.0)
        known = bool(np.all(np.isfinite(np.diag(covariance)[core])))
        unc = np.sqrt(np.clip(np.diag(jacobian @ used @ jacobian.T), 0, None))
        unc = np.where(unc < ROUND_OFF * np.abs(part), 0.0, unc) if known else np.full(area.size, np.nan)
        return {name: Amount(float(a), float(u)) for name, a, u, own in zip(names, part, unc, core, strict=True) if own}
    unc = np.sqrt(np.clip(np.diag(covariance), 0, None))
    if over is not None:
        unc = np.hypot(unc, area / over.value * over.unc) / over.value
        area = area / over.value
    return {name: Amount(float(a), float(u)) for name, a, u in zip(names, area, unc, strict=True)}


def single_fits(fits: object, where: str) -> dict[str, xr.Dataset]:
    """Return ``{region: fit}`` checked: fits of single spectra, at least one.

    Raises
    ------
    InputError
        For anything else.
    """
    if not isinstance(fits, Mapping) or isinstance(fits, xr.Dataset) or not fits:
        raise InputError(
            f"fits is {'empty' if isinstance(fits, Mapping) else 'a ' + type(fits).__name__}",
            where=where,
            remedy="Pass a mapping of regions to fits: {'Zr 3d': fit, 'Na 1s': fit}",
        )
    for name, fit in fits.items():
        kind = schema.kind_of(fit)
        series = kind == "fit" and bool(labels.member_dims(fit))
        if kind != "fit" or series:
            raise InputError(
                f"{name!r} is a {kind}{' series' if series else ''}",
                where=where,
                remedy="Pass fits of single spectra; select a member of a series with .isel()",
            )
        schema.check(fit, "fit")
    return {str(name): fit for name, fit in fits.items()}


def _sum(fit: xr.Dataset, picked: NDArray[np.bool_]) -> Amount:
    divisor = seconds(fit)
    variance = float(fit["area_covariance"].values[np.ix_(picked, picked)].sum())
    unc = float(np.sqrt(max(variance, 0.0))) if np.isfinite(variance) else np.nan
    return Amount(float(fit["area"].values[picked].sum()) / divisor, unc / divisor)


def _shared(fit: xr.Dataset, line: str) -> float:
    """Return the covariance of the area of a region with that of one of its lines."""
    picked = np.array([name == line for name in labels.words(fit, "line")])
    return float(fit["area_covariance"].values[np.ix_(core_levels(fit), picked)].sum()) / seconds(fit) ** 2
