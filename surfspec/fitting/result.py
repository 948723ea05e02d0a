"""From solutions to the fit Dataset: the one place where a fit meets xarray."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec._version import __version__
from surfspec.errors import InputError
from surfspec.fitting.members import MemberFit, Members, empty_member
from surfspec.fitting.model import BoundModel, Parameter
from surfspec.fitting.solver import Solution

__all__ = ["DETECTION", "MemberFit", "Members", "assemble", "empty_member", "member_from_model", "propagate"]

Array = NDArray[np.float64]

#: A component below this many standard uncertainties of its area is flagged.
DETECTION = 3.0


def member_from_model(
    bound: BoundModel,
    solution: Solution,
    start: Array,
    *,
    verdict: str,
    reasons: tuple[str, ...],
) -> MemberFit:
    """Turn the solution of a table of components into a member, with first-order uncertainties.

    Parameters
    ----------
    bound
        The model on its axis.
    solution
        What the solver returned.
    start
        Start values, shape (p,).
    verdict, reasons
        As judged.
    """
    values, covariance = solution.values, _determined(bound.parameters, solution)
    count = len(bound.model.components)
    numbers: dict[str, Array] = {}
    for what in ("area", "center", "fwhm", "height"):
        rows = [bound.gradient(i, what, values) for i in range(count)]
        gradient = np.stack([row[1] for row in rows]) if rows else np.zeros((0, values.size))
        matrix = propagate(gradient, covariance)
        numbers[what] = np.array([row[0] for row in rows])
        numbers[f"{what}_unc"] = np.sqrt(np.diag(matrix))
        if what == "area":
            numbers["area_covariance"] = matrix
    contribution = bound.contributions(values)
    background = bound.background(values)
    return MemberFit(
        model=background + contribution.sum(axis=0),
        background=background,
        contribution=contribution,
        flag=_flags(bound, solution, numbers),
        value=values,
        value_unc=np.sqrt(np.diag(covariance)),
        start=start,
        low=np.array([p.low for p in bound.parameters]),
        high=np.array([p.high for p in bound.parameters]),
        covariance=covariance,
        chi2=solution.chi2,
        deviance=solution.deviance,
        dof=solution.dof,
        verdict=verdict,
        reasons=reasons,
        **numbers,
    )


def _determined(parameters: Sequence[Parameter], solution: Solution) -> Array:
    """Return the covariance with NaN where a limit holds a parameter or its uncertainty exceeds its whole range."""
    covariance = solution.covariance
    span = np.array([one.high - one.low for one in parameters])
    with np.errstate(invalid="ignore"):
        lost = np.sqrt(np.diag(covariance)) > span
    lost |= np.isin([one.name for one in parameters], solution.at_bound)
    out = covariance.copy()
    out[lost, :] = np.nan
    out[:, lost] = np.nan
    return out


def _priors(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Return what was known of the parameters beforehand, NaN where nothing was."""
    known = [p.prior if p.prior is not None and p.vary else (math.nan, math.nan) for p in parameters]
    told = {"units": "1", "comment": "unit in the coordinate parameter_unit"}
    return {
        "prior": (
            ("parameter",),
            np.array([mean for mean, _ in known]),
            {**told, "long_name": "Known beforehand: mean", "ancillary_variables": "prior_unc"},
        ),
        "prior_unc": (
            ("parameter",),
            np.array([unc for _, unc in known]),
            {**told, "long_name": "Known beforehand: standard uncertainty"},
        ),
    }


def propagate(gradient: Array, covariance: Array) -> Array:
    """Return ``G C G^T``, with NaN only where an undetermined parameter really enters.

    Parameters
    ----------
    gradient
        Shape (k, p).
    covariance
        Shape (p, p); rows of NaN mark undetermined parameters.

    Returns
    -------
    numpy.ndarray
        Shape (k, k).

    Examples
    --------
    >>> import numpy as np
    >>> propagate(np.array([[1.0, 1.0]]), np.array([[4.0, -1.0], [-1.0, 4.0]]))
    array([[6.]])
    """
    unknown = np.isnan(np.diag(covariance))
    clean = np.where(np.isnan(covariance), 0.0, covariance)
    out: Array = gradient @ clean @ gradient.T
    touched = np.any(np.abs(gradient[:, unknown]) > 0, axis=1)
    out[touched, :] = np.nan
    out[:, touched] = np.nan
    return out


def _flags(bound: BoundModel, solution: Solution, numbers: Mapping[str, Array]) -> NDArray[np.str_]:
    flags = []
    for index, component in enumerate(bound.model.components):
        ties = (component.area, *component.roles.values())
        used = {name for tie in ties for name in tie.names()}
        area, unc = numbers["area"][index], numbers["area_unc"][index]
        if np.isfinite(unc) and area < DETECTION * unc:
            flags.append("below_detection")
        elif used & set(solution.undetermined) or not np.isfinite(unc):
            flags.append("not_determined")
        elif used & set(solution.at_bound):
            flags.append("at_bound")
        else:
            flags.append("ok")
    return np.array(flags, dtype="<U16")


