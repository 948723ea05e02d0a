"""Reference data that come with the package: where they lie, and tables with sources.

>>> from surfspec import reference
>>> reference.region_name("na_1S")
'Na 1s'
>>> reference.line("Sn 3d5/2", "metal").energy
484.98
"""

from __future__ import annotations

from surfspec.reference.files import names, path
from surfspec.reference.materials import AVOGADRO, Material, composition, material, material_names, valence_electrons
from surfspec.reference.spelling import element_symbol, element_symbols, region_name, strongest_member
from surfspec.reference.tables import Table, read_table, table
from surfspec.reference.xps_lines import Line, line, lines, sensitivities, sensitivity
from surfspec.reference.xps_positions import Overlap, Position, known_overlap, lines_between, overlaps, positions

__all__ = [
    "AVOGADRO",
    "Line",
    "Material",
    "Overlap",
    "Position",
    "Table",
    "composition",
    "element_symbol",
    "element_symbols",
    "known_overlap",
    "line",
    "lines",
    "lines_between",
    "material",
    "material_names",
    "names",
    "overlaps",
    "path",
    "positions",
    "read_table",
    "region_name",
    "sensitivities",
    "sensitivity",
    "strongest_member",
    "table",
    "valence_electrons",
]
