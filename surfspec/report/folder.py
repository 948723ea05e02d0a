"""Write a folder of results as one step: complete or not at all."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from surfspec.errors import InputError

#: File that marks a folder as made by surfspec; such a folder may be replaced by the next run.
MARKER = "results.json"
#: Everything that a run leaves; other files in the same folder are never touched.
CONTENT = frozenset({"study.nc", "tables", "tables.xlsx", "figures", "report.html", MARKER})


def check_target(target: Path, *, force: bool = False) -> None:
    """Refuse a target that would overwrite somebody else's files.

    Raises
    ------
    InputError
        When the target is a file, or a folder with files that a run does not make and `force` is not given.
    """
    if target.exists() and not target.is_dir():
        raise InputError("the output is a file", where=target, remedy="Name a folder with -o")
    parent = _existing_parent(target)
    if not os.access(parent, os.W_OK):
        raise InputError(f"cannot write into {parent}", where=target, remedy="Name a folder you may write to with -o")
    if force or not target.is_dir():
        return
    names = sorted(item.name for item in target.iterdir())
    foreign = [name for name in names if name not in CONTENT]
    if names and (foreign or MARKER not in names):
        shown = ", ".join((foreign or names)[:3])
        raise InputError(
            f"the output folder is not empty and was not made by surfspec ({shown})",
            where=target,
            remedy="Name another folder with -o, or say --force to put the results beside what is there",
        )


#: Seconds without a change after which the temporary folder of a run counts as left by a killed one.
STALE = 3600.0


@contextmanager
def replaced(target: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `target`, and move its content into `target` when all went well.

    On any error, an interrupt included, the temporary folder is removed and `target` is as it was. What an earlier run
    left is replaced; files of others stay. The temporary folder of a run that was killed outright is removed by the
    next run to the same target, an hour later at the earliest.
    """
    target = Path(target).absolute()
    check_target(target, force=force)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_stale(target)
    scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent))
    try:
        content, old = scratch / "new", scratch / "old"
        content.mkdir()
        old.mkdir()
        yield content
        if target.is_dir():
            _swap(content, target, old)
        else:
            content.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _remove_stale(target: Path) -> None:
    """Remove temporary folders that killed runs left beside `target`, unless they hold what `target` held before."""
    for scratch in target.parent.glob(f"{glob.escape(f'.{target.name}.')}*.partial"):
        old = scratch / "old"
        try:
            newest = max(item.stat().st_mtime for item in (scratch, *scratch.rglob("*")))
            in_use = time.time() - newest < STALE or (old.is_dir() and any(old.iterdir()))
        except OSError:  # a run beside this one is removing it
            continue
        if scratch.is_dir() and not in_use:
            shutil.rmtree(scratch, ignore_errors=True)


def _swap(content: Path, target: Path, old: Path) -> None:
    """Move the entries of `content` into `target`, those of the same name into `old`; on failure put all back."""
    done: list[Path] = []
    try:
        for entry in sorted(content.iterdir()):
            place = target / entry.name
            if place.exists():
                place.rename(old / entry.name)
            done.append(place)
            entry.rename(place)
    except BaseException:
        for place in done:
            if place.exists():
                place.rename(content / place.name)
            if (old / place.name).exists():
                (old / place.name).rename(place)
        raise


def _existing_parent(path: Path) -> Path:
    parent = path.absolute()
    while not parent.exists():
        parent = parent.parent
    return parent if parent.is_dir() else parent.parent
