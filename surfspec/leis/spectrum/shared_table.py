"""What members of a series have in common, in the fit Dataset, and the covariance between members that follows."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema, spectra
from surfspec.errors import InputError
from surfspec.leis.spectrum.shared_fit import Joint

Array = NDArray[np.float64]


def with_shared(fit: xr.Dataset, joint: Joint, words: str) -> xr.Dataset:
    """Return a fit with what its members have in common.

    Parameters
    ----------
    fit
        Of kind ``fit``.
    joint
        The joint fit of its members.
    words
        What is shared along what.
    """
    series = schema.series_dims(fit)
    shape = tuple(fit.sizes[dim] for dim in series)
    variance = np.diag(joint.covariance)
    unc = np.sqrt(np.where(variance > 0, variance, np.nan))  # on a limit: unknown, not certain
    told = {"units": "1", "comment": "unit in the coordinate parameter_unit of the parameter of that name"}
    area_unit = str(fit["area"].attrs["units"])

    def numbers(values: Array, name: str) -> tuple[tuple[str, ...], Array, dict[str, str]]:
        return (series, values.reshape(shape), {"units": "1", "long_name": name})

    slopes = np.nan_to_num(joint.area_slopes).reshape(*shape, *joint.area_slopes.shape[1:])
    out = fit.assign(
        shared_value=(
            "shared",
            joint.values,
            {**told, "long_name": "Value in common", "ancillary_variables": "shared_value_unc"},
        ),
        shared_value_unc=("shared", unc, {**told, "long_name": "Standard uncertainty of the value in common"}),
        shared_covariance=(
            ("shared", "shared_b"),
            joint.covariance,
            {"units": "1", "long_name": "Covariance of the values in common"},
        ),
        area_by_shared=(
            (*series, "component", "shared"),
            slopes,
            {
                "units": "1",
                "long_name": "Derivative of the area by the value in common",
                "comment": f"from {area_unit}",
            },
        ),
        sharing_rise=numbers(joint.rise, "Deviance above that of separate fits"),
        sharing_constraints=numbers(joint.constraints, "Parameters that sharing takes away"),
        sharing_probability=numbers(joint.probability, "Probability of such a rise"),
    ).assign_coords(shared=list(joint.labels), shared_b=list(joint.labels))
    out.attrs["shared"] = words
    return schema.check(out, "fit")


def area_covariance(fit: xr.Dataset) -> xr.Dataset:
    r"""Return the covariance of all areas of a series, within and between its members.

    .. math:: C_{ii} \text{ of the member}, \qquad C_{ij} = S_i\,C_{ss}\,S_j^T \quad (i \ne j)

    with the covariance :math:`C_{ss}` of the values in common and the derivatives :math:`S_i` of a member's areas by
    them. Members of separate fits have none between them.

    Parameters
    ----------
    fit
        Of kind ``fit``, from :func:`surfspec.leis.fit`.

    Returns
    -------
    xarray.Dataset
        Of kind ``table``: ``area`` (series, component) and ``area_covariance`` over the same dimensions twice, the
        second time with ``_b`` behind their names, in the square of the unit of the area.

    Raises
    ------
    InputError
        For what is no LEIS fit.

    References
    ----------
    Bates and Watts, Nonlinear Regression Analysis and Its Applications (1988), chapter 6.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> recipe = ss.leis.Recipe(elements=("Zr",), sputter_tail=False)
    >>> energy = np.arange(2300.0, 2800.0, 10.0)
    >>> peak = 400.0 * np.exp(-0.5 * ((energy - 2557.0) / 25.0) ** 2) + 50.0 * (energy < 2540.0) + 5.0
    >>> counts = np.random.default_rng(1).poisson(peak, (2, energy.size))
    >>> series = ss.spectrum(energy, counts, technique="LEIS", dims=("spot",))
    >>> fit = ss.leis.fit(series, recipe, shared=("resolution", "tail"))
    >>> ss.leis.area_covariance(fit).area_covariance.shape
    (2, 1, 2, 1)
    """
    schema.check(fit, "fit")
    if fit.attrs["technique"] != "LEIS":
        raise InputError(f"this is a fit of {fit.attrs['technique']}", where="fit", remedy="Pass a fit of leis.fit")
    series = schema.series_dims(fit)
    area = fit["area"].transpose(*series, "component")
    own = fit["area_covariance"].transpose(*series, "component", "component_b").values
    count = fit.sizes["component"]
    own = own.reshape(-1, count, count)
    whole = np.zeros((own.shape[0], count, own.shape[0], count))
    if "area_by_shared" in fit:
        slopes = fit["area_by_shared"].transpose(*series, "component", "shared").values
        slopes = slopes.reshape(own.shape[0], count, -1)
        common = np.nan_to_num(fit["shared_covariance"].values)
        whole = np.einsum("ias,st,jbt->iajb", slopes, common, slopes, optimize=True)
    for i, one in enumerate(own):
        whole[i, :, i, :] = one
        unknown = np.isnan(np.diag(one))
        whole[i, unknown] = np.nan
        whole[:, :, i, unknown] = np.nan
    dims = (*series, "component")
    unit = str(area.attrs["units"])
    out = xr.Dataset(
        {
            "area": (dims, area.values, {"units": unit, "long_name": "Area"}),
            "area_covariance": (
                (*dims, *(f"{dim}_b" for dim in dims)),
                whole.reshape(area.shape + area.shape),
                {
                    "units": "1",
                    "long_name": "Covariance of the areas of all members",
                    "comment": f"in the square of {unit}",
                },
            ),
        },
        coords={dim: (dim, fit[dim].values, dict(fit[dim].attrs)) for dim in dims if dim in fit.coords},
        attrs={"kind": "table", "technique": "LEIS", **spectra.origin(fit)},
    )
    return schema.check(out, "table")
