"""Fixtures that several tests share."""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib as mpl
import pytest

mpl.use("Agg")

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of measured files; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("SURFSPEC_DATA", CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"measured files not found at {folder}; set SURFSPEC_DATA to their folder")
    return folder
