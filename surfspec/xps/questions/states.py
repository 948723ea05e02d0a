"""The chemical states of a recipe: which components are one state's, and the recipe without it."""

from __future__ import annotations

from dataclasses import replace

from surfspec.errors import InputError
from surfspec.xps.model import Table
from surfspec.xps.questions.profiled_fraction import Shares
from surfspec.xps.recipe import Recipe


def shares_of(recipe: Recipe, table: Table, component: str) -> Shares:
    """Return which components are the state's and which are those of its line.

    Parameters
    ----------
    recipe, table
        What is fitted, and its model.
    component
        Name of the state in the recipe.

    Raises
    ------
    InputError
        For a state that is none of the recipe's, that is tied to another area, or that has its line for itself.
    """
    names = [entry.name for entry in recipe.entries()]
    if component not in names:
        raise InputError(
            f"the recipe has no {component!r}", where="component", remedy=f"Its peaks are {', '.join(names)}"
        )
    area = f"{component} area"
    if area not in {one.name for one in table.model.parameters}:
        raise InputError(
            f"the area of {component!r} is tied to another", where="component", remedy="Give it an area of its own"
        )
    entry = next(one for one in recipe.entries() if one.name == component)
    line = level_of(entry.line)
    mine = {c.name for c in table.model.components if c.name == component or c.name.startswith(f"{component} ")}
    state, every = [], []
    for i, one in enumerate(table.model.components):
        if one.labels["line"].endswith(" sat") or level_of(one.labels["line"]) != line:
            continue
        every.append(i)
        if one.name in mine and area in one.area.names():
            state.append(i)
    if len(state) == len(every):
        raise InputError(
            f"{component!r} is all that the recipe has of {line}",
            where="component",
            remedy="Add the other state of that line, of which a share is asked",
        )
    return Shares.of(table.model, state, every, area)


def level_of(line: str) -> str:
    """Return a line without its j: ``Zr 3d`` for ``Zr 3d5/2``.

    Examples
    --------
    >>> level_of("Zr 3d5/2"), level_of("O 1s")
    ('Zr 3d', 'O 1s')
    """
    return line[:-3] if line.endswith("/2") else line


def without(recipe: Recipe, component: str) -> Recipe:
    """Return a recipe without one of its peaks.

    Raises
    ------
    InputError
        Where other peaks follow it, or it is the only one.

    Examples
    --------
    >>> from surfspec.xps import load_recipe
    >>> [peak.name for peak in without(load_recipe("C 1s"), "carbonate").peaks]
    ['C-C', 'C-O']
    """
    smaller = replace(
        recipe,
        recipe=f"{recipe.recipe} without {component}",
        peaks=tuple(one for one in recipe.peaks if one.name != component),
        doublets=tuple(one for one in recipe.doublets if one.name != component),
        multiplets=tuple(one for one in recipe.multiplets if one.name != component),
    )
    for entry in smaller.entries():
        given = [entry.center, *entry.widths.values(), getattr(entry, "splitting", None), getattr(entry, "ratio", None)]
        tied = entry.area is not None and entry.area.ratio_to == component
        if tied or any(getattr(one, "follows", None) == component for one in given):
            raise InputError(
                f"{entry.name!r} follows {component!r}, without which it means nothing",
                where=component,
                remedy=f"Let {component!r} follow {entry.name!r} instead",
            )
    return smaller
