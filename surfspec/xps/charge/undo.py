"""Undo a charge correction."""

from __future__ import annotations

import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.xps.amounts.areas import number
from surfspec.xps.charge.record import FIELDS, LARGEST


def undo_charge_correction(spectrum: xr.Dataset) -> xr.Dataset:
    """Return a charge-corrected spectrum on its measured scale, which is the one that it was read on.

    Parameters
    ----------
    spectrum
        As :func:`charge_correct` returned it. Energies come back to the last digit, or to the last but one (1e-13 eV)
        where the shift took them over a power of two.

    Returns
    -------
    xarray.Dataset
        Without the attributes of the correction; ``charge_control`` stays.

    Raises
    ------
    InputError
        When the spectrum carries no correction, or one that is no number.

    Examples
    --------
    >>> import surfspec as ss
    >>> raw = ss.spectrum([180.0, 182.0, 184.0], [5, 9, 6], technique="XPS", charge_shift=1.5)
    >>> undo_charge_correction(raw).binding_energy.values.tolist()
    [181.5, 183.5, 185.5]
    """
    schema.check(spectrum, "spectrum")
    if "charge_shift" not in spectrum.attrs:
        raise InputError(
            "this spectrum carries no charge correction",
            where=str(spectrum.attrs.get("region", "")),
            remedy="Use it as it is",
        )
    axis = spectrum["binding_energy"]
    moved = axis.values + number(spectrum.attrs["charge_shift"], "charge_shift", -LARGEST, LARGEST, "eV")
    out = spectrum.assign_coords(binding_energy=("binding_energy", moved, dict(axis.attrs)))
    out = out.drop_vars([name for name in ("energy_shift", "energy_shift_unc") if name in out.coords])
    out.attrs = {k: v for k, v in spectrum.attrs.items() if k not in FIELDS}
    return out
