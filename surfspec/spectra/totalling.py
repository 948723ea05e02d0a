"""One spectrum of a series: the sum of its counts, which are still counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.spectra.metadata import ATTRIBUTE_UNITS

#: Dimension of the members of a sum over several.
_TOGETHER = "members_of_the_sum"


def total(series: xr.Dataset, dim: str | Sequence[str]) -> xr.Dataset:
    r"""Add up the spectra of a series, as one longer measurement would have.

    Counts are added and stay Poisson counts. Rates are averaged, with the uncertainty
    :math:`\sqrt{\sum u_i^2}/n` where it was given.

    Parameters
    ----------
    series
        Spectra of one axis over `dim`.
    dim
        Dimension to add up: ``cycle``, ``spot``, ... Members without numbers are left out. Of several, ``("x", "y")``,
        the members are those of all of them together.

    Returns
    -------
    xarray.Dataset
        Of kind ``spectrum``, without `dim`. ``members`` counts the spectra in the sum; ``scans``, or else
        ``dwell_time``, is that of the sum; what differs along `dim` is dropped.

    Raises
    ------
    InputError
        For an unknown dimension, or when no member has numbers.

    Examples
    --------
    >>> import surfspec as ss
    >>> series = ss.spectrum([1, 2, 3], [[5, 6, 7], [4, 6, 9]], technique="LEIS", dims=("cycle",))
    >>> ss.spectra.total(series, "cycle").intensity.values.tolist()
    [9.0, 12.0, 16.0]
    """
    schema.check(series, "spectrum")
    axis = schema.axis_of(series)
    names = (dim,) if isinstance(dim, str) else tuple(dict.fromkeys(dim))
    known = [str(d) for d in series["intensity"].dims if d != axis]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InputError(
            f"the spectra have no series dimension {unknown[0]!r}" if unknown else "no dimension to add up",
            where="total",
            remedy=f"Use some of {', '.join(known)}" if known else "This is one spectrum already",
        )
    if len(names) > 1:
        series = series.stack({_TOGETHER: names}, create_index=False)
    return _summed(series, names[0] if len(names) == 1 else _TOGETHER, axis, over_dose="dose" in names)


def _summed(series: xr.Dataset, dim: str, axis: str, *, over_dose: bool) -> xr.Dataset:
    """Return the sum over one dimension that there is."""
    intensity = series["intensity"]
    usable = intensity.notnull().all(axis)
    count = usable.sum(dim)
    if not bool((count > 0).all()):
        raise InputError("no spectrum with numbers to add up", where="total", remedy="Check the series for gaps")
    added = intensity.where(usable).sum(dim)
    counts = str(intensity.attrs["units"]) == "counts"
    members = count.astype(np.float64)
    out = (added if counts else added / members).to_dataset(name="intensity")
    out["intensity"].attrs = {k: v for k, v in intensity.attrs.items() if k != "ancillary_variables"}
    if "intensity_unc" in series:
        unc = np.sqrt((series["intensity_unc"].where(usable) ** 2).sum(dim))
        out["intensity_unc"] = unc if counts else unc / members
        out["intensity_unc"].attrs = dict(series["intensity_unc"].attrs)
        out["intensity"].attrs["ancillary_variables"] = "intensity_unc"
    out.attrs = dict(series.attrs)
    if counts:
        out.attrs |= _time(series, usable, dim)
    if members.ndim == 0:
        out.attrs["members"] = int(members)
    else:
        out = out.assign_coords(members=members)
        out["members"].attrs = {"units": "1", "long_name": "Spectra in the sum"}
    if over_dose and "dose" in series.coords and members.ndim == 0:
        out.attrs["dose"] = float(series["dose"].where(usable).max())
    for name in (*ATTRIBUTE_UNITS,):
        if name in out.coords and name not in out.dims and out[name].ndim == 0:
            out = out.drop_vars(name)
    return schema.check(out, "spectrum")


def _time(series: xr.Dataset, usable: xr.DataArray, dim: str) -> dict[str, float | int]:
    """Return scans or dwell time of the sum; the time behind a point is dwell time times scans."""
    count = usable.sum(dim)
    if "dwell_time" in series.coords and series["dwell_time"].dims == (dim,) == usable.dims:
        scans = series["scans"] if "scans" in series.coords else float(series.attrs.get("scans", 1))
        return {"dwell_time": float((series["dwell_time"] * scans).where(usable).sum()), "scans": 1}
    if count.size == 0 or int(count.min()) != int(count.max()):
        return {}
    name = next((one for one in ("scans", "dwell_time") if one in series.attrs), "")
    return {name: series.attrs[name] * int(count.max())} if name else {}
