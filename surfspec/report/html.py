"""The HTML report of a study: verdict first, then what was found, how, and from which files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xarray as xr

from surfspec.report import content_joint, layout, methods, page, provenance, statements
from surfspec.report.collect import verdicts_of
from surfspec.report.content import part
from surfspec.report.page import text
from surfspec.report.quantities import worst
from surfspec.report.tables import Cell, Column, Table

#: Larger vector pictures go in as PNG, so that the page opens quickly.
LARGEST_SVG = 500_000

SIMULATED = "SIMULATED DATA: at least one input of this study says that it is a simulation, not a measurement."


@dataclass(frozen=True)
class Picture:
    """A figure that was written: its technique, caption, files (SVG or PNG among them) and width on paper in cm."""

    technique: str
    caption: str
    files: Sequence[Path]
    width: float


def render(
    tree: xr.DataTree,
    results: Mapping[str, Any],
    tables: Sequence[Table],
    figures: Sequence[Picture],
) -> str:
    """Return the report as one HTML document that needs nothing else.

    Parameters
    ----------
    tree
        The study.
    results
        The content of ``results.json``.
    tables
        Tables of :func:`surfspec.report.content.tables`.
    figures
        The figures that were drawn.
    """
    named = {table.name: table for table in tables}
    title = str(results["study"]) or "Study"
    techniques = [name for name in ("XPS", "LEIS", "XRD") if any(True for _ in part(results, name.lower()))]
    body = [
        _head(tree, results, title, techniques),
        _found(results, techniques),
        _attention(tree, results),
        *(_technique(name, named, figures) for name in techniques),
        _joint(results, techniques, named, figures),
        _methods(tree),
        _provenance(tree),
    ]
    return page.page(title, "\n".join(part for part in body if part))


def _head(tree: xr.DataTree, results: Mapping[str, Any], title: str, techniques: Sequence[str]) -> str:
    names = list(results["samples"])
    facts = [f"{len(names)} sample{'s' if len(names) != 1 else ''} ({', '.join(names)})", ", ".join(techniques)]
    facts.append(f"surfspec {results['versions'].get('surfspec', '')}")
    links = [("found", "Findings"), ("attention", "To be checked"), *((t.lower(), t) for t in techniques)]
    links += [("joint", "XPS and LEIS")] if {"XPS", "LEIS"} <= set(techniques) else []
    links += [("methods", "Methods"), ("provenance", "Provenance")]
    return "\n".join(
        [
            f"<header><h1>{text(title)}</h1>",
            f'<p>{page.badge(results["verdict"])} <span class="soft">{text(" · ".join(facts))}</span></p>',
            f'<p class="banner">{text(SIMULATED)}</p>' if provenance.is_simulated(tree) else "",
            page.paragraph(str(tree.attrs.get("description", ""))) if tree.attrs.get("description") else "",
            "<nav>" + "".join(f'<a href="#{target}">{text(name)}</a>' for target, name in links) + "</nav></header>",
        ]
    )


def _found(results: Mapping[str, Any], techniques: Sequence[str]) -> str:
    """Say what was found: a verdict for each sample and technique, then one line for each statement."""
    found = statements.findings(results)
    lists = "".join(f"<h3>{text(name)}</h3>{page.bullets(lines)}" for name, lines in found.items() if lines)
    return f'<section id="found"><h2>Findings</h2>{page.table(_matrix(results, techniques))}{lists}</section>'


def _matrix(results: Mapping[str, Any], techniques: Sequence[str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, sample in results["samples"].items():
        cells = [worst(verdicts_of({key: sample[key]})) if (key := t.lower()) in sample else None for t in techniques]
        rows.append((name, *cells))
    columns = (Column("sample"), *(Column(name, kind="verdict") for name in techniques))
    return Table("matrix", "Worst verdict by sample and technique", columns, tuple(rows))


def _attention(tree: xr.DataTree, results: Mapping[str, Any]) -> str:
    """List everything that is not ok, and everything that could not be determined, with the reasons."""
    lines = statements.to_check(results, layout.all_notes(tree))
    content = page.bullets(lines) if lines else page.paragraph("Nothing: every fit and every match is ok.")
    return f'<section id="attention"><h2>To be checked</h2>{content}</section>'


def _technique(name: str, named: Mapping[str, Table], figures: Sequence[Picture]) -> str:
    prefix = f"{name.lower()}_"
    parts = [page.table(table) for key, table in named.items() if key.startswith(prefix) and key != "xps_components"]
    pictures = [_figure(picture) for picture in figures if picture.technique == name]
    verdicts = named.get("verdicts")
    own: list[str] = []
    if verdicts is not None:
        rows = tuple(row for row in verdicts.rows if row[1] == name)
        own = [page.table(Table(f"verdicts_{name}", "Verdicts", verdicts.columns, rows))]
    long = [page.table(named["xps_components"])] if name == "XPS" and "xps_components" in named else []
    return f'<section id="{prefix[:-1]}"><h2>{name}</h2>' + "\n".join([*parts, *pictures, *long, *own]) + "</section>"


def _figure(picture: Picture) -> str:
    by_kind = {path.suffix: path for path in picture.files}
    svg, png = by_kind.get(".svg"), by_kind.get(".png")
    small = svg is not None and (png is None or svg.stat().st_size <= LARGEST_SVG)
    chosen = svg if small else png
    return page.image(chosen, picture.caption, picture.width) if chosen is not None else ""


def _joint(
    results: Mapping[str, Any], techniques: Sequence[str], named: Mapping[str, Table], figures: Sequence[Picture]
) -> str:
    """Show the film by XPS and LEIS together; where none was estimated, say why."""
    if any(True for _ in content_joint.details(results)):
        parts = [page.bullets([*content_joint.sentences(results), *_budgets(results)])]
        parts += [page.table(table) for key, table in named.items() if key.startswith("joint_")]
        parts += [_figure(picture) for picture in figures if picture.technique == "joint"]
        return '<section id="joint"><h2>XPS and LEIS together</h2>' + "\n".join(parts) + "</section>"
    if not {"XPS", "LEIS"} <= set(techniques):
        return ""
    return (
        '<section id="joint"><h2>XPS and LEIS together</h2>'
        + page.paragraph(
            "One coverage and thickness from both techniques: not determined. It needs a sample with a coverage by "
            "LEIS at a known dose (leis: coverage) and a thickness by XPS (xps: thickness)."
        )
        + "</section>"
    )


def _budgets(results: Mapping[str, Any]) -> list[str]:
    """Say what the ions can have removed beside the thickness of the film."""
    lines = []
    for name, joint in content_joint.details(results):
        budget = results["samples"][name].get("leis", {}).get("sputter_budget_nm")
        if budget and all(limit is not None for limit in budget) and joint["thickness"]:
            lines.append(
                f"{name}: by sputter yields of 0.05 to 0.2 atoms per ion the beam can have removed {budget[0]:.2g} to "
                f"{budget[1]:.2g} nm of a film of {joint['thickness']['value']:.2g} nm."
            )
    return lines


def _methods(tree: xr.DataTree) -> str:
    parts = [f"<h3>{text(heading)}</h3>{page.bullets(sentences)}" for heading, sentences in methods.methods(tree)]
    folded = [page.fold(f"Recipe: {name}", content) for name, content in methods.recipes(tree).items()]
    return '<section id="methods"><h2>Methods</h2>' + "".join(parts) + "".join(folded) + "</section>"


def _provenance(tree: xr.DataTree) -> str:
    used = provenance.versions(tree)
    said = ", ".join(f"{name} {version}" for name, version in used.items())
    study = str(tree.attrs.get("study_yaml", ""))
    parts = [
        page.paragraph(f"Made with {said}." if said else ""),
        page.table(provenance.files(tree)),
        page.paragraph(
            f"Study file {tree.attrs.get('study_file', '')}, SHA-256 {tree.attrs.get('study_sha256', '')}.", "hash"
        )
        if study
        else "",
        page.fold("Study file", study) if study else "",
        page.fold(
            "Attributes of the study",
            json.dumps({k: str(v) for k, v in tree.attrs.items() if k != "study_yaml"}, indent=2),
        ),
    ]
    return '<section id="provenance"><h2>Provenance</h2>' + "".join(parts) + "</section>"
