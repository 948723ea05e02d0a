"""What a recipe lists: peaks, spin-orbit doublets and multiplets, their numbers and how these follow each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from surfspec import reference
from surfspec.errors import InputError
from surfspec.fitting.lineshapes import SHAPES, shape

#: Relative area of the weaker line of a doublet by the statistical weight (2j + 1), and the j of both.
DOUBLETS: Mapping[str, tuple[str, str, float]] = {
    "p": ("3/2", "1/2", 1 / 2),
    "d": ("5/2", "3/2", 2 / 3),
    "f": ("7/2", "5/2", 3 / 4),
}


def _check_entry(name: str, line: str, of: str, widths: Mapping[str, object]) -> None:
    """Refuse a peak without a name, of an unknown line, shape or width."""
    for what, given, kind in (
        ("name", name, str),
        ("line", line, str),
        ("shape", of, str),
        ("widths", widths, Mapping),
    ):
        if not isinstance(given, kind):
            raise InputError(
                f"{what} is {given!r}", where=what, remedy="Give a text" if kind is str else "Give a mapping of widths"
            )
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
    prior
        Standard uncertainty with which `value` is known beforehand: a Gaussian prior. Limits are walls, a prior is
        a spring; of a splitting that the literature gives as 2.41(1) eV it lets the data say otherwise where they can.
    follows
        Name of the peak whose number it follows: ``number = factor * other + offset``.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    follows: str | None = None
    factor: float = 1.0
    offset: float = 0.0
    prior: float | None = field(default=None, metadata={"above": 0.0})

    def __post_init__(self) -> None:
        if self.follows is not None:
            if (self.value, self.low, self.high, self.prior) != (None, None, None, None):
                raise InputError(
                    "a number that follows another has no value, limits or prior of its own",
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
        if self.prior is not None and not (isinstance(self.prior, int | float) and 0 < self.prior < math.inf):
            raise InputError(
                f"prior is {self.prior!r}",
                where="prior",
                remedy="Give a standard uncertainty above 0, or leave it out",
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
        Area of the weaker over the stronger line: ``"2j+1"``, ``"scofield"`` (of the photoionisation cross-sections
        for Al K-alpha), a number, or a range with or without a prior.
    widths
        Of both lines.
    width_ratio
        Lorentz (or only) width of the weaker over the stronger line, a number or a range; above 1 where a
        Coster-Kronig decay shortens the life of the weaker line's hole.
    weak_widths
        Widths of the weaker line alone, where it has its own.
    """

    name: str
    line: str
    center: Range | float
    splitting: Range | float
    ratio: Literal["2j+1", "scofield"] | Range | float = field(default="2j+1", metadata={"above": 0.0})
    shape: str = "voigt"
    widths: Mapping[str, Range | float] = field(default_factory=dict)
    width_ratio: Range | float = field(default=1.0, metadata={"low": 0.2, "high": 5.0})
    weak_widths: Mapping[str, Range | float] = field(default_factory=dict)
    area: AreaRatio | None = None
    species: str = ""

    def __post_init__(self) -> None:
        _check_entry(self.name, self.line, self.shape, self.widths)
        _check_entry(self.name, self.line, self.shape, self.weak_widths)
        for what, given in (("splitting", self.splitting), ("ratio", self.ratio), ("width_ratio", self.width_ratio)):
            smallest = given.low if isinstance(given, Range) else given
            if isinstance(smallest, int | float) and smallest <= 0:
                raise InputError(
                    f"the {what} of {self.name!r} is {smallest:g}" + (" eV" if what == "splitting" else ""),
                    where=what,
                    remedy={
                        "splitting": "Give the distance of the weaker line to higher binding energy, a positive number",
                        "ratio": "Give '2j+1', 'scofield' or a number above 0",
                    }.get(what, "Give a number above 0"),
                )
        for what, given in (("ratio", self.ratio), ("width_ratio", self.width_ratio)):
            if isinstance(given, Range) and given.follows is not None and (given.factor, given.offset) != (1.0, 0.0):
                raise InputError(
                    f"the {what} of {self.name!r} follows with a factor or an offset",
                    where=what,
                    remedy="Follow it as it is: {follows: other}",
                )
        if self.line[-1:] not in DOUBLETS:
            raise InputError(
                f"{self.line!r} is no doublet", remedy="Doublets end in p, d or f: 'Zr 3d'; use a peak for s levels"
            )
        if self.ratio == "scofield":
            self.area_ratio()

    def lines(self) -> tuple[str, str]:
        """Return the names of the stronger and the weaker line."""
        strong, weak, _ = DOUBLETS[self.line[-1]]
        return f"{self.line}{strong}", f"{self.line}{weak}"

    def area_ratio(self) -> float:
        """Return the area of the weaker over the stronger line; of a range its start value, NaN where it follows.

        Raises
        ------
        InputError
            For ``"scofield"`` where the table has not both lines.
        """
        if self.ratio == "scofield":
            strong, weak = self.lines()
            return reference.sensitivity("scofield", weak) / reference.sensitivity("scofield", strong)
        if isinstance(self.ratio, Range):
            return math.nan if self.ratio.value is None else float(self.ratio.value)
        return DOUBLETS[self.line[-1]][2] if self.ratio == "2j+1" else float(self.ratio)


@dataclass(frozen=True)
class MultipletLine:
    """One line of a multiplet.

    Attributes
    ----------
    offset
        Distance from the centre of the multiplet, in eV.
    ratio
        Its share of the area, relative to the other lines.
    width_factor
        Its width (all of them) over that of the multiplet.
    """

    offset: float
    ratio: float = field(metadata={"above": 0.0})
    width_factor: float = field(default=1.0, metadata={"low": 0.1, "high": 10.0})


@dataclass(frozen=True)
class Multiplet:
    """Lines that move together: the multiplet of a transition metal, the envelope of an Auger group.

    Attributes
    ----------
    name, line, shape, widths, species
        As for :class:`Peak`; the components are numbered, ``"Fe2+ 1"``.
    center
        Binding energy of the line whose offset is 0, in eV.
    lines
        The lines.
    area
        The parameter ``"<name> area"``, and what others follow, is the area of all lines together.
    """

    name: str
    line: str
    center: Range | float
    lines: tuple[MultipletLine, ...]
    shape: str = "voigt"
    widths: Mapping[str, Range | float] = field(default_factory=dict)
    area: AreaRatio | None = None
    species: str = ""

    def __post_init__(self) -> None:
        _check_entry(self.name, self.line, self.shape, self.widths)
        given = self.lines if isinstance(self.lines, tuple) else ()
        if len(given) < 2 or not all(isinstance(one, MultipletLine) for one in given):
            raise InputError(
                f"the multiplet {self.name!r} has {len(given)} lines",
                where="lines",
                remedy="Give a tuple of two MultipletLine or more; a single line is a peak",
            )

    def shares(self) -> tuple[float, ...]:
        """Return the share of each line in the area of all.

        Examples
        --------
        >>> Multiplet("Na KLL", "Na KLL", 497.0, (MultipletLine(0.0, 3.0), MultipletLine(5.0, 1.0))).shares()
        (0.75, 0.25)
        """
        total = sum(one.ratio for one in self.lines)
        return tuple(one.ratio / total for one in self.lines)


#: Whatever a recipe lists.
Entry = Peak | Doublet | Multiplet
