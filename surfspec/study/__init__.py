"""Studies: one YAML file that names samples, their files and what to do with them, and ``run``."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surfspec.study.runner import run, versions
    from surfspec.study.spec import Study

_HOME = {"run": "surfspec.study.runner", "versions": "surfspec.study.run", "Study": "surfspec.study.spec"}

__all__ = ["Study", "run", "versions"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(_HOME[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'surfspec.study' has no attribute {name!r}; public names: {', '.join(__all__)}")


def __dir__() -> list[str]:
    return __all__
