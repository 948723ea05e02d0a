"""What to fit in a core-level region: a frozen recipe, the same words in YAML and Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from surfspec import recipes, reference
from surfspec.errors import InputError
from surfspec.xps.background_choice import Background
from surfspec.xps.entries import DOUBLETS, AreaRatio, Doublet, Entry, Multiplet, MultipletLine, Peak, Range

__all__ = [
    "DOUBLETS",
    "AreaRatio",
    "Background",
    "Doublet",
    "Entry",
    "Multiplet",
    "MultipletLine",
    "Peak",
    "Range",
    "Recipe",
    "load_recipe",
    "recipe_names",
]


@dataclass(frozen=True)
class Recipe:
    """How to fit one region.

    Attributes
    ----------
    recipe
        Its name.
    region
        Name of the region it is for, ``"Zr 3d"``.
    window
        Limits of the fit in eV, on the corrected scale.
    satellites
        Anode of a source without monochromator, ``"Al"`` or ``"Mg"``: every core level gets the satellites that the
        X-ray lines beside K-alpha1,2 make of it in the window, tied to it.
    shift_search
        Rigid shift in eV, up or down, searched for before the fit; 0 trusts the scale.
    """

    recipe: str
    region: str
    window: tuple[float, float]
    peaks: tuple[Peak, ...] = ()
    doublets: tuple[Doublet, ...] = ()
    multiplets: tuple[Multiplet, ...] = ()
    background: Background = field(default_factory=Background)
    shift_search: float = field(default=0.0, metadata={"low": 0.0, "high": 50.0, "unit": "eV"})
    satellites: Literal["none", "Al", "Mg"] = "none"
    technique: Literal["xps"] = "xps"
    source: str = ""
    doc: str = ""

    def __post_init__(self) -> None:
        for name, kind in (("peaks", Peak), ("doublets", Doublet), ("multiplets", Multiplet)):
            given = getattr(self, name)
            if not isinstance(given, tuple) or not all(isinstance(one, kind) for one in given):
                raise InputError(
                    f"{name} is {given!r}"[:120], where=name, remedy=f"Give a tuple of xps.{kind.__name__}: (one, two)"
                )
        numbers = self.window if isinstance(self.window, tuple) else ()
        if len(numbers) != 2 or not all(isinstance(n, int | float) for n in numbers):
            raise InputError(f"window is {self.window!r}", where="window", remedy="Give (low, high) in eV")
        if self.window[0] >= self.window[1]:
            raise InputError(
                f"window {self.window[0]:g} to {self.window[1]:g} does not rise", remedy="Give [low, high] in eV"
            )
        names = [entry.name for entry in self.entries()]
        if not names:
            raise InputError("the recipe has no peak", remedy="Add at least one peak, doublet or multiplet")
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"the peak name {repeated[0]!r} appears twice", remedy="Give each peak its own name")

        clash = sorted({f"{one.name} weak" for one in self.doublets if one.weak_widths} & set(names))
        if clash:
            raise InputError(
                f"the peak {clash[0]!r} and the weaker line of {clash[0].removesuffix(' weak')!r} would share widths",
                where="weak_widths",
                remedy="Rename the peak",
            )

    def entries(self) -> tuple[Entry, ...]:
        """Return all that it lists: peaks, doublets, multiplets."""
        return (*self.peaks, *self.doublets, *self.multiplets)


def load_recipe(name: str | Path) -> Recipe:
    """Return a shipped recipe by the name of its region, or one of your own by its file.

    Parameters
    ----------
    name
        ``"Zr 3d"``, ``"Na1s"``, ...; or the path of a YAML file.

    Returns
    -------
    Recipe
        Frozen; change it with :func:`dataclasses.replace`.

    Raises
    ------
    InputError
        When there is no shipped recipe of that name.
    RecipeError
        With every fault of a file at once, each with its line and column.

    Examples
    --------
    >>> load_recipe("Zr3d").doublets[0].lines()
    ('Zr 3d5/2', 'Zr 3d3/2')
    """
    if isinstance(name, Path) or name.endswith((".yaml", ".yml")):
        return recipes.load_file(name, Recipe)
    wanted = reference.region_name(name)
    available = recipe_names()
    if wanted not in available:
        raise InputError(
            f"no shipped recipe for {wanted!r}",
            where=name,
            remedy=f"Use one of {', '.join(available)}, or write your own and pass its file",
        )
    return _shipped(wanted)


@lru_cache
def _shipped(region: str) -> Recipe:
    return recipes.load_file(reference.path("recipes", "xps", f"{region.replace(' ', '_')}.yaml"), Recipe)


def recipe_names() -> tuple[str, ...]:
    """Return the names of the shipped recipes.

    Examples
    --------
    >>> "Pb 4f" in recipe_names()
    True
    """
    return tuple(sorted(stem.replace("_", " ") for stem in reference.names("recipes/xps", ".yaml")))
