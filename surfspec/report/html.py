"""The HTML report of a study: verdict first, then what was found, how, and from which files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import xarray as xr

from surfspec.display import value_text
from surfspec.report import layout, methods, page, provenance
from surfspec.report.content import part, patterns
from surfspec.report.page import text
from surfspec.report.tables import Table

#: Larger vector pictures go in as PNG, so that the page opens quickly.
LARGEST_SVG = 500_000

SIMULATED = "SIMULATED DATA: at least one input of this study says that it is a simulation, not a measurement."


def render(
    tree: xr.DataTree,
    results: Mapping[str, Any],
    tables: Sequence[Table],
    figures: Sequence[tuple[str, str, Sequence[Path]]],
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
        Technique, caption and the files of each figure; one file must be SVG or PNG.
    """
    named = {table.name: table for table in tables}
    title = str(results["study"]) or "Study"
    techniques = [name for name in ("XPS", "LEIS", "XRD") if any(True for _ in part(results, name.lower()))]
    body = [
        _head(tree, results, title, techniques),
        _found(results),
        _attention(tree, results),
        *(_technique(name, named, figures) for name in techniques),
        _joint(results, techniques),
        _methods(tree),
        _provenance(tree),
    ]
    return page.page(title, "\n".join(part for part in body if part))


def _head(tree: xr.DataTree, results: Mapping[str, Any], title: str, techniques: Sequence[str]) -> str:
    names = list(results["samples"])
    facts = [f"{len(names)} sample{'s' if len(names) != 1 else ''} ({', '.join(names)})", ", ".join(techniques)]
    facts.append(f"surfspec {results['versions'].get('surfspec', '')}")
    links = [("found", "Findings"), ("attention", "To be checked"), *((t.lower(), t) for t in techniques)]
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


def _found(results: Mapping[str, Any]) -> str:
    """Say what was found, one line for each statement."""
    lines: list[str] = []
    for name, xps in part(results, "xps"):
        if xps["charge_shift"]:
            lines.append(f"{name}: charge correction: {_q(xps['charge_shift'])} taken off the binding energies.")
        ratios = [f"{region} {_q(value)}" for region, value in xps["normalised_area"].items() if value]
        if ratios:
            lines.append(f"{name}: areas relative to the reference line: {'; '.join(ratios)}.")
    for name, leis in part(results, "leis"):
        lines += _leis_lines(name, leis)
    for name, label, entry in patterns(results):
        where = f"{name}{'' if label == layout.PATTERN else f', {label}'}"
        shown = [_phase(phase) for phase in entry["phases"]]
        rest = f"; {len(entry['unexplained'])} lines unexplained" if entry["unexplained"] else "; every line explained"
        lines.append(f"{where}: {', '.join(shown) or 'no phase identified'}{rest}.")
    for name, xrd in part(results, "xrd"):
        lines += [
            f"{name}: {change['phase']} {change['change']} from '{change['from']}' to '{change['to']}'"
            + (
                f" (less than {change['detection_limit']:.1%} by weight would not show)."
                if change.get("detection_limit")
                else "."
            )
            for change in xrd.get("changes", [])
        ]
    return f'<section id="found"><h2>Findings</h2>{page.bullets(lines)}</section>'


def _limit(change: Mapping[str, Any]) -> str:
    limit = change.get("detection_limit")
    return "" if limit is None else f" (where absent, less than {limit:.2g} by weight would not show)"


def _leis_lines(name: str, leis: Mapping[str, Any]) -> list[str]:
    out = []
    absent = [
        element
        for element, series in leis["normalised_area"].items()
        if series and not any(s["detected"] for s in series)
    ]
    later = {
        element: next(s["dose"] for s in series if s["detected"])
        for element, series in leis["normalised_area"].items()
        if series and not series[0]["detected"] and any(s["detected"] for s in series)
    }
    if absent:
        out.append(f"{name}: LEIS detects no {', '.join(absent)} at any dose.")
    out += [f"{name}: LEIS detects {element} from {dose:.3g} ions/cm² on." for element, dose in later.items() if dose]
    told = [
        f"{label} {_q(leis[key])}"
        for key, label in (
            ("zero_dose_coverage", "coverage at zero dose"),
            ("removal_cross_section", "removal cross-section"),
            ("thickness", "film thickness"),
        )
        if leis.get(key)
    ]
    budget = leis.get("sputter_budget_nm")
    if budget and all(limit is not None for limit in budget):
        told.append(f"the ions can have removed {budget[0]:.2g} to {budget[1]:.2g} nm in all")
    if told:
        out.append(f"{name}: {'; '.join(told)}.")
    return out


