from __future__ import annotations

from pathlib import Path

import pytest

from surfspec.errors import InputError
from surfspec.io.coordinates import series_values
from surfspec.io.patterns import find, labels_of, natural, squash


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def test_placeholders_become_labels_in_natural_order(tmp_path: Path) -> None:
    touch(
        tmp_path, *(f"leis/a_area{spot}_dose{dose}.csv" for spot in (2, 1) for dose in (10, 2, 1)), "leis/a_area1.txt"
    )
    found = find("leis/a_area{spot}_dose{dose}.csv", tmp_path, where="here", allowed=["spot", "dose"])
    assert [(f.labels["spot"], f.labels["dose"]) for f in found] == [
        ("1", "1"), ("1", "2"), ("1", "10"), ("2", "1"), ("2", "2"), ("2", "10"),
    ]  # fmt: skip


def test_pattern_signs_in_names_are_literal(tmp_path: Path) -> None:
    touch(tmp_path, "a[1]_x.csv", "a1_x.csv", "b.c_x.csv")
    assert [f.labels for f in find("a[1]_{region}.csv", tmp_path, where="", allowed=["region"])] == [{"region": "x"}]
    with pytest.raises(InputError, match="no file matches"):
        find("bXc_{region}.csv", tmp_path, where="", allowed=["region"])


def test_placeholder_never_spans_a_folder(tmp_path: Path) -> None:
    touch(tmp_path, "one/x_1.csv", "one/two/x_2.csv")
    assert len(find("one/x_{spot}.csv", tmp_path, where="", allowed=["spot"])) == 1


def test_absolute_patterns(tmp_path: Path) -> None:
    touch(tmp_path, "x_1.csv")
    (found,) = find(str(tmp_path / "x_{spot}.csv"), Path("/nowhere"), where="", allowed=["spot"])
    assert found.path == tmp_path / "x_1.csv"


def test_nothing_found_names_place_and_neighbours(tmp_path: Path) -> None:
    touch(tmp_path, "data/real.csv")
    with pytest.raises(InputError) as raised:
        find("data/{region}.vms", tmp_path, where="samples.a.xps", allowed=["region"])
    assert raised.value.where == "samples.a.xps"
    assert "real.csv" in raised.value.remedy


