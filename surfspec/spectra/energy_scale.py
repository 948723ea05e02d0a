"""Kinetic and binding energy: two scales that the photon energy joins."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError

#: Difference in eV up to which two photon energies are the same number.
SAME = 1e-6
#: Decimals of converted energies, those of the readers.
DECIMALS = 9


def to_binding_energy(spectrum: xr.Dataset, *, photon_energy: float | None = None) -> xr.Dataset:
    r"""Return a photoelectron spectrum over binding energy.

    .. math:: E_B = h\nu - E_K

    Both energies are those of the Fermi level, on which instruments are calibrated (ISO 15472): the work function of
    the analyser is in their kinetic energies already. An attribute ``work_function`` is kept and never applied.

    Parameters
    ----------
    spectrum
        XPS over ``kinetic_energy``; over ``binding_energy`` it is returned as it is.
    photon_energy
        In eV, where the spectrum does not say it; it may not contradict what it says.

    Returns
    -------
    xarray.Dataset
        Over rising ``binding_energy`` in eV, with the attribute ``photon_energy``; the same counts. Energies are
        rounded to 1e-9 eV, so that there and back is where it began.

    Raises
    ------
    InputError
        When the photon energy is not known, contradicts the spectrum, or lies below its kinetic energies.

    References
    ----------
    ISO 15472 (calibration of energy scales); ISO 18115-1 (binding energy).

    Examples
    --------
    >>> import surfspec as ss
    >>> raw = ss.spectrum([415.0, 415.1], [7, 9], technique="XPS", axis="kinetic_energy", work_function=4.5)
    >>> ss.spectra.to_binding_energy(raw, photon_energy=1486.6).binding_energy.values.tolist()
    [1071.5, 1071.6]
    """
    return _converted(spectrum, "binding_energy", photon_energy)


def to_kinetic_energy(spectrum: xr.Dataset, *, photon_energy: float | None = None) -> xr.Dataset:
    r"""Return a photoelectron spectrum over kinetic energy.

    .. math:: E_K = h\nu - E_B

    The kinetic energy is that of the Fermi level, see :func:`to_binding_energy`; a charge correction stays in it.

    Parameters
    ----------
    spectrum
        XPS over ``binding_energy``; over ``kinetic_energy`` it is returned as it is.
    photon_energy
        As for :func:`to_binding_energy`.

    Returns
    -------
    xarray.Dataset
        Over rising ``kinetic_energy`` in eV, with the attribute ``photon_energy``; the same counts.

    Raises
    ------
    InputError
        When the photon energy is not known or contradicts the spectrum.

    Examples
    --------
    >>> import surfspec as ss
    >>> raw = ss.spectrum([1071.5, 1071.6], [9, 7], technique="XPS", photon_energy=1486.6)
    >>> ss.spectra.to_kinetic_energy(raw).kinetic_energy.values.tolist()
    [415.0, 415.1]
    """
    return _converted(spectrum, "kinetic_energy", photon_energy)


def _converted(spectrum: xr.Dataset, target: str, photon_energy: float | None) -> xr.Dataset:
    schema.check(spectrum, "spectrum")
    if spectrum.attrs["technique"] != "XPS":
        raise InputError(
            f"this is a {spectrum.attrs['technique']} spectrum",
            where="technique",
            remedy="Only photoelectrons have a binding energy",
        )
    hv = _photon_energy(spectrum, photon_energy)
    stored = schema.axis_of(spectrum)
    if stored == target:
        return spectrum
    other = np.round(hv - spectrum[stored].values, DECIMALS)
    if target == "kinetic_energy" and other[-1] < 0:
        raise InputError(
            f"binding energies reach {spectrum[stored].values[-1]:g} eV, above the photon energy {hv:g} eV",
            where="photon_energy",
            remedy="Check the photon energy",
        )
    if target == "binding_energy" and other[-1] < -100.0:
        raise InputError(
            f"kinetic energies reach {spectrum[stored].values[-1]:g} eV, above the photon energy {hv:g} eV",
            where="photon_energy",
            remedy="Check the photon energy, and that the axis is kinetic energy",
        )
    unit, long_name = schema.AXES[target]
    out = spectrum.rename({stored: target}).assign_coords(
        {target: (target, other, {"units": unit, "long_name": long_name})}
    )
    out = out.isel({target: slice(None, None, -1)})
    out.attrs = {**spectrum.attrs, "photon_energy": hv}
    return schema.check(out, "spectrum")


def _photon_energy(spectrum: xr.Dataset, given: float | None) -> float:
    where = str(spectrum.attrs.get("source_file", "")) or "photon_energy"
    if given is not None:
        schema.check_metadata({"photon_energy": given})
    if "photon_energy" in spectrum.coords:
        raise InputError(
            "the members of this series have photon energies of their own",
            where=where,
            remedy="Convert each with .isel() before they are stacked",
        )
    said = spectrum.attrs.get("photon_energy")
    if said is None and given is None:
        raise InputError(
            "the photon energy is not known", where=where, remedy="Say photon_energy=1486.6 (eV, Al K-alpha)"
        )
    if said is not None and given is not None and not math.isclose(float(said), given, abs_tol=SAME, rel_tol=0.0):
        raise InputError(
            f"the spectrum says a photon energy of {float(said):g} eV and {given:g} eV is given",
            where=where,
            remedy="Correct attrs['photon_energy'], or leave photon_energy= out",
        )
    return float(said if said is not None else given)  # type: ignore[arg-type]
