"""What is written reads back identically; nothing else is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import surfspec as ss
from surfspec.errors import InputError, SurfspecError
from surfspec.io import describe, read, read_tree, write

PROVENANCE = ("source_file", "source_sha256", "source_format")


def without_provenance(dataset: xr.Dataset) -> xr.Dataset:
    result = dataset.copy()
    result.attrs = {key: value for key, value in dataset.attrs.items() if key not in PROVENANCE}
    return result


def examples() -> dict[str, xr.Dataset]:
    rng = np.random.default_rng(3)
    x = np.linspace(1060, 1080, 41)
    one = ss.spectrum(
        x, rng.poisson(500, 41), technique="XPS", region="Na 1s", sample="5: a\tb\nc", photon_energy=1486.6, scans=5,
        note="123", empty="", quoted='"x"', flag="true", nothing="null", unicode="µ θ", spaces="  a ", minus=-0.1,
    )  # fmt: skip
    rate = ss.spectrum(x, rng.random(41) * 1e5 / 3, technique="XPS", units="counts/s", axis="kinetic_energy")
    sigma = ss.spectrum(
        [10, 11, 13.5], [1.5, 2.5, 3.5], technique="XRD", units="arb. units", intensity_unc=[0.1, 1 / 3, 1]
    )
    members = [
        ss.spectrum(x, rng.poisson(50, 41), technique="LEIS", ion="4He", ion_energy=3000.0, spot=name) for name in "ab"
    ]
    series = ss.stack(members, "dose", [1.6e15, 3.2e15], units="ions/cm2")
    grid = ss.stack([series, series], "sample", ["polished", "as-sintered, A"])
    extra = rate.assign(transmission=("kinetic_energy", rng.random(41), {"units": "1", "long_name": "T"}))
    return {"one": one, "rate": rate, "sigma": sigma, "series": series, "grid": grid, "extra": extra}


@pytest.mark.parametrize("name", examples())
@pytest.mark.parametrize("suffix", [".txt", ".csv", ".xy"])
def test_round_trip_is_identical(tmp_path: Path, name: str, suffix: str) -> None:
    dataset = examples()[name]
    before = dataset.copy(deep=True)
    file = write(dataset, tmp_path / f"a{suffix}")
    xr.testing.assert_identical(dataset, before)
    back = read(file)
    xr.testing.assert_identical(without_provenance(back), dataset)
    assert set(PROVENANCE) <= set(back.attrs)
    again = read(write(back, tmp_path / f"b{suffix}"))
    xr.testing.assert_identical(again, back)  # provenance stays that of the first file
    axis, unit = dataset.intensity.dims[-1], dataset.intensity.attrs["units"]
    head = f"# surfspec spectrum 1\n# axis: {axis}\n# intensity_unit: {unit}\n# kind: spectrum\n# technique: "
    assert (tmp_path / f"b{suffix}").read_text().startswith(head)


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(0, 1e12, allow_nan=False), min_size=2, max_size=8),
    attrs=st.dictionaries(
        st.from_regex(r"x_[a-z :=#@\n]{1,8}", fullmatch=True),
        st.text(max_size=30) | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False),
        max_size=5,
    ),
)
def test_any_numbers_and_attributes(tmp_path_factory: pytest.TempPathFactory, values: list[float], attrs: dict) -> None:
    attrs = {key: value for key, value in attrs.items() if not _has_surrogates(value)}
    dataset = ss.spectrum(np.arange(len(values)) / 7, values, technique="LEIS", units="counts", **attrs)
    back = read(write(dataset, tmp_path_factory.mktemp("h") / "a.csv"))
    xr.testing.assert_identical(without_provenance(back), dataset)


def _has_surrogates(value: object) -> bool:
    return isinstance(value, str) and any(0xD800 <= ord(letter) < 0xE000 for letter in value)


def test_other_programs_read_the_numbers(tmp_path: Path) -> None:
    dataset = examples()["one"]
    table = np.genfromtxt(write(dataset, tmp_path / "a.csv"), delimiter=",", comments="#", names=None)
    np.testing.assert_array_equal(table[1:, 1], dataset.intensity)
    np.testing.assert_array_equal(np.loadtxt(write(dataset, tmp_path / "a.xy"))[:, 1], dataset.intensity)


@pytest.mark.parametrize("name", ["one", "rate", "series", "grid"])
def test_vamas_keeps_numbers_and_known_metadata(tmp_path: Path, name: str) -> None:
    dataset = examples()[name]
    axis = dataset.intensity.dims[-1]
    tree = read_tree(write(dataset, tmp_path / "a.vms"), axis=axis)
    members = dataset.intensity.values.reshape(-1, dataset.sizes[axis])
    assert len(tree.children) == len(members)
    for node, values in zip(tree.children.values(), members, strict=True):
        back = node.dataset
        np.testing.assert_allclose(back[axis], dataset[axis], rtol=0, atol=1e-9)
        np.testing.assert_array_equal(back.intensity, values)
        assert back.intensity.attrs["units"] == dataset.intensity.attrs["units"]
        for key in ("technique", "region", "photon_energy", "scans", "ion", "ion_energy", "statistics"):
            assert back.attrs.get(key) == dataset.attrs.get(key) or (key == "region" and "region" not in dataset.attrs)
    if name == "series":
        assert [node.attrs["dose"] for node in tree.children.values()] == [1.6e15, 3.2e15]


def test_irregular_axis_in_vamas(tmp_path: Path) -> None:
    dataset = ss.spectrum([1.0, 2.0, 4.0], [3, 4, 5], technique="LEIS")
    back = read(write(dataset, tmp_path / "a.vms"))
    np.testing.assert_array_equal(back.kinetic_energy, [1.0, 2.0, 4.0])
    np.testing.assert_array_equal(back.intensity, [3, 4, 5])


@pytest.mark.parametrize(
    ("name", "suffix", "message"),
    [
        ("sigma", ".vms", "XRD"),
        ("one", ".xlsx", ".csv"),
        ("one", ".nc", "save"),
        ("one", "/x/y.txt", "folder"),
    ],
)
def test_what_cannot_be_written_is_refused(tmp_path: Path, name: str, suffix: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write(examples()[name], f"{tmp_path}/a{suffix}")
    assert not list(tmp_path.iterdir())


def test_uncertainties_and_arbitrary_units_have_no_place_in_vamas(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="stated uncertainties"):
        write(ss.spectrum([1, 2], [3, 4], technique="LEIS", intensity_unc=[1, 1]), tmp_path / "a.vms")
    with pytest.raises(InputError, match="intensities in arb"):
        write(ss.spectrum([1, 2], [3, 4], technique="LEIS", units="arb. units"), tmp_path / "a.vms")


def test_damaged_own_files_give_our_error(tmp_path: Path) -> None:
    good = write(examples()["series"], tmp_path / "a.csv").read_text()
    lines = good.split("\n")
    rng = np.random.default_rng(11)
    file = tmp_path / "b.csv"
    outcomes = []
    for _ in range(400):
        data = bytearray(good.encode())
        for place in rng.integers(0, len(data), 2):
            data[place] = rng.integers(32, 127)
        file.write_bytes(bytes(data))
        outcomes.append(outcome(file))
    for end in range(1, len(lines) - 1):
        file.write_text("\n".join(lines[:end]))
        outcomes.append(outcome(file))
    assert not any("\n" in text for text in outcomes)
    assert sum(1 for text in outcomes if text) > 20


def outcome(file: Path) -> str:
    try:
        read(file)
    except SurfspecError as problem:
        return str(problem)
    return ""


def test_describe_is_ready_for_json(tmp_path: Path) -> None:
    file = write(examples()["series"], tmp_path / "a.csv")
    found = json.loads(json.dumps(describe(file)))
    assert found["format"] == "surfspec text"
    assert len(found["sha256"]) == 64
    (only,) = found["spectra"]
    assert (only["technique"], only["axis"], only["points"], only["series"]) == (
        "LEIS",
        "kinetic_energy",
        41,
        {"dose": 2},
    )
    assert (only["first"], only["last"], only["step"]) == (1060.0, 1080.0, 0.5)
    assert (only["units"], only["statistics"]) == ("counts", "poisson")
    assert only["metadata"] == {"ion": "4He", "ion_energy": 3000.0}


@pytest.mark.parametrize("suffix", [".csv", ".txt", ".vms"])
def test_an_existing_file_stays(tmp_path: Path, suffix: str) -> None:
    """The file may be the measurement itself: it is replaced only on demand, a write-protected one never."""
    one = examples()["one"]
    file = tmp_path / f"a{suffix}"
    file.write_text("the measurement", encoding="utf-8")
    with pytest.raises(InputError, match=r"the file exists.*overwrite=True"):
        write(one, file)
    assert file.read_text(encoding="utf-8") == "the measurement"
    np.testing.assert_array_equal(read(write(one, file, overwrite=True)).intensity, one.intensity)
    file.chmod(0o444)
    before = file.read_bytes()
    with pytest.raises(InputError, match="write-protected"):
        write(one, file, overwrite=True)
    assert file.read_bytes() == before


@pytest.mark.parametrize("name", ["a.foo", "a"])
def test_unknown_endings_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"ending.*\.csv"):
        write(examples()["one"], tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "option", [{"technique": "XRD"}, {"axis": "kinetic_energy"}, {"units": "counts/s"}, {"column": 9}]
)
def test_arguments_against_the_file_are_refused(tmp_path: Path, option: dict[str, str]) -> None:
    file = write(examples()["one"], tmp_path / "a.csv")
    name = next(iter(option))
    with pytest.raises(InputError, match=f"{name}=.*Leave {name}= out"):
        read(file, **option)
    same = read(file, technique="XPS", axis="binding_energy", units="counts")
    xr.testing.assert_identical(same, read(file))
    with pytest.raises(InputError, match=r"column=2 has no meaning"):
        read(write(examples()["one"], tmp_path / "a.vms"), column=2)


def test_a_wavelength_of_the_caller_goes_before_that_of_the_file(tmp_path: Path) -> None:
    one = ss.spectrum([10, 20], [1, 2], technique="XRD", wavelength=1.54, wavelength_name="CuKa")
    back = read(write(one, tmp_path / "a.xy"), wavelength=1.789)
    assert (back.attrs["wavelength"], "wavelength_name" in back.attrs) == (1.789, False)
