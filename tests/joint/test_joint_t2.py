"""The row T2: coverage and thickness from LEIS and XPS side by side, against the truth of the simulated study."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest
import yaml

import surfspec as ss

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "examples" / "joint_t2.py"


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, float]]:
    folder = tmp_path_factory.mktemp("t2")
    found: dict[str, tuple[float, float]] = runpy.run_path(str(SCRIPT))["main"](folder)
    assert (folder / "joint_t2.png").stat().st_size > 10000
    return found


def test_the_numbers_are_those_of_the_truth(numbers: dict[str, tuple[float, float]]) -> None:
    study = ss.reference.path("nasicon_study")
    truth = yaml.safe_load((study / "truth.yaml").read_text(encoding="utf-8"))["samples"]["annealed"]["leis"]
    wanted = {"coverage": "zero_dose_coverage", "thickness": "thickness",
              "removal_cross_section": "removal_cross_section"}  # fmt: skip
    for name, key in wanted.items():
        value, unc = numbers[name]
        assert abs(value - truth[key]) < 3 * unc, name
    assert numbers["coverage"][1] < 0.03
    assert numbers["thickness"][1] < 0.1


def test_the_data_of_both_techniques_agree_with_one_film(numbers: dict[str, tuple[float, float]]) -> None:
    rms, worst = numbers["pulls"]
    assert 0.2 < rms < 2.0
    assert worst < 3.5
    assert numbers["agreement"][0] > 0.01
