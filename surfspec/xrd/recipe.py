"""The recipe of a phase identification."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from surfspec import given
from surfspec.errors import InputError


@dataclass(frozen=True)
class Limits:
    """Priors: standard deviations of the shifts (deg) and the relative cell strain, and the largest values allowed.

    ``largest_texture`` is the largest March coefficient; its inverse is the smallest; 1 for none.
    """

    zero: float = 0.10
    displacement: float = 0.15
    strain: float = 0.002
    largest_shift: float = 0.35
    largest_strain: float = 0.02
    largest_texture: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """How to identify the phases of a pattern.

    Attributes
    ----------
    wavelength
        ``"CuKa"``, ``"CuKa1"``, ... or angstrom; empty to use what the file says.
    elements
        Only phases of these elements are candidates; empty for all.
    phases
        Card ids, names or formulas of the candidates; empty for all cards.
    never
        Card ids, names or formulas that are no candidates.
    must
        Card ids, names or formulas of phases that are known to be present (a substrate, a standard): every set holds
        them, and the result marks them as stated, not as found.
    two_theta
        Part of the pattern to use, deg.
    max_phases
        Largest number of phases in one pattern.
    shift_range
        Largest zero shift and displacement shift, deg.
    cell_prior
        Standard deviation of the relative change of a cell length against its card; a card with a larger
        uncertainty of its own uses that.
    cell_range
        Largest relative change of a cell length.
    texture
        Largest March coefficient of a phase, from 1 (no texture is fitted) to 10; the smallest is its inverse.
    monochromator
        2 theta of the monochromator crystal (graphite and Cu Ka: 26.6 deg), 0 for none.
    ka2_ratio
        Intensity Ka2/Ka1 of a doublet.

    Examples
    --------
    >>> Recipe(wavelength="CuKa", elements=("Na", "Zr", "Si", "P", "O")).max_phases
    6
    """

    wavelength: str | float = ""
    elements: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    never: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    two_theta: tuple[float, float] | None = None
    max_phases: int = field(default=6, metadata={"low": 1, "high": 12})
    shift_range: float = field(default=0.35, metadata={"low": 0.0, "high": 1.0, "unit": "deg"})
    cell_prior: float = field(default=0.002, metadata={"above": 0.0, "high": 0.02})
    cell_range: float = field(default=0.02, metadata={"above": 0.0, "high": 0.05})
    texture: float = field(default=1.0, metadata={"low": 1.0, "high": 10.0})
    monochromator: float = field(default=0.0, metadata={"low": 0.0, "below": 180.0, "unit": "deg"})
    ka2_ratio: float = field(default=0.5, metadata={"low": 0.0, "high": 1.0})

    def __post_init__(self) -> None:
        for name in ("elements", "phases", "never", "must"):
            entries = given.listed(getattr(self, name), name)
            wrong = [one for one in entries if not isinstance(one, str)]
            if wrong:
                raise InputError(f"{name} holds {given.shown(wrong[0])}", where=name, remedy="Give a list of names")
            object.__setattr__(self, name, entries)
        for name in ("max_phases", "shift_range", "cell_prior", "cell_range", "texture", "monochromator", "ka2_ratio"):
            object.__setattr__(self, name, _number(self, name))
        if len(set(self.must)) > self.max_phases:
            raise InputError(
                f"{len(set(self.must))} phases must be there, max_phases is {self.max_phases}",
                where="must",
                remedy="Raise max_phases, or state fewer phases",
            )
        if not isinstance(self.wavelength, str):
            object.__setattr__(self, "wavelength", given.number(self.wavelength, "wavelength", low=0.0, above=True))
        if self.two_theta is not None:
            low, high = given.interval(self.two_theta, "two_theta", low=0.0, high=180.0)
            if low == high:
                raise InputError(f"two_theta {(low, high)} is no range", where="two_theta", remedy="Give (low, high)")
            object.__setattr__(self, "two_theta", (low, high))

    @property
    def limits(self) -> Limits:
        """Priors and limits for the refinement."""
        return Limits(strain=self.cell_prior, largest_shift=self.shift_range, largest_strain=self.cell_range,
                      largest_texture=self.texture)  # fmt: skip


def _number(recipe: Recipe, name: str) -> float:
    """Return a number of a recipe within the bounds that its field states; a whole number where the field is one."""
    one = next(item for item in fields(recipe) if item.name == name)
    bounds, value = one.metadata, getattr(recipe, name)
    low, high = bounds.get("above", bounds.get("low")), bounds.get("below", bounds.get("high"))
    found = given.number(value, name, low=low, high=high, above="above" in bounds)
    whole = isinstance(one.default, int)
    if (whole and found != int(found)) or ("below" in bounds and found == high):
        remedy = f"Give a whole number from {low} to {high}" if whole else f"Give a number below {high:g}"
        raise InputError(f"{name} is {given.shown(value)}", where=name, remedy=remedy)
    return int(found) if whole else found
