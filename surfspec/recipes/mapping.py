"""Nodes into frozen dataclasses: types, required keys and ranges are checked, and every fault is collected.

The dataclass is the schema. Field types may be ``str``, ``int``, ``float``, ``bool``, ``Literal``, ``X | None``,
``tuple[X, ...]``, ``tuple[float, float]``, ``Mapping[str, X]``, ``Mapping[float | int, X]``, dataclasses, and unions of
these, told apart by what stands in the file (a mapping, a list or a single value).

``field(metadata={...})`` may say:

* ``low``, ``high`` (inclusive) and ``above``, ``below`` (exclusive): limits of every number in the field;
* ``unit``: named in messages; ``doc``: what the field is;
* ``key``: the word in the recipe where it differs from the field's name;
* ``rest``: True for one ``Mapping[str, X]`` field that takes all keys no other field claims.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar

from surfspec.errors import RecipeError, SurfspecError
from surfspec.recipes import hints
from surfspec.recipes.nodes import Broken, Items, Node, Pairs, Scalar

T = TypeVar("T")
NO_LIMITS: Final[Mapping[str, Any]] = types.MappingProxyType({})


class _Failed:
    """What a conversion returns when it has reported a problem."""


FAILED: Final = _Failed()


def build(node: Node, cls: type[T], problems: list[str]) -> T:
    """Build a dataclass from a tree of nodes.

    Parameters
    ----------
    node
        The tree.
    cls
        The dataclass type that describes what is allowed.
    problems
        Faults found so far, to which this function adds its own.

    Returns
    -------
    T
        The dataclass.

    Raises
    ------
    RecipeError
        With all faults at once.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Peak:
    ...     fwhm: float
    >>> build(Pairs("here", ((Scalar("here", "fwhm"), Scalar("here", 1.2)),)), Peak, [])
    Peak(fwhm=1.2)
    """
    value = _Converter(problems).dataclass(node, cls, "")
    if problems or isinstance(value, _Failed):
        raise RecipeError(problems, remedy="Mend the named places and load it again")
    return typing.cast(T, value)


class _Converter:
    """Converts nodes by type hint; faults are appended to `problems` and yield FAILED."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems

    def problem(self, node: Node, path: str, message: str) -> _Failed:
        self.problems.append(f"{node.where}: {path}: {message}" if path else f"{node.where}: {message}")
        return FAILED

    def convert(self, node: Node, hint: Any, path: str, limits: Mapping[str, Any]) -> Any:
        if isinstance(node, Broken):
            return FAILED
        chosen = hints.choose(node, hint)
        if not hints.kind_fits(node, chosen):
            return self.problem(node, path, hints.mismatch(node, hint, limits))
        if isinstance(node, Scalar):
            return self.scalar(node, chosen, hint, path, limits)
        if isinstance(node, Items):
            return self.sequence(node, chosen, path, limits)
        if dataclasses.is_dataclass(chosen):
            return self.dataclass(node, typing.cast(type, chosen), path)
        return self.mapping(node, chosen, path, limits)

    def dataclass(self, node: Node, cls: type, path: str) -> Any:
        if isinstance(node, Broken):
            return FAILED
        specs = hints.field_specs(cls)
        if not isinstance(node, Pairs):
            return self.problem(node, path, f"expected keys and values ({', '.join(specs)}), got {hints.what(node)}")
        rest = next((spec for spec in specs.values() if spec.rest), None)
        values: dict[str, Any] = {}
        extra: list[tuple[Scalar, Node]] = []
        places: dict[str, str] = {}
        sound = True
        for key, item in node.pairs:
            word = hints.word(key)
            spec = specs.get(word)
            if spec is not None and not spec.rest:
                values[spec.name] = self.convert(item, spec.hint, _join(path, word), spec.metadata)
                places[spec.name] = places[word] = item.where
            elif rest is not None:
                extra.append((key, item))
            else:
                self.problem(key, path, f"unknown key '{word}'. {hints.suggest(word, specs)}")
                sound = False
        if rest is not None and extra:
            values[rest.name] = self.convert(Pairs(node.where, tuple(extra)), rest.hint, path, rest.metadata)
        for spec in specs.values():
            if spec.required and spec.name not in values:
                unit = f" (in {spec.metadata['unit']})" if spec.metadata.get("unit") else ""
                doc = f": {spec.metadata['doc']}" if spec.metadata.get("doc") else ""
                self.problem(node, path, f"key '{spec.key}' is missing. Add it{unit}{doc}")
                sound = False
        if not sound or any(value is FAILED for value in values.values()):
            return FAILED
        return self._make(node, cls, values, path, places)

    def _make(self, node: Node, cls: type, values: dict[str, Any], path: str, places: dict[str, str]) -> Any:
        try:
            return cls(**values)
        except RecipeError as error:
            for text in error.problems:
                self.problem(node, path, text)
        except SurfspecError as error:
            spot = places.get(error.where, node.where)
            name = error.where if not path else f"{path}.{error.where}" if error.where else path
            self.problem(Broken(spot), name, f"{error.message}. {error.remedy}")
        except ValueError as error:
            self.problem(node, path, f"{error}. Check the values together")
        return FAILED

    def mapping(self, node: Pairs, hint: Any, path: str, limits: Mapping[str, Any]) -> Any:
        key_hint, value_hint = typing.get_args(hint) or (str, str)
        result: dict[Any, Any] = {}
        sound = True
        for key, item in node.pairs:
            place = _join(path, hints.word(key))
            name = self.convert(key, key_hint, place, NO_LIMITS)
            value = self.convert(item, value_hint, place, limits)
            if name is FAILED or value is FAILED:
                sound = False
            elif name in result:
                self.problem(key, path, f"duplicate key '{name}'. Keep one of the two")
                sound = False
            else:
                result[name] = value
        return result if sound else FAILED

    def sequence(self, node: Items, hint: Any, path: str, limits: Mapping[str, Any]) -> Any:
        args = typing.get_args(hint)
        many = len(args) == 2 and args[1] is Ellipsis
        if not many and len(node.items) != len(args):
            return self.problem(
                node, path, f"{len(node.items)} values where {len(args)} are needed. Give {hints.describe(hint)}"
            )
        kinds = [args[0]] * len(node.items) if many else list(args)
        values = tuple(
            self.convert(item, one, f"{path}[{index}]", limits)
            for index, (item, one) in enumerate(zip(node.items, kinds, strict=True))
        )
        return FAILED if any(value is FAILED for value in values) else values

    def scalar(self, node: Scalar, hint: Any, whole: Any, path: str, limits: Mapping[str, Any]) -> Any:
        value: Any = node.value
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        result: Any = FAILED
        if typing.get_origin(hint) is Literal:
            result = self.option(node, hint, path)
        elif hint is str and is_number and node.text is not None:
            result = node.text
        elif hint is float and is_number:
            result = self.number(node, value, path, limits)
        elif type(value) is not hint:
            self.problem(node, path, hints.mismatch(node, whole, limits))
        else:
            result = self.within(node, value, path, limits) if hint is int else value
        return result

    def option(self, node: Scalar, hint: Any, path: str) -> Any:
        options = typing.get_args(hint)
        for option in options:
            if (type(node.value) is type(option) and node.value == option) or node.text == option:
                return option
        words = [str(option) for option in options]
        return self.problem(node, path, f"unknown value {hints.quote(node)}. {hints.suggest(hints.word(node), words)}")

    def number(self, node: Scalar, value: float, path: str, limits: Mapping[str, Any]) -> Any:
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            return self.problem(node, path, f"{hints.quote(node)} is no finite number. Give a finite number")
        return self.within(node, number, path, limits)

    def within(self, node: Scalar, value: float, path: str, limits: Mapping[str, Any]) -> Any:
        unit = f" {limits['unit']}" if limits.get("unit") else ""
        low, high = limits.get("low"), limits.get("high")
        above, below = limits.get("above"), limits.get("below")
        fault = ""
        if low is not None and value < low:
            fault = f"below the limit of {low:g}{unit}"
        elif high is not None and value > high:
            fault = f"above the limit of {high:g}{unit}"
        elif above is not None and value <= above:
            fault = f"not above {above:g}{unit}"
        elif below is not None and value >= below:
            fault = f"not below {below:g}{unit}"
        if not fault:
            return value
        return self.problem(node, path, f"{value:g}{unit} is {fault}. Choose a value {_range(limits)}{unit}")


def _range(limits: Mapping[str, Any]) -> str:
    words = {"low": "from", "above": "above", "high": "up to", "below": "below"}
    return " and ".join(f"{word} {limits[name]:g}" for name, word in words.items() if limits.get(name) is not None)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
