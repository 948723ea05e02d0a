"""From a recipe to a table of components: doublets unfolded, ties resolved, starts shifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.lineshapes import shape
from surfspec.fitting.model import Component, Model, Parameter, Tie
from surfspec.xps.recipe import Doublet, Peak, Range, Recipe

Array = NDArray[np.float64]

#: Start, low, high in eV of a width that a recipe does not name. Gauss: instrument and phonons;
#: Lorentz: lifetimes of core levels below 1.1 keV (Campbell and Papp, At. Data 77 (2001) 1).
DEFAULT_WIDTHS: Mapping[str, tuple[float, float, float]] = {
    "fwhm": (1.4, 0.4, 3.5),
    "fwhm_gauss": (1.2, 0.3, 3.5),
    "fwhm_lorentz": (0.3, 0.0, 1.5),
    "mixing": (0.3, 0.0, 1.0),
    "asymmetry": (0.05, 0.0, 0.4),
}
_UNITS = {"mixing": "1", "asymmetry": "1"}


@dataclass(frozen=True)
class Table:
    """A model and the labels of its components."""

    model: Model
    species: tuple[str, ...]
    element: tuple[str, ...]
    line: tuple[str, ...]


def build(recipe: Recipe, shift: float = 0.0, area_scale: float = 1.0) -> Table:
    """Return the model of a recipe, its energies moved by `shift` eV.

    Parameters
    ----------
    recipe
        What to fit.
    shift
        Added to every centre and its limits.
    area_scale
        Start value of the areas.

    Raises
    ------
    InputError
        For a tie to an unknown peak, a circle of ties or an unknown role.
    """
    entries: dict[str, Peak | Doublet] = {p.name: p for p in recipe.peaks}
    entries |= {d.name: d for d in recipe.doublets}
    maker = _Maker(entries, shift, area_scale)
    for entry in entries.values():
        maker.add(entry)
    components = maker.components
    return Table(
        model=Model(tuple(maker.parameters.values()), tuple(components)),
        species=tuple(c.labels["species"] for c in components),
        element=tuple(c.labels["element"] for c in components),
        line=tuple(c.labels["line"] for c in components),
    )


class _Maker:
    """Collects parameters and components while a recipe is unfolded."""

    def __init__(self, entries: Mapping[str, Peak | Doublet], shift: float, area_scale: float) -> None:
        self.entries = entries
        self.shift = shift
        self.area_scale = area_scale
        self.parameters: dict[str, Parameter] = {}
        self.components: list[Component] = []

    def add(self, entry: Peak | Doublet) -> None:
        """Add the parameters and components of one peak or doublet."""
        one = shape(entry.shape)
        area = self.area(entry, ())
        roles = {role: self.role(entry, role, ()) for role in one.roles}
        labels = {"species": entry.species or entry.name, "element": entry.line.split()[0]}
        if isinstance(entry, Peak):
            self.components.append(Component(entry.name, entry.shape, area, roles, {**labels, "line": entry.line}))
            return
        strong, weak = entry.lines()
        names = [f"{entry.name} {line.split()[1]}" for line in (strong, weak)]
        self.components.append(Component(names[0], entry.shape, area, roles, {**labels, "line": strong}))
        ratio = entry.area_ratio()
        partner = {role: self._partner(entry, role, tie) for role, tie in roles.items()}
        self.components.append(Component(names[1], entry.shape, area.scaled(ratio), partner, {**labels, "line": weak}))

    def _partner(self, entry: Doublet, role: str, tie: Tie) -> Tie:
        if role == "center":
            return self._split(entry, tie)
        natural = {"fwhm_lorentz", "fwhm"} if "fwhm_lorentz" not in entry.widths else {"fwhm_lorentz"}
        if role in natural and entry.width_ratio != 1.0:
            return tie.scaled(entry.width_ratio)
        return tie

    def _split(self, entry: Doublet, center: Tie) -> Tie:
        if not isinstance(entry.splitting, Range):
            return center.scaled(1.0, float(entry.splitting))
        if entry.splitting.follows is not None:
            other = self._other(entry, entry.splitting.follows, ())
            if not isinstance(other, Doublet) or not isinstance(other.splitting, Range):
                raise InputError(
                    f"the splitting of {entry.name!r} follows {other.name!r}, which has no free splitting",
                    where=entry.name,
                    remedy="Follow a doublet whose splitting is a range",
                )
            name = f"{other.name} splitting"
        else:
            name = f"{entry.name} splitting"
            self.parameters.setdefault(name, self._parameter(name, "splitting", entry.splitting))
        return Tie(center.parameter, center.factor, center.offset, (*center.also, (name, 1.0)))

    def area(self, entry: Peak | Doublet, path: Sequence[str]) -> Tie:
        """Return the tie of an area; `path` names the peaks that lead here, against circles."""
        if entry.area is not None:
            other = self._other(entry, entry.area.ratio_to, path)
            return self.area(other, (*path, entry.name)).scaled(entry.area.factor)
        name = f"{entry.name} area"
        self.parameters.setdefault(
            name, Parameter(name, self.area_scale, 0.0, np.inf, unit="intensity eV", natural_low=True)
        )
        return Tie(name)

    def role(self, entry: Peak | Doublet, role: str, path: Sequence[str]) -> Tie:
        """Return the tie of a role of the shape, its own parameter or that of the peak it follows."""
        given = entry.center if role == "center" else entry.widths.get(role)
        if isinstance(given, Range) and given.follows is not None:
            other = self._other(entry, given.follows, path)
            if role not in shape(other.shape).roles:
                raise InputError(
                    f"{entry.name!r} follows {other.name!r}, whose shape {other.shape!r} has no {role!r}",
                    where=entry.name,
                    remedy="Give both peaks the same shape, or a range of its own",
                )
            return self.role(other, role, (*path, entry.name)).scaled(given.factor, given.offset)
        name = f"{entry.name} {role}"
        self.parameters.setdefault(name, self._parameter(name, role, given))
        return Tie(name)

    def _parameter(self, name: str, role: str, given: Range | float | None) -> Parameter:
        move = self.shift if role == "center" else 0.0
        unit = _UNITS.get(role, "eV")
        natural = role in {"fwhm_lorentz", "mixing", "asymmetry"}
        if isinstance(given, Range):
            value, low, high = (float(v) + move for v in (given.value, given.low, given.high) if v is not None)
            if low == high:
                return Parameter(name, value, vary=False, unit=unit)
            return Parameter(name, value, low, high, unit=unit, natural_low=natural and low == 0)
        if given is not None:
            return Parameter(name, given + move, vary=False, unit=unit)
        value, low, high = DEFAULT_WIDTHS[role]
        return Parameter(name, value, low, high, unit=unit, natural_low=natural and low == 0)

    def _other(self, entry: Peak | Doublet, name: str, path: Sequence[str]) -> Peak | Doublet:
        if name not in self.entries:
            raise InputError(
                f"{entry.name!r} is tied to {name!r}, which the recipe does not have",
                where=entry.name,
                remedy=f"Peaks are {', '.join(self.entries)}",
            )
        if name in (*path, entry.name):
            raise InputError(
                "ties run in a circle: " + " -> ".join((*path, entry.name, name)),
                where=entry.name,
                remedy="Let one of these peaks have its own range",
            )
        return self.entries[name]
