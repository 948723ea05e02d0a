"""What the members of a series state in their attributes: units, numbers, and what becomes a coordinate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import xarray as xr
from numpy.typing import NDArray

#: Units of metadata that become coordinates when the members of a stack differ in them.
ATTRIBUTE_UNITS = {
    "photon_energy": "eV", "pass_energy": "eV", "ion_energy": "eV", "work_function": "eV", "dwell_time": "s",
    "scattering_angle": "deg", "dose": "ions/cm2", "wavelength": "angstrom",
}  # fmt: skip

#: Dimensions of a series that surfspec knows, and the unit of their values.
SERIES_UNITS: Final[dict[str, str]] = {
    "spot": "", "dose": "ions/cm2", "cycle": "", "time": "s", "temperature": "degC", "x": "", "y": "",
}  # fmt: skip

#: Other words of files for a dimension: an "area" that is measured is a spot.
OTHER_WORDS: Final[dict[str, str]] = {"spot": "area"}


def units_of_metadata(name: str) -> str:
    """Return the unit of a number among the metadata; "1" where none is known."""
    return ATTRIBUTE_UNITS.get(name) or SERIES_UNITS.get(name) or "1"


def metadata_columns(
    members: Sequence[xr.Dataset], values: Mapping[str, Sequence[Any]] | None = None
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Separate attributes on which all members agree from those that become coordinates.

    Parameters
    ----------
    members
        Spectra.
    values
        Dimensions of the series and the value of each member along them: attributes of these names, or that say the
        same in another word, are left out.

    Returns
    -------
    shared, differing
        Values, and one column for each name: numbers where all that state one do (NaN for the rest), else text.
    """
    known = dict(values or {})
    twins = {OTHER_WORDS[dim]: list(column) for dim, column in known.items() if dim in OTHER_WORDS}
    names = dict.fromkeys(str(name) for member in members for name in member.attrs)
    shared: dict[str, Any] = {}
    differing: dict[str, NDArray[Any]] = {}
    for name in names:
        column = [member.attrs.get(name) for member in members]
        if name in known or twins.get(name) == column:
            continue
        if all(value == column[0] for value in column):
            shared[name] = column[0]
        elif all(value is None or isinstance(value, int | float | np.number) for value in column):
            differing[name] = np.asarray([np.nan if value is None else value for value in column], dtype=np.float64)
        else:
            differing[name] = np.asarray(["" if value is None else str(value) for value in column])
    return shared, differing


def stated_numbers(members: Sequence[xr.Dataset], name: str) -> list[float] | None:
    """Return the number that every member states in an attribute, or None where one does not.

    A number may be written as text, as readers keep what they do not know. Another word for a dimension (``area`` for
    ``spot``) counts where it holds whole numbers that differ.
    """
    for word in (name, OTHER_WORDS.get(name, "")):
        numbers = [number_of(member.attrs.get(word)) for member in members]
        if not np.all(np.isfinite(numbers)):
            continue
        if word == name or (len(set(numbers)) > 1 and all(number.is_integer() for number in numbers)):
            return numbers
    return None


def number_of(value: object) -> float:
    """Return a number, or NaN for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | np.number):
        return math.nan
    try:
        return float(value)
    except ValueError:
        return math.nan
