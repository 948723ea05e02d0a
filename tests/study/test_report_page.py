from __future__ import annotations

import csv
import html
import io
import math
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import numpy as np
import openpyxl
import pytest
import xarray as xr

import surfspec as ss
from surfspec import report
from surfspec.report import (
    collect,
    content,
    layout,
    methods,
    page,
    provenance,
    quantities,
    results_leis,
    results_xrd,
    statements,
)
from surfspec.report.tables import Column, Quantity, Table, csv_text, write_workbook

EVIL = '<script>alert("x")</script>&amp;\'=1+1'


class Elements(HTMLParser):
    """Collects tags, links and sources, and checks that tags are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def written(xps_tree: xr.DataTree, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "out"
    report.write(xps_tree, folder)
    return folder


def test_page_is_whole_and_refers_to_nothing_outside(written: Path) -> None:
    text = (written / "report.html").read_text(encoding="utf-8")
    parser = Elements()
    parser.feed(text)
    assert parser.open == []
    assert parser.addresses
    assert all(address.startswith(("#", "data:image/")) for address in parser.addresses)
    targets = {address[1:] for address in parser.addresses if address.startswith("#")}
    assert targets <= set(re.findall(r'id="([^"]+)"', text))
    assert "script" not in parser.tags
    assert text.index("needs checking" if "needs checking" in text else ">ok<") < text.index("Findings</h2>")


def test_page_says_simulated_versions_hashes_and_every_choice(written: Path, xps_study: Path) -> None:
    text = html.unescape((written / "report.html").read_text(encoding="utf-8"))
    assert "SIMULATED DATA" in text
    assert f"surfspec {ss.__version__}" in text
    digest = ss.read(xps_study.with_name("a_Zr3d.csv")).attrs["source_sha256"]
    assert str(digest) in text
    for choice in ("182.40 eV", "window 177.5 to 190 eV", "smart", "Poisson", "2j+1", "scofield", "ISO 19318"):
        assert choice in text, choice


def test_measured_data_get_no_simulated_banner(make: ModuleType, tmp_path: Path) -> None:
    path = make.xps_study(tmp_path, make.SMALL)
    for file in tmp_path.glob("*.csv"):
        file.write_text(file.read_text(encoding="utf-8").replace("# simulated: true\n", ""), encoding="utf-8")
    tree = ss.run(path)
    assert not provenance.is_simulated(tree)
    assert "SIMULATED DATA" not in (_written(tree, tmp_path / "out") / "report.html").read_text(encoding="utf-8")


def _written(tree: xr.DataTree, folder: Path) -> Path:
    report.write(tree, folder)
    return folder


def test_everything_from_outside_is_escaped() -> None:
    assert "<script" not in page.text(EVIL)
    table = Table(EVIL, EVIL, (Column(EVIL), Column("verdict", kind="verdict")), ((EVIL, EVIL),), EVIL)
    for markup in (
        page.table(table),
        page.paragraph(EVIL),
        page.bullets([EVIL]),
        page.fold(EVIL, EVIL),
        page.badge(EVIL),
    ):
        assert "<script" not in markup
        assert "&lt;script&gt;" in markup
    assert "<script" not in page.page(EVIL, "")


def test_an_evil_study_name_and_description_stay_text(make: ModuleType, tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    path = make.xps_study(tmp_path, make.SMALL.replace("study: small", f'study: "{evil}"\ndescription: "{evil}"'))
    folder = _written(ss.run(path), tmp_path / "out")
    parser = Elements()
    parser.feed((folder / "report.html").read_text(encoding="utf-8"))
    assert "script" not in parser.tags


def test_tables_keep_full_precision_and_formulas_stay_text(tmp_path: Path) -> None:
    table = Table(
        "t", "T", (Column("name"), Column("E", "eV", "quantity"), Column("n", "", "number")),
        (
            ("=1+1", Quantity(182.40123456789, 0.0123), 5.0), ("+x", Quantity(math.nan, math.nan), None),
            ("@y", None, 1e-16),
        ),
    )  # fmt: skip
    rows = list(csv.reader(io.StringIO(csv_text(table))))
    assert rows[0] == ["name", "E [eV]", "E standard uncertainty [eV]", "n"]
    assert [row[0] for row in rows[1:]] == ["'=1+1", "'+x", "'@y"]
    assert float(rows[1][1]) == 182.40123456789
    assert rows[2][1:] == ["", "", ""]
    path = write_workbook([table], tmp_path / "t.xlsx", facts=[("study", "=evil()")])
    book = openpyxl.load_workbook(path)
    assert book["study"]["B1"].data_type == "s"
    assert (book["t"]["A2"].value, book["t"]["A2"].data_type) == ("=1+1", "s")
    assert book["t"]["B2"].value == 182.40123456789
    assert book["t"]["B3"].value is None


def test_workbook_and_csv_hold_the_same_tables(written: Path) -> None:
    book = openpyxl.load_workbook(written / "tables.xlsx")
    names = {path.stem for path in (written / "tables").glob("*.csv")}
    assert {"verdicts", "xps_components", "xps_normalised", "xps_atomic_percent", "input_files"} <= names
    assert set(book.sheetnames) == {"study", *names}
    header = (written / "tables" / "xps_components.csv").read_text(encoding="utf-8").splitlines()[0]
    assert [cell.value for cell in book["xps_components"][1]] == header.split(",")


def test_same_tree_gives_the_same_bytes(xps_tree: xr.DataTree, written: Path, tmp_path: Path) -> None:
    again = _written(xps_tree, tmp_path / "again")
    for name in ("report.html", "results.json", "tables/xps_components.csv", "figures/xps_a.svg", "figures/xps_a.png"):
        assert (again / name).read_bytes() == (written / name).read_bytes(), name


def leis_tables() -> dict[str, xr.Dataset]:
    dose = ("dose", np.array([1.6e15, 3.2e15]), {"units": "ions/cm2"})
    unit = {"units": "1"}
    element = ("element", np.array(["Na", "Si"]))
    normalised = xr.Dataset(
        {
            "normalised_area": (("dose", "element"), [[0.7, 0.0], [0.5, 0.1]], unit),
            "normalised_area_unc": (("dose", "element"), [[0.02, 0.01], [0.02, 0.01]], unit),
            "normalised_area_sd": (("dose", "element"), [[0.03, np.nan], [0.03, 0.02]], unit),
            "detected": (("dose", "element"), np.array([[1, 0], [1, 1]], dtype=np.int8)),
        },
        coords={"dose": dose, "element": element},
        attrs={"kind": "table", "technique": "LEIS"},
    )
    coverage = xr.Dataset(
        {
            "coverage": ("dose", [0.98, 0.9], unit),
            "coverage_unc": ("dose", [0.01, 0.02], unit),
            "zero_dose_coverage": ((), 1.0, unit),
            "zero_dose_coverage_unc": ((), 0.01, unit),
            "removal_cross_section": ((), np.nan, {"units": "cm2"}),
            "removal_cross_section_unc": ((), np.nan, {"units": "cm2"}),
            "monolayers": ((), -1),
            "thickness": ((), np.nan, {"units": "nm"}),
            "thickness_unc": ((), np.nan, {"units": "nm"}),
            "not_excluded": ((), "2, 3"),
            "sputter_budget": (("dose", "bound"), [[0.01, 0.04], [0.02, 0.08]], {"units": "nm"}),
            "verdict": ((), "check"),
            "reasons": ((), "not identifiable"),
        },
        coords={"dose": dose, "bound": np.array(["low", "high"])},
        attrs={"kind": "table", "technique": "LEIS"},
    )
    return {layout.LEIS_NORMALISED: normalised, layout.LEIS_COVERAGE: coverage}


def test_leis_keys_are_the_contract_and_gaps_are_null() -> None:
    found = results_leis.leis(None, leis_tables(), [("leis coverage", "too few doses")])
    assert set(found) == {
        "energy_offset", "normalised_area", "coverage", "zero_dose_coverage", "removal_cross_section", "monolayers",
        "thickness", "edge_thickness", "sputter_budget_nm", "verdict", "reasons",
    }  # fmt: skip
    assert found["normalised_area"]["Si"] == [
        {"dose": 1.6e15, "value": 0.0, "unc": 0.01, "sd": None, "detected": False, "p_value": None},
        {"dose": 3.2e15, "value": 0.1, "unc": 0.01, "sd": 0.02, "detected": True, "p_value": None},
    ]
    assert found["coverage"][1] == {"dose": 3.2e15, "value": 0.9, "unc": 0.02}
    assert found["zero_dose_coverage"] == {"value": 1.0, "unc": 0.01, "unit": "1"}
    assert found["removal_cross_section"] is None
    assert found["monolayers"] == {"value": None, "not_excluded": [2, 3]}
    assert found["sputter_budget_nm"] == [0.02, 0.08]
    assert found["verdict"] == "failed"
    assert found["reasons"] == ["not identifiable", "too few doses"]
    results = {"samples": {"a": {"leis": found}}}
    said = statements.findings(results)["LEIS"]
    assert any("detects Si from 3.2×10¹⁵" in line for line in said)
    assert any("film thickness not determined" in line for line in said)
    assert content.leis_coverage(results).rows == (
        ("a", 1.6e15, Quantity(0.98, 0.01)),
        ("a", 3.2e15, Quantity(0.9, 0.02)),
    )


def match(*phases: str, limit: float = 0.01) -> xr.Dataset:
    every = np.array(["A", "B", "C", "D"])
    return xr.Dataset(
        {"detection_limit": ("candidate", np.full(4, limit))},
        coords={
            "phase": np.array(phases),
            "name": ("phase", np.array([f"phase {p}" for p in phases])),
            "candidate": every,
        },
    )


def compared(*more: str) -> xr.Dataset:
    """Return what changes() says of A, B, C and D, of which some came."""
    every = np.array(["A", "B", "C", "D"])
    return xr.Dataset(
        {
            "phase_change": ("candidate", np.where(np.isin(every, more), "more", "none")),
            "phase_significance": ("candidate", [0.1, -6.0, 9.0, 5.0]),
            "weight_fraction_limit": ("candidate", [0.001, math.nan, 0.12, 0.003]),
        },
        coords={"candidate": every, "name": ("candidate", np.array([f"phase {p}" for p in every]))},
        attrs={"conclusion": "3 lines appeared", "line_limit": 0.4, "from": "before", "to": "after"},
    )


def test_changes_say_what_came_and_went_with_the_limit() -> None:
    both = match("A", "B"), match("A", "C", limit=0.02)
    alone = results_xrd.changes("before", both[0], "after", both[1])
    assert [(one["phase"], one["change"], one["detection_limit"]) for one in alone] == [
        ("phase B", "vanished", 0.02),
        ("phase C", "appeared", 0.01),
    ]
    assert {one["conclusion"] for one in alone} == {None}
    assert results_xrd.changes("a", match("A"), "b", match("A")) == []
    pair = {"from": "before", "to": "after", "conclusion": "3 lines appeared", "line_limit": 0.4, "verdict": "ok",
            "reasons": []}  # fmt: skip
    seen = results_xrd.changes("before", both[0], "after", both[1], compared("A", "C", "D"))
    assert seen == [
        pair | {"phase": "phase B", "change": "vanished", "detection_limit": 0.02, "seen_by": ["match"],
                "significance": -6.0, "limit": None},
        pair | {"phase": "phase C", "change": "appeared", "detection_limit": 0.01, "seen_by": ["match", "difference"],
                "significance": 9.0, "limit": 0.12},
        pair | {"phase": "phase D", "change": "appeared", "detection_limit": 0.01, "seen_by": ["difference"],
                "significance": 5.0, "limit": 0.003},
    ]  # fmt: skip
    said = statements.findings({"samples": {"a": {"xrd": {"changes": seen}}}})["XRD"]
    assert said[0] == "a: phase B vanished from 'before' to 'after' (where absent, more than 2 % by weight would show)."
    assert said[2].endswith(
        "(where absent, more than 1 % by weight would show), seen by the difference of the patterns only."
    )


def test_no_change_is_a_result_with_a_limit() -> None:
    table = compared().assign_attrs(conclusion="no new line above 0.4 % of the strongest, no new phase")
    [none] = results_xrd.changes("a", match("A"), "b", match("A"), table)
    assert (none["phase"], none["change"], none["limit"]) == (None, "none", 0.12)
    results = {"samples": {"s": {"xrd": {"changes": [none]}}}}
    [said] = statements.findings(results)["XRD"]
    assert said.startswith("s: from 'a' to 'b' no new line above 0.4 % of the strongest, no new phase (no candidate")
    assert said.endswith("more than 12 % by weight).")
    row = content.changes(results).rows[0]
    assert row[:6] == ("s", "a", "b", "", "none", None)
    assert row[6] == pytest.approx(12.0)


def weighed(share: float, unc: float) -> xr.Dataset:
    """Return a match that holds A and weighs it."""
    told = {"weight_fraction": ("phase", [share]), "weight_fraction_unc": ("phase", [unc])}
    return match("A").assign(told)


def test_weight_fractions_that_differ_are_told() -> None:
    [less] = results_xrd.changes("a", weighed(0.12, 0.01), "b", weighed(0.06, 0.01), compared())
    assert (less["phase"], less["change"], less["weight_fraction"]) == ("phase A", "decreased", [0.12, 0.06])
    [said] = statements.findings({"samples": {"s": {"xrd": {"changes": [less]}}}})["XRD"]
    assert said == "s: phase A decreased from 'a' to 'b', 12 to 6 % by weight of the identified part."
    [same] = results_xrd.changes("a", weighed(0.12, 0.02), "b", weighed(0.06, 0.02), compared())
    assert same["change"] == "none"
    unknown = results_xrd.changes("a", weighed(0.12, math.nan), "b", weighed(0.06, 0.02), compared())
    assert unknown[0]["change"] == "none"


def test_patterns_that_do_not_lie_over_each_other_say_nothing() -> None:
    table = compared().assign_attrs(verdict="check", reasons="at bound: shift", conclusion="nothing is concluded")
    table["phase_change"] = ("candidate", ["not determined"] * 4)
    [lost] = results_xrd.changes("a", match("A"), "b", match("A"), table)
    assert (lost["change"], lost["limit"], lost["reasons"]) == ("not determined", None, ["at bound: shift"])
    results = {"samples": {"s": {"xrd": {"changes": [lost]}}}}
    assert statements.to_check(results, {}) == ["s, XRD, comparison of 'a' and 'b' needs checking: at bound: shift."]
    assert collect.verdicts_of(results["samples"]["s"]) == ["check"]


def test_a_pattern_without_match_is_failed_with_its_reason() -> None:
    found = results_xrd.xrd({}, ["before"], [("xrd before", "no peaks")])
    assert found["before"]["verdict"] == "failed"
    assert found["before"]["reasons"] == ["no peaks"]
    assert found["changes"] == []


def test_numbers_that_json_cannot_say_become_null() -> None:
    assert quantities.quantity(1.0, math.inf, "eV") == {"value": 1.0, "unc": None, "unit": "eV"}
    assert quantities.finite({"a": (np.float32(1.5), float("nan"), np.int64(3), "x", None)}) == {
        "a": [1.5, None, 3, "x", None]
    }
    assert quantities.worst(["ok", "check"]) == "check"


def test_methods_of_a_tree_without_a_technique_are_silent(xps_tree: xr.DataTree) -> None:
    assert [name for name, _ in methods.methods(xps_tree)] == ["XPS"]
