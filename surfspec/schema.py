"""The kinds of Dataset that surfspec passes around, written as data, and ``check``.

A Dataset says what it is in ``attrs["kind"]``: ``spectrum``, ``fit``, ``match`` or ``table``.
There is no class behind it: plain xarray slices, saves and plots it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import xarray as xr

from surfspec.errors import InputError, SchemaError

#: Spectral axes: dimension name -> (unit, long name). The stored axis always rises.
AXES: Final[dict[str, tuple[str, str]]] = {
    "binding_energy": ("eV", "Binding energy"),
    "kinetic_energy": ("eV", "Kinetic energy"),
    "two_theta": ("deg", "2θ"),
}

#: Axis that belongs to each technique.
TECHNIQUE_AXES: Final[dict[str, tuple[str, ...]]] = {
    "XPS": ("binding_energy", "kinetic_energy"),
    "LEIS": ("kinetic_energy",),
    "XRD": ("two_theta",),
}

#: Units of an intensity.
INTENSITY_UNITS: Final[tuple[str, ...]] = ("counts", "counts/s", "nA", "arb. units")

#: Units that surfspec itself writes; anything else in ``units`` is refused by :func:`check`. Areas are in the unit of
#: the intensity times that of the axis.
UNITS: Final[frozenset[str]] = frozenset(
    {
        "1", "eV", "deg", *INTENSITY_UNITS,
        *(f"{unit} {axis}" for unit in INTENSITY_UNITS for axis in ("eV", "deg")), "eV-1", "deg-1",
        "ions/cm2", "cm2", "cm-2", "cm-1", "nm", "eV/nm", "angstrom", "angstrom2/sr", "s", "s-1", "min", "K", "degC",
        "%", "percent", "u", "eV/deg", "eV/u", "g/cm3", "angstrom3", "mm", "um", "monolayer", "cycle",
    }
)  # fmt: skip

#: How the counting statistics of a spectrum are known.
STATISTICS: Final[tuple[str, ...]] = ("poisson", "given", "unknown")

VERDICTS: Final[tuple[str, ...]] = ("ok", "check", "failed")

#: Metadata that must be positive numbers, and their units; areas, rates and energies are computed from them.
POSITIVE: Final[dict[str, str]] = {
    "dwell_time": "s", "photon_energy": "eV", "ion_energy": "eV", "pass_energy": "eV", "wavelength": "angstrom",
}  # fmt: skip

#: Largest intensity that is believed: no detector counts so far, and sums of squares of more overflow.
LARGEST_INTENSITY: Final = 1e15

_MADE: Final = "Make it with surfspec.spectrum() or the reader, or mend the named parts"


@dataclass(frozen=True)
class Kind:
    """What a Dataset of one kind must carry.

    Attributes
    ----------
    required
        Variables that must be there, with the dimension names their last axes must have
        (``AXIS`` stands for the spectral axis). Leading series dimensions are free.
    attrs
        Dataset attributes that must be there.
    """

    required: dict[str, tuple[str, ...]]
    attrs: tuple[str, ...] = ("kind", "technique")
    optional: dict[str, tuple[str, ...]] = field(default_factory=dict)


_PEAK = ("component",)
_PARAMETER = ("parameter",)
KINDS: Final[dict[str, Kind]] = {
    "spectrum": Kind(
        required={"intensity": ("AXIS",)},
        attrs=("kind", "technique", "statistics"),
        optional={"intensity_unc": ("AXIS",)},
    ),
    "fit": Kind(
        required={
            "intensity": ("AXIS",), "model": ("AXIS",), "background": ("AXIS",),
            "contribution": ("component", "AXIS"),
            "area": _PEAK, "area_unc": _PEAK, "center": _PEAK, "center_unc": _PEAK,
            "fwhm": _PEAK, "fwhm_unc": _PEAK, "height": _PEAK, "height_unc": _PEAK,
            "flag": _PEAK, "area_covariance": ("component", "component_b"),
            "value": _PARAMETER, "value_unc": _PARAMETER, "start": _PARAMETER,
            "low": _PARAMETER, "high": _PARAMETER,
            "covariance": ("parameter", "parameter_b"),
            "chi2": (), "reduced_chi2": (), "dof": (), "verdict": (), "reasons": (),
        },
        attrs=("kind", "technique", "recipe"),
        optional={"intensity_unc": ("AXIS",), "deviance": ()},
    ),
    "match": Kind(
        required={
            "score": ("phase",), "probability": ("phase",), "scale": ("phase",),
            "scale_unc": ("phase",), "weight_fraction": ("phase",),
            "weight_fraction_unc": ("phase",), "verdict": (), "reasons": (),
        },
    ),
    "table": Kind(required={}),
}  # fmt: skip


def kind_of(dataset: xr.Dataset) -> str:
    """Return the kind of a Dataset, or raise with what to do.

    Raises
    ------
    SchemaError
        When the object is no Dataset or carries no known ``kind``.
    """
    if not isinstance(dataset, xr.Dataset):
        raise SchemaError(
            f"expected an xarray Dataset, got {type(dataset).__name__}",
            remedy="Pass the Dataset that read(), fit() or spectrum() returned, not one of its variables",
        )
    kind = dataset.attrs.get("kind", "")
    if not isinstance(kind, str) or kind not in KINDS:
        raise SchemaError(
            f"this Dataset does not say what it is (attrs['kind'] is {kind!r})",
            remedy=f"Make it with surfspec.read() or surfspec.spectrum(); kinds are {', '.join(KINDS)}",
        )
    return str(kind)


def axis_of(dataset: xr.Dataset) -> str:
    """Return the name of the spectral axis (the last dimension of the intensity)."""
    if "intensity" in dataset:
        last = str(dataset["intensity"].dims[-1]) if dataset["intensity"].dims else ""
        if last in AXES:
            return last
    found = [name for name in AXES if name in dataset.dims]
    if len(found) == 1:
        return found[0]
    raise SchemaError(
        f"no spectral axis among the dimensions {tuple(map(str, dataset.dims))}",
        remedy=f"The last dimension of 'intensity' must be one of {', '.join(AXES)}",
    )


def series_dims(dataset: xr.Dataset) -> tuple[str, ...]:
    """Return the series dimensions of a spectrum or fit: all but the spectral axis."""
    dims = dataset["intensity"].dims if "intensity" in dataset else ()
    return tuple(str(name) for name in dims[:-1])


def check(dataset: xr.Dataset, kind: str | None = None) -> xr.Dataset:
    """Check that a Dataset is what its kind promises, and return it unchanged.

    Parameters
    ----------
    dataset
        Any Dataset that surfspec made or is about to use.
    kind
        Demand this kind; by default the one the Dataset names itself.

    Returns
    -------
    xarray.Dataset
        The same object, so that calls can be chained.

    Raises
    ------
    SchemaError
        With everything that is wrong, and the remedy.
    InputError
        For metadata of a spectrum or fit that cannot be, see :func:`check_metadata`.

    Examples
    --------
    >>> import surfspec as ss
    >>> ds = ss.spectrum([280, 285, 290], [10, 40, 12], technique="XPS")
    >>> ss.check(ds, "spectrum").attrs["statistics"]
    'poisson'
    """
    found = kind_of(dataset)
    if kind is not None and found != kind:
        raise SchemaError(
            f"this is a {found}, and a {kind} is needed here",
            remedy={"fit": "Fit the spectrum first", "spectrum": "Pass the measured data"}.get(
                kind, f"Pass a Dataset of kind {kind}"
            ),
        )
    faults = [*_variable_faults(dataset, KINDS[found]), *_attr_faults(dataset, KINDS[found])]
    if found in {"spectrum", "fit"} and not faults:
        faults += _axis_faults(dataset)
    if found == "spectrum" and not faults:
        faults += _name_faults(dataset) or _value_faults(dataset)
    if faults:
        remedies = dict.fromkeys(remedy for _, remedy in faults)
        raise SchemaError(
            f"not a valid {found}: " + "; ".join(fault for fault, _ in faults),
            remedy=". ".join(remedies),
        )
    if found in {"spectrum", "fit"}:
        check_metadata(dataset.attrs)
        for name in {*POSITIVE, "scans", "scattering_angle"} & set(map(str, dataset.coords)) - set(dataset.dims):
            for value in np.unique(dataset[name].values).tolist():
                if isinstance(value, str) or not math.isnan(value):  # NaN: this member of the series lacks the number
                    check_metadata({name: value})
    return dataset


def check_metadata(attrs: Mapping[str, Any], where: str = "") -> None:
    """Refuse metadata that results are computed from and that cannot be.

    Parameters
    ----------
    attrs
        Attributes of a spectrum or fit: times, energies and wavelength must be positive numbers, ``scans`` a whole
        number from 1, ``scattering_angle`` between 0 and 180 degrees. Others are not looked at.
    where
        Place named in the error; by default the name of the attribute.

    Raises
    ------
    InputError
        Naming the attribute, its value and what it should be.

    Examples
    --------
    >>> check_metadata({"dwell_time": 0.1, "scans": 5})
    >>> check_metadata({"dwell_time": -1.0})
    Traceback (most recent call last):
    ...
    surfspec.errors.InputError: dwell_time: dwell_time is -1.0. Give a positive number in s, or leave it out.
    """
    for name, unit in POSITIVE.items():
        if name in attrs and not _number_of(attrs[name]) > 0:
            hint = ", or say wavelength_name for a line such as CuKa" if name == "wavelength" else ""
            _refuse(name, attrs[name], f"Give a positive number in {unit}, or leave it out{hint}", where)
    if "scans" in attrs:
        scans = _number_of(attrs["scans"])
        if not (scans >= 1 and scans.is_integer()):
            _refuse("scans", attrs["scans"], "Give the number of scans, a whole number from 1, or leave it out", where)
    if "scattering_angle" in attrs and not 0.0 <= _number_of(attrs["scattering_angle"]) <= 180.0:
        _refuse("scattering_angle", attrs["scattering_angle"], "Give an angle from 0 to 180 degrees", where)


def _number_of(value: object) -> float:
    """Return a finite number as float, and NaN for everything else (text, bool, infinity)."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return math.nan
    number = float(value)
    return number if math.isfinite(number) else math.nan


