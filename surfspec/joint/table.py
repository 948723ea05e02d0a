"""The table of a joint estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import xarray as xr

from surfspec import schema
from surfspec._version import __version__
from surfspec.joint.agreement import WORDS, Agreement, Estimate
from surfspec.joint.model import TYPICAL, Row
from surfspec.joint.posterior import Posterior

#: Quantities of the covariance.
QUANTITIES: Final = ("coverage", "thickness", "removal_cross_section")


def table_of_film(
    found: Posterior,
    joint: Estimate,
    alone: Mapping[str, Estimate],
    agreement: Agreement,
    data: Sequence[Row],
    shape: str,
    fit: tuple[int, float],
    possible: Sequence[int],
) -> xr.Dataset:
    """Return the table without verdict and reasons.

    Parameters
    ----------
    found
        What all data allow.
    joint, alone
        Estimates of all data and of each technique.
    agreement, shape
        What they say.
    data
        Every datum beside the model.
    fit
        Degrees of freedom of the least squares and the probability of its chi-square.
    possible
        Numbers of monolayers that are not excluded.
    """
    variables: dict[str, tuple[tuple[str, ...] | str, object, dict[str, str]]] = {}

    def put(name: str, dims: tuple[str, ...] | str, values: object, units: str, long_name: str, unc: object) -> None:
        variables[name] = (dims, values, {"units": units, "long_name": long_name, "ancillary_variables": f"{name}_unc"})
        variables[f"{name}_unc"] = (dims, unc, {"units": units, "long_name": "Standard uncertainty"})

    put("coverage", (), joint.coverage[0], "1", "Coverage before any dose", joint.coverage[1])
    put("thickness", (), joint.thickness[0], "nm", "Thickness where there is film", joint.thickness[1])
    put(
        "removal_cross_section", (), joint.cross_section[0], "cm2", "Removal cross-section of a layer",
        joint.cross_section[1],
    )  # fmt: skip
    variables["covariance"] = (
        ("quantity", "quantity_b"), _covariance(found, joint), {"units": "1", "long_name": "Covariance, 1, nm and cm2"},
    )  # fmt: skip
    best = int(found.layers[int(np.argmax(found.probability))]) if possible else -1
    variables["monolayers"] = ((), best, {"units": "monolayer", "long_name": "Most likely number, -1: unknown"})
    variables["not_excluded"] = ((), np.array(", ".join(map(str, possible))), {})
    one = {"units": "1"}
    variables["monolayers_probability"] = ("layers", found.probability, {**one, "long_name": "Probability"})
    variables["observed"] = (
        "datum", np.array([row.value for row in data]),
        {**one, "long_name": "Measured, in the unit of the datum", "ancillary_variables": "observed_unc"},
    )  # fmt: skip
    variables["observed_unc"] = ("datum", np.array([r.unc for r in data]), {**one, "long_name": "Standard uncertainty"})
    variables["predicted"] = ("datum", np.array([row.predicted for row in data]), {**one, "long_name": "By the model"})
    pulls = np.array([(row.value - row.predicted) / row.unc for row in data])
    variables["pull"] = ("datum", pulls, {**one, "long_name": "Measured minus model over the uncertainty"})
    every = {**{WORDS[name]: one for name, one in alone.items()}, "joint": joint}
    for name, units, long_name in (
        ("coverage", "1", "Coverage by each technique alone"),
        ("thickness", "nm", "Thickness by each technique alone"),
        ("equivalent", "nm", "Thickness of a closed film that attenuates alike"),
    ):
        pairs = np.array([getattr(estimate, name) for estimate in every.values()])
        label = f"technique_{name}_thickness" if name == "equivalent" else f"technique_{name}"
        put(label, "technique", pairs[:, 0], units, long_name, pairs[:, 1])
    for name, value, long_name in (
        ("chi2", found.chi2, "Chi-square of all data and errors of the inputs"),
        ("p_value", fit[1], "Probability of a larger chi-square"),
        ("agreement_chi2", agreement.chi2, "Chi-square of the joint fit above those of each technique alone"),
        ("agreement_p_value", agreement.p_value, "Probability of a larger one where the techniques agree"),
        ("log_bayes_closed", found.log_uniform, "Logarithm of the Bayes factor of a closed film against any coverage"),
    ):
        variables[name] = ((), value, {**one, "long_name": long_name})
    for name, number in (("dof", fit[0]), ("agreement_dof", agreement.dof)):
        variables[name] = ((), number, {"long_name": "Degrees of freedom"})
    for name, text in (("agreement", agreement.word), ("statement", agreement.statement), ("film_shape", shape)):
        variables[name] = ((), np.array(text), {})
    out = xr.Dataset(
        variables,
        coords={
            "quantity": list(QUANTITIES), "quantity_b": list(QUANTITIES), "layers": found.layers,
            "datum": [row.name for row in data], "datum_unit": ("datum", [row.unit for row in data]),
            "technique": list(every),
        },
    )  # fmt: skip
    out.attrs = {"kind": "table", "technique": "joint", "surfspec_version": __version__}
    out["verdict"], out["reasons"] = ((), np.array("ok")), ((), np.array(""))
    return schema.check(out, "table")


def _covariance(found: Posterior, joint: Estimate) -> np.ndarray:
    sigma = TYPICAL * float(np.exp(found.mean[2]))
    scale = np.array([1.0, 1.0, sigma])
    covariance = found.covariance * np.outer(scale, scale)
    covariance[2, 2] = joint.cross_section[1] ** 2
    lost = ~np.isfinite([joint.coverage[0], joint.thickness[0], joint.cross_section[0]])
    covariance[lost, :] = np.nan
    covariance[:, lost] = np.nan
    return covariance
