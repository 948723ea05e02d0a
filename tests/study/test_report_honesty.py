"""What a report must not hide: which sample a figure is of, simulated data, unverified cards, weak signals."""

from __future__ import annotations

import base64
import csv
import os
import re
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import openpyxl
import pytest
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.text import Text

import surfspec as ss
from surfspec import reference, report
from surfspec.report import content, figures, folder, layout, statements

LEIS_DATA = reference.path("nasicon_study") / "leis"

#: Names that give one file name, two without any Latin letter, one that differs in case alone.
NAMES = ("a b", "a.b", "A B", "试样", "样品")

ONE_DOSE = """\
study: one dose
samples:
  s: {{leis: "{0}/as_sintered_area1_dose1.csv"}}
leis:
  ion: 4He
  energy: 3000
  angle: 145
  elements: [O, Na, Si, P, Zr]
  coverage:
    film: Na3PO4
    substrate: Na3.4Zr2Si2.4P0.6O12
    references: {{film: "{0}/ref_Na3PO4_area1_dose1.csv", substrate: "{0}/ref_NZSP_area1_dose1.csv"}}
"""


@pytest.fixture(scope="module")
def collided(make: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.DataTree, Path]:
    base = tmp_path_factory.mktemp("collide")
    path = make.xps_study(base, make.SMALL)
    samples = "\n".join(f'  "{name}": {{xps: "{"ab"[place % 2]}_{{region}}.csv"}}' for place, name in enumerate(NAMES))
    path.write_text(f"study: names\nsamples:\n{samples}\nxps: {{regions: [Na 1s]}}\n", encoding="utf-8")
    tree = ss.run(path)
    report.write(tree, base / "out")
    return tree, base / "out"


def words(figure: Figure) -> str:
    """Return all that is written on a figure."""
    return "\n".join([figure.get_suptitle(), *(text.get_text() for text in figure.findobj(Text))])


def test_names_that_look_alike_give_files_of_their_own(collided: tuple[xr.DataTree, Path]) -> None:
    _, out = collided
    stems = [path.stem.lower() for path in (out / "figures").glob("*.svg")]
    assert len(stems) == len(set(stems)) == 2 * len(NAMES)  # the fits, and the page of each sample
    assert {"xps_sample_4", "xps_sample_5"} <= set(stems)


def test_the_report_shows_each_sample_its_own_figure(collided: tuple[xr.DataTree, Path]) -> None:
    tree, out = collided
    page = (out / "report.html").read_text(encoding="utf-8")
    shown = re.findall(r'data:image/svg\+xml;base64,([^"]+)"', page)
    drawn = list(figures.draw(tree))
    assert [base64.b64decode(one) for one in shown] == [
        (out / "figures" / f"{one.name}.svg").read_bytes() for one in drawn
    ]
    pages = [one for one in drawn if "overview" in one.name]
    for name, one in zip(NAMES, pages, strict=True):
        assert one.caption.startswith(f"{name} on one page (simulated)")
        assert f"{name} (simulated)" in words(one.figure)
    for name, one in zip(NAMES, [one for one in drawn if one not in pages], strict=True):
        assert one.caption.startswith(f"XPS of {name}:")
        assert one.figure.get_suptitle() == f"{name} (simulated)"


def test_characters_without_a_glyph_give_no_warning(collided: tuple[xr.DataTree, Path], tmp_path: Path) -> None:
    tree, _ = collided  # warnings are errors in these tests, and the fixture has drawn already
    drawing = next(one for one in figures.draw(tree) if "试样" in one.caption)
    ss.display.save_figure(drawing.figure, tmp_path / "x", ["png"])


def test_a_unique_name_minds_the_case() -> None:
    taken: set[str] = set()
    assert [figures.unique(name, taken) for name in ("x_A", "x_a", "y")] == ["x_A", "x_a_2", "y"]


def test_simulated_stands_in_every_figure_table_and_in_the_results(xps_tree: xr.DataTree, tmp_path: Path) -> None:
    found = report.write(xps_tree, tmp_path / "out")
    assert found["simulated"] is True
    assert all(sample["simulated"] is True for sample in found["samples"].values())
    for drawing in figures.draw(xps_tree):
        assert "imulated" in words(drawing.figure), drawing.name
        assert "imulated" in drawing.caption
        assert "measured" not in drawing.caption
    for path in (tmp_path / "out" / "tables").glob("*.csv"):
        with path.open(encoding="utf-8") as stream:
            assert "simulated" in " ".join(next(csv.reader(stream)) + next(csv.reader(stream))), path.name
    book = openpyxl.load_workbook(tmp_path / "out" / "tables.xlsx")
    assert "xps_normalised" in book.sheetnames
    assert "simulated" in str([cell.value for cell in book["xps_normalised"][1]])


