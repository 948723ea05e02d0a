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
        Kind ``table`` over ``component`` and ``axis`` (a, b, c), a row for each edge: ``length`` (angstrom), ``angle``
        (deg; the one opposite, named by the coordinate ``corner``), each with ``_unc`` and ``card_...``; ``change``
        (1) with ``change_unc`` and ``significance`` (standard uncertainties). Over ``component``: ``volume``
        (angstrom^3), and ``hint``: what a difference may mean. A card without an uncertainty is taken as good to 5e-4.

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
        along = tuple("axis" if name == "corner" else name for name in fit[old].dims)
        meta = {"units": unit, "long_name": label, "ancillary_variables": f"{new}_unc"}
        table[new] = (along, fit[old].values, meta)
        told = {"units": unit, "long_name": "Standard uncertainty"}
        table[f"{new}_unc"] = (along, fit[f"{old}_unc"].values, told)
        table[f"card_{new}"] = (
            along,
            fit[f"card_{new}"].values,
            {"units": unit, "long_name": f"{label}: card"},
        )
    table["change"] = (dims, change, {"units": "1", "long_name": "Relative change against the card",
                                      "ancillary_variables": "change_unc"})  # fmt: skip
    table["change_unc"] = (dims, wide, {"units": "1", "long_name": "Standard uncertainty, that of the card included"})
    table["significance"] = (dims, significance, {"units": "1", "long_name": "Change in standard uncertainties"})
    kept = ("component", "axis", "name", "formula", "space_group")
    coords = {name: fit[name].variable for name in kept if name in fit.coords}
    result = xr.Dataset(table, coords=coords | {"corner": ("axis", fit["corner"].values)})
    hints = np.array([_hint(c, s) for c, s in zip(change.reshape(-1, 3), significance.reshape(-1, 3), strict=True)])
    result["hint"] = (dims[:-1], hints.reshape(change.shape[:-1]), {"long_name": "What a difference may mean"})
    attrs = {key: fit.attrs[key] for key in ("sample", "source_file", "simulated") if key in fit.attrs}
    result.attrs = {"kind": "table", "technique": "XRD", "inputs": "fit.cell_length, fit.card_length", **attrs}
    return schema.check(result, "table")


def _hint(change: Array, significance: Array) -> str:
    if not np.all(np.isfinite(significance)):
        return "not determined"
    if np.all(np.abs(significance) < DIFFERENT):
        return "as the card"
    if np.ptp(change) < 0.3 * np.max(np.abs(change)):
        return "temperature, solid solution or shift possible"  # all edges alike
    return "solid solution, temperature, strain possible"
