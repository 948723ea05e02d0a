"""Whatever the input, a recipe is read exactly or refused with a RecipeError; whatever is written reads the same."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import hypothesis.strategies as st
import yaml
from hypothesis import HealthCheck, example, given, settings

from surfspec.errors import RecipeError
from surfspec.recipes import from_mapping, load_yaml, to_mapping, to_yaml
from surfspec.recipes.yaml_nodes import parse, resolve


@dataclass(frozen=True)
class Inner:
    name: str
    limits: tuple[float, float] | None = None
    number: float | str = 0.0
    flag: bool = False
    count: int | None = None


@dataclass(frozen=True)
class Outer:
    title: str
    kind: Literal["a", "b", 3] = "a"
    inner: Inner | str = "none"
    many: tuple[Inner, ...] = ()
    words: tuple[str, ...] = ()
    table: Mapping[float | int, float] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    nested: Mapping[str, Inner] = field(default_factory=dict)
    rest: Mapping[str, Mapping[str, float]] = field(default_factory=dict, metadata={"rest": True})


numbers = st.floats(allow_nan=False, allow_infinity=False)
# The signs at which YAML is known to trip: indicators, line breaks of all kinds, spaces, digits, a surrogate pair.
texts = st.text(max_size=12) | st.text(
    "-:#&*!|>'\"%@`{}[],?~= \n\r\t\x85\u2028\ufeff\x00\x7f01e.xn\U0001f52c", max_size=8
)
inners = st.builds(
    Inner, texts, st.none() | st.tuples(numbers, numbers), numbers | texts, st.booleans(),
    st.none() | st.integers(-(10**15), 10**15),
)  # fmt: skip
outers = st.builds(
    Outer, texts, st.sampled_from(["a", "b", 3]), inners | texts, st.lists(inners, max_size=3).map(tuple),
    st.lists(texts, max_size=3).map(tuple), st.dictionaries(numbers | st.integers(0, 99), numbers, max_size=3),
    st.dictionaries(texts, texts, max_size=3), st.dictionaries(texts, inners, max_size=2),
    st.dictionaries(st.sampled_from(["dose", "spot", "1", "~"]), st.dictionaries(texts, numbers, max_size=2)),
)  # fmt: skip
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts | st.binary(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | st.integers(), inner, max_size=3),
    max_leaves=8,
)
keys = ["title", "kind", "inner", "many", "words", "table", "labels", "nested", "name", "limits", "number", "count"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(outers, st.booleans())
def test_what_is_written_reads_the_same(value: Outer, defaults: bool) -> None:
    text = to_yaml(value, defaults=defaults)
    again = load_yaml(text, Outer)
    assert again == value
    assert to_yaml(again, defaults=defaults) == text
    assert from_mapping(to_mapping(value, defaults=defaults), Outer) == value


@settings(max_examples=400, deadline=None)
@given(st.text() | st.text("-:#&*!|>'\"%@`{}[],?~<= \n\t0189eE+.nox", max_size=60))
@example("a: !!binary |\n  x")
@example("%TAG ! tag:x,2000:\n---\na: !y 1")
@example("? ? ? a")
@example("*a : 1")
@example('"\\ud800": 1')
@example("title: 12345678901234567890123")
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(RecipeError):
        load_yaml(text, Outer)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(keys) | texts, plain, max_size=6))
def test_any_mapping_is_read_or_refused(data: dict[Any, Any]) -> None:
    with contextlib.suppress(RecipeError):
        value = from_mapping(data, Outer)
        assert isinstance(value.title, str)


@settings(max_examples=200, deadline=None)
@given(outers, st.data())
def test_a_changed_byte_is_read_or_refused(value: Outer, data: st.DataObject) -> None:
    text = to_yaml(value)
    place = data.draw(st.integers(0, len(text) - 1))
    sign = data.draw(st.sampled_from(list("\t\n:{}[]&*!#'\"-,0a\x00")))
    with contextlib.suppress(RecipeError):
        load_yaml(text[:place] + sign + text[place + 1 :], Outer)


@settings(max_examples=200, deadline=None)
@given(st.text("0123456789+-.eE_xonftrueal~:", max_size=8))
def test_numbers_are_those_python_reads(text: str) -> None:
    value = resolve(text)
    if isinstance(value, float | int) and not isinstance(value, bool):
        assert value == float(text)
    problems: list[str] = []
    node = parse(f"[{yaml.dump(text, default_style=chr(39)).strip()}]", "t", problems)
    assert not problems
    assert node.items[0].value == text  # type: ignore[union-attr]  quoted: text, whatever it looks like
