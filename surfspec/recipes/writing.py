"""Frozen dataclasses back into plain mappings and YAML text that reads the same."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import yaml

from surfspec.errors import InputError
from surfspec.recipes.nodes import fields_to_keys
from surfspec.recipes.yaml_nodes import BOOLEANS, FLOAT, NULLS


def to_mapping(value: Any, *, defaults: bool = True) -> dict[str, Any]:
    """Return a dataclass as a plain mapping of text, numbers, lists and mappings.

    Parameters
    ----------
    value
        A dataclass that :func:`~surfspec.recipes.load_yaml` could have made.
    defaults
        Keep fields that have their default value. The result then says everything that a later version needs to
        replay it, whatever its own defaults are. Fields that are None by default and None are left out in any case.

    Returns
    -------
    dict
        Keys in the order of the fields.

    Raises
    ------
    InputError
        When `value` is no dataclass or holds what YAML cannot.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Peak:
    ...     name: str
    ...     fwhm: float = 1.2
    >>> to_mapping(Peak("Na 1s"))
    {'name': 'Na 1s', 'fwhm': 1.2}
    >>> to_mapping(Peak("Na 1s"), defaults=False)
    {'name': 'Na 1s'}
    """
    if not dataclasses.is_dataclass(value) or isinstance(value, type):
        raise InputError(
            f"a {type(value).__name__} is no recipe", remedy="Pass the recipe itself, or read it with from_mapping()"
        )
    keys = fields_to_keys(value)
    if not defaults:
        unchanged = {
            field.metadata.get("key", field.name) for field in dataclasses.fields(value) if _is_default(value, field)
        }
        keys = {key: item for key, item in keys.items() if key not in unchanged}
    return {key: _plain(item, defaults) for key, item in keys.items()}


def to_yaml(value: Any, *, defaults: bool = True) -> str:
    """Return a dataclass as YAML text; reading it again gives an equal dataclass.

    The text is the same for equal values: keys stand in the order of the fields, numbers in their shortest exact form.

    Parameters
    ----------
    value, defaults
        As for :func:`to_mapping`.

    Returns
    -------
    str
        YAML, ending with a line break.

    Raises
    ------
    InputError
        When `value` is no dataclass or holds what YAML cannot.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Peak:
    ...     name: str
    ...     center: tuple[float, float]
    >>> print(to_yaml(Peak("1e3", (180.0, 184.0))), end="")
    name: '1e3'
    center: [180.0, 184.0]
    """
    data = to_mapping(value, defaults=defaults)
    return yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110, indent=2
    )


def _is_default(value: Any, field: dataclasses.Field[Any]) -> bool:
    current = getattr(value, field.name)
    if field.default is not dataclasses.MISSING:
        return type(current) is type(field.default) and bool(current == field.default)
    if field.default_factory is not dataclasses.MISSING:
        return bool(current == field.default_factory())
    return False


def _plain(item: Any, defaults: bool) -> Any:
    if item is None or isinstance(item, bool):
        return item
    if isinstance(item, float) and not math.isfinite(item):
        raise InputError(f"{item} cannot be written into a recipe", remedy="Use finite numbers; leave out what is open")
    for plain in (str, int, float):
        if isinstance(item, plain):
            return plain(item)
    if dataclasses.is_dataclass(item):
        return to_mapping(item, defaults=defaults)
    if isinstance(item, Mapping):
        return {_plain(key, defaults): _plain(entry, defaults) for key, entry in item.items()}
    if isinstance(item, tuple | list):
        return [_plain(entry, defaults) for entry in item]
    raise InputError(
        f"a {type(item).__name__} cannot be written into a recipe",
        remedy="Use text, numbers, true or false, tuples, mappings and dataclasses",
    )


class _Dumper(yaml.SafeDumper):
    """Quotes exactly the texts that this package's own YAML reader would not take as text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, Any]]] = {}  # noqa: RUF012  PyYAML reads a class attribute

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal objects out each time; anchors are not allowed in recipes."""
        return True

    def serialize(self, node: Any) -> None:
        """Write the outermost mapping over several lines, however small."""
        node.flow_style = False
        inherited: Any = super().serialize
        inherited(node)

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        """Return the tag a plain scalar would be read with; the emitter quotes text that would not stay text."""
        if kind is yaml.ScalarNode and implicit[0]:
            if value in NULLS:
                return "tag:yaml.org,2002:null"
            if value in BOOLEANS:
                return "tag:yaml.org,2002:bool"
            if FLOAT.fullmatch(value):
                return f"tag:yaml.org,2002:{'int' if value.lstrip('+-').isdigit() else 'float'}"
            if value == "<<":
                return "tag:yaml.org,2002:merge"
        inherited: Any = super().resolve
        return inherited(kind, value, implicit)


def _represent_text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Put text with line breaks or other unprintable signs in double quotes; PyYAML's other styles lose some."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if text.isprintable() else '"')


_Dumper.add_representer(str, _represent_text)