def _refuse(name: str, value: object, remedy: str, where: str) -> None:
    shown = value.item() if isinstance(value, np.generic) else value
    raise InputError(f"{name} is {shown!r}", where=where or name, remedy=remedy)


def _name_faults(dataset: xr.Dataset) -> list[tuple[str, str]]:
    """Refuse series dimensions that are called like a dimension or variable of a result."""
    taken = {
        part for kind in KINDS.values() for tail in (*kind.required.values(), *kind.optional.values()) for part in tail
    }
    taken |= {name for kind in KINDS.values() for name in (*kind.required, *kind.optional)}
    return [
        (f"a series dimension is called {dim!r}, as a part of the results is", f"Rename it: dataset.rename({dim}=...)")
        for dim in map(str, dataset.dims)
        if dim in taken - set(AXES)
    ]


def _variable_faults(dataset: xr.Dataset, kind: Kind) -> list[tuple[str, str]]:
    faults = []
    axis = next((name for name in AXES if name in dataset.dims), "AXIS")
    for name, tail in {**kind.required, **kind.optional}.items():
        if name not in dataset:
            if name in kind.required:
                faults.append((f"variable '{name}' is missing", _MADE))
            continue
        want = tuple(axis if part == "AXIS" else part for part in tail)
        dims = tuple(map(str, dataset[name].dims))
        if want and dims[-len(want) :] != want:
            turn = f"Put the axis last: dataset.transpose(..., {', '.join(map(repr, want))})"
            faults.append(
                (f"'{name}' has dims {dims}, its last must be {want}", turn if set(want) <= set(dims) else _MADE)
            )
    for label, variable in dataset.variables.items():
        units = variable.attrs.get("units")
        if np.issubdtype(variable.dtype, np.floating) and units not in UNITS:
            faults.append((f"'{label}' has units {units!r}", _MADE))
        if variable.dtype.kind not in "biufU":
            faults.append((f"'{label}' is an array of {variable.dtype}, not of numbers or text", _MADE))
    return faults


