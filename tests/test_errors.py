"""Errors: each says what, where and what to do, and survives the way between processes."""

from __future__ import annotations

import inspect
import pickle
from pathlib import Path

import pytest

from surfspec import errors
from surfspec.errors import FormatError, InputError, RecipeError, SurfspecError

FAMILY = [value for value in vars(errors).values() if inspect.isclass(value) and issubclass(value, Exception)]


def test_the_family_is_one() -> None:
    assert len(FAMILY) >= 9
    assert all(issubclass(kind, SurfspecError) for kind in FAMILY)
    assert all(kind.__doc__ for kind in FAMILY)


@pytest.mark.parametrize("kind", [kind for kind in FAMILY if kind is not RecipeError])
def test_what_where_and_what_to_do(kind: type[SurfspecError]) -> None:
    error = kind("the dose is negative.", remedy="Give a positive dose.", where=Path("a.csv"))
    assert str(error) == "a.csv: the dose is negative. Give a positive dose."
    assert (error.message, error.remedy, error.where) == ("the dose is negative", "Give a positive dose", "a.csv")
    assert str(kind("x", remedy="y")) == "x. y."


def test_the_remedy_is_required() -> None:
    with pytest.raises(TypeError, match="remedy"):
        InputError("x")  # type: ignore[call-arg]


def test_a_question_ends_with_its_own_mark() -> None:
    assert str(InputError("unknown", remedy="Did you mean 'a'?")) == "unknown. Did you mean 'a'?"


@pytest.mark.parametrize("kind", [kind for kind in FAMILY if kind is not RecipeError])
def test_pickling(kind: type[SurfspecError]) -> None:
    error = kind("x", remedy="y", where="z")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  our own error, as between processes
    assert type(again) is kind
    assert str(again) == str(error)


def test_recipe_error_holds_all_problems() -> None:
    error = RecipeError(["a.yaml:1:2: x", "a.yaml:3:4: y"], remedy="Mend them")
    assert error.problems == ("a.yaml:1:2: x", "a.yaml:3:4: y")
    assert str(error) == "2 problems: a.yaml:1:2: x | a.yaml:3:4: y. Mend them."
    assert str(RecipeError(["x"], remedy="y", where="a.yaml")) == "a.yaml: 1 problem: x. y."
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  our own error, as between processes
    assert again.problems == error.problems


def test_one_except_catches_all() -> None:
    with pytest.raises(SurfspecError):
        raise FormatError("x", remedy="y")
