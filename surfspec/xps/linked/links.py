"""The words of a global recipe: what follows what, and what the charge of a sample is measured by."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from surfspec.errors import InputError
from surfspec.xps.recipe import Range

#: What stands between a region and a parameter of its recipe: "Zr 3d / Zr4+ fwhm_gauss".
BETWEEN = " / "


def named(text: str, where: str) -> tuple[str, str]:
    """Return region and parameter of ``"Zr 3d / Zr4+ fwhm_gauss"``.

    Parameters
    ----------
    text
        As written in the recipe.
    where
        Key that is named in the error.

    Raises
    ------
    InputError
        For any other form.

    Examples
    --------
    >>> named("Zr 3d / Zr4+ fwhm_gauss", "parameter")
    ('Zr 3d', 'Zr4+ fwhm_gauss')
    """
    region, found, name = (part.strip() for part in str(text).partition("/"))
    if not (region and found and name):
        raise InputError(
            f"{text!r} names no parameter",
            where=where,
            remedy="Give region and parameter: 'Zr 3d / Zr4+ fwhm_gauss'",
        )
    return region, name


def _open(name: str, given: object) -> None:
    """Refuse what is neither a finite number nor a range of its own."""
    if isinstance(given, Range):
        if given.follows is not None:
            raise InputError(
                f"the {name} of a link follows nothing itself", where=name, remedy="Give value, low and high"
            )
        return
    _finite(name, given)


def _finite(name: str, given: object) -> None:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise InputError(f"{name} is {given!r}", where=name, remedy="Give a finite number")


@dataclass(frozen=True)
class Link:
    """One link of a global recipe.

    Attributes
    ----------
    parameter
        What is linked, ``"Na 1s / Na+ fwhm_gauss"``: the region, and the name of a parameter of its recipe.
    over
        ``"samples"``: one value for all samples.
    follows
        The parameter it follows, ``parameter = factor * follows + offset``, in every sample.
    of_sample
        The sample whose value is followed; by default each sample follows its own.
    factor, offset
        Numbers, or ranges for what is to be found itself: then one value for all samples of the link. The factor of
        areas is one of count rates.
    samples
        The samples that the link is about; by default all.

    Examples
    --------
    >>> Link("Zr 3d / Zr4+ fwhm_gauss", over="samples").told()
    'Zr 3d / Zr4+ fwhm_gauss over samples'
    >>> Link("Na 1s / Na+ fwhm_gauss", follows="Zr 3d / Zr4+ fwhm_gauss", factor=1.1).told()
    'Na 1s / Na+ fwhm_gauss = 1.1 x Zr 3d / Zr4+ fwhm_gauss'
    """

    parameter: str
    over: Literal["samples"] | None = None
    follows: str | None = None
    of_sample: str | None = None
    factor: Range | float = 1.0
    offset: Range | float = 0.0
    samples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        named(self.parameter, "parameter")
        if self.over not in (None, "samples"):
            raise InputError(f"over is {self.over!r}", where="over", remedy="Write 'samples', or leave it out")
        tied = self.follows is not None or self.of_sample is not None
        if tied == (self.over is not None):
            raise InputError(
                "a link says either over or follows" if tied else "this link ties nothing",
                where="over" if tied else "parameter",
                remedy="Write 'over: samples' for one value, or 'follows' (and 'of_sample') for what it follows",
            )
        if self.follows is not None:
            named(self.follows, "follows")
        _open("factor", self.factor)
        _open("offset", self.offset)
        if not tied and (self.factor, self.offset) != (1.0, 0.0):
            raise InputError(
                "what is the same for all samples has no factor or offset",
                where="factor" if self.factor != 1.0 else "offset",
                remedy="Write 'follows' and 'of_sample' for samples that differ by one",
            )
        if self.factor == 0.0:
            raise InputError("a factor of 0 links nothing", where="factor", remedy="Fix the parameter in its recipe")
        if self.of_sample is None and self.follows is not None and self._leader() == named(self.parameter, "parameter"):
            raise InputError("a parameter follows itself", where="follows", remedy="Name the sample with 'of_sample'")
        given: object = self.samples
        if isinstance(given, str) or len(set(self.samples)) != len(self.samples):
            raise InputError(
                f"samples is {self.samples!r}", where="samples", remedy="Give a list that names each sample once"
            )
        if self.of_sample in self.samples:
            raise InputError(f"{self.of_sample!r} follows itself", where="samples", remedy="Leave it out of 'samples'")

    def _leader(self) -> tuple[str, str]:
        return named(self.parameter if self.follows is None else self.follows, "follows")

    def source(self) -> tuple[str, str]:
        """Return region and parameter of what is linked."""
        return named(self.parameter, "parameter")

    def target(self) -> tuple[str, str]:
        """Return region and parameter of what it follows (itself, where it is of another sample)."""
        return self._leader()

    def told(self) -> str:
        """Return the link in one line."""
        scope = f" [{', '.join(self.samples)}]" if self.samples else ""
        if self.over is not None:
            return f"{self.parameter} over samples{scope}"
        factor = "factor x " if isinstance(self.factor, Range) else "" if self.factor == 1.0 else f"{self.factor:g} x "
        offset = " + offset" if isinstance(self.offset, Range) else f" {self.offset:+g}" if self.offset else ""
        of = f" of {self.of_sample}" if self.of_sample else ""
        return f"{self.parameter} = {factor}{self.follows or self.parameter}{of}{offset}{scope}"


@dataclass(frozen=True)
class ChargeReference:
    """All regions of a sample share one charge shift; this line fixes its zero.

    Attributes
    ----------
    reference
        Centre of the reference line, ``"Zr 3d / Zr4+ center"``.
    energy
        Its binding energy, eV.
    search
        Coarse shift that is searched for before the fit, eV up or down.

    Examples
    --------
    >>> ChargeReference("Zr 3d / Zr4+ center", 182.4).search
    8.0
    """

    reference: str
    energy: float = field(metadata={"low": 0.0, "high": 1e5, "unit": "eV"})
    search: float = field(default=8.0, metadata={"low": 0.0, "high": 50.0, "unit": "eV"})

    def __post_init__(self) -> None:
        _finite("energy", self.energy)
        _finite("search", self.search)
        if not named(self.reference, "reference")[1].endswith(" center"):
            raise InputError(
                f"{self.reference!r} is no centre", where="reference", remedy="Name one: 'Zr 3d / Zr4+ center'"
            )
