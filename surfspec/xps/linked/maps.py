"""From the links of a global recipe to maps: how the parameters of each spectrum follow common ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.linked_map import LinkedMap
from surfspec.fitting.model import Parameter
from surfspec.xps.linked.data import SHIFT_ROOM, Ready
from surfspec.xps.linked.graph import Graph, is_center, resolve
from surfspec.xps.linked.links import Link, named
from surfspec.xps.linked.recipe import GlobalRecipe
from surfspec.xps.linked.values import Value

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Follows:
    """How one spectrum follows common parameters.

    Attributes
    ----------
    links
        The map.
    own
        Its own parameters with their ranges: a binding energy beside a shift has that of the recipe.
    tied
        Names of the parameters that follow common ones alone.
    """

    links: LinkedMap
    own: tuple[Parameter, ...]
    tied: tuple[str, ...]


def shift_name(sample: str) -> str:
    """Return the name of the common shift of a sample."""
    return f"{sample} / charge shift"


def graph_of(recipe: GlobalRecipe, every: Sequence[Ready], links: Sequence[tuple[int, Link]]) -> Graph:
    """Resolve links over the samples that were measured.

    Parameters
    ----------
    recipe
        The global recipe.
    every
        The spectra, prepared.
    links
        Which of its links, with their numbers.

    Raises
    ------
    InputError
        For links that these spectra cannot keep: an unknown sample, ranges that do not overlap.
    """
    samples = list(dict.fromkeys(one.sample for one in every))
    tables = {sample: {region: _absent(recipe, region) for region in recipe.regions} for sample in samples}
    for one in every:
        tables[one.sample][one.region] = {p.name: _in_recipe(one, p) for p in one.parameters}
    graph = resolve(tables, links, recipe.charge, samples)
    if graph.faults:
        place, message = graph.faults[0]
        raise InputError(message, where=place, remedy="Mend the recipe, or leave the sample out")
    return graph


def _absent(recipe: GlobalRecipe, region: str) -> dict[str, Parameter]:
    """Return the parameters of a region that was not measured: its places have no limits of their own."""
    found = dict(recipe.tables[region])
    for name, one in found.items():
        if one.vary and (name.endswith(" area") or (is_center(name) and recipe.charge is None)):
            low = 0.0 if name.endswith(" area") else -np.inf
            found[name] = replace(one, low=low, high=np.inf)
    return found


def _in_recipe(one: Ready, parameter: Parameter) -> Parameter:
    """Return a parameter in the terms of the recipe: centres as binding energies, areas as rates."""
    if parameter.name in one.recipe_centers:
        return one.recipe_centers[parameter.name]
    if parameter.name.endswith(" area") and one.time != 1.0:
        value, low, high = (n / one.time for n in (parameter.value, parameter.low, parameter.high))
        return replace(parameter, value=value, low=low, high=high, prior=None)
    return parameter


def maps_of(recipe: GlobalRecipe, every: Sequence[Ready], graph: Graph) -> tuple[tuple[Parameter, ...], list[Follows]]:
    """Return the common parameters that the spectra know, and the map of each spectrum.

    Parameters
    ----------
    recipe
        The global recipe.
    every
        The spectra.
    graph
        Their links, resolved.
    """
    values = [_values(recipe, one, graph) for one in every]
    used = set().union(*(value.names() for per in values for value, _ in per.values()))
    common = {name: one for name, one in _shifts(recipe, every).items() if name in used}
    common |= {name: one for name, one in graph.parameters.items() if name in used}
    position = {name: i for i, name in enumerate(common)}
    return tuple(common.values()), [_follows(one, per, position) for one, per in zip(every, values, strict=True)]


def _values(recipe: GlobalRecipe, one: Ready, graph: Graph) -> dict[str, tuple[Value, bool]]:
    """Return for each parameter that is not simply its own: its value, and whether it has a part of its own too."""
    out: dict[str, tuple[Value, bool]] = {}
    for p in one.parameters:
        found = graph.values.get((one.sample, one.region, p.name))
        center = p.name in one.recipe_centers
        if center and found is None and recipe.charge is not None:
            told = one.recipe_centers[p.name]
            if (one.region, p.name) == named(recipe.charge.reference, "reference"):
                found = Value(const=recipe.charge.energy)
            elif not told.vary:
                found = Value(const=told.value)
            elif told.prior is not None:  # a measurement of the energy: common, though to this spectrum alone
                label = f"{one.sample} / {one.region} / {p.name}"
                graph.parameters.setdefault(label, replace(told, name=label))
                found = Value(linear={label: 1.0})
            else:
                out[p.name] = (Value().plus(shift_name(one.sample)), True)
                continue
        if found is not None:
            out[p.name] = (found.plus(shift_name(one.sample)) if center else found, False)
    return out


def _shifts(recipe: GlobalRecipe, every: Sequence[Ready]) -> dict[str, Parameter]:
    """Return the shift of each sample, around the coarse one."""
    if recipe.charge is None:
        return {}
    out = {}
    for one in every:
        at, name = one.prepared.shift, shift_name(one.sample)
        out[name] = Parameter(name, at, at - SHIFT_ROOM, at + SHIFT_ROOM, unit="eV")
    return out


def check_shifts(every: Sequence[Ready], maps: Sequence[Follows], common: Sequence[Parameter]) -> None:
    """Refuse a shift that nothing in its sample fixes.

    Parameters
    ----------
    every, maps, common
        The spectra, their maps and the common parameters.

    Raises
    ------
    InputError
        Naming the sample.
    """
    names = [p.name for p in common]
    for sample in dict.fromkeys(one.sample for one in every):
        name = shift_name(sample)
        if name not in names:
            continue
        column = names.index(name)
        rows = [(f.links.linear[:, column] != 0) & ~f.links.owned for f in maps]
        if not any(np.any(one) for one in rows):
            raise InputError(
                "nothing fixes the charge shift of this sample: it lacks the reference line, and all its binding "
                "energies are free",
                where=sample,
                remedy="Add the region of the reference, or link a centre of this sample over the samples",
            )


def _follows(one: Ready, per: Mapping[str, tuple[Value, bool]], position: Mapping[str, int]) -> Follows:
    count = len(one.parameters)
    linear, offset, owned = np.zeros((count, len(position))), np.zeros(count), np.ones(count, dtype=bool)
    products, own, tied = [], [], []
    for row, p in enumerate(one.parameters):
        value, mine = per.get(p.name, (Value(), True))
        unit = one.time if p.name.endswith(" area") else 1.0
        for name, factor in value.linear.items():
            linear[row, position[name]] = unit * factor
        products += [(row, position[a], position[b], unit * factor) for (a, b), factor in value.products.items()]
        offset[row], owned[row] = unit * value.const, mine
        if mine:
            own.append(one.recipe_centers[p.name] if p.name in per else p)
        else:
            tied.append(p.name)
    return Follows(LinkedMap(linear, offset, owned, tuple(products)), tuple(own), tuple(tied))


def reduced(follows: Follows, columns: Sequence[int]) -> Follows:
    """Return the map over some of the common parameters, the only ones that it knows."""
    keep = {old: new for new, old in enumerate(columns)}
    products = tuple((row, keep[i], keep[j], factor) for row, i, j, factor in follows.links.products)
    links = LinkedMap(follows.links.linear[:, list(columns)], follows.links.offset, follows.links.owned, products)
    return replace(follows, links=links)


def groups_of(maps: Sequence[Follows]) -> list[list[int]]:
    """Return the spectra group by group: those of different groups have nothing in common.

    Parameters
    ----------
    maps
        The map of each spectrum.
    """
    touched = np.array([one.links.touched() for one in maps])
    left, out = list(range(len(maps))), []
    while left:
        group = {left[0]}
        while True:
            known = np.any(touched[sorted(group)], axis=0)
            more = {i for i in left if np.any(touched[i] & known)} | group
            if more == group:
                break
            group = more
        out.append(sorted(group))
        left = [i for i in left if i not in group]
    return out
