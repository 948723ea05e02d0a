"""Where peaks lie by a calibration, with the uncertainty that the calibration carries."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.given import listed
from surfspec.leis.collisions import isotopes as iso
from surfspec.leis.collisions.peak_positions import PARAMETERS, Positions
from surfspec.spectra import origin


def calibrated_energies(calibration: xr.Dataset, elements: Iterable[str]) -> xr.Dataset:
    r"""Predict elastic peak energies by a calibration, with their uncertainty and covariance.

    .. math:: \mathrm{cov}(E) = J\,\mathrm{cov}(E_0, \theta, g, \delta)\,J^T

    Parameters
    ----------
    calibration
        What :func:`surfspec.leis.calibrate` returned.
    elements
        Symbols or isotopes; those that were not measured as well.

    Returns
    -------
    xarray.Dataset
        Of kind ``table`` over ``element``: ``energy`` with ``energy_unc`` (eV; NaN where forbidden), and
        ``covariance`` over (element, element_b).

    Raises
    ------
    InputError
        For a table that is no calibration, or an unknown element.

    Examples
    --------
    >>> import surfspec as ss
    >>> peaks = {name: (ss.leis.elastic_energy(name, energy=980.0, angle=110.0), 0.5) for name in ("Ni", "Pd", "Au")}
    >>> found = calibrated_energies(ss.leis.calibrate(peaks, energy=1000.0, angle=105.0), ["Cu", "Zr"])
    >>> found.energy.values.round(1).tolist(), found.energy_unc.values.round(1).tolist()
    ([827.4, 871.0], [0.4, 0.3])
    """
    schema.check(calibration, "table")
    if not {*PARAMETERS, "covariance"} <= set(calibration.variables):
        raise InputError(
            "this table is no calibration", where="calibration", remedy="Pass what leis.calibrate returned"
        )
    names = (
        tuple(dict.fromkeys(map(str, listed(elements, "elements")))) if not isinstance(elements, str) else (elements,)
    )
    for name in names:
        iso.isotopes(name)
    positions = Positions(names, str(calibration.attrs["ion"]))
    values = np.array([float(calibration[name]) for name in PARAMETERS])
    slopes = positions.slopes(values)
    covariance = slopes @ calibration["covariance"].values @ slopes.T
    return xr.Dataset(
        {
            "energy": (
                "element",
                positions.energies(values),
                {"units": "eV", "long_name": "Elastic energy", "ancillary_variables": "energy_unc"},
            ),
            "energy_unc": (
                "element",
                np.sqrt(np.diag(covariance)),
                {"units": "eV", "long_name": "Standard uncertainty by the calibration"},
            ),
            "covariance": (("element", "element_b"), covariance, {"units": "1", "comment": "eV^2"}),
        },
        coords={"element": list(names), "element_b": list(names)},
        attrs={"kind": "table", "technique": "LEIS", "ion": str(calibration.attrs["ion"]), **origin(calibration)},
    )
