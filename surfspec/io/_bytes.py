"""Bytes of a file: size limits, digest, and decoding to text. Everything that touches the disk for reading."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from surfspec.errors import FormatError
from surfspec.io import archive

#: Largest file that is read; measured spectra are far smaller.
MAX_BYTES = 512 * 2**20

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
#: Share of control characters above which a file is not text.
_MAX_CONTROL = 0.01


@dataclass(frozen=True)
class Source:
    """A file that was read: its name (without folder), bytes and digest.

    Attributes
    ----------
    name
        File name, as it enters ``attrs["source_file"]`` and the errors.
    suffix
        Suffix in lower case, with the dot; a hint only.
    data
        All bytes of the file.
    sha256
        Digest of `data`, hexadecimal.
    """

    name: str
    suffix: str
    data: bytes
    sha256: str


def load(path: str | Path) -> Source:
    """Read all bytes of a file, unpacked where gzip or bzip2 packed it.

    Parameters
    ----------
    path
        File to read.

    Returns
    -------
    Source
        Name, bytes and SHA-256 digest.

    Raises
    ------
    FormatError
        When the file is missing, a folder, empty, too large or may not be read.
    """
    file = Path(path)
    if not file.exists():
        raise FormatError("no such file", where=str(path), remedy=_near_names(file))
    if file.is_dir():
        raise FormatError(
            "this is a folder, not a file", where=str(path), remedy="Name one file in it, or read its files in a loop"
        )
    try:
        size = file.stat().st_size
        if size > MAX_BYTES:
            raise FormatError(
                f"{size / 2**20:.0f} MiB is more than the limit of {MAX_BYTES / 2**20:.0f} MiB",
                where=file.name,
                remedy="Export the spectra alone, without images or maps",
            )
        data = file.read_bytes()
    except OSError as problem:
        raise FormatError(
            f"cannot be read ({problem.strerror or problem})",
            where=str(path),
            remedy="Check the permissions of the file",
        ) from problem
    data = archive.unpacked(data, file.name)
    if not data.strip(b" \t\r\n\x00"):
        raise FormatError("the file is empty", where=file.name, remedy="Export or copy it again")
    return Source(file.name, file.suffix.lower(), data, hashlib.sha256(data).hexdigest())


def _near_names(file: Path) -> str:
    folder = file.parent
    if not folder.is_dir():
        return f"The folder {folder} does not exist either; check the path"
    wanted = file.stem.lower()
    near = sorted(item.name for item in folder.iterdir() if item.stem.lower() == wanted)[:3]
    if near:
        return f"Check the path; in the same folder there is {', '.join(near)}"
    return "Check the path and the spelling"


def decode(source: Source) -> str:
    """Decode the bytes of a text file.

    A byte order mark decides; otherwise UTF-16 is seen by its zero bytes, then UTF-8, CP932 (Japanese
    instruments) and Latin-1 (with the letters of Windows) are tried. CP932 is taken
    only when it yields Japanese letters.

    Parameters
    ----------
    source
        The file.

    Returns
    -------
    str
        Its text; line ends are line feeds.

    Raises
    ------
    FormatError
        When the bytes are no text.
    """
    text = _decoded(source.data)
    if text is None or _is_binary(text):
        raise FormatError(
            "this is a binary file of a kind surfspec does not know",
            where=source.name,
            remedy="Export it from the instrument's program as VAMAS, text, .xlsx or .xrdml",
        )
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes) -> str | None:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _try(data, encoding)
    head = data[:4096]
    if len(head) >= 8 and head.count(0) > len(head) // 4:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        return _try(data, "utf-16-le" if odd > even else "utf-16-be")
    text = _try(data, "utf-8")
    if text is not None:
        return text
    japanese = _try(data, "cp932")
    if japanese is not None and _mostly_japanese(japanese):
        return japanese
    western = _try(data, "cp1252")
    return western if western is not None else data.decode("latin-1")


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _mostly_japanese(text: str) -> bool:
    """Tell kana and kanji from the half-width katakana that Latin-1 bytes such as ° and µ turn into."""
    beyond = [letter for letter in text if ord(letter) > 127]
    wide = sum(1 for letter in beyond if "\u3000" <= letter <= "\u30ff" or "\u4e00" <= letter <= "\u9fff")
    return bool(beyond) and wide >= 0.8 * len(beyond)


def _is_binary(text: str) -> bool:
    sample = text[:65536] + text[-4096:]
    control = sum(1 for letter in sample if (letter < " " and letter not in "\t\r\n\f\x1a") or letter == "\x7f")
    control += sample.count("\ufffd") + sum(1 for letter in sample if "\x80" <= letter < "\xa0")
    return control > max(_MAX_CONTROL * len(sample), 2)
