"""What phases do along a coordinate: amounts, cells, where they appear and vanish."""

from __future__ import annotations

from typing import Final

import gemmi
import numpy as np
import xarray as xr
from numpy.typing import NDArray

from surfspec import schema
from surfspec.errors import InputError

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

#: Probability from which a phase of a match counts as present, and detection limits a fitted scale must exceed.
PRESENT: Final = 0.5
#: Fewest members that give a slope.
FEWEST: Final = 3
EVENTS: Final = ("appears", "vanishes")


def follow(series: xr.Dataset, along: str | None = None) -> xr.Dataset:
    r"""Follow the phases of a series along its coordinate.

    A phase appears, or vanishes, between two neighbours, one without and one with it; the place is their middle with
    the standard uncertainty of a uniform distribution, (distance)/sqrt(12). Cells follow a straight line
    :math:`L = L_0 (1 + \alpha\,(t - \bar t))`; the uncertainty of the slope is that of the scatter about it.

    Parameters
    ----------
    series
        What :func:`surfspec.xrd.match` (of a series) or :func:`surfspec.xrd.fractions` returned.
    along
        The dimension; needed where the series has several. Its coordinate must hold different numbers.

    Returns
    -------
    xarray.Dataset
        Kind ``table``. Over the dimension and ``phase``: ``weight_fraction`` with ``_unc`` (NaN where the phase is not
        there), ``detection_limit`` (1), ``probability`` of a match, and ``present``: 1, 0, or -1 for doubtful
        (probability 0.05 to 0.95, or 3 to 4 sigma). Over ``phase``: ``appears`` and ``vanishes`` with ``_unc`` in the
        unit of the coordinate, NaN where that did not happen once; ``cell_slope`` with ``_unc``, the relative change of
        cell lengths per unit of the coordinate, over ``axis`` (a, b, c) as well for a match; ``members`` that gave it.
        ``attrs["reasons"]`` names phases that come and go.

    Raises
    ------
    InputError
        For one pattern, several dimensions without `along`, or a coordinate that is no number.

    Examples
    --------
    >>> import numpy as np, surfspec as ss
    >>> x = np.arange(20.0, 60.0, 0.03)
    >>> a, b = (ss.xrd.pattern(ss.xrd.phases([n])[0], wavelength="CuKa", two_theta=x, scale=1.0).intensity.values
    ...         for n in ("corundum", "halite"))
    >>> made = 100 + 4e5 * np.stack([a + k * b for k in (0.0, 0.0, 0.4, 0.8)])
    >>> series = ss.spectrum(x, np.random.default_rng(1).poisson(made), technique="XRD", dims=("time",),
    ...                      coords={"time": ("time", [0.0, 10.0, 20.0, 30.0], {"units": "min"})})
    >>> found = follow(ss.xrd.fractions(series, ["corundum", "halite"], wavelength="CuKa"))
    >>> found.appears.sel(phase="halite").item(), round(found.appears_unc.sel(phase="halite").item(), 1)
    (15.0, 2.9)
    """
    schema.check(series)
    if "weight_fraction" not in series or "phase" not in series.dims:
        raise InputError(
            "this Dataset holds no phases of a series",
            where="series",
            remedy="Pass what match() or fractions() returned",
        )
    dims = tuple(str(name) for name in series["weight_fraction"].dims[:-1])
    dim = along if along is not None else (dims[0] if len(dims) == 1 else "")
    if not dims or dim not in dims or len(dims) > 1:
        raise InputError(
            f"phases are followed along one dimension, this series has {', '.join(dims) or 'none'}",
            where="along",
            remedy="Select one row of a map with isel(), or pass a series",
        )
    place, unit = _coordinate(series, dim)
    order = np.argsort(place, kind="stable")
    series, place = series.isel({dim: order}), place[order]
    fraction = series["weight_fraction"].values.astype(np.float64)
    limit = _limits(series, fraction)
    present = _present(series, fraction, limit)
    shown = np.where(present != 0, fraction, np.nan)
    unc = np.where(present != 0, series["weight_fraction_unc"].values, np.nan)
    ids = [str(name) for name in series["phase"].values]
    reasons: list[str] = []
    events = np.full((2, 2, len(ids)), np.nan)
    for number, name in enumerate(ids):
        told = _events(place, present[:, number])
        if told is None:
            reasons.append(f"ambiguous: {name} comes and goes more than once")
        else:
            events[:, :, number] = told
    slope, slope_unc, members = _slopes(series, place, present == 1)
    one = {"units": "1"}
    row = (dim, "phase")
    data: dict[str, object] = {
        "weight_fraction": (
            row, shown, one | {"long_name": "Weight fraction", "ancillary_variables": "weight_fraction_unc"}
        ),
        "weight_fraction_unc": (row, unc, one | {"long_name": "Standard uncertainty"}),
        "detection_limit": (row, limit, one | {"long_name": "Weight fraction seen at three sigma"}),
        "present": (row, present, {"long_name": "1 there, 0 not, -1 doubtful"}),
    }  # fmt: skip
    if "probability" in series:
        data["probability"] = (row, series["probability"].values, one | {"long_name": "Probability of the phase"})
    for number, event in enumerate(EVENTS):
        data[event] = (
            "phase", events[number, 0],
            {"units": unit, "long_name": f"Where the phase {event}", "ancillary_variables": f"{event}_unc"},
        )  # fmt: skip
        data[f"{event}_unc"] = ("phase", events[number, 1], {"units": unit, "long_name": "Standard uncertainty"})
    cell = ("phase", "axis")
    told_unit = f"per {unit}" if unit != "1" else f"per unit of {dim}"
    data["cell_slope"] = (
        cell, slope,
        one | {"long_name": f"Relative change of cell length {told_unit}", "ancillary_variables": "cell_slope_unc"},
    )  # fmt: skip
    data["cell_slope_unc"] = (cell, slope_unc, one | {"long_name": "Standard uncertainty"})
    data["members"] = ("phase", members, {"long_name": "Members that gave the slope"})
    kept = {name: value for name, value in series.coords.items()
            if name in ("name", "formula", "space_group", dim) and set(value.dims) <= {dim, "phase"}}  # fmt: skip
    coords = {"phase": series["phase"], "axis": np.array(_axes(slope), dtype=np.str_), **kept}
    own = {key: series.attrs[key] for key in ("sample", "source_file", "simulated") if key in series.attrs}
    attrs = {"kind": "table", "technique": "XRD", **own, "along": dim, "reasons": "; ".join(reasons),
             "inputs": "weight_fraction, detection_limit, strain or reflection_d"}  # fmt: skip
    return schema.check(xr.Dataset(data, coords=coords, attrs=attrs), "table")


