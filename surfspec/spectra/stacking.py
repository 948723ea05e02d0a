"""Stack spectra of one axis into a series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from surfspec import schema
from surfspec.errors import InputError
from surfspec.spectra.metadata import SERIES_UNITS, metadata_columns, number_of, stated_numbers, units_of_metadata

#: Relative difference up to which a given value and that of the metadata are the same.
_SAME_VALUE = 1e-6

#: Largest relative difference of two axes, in steps, that still counts as the same axis.
SAME_AXIS_STEPS = 1e-3


def stack(
    datasets: Sequence[xr.Dataset],
    dim: str,
    values: ArrayLike | None = None,
    *,
    units: str | None = None,
) -> xr.Dataset:
    """Stack spectra of one axis along a new series dimension.

    Parameters
    ----------
    datasets
        Spectra (or series of equal shape) on the same axis.
    dim
        Name of the new dimension: ``dose``, ``spot``, ``sample``, ``cycle``, ...
    values
        Its coordinate, one value for each Dataset. By default the numbers that all members state in the attribute
        `dim` (for ``spot`` also in ``area``), where they differ; else 0, 1, 2, ...
    units
        Unit of `values`, ``"ions/cm2"`` say.

    Returns
    -------
    xarray.Dataset
        Dims (dim, ..., axis). Attributes on which all agree are kept; the others become
        coordinates along `dim`, and where they were coordinates of the members already, over `dim` and their dims.

    Raises
    ------
    InputError
        When the axes, units or statistics differ, when two members state one and the same value of `dim` and none are
        given, and when the given values contradict those that the members state.

    Examples
    --------
    >>> import surfspec as ss
    >>> one = ss.spectrum([1, 2, 3], [5, 6, 7], technique="LEIS", sample="A")
    >>> two = ss.spectrum([1, 2, 3], [4, 6, 9], technique="LEIS", sample="A")
    >>> ss.stack([one, two], "dose", [1e15, 2e15], units="ions/cm2").intensity.dims
    ('dose', 'kinetic_energy')
    """
    members = list(datasets)
    if not members:
        raise InputError("nothing to stack", remedy="Pass at least one spectrum", where=dim)
    for member in members:
        schema.check(member, "spectrum")
    first = members[0]
    axis = schema.axis_of(first)
    for index, member in enumerate(members[1:], start=1):
        _same_axis(first, member, axis, index)
    if dim in first.dims:
        raise InputError(
            f"the spectra have a dimension '{dim}' already", where="stack", remedy="Stack along a new dimension"
        )
    labels, units = _labels(members, dim, values, units)
    members = _with_coordinates(members)
    aligned = [member.assign_coords({axis: first[axis].variable}) for member in members]
    shared, differing = metadata_columns(members, {dim: labels.tolist()})
    coordinate_attrs = {"long_name": dim.replace("_", " ").capitalize()}
    if units is not None or np.issubdtype(labels.dtype, np.floating):
        coordinate_attrs["units"] = units or "1"
    try:
        joined = xr.concat(
            aligned,
            xr.DataArray(labels, dims=dim, name=dim, attrs=coordinate_attrs),
            join="exact",
            combine_attrs="override",
            coords="different",
            compat="equals",
            data_vars="all",
        )
    except ValueError as error:
        raise InputError(
            f"the coordinates of the spectra differ ({error})",
            where="stack",
            remedy="Give all members the same coordinates, with values of their own where they differ",
        ) from error
    joined.attrs = shared
    for name, column in differing.items():
        if name in joined.dims:
            continue
        joined = joined.assign_coords({name: (dim, column, {"long_name": name})})
        if np.issubdtype(joined[name].dtype, np.floating):
            joined[name].attrs["units"] = units_of_metadata(name)
    return schema.check(joined, "spectrum")


def _labels(
    members: Sequence[xr.Dataset], dim: str, values: ArrayLike | None, units: str | None
) -> tuple[NDArray[Any], str | None]:
    """Return the values along a new dimension, given, stated or counted, and their unit where it is known."""
    if values is not None:
        labels = np.asarray(values)
        if labels.shape != (len(members),):
            raise InputError(
                f"{labels.size} values for {len(members)} spectra",
                where=dim,
                remedy="Give one coordinate value for each spectrum",
            )
        _refuse_contradiction(members, dim, labels)
        return labels, units
    stated = _stated(members, dim)
    if stated is None:
        return np.arange(len(members)), units
    said = str(members[0].attrs.get(f"{dim}_unit", ""))
    return np.asarray(stated), units or (said if said in schema.UNITS else "") or SERIES_UNITS.get(dim) or None


def _same_axis(first: xr.Dataset, other: xr.Dataset, axis: str, index: int) -> None:
    remedy = "Stack spectra of one region and one setting; cut them to a common window with crop() first"
    if axis not in other.dims or other.sizes[axis] != first.sizes[axis]:
        raise InputError(
            f"spectrum {index} has {other.sizes.get(axis, 0)} points on '{axis}' "
            f"and spectrum 0 has {first.sizes[axis]}",
            where="stack",
            remedy=remedy,
        )
    if other["intensity"].dims != first["intensity"].dims:
        raise InputError(
            f"spectrum {index} has dimensions {other['intensity'].dims} and spectrum 0 {first['intensity'].dims}",
            where="stack",
            remedy="Stack single spectra, or series of equal dimensions",
        )
    x0, x1 = first[axis].values, other[axis].values
    step = float(np.min(np.diff(x0)))
    worst = float(np.max(np.abs(x1 - x0)))
    if worst > SAME_AXIS_STEPS * step:
        raise InputError(
            f"the axis of spectrum {index} differs from that of spectrum 0 by up to {worst:g}",
            where="stack",
            remedy=remedy,
        )
    for name in ("statistics", "technique"):
        if first.attrs.get(name) != other.attrs.get(name):
            raise InputError(
                f"{name} differs: {first.attrs.get(name)!r} and {other.attrs.get(name)!r}",
                where="stack",
                remedy="Stack spectra of one kind only",
            )
    if first["intensity"].attrs["units"] != other["intensity"].attrs["units"]:
        raise InputError("the intensities have different units", where="stack", remedy="Convert them to counts first")


def _with_coordinates(members: list[xr.Dataset]) -> list[xr.Dataset]:
    """Make a coordinate of an attribute that is a coordinate of another member.

    Series stacked before carry what differed inside them as coordinates, and those in which nothing differed carry it
    as an attribute: both must meet as coordinates, or the values of one side would be lost.
    """
    out = list(members)
    models = {
        str(name): member[name] for member in members for name in member.coords if str(name) not in member.dims
    }  # fmt: skip
    for name, model in models.items():
        if not any(name in member.attrs for member in members):
            continue
        present = [member.attrs[name] for member in members if name in member.attrs]
        numeric = model.dtype.kind in "iuf" and all(isinstance(value, int | float | np.number) for value in present)
        kind: Any = np.float64 if numeric else np.str_
        for index, member in enumerate(out):
            if name in member.coords:
                column = member[name].astype(kind)
            elif set(model.dims) <= set(member.dims):
                value = kind(member.attrs.get(name, np.nan if numeric else ""))
                shape = [member.sizes[dim] for dim in model.dims]
                column = xr.DataArray(np.full(shape, value), dims=model.dims)
            else:
                continue  # the dimensions differ, which stacking refuses in its own words
            attrs = {"long_name": name, **({"units": units_of_metadata(name)} if numeric else {})}
            rest = {key: value for key, value in member.attrs.items() if key != name}
            moved = member.assign_coords({name: (column.dims, column.values, attrs)})
            moved.attrs = rest  # assign_coords has made a new Dataset: the input keeps its own
            out[index] = moved
    return out


def _stated(members: Sequence[xr.Dataset], dim: str) -> list[Any] | None:
    """Return the values along a new dimension that the members state themselves."""
    numbers = stated_numbers(members, dim)
    if numbers is None or len(members) == 1:
        return numbers
    if len(set(numbers)) < len(numbers):
        twice = next(value for value in numbers if numbers.count(value) > 1)
        if dim in members[0].attrs:
            raise InputError(
                f"{numbers.count(twice)} of the {len(numbers)} spectra state the {dim} {twice:g}",
                where=dim,
                remedy="Stack those of one series only, or along what else differs ('spot', say), "
                "or at once with surfspec.spectra.stack_grid() or surfspec.io.read_series()",
            )
        return None
    return [int(value) for value in numbers] if _counted(dim, numbers) else numbers


def _counted(dim: str, numbers: Sequence[float]) -> bool:
    return dim in {"spot", "cycle"} and all(value.is_integer() for value in numbers)


def _refuse_contradiction(members: Sequence[xr.Dataset], dim: str, labels: NDArray[Any]) -> None:
    """Refuse values along a dimension that are not those which the members state in an attribute of this name."""
    if labels.dtype.kind not in "iuf":
        return
    for index, (member, label) in enumerate(zip(members, labels.tolist(), strict=True)):
        said = number_of(member.attrs.get(dim))
        if abs(said - label) > _SAME_VALUE * abs(said):
            raise InputError(
                f"spectrum {index} states the {dim} {said:g} and the value given for it is {label:g}",
                where=dim,
                remedy=f"Leave the values out to take those of the spectra, or correct attrs['{dim}'] first",
            )
