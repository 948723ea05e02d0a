"""Areas compared: normalised to a reference line, and turned into atomic percent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import reference, schema, spectra
from surfspec._version import __version__
from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.uncertainty import fractions
from surfspec.fitting.verdict import require, worst

Array = NDArray[np.float64]


#: Photon energy in eV of the shipped sensitivity factors (Al K-alpha).
AL_K_ALPHA = 1486.6
#: Relative uncertainty below which a number is exact but for rounding (a line over itself).
ROUND_OFF = 1e-9


@dataclass(frozen=True)
class _Areas:
    """Areas of several regions as rates, with one covariance."""

    regions: tuple[str, ...]
    area: Array
    covariance: Array
    units: str
    verdicts: tuple[str, ...]
    reasons: tuple[str, ...]
    note: str = ""


def normalise(fits: Mapping[str, xr.Dataset], *, to: str = "Zr 3d5/2", force: bool = False) -> xr.Dataset:
    r"""Divide the area of each region by the area of a reference line of the same sample.

    .. math:: r_j = A_j / A_\mathrm{ref}, \qquad
              C(r)_{jk} = \sum_{ab} \frac{\partial r_j}{\partial A_a} C(A)_{ab} \frac{\partial r_k}{\partial A_b}

    Areas are compared as rates (per second), so that regions of different dwell time and number of
    scans fit together. Auger lines inside a region do not count to its area.

    Parameters
    ----------
    fits
        Fit of each region of one sample, single spectra.
    to
        Reference line, a value of the coordinate ``line`` of one of the fits.
    force
        Use failed fits as well.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``region``: ``normalised_area`` with ``_unc``, ``covariance``
        (region, region_b), ``area`` with ``_unc``, ``verdict``, ``reasons``.

    Raises
    ------
    InputError
        When no fit has the line, or dwell times are known for some regions only.
    NotDeterminedError
        When the fit of the reference failed, or its area is not determined.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> zr = ss.xps.fit(ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d"), "Zr 3d")
    >>> round(float(ss.xps.normalise({"Zr 3d": zr}).normalised_area.sel(region="Zr 3d")), 3)
    1.667
    """
    _mapping(fits, "normalise")
    home = [name for name, fit in fits.items() if to in {str(v) for v in schema.check(fit, "fit")["line"].values}]
    if not home:
        lines = sorted({str(v) for fit in fits.values() for v in fit["line"].values})
        raise InputError(f"no fit has the line {to!r}", where="normalise", remedy=f"Lines are {', '.join(lines)}")
    anchor = fits[home[0]]
    require(str(anchor["verdict"].item()), str(anchor["reasons"].item()), what=f"the area of {to}", force=force)
    areas = _areas(fits, force)
    scale = _rate(anchor)
    picked = np.array([str(v) == to for v in anchor["line"].values])
    counted = _core(anchor)
    member = anchor["area_covariance"].values
    level = float(anchor["area"].values[picked].sum()) / scale
    u2 = float(member[np.ix_(picked, picked)].sum()) / scale**2
    if not level > 0 or not np.isfinite(u2) or level < 3 * np.sqrt(max(u2, 0.0)):
        raise NotDeterminedError(
            f"the area of {to} is {level:g} +- {np.sqrt(max(u2, 0.0)):.2g}",
            where="normalise",
            remedy="Choose a reference line that the data determine",
        )
    shared = np.zeros(len(areas.regions))
    shared[areas.regions.index(home[0])] = float(member[np.ix_(counted, picked)].sum()) / scale**2
    ratio = areas.area / level
    covariance = (
        areas.covariance - np.outer(ratio, shared) - np.outer(shared, ratio) + np.outer(ratio, ratio) * u2
    ) / level**2
    out = _table(areas, {"normalised_area": ratio}, covariance, f"Area divided by that of {to}")
    out.attrs |= {"reference_line": to, **spectra.origin(*fits.values())}
    return out


def quantify(
    fits: Mapping[str, xr.Dataset],
    *,
    library: str | Mapping[str, float] = "scofield",
    energy_exponent: float = 0.75,
    library_unc: float = 0.0,
    force: bool = False,
) -> xr.Dataset:
    r"""Turn areas into atomic percent.

    .. math:: c_j = \frac{A_j / (s_j E_{\mathrm{kin},j}^{n})}{\sum_k A_k / (s_k E_{\mathrm{kin},k}^{n})} \cdot 100

    with sensitivity factors :math:`s` and the power law :math:`E^n` for the product of inelastic mean
    free path and transmission. Homogeneous samples only: of a film the numbers are apparent ones.

    Parameters
    ----------
    fits
        Fit of each region of one sample, one region for each element.
    library
        ``"scofield"`` (Al K-alpha, C 1s = 1), ``"ALTHERMO1"``, or core level -> factor: ``{"Zr 3d": 7.04}``. The
        factor is that of the lines that the fit holds: of Zn 2p3/2 alone where only that line was fitted.
    energy_exponent
        n above. 0.75 is Avantage's, and close to the mean free path alone with a constant transmission.
    library_unc
        Relative standard uncertainty of each factor, independent of each other; 0 leaves it out.
    force
        Use failed fits as well.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``region``: ``atomic_percent`` with ``_unc``, ``covariance``, ``area``,
        ``sensitivity``; coordinate ``element``.

    Raises
    ------
    InputError
        When an element has two regions, the factor of a line is missing, the photon energy is unknown or not the
        one of the library.
    NotDeterminedError
        When a fit failed: a percentage of what is left would be a percentage of something else.

    References
    ----------
    Scofield, J. Electron Spectrosc. 8 (1976) 129; ISO 18118.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> zr = ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d", photon_energy=1486.6)
    >>> ss.xps.quantify({"Zr 3d": ss.xps.fit(zr, "Zr 3d")}).atomic_percent.values.tolist()
    [100.0]
    """
    _mapping(fits, "quantify")
    failed = [name for name, fit in fits.items() if str(schema.check(fit, "fit")["verdict"].values) == "failed"]
    if failed and not force:
        raise NotDeterminedError(
            f"the fit of {', '.join(failed)} failed",
            where="quantify",
            remedy="Mend it, or leave the region out of the fits: the percentages then refer to the other elements",
        )
    if not np.isfinite(library_unc) or library_unc < 0 or not np.isfinite(energy_exponent):
        raise InputError(
            f"library_unc is {library_unc:g} and energy_exponent {energy_exponent:g}",
            where="quantify",
            remedy="Give a relative uncertainty of 0 or more, and a finite exponent",
        )
    areas = _areas(fits, force)
    elements = [_element(fits[name]) for name in areas.regions]
    repeated = sorted({e for e in elements if elements.count(e) > 1})
    if repeated:
        raise InputError(
            f"{repeated[0]} has several regions", where="quantify", remedy="Pass one region for each element"
        )
    factors = np.array([_factor(library, fits[name]) for name in areas.regions])
    kinetic = np.array([_kinetic_energy(fits[name], library) for name in areas.regions])
    divisor = factors * kinetic**energy_exponent
    amounts = areas.area / divisor
    covariance = areas.covariance / np.outer(divisor, divisor) + np.diag((amounts * library_unc) ** 2)
    known = np.isfinite(np.diag(covariance))
    share, spread = fractions(np.clip(amounts, 0, None), np.where(np.isfinite(covariance), covariance, 0.0))
    spread[~known, :] = np.nan
    spread[:, ~known] = np.nan
    out = _table(areas, {"atomic_percent": 100 * share}, 1e4 * spread, "Atomic percent", units="%")
    out = out.assign(sensitivity=("region", factors, {"units": "1", "long_name": "Sensitivity factor"}))
    out = out.assign_coords(element=("region", np.array(elements)))
    out.attrs |= {
        "library": library if isinstance(library, str) else "given by the user",
        "energy_exponent": energy_exponent,
        "library_relative_unc": library_unc,
        **spectra.origin(*fits.values()),
    }
    return out


def _core(fit: xr.Dataset) -> NDArray[np.bool_]:
    """Return which components are core levels (Auger lines have three letters: KLL)."""
    return np.array([not str(v).split()[-1].isalpha() for v in fit["line"].values])


def _areas(fits: Mapping[str, xr.Dataset], force: bool) -> _Areas:
    for name, fit in fits.items():
        schema.check(fit, "fit")
        if schema.series_dims(fit):
            raise InputError(
                f"the fit of {name!r} is a series", where=name, remedy="Select one member of it with .isel()"
            )
    rates = {name: _rate(fit) for name, fit in fits.items()}
    if len({str(fit["intensity"].attrs["units"]) for fit in fits.values()}) > 1:
        raise InputError("the intensities have different units", where="areas", remedy="Convert all regions to counts")
    timed = {name: _timed(fit) for name, fit in fits.items()}
    if any(timed.values()) and not all(timed.values()):
        missing = ", ".join(name for name, known in timed.items() if not known)
        raise InputError(
            f"the dwell time of {missing} is not known, that of other regions is",
            where="areas",
            remedy="Set attrs['dwell_time'] (s) and attrs['scans'] of every region",
        )
    area, variance, verdicts, reasons = [], [], [], []
    for name, fit in fits.items():
        core = _core(fit)
        failed = str(fit["verdict"].item()) == "failed" and not force
        matrix = fit["area_covariance"].values[np.ix_(core, core)]
        area.append(np.nan if failed else float(fit["area"].values[core].sum()) / rates[name])
        variance.append(np.nan if failed else float(matrix.sum()) / rates[name] ** 2)
        verdicts.append(str(fit["verdict"].item()))
        reasons.append(str(fit["reasons"].item()))
    first = next(iter(fits.values()))
    units = str(first["intensity"].attrs["units"])
    note = "" if any(timed.values()) else "dwell times are not known: regions are compared as if counted equally long"
    if all(timed.values()) and units == "counts":
        units = "counts/s"
    told = (tuple(verdicts), tuple(reasons))
    return _Areas(tuple(fits), np.array(area), np.diag(variance), f"{units} eV", *told, note)


def _timed(fit: xr.Dataset) -> bool:
    return fit["intensity"].attrs["units"] != "counts" or float(fit.attrs.get("dwell_time", 0.0)) > 0


def _rate(fit: xr.Dataset) -> float:
    """Return the seconds a channel was counted, 1 where the intensity is a rate or the time unknown."""
    if fit["intensity"].attrs["units"] != "counts" or not _timed(fit):
        return 1.0
    return float(fit.attrs["dwell_time"]) * float(fit.attrs.get("scans", 1))


def _element(fit: xr.Dataset) -> str:
    names = {str(v) for v, core in zip(fit["element"].values, _core(fit), strict=True) if core}
    if len(names) != 1:
        raise InputError(
            f"the fit holds core levels of {', '.join(sorted(names)) or 'no element'}",
            where=str(fit.attrs.get("region", "")),
            remedy="Quantify regions of one element each",
        )
    return names.pop()


def _level(fit: xr.Dataset) -> str:
    """Return the core level whose lines the fit holds: ``Zr 3d`` for both lines of the doublet, else the line."""
    lines = sorted({str(v) for v, core in zip(fit["line"].values, _core(fit), strict=True) if core})
    whole = {line.rstrip("/12357") for line in lines}
    if len(lines) == 1:
        return lines[0]
    if len(whole) == 1 and len(lines) == 2:
        return whole.pop()
    raise InputError(
        f"the fit holds the lines {', '.join(lines)}",
        where=str(fit.attrs.get("region", "")),
        remedy="Quantify fits of one core level each",
    )


def _factor(library: str | Mapping[str, float], fit: xr.Dataset) -> float:
    level = _level(fit)
    if isinstance(library, str):
        return float(reference.sensitivity(library, level))
    if level not in library:
        raise InputError(
            f"no sensitivity factor for {level!r}",
            where="library",
            remedy=f"It has {', '.join(map(str, library))}; add this one",
        )
    factor = library[level]
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 0 < factor < np.inf:
        raise InputError(f"the factor of {level!r} is {factor!r}", where="library", remedy="Give a number above 0")
    return float(factor)


def _mapping(fits: object, where: str) -> None:
    if not isinstance(fits, Mapping) or not fits:
        raise InputError(
            f"fits is {'empty' if isinstance(fits, Mapping) else 'a ' + type(fits).__name__}",
            where=where,
            remedy="Pass a mapping of regions to fits: {'Zr 3d': fit, 'Na 1s': fit}",
        )
    for name, fit in fits.items():
        dims = schema.series_dims(fit) if isinstance(fit, xr.Dataset) and fit.attrs.get("kind") == "fit" else ()
        if dims:
            raise InputError(
                f"the fit of {name!r} is a series over {', '.join(dims)}",
                where=where,
                remedy="Select one member of every region with .isel(), and loop over them",
            )


def _kinetic_energy(fit: xr.Dataset, library: str | Mapping[str, float]) -> float:
    photon = float(fit.attrs.get("photon_energy", 0.0))
    if isinstance(library, str) and photon > 0 and abs(photon - AL_K_ALPHA) > 1.0:
        raise InputError(
            f"the library {library!r} is for {AL_K_ALPHA:g} eV and the photon energy is {photon:g} eV",
            where=str(fit.attrs.get("region", "")),
            remedy="Pass the factors of that photon energy: library={'C 1s': 1.0, ...}",
        )
    core = _core(fit)
    areas = np.clip(np.nan_to_num(fit["area"].values[core]), 0, None)
    binding = float(np.average(fit["center"].values[core], weights=areas)) if areas.sum() > 0 else np.nan
    if not photon > binding:
        raise InputError(
            f"the photon energy is {photon:g} eV",
            where=str(fit.attrs.get("region", "")),
            remedy="Set attrs['photon_energy'], 1486.6 for Al K-alpha, before the fit",
        )
    return photon - binding


def _table(
    areas: _Areas, values: Mapping[str, Array], covariance: Array, long_name: str, units: str = "1"
) -> xr.Dataset:
    (name, value), *_ = values.items()
    unc = np.sqrt(np.clip(np.diag(covariance), 0, None))
    unc = np.where(unc < ROUND_OFF * np.abs(value), 0.0, unc)
    area_unc = np.sqrt(np.clip(np.diag(areas.covariance), 0, None))
    regions = np.array(areas.regions)
    out = xr.Dataset(
        {
            name: ("region", value, {"units": units, "long_name": long_name, "ancillary_variables": f"{name}_unc"}),
            f"{name}_unc": ("region", unc, {"units": units, "long_name": "Standard uncertainty"}),
            "covariance": (("region", "region_b"), covariance, {"units": "1", "long_name": f"Covariance of {name}"}),
            "area": ("region", areas.area, {"units": areas.units, "long_name": "Area of the core level"}),
            "area_unc": ("region", area_unc, {"units": areas.units, "long_name": "Standard uncertainty"}),
            "verdict": ("region", np.array(areas.verdicts, dtype="<U8")),
            "reasons": ("region", np.array(areas.reasons)),
        },
        coords={"region": regions, "region_b": regions},
    )
    out.attrs = {
        "kind": "table",
        "technique": "XPS",
        "surfspec_version": __version__,
        "overall_verdict": worst([*areas.verdicts, *(["check"] if areas.note else [])]),
    }
    if areas.note:
        out.attrs["note"] = areas.note
    return schema.check(out, "table")