def _attr_faults(dataset: xr.Dataset, kind: Kind) -> list[tuple[str, str]]:
    faults = [f"attribute '{name}' is missing" for name in kind.attrs if name not in dataset.attrs]
    for name, value in dataset.attrs.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float | np.integer | np.floating):
            faults.append(f"attribute '{name}' is a {type(value).__name__}, not text or a number")
    if kind is KINDS["spectrum"] and dataset.attrs.get("statistics") == "given" and "intensity_unc" not in dataset:
        faults.append("statistics is 'given', but there is no variable 'intensity_unc'")
    technique = dataset.attrs.get("technique")
    if technique is not None and technique not in (*TECHNIQUE_AXES, "joint"):
        faults.append(f"technique {technique!r} is none of {', '.join(TECHNIQUE_AXES)}")
    if "statistics" in dataset.attrs and dataset.attrs["statistics"] not in STATISTICS:
        faults.append(f"statistics {dataset.attrs['statistics']!r} is none of {STATISTICS}")
    return [(fault, _MADE) for fault in faults]


def _axis_faults(dataset: xr.Dataset) -> list[tuple[str, str]]:
    axis = axis_of(dataset)
    allowed = TECHNIQUE_AXES.get(str(dataset.attrs.get("technique")), tuple(AXES))
    faults = [] if axis in allowed else [(f"axis '{axis}' does not belong to this technique", _MADE)]
    if axis not in dataset.coords:
        return [*faults, (f"axis '{axis}' has no values", _MADE)]
    values = dataset[axis].values
    if values.dtype.kind not in "iuf":
        return [*faults, (f"axis '{axis}' is not made of numbers", _MADE)]
    if values.size > 1 and not np.all(np.diff(values) > 0):
        sort = f'Sort it: dataset.sortby("{axis}"), and merge points that come twice'
        faults.append((f"axis '{axis}' does not rise strictly", sort))
    if not np.all(np.isfinite(values)):
        faults.append((f"axis '{axis}' has values that are not finite", _MADE))
    empty = [str(dim) for dim, size in dataset["intensity"].sizes.items() if size == 0]
    if empty:
        faults.append((f"it is empty: dimension '{empty[0]}' has size 0", "Select at least one member and one point"))
    return faults


