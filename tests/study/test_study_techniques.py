"""Studies of one technique each, on the shipped simulated files, against their truth."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import surfspec as ss
from surfspec import recipes, reference, report
from surfspec.errors import InputError, SurfspecError
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
    assert set(sample) == {"simulated", "origin", "xrd", "joint"}
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
    [change] = sample["xrd"]["changes"]
    assert (change["change"], change["phase"], change["seen_by"]) == ("appeared", "Lead", ["match", "difference"])
    assert "Lead" in change["conclusion"]
    assert change["limit"] > 0.05
    assert [name for name, _ in methods.methods(tree)] == ["XRD"]
    for label, drawing in zip(("before", "coated", "before to coated"), figures.draw(tree), strict=True):
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
    assert set(sample) == {"simulated", "origin", "leis", "joint"}
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


CARBON = """\
recipe: carbon
region: C 1s
window: [279, 293]
peaks:
- {name: C-C, line: C 1s, center: {value: 284.8, low: 284.2, high: 285.4}}
- {name: O-C=O, line: C 1s, center: {value: 288.6, low: 288.0, high: 289.2}}
"""
ADVENTITIOUS = """\
study: carbon
samples:
  a: {xps: "a_{region}.csv"}
xps:
  charge_reference: {line: C 1s, energy: 284.8, component: C-C, energy_unc: 0.1, source: "adventitious carbon"}
  elements: [O]
  regions: [carbon.yaml]
"""


def carbon(make: ModuleType, folder: Path, text: str) -> Path:
    """Write a sample whose C 1s has two states, charged by 0.7 eV, its recipe and a study of it."""
    x = np.arange(278.0, 294.0, 0.1)
    mean = 900.0 + sum(
        height * np.exp(-4 * np.log(2) * ((x - at - 0.7) / 1.3) ** 2) for at, height in ((284.8, 9000), (288.6, 2500))
    )
    make.text_file(
        folder / "a_C1s.csv", x, np.random.default_rng(3).poisson(mean), technique="XPS", region="C 1s", sample="a",
        axis="binding_energy", intensity_unit="counts", photon_energy=1486.6, dwell_time=0.05, scans=1,
        simulated="true",
    )  # fmt: skip
    (folder / "carbon.yaml").write_text(CARBON, encoding="utf-8")
    path = folder / "study.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_state_of_a_line_is_the_reference(make: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []

    def watched(name: str) -> None:
        true = getattr(ss.xps, name)

        def call(*data: Any, **options: Any) -> Any:
            given.append(options["elements"])
            return true(*data, **options)

        monkeypatch.setattr(ss.xps, name, call)

    watched("charge_correct")
    watched("advise")
    tree = ss.run(carbon(make, tmp_path, ADVENTITIOUS))
    assert given == [("O",), ("O",)]
    attrs = tree["/spectra/a/xps/C 1s"].attrs
    assert abs(attrs["charge_shift"] - 0.7) < 4 * attrs["charge_shift_unc"] + 0.005
    assert attrs["charge_reference_component"] == "C-C"
    assert attrs["charge_reference_energy_unc"] == 0.1
    assert attrs["charge_reference_source"] == "adventitious carbon"
    said = " ".join(dict(methods.methods(tree))["XPS"])
    assert "C 1s (C-C) lies at 284.80 eV with a standard uncertainty of 0.1 eV [adventitious carbon]" in said


def test_without_the_state_such_a_line_is_no_reference(make: ModuleType, tmp_path: Path) -> None:
    text = ADVENTITIOUS.replace("component: C-C, ", "").replace("  elements: [O]\n", "")
    tree = ss.run(carbon(make, tmp_path, text))
    assert "charge_shift" not in tree["/spectra/a/xps/C 1s"].attrs
    assert "C 1s" in str(tree["/tables/a/not_determined"].to_dataset())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("component: C-C", "component: C-N", "'C-N' is no component of C 1s"),
        ("elements: [O]", "elements: [Oo]", "Oo"),
        ("energy_unc: 0.1", "energy_unc: -0.1", "energy_unc"),
        ('{xps: "a_{region}.csv"}', '{xps: "a_{region}.csv", read: {scans: 2}}', "read"),
    ],
)
def test_faults_of_the_reference_have_their_line(
    make: ModuleType, tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = carbon(make, tmp_path, ADVENTITIOUS.replace(old, new))
    with pytest.raises(SurfspecError, match=message) as caught:
        ss.run(path)
    assert "study.yaml:" in str(caught.value)
    assert caught.value.remedy


def test_what_the_files_do_not_say_stands_under_the_technique(make: ModuleType, tmp_path: Path) -> None:
    text = ADVENTITIOUS.replace("  regions:", "  read: {scans: 4, dwell_time: 0.2}\n  regions:")
    attrs = ss.run(carbon(make, tmp_path, text))["/spectra/a/xps/C 1s"].attrs
    assert (attrs["scans"], attrs["dwell_time"]) == (4, 0.2)
