"""What a column of a text table is: its role, unit and label, read off its name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from surfspec.errors import InputError
from surfspec.schema import INTENSITY_UNITS

#: Roles that can serve as spectral axis.
AXIS_ROLES = ("binding_energy", "kinetic_energy", "two_theta", "energy")

_ROLES = (
    ("derived", r"background|backgnd|bkg|baseline|envelope|residual|resid|\bfit|model|transmission|component"),
    ("sigma", r"sigma|uncert|(?:^|[_\W])(?:err|error|errors|std|stdev|sd|esd|unc)(?:$|[_\W])"),
    ("binding_energy", r"binding|^b\.?e\.?(?:$|[_\W])|(?:^|_)e_?bin"),
    ("kinetic_energy", r"kinetic|^k\.?e\.?(?:$|[_\W])|(?:^|_)e_?kin"),
    ("two_theta", r"2[\s_-]*(?:theta|θ|th\b)|two[\s_-]*theta|^tth|^angle"),
    ("intensity", r"count|cps|intens|signal|yield|^i(?:$|[\W_])|^n\(e\)|^y$|^raw"),
    ("energy", r"^energy|^e(?:$|[\W_])"),
)
_UNIT = re.compile(r"[\[(]\s*([^\])]*?)\s*[\])]|[/,]\s*([A-Za-zµ°Åå/%]+)\s*$|_(eV|keV|deg|degree|nA|cps)$")

#: Unit as written -> (unit of surfspec, factor), for axes.
_AXIS_UNITS = {
    "ev": ("eV", 1.0),
    "kev": ("eV", 1e3),
    "deg": ("deg", 1.0),
    "degree": ("deg", 1.0),
    "degrees": ("deg", 1.0),
    "°": ("deg", 1.0),
}
#: The same for intensities.
_INTENSITY_UNITS = {
    "counts": ("counts", 1.0),
    "count": ("counts", 1.0),
    "cts": ("counts", 1.0),
    "counts/s": ("counts/s", 1.0),
    "cps": ("counts/s", 1.0),
    "c/s": ("counts/s", 1.0),
    "cts/s": ("counts/s", 1.0),
    "counts per second": ("counts/s", 1.0),
    "count/s": ("counts/s", 1.0),
    "kcps": ("counts/s", 1e3),
    "a": ("nA", 1e9),
    "na": ("nA", 1.0),
    "ma": ("nA", 1e6),
    "ua": ("nA", 1e3),
    "µa": ("nA", 1e3),
    "μa": ("nA", 1e3),
    "pa": ("nA", 1e-3),
    "fa": ("nA", 1e-6),
    "arb. units": ("arb. units", 1.0),
    "arb.u.": ("arb. units", 1.0),
    "a.u.": ("arb. units", 1.0),
    "au": ("arb. units", 1.0),
    "arbitrary": ("arb. units", 1.0),
}


@dataclass(frozen=True)
class Column:
    """A named column.

    Attributes
    ----------
    index
        Place in the table, from 0.
    name
        As written.
    role
        ``binding_energy``, ``kinetic_energy``, ``two_theta``, ``energy``, ``intensity``, ``sigma``,
        ``derived`` (background, envelope, ...) or ``other``.
    unit
        Unit in the words of surfspec, or ``""`` where the name does not say.
    factor
        Factor from the unit as written to `unit`.
    """

    index: int
    name: str
    role: str
    unit: str
    factor: float


def classify(names: tuple[str, ...]) -> list[Column]:
    """Give each column name its role and unit.

    Examples
    --------
    >>> [(c.role, c.unit) for c in classify(("Kinetic Energy [keV]", "CPS_Na 1s 6", "sigma"))]
    [('kinetic_energy', 'eV'), ('intensity', 'counts/s'), ('sigma', '')]
    """
    return [_column(index, name) for index, name in enumerate(names)]


def _column(index: int, name: str) -> Column:
    low = name.strip().lower()
    role = next((role for role, pattern in _ROLES if re.search(pattern, low)), "other")
    unit, factor = _unit(name, role)
    if role == "intensity" and not unit:
        unit = _intensity_word(low)
    return Column(index, name, role, unit, factor)


def _unit(name: str, role: str) -> tuple[str, float]:
    table = _AXIS_UNITS if role in AXIS_ROLES else _INTENSITY_UNITS
    for match in _UNIT.finditer(name):
        text = next(group for group in match.groups() if group is not None)
        found = intensity_unit(text) if table is _INTENSITY_UNITS else _AXIS_UNITS.get(text.lower())
        if found is not None:
            return found
    return "", 1.0


def intensity_unit(text: str) -> tuple[str, float] | None:
    """Return the unit of an intensity in the words of surfspec and its factor, or None."""
    low = text.strip().lower().replace("·", "").replace(" s-1", "/s").replace("⋅", "")
    return _INTENSITY_UNITS.get(low)


def agreed_unit(asked: str, stated: tuple[str, float] | None, name: str, where: str) -> tuple[str, float]:
    """Return the unit of an intensity and its factor: what the caller says, where it does not contradict the file.

    Parameters
    ----------
    asked
        Unit that the caller names.
    stated
        Unit of surfspec and factor that the file states, or None.
    name
        The column as the file calls it.
    where
        File name for errors.

    Returns
    -------
    tuple
        The stated factor where both mean one unit; a prefix of a current is converted. Counts and their rate may stand
        for each other (files mix them up), and everything may be called arbitrary.

    Raises
    ------
    InputError
        For an unknown unit, and for a current that is called counts or the other way round.

    Examples
    --------
    >>> agreed_unit("nA", ("nA", 1e9), "I, A", "a.txt")
    ('nA', 1000000000.0)
    >>> agreed_unit("counts/s", ("nA", 1e9), "I, A", "a.txt")
    Traceback (most recent call last):
    ...
    surfspec.errors.InputError: a.txt: the file gives 'I, A' as a current and units='counts/s' ... Leave units= out...
    """
    found = intensity_unit(asked)
    if found is None:
        raise InputError(
            f"unknown intensity unit {asked!r}", where=where, remedy=f"Use one of {', '.join(INTENSITY_UNITS)}"
        )
    if stated is None or "arb. units" in {found[0], stated[0]}:
        return found
    if found[0] == stated[0]:
        return stated
    if "nA" in {found[0], stated[0]}:
        what = "a current" if stated[0] == "nA" else stated[0]
        raise InputError(
            f"the file gives {name!r} as {what} and units={asked!r} says otherwise",
            where=where,
            remedy="Leave units= out; charges and counts are not converted into each other",
        )
    return found


def _intensity_word(low: str) -> str:
    if "arbitrary" in low or "a.u." in low or "arb" in low:
        return "arb. units"
    if re.search(r"cps|count[s_ ]*(?:/|per|_per_)\s*_?s|count ?rate", low):
        return "counts/s"
    return "counts" if "count" in low else ""
