"""The peaks of a pattern as a table."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.xrd.lines.noise import noise_of
from surfspec.xrd.lines.peak_search import counting_variance, peaks_of, search_all
from surfspec.xrd.patterns.wavelengths import radiation

Array = NDArray[np.float64]


def find_peaks(ds: xr.Dataset, *, significance: float = 5.0, wavelength: str | float | None = None) -> xr.Dataset:
    """Find the peaks of a powder pattern, with uncertainties from its counting statistics.

    Parameters
    ----------
    ds
        Spectrum over ``two_theta``, one pattern.
    significance
        Smallest ratio of a peak's height to its uncertainty.
    wavelength
        As for :func:`surfspec.xrd.radiation`; by default that of the file. Without one, no ``d`` is given and
        Ka2 lines count as peaks.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``peak``: ``peak_two_theta`` and ``fwhm`` (deg), ``height``, ``area``, each with ``_unc``,
        ``significance`` (1), ``relative_intensity`` (%), ``d`` (angstrom).

    Raises
    ------
    InputError
        For anything but a single XRD pattern.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from surfspec import xrd
    >>> x = np.arange(20, 40, 0.02)
    >>> lead = xrd.pattern(xrd.phases(["Pb_fcc"])[0], wavelength="CuKa1", two_theta=x)
    >>> counts = np.random.default_rng(1).poisson(100 + lead.intensity.values)
    >>> found = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD"), wavelength="CuKa1")
    >>> found.peak_two_theta.values.round(1).tolist()
    [31.3, 36.3]
    """
    schema.check(ds, "spectrum")
    if schema.axis_of(ds) != "two_theta" or ds["intensity"].ndim != 1:
        raise InputError(
            f"peaks are searched in one pattern over two_theta, not in {dict(ds.sizes)}",
            remedy="Select one member of a series with isel()",
        )
    chosen = wavelength if wavelength is not None else ds.attrs.get("wavelength_name") or ds.attrs.get("wavelength")
    light = radiation(chosen) if chosen is not None else None
    x, y = ds["two_theta"].values, ds["intensity"].values
    given = ds["intensity_unc"].values if "intensity_unc" in ds else None
    variance, _ = counting_variance(y, str(ds.attrs["statistics"]), given)
    found = peaks_of(search_all(x, y, variance, threshold=significance, light=light, noise=noise_of(y, str(ds.attrs["statistics"]))))
    unit = str(ds["intensity"].attrs.get("units", "arb. units"))
    area_unit = f"{unit} deg"
    strongest = float(found.area.max(initial=0.0)) or 1.0
    columns: dict[str, tuple[Array, str, str]] = {
        "peak_two_theta": (found.two_theta, "deg", "Position"),
        "peak_two_theta_unc": (found.two_theta_unc, "deg", "Standard uncertainty of the position"),
        "height": (found.height, unit, "Height above background"),
        "height_unc": (found.height_unc, unit, "Standard uncertainty of the height"),
        "fwhm": (found.fwhm, "deg", "Full width at half maximum"),
        "fwhm_unc": (found.fwhm_unc, "deg", "Standard uncertainty of the width"),
        "area": (found.area, area_unit, "Area"),
        "area_unc": (found.area_unc, area_unit, "Standard uncertainty of the area"),
        "significance": (found.significance, "1", "Height over its uncertainty"),
        "relative_intensity": (100.0 * found.area / strongest, "%", "Area relative to the largest"),
    }
    if light is not None:
        d = light.wavelengths[0] / (2.0 * np.sin(np.radians(found.two_theta) / 2.0))
        columns["d"] = (d, "angstrom", "Lattice spacing")
    data = {name: ("peak", values, {"units": units, "long_name": label})
            for name, (values, units, label) in columns.items()}  # fmt: skip
    attrs: dict[str, str | float] = {"kind": "table", "technique": "XRD"}
    if light is not None:
        attrs |= {"wavelength": light.wavelengths[0], "wavelength_name": light.name}
    return xr.Dataset(data, attrs=attrs)
