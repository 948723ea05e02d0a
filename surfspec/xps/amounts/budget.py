"""What the uncertainty of a composition is made of: one covariance for each source, of logarithms of amounts."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.reference import Material
from surfspec.xps.amounts.areas import number
from surfspec.xps.amounts.mean_free_path import lengths

Array = NDArray[np.float64]

#: Sources of uncertainty, in the order of the columns of a table.
SOURCES: Final = ("area", "sensitivity", "transmission", "mean_free_path")
#: What may be said of them, and the highest value that makes sense.
KEYS: Final[dict[str, float]] = {
    "sensitivity": 10.0,
    "transmission": 10.0,
    "transmission_exponent": 10.0,
    "mean_free_path": 10.0,
    "mean_free_path_correlation": 1.0,
}
#: Correlation of the errors of the mean free paths of two lines in one material. A convention: for silicon between
#: 1100 and 1616 eV the deviations of TPP-2M from optical data (Jablonski & Powell 2009) are alike to 0.2 of 2.5 %.
CORRELATION: Final = 0.9

#: Largest exponent of the kinetic energy, up or down.
STEEPEST: Final = 10.0

Transmission = float | ArrayLike | Mapping[str, xr.Dataset] | None


def checked(uncertainties: Mapping[str, float] | None) -> dict[str, float]:
    """Return the stated uncertainties; unknown words and impossible numbers are refused."""
    if uncertainties is None:
        return {}
    if not isinstance(uncertainties, Mapping):
        raise InputError(
            f"uncertainties is a {type(uncertainties).__name__}",
            where="uncertainties",
            remedy=f"Give a mapping with some of {', '.join(KEYS)}",
        )
    for key, value in uncertainties.items():
        if key not in KEYS:
            near = difflib.get_close_matches(str(key), KEYS, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Use some of {', '.join(KEYS)}"
            raise InputError(f"{key!r} is no source of uncertainty", where="uncertainties", remedy=hint)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= KEYS[key]:
            raise InputError(
                f"{key} is {value!r}", where="uncertainties", remedy=f"Give a number from 0 to {KEYS[key]:g}"
            )
    return {key: float(value) for key, value in uncertainties.items()}


def transmission_at(transmission: Transmission, regions: tuple[str, ...], kinetic: Array, photon: Array) -> Array:
    r"""Return the relative transmission of the analyser at the line of each region.

    Parameters
    ----------
    transmission
        None: the same for all. A number x: :math:`T = E^x`. Two rows, kinetic energies (eV) and transmissions:
        interpolated. A mapping of regions to spectra that hold the variable ``transmission`` of their file.
    regions, kinetic, photon
        Names of the regions, kinetic energy of the line and photon energy of each (eV).
    """
    if transmission is None:
        return np.ones_like(kinetic)
    if isinstance(transmission, Mapping):
        return np.array(
            [_of_file(transmission, name, e, hv) for name, e, hv in zip(regions, kinetic, photon, strict=True)]
        )
    try:
        values = np.asarray(np.nan if isinstance(transmission, bool) else transmission, dtype=np.float64)
    except (TypeError, ValueError):  # text, a function, rows of different lengths
        values = np.array(np.nan)
    if values.ndim == 0 and np.isfinite(values):
        return np.asarray(kinetic ** number(float(values), "transmission", -STEEPEST, STEEPEST))
    if values.ndim == 2 and values.shape[0] == 2 and values.shape[1] >= 2:
        return np.array([_interpolated(values[0], values[1], e, "transmission") for e in kinetic])
    raise InputError(
        f"transmission is {repr(transmission)[:60]}, no exponent and no table",
        where="transmission",
        remedy="Give an exponent, two rows (kinetic energies, transmissions), or spectra that hold it by region",
    )


def _of_file(spectra: Mapping[str, xr.Dataset], region: str, kinetic: float, photon: float) -> float:
    spectrum = spectra.get(region)
    if spectrum is None or "transmission" not in spectrum:
        raise InputError(
            f"no spectrum with a transmission for the region {region!r}",
            where="transmission",
            remedy="Pass the spectra as read, {region: spectrum}, of files that state a transmission",
        )
    axis = schema.axis_of(spectrum)
    energies = spectrum[axis].values if axis == "kinetic_energy" else photon - spectrum[axis].values
    return _interpolated(energies, spectrum["transmission"].values, kinetic, region)


def _interpolated(energies: Array, values: Array, at: float, where: str) -> float:
    order = np.argsort(energies)
    e, t = np.asarray(energies, dtype=np.float64)[order], np.asarray(values, dtype=np.float64)[order]
    if not (np.all(np.isfinite(e)) and np.all(t > 0) and np.all(np.isfinite(t)) and np.all(np.diff(e) > 0)):
        raise InputError(
            "the transmissions are not positive numbers at different energies", where=where, remedy="Mend the table"
        )
    if not e[0] <= at <= e[-1]:
        raise InputError(
            f"the transmission is known from {e[0]:g} to {e[-1]:g} eV and the line lies at {at:g} eV",
            where=where,
            remedy="Give it over all kinetic energies that are quantified",
        )
    return float(np.interp(at, e, t))


def mean_free_path_at(material: str | Material | None, kinetic: Array, exponent: float) -> tuple[Array, Array]:
    """Return the mean free path of each line, up to a common factor, and its relative uncertainty."""
    if material is None:
        return np.asarray(kinetic**exponent), np.zeros_like(kinetic)
    value, unc = lengths(material, kinetic)
    return value, unc / value


def covariances(
    relative_area: Array, levels: tuple[str, ...], kinetic: Array, path_unc: Array, stated: Mapping[str, float]
) -> dict[str, Array]:
    r"""Return the covariance of the logarithms of the amounts, one for each source.

    .. math:: \ln n_j = \ln A_j - \ln s_j - \ln T_j - \ln \lambda_j

    Errors of the areas and sensitivity factors are independent of each other (of one core level they are the same);
    an error of the exponent of the transmission moves all lines together, by the logarithms of their energies; errors
    of the mean free paths are correlated between lines.

    Parameters
    ----------
    relative_area
        Covariance of the logarithms of the areas, shape (k, k).
    levels
        Core level of each region.
    kinetic
        Kinetic energies in eV.
    path_unc
        Relative uncertainty of each mean free path, shape (k,), where the caller states none.
    stated
        As :func:`checked` returned it.
    """
    same = np.array([[a == b for b in levels] for a in levels], dtype=np.float64)
    one = np.ones(len(levels))
    level_unc = stated.get("sensitivity", 0.0) * one
    slope = stated.get("transmission_exponent", 0.0) * np.log(kinetic)
    path = stated["mean_free_path"] * one if "mean_free_path" in stated else path_unc
    rho = stated.get("mean_free_path_correlation", CORRELATION)
    return {
        "area": relative_area,
        "sensitivity": np.outer(level_unc, level_unc) * same,
        "transmission": np.outer(slope, slope) + stated.get("transmission", 0.0) ** 2 * np.eye(one.size),
        "mean_free_path": np.outer(path, path) * (rho + (1.0 - rho) * np.eye(one.size)),
    }
