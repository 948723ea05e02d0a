"""Packed measurements: members of a zip file, and single files packed with gzip or bzip2, within limits of size."""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
import zlib
from collections.abc import Mapping

from surfspec.errors import FormatError

#: What damaged archives raise.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, KeyError, EOFError, NotImplementedError, RuntimeError, ValueError,
    OSError,
)  # fmt: skip
#: Largest size of what a packed file may unfold to.
MAX_UNPACKED = 512 * 2**20


def members(data: bytes, where: str) -> Mapping[str, zipfile.ZipInfo]:
    """Names of the members of a zip file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = {info.filename: info for info in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, OSError, EOFError):
        raise FormatError("the zip archive is damaged", where=where, remedy="Copy the file again") from None
    if sum(info.file_size for info in found.values()) > MAX_UNPACKED:
        raise _too_large(where)
    return found


def member(data: bytes, name: str, where: str) -> bytes:
    """Contents of one member of a zip file."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if archive.getinfo(name).file_size > MAX_UNPACKED:
                raise _too_large(where)
            with archive.open(name) as file:
                content = file.read(MAX_UNPACKED + 1)
    except _DAMAGED:
        raise FormatError(f"{name} in it cannot be unpacked", where=where, remedy="Copy the file again") from None
    if len(content) > MAX_UNPACKED:
        raise _too_large(where)
    return content


def unpacked(data: bytes, where: str) -> bytes:
    """Contents of a gzip or bzip2 file, or the data themselves where they are not packed."""
    if data.startswith(b"BZh"):
        unpacker: bz2.BZ2Decompressor | zlib._Decompress = bz2.BZ2Decompressor()
    elif data.startswith(b"\x1f\x8b"):
        unpacker = zlib.decompressobj(31)
    else:
        return data
    try:
        content = unpacker.decompress(data, MAX_UNPACKED + 1)
    except (OSError, zlib.error, EOFError):
        raise FormatError("the packed file is damaged", where=where, remedy="Copy it again") from None
    if len(content) > MAX_UNPACKED:
        raise _too_large(where)
    if not unpacker.eof:
        raise FormatError("the packed file is cut off", where=where, remedy="Copy it again")
    return content


def _too_large(where: str) -> FormatError:
    return FormatError(
        f"it unfolds to more than {MAX_UNPACKED / 2**20:.0f} MiB", where=where, remedy="Unpack it, and read one scan"
    )
