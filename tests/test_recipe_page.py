"""The page on recipes names every width, default and option that the code has, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from surfspec import recipes
from surfspec.fitting.backgrounds import KINDS, background_options
from surfspec.fitting.lineshapes import SHAPES
from surfspec.xps.background_choice import IN_FIT, TEXT_OPTIONS
from surfspec.xps.model import DEFAULT_WIDTHS
from surfspec.xps.recipe import Recipe

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "recipes.md").read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    """Return the cells of the table whose first heading is `head`."""
    block = re.search(rf"^\| {head} \|.*\n\| ---.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert block is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in block.group(1).splitlines()]


def words(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def test_widths_of_every_shape() -> None:
    documented = {name: set(words(widths)) for names, widths in rows("shape") for name in words(names)}
    assert documented == {name: set(shape.roles) - {"center"} for name, shape in SHAPES.items()}


def test_defaults_of_widths() -> None:
    documented = {words(name)[0]: tuple(map(float, numbers)) for name, *numbers, _ in rows("width")}
    assert documented == dict(DEFAULT_WIDTHS)


@pytest.mark.parametrize("kind", KINDS)
def test_options_of_every_background(kind: str) -> None:
    documented = next(options for names, options in rows("kind") if kind in words(names))
    named = re.findall(r"(?:^|\), |, )`(\w+)`(?=,| \()", re.sub(r"\([^)]*\)", "()", documented))
    assert set(named) == set(background_options(kind))


@pytest.mark.parametrize("kind", IN_FIT)
def test_options_of_backgrounds_in_the_fit(kind: str) -> None:
    documented = next(options for names, options in rows("in the fit") if kind in words(names))
    assert set(words(documented)) - {w for some in TEXT_OPTIONS.values() for w in some} == set(IN_FIT[kind]) - {"none"}


def test_the_recipes_on_the_page_load() -> None:
    texts = [text for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) if "recipe:" in text]
    loaded = [recipes.load_yaml(text, Recipe) for text in texts if "region:" in text]
    assert [recipe.region for recipe in loaded] == ["Zr 3d", "C 1s"]
