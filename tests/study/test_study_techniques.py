"""Studies of one technique each, on the shipped simulated files, against their truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import surfspec as ss
from surfspec import recipes, reference, report
from surfspec.errors import InputError
from surfspec.report import figures, layout, methods
from surfspec.study.spec import Study, techniques_of

FOLDER = reference.path("nasicon_study")

XRD = """\
study: diffraction only
samples:
  polished: {{xrd: {{before: "{0}/xrd/polished_before.xy", coated: "{0}/xrd/polished_coated.xy"}}}}
xrd: {{wavelength: CuKa1, phases: [NZSP_C2c, ZrO2_m, Pb_fcc]}}
"""

LEIS = """\
study: ions only
samples:
  as_sintered:
    leis: {{files: "{0}/leis/as_sintered_area{{spot}}_dose{{dose}}.csv", dose: {{1: 1.6e15, 4: 6.4e15}}}}
leis:
  ion: 4He
  energy: 3000
  angle: 145
  elements: [O, Na, Si, P, Zr]
  normalise: {{exclude: [Na]}}
  coverage:
    film: Na3PO4
    substrate: Na3.4Zr2Si2.4P0.6O12
    references: {{film: "{0}/leis/film_{{spot}}_{{dose}}.csv", substrate: "{0}/leis/substrate_{{spot}}_{{dose}}.csv"}}
"""


def study(folder: Path, text: str, data: Path = FOLDER) -> Path:
    path = folder / "study.yaml"
    path.write_text(text.format(data), encoding="utf-8")
    return path


def test_xrd_only_finds_the_phases_of_the_truth(tmp_path: Path) -> None:
    tree = ss.run(study(tmp_path, XRD))
    found = report.results(tree)
    sample = found["samples"]["polished"]
    assert set(sample) == {"simulated", "xrd", "joint"}
    assert set(sample["xrd"]) == {"before", "coated", "changes"}
    for entry in (sample["xrd"]["before"], sample["xrd"]["coated"]):
        assert {"phases", "unexplained", "verdict"} <= set(entry)
        for phase in entry["phases"]:
            assert {
                "name", "formula", "space_group", "probability", "score", "weight_fraction", "weight_fraction_unc",
                "missing",
            } <= set(phase)  # fmt: skip
    assert [phase["formula"] for phase in sample["xrd"]["before"]["phases"]] == ["Na3Zr2Si2PO12"]
    lead = next(phase for phase in sample["xrd"]["coated"]["phases"] if phase["formula"] == "Pb")
    assert abs(lead["weight_fraction"] - 0.12) < 4 * lead["weight_fraction_unc"]  # 0.12 in truth.yaml
    assert [(c["change"], c["phase"]) for c in sample["xrd"]["changes"]] == [("appeared", "Lead")]
    assert [name for name, _ in methods.methods(tree)] == ["XRD"]
    for label, drawing in zip(("before", "coated"), figures.draw(tree), strict=True):
        assert f"polished, {label} (simulated)" in drawing.figure.axes[0].get_title(loc="left")
    json.dumps(found, allow_nan=False)


def few_leis_files(folder: Path) -> Path:
    """Copy two areas at the first and last dose of the sample and of both references."""
    target = folder / "leis"
    target.mkdir()
    for stem, name in (("as_sintered", None), ("ref_Na3PO4", "film"), ("ref_NZSP", "substrate")):
        for spot in (1, 2):
            for dose in (1, 4):
                source = FOLDER / "leis" / f"{stem}_area{spot}_dose{dose}.csv"
                new = source.name if name is None else f"{name}_{spot}_{dose}.csv"
                (target / new).write_bytes(source.read_bytes())
    return folder


def test_leis_only_gives_the_coverage_of_the_truth(tmp_path: Path) -> None:
    tree = ss.run(study(tmp_path, LEIS, few_leis_files(tmp_path)))
    found = report.results(tree)
    sample = found["samples"]["as_sintered"]
    assert set(sample) == {"simulated", "leis", "joint"}
    leis = sample["leis"]
    assert [round(one["dose"] / 1e15, 1) for one in leis["coverage"]] == [1.6, 6.4]
    for one, truth in zip(leis["coverage"], (0.97808, 0.592485), strict=True):  # truth.yaml
        assert abs(one["value"] - truth) < 4 * one["unc"] + 0.02
    assert set(leis["normalised_area"]) == {"O", "Na", "Si", "P", "Zr"}
    for series in leis["normalised_area"].values():
        assert all(set(one) == {"dose", "value", "unc", "sd", "detected", "p_value"} for one in series)
    assert layout.references(tree) == ["leis_reference_film", "leis_reference_substrate"]
    assert layout.samples(tree) == ["as_sintered"]
    json.dumps(found, allow_nan=False)


def test_a_file_that_contradicts_the_study_is_refused(tmp_path: Path) -> None:
    text = LEIS.replace("energy: 3000", "energy: 5000")
    with pytest.raises(InputError, match="the file says ion_energy 3000"):
        ss.run(study(tmp_path, text, few_leis_files(tmp_path)))


def test_the_shipped_study_uses_all_three() -> None:
    shipped = recipes.load_file(FOLDER / "study.yaml", Study)
    assert techniques_of(shipped) == ("xps", "leis", "xrd")
