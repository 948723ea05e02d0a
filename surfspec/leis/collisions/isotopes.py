"""Ions and the isotopes of target elements, with masses and abundances.

Masses and abundances are those of :mod:`periodictable` (AME and IUPAC tables). The mass of an
ion is the mass of its isotope less its missing electrons (CODATA 2018 electron mass).
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

import numpy as np
import periodictable
from numpy.typing import NDArray

from surfspec.errors import InputError

#: Electron mass in u (CODATA 2018, relative uncertainty 3e-11).
ELECTRON_MASS = 5.48579909065e-4

#: Abundances that the tables of periodictable leave at 0 (IUPAC, Pure Appl. Chem. 88 (2016) 293).
ADDED: Final = {"U": {234: 0.000054, 235: 0.007204, 238: 0.992742}}

_ION = re.compile(r"^\s*(\d+)\s*-?\s*([A-Z][a-z]?)\s*(\d*)\+?\s*$")
_TARGET = re.compile(r"^\s*(\d*)\s*-?\s*([A-Za-z]{1,2})\s*$")


@dataclass(frozen=True)
class Ion:
    """A projectile.

    Attributes
    ----------
    name
        As written in a recipe, ``"4He"``.
    symbol, number
        Element symbol and atomic number.
    mass
        Mass in u, electrons already taken off.
    charge
        Charge state.
    """

    name: str
    symbol: str
    number: int
    mass: float
    charge: int = 1


@dataclass(frozen=True)
class Isotopes:
    """The isotopes of one target element, arrays of one length.

    Attributes
    ----------
    symbol, number
        Element symbol and atomic number.
    mass_number
        Mass numbers.
    mass
        Atomic masses in u.
    abundance
        Fractions of atoms; they add up to 1.
    """

    symbol: str
    number: int
    mass_number: NDArray[np.int64]
    mass: NDArray[np.float64]
    abundance: NDArray[np.float64]


def _natural(symbol: str) -> dict[int, float]:
    """Return the abundances of the natural isotopes by mass number."""
    element = getattr(periodictable, symbol)
    added = ADDED.get(symbol, {})
    every = {a: added.get(a, float(element[a].abundance)) for a in element.isotopes}
    return {a: abundance for a, abundance in every.items() if abundance > 0}


@cache
def symbols() -> tuple[str, ...]:
    """Return the symbols of all elements that have a natural isotope, in order of atomic number.

    Examples
    --------
    >>> symbols()[:3]
    ('H', 'He', 'Li')
    """
    return tuple(
        element.symbol for element in periodictable.elements if element.number > 0 and _natural(element.symbol)
    )


def element_symbol(name: str, *, where: str = "elements") -> str:
    """Return a checked element symbol, or raise and say which was probably meant.

    Parameters
    ----------
    name
        ``"Zr"``.
    where
        Place named in the error.

    Raises
    ------
    InputError
        For anything that is no element with natural isotopes.

    Examples
    --------
    >>> element_symbol("Zr")
    'Zr'
    """
    text = str(name).strip() if isinstance(name, str) else ""
    if text in symbols():
        return text
    capital = text.capitalize()
    near = [capital] if capital in symbols() else difflib.get_close_matches(capital, symbols(), n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}? Give a symbol" if near else "Give a symbol such as O, Na or Zr"
    raise InputError(f"unknown element {name!r}", where=where, remedy=hint)


def symbols_in(text: str) -> list[str]:
    """Return the element symbols that a text seems to list, or the text alone where it lists none.

    Examples
    --------
    >>> symbols_in("O, Zr"), symbols_in("SiP"), symbols_in("oxide")
    (['O', 'Zr'], ['Si', 'P'], ['oxide'])
    """
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    parts = [part for word in words for part in (re.findall(r"[A-Z][a-z]?", word) if word.isalpha() else [word])]
    whole = "".join(parts) == "".join(words) and all(part in symbols() for part in parts)
    return (parts if whole else words) or [text]


def ion(name: str) -> Ion:
    """Return the projectile called `name`.

    Parameters
    ----------
    name
        Mass number and symbol, with or without charge: ``"4He"``, ``"4He+"``, ``"20Ne"``, ``"4He2+"``. Natural isotopes
        only.

    Returns
    -------
    Ion
        With its mass in u, electrons taken off.

    Raises
    ------
    InputError
        When the isotope is missing, unknown, or not found in nature.

    Examples
    --------
    >>> round(ion("4He").mass, 6)
    4.002055
    """
    # what has no hash cannot be looked up in a cache
    return _ion(name if isinstance(name, str) else f"of type {type(name).__name__}")


@lru_cache(maxsize=64)
def _ion(name: str) -> Ion:
    match = _ION.match(name)
    if match is None:
        raise InputError(
            f"ion {name!r} does not name an isotope",
            where="ion",
            remedy="Write mass number and symbol, such as 4He, 20Ne or 40Ar; isotopes scatter to different energies",
        )
    symbol = element_symbol(match[2], where="ion")
    element = getattr(periodictable, symbol)
    a = int(match[1])
    natural = _natural(symbol)
    if a not in natural:
        which = "natural isotope" if a in element.isotopes else "isotope"
        known = ", ".join(f"{i}{symbol}" for i in natural)
        raise InputError(f"{symbol} has no {which} of mass number {a}", where="ion", remedy=f"Use one of {known}")
    charge = int(match[3] or 1)
    if not 1 <= charge <= element.number:
        raise InputError(
            f"ion {name!r} has charge {charge} and {element.number} electrons to lose",
            where="ion",
            remedy=f"Use a charge of 1 to {element.number}",
        )
    mass = float(element[a].mass) - charge * ELECTRON_MASS
    return Ion(name=str(name).strip(), symbol=symbol, number=int(element.number), mass=mass, charge=charge)


def isotopes(target: str) -> Isotopes:
    """Return the natural isotopes of an element, or the one isotope that `target` names.

    Parameters
    ----------
    target
        ``"Zr"`` for the element, ``"90Zr"`` for one isotope (abundance 1).

    Raises
    ------
    InputError
        For an unknown element or isotope.

    Examples
    --------
    >>> isotopes("Zr").mass_number.tolist()
    [90, 91, 92, 94, 96]
    >>> isotopes("18O").abundance.tolist()
    [1.0]
    """
    return _isotopes(target if isinstance(target, str) else f"of type {type(target).__name__}")


@lru_cache(maxsize=256)
def _isotopes(target: str) -> Isotopes:
    match = _TARGET.match(target)
    if match is None:
        raise InputError(f"unknown element {target!r}", where="element", remedy="Give a symbol such as O, or 18O")
    symbol = element_symbol(match[2], where="element")
    element = getattr(periodictable, symbol)
    if match[1]:
        a = int(match[1])
        if a not in element.isotopes:
            raise InputError(
                f"{symbol} has no isotope of mass number {a}",
                where="element",
                remedy=f"Known are {', '.join(str(i) for i in element.isotopes)}",
            )
        numbers, abundance = [a], np.ones(1)
    else:
        natural = _natural(symbol)
        numbers = list(natural)
        abundance = np.array(list(natural.values()), dtype=np.float64)
        abundance = abundance / abundance.sum()
    mass = np.array([element[i].mass for i in numbers], dtype=np.float64)
    for array in (mass, abundance):
        array.flags.writeable = False
    return Isotopes(symbol, int(element.number), np.array(numbers, dtype=np.int64), mass, abundance)
