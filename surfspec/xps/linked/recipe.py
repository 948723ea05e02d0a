"""A global fit as a recipe: regions with their recipes, and the links between regions and between samples."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final, Literal

from surfspec import recipes
from surfspec.errors import InputError, RecipeError, SurfspecError
from surfspec.fitting.model import Parameter
from surfspec.recipes import mapping, nodes, yaml_nodes
from surfspec.xps.linked.graph import placed, resolve
from surfspec.xps.linked.links import ChargeReference, Link
from surfspec.xps.model import build
from surfspec.xps.recipe import Recipe, load_recipe

#: Samples for which the links of a recipe are checked before there are data, besides those that it names.
STAND_INS: Final = ("one sample", "another sample")
#: Part of a place in a recipe: a key, or a number in brackets.
STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True)
class GlobalRecipe:
    """How to fit several regions of several samples together.

    Attributes
    ----------
    recipe
        Its name.
    regions
        For each region its recipe: a :class:`Recipe`, the name of a shipped one, or the path of a YAML file.
    links
        What follows what; see :class:`Link`.
    charge
        The charge reference, where all regions of a sample share one shift of the energy scale. The centres of
        the recipes are then binding energies.

    Raises
    ------
    RecipeError
        With every fault of the links: an unknown region or parameter, a circle, two ties for one parameter, nothing
        free on either side, different units.

    Examples
    --------
    >>> width = "Zr 3d / Zr4+ fwhm_gauss"
    >>> both = GlobalRecipe(
    ...     recipe="one analyser",
    ...     regions={"Zr 3d": "Zr 3d", "Na 1s": "Na 1s"},
    ...     links=(Link(width, over="samples"), Link("Na 1s / Na+ fwhm_gauss", follows=width, factor=1.1)),
    ... )
    >>> [link.told() for link in both.links]
    ['Zr 3d / Zr4+ fwhm_gauss over samples', 'Na 1s / Na+ fwhm_gauss = 1.1 x Zr 3d / Zr4+ fwhm_gauss']
    """

    recipe: str
    regions: Mapping[str, Recipe | str]
    links: tuple[Link, ...] = ()
    charge: ChargeReference | None = None
    technique: Literal["xps"] = "xps"
    source: str = field(default="", metadata={"doc": "where its numbers come from"})
    doc: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.regions, Mapping) or not self.regions:
            raise InputError(
                "the recipe has no regions", where="regions", remedy="Give one recipe for each: {'Zr 3d': 'Zr 3d'}"
            )
        if not isinstance(self.links, tuple) or not all(isinstance(one, Link) for one in self.links):
            raise InputError(
                f"links is {self.links!r}"[:120], where="links", remedy="Give a tuple of xps.Link: (one, two)"
            )
        faults = self._recipe_faults()
        if not faults:
            tables = dict.fromkeys(self.samples(), self.tables)
            faults = list(placed(resolve(tables, list(enumerate(self.links)), self.charge, self.samples()).faults))
        if faults:
            raise RecipeError(faults, remedy="Mend the named places")

    def _recipe_faults(self) -> list[str]:
        """Say which recipes of regions cannot be had or built."""
        faults = []
        regions: Mapping[str, object] = self.regions
        for name, given in regions.items():
            if not name.strip() or "/" in name:
                faults.append(f"regions.{name}: a region's name is text without '/'. Rename it")
                continue
            if not isinstance(given, Recipe | str):
                faults.append(f"regions.{name}: a {type(given).__name__} is no recipe. Give a name or xps.Recipe(...)")
                continue
            try:
                build(given if isinstance(given, Recipe) else load_recipe(given))
            except RecipeError as error:
                faults += [f"regions.{name}: {one}" for one in error.problems]
            except SurfspecError as error:
                faults.append(f"regions.{name}: {error.message}. {error.remedy}")
        return faults

    def samples(self) -> tuple[str, ...]:
        """Return the samples that the links name, and two that stand for all others."""
        told = [name for link in self.links for name in (*link.samples, *filter(None, [link.of_sample]))]
        return (*dict.fromkeys(told), *STAND_INS)

    @cached_property
    def tables(self) -> Mapping[str, Mapping[str, Parameter]]:
        """The parameters of each region's model, as its recipe has them."""
        return {
            name: {one.name: one for one in build(recipe).model.parameters}
            for name, recipe in self.region_recipes.items()
        }

    @cached_property
    def region_recipes(self) -> Mapping[str, Recipe]:
        """The recipe of each region, loaded."""
        return {
            name: given if isinstance(given, Recipe) else load_recipe(given) for name, given in self.regions.items()
        }


