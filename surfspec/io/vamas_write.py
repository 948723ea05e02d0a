"""Write electron and ion spectra as VAMAS (ISO 14976): one block for each member of a series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.io.vamas_grammar import MAGIC
from surfspec.spectra import SERIES_UNITS

UNKNOWN = "1E+37"
#: Largest departure of a step from the mean, in steps, at which an axis is written as regular.
_REGULAR = 1e-6


def compose(dataset: xr.Dataset, comment: Sequence[str] = ()) -> str:
    """Write a spectrum or series as the text of a VAMAS file.

    Parameters
    ----------
    dataset
        Kind ``spectrum`` of XPS or LEIS.
    comment
        Lines that stand first in the comment of every block.

    Returns
    -------
    str
        The file; metadata that VAMAS has no place for is not in it.

    Raises
    ------
    InputError
        For diffraction patterns, which VAMAS does not know.
    """
    axis = schema.axis_of(dataset)
    technique = str(dataset.attrs["technique"])
    if technique not in {"XPS", "LEIS"}:
        raise InputError(f"VAMAS has no place for {technique}", where="write", remedy="Write .xy, .csv or .txt")
    units = str(dataset["intensity"].attrs["units"])
    if "intensity_unc" in dataset or units not in {"counts", "counts/s"}:
        what = "stated uncertainties" if "intensity_unc" in dataset else f"intensities in {units}"
        raise InputError(f"VAMAS has no place for {what}", where="write", remedy="Write .csv or .txt, which keep them")
    series = schema.series_dims(dataset)
    x = dataset[axis].values
    regular = _is_regular(x)
    variables = _variables(dataset, series)
    header = [
        MAGIC, "Not specified", _line(dataset.attrs.get("instrument")), "Not specified", "Not specified",
        "1", "written by surfspec", "NORM", "REGULAR" if regular else "IRREGULAR", "1", str(len(variables)),
    ]  # fmt: skip
    for name, unit in variables.items():
        header += [name, unit]
    members = list(product(*(range(dataset.sizes[name]) for name in series)))
    header += ["0", "0", "0", "0", str(len(members))]
    for member in members:
        one = dataset.isel(dict(zip(series, member, strict=True)))
        header += _block(one, axis, technique, regular, [_value(one, name) for name in variables], member, comment)
    return "\n".join([*header, "end of experiment"]) + "\n"


def _variables(dataset: xr.Dataset, series: Sequence[str]) -> dict[str, str]:
    """Return the experimental variables and their units: numbers along the series, and the place of a single spectrum.

    A number that is not known for every member has no place in them.
    """
    numbers = [
        str(name)
        for name, coordinate in dataset.coords.items()
        if coordinate.dtype.kind in "fiu" and set(coordinate.dims) <= set(series) and coordinate.notnull().all()
    ]
    told = {name: str(dataset[name].attrs.get("units", "d")) for name in (*series, *numbers) if name in numbers}
    single = [name for name in SERIES_UNITS if isinstance(dataset.attrs.get(name), int | float) and name not in told]
    return {**told, **{name: str(dataset.attrs.get(f"{name}_unit") or SERIES_UNITS[name] or "d") for name in single}}


def _value(one: xr.Dataset, name: str) -> float:
    return float(one[name] if name in one.coords else one.attrs[name])


def _is_regular(x: np.ndarray) -> bool:
    steps = np.diff(x)
    return bool(np.max(np.abs(x - np.linspace(x[0], x[-1], x.size))) <= _REGULAR * float(np.mean(steps)))


def _block(
    one: xr.Dataset,
    axis: str,
    technique: str,
    regular: bool,
    values: list[float],
    member: tuple[int, ...],
    above: Sequence[str] = (),
) -> list[str]:
    own = {str(name): value.item() for name, value in one.coords.items() if value.ndim == 0}
    attrs = {**own, **one.attrs}  # what the members of a series differ in stands in their blocks
    region = _line(attrs.get("region") or "spectrum")
    species, _, transition = region.partition(" ")
    label = {"binding_energy": "Binding Energy", "kinetic_energy": "Kinetic Energy"}[axis]
    unit = {"counts": "d", "counts/s": "c/s"}.get(str(one["intensity"].attrs["units"]), "d")
    x, y = one[axis].values, one["intensity"].values
    ion = technique == "LEIS"
    identifier = region + "".join(f" {index + 1}" for index in member)
    comment = [*above, *(_line(f"{key}: {value}") for key, value in one.attrs.items())]
    lines = [identifier, _line(attrs.get("sample")), *_date(attrs), "0", str(len(comment)), *comment]
    lines += [
        "ISS" if ion else "XPS",
        *map(_real, values),
        _line(attrs.get("ion")) if ion else _line(attrs.get("source") or "X-rays"),
    ]
    if ion:
        lines += ["0", "1", "1"]
    energy = attrs.get("ion_energy" if ion else "photon_energy", math.nan)
    lines += [_real(energy), *[UNKNOWN] * 5, "FAT", _real(attrs.get("pass_energy", math.nan)), UNKNOWN]
    lines += [_real(attrs.get("work_function", math.nan)), *[UNKNOWN] * 3]
    lines += [_real(_take_off(attrs.get("scattering_angle"))) if ion else UNKNOWN, UNKNOWN]
    lines += [species, transition, "1" if ion else "-1"]
    columns = [y, *([one["transmission"].values] if "transmission" in one else [])]
    if regular:
        lines += [label, "eV", repr(float(x[0])), repr(float((x[-1] - x[0]) / (x.size - 1))), str(len(columns))]
    else:
        lines += [str(len(columns) + 1), label, "eV"]
    lines += ["counts" if unit == "d" else "count rate", unit, *(["transmission", "d"] if len(columns) > 1 else [])]
    lines.append("pulse counting")
    columns = columns if regular else [x, *columns]
    dwell = attrs.get("dwell_time", math.nan) if unit == "d" else math.nan  # a rate stays one when it is read again
    lines += [_real(dwell), _real(attrs.get("scans", math.nan)), *[UNKNOWN] * 4, "0"]
    lines.append(str(len(columns) * x.size))
    for column in columns:
        lines += [repr(float(np.min(column))), repr(float(np.max(column)))]
    return [*lines, *(repr(value) for value in np.stack(columns, axis=1).reshape(-1).tolist())]


def _take_off(angle: object) -> float:
    """Return a scattering angle as the take-off angle of many files; below 90° it would be taken for a real one."""
    return float(angle) if isinstance(angle, int | float) and angle > 90.0 else math.nan


def _line(value: object) -> str:
    """Write a text on one line."""
    return " ".join(str(value or "").split()) or "Not specified"


def _real(value: object) -> str:
    number = float(value) if isinstance(value, int | float | np.number) else math.nan
    return repr(number) if math.isfinite(number) else UNKNOWN


def _date(attrs: dict[str, object]) -> list[str]:
    text = str(attrs.get("date", ""))
    parts = text.replace("T", "-").replace(":", "-").split("-")
    return (
        [str(int(part)) for part in parts[:6]]
        if len(parts) >= 6 and all(p.isdigit() for p in parts[:6])
        else [UNKNOWN] * 6
    )
