"""One measured pattern as arrays, checked: what background and peak search start from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.xrd.lines.axis import check_degrees
from surfspec.xrd.lines.noise import Noise, counting_variance, noise_of
from surfspec.xrd.patterns.wavelengths import Radiation, radiation

Array = NDArray[np.float64]

#: Fewest points in which lines and background can be told apart.
FEWEST = 20


@dataclass(frozen=True)
class OnePattern:
    """2 theta (deg), intensity and its variance, shape (n,); noise law, radiation (None if unknown), unit."""

    x: Array
    y: Array
    variance: Array
    noise: Noise | None
    light: Radiation | None
    unit: str


def one_pattern(ds: xr.Dataset, wavelength: str | float | Radiation | None, what: str) -> OnePattern:
    """Check a pattern and take it apart.

    Raises
    ------
    InputError
        For anything but a single pattern over ``two_theta`` (deg, 0 to 180) with enough points.
    """
    schema.check(ds, "spectrum")
    if schema.axis_of(ds) != "two_theta" or ds["intensity"].ndim != 1:
        raise InputError(
            f"{what} in one pattern over two_theta, not in {dict(ds.sizes)}",
            remedy="Select one member of a series with isel()",
        )
    x, y = ds["two_theta"].values.astype(np.float64), ds["intensity"].values.astype(np.float64)
    check_degrees(x)
    if len(x) < FEWEST:
        raise InputError(
            f"{len(x)} points are too few to tell lines from background",
            where="two_theta",
            remedy=f"Give a pattern of at least {FEWEST} points",
        )
    if not np.all(np.isfinite(y)):
        raise InputError(
            f"{int(np.count_nonzero(~np.isfinite(y)))} intensities are missing",
            where="intensity",
            remedy="Leave these points out: ds.dropna('two_theta')",
        )
    statistics = str(ds.attrs["statistics"])
    given = ds["intensity_unc"].values.astype(np.float64) if "intensity_unc" in ds else None
    if statistics == "given" and given is not None and not np.all(np.isfinite(given) & (given > 0)):
        positive = given[np.isfinite(given) & (given > 0)]
        if not len(positive):
            raise InputError(
                "no given uncertainty is positive", where="intensity_unc", remedy="Give uncertainties, or counts"
            )
        given = np.where(np.isfinite(given) & (given > 0), given, float(positive.min()))  # empty channels of a file
    chosen = wavelength if wavelength is not None else ds.attrs.get("wavelength_name") or ds.attrs.get("wavelength")
    light = radiation(chosen) if chosen is not None else None
    variance, _ = counting_variance(y, statistics, given)
    floor = 1e-12 * max(float(np.max(np.abs(y))), 1e-150) ** 2
    return OnePattern(
        x, y, np.maximum(variance, floor), noise_of(y, statistics), light,
        str(ds["intensity"].attrs.get("units", "arb. units")),
    )  # fmt: skip
