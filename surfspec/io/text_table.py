"""The grammar of text tables: delimiter, decimal sign, header, column names and the block of numbers.

Nothing of physics here; :mod:`surfspec.io.text` gives the columns their meaning.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surfspec.errors import FormatError

_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*|,\d+)?|\.\d+|,\d+)(?:[eEdD][+-]?\d+)?\Z")
_PLAIN = re.compile(r"[-+0-9.eE \t;,]+\Z")
_NO_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity|1\.#(?:inf|ind|qnan|snan)\d*|#n/a|n/a|-{2,3})\Z", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\Z")
_COMMENT = re.compile(r"\s*(?:#+|%+|!+|//+|;+|\*+|')\s?")
_PAIR = re.compile(r"\s*([^:=]{1,60}?)\s*[:=]\s*(.*)\Z")
#: ``# key: value`` with one word before the colon is metadata, never a row of column names.
_KEYED = re.compile(r"\s*[#%!*;/']*\s*[^\W\d]\w*:\s+\S+\s*\Z")
_DECLARED = re.compile(r"\s*[#%!*;/']+\s*(?:axis|intensity_unit)\s*:", re.IGNORECASE)
_DELIMITERS = ("\t", ";", ",", " ")
_DELIMITER_NAMES = {"\t": "tab", ";": "semicolon", ",": "comma", " ": "space"}
_ODD = str.maketrans({"\u2212": "-", "\u2013": "-", "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\ufeff": None})


@dataclass(frozen=True)
class Table:
    """A block of numbers with everything the lines around it say.

    Attributes
    ----------
    values
        Shape (rows, columns); a cell that is empty or no number is NaN.
    names
        One name for each column, or an empty tuple where the file names none.
    meta
        ``key -> (value, line number)`` of the header, keys as written.
    comments
        Comment lines without their mark.
    lines
        Line number of each row, shape (rows,).
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]
    meta: dict[str, tuple[str, int]]
    comments: tuple[str, ...]
    lines: NDArray[np.int64]


def parse(text: str, where: str, decimal: str | None = None) -> Table:
    r"""Find the block of numbers in a text file and what its header says.

    Parameters
    ----------
    text
        Decoded text.
    where
        File name for errors.
    decimal
        ``"."`` or ``","`` where the caller knows it.

    Returns
    -------
    Table
        Numbers, names, metadata.

    Raises
    ------
    FormatError
        When there is no block of at least two columns, a line inside it is no row of numbers, or the
        comma could be the decimal sign as well as the delimiter.

    Examples
    --------
    >>> parse("# region: C 1s\n285,0\t10\n285,1\t12\n", "a.txt").values.tolist()
    [[285.0, 10.0], [285.1, 12.0]]
    """
    lines = text.translate(_ODD).split("\n")
    delimiter = _delimiter(lines, where)
    rows = _rows(lines, delimiter)
    if not rows:
        raise _no_table(lines, where)
    first, last = rows[0][0], rows[-1][0]
    _refuse_strangers(lines, rows, where)
    rows = _equal_length(rows, where)
    names, name_line = _names(lines[:first], delimiter, len(rows[0][1]))
    if delimiter == ",":
        settled = bool(names) or (len(rows[0][1]) == 2 and any(map(_DECLARED.match, lines[:first])))
        rows = _comma_or_decimal(rows, settled, decimal, where)
        if names and len(rows[0][1]) != len(names):
            names, name_line = _names(lines[:first], delimiter, len(rows[0][1]))
    else:
        _refuse_thousands(rows, decimal, where)
    values = _values([cells for _, cells in rows])
    around = [*enumerate(lines[:first]), *enumerate(lines[last + 1 :], start=last + 1)]
    meta, comments = _metadata([item for item in around if item[0] != name_line], delimiter)
    filled = ~np.all(np.isnan(values), axis=0) | (np.array(names or [""] * values.shape[1]) != "")
    return Table(
        values=values[:, filled],
        names=tuple(name for name, keep in zip(names, filled, strict=True) if keep) if names else (),
        meta=meta,
        comments=comments,
        lines=np.array([number + 1 for number, _ in rows], dtype=np.int64),
    )


def is_comment(line: str) -> bool:
    """Tell whether a line begins with a comment mark."""
    return _COMMENT.match(line) is not None


