"""Find the files that a study names: ``{name}`` in a pattern becomes a label or the dimension of a series."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surfspec.errors import InputError
from surfspec.study.spec import SERIES_UNITS, Files

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
REGION = "region"
#: Doses below this (ions/cm2) are a running number, not a dose.
LEAST_DOSE = 1e9


@dataclass(frozen=True)
class Found:
    """One file and the labels that its name carries."""

    path: Path
    labels: dict[str, str]


def find(pattern: str, base: Path, *, where: str, allowed: Sequence[str]) -> list[Found]:
    """Return the files that a pattern matches, sorted by their labels.

    Parameters
    ----------
    pattern
        Path relative to `base`, with ``{name}`` where the file names differ. A ``{name}`` never spans a folder.
    base
        Folder of the study file.
    where
        Place in the study file, named in errors.
    allowed
        Placeholders that make sense here.

    Returns
    -------
    list of Found
        At least one; in natural order of the labels (2 before 10).

    Raises
    ------
    InputError
        For an unknown placeholder, a missing file or a pattern that matches nothing.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for dose in (2, 10):
    ...     _ = (folder / f"a_dose{dose}.csv").write_text("1 2")
    >>> [found.labels["dose"] for found in find("a_dose{dose}.csv", folder, where="leis", allowed=["dose"])]
    ['2', '10']
    """
    names = _PLACEHOLDER.findall(pattern)
    for name in names:
        if name not in allowed:
            raise InputError(
                f"'{{{name}}}' in the file pattern '{pattern}' means nothing here",
                where=where,
                remedy=f"Use {_listing(allowed)}" if allowed else "Name one file",
            )
    if len(set(names)) != len(names):
        raise InputError(
            f"the file pattern '{pattern}' uses a placeholder twice", where=where, remedy="Use each {name} once"
        )
    if not names:
        path = base / pattern
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise InputError(
                f"'{pattern}' {what}", where=where, remedy=f"Name a file relative to {base}{_nearest(path)}"
            )
        return [Found(path, {})]
    found = _matches(pattern, base)
    if not found:
        raise InputError(
            f"no file matches '{pattern}'",
            where=where,
            remedy=f"Check the pattern against the files below {base}{_nearest(base / pattern)}",
        )
    return sorted(found, key=lambda item: [natural(item.labels[name]) for name in names])


def series_values(
    found: Sequence[Found],
    files: Files,
    *,
    where: str,
    stated: Mapping[str, Sequence[Any]] | None = None,
    fallback: Files | None = None,
) -> dict[str, list[Any]]:
    """Return the value of every file along each dimension that the pattern makes.

    The meaning of a label is taken from the mapping beside the pattern, then from what the files state themselves, then
    from `fallback`; last, the label is the value.

    Parameters
    ----------
    found
        Files and labels.
    files
        The pattern with the mappings beside it.
    where
        Place in the study file, named in errors.
    stated
        Values that the files state themselves, by dimension.
    fallback
        Mappings of another pattern of the same study.

    Raises
    ------
    InputError
        For a label without a value, a value without a file, or a label that is no number where a number is needed.
    """
    out: dict[str, list[Any]] = {}
    for name in SERIES_UNITS:
        if name not in found[0].labels:
            continue
        labels = [item.labels[name] for item in found]
        mapping = files.values(name)
        other = fallback.values(name) if fallback is not None else {}
        if mapping:
            _complete_mapping(labels, mapping, name, where)
            out[name] = [mapping[label] for label in labels]
        elif stated and name in stated:
            out[name] = list(stated[name])
        elif other and all(label in other for label in labels):
            out[name] = [other[label] for label in labels]
        else:
            out[name] = _labels_as_values(labels, name, where)
    return out


def _labels_as_values(labels: Sequence[str], name: str, where: str) -> list[Any]:
    numbers = all(_is_number(label) for label in labels)
    if name in ("spot", "cycle"):
        return [int(label) for label in labels] if all(label.isdigit() for label in labels) else list(labels)
    bad = [label for label in labels if not _is_number(label) or (name == "dose" and float(label) < LEAST_DOSE)]
    if not numbers or bad:
        raise InputError(
            f"the {name} label '{bad[0]}' of a file name is no {name} in {SERIES_UNITS[name]}",
            where=where,
            remedy=f"Give its value beside the pattern: {{files: ..., {name}: {{{bad[0]}: ...}}}}",
        )
    return [float(label) for label in labels]


def _complete_mapping(labels: Sequence[str], mapping: Mapping[str, float], name: str, where: str) -> None:
    missing = sorted({label for label in labels if label not in mapping}, key=natural)
    if missing:
        raise InputError(
            f"the files have the {name} labels {_listing(missing)} and the study gives no value for them",
            where=where,
            remedy=f"Add them to '{name}: {{...}}', or narrow the pattern",
        )
    absent = [label for label in mapping if label not in labels]
    if absent:
        raise InputError(
            f"the study gives a value for the {name} {_listing(absent)} and no file has it",
            where=where,
            remedy="Add the file or remove the value",
        )


def squash(name: str) -> str:
    """Return a region name as a key: "Na1s", "Na_1s" and "Na 1s" are one.

    Examples
    --------
    >>> squash("Na_1s") == squash("Na 1s") == squash("na1s")
    True
    """
    return re.sub(r"[\s_\-]+", "", name).lower()


def natural(label: str) -> tuple[tuple[int, float, str], ...]:
    """Return a sort key that puts 2 before 10."""
    parts = re.findall(r"\d+(?:\.\d+)?|\D+", label)
    return tuple((0, float(part), "") if part[0].isdigit() else (1, 0.0, part.lower()) for part in parts)


def _matches(pattern: str, base: Path) -> list[Found]:
    root = Path(Path(pattern).anchor) if Path(pattern).is_absolute() else base
    pieces = _PLACEHOLDER.split(pattern.replace("\\", "/"))
    pieces[0] = pieces[0].removeprefix(Path(pattern).anchor)
    expression = "".join(re.escape(part) if i % 2 == 0 else f"(?P<{part}>[^/]+?)" for i, part in enumerate(pieces))
    wildcard = "".join(glob.escape(part) if i % 2 == 0 else "*" for i, part in enumerate(pieces))
    found = []
    for path in root.glob(wildcard):
        match = re.fullmatch(expression, path.relative_to(root).as_posix())
        if match and path.is_file():
            found.append(Found(path, match.groupdict()))
    return found


def _nearest(path: Path) -> str:
    """Say what lies in the nearest folder that exists, for a remedy."""
    folder = path.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    names = sorted(item.name for item in folder.iterdir() if not item.name.startswith("."))[:6]
    return f" ({folder} holds {', '.join(names)})" if names else f" ({folder} is empty)"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _listing(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
