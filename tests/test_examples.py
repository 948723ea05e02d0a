"""The README and the tutorials are run, block by block."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import surfspec as ss

CHECKOUT = Path(__file__).resolve().parent.parent
CELL = re.compile(r"^```\{code-cell\} ipython3\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def run(blocks: list[str], name: str) -> None:
    """Run the blocks of a page in one namespace; print() goes to the captured output."""
    assert blocks, f"{name} has no code"
    namespace: dict[str, object] = {"__name__": "__page__"}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"{name}[{number}]", "exec"), namespace)  # noqa: S102


def test_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ss.reference.path("nasicon_study") / "xps" / "as_sintered.vms", tmp_path)
    monkeypatch.chdir(tmp_path)
    run(PYTHON.findall((CHECKOUT / "README.md").read_text(encoding="utf-8")), "README.md")
    assert (tmp_path / "na1s.png").stat().st_size > 5000


@pytest.mark.parametrize("page", sorted((CHECKOUT / "docs" / "tutorials").glob("*.md")), ids=lambda p: p.stem)
def test_tutorials_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(CELL.findall(page.read_text(encoding="utf-8")), page.name)


#: Pages whose code has tests of its own, or takes minutes.
ELSEWHERE = ("fitting", "scale")


def pages() -> list[Path]:
    """Return the pages beside the tutorials that have code."""
    every = sorted((CHECKOUT / "docs").glob("*.md"))
    return [page for page in every if CELL.search(page.read_text(encoding="utf-8")) and page.stem not in ELSEWHERE]


@pytest.mark.parametrize("page", pages(), ids=lambda p: p.stem)
def test_pages_with_code_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(CELL.findall(page.read_text(encoding="utf-8")), page.name)


def test_every_page_of_the_index_exists() -> None:
    index = (CHECKOUT / "docs" / "index.md").read_text(encoding="utf-8")
    for block in re.findall(r"```\{toctree\}\n(.*?)```", index, re.DOTALL):
        for line in block.splitlines():
            if line and not line.startswith(":"):
                assert (CHECKOUT / "docs" / f"{line}.md").is_file(), line
