"""Where XPS lines lie on the binding-energy scale of any X-ray source, and which of them meet in one window."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Collection
from dataclasses import dataclass

from surfspec.errors import InputError
from surfspec.reference.spelling import element_symbol
from surfspec.reference.tables import table

_CORE = re.compile(r"([A-Z][a-z]?) (\d[spdf])(\d/2)?")


@dataclass(frozen=True)
class Position:
    """A line that can stand in a window.

    Attributes
    ----------
    line, element
        ``"Zr 3d5/2"``, ``"Na KLL"``; its element.
    auger
        Whether it is an Auger group, whose kinetic energy does not depend on the photon energy.
    energy, low, high
        Nominal energy and the span in which the line is looked for, eV: binding energies of a core level, kinetic
        energies of an Auger group.
    natural_width
        Lifetime width (FWHM, Lorentz) in eV; NaN where not known.
    verified
        Whether the energy was read in the named source.
    source
        Where the energy comes from.
    """

    line: str
    element: str
    auger: bool
    energy: float
    low: float
    high: float
    natural_width: float
    verified: bool
    source: str

    def span(self, photon_energy: float = math.nan) -> tuple[float, float]:
        r"""Return the span in binding energy, eV: for an Auger group :math:`h\nu - E_\mathrm{kin}`.

        Parameters
        ----------
        photon_energy
            In eV; without it an Auger group has no place (NaN).

        Examples
        --------
        >>> [one.span(1486.6) for one in positions("Na KLL")]
        [(490.6, 500.6)]
        """
        if not self.auger:
            return self.low, self.high
        return round(photon_energy - self.high, 6), round(photon_energy - self.low, 6)


@dataclass(frozen=True)
class Overlap:
    """Two lines that analysts know to stand in one window.

    Attributes
    ----------
    line, other
        ``"Zr 3d"`` and ``"B 1s"``: regions, lines or Auger groups.
    photon_energy
        Of pairs with an Auger group, eV; NaN where the pair meets at any.
    spoils_reference
        Whether the line must not serve as charge reference while the other element is there.
    verified
        Whether the pair was read in the named source.
    source, reason
        Where it was read, and what happens.
    """

    line: str
    other: str
    photon_energy: float
    spoils_reference: bool
    verified: bool
    source: str
    reason: str


@functools.cache
def _positions() -> tuple[Position, ...]:
    return tuple(
        Position(
            line=row["line"], element=row["line"].split()[0], auger=row["kind"] == "auger", energy=row["energy"],
            low=row["low"], high=row["high"], natural_width=row["natural_width"], verified=row["verified"] == "yes",
            source=row["source"],
        )
        for row in table("xps_positions").rows()
    )  # fmt: skip


def positions(line: str | None = None) -> tuple[Position, ...]:
    """Return where lines lie: all of the table, those of one line, or both members of a doublet.

    Parameters
    ----------
    line
        ``"Zr 3d5/2"``, ``"Zr 3d"``, ``"Na KLL"``; all lines without it. A line that the table lacks gives none.

    Returns
    -------
    tuple of Position
        In the order of the table: core levels by atomic number, then Auger groups.

    References
    ----------
    Table ``xps_positions``: X-ray Data Booklet, LBNL/PUB-490 (2009); Campbell and Papp, At. Data Nucl. Data Tables
    77 (2001) 1.

    Examples
    --------
    >>> [one.line for one in positions("Zr 3d")]
    ['Zr 3d3/2', 'Zr 3d5/2']
    """
    if line is None:
        return _positions()
    return tuple(one for one in _positions() if is_of(one.line, line))


def is_of(line: str, region: str) -> bool:
    """Tell whether a line is the region itself or a member of its doublet.

    Examples
    --------
    >>> is_of("Zr 3d5/2", "Zr 3d"), is_of("Zr 3d", "Zr 3d5/2"), is_of("Na KLL", "Na 1s")
    (True, False, False)
    """
    match = _CORE.fullmatch(line)
    return line == region or (match is not None and f"{match[1]} {match[2]}" == region)


def lines_between(
    low: float,
    high: float,
    *,
    photon_energy: float = math.nan,
    elements: Collection[str] | None = None,
) -> tuple[Position, ...]:
    """Return the lines that can stand between two binding energies.

    Core levels stay where they are when the source changes; Auger groups move with the photon energy.

    Parameters
    ----------
    low, high
        Limits in eV.
    photon_energy
        In eV; without it Auger groups are left out.
    elements
        Symbols of the elements to think of; all by default.

    Returns
    -------
    tuple of Position
        In the order of the table.

    Raises
    ------
    InputError
        For limits that do not rise, or an element that does not exist.

    Examples
    --------
    >>> [one.line for one in lines_between(484.0, 500.0, photon_energy=1486.6, elements=["Na", "Sn"])]
    ['Sn 3d3/2', 'Sn 3d5/2', 'Na KLL']
    >>> [one.line for one in lines_between(484.0, 500.0, photon_energy=1253.6, elements=["Na", "Sn"])]
    ['Sn 3d3/2', 'Sn 3d5/2']
    """
    if not low <= high:
        raise InputError(f"the window {low:g} to {high:g} eV does not rise", remedy="Give low and high in eV")
    chosen = None if elements is None else {element_symbol(one) for one in elements}
    found = []
    for one in _positions():
        if chosen is not None and one.element not in chosen:
            continue
        begin, end = one.span(photon_energy)
        if begin <= high and end >= low:
            found.append(one)
    return tuple(found)


@functools.cache
def overlaps() -> tuple[Overlap, ...]:
    """Return the pairs of lines that analysts know to stand in one window.

    Examples
    --------
    >>> [one.other for one in overlaps() if one.line == "Sn 3d"]
    ['Na KLL']
    """
    return tuple(
        Overlap(
            line=row["line"], other=row["other"], photon_energy=row["photon_energy"],
            spoils_reference=row["spoils_reference"] == "yes", verified=row["verified"] == "yes",
            source=row["source"], reason=row["reason"],
        )
        for row in table("xps_overlaps").rows()
    )  # fmt: skip


def known_overlap(line: str, other: str, *, photon_energy: float = math.nan) -> Overlap | None:
    """Return the known pair that two lines make, in either order, or None.

    Parameters
    ----------
    line, other
        Lines or regions, ``"Zr 3d5/2"`` and ``"B 1s"``.
    photon_energy
        In eV. A pair with an Auger group counts within 2 eV of the photon energy that it is listed for.

    Examples
    --------
    >>> known_overlap("B 1s", "Zr 3d5/2").reason
    'borides and boron lie under the foot of Zr 3d3/2 and borates just above'
    >>> known_overlap("Sn 3d5/2", "Na KLL", photon_energy=1253.6) is None
    True
    """
    for pair in overlaps():
        if not math.isnan(pair.photon_energy) and not abs(pair.photon_energy - photon_energy) <= SAME_SOURCE:
            continue
        for a, b in ((line, other), (other, line)):
            if is_of(a, pair.line) and is_of(b, pair.other):
                return pair
    return None


#: Difference in eV up to which two photon energies are one source (1486.6, 1486.68, 1486.71 are all Al Ka).
SAME_SOURCE = 2.0