def _axes(slope: Array) -> list[str]:
    return ["a", "b", "c"] if slope.shape[1] == 3 else ["all"]


def _coordinate(series: xr.Dataset, dim: str) -> tuple[Array, str]:
    if dim not in series.coords:
        return np.arange(series.sizes[dim], dtype=np.float64), "1"
    values = series[dim].values
    if values.dtype.kind not in "iuf" or not np.all(np.isfinite(values)) or len(np.unique(values)) < len(values):
        raise InputError(
            f"the coordinate {dim} does not hold different numbers",
            where="along",
            remedy="Give each pattern its number",
        )
    unit = str(series[dim].attrs.get("units", "1"))
    return values.astype(np.float64), unit if unit in schema.UNITS else "1"


def _limits(series: xr.Dataset, fraction: Array) -> Array:
    """Return the detection limit of each phase in each member, shape of the fractions."""
    if series["detection_limit"].dims[-1] == "phase":
        return np.asarray(series["detection_limit"].values, dtype=np.float64)
    found = np.full(fraction.shape, np.nan)
    candidates = [str(name) for name in series["candidate"].values]
    for number, name in enumerate(map(str, series["phase"].values)):
        if name in candidates:
            found[:, number] = series["detection_limit"].values[:, candidates.index(name)]
    return found


def _present(series: xr.Dataset, fraction: Array, limit: Array) -> NDArray[np.int8]:
    if "probability" in series:
        probability = np.nan_to_num(series["probability"].values)
        doubtful = (probability > 1.0 - 0.95) & (probability < 0.95)
        return np.where(doubtful, -1, np.where(probability >= PRESENT, 1, 0)).astype(np.int8)
    seen = fraction > limit
    return np.where(seen & (fraction < 4.0 / 3.0 * limit), -1, np.where(seen, 1, 0)).astype(np.int8)


def _events(place: Array, present: NDArray[np.int8]) -> Array | None:
    """Place and uncertainty of (appearing, vanishing), shape (2, 2); None where either happened more than once.

    Doubtful members count as neither: they widen the interval between the last sure member and the next.
    """
    sure = np.flatnonzero(present >= 0)
    turns = np.flatnonzero(np.diff(present[sure].astype(np.int64)))
    found = np.full((2, 2), np.nan)
    for turn in turns:
        first, last = sure[turn], sure[turn + 1]
        which = 0 if present[last] == 1 else 1
        if np.isfinite(found[which, 0]):
            return None
        found[which] = (place[first] + place[last]) / 2.0, (place[last] - place[first]) / np.sqrt(12.0)
    return found


