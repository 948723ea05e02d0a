"""Reasons of a verdict in the room that a title has: whole, or their first clauses, or their kinds; never cut."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence


def in_short(reasons: Sequence[str], fits: Callable[[str], bool]) -> str:
    """Return the longest telling of some reasons that fits.

    A reason is ``kind: what, and more``. Told are the reasons in full; their first clauses; their kinds; the kinds one
    after the other as far as there is room.

    Parameters
    ----------
    reasons
        As a verdict gives them; none is "no reason given".
    fits
        Says whether a text fits.

    Examples
    --------
    >>> told = ["model inadequate: two phases miss by 3, mostly O", "ambiguous: 2, 3 monolayers"]
    >>> for size in (90, 70, 30, 10):
    ...     in_short(told, lambda text: len(text) <= size)
    'model inadequate: two phases miss by 3, mostly O; ambiguous: 2, 3 monolayers'
    'model inadequate: two phases miss by 3; ambiguous'
    'model inadequate; ambiguous'
    'model inadequate'
    """
    if not reasons:
        return "no reason given"
    kinds = list(dict.fromkeys(reason.split(": ", 1)[0] for reason in reasons))
    for tell in (str, _clause):
        text = "; ".join(dict.fromkeys(tell(reason) for reason in reasons))
        if fits(text):
            return text
    while len(kinds) > 1 and not fits("; ".join(kinds)):
        kinds.pop()
    return "; ".join(kinds)


def _clause(reason: str) -> str:
    """Return a reason without what follows its first comma; its kind where that leaves a list cut in two.

    A comma in brackets takes the whole of the brackets away.

    Examples
    --------
    >>> _clause("microabsorption: biased unless grains are fine (Pb_fcc, ZrO2_m)")
    'microabsorption: biased unless grains are fine'
    """
    kind, _, rest = reason.partition(": ")
    clause, comma, more = rest.partition(", ")
    if not rest or (comma and clause[-1:].isdigit() and more[:1].isdigit()):
        return kind
    if clause.count("(") > clause.count(")"):
        clause = clause[: clause.rindex("(")].rstrip()
    return f"{kind}: {clause}" if clause else kind


def doubts_of(verdicts: Mapping[str, tuple[str, Sequence[str]]]) -> tuple[str, list[str]]:
    """Return the worst verdict, and a line for each name whose verdict is not ok, with the kinds of its reasons.

    Examples
    --------
    >>> doubts_of({"a": ("ok", []), "b": ("check", ["ambiguous: 2, 3 layers", "ambiguous: start"])})
    ('check', ['b: ambiguous'])
    """
    found = {verdict for verdict, _ in verdicts.values()}
    worst = "failed" if "failed" in found else "check" if found - {"ok"} else "ok"
    return worst, [
        f"{name if verdict == worst else f'{name} ({verdict})'}: "
        + (", ".join(dict.fromkeys(reason.split(": ", 1)[0] for reason in reasons)) or "no reason given")
        for name, (verdict, reasons) in verdicts.items()
        if verdict != "ok"
    ]


def fits_lines(first: str, width: int, lines: int) -> Callable[[str], bool]:
    """Return a function that says whether a text after a first part takes at most so many lines of a width."""
    return lambda text: len(textwrap.wrap(f"{first}{text}", width, break_on_hyphens=False)) <= lines
