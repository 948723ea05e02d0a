"""Charge correction by a fitted reference line, with its uncertainty (ISO 19318)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import overload

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError, NotDeterminedError

#: A second state of the reference level above this share of the first makes the reference ambiguous.
SECOND_STATE = 0.05
#: Largest uncertainty of a reference position that is still a reference, in eV.
LARGEST_UNCERTAINTY = 0.1
#: Shift in eV beyond which a reference energy must be a slip.
LARGEST_SHIFT = 100.0
#: Lines that overlap a reference line: a detected one makes the reference ambiguous.
OVERLAPS: Mapping[str, tuple[str, ...]] = {"Zr 3d5/2": ("B 1s",)}


@overload
def charge_correct(
    spectra: xr.Dataset, fit: xr.Dataset, *, line: str = ..., energy: float = ..., force: bool = ...
) -> xr.Dataset: ...


@overload
def charge_correct(
    spectra: Mapping[str, xr.Dataset], fit: xr.Dataset, *, line: str = ..., energy: float = ..., force: bool = ...
) -> dict[str, xr.Dataset]: ...


def charge_correct(
    spectra: xr.Dataset | Mapping[str, xr.Dataset],
    fit: xr.Dataset,
    *,
    line: str = "Zr 3d5/2",
    energy: float = 182.40,
    force: bool = False,
) -> xr.Dataset | dict[str, xr.Dataset]:
    r"""Shift the spectra of one sample so that a fitted line lies at its reference energy.

    .. math:: E_\mathrm{corrected} = E_\mathrm{measured} - (E_\mathrm{line} - E_\mathrm{reference})

    The axis moves; counts are never resampled. The shift, its standard uncertainty (that of the
    fitted position), the line and its energy are recorded in the attributes, as ISO 19318 asks.

    Parameters
    ----------
    spectra
        One spectrum, or a mapping of regions of one sample.
    fit
        Fit of the reference region of the same sample, on the measured scale; a single spectrum.
    line
        The reference line, a value of the fit's coordinate ``line``.
    energy
        Its reference energy in eV. 182.40 eV for Zr 3d5/2 is a convention, not a measurement.
    force
        Accept a reference that is not determined; the reason is recorded.

    Returns
    -------
    xarray.Dataset or dict
        As given, with ``charge_shift``, ``charge_shift_unc``, ``charge_reference`` and
        ``charge_reference_energy`` among the attributes.

    Raises
    ------
    NotDeterminedError
        When the fit failed, shows several states of the line, an overlapping line, or fixes the
        position no better than 0.1 eV.
    InputError
        When the line is not in the fit, or the fit is a series.

    References
    ----------
    ISO 19318 (charge control and charge correction).

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> e = np.arange(178.0, 194.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 184.4) / 0.8) ** 2) + 600 * np.exp(-((e - 186.81) / 0.8) ** 2)
    >>> raw = ss.spectrum(e, np.round(y), technique="XPS", region="Zr 3d")
    >>> moved = ss.xps.charge_correct(raw, ss.xps.fit(raw, "Zr 3d", shift_search=4))
    >>> round(moved.attrs["charge_shift"], 1)
    2.0
    """
    schema.check(fit, "fit")
    for one in [spectra] if isinstance(spectra, xr.Dataset) else _members(spectra):
        _same_sample(one, fit)
    shift, shift_unc, note = reference_shift(fit, line=line, energy=energy, force=force)
    if isinstance(spectra, xr.Dataset):
        return _moved(spectra, shift, shift_unc, line, energy, note)
    return {name: _moved(one, shift, shift_unc, line, energy, note) for name, one in spectra.items()}


def reference_shift(fit: xr.Dataset, *, line: str, energy: float, force: bool = False) -> tuple[float, float, str]:
    """Return the shift of a reference line, its standard uncertainty, and what was forced.

    Parameters
    ----------
    fit
        Fit of the reference region.
    line, energy, force
        As for :func:`charge_correct`.
    """
    if isinstance(energy, bool) or not isinstance(energy, int | float) or not 0 < energy < 1e5:
        raise InputError(f"energy is {energy!r}", where="energy", remedy="Give the reference energy in eV")
    if "charge_shift" in fit.attrs:
        raise InputError(
            "the reference was fitted on an axis that is already corrected",
            where="charge_correct",
            remedy="Fit the reference on the measured scale, as it was read",
        )
    if schema.series_dims(fit):
        raise InputError(
            f"the fit is a series over {', '.join(schema.series_dims(fit))}",
            where="charge_correct",
            remedy="Select one member with .isel(), or correct each sample by its own fit",
        )
    lines = [str(name) for name in fit["line"].values]
    if line not in lines:
        raise InputError(
            f"the fit has no line {line!r}",
            where="charge_correct",
            remedy=f"Its lines are {', '.join(dict.fromkeys(lines))}",
        )
    states = np.flatnonzero(np.array(lines) == line)
    areas = fit["area"].values
    main = int(states[np.argmax(np.nan_to_num(areas[states]))])
    center, unc = float(fit["center"].values[main]), float(fit["center_unc"].values[main])
    if abs(center - energy) > LARGEST_SHIFT:
        raise InputError(
            f"the shift would be {center - energy:.0f} eV",
            where="energy",
            remedy=f"Check the reference energy of {line}: it was fitted at {center:.1f} eV",
        )
    faults = _faults(fit, line, states, main, unc)
    if faults and not force:
        raise NotDeterminedError(
            f"{line} cannot serve as charge reference: " + "; ".join(faults),
            where=str(fit.attrs.get("source_file", "")),
            remedy="Choose another reference line, mend the fit, or pass force=True and answer for it",
        )
    return center - energy, unc, "; ".join(faults)


def _members(spectra: object) -> list[xr.Dataset]:
    if not isinstance(spectra, Mapping):
        raise InputError(
            f"spectra is a {type(spectra).__name__}",
            where="charge_correct",
            remedy="Pass one spectrum, or a mapping of regions to spectra",
        )
    return list(spectra.values())


def _same_sample(spectrum: xr.Dataset, fit: xr.Dataset) -> None:
    schema.check(spectrum, "spectrum")
    if spectrum.attrs["technique"] != "XPS" or schema.axis_of(spectrum) != "binding_energy":
        raise InputError(
            f"this is a {spectrum.attrs['technique']} spectrum on a {schema.axis_of(spectrum)} axis",
            where="charge_correct",
            remedy="Correct XPS spectra on a binding_energy axis",
        )
    ours, theirs = str(spectrum.attrs.get("sample", "")), str(fit.attrs.get("sample", ""))
    if ours and theirs and ours != theirs:
        raise InputError(
            f"the spectrum is of sample {ours!r} and the reference fit of {theirs!r}",
            where="charge_correct",
            remedy="Use the fit of the same sample: each charges on its own",
        )


def _faults(fit: xr.Dataset, line: str, states: np.ndarray, main: int, unc: float) -> list[str]:
    areas, uncs = fit["area"].values, fit["area_unc"].values
    names = [str(name) for name in fit["component"].values]
    faults = []
    if str(fit["verdict"].item()) == "failed":
        faults.append(f"its fit failed ({fit['reasons'].item()})")
    if not np.isfinite(unc) or unc <= 0 or unc > LARGEST_UNCERTAINTY:
        faults.append(f"its position is known to {unc:.2g} eV only")
    others = [i for i in states if i != main and areas[i] > 3 * uncs[i] and areas[i] > SECOND_STATE * areas[main]]
    if others:
        faults.append(f"it has several states ({', '.join(names[i] for i in (main, *others))})")
    for i, other in enumerate(fit["line"].values):
        if str(other) in OVERLAPS.get(line, ()) and areas[i] > 3 * uncs[i]:
            faults.append(f"{other} overlaps it in the window")
    return faults


def _moved(spectrum: xr.Dataset, shift: float, shift_unc: float, line: str, energy: float, note: str) -> xr.Dataset:
    schema.check(spectrum, "spectrum")
    if "charge_shift" in spectrum.attrs:
        raise InputError(
            f"this spectrum was already shifted by {spectrum.attrs['charge_shift']:g} eV",
            where=str(spectrum.attrs.get("region", "")),
            remedy="Correct the spectrum as it was read, once",
        )
    axis = spectrum["binding_energy"]
    out = spectrum.assign_coords(binding_energy=("binding_energy", axis.values - shift, dict(axis.attrs)))
    out.attrs = {
        **spectrum.attrs,
        "charge_shift": shift,
        "charge_shift_unc": shift_unc,
        "charge_reference": line,
        "charge_reference_energy": energy,
    }
    if note:
        out.attrs["charge_note"] = f"forced although {note}"
    return schema.check(out, "spectrum")


def undo_charge_correction(spectrum: xr.Dataset) -> xr.Dataset:
    """Return a charge-corrected spectrum on its measured scale.

    Parameters
    ----------
    spectrum
        As :func:`charge_correct` returned it.

    Raises
    ------
    InputError
        When the spectrum carries no correction.

    Examples
    --------
    >>> import surfspec as ss
    >>> raw = ss.spectrum([180.0, 182.0, 184.0], [5, 9, 6], technique="XPS", charge_shift=1.5)
    >>> undo_charge_correction(raw).binding_energy.values.tolist()
    [181.5, 183.5, 185.5]
    """
    if "charge_shift" not in spectrum.attrs:
        raise InputError("this spectrum carries no charge correction", remedy="Use it as it is")
    axis = spectrum["binding_energy"]
    moved = axis.values + float(spectrum.attrs["charge_shift"])
    out = spectrum.assign_coords(binding_energy=("binding_energy", moved, dict(axis.attrs)))
    out.attrs = {k: v for k, v in spectrum.attrs.items() if not k.startswith("charge_")}
    return out
