"""What a caller asks a refinement for: options, and the phases by name or from a match."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import xarray as xr

from surfspec import given, schema
from surfspec.errors import InputError
from surfspec.xrd.refinement.lattice import Lattice
from surfspec.xrd.refinement.options import Refinement
from surfspec.xrd.structures.cards import phases as load_phases
from surfspec.xrd.structures.phase import Phase

_MONOCHROMATOR = re.compile(r"monochromator'?: ([0-9.]+)")

Which = xr.Dataset | str | Phase | Lattice | Iterable[str | Phase | Lattice]


def settings_of(options: Refinement | None, changes: Mapping[str, Any], found: xr.Dataset | None) -> Refinement:
    """Return the options with those changed that keywords name; a match may know the monochromator."""
    unknown = sorted(set(changes) - set(Refinement.__dataclass_fields__))
    if unknown:
        raise InputError(
            f"refine() has no option {', '.join(unknown)}", where=unknown[0],
            remedy=f"Options are {', '.join(Refinement.__dataclass_fields__)}",
        )  # fmt: skip
    if options is not None and not isinstance(options, Refinement):
        raise InputError(
            f"options is {given.shown(options)}",
            where="options",
            remedy="Pass xrd.Refinement(...), or name the options",
        )
    settings = replace(options or Refinement(), **changes)
    if found is not None and options is None and "monochromator" not in changes:
        told = _MONOCHROMATOR.search(str(found.attrs.get("recipe", "")))
        settings = replace(settings, monochromator=float(told[1])) if told else settings
    return settings


def named(settings: Refinement, chosen: Sequence[Phase | Lattice]) -> Refinement:
    """Return the options with the ids of the phases that they name; InputError for one that is not refined."""

    def place(name: str, where: str) -> str:
        ids = [one.id for one in chosen]
        hits = [one.id for one in chosen if name.casefold() in (one.name.casefold(), one.formula.casefold())]
        if name not in ids and len(hits) != 1:
            said = "is not refined" if not hits else f"is {', '.join(hits)}"
            raise InputError(f"{where} names {name}, which {said}", where=where, remedy=f"Name {' or '.join(ids)}")
        return name if name in ids else hits[0]

    free = tuple(place(name, "pawley") for name in settings.pawley)
    if isinstance(settings.texture, str):
        return replace(settings, pawley=free)
    directions = tuple((place(name, "texture"), way) for name, way in settings.texture)
    unbound = {*free, *(one.id for one in chosen if isinstance(one, Lattice))}
    lost = next((name for name, _ in directions if name in unbound), None)
    if lost is not None:
        raise InputError(
            f"the line areas of {lost} are free and take any texture", where="texture",
            remedy="Leave its direction out, or refine its structure",
        )  # fmt: skip
    return replace(settings, pawley=free, texture=directions)


def structures_of(structures: object) -> tuple[Phase | Lattice, ...]:
    """Return the phases of the caller's own."""
    entries = (structures,) if isinstance(structures, Phase | Lattice) else given.listed(structures, "structures")
    found = [one for one in entries if isinstance(one, Phase | Lattice)]
    if len(found) < len(entries):
        raise InputError(
            "structures holds what is no structure", where="structures",
            remedy="Give what xrd.read_cif() or xrd.phases() returned",
        )  # fmt: skip
    return tuple(found)


def chosen_phases(phases: Which, own: Sequence[Phase | Lattice]) -> tuple[Phase | Lattice, ...]:
    """Return the phases to refine: those of a match, or as they are named."""
    if isinstance(phases, xr.Dataset):
        if "reflection_phase" not in phases or "phase" not in phases or "scale" not in phases:
            raise InputError(
                "this Dataset is no match", where="phases", remedy="Pass what xrd.match() returned, or name the phases"
            )
        schema.check(phases, "match")
        if phases["scale"].ndim != 1:
            raise InputError("this match is a series", where="phases", remedy="Select one pattern with isel()")
        wanted: list[str | Phase | Lattice] = [str(name) for name in phases["phase"].values]
    else:
        entries = (phases,) if isinstance(phases, str | Phase | Lattice) else given.listed(phases, "phases")
        wanted = [one for one in entries if isinstance(one, str | Phase | Lattice)]
        if len(wanted) < len(entries):
            raise InputError(
                "phases holds what is no phase", where="phases", remedy="Name phases, ['corundum', 'quartz'] say"
            )
    mine = {one.id: one for one in own}
    chosen: list[Phase | Lattice] = []
    for one in wanted:
        if not isinstance(one, str):
            chosen.append(one)
        elif one in mine:
            chosen.append(mine[one])
        else:
            cards = load_phases([one])
            if len(cards) > 1:
                listed = ", ".join(card.id for card in cards)
                raise InputError(f"{one} is {listed}", where="phases", remedy="Name the one to refine by its id")
            chosen.append(cards[0])
    if not chosen:
        raise InputError("there is no phase to refine", where="phases", remedy="Name at least one phase")
    ids = [one.id for one in chosen]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise InputError(f"{', '.join(twice)} comes twice", where="phases", remedy="Give each phase an id of its own")
    return tuple(chosen)