@pytest.mark.parametrize(
    ("pattern", "says"), [("{colour}.csv", "colour"), ("{spot}_{spot}.csv", "twice"), (".", "folder")]
)
def test_bad_patterns(tmp_path: Path, pattern: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        find(pattern, tmp_path, where="", allowed=["spot"])


def test_a_number_does_not_reach_over_text_behind_it(tmp_path: Path) -> None:
    touch(tmp_path, *(f"a_area{i}_dose{j}{more}.csv" for i in (1, 2) for j in (1, 2) for more in ("", "_components")))
    found = find("a_area{spot}_dose{dose}.csv", tmp_path, where="", allowed=None)
    assert [(f.labels["spot"], f.labels["dose"]) for f in found] == [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2")]
    spots = find("a_area{spot}.csv", tmp_path, where="", allowed=None)  # nothing strict matches: the labels are shown
    assert len(spots) == 8
    assert spots[0].labels["spot"].startswith("1_dose1")


def test_mapped_labels_say_what_a_label_is_made_of(tmp_path: Path) -> None:
    touch(tmp_path, "a_top_left.csv", "a_top.csv", "a_2.csv", "a_2_fit.csv")

    def labels(mapped: dict[str, list[str]]) -> list[str]:
        return [f.labels["spot"] for f in find("a_{spot}.csv", tmp_path, where="", allowed=None, mapped=mapped)]

    assert labels({}) == ["2", "top"]
    assert labels({"spot": ["2"]}) == ["2"]
    assert labels({"spot": ["top_left"]}) == ["2", "2_fit", "top", "top_left"]


def test_excluded_files(tmp_path: Path) -> None:
    touch(tmp_path, "a_1.csv", "a_2.csv", "sub/a_3.csv")
    found = find("a_{spot}.csv", tmp_path, where="", allowed=None, exclude=["*_2.csv"])
    assert [f.path.name for f in found] == ["a_1.csv"]
    with pytest.raises(InputError, match="leaves out"):
        find("a_{spot}.csv", tmp_path, where="", allowed=None, exclude=["a_*"])


@pytest.mark.parametrize("pattern", ["a_dose[1-4].csv", "a_*_dose{dose}.csv", "a_dose?.csv"])
def test_signs_of_a_shell_are_explained(tmp_path: Path, pattern: str) -> None:
    touch(tmp_path, "a_dose1.csv", "a_dose2.csv")
    with pytest.raises(InputError) as raised:
        find(pattern, tmp_path, where="", allowed=None)
    assert "are letters here" in raised.value.remedy


def test_labels_of_blocks() -> None:
    names = ["s_dose1", "s_dose10", "blank"]
    assert labels_of("s_dose{dose}", names) == {"s_dose1": {"dose": "1"}, "s_dose10": {"dose": "10"}}
    assert labels_of("t_{dose}", names) == {}


def test_values_come_from_mapping_then_file_then_fallback_then_label() -> None:
    labels = [{"dose": "1"}, {"dose": "2"}]
    mapped = {"dose": {"1": 1e15, "2": 2e15}}
    assert series_values(labels, mapped, where="", stated={"dose": [7e15, 8e15]}) == {"dose": [1e15, 2e15]}
    assert series_values(labels, {}, where="", stated={"dose": [7e15, 8e15]}, fallback=mapped) == {"dose": [7e15, 8e15]}
    assert series_values(labels, {}, where="", fallback=mapped) == {"dose": [1e15, 2e15]}
    with pytest.raises(InputError, match="no dose"):  # a running number is no dose
        series_values(labels, {}, where="")
    assert series_values([{"dose": "01"}, {"dose": "02"}], mapped, where="") == {"dose": [1e15, 2e15]}
    assert series_values([{"x": "0"}, {"x": "2.5"}], {}, where="") == {"x": [0.0, 2.5]}
    assert series_values([{"anneal": "400"}, {"anneal": "500"}], {}, where="") == {"anneal": [400, 500]}


@pytest.mark.parametrize(
    ("mapping", "says"),
    [({"1": 1e15}, "no value is given for them"), ({"1": 1e15, "2": 2e15, "3": 3e15}, "no file has it")],
)
def test_mappings_must_fit_the_files(mapping: dict[str, float], says: str) -> None:
    with pytest.raises(InputError, match=says):
        series_values([{"dose": "1"}, {"dose": "2"}], {"dose": mapping}, where="")


def test_region_names_are_one_however_they_are_spelt() -> None:
    assert len({squash(name) for name in ("Na 1s", "Na_1s", "Na1s", "na-1S")}) == 1
    assert natural("10") > natural("9")


def test_what_was_meant_is_asked(tmp_path: Path) -> None:
    for dose in (1, 2):
        for what in ("", "_components"):
            (tmp_path / f"as_sintered_dose{dose}{what}.csv").write_text("1 2", encoding="utf-8")
    for pattern in ("assintered_dose{dose}.csv", "as_sintered_dose1.cvs", f"{tmp_path}/as_sinterd_dose{{dose}}.csv"):
        with pytest.raises(InputError) as told:
            find(pattern, tmp_path, where="leis", allowed=["dose"])
        assert "as_sintered_dose1.csv'?" in told.value.remedy
        assert "Did you mean" in told.value.remedy
        assert "components" not in told.value.remedy
        assert "files that exists" not in told.value.remedy
    with pytest.raises(InputError) as told:
        find("zirconia_{dose}.dat", tmp_path, where="leis", allowed=["dose"])
    assert "Did you mean" not in told.value.remedy


def test_labels_of_companions_are_no_candidates() -> None:
    labels = [{"dose": label} for label in ("e1", "e1_components", "e2", "e2_components")]
    with pytest.raises(InputError, match=r"labels 'e1', 'e2' and no value") as told:
        series_values(labels, {"dose": {"1": 1.6e15, "2": 3.2e15}}, where="leis")
    assert "components" not in str(told.value)
