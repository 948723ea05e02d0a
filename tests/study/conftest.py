"""Studies that several tests share."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
import xarray as xr


def _load(name: str) -> ModuleType:
    """Import a helper module that lies beside the tests (they are no package)."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


maker = _load("study_maker")


@pytest.fixture(scope="session")
def make() -> ModuleType:
    """Functions that write simulated studies."""
    return maker


@pytest.fixture(scope="session")
def xps_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Study file of two samples with XPS only; the files lie beside it."""
    path: Path = maker.xps_study(tmp_path_factory.mktemp("xps_study"))
    return path


@pytest.fixture(scope="session")
def xps_tree(xps_study: Path) -> xr.DataTree:
    """The study of `xps_study`, run once."""
    import surfspec as ss

    tree: xr.DataTree = ss.run(xps_study)
    return tree
