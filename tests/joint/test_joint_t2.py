"""The row T2: coverage and thickness from LEIS and XPS side by side, against the truth of the simulated study."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr
import yaml

import surfspec as ss

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "examples" / "joint_t2.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script, whose LEIS fits are made once."""
    spec = importlib.util.spec_from_file_location("joint_t2", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ions = cache(module.ions)
    return module


@pytest.fixture(scope="module")
def numbers(script: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, float]]:
    folder = tmp_path_factory.mktemp("t2")
    found: dict[str, tuple[float, float]] = script.main(folder)
    assert (folder / "joint_t2.png").stat().st_size > 10000
    return found


def test_a_thickness_that_helped_the_coverages_does_not_count_twice(script: ModuleType) -> None:
    """Of a table of coverages only what was measured is taken, not what an edge helped to conclude from it."""
    film, bare, sample = (script.ions(name) for name in ("ref_Na3PO4", "ref_NZSP", "annealed"))
    plain, helped = (ss.leis.coverage(sample, film=film, substrate=bare, thickness=t) for t in (None, (0.24, 0.02)))
    assert np.abs(plain["monolayers_probability"] - helped["monolayers_probability"]).max() > 0.1
    edge = ss.leis.thickness(sample, film="Na3PO4", reference=bare)
    xr.testing.assert_identical(ss.joint.film(plain, edge), ss.joint.film(helped, edge))


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
