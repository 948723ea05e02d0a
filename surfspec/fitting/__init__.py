"""Fitting core: line shapes, backgrounds, a model as a table, one solver, an honest verdict."""

from __future__ import annotations

import importlib
from typing import Any

_HOME = {
    "SHAPES": "lineshapes",
    "background": "backgrounds",
    "BoundModel": "model",
    "Component": "model",
    "Model": "model",
    "Parameter": "model",
    "Tie": "model",
    "Solution": "solver",
    "solve": "solver",
    "judge": "verdict",
    "REASONS": "verdict",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(f"surfspec.fitting.{_HOME[name]}"), name)
    raise AttributeError(f"module 'surfspec.fitting' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
