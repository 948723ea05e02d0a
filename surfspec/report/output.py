"""Write everything that a study leaves behind: one folder, complete or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from surfspec import display, storage
from surfspec.display.saving import missing_glyphs_ignored
from surfspec.report import content, figures, html, provenance
from surfspec.report.collect import dumps, results
from surfspec.report.folder import replaced
from surfspec.report.tables import write_csv, write_workbook


def write(
    tree: xr.DataTree,
    folder: str | Path,
    *,
    force: bool = False,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Write the results of a study: data, tables, workbook, figures, report and ``results.json``.

    Nothing is fitted again: a study that was saved and loaded gives the same files.

    Parameters
    ----------
    tree
        The study, as :func:`surfspec.run` returned it or :func:`surfspec.load` read it back.
    folder
        Where to; made when missing. What an earlier run left there is replaced.
    force
        Write into a folder that holds other files; they stay.
    progress
        Called with a line of text for each step.

    Returns
    -------
    dict
        The content of ``results.json``.

    Raises
    ------
    InputError
        When the folder cannot be written to or holds other files. It is left as it was then.
    """
    say = progress or _silent
    found = results(tree)
    tables = content.tables(found)
    with replaced(Path(folder), force=force) as place:
        say("saving study.nc")
        storage.save(tree, place / "study.nc")
        say("writing tables")
        files = provenance.files(tree)
        write_csv([*tables, files], place / "tables")
        write_workbook([*tables, files], place / "tables.xlsx", facts=_facts(tree, found))
        pictures = []
        for drawing in figures.draw(tree):
            say(f"drawing {drawing.name}")
            _settle(drawing.figure)
            paths = display.save_figure(drawing.figure, place / "figures" / drawing.name)
            width = float(drawing.figure.get_figwidth()) * 2.54
            pictures.append(html.Picture(drawing.technique, drawing.caption, paths, width))
        say("writing report.html")
        (place / "report.html").write_text(html.render(tree, found, tables, pictures), encoding="utf-8")
        (place / "results.json").write_text(dumps(found), encoding="utf-8")
    return found


def _settle(figure: Figure) -> None:
    """Place everything once; else each of the three formats would find the same places again."""
    engine = figure.get_layout_engine()
    if engine is not None:
        with missing_glyphs_ignored():
            engine.execute(figure)
        figure.set_layout_engine(None)


def _silent(_: str) -> None:
    """Take a line of progress and say nothing."""


def _facts(tree: xr.DataTree, found: dict[str, Any]) -> list[tuple[str, str]]:
    facts = [
        ("study", str(found["study"])),
        ("verdict", str(found["verdict"])),
        ("samples", ", ".join(found["samples"])),
    ]
    if provenance.is_simulated(tree):
        facts.insert(1, ("SIMULATED", html.SIMULATED))
    facts += [(name, version) for name, version in found["versions"].items()]
    facts.append(("study file", f"{tree.attrs.get('study_file', '')} SHA-256 {tree.attrs.get('study_sha256', '')}"))
    return facts
