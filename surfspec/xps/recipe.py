"""What to fit in a core-level region: a frozen recipe, the same words in YAML and Python."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

from surfspec import recipes, reference
from surfspec.errors import InputError
from surfspec.fitting.backgrounds import KINDS, background_options
from surfspec.fitting.lineshapes import SHAPES, shape

#: Relative area of the weaker line of a doublet by the statistical weight (2j + 1), and the j of both.
DOUBLETS: Mapping[str, tuple[str, str, float]] = {
    "p": ("3/2", "1/2", 1 / 2),
    "d": ("5/2", "3/2", 2 / 3),
    "f": ("7/2", "5/2", 3 / 4),
}


#: Options of backgrounds that are words; all others are numbers.
TEXT_OPTIONS = ("preset", "rule", "cross_section")


def _check_entry(name: str, line: str, of: str, widths: Mapping[str, object]) -> None:
    """Refuse a peak without a name, of an unknown line, shape or width."""
    if not name.strip():
        raise InputError("a peak has no name", where="name", remedy="Name its chemical state, 'carbonate' say")
    words = line.split()
    if len(words) != 2 or words[0] not in reference.element_symbols():
        raise InputError(
            f"{line!r} is no line", where="line", remedy="Give element and level: 'C 1s', 'Zr 3d', 'Na KLL'"
        )
    roles = shape(of).roles
    if of not in SHAPES:
        raise InputError(f"{of!r} is no peak", where="shape", remedy=f"Use {', '.join(SHAPES)}")
    unknown = sorted(set(widths) - set(roles))
    if unknown:
        raise InputError(
            f"shape {of!r} has no {unknown[0]!r}",
            where="widths",
            remedy=f"Its widths are {', '.join(role for role in roles if role != 'center')}",
        )


@dataclass(frozen=True)
class Range:
    """A number with the limits it may move in, or one that follows another peak's.

    Attributes
    ----------
    value, low, high
        Start and limits. All three for a free number.
    follows
        Name of the peak whose number it follows: ``number = factor * other + offset``.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    follows: str | None = None
    factor: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        if self.follows is not None:
            if (self.value, self.low, self.high) != (None, None, None):
                raise InputError(
                    "a number that follows another has no value or limits of its own",
                    remedy="Keep either 'follows' or 'value, low, high'",
                )
            return
        if self.value is None or self.low is None or self.high is None:
            raise InputError(
                "a free number needs value, low and high",
                remedy="Give all three; without limits a peak can slide under its neighbour",
            )
        if not all(isinstance(n, int | float) and math.isfinite(n) for n in (self.value, self.low, self.high)):
            raise InputError(
                f"value, low and high are {self.value!r}, {self.low!r} and {self.high!r}", remedy="Give finite numbers"
            )
        if not self.low <= self.value <= self.high:
            raise InputError(
                f"value {self.value:g} is not between low {self.low:g} and high {self.high:g}",
                remedy="Move the value into the range",
            )


@dataclass(frozen=True)
class AreaRatio:
    """Ties an area to another peak's: ``area = factor * area of ratio_to``."""

    ratio_to: str
    factor: float = field(metadata={"low": 0.0})


@dataclass(frozen=True)
class Peak:
    """One line: a core level of one chemical state, or an Auger line.

    Attributes
    ----------
    name
        Chemical state, ``"carbonate"``: unique within the recipe.
    line
        ``"C 1s"``, ``"Na KLL"``; labels the component.
    center
        Binding energy in eV after charge correction: a range, a fixed number, or ``follows``.
    shape
        One of :data:`surfspec.fitting.lineshapes.SHAPES`.
    widths
        The shape's other roles (``fwhm_gauss``, ``fwhm_lorentz``, ``fwhm``, ``mixing``, ...).
    area
        Tie to another peak's area; free and non-negative by default.
    """

    name: str
    line: str
    center: Range | float
    shape: str = "voigt"
    widths: Mapping[str, Range | float] = field(default_factory=dict)
    area: AreaRatio | None = None
    species: str = ""

    def __post_init__(self) -> None:
        _check_entry(self.name, self.line, self.shape, self.widths)


