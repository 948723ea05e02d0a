"""Reference data that come with the package: where they lie, and tables with sources.

>>> from surfspec import reference
>>> reference.region_name("na_1S")
'Na 1s'
>>> reference.line("Sn 3d5/2", "metal").energy
484.98
"""

from __future__ import annotations

from surfspec.reference.files import names, path
from surfspec.reference.spelling import element_symbol, element_symbols, region_name, strongest_member
from surfspec.reference.tables import Table, read_table, table
from surfspec.reference.xps_lines import Line, line, lines, sensitivities, sensitivity

__all__ = [
    "Line",
    "Table",
    "element_symbol",
    "element_symbols",
    "line",
    "lines",
    "names",
    "path",
    "read_table",
    "region_name",
    "sensitivities",
    "sensitivity",
    "strongest_member",
    "table",
]
