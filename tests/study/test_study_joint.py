"""XPS and LEIS of the shipped simulated sample in one study: one film, its pulls, and what a study may say of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaml

import surfspec as ss
from surfspec import recipes, reference, report
from surfspec.errors import InputError, SurfspecError
from surfspec.report import content, html, layout, statements
from surfspec.study import joint
from surfspec.study.outcome import Outcome
from surfspec.study.spec import JointPart, Study

FOLDER = reference.path("nasicon_study")

BOTH = """\
study: both (SIMULATED)
samples:
  annealed:
    xps: "{0}/xps/annealed_{{region}}.csv"
    leis:
      files: "{0}/leis/annealed_area{{spot}}_dose{{dose}}.csv"
      dose: {{1: 1.6e15, 2: 3.2e15, 3: 4.8e15, 4: 6.4e15}}
xps:
  charge_reference: {{line: Zr 3d5/2, energy: 182.40}}
  regions: [Zr 3d, Na 1s, P 2p, Si 2p]
  thickness: {{film: Na3PO4, substrate: Na3.4Zr2Si2.4P0.6O12}}
leis:
  ion: 4He
  energy: 3000
  angle: 145
  elements: [O, Na, Si, P, Zr]
  normalise: {{exclude: [Na]}}
  coverage:
    film: Na3PO4
    substrate: Na3.4Zr2Si2.4P0.6O12
    references:
      film: "{0}/leis/ref_Na3PO4_area{{spot}}_dose{{dose}}.csv"
      substrate: "{0}/leis/ref_NZSP_area{{spot}}_dose{{dose}}.csv"
