"""Imports point down the layers only; the checker itself is tested on trees that break each rule."""

from __future__ import annotations

import ast
import graphlib
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "surfspec"

PAGE = PACKAGE.parent / "docs" / "developer" / "architecture.md"


def layers_of(page: str) -> list[list[str]]:
    """Return the layers as the document draws them, lowest first; a unit is a module or package below surfspec."""
    block = page.split("## Layers")[1].split("## ", maxsplit=1)[0]
    rows = [line.replace("|", " ").split() for line in block.splitlines() if line.startswith("    ")]
    return [[*rows[0], "_version"], *rows[1:], ["__main__"]]


LAYERS = layers_of(PAGE.read_text(encoding="utf-8"))
LEVEL = {unit: level for level, units in enumerate(LAYERS) for unit in units}
LARGEST = 600


@dataclass
class Module:
    """What the rules need to know of one module."""

    name: str
    lines: int
    imports: dict[str, int] = field(default_factory=dict)  # module of the package -> first line that imports it
    inner: list[int] = field(default_factory=list)  # lines of imports of the package inside functions


def module_name(file: Path, root: Path) -> str:
    parts = file.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def walk(node: ast.AST, inside: str = "", typing: bool = False) -> Iterator[tuple[ast.AST, str, bool]]:
    """Yield (node, name of the outermost enclosing function or '', whether only for type checkers)."""
    for child in ast.iter_child_nodes(node):
        name = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and not inside else inside
        only_typing = typing or is_type_checking(child)
        yield child, inside, only_typing
        yield from walk(child, name, only_typing)


