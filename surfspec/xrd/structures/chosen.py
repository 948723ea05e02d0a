"""Phases as callers name them: card ids, mineral names, formulas, phases, mixed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from surfspec import given
from surfspec.errors import InputError
from surfspec.xrd.structures.cards import phases
from surfspec.xrd.structures.phase import Phase


def several_phases(
    which: str | Phase | Iterable[str | Phase], where: str, *, or_none: bool = False
) -> tuple[Phase, ...]:
    """Return the phases that a caller names, in their order; a formula gives every polymorph.

    Parameters
    ----------
    which
        Phases, card ids, mineral names or formulas, one or many.
    where
        Name of the parameter, for the message.
    or_none
        Allow an empty list.

    Raises
    ------
    InputError
        For what is neither, for a name that no card has, for none at all, and for two phases with one id.

    Examples
    --------
    >>> [phase.id for phase in several_phases(["Pb_fcc", "TiO2"], "phases")]
    ['Pb_fcc', 'anatase', 'brookite', 'rutile']
    """
    entries = (which,) if isinstance(which, str | Phase) else given.listed(which, where)
    wrong = [one for one in entries if not isinstance(one, str | Phase)]
    if wrong or not (entries or or_none):
        said = "no phase is given" if not entries else f"{given.shown(wrong[0])} is no phase"
        raise InputError(said, where=where, remedy="Name phases, ['corundum'] say, or pass what xrd.phases() gives")
    chosen: dict[Phase, None] = {}
    for one in cast("tuple[str | Phase, ...]", entries):
        chosen |= dict.fromkeys((one,) if isinstance(one, Phase) else phases([one]))
    ids = [phase.id for phase in chosen]
    twins = sorted({name for name in ids if ids.count(name) > 1})
    if twins:
        raise InputError(f"two phases have the id {twins[0]!r}", where=where, remedy="Give every phase its own id")
    return tuple(chosen)


def one_phase(which: str | Phase, where: str) -> Phase:
    """Return the one phase that a caller names.

    Raises
    ------
    InputError
        As :func:`several_phases`, and for a name of several phases.

    Examples
    --------
    >>> one_phase("ZrO2", "phase")
    Traceback (most recent call last):
    surfspec.errors.InputError: phase: 'ZrO2' is ZrO2_c, ZrO2_m, ZrO2_t. Name the one you mean by its id.
    """
    if not isinstance(which, str | Phase):
        raise InputError(
            f"{given.shown(which)} is no phase", where=where, remedy="Name one, 'corundum' say, or pass a Phase"
        )
    found = several_phases(which, where)
    if len(found) > 1:
        names = ", ".join(phase.id for phase in found)
        raise InputError(f"{which!r} is {names}", where=where, remedy="Name the one you mean by its id")
    return found[0]
