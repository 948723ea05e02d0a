"""The batched kernel compiled by numba (extra ``fast``); nothing is loaded before it is asked for."""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from surfspec.fitting.batch.fast.kernel import Kernel

__all__ = ["Kernel", "installed"]


def installed() -> bool:
    """Say whether numba can be imported, without importing it."""
    return importlib.util.find_spec("numba") is not None


def __getattr__(name: str) -> Any:
    if name == "Kernel":
        return importlib.import_module("surfspec.fitting.batch.fast.kernel").Kernel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
