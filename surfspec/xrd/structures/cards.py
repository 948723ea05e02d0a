"""The cards that ship with the package, and folders of your own, as phases."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import gemmi

from surfspec import recipes, reference
from surfspec.errors import InputError
from surfspec.xrd.structures.phase import Phase

_TOKEN = re.compile(r"([A-Z][a-z]?)([0-9.]*)")


def parse_formula(formula: str) -> dict[str, float]:
    """Count the elements of a formula without brackets.

    Examples
    --------
    >>> parse_formula("Na3Zr2Si2PO12")["P"]
    1.0
    """
    counts: dict[str, float] = {}
    for symbol, number in _TOKEN.findall(formula):
        counts[symbol] = counts.get(symbol, 0.0) + float(number or 1)
    return counts


@functools.lru_cache(maxsize=1)
def _cards() -> Mapping[str, Phase]:
    folder = reference.path("phases")
    found: dict[str, Phase] = {}
    for path in sorted(Path(str(folder)).glob("*.yaml")):
        phase = recipes.load_file(path, Phase)
        if phase.id != path.stem:
            raise InputError(
                f"the card says id {phase.id!r}", where=path, remedy=f"Name the file {phase.id}.yaml or mend the id"
            )
        found[phase.id] = phase
    return MappingProxyType(found)


def phases(
    which: Iterable[str] | None = None, *, elements: Iterable[str] | None = None, folder: str | Path | None = None
) -> tuple[Phase, ...]:
    """Load phase cards, by default all that come with the package.

    Parameters
    ----------
    which
        Card ids, mineral names or formulas; a formula gives every polymorph. None for all.
    elements
        Keep the phases that consist of these elements only.
    folder
        Folder of your own cards (``*.yaml``) to use instead of the shipped ones.

    Returns
    -------
    tuple of Phase
        In the order of their ids (or of `which`).

    Raises
    ------
    InputError
        For a name that no card has, or an unknown element.
    RecipeError, FormatError
        For a card that is not valid, with its place.

    Examples
    --------
    >>> [phase.id for phase in phases(["ZrO2"])]
    ['ZrO2_c', 'ZrO2_m', 'ZrO2_t']
    >>> [phase.id for phase in phases(elements=["Na", "Pb"])]
    ['Na15Pb4', 'NaPb', 'NaPb3', 'Na_bcc', 'Pb_fcc']
    """
    if folder is None:
        cards: Sequence[Phase] = tuple(_cards().values())
    else:
        cards = [recipes.load_file(path, Phase) for path in sorted(Path(folder).glob("*.yaml"))]
    if which is not None:
        names = [which] if isinstance(which, str) else list(which)
        cards = list(dict.fromkeys(card for name in names for card in _named(name, cards)))
    if elements is None:
        return tuple(cards)
    allowed = element_set(elements)
    return tuple(card for card in cards if card.elements <= allowed)


def element_set(elements: Iterable[str]) -> frozenset[str]:
    """Check element symbols (a list, or one string such as ``"Na Zr O"``) and return them as a set."""
    symbols = re.findall(r"[A-Za-z]+", elements) if isinstance(elements, str) else list(elements)
    for symbol in symbols:
        if gemmi.Element(symbol).atomic_number == 0 or gemmi.Element(symbol).name != symbol:
            raise InputError(f"unknown element {symbol!r}", where="elements", remedy="Use symbols such as Na, Zr, O")
    return frozenset(symbols)


def _named(name: str, cards: Sequence[Phase]) -> list[Phase]:
    hits = [card for card in cards if card.id == name]
    hits = hits or [card for card in cards if card.name.lower() == name.lower()]
    if not hits and _TOKEN.sub("", name) == "":
        wanted = parse_formula(name)
        hits = [card for card in cards if parse_formula(card.formula) == wanted]
    hits = hits or [card for card in cards if card.name.lower().split(",")[0] == name.lower()]
    if not hits:
        raise InputError(
            f"no phase card is called {name!r}",
            where="phases",
            remedy="List the cards with 'surfspec phases', or read your own structure with xrd.read_cif()",
        )
    return hits
