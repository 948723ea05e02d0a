"""Surface and bulk of fig. 3a on simulated twins, by the script of the documentation; the truth is opened after it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import yaml

import surfspec as ss

SCRIPT = Path(__file__).resolve().parent.parent.parent / "docs" / "examples" / "leis_i2.py"
ELEMENTS = ("O", "Na", "Si", "P", "Zr")


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, float]]:
    spec = importlib.util.spec_from_file_location("leis_i2", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return dict(module.main(tmp_path_factory.mktemp("i2")))


def test_numbers_meet_the_truth(numbers: dict[str, tuple[float, float]]) -> None:
    known = yaml.safe_load((ss.reference.path("leis_twins") / "truth.yaml").read_text(encoding="utf-8"))
    entries = known["surface"]["spectra"]
    cycles = np.array([[entries[f"profile_cycle{i:02d}"]["area"][e] for e in ELEMENTS] for i in range(10, 16)])
    bulk = cycles.sum(axis=0) / np.delete(cycles, ELEMENTS.index("Na"), axis=1).sum()
    for name, truth in (("surface", [entries["surface"]["normalised_area"][e] for e in ELEMENTS]), ("bulk", bulk)):
        for element, true in zip(ELEMENTS, truth, strict=True):
            value, unc = numbers[f"{name} {element}"]
            assert abs(value - true) < 0.04, (name, element)
            assert abs(value - true) < 3.0 * unc, (name, element)
            assert unc < 0.04


def test_surface_shows_na_p_o_only(numbers: dict[str, tuple[float, float]]) -> None:
    seen = {e for e in ELEMENTS if numbers[f"surface {e}"][0] > 2.0 * numbers[f"surface {e}"][1]}
    assert seen == {"O", "Na", "P"}
    assert all(numbers[f"bulk {e}"][0] > 2.0 * numbers[f"bulk {e}"][1] for e in ELEMENTS)
