"""Errors of studies and commands name the file or the line; exit codes survive a reader that goes away."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import surfspec as ss
from surfspec import cli, report
from surfspec.errors import InputError, SurfspecError

SERIES = """\
study: series
samples:
  s: {leis: {files: "s_{dose}.csv", dose: {1: 1.0e15, 2: 2.0e15, 3: 3.0e15}}}
leis: {ion: 4He, energy: 3000, angle: 145, elements: [O, Zr]}
"""
XRD = 'study: x\nsamples:\n  s: {{xrd: "p.xy"}}\nxrd:\n  wavelength: {}\n  elements: [Pb]\n'


def test_a_constant_pattern_is_named(make: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    x = np.arange(20, 60, 0.05)
    path = make.text_file(tmp_path / "p.xy", x, np.full(x.size, 7.0), technique="XRD", intensity_unit="counts")
    assert cli.main(["identify", str(path), "--wavelength", "CuKa1", "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert str(path) in err
    (tmp_path / "study.yaml").write_text(XRD.format("CuKa1"), encoding="utf-8")
    with pytest.raises(SurfspecError, match=r"p\.xy"):
        ss.run(tmp_path / "study.yaml")


def test_a_bad_wavelength_of_a_study_has_its_line(make: ModuleType, tmp_path: Path) -> None:
    x = np.arange(20, 60, 0.05)
    make.text_file(tmp_path / "p.xy", x, np.arange(x.size), technique="XRD", intensity_unit="counts")
    study = tmp_path / "study.yaml"
    study.write_text(XRD.format("CuKx"), encoding="utf-8")
    with pytest.raises(InputError) as raised:
        ss.run(study)
    assert raised.value.where.startswith(f"{study}:5:3")


def test_a_file_on_another_axis_is_named(make: ModuleType, tmp_path: Path) -> None:
    for dose, step in ((1, 5.0), (2, 5.0), (3, 4.0)):
        x = np.arange(900.0, 2850.0, step)
        make.text_file(tmp_path / f"s_{dose}.csv", x, np.full(x.size, 20.0), technique="LEIS", intensity_unit="counts",
                       axis="kinetic_energy")  # fmt: skip
    study = tmp_path / "study.yaml"
    study.write_text(SERIES, encoding="utf-8")
    with pytest.raises(InputError, match=r"s_1\.csv") as raised:
        ss.run(study)
    assert "s_3.csv" in str(raised.value)


def test_a_saved_study_is_no_study_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"saved study.*report\.write"):
        ss.run(tmp_path / "study.nc")


def test_identify_says_whether_data_are_simulated(make: ModuleType, tmp_path: Path,
                                                  capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    (lead,) = ss.xrd.phases(["Pb"])
    x = np.arange(25, 70, 0.05)
    lines = ss.xrd.pattern(lead, wavelength="CuKa1", two_theta=x).intensity.values
    for name, said in (("s", "true"), ("m", "")):
        header = {"technique": "XRD", "intensity_unit": "counts", **({"simulated": said} if said else {})}
        make.text_file(tmp_path / f"{name}.xy", x, np.round(100 + 3000 * lines / lines.max()), **header)
    cli.main(["identify", str(tmp_path / "s.xy"), str(tmp_path / "m.xy"), "--wavelength", "CuKa1", "--phases", "Pb",
              "--json", "--quiet"])  # fmt: skip
    found = json.loads(capsys.readouterr().out)["files"]
    assert [one["simulated"] for one in found] == [True, False]
    assert found[0]["phases"][0]["verified"] is True


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
def test_a_reader_that_goes_away_does_not_change_the_exit_code(make: ModuleType, tmp_path: Path) -> None:
    path = make.xps_study(tmp_path, make.SMALL)
    (tmp_path / "a_P2p.csv").unlink()
    path.write_text(make.SMALL.replace("[Na 1s]", "[Na 1s, P 2p]").replace(
        "  a:", '  b: {xps: "b_{region}.csv"}\n  a:'), encoding="utf-8")  # fmt: skip
    assert report.results(ss.run(path))["verdict"] == "check"
    read, write = os.pipe()
    os.close(read)
    words = [sys.executable, "-m", "surfspec.cli", "run", str(path), "-o", str(tmp_path / "out")]
    done = subprocess.run(words, stdout=write, stderr=write, check=False)
    os.close(write)
    assert done.returncode == 1
    assert (tmp_path / "out" / "results.json").exists()


@pytest.mark.parametrize(
    ("right", "wrong", "place"),
    [
        ("film: Na3PO4", "film: Na3P04", r"14:5: leis\.coverage\.film: 'Na3P04' is no chemical formula"),
        ("substrate: ZrO2", "substrate: ZrXx2", r"15:5: leis\.coverage\.substrate: 'ZrXx2' is no chemical formula"),
        ("energy: 3000", "energy: 3", r"8:3: leis\.energy"),
    ],
)
def test_a_wrong_number_or_formula_of_leis_is_named_by_line_and_key(
    right: str, wrong: str, place: str, tmp_path: Path
) -> None:
    text = """\
study: s
samples:
  a:
    leis: one.csv

leis:
  ion: 4He
  energy: 3000
  angle: 145
  elements:
    - O
    - Zr
  coverage:
    film: Na3PO4
    substrate: ZrO2
    references: {film: film.csv, substrate: bare.csv}
"""
    path = tmp_path / "study.yaml"
    path.write_text(text.replace(right, wrong), encoding="utf-8")
    with pytest.raises(SurfspecError, match=rf"study\.yaml:{place}"):
        ss.run(path)
