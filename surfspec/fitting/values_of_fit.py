"""The numbers of a fit for further use: those of a failed one are refused unless forced."""

from __future__ import annotations

from typing import Final

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.verdict import require

#: What can be asked for; each has its standard uncertainty beside it in the fit.
QUANTITIES: Final = ("area", "center", "fwhm", "height", "value")
#: Members that an error names at most.
NAMED: Final = 5


def values(fit: xr.Dataset, quantity: str = "area", *, force: bool = False, drop_failed: bool = False) -> xr.Dataset:
    """Return one quantity of a fit with its standard uncertainty and the verdict of each member.

    Reading ``fit.area`` takes whatever is there; this refuses what no one should use.

    Parameters
    ----------
    fit
        Kind ``fit``; of a single spectrum or a series.
    quantity
        ``"area"``, ``"center"``, ``"fwhm"`` or ``"height"`` of the components, or ``"value"`` of the parameters.
    force
        Return the numbers of failed fits as well.
    drop_failed
        Return NaN for the members of a series that failed.

    Returns
    -------
    xarray.Dataset
        Kind ``table``: the quantity and its ``_unc`` (a standard uncertainty; NaN where not determined) over the
        dimensions that they have in the fit, in its units, and ``verdict`` over the series.

    Raises
    ------
    InputError
        For an unknown quantity, or both `force` and `drop_failed`.
    NotDeterminedError
        Where a member failed, naming it and why.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> from surfspec.fitting import values
    >>> e = np.arange(176.0, 192.0, 0.1)
    >>> y = 500 + 900 * np.exp(-((e - 182.4) / 0.8) ** 2) + 600 * np.exp(-((e - 184.81) / 0.8) ** 2)
    >>> fit = ss.xps.fit(ss.spectrum(e, np.round(y), technique="XPS"), "Zr 3d")
    >>> center = values(fit, "center").sel(component="Zr4+ 3d5/2")
    >>> round(float(center.center), 1), bool(center.center_unc < 0.02)
    (182.4, True)
    """
    schema.check(fit, "fit")
    if quantity not in QUANTITIES:
        raise InputError(
            f"{quantity!r} is no quantity of a fit", where="quantity", remedy=f"Choose from {', '.join(QUANTITIES)}"
        )
    if force and drop_failed:
        raise InputError(
            "force returns the numbers of failed fits and drop_failed hides them", remedy="Pass one of the two"
        )
    out = fit[[quantity, f"{quantity}_unc", "verdict"]]
    out.attrs = {"kind": "table", "technique": fit.attrs["technique"]}
    failed = fit["verdict"].load() == "failed"
    if drop_failed:
        numbers = {name: out[name].where(~failed).transpose(*out[name].dims) for name in (quantity, f"{quantity}_unc")}
        out = out.assign(numbers)
    elif bool(failed.any()):
        _refuse(fit, failed, quantity, force)
    return schema.check(out, "table")


def _refuse(fit: xr.Dataset, failed: xr.DataArray, quantity: str, force: bool) -> None:
    """Raise with the members that failed and their reasons, unless forced."""
    if not failed.dims:
        require("failed", str(fit["reasons"].item()), what=f"the {quantity}", force=force)
        return
    where = np.argwhere(failed.values)
    told = [f"{_label(failed, index)}: {fit['reasons'].values[tuple(index)]}" for index in where[:NAMED]]
    more = f"; and {len(where) - NAMED} more" if len(where) > NAMED else ""
    what = f"the {quantity} of {len(where)} of {failed.size} members"
    try:
        require("failed", " | ".join(told) + more, what=what, force=force)
    except NotDeterminedError as error:
        raise NotDeterminedError(
            error.message, remedy=f"{error.remedy}, or drop_failed=True for NaN in these members"
        ) from None


def _label(failed: xr.DataArray, index: np.ndarray[tuple[int], np.dtype[np.intp]]) -> str:
    """Return the place of a member: its coordinates, or its numbers where there are none."""
    place = zip(failed.dims, index.tolist(), strict=True)
    return ", ".join(f"{dim}={failed[dim].values[i] if dim in failed.coords else i}" for dim, i in place)
