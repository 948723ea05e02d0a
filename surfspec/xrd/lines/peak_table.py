"""The peaks of a pattern as a table."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.given import number
from surfspec.xrd.lines.measured_pattern import OnePattern, one_pattern
from surfspec.xrd.lines.noise import false_alarms
from surfspec.xrd.lines.peak_search import Peaks, Searched, enlargement, peaks_of, search_all, sharpened
from surfspec.xrd.patterns.wavelengths import Radiation

Array = NDArray[np.float64]
Text = NDArray[np.str_]

#: Lines are looked for at the typical width and at 2.2 times it, where there are fewer independent places.
TRIALS = 1.0 + 1.0 / 2.2
#: A line below this share of the height of a neighbour within these FWHM may be part of that one's profile.
FLANK_SHARE, FLANK_REACH = 0.03, 8.0
#: A height whose uncertainty neighbours raise by this factor is that of an overlap.
SHARED = 2.0
#: A line wider or narrower than the law of its pattern by this factor is named so.
ODD_WIDTH = 2.0
#: Equal neighbours at the top of a line that mean a detector at its limit, and the least intensity for that.
FLAT, FLAT_LEAST = 3, 100.0
#: A step this many times the usual one is a gap.
GAP = 4.0
#: Flag of a channel that stands alone.
SPIKE_FLAG = "spike"


def find_peaks(ds: xr.Dataset, *, significance: float = 5.0, wavelength: str | float | None = None) -> xr.Dataset:
    r"""Find the peaks of a powder pattern, with uncertainties from its counting statistics.

    Lines are maxima of a matched filter above the background; all are then fitted at once, with the background, as
    split pseudo-Voigt lines. Width, Lorentzian share and asymmetry of each scatter about the law of the pattern, which
    its strong lines teach: weak and overlapping lines lean on it, strong ones have a shape of their own. What the fit
    leaves is searched again (flanks of strong lines), and a line that misfits is split where two describe it.

    Parameters
    ----------
    ds
        Spectrum over ``two_theta``, one pattern.
    significance
        Smallest signal-to-noise ratio of a peak: its height over the standard deviation of that height if there were
        no such line, its neighbours and the background being free. For few counts it is the ratio with the same tail
        probability in Gaussian noise. With 5, noise makes fewer than one false peak in a thousand patterns; the
        column ``false_alarms`` says it for each peak.
    wavelength
        As for :func:`surfspec.xrd.radiation`; by default that of the file. Without one, no ``d`` is given and
        Ka2 lines count as peaks.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``peak``: ``peak_two_theta`` and ``fwhm`` (deg), ``height``, ``area`` (of the Ka1 line
        where there are two), ``lorentz_share``, ``asymmetry`` (1; positive: longer to low angles; their uncertainty
        is that of the prior where the line is too weak to tell), ``relative_intensity`` (%, of areas), ``d``
        (angstrom), each with ``_unc``; ``significance`` (1), ``false_alarms`` (1: expected number of peaks as
        significant in noise alone, anywhere in the pattern), ``misfit`` (1: reduced chi-square on the line) and
        ``flag``: words joined by "; ", empty where nothing is odd. Positions are as measured: no zero or displacement
        is taken off (see :func:`surfspec.xrd.line_shift`).

        Flags: ``overlap`` (neighbours raise the uncertainty of the height more than twofold), ``profile misfits``
        (uncertainties are enlarged by the root of the misfit), ``wide``, ``narrow`` (twice, half the width of the
        pattern's lines), ``few points`` (fewer than 3 in the FWHM), ``at edge`` (of the pattern or of a gap in it),
        ``flank`` (below 3 % of a neighbour within 8 of its FWHM: perhaps part of its profile), ``saturated`` (flat
        top), ``spike`` (one channel; no line: all but position and height are missing).

    Raises
    ------
    InputError
        For anything but a single XRD pattern over 2 theta in degrees, or a significance that is not positive.

    References
    ----------
    Rice (1945) Bell Syst. Tech. J. 24, 46 (rate of false alarms).

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
    threshold = number(significance, "significance", low=0.0, high=1e6, above=True)
    given = one_pattern(ds, wavelength, "peaks are searched")
    found = search_all(given.x, given.y, given.variance, threshold=threshold, light=given.light, noise=given.noise)
    peaks = sharpened(peaks_of(found), found)
    flags = _flags(given, found, peaks)
    columns = _columns(given, found, peaks)
    if len(found.spikes):
        columns, flags = _with_spikes(given, found, columns, flags)
    data = {
        name: ("peak", values, {
            "units": units, "long_name": label,
            **({"ancillary_variables": f"{name}_unc"} if f"{name}_unc" in columns else {}),
        })
        for name, (values, units, label) in columns.items()
    }  # fmt: skip
    table = xr.Dataset(data).assign(flag=("peak", flags, {"long_name": "What is odd about the peak"}))
    table.attrs = {
        "kind": "table", "technique": "XRD", **spectra.origin(ds),
        "threshold": threshold, "typical_fwhm": float(np.median(found.law.width(found.x))),
        "typical_lorentz_share": found.law.share,
    }  # fmt: skip
    if given.light is not None:
        table.attrs |= {"wavelength": given.light.wavelengths[0], "wavelength_name": given.light.name}
    return schema.check(table, "table")


def _columns(given: OnePattern, found: Searched, peaks: Peaks) -> dict[str, tuple[Array, str, str]]:
    unit, area_unit = given.unit, f"{given.unit} deg"
    strongest = int(np.argmax(peaks.area)) if len(peaks.area) else 0
    top = float(peaks.area[strongest]) if len(peaks.area) else 1.0
    share, share_unc, skew, skew_unc = shapes(found)
    span = float(given.x[-1] - given.x[0]) * TRIALS
    alarms = false_alarms(peaks.significance, span, float(np.median(found.law.width(found.x))))
    columns: dict[str, tuple[Array, str, str]] = {
        "peak_two_theta": (peaks.two_theta, "deg", "Position"),
        "peak_two_theta_unc": (peaks.two_theta_unc, "deg", "Standard uncertainty of the position"),
        "height": (peaks.height, unit, "Height above background"),
        "height_unc": (peaks.height_unc, unit, "Standard uncertainty of the height"),
        "fwhm": (peaks.fwhm, "deg", "Full width at half maximum"),
        "fwhm_unc": (peaks.fwhm_unc, "deg", "Standard uncertainty of the width"),
        "area": (peaks.area, area_unit, "Area"),
        "area_unc": (peaks.area_unc, area_unit, "Standard uncertainty of the area"),
        "lorentz_share": (share, "1", "Lorentzian share of the line"),
        "lorentz_share_unc": (share_unc, "1", "Standard uncertainty of the Lorentzian share"),
        "asymmetry": (skew, "1", "Asymmetry of the line"),
        "asymmetry_unc": (skew_unc, "1", "Standard uncertainty of the asymmetry"),
        "significance": (peaks.significance, "1", "Signal-to-noise ratio"),
        "false_alarms": (alarms, "1", "Expected number of peaks as significant in noise alone"),
        "misfit": (found.misfit, "1", "Reduced chi-square on the line"),
        "relative_intensity": (100.0 * peaks.area / top, "%", "Area relative to the largest"),
        "relative_intensity_unc": (100.0 * _ratio_unc(peaks, strongest), "%", "Standard uncertainty of the ratio"),
    }
    if given.light is not None:
        columns |= _spacings(peaks, given.light)
    return columns


def _spacings(peaks: Peaks, light: Radiation) -> dict[str, tuple[Array, str, str]]:
    theta = np.radians(peaks.two_theta) / 2.0
    d = light.wavelengths[0] / (2.0 * np.sin(theta))
    spread = d / np.tan(theta) * np.radians(peaks.two_theta_unc) / 2.0
    return {
        "d": (d, "angstrom", "Lattice spacing"),
        "d_unc": (spread, "angstrom", "Standard uncertainty of the lattice spacing by that of the position"),
    }


def _ratio_unc(peaks: Peaks, strongest: int) -> Array:
    """Return the standard uncertainty of areas over the largest; zero for the largest itself."""
    if not len(peaks.area):
        return peaks.area
    ratio = peaks.area / peaks.area[strongest]
    own = np.square(peaks.area_unc / np.maximum(peaks.area, 1e-300))
    spread = ratio * np.sqrt(own + own[strongest])
    spread[strongest] = 0.0
    return np.asarray(spread)


def shapes(found: Searched) -> tuple[Array, Array, Array, Array]:
    """Lorentzian share and asymmetry of each line with uncertainties: the prior's where the line does not tell."""
    spread = found.fit.spread()
    count = len(found.strength)
    own_share, own_skew = found.fit.active[3 * count : 4 * count], found.fit.active[4 * count :]
    prior = found.fit.prior_spread
    share_unc = np.where(own_share, spread.share, prior.share)
    skew_unc = np.where(own_skew, spread.skew, prior.skew)
    return found.fit.lines.share, share_unc, found.fit.lines.skew, skew_unc


def _flags(given: OnePattern, found: Searched, peaks: Peaks) -> Text:
    width = found.law.width(peaks.two_theta)
    words = {
        "overlap": found.fit.sharing() > SHARED,
        "profile misfits": enlargement(found) > 1.0,
        "wide": peaks.fwhm > ODD_WIDTH * width,
        "narrow": peaks.fwhm < width / ODD_WIDTH,
        "few points": peaks.fwhm < 3.0 * found.step,
        "at edge": _at_edge(given.x, peaks),
        "flank": _flank(peaks),
        "saturated": np.array([_flat(given, at, fwhm) for at, fwhm in zip(peaks.two_theta, peaks.fwhm, strict=True)],
                              dtype=bool),
    }  # fmt: skip
    named = ["; ".join(word for word, true in words.items() if true[row]) for row in range(len(peaks.two_theta))]
    return np.array(named, dtype=np.str_)


def _at_edge(x: Array, peaks: Peaks) -> NDArray[np.bool_]:
    """Lines within a FWHM of the first or last point, or of a gap that takes half a line or more."""
    step = np.diff(x)
    low, high = peaks.two_theta - peaks.fwhm, peaks.two_theta + peaks.fwhm
    wide = (step > GAP * np.median(step)) & (step > 0.5 * peaks.fwhm[:, None])
    gap = np.any(wide & (x[:-1] < high[:, None]) & (x[1:] > low[:, None]), axis=1)
    return np.asarray((low < x[0]) | (high > x[-1]) | gap)


def _flank(peaks: Peaks) -> NDArray[np.bool_]:
    near = np.abs(peaks.two_theta[:, None] - peaks.two_theta) < FLANK_REACH * peaks.fwhm[None, :]
    tops = np.where(near, peaks.height[None, :], 0.0).max(axis=1, initial=0.0)
    return np.asarray(peaks.height < FLANK_SHARE * tops)


def _flat(given: OnePattern, center: float, fwhm: float) -> bool:
    """Whether equal neighbours make the top of a line, as where a detector saturates or a file was clipped."""
    low, high = np.searchsorted(given.x, [center - 0.6 * fwhm, center + 0.6 * fwhm])
    top = given.y[low:high]
    if len(top) < FLAT or float(top.max()) < FLAT_LEAST:
        return False
    equal = np.flatnonzero(np.diff(np.concatenate([[0], (top >= top.max() * (1.0 - 1e-9)).astype(int), [0]])))
    return bool(np.max(equal[1::2] - equal[::2]) >= FLAT)


def _with_spikes(
    given: OnePattern, found: Searched, columns: dict[str, tuple[Array, str, str]], flags: Text
) -> tuple[dict[str, tuple[Array, str, str]], Text]:
    """Add a row for each channel that stands alone, in the order of angle."""
    at = given.x[found.spikes]
    excess = given.y[found.spikes] - np.interp(at, found.x, found.fit.model)
    missing = np.full(len(at), np.nan)
    known = {
        "peak_two_theta": at,
        "height": excess,
        "height_unc": np.sqrt(np.interp(at, found.x, found.variance)),
    }
    order = np.argsort(np.concatenate([columns["peak_two_theta"][0], at]), kind="stable")
    joined = {
        name: (np.concatenate([values, known.get(name, missing)])[order], units, label)
        for name, (values, units, label) in columns.items()
    }
    words = np.concatenate([flags.astype("<U64"), np.full(len(at), SPIKE_FLAG, dtype="<U64")])[order]
    return joined, words