def test_only_what_says_so_is_called_measured() -> None:
    samples = {"m": {"simulated": False, "origin": "measured"}, "n": {"simulated": False, "origin": "not stated"}}
    results: dict[str, Any] = {"samples": {**samples, "s": {"simulated": True, "origin": "simulated"}}}
    table = content.Table("t", "T", (content.Column("sample"),), (("m",), ("n",), ("s",)))
    assert [row[1] for row in content.marked(table, results).rows] == ["measured", "not stated", "simulated"]
    assert content.marked(table, {"samples": {"m": {"simulated": False}}}) is table


@pytest.mark.parametrize(
    ("said", "origin"),
    [
        ((None,), "not stated"),
        (("false",), "measured"),
        (("true",), "simulated"),
        (("false", None), "not stated"),
        (("false", "true"), "simulated"),
    ],
)
def test_origin_is_what_every_file_says(said: tuple[str | None, ...], origin: str) -> None:
    about = [{} if one is None else {"simulated": one} for one in said]
    spectra = {
        f"/spectra/a/xps/{i}": ss.spectrum([1.0, 2.0], [3.0, 4.0], technique="XPS", **one)
        for i, one in enumerate(about)
    }
    assert layout.origin(xr.DataTree.from_dict(spectra), "a") == origin


def test_leis_tables_say_that_they_are_simulated_and_one_dose_has_its_coverage(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(ONE_DOSE.format(LEIS_DATA), encoding="utf-8")
    tree = ss.run(path)
    for name in ("normalised", "coverage"):
        assert tree[f"tables/s/leis/{name}"].attrs["simulated"] == "true"
    found = report.results(tree)
    leis = found["samples"]["s"]["leis"]
    (covered,) = leis["coverage"]
    assert covered["dose"] == pytest.approx(1.6e15)
    assert abs(covered["value"] - 0.97808) < 4 * covered["unc"]  # truth.yaml of the simulated study
    assert leis["zero_dose_coverage"] is None
    assert leis["verdict"] == found["verdict"] == "check"
    assert any("one dose only" in reason for reason in leis["reasons"])
    said = "\n".join(statements.findings(found)["LEIS"])
    assert "coverage 0.98" in said
    report.write(tree, tmp_path / "out")


def leis_results(value: float, unc: float, p_value: float | None) -> dict[str, Any]:
    series = [
        {"dose": 1.6e15, "value": 0.0, "unc": 0.01, "sd": None, "detected": False, "p_value": 1.0},
        {"dose": 3.2e15, "value": value, "unc": unc, "sd": None, "detected": True, "p_value": p_value},
    ]
    return {"samples": {"a": {"leis": {"normalised_area": {"Si": series}, "coverage": []}}}}


def test_a_weak_detection_says_how_weak_it_is() -> None:
    (weak,) = statements.findings(leis_results(0.016, 0.01, 0.002))["LEIS"]
    assert "hardly detects Si from 3.2×10¹⁵" in weak
    assert "(p = 0.002, 1.6 standard uncertainties)" in weak
    (strong,) = statements.findings(leis_results(0.1, 0.01, 0.0))["LEIS"]
    assert "LEIS detects Si" in strong
    assert "p < 1e-12, 10.0 standard uncertainties" in strong


def xrd_results(**changes: Any) -> dict[str, Any]:
    phase = {
        "name": "P", "formula": "P", "space_group": "", "trust": "D", "verified": False, "probability": 1.0,
        "score": 1.0, "weight_fraction": 0.5, "weight_fraction_unc": 0.1, "missing": [],
    }  # fmt: skip
    entry = {"phases": [phase], "unexplained": [], "verdict": "ok", "reasons": [], **changes}
    return {"samples": {"a": {"xrd": {"after": entry, "changes": []}}}}


def test_headlines_and_tables_mark_unverified_cards() -> None:
    (line,) = statements.findings(xrd_results())["XRD"]
    assert "P (unverified card, grade D)" in line
    assert content.phases(xrd_results()).rows[0][5] == "D unverified"


def test_weight_fractions_of_a_part_are_called_so() -> None:
    (whole,) = statements.findings(xrd_results())["XRD"]
    assert "every line explained" in whole
    assert "crystalline part" not in whole
    reason = "model inadequate: 60 % of the signal is not explained"
    (rest,) = statements.findings(xrd_results(reasons=[reason]))["XRD"]
    assert "of the identified crystalline part by weight; 60 % of the signal is not explained." in rest


def test_what_a_killed_run_left_is_removed_later_and_nothing_else(tmp_path: Path) -> None:
    def left(name: str, age: float, *, old: bool = False) -> Path:
        scratch = tmp_path / name
        (scratch / "old").mkdir(parents=True)
        if old:
            (scratch / "old" / "study.nc").write_text("x")
        for item in (*scratch.rglob("*"), scratch):
            os.utime(item, (time.time() - age,) * 2)
        return scratch

    stale, fresh = left(".out.aaa.partial", 7200), left(".out.bbb.partial", 60)
    other, holds = left(".another.ccc.partial", 7200), left(".out.ddd.partial", 7200, old=True)
    with folder.replaced(tmp_path / "out") as place:
        (place / "results.json").write_text("{}")
    assert not stale.exists()
    assert fresh.exists()
    assert other.exists()
    assert holds.exists()
