"""Names with labels in them: ``{name}`` in a pattern stands for what the names of files or blocks differ in."""

from __future__ import annotations

import glob
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from surfspec.errors import InputError

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_NUMBER: Final = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
#: Placeholders whose labels are numbers unless a mapping has other keys.
NUMBERS: Final = frozenset({"dose", "cycle", "time", "temperature", "x", "y"})
#: Placeholders whose labels may hold anything ("Na_1s"); the others end at an underscore.
_FREE: Final = frozenset({"region"})


@dataclass(frozen=True)
class Found:
    """One file and the labels that its name carries."""

    path: Path
    labels: dict[str, str]


def placeholders(pattern: str) -> list[str]:
    """Return the names in braces of a pattern, in order."""
    return _PLACEHOLDER.findall(pattern)


def find(
    pattern: str,
    base: Path,
    *,
    where: str,
    allowed: Collection[str] | None,
    mapped: Mapping[str, Collection[str]] | None = None,
    exclude: Sequence[str] = (),
) -> list[Found]:
    """Return the files that a pattern matches, sorted by their labels.

    Parameters
    ----------
    pattern
        Path relative to `base`, with ``{name}`` where the file names differ. A ``{name}`` never spans a folder. That of
        a number (dose, cycle, time, temperature, x, y; any whose mapped labels are all numbers) matches numbers only;
        other labels but that of a region end at an underscore, unless a mapped label holds one. So ``a_dose{dose}.csv``
        means ``a_dose1.csv`` and not ``a_dose1_components.csv``. Signs of a shell (``*``, ``?``, ``[1-4]``) are letters
        like others.
    base
        Folder of the study file.
    where
        Place in the study file, named in errors.
    allowed
        Placeholders that make sense here; None for any.
    mapped
        Labels that have a meaning, by placeholder.
    exclude
        File names to leave out, with ``*`` and ``?`` as in a shell.

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
    >>> for dose in ("2", "10", "10_components"):
    ...     _ = (folder / f"a_dose{dose}.csv").write_text("1 2")
    >>> [found.labels["dose"] for found in find("a_dose{dose}.csv", folder, where="leis", allowed=["dose"])]
    ['2', '10']
    """
    names = checked_placeholders(pattern, where, allowed)
    if not names:
        path = base / pattern
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "does not exist"
            raise InputError(
                f"'{pattern}' {what}",
                where=where,
                remedy=f"{_alike(pattern, base)}Name a file{_below(pattern, base, ' relative to')}{_nearest(path)}"
                f"{_about_signs(pattern)}",
            )
        return [Found(path, {})]
    root = Path(Path(pattern).anchor) if Path(pattern).is_absolute() else base
    bare = pattern.replace("\\", "/").removeprefix(Path(pattern).anchor)
    pieces = _PLACEHOLDER.split(bare)
    wildcard = "".join(glob.escape(part) if i % 2 == 0 else "*" for i, part in enumerate(pieces))
    paths = {path.relative_to(root).as_posix(): path for path in root.glob(wildcard) if path.is_file()}
    kept = {name: path for name, path in paths.items() if not any(_fits(name, sign) for sign in exclude)}
    found = [Found(kept[name], labels) for name, labels in labels_of(bare, list(kept), mapped).items()]
    if not found:
        left_out = f", but {len(paths)} that 'exclude' leaves out" if paths and not kept else ""
        raise InputError(
            f"no file matches '{pattern}'{left_out}",
            where=where,
            remedy=f"{_alike(bare, root)}Check the pattern against the files{_below(pattern, base)}"
            f"{_nearest(base / pattern)}{_about_signs(pattern)}",
        )
    return sorted(found, key=lambda item: [natural(item.labels[name]) for name in names])


def checked_placeholders(pattern: str, where: str, allowed: Collection[str] | None) -> list[str]:
    """Return the placeholders of a pattern; those that mean nothing or come twice are refused."""
    names = placeholders(pattern)
    for name in names:
        if (allowed is not None and name not in allowed) or not name.isidentifier():
            raise InputError(
                f"'{{{name}}}' in the pattern '{pattern}' means nothing here",
                where=where,
                remedy=f"Use {listing(allowed)}" if allowed else "Name one file",
            )
    if len(set(names)) != len(names):
        raise InputError(
            f"the file pattern '{pattern}' uses a placeholder twice", where=where, remedy="Use each {name} once"
        )
    return names


