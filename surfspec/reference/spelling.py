"""Names of elements, core levels and regions, in one spelling."""

from __future__ import annotations

import difflib
import re
from typing import Final

from surfspec.errors import InputError

#: Symbols of the elements by atomic number, hydrogen first.
ELEMENTS: Final[tuple[str, ...]] = tuple(
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr "  # noqa: SIM905
    "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu "
    "Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr "
    "Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og".split()
)
_SYMBOLS: Final = {symbol.casefold(): symbol for symbol in ELEMENTS}
_LEVEL: Final = re.compile(r"([A-Za-z]{1,3})([1-7])([spdfSPDF])([1357]/2)?")
_AUGER: Final = re.compile(r"([A-Za-z]{1,2}?)([K-Ok-o][1-7]*)([L-Vl-v][1-7]*,?)([L-Vl-v][1-7]*(?:,[1-7])*)")
_AUGER_GROUPS: Final = frozenset(
    "KLL KLM KMM KLV KVV LMM LMN LMV LVV LNN MNN MNV MVV MNO NNN NNO NOO NVV OOO OVV".split()  # noqa: SIM905
)
_SCAN: Final = re.compile(r"[ _]+scan(?:[ _]+[A-Z0-9]+)?$", re.IGNORECASE)
_WIDE: Final = {
    "survey": "Survey", "xpssurvey": "Survey", "wide": "Survey", "widescan": "Survey",
    "valence": "Valence band", "valenceband": "Valence band", "vb": "Valence band",
}  # fmt: skip
#: Largest j of each subshell: the stronger line of the doublet.
_UPPER: Final = {"s": "", "p": "3/2", "d": "5/2", "f": "7/2"}


def element_symbols() -> tuple[str, ...]:
    """Return the symbols of the elements in the order of their atomic number.

    Examples
    --------
    >>> element_symbols()[:3]
    ('H', 'He', 'Li')
    """
    return ELEMENTS


def element_symbol(text: str) -> str:
    """Return the symbol of an element in its proper spelling.

    Parameters
    ----------
    text
        A symbol, in any case: ``"na"``, ``"NA"``, ``"Na"``.

    Returns
    -------
    str
        ``"Na"``.

    Raises
    ------
    InputError
        When there is no such element.

    Examples
    --------
    >>> element_symbol("ZR")
    'Zr'
    """
    symbol = _SYMBOLS.get(text.strip().casefold())
    if symbol is None:
        near = difflib.get_close_matches(text.strip().casefold(), _SYMBOLS, n=3, cutoff=0.4)
        hint = f"Did you mean {' or '.join(_SYMBOLS[name] for name in near)}?" if near else "Use a chemical symbol"
        raise InputError(f"there is no element {text[:40]!r}", remedy=hint)
    return symbol


def region_name(text: str) -> str:
    """Return the name of a region in one spelling, whatever the instrument called it.

    Parameters
    ----------
    text
        ``"Na1s"``, ``"Na_1s"``, ``"na 1S"``, ``"NaKLL"``, ``"Zr3d5/2"``, ``"O1s Scan"``, ``"survey"``, ...

    Returns
    -------
    str
        ``"Na 1s"``, ``"Na KLL"``, ``"Zr 3d5/2"``, ``"Survey"``, ``"Valence band"``, ...

    Raises
    ------
    InputError
        When it names no core level, Auger group or wide scan, or an unknown element.

    Examples
    --------
    >>> [region_name(word) for word in ("Na1s", "na_1S", "NaKLL", "Zr3d5/2 Scan A")]
    ['Na 1s', 'Na 1s', 'Na KLL', 'Zr 3d5/2']
    """
    bare = re.sub(r"[\s_\-]+", "", _SCAN.sub("", text.strip()))
    if bare.casefold() in _WIDE:
        return _WIDE[bare.casefold()]
    level = _LEVEL.fullmatch(bare)
    if level is not None:
        symbol, shell, orbital, spin = level.groups()
        orbital = orbital.lower()
        name = f"{element_symbol(symbol)} {shell}{orbital}{spin or ''}"
        _check_level(name, int(shell), orbital, spin)
        return name
    auger = _AUGER.fullmatch(bare)
    if auger is not None and auger[1].casefold() in _SYMBOLS:
        group = (auger[2] + auger[3] + auger[4]).upper()
        if re.sub(r"[^A-Z]", "", group) in _AUGER_GROUPS:
            return f"{element_symbol(auger[1])} {group}"
    raise InputError(
        f"{text[:40]!r} is no name of a region",
        remedy="Write an element and its level, 'Na 1s' or 'Zr 3d', an Auger group, 'Na KLL', or 'Survey'",
    )


def _check_level(name: str, shell: int, orbital: str, spin: str | None) -> None:
    """Refuse levels that no atom has: l must be below n, and j = l - 1/2 or l + 1/2."""
    angular = "spdf".index(orbital)
    if angular >= shell:
        raise InputError(f"there is no level {name!r}", remedy=f"Shell {shell} has only {', '.join('spdf'[:shell])}")
    allowed = {"1/2"} if angular == 0 else {f"{2 * angular - 1}/2", f"{2 * angular + 1}/2"}
    if spin is not None and spin not in allowed:
        raise InputError(
            f"there is no level {name!r}", remedy=f"j of a {orbital} level is {' or '.join(sorted(allowed))}"
        )


def strongest_member(region: str) -> str:
    """Return the line of a region that reference energies are given for: the member of larger j.

    Parameters
    ----------
    region
        Name of a region, ``"Zr 3d"``; the name of a line is returned as it is.

    Returns
    -------
    str
        ``"Zr 3d5/2"``; an s level or an Auger group has one member only.

    Examples
    --------
    >>> strongest_member("Zr3d"), strongest_member("C 1s"), strongest_member("Na KLL")
    ('Zr 3d5/2', 'C 1s', 'Na KLL')
    """
    name = region_name(region)
    match = _LEVEL.fullmatch(name.replace(" ", ""))
    if match is None or match[4]:
        return name.removesuffix("1/2") if match is not None and match[3] == "s" else name
    return name + _UPPER[match[3]]
