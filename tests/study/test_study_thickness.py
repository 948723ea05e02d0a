"""A study that asks for the thickness of a film: results, report, what is refused before anything is fitted."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
import xarray as xr

import surfspec as ss
from surfspec import report
from surfspec.errors import InputError, RecipeError
from surfspec.report import content, layout, methods, statements

FILM = """\
  thickness:
    film: Na3PO4
    substrate: {formula: Na3Zr2Si2PO12, density: 3.27, band_gap: 5.0}
    lines: [Zr 3d, P 2p]
    uncertainties: {sensitivity: 0.1}
"""


@pytest.fixture(scope="module")
def film_tree(make: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> xr.DataTree:
    return ss.run(make.xps_study(tmp_path_factory.mktemp("film"), make.STUDY + FILM))


def test_the_quantity_is_that_of_the_function(film_tree: xr.DataTree) -> None:
    found = report.results(film_tree)["samples"]["b"]["xps"]
    fits = layout.regions(layout.nodes(film_tree, "fits", "b"))
    table = ss.xps.thickness(
        fits, film="Na3PO4", lines=("Zr 3d", "P 2p"), uncertainties={"sensitivity": 0.1},
        substrate=ss.reference.Material("Na3Zr2Si2PO12", "Na3Zr2Si2PO12", 3.27, band_gap=5.0),
    )  # fmt: skip
    assert found["thickness"]["unit"] == "nm"
    assert found["thickness"]["value"] == pytest.approx(float(table.thickness))
    assert found["thickness"]["unc"] == pytest.approx(float(table.thickness_unc))
    detail = found["thickness_detail"]
    assert detail["lower_limit"] < found["thickness"]["value"] < detail["upper_limit"]
    assert set(detail["pulls"]) == {"Zr 3d", "P 2p"}
    assert detail["materials_verified"] is False
    assert len(detail["curve"]) == 20
    json.dumps(found, allow_nan=False)


def test_saved_and_loaded_it_is_the_same(film_tree: xr.DataTree, tmp_path: Path) -> None:
    ss.save(film_tree, tmp_path / "study.nc")
    loaded = ss.load(tmp_path / "study.nc")
    assert isinstance(loaded, xr.DataTree)
    assert report.results(loaded) == report.results(film_tree)


def test_report_says_it(film_tree: xr.DataTree) -> None:
    found = report.results(film_tree)
    table = content.thickness(found)
    assert [row[0] for row in table.rows] == ["a", "b"]
    assert any("by XPS: thickness" in line and "uniform" in line for line in statements.findings(found)["XPS"])
    said = [line for line in methods.xps(film_tree) if line.startswith("Film thickness")]
    assert len(said) == 1
    assert "TPP-2M" in said[0]
    assert "unverified" in said[0]


def test_what_is_not_determined_is_null_and_says_its_limits(make: ModuleType, tmp_path: Path) -> None:
    """One ratio and a patchy film: no thickness, no coverage, the study is to be checked and not failed."""
    tree = ss.run(make.xps_study(tmp_path, make.STUDY + FILM + "    model: patchy\n"))
    found = report.results(tree)
    one = found["samples"]["b"]["xps"]
    assert one["thickness"] is None
    assert one["thickness_detail"]["coverage"] is None
    assert one["thickness_detail"]["equivalent_thickness"] is not None
    assert one["thickness_detail"]["verdict"] == "check"
    assert found["verdict"] == "check"
    checks = statements.to_check(found, layout.all_notes(tree))
    assert any("b, film thickness by XPS needs checking" in line and "coverage" in line for line in checks)


def test_a_study_without_the_entry_has_no_thickness(xps_tree: xr.DataTree) -> None:
    found = report.results(xps_tree)["samples"]["a"]["xps"]
    assert found["thickness"] is None
    assert "thickness_detail" not in found
    assert not content.thickness(report.results(xps_tree)).rows


@pytest.mark.parametrize(
    ("entry", "error", "words"),
    [
        ("film: Na3P04\n    substrate: ZrO2\n", InputError, r"xps\.thickness\.film.*Na3PO4"),
        ("film: Na3PO4\n    substrate: ZrO2\n    lines: [O 1s]\n", InputError, "not fitted"),
        ("film: Na3PO4\n    substrate: ZrO2\n    model: domed\n", RecipeError, "model"),
        ("film: Na3PO4\n    substrate: ZrO2\n    emission_angle: 95\n", RecipeError, "emission_angle"),
        ("film: {formula: Na3PO4, density: -1}\n    substrate: ZrO2\n", RecipeError, "density"),
        ("film: Na3PO4\n", RecipeError, "substrate"),
    ],
)
def test_refused_before_anything_is_fitted(
    make: ModuleType, tmp_path: Path, entry: str, error: type[Exception], words: str
) -> None:
    path = make.xps_study(tmp_path, f"{make.STUDY}  thickness:\n    {entry}")
    with pytest.raises(error, match=words):
        ss.run(path)


def test_lines_that_cannot_tell_become_a_note(make: ModuleType, tmp_path: Path) -> None:
    entry = "  thickness: {film: ZnO, substrate: ZrO2, lines: [Zr 3d, P 2p]}\n"
    tree = ss.run(make.xps_study(tmp_path, make.STUDY + entry))
    noted = [reason for name, reason in layout.all_notes(tree)["a"] if name == "xps thickness"]
    assert "neither film nor substrate has the line P 2p" in noted[0]
    assert report.results(tree)["samples"]["a"]["xps"]["thickness"] is None
