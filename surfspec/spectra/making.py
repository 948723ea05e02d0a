"""Make a spectrum from arrays: every fault of the input is refused here, in words."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from surfspec import schema
from surfspec.errors import InputError

#: Lowest binding energy in eV that a charged sample or a wide scan can show.
LOWEST_BINDING_ENERGY = -100.0

#: Axis that a technique gets when none is named.
DEFAULT_AXIS = {"XPS": "binding_energy", "LEIS": "kinetic_energy", "XRD": "two_theta"}


def spectrum(
    axis_values: ArrayLike,
    intensity: ArrayLike,
    *,
    technique: str,
    axis: str | None = None,
    units: str = "counts",
    intensity_unc: ArrayLike | None = None,
    statistics: str | None = None,
    coords: dict[str, Any] | None = None,
    dims: Sequence[str] = (),
    where: str = "",
    **attrs: str | float | int,
) -> xr.Dataset:
    """Make a Dataset of kind ``spectrum`` from arrays.

    Parameters
    ----------
    axis_values
        Spectral axis, shape (n,), in eV (XPS, LEIS) or degrees (XRD). Rising or falling; it is stored rising.
    intensity
        Shape (..., n), in `units`.
    technique
        ``"XPS"``, ``"LEIS"`` or ``"XRD"``.
    axis
        Name of the axis; by default ``binding_energy``, ``kinetic_energy`` or ``two_theta``.
    units
        ``"counts"``, ``"counts/s"``, ``"nA"`` or ``"arb. units"``.
    intensity_unc
        One standard uncertainty of the intensity, shape of `intensity`, where it was given.
    statistics
        ``"poisson"`` (intensity is counts), ``"given"`` (by `intensity_unc`) or ``"unknown"``.
        By default read off `units` and `intensity_unc`: a rate without dwell time is ``"unknown"``.
    coords
        Further coordinates, as for xarray.
    dims
        Names of the leading series dimensions of `intensity`.
    where
        Place named in errors (a file, say).
    **attrs
        Metadata: ``region``, ``sample``, ``photon_energy`` (eV), ``dwell_time`` (s), ``scans``,
        ``ion``, ``ion_energy`` (eV), ``scattering_angle`` (deg), ``wavelength`` (angstrom), ...

    Returns
    -------
    xarray.Dataset
        ``intensity`` (..., axis) and, where known, ``intensity_unc`` (..., axis).

    Raises
    ------
    InputError
        For lengths that differ, NaN, a repeated or unsorted axis, fewer than two points or
        negative counts.

    Examples
    --------
    >>> import surfspec as ss
    >>> ds = ss.spectrum([285.2, 285.1, 285.0], [10, 30, 12], technique="XPS", region="C 1s")
    >>> ds.binding_energy.values.tolist()
    [285.0, 285.1, 285.2]
    """
    if technique not in DEFAULT_AXIS:
        raise InputError(
            f"unknown technique {technique!r}", where=where, remedy=f"Use one of {', '.join(DEFAULT_AXIS)}"
        )
    name = axis or DEFAULT_AXIS[technique]
    if name not in schema.TECHNIQUE_AXES[technique]:
        raise InputError(
            f"axis {name!r} does not belong to {technique}",
            where=where,
            remedy=f"Use one of {', '.join(schema.TECHNIQUE_AXES[technique])}",
        )
    x = real_numbers(axis_values, name, where)
    y = real_numbers(intensity, "intensity", where)
    u = None if intensity_unc is None else real_numbers(intensity_unc, "the uncertainty", where)
    x, order = _rising(x, y, name, where)
    if name == "binding_energy" and x[0] < LOWEST_BINDING_ENERGY:
        raise InputError(
            f"binding energies reach down to {x[0]:g} eV",
            where=where,
            remedy="Check the photon energy (binding = photon - kinetic) and whether the axis is kinetic energy",
        )
    y = y[..., order]
    if u is not None:
        u = _valid_uncertainty(u, y.shape, where)[..., order]
    known = statistics or _statistics(units, u)
    _valid_intensity(y, known, name, x, where)
    if known == "poisson" and units != "counts":
        raise InputError(
            f"Poisson statistics need counts, and the intensity is in {units}",
            where=where,
            remedy="Give counts, or intensity_unc, or leave out statistics",
        )
    unit, long_name = schema.AXES[name]
    names = (*dims, name)
    if y.ndim != len(names):
        raise InputError(
            f"intensity has {y.ndim} dimensions and {len(names)} names {names}",
            where=where,
            remedy="Name each leading dimension of the intensity in dims=(...)",
        )
    if len(set(names)) < len(names):
        raise InputError(f"a dimension is named twice in {names}", where=where, remedy="Give each its own name")
    variables: dict[Hashable, Any] = {"intensity": (names, y, {"units": units, "long_name": "Intensity"})}
    if u is not None:
        variables["intensity"][2]["ancillary_variables"] = "intensity_unc"
        variables["intensity_unc"] = (
            names, u, {"units": units, "long_name": "Standard uncertainty of the intensity"},
        )  # fmt: skip
    axis_coord = {name: (name, x, {"units": unit, "long_name": long_name})}
    try:
        dataset = xr.Dataset(variables, coords={**axis_coord, **(coords or {})})
    except ValueError as error:
        raise InputError(
            f"the coordinates do not fit the intensity ({error})", where=where, remedy="Give one value for each member"
        ) from error
    dataset.attrs = {"kind": "spectrum", "technique": technique, "statistics": known, **attrs}
    return schema.check(dataset, "spectrum")


def real_numbers(values: ArrayLike, what: str, where: str) -> NDArray[np.float64]:
    """Return a new float64 array; masked values become NaN, and what is no array of real numbers is refused."""
    try:
        array: np.ma.MaskedArray[Any, Any] = np.ma.asarray(values)
        if array.dtype.kind not in "biufO":
            raise TypeError(array.dtype)
        filled: NDArray[np.float64] = np.ma.filled(array.astype(np.float64), np.nan)
        return np.array(filled, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{what} is not an array of real numbers", where=where, remedy="Give numbers, in rows of equal length"
        ) from error


def _rising(x: NDArray[np.float64], y: NDArray[np.float64], name: str, where: str) -> tuple[NDArray[np.float64], slice]:
    if x.ndim != 1 or y.ndim < 1 or y.shape[-1] != x.size:
        raise InputError(
            f"{name} has shape {x.shape} and intensity {y.shape}",
            where=where,
            remedy="Give one intensity for each value of the axis, along the last dimension",
        )
    if x.size < 2:
        raise InputError(
            f"{x.size} point{'s' if x.size != 1 else ''} is no spectrum",
            where=where,
            remedy="Check that the file was exported completely; at least two points are needed",
        )
    if not np.all(np.isfinite(x)):
        bad = int(np.flatnonzero(~np.isfinite(x))[0])
        raise InputError(f"{name} is not a number at point {bad + 1}", where=where, remedy="Repair or remove that row")
    steps = np.diff(x)
    if np.all(steps > 0):
        return x, slice(None)
    if np.all(steps < 0):
        return x[::-1], slice(None, None, -1)
    if np.any(steps == 0):
        bad = int(np.flatnonzero(steps == 0)[0])
        raise InputError(
            f"{name} repeats {x[bad]:g} at points {bad + 1} and {bad + 2}",
            where=where,
            remedy="Merge the repeated points or split the file into its separate scans",
        )
    bad = int(np.flatnonzero(np.sign(steps) != np.sign(np.median(steps)))[0])
    raise InputError(
        f"{name} is not sorted: {x[bad]:g} is followed by {x[bad + 1]:g} at point {bad + 2}",
        where=where,
        remedy="Sort the rows by the axis, or split the file into its separate scans",
    )


def _valid_uncertainty(u: NDArray[np.float64], shape: tuple[int, ...], where: str) -> NDArray[np.float64]:
    if u.shape != shape:
        raise InputError(
            f"the uncertainty has shape {u.shape} and the intensity {shape}",
            where=where,
            remedy="Give one uncertainty for each intensity",
        )
    if not np.all(np.isfinite(u)) or np.any(u <= 0):
        bad = int(np.flatnonzero(~(np.isfinite(u) & (u > 0)).reshape(-1))[0])
        raise InputError(
            f"the uncertainty of point {bad % shape[-1] + 1} is {u.reshape(-1)[bad]:g}",
            where=where,
            remedy="Uncertainties must be positive; cut such points off, or leave them out (column=2 when reading)",
        )
    return u


def _statistics(units: str, u: NDArray[np.float64] | None) -> str:
    if u is not None:
        return "given"
    return "poisson" if units == "counts" else "unknown"


def _valid_intensity(y: NDArray[np.float64], statistics: str, name: str, x: NDArray[np.float64], where: str) -> None:
    if statistics not in schema.STATISTICS:
        raise InputError(
            f"unknown statistics {statistics!r}",
            where=where,
            remedy=f"Use one of {', '.join(schema.STATISTICS)}",
        )
    bad = np.flatnonzero(~np.isfinite(y).reshape(-1))
    if bad.size:
        place = x[bad[0] % x.size]
        raise InputError(
            f"{bad.size} intensit{'ies are' if bad.size > 1 else 'y is'} not a number, the first at {name} {place:g}",
            where=where,
            remedy="Repair or remove those rows; surfspec never fills gaps by itself",
        )
    if statistics == "poisson" and np.any(y < 0):
        place = x[int(np.flatnonzero((y < 0).reshape(-1))[0]) % x.size]
        raise InputError(
            f"counts are negative at {name} {place:g}",
            where=where,
            remedy="Counts cannot be negative: read the raw data, or say units='arb. units' "
            "if a background was already subtracted",
        )
