"""PANalytical .xrdml measurements (schema versions 1.0 to 2.x) as diffraction patterns.

Counts are the truth: ``<counts>`` are raw, ``<intensities>`` are corrected for the beam attenuator. Where a factor
f was in the beam, the pattern is f N with the standard uncertainty f √N, no longer Poisson.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import spectra
from surfspec.errors import FormatError
from surfspec.io import _bytes, _entry, safe_xml

NAME = "xrdml"

_TWO_THETA_SCANS = {"gonio", "2theta", "2theta-omega", "omega-2theta", "2theta/omega", "theta-2theta"}


@dataclass(frozen=True)
class _Points:
    """Numbers of one scan before they become a spectrum."""

    two_theta: NDArray[np.float64]
    values: NDArray[np.float64]
    raw: bool
    unit: str
    times: NDArray[np.float64]
    factors: NDArray[np.float64]


def recognises(source: _bytes.Source) -> bool:
    """Tell by the root element."""
    return b"<xrdMeasurements" in source.data[:4096].replace(b"\x00", b"")


def read(source: _bytes.Source, options: _entry.Options) -> list[_entry.Entry]:
    """Read all scans of an .xrdml file.

    Parameters
    ----------
    source
        The file.
    options
        What the caller knows.

    Returns
    -------
    list of Entry
        One for each scan over 2θ.

    Raises
    ------
    FormatError
        For XML that is broken or declares a document type, for scans that are no 2θ scans, and for numbers of
        points that do not agree.
    """
    root = safe_xml.root(_bytes.decode(source), source.name)
    entries = []
    scans = [
        (measurement, scan)
        for measurement in safe_xml.every(root, "xrdMeasurement")
        for scan in safe_xml.every(measurement, "scan")
    ]
    if not scans:
        raise FormatError("no scan in this file", where=source.name, remedy="Measure or export it again")
    sample = _sample(root)
    simulated = any("SIMULATED" in (one.text or "") for one in safe_xml.every(root, "entry"))
    for number, (measurement, scan) in enumerate(scans, start=1):
        where = f"{source.name}: scan {number} of {len(scans)}" if len(scans) > 1 else source.name
        dataset = _pattern(measurement, scan, source, options, where)
        if sample:
            dataset = dataset.assign_attrs(sample=str(options.attrs.get("sample", sample)))
        if simulated:
            dataset = dataset.assign_attrs(simulated="true")
        label = f"scan {number}" if len(scans) > 1 else sample or source.name.rsplit(".", 1)[0]
        entries.append(_entry.Entry(label, dataset))
    return entries


def _sample(root: ET.Element) -> str:
    sample = safe_xml.first(root, "sample")
    return (safe_xml.text_of(sample, "name") or safe_xml.text_of(sample, "id")) if sample is not None else ""


def _is_number(part: str) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True


def _numbers(element: ET.Element | None, where: str) -> NDArray[np.float64]:
    if element is None or not (element.text or "").strip():
        return np.array([], dtype=np.float64)
    parts = (element.text or "").split()
    try:
        return np.array(parts, dtype=np.float64)
    except ValueError:
        wrong = next(part for part in parts if not _is_number(part))
        raise FormatError(
            f"{wrong[:30]!r} among the {safe_xml.tag(element)} is not a number",
            where=where,
            remedy="Export the measurement again",
        ) from None


def _pattern(
    measurement: ET.Element, scan: ET.Element, source: _bytes.Source, options: _entry.Options, where: str
) -> xr.Dataset:
    points = _points(scan, where)
    y, units, statistics, sigma = _counts(points)
    if options.units is not None:
        units, statistics, sigma = options.units, None, None
    attrs = {**_wavelength(measurement), **_attrs(measurement, scan, points), **options.attrs}
    attrs = _entry.with_wavelength(attrs, options.wavelength)
    dataset = spectra.spectrum(
        points.two_theta,
        y,
        technique="XRD",
        units=units,
        intensity_unc=sigma,
        statistics=statistics,
        where=where,
    )
    return _entry.labelled(dataset, attrs, source, NAME)


def _points(scan: ET.Element, where: str) -> _Points:
    raw = True
    numbers = safe_xml.first(scan, "counts")
    if numbers is None:
        raw, numbers = False, safe_xml.first(scan, "intensities")
    values = _numbers(numbers, where)
    if numbers is None or values.size == 0:
        raise FormatError("the scan holds no intensities", where=where, remedy="The scan was not measured; repeat it")
    two_theta = _two_theta(scan, values.size, where)
    common = _numbers(safe_xml.first(scan, "commonCountingTime"), where)
    times = common if common.size else _numbers(safe_xml.first(scan, "countingTimes"), where)
    factors = _numbers(safe_xml.first(scan, "beamAttenuationFactors"), where)
    if factors.size == 0:
        factors = _numbers(safe_xml.first(scan, "commonBeamAttenuationFactor"), where)
    for name, found in (("counting times", times), ("attenuation factors", factors)):
        if found.size not in {0, 1, values.size}:
            raise FormatError(
                f"{found.size} {name} for {values.size} intensities", where=where, remedy="Export the measurement again"
            )
        if np.any(found <= 0):
            raise FormatError(f"{name} that are not positive", where=where, remedy="Export the measurement again")
    return _Points(two_theta, values, raw, numbers.get("unit", "counts"), times, factors)


def _two_theta(scan: ET.Element, count: int, where: str) -> NDArray[np.float64]:
    axis = scan.get("scanAxis", "")
    if axis and axis.lower() not in _TWO_THETA_SCANS:
        raise FormatError(
            f"the scan is over {axis}, not over 2θ", where=where, remedy="surfspec reads powder scans (Gonio or 2Theta)"
        )
    for positions in safe_xml.every(scan, "positions"):
        if positions.get("axis", "").lower() != "2theta":
            continue
        listed = _numbers(safe_xml.first(positions, "listPositions"), where)
        if listed.size:
            if listed.size != count:
                raise FormatError(
                    f"{listed.size} positions for {count} intensities",
                    where=where,
                    remedy="Export the measurement again",
                )
            return listed
        ends = [_numbers(safe_xml.first(positions, name), where) for name in ("startPosition", "endPosition")]
        if all(end.size == 1 for end in ends):
            status = scan.get("status", "Completed")
            if status.lower() != "completed":
                raise FormatError(
                    f"the scan is {status.lower()!r} and gives only its planned end, so its angles are not known",
                    where=where,
                    remedy="Measure it again, or export it as .xy from the instrument's program",
                )
            return np.linspace(float(ends[0][0]), float(ends[1][0]), count)
    raise FormatError("no 2θ positions in this scan", where=where, remedy="Export the measurement again")


def _counts(
    points: _Points,
) -> tuple[NDArray[np.float64], str, str | None, NDArray[np.float64] | None]:
    """Return intensity, unit, statistics and, where it is not Poisson, the standard uncertainty."""
    factors = points.factors if points.factors.size else np.ones(1)
    times = points.times
    values = points.values
    if points.unit.lower() in {"cps", "counts/s"}:
        if not times.size:
            return values, "counts/s", "unknown", None
        values = values * times
    raw = values if points.raw or _corrected_is_raw(values, factors) else values / factors
    raw = _entry.snapped(raw)
    varied = times.size > 1 and bool(np.ptp(times) > 0)
    if np.all(factors == 1.0) and not varied:
        return raw, "counts", _entry.statistics_of_counts(raw), None
    scale = factors / times if varied else factors * np.ones(values.size)
    # a point without counts gets the uncertainty of one count: its expectation is not known to be zero
    return raw * scale, "counts/s" if varied else "counts", "given", np.sqrt(np.maximum(raw, 1.0)) * scale


def _corrected_is_raw(values: NDArray[np.float64], factors: NDArray[np.float64]) -> bool:
    """Tell whether ``<intensities>`` cannot have been corrected: whole as stored, and not after division."""
    return _entry.is_whole(values) and not _entry.is_whole(values / factors, 0.02)


def _wavelength(measurement: ET.Element) -> dict[str, _entry.Attr]:
    """Wavelengths (angstrom) as the file states them.

    Which lines are in the beam is told by the ratio of K-alpha 2, not by the line for which angles were meant:
    ``wavelength_name`` is ``CuKa`` for the doublet and ``CuKa1`` for K-alpha 1 alone.
    """
    used = safe_xml.first(measurement, "usedWavelength")
    if used is None:
        return {}
    found: dict[str, _entry.Attr] = {}
    intended = used.get("intended", "")
    main = "kBeta" if intended.lower() == "k-beta" else "kAlpha1"
    first, second, ratio = (_float(safe_xml.text_of(used, name)) for name in (main, "kAlpha2", "ratioKAlpha2KAlpha1"))
    if first is not None:
        found["wavelength"] = first
        found["wavelength_intended"] = intended
    if main == "kAlpha1" and ratio is not None:
        found["wavelength_alpha2_ratio"] = ratio
        if ratio > 0 and second is not None:
            found["wavelength_alpha2"] = second
    anode = safe_xml.text_of(measurement, "anodeMaterial")
    if anode:
        found["anode"] = anode
        if main == "kAlpha1" and "wavelength" in found:
            found["wavelength_name"] = f"{anode}Ka" if "wavelength_alpha2" in found else f"{anode}Ka1"
    return found


def _attrs(measurement: ET.Element, scan: ET.Element, points: _Points) -> dict[str, _entry.Attr]:
    attrs: dict[str, _entry.Attr] = {}
    if points.times.size and np.ptp(points.times) == 0:
        attrs["dwell_time"] = float(points.times[0])
    if points.factors.size and not np.all(points.factors == 1.0):
        attrs["attenuation_factor_max"] = float(np.max(points.factors))
    texts = {
        "instrument": safe_xml.text_of(scan, "instrumentControlSoftware"),
        "date": safe_xml.text_of(scan, "startTimeStamp"),
        "scan_axis": scan.get("scanAxis", ""),
        "sample_mode": measurement.get("sampleMode", ""),
    }
    attrs.update({key: text for key, text in texts.items() if text})
    for name, key in (("tension", "tube_tension_kV"), ("current", "tube_current_mA"), ("radius", "radius_mm")):
        value = _float(safe_xml.text_of(measurement, name))
        if value is not None:
            attrs[key] = value
    return attrs


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) and value >= 0 else None


READER = _entry.Reader(NAME, recognises, read)