def labels_of(
    pattern: str, names: Sequence[str], mapped: Mapping[str, Collection[str]] | None = None
) -> dict[str, dict[str, str]]:
    """Return the labels in those names that a pattern matches.

    Where no name matches with labels of the kind that is expected (numbers, say), labels of any kind are taken, so that
    they can be named.

    Examples
    --------
    >>> labels_of("area{spot}_dose{dose}", ["area1_dose2", "area1_dose2_fit", "blank"])
    {'area1_dose2': {'spot': '1', 'dose': '2'}}
    """
    for strict in (True, False):
        expression = _expression(pattern, mapped or {}, strict=strict)
        matches = {name: expression.fullmatch(name) for name in names}
        found = {name: match.groupdict() for name, match in matches.items() if match}
        if found:
            return found
    return {}


def _expression(pattern: str, mapped: Mapping[str, Collection[str]], *, strict: bool) -> re.Pattern[str]:
    pieces = _PLACEHOLDER.split(pattern)
    parts = [
        re.escape(part) if i % 2 == 0 else f"(?P<{part}>{_label(part, mapped.get(part, ())) if strict else '[^/]+?'})"
        for i, part in enumerate(pieces)
    ]
    return re.compile("".join(parts))


def _label(name: str, mapped: Collection[str]) -> str:
    """Return the expression of a label: what it may be made of."""
    if mapped:
        if all(is_number(label) for label in mapped):
            return _NUMBER.pattern
        return r"[^/]+?" if any("_" in label for label in mapped) or name in _FREE else r"[^/_]+"
    if name in _FREE:
        return r"[^/]+?"
    return _NUMBER.pattern if name in NUMBERS else r"[^/_]+"


def is_number(text: str) -> bool:
    """Tell whether a label is a number.

    Examples
    --------
    >>> [is_number(text) for text in ("10", "1.6e15", "1_components", "a")]
    [True, True, False, False]
    """
    return _NUMBER.fullmatch(text) is not None


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


def listing(names: Iterable[str]) -> str:
    """Return names in quotes, with commas."""
    return ", ".join(f"'{name}'" for name in names)


def without_companions(names: Sequence[str]) -> list[str]:
    """Leave out names that are another one with a word behind: ``a_components.csv`` beside ``a.csv``.

    Examples
    --------
    >>> without_companions(["1", "1_components", "2_b"])
    ['1', '2_b']
    """
    known = set(names)
    companion = re.compile(r"(.+)_[A-Za-z]+(\.\w+)?")
    return [
        name for name in names if not (match := companion.fullmatch(name)) or f"{match[1]}{match[2] or ''}" not in known
    ]


def _fits(name: str, sign: str) -> bool:
    return fnmatchcase(name, sign) or fnmatchcase(name.rsplit("/", 1)[-1], sign)


def _below(pattern: str, base: Path, word: str = " below") -> str:
    return "" if Path(pattern).is_absolute() else f"{word} {base}"


def _alike(pattern: str, root: Path) -> str:
    """Ask for the pattern that was meant, where the folder holds names that are nearly of this one."""
    folder = (root / pattern).parent
    if _PLACEHOLDER.search(str(folder)) or not folder.is_dir():
        return ""
    last = pattern.replace("\\", "/").rsplit("/", 1)[-1]
    bare = _PLACEHOLDER.sub("1", last)
    every = sorted(item.name for item in folder.iterdir() if item.is_file() and not item.name.startswith("."))
    names = without_companions(every)
    shapes = {name: re.sub(r"\d+", "1", name) for name in names}
    wanted = bare if bare == last else re.sub(r"\d+", "1", bare)
    near = get_close_matches(wanted, names if bare == last else list(dict.fromkeys(shapes.values())), n=1, cutoff=0.8)
    if not near or near[0] == wanted:
        return ""
    meant = next(name for name in names if near[0] in (name, shapes[name] if bare != last else name))
    return f"Did you mean '{meant}'? " if bare == last else f"Did you mean files like '{meant}'? "


def _about_signs(pattern: str) -> str:
    """Say that signs of a shell are letters here, where a pattern has some."""
    if not re.search(r"[*?]|\[[^\]]*\]", pattern):
        return ""
    return ". The signs * ? [ ] are letters here: write {dose} or another {name}, give the wanted labels beside it"


def _nearest(path: Path) -> str:
    """Say what lies in the nearest folder that exists, for a remedy."""
    folder = path.parent
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    every = sorted(item.name for item in folder.iterdir() if not item.name.startswith("."))
    names = without_companions(every)[:6]
    return f" ({folder} holds {', '.join(names)})" if names else f" ({folder} is empty)"
