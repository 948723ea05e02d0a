"""Write a spectrum to a file: text that reads back without loss, .csv, or VAMAS."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

import xarray as xr

from surfspec import schema
from surfspec.errors import InputError
from surfspec.io import native, vamas_write

_WRITABLE: Final = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_ELSEWHERE = {
    ".nc": "Use surfspec.save() for netCDF",
    ".h5": "Use surfspec.save() for netCDF",
    ".xlsx": "Write .csv, which spreadsheet programs open",
    ".xrdml": "Write .xy or .csv",
    ".pkl": "Use surfspec.save(); pickles are not written",
}
#: Endings of files that are written, and how: delimiter of a text table, or VAMAS.
ENDINGS: Final[dict[str, str]] = {
    ".csv": ",", ".txt": "\t", ".tsv": "\t", ".dat": "\t", ".prn": "\t", ".xy": "\t", ".xye": "\t",
    ".vms": "VAMAS", ".vamas": "VAMAS",
}  # fmt: skip


def write(dataset: xr.Dataset, path: str | Path, *, overwrite: bool = False) -> Path:
    r"""Write a spectrum or series to a file.

    Parameters
    ----------
    dataset
        Kind ``spectrum``; units, coordinates and attributes are kept.
    path
        ``.csv`` is written with commas, ``.vms`` as VAMAS (ISO 14976, electron and ion spectra only), ``.txt``,
        ``.tsv``, ``.dat``, ``.prn``, ``.xy`` and ``.xye`` as text with tabs. Text and .csv begin with lines
        ``# key: value`` and read back identically: same numbers to the last bit, same metadata.
    overwrite
        Replace an existing file, the one that was measured perhaps; a write-protected one is never replaced.

    Returns
    -------
    pathlib.Path
        The file. It appears whole or not at all.

    Raises
    ------
    InputError
        For another kind of Dataset, a suffix of another format, a folder that is not there, or a file that is.

    References
    ----------
    ISO 14976:1998 for VAMAS.

    Examples
    --------
    >>> import tempfile, surfspec as ss
    >>> ds = ss.spectrum([284.0, 285.0], [10, 30], technique="XPS", region="C 1s")
    >>> file = write(ds, tempfile.mkdtemp() + "/c1s.txt")
    >>> ss.read(file).intensity.equals(ds.intensity)
    True
    """
    schema.check(dataset, "spectrum")
    suffix = Path(path).suffix.lower()
    if suffix in _ELSEWHERE:
        raise InputError(f"write() does not make {suffix} files", where=str(path), remedy=_ELSEWHERE[suffix])
    if suffix not in ENDINGS:
        raise InputError(
            f"unknown ending {suffix!r}" if suffix else "the name has no ending, which tells the format",
            where=str(path),
            remedy=f"Use one of {', '.join(ENDINGS)}",
        )
    target = free_place(path, overwrite=overwrite)
    how = ENDINGS[suffix]
    put(target, vamas_write.compose(dataset) if how == "VAMAS" else native.compose(dataset, how))
    return target


def free_place(path: str | Path, *, overwrite: bool) -> Path:
    """Check that a file can be written.

    Parameters
    ----------
    path
        The file; its folder must be there.
    overwrite
        Whether an existing file may be replaced; a write-protected one never is.

    Raises
    ------
    InputError
        For a folder that is not there or a file that is.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent}", where=str(path), remedy="Make the folder first")
    if target.is_dir():
        raise InputError("this is a folder", where=str(path), remedy="Name a file in it")
    if target.exists() and not overwrite:
        raise InputError(
            "the file exists", where=str(path), remedy="Choose another name, or say overwrite=True to replace it"
        )
    if target.exists() and not target.stat().st_mode & _WRITABLE:
        raise InputError("the file is write-protected", where=str(path), remedy="Choose another name")
    return target


def put(target: Path, content: str) -> None:
    """Write beside the target, then move over it, so that no half file is ever seen."""
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        part = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(content)
            part.chmod(0o644)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as problem:
        raise InputError(
            f"cannot be written ({problem.strerror or problem})",
            where=str(target),
            remedy="Check the folder and its space",
        ) from problem
