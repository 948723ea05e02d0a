"""What a refinement refines, and the priors it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.patterns.texture import direction_of

Directions = tuple[tuple[str, tuple[int, int, int]], ...]

#: Which of the two line shifts are free.
SHIFTS: Final = ("auto", "displacement", "zero", "both", "none")
#: What the areas of the lines of a phase come from.
TREATMENTS: Final = ("structure", "pawley")
SLITS: Final = ("fixed", "variable")


@dataclass(frozen=True)
class Refinement:
    """How to refine.

    Attributes
    ----------
    shifts
        Free line shifts: ``"auto"``, ``"displacement"`` (of the specimen), ``"zero"``, ``"both"`` or ``"none"``.
        ``"auto"`` refines the displacement, and the uncertainty of the cells holds that it may be the zero instead;
        ``"displacement"`` and ``"zero"`` say that it is known to be this one. One of the two is
        enough for most patterns: over a short range they cannot be told apart.
    asymmetry
        Refine the axial asymmetry of the lines.
    caglioti
        Refine U and V, not W alone.
    texture
        ``"none"``, ``"auto"`` (each phase tries common directions of its crystal system and keeps one
        that the data demand), or a mapping of phase ids to directions, ``{"brucite": (0, 0, 1)}``.
    overspill
        A beam longer than the specimen at low angles: ``"auto"`` (refined where the data demand it, with a fixed slit),
        ``"none"``, or the known ratio of the length of the beam at normal incidence to the diameter of the specimen,
        see :func:`surfspec.xrd.patterns.optics.overspill_factor`.
    displacement_parameters
        Refine an increment of all B of a phase, with a prior of `b_prior`.
    b_prior
        Standard deviation of that increment, square angstrom.
    cell_prior
        Standard deviation of the relative change of a cell length against its card; 0 for no prior.
    pawley
        Ids (or names, as they were given) of phases whose line areas are free.
    background
        Spacing of the knots of the background, deg.
    monochromator
        2 theta of the monochromator crystal, deg; 0 for none.
    slits
        ``"fixed"`` divergence, or ``"variable"`` for a constant illuminated length.
    ka2_ratio
        Intensity Ka2/Ka1 of a doublet.
    two_theta
        Part of the pattern to use, deg.

    Examples
    --------
    >>> Refinement(shifts="both").background
    10.0
    """

    shifts: str = "auto"
    asymmetry: bool = True
    caglioti: bool = True
    texture: str | Directions = "auto"
    overspill: str | float = "auto"
    displacement_parameters: bool = False
    b_prior: float = field(default=0.5, metadata={"above": 0.0, "high": 10.0, "unit": "angstrom^2"})
    cell_prior: float = field(default=0.0, metadata={"low": 0.0, "high": 0.1})
    pawley: tuple[str, ...] = ()
    background: float = field(default=10.0, metadata={"low": 1.0, "high": 90.0, "unit": "deg"})
    monochromator: float = field(default=0.0, metadata={"low": 0.0, "below": 180.0, "unit": "deg"})
    slits: str = "fixed"
    ka2_ratio: float = field(default=0.5, metadata={"low": 0.0, "high": 1.0})
    two_theta: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        for name, allowed in (("shifts", SHIFTS), ("slits", SLITS)):
            value = getattr(self, name)
            if not isinstance(value, str) or value not in allowed:
                raise InputError(
                    f"{name} is {given.shown(value)}", where=name, remedy=f"Choose one of {', '.join(allowed)}"
                )
        for name in ("asymmetry", "caglioti", "displacement_parameters"):
            put(name, given.switch(getattr(self, name), name))
        put("texture", _texture(self.texture))
        if not isinstance(self.overspill, str) or self.overspill not in ("none", "auto"):
            if isinstance(self.overspill, str):
                raise InputError(
                    f"overspill is {self.overspill!r}", where="overspill", remedy="Say 'none', 'auto', or give 0 to 0.9"
                )
            put("overspill", given.number(self.overspill, "overspill", low=0.0, high=0.9))
        put("b_prior", given.number(self.b_prior, "b_prior", low=0.0, high=10.0, above=True))
        put("cell_prior", given.number(self.cell_prior, "cell_prior", low=0.0, high=0.1))
        put("background", given.number(self.background, "background", low=1.0, high=90.0))
        put("monochromator", given.number(self.monochromator, "monochromator", low=0.0, high=179.9))
        put("ka2_ratio", given.number(self.ka2_ratio, "ka2_ratio", low=0.0, high=1.0))
        put("pawley", _ids(self.pawley))
        if self.two_theta is not None:
            low, high = given.interval(self.two_theta, "two_theta", low=0.0, high=179.9)
            if low == high:
                raise InputError(f"two_theta {(low, high)} is no range", where="two_theta", remedy="Give (low, high)")
            put("two_theta", (low, high))


def _texture(value: object) -> str | Directions:
    """Return directions by phase id as pairs; each id once."""
    remedy = "Say 'none', 'auto', or give directions by phase, {'brucite': (0, 0, 1)} say"
    if isinstance(value, str):
        if value not in ("none", "auto"):
            raise InputError(f"texture is {value!r}", where="texture", remedy=remedy)
        return value
    pairs = list(value.items()) if isinstance(value, Mapping) else list(given.listed(value, "texture"))
    found: dict[str, tuple[int, int, int]] = {}
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise InputError(f"texture holds {given.shown(pair)}", where="texture", remedy=remedy)
        if pair[0] in found:
            raise InputError(f"texture names {pair[0]} twice", where="texture", remedy="Give one direction for a phase")
        found[pair[0]] = direction_of(pair[1], f"texture of {pair[0]}")
    return tuple(found.items())


def _ids(value: object) -> tuple[str, ...]:
    found: list[str] = []
    for one in (value,) if isinstance(value, str) else given.listed(value, "pawley"):
        if not isinstance(one, str):
            raise InputError(f"pawley holds {given.shown(one)}", where="pawley", remedy="Give ids of phases")
        found.append(one)
    return tuple(found)