def _slopes(series: xr.Dataset, place: Array, there: Mask) -> tuple[Array, Array, NDArray[np.int64]]:
    """Relative slope of the cell lengths of each phase, its uncertainty, and the members used."""
    lengths = _lengths(series)  # (member, phase, axis)
    count, axes = lengths.shape[1:]
    slope, unc = np.full((count, axes), np.nan), np.full((count, axes), np.nan)
    members = np.zeros(count, dtype=np.int64)
    for number in range(count):
        use = there[:, number] & np.all(np.isfinite(lengths[:, number]), axis=-1)
        members[number] = np.count_nonzero(use)
        if members[number] < FEWEST:
            continue
        t = place[use] - place[use].mean()
        spread = float(t @ t)
        for axis in range(axes):
            values = lengths[use, number, axis]
            mean = values.mean()
            rate = float(t @ (values - mean)) / spread
            rest = values - mean - rate * t
            slope[number, axis] = rate / mean
            unc[number, axis] = float(np.sqrt(rest @ rest / (len(t) - 2) / spread)) / mean
    return slope, unc, members


def _lengths(series: xr.Dataset) -> Array:
    """Cell lengths: 1 + strain of fitted fractions, or a, b, c from the lines of a match."""
    if "reflection_d" not in series:
        return np.asarray(1.0 + series["strain"].values[..., None])
    ids = [str(name) for name in series["phase"].values]
    groups = [str(text) for text in series["space_group"].values]
    d, owner = series["reflection_d"].values, series["reflection_phase"].values.astype(np.str_)
    hkl = np.stack([series[name].values for name in "hkl"], axis=-1)
    found = np.full((len(d), len(ids), 3), np.nan)
    for member in range(len(d)):
        for number, name in enumerate(ids):
            own = (owner[member] == name) & np.isfinite(d[member])
            if np.count_nonzero(own) >= 2:
                found[member, number] = cell_lengths(hkl[member][own], d[member][own], groups[number])
    return found


def cell_lengths(hkl: NDArray[np.int64], d: Array, space_group: str) -> Array:
    """Cell lengths of lattice spacings by least squares on 1/d^2, NaN where the lines do not determine them.

    Examples
    --------
    >>> cell_lengths(np.array([[1, 1, 1], [2, 0, 0]]), np.array([2.85817, 2.47525]), "F m -3 m").round(3).tolist()
    [4.951, 4.951, 4.951]
    """
    group = gemmi.find_spacegroup_by_name(space_group)
    system = group.crystal_system_str() if group is not None else "triclinic"
    h, k, l = (hkl[:, index].astype(np.float64) for index in range(3))  # noqa: E741
    ab, ac, bc = 2 * h * k, 2 * h * l, 2 * k * l
    hexagonal = system == "hexagonal" or (system == "trigonal" and not space_group.endswith(":R"))
    if system == "cubic":
        terms, place = [h * h + k * k + l * l], (0, 0, 0, -1, -1, -1)
    elif hexagonal:
        terms, place = [h * h + k * k + h * k, l * l], (0, 0, 1, -1, -1, -2)
    elif system == "trigonal":
        terms, place = [h * h + k * k + l * l, ab + ac + bc], (0, 0, 0, 1, 1, 1)
    elif system == "tetragonal":
        terms, place = [h * h + k * k, l * l], (0, 0, 1, -1, -1, -1)
    elif system == "orthorhombic":
        terms, place = [h * h, k * k, l * l], (0, 1, 2, -1, -1, -1)
    else:
        terms, place = [h * h, k * k, l * l, bc, ac, ab], (0, 1, 2, 3, 4, 5)
    design = np.stack(terms, axis=1)
    if system == "monoclinic":
        design[:, 3:] = np.where(np.arange(3) == "abc".index(group.monoclinic_unique_axis()), design[:, 3:], 0.0)
    weight = d**2
    values, _, rank, _ = np.linalg.lstsq(design * weight[:, None], weight / d**2, rcond=1e-9)
    if rank < np.count_nonzero(np.any(design != 0, axis=0)):
        return np.full(3, np.nan)
    six = [values[index] if index >= 0 else (values[0] / 2.0 if index == -2 else 0.0) for index in place]
    metric = np.array([[six[0], six[5], six[4]], [six[5], six[1], six[3]], [six[4], six[3], six[2]]])
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(metric))))