def _phase(phase: Mapping[str, Any]) -> str:
    share = phase.get("weight_fraction")
    if share is None:
        return str(phase["name"])
    unc = phase.get("weight_fraction_unc")
    told = (
        value_text(100 * share, float("nan") if unc is None else 100 * unc, "percent")
        if unc
        else f"{100 * share:.3g} %"
    )
    return f"{phase['name']} ({told} by weight)"


def _q(value: Mapping[str, Any]) -> str:
    unc = value["unc"]
    return value_text(value["value"], float("nan") if unc is None else unc, value["unit"])


def _attention(tree: xr.DataTree, results: Mapping[str, Any]) -> str:
    """List everything that is not ok, and everything that could not be determined, with the reasons."""
    lines: list[str] = []
    for name, xps in part(results, "xps"):
        lines += [
            f"{name}, {region}: {verdict}: {'; '.join(xps['reasons'][region]) or 'no reason given'}"
            for region, verdict in xps["verdict"].items()
            if verdict != "ok"
        ]
    for name, leis in part(results, "leis"):
        if leis["verdict"] != "ok":
            lines.append(f"{name}, LEIS: {leis['verdict']}: {'; '.join(leis['reasons']) or 'no reason given'}")
    for name, label, entry in patterns(results):
        if entry["verdict"] != "ok":
            lines.append(f"{name}, XRD {label}: {entry['verdict']}: {'; '.join(entry.get('reasons', []))}")
    for name in results["samples"]:
        noted = layout.read_notes(layout.nodes(tree, "tables", name).get(layout.NOTES))
        lines += [f"{name}: {quantity} not determined: {reason}" for quantity, reason in noted]
    content = page.bullets(lines) if lines else page.paragraph("Nothing: every fit and every match is ok.")
    return f'<section id="attention"><h2>To be checked</h2>{content}</section>'


def _technique(name: str, named: Mapping[str, Table], figures: Sequence[tuple[str, str, Sequence[Path]]]) -> str:
    prefix = f"{name.lower()}_"
    parts = [page.table(table) for key, table in named.items() if key.startswith(prefix) and key != "xps_components"]
    pictures = [_picture(files, caption) for technique, caption, files in figures if technique == name]
    verdicts = named.get("verdicts")
    own: list[str] = []
    if verdicts is not None:
        rows = tuple(row for row in verdicts.rows if row[1] == name)
        own = [page.table(Table(f"verdicts_{name}", "Verdicts", verdicts.columns, rows))]
    long = [page.table(named["xps_components"])] if name == "XPS" and "xps_components" in named else []
    return f'<section id="{prefix[:-1]}"><h2>{name}</h2>' + "\n".join([*parts, *pictures, *long, *own]) + "</section>"


def _picture(files: Sequence[Path], caption: str) -> str:
    by_kind = {path.suffix: path for path in files}
    svg, png = by_kind.get(".svg"), by_kind.get(".png")
    if svg is not None and (png is None or svg.stat().st_size <= LARGEST_SVG):
        return page.image(svg, caption)
    return page.image(png, caption) if png is not None else ""


def _joint(results: Mapping[str, Any], techniques: Sequence[str]) -> str:
    if not {"XPS", "LEIS"} <= set(techniques):
        return ""
    determined = any(
        sample["joint"]["coverage"] or sample["joint"]["thickness"] for sample in results["samples"].values()
    )
    if determined:
        return ""
    return (
        '<section id="joint"><h2>XPS and LEIS together</h2>'
        + page.paragraph(
            "One coverage and thickness from both techniques: not determined: this version of surfspec evaluates LEIS "
            "and XPS apart and computes no overlayer thickness from XPS."
        )
        + "</section>"
    )


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
