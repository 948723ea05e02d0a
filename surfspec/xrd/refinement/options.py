"""What a refinement refines, and the priors it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from surfspec.errors import InputError

#: Which of the two line shifts are free.
SHIFTS: Final = ("displacement", "zero", "both", "none")
#: What the areas of the lines of a phase come from.
TREATMENTS: Final = ("structure", "pawley")
SLITS: Final = ("fixed", "variable")


@dataclass(frozen=True)
class Refinement:
    """How to refine.

    Attributes
    ----------
    shifts
        Free line shifts: ``"displacement"`` (of the specimen), ``"zero"``, ``"both"`` or ``"none"``. One of the two is
        enough for most patterns: over a short range they cannot be told apart.
    asymmetry
        Refine the axial asymmetry of the lines.
    caglioti
        Refine U and V, not W alone.
    texture
        ``"none"``, ``"auto"`` (each phase tries common directions of its crystal system and keeps one
        that the data demand), or a mapping of phase ids to directions, as ``(("brucite", (0, 0, 1)),)``.
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
        Ids of phases whose line areas are free.
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

    shifts: str = "displacement"
    asymmetry: bool = True
    caglioti: bool = True
    texture: str | tuple[tuple[str, tuple[int, int, int]], ...] = "auto"
    overspill: str | float = "auto"
    displacement_parameters: bool = False
    b_prior: float = field(default=0.5, metadata={"above": 0.0, "unit": "angstrom^2"})
    cell_prior: float = field(default=0.0, metadata={"low": 0.0})
    pawley: tuple[str, ...] = ()
    background: float = field(default=10.0, metadata={"low": 1.0, "high": 90.0, "unit": "deg"})
    monochromator: float = field(default=0.0, metadata={"low": 0.0, "below": 180.0, "unit": "deg"})
    slits: str = "fixed"
    ka2_ratio: float = field(default=0.5, metadata={"low": 0.0, "high": 1.0})
    two_theta: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("shifts", SHIFTS), ("slits", SLITS)):
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}", where=name, remedy=f"Choose one of {', '.join(allowed)}"
                )
        if isinstance(self.texture, str) and self.texture not in ("none", "auto"):
            raise InputError(
                f"texture is {self.texture!r}", where="texture", remedy="Say 'none', 'auto', or give directions"
            )
        known = not isinstance(self.overspill, str)
        if self.overspill not in ("none", "auto") and not (known and 0.0 <= float(self.overspill) <= 0.9):
            raise InputError(
                f"overspill is {self.overspill!r}", where="overspill", remedy="Say 'none', 'auto', or give 0 to 0.9"
            )
        if not 1.0 <= self.background <= 90.0:
            raise InputError(
                f"the knots of the background are {self.background:g} deg apart", where="background",
                remedy="Choose 1 to 90 deg",
            )  # fmt: skip
        for name, low, high in (("monochromator", 0.0, 180.0), ("ka2_ratio", 0.0, 1.0), ("cell_prior", 0.0, 0.1)):
            if not low <= getattr(self, name) <= high:
                raise InputError(f"{name} is {getattr(self, name)!r}", where=name, remedy=f"Choose {low:g} to {high:g}")
        if not 0.0 < self.b_prior <= 10.0:
            raise InputError(f"b_prior is {self.b_prior!r}", where="b_prior", remedy="Choose above 0 up to 10")
        if self.two_theta is not None and not 0.0 <= self.two_theta[0] < self.two_theta[1] < 180.0:
            raise InputError(
                f"two_theta {self.two_theta} is no range", where="two_theta", remedy="Give (low, high) in deg"
            )
