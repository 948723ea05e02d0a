"""Where the data that come with the package lie, in a checkout and in an installed wheel."""

from __future__ import annotations

import difflib
import functools
from pathlib import Path
from typing import Final

from surfspec.errors import InputError, SurfspecError

_PACKAGE: Final = Path(__file__).resolve().parent.parent
#: Looked for in this order: the folder inside a wheel, the folder beside the package in a checkout.
FOLDERS: Final = (_PACKAGE / "_reference_spectra", _PACKAGE.parent / "reference_spectra")


@functools.cache
def root() -> Path:
    """Return the folder of the data that come with the package.

    Returns
    -------
    pathlib.Path
        The first of :data:`FOLDERS` that exists.

    Raises
    ------
    SurfspecError
        When the package was installed without its data.

    Examples
    --------
    >>> root().name.endswith("reference_spectra")
    True
    """
    for folder in FOLDERS:
        if folder.is_dir():
            return folder
    raise SurfspecError(
        "the reference data are not installed",
        where=FOLDERS[0],
        remedy="Install surfspec from its wheel, or work in a full checkout of its repository",
    )


def path(*parts: str) -> Path:
    """Return the path of a file or folder that comes with the package.

    Parameters
    ----------
    *parts
        Folder and file names below the data folder, ``"phases", "Pb.yaml"`` say.

    Returns
    -------
    pathlib.Path
        An existing file or folder.

    Raises
    ------
    InputError
        When there is none of this name; the message names the nearest.
    SurfspecError
        When the package was installed without its data.

    Examples
    --------
    >>> path("tables", "xps_lines.csv").name
    'xps_lines.csv'
    """
    base = root()
    wanted = base.joinpath(*parts)
    name = "/".join(parts)
    try:
        inside = wanted.resolve().is_relative_to(base.resolve())
        found = inside and wanted.exists()
    except (OSError, ValueError) as error:  # a name too long, or with a NUL
        raise InputError(f"{name[:60]!r} is no file name", remedy="Use the name of a shipped file") from error
    if not inside:
        raise InputError(f"{name!r} lies outside the reference data", remedy="Give names below that folder only")
    if not found:
        raise InputError(f"there is no reference file '{name}'", remedy=_nearest(wanted))
    return wanted


def names(folder: str, suffix: str) -> tuple[str, ...]:
    """List the files of one kind in a folder of the reference data, without their suffix.

    Parameters
    ----------
    folder
        Folder below the data folder, ``"recipes/xps"`` say.
    suffix
        Ending with its dot, ``".yaml"``.

    Returns
    -------
    tuple of str
        Sorted names.

    Raises
    ------
    InputError
        When there is no such folder.

    Examples
    --------
    >>> "xps_lines" in names("tables", ".csv")
    True
    """
    place = path(*folder.split("/"))
    return tuple(sorted(file.name.removesuffix(suffix) for file in place.iterdir() if file.name.endswith(suffix)))


def _nearest(wanted: Path) -> str:
    folder = wanted.parent
    if not folder.is_dir():
        return "Use one of the folders " + ", ".join(sorted(entry.name for entry in root().iterdir() if entry.is_dir()))
    there = sorted(entry.name for entry in folder.iterdir())
    near = difflib.get_close_matches(wanted.name, there, n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(near)}?" if near else f"There are {', '.join(there[:20])}"