def _value_faults(dataset: xr.Dataset) -> list[tuple[str, str]]:
    """Look at the numbers of a spectrum; arrays that are not in memory (dask) are left to those who compute them."""
    intensity = dataset["intensity"]
    faults: list[tuple[str, str]] = []
    unit = intensity.attrs.get("units")
    if unit not in INTENSITY_UNITS:
        return [(f"'intensity' is in {unit!r}", f"Give it in one of {', '.join(INTENSITY_UNITS)}")]
    if intensity.dtype.kind not in "iuf":
        return [(f"'intensity' is an array of {intensity.dtype}, not of real numbers", _MADE)]
    if intensity.chunks is None:
        values = intensity.values
        low, high = float(np.min(values)), float(np.max(values))
        if not (math.isfinite(low) and math.isfinite(high)):
            place = _first_place(dataset, ~np.isfinite(values))
            remedy = "Cut points off with surfspec.spectra.crop() or .dropna(), not with .where(), which leaves gaps"
            faults.append((f"'intensity' is not a finite number at {place}", remedy))
        elif max(abs(low), abs(high)) > LARGEST_INTENSITY:
            place = _first_place(dataset, np.abs(values) > LARGEST_INTENSITY)
            remedy = "Check the file and its units; scale the intensities"
            faults.append((f"'intensity' exceeds {LARGEST_INTENSITY:g} at {place}", remedy))
    if "intensity_unc" not in dataset:
        return faults
    unc = dataset["intensity_unc"]
    if unc.attrs.get("units") != intensity.attrs.get("units"):
        pair = f"{unc.attrs.get('units')!r} and 'intensity' in {intensity.attrs.get('units')!r}"
        faults.append((f"'intensity_unc' is in {pair}", "Convert both to one unit"))
    if unc.chunks is None and not faults and not (np.min(unc.values) > 0 and np.max(unc.values) < np.inf):
        bad = ~(np.isfinite(unc.values) & (unc.values > 0))
        faults.append((
            f"'intensity_unc' is not a positive number at {_first_place(dataset, bad)}",
            "Give one positive standard uncertainty for each point, or drop the variable",
        ))  # fmt: skip
    return faults


def _first_place(dataset: xr.Dataset, bad: np.ndarray) -> str:
    """Name the first point of a spectrum or series where `bad` is true."""
    dims = dataset["intensity"].dims
    index = np.argwhere(bad)[0]
    words = []
    for dim, i in zip(dims, index, strict=True):
        value = dataset[dim].values[i] if dim in dataset.coords else i
        words.append(f"{dim} {value:g}" if isinstance(value, np.number | int) else f"{dim} {value}")
    return ", ".join(reversed(words))
