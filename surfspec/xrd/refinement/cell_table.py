"""Refined cells beside those of the cards."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError

Array = NDArray[np.float64]

#: Relative uncertainty of a card that states none.
CARD_UNC = 5e-4
#: Standard uncertainties from which a cell differs.
DIFFERENT = 3.0


def cells(fit: xr.Dataset) -> xr.Dataset:
    r"""Compare refined cells with those of the cards.

    .. math:: \epsilon_a = \frac{a}{a_{card}} - 1, \qquad z_a = \frac{a - a_{card}}{\sqrt{u^2(a) + u^2(a_{card})}}

    Parameters
    ----------
    fit
        What :func:`surfspec.xrd.refine` returned.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``component``: ``length`` (component, axis; angstrom), ``angle`` (deg), ``volume``
        (angstrom^3), each with ``_unc`` and ``card_...``; ``change`` (component, axis; 1) with ``change_unc`` and
        ``significance`` (standard uncertainties), and the coordinate ``hint``: what a difference may mean. A card
        without an uncertainty is taken as good to 5e-4.

    Raises
    ------
    InputError
        For a fit without cells.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x, salt = np.arange(25.0, 90.0, 0.02), ss.xrd.phases("halite")[0]
    >>> made = ss.xrd.pattern(salt, wavelength="CuKa", two_theta=x).intensity.values
    >>> counts = np.random.default_rng(3).poisson(100 + 5e3 * made / made.max())
    >>> fit = ss.xrd.refine(ss.spectrum(x, counts, technique="XRD"), "halite", wavelength="CuKa")
    >>> str(ss.xrd.cells(fit).hint.values[0])
    'as the card'
    """
    schema.check(fit, "fit")
    if "cell_length" not in fit:
        raise InputError("this fit holds no cells", where="fit", remedy="Pass what xrd.refine() returned")
    length, unc = fit["cell_length"].values, fit["cell_length_unc"].values
    card, share = fit["card_length"].values, fit["card_relative_unc"].values
    share = np.where(np.isfinite(share), share, CARD_UNC)[..., None]
    change = length / card - 1.0
    own = unc / card
    wide = np.hypot(own, share)
    with np.errstate(invalid="ignore", divide="ignore"):
        significance = change / wide
    dims = fit["cell_length"].dims
    table: dict[str, Any] = {}
    for new, old, unit, label in (
        ("length", "cell_length", "angstrom", "Length of the cell"),
        ("angle", "cell_angle", "deg", "Angle of the cell"),
        ("volume", "cell_volume", "angstrom3", "Volume of the cell"),
    ):  # fmt: skip
        meta = {"units": unit, "long_name": label, "ancillary_variables": f"{new}_unc"}
        table[new] = (fit[old].dims, fit[old].values, meta)
        told = {"units": unit, "long_name": "Standard uncertainty"}
        table[f"{new}_unc"] = (fit[old].dims, fit[f"{old}_unc"].values, told)
        table[f"card_{new}"] = (
            fit[old].dims,
            fit[f"card_{new}"].values,
            {"units": unit, "long_name": f"{label}: card"},
        )
    table["change"] = (dims, change, {"units": "1", "long_name": "Relative change against the card",
                                      "ancillary_variables": "change_unc"})  # fmt: skip
    table["change_unc"] = (dims, wide, {"units": "1", "long_name": "Standard uncertainty, that of the card included"})
    table["significance"] = (dims, significance, {"units": "1", "long_name": "Change in standard uncertainties"})
    kept = ("component", "axis", "corner", "name", "formula", "space_group")
    result = xr.Dataset(table, coords={name: fit[name] for name in kept if name in fit.coords})
    hints = np.array([_hint(c, s) for c, s in zip(change.reshape(-1, 3), significance.reshape(-1, 3), strict=True)])
    result = result.assign_coords(hint=(dims[:-1], hints.reshape(change.shape[:-1])))
    attrs = {key: fit.attrs[key] for key in ("sample", "source_file", "simulated") if key in fit.attrs}
    result.attrs = {"kind": "table", "technique": "XRD", "inputs": "fit.cell_length, fit.card_length", **attrs}
    return schema.check(result, "table")


def _hint(change: Array, significance: Array) -> str:
    if not np.all(np.isfinite(significance)):
        return "not determined"
    if np.all(np.abs(significance) < DIFFERENT):
        return "as the card"
    percent = 100.0 * change
    listed = ", ".join(f"{axis} {value:+.2f} %" for axis, value in zip("abc", percent, strict=True))
    if np.ptp(change) < 0.3 * np.max(np.abs(change)):
        return f"{listed}: another temperature or a solid solution is possible; so is a shift not refined"
    return f"{listed}: a solid solution, another temperature or strain is possible"
