"""Recipes and study files from text, files and Python mappings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from surfspec.errors import FormatError, RecipeError
from surfspec.recipes import mapping, nodes, yaml_nodes

T = TypeVar("T")


def load_yaml(text: str, cls: type[T], *, source: str = "<text>") -> T:
    """Read a recipe from YAML text.

    Parameters
    ----------
    text
        YAML, read as :mod:`surfspec.recipes.yaml_nodes` describes.
    cls
        The dataclass type that says what is allowed (see :mod:`surfspec.recipes.mapping`).
    source
        Name for the places in error messages, the file name say.

    Returns
    -------
    T
        An instance of `cls`.

    Raises
    ------
    RecipeError
        With all faults at once, each with ``source:line:column``.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Peak:
    ...     name: str
    ...     fwhm: float = 1.2
    >>> load_yaml("name: Zr 3d5/2", Peak)
    Peak(name='Zr 3d5/2', fwhm=1.2)
    >>> load_yaml("{name: Zr 3d5/2, fwmh: 1}", Peak, source="zr.yaml")
    Traceback (most recent call last):
    surfspec.errors.RecipeError: 1 problem: zr.yaml:1:18: unknown key 'fwmh'. Did you mean 'fwhm'?...
    """
    problems: list[str] = []
    return mapping.build(yaml_nodes.parse(text, source, problems), cls, problems)


def load_file(path: str | Path, cls: type[T]) -> T:
    """Read a recipe from a YAML file in UTF-8.

    Parameters
    ----------
    path
        The file.
    cls
        The dataclass type that says what is allowed.

    Returns
    -------
    T
        An instance of `cls`.

    Raises
    ------
    FormatError
        When the file is missing, empty, a directory, too big or not UTF-8.
    RecipeError
        With all faults of its content at once, each with ``file:line:column``.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> import pathlib, tempfile
    >>> @dataclass(frozen=True)
    ... class Peak:
    ...     name: str
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "peak.yaml"
    ...     _ = file.write_text("name: Na 1s", encoding="utf-8")
    ...     load_file(file, Peak)
    Peak(name='Na 1s')
    """
    file = Path(path)
    if not file.exists():
        raise FormatError("there is no such file", where=file, remedy="Check the path and the current folder")
    if not file.is_file():
        raise FormatError("this is not a file", where=file, remedy="Name one YAML file")
    size = file.stat().st_size
    if size > yaml_nodes.MAX_BYTES:
        raise FormatError(
            f"the file has {size} bytes and a recipe at most {yaml_nodes.MAX_BYTES}",
            where=file,
            remedy="Check that this is a recipe and not a data file",
        )
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"byte {error.start + 1} is not UTF-8", where=file, remedy="Save the file as UTF-8 in your editor"
        ) from error
    except OSError as error:
        raise FormatError(
            f"the file cannot be read ({error.strerror})", where=file, remedy="Check the permissions"
        ) from error
    if not text.removeprefix("\ufeff").strip():
        raise FormatError("the file is empty", where=file, remedy="Write the keys of the recipe into it")
    return load_yaml(text, cls, source=str(path))


def from_mapping(data: Mapping[Any, Any], cls: type[T], *, source: str = "<python>") -> T:
    """Make a recipe from a Python mapping: the same words and checks as in YAML.

    Parameters
    ----------
    data
        Keys and values; values may be text, numbers, lists, tuples, mappings, None and dataclasses.
    cls
        The dataclass type that says what is allowed.
    source
        Name for error messages.

    Returns
    -------
    T
        An instance of `cls`.

    Raises
    ------
    RecipeError
        With all faults at once.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Peak:
    ...     name: str
    ...     center: tuple[float, float]
    >>> from_mapping({"name": "Na 1s", "center": [1070, 1073.5]}, Peak)
    Peak(name='Na 1s', center=(1070.0, 1073.5))
    """
    problems: list[str] = []
    try:
        node = nodes.from_python(data, source, problems)
    except nodes.TooLargeError as error:
        raise RecipeError(
            [f"{source}: more than {nodes.MAX_NODES} values or {nodes.MAX_DEPTH} levels (a mapping inside itself?)"],
            remedy="Pass the recipe's own keys only",
        ) from error
    return mapping.build(node, cls, problems)