"""


def written(folder: Path, text: str, data: Path = FOLDER) -> Path:
    path = folder / "study.yaml"
    path.write_text(text.format(data), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> xr.DataTree:
    return ss.run(written(tmp_path_factory.mktemp("both"), BOTH))


@pytest.fixture(scope="module")
def found(tree: xr.DataTree) -> dict[str, Any]:
    results: dict[str, Any] = report.results(tree)
    return results


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    every = yaml.safe_load((FOLDER / "truth.yaml").read_text(encoding="utf-8"))
    known: dict[str, Any] = every["samples"]["annealed"]
    return known


def test_the_film_is_that_of_the_truth(found: dict[str, Any], truth: dict[str, Any]) -> None:
    joint_film = found["samples"]["annealed"]["joint"]
    for key, wanted in (
        ("coverage", truth["leis"]["zero_dose_coverage"]), ("thickness", truth["leis"]["thickness"])
    ):  # fmt: skip
        assert abs(joint_film[key]["value"] - wanted) < 3 * joint_film[key]["unc"], key
    sigma = joint_film["detail"]["removal_cross_section"]
    assert abs(sigma["value"] - truth["leis"]["removal_cross_section"]) < 3 * sigma["unc"]
    assert truth["leis"]["monolayers"] in joint_film["detail"]["monolayers"]["not_excluded"]
    assert joint_film["detail"]["film_shape"] == "patches"
    assert joint_film["detail"]["agreement"] in ("agree", "cannot tell")


def test_the_joint_film_is_sharper_than_each_technique(found: dict[str, Any]) -> None:
    every = found["samples"]["annealed"]["joint"]["detail"]["techniques"]
    assert set(every) == {"LEIS dose series", "LEIS edge", "XPS", "joint"}
    best = every["joint"]["thickness"]["unc"]
    assert all(
        best < one["thickness"]["unc"] for one in every.values() if one is not every["joint"] and one["thickness"]
    )
    assert every["XPS"]["coverage"] is None
    assert every["XPS"]["thickness"] is None


def test_keys_of_the_results(found: dict[str, Any]) -> None:
    sample = found["samples"]["annealed"]
    assert set(sample["joint"]) == {"coverage", "thickness", "pulls", "detail"}
    assert {"XPS attenuation", "LEIS edge at 1.6e+15 ions/cm2", "LEIS coverage at 6.4e+15 ions/cm2"} <= set(
        sample["joint"]["pulls"]
    )
    assert all(isinstance(pull, float) for pull in sample["joint"]["pulls"].values())
    edges = sample["leis"]["edge_thickness"]
    assert [round(one["dose"] / 1e15, 1) for one in edges] == [1.6, 3.2, 4.8, 6.4]
    assert all(set(one) == {"dose", "value", "unc", "stat_unc", "patches"} for one in edges)
    assert all(one["stat_unc"] < one["unc"] for one in edges)
    json.dumps(found, allow_nan=False)


def test_the_report_shows_estimates_pulls_agreement_and_budget(tree: xr.DataTree, found: dict[str, Any]) -> None:
    tables = content.tables(found)
    names = {table.name for table in tables}
    assert {"joint_film", "joint_pulls", "leis_edge"} <= names
    pulls = next(table for table in tables if table.name == "joint_pulls")
    assert len(pulls.rows) == len(found["samples"]["annealed"]["joint"]["pulls"])
    page = html.render(tree, found, tables, [])
    assert "XPS and LEIS together" in page
    assert "all together" in page
    assert "can have removed" in page
    told = statements.findings(found)["XPS and LEIS together"]
    assert any(line.startswith("annealed: coverage 0.8") for line in told)
    assert any("agree" in line or "contradict" in line for line in told)


def test_tables_of_simulated_data_are_simulated(tree: xr.DataTree) -> None:
    tables = layout.nodes(tree, "tables", "annealed")
    for place in (layout.JOINT, layout.LEIS_THICKNESS):
        assert tables[place].attrs["simulated"] == "true"
        assert tables[place].attrs["sample"] == "annealed"


def quiet(_: str) -> None:
    """Take a line of progress."""


def joined(tree: xr.DataTree, part: JointPart | None, without: str = "") -> Outcome:
    tables = {k: v for k, v in layout.nodes(tree, "tables", "annealed").items() if k not in (layout.JOINT, without)}
    return joint.analyse(tables, part, progress=quiet)


def test_a_study_chooses_the_tables(tree: xr.DataTree) -> None:
    out = joined(tree, JointPart(use=("leis", "xps")))
    assert out.tables[layout.JOINT].attrs["inputs"] == "coverage, xps"


def test_without_xps_nothing_is_joined_unless_asked(tree: xr.DataTree) -> None:
    assert joined(tree, None, without=layout.XPS_THICKNESS).tables == {}
    asked = joined(tree, JointPart(), without=layout.XPS_THICKNESS)
    assert asked.tables[layout.JOINT].attrs["inputs"] == "coverage, edge"


def test_asked_for_and_nothing_there_is_noted(tree: xr.DataTree) -> None:
    out = joint.analyse({}, JointPart(), progress=quiet)
    assert out.tables == {}
    assert [name for name, _ in out.notes] == ["joint film"]


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("joint: {layers: 1}", "layers"),
        ("joint: {layer: 3}", "unknown key 'layer'"),
        ("joint: {use: [leis, xrd]}", "xrd"),
        ("joint: {monolayer: 0}", "monolayer"),
        ("joint: {dose_scale_unc: 1.5}", "dose_scale_unc"),
    ],
)
def test_faults_of_the_joint_part_are_placed(tmp_path: Path, extra: str, words: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(BOTH.format(FOLDER) + extra + "\n", encoding="utf-8")
    with pytest.raises(SurfspecError, match=words) as told:
        recipes.load_file(path, Study)
    assert "study.yaml" in str(told.value)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ("  thickness: {stopping: 60}", "belong together"),
        ("  thickness: {reionization_loss: 20}", "unknown key 'reionization_loss'"),
        ("  thickness: {density: -1}", "density"),
    ],
)
def test_faults_of_the_thickness_by_leis_are_placed(tmp_path: Path, extra: str, words: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(BOTH.format(FOLDER) + extra + "\n", encoding="utf-8")
    with pytest.raises(SurfspecError, match=words):
        recipes.load_file(path, Study)


def test_a_thickness_by_leis_needs_a_coverage() -> None:
    from surfspec.study.spec import LeisPart, LeisThickness

    with pytest.raises(InputError, match="needs the film"):
        LeisPart(ion="4He", energy=3000, angle=145, elements=("O", "Zr"), thickness=LeisThickness())


PROFILE = """\
study: depth profile (SIMULATED)
samples:
  annealed:
    leis: {{files: "{0}/profile_{{cycle}}.csv"}}
