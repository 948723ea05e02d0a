"""What areas are divided by in CasaXPS's report: sensitivity factor, transmission, mean free path."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import reference
from surfspec.errors import InputError
from surfspec.xps.casa.kept import kept_of
from surfspec.xps.casa.maker import level_name

Array = NDArray[np.float64]


def transmitted(fits: Mapping[str, xr.Dataset]) -> bool:
    """Say whether the fits bring a transmission.

    Raises
    ------
    InputError
        Where some do and some do not: their areas could not be compared.
    """
    without = [name for name, fit in fits.items() if "transmission" not in fit]
    if without and len(without) < len(fits):
        raise InputError(
            f"no transmission for {', '.join(without)}, and one for the other regions",
            where="casa_report",
            remedy="Say transmission=False to leave it out of all, or read all regions from files that hold it",
        )
    return not without


def left_out(divided: bool, exponent: float) -> str:
    """Say what the areas are not divided by.

    Examples
    --------
    >>> left_out(True, 0.0)
    'mean free path (energy_exponent = 0)'
    """
    parts = [] if divided else ["transmission of the analyser"]
    return "; ".join(parts + ([] if exponent else ["mean free path (energy_exponent = 0)"]))


def transmission_of(fit: xr.Dataset, position: Array) -> Array:
    """Return the transmission at each component, which a rebuilt fit has by component and others along the axis."""
    stored = fit["transmission"]
    if stored.dims == ("component",):
        return np.asarray(stored.values, dtype=np.float64)
    return np.asarray(np.interp(position, fit["binding_energy"].values, stored.values), dtype=np.float64)


def path_of(fit: xr.Dataset, position: Array, exponent: float) -> Array:
    """Return the kinetic energies to the power of the exponent.

    Raises
    ------
    InputError
        For an unknown photon energy.
    """
    if exponent == 0.0:
        return np.ones(position.size)
    photon = float(fit.attrs.get("photon_energy", 0.0))
    if not photon > float(np.max(position, initial=0.0)):
        raise InputError(
            f"the photon energy is {photon:g} eV",
            where="casa_report",
            remedy="Set attrs['photon_energy'] before the fit, or take energy_exponent=0",
        )
    return np.asarray((photon - position) ** exponent)


def factors_of(fit: xr.Dataset, lines: list[str], kept: NDArray[np.bool_], library: str | Mapping[str, float]) -> Array:
    """Return the R.S.F. of each component: that which the fit or its file brings, else that of the library.

    NaN for components that are not kept.

    Raises
    ------
    InputError
        For a line that the library does not have.
    """
    out = fit["sensitivity"].values.copy() if "sensitivity" in fit else np.full(len(lines), np.nan)
    read = kept_of(fit).components
    names = map(str, fit["component"].values)
    for i, (name, line) in enumerate(zip(names, lines, strict=True)):
        if kept[i] and not np.isfinite(out[i]):
            out[i] = read[name].rsf if name in read else _of_library(library, line)
    return np.where(kept, out, np.nan)


def _of_library(library: str | Mapping[str, float], line: str) -> float:
    level = level_name(line)
    if isinstance(library, str):
        return float(reference.sensitivity(library, level))
    if level not in library:
        raise InputError(
            f"no sensitivity factor for {level!r}",
            where="library",
            remedy=f"It has {', '.join(map(str, library))}; add this one",
        )
    return float(library[level])
