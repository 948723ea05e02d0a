"""Which phases are tried: by name, by element, never, and always."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.recipe import Recipe
from surfspec.xrd.structures.cards import element_set
from surfspec.xrd.structures.cards import phases as load_phases
from surfspec.xrd.structures.phase import Phase


def chosen_phases(
    settings: Recipe, chosen: Iterable[str | Phase] | None, elements: Iterable[str] | None
) -> tuple[Phase, ...]:
    """Return the candidates: what is chosen, of the elements allowed, without ``never`` and with ``must``.

    Parameters
    ----------
    settings
        Recipe.
    chosen, elements
        Override its ``phases`` and ``elements``.

    Raises
    ------
    InputError
        When the list is empty, nothing remains, two phases share an id, or a phase must be there and never be there.
    """
    if chosen is None:
        chosen = settings.phases
    elif not isinstance(chosen, str | Phase):
        listed = given.listed(chosen, "phases")
        chosen = [one for one in listed if isinstance(one, str | Phase)]
        if len(chosen) < len(listed):
            wrong = next(one for one in listed if not isinstance(one, str | Phase))
            raise InputError(
                f"phases holds {given.shown(wrong)}",
                where="phases",
                remedy="Give names, ids, formulas or Phase objects",
            )
        if not chosen:
            raise InputError(
                "the list of phases is empty",
                where="phases",
                remedy="Name candidates, or leave phases out for every card",
            )
    wanted: Sequence[str | Phase] = [chosen] if isinstance(chosen, str | Phase) else list(chosen)
    names = [one for one in wanted if isinstance(one, str)]
    own = [one for one in wanted if isinstance(one, Phase)]
    cards = load_phases(names or None) if names or not own else ()
    allowed = element_set(elements if elements is not None else settings.elements)
    found = tuple(dict.fromkeys([*own, *cards]))
    must = {one.id for name in settings.must for one in _named(name, found)}
    never = {one.id for name in settings.never for one in _named(name, found)}
    if must & never:
        raise InputError(
            f"{', '.join(sorted(must & never))} must and must never be there",
            where="must",
            remedy="Take it out of one of the two lists",
        )
    stated = [one for name in settings.must for one in _named(name, found)]
    if len(set(stated)) > settings.max_phases:
        raise InputError(
            f"{len(set(stated))} phases must be there, max_phases is {settings.max_phases}",
            where="must",
            remedy="Raise max_phases, or state fewer phases",
        )
    found = tuple(dict.fromkeys([*found, *stated]))
    kept = tuple(
        one for one in found if one.id not in never and (not allowed or one.elements <= allowed or one.id in must)
    )
    if not kept:
        raise InputError(
            f"none of {len(found)} phases consists of {', '.join(sorted(allowed))} only",
            where="elements",
            remedy="Name more elements, or give your own structures with xrd.read_cif()",
        )
    repeated = sorted({one.id for one in kept if sum(other.id == one.id for other in kept) > 1})
    if repeated:
        raise InputError(
            f"two different phases share the id {', '.join(repeated)}",
            where="phases",
            remedy="Give your own structure another id: read_cif(path, id='...')",
        )
    return kept


def _named(name: str, own: Sequence[Phase]) -> list[Phase]:
    """Phases of a name: among the candidates by id, else cards by id, name or formula."""
    return [one for one in own if one.id == name] or list(load_phases([name]))


def stated_ids(settings: Recipe, candidates: Sequence[Phase]) -> frozenset[str]:
    """Ids of the candidates that the recipe says are present."""
    return frozenset(one.id for name in settings.must for one in _named(name, candidates))