@dataclass(frozen=True)
class Doublet:
    """A spin-orbit pair as one object; the named centre and area are those of its stronger line.

    Attributes
    ----------
    line
        ``"Zr 3d"``; the components become ``Zr 3d5/2`` and ``Zr 3d3/2``.
    splitting
        Distance of the weaker line to higher binding energy, in eV.
    ratio
        Area of the weaker over the stronger line: ``"2j+1"`` or a number.
    width_ratio
        Lorentz (or only) width of the weaker over the stronger line; above 1 for Coster-Kronig.
    """

    name: str
    line: str
    center: Range | float
    splitting: Range | float
    ratio: Literal["2j+1"] | float = field(default="2j+1", metadata={"above": 0.0})
    shape: str = "voigt"
    widths: Mapping[str, Range | float] = field(default_factory=dict)
    width_ratio: float = field(default=1.0, metadata={"low": 0.2, "high": 5.0})
    area: AreaRatio | None = None
    species: str = ""

    def __post_init__(self) -> None:
        _check_entry(self.name, self.line, self.shape, self.widths)
        smallest = self.splitting.low if isinstance(self.splitting, Range) else self.splitting
        if isinstance(smallest, int | float) and smallest <= 0:
            raise InputError(
                f"the splitting of {self.name!r} is {smallest:g} eV",
                where="splitting",
                remedy="Give the distance of the weaker line to higher binding energy, a positive number",
            )
        if not isinstance(self.ratio, str) and not self.ratio > 0:
            raise InputError(
                f"the ratio of {self.name!r} is {self.ratio:g}", where="ratio", remedy="Give '2j+1' or a number above 0"
            )
        if self.line[-1:] not in DOUBLETS:
            raise InputError(
                f"{self.line!r} is no doublet", remedy="Doublets end in p, d or f: 'Zr 3d'; use a peak for s levels"
            )

    def lines(self) -> tuple[str, str]:
        """Return the names of the stronger and the weaker line."""
        strong, weak, _ = DOUBLETS[self.line[-1]]
        return f"{self.line}{strong}", f"{self.line}{weak}"

    def area_ratio(self) -> float:
        """Return the area of the weaker over the stronger line."""
        return DOUBLETS[self.line[-1]][2] if self.ratio == "2j+1" else float(self.ratio)


@dataclass(frozen=True)
class Background:
    """The background under the peaks; computed from the data before the fit, on its window.

    Attributes
    ----------
    kind
        One of ``none, constant, linear, shirley, shirley_iterative, smart, tougaard``.
    options
        Options of that kind: ``preset``, ``rule``, ``average``, ``B``, ``C``, ...
    below_tails
        Take the end levels below the tails that the fitted peaks have there, and fit again, until
        the areas settle. Without it a background swallows the tails inside its end levels;
        other programs do that, so parity with them needs ``false``.
    """

    kind: str = "smart"
    options: Mapping[str, str | float] = field(default_factory=dict)
    below_tails: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InputError(f"unknown background {self.kind!r}", where="kind", remedy=f"Use one of {', '.join(KINDS)}")
        allowed = background_options(self.kind)
        for name, value in self.options.items():
            if name not in allowed:
                raise InputError(
                    f"the background {self.kind!r} has no option {name!r}",
                    where="options",
                    remedy=f"Its options are {', '.join(allowed) or 'none'}",
                )
            if (name in TEXT_OPTIONS) != isinstance(value, str) or isinstance(value, bool):
                raise InputError(
                    f"option {name!r} is {value!r}",
                    where="options",
                    remedy="Give a word" if name in TEXT_OPTIONS else "Give a number",
                )


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
    shift_search
        Rigid shift in eV, up or down, searched for before the fit; 0 trusts the scale.
    """

    recipe: str
    region: str
    window: tuple[float, float]
    peaks: tuple[Peak, ...] = ()
    doublets: tuple[Doublet, ...] = ()
    background: Background = Background()
    shift_search: float = field(default=0.0, metadata={"low": 0.0, "high": 50.0, "unit": "eV"})
    technique: Literal["xps"] = "xps"
    source: str = ""
    doc: str = ""

    def __post_init__(self) -> None:
        for name, kind in (("peaks", Peak), ("doublets", Doublet)):
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
        names = [*(p.name for p in self.peaks), *(d.name for d in self.doublets)]
        if not names:
            raise InputError("the recipe has no peak", remedy="Add at least one entry under peaks or doublets")
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise InputError(f"the peak name {repeated[0]!r} appears twice", remedy="Give each peak its own name")


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
