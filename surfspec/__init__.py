"""surfspec: read, fit and explain XPS, LEIS and XRD data of surfaces in one xarray data model.

>>> import surfspec as ss
>>> ds = ss.spectrum([285.2, 285.1, 285.0], [10, 30, 12], technique="XPS")
>>> ss.check(ds).attrs["technique"]
'XPS'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from surfspec._version import __version__
from surfspec.errors import SurfspecError

if TYPE_CHECKING:
    from surfspec import fitting, io, joint, leis, reference, xps, xrd
    from surfspec.display import plot, summary
    from surfspec.io import read, read_tree, write
    from surfspec.schema import check
    from surfspec.spectra import spectrum, stack
    from surfspec.storage import bundle, load, save
    from surfspec.study import run

#: Public name -> module that defines it; loaded on first use so that the import stays light.
_HOME = {
    "read": "surfspec.io",
    "read_tree": "surfspec.io",
    "write": "surfspec.io",
    "spectrum": "surfspec.spectra",
    "stack": "surfspec.spectra",
    "check": "surfspec.schema",
    "summary": "surfspec.display",
    "plot": "surfspec.display",
    "bundle": "surfspec.storage",
    "save": "surfspec.storage",
    "load": "surfspec.storage",
    "run": "surfspec.study",
}
_MODULES = ("xps", "leis", "xrd", "joint", "fitting", "io", "reference")
_QUIET_MODULES = ("display", "errors", "report", "schema", "spectra", "storage", "study", "recipes")

__all__ = [
    "SurfspecError",
    "__version__",
    "bundle",
    "check",
    "fitting",
    "io",
    "joint",
    "leis",
    "load",
    "plot",
    "read",
    "read_tree",
    "reference",
    "run",
    "save",
    "spectrum",
    "stack",
    "summary",
    "write",
    "xps",
    "xrd",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _MODULES or name in _QUIET_MODULES:
        return importlib.import_module(f"surfspec.{name}")
    raise AttributeError(f"module 'surfspec' has no attribute {name!r}; public names: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