def load_global_recipe(path: str | Path) -> GlobalRecipe:
    """Return a global recipe from a YAML file; paths of region recipes in it are relative to the file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    GlobalRecipe
        Frozen; change it with :func:`dataclasses.replace`.

    Raises
    ------
    FormatError
        When the file is missing, empty or not UTF-8.
    RecipeError
        With every fault at once, each with its line and column.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> text = '''
    ... recipe: one width
    ... regions: {Zr 3d: Zr 3d}
    ... links: [{parameter: Zr 3d / Zr4+ fwhm_gauss, over: samples}]
    ... '''
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "mine.yaml"
    ...     _ = file.write_text(text, encoding="utf-8")
    ...     load_global_recipe(file).links[0].over
    'samples'
    """
    file = Path(path)
    with suppress(RecipeError):  # a file that cannot be read is refused here; faults of its content are told below
        recipes.load_file(file, GlobalRecipe)
    return read_global_recipe(file.read_text(encoding="utf-8-sig"), source=str(path), folder=file.parent)


def read_global_recipe(text: str, *, source: str = "<text>", folder: Path | None = None) -> GlobalRecipe:
    """Return a global recipe from YAML text.

    Parameters
    ----------
    text
        YAML.
    source
        Name for the places in messages.
    folder
        What paths of region recipes are relative to; by default the current one.

    Raises
    ------
    RecipeError
        With every fault at once, each with its line and column.

    Examples
    --------
    >>> links = "[{parameter: Zr 3d / Zr4 width, over: samples}]"
    >>> read_global_recipe(f"{{recipe: two, regions: {{Zr 3d: Zr 3d}}, links: {links}}}")
    Traceback (most recent call last):
    surfspec.errors.RecipeError: 1 problem: <text>:1:60: links[0].parameter: 'Zr 3d' has no parameter 'Zr4 width'...
    """
    problems: list[str] = []
    root = yaml_nodes.parse(text, source, problems)
    try:
        return mapping.build(_relative(root, folder), GlobalRecipe, problems)
    except RecipeError as error:
        texts = [_moved(one, root) for one in error.problems]
        raise RecipeError(texts, remedy=error.remedy) from error


def _relative(root: nodes.Node, folder: Path | None) -> nodes.Node:
    """Return the tree with the paths of region recipes relative to a folder."""
    if folder is None or not isinstance(root, nodes.Pairs):
        return root
    pairs = []
    for key, node in root.pairs:
        of_regions = key.value == "regions" and isinstance(node, nodes.Pairs)
        pairs.append((key, _each_in(folder, node) if of_regions else node))
    return nodes.Pairs(root.where, tuple(pairs))


def _each_in(folder: Path, node: nodes.Node) -> nodes.Node:
    pairs = node.pairs if isinstance(node, nodes.Pairs) else ()
    return nodes.Pairs(node.where, tuple((key, _in(folder, one)) for key, one in pairs))


def _in(folder: Path, node: nodes.Node) -> nodes.Node:
    if not isinstance(node, nodes.Scalar) or not str(node.value).endswith((".yaml", ".yml")):
        return node
    return nodes.Scalar(node.where, str(folder / str(node.value)))


def _moved(problem: str, root: nodes.Node) -> str:
    """Return a problem that names a place below the root with the line and column of that place."""
    head = f"{root.where}: "
    if not problem.startswith(head):
        return problem
    rest = problem.removeprefix(head)
    path = re.match(r"(?:links|regions|charge)[^:]*(?=: )", rest)
    return f"{_place(root, path.group(0))}: {rest}" if path else problem


def _place(root: nodes.Node, path: str) -> str:
    """Return the line and column of the innermost node that a path leads to."""
    node = root
    if path.startswith("regions."):
        steps: list[tuple[str, str]] = [("regions", ""), (path.removeprefix("regions."), "")]
    else:
        steps = STEP.findall(path)
    for key, number in steps:
        if isinstance(node, nodes.Items) and number and int(number) < len(node.items):
            node = node.items[int(number)]
        elif isinstance(node, nodes.Pairs):
            node = next((item for name, item in node.pairs if key in (name.text, name.value)), node)
    return node.where
