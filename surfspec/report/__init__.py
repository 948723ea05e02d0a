"""The report of a study, from its tree alone: results.json, tables, figures and one HTML page.

``report.write(surfspec.load("study.nc"), "folder")`` makes everything again without fitting.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surfspec.report.collect import results
    from surfspec.report.folder import check_target
    from surfspec.report.output import write

_HOME = {
    "check_target": "surfspec.report.folder",
    "results": "surfspec.report.collect",
    "write": "surfspec.report.output",
}

__all__ = ["check_target", "results", "write"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value  # the submodule of the same name must not shadow the function
        return value
    raise AttributeError(f"module 'surfspec.report' has no attribute {name!r}; public names: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
