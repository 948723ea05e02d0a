"""Areas normalised to a reference line of the same sample, and tables over regions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec._version import __version__
from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.verdict import require, worst
from surfspec.xps.amounts.areas import Areas, areas_of, check_mapping, is_core, same_window, seconds
from surfspec.xps.amounts.shared_window import by_element

Array = NDArray[np.float64]

#: Relative uncertainty below which a number is exact but for rounding (a line over itself).
ROUND_OFF = 1e-9


def normalise(fits: Mapping[str, xr.Dataset], *, to: str = "Zr 3d5/2", force: bool = False) -> xr.Dataset:
    r"""Divide the area of each region by the area of a reference line of the same sample.

    .. math:: r_j = A_j / A_\mathrm{ref}, \qquad
              C(r)_{jk} = \sum_{ab} \frac{\partial r_j}{\partial A_a} C(A)_{ab} \frac{\partial r_k}{\partial A_b}

    Areas are compared as rates (per second), so that regions of different dwell time and number of
    scans fit together. Auger lines inside a region do not count to its area.

    Parameters
    ----------
    fits
        Fit of each region of one sample, single spectra. A window that holds several elements (B 1s beside Zr 3d)
        gives a row for each.
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
    check_mapping(fits, "normalise")
    fits = by_element(fits)
    home = [name for name, fit in fits.items() if to in {str(v) for v in schema.check(fit, "fit")["line"].values}]
    if not home:
        lines = sorted({str(v) for fit in fits.values() for v in fit["line"].values})
        raise InputError(f"no fit has the line {to!r}", where="normalise", remedy=f"Lines are {', '.join(lines)}")
    anchor = fits[home[0]]
    require(str(anchor["verdict"].item()), str(anchor["reasons"].item()), what=f"the area of {to}", force=force)
    areas = areas_of(fits, force)
    scale = seconds(anchor)
    picked = np.array([str(v) == to for v in anchor["line"].values])
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
    for i, (name, fit) in enumerate(fits.items()):
        if name == home[0] or same_window(fit, anchor):
            shared[i] = float(member[np.ix_(is_core(fit), picked)].sum()) / scale**2
    ratio = areas.area / level
    covariance = (
        areas.covariance - np.outer(ratio, shared) - np.outer(shared, ratio) + np.outer(ratio, ratio) * u2
    ) / level**2
    out = table_of(areas, {"normalised_area": ratio}, covariance, f"Area divided by that of {to}")
    out.attrs |= {"reference_line": to, **spectra.origin(*fits.values())}
    return out


def table_of(
    areas: Areas, values: Mapping[str, Array], covariance: Array, long_name: str, units: str = "1"
) -> xr.Dataset:
    """Return a table over regions of one quantity with its covariance, beside the areas it was made from."""
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
