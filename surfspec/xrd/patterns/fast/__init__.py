"""Patterns calculated by code that numba compiles (extra ``fast``); nothing is loaded before it is asked for."""

import importlib
import importlib.util
from typing import Any

__all__ = ["installed", "kernel"]


def installed() -> bool:
    """Say whether numba can be imported, without importing it."""
    return importlib.util.find_spec("numba") is not None


def __getattr__(name: str) -> Any:
    if name == "kernel":
        globals()["kernel"] = found = importlib.import_module("surfspec.xrd.patterns.fast.kernel")
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
