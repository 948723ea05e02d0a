"""CIF files as blocks: which of them hold a structure, what they say, and what is refused by name."""

from __future__ import annotations

import gzip
import math
import re
from pathlib import Path
from typing import Any

import gemmi

from surfspec.errors import FormatError, InputError

#: Tags of structures that three-dimensional diffraction theory of average atoms does not describe.
_REFUSED = {
    "_space_group_magn": "magnetic",
    "_space_group.magn": "magnetic",
    "_parent_space_group.child_transform_pp_abc": "magnetic",
    "_space_group_symop_magn": "magnetic",
    "_space_group_ssg": "modulated",
    "_cell_modulation_dimension": "modulated",
    "_cell_wave_vector": "modulated",
    "_atom_site_fourier_wave_vector": "modulated",
    "_atom_site_displace_fourier": "modulated",
}
_GZIP = b"\x1f\x8b"
_NUMBER = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)(?:\((\d+)\))?")
_ATOMS = ("_atom_site_label", "_atom_site_type_symbol", "_atom_site_fract_x")


def structure_blocks(file: Path) -> list[gemmi.cif.Block]:
    """Return the data blocks of a file that hold atoms.

    Raises
    ------
    FormatError
        When the file is missing, no CIF, or holds no atoms.
    """
    if not file.is_file():
        raise FormatError("there is no such file", where=file, remedy="Check the path and the current folder")
    try:
        document = gemmi.cif.read_string(_decoded(file))
    except (ValueError, RuntimeError, OSError, EOFError) as error:
        text = " ".join(str(error).split())[:200]
        raise FormatError(
            f"this is no readable CIF ({text})", where=file, remedy="Download it again, or mend the named line"
        ) from error
    blocks = [block for block in document if any(block.find_loop(tag) for tag in _ATOMS)]
    if not blocks:
        raise FormatError("the file holds no atoms", where=file, remedy="Use a CIF with an _atom_site loop")
    return blocks


def _decoded(file: Path) -> str:
    """Return the text of a file, unpacked; in Latin-1 where it is not UTF-8 (names of authors in old files)."""
    raw = file.read_bytes()
    if raw.startswith(_GZIP):
        raw = gzip.decompress(raw)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def choose(blocks: list[gemmi.cif.Block], wanted: str | None, file: Path) -> gemmi.cif.Block:
    """Return the block that was asked for, or the only one."""
    names = [str(block.name) for block in blocks]
    if wanted is not None:
        for block in blocks:
            if str(block.name) == wanted:
                return block
        raise FormatError(
            f"no structure is called {wanted!r}", where=file, remedy=f"Choose one of {', '.join(names[:12])}"
        )
    if len(blocks) > 1:
        raise FormatError(
            f"the file holds {len(blocks)} structures ({', '.join(names[:12])})",
            where=file,
            remedy="Name one with block=, or read the folder with read_folder()",
        )
    return blocks[0]


def refuse_special(block: gemmi.cif.Block, file: Path) -> None:
    """Refuse magnetic and modulated structures by name: their extra reflections are not computed."""
    for item in block:
        tags = [] if item.loop is None else [str(tag) for tag in item.loop.tags]
        pair: Any = item.pair
        if pair is not None:
            tags.append(str(pair[0]))
        for tag in tags:
            kind = next((kind for start, kind in _REFUSED.items() if tag.lower().startswith(start)), "")
            if kind == "modulated" and tag.lower() == "_cell_modulation_dimension" and text(block, tag) in ("", "0"):
                kind = ""
            if kind:
                raise InputError(
                    f"this is a {kind} structure ({tag})",
                    where=file,
                    remedy="Use a CIF of the average nuclear structure in a space group of three dimensions",
                )


def text(block: gemmi.cif.Block, *tags: str) -> str:
    """Return the first text that one of the tags holds, without quotes; empty where the file says nothing."""
    for tag in tags:
        value = block.find_value(tag)
        if value is not None and value not in ("?", "."):
            return " ".join(str(gemmi.cif.as_string(value)).split())
    return ""


def measured(value: str) -> tuple[float, float]:
    """Return a number and its standard uncertainty, ``"5.6402(3)"``; NaN where the text gives none.

    Examples
    --------
    >>> measured("5.6402(3)")
    (5.6402, 0.0003)
    >>> measured("13.2(12)")[1]
    1.2
    """
    match = _NUMBER.fullmatch(value.strip())
    if match is None:
        return math.nan, math.nan
    number, digits = match.group(1), match.group(2)
    if digits is None:
        return float(number), math.nan
    mantissa = re.split("[eE]", number)[0]
    decimals = len(mantissa.partition(".")[2])
    power = int(re.split("[eE]", number)[1]) if "e" in number.lower() else 0
    return float(number), round(float(digits) * 10.0 ** (power - decimals), 12)


def number(block: gemmi.cif.Block, *tags: str) -> float:
    """Return the first number that one of the tags holds, NaN where there is none."""
    return measured(text(block, *tags))[0]
