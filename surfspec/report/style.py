"""The look of the HTML report; legible on screen and on paper, without any file of its own."""

from __future__ import annotations

from typing import Final

STYLE: Final = """
:root {
  --ink: #1b1f24; --soft: #57606a; --line: #d8dee4; --paper: #fff; --tint: #f6f8fa; --link: #0550ae;
  --ok: #1a7f37; --check: #9a6700; --failed: #cf222e;
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 70rem; padding: 1.5rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
h1 { font-size: 1.8rem; line-height: 1.2; margin: .2rem 0 .4rem; }
h2 { margin: 2.6rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); font-size: 1.35rem; }
h3 { margin: 1.6rem 0 .4rem; font-size: 1.05rem; }
p { max-width: 46rem; margin: .5rem 0; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
nav { margin: .8rem 0; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
.soft { color: var(--soft); }
.banner {
  background: #fff8c5; border: 1px solid #d4a72c; border-radius: 6px; padding: .6rem .9rem; margin: .8rem 0;
  font-weight: 600;
}
.verdict {
  display: inline-block; border-radius: 1rem; padding: .05rem .7rem; color: #fff; font-weight: 600; font-size: .9em;
  white-space: nowrap;
}
.ok { background: var(--ok); }
.check { background: var(--check); }
.failed { background: var(--failed); }
.scroll { overflow-x: auto; margin: .9rem 0 .3rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .2rem 0; }
th, td { padding: .28rem .7rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { border-bottom: 2px solid var(--soft); font-weight: 600; }
td.n, th.n { text-align: right; white-space: nowrap; }
tbody tr:hover { background: var(--tint); }
figure { margin: 1.2rem 0; }
figure img { max-width: 100%; height: auto; display: block; background: #fff; }
figcaption { color: var(--soft); font-size: .9rem; max-width: 46rem; margin-top: .3rem; }
details { margin: .6rem 0; }
summary { cursor: pointer; color: var(--link); }
pre {
  background: var(--tint); border: 1px solid var(--line); border-radius: 6px; padding: .7rem; overflow-x: auto;
  font-size: .82rem; line-height: 1.4;
}
ul { padding-left: 1.3rem; max-width: 60rem; margin: .3rem 0; }
li { margin: .2rem 0; }
.hash { font-family: ui-monospace, monospace; font-size: .8rem; word-break: break-all; }
@media print {
  body { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
}
"""
