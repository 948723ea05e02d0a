"""What a rule of advice is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from surfspec.xps.advice.view import View

#: Levels of advice, the mildest first. note: to keep in mind; check: a number is in doubt; fault: the fit says what
#: cannot be.
LEVELS: Final[tuple[str, ...]] = ("note", "check", "fault")


@dataclass(frozen=True)
class Finding:
    """What a rule found in one fit.

    Attributes
    ----------
    about
        Component, parameter or line that it is about; empty for the whole fit.
    reason
        What was seen, with its numbers.
    level
        One of :data:`LEVELS` where it differs from that of the rule.
    """

    about: str
    reason: str
    level: str = ""


@dataclass(frozen=True)
class Rule:
    """One thing that an experienced analyst looks for.

    Attributes
    ----------
    code
        Its name, ``"overlap"``.
    level
        One of :data:`LEVELS`.
    title
        What it looks for, in a line.
    remedy
        What to do about it.
    reference
        Standard or literature that it rests on.
    look
        Goes through what it finds in one member of a fit; the input is never changed.
    """

    code: str
    level: str
    title: str
    remedy: str
    reference: str
    look: Callable[[View], Iterator[Finding]]
