"""What two spectra must be for their shapes to be compared, and the points of them that are."""

from __future__ import annotations

import re
from typing import Any, Final

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.xps.questions.shape_match import Points
from surfspec.xps.region.member import noise

#: Fewest points of b that are compared.
FEWEST: Final = 25
_LEVEL: Final = re.compile(r"\s*([A-Z][a-z]?)\s*(\d[spdf])")


def number_within(name: str, value: Any, low: float, high: float) -> float:
    """Return a number within its limits, or refuse it."""
    good = isinstance(value, int | float | np.number) and not isinstance(value, bool) and low <= value <= high
    if not good:
        raise InputError(f"{name} is {value!r}", where=name, remedy=f"Give {low:g} to {high:g}")
    return float(value)


def options(background: Any, resolution: Any, probe: Any, step: Any) -> int:
    """Check the options and return the degree of the polynomial."""
    if not isinstance(step, bool | np.bool_):
        raise InputError(f"step is {step!r:.40}", where="step", remedy="Give True or False")
    degree = number_within("background", background, 0, 3)
    number_within("resolution", resolution, 0.01, 5.0)
    number_within("probe", probe, 0.05, 20.0)
    if degree != int(degree):
        raise InputError(f"background is {background!r}", where="background", remedy="Give a degree: 0, 1, 2 or 3")
    return int(degree)


def points_of(
    a: xr.Dataset, b: xr.Dataset, window: Any, max_shift: float, *, force: bool
) -> tuple[Points, Points, list[str]]:
    """Return the points that are compared: of b those that every shift keeps among those of a."""
    notes: list[str] = []
    found = [_one(data, name, notes) for data, name in ((a, "a"), (b, "b"))]
    _same_level(a, b, notes, force=force)
    asked = (-np.inf, np.inf) if window is None else _window(window)
    low = max(found[0].x[0] + max_shift, found[1].x[0], asked[0])
    high = min(found[0].x[-1] - max_shift, found[1].x[-1], asked[1])
    second = _cut(found[1], low, high)
    if second.x.size < FEWEST:
        raise InputError(
            f"the spectra share {second.x.size} points from {low:g} to {high:g} eV",
            where="window",
            remedy=f"Compare one region: at least {FEWEST} points that a has within max_shift on either side",
        )
    return _cut(found[0], second.x[0] - max_shift, second.x[-1] + max_shift), second, notes


def _window(window: Any) -> tuple[float, float]:
    """Return the energies to compare, or refuse what is no window."""
    try:
        low, high = (float(one) for one in window)
    except (TypeError, ValueError):  # no pair, or not of numbers
        low, high = np.nan, np.nan
    if isinstance(window, str | bytes) or not (np.isfinite([low, high]).all() and low < high):
        raise InputError(f"window is {window!r:.60}", where="window", remedy="Give two energies in eV, the lower first")
    return low, high


def _same_level(a: xr.Dataset, b: xr.Dataset, notes: list[str], *, force: bool) -> None:
    """Refuse the spectra of two core levels, where their regions name them."""
    regions = [str(one.attrs.get("region", "")) for one in (a, b)]
    levels = [_LEVEL.match(one) for one in regions]
    if levels[0] is None or levels[1] is None or levels[0].groups() == levels[1].groups():
        return
    told = f"a is {regions[0]!r} and b is {regions[1]!r}"
    if not force:
        raise InputError(told, where="region", remedy="Compare one core level, or pass force=True for shapes of two")
    notes.append(told)


def _cut(points: Points, low: float, high: float) -> Points:
    inside = (points.x >= low - 1e-9) & (points.x <= high + 1e-9)
    return Points(points.x[inside], points.y[inside], None if points.sigma is None else points.sigma[inside])


def _one(data: xr.Dataset, name: str, notes: list[str]) -> Points:
    """Return the points of one spectrum with their noise."""
    if not isinstance(data, xr.Dataset):
        raise InputError(f"{name} is a {type(data).__name__}", where=name, remedy="Give spectra: ss.read(...)")
    schema.check(data, "spectrum")
    if data.attrs["technique"] != "XPS" or schema.axis_of(data) != "binding_energy":
        raise InputError(
            f"{name} is a {data.attrs['technique']} spectrum on a {schema.axis_of(data)} axis",
            where=name,
            remedy="Compare XPS spectra on a binding_energy axis",
        )
    if schema.series_dims(data):
        raise InputError(f"{name} is a series", where=name, remedy="Select one member with .isel()")
    x, y = (np.array(data[key].values, dtype=np.float64) for key in ("binding_energy", "intensity"))
    if not np.any(y):
        raise InputError(f"every intensity of {name} is zero", where=name, remedy="Check the file and the region")
    statistics = str(data.attrs["statistics"])
    if statistics == "poisson":
        return Points(x, y, None)
    given = np.array(data["intensity_unc"].values, dtype=np.float64) if "intensity_unc" in data else None
    if statistics == "unknown":
        notes.append(f"the statistics of {name} are unknown: its noise is read off its second differences")
    return Points(x, y, np.asarray(noise(y, statistics, given)))