def assemble(
    members: Members | Sequence[MemberFit],
    dataset: xr.Dataset,
    *,
    components: Sequence[str],
    parameters: Sequence[Parameter],
    labels: Mapping[str, Sequence[str]],
    recipe: str,
    attrs: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Make the fit Dataset of a spectrum or series.

    Parameters
    ----------
    members
        One for each member of the series, in C order of its dimensions; one for a single spectrum. The Dataset takes
        over the arrays of a :class:`~surfspec.fitting.members.Members`; those of a list are copied.
    dataset
        The data that were fitted, cut to the window.
    components
        Their names, length k.
    parameters
        Names and units, length p.
    labels
        Coordinates over ``component``: ``species``, ``element``, ``line``, ...
    recipe
        The recipe as YAML, so that the result alone can be refitted.
    attrs
        More attributes.

    Returns
    -------
    xarray.Dataset
        Of kind ``fit``.

    Raises
    ------
    InputError
        For members that are not one for each spectrum, on its points.
    """
    every = members if isinstance(members, Members) else Members.of(members)
    axis = schema.axis_of(dataset)
    series = schema.series_dims(dataset)
    shape = tuple(dataset.sizes[d] for d in series)
    if every.model.shape != (math.prod(shape), dataset.sizes[axis]):
        raise InputError(
            f"the fits of {every.model.shape[0]} spectra of {every.model.shape[1]} points",
            where="members",
            remedy=f"Give one for each of {math.prod(shape)} spectra, on the {dataset.sizes[axis]} points of the data",
        )
    units = str(dataset["intensity"].attrs["units"])
    x_unit = schema.AXES[axis][0]
    area_unit = f"{units} {x_unit}"

    def pack(name: str, dims: tuple[str, ...], unit: str | None, long_name: str) -> None:
        """Turn one field of all members into a variable over the series dimensions."""
        values = getattr(every, name)
        values = values.reshape((*shape, *values.shape[1:]))
        meta = {"long_name": long_name} | ({"units": unit} if unit else {})
        if f"{name}_unc" in MemberFit.__dataclass_fields__:
            meta["ancillary_variables"] = f"{name}_unc"
        # one row that is shown m times must not become a variable that nobody can write to
        out[name] = ((*series, *dims), values if values.flags.writeable else values.copy(), meta)

    out: dict[str, Any] = {}
    peak, number = ("component",), ("parameter",)
    pack("model", (axis,), units, "Fitted model")
    pack("background", (axis,), units, "Background")
    pack("contribution", ("component", axis), units, "Component")
    for name, unit in (("area", area_unit), ("center", x_unit), ("fwhm", x_unit), ("height", units)):
        pack(name, peak, unit, {"fwhm": "Full width at half maximum"}.get(name, name.capitalize()))
        pack(f"{name}_unc", peak, unit, f"Standard uncertainty of the {name}")
    pack("area_covariance", ("component", "component_b"), "1", "Covariance of the areas")
    out["area_covariance"][2]["comment"] = f"in the square of {area_unit}"
    pack("flag", peak, None, "What is to be said of the component")
    for name in ("value", "value_unc", "start", "low", "high"):
        pack(name, number, "1", f"Parameter: {name}")
        out[name][2]["comment"] = "unit in the coordinate parameter_unit"
    pack("covariance", ("parameter", "parameter_b"), "1", "Covariance of the parameters")
    if any(p.prior is not None and p.vary for p in parameters):
        out |= _priors(parameters)
    for name in ("chi2", "deviance", "dof"):
        pack(name, (), "1", name)
    out["reduced_chi2"] = (
        series, np.where(every.dof > 0, every.deviance / np.maximum(every.dof, 1), np.nan).reshape(shape),
        {"units": "1", "long_name": "Deviance per degree of freedom"},
    )  # fmt: skip
    out["verdict"] = (series, every.verdict.reshape(shape), {})
    texts = np.array(["; ".join(one) for one in every.reasons])
    out["reasons"] = (series, texts.reshape(shape), {})
    names, parameter_names = np.array(list(components)), np.array([p.name for p in parameters])
    coords: dict[str, Any] = {
        "component": names, "component_b": names,
        "parameter": parameter_names, "parameter_b": parameter_names,
        "parameter_unit": ("parameter", np.array([p.unit for p in parameters])),
        **{key: ("component", np.array(list(column))) for key, column in labels.items()},
    }  # fmt: skip
    fit = dataset.assign(out).assign_coords(coords)
    fit.attrs = {**dataset.attrs, "kind": "fit", "recipe": recipe, "surfspec_version": __version__, **(attrs or {})}
    return schema.check(fit, "fit")
