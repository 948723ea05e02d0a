"""Read measurements of many formats into one data model, and write them.

>>> from surfspec import io
>>> io.__all__[:5]
['describe', 'read', 'read_avantage_results', 'read_casa', 'read_series']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surfspec.io.avantage_results import read_avantage_results
    from surfspec.io.casa_file import read_casa
    from surfspec.io.casa_write import write_casa
    from surfspec.io.describing import describe
    from surfspec.io.recognise import read, read_tree
    from surfspec.io.series import read_series
    from surfspec.io.writing import write

#: Public name -> module that defines it; loaded on first use so that the import stays light.
_HOME = {
    "describe": "surfspec.io.describing",
    "read": "surfspec.io.recognise",
    "read_avantage_results": "surfspec.io.avantage_results",
    "read_casa": "surfspec.io.casa_file",
    "read_series": "surfspec.io.series",
    "read_tree": "surfspec.io.recognise",
    "write": "surfspec.io.writing",
    "write_casa": "surfspec.io.casa_write",
}

__all__ = ["describe", "read", "read_avantage_results", "read_casa", "read_series", "read_tree", "write", "write_casa"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'surfspec.io' has no attribute {name!r}; public names: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