def _cells(line: str, delimiter: str) -> list[str]:
    parts = line.split() if delimiter == " " else line.split(delimiter)
    return [part.strip().strip('"').strip() for part in parts]


def _is_cell(cell: str, delimiter: str) -> bool:
    if not cell:
        return delimiter != " "
    if delimiter == "," and "," in cell:
        return False
    return bool(_NUMBER.match(cell) or _NO_NUMBER.match(cell))


def _row(line: str, delimiter: str) -> list[str] | None:
    if _is_plain(line, delimiter):
        return line.split(None if delimiter == " " else delimiter)
    cells = _cells(line, delimiter)
    if len(cells) < 2 or not all(_is_cell(cell, delimiter) for cell in cells):
        return None
    return cells if sum(1 for cell in cells if cell) >= 2 else None


def _is_plain(line: str, delimiter: str) -> bool:
    """Tell quickly whether a line is nothing but numbers with decimal points."""
    if not _PLAIN.match(line):
        return False
    parts = line.split(None if delimiter == " " else delimiter)
    try:
        for part in parts:
            float(part)
    except ValueError:
        return False
    return len(parts) > 1


def _rows(lines: list[str], delimiter: str) -> list[tuple[int, list[str]]]:
    found = [(number, _row(line, delimiter)) for number, line in enumerate(lines)]
    return [(number, cells) for number, cells in found if cells is not None]


