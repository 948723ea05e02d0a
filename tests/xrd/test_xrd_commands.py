"""The commands of powder diffraction: identify, refine, pattern; what they print, write and refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import surfspec as ss
from surfspec import cli

TWINS = ss.reference.path("xrd_twins")


def test_refine_prints_the_cell_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The twin has a 8.707, c 21.764 angstrom."""
    figure, saved = tmp_path / "cell.png", tmp_path / "cell.nc"
    words = ["refine", str(TWINS / "d8_cathode.xy"), "--phases", "Na3V2P3O12", "--json", "--quiet"]
    cli.main([*words, "--figure", str(figure), "-o", str(saved)])
    (entry,) = json.loads(capsys.readouterr().out)["files"]
    assert entry["simulated"] is True
    (phase,) = entry["phases"]
    assert phase["cell"]["a"] == pytest.approx(8.707, abs=1e-3)
    assert phase["cell"]["c"] == pytest.approx(21.764, abs=3e-3)
    assert 0 < phase["cell_unc"]["a"] < 1e-3
    assert figure.stat().st_size > 5000
    assert saved.is_file()


def test_identify_obeys_never_and_draws(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figure = tmp_path / "found.png"
    words = [
        "identify",
        str(TWINS / "d4_annealed.xy"),
        "--elements",
        "Na,C,O,Pb",
        "--never",
        "Pb_fcc",
        "--json",
        "--quiet",
    ]
    assert cli.main([*words, "--figure", str(figure)]) == 1  # the lead cannot be named, so something stays open
    (entry,) = json.loads(capsys.readouterr().out)["files"]
    assert "Pb_fcc" not in [phase["id"] for phase in entry["phases"]]
    assert entry["unexplained"]
    assert figure.stat().st_size > 5000


def test_pattern_lists_the_lines_of_a_card(capsys: pytest.CaptureFixture[str]) -> None:
    """Pb 111 and 200 from a = 4.9505 angstrom: d = a / sqrt(3), a / 2."""
    assert cli.main(["pattern", "Pb", "--two-theta", "25,40", "--json", "--quiet"]) == 0
    (phase,) = json.loads(capsys.readouterr().out)["phases"]
    assert [line["d"] for line in phase["lines"]] == pytest.approx([4.9505 / 3**0.5, 4.9505 / 2], abs=2e-5)
    assert cli.main(["pattern", "Pb", "--two-theta", "40,25"]) == 2
    assert "is no range" in capsys.readouterr().err
    for least in ("nan", "101", "-1"):
        assert cli.main(["pattern", "Pb", "--least", least]) == 2
        assert "--least" in capsys.readouterr().err
