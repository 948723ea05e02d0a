"""The grammar of VAMAS files (ISO 14976), complete and without physics: text in, header and blocks out.

References
----------
W. A. Dench, L. B. Hazell, M. P. Seah, Surf. Interface Anal. 13 (1988) 63-122; ISO 14976:1998.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import FormatError
from surfspec.io.vamas_cursor import UNKNOWN, Block, Cursor, Header, Value
from surfspec.io.vamas_items import ITEMS, Context

MAGIC = "VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4"
EXPERIMENT_MODES = ("MAP", "MAPDP", "MAPSV", "MAPSVDP", "NORM", "SDP", "SDPSV", "SEM", "NOEXP")
SCAN_MODES = ("REGULAR", "IRREGULAR", "MAPPING")
_WITH_REGIONS = ("MAP", "MAPDP", "NORM", "SDP")


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
    comment = cursor.lines_of("comment")
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
    if number not in ITEMS:
        raise cursor.fail(
            f"the inclusion or exclusion list names item {number}", f"Items are numbered 1 to {max(ITEMS)}"
        )
    return number


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
    for item in sorted(ITEMS):
        if _included(header, item, number):
            found = ITEMS[item](cursor, Context(header, str(values.get("technique", ""))))
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