def _delimiter(lines: list[str], where: str) -> str:
    step = max(1, len(lines) // 400)
    sample = lines[:200] + lines[200::step]
    score = {mark: sum(1 for line in sample if _row(line, mark)) for mark in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda mark: score[mark])
    if score[best] == 0:
        raise _no_table(lines, where)
    return best


def _no_table(lines: list[str], where: str) -> FormatError:
    shown = next((line.strip() for line in lines if line.strip()), "")[:60]
    return FormatError(
        f"no table of numbers in this text; it begins {shown!r}",
        where=where,
        remedy="Export two or more columns of numbers (axis and intensity), with tab, semicolon, comma or space",
    )


def _refuse_strangers(lines: list[str], rows: list[tuple[int, list[str]]], where: str) -> None:
    taken = {number for number, _ in rows}
    for number in range(rows[0][0], rows[-1][0]):
        line = lines[number]
        if number not in taken and line.strip(" \t,;") and not is_comment(line):
            raise FormatError(
                f"{line.strip()[:60]!r} stands among the numbers",
                where=f"{where}:{number + 1}",
                remedy="Repair or remove that line; if a second spectrum begins there, save it to a file of its own",
            )


def _equal_length(rows: list[tuple[int, list[str]]], where: str) -> list[tuple[int, list[str]]]:
    usual = Counter(len(cells) for _, cells in rows).most_common(1)[0][0]
    for index, (number, cells) in enumerate(rows):
        if len(cells) != usual:
            cut = " (the file may be cut off)" if index == len(rows) - 1 else ""
            raise FormatError(
                f"{len(cells)} columns where the other rows have {usual}{cut}",
                where=f"{where}:{number + 1}",
                remedy="Repair or remove that row, or export the file again",
            )
    return rows


def _comma_or_decimal(
    rows: list[tuple[int, list[str]]], settled: bool, decimal: str | None, where: str
) -> list[tuple[int, list[str]]]:
    """Decide what commas mean when every cell between commas is a bare whole number.

    It is `settled` where the columns have names, and for two cells where the file declares an axis or the unit of an
    intensity: a decimal comma would leave one number for both.
    """
    width = len(rows[0][1])
    if decimal == ",":
        if width % 2 or width < 4:
            raise FormatError(
                f"with a decimal comma these rows hold {width / 2:g} numbers",
                where=f"{where}:{rows[0][0] + 1}",
                remedy="Say decimal='.' if the comma separates the columns, or export with another delimiter",
            )
        return [(number, [f"{a}.{b}" for a, b in zip(cells[::2], cells[1::2], strict=True)]) for number, cells in rows]
    bare = all(cell.lstrip("+-").isdigit() for _, cells in rows for cell in cells)
    if bare and decimal is None and not settled:
        shown = ",".join(rows[0][1])
        raise FormatError(
            f"{shown!r} can be read with a comma between columns or with a decimal comma",
            where=f"{where}:{rows[0][0] + 1}",
            remedy="Say decimal='.' if the comma separates the columns, decimal=',' if it is the decimal sign",
        )
    return rows


def _refuse_thousands(rows: list[tuple[int, list[str]]], decimal: str | None, where: str) -> None:
    """Refuse a column such as ``1,234`` beside columns with decimal points, unless the caller decides."""
    if decimal == ",":
        return
    columns = list(zip(*(cells for _, cells in rows), strict=True))
    points = any("." in cell for column in columns for cell in column)
    for index, column in enumerate(columns):
        commas = [cell for cell in column if "," in cell]
        if not commas:
            continue
        if decimal == ".":
            raise FormatError(
                f"column {index + 1} holds {commas[0]!r}, which is no number with a decimal point",
                where=where,
                remedy="Leave decimal= out or say decimal=','; digits are not grouped by commas",
            )
        if points and all(_THOUSANDS.match(cell) for cell in commas):
            raise FormatError(
                f"column {index + 1} holds {commas[0]!r}: a decimal comma or a group of thousands",
                where=where,
                remedy="Say decimal=',' for a decimal comma, or export without grouping of digits",
            )


def _values(rows: list[list[str]]) -> NDArray[np.float64]:
    try:
        return np.array(rows, dtype=np.float64)
    except ValueError:  # empty cells, decimal commas, D exponents
        return np.array([[_number(cell) for cell in cells] for cells in rows], dtype=np.float64)


def _number(cell: str) -> float:
    if not cell or _NO_NUMBER.match(cell):
        return np.nan
    return float(cell.replace(",", ".").replace("D", "e").replace("d", "e"))


def split_names(line: str) -> list[list[str]]:
    """Return the ways in which a line can be read as column names, the likeliest first."""
    bare = _COMMENT.sub("", line, count=1) if is_comment(line) else line
    bare = re.sub(r"\A\s*(?:column ?labels|columns)\s*:\s*", "", bare, flags=re.IGNORECASE)
    ways = [bare.split(mark) for mark in ("\t", ";", ",")]
    ways += [re.split(r"\s{2,}", bare.strip()), bare.split()]
    return [[name.strip().strip('"').strip() for name in way] for way in ways]


def _names(header: list[str], delimiter: str, width: int) -> tuple[list[str], int]:
    """Find the column names: the last line above the numbers that splits into as many cells."""
    for number in range(len(header) - 1, -1, -1):
        line = header[number]
        if not line.strip(" \t,;#") or _KEYED.match(line):
            continue
        if is_comment(line):
            for way in split_names(line):
                if len(way) == width and sum(looks_like_column(name) for name in way) >= 2:
                    return way, number
            continue
        plain = _cells(line, delimiter)
        ways = [plain, *split_names(line)] if delimiter == " " else [plain]
        for way in ways:
            if len(way) == width and any(re.search(r"[^\W\d]", name) for name in way):
                return way, number
        break
    return [], -1


def looks_like_column(name: str) -> bool:
    """Tell whether a name is that of an axis or an intensity (used for headers inside comments)."""
    words = r"energy|kinetic|binding|theta|θ|count|cps|intensity|transmission|error|sigma|uncertainty|\be\b|\bi\b"
    return re.search(words, name, flags=re.IGNORECASE) is not None


def _metadata(around: list[tuple[int, str]], delimiter: str) -> tuple[dict[str, tuple[str, int]], tuple[str, ...]]:
    meta: dict[str, tuple[str, int]] = {}
    comments: list[str] = []
    for number, line in around:
        if is_comment(line):
            bare = _COMMENT.sub("", line, count=1).rstrip()
            comments.append(bare.strip())
            pairs = _pairs(bare)
        else:
            pairs = _pairs(line) or _cell_pairs(_cells(line, delimiter))
        for key, value in pairs:
            meta.setdefault(key, (value, number + 1))
    return meta, tuple(text for text in comments if text)


def _pairs(line: str) -> list[tuple[str, str]]:
    match = _PAIR.match(line)
    if match is None or not re.search(r"[^\W\d_]", match.group(1)):
        return []
    return [(match.group(1).strip(), match.group(2).strip())]


def _cell_pairs(cells: list[str]) -> list[tuple[str, str]]:
    """Read ``name, number, name, number`` as CasaXPS writes its header."""
    return [
        (name, value)
        for name, value in itertools.pairwise(cells)
        if value and _NUMBER.match(value) and re.search(r"[^\W\d_]", name)
    ]
