"""Reference lines and sensitivity factors of XPS, each number with its source."""

from __future__ import annotations

import difflib
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from surfspec.errors import InputError
from surfspec.reference.spelling import region_name, strongest_member
from surfspec.reference.tables import table

#: Sensitivity libraries: name -> table.
LIBRARIES: Final[Mapping[str, str]] = MappingProxyType(
    {"scofield": "sensitivity_scofield", "ALTHERMO1": "sensitivity_althermo1"}
)


@dataclass(frozen=True)
class Line:
    """A reference line of XPS in one chemical state.

    Attributes
    ----------
    name
        ``"Zr 3d5/2"``.
    state
        Chemical state, ``"metal"``, ``"ZrO2"``, ...
    energy, energy_unc
        Binding energy and its standard uncertainty in eV; NaN where the source gives none.
    splitting, splitting_unc
        Distance to the other member of the doublet in eV; NaN for a single line or where nothing is known.
    ratio_2j1, ratio_scofield
        Area of the weaker member over that of the stronger one: by degeneracy, and by cross-section for Al Ka.
    verified
        Whether the energy was read in the source that is named.
    source, splitting_source
        Where the numbers come from.
    """

    name: str
    state: str
    energy: float
    energy_unc: float
    splitting: float
    splitting_unc: float
    ratio_2j1: float
    ratio_scofield: float
    verified: bool
    source: str
    splitting_source: str


@functools.cache
def lines() -> tuple[Line, ...]:
    """Return all reference lines in the order of the table.

    Examples
    --------
    >>> sorted({one.name for one in lines()})[:3]
    ['B 1s', 'C 1s', 'Na 1s']
    """
    return tuple(
        Line(
            name=row["line"], state=row["state"], energy=row["energy"], energy_unc=row["energy_unc"],
            splitting=row["splitting"], splitting_unc=row["splitting_unc"], ratio_2j1=row["ratio_2j1"],
            ratio_scofield=row["ratio_scofield"], verified=row["verified"] == "yes", source=row["source"],
            splitting_source=row["splitting_source"],
        )
        for row in table("xps_lines").rows()
    )  # fmt: skip


def line(name: str, state: str | None = None) -> Line:
    """Return a reference line of XPS.

    Parameters
    ----------
    name
        ``"Zr 3d5/2"``, or a region: ``"Zr 3d"`` means the stronger member.
    state
        Chemical state, ``"metal"`` say; by default the first state of the table.

    Returns
    -------
    Line
        Energy and splitting in eV, with uncertainty, source and whether it was verified.

    Raises
    ------
    InputError
        When the table has no such line or state.

    Examples
    --------
    >>> line("Zr 3d5/2", "metal").energy
    178.78
    >>> line("Zr 3d5/2").verified
    False
    """
    wanted = strongest_member(name)
    known = [one for one in lines() if one.name == wanted]
    if not known:
        available = sorted({one.name for one in lines()})
        near = difflib.get_close_matches(wanted, available, n=2)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Known are {', '.join(available)}"
        raise InputError(f"no reference energy of {wanted} is known here", remedy=hint)
    if state is None:
        return known[0]
    for one in known:
        if one.state.casefold() == state.casefold():
            return one
    raise InputError(
        f"no reference energy of {wanted} in the state {state!r} is known here",
        remedy=f"Known states are {', '.join(one.state for one in known)}",
    )


@functools.cache
def sensitivities(library: str) -> Mapping[str, float]:
    """Return a whole library of relative sensitivity factors, C 1s = 1.

    Parameters
    ----------
    library
        ``"scofield"`` (photoionisation cross-sections for Al Ka) or ``"ALTHERMO1"`` (three factors only).

    Returns
    -------
    Mapping
        Line or region -> factor (dimensionless).

    Raises
    ------
    InputError
        When there is no such library.

    Examples
    --------
    >>> sorted(sensitivities("ALTHERMO1"))
    ['C 1s', 'Na 1s', 'O 1s']
    """
    names = {name.casefold(): stem for name, stem in LIBRARIES.items()}
    if library.casefold() not in names:
        raise InputError(f"there is no sensitivity library {library!r}", remedy=f"Use one of {', '.join(LIBRARIES)}")
    rows = table(names[library.casefold()])
    return MappingProxyType(dict(zip(rows["line"].tolist(), rows["sensitivity"].tolist(), strict=True)))


def sensitivity(library: str, name: str) -> float:
    """Return a relative sensitivity factor, C 1s = 1.

    The factors of ``"scofield"`` are photoionisation cross-sections: transmission, inelastic mean free path and
    angular asymmetry are not in them. Those of ``"ALTHERMO1"`` belong to one make of instrument and its own formula.

    Parameters
    ----------
    library
        ``"scofield"`` or ``"ALTHERMO1"``.
    name
        A region, ``"Zr 3d"`` (both members of the doublet), or a line, ``"Zr 3d5/2"``.

    Returns
    -------
    float
        The factor, dimensionless.

    Raises
    ------
    InputError
        When the library has no factor for it; a factor is never guessed.

    References
    ----------
    J. H. Scofield, J. Electron Spectrosc. Relat. Phenom. 8 (1976) 129-137.

    Examples
    --------
    >>> round(sensitivity("scofield", "Na 1s"), 2)
    8.52
    """
    factors = sensitivities(library)
    wanted = region_name(name)
    factor = factors.get(wanted, math.nan)
    if math.isnan(factor):
        element = wanted.split(" ", maxsplit=1)[0]
        same = [one for one in factors if one.split(" ", maxsplit=1)[0] == element]
        hint = f"Of {element} it has {', '.join(same)}" if same else "Use another library, or give your own factor"
        raise InputError(f"library {library!r} has no sensitivity factor of {wanted}", remedy=hint)
    return factor
