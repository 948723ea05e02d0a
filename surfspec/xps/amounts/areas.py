"""Areas of the core levels of one sample as rates with one covariance, and what identifies them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import reference, schema
from surfspec.errors import InputError, SurfspecError
from surfspec.fitting.verdict import REASONS

Array = NDArray[np.float64]

#: Photon energy in eV of the shipped sensitivity factors (Al K-alpha).
AL_K_ALPHA: Final = 1486.6
#: The one reason for a failed fit that is an answer all the same: there is no peak.
ABSENT: Final = "no peak detected"
#: Attribute of a fit that is part of a window with several elements: the name of that window.
WINDOW: Final = "window_of"
_CORE: Final = re.compile(r"[A-Z][a-z]? \d[spdf](\d/2)?")


@dataclass(frozen=True)
class Areas:
    """Areas of several regions as rates, with one covariance."""

    regions: tuple[str, ...]
    area: Array
    covariance: Array
    units: str
    verdicts: tuple[str, ...]
    reasons: tuple[str, ...]
    note: str = ""


def number(value: object, name: str, low: float, high: float, unit: str = "") -> float:
    """Return a finite number within limits, and refuse anything else: text, a bool, NaN.

    Examples
    --------
    >>> number(0.75, "energy_exponent", -10, 10)
    0.75
    """
    good = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not good or not low <= value <= high:  # type: ignore[operator]
        shown = value.item() if isinstance(value, np.generic) else value
        scale = f" {unit}" if unit else ""
        raise InputError(
            f"{name} is {shown!r}"[:120], where=name, remedy=f"Give a number from {low:g} to {high:g}{scale}"
        )
    return float(value)  # type: ignore[arg-type]


def areas_of(fits: Mapping[str, xr.Dataset], force: bool, *, absent: bool = False) -> Areas:
    """Return the core-level area of each region as a rate; NaN where the fit failed.

    Parameters
    ----------
    fits
        Fit of each region, single spectra.
    force
        Take the areas of failed fits too.
    absent
        Take the areas of fits that failed because they show no peak: they bound what may be there.
    """
    for name, fit in fits.items():
        schema.check(fit, "fit")
        if schema.series_dims(fit):
            raise InputError(
                f"the fit of {name!r} is a series", where=name, remedy="Select one member of it with .isel()"
            )
    rates = {name: seconds(fit) for name, fit in fits.items()}
    if len({str(fit["intensity"].attrs["units"]) for fit in fits.values()}) > 1:
        raise InputError("the intensities have different units", where="areas", remedy="Convert all regions to counts")
    timed = {name: is_timed(fit) for name, fit in fits.items()}
    if any(timed.values()) and not all(timed.values()):
        missing = ", ".join(name for name, known in timed.items() if not known)
        raise InputError(
            f"the dwell time of {missing} is not known, that of other regions is",
            where="areas",
            remedy="Set attrs['dwell_time'] (s) and attrs['scans'] of every region",
        )
    area, variance, verdicts, reasons = [], [], [], []
    for name, fit in fits.items():
        core = is_core(fit)
        failed = str(fit["verdict"].item()) == "failed" and not (force or (absent and shows_no_peak(fit)))
        matrix = fit["area_covariance"].values[np.ix_(core, core)]
        area.append(np.nan if failed else float(fit["area"].values[core].sum()) / rates[name])
        variance.append(np.nan if failed else float(matrix.sum()) / rates[name] ** 2)
        verdicts.append(str(fit["verdict"].item()))
        reasons.append(str(fit["reasons"].item()))
    first = next(iter(fits.values()))
    units = str(first["intensity"].attrs["units"])
    note = "" if any(timed.values()) else "dwell times are not known: regions are compared as if counted equally long"
    if all(timed.values()) and units == "counts":
        units = "counts/s"
    told = (tuple(verdicts), tuple(reasons))
    covariance = np.diag(variance)
    for (i, one), (j, other) in combinations(enumerate(fits.values()), 2):
        if same_window(one, other):
            pairs = one["area_covariance"].values[np.ix_(is_core(one), is_core(other))]
            covariance[i, j] = covariance[j, i] = float(pairs.sum()) / seconds(one) ** 2
    return Areas(tuple(fits), np.array(area), covariance, f"{units} eV", *told, note)


def same_window(one: xr.Dataset, other: xr.Dataset) -> bool:
    """Say whether two fits are the shares of two elements in one fit."""
    return WINDOW in one.attrs and one.attrs[WINDOW] == other.attrs.get(WINDOW)


def shows_no_peak(fit: xr.Dataset) -> bool:
    """Say whether a fit failed for the one reason that it shows no peak: a result, with an uncertainty."""
    keys = [part.split(":")[0].strip() for part in str(fit["reasons"].item()).split(";")]
    fatal = {key for key in keys if REASONS.get(key) == "failed"}
    return str(fit["verdict"].item()) == "failed" and fatal == {ABSENT}


def is_core(fit: xr.Dataset) -> NDArray[np.bool_]:
    """Return which components are core levels: no Auger lines ("Na KLL"), no satellites ("Zr 3d5/2 sat")."""
    return np.array([_CORE.fullmatch(str(v).strip()) is not None for v in fit["line"].values], dtype=bool)


def is_timed(fit: xr.Dataset) -> bool:
    """Say whether areas of the fit can be turned into rates: they are rates, or the dwell time is known."""
    return fit["intensity"].attrs["units"] != "counts" or float(fit.attrs.get("dwell_time", 0.0)) > 0


def seconds(fit: xr.Dataset) -> float:
    """Return the seconds a channel was counted, 1 where the intensity is a rate or the time unknown."""
    if fit["intensity"].attrs["units"] != "counts" or not is_timed(fit):
        return 1.0
    return float(fit.attrs["dwell_time"]) * float(fit.attrs.get("scans", 1))


def element_of(fit: xr.Dataset) -> str:
    """Return the one element whose core levels the fit holds."""
    names = {str(v) for v, core in zip(fit["element"].values, is_core(fit), strict=True) if core}
    if len(names) != 1:
        raise InputError(
            f"the fit holds core levels of {', '.join(sorted(names)) or 'no element'}",
            where=str(fit.attrs.get("region", "")),
            remedy="Quantify regions of one element each",
        )
    return names.pop()


def level_of(fit: xr.Dataset) -> str:
    """Return the core level whose lines the fit holds: ``Zr 3d`` for both lines of the doublet, else the line."""
    lines = sorted({str(v) for v, core in zip(fit["line"].values, is_core(fit), strict=True) if core})
    whole = {line.rstrip("/12357") for line in lines}
    if len(lines) == 1:
        return lines[0]
    if len(whole) == 1 and len(lines) == 2:
        return whole.pop()
    raise InputError(
        f"the fit holds the lines {', '.join(lines)}",
        where=str(fit.attrs.get("region", "")),
        remedy="Quantify fits of one core level each",
    )


def factor_of(library: str | Mapping[str, float], fit: xr.Dataset) -> float:
    """Return the sensitivity factor of the core level of a fit."""
    level = level_of(fit)
    if isinstance(library, str):
        return float(reference.sensitivity(library, level))
    if level not in library:
        raise InputError(
            f"no sensitivity factor for {level!r}",
            where="library",
            remedy=f"It has {', '.join(map(str, library))}; add this one",
        )
    factor = library[level]
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < factor < np.inf:
        raise InputError(f"the factor of {level!r} is {factor!r}", where="library", remedy="Give a number above 0")
    return float(factor)


def kinetic_energy_of(fit: xr.Dataset, library: str | Mapping[str, float]) -> float:
    """Return the mean kinetic energy of the core level of a fit, weighted by the areas, in eV."""
    photon = float(fit.attrs.get("photon_energy", 0.0))
    if isinstance(library, str) and photon > 0 and abs(photon - AL_K_ALPHA) > 1.0:
        raise InputError(
            f"the library {library!r} is for {AL_K_ALPHA:g} eV and the photon energy is {photon:g} eV",
            where=str(fit.attrs.get("region", "")),
            remedy="Pass the factors of that photon energy: library={'C 1s': 1.0, ...}",
        )
    core = is_core(fit)
    areas = np.clip(np.nan_to_num(fit["area"].values[core]), 0, None)
    centers = fit["center"].values[core]
    weights = areas if areas.sum() > 0 else np.ones_like(areas)
    binding = float(np.average(centers, weights=weights)) if centers.size else np.nan
    if not photon > binding:
        low = f"the photon energy is {photon:g} eV and the line lies at {binding:g} eV"
        raise InputError(
            low if photon > 0 else "the photon energy is not known",
            where=str(fit.attrs.get("region", "")),
            remedy="Set attrs['photon_energy'], 1486.6 for Al K-alpha, before the fit",
        )
    return photon - binding


def check_mapping(fits: object, where: str) -> None:
    """Refuse what is no mapping of regions to fits of single spectra."""
    single = isinstance(fits, xr.Dataset)  # a Dataset is a mapping too
    if single or not isinstance(fits, Mapping) or not fits:
        told = "a single Dataset" if single else "empty" if isinstance(fits, Mapping) else f"a {type(fits).__name__}"
        raise InputError(
            f"fits is {told}",
            where=where,
            remedy="Pass a mapping of regions to fits: {'Zr 3d': fit, 'Na 1s': fit}",
        )
    for name, fit in fits.items():
        try:
            dims = schema.series_dims(schema.check(fit, "fit"))
        except SurfspecError as error:
            raise InputError(error.message, where=f"{where}: {name}", remedy=error.remedy) from error
        if dims:
            raise InputError(
                f"the fit of {name!r} is a series over {', '.join(dims)}",
                where=where,
                remedy="Select one member of every region with .isel(), and loop over them",
            )
