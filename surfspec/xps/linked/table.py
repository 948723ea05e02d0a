"""The table of a global fit: common parameters with their covariance, what is linked, and what the data say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from surfspec import recipes, schema, spectra
from surfspec._version import __version__
from surfspec.fitting.linked import SharedFit
from surfspec.xps.linked.checks import LinkTest
from surfspec.xps.linked.data import Ready
from surfspec.xps.linked.maps import Array, Follows, shift_name
from surfspec.xps.linked.recipe import GlobalRecipe
from surfspec.xps.region.linked_rows import Row

#: Variance of a fixed energy beside a shift that is nothing but rounding, relative to that of the shift.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Group:
    """Spectra that were fitted together: their numbers, their last backgrounds, the fit, its common parameters."""

    members: tuple[int, ...]
    rows: tuple[Row, ...]
    joint: SharedFit
    columns: tuple[int, ...]


def common_table(
    recipe: GlobalRecipe,
    every: Sequence[Ready],
    groups: Sequence[Group],
    maps: Sequence[Follows],
    tests: Sequence[LinkTest],
) -> xr.Dataset:
    """Return the table of a global fit.

    Parameters
    ----------
    recipe, every, maps
        The recipe, the spectra and their maps.
    groups
        What was fitted together.
    tests
        The tests of the links.

    Returns
    -------
    xarray.Dataset
        Kind ``table``; see :class:`surfspec.xps.GlobalFit`.
    """
    labels = [f"{one.sample} / {one.region}" for one in every]
    out = xr.Dataset(
        {
            **_common(groups),
            **_linked(groups, maps, labels),
            **(_energies(every, groups) if recipe.charge is not None else {}),
            **_links(tests),
            **_spectra(groups, labels),
        },
        attrs={
            "kind": "table",
            "technique": "XPS",
            "title": f"Common parameters of the global fit {recipe.recipe}",
            "recipe": recipes.to_yaml(recipe),
            "recipe_name": recipe.recipe,
            "surfspec_version": __version__,
            **spectra.origin(*(one.spectrum for one in every)),
        },
    )
    return schema.check(out, "table")


def _number(dims: tuple[str, ...] | str, values: object, long_name: str, **more: str) -> tuple[object, ...]:
    return dims, np.asarray(values, dtype=np.float64), {"units": "1", "long_name": long_name, **more}


def _blocks(parts: Sequence[Array]) -> Array:
    """Return the covariance of groups that have nothing in common."""
    size = sum(part.shape[0] for part in parts)
    out, at = np.zeros((size, size)), 0
    for part in parts:
        out[at : at + part.shape[0], at : at + part.shape[0]] = part
        at += part.shape[0]
    return out


def _common(groups: Sequence[Group]) -> dict[str, object]:
    joints = [group.joint for group in groups]
    parameters = [p for joint in joints for p in joint.joint.problem.parameters]
    unit = {"comment": "unit in the coordinate common_unit"}
    names = np.array([p.name for p in parameters], dtype=str)
    joined = {
        name: np.concatenate([np.zeros(0), *(getattr(joint, name) for joint in joints)])
        for name in ("values", "uncertainties")
    }
    held = {name for joint in joints for name in joint.at_bound}
    return {
        "common": names,
        "common_b": names,
        "common_unit": ("common", np.array([p.unit for p in parameters], dtype=str)),
        "value": _number("common", joined["values"], "Value", ancillary_variables="value_unc", **unit),
        "value_unc": _number(
            "common",
            [np.nan if p.name in held else unc for p, unc in zip(parameters, joined["uncertainties"], strict=True)],
            "Standard uncertainty of the value",
            **unit,
        ),
        "low": _number("common", [p.low for p in parameters], "Lower limit", **unit),
        "high": _number("common", [p.high for p in parameters], "Upper limit", **unit),
        "covariance": _number(
            ("common", "common_b"), _blocks([j.covariance for j in joints]), "Covariance of the common parameters"
        ),
    }


def _linked(groups: Sequence[Group], maps: Sequence[Follows], labels: Sequence[str]) -> dict[str, object]:
    """Return what follows common parameters in each spectrum, with the covariances between spectra."""
    names, units, values, blocks = [], [], [], []
    for group in groups:
        places = []
        for place, number in enumerate(group.members):
            parameters = group.rows[place].bound.parameters
            for row, p in enumerate(parameters):
                if p.name in maps[number].tied:
                    names.append(f"{labels[number]} / {p.name}")
                    units.append(p.unit)
                    values.append(float(group.joint.solutions[place].values[row]))
                    places.append((place, row))
        joint = group.joint.joint
        slopes = np.array([joint.states[i].slopes[row] for i, row in places]).reshape(len(places), len(group.columns))
        block = slopes @ np.nan_to_num(group.joint.covariance) @ slopes.T
        lost = np.array([bool(joint.lost_of(i)[row] or joint.bound_of(i)[row]) for i, row in places], dtype=bool)
        block[lost, :] = np.nan
        block[:, lost] = np.nan
        blocks.append(block)
    covariance = _blocks(blocks)
    unit = {"comment": "unit in the coordinate linked_unit"}
    return {
        "linked": np.array(names, dtype=str),
        "linked_b": np.array(names, dtype=str),
        "linked_unit": ("linked", np.array(units, dtype=str)),
        "linked_value": _number(
            "linked", values, "Value of a linked parameter", ancillary_variables="linked_value_unc", **unit
        ),
        "linked_value_unc": _number(
            "linked", np.sqrt(np.diag(covariance)), "Standard uncertainty of a linked parameter", **unit
        ),
        "linked_covariance": _number(
            ("linked", "linked_b"), covariance, "Covariance of the linked parameters, between spectra too"
        ),
    }


def _energies(every: Sequence[Ready], groups: Sequence[Group]) -> dict[str, object]:
    """Return the binding energies of all centres, less the shift of their sample and with its covariance."""
    names, values, uncs = [], [], []
    for group in groups:
        fit = group.joint
        for place, number in enumerate(group.members):
            one, column = every[number], fit.names.index(shift_name(every[number].sample))
            solution, cross = fit.solutions[place], fit.joint.with_common(place)[:, column]
            variance = np.diag(solution.covariance) + fit.covariance[column, column] - 2.0 * cross
            for row, p in enumerate(one.parameters):
                if p.name in one.recipe_centers:
                    names.append(f"{one.sample} / {one.region} / {p.name}")
                    values.append(solution.values[row] - fit.values[column])
                    fixed = abs(variance[row]) < ROUNDING * fit.covariance[column, column]
                    uncs.append(0.0 if fixed else np.sqrt(variance[row]))
    return {
        "center": np.array(names, dtype=str),
        "binding_energy": (
            "center",
            np.array(values),
            {"units": "eV", "long_name": "Binding energy", "ancillary_variables": "binding_energy_unc"},
        ),
        "binding_energy_unc": (
            "center",
            np.array(uncs),
            {"units": "eV", "long_name": "Standard uncertainty of the binding energy", "comment": "0 where fixed"},
        ),
    }


def _links(tests: Sequence[LinkTest]) -> dict[str, object]:
    return {
        "link": np.array([one.text for one in tests], dtype=str),
        "chi_square": _number("link", [one.chi_square for one in tests], "Chi-square of the link"),
        "constraints": _number("link", [one.constraints for one in tests], "Parameters that the link takes away"),
        "probability": _number("link", [one.probability for one in tests], "Probability where the link is true"),
        "worst": ("link", np.array([one.worst for one in tests], dtype=str), {"long_name": "Farthest spectrum"}),
    }


def _spectra(groups: Sequence[Group], labels: Sequence[str]) -> dict[str, object]:
    rows = {name: np.full(len(labels), np.nan) for name in ("deviance", "deviance_alone", "group", "group_probability")}
    for n, group in enumerate(groups):
        for place, number in enumerate(group.members):
            rows["deviance"][number] = group.joint.solutions[place].deviance
            rows["deviance_alone"][number] = group.joint.alone[place].deviance
            rows["group"][number] = n
            rows["group_probability"][number] = group.joint.ratio.probability
    names = {
        "deviance": "Deviance in the joint fit",
        "deviance_alone": "Deviance of the own fit",
        "group": "Spectra of one number are linked with each other",
        "group_probability": "Probability of the rise of the deviance of the group where its links are true",
    }
    return {
        "spectrum": np.array(labels, dtype=str),
        **{name: _number("spectrum", values, names[name]) for name, values in rows.items()},
    }
