"""Lines of a VAMAS file one after the other, and what is made of them: header and blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import FormatError

#: Numbers at or above this stand for "not known" (the standard writes 1E37).
UNKNOWN = 1e36
#: No list of a real file is longer; a larger number is a sign of damage.
MAX_COUNT = 10_000_000

Value = str | float | int | tuple[tuple[str | float, ...], ...] | tuple[float, ...]


@dataclass(frozen=True)
class Header:
    """What stands before the blocks of a VAMAS file."""

    institution: str
    instrument: str
    operator: str
    experiment: str
    comment: str
    experiment_mode: str
    scan_mode: str
    variables: tuple[tuple[str, str], ...]
    listed: tuple[int, ...]
    inclusion: bool
    upgrade_block_entries: int
    blocks: int


@dataclass(frozen=True)
class Block:
    """One block: its parameters by name and its ordinates.

    Attributes
    ----------
    number
        Place in the file, from 1.
    line
        Line of the block identifier.
    identifier, sample
        First two lines of the block.
    values
        Parameters by name; texts, numbers (``math.nan`` where the file says 1E37) and lists.
    ordinates
        Shape (points, corresponding variables).
    """

    number: int
    line: int
    identifier: str
    sample: str
    values: dict[str, Value]
    ordinates: NDArray[np.float64]

    def text(self, name: str) -> str:
        """Return a text parameter, or an empty string where the block does not carry it."""
        return str(self.values.get(name, ""))

    def number_of(self, name: str) -> float:
        """Return a number, or NaN where the block does not carry or know it."""
        value = self.values.get(name, math.nan)
        return float(value) if isinstance(value, int | float) else math.nan


@dataclass
class Cursor:
    """Walk over the lines of a file; every complaint names file, line and block."""

    name: str
    lines: list[str]
    place: int = 0
    block: int = 0
    blocks: int = 0

    def fail(self, message: str, remedy: str, line: int | None = None) -> FormatError:
        """Return the error that belongs to the present line."""
        inside = f"block {self.block} of {self.blocks}: " if self.block else "header: "
        where = f"{self.name}:{self.place if line is None else line}"
        return FormatError(inside + message, where=where, remedy=remedy)

    def text(self, what: str) -> str:
        """Take the next line."""
        if self.place >= len(self.lines):
            raise self.fail(f"the file ends where {what} is due", "The file is cut off; copy or export it again")
        self.place += 1
        return self.lines[self.place - 1].strip()

    def real(self, what: str) -> float:
        """Take a number; 1E37 and blanks are NaN."""
        text = self.text(what)
        try:
            number = float(text.replace("D", "E").replace("d", "e"))
        except ValueError:
            raise self.fail(
                f"{what} is {text[:40]!r}, not a number",
                "A line is missing or added before this one; export the file again",
            ) from None
        return math.nan if abs(number) >= UNKNOWN else number

    def count(self, what: str) -> int:
        """Take a whole number that is not negative."""
        number = self.whole(what)
        if not 0 <= number <= MAX_COUNT:
            raise self.fail(f"{what} is {number}", "The file is damaged; export it again")
        return number

    def whole(self, what: str) -> int:
        """Take a whole number."""
        number = self.real(what)
        if not math.isfinite(number) or number != int(number):
            raise self.fail(
                f"{what} is {self.lines[self.place - 1].strip()[:40]!r}, not a whole number",
                "A line is missing or added before this one; export the file again",
            )
        return int(number)

    def lines_of(self, what: str) -> str:
        """Take a number of lines and then these lines."""
        count = self.count(f"the number of lines in the {what}")
        return "\n".join(self.text(f"line {i + 1} of {count} of the {what}") for i in range(count))
