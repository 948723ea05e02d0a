"""The parameters of the instrument that a fit found, for the recipe of other spectra."""

from __future__ import annotations

from typing import Final

import xarray as xr

from surfspec import schema
from surfspec.errors import InputError

#: Parameters that belong to the instrument, not to a sample.
INSTRUMENT: Final = ("offset", "resolution", "acceptance", "survival", "tail")


def instrument_of(fit: xr.Dataset) -> dict[str, float]:
    """Return the values of the instrument's parameters in the fit of one spectrum.

    Parameters
    ----------
    fit
        Of :func:`surfspec.leis.fit`, of one spectrum.

    Returns
    -------
    dict
        By name, those of `INSTRUMENT` that the fit has as parameters.

    Raises
    ------
    InputError
        For a fit of several spectra, a failed one, or one of another technique.
    """
    schema.check(fit, "fit")
    if fit.attrs.get("technique") != "LEIS":
        raise InputError("this is no fit of LEIS", where="with_instrument", remedy="Give a fit of surfspec.leis.fit")
    series = [str(dim) for dim in fit["value"].dims if dim != "parameter"]
    if series:
        raise InputError(
            f"this fit holds spectra over {', '.join(series)}",
            where="with_instrument",
            remedy=f"Select one: fit.isel({', '.join(f'{dim}=0' for dim in series)})",
        )
    if str(fit["verdict"].values) == "failed":
        raise InputError("this fit failed", where="with_instrument", remedy=f"Mend it first: {fit['reasons'].values}")
    names = {str(name) for name in fit["parameter"].values}
    return {name: float(fit["value"].sel(parameter=name)) for name in INSTRUMENT if name in names}
