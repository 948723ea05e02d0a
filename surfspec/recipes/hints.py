"""What a type hint accepts, said in words, and which member of a union a node belongs to."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Union

from surfspec.recipes.nodes import Items, Node, Pairs, Scalar

_SCALARS: Final = (str, int, float, bool)
_NOT_A_NUMBER: Final = frozenset({"nan", "inf", "infinity"})
_DECIMAL_COMMA: Final = re.compile(r"[-+]?[0-9]+,[0-9]+([eE][-+]?[0-9]+)?")
_WITH_UNIT: Final = re.compile(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*[A-Za-zµÅ°%]+.*")


@dataclass(frozen=True)
class FieldSpec:
    """What one field of a dataclass accepts."""

    name: str
    key: str
    hint: Any
    required: bool
    rest: bool
    metadata: Mapping[str, Any]


@functools.lru_cache(maxsize=256)
def field_specs(cls: type) -> Mapping[str, FieldSpec]:
    """Return the fields of a dataclass by their recipe key."""
    hints = typing.get_type_hints(cls)
    specs = {}
    for field in dataclasses.fields(cls):
        if field.init:
            missing = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
            key = str(field.metadata.get("key", field.name))
            rest = bool(field.metadata.get("rest", False))
            specs[key] = FieldSpec(field.name, key, hints[field.name], missing, rest, field.metadata)
    return types.MappingProxyType(specs)


def choose(node: Node, hint: Any) -> Any:
    """Return the member of a union that belongs to this kind of node (the hint itself where it is no union)."""
    if typing.get_origin(hint) not in (Union, types.UnionType):
        return hint
    members = typing.get_args(hint)
    fitting = [member for member in members if kind_fits(node, member)]
    if not fitting:
        return next(member for member in members if member is not type(None))
    if len(fitting) == 1:
        return fitting[0]
    return min(fitting, key=lambda member: _distance(node, member))


def kind_fits(node: Node, hint: Any) -> bool:
    """Whether a node (mapping, list, single value or nothing) is of the kind a hint takes."""
    origin = typing.get_origin(hint)
    if isinstance(node, Scalar):
        if node.value is None:
            return hint is type(None)
        return hint in _SCALARS or origin is Literal
    if isinstance(node, Items):
        return origin is tuple
    return dataclasses.is_dataclass(hint) or (isinstance(origin, type) and issubclass(origin, Mapping))


def _distance(node: Node, hint: Any) -> float:
    """How badly a node suits one member of a union, judged without going deeper."""
    if isinstance(node, Scalar):
        return _scalar_distance(node, hint)
    if isinstance(node, Items):
        args = typing.get_args(hint)
        return 0.5 if args[-1] is Ellipsis else abs(len(args) - len(node.items))
    if not isinstance(node, Pairs):
        return 0.0
    if not dataclasses.is_dataclass(hint):
        value_hint = (typing.get_args(hint) or (str, str))[1]
        return 0.5 + sum(not _fits_any(item, value_hint) for _, item in node.pairs)
    specs = field_specs(typing.cast(type, hint))
    words = {word(key): item for key, item in node.pairs}
    open_ended = any(spec.rest for spec in specs.values())
    unknown = 0 if open_ended else sum(word not in specs for word in words)
    missing = sum(spec.required and spec.key not in words for spec in specs.values())
    wrong = sum(not _fits_any(item, specs[word].hint) for word, item in words.items() if word in specs)
    return unknown + missing + wrong


def _fits_any(node: Node, hint: Any) -> bool:
    union = typing.get_origin(hint) in (Union, types.UnionType)
    members = typing.get_args(hint) if union else (hint,)
    return any(kind_fits(node, member) and not _wrong_literal(node, member) for member in members)


def _wrong_literal(node: Node, hint: Any) -> bool:
    return isinstance(node, Scalar) and typing.get_origin(hint) is Literal and _scalar_distance(node, hint) > 0


def _scalar_distance(node: Scalar, hint: Any) -> float:
    value = node.value
    if typing.get_origin(hint) is Literal:
        options = typing.get_args(hint)
        return 0.0 if value in options or node.text in options else 2.5
    if type(value) is hint:
        return 1.0 if hint is str else 0.5
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return 1.0
    return 2.0 if hint is str else 3.0


def mismatch(node: Node, hint: Any, limits: Mapping[str, Any]) -> str:
    """Say what was expected and what stands there, with the likeliest remedy."""
    unit = f" in {limits['unit']}" if limits.get("unit") else ""
    expected = f"expected {describe(hint)}{unit}"
    if isinstance(node, Scalar) and node.value is None:
        return f"{expected}, but nothing stands here. Give the value or remove the key"
    return f"{expected}, got {what(node)}. {_way_out(node, hint, unit)}"


def _way_out(node: Node, hint: Any, unit: str) -> str:
    """Name the likeliest remedy for a value of the wrong type."""
    if isinstance(node, Scalar) and "number" in describe(hint):
        remedy = _number_remedy(node, unit)
    elif isinstance(node, Scalar) and hint is str:
        remedy = "Put it in quotes if it is meant as text"
    else:
        remedy = ""
    return remedy or f"Write {describe(hint)}"


def _number_remedy(node: Scalar, unit: str) -> str:
    text = word(node)
    if text.lower().lstrip("+-.") in _NOT_A_NUMBER:
        return f"Give a finite number{unit} or remove the key"
    if _DECIMAL_COMMA.fullmatch(text):
        return f"Write a decimal point: {text.replace(',', '.')}"
    if isinstance(node.value, str) and _WITH_UNIT.fullmatch(text):
        return f"Write the number alone{f'; it is{unit}' if unit else ''}"
    return "Write the number without quotes" if node.text is None and isinstance(node.value, str) else ""


def describe(hint: Any) -> str:
    """Say in words what a hint accepts."""
    origin = typing.get_origin(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(describe(member) for member in typing.get_args(hint) if member is not type(None))
    if origin is Literal:
        return "one of " + ", ".join(str(option) for option in typing.get_args(hint))
    if origin is tuple:
        args = typing.get_args(hint)
        if args[-1] is Ellipsis:
            return f"a list, each {describe(args[0])}"
        return "[" + ", ".join(describe(arg) for arg in args) + "]"
    if dataclasses.is_dataclass(hint):
        return "keys and values ({})".format(", ".join(field_specs(typing.cast(type, hint))))
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
    return names.get(hint, "keys and values")


def what(node: Node) -> str:
    """Say in words what a node is."""
    if isinstance(node, Items):
        return f"a list of {len(node.items)}"
    if isinstance(node, Pairs):
        return "keys and values"
    return quote(node)


def quote(node: Node) -> str:
    """Return a single value as it stands in the file, text in quotes, cut to 60 characters."""
    if not isinstance(node, Scalar) or node.value is None:
        return "nothing"
    text = word(node)
    short = text if len(text) <= 60 else text[:57] + "..."
    return repr(short) if isinstance(node.value, str) else short


def word(key: Scalar) -> str:
    """Return the spelling of a single value."""
    return key.text if key.text is not None else str(key.value)


def suggest(word: str, known: Iterable[str]) -> str:
    """Name the known word next to an unknown one, or all known words."""
    names = list(known)
    near = difflib.get_close_matches(word[:80], names, n=1, cutoff=0.6)
    near = near or [name for name in names if name.casefold() == word.casefold()]
    return f"Did you mean '{near[0]}'?" if near else f"Use one of {', '.join(names)}"
