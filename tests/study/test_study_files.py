from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import surfspec as ss
from surfspec.errors import InputError
from surfspec.study import reading
from surfspec.study.files import find, natural, series_values, squash
from surfspec.study.spec import Files


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


def test_values_come_from_mapping_then_file_then_fallback_then_label(tmp_path: Path) -> None:
    touch(tmp_path, "a1.csv", "a2.csv")
    found = find("a{dose}.csv", tmp_path, where="", allowed=["dose"])
    mapped = Files("a{dose}.csv", dose={"1": 1e15, "2": 2e15})
    bare = Files("a{dose}.csv")
    assert series_values(found, mapped, where="", stated={"dose": [7e15, 8e15]}) == {"dose": [1e15, 2e15]}
    assert series_values(found, bare, where="", stated={"dose": [7e15, 8e15]}, fallback=mapped) == {
        "dose": [7e15, 8e15]
    }
    assert series_values(found, bare, where="", fallback=mapped) == {"dose": [1e15, 2e15]}
    with pytest.raises(InputError, match="no dose"):  # a running number is no dose
        series_values(found, bare, where="")


@pytest.mark.parametrize(
    ("mapping", "says"),
    [({"1": 1e15}, "gives no value for them"), ({"1": 1e15, "2": 2e15, "3": 3e15}, "no file has it")],
)
def test_mappings_must_fit_the_files(tmp_path: Path, mapping: dict[str, float], says: str) -> None:
    touch(tmp_path, "a1.csv", "a2.csv")
    found = find("a{dose}.csv", tmp_path, where="", allowed=["dose"])
    with pytest.raises(InputError, match=says):
        series_values(found, Files("a{dose}.csv", dose=mapping), where="")


def test_region_names_are_one_however_they_are_spelt() -> None:
    assert len({squash(name) for name in ("Na 1s", "Na_1s", "Na1s", "na-1S")}) == 1
    assert natural("10") > natural("9")


def member(value: float, **attrs: str | float) -> object:
    return ss.spectrum([1.0, 2.0, 3.0], [value, 2 * value, value], technique="LEIS", **attrs)  # type: ignore[arg-type]


def test_stack_keeps_what_differs_at_its_own_place() -> None:
    places = [(spot, dose) for spot in (1, 2) for dose in (1e15, 2e15, 3e15)]
    rng = np.random.default_rng(1)
    order = rng.permutation(len(places))
    members = [member(10.0 * places[i][0] + places[i][1] / 1e15, source_file=f"{places[i]}", ion="4He") for i in order]
    values = {"spot": [places[i][0] for i in order], "dose": [places[i][1] for i in order]}
    series = reading.stack(members, values, where="here")  # type: ignore[arg-type]
    assert series["intensity"].dims == ("spot", "dose", "kinetic_energy")
    assert series.attrs["ion"] == "4He"
    assert series["dose"].attrs["units"] == "ions/cm2"
    for spot, dose in places:
        one = series.sel(spot=spot, dose=dose)
        assert one["intensity"].values[0] == 10.0 * spot + dose / 1e15
        assert str(one["source_file"].values) == f"{(spot, dose)}"


@pytest.mark.parametrize(
    ("doses", "says"), [([1e15, 2e15, 1e15], "no file for spot 2, dose"), ([1e15, 1e15, 2e15], "more than one file")]
)
def test_stack_refuses_what_is_no_rectangle(doses: list[float], says: str) -> None:
    members = [member(1.0), member(2.0), member(3.0)]
    with pytest.raises(InputError, match=says):
        reading.stack(members, {"spot": [1, 1, 2], "dose": doses}, where="here")  # type: ignore[arg-type]
