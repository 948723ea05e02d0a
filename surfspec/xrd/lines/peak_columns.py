"""Whether a Dataset is a table of peaks, before its columns are used."""

from __future__ import annotations

import xarray as xr

from surfspec import given, schema
from surfspec.errors import InputError

#: What a table of peaks holds over ``peak``; others may be added.
COLUMNS = (
    "peak_two_theta", "peak_two_theta_unc", "height", "height_unc", "fwhm", "area", "area_unc", "relative_intensity",
    "flag",
)  # fmt: skip


def check_peaks(peaks: xr.Dataset) -> None:
    """Refuse what is no table of peaks of one pattern.

    Raises
    ------
    InputError
        For anything but what ``find_peaks()`` returns, with some or all of its peaks.
    """
    remedy = "Pass what find_peaks() returned"
    if not isinstance(peaks, xr.Dataset):
        raise InputError(f"{given.shown(peaks)} is no table of peaks", where="peaks", remedy=remedy)
    kind = peaks.attrs.get("kind")
    if kind != "table":
        more = "; a match names the phases of its peaks itself" if kind == "match" else ""
        said = f"this is a {kind} and no table of peaks" if kind in schema.KINDS else "this is no table of peaks"
        raise InputError(said, where="peaks", remedy=remedy + more)
    absent = [name for name in COLUMNS if name not in peaks]
    if absent or any(peaks[name].dims != ("peak",) for name in COLUMNS):
        lacks = f": it lacks {', '.join(absent[:3])}" if absent else ""
        raise InputError(f"this is no table of peaks{lacks}", where="peaks", remedy=remedy)
