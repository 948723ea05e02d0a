"""From solutions to the fit Dataset: the one place where a fit meets xarray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec._version import __version__
from surfspec.fitting.model import BoundModel, Parameter
from surfspec.fitting.solver import Solution

Array = NDArray[np.float64]

#: A component below this many standard uncertainties of its area is flagged.
DETECTION = 3.0


@dataclass(frozen=True)
class MemberFit:
    """The fit of one spectrum as arrays: n points, k components, p parameters.

    ``model == background + contribution.sum(axis=0)`` holds exactly.
    """

    model: Array
    background: Array
    contribution: Array
    area: Array
    area_unc: Array
    area_covariance: Array
    center: Array
    center_unc: Array
    fwhm: Array
    fwhm_unc: Array
    height: Array
    height_unc: Array
    flag: NDArray[np.str_]
    value: Array
    value_unc: Array
    start: Array
    low: Array
    high: Array
    covariance: Array
    chi2: float
    deviance: float
    dof: int
    verdict: str
    reasons: tuple[str, ...]


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
        used = {name for tie in ties for name, _ in tie.terms()}
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


def empty_member(n: int, components: int, parameters: Sequence[Parameter], reasons: tuple[str, ...]) -> MemberFit:
    """Return the member of a spectrum that could not be fitted: NaN, and the reasons why."""
    nan_n, nan_k = np.full(n, np.nan), np.full(components, np.nan)
    p = len(parameters)
    return MemberFit(
        model=nan_n, background=nan_n, contribution=np.full((components, n), np.nan),
        area=nan_k, area_unc=nan_k, area_covariance=np.full((components, components), np.nan),
        center=nan_k, center_unc=nan_k, fwhm=nan_k, fwhm_unc=nan_k, height=nan_k, height_unc=nan_k,
        flag=np.full(components, "not_determined", dtype="<U16"),
        value=np.full(p, np.nan), value_unc=np.full(p, np.nan),
        start=np.array([one.value for one in parameters], dtype=np.float64),
        low=np.array([one.low for one in parameters]), high=np.array([one.high for one in parameters]),
        covariance=np.full((p, p), np.nan), chi2=np.nan, deviance=np.nan, dof=0,
        verdict="failed", reasons=reasons,
    )  # fmt: skip


def assemble(
    members: Sequence[MemberFit],
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
        One for each member of the series, in C order of its dimensions; one for a single spectrum.
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
    """
    axis = schema.axis_of(dataset)
    series = schema.series_dims(dataset)
    shape = tuple(dataset.sizes[d] for d in series)
    units = str(dataset["intensity"].attrs["units"])
    x_unit = schema.AXES[axis][0]
    area_unit = f"{units} {x_unit}"

    def pack(name: str, dims: tuple[str, ...], unit: str | None, long_name: str) -> None:
        """Stack one field of all members into a variable over the series dimensions."""
        values = np.stack([np.asarray(getattr(m, name)) for m in members])
        values = values.reshape((*shape, *values.shape[1:]))
        meta = {"long_name": long_name} | ({"units": unit} if unit else {})
        if f"{name}_unc" in MemberFit.__dataclass_fields__:
            meta["ancillary_variables"] = f"{name}_unc"
        out[name] = ((*series, *dims), values, meta)

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
    for name in ("chi2", "deviance", "dof"):
        pack(name, (), "1", name)
    out["reduced_chi2"] = (
        series, np.array([m.deviance / m.dof if m.dof else np.nan for m in members]).reshape(shape),
        {"units": "1", "long_name": "Deviance per degree of freedom"},
    )  # fmt: skip
    out["verdict"] = (series, np.array([m.verdict for m in members], dtype="<U8").reshape(shape), {})
    texts = np.array(["; ".join(m.reasons) for m in members])
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