leis: {{ion: 4He, energy: 3000, angle: 145, elements: [O, Na, Si, P, Zr], normalise: {{exclude: [Na]}}}}
"""


def test_a_depth_profile_runs_through_a_study(tmp_path: Path) -> None:
    """Four doses of one area stand for the cycles of a profile: Zr rises and P falls from cycle to cycle."""
    for cycle in (1, 2, 3, 4):
        source = FOLDER / "leis" / f"annealed_area1_dose{cycle}.csv"
        lines = source.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not line.startswith("# dose")]
        (tmp_path / f"profile_{cycle}.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    tree = ss.run(written(tmp_path, PROFILE, tmp_path), tmp_path / "out")
    table = layout.nodes(tree, "tables", "annealed")[layout.LEIS_NORMALISED]
    assert table["normalised_area"].dims[0] == "cycle"
    zr, p = (table["normalised_area"].sel(element=name).values for name in ("Zr", "P"))
    assert np.all(np.diff(zr) > 0)
    assert np.all(np.diff(p) < 0)
    found = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    profile = found["samples"]["annealed"]["leis"]["depth_profile"]
    assert [one["cycle"] for one in profile["Zr"]] == [1, 2, 3, 4]
    assert profile["Zr"][3]["value"] == pytest.approx(float(zr[3]))
    assert "leis_profile" in {path.stem for path in (tmp_path / "out" / "tables").iterdir()}


def test_a_depth_profile_has_no_coverage_and_is_not_doubted_for_it(tmp_path: Path) -> None:
    """Coverage is of one surface: asked for in a study of cycles it is neither found nor a reason to check."""
    (tmp_path / "leis").symlink_to(FOLDER / "leis")
    for cycle in (1, 2):
        source = FOLDER / "leis" / f"annealed_area1_dose{cycle}.csv"
        lines = source.read_text(encoding="utf-8").splitlines()
        kept = [line for line in lines if not line.startswith("# dose")]
        (tmp_path / f"profile_{cycle}.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    asked = PROFILE.rstrip().removesuffix("}}") + (
        ", coverage: {{film: Na3PO4, substrate: Na3.4Zr2Si2.4P0.6O12, references: {{"
        "film: leis/ref_Na3PO4_area1_dose1.csv, substrate: leis/ref_NZSP_area1_dose1.csv}}}}}}\n"
    )
    tree = ss.run(written(tmp_path, asked, tmp_path))
    tables = layout.nodes(tree, "tables", "annealed")
    assert layout.LEIS_NORMALISED in tables
    assert not {layout.LEIS_COVERAGE, layout.LEIS_THICKNESS} & set(tables)
    found = report.results(tree)["samples"]["annealed"]["leis"]
    assert found["coverage"] == []
    assert not [reason for reason in found["reasons"] if "coverage" in reason or "thickness" in reason]
    assert not [name for name, _ in layout.read_notes(tables.get(layout.NOTES)) if "coverage" in name]


def test_adequacy_of_the_model_is_asked_for_in_a_study(tmp_path: Path) -> None:
    source = FOLDER / "leis" / "annealed_area1_dose4.csv"
    (tmp_path / "one.csv").write_bytes(source.read_bytes())
    text = PROFILE.replace("profile_{{cycle}}.csv", "one.csv")
    plain = ss.run(written(tmp_path, text, tmp_path))
    asked = ss.run(written(tmp_path, text.replace("{{exclude: [Na]}}", "{{exclude: [Na]}}, adequacy: true"), tmp_path))
    judged = layout.nodes(asked, "tables", "annealed")[layout.LEIS_ADEQUACY]
    assert np.any(judged["area_model_unc"] > 0)
    before, after = (layout.nodes(tree, "tables", "annealed")[layout.LEIS_NORMALISED] for tree in (plain, asked))
    assert np.any(after["normalised_area_unc"] > before["normalised_area_unc"])
    said = report.results(asked)["samples"]["annealed"]["leis"]["reasons"]
    assert set(str(judged["reasons"].values).split("; ")) - {""} <= set(said)
