"""Were two fits made alike? Areas by different ions, transmissions or backgrounds are not the same quantity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import xarray as xr

from surfspec.errors import InputError
from surfspec.leis.recipe import Recipe
from surfspec.recipes import load_yaml

#: Keys that give an area another meaning: another experiment, another division of a spectrum into peak and background.
DECISIVE = (
    "ion", "energy", "angle", "transmission", "isotopes", "inelastic_loss", "low_energy_tail", "foot", "foot_shape",
)  # fmt: skip
#: Keys that move areas by little, but all to one side: named as a reason.
DOUBTFUL = (
    "slope", "sputter_tail", "sputter_decay", "lag", "acceptance_shape", "thermal_energy", "potential", "survival",
    "tail", "lag_range",
)  # fmt: skip
#: Ranges of parameters of the instrument or the sample: a number fixed inside the other's range is what
#: :meth:`Recipe.with_instrument` does, and no difference.
RANGES = ("survival", "tail", "lag_range")


def recorded(dataset: xr.Dataset) -> Recipe | None:
    """Return the recipe that a fit, or a table made of fits, was made with; None where it does not say.

    Examples
    --------
    >>> recorded(xr.Dataset()) is None
    True
    """
    text = dataset.attrs.get("recipe") or dataset.attrs.get("fit_recipe")
    return load_yaml(str(text), Recipe) if text else None


def same_recipe(
    *datasets: xr.Dataset | None, names: Sequence[str] = (), where: str = "recipe", same_elements: bool = True
) -> list[str]:
    r"""Refuse results whose areas are not comparable, and return what makes them doubtful.

    Parameters
    ----------
    datasets
        Fits, or tables that carry the recipe of their fits (``attrs["fit_recipe"]``). Those without one, and None, are
        passed over.
    names
        What to call each in the message; by default ``first``, ``second``, ...
    where
        Parameter named in the error.
    same_elements
        Refuse other sets of elements; False makes a reason of them.

    Returns
    -------
    list
        Reasons ``"model inadequate: ..."``, empty where the recipes agree but for numbers of the instrument (gain,
        offset, resolution, acceptance, window) and ranges that a fixed number lies in.

    Raises
    ------
    InputError
        For another ion, energy, angle, transmission, treatment of isotopes, inelastic loss, tail of the peaks or
        foot, and for other elements; with the name of the key and both values.

    Examples
    --------
    >>> one = xr.Dataset(attrs={"recipe": "elements: [O, Zr]"})
    >>> other = xr.Dataset(attrs={"recipe": "{elements: [O, Zr], transmission: -1.0}"})
    >>> same_recipe(one, one)
    []
    >>> same_recipe(one, other)
    Traceback (most recent call last):
    ...
    surfspec.errors.InputError: recipe: first was fitted with transmission None, second with -1.0. Fit ...
    """
    labels = names or tuple(_ordinal(i) for i in range(len(datasets)))
    known = [
        (label, recipe)
        for label, one in zip(labels, datasets, strict=True)
        if one is not None and (recipe := recorded(one)) is not None
    ]
    reasons: list[str] = []
    for label, recipe in known[1:]:
        reasons += compare(known[0][1], recipe, known[0][0], label, where, same_elements)
    return list(dict.fromkeys(reasons))


def compare(one: Recipe, other: Recipe, first: str, second: str, where: str, same_elements: bool) -> list[str]:
    """Compare two recipes as :func:`same_recipe` does."""

    def refuse(key: str, a: object, b: object) -> None:
        raise InputError(
            f"{first} was fitted with {key} {a}, {second} with {b}", where=where, remedy="Fit both with one recipe"
        )

    reasons = []
    if set(one.elements) != set(other.elements):
        if same_elements:
            refuse("elements", ", ".join(one.elements), ", ".join(other.elements))
        reasons.append(
            f"model inadequate: {first} was fitted with {', '.join(one.elements)}, "
            f"{second} with {', '.join(other.elements)}"
        )
    for key in DECISIVE:
        a, b = _value(one, key), _value(other, key)
        if key == "inelastic_loss":  # of elements that only one was fitted with nothing can differ
            common = set(one.elements) & set(other.elements)
            a, b = ({name: loss for name, loss in given.items() if name in common and loss} for given in (a, b))
        if a != b:
            refuse(key, a, b)
    for key in DOUBTFUL:
        a, b = _value(one, key), _value(other, key)
        if key == "lag" and set(one.elements) != set(other.elements):
            continue
        if a != b and not (key in RANGES and _within(a, b)):
            reasons.append(f"model inadequate: {first} was fitted with {key} {_text(a)}, {second} with {_text(b)}")
    return reasons


def _value(recipe: Recipe, key: str) -> Any:
    if key == "ion":
        return recipe.ion.replace("+", "")
    if key == "lag":
        return tuple(sorted(recipe.lagging()))
    if key == "inelastic_loss":
        return dict(recipe.inelastic_loss)
    if key == "transmission":
        given = recipe.transmission
        return given if isinstance(given, tuple) else None if not given else float(given)
    found = getattr(recipe, key)
    return tuple(map(float, found)) if key in (*RANGES, "foot_shape") else found


def _within(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Return whether one range is a number inside the other, or both are numbers."""
    fixed = [pair[0] == pair[1] for pair in (one, other)]
    if all(fixed):
        return True
    if not any(fixed):
        return False
    number, wide = (one, other) if fixed[0] else (other, one)
    return wide[0] <= number[0] <= wide[1]


def _text(value: object) -> str:
    return " to ".join(f"{end:g}" for end in value) if isinstance(value, tuple) and _numbers(value) else str(value)


def _numbers(value: tuple[Any, ...]) -> bool:
    return bool(value) and all(isinstance(end, float) for end in value)


def _ordinal(i: int) -> str:
    return ("first", "second", "third")[i] if i < 3 else f"number {i + 1}"
