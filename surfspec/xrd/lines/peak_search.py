"""Peak search: which lines stand out from the counting noise, where, how strong and how wide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from surfspec import schema
from surfspec.errors import InputError
from surfspec.xrd.lines.background import clip_baseline
from surfspec.xrd.patterns.profile import pseudo_voigt_derivatives
from surfspec.xrd.patterns.wavelengths import Radiation, radiation

Array = NDArray[np.float64]

#: FWHM (deg) of the matched filter of the first pass, a laboratory line width.
FIRST_WIDTH = 0.12
#: Lorentzian share of the lines fitted by the peak search.
SHAPE = 0.5
_ROOT8LN2 = float(np.sqrt(8.0 * np.log(2.0)))


@dataclass(frozen=True)
class Peaks:
    """Fitted peaks, arrays over the peaks: position, height, area and FWHM with standard uncertainties (deg)."""

    two_theta: Array
    two_theta_unc: Array
    height: Array
    height_unc: Array
    fwhm: Array
    fwhm_unc: Array
    area: Array
    area_unc: Array
    significance: Array


def counting_variance(y: Array, statistics: str, given: Array | None = None) -> tuple[Array, float]:
    """Variance of each point from counting, and the factor by which the noise differs from Poisson.

    Parameters
    ----------
    y
        Intensities, shape (n,).
    statistics
        ``"poisson"``, ``"given"`` (by `given`, one standard uncertainty) or ``"unknown"``: then the factor f of
        var = f y is read off the second differences of neighbours, robustly.

    Returns
    -------
    variance, factor
        Shape (n,), and f (1 for counts).
    """
    if statistics == "given" and given is not None:
        return np.asarray(given**2), 1.0
    smooth = np.maximum(gaussian_filter1d(y, 2.0), 0.0)
    if statistics == "poisson":
        return smooth + 1.0, 1.0
    second = y[:-2] - 2.0 * y[1:-1] + y[2:]
    level = np.maximum(smooth[1:-1], 1e-3 * max(float(y.max()), 1e-300))
    factor = float(np.median(np.abs(second) / np.sqrt(6.0 * level)) / 0.67448975) ** 2
    floor = (5e-4 * float(np.ptp(y))) ** 2 + 1e-300
    return factor * np.maximum(smooth, 0.0) + floor, factor


def significance_trace(net: Array, variance: Array, sigma_points: float) -> Array:
    """Matched-filter signal-to-noise ratio of a line at each point of a uniform grid."""
    half = int(np.ceil(4.0 * sigma_points))
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / sigma_points) ** 2)
    weight = 1.0 / variance
    top = np.convolve(net * weight, kernel, "same")
    bottom = np.convolve(weight, kernel**2, "same")
    return np.asarray(top / np.sqrt(bottom))


def search(x: Array, y: Array, variance: Array, *, threshold: float = 5.0, light: Radiation | None = None) -> Peaks:
    """Find and fit the peaks of one pattern.

    Lines are local maxima of a matched filter on the data above a clipped baseline; each group of overlapping lines
    is then fitted by least squares with pseudo-Voigt lines (K-alpha2 included where `light` has two lines) on a
    straight background.

    Parameters
    ----------
    x, y, variance
        2 theta in deg (rising, near uniform), intensity and its variance, shape (n,).
    threshold
        Smallest signal-to-noise ratio of a line.
    light
        Radiation, so that the Ka2 line is no peak of its own.

    Returns
    -------
    Peaks
        Sorted by angle; empty arrays when nothing stands out.
    """
    step = float(np.median(np.diff(x)))
    width = FIRST_WIDTH
    for _ in range(2):
        centers = _maxima(x, y, variance, width, step, threshold)
        fitted = _fit_all(x, y, variance, centers, width, light)
        strong = fitted.significance > 2.0 * threshold
        if np.count_nonzero(strong) < 3:
            break
        width = float(np.clip(np.median(fitted.fwhm[strong]), 2.0 * step, 1.0))
    keep = (fitted.significance > threshold) & (fitted.height > 0)
    keep &= (fitted.fwhm > 1.2 * step) & (fitted.fwhm < 12.0 * width)
    return Peaks(**{name: getattr(fitted, name)[keep] for name in Peaks.__dataclass_fields__})


def _maxima(x: Array, y: Array, variance: Array, width: float, step: float, threshold: float) -> Array:
    baseline = clip_baseline(gaussian_filter1d(y, 1.0), round(8.0 * width / step))
    trace = significance_trace(
        y - baseline, variance + 1e-4 * np.maximum(y - baseline, 0) ** 2, width / _ROOT8LN2 / step
    )
    trace = trace - max(float(np.median(trace)), 0.0)
    reach = 2 * max(round(0.6 * width / step), 1) + 1
    best = (trace == maximum_filter1d(trace, reach)) & (trace > threshold)
    return np.asarray(np.compress(best, x), dtype=np.float64)


def _fit_all(x: Array, y: Array, variance: Array, centers: Array, width: float, light: Radiation | None) -> Peaks:
    rows: list[Array] = []
    if len(centers):
        breaks = np.flatnonzero(np.diff(centers) > 4.0 * width) + 1
        for group in np.split(centers, breaks):
            for part in np.array_split(group, int(np.ceil(len(group) / 6))):
                rows.append(_fit_group(x, y, variance, part, width, light))
    table = np.concatenate(rows) if rows else np.empty((0, 9))
    return Peaks(*table.T)


def _fit_group(x: Array, y: Array, variance: Array, centers: Array, width: float, light: Radiation | None) -> Array:
    inside = (x > centers[0] - 3.5 * width) & (x < centers[-1] + 3.5 * width)
    gx, gy, gw = x[inside], y[inside], 1.0 / variance[inside]
    count = len(centers)
    height = np.maximum(np.interp(centers, gx, gy) - gy.min(), 1e-9)
    start = np.concatenate([height, centers, np.full(count, width)])
    values, normal = _gauss_newton(gx, gy, gw, start, width, light)
    h, c, f = np.split(values, 3)
    try:
        covariance = np.linalg.inv(normal)
    except np.linalg.LinAlgError:
        covariance = np.full_like(normal, np.nan)
    spread = np.sqrt(np.maximum(np.diag(covariance), 0.0))[: 3 * count]
    uh, uc, uf = np.split(spread, 3)
    shape_area = 1.0 / float(pseudo_voigt_derivatives(np.zeros(1), np.ones(1), SHAPE)[0][0])
    area = h * f * shape_area
    index = np.arange(count)
    cross = covariance[index, 2 * count + index]
    area_unc = shape_area * np.sqrt(np.maximum((f * uh) ** 2 + (h * uf) ** 2 + 2 * h * f * cross, 0.0))
    significance = np.divide(h, uh, out=np.zeros(count), where=uh > 0)
    table = np.stack([c, uc, h, uh, f, uf, area, area_unc, significance], axis=1)
    sound = (np.abs(c - centers) < 1.5 * width) & np.all(np.isfinite(table), axis=1)
    table[~sound, 8] = 0.0
    return np.asarray(np.nan_to_num(table), dtype=np.float64)


def _gauss_newton(
    x: Array, y: Array, w: Array, start: Array, width: float, light: Radiation | None
) -> tuple[Array, Array]:
    """Fit heights, centres, widths and a straight background; return the line values and the normal matrix."""
    count = len(start) // 3
    low = np.concatenate([np.zeros(count), start[count : 2 * count] - 1.5 * width, np.full(count, 0.25 * width)])
    high = np.concatenate([np.full(count, np.inf), start[count : 2 * count] + 1.5 * width, np.full(count, 8 * width)])
    values, damping, best = start, 1e-3, np.inf
    normal = np.eye(3 * count + 2)
    line = np.stack([np.ones_like(x), x - x.mean()], axis=1)
    base = np.array([float(np.min(y)), 0.0])
    for _ in range(12):
        model, jacobian = _lines(x, values, light)
        residual = y - model - line @ base
        full = np.concatenate([jacobian, line], axis=1)
        matrix = full.T @ (w[:, None] * full)
        step = np.linalg.lstsq(
            matrix + damping * np.diag(np.diag(matrix) + 1e-12), full.T @ (w * residual), rcond=None
        )[0]
        trial = np.clip(values + step[:-2], low, high)
        trial_base = base + step[-2:]
        cost = float(w @ (y - _lines(x, trial, light)[0] - line @ trial_base) ** 2)
        normal = matrix
        if cost < best:
            done = best - cost < 1e-4 * cost
            values, base, best, damping = trial, trial_base, cost, damping * 0.3
            if done:
                break
        else:
            damping *= 10.0
            if damping > 1e4:
                break
    return values, normal


def _lines(x: Array, values: Array, light: Radiation | None) -> tuple[Array, Array]:
    """Peak model and its Jacobian (n, 3 count); heights are those of the Ka1 line."""
    h, c, f = np.split(values, 3)
    peak = 1.0 / float(pseudo_voigt_derivatives(np.zeros(1), np.ones(1), SHAPE)[0][0])
    model = np.zeros_like(x)
    blocks = [np.zeros((len(x), len(h))) for _ in range(3)]
    doublet = light is not None and len(light.wavelengths) > 1
    waves = light.wavelengths if light is not None and doublet else (1.0,)
    weights = [one / light.weights[0] for one in light.weights] if light is not None and doublet else [1.0]
    for wave, weight in zip(waves, weights, strict=True):
        sine = np.sin(np.radians(c / 2.0)) * wave / waves[0]
        position = 2.0 * np.degrees(np.arcsin(np.minimum(sine, 0.999999)))
        value, by_center, by_width = pseudo_voigt_derivatives(x[:, None] - position, f, SHAPE)
        blocks[0] += weight * peak * f * value
        blocks[1] += weight * peak * f * h * by_center
        blocks[2] += weight * peak * h * (value + f * by_width)
    model += blocks[0] @ h
    return model, np.concatenate(blocks, axis=1)


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
    found = search(x, y, variance, threshold=significance, light=light)
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
