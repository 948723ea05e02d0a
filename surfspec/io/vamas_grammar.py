"""The grammar of VAMAS files (ISO 14976), complete and without physics: text in, header and blocks out.

References
----------
W. A. Dench, L. B. Hazell, M. P. Seah, Surf. Interface Anal. 13 (1988) 63-122; ISO 14976:1998.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import FormatError

MAGIC = "VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4"
#: Numbers at or above this stand for "not known" (the standard writes 1E37).
UNKNOWN = 1e36
#: No list of a real file is longer; a larger number is a sign of damage.
MAX_COUNT = 10_000_000

EXPERIMENT_MODES = ("MAP", "MAPDP", "MAPSV", "MAPSVDP", "NORM", "SDP", "SDPSV", "SEM", "NOEXP")
SCAN_MODES = ("REGULAR", "IRREGULAR", "MAPPING")
_WITH_REGIONS = ("MAP", "MAPDP", "NORM", "SDP")
_DEPTH_PROFILES = ("MAPDP", "MAPSVDP", "SDP", "SDPSV")
_ION_TECHNIQUES = (
    "FABMS", "FABMS energy spec", "ISS", "SIMS", "SIMS energy spec", "SNMS", "SNMS energy spec",
)  # fmt: skip
_SPUTTERED_TECHNIQUES = ("AES diff", "AES dir", "EDX", "ELS", "UPS", "XPS", "XRF")
ITEMS = 40

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


@dataclass(frozen=True)
class _Context:
    header: Header
    technique: str

    def mode_in(self, modes: tuple[str, ...]) -> bool:
        return self.header.experiment_mode in modes


Item = Callable[[Cursor, _Context], dict[str, Value]]


def parse(text: str, name: str) -> tuple[Header, list[Block]]:
    """Read the text of a VAMAS file.

    Parameters
    ----------
    text
        Decoded text.
    name
        File name for errors.

    Returns
    -------
    Header, list of Block
        Everything the file holds.

    Raises
    ------
    FormatError
        With block, line and what was expected there.
    """
    cursor = Cursor(name, text.split("\n"))
    while not cursor.text("the format identifier").lstrip("\ufeff").startswith("VAMAS"):
        if cursor.place > 20:
            raise cursor.fail("no VAMAS identifier in the first lines", "Check that this is a VAMAS file")
    header = _header(cursor)
    cursor.blocks = header.blocks
    blocks: list[Block] = []
    first: dict[int, dict[str, Value]] = {}
    for number in range(1, header.blocks + 1):
        cursor.block = number
        blocks.append(_block(cursor, header, number, first))
    return header, blocks


def _header(cursor: Cursor) -> Header:
    institution = cursor.text("the institution")
    instrument = cursor.text("the instrument model")
    operator = cursor.text("the operator")
    experiment = cursor.text("the experiment identifier")
    comment = _lines(cursor, "comment")
    mode = _one_of(cursor, "the experiment mode", EXPERIMENT_MODES)
    scan = _one_of(cursor, "the scan mode", SCAN_MODES)
    if mode in _WITH_REGIONS:
        cursor.whole("the number of spectral regions")
    if mode in ("MAP", "MAPDP"):
        for what in ("analysis positions", "x coordinates in the full map", "y coordinates in the full map"):
            cursor.whole(f"the number of {what}")
    count = cursor.count("the number of experimental variables")
    variables = tuple((cursor.text("a variable label"), cursor.text("a variable unit")) for _ in range(count))
    entries = cursor.whole("the number of entries in the inclusion or exclusion list")
    listed = tuple(_prefix(cursor) for _ in range(abs(entries)))
    for _ in range(cursor.count("the number of manually entered items")):
        cursor.text("the number of a manually entered item")
    upgrades = cursor.count("the number of future upgrade experiment entries")
    block_upgrades = cursor.count("the number of future upgrade block entries")
    for _ in range(upgrades):
        cursor.text("a future upgrade experiment entry")
    blocks = cursor.count("the number of blocks")
    if not blocks:
        raise cursor.fail("the file holds no blocks", "Export the spectra again")
    return Header(
        institution, instrument, operator, experiment, comment, mode, scan, variables, listed, entries >= 0,
        block_upgrades, blocks,
    )  # fmt: skip


def _one_of(cursor: Cursor, what: str, allowed: tuple[str, ...]) -> str:
    word = cursor.text(what).upper()
    if word not in allowed:
        raise cursor.fail(f"{what} is {word[:40]!r}", f"It must be one of {', '.join(allowed)}; export the file again")
    return word


def _prefix(cursor: Cursor) -> int:
    number = cursor.whole("an entry of the inclusion or exclusion list")
    if not 1 <= number <= ITEMS:
        raise cursor.fail(f"the inclusion or exclusion list names item {number}", f"Items are numbered 1 to {ITEMS}")
    return number


def _lines(cursor: Cursor, what: str) -> str:
    count = cursor.count(f"the number of lines in the {what}")
    return "\n".join(cursor.text(f"line {i + 1} of {count} of the {what}") for i in range(count))


def _included(header: Header, item: int, block: int) -> bool:
    """Tell whether an item (numbered from 1, ISO 14976) is written in a block.

    The first block holds all items; later ones those of the inclusion list, or all but the exclusion list.
    """
    if block == 1 or not header.listed:
        return True
    return (item in header.listed) == header.inclusion


def _block(cursor: Cursor, header: Header, number: int, first: dict[int, dict[str, Value]]) -> Block:
    line = cursor.place + 1
    identifier = cursor.text("the block identifier")
    sample = cursor.text("the sample identifier")
    values: dict[str, Value] = {}
    for item in range(1, ITEMS + 1):
        if _included(header, item, number):
            found = _ITEM[item](cursor, _Context(header, str(values.get("technique", ""))))
            if number == 1:
                first[item] = found
        else:
            found = first[item]
        values.update(found)
    for _ in range(header.upgrade_block_entries):
        cursor.text("a future upgrade block entry")
    return Block(number, line, identifier, sample, values, _ordinates(cursor, values))


def _ordinates(cursor: Cursor, values: dict[str, Value]) -> NDArray[np.float64]:
    variables = values["variables"]
    width = len(variables) if isinstance(variables, tuple) else 0
    count = cursor.count("the number of ordinate values")
    if width == 0 or count % width:
        raise cursor.fail(f"{count} ordinate values for {width} variables", "The file is damaged; export it again")
    for _ in range(width):
        cursor.real("the minimum of an ordinate")
        cursor.real("the maximum of an ordinate")
    start = cursor.place
    raw = cursor.lines[start : start + count]
    try:
        numbers = np.array(raw, dtype=np.float64)
    except ValueError:
        numbers = _one_by_one(cursor, count)
    if numbers.size < count:
        cursor.place = len(cursor.lines)
        raise _cut(cursor, count, numbers.size)
    cursor.place = start + count
    numbers[np.abs(numbers) >= UNKNOWN] = np.nan
    return numbers.reshape(-1, width)


def _one_by_one(cursor: Cursor, count: int) -> NDArray[np.float64]:
    """Find the line that is no number, for the error."""
    numbers: list[float] = []
    for index in range(count):
        if cursor.place >= len(cursor.lines) or not "".join(cursor.lines[cursor.place :]).strip():
            raise _cut(cursor, count, index)
        numbers.append(cursor.real(f"ordinate value {index + 1} of {count}"))
    return np.array(numbers)


def _cut(cursor: Cursor, promised: int, found: int) -> FormatError:
    return cursor.fail(
        f"{promised} values promised, {found} found before the file ends",
        "The file is cut off; copy or export it again",
    )


def _fields(*fields: tuple[str, str]) -> Item:
    """Make an item of fixed fields: (name, ``t`` text | ``r`` number)."""

    def take(cursor: Cursor, _: _Context) -> dict[str, Value]:
        return {
            name: cursor.text(f"the {name.replace('_', ' ')}")
            if kind == "t"
            else cursor.real(f"the {name.replace('_', ' ')}")
            for name, kind in fields
        }

    return take


def _where(condition: Callable[[_Context], bool], item: Item) -> Item:
    """Make an item that only stands in blocks which meet a condition."""

    def take(cursor: Cursor, context: _Context) -> dict[str, Value]:
        return item(cursor, context) if condition(context) else {}

    return take


def _comment(cursor: Cursor, _: _Context) -> dict[str, Value]:
    return {"comment": _lines(cursor, "block comment")}


def _experimental(cursor: Cursor, context: _Context) -> dict[str, Value]:
    values = tuple(cursor.real(f"the value of {label or 'a variable'}") for label, _ in context.header.variables)
    return {"experimental": values}


def _variables(cursor: Cursor, _: _Context) -> dict[str, Value]:
    count = cursor.count("the number of corresponding variables")
    pairs = tuple((cursor.text("a variable label"), cursor.text("a variable unit")) for _ in range(count))
    return {"variables": pairs}


def _additional(cursor: Cursor, _: _Context) -> dict[str, Value]:
    count = cursor.count("the number of additional numerical parameters")
    return {
        "additional": tuple(
            (cursor.text("a parameter label"), cursor.text("a parameter unit"), cursor.real("a parameter value"))
            for _ in range(count)
        )
    }


def _reals(*names: str) -> Item:
    return _fields(*((name, "r") for name in names))


#: Items of a block by their number in the standard, the number that inclusion and exclusion lists use.
_ITEM: dict[int, Item] = {
    1: _reals("year"),
    2: _reals("month"),
    3: _reals("day"),
    4: _reals("hour"),
    5: _reals("minute"),
    6: _reals("second"),
    7: _reals("hours_ahead_of_gmt"),
    8: _comment,
    9: _fields(("technique", "t")),
    10: _where(lambda c: c.mode_in(("MAP", "MAPDP")), _reals("x_coordinate", "y_coordinate")),
    11: _experimental,
    12: _fields(("source_label", "t")),
    13: _where(
        lambda c: c.mode_in(_DEPTH_PROFILES) or c.technique in _ION_TECHNIQUES,
        _reals("sputtering_atomic_number", "sputtering_atoms", "sputtering_charge"),
    ),
    14: _reals("source_energy"),
    15: _reals("source_strength"),
    16: _reals("source_width_x", "source_width_y"),
    17: _where(
        lambda c: c.mode_in(("MAP", "MAPDP", "MAPSV", "MAPSVDP", "SEM")), _reals("field_of_view_x", "field_of_view_y")
    ),
    18: _where(
        lambda c: c.mode_in(("MAPSV", "MAPSVDP", "SEM")),
        _reals("first_start_x", "first_start_y", "first_finish_x", "first_finish_y", "last_finish_x", "last_finish_y"),
    ),
    19: _reals("source_polar_angle"),
    20: _reals("source_azimuth"),
    21: _fields(("analyser_mode", "t")),
    22: _reals("pass_energy"),
    23: _where(lambda c: c.technique == "AES diff", _reals("differential_width")),
    24: _reals("magnification"),
    25: _reals("work_function"),
    26: _reals("target_bias"),
    27: _reals("analysis_width_x", "analysis_width_y"),
    28: _reals("take_off_polar_angle", "take_off_azimuth"),
    29: _fields(("species", "t")),
    30: _fields(("transition", "t"), ("charge", "r")),
    31: _where(
        lambda c: c.header.scan_mode == "REGULAR",
        _fields(("abscissa_label", "t"), ("abscissa_unit", "t"), ("abscissa_start", "r"), ("abscissa_step", "r")),
    ),
    32: _variables,
    33: _fields(("signal_mode", "t")),
    34: _reals("collection_time"),
    35: _reals("scans"),
    36: _reals("time_correction"),
    37: _where(
        lambda c: c.mode_in(_DEPTH_PROFILES) and c.technique in _SPUTTERED_TECHNIQUES,
        _fields(
            ("sputter_energy", "r"), ("sputter_current", "r"), ("sputter_width_x", "r"), ("sputter_width_y", "r"),
            ("sputter_polar_angle", "r"), ("sputter_azimuth", "r"), ("sputter_mode", "t"),
        ),
    ),
    38: _reals("tilt_polar_angle", "tilt_azimuth"),
    39: _reals("rotation_angle"),
    40: _additional,
}  # fmt: skip
