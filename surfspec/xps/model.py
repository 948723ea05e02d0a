"""From a recipe to a table of components: doublets and multiplets unfolded, ties resolved, starts shifted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import InputError
from surfspec.fitting.active import ActiveBackground
from surfspec.fitting.lineshapes import shape
from surfspec.fitting.model import Component, Model, Parameter, Tie
from surfspec.fitting.solver.priors import has_priors
from surfspec.xps.background_choice import unfold
from surfspec.xps.entries import Doublet, Entry, Multiplet, Peak, Range
from surfspec.xps.recipe import Recipe
from surfspec.xps.satellites import with_satellites

Array = NDArray[np.float64]
#: Start, low, high.
Width = tuple[float, float, float]

#: Start, low, high in eV of a width that a recipe does not name. Gauss: instrument and phonons;
#: Lorentz: lifetimes of core levels below 1.1 keV (Campbell and Papp, At. Data 77 (2001) 1).
DEFAULT_WIDTHS: Mapping[str, tuple[float, float, float]] = {
    "fwhm": (1.4, 0.4, 3.5),
    "fwhm_gauss": (1.2, 0.3, 3.5),
    "fwhm_lorentz": (0.3, 0.0, 1.5),
    "mixing": (0.3, 0.0, 1.0),
    "asymmetry": (0.05, 0.0, 0.4),
}
#: The same for the lifetime width of a line that is convolved with a Gauss function of its own.
DEFAULT_LIFETIME = (0.3, 0.02, 1.5)
#: The same of a Doniach-Sunjic line alone: its lifetime width, which must take the instrument's, too.
DEFAULT_DONIACH = (0.6, 0.05, 2.5)
_UNITS = dict.fromkeys(("mixing", "asymmetry", "ratio", "alpha", "beta", "smoothing", "damping", "tail"), "1")


@dataclass(frozen=True)
class Table:
    """A model and the labels of its components; and the background, where it is fitted with them."""

    model: Model
    species: tuple[str, ...]
    element: tuple[str, ...]
    line: tuple[str, ...]
    active: ActiveBackground | None = None

    @property
    def one_by_one(self) -> bool:
        """Whether every spectrum is fitted on its own: the batched kernels know no products and no active fits."""
        products = any(tie.times for c in self.model.components for tie in (c.area, *c.roles.values()))
        return self.active is not None or products

    @property
    def has_priors(self) -> bool:
        """Whether something is known of a free parameter beforehand."""
        return has_priors(self.model.parameters)


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
    maker = _Maker({one.name: one for one in recipe.entries()}, shift, area_scale)
    positions: dict[str, tuple[int, ...]] = {}
    for entry in recipe.entries():
        before = len(maker.components)
        maker.add(entry)
        positions[entry.name] = tuple(range(before, len(maker.components)))
    own, active = unfold(recipe.background, positions)
    parameters = (*maker.parameters.values(), *own)
    low, high = (end + shift for end in recipe.window)
    components = with_satellites(maker.components, parameters, recipe.satellites, low, high)
    return Table(
        model=Model(parameters, components),
        species=tuple(c.labels["species"] for c in components),
        element=tuple(c.labels["element"] for c in components),
        line=tuple(c.labels["line"] for c in components),
        active=active,
    )


class _Maker:
    """Collects parameters and components while a recipe is unfolded."""

    def __init__(self, entries: Mapping[str, Entry], shift: float, area_scale: float) -> None:
        self.entries = entries
        self.shift = shift
        self.area_scale = area_scale
        self.parameters: dict[str, Parameter] = {}
        self.components: list[Component] = []

    def add(self, entry: Entry) -> None:
        """Add the parameters and components of one peak or doublet."""
        one = shape(entry.shape)
        area = self.area(entry, ())
        roles = {role: self.role(entry, role, ()) for role in one.roles}
        labels = {"species": entry.species or entry.name, "element": entry.line.split()[0]}
        if isinstance(entry, Peak):
            self.components.append(Component(entry.name, entry.shape, area, roles, {**labels, "line": entry.line}))
        elif isinstance(entry, Multiplet):
            self._add_multiplet(entry, area, roles, {**labels, "line": entry.line})
        else:
            self._add_doublet(entry, area, roles, labels)

    def _add_multiplet(self, entry: Multiplet, area: Tie, roles: Mapping[str, Tie], labels: Mapping[str, str]) -> None:
        for number, (one, share) in enumerate(zip(entry.lines, entry.shares(), strict=True), start=1):
            own = {
                role: tie.scaled(1.0, one.offset) if role == "center"
                else tie.scaled(one.width_factor) if role.startswith("fwhm") else tie
                for role, tie in roles.items()
            }  # fmt: skip
            self.components.append(Component(f"{entry.name} {number}", entry.shape, area.scaled(share), own, labels))

    def _add_doublet(self, entry: Doublet, area: Tie, roles: Mapping[str, Tie], labels: Mapping[str, str]) -> None:
        strong, weak = entry.lines()
        names = [f"{entry.name} {line.split()[1]}" for line in (strong, weak)]
        self.components.append(Component(names[0], entry.shape, area, roles, {**labels, "line": strong}))
        partner = {role: self._partner(entry, role, tie) for role, tie in roles.items()}
        other = self._times(entry, "ratio", area)
        self.components.append(Component(names[1], entry.shape, other, partner, {**labels, "line": weak}))

    def _partner(self, entry: Doublet, role: str, tie: Tie) -> Tie:
        if role == "center":
            return self._split(entry, tie)
        if role in entry.weak_widths:
            return self._tie_of(entry, role, entry.weak_widths[role], f"{entry.name} weak {role}", ())
        natural = {"fwhm_lorentz"} if "fwhm_lorentz" in shape(entry.shape).roles else {"fwhm"}
        return self._times(entry, "width_ratio", tie) if role in natural else tie

    def _times(self, entry: Doublet, what: str, tie: Tie) -> Tie:
        """Return the tie of the weaker line: the stronger one's times a ratio, fixed or a parameter."""
        given = entry.ratio if what == "ratio" else entry.width_ratio
        if not isinstance(given, Range):
            number = entry.area_ratio() if what == "ratio" else float(given)
            return tie if number == 1.0 else tie.scaled(number)
        word = what.replace("_", " ")
        if given.follows is None:
            name = f"{entry.name} {word}"
            self.parameters.setdefault(name, self._parameter(name, "ratio", given))
        else:
            other = self._other(entry, given.follows, ())
            theirs = None
            if isinstance(other, Doublet):
                theirs = other.ratio if what == "ratio" else other.width_ratio
            if not isinstance(theirs, Range) or theirs.follows is not None:
                raise InputError(
                    f"the {word} of {entry.name!r} follows {other.name!r}, which has no free {word}",
                    where=entry.name,
                    remedy=f"Follow a doublet whose {what} is a range",
                )
            name = f"{other.name} {word}"
            self.parameters.setdefault(name, self._parameter(name, "ratio", theirs))
        return tie.multiplied(name)

    def _split(self, entry: Doublet, center: Tie) -> Tie:
        if not isinstance(entry.splitting, Range):
            return center.scaled(1.0, float(entry.splitting))
        given, owner = entry.splitting, entry
        if entry.splitting.follows is not None:
            other = self._other(entry, entry.splitting.follows, ())
            if not isinstance(other, Doublet) or not isinstance(other.splitting, Range):
                raise InputError(
                    f"the splitting of {entry.name!r} follows {other.name!r}, which has no free splitting",
                    where=entry.name,
                    remedy="Follow a doublet whose splitting is a range",
                )
            given, owner = other.splitting, other
        name = f"{owner.name} splitting"
        if given.follows is None:
            self.parameters.setdefault(name, self._parameter(name, "splitting", given))
        return Tie(center.parameter, center.factor, center.offset, (*center.also, (name, 1.0)))

    def area(self, entry: Entry, path: Sequence[str]) -> Tie:
        """Return the tie of an area; `path` names the peaks that lead here, against circles."""
        if entry.area is not None:
            other = self._other(entry, entry.area.ratio_to, path)
            return self.area(other, (*path, entry.name)).scaled(entry.area.factor)
        name = f"{entry.name} area"
        self.parameters.setdefault(
            name, Parameter(name, self.area_scale, 0.0, np.inf, unit="intensity eV", natural_low=True)
        )
        return Tie(name)

    def role(self, entry: Entry, role: str, path: Sequence[str]) -> Tie:
        """Return the tie of a role of the shape, its own parameter or that of the peak it follows."""
        given = entry.center if role == "center" else entry.widths.get(role)
        return self._tie_of(entry, role, given, f"{entry.name} {role}", path)

    def _tie_of(self, entry: Entry, role: str, given: Range | float | None, name: str, path: Sequence[str]) -> Tie:
        """Return the tie of a number: its own parameter of this name, or that of the peak it follows."""
        if isinstance(given, Range) and given.follows is not None:
            other = self._other(entry, given.follows, path)
            if role not in shape(other.shape).roles:
                raise InputError(
                    f"{entry.name!r} follows {other.name!r}, whose shape {other.shape!r} has no {role!r}",
                    where=entry.name,
                    remedy="Give both peaks the same shape, or a range of its own",
                )
            return self.role(other, role, (*path, entry.name)).scaled(given.factor, given.offset)
        usual = DEFAULT_WIDTHS.get(role)
        if role == "fwhm" and "asymmetry" in shape(entry.shape).roles:
            usual = DEFAULT_LIFETIME if "fwhm_gauss" in shape(entry.shape).roles else DEFAULT_DONIACH
        self.parameters.setdefault(name, self._parameter(name, role, given, usual))
        return Tie(name)

    def _parameter(self, name: str, role: str, given: Range | float | None, usual: Width | None = None) -> Parameter:
        move = self.shift if role == "center" else 0.0
        unit = _UNITS.get(role, "eV")
        natural = role in {"fwhm_lorentz", "mixing", "asymmetry"}
        if isinstance(given, Range):
            value, low, high = (float(v) + move for v in (given.value, given.low, given.high) if v is not None)
            if low == high:
                return Parameter(name, value, vary=False, unit=unit)
            prior = None if given.prior is None else (value, float(given.prior))
            return Parameter(name, value, low, high, unit=unit, natural_low=natural and low == 0, prior=prior)
        if given is not None:
            return Parameter(name, given + move, vary=False, unit=unit)
        if usual is None:
            raise InputError(
                f"{name!r} has no usual range",
                where=name,
                remedy=f"Name {role!r} in widths: a number, or value, low and high",
            )
        value, low, high = usual
        return Parameter(name, value, low, high, unit=unit, natural_low=natural and low == 0)

    def _other(self, entry: Entry, name: str, path: Sequence[str]) -> Entry:
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
