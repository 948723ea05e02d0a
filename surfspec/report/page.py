"""Small pieces of HTML: everything that comes from outside is escaped here, once."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Sequence
from pathlib import Path

from surfspec.display import value_text
from surfspec.display.text import number_text, unit_text
from surfspec.report.style import STYLE
from surfspec.report.tables import Cell, Column, Quantity, Table

#: What a browser may load for the page: nothing but its own style and pictures.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


#: Width on the page of one centimetre of a figure: 17.8 cm, the width of a journal page, fill it.
REM = 3.6

#: Tables with more rows unfold on a click.
FOLDED_FROM = 24


def text(value: object) -> str:
    """Escape anything for HTML, quotes included, with control characters removed."""
    return html.escape("".join(c for c in str(value) if c >= " " or c in "\t\n"), quote=True)


def badge(verdict: str) -> str:
    """Return a verdict as a coloured word."""
    words = {"ok": "ok", "check": "needs checking", "failed": "failed"}
    kind = verdict if verdict in words else "check"
    return f'<span class="verdict {kind}">{text(words.get(verdict, verdict))}</span>'


def paragraph(content: str, css: str = "") -> str:
    """Return a paragraph of plain text."""
    kind = f' class="{text(css)}"' if css else ""
    return f"<p{kind}>{text(content)}</p>"


def bullets(lines: Sequence[str]) -> str:
    """Return a list of plain texts."""
    return "<ul>" + "".join(f"<li>{text(line)}</li>" for line in lines) + "</ul>" if lines else ""


def fold(title: str, content: str) -> str:
    """Return preformatted text that unfolds on a click."""
    return f"<details><summary>{text(title)}</summary><pre>{text(content)}</pre></details>"


def table(content: Table) -> str:
    """Return a table: quantities rounded by their uncertainty, verdicts as badges, gaps said in words."""
    head = "".join(f"<th{_numeric(column)}>{text(_heading(column))}</th>" for column in content.columns)
    body = "".join(
        "<tr>" + "".join(_cell(column, cell) for column, cell in zip(content.columns, row, strict=True)) + "</tr>"
        for row in content.rows
    )
    note = paragraph(content.note, "soft") if content.note else ""
    title = text(content.title)
    long = len(content.rows) > FOLDED_FROM
    caption = "" if long else f"<caption>{title}</caption>"
    rows = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    block = f'<div class="scroll" id="table-{text(content.name)}">{rows}</div>{note}'
    return f"<details><summary>{title} ({len(content.rows)} rows)</summary>{block}</details>" if long else block


def _heading(column: Column) -> str:
    unit = unit_text(column.unit)
    return f"{column.name} / {unit}" if unit else column.name


def _numeric(column: Column) -> str:
    return ' class="n"' if column.kind in ("number", "quantity") else ""


def _cell(column: Column, cell: Cell) -> str:
    return f"<td{_numeric(column)}>{_content(column, cell)}</td>"


def _content(column: Column, cell: Cell) -> str:
    if column.kind == "verdict" and isinstance(cell, str):
        return badge(cell)
    if isinstance(cell, Quantity):
        return text(value_text(cell.value, cell.unc))
    if isinstance(cell, str):
        return text(cell)
    if cell is None or not math.isfinite(cell):
        return "–" if column.kind in ("number", "quantity") else ""
    return text(number_text(cell, column.digits))


def image(path: Path, caption: str, width: float) -> str:
    """Return a figure with the picture inside the page; `width` is that of the figure on paper, in cm."""
    kind = {"svg": "svg+xml", "png": "png"}[path.suffix[1:]]
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return (
        f'<figure><img src="data:image/{kind};base64,{data}" alt="{text(caption)}" style="width:{REM * width:.3g}rem">'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def page(title: str, body: str) -> str:
    """Return a whole document that refers to nothing outside itself."""
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{text(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )
