"""A small tree of nodes with places: what YAML text and Python mappings are turned into before they are checked."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

#: Deepest nesting and largest number of nodes of a recipe, from YAML or from Python.
MAX_DEPTH: Final = 40
MAX_NODES: Final = 20_000

ScalarValue: TypeAlias = bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value. `text` is its spelling in the file if it stood there without quotes, else None."""

    where: str
    value: ScalarValue
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Items:
    """A list of nodes."""

    where: str
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """A mapping as (key, value) pairs; `where` of a key is the key's own place."""

    where: str
    pairs: tuple[tuple[Scalar, Node], ...]


@dataclass(frozen=True, slots=True)
class Broken:
    """A place whose fault has been reported already; nothing more is said about it."""

    where: str


Node: TypeAlias = Scalar | Items | Pairs | Broken


class TooLargeError(Exception):
    """Internal: the tree passes MAX_DEPTH or MAX_NODES."""


def from_python(value: object, where: str, problems: list[str]) -> Node:
    """Turn plain Python values, mappings, sequences and dataclasses into nodes.

    Parameters
    ----------
    value
        Any Python object; what no recipe can hold is reported in `problems`.
    where
        The place that is named in problems, ``"<python>"`` say.
    problems
        List to which faults are appended.

    Returns
    -------
    Node
        The tree.

    Raises
    ------
    TooLargeError
        When the value is nested too deeply (a cycle, say) or too large.

    Examples
    --------
    >>> from_python({"fwhm": 1.2}, "<python>", []).pairs[0][1].value
    1.2
    """
    budget = [MAX_NODES]
    return _from_python(value, where, problems, budget, 0)


def _from_python(value: object, where: str, problems: list[str], budget: list[int], depth: int) -> Node:
    budget[0] -= 1
    if depth > MAX_DEPTH or budget[0] < 0:
        raise TooLargeError
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = fields_to_keys(value)
    if isinstance(value, Mapping):
        pairs = []
        for key, item in value.items():
            node = _scalar(key, where)
            if node is None:
                problems.append(f"{where}: a key is {type(key).__name__}. Use text or numbers as keys")
            else:
                pairs.append((node, _from_python(item, where, problems, budget, depth + 1)))
        return Pairs(where, tuple(pairs))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        return Items(where, tuple(_from_python(item, where, problems, budget, depth + 1) for item in value))
    scalar = _scalar(value, where)
    if scalar is None:
        problems.append(
            f"{where}: a value is {type(value).__name__}, which no recipe can hold. "
            "Use text, numbers, true or false, lists and mappings"
        )
        return Broken(where)
    return scalar


def fields_to_keys(value: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as a mapping under their recipe keys, None left out (not recursive)."""
    result: dict[str, Any] = {}
    for field in dataclasses.fields(value):
        item = getattr(value, field.name)
        if not field.init or (item is None and field.default is None):
            continue
        if field.metadata.get("rest"):
            result.update(item)
        else:
            result[field.metadata.get("key", field.name)] = item
    return result


def _scalar(value: object, where: str) -> Scalar | None:
    if value is None or isinstance(value, bool):
        return Scalar(where, value)
    if isinstance(value, str):
        return Scalar(where, str(value))
    if isinstance(value, numbers.Integral):
        return Scalar(where, int(value))
    if isinstance(value, numbers.Real):
        return Scalar(where, float(value))
    return None
