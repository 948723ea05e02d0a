"""The recipe of a phase identification."""

from __future__ import annotations

from dataclasses import dataclass, field

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
        object.__setattr__(self, "texture", given.number(self.texture, "texture", low=1.0, high=10.0))
        if self.two_theta is not None and not 0.0 <= self.two_theta[0] < self.two_theta[1] < 180.0:
            raise InputError(
                f"two_theta {self.two_theta} is no range", where="two_theta", remedy="Give (low, high) in deg"
            )
        if not 1 <= self.max_phases <= 12:
            raise InputError(f"max_phases is {self.max_phases}", where="max_phases", remedy="Choose 1 to 12")

    @property
    def limits(self) -> Limits:
        """Priors and limits for the refinement."""
        return Limits(strain=self.cell_prior, largest_shift=self.shift_range, largest_strain=self.cell_range,
                      largest_texture=self.texture)  # fmt: skip
