"""A folder of structures: cards and CIF files mixed, with all faults told at once."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from surfspec import given, recipes
from surfspec.errors import FormatError, InputError, SurfspecError
from surfspec.xrd.structures.cif import read_block
from surfspec.xrd.structures.cif_blocks import structure_blocks
from surfspec.xrd.structures.phase import Phase

#: What a file of a folder is, by the end of its name.
SUFFIXES = (".yaml", ".yml", ".cif")


def read_folder(folder: str | Path, *, faulty: Literal["refuse", "skip"] = "refuse") -> tuple[Phase, ...]:
    """Read every structure of a folder: cards (``*.yaml``) and CIF files (``*.cif``), also those of several structures.

    Parameters
    ----------
    folder
        The folder; folders inside it are not read.
    faulty
        ``"refuse"`` raises one error that lists all faults; ``"skip"`` warns of each and reads the others.

    Returns
    -------
    tuple of Phase
        In the order of the file names. The structures of a CIF that holds several are called ``file_block``. Files are
        read once in a process and again when they change.

    Raises
    ------
    FormatError
        When there is no such folder, it holds no structure, or files are faulty: one line each.
    InputError
        When two files give the same id, or `faulty` is neither word.

    Examples
    --------
    >>> from surfspec import reference
    >>> len(read_folder(reference.path("phases"))) >= 90
    True
    """
    if not isinstance(faulty, str) or faulty not in ("refuse", "skip"):
        raise InputError(
            f"faulty is {given.shown(faulty)}", where="read_folder", remedy="Use faulty='refuse' or faulty='skip'"
        )
    if not isinstance(folder, str | Path):
        raise InputError(f"a {type(folder).__name__} is no folder name", where="read_folder", remedy="Pass its path")
    place = Path(folder)
    if not place.is_dir():
        raise FormatError("there is no such folder", where=place, remedy="Check the path and the current folder")
    files = sorted(one for one in place.iterdir() if one.suffix.lower() in SUFFIXES and one.is_file())
    found: list[tuple[Path, Phase]] = []
    faults: list[str] = []
    for file in files:
        phases, problems = read_structures(file)
        found += [(file, phase) for phase in phases]
        faults += problems
    if faults and faulty == "refuse":
        raise FormatError(
            f"{len(faults)} of {len(found) + len(faults)} structures cannot be used: " + " | ".join(faults),
            where=place,
            remedy="Mend or remove these files, or pass faulty='skip'",
        )
    for fault in faults:
        warnings.warn(f"left out: {fault}", UserWarning, stacklevel=2)
    if not found:
        raise FormatError(
            "the folder holds no structure that can be used", where=place, remedy="Put CIF files or cards into it"
        )
    _refuse_twins(found)
    return tuple(phase for _, phase in found)


def read_structures(file: Path) -> tuple[list[Phase], list[str]]:
    """Return the phases of one file and the faults of those that cannot be used."""
    try:
        stat = file.stat()
        phases, problems = _read(str(file), str(file.resolve()), (stat.st_mtime_ns, stat.st_size))
    except (SurfspecError, OSError) as error:
        return [], [str(error)]
    return list(phases), list(problems)


@functools.lru_cache(maxsize=4096)
def _read(path: str, whole: str, stamp: tuple[int, int]) -> tuple[tuple[Phase, ...], tuple[str, ...]]:
    file = Path(path)
    if file.suffix.lower() != ".cif":
        return (_card(file),), ()
    blocks = structure_blocks(file)
    phases, problems = [], []
    for block in blocks:
        name = file.stem if len(blocks) == 1 else f"{file.stem}_{block.name}"
        phase, fault = _attempt(lambda block=block, name=name: read_block(block, file, name))  # type: ignore[misc]
        if phase is not None:
            phases.append(phase)
        elif len(blocks) == 1:
            problems.append(fault)
        else:
            problems.append(f"block {block.name}: {fault}")
    return tuple(phases), tuple(problems)


def _attempt(read: Callable[[], Phase]) -> tuple[Phase | None, str]:
    try:
        return read(), ""
    except SurfspecError as error:
        return None, str(error)


def _card(file: Path) -> Phase:
    phase = recipes.load_file(file, Phase)
    if phase.id != file.stem:
        raise InputError(
            f"the card says id {phase.id!r}", where=file, remedy=f"Name the file {phase.id}.yaml or mend the id"
        )
    return phase


def _refuse_twins(found: list[tuple[Path, Phase]]) -> None:
    seen: dict[str, Path] = {}
    for file, phase in found:
        if phase.id in seen:
            raise InputError(
                f"{seen[phase.id].name} and {file.name} both give the phase {phase.id!r}",
                where=file.parent,
                remedy="Rename one of the files",
            )
        seen[phase.id] = file