def targets(node: ast.AST, module: str, is_face: bool, known: set[str]) -> Iterator[str]:
    """Yield the modules of the package that an import statement names."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "surfspec")
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            parts = module.split(".")
            parts = parts[: len(parts) - node.level + (1 if is_face else 0)]
            base = ".".join([*parts, base] if base else parts)
        if base.split(".")[0] == "surfspec":
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield full if full in known else base
    elif isinstance(node, ast.Call) and ast.unparse(node.func) in {
        "import_module",
        "importlib.import_module",
        "__import__",
    }:
        text = ast.unparse(node.args[0]) if node.args else ""
        if "surfspec" in text or "__name__" in text or "__package__" in text:
            yield "surfspec"


def read(root: Path) -> dict[str, Module]:
    files = {module_name(file, root): file for file in sorted(root.rglob("*.py"))}
    modules = {}
    for name, file in files.items():
        text = file.read_text(encoding="utf-8")
        module = Module(name, text.count("\n"))
        is_face = file.name == "__init__.py"
        for node, function, typing in walk(ast.parse(text)):
            for target in targets(node, name, is_face, set(files)):
                lazy = is_face and function == "__getattr__"
                dispatch = name == "surfspec.cli" and isinstance(node, ast.Call)
                if isinstance(node, ast.Call) and (lazy or dispatch):
                    continue
                if function:
                    module.inner.append(node.lineno)  # type: ignore[attr-defined]
                elif not (typing and is_face):
                    module.imports.setdefault(target, node.lineno)  # type: ignore[attr-defined]
        modules[name] = module
    return modules


def unit(name: str) -> str:
    return name.split(".")[1] if "." in name else ""


def arrows_upward(modules: dict[str, Module]) -> list[str]:
    faults = []
    for module in modules.values():
        for target, line in module.imports.items():
            ours, theirs = unit(module.name), unit(target)
            if ours == theirs:
                continue
            if not ours:
                allowed = theirs in LAYERS[0]  # the face of the whole package loads all else lazily
            elif not theirs:
                allowed = False  # the face knows everything; import the module that is meant
            else:
                allowed = LEVEL.get(theirs, 99) < LEVEL.get(ours, -1)
            if not allowed:
                faults.append(f"{module.name}:{line} imports {target}")
    return faults


def cycle(modules: dict[str, Module]) -> list[str]:
    graph = {module.name: {target for target in module.imports if target in modules} for module in modules.values()}
    for name, found in graph.items():
        found.discard(name)
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture(scope="module")
def modules() -> dict[str, Module]:
    return read(PACKAGE)


def test_every_unit_has_a_layer(modules: dict[str, Module]) -> None:
    assert {unit(name) for name in modules} - {""} <= set(LEVEL)


def test_imports_point_down(modules: dict[str, Module]) -> None:
    assert arrows_upward(modules) == []


def test_techniques_never_import_each_other(modules: dict[str, Module]) -> None:
    techniques = {"xps", "leis", "xrd"}
    crossings = [
        f"{module.name}:{line} imports {target}"
        for module in modules.values()
        for target, line in module.imports.items()
        if unit(module.name) in techniques and unit(target) in techniques - {unit(module.name)}
    ]
    assert crossings == []


def test_no_cycle(modules: dict[str, Module]) -> None:
    assert cycle(modules) == []


def test_no_import_of_the_package_inside_a_function(modules: dict[str, Module]) -> None:
    assert [f"{module.name}:{line}" for module in modules.values() for line in module.inner] == []


def test_size_of_modules(modules: dict[str, Module], record_property: Callable[[str, object], None]) -> None:
    sizes = {name: module.lines for name, module in modules.items() if module.lines > 20}
    median = statistics.median(sizes.values())
    record_property("median_lines", median)
    sys.stdout.write(f"{len(sizes)} modules, median {median:.0f} lines, largest {max(sizes.values())}\n")
    assert {name: lines for name, lines in sizes.items() if lines > LARGEST} == {}


def test_the_document_names_each_unit_once() -> None:
    units = [unit for units in LAYERS for unit in units]
    assert len(units) == len(set(units))
    assert LAYERS[0][0] == "errors"
    assert {"xps", "leis", "xrd"} in [set(units) for units in LAYERS]


class TestTheChecker:
    """Each rule fails on a tree that breaks it, or the tests above would say nothing."""

    @pytest.fixture
    def tree(self, tmp_path: Path) -> Path:
        root = tmp_path / "surfspec"
        for name in ("", "xps", "leis", "io"):
            (root / name).mkdir(exist_ok=True)
            (root / name / "__init__.py").write_text("", encoding="utf-8")
        (root / "errors.py").write_text("import os\n", encoding="utf-8")
        (root / "io" / "text.py").write_text(
            "from surfspec.errors import E\nfrom surfspec import errors\n", encoding="utf-8"
        )
        return root

    def test_a_sound_tree_passes(self, tree: Path) -> None:
        modules = read(tree)
        assert modules["surfspec.io.text"].imports == {"surfspec.errors": 1}
        assert arrows_upward(modules) == []
        assert cycle(modules) == []

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("errors.py", "import surfspec.io.text\n"),
            ("errors.py", "from .io import text\n"),
            ("io/text.py", "from ..xps import fit\n"),
            ("io/text.py", "import surfspec\n"),
            ("xps/fit.py", "from surfspec.leis import fit\n"),
            ("__init__.py", "from surfspec.io import text\n"),
            ("io/text.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from surfspec.xps import fit\n"),
            ("io/text.py", "try:\n    from surfspec.xps import fit\nexcept ImportError:\n    fit = None\n"),
            ("new.py", "from surfspec.errors import E\n"),
        ],
    )
    def test_an_arrow_upward(self, tree: Path, file: str, text: str) -> None:
        (tree / file).write_text(text, encoding="utf-8")
        assert len(arrows_upward(read(tree))) == 1

    def test_a_cycle(self, tree: Path) -> None:
        (tree / "io" / "a.py").write_text("from surfspec.io import b\n", encoding="utf-8")
        (tree / "io" / "b.py").write_text("from surfspec.io.a import x\n", encoding="utf-8")
        assert set(cycle(read(tree))) == {"surfspec.io.a", "surfspec.io.b"}

    @pytest.mark.parametrize(
        ("file", "body", "count"),
        [
            ("io/text.py", "from surfspec.errors import E", 1),
            ("io/text.py", "import surfspec.errors", 1),
            ("io/text.py", "from . import other", 1),
            ("io/text.py", "importlib.import_module('surfspec.errors')", 1),
            ("io/text.py", "import scipy", 0),
            ("cli.py", "importlib.import_module(f'surfspec.{name}')", 0),
            ("cli.py", "from surfspec.study import run", 1),
        ],
    )
    def test_an_import_inside_a_function(self, tree: Path, file: str, body: str, count: int) -> None:
        (tree / file).write_text(f"import importlib\ndef f():\n    class C:\n        {body}\n", encoding="utf-8")
        assert sum(len(module.inner) for module in read(tree).values()) == count

    def test_lazy_faces_are_allowed(self, tree: Path) -> None:
        text = "import importlib\ndef __getattr__(name):\n    return importlib.import_module(f'surfspec.io.{name}')\n"
        (tree / "io" / "__init__.py").write_text(text, encoding="utf-8")
        assert all(not module.inner for module in read(tree).values())
