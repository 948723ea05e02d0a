"""Fixture for the tests of display: the made-up Datasets."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def made() -> ModuleType:
    """The module beside this one, which makes Datasets like those of fits and matches."""
    path = Path(__file__).parent / "samples_display.py"
    spec = importlib.util.spec_from_file_location("samples_display", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["samples_display"] = module
    spec.loader.exec_module(module)
    return module
