"""Which background lies under the peaks: computed from the data before the fit, or fitted with the peaks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from surfspec.errors import InputError
from surfspec.fitting.active import HIGHEST_DEGREE, ActiveBackground, Scattering
from surfspec.fitting.backgrounds import CROSS_SECTIONS, KINDS, background_options
from surfspec.fitting.backgrounds.tougaard import CrossSection
from surfspec.fitting.model import Parameter

#: Backgrounds that are fitted with the peaks, and their options with the values that hold where none is given.
IN_FIT: Mapping[str, Mapping[str, str | float]] = {
    "active": {"degree": 0, "shirley": "shared", "slope": "none", "tougaard": "none", "C": 0, "D": 0, "gap": 0},
    "polynomial": {"degree": 1},
}
#: Options that are words, and the words where they are few; all others are numbers.
TEXT_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "preset": (),
    "rule": (),
    "cross_section": (),
    "shirley": ("none", "shared", "each"),
    "slope": ("none", "shared"),
    "tougaard": ("none", *CROSS_SECTIONS),
}
#: Names of the coefficients of the polynomial, and their units.
POWERS = (
    ("background level", "intensity"),
    ("background slope", "intensity/eV"),
    ("background curvature", "intensity/eV2"),
    ("background cubic", "intensity/eV3"),
)
#: Start values: strength of a Shirley step in 1/eV, of its slope in 1/eV2, and the universal factor B in eV2.
SHIRLEY_START, SLOPE_START = 0.01, 1e-4
#: Strengths beyond all physics (a Shirley step is a few percent of the peak's area a volt): what a step without a peak
#: would run to.
STRONGEST: Mapping[str, float] = {"shirley": 5.0, "slope": 1.0, "tougaard": 1e6}


@dataclass(frozen=True)
class Background:
    """The background under the peaks.

    Attributes
    ----------
    kind
        One of ``none, constant, linear, shirley, shirley_iterative, smart, tougaard``: computed from the data before
        the fit, on its window; or ``active, polynomial``: fitted with the peaks.
    options
        Options of that kind: ``preset``, ``rule``, ``average``, ``B``, ``C``, ...; of ``active``: ``degree`` of a
        polynomial, ``shirley`` (``none``, ``shared`` or ``each`` peak its own), ``slope``, ``tougaard``.
    below_tails
        Take the end levels below the tails that the fitted peaks have there, and fit again, until
        the areas settle. Without it a background swallows the tails inside its end levels;
        other programs do that, so parity with them needs ``false``.
    """

    kind: str = "smart"
    options: Mapping[str, str | float] = field(default_factory=dict)
    below_tails: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.options, Mapping):
            raise InputError(
                f"options is {self.options!r}", where="options", remedy="Give a mapping: {'preset': 'noise_aware'}"
            )
        if self.kind not in KINDS and self.kind not in IN_FIT:
            raise InputError(
                f"unknown background {self.kind!r}", where="kind", remedy=f"Use one of {', '.join((*KINDS, *IN_FIT))}"
            )
        allowed = tuple(IN_FIT[self.kind]) if self.kind in IN_FIT else background_options(self.kind)
        for name, value in self.options.items():
            if name not in allowed:
                raise InputError(
                    f"the background {self.kind!r} has no option {name!r}",
                    where="options",
                    remedy=f"Its options are {', '.join(allowed) or 'none'}",
                )
            _check_option(name, value)
        if self.kind in IN_FIT:
            _check_in_fit(self)

    @property
    def in_fit(self) -> bool:
        """Whether it is fitted with the peaks."""
        return self.kind in IN_FIT

    def option(self, name: str) -> str | float:
        """Return an option of a background that is fitted with the peaks."""
        return self.options.get(name, IN_FIT[self.kind].get(name, "none"))


def _check_option(name: str, value: str | float) -> None:
    if (name in TEXT_OPTIONS) != isinstance(value, str) or isinstance(value, bool):
        raise InputError(
            f"option {name!r} is {value!r}",
            where="options",
            remedy="Give a word" if name in TEXT_OPTIONS else "Give a number",
        )
    words = TEXT_OPTIONS.get(name, ())
    if words and value not in words:
        raise InputError(f"option {name!r} is {value!r}", where="options", remedy=f"Use {', '.join(words)}")


def _check_in_fit(chosen: Background) -> None:
    degree = chosen.option("degree")
    if not isinstance(degree, int | float) or degree != int(degree) or not -1 <= degree <= HIGHEST_DEGREE:
        raise InputError(
            f"degree is {degree!r}",
            where="options",
            remedy=f"Give a whole number up to {HIGHEST_DEGREE}, or -1 for no polynomial",
        )
    which = str(chosen.option("tougaard"))
    numbers = {name: chosen.options[name] for name in ("C", "D", "gap") if name in chosen.options}
    if which == "none" and numbers:
        raise InputError(
            f"{', '.join(numbers)} belong to a Tougaard term", where="options", remedy="Add tougaard: U2, U3 or U4"
        )
    if which == "U4" and "gap" not in numbers:
        raise InputError("the cross-section U4 needs its gap", where="options", remedy="Give gap in eV")
    if (which == "U2" and "D" in numbers) or (which != "U4" and "gap" in numbers):
        raise InputError(
            f"the cross-section {which} has no {'D' if which == 'U2' and 'D' in numbers else 'gap'}",
            where="options",
            remedy="Take U3 for D, U4 for a gap",
        )
    for name, number in numbers.items():
        low, high = (0.0, 100.0) if name == "gap" else (1.0, 1e6)
        if not isinstance(number, int | float) or not low < number <= high:
            raise InputError(
                f"{name} is {number!r}", where="options", remedy="Give C and D from 1 to 1e6 eV2, gap up to 100 eV"
            )
    nothing = all(chosen.option(name) == "none" for name in ("shirley", "slope", "tougaard"))
    if chosen.kind == "active" and nothing and degree < 0:
        raise InputError("this background has no term", where="options", remedy="Use kind: none")


def unfold(
    chosen: Background, entries: Mapping[str, tuple[int, ...]]
) -> tuple[tuple[Parameter, ...], ActiveBackground | None]:
    """Return the parameters of a background that is fitted with the peaks, and what it is made of.

    Parameters
    ----------
    chosen
        The background of a recipe.
    entries
        Positions of the components of each entry of the recipe.

    Returns
    -------
    parameters, active
        None and no parameters for a background that is computed from the data.

    Examples
    --------
    >>> [p.name for p in unfold(Background("active"), {"Zr4+": (0, 1)})[0]]
    ['background level', 'background shirley']
    """
    if not chosen.in_fit:
        return (), None
    powers = POWERS[: int(chosen.option("degree")) + 1]
    parameters = [Parameter(name, 0.0, unit=unit) for name, unit in powers]
    every = tuple(i for some in entries.values() for i in some)
    terms: list[Scattering] = []

    def add(name: str, kind: str, start: float, unit: str, of: tuple[int, ...], k: CrossSection | None = None) -> None:
        parameters.append(Parameter(name, start, 0.0, STRONGEST[kind], unit=unit, natural_low=True))
        terms.append(Scattering(name, kind, of, k))

    if chosen.option("shirley") == "shared":
        add("background shirley", "shirley", SHIRLEY_START, "1/eV", every)
    if chosen.option("shirley") == "each":
        for entry, some in entries.items():
            add(f"{entry} shirley", "shirley", SHIRLEY_START, "1/eV", some)
    if chosen.option("slope") == "shared":
        add("background shirley slope", "slope", SLOPE_START, "1/eV2", every)
    which = str(chosen.option("tougaard"))
    if which != "none":
        known = CROSS_SECTIONS[which]
        k = CrossSection(*(float(chosen.options.get(f, getattr(known, f))) for f in CrossSection._fields))
        add("background B", "tougaard", known.B, "eV2", every, k)
    return tuple(parameters), ActiveBackground(tuple(name for name, _ in powers), tuple(terms))
