"""The modified Auger parameter: a chemical shift that no charging and no error of the energy scale's zero can touch."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import xarray as xr

from surfspec import schema, spectra
from surfspec._version import __version__
from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.verdict import require, worst
from surfspec.xps.amounts.areas import number

_CORE: Final = re.compile(r"[A-Z][a-z]? \d[spdf](\d/2)?")
_AUGER: Final = re.compile(r"[A-Z][a-z]? [KLMNO]\d*[KLMNOV]\d*[KLMNOV]\d*")
#: Largest standard uncertainty in eV that can be stated.
WORST: Final = 100.0
#: Distance in eV of two photon energies that are the same but for rounding.
SAME_PHOTON: Final = 0.05


def auger_parameter(
    photo_fit: xr.Dataset,
    auger_fit: xr.Dataset,
    *,
    line: str = "",
    auger_line: str = "",
    species: str = "",
    auger_species: str = "",
    reference: float | None = None,
    reference_unc: float = 0.0,
    photon_energy_unc: float = 0.0,
    force: bool = False,
) -> xr.Dataset:
    r"""Return the modified Auger parameter of an element.

    .. math:: \alpha' = E_B(\mathrm{photo}) + E_K(\mathrm{Auger})
              = h\nu + E_B(\mathrm{photo}) - E_B(\mathrm{Auger})

    A rigid shift of the scale, by charging or by its correction, moves both lines alike and cancels; so does the
    uncertainty of the correction. Spectra on different scales (corrected and not, or corrected differently) are put
    back on the measured scale first.

    Parameters
    ----------
    photo_fit
        Fit of the photoelectron line, a single spectrum.
    auger_fit
        Fit of the Auger line, on a binding-energy axis; the same fit where both lie in one window.
    line, auger_line
        The lines (``"Na 1s"``, ``"Na KLL"``) where the fits hold several; by default the largest core level and the
        largest Auger line of the same element.
    species, auger_species
        States of the lines where there are several; by default the largest.
    reference, reference_unc
        Auger parameter of a reference state, the metal say, in eV; then ``difference`` is returned, half of which is
        the change of the extra-atomic relaxation energy.
    photon_energy_unc
        Standard uncertainty of the photon energy, eV; it enters in full.
    force
        Use failed fits.

    Returns
    -------
    xarray.Dataset
        Kind ``table``, eV: ``auger_parameter``, ``binding_energy`` of the photoelectron line, ``kinetic_energy`` of
        the Auger line, each with ``_unc``, and ``difference`` and ``relaxation`` with a reference.

    Raises
    ------
    InputError
        When an uncertainty is no number from 0, a line is missing, the elements, samples or photon energies differ, or
        the photon energy is unknown.
    NotDeterminedError
        When a fit failed, or a position is not determined.

    References
    ----------
    Wagner & Joshi, J. Electron Spectrosc. 47 (1988) 283; ISO 18115-1 (terms).

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from surfspec.xps import Peak, Range, Recipe
    >>> def fitted(line, place):
    ...     e = np.arange(place - 9, place + 9, 0.1)
    ...     y = 300 + 900 * np.exp(-((e - place) / 1.0) ** 2)
    ...     one = ss.spectrum(e, np.round(y), technique="XPS", region=line, photon_energy=1486.6)
    ...     peak = Peak("Na", line, Range(place, place - 2, place + 2))
    ...     return ss.xps.fit(one, Recipe(line, line, (place - 8, place + 8), peaks=(peak,)))
    >>> found = auger_parameter(fitted("Na 1s", 1071.5), fitted("Na KLL", 497.0))
    >>> round(float(found.auger_parameter), 1), round(float(found.kinetic_energy), 1)
    (2061.1, 989.6)
    """
    number(reference_unc, "reference_unc", 0.0, WORST, "eV")
    number(photon_energy_unc, "photon_energy_unc", 0.0, WORST, "eV")
    for name, fit in (("photo_fit", photo_fit), ("auger_fit", auger_fit)):
        _single(fit, name)
        require(str(fit["verdict"].item()), str(fit["reasons"].item()), what=f"the position in {name}", force=force)
    photon = _photon_energy(photo_fit, auger_fit)
    i = _component(photo_fit, _CORE, line, species, "photoelectron line")
    element = str(photo_fit["element"].values[i])
    j = _component(auger_fit, _AUGER, auger_line, auger_species, "Auger line", element)
    _same_sample(photo_fit, auger_fit)
    places = [_measured(fit, k) for fit, k in ((photo_fit, i), (auger_fit, j))]
    if not all(np.isfinite(unc) and unc > 0 for _, unc in places):
        raise NotDeterminedError(
            "the position of a line is not determined", where="auger_parameter", remedy="Mend the fit of that line"
        )
    (photo, photo_unc), (auger, auger_unc) = places
    shared = _covariance(photo_fit, auger_fit, i, j)
    variance = photo_unc**2 + auger_unc**2 - 2 * shared + photon_energy_unc**2
    values = {
        "auger_parameter": (photon + photo - auger, np.sqrt(variance), "Modified Auger parameter"),
        "binding_energy": (
            float(photo_fit["center"].values[i]),
            float(photo_fit["center_unc"].values[i]),
            "Binding energy of the photoelectron line",
        ),
        "kinetic_energy": (
            photon - float(auger_fit["center"].values[j]),
            float(np.hypot(auger_fit["center_unc"].values[j], photon_energy_unc)),
            "Kinetic energy of the Auger line",
        ),
    }
    if reference is not None:
        at = number(reference, "reference", 1.0, 1e5, "eV")
        change, change_unc = photon + photo - auger - at, np.sqrt(variance + reference_unc**2)
        values["difference"] = (change, change_unc, "Auger parameter minus that of the reference")
        values["relaxation"] = (change / 2, change_unc / 2, "Change of the extra-atomic relaxation energy")
    out = xr.Dataset(attrs={"kind": "table", "technique": "XPS", "surfspec_version": __version__})
    for name, (value, unc, long_name) in values.items():
        out[name] = ((), float(value), {"units": "eV", "long_name": long_name})
        out[f"{name}_unc"] = ((), float(unc), {"units": "eV", "long_name": "Standard uncertainty"})
    verdicts = [str(fit["verdict"].item()) for fit in (photo_fit, auger_fit)]
    out["verdict"] = ((), np.array(worst(verdicts)))
    out["reasons"] = ((), np.array("; ".join(filter(None, (str(f["reasons"].item()) for f in (photo_fit, auger_fit))))))
    out.attrs |= {
        "element": element,
        "line": str(photo_fit["line"].values[i]),
        "auger_line": str(auger_fit["line"].values[j]),
        "photon_energy": photon,
        **({} if reference is None else {"reference": float(reference)}),
        **spectra.origin(photo_fit, auger_fit),
    }
    return schema.check(out, "table")


def _single(fit: xr.Dataset, name: str) -> None:
    schema.check(fit, "fit")
    if schema.series_dims(fit):
        raise InputError(
            f"{name} is a series over {', '.join(schema.series_dims(fit))}",
            where=name,
            remedy="Select one member with .isel()",
        )
    if schema.axis_of(fit) != "binding_energy":
        raise InputError(
            f"{name} is on a {schema.axis_of(fit)} axis", where=name, remedy="Fit on a binding_energy axis"
        )


def _photon_energy(*fits: xr.Dataset) -> float:
    found = [float(fit.attrs.get("photon_energy", 0.0)) for fit in fits]
    if min(found) <= 0:
        raise InputError(
            "the photon energy is not known",
            where="photon_energy",
            remedy="Set attrs['photon_energy'], 1486.6 for Al K-alpha, before the fit",
        )
    if abs(found[0] - found[1]) > SAME_PHOTON:
        raise InputError(
            f"the lines were excited by {found[0]:g} and {found[1]:g} eV",
            where="photon_energy",
            remedy="Take both lines from one measurement",
        )
    return found[0]


def _same_sample(one: xr.Dataset, other: xr.Dataset) -> None:
    ours, theirs = str(one.attrs.get("sample", "")), str(other.attrs.get("sample", ""))
    if ours and theirs and ours != theirs:
        raise InputError(
            f"the lines are of the samples {ours!r} and {theirs!r}",
            where="auger_parameter",
            remedy="Take both lines from one sample: only then does its charging cancel",
        )


def _component(fit: xr.Dataset, kind: re.Pattern[str], line: str, species: str, what: str, element: str = "") -> int:
    """Return the number of the largest component that is meant."""
    lines = [str(v) for v in fit["line"].values]
    fits = [
        k
        for k, name in enumerate(lines)
        if kind.fullmatch(name)
        and (not line or name == line)
        and (not species or str(fit["species"].values[k]) == species)
        and (not element or str(fit["element"].values[k]) == element)
    ]
    if not fits:
        wanted = " ".join(
            filter(None, (line or what, f"of {species}" if species else "", f"of {element}" if element else ""))
        )
        raise InputError(
            f"the fit has no {wanted}",
            where="auger_parameter",
            remedy=f"It has {', '.join(dict.fromkeys(lines))}; species {', '.join(map(str, fit['species'].values))}",
        )
    areas = np.nan_to_num(fit["area"].values[fits])
    return fits[int(np.argmax(areas))]


def _measured(fit: xr.Dataset, k: int) -> tuple[float, float]:
    """Return position and uncertainty on the measured scale, without those of a charge correction."""
    shift = float(fit.attrs.get("charge_shift", 0.0)) + _own(fit, "energy_shift", 0.0)
    correction = _own(fit, "energy_shift_unc", float(fit.attrs.get("charge_shift_unc", 0.0)))
    unc = float(fit["center_unc"].values[k])
    if str(fit["line"].values[k]) == str(fit.attrs.get("charge_reference", "")):
        correction = 0.0  # the reference line carries its own uncertainty only
    return float(fit["center"].values[k]) + shift, float(np.sqrt(max(unc**2 - correction**2, 0.0)))


def _own(fit: xr.Dataset, name: str, other: float) -> float:
    """Return a number that this member of a series carries as a coordinate, else the other one."""
    value = float(fit.coords[name].values) if name in fit.coords else other
    return value if np.isfinite(value) else 0.0


def _covariance(photo: xr.Dataset, auger: xr.Dataset, i: int, j: int) -> float:
    """Return the covariance of the two positions: that of the fit where both come from one as free numbers, else 0."""
    if photo is not auger:
        return 0.0
    known = [str(v) for v in photo["parameter"].values]
    found = []
    for k in (i, j):
        owners = (str(photo[label].values[k]) for label in ("component", "species"))
        found.append(next((known.index(f"{owner} center") for owner in owners if f"{owner} center" in known), -1))
    if -1 in found:
        return 0.0
    value = float(photo["covariance"].values[found[0], found[1]])
    return value if np.isfinite(value) else 0.0
