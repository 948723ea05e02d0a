"""The cards that ship with the package, and folders of your own, chosen by name and by elements."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import gemmi

from surfspec import given, reference
from surfspec.errors import InputError
from surfspec.xrd.structures.folder import read_folder
from surfspec.xrd.structures.formula import is_formula, parse_formula
from surfspec.xrd.structures.phase import Phase


def phases(
    which: Iterable[str] | None = None,
    *,
    elements: Iterable[str] | None = None,
    never: Iterable[str] | None = None,
    folder: str | Path | None = None,
) -> tuple[Phase, ...]:
    """Load phases, by default all cards that come with the package.

    Parameters
    ----------
    which
        Card ids, mineral names or formulas; a formula gives every polymorph. None for all.
    elements
        Keep the phases that consist of these elements only.
    never
        Ids, names or formulas of phases that are known not to be there.
    folder
        Folder of your own cards and CIF files (see `read_folder`) to use instead of the shipped ones.

    Returns
    -------
    tuple of Phase
        In the order of their ids (or of `which`).

    Raises
    ------
    InputError
        For a name that no card has, an unknown element, and for what is no list of names.
    RecipeError, FormatError
        For a card that is not valid, with its place.

    Examples
    --------
    >>> [phase.id for phase in phases(["ZrO2"])]
    ['ZrO2_c', 'ZrO2_m', 'ZrO2_t']
    >>> [phase.id for phase in phases(["ZrO2"], never=["ZrO2_c"])]
    ['ZrO2_m', 'ZrO2_t']
    >>> [phase.id for phase in phases(elements=["Na", "Pb"])]
    ['Na15Pb4', 'NaPb', 'NaPb3', 'Na_bcc', 'Pb_fcc']
    """
    every = shipped() if folder is None else read_folder(folder)
    cards: Sequence[Phase] = every
    if which is not None:
        cards = list(dict.fromkeys(card for name in _names(which, "which") for card in named(name, every)))
    if never is not None:
        away = {card.id for name in _names(never, "never") for card in named(name, every)}
        cards = [card for card in cards if card.id not in away]
    if elements is None:
        return tuple(cards)
    allowed = element_set(elements)
    return tuple(card for card in cards if card.elements <= allowed)


def shipped() -> tuple[Phase, ...]:
    """Return the cards that come with the package, in the order of their ids."""
    return read_folder(Path(str(reference.path("phases"))))


def element_set(elements: Iterable[str]) -> frozenset[str]:
    """Check element symbols (a list, or one string such as ``"Na Zr O"``) and return them as a set."""
    symbols = re.findall(r"[A-Za-z]+", elements) if isinstance(elements, str) else _names(elements, "elements")
    for symbol in symbols:
        if gemmi.Element(symbol).atomic_number == 0 or gemmi.Element(symbol).name != symbol:
            raise InputError(f"unknown element {symbol!r}", where="elements", remedy="Use symbols such as Na, Zr, O")
    return frozenset(symbols)


def named(name: str, cards: Sequence[Phase]) -> list[Phase]:
    """Return the cards that a name means: an id, a mineral or chemical name, or a formula with all its polymorphs.

    Raises
    ------
    InputError
        When no card is called so, with the nearest names.
    """
    hits = [card for card in cards if card.id == name]
    hits = hits or [card for card in cards if card.name.lower() == name.lower()]
    if not hits and is_formula(name):
        wanted = parse_formula(name)
        hits = [card for card in cards if parse_formula(card.formula) == wanted]
    hits = hits or [card for card in cards if name.lower() in card.name.lower().split(", ")]
    if hits:
        return hits
    known = {word.lower(): word for card in cards for word in (card.id, card.formula, *card.name.split(", "))}
    near = [known[word] for word in difflib.get_close_matches(name.lower(), list(known), n=3, cutoff=0.7)]
    meant = f"Did you mean {' or '.join(near)}? " if near else ""
    raise InputError(
        f"no phase card is called {name!r}",
        where="phases",
        remedy=f"{meant}List the cards with 'surfspec phases', or read your own structure with xrd.read_cif()",
    )


def _names(which: Iterable[str], where: str) -> list[str]:
    names = [which] if isinstance(which, str) else given.listed(which, where)
    wrong = next((one for one in names if not isinstance(one, str)), None)
    if wrong is not None:
        raise InputError(f"{where} holds {given.shown(wrong)}", where=where, remedy="Give names: ['Pb', 'zircon'] say")
    return [str(one) for one in names]
