"""Make spectra from arrays, cut them, and stack them into series.

A spectrum is an :class:`xarray.Dataset` of kind ``spectrum``: ``intensity`` over a rising
spectral axis. A series is the same with more dimensions in front.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from surfspec import schema
from surfspec.errors import InputError

#: Axis that a technique gets when none is named.
DEFAULT_AXIS = {"XPS": "binding_energy", "LEIS": "kinetic_energy", "XRD": "two_theta"}

#: Attributes that a result takes over from its data, so that it says what it was made from.
ORIGIN = ("sample", "simulated", "instrument")

#: Largest relative difference of two axes, in steps, that still counts as the same axis.
SAME_AXIS_STEPS = 1e-3


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
        ``"counts"``, ``"counts/s"`` or ``"arb. units"``.
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
    x = np.array(axis_values, dtype=np.float64)
    y = np.array(intensity, dtype=np.float64)
    u = None if intensity_unc is None else np.array(intensity_unc, dtype=np.float64)
    x, order = _rising(x, y, name, where)
    y = y[..., order]
    if u is not None:
        u = _valid_uncertainty(u, y.shape, where)[..., order]
    known = statistics or _statistics(units, u)
    _valid_intensity(y, known, name, x, where)
    unit, long_name = schema.AXES[name]
    names = (*dims, name)
    if y.ndim != len(names):
        raise InputError(
            f"intensity has {y.ndim} dimensions and {len(names)} names {names}",
            where=where,
            remedy="Name each leading dimension of the intensity in dims=(...)",
        )
    variables: dict[Hashable, Any] = {"intensity": (names, y, {"units": units, "long_name": "Intensity"})}
    if u is not None:
        variables["intensity"][2]["ancillary_variables"] = "intensity_unc"
        variables["intensity_unc"] = (
            names, u, {"units": units, "long_name": "Standard uncertainty of the intensity"},
        )  # fmt: skip
    axis_coord = {name: (name, x, {"units": unit, "long_name": long_name})}
    dataset = xr.Dataset(variables, coords={**axis_coord, **(coords or {})})
    dataset.attrs = {"kind": "spectrum", "technique": technique, "statistics": known, **attrs}
    return schema.check(dataset, "spectrum")


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
            remedy="Uncertainties must be positive; leave the column out if they are not known",
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


def crop(dataset: xr.Dataset, low: float, high: float) -> xr.Dataset:
    """Cut a spectrum to ``low <= axis <= high``.

    Parameters
    ----------
    dataset
        Spectrum or series.
    low, high
        Limits on its axis, in the unit of the axis; in either order.

    Returns
    -------
    xarray.Dataset
        The same Dataset with fewer points.

    Raises
    ------
    InputError
        When fewer than two points remain.

    Examples
    --------
    >>> import surfspec as ss
    >>> ds = ss.spectrum([1, 2, 3, 4], [5, 6, 7, 8], technique="LEIS")
    >>> ss.spectra.crop(ds, 2, 3).sizes["kinetic_energy"]
    2
    """
    axis = schema.axis_of(dataset)
    low, high = min(low, high), max(low, high)
    values = dataset[axis].values
    inside = (values >= low - 1e-9) & (values <= high + 1e-9)
    if np.count_nonzero(inside) < 2:
        raise InputError(
            f"the window {low:g} to {high:g} holds {np.count_nonzero(inside)} points of "
            f"{values[0]:g} to {values[-1]:g} {schema.AXES[axis][0]}",
            where=str(dataset.attrs.get("source_file", "")),
            remedy="Choose a window inside the measured range, or another region",
        )
    return dataset.isel({axis: inside})


def stack(
    datasets: Sequence[xr.Dataset],
    dim: str,
    values: ArrayLike | None = None,
    *,
    units: str | None = None,
) -> xr.Dataset:
    """Stack spectra of one axis along a new series dimension.

    Parameters
    ----------
    datasets
        Spectra (or series of equal shape) on the same axis.
    dim
        Name of the new dimension: ``dose``, ``spot``, ``sample``, ``cycle``, ...
    values
        Its coordinate, one value for each Dataset; by default 0, 1, 2, ...
    units
        Unit of `values`, ``"ions/cm2"`` say.

    Returns
    -------
    xarray.Dataset
        Dims (dim, ..., axis). Attributes on which all agree are kept; the others become
        coordinates along `dim`.

    Raises
    ------
    InputError
        When the axes, units or statistics differ.

    Examples
    --------
    >>> import surfspec as ss
    >>> one = ss.spectrum([1, 2, 3], [5, 6, 7], technique="LEIS", sample="A")
    >>> two = ss.spectrum([1, 2, 3], [4, 6, 9], technique="LEIS", sample="A")
    >>> ss.stack([one, two], "dose", [1e15, 2e15], units="ions/cm2").intensity.dims
    ('dose', 'kinetic_energy')
    """
    members = list(datasets)
    if not members:
        raise InputError("nothing to stack", remedy="Pass at least one spectrum", where=dim)
    for member in members:
        schema.check(member, "spectrum")
    first = members[0]
    axis = schema.axis_of(first)
    for index, member in enumerate(members[1:], start=1):
        _same_axis(first, member, axis, index)
    labels = np.arange(len(members)) if values is None else np.asarray(values)
    if labels.shape != (len(members),):
        raise InputError(
            f"{labels.size} values for {len(members)} spectra",
            where=dim,
            remedy="Give one coordinate value for each spectrum",
        )
    aligned = [member.assign_coords({axis: first[axis]}) for member in members]
    shared, differing = _split_attrs(members)
    coordinate_attrs = {"long_name": dim.replace("_", " ").capitalize()}
    if units is not None or np.issubdtype(labels.dtype, np.floating):
        coordinate_attrs["units"] = units or "1"
    joined = xr.concat(
        aligned,
        xr.DataArray(labels, dims=dim, name=dim, attrs=coordinate_attrs),
        join="exact",
        combine_attrs="override",
        coords="minimal",
        compat="override",
        data_vars="all",
    )
    joined.attrs = shared
    for name, column in differing.items():
        if name not in joined.dims:
            joined = joined.assign_coords({name: (dim, column, {"long_name": name})})
            if np.issubdtype(joined[name].dtype, np.floating):
                joined[name].attrs["units"] = "1"
    return schema.check(joined, "spectrum")


def _same_axis(first: xr.Dataset, other: xr.Dataset, axis: str, index: int) -> None:
    remedy = "Stack spectra of one region and one setting; cut them to a common window with crop() first"
    if axis not in other.dims or other.sizes[axis] != first.sizes[axis]:
        raise InputError(
            f"spectrum {index} has {other.sizes.get(axis, 0)} points on '{axis}' "
            f"and spectrum 0 has {first.sizes[axis]}",
            where="stack",
            remedy=remedy,
        )
    x0, x1 = first[axis].values, other[axis].values
    step = float(np.min(np.diff(x0)))
    worst = float(np.max(np.abs(x1 - x0)))
    if worst > SAME_AXIS_STEPS * step:
        raise InputError(
            f"the axis of spectrum {index} differs from that of spectrum 0 by up to {worst:g}",
            where="stack",
            remedy=remedy,
        )
    for name in ("statistics", "technique"):
        if first.attrs.get(name) != other.attrs.get(name):
            raise InputError(
                f"{name} differs: {first.attrs.get(name)!r} and {other.attrs.get(name)!r}",
                where="stack",
                remedy="Stack spectra of one kind only",
            )
    if first["intensity"].attrs["units"] != other["intensity"].attrs["units"]:
        raise InputError("the intensities have different units", where="stack", remedy="Convert them to counts first")


def _split_attrs(
    members: Sequence[xr.Dataset],
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Separate attributes on which all members agree from those that become coordinates."""
    names = dict.fromkeys(str(name) for member in members for name in member.attrs)
    shared: dict[str, Any] = {}
    differing: dict[str, NDArray[Any]] = {}
    for name in names:
        column = [member.attrs.get(name) for member in members]
        if all(value == column[0] for value in column):
            shared[name] = column[0]
        elif all(isinstance(value, int | float | np.number) for value in column):
            differing[name] = np.asarray(column, dtype=np.float64)
        else:
            differing[name] = np.asarray(["" if value is None else str(value) for value in column])
    return shared, differing


def origin(*datasets: xr.Dataset) -> dict[str, Any]:
    """Return the attributes that a result made from these Datasets takes over.

    Parameters
    ----------
    *datasets
        The inputs. An attribute on which they disagree is left out, but a simulated input makes the
        result simulated.

    Examples
    --------
    >>> import surfspec as ss
    >>> one = ss.spectrum([1, 2], [3, 4], technique="LEIS", sample="A", simulated="true")
    >>> two = ss.spectrum([1, 2], [3, 4], technique="LEIS", sample="B")
    >>> ss.spectra.origin(one, two)
    {'simulated': 'true'}
    """
    found: dict[str, Any] = {}
    for name in ORIGIN:
        values = [dataset.attrs[name] for dataset in datasets if name in dataset.attrs]
        everywhere = len(values) == len(datasets) and all(value == values[0] for value in values)
        if values and (everywhere or name == "simulated"):
            found[name] = values[0]
    return found
