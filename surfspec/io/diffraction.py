"""What the readers of diffractometer files share: from angles, numbers and what the header says to a pattern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from surfspec import spectra
from surfspec.errors import FormatError
from surfspec.io import _bytes, _entry

#: Largest number of points of one scan; more is a damaged header.
MOST_POINTS = 10_000_000


@dataclass(frozen=True)
class Scan:
    """One scan over 2 theta as a file holds it.

    Attributes
    ----------
    two_theta, values
        deg and stored intensity, shape (n,).
    units
        ``"counts"``, ``"counts/s"`` or ``""`` where the file does not say: whole numbers are counts then.
    factors
        Attenuation factors by which the values must be multiplied, shape (n,), or None.
    attrs
        Metadata; ``dwell_time`` (s) where the file gives the counting time of a point.
    label
        Name of the scan among several.
    sigma
        Standard uncertainties that the file gives, shape (n,), or None.
    """

    two_theta: NDArray[np.float64]
    values: NDArray[np.float64]
    units: str = ""
    factors: NDArray[np.float64] | None = None
    attrs: Mapping[str, _entry.Attr] = field(default_factory=dict)
    label: str = ""
    sigma: NDArray[np.float64] | None = None


def uniform(start: float, step: float, count: int, where: str) -> NDArray[np.float64]:
    """Angles of a scan with a constant step; refuses steps and ends that no goniometer has."""
    end = start + step * (count - 1)
    if not np.all(np.isfinite([start, step])) or step == 0.0 or not 1 < count <= MOST_POINTS or not -170 < end < 180:
        raise FormatError(
            f"the header says {count} points from {start:g} deg in steps of {step:g} deg, which is no scan over 2θ",
            where=where,
            remedy="The file is damaged or no powder scan; export it as .xy",
        )
    return np.asarray(start + step * np.arange(count), dtype=np.float64)


def radiation(
    anode: str, first: float | None, second: float | None, ratio: float | None, beta: float | None = None
) -> dict[str, _entry.Attr]:
    """Say which lines a header names (angstrom); nothing where it names none.

    ``wavelength_name`` is ``CuKa`` where a second line with a ratio is given, ``CuKa1`` where the ratio is 0.
    """
    found: dict[str, _entry.Attr] = {}
    if first is None or not 0.05 < first < 5.0:
        return found
    found["wavelength"] = round(first, 7)
    if second is not None and 0.05 < second < 5.0 and ratio is not None and ratio > 0:
        found["wavelength_alpha2"] = round(second, 7)
    if ratio is not None and 0.0 <= ratio <= 1.0:
        found["wavelength_alpha2_ratio"] = round(ratio, 6)
    if beta is not None and 0.05 < beta < 5.0:
        found["wavelength_beta"] = round(beta, 7)
    name = anode.strip().capitalize()
    if name.isalpha() and len(name) <= 2:
        found["anode"] = name
        if ratio is not None:
            found["wavelength_name"] = f"{name}Ka" if "wavelength_alpha2" in found else f"{name}Ka1"
    return found


def entry(scan: Scan, source: _bytes.Source, options: _entry.Options, name: str, where: str) -> _entry.Entry:
    """Make the spectrum of a scan.

    A rate with a counting time becomes counts; values that are not said to be a rate and are whole numbers are counts.
    Where attenuation factors differ from 1 the uncertainty is given, because the corrected numbers are not Poisson.

    Parameters
    ----------
    scan
        The scan.
    source, options
        The file, and what the caller knows.
    name
        Name of the format.
    where
        File and scan, for errors.

    Returns
    -------
    Entry
        Label and Dataset.
    """
    refuse_other_techniques(options, source)
    attrs = _entry.with_wavelength({**scan.attrs, **options.attrs}, options.wavelength)
    x, y, given = scan.two_theta, scan.values, scan.sigma
    if len(x) > 1 and x[0] > x[-1]:
        x, y, given = x[::-1], y[::-1], None if given is None else given[::-1]
    if not np.all(np.isfinite(y)):
        raise FormatError(
            "an intensity is no finite number", where=where, remedy="The file is damaged; export it again"
        )
    units, statistics, sigma = _units(y, scan, options.units), None, None
    if scan.factors is not None and np.any(scan.factors != 1.0):
        factors = scan.factors[::-1] if scan.two_theta[0] > scan.two_theta[-1] else scan.factors
        sigma = np.sqrt(np.maximum(y, 1.0)) * factors
        y, statistics = y * factors, "given"
        attrs["attenuation_factor_max"] = float(np.max(factors))
    elif given is not None and not _is_counting(y, given):
        sigma, statistics = given, "given"
    else:
        dwell = attrs.get("dwell_time")
        y, units, statistics = _entry.counted(y, units, float(dwell) if dwell is not None else None, None)
    dataset = spectra.spectrum(
        x, y, technique="XRD", units=units, intensity_unc=sigma, statistics=statistics, where=where
    )
    return _entry.Entry(scan.label or source.name.rsplit(".", 1)[0], _entry.labelled(dataset, attrs, source, name))


def _is_counting(values: NDArray[np.float64], sigma: NDArray[np.float64]) -> bool:
    """Tell whether given uncertainties are the square roots of counts (0 or 1 where nothing was counted)."""
    counted = values > 0
    return _entry.is_whole(values) and bool(np.all(np.abs(sigma - np.sqrt(np.maximum(values, 0)))[counted] < 0.02))


def _units(values: NDArray[np.float64], scan: Scan, asked: str | None) -> str:
    if asked is not None:
        return asked
    return scan.units or ("counts" if _entry.is_whole(values) else "arb. units")


def refuse_other_techniques(options: _entry.Options, source: _bytes.Source) -> None:
    """Refuse a caller who says that a diffractometer's file holds something else."""
    if (options.technique or "XRD", options.axis or "two_theta") != ("XRD", "two_theta"):
        raise FormatError(
            "a diffractometer wrote this file: it holds diffraction patterns over two_theta",
            where=source.name,
            remedy="Leave technique= and axis= out",
        )


def number(text: str | None) -> float | None:
    """Return a finite number of a header, None where there is none."""
    try:
        value = float((text or "").strip().strip('"'))
    except ValueError:
        return None
    return value if np.isfinite(value) else None
