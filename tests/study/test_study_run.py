from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec import report
from surfspec.errors import InputError, NotDeterminedError, RecipeError
from surfspec.report import layout
from surfspec.study import outcome, runner


def test_tree_holds_sample_technique_region(xps_tree: xr.DataTree) -> None:
    assert {"/spectra/a/xps/Zr 3d", "/fits/b/xps/P 2p", "/tables/a/xps/normalised"} <= set(xps_tree.groups)
    for node in xps_tree.subtree:
        if node.has_data:
            ss.check(node.to_dataset(inherit=False))


def test_results_hold_the_truth_of_the_simulation(xps_tree: xr.DataTree) -> None:
    found = report.results(xps_tree)["samples"]
    for name, shift, factor in (("a", 1.1, 1.0), ("b", 1.7, 2.0)):
        xps = found[name]["xps"]
        measured = xps["charge_shift"]
        assert abs(measured["value"] - shift) < 4 * measured["unc"] + 0.002
        # Area over that of Zr 3d5/2 (12000 counts eV); shape and background of the recipe are not those of the
        # simulation, so a few per cent of the area are allowed for the model.
        for region, area in (("Na 1s", 9000 * factor), ("P 2p", 3600 * factor)):
            ratio = xps["normalised_area"][region]
            assert abs(ratio["value"] / (area / 12000) - 1) < 0.06
            assert 0 < ratio["unc"] < 0.05 * ratio["value"] + 0.05
        assert sum(q["value"] for q in xps["atomic_percent"].values()) == pytest.approx(100)


def test_result_keys_are_the_contract(xps_tree: xr.DataTree) -> None:
    found = report.results(xps_tree)
    assert list(found) == ["study", "simulated", "versions", "verdict", "samples"]
    assert list(found["samples"]) == ["a", "b"]
    sample = found["samples"]["a"]
    assert set(sample) == {"simulated", "origin", "xps", "joint"}
    assert set(sample["xps"]) == {
        "charge_shift", "normalised_area", "area", "components", "atomic_percent", "thickness", "verdict", "reasons",
        "warnings",
    }  # fmt: skip
    assert set(sample["joint"]) == {"coverage", "thickness", "pulls"}
    for peak in sample["xps"]["components"]["Zr 3d"].values():
        assert set(peak) == {"center", "fwhm", "area", "fraction"}
        for q in peak.values():
            assert set(q) == {"value", "unc", "unit"}
    assert set(sample["xps"]["verdict"].values()) <= {"ok", "check", "failed"}
    assert sample["xps"]["thickness"] is None
    json.dumps(found, allow_nan=False)


def test_same_study_twice_is_identical(xps_study: Path, xps_tree: xr.DataTree) -> None:
    again = ss.run(xps_study)
    assert again.identical(xps_tree)


def test_save_load_report_gives_the_same_results(xps_tree: xr.DataTree, tmp_path: Path) -> None:
    ss.save(xps_tree, tmp_path / "study.nc")
    loaded = ss.load(tmp_path / "study.nc")
    assert isinstance(loaded, xr.DataTree)
    assert report.results(loaded) == report.results(xps_tree)


def test_what_the_files_do_not_say_is_said_in_the_study(make: ModuleType, tmp_path: Path) -> None:
    path = make.xps_study(tmp_path)
    for file in tmp_path.glob("*.csv"):
        text = file.read_text(encoding="utf-8").replace("# photon_energy: 1486.6\n", "")
        file.write_text(text.replace("# axis: binding_energy\n", ""), encoding="utf-8")
    added = "  read: {photon_energy: 1486.7, axis: binding_energy, units: counts}\n"
    path.write_text(make.STUDY + added, encoding="utf-8")
    tree = ss.run(path)
    assert tree["spectra/a/xps/Zr 3d"].attrs["photon_energy"] == 1486.7
    assert report.results(tree)["samples"]["a"]["xps"]["atomic_percent"]["Zr"] is not None


def test_progress_names_samples_and_regions(xps_study: Path) -> None:
    lines: list[str] = []
    ss.run(xps_study, progress=lines.append)
    assert any("a_Zr3d.csv" in line for line in lines)
    assert "b: fitting P 2p" in lines


def test_a_sample_without_a_region_is_no_error(make: ModuleType, tmp_path: Path) -> None:
    path = make.xps_study(tmp_path)
    (tmp_path / "a_P2p.csv").unlink()
    tree = ss.run(path)
    found = report.results(tree)
    assert found["verdict"] == "check"
    assert "P 2p" not in found["samples"]["a"]["xps"]["area"]
    assert "P 2p" in found["samples"]["b"]["xps"]["area"]
    assert ("xps P 2p", "not measured on this sample") in layout.read_notes(
        tree["tables/a/not_determined"].to_dataset()
    )


def test_without_reference_the_scale_stays_and_the_report_says_so(make: ModuleType, tmp_path: Path) -> None:
    path = make.xps_study(tmp_path)
    (tmp_path / "a_Zr3d.csv").unlink()
    tree = ss.run(path)
    found = report.results(tree)["samples"]
    assert found["a"]["xps"]["charge_shift"] is None
    assert found["b"]["xps"]["charge_shift"] is not None
    noted = dict(layout.read_notes(tree["tables/a/not_determined"].to_dataset()))
    assert "not measured" in noted["xps charge_shift"]
    assert "xps normalised_area" in noted
    assert all(q is None for q in found["a"]["xps"]["normalised_area"].values())


def test_only_one_technique_is_fine_and_missing_parts_are_refused(make: ModuleType, tmp_path: Path) -> None:
    path = make.xps_study(tmp_path)
    path.write_text(make.STUDY.replace("xps:\n  charge", "leis:\n  charge"), encoding="utf-8")
    with pytest.raises(RecipeError):
        ss.run(path)
    path.write_text(make.STUDY.split("xps:\n")[0], encoding="utf-8")
    with pytest.raises(InputError, match="no 'xps:' part") as raised:
        ss.run(path)
    assert raised.value.where.startswith(f"{path}:3:")


def test_a_place_in_the_study_file_is_a_line(xps_study: Path) -> None:
    assert runner.locate(xps_study, "samples.b.xps") == f"{xps_study}:4:7"
    assert runner.locate(xps_study, "xps.regions.2") == f"{xps_study}:8:3"
    assert runner.locate(xps_study, "nothing") == ""


def test_outcome_notes_physics_and_lets_bad_input_through() -> None:
    out = outcome.Outcome()

    def refuse() -> None:
        raise NotDeterminedError("no peak", remedy="Measure longer")

    def bad() -> None:
        raise InputError("NaN", remedy="Repair it")

    assert out.attempt("area", refuse) is None
    assert out.conclude("ratio", bad) is None
    assert out.notes == [("area", "no peak. Measure longer"), ("ratio", "NaN. Repair it")]
    with pytest.raises(InputError):
        out.attempt("area", bad)


def test_fractions_fixed_by_the_recipe_have_no_uncertainty(xps_tree: xr.DataTree) -> None:
    peaks = report.results(xps_tree)["samples"]["a"]["xps"]["components"]["Zr 3d"]
    fractions = sorted(q["fraction"]["value"] for q in peaks.values())
    np.testing.assert_allclose(fractions, [0.4, 0.6], rtol=1e-6)
    assert {q["fraction"]["unc"] for q in peaks.values()} == {0.0}
