r"""Composition of a sample by element, from the amounts and formulas of its phases, to compare with XPS and LEIS."""

from __future__ import annotations

import gemmi
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.reference.materials import composition as atoms_of
from surfspec.xrd.amounts.formulas import molar_mass

Array = NDArray[np.float64]


def composition(quantified: xr.Dataset) -> xr.Dataset:
    r"""Bulk composition by element of the crystalline phases, with covariance.

    .. math:: m_e = \sum_j w_j \frac{n_{ej} A_e}{M_j}, \qquad x_e = \frac{m_e / A_e}{\sum_k m_k / A_k}

    with n atoms of element e in the formula unit of phase j, of molar mass M.

    Parameters
    ----------
    quantified
        What :func:`surfspec.xrd.quantify` returned, one pattern or a series.

    Returns
    -------
    xarray.Dataset
        Kind ``table`` over ``element`` and the dimensions of the series: ``mass_fraction`` and ``atomic_fraction`` (1)
        with ``_unc``, and ``atomic_fraction_covariance`` (element, element_b). They hold the uncertainty of the weight
        fractions; formulas count as exact, an amorphous part is not in them.

    Raises
    ------
    InputError
        For anything else than quantified phases with formulas.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> one = {"units": "1"}
    >>> data = {"weight_fraction": ("phase", [0.5, 0.5], one),
    ...         "weight_fraction_covariance": (("phase", "phase_b"), 1e-4 * np.array([[1.0, -1], [-1, 1]]), one)}
    >>> coords = {"phase": ["ZnO", "NiO"], "formula": ("phase", ["ZnO", "NiO"])}
    >>> amounts = xr.Dataset(data, coords=coords, attrs={"kind": "table", "technique": "XRD"})
    >>> composition(amounts).atomic_fraction.values.round(3).tolist()
    [0.239, 0.261, 0.5]
    """
    schema.check(quantified)
    if "scale" in quantified or quantified.attrs.get("kind") in ("match", "fit"):
        raise InputError(
            "a match or a refinement holds scales, and no weight fractions with covariance",
            where="quantified",
            remedy="Quantify it first: composition(quantify(found))",
        )
    if "weight_fraction_covariance" not in quantified or "formula" not in quantified.coords:
        raise InputError(
            "this table holds no weight fractions of phases with formulas",
            where="quantified",
            remedy="Pass what xrd.quantify() returned",
        )
    formulas = [str(text) for text in quantified["formula"].values]
    unnamed = [str(name) for name, text in zip(quantified["phase"].values, formulas, strict=True) if not text]
    if unnamed:
        raise InputError(f"{unnamed[0]} has no formula", where="formula", remedy="Give the phase a formula")
    parts = [atoms_of(text) for text in formulas]
    elements = list(dict.fromkeys(symbol for one in parts for symbol in one))
    elements.sort(key=lambda symbol: -int(gemmi.Element(symbol).atomic_number))
    atomic = np.array([gemmi.Element(symbol).weight for symbol in elements])
    moles = np.array([[one.get(e, 0.0) / molar_mass(text) for one, text in zip(parts, formulas, strict=True)]
                      for e in elements])  # fmt: skip
    w = quantified["weight_fraction"].values
    covariance = quantified["weight_fraction_covariance"].values
    absent = w == 0
    covariance = np.where(absent[..., :, None] | absent[..., None, :], 0.0, covariance)
    mass, mass_covariance = w @ (atomic[:, None] * moles).T, _moved(atomic[:, None] * moles, covariance)
    amount = w @ moles.T
    total = amount.sum(axis=-1, keepdims=True)
    share = amount / total
    jacobian = (moles - share[..., :, None] * moles.sum(axis=0)) / total[..., None]
    share_covariance = _moved(jacobian, covariance)
    leading = tuple(str(name) for name in quantified["weight_fraction"].dims[:-1])
    one = {"units": "1"}
    row = (*leading, "element")
    data = {
        "mass_fraction": (row, mass, one | {"long_name": "Mass fraction", "ancillary_variables": "mass_fraction_unc"}),
        "mass_fraction_unc": (row, _root(mass_covariance), one | {"long_name": "Standard uncertainty"}),
        "atomic_fraction": (
            row, share, one | {"long_name": "Atomic fraction", "ancillary_variables": "atomic_fraction_unc"}
        ),
        "atomic_fraction_unc": (row, _root(share_covariance), one | {"long_name": "Standard uncertainty"}),
        "atomic_fraction_covariance": (
            (*row, "element_b"), share_covariance, one | {"long_name": "Covariance of the atomic fractions"}
        ),
    }  # fmt: skip
    names = np.array(elements, dtype=np.str_)
    coords = {"element": ("element", names), "element_b": ("element_b", names)}
    outer = {name: value for name, value in quantified.coords.items() if set(value.dims) <= set(leading)}
    kept = {key: quantified.attrs[key] for key in ("sample", "source_file", "simulated", "reasons")
            if key in quantified.attrs}  # fmt: skip
    attrs = {"kind": "table", "technique": "XRD", **kept, "inputs": "weight_fraction, weight_fraction_covariance"}
    return schema.check(xr.Dataset(data, coords={**coords, **outer}, attrs=attrs), "table")


def _moved(jacobian: Array, covariance: Array) -> Array:
    return np.asarray(jacobian @ covariance @ np.swapaxes(jacobian, -1, -2))


def _root(covariance: Array) -> Array:
    return np.sqrt(np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), 0.0))
