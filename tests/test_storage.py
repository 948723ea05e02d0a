"""Storage: what is saved comes back identical, whole or not at all, and foreign files are refused."""

from __future__ import annotations

import contextlib
import string
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as npst
import hypothesis.strategies as st
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings

from surfspec import storage
from surfspec.errors import FormatError, InputError
from surfspec.spectra import spectrum, stack
from surfspec.storage import bundle, load, save


def fit_like() -> xr.Dataset:
    """A Dataset with every kind of array and attribute that a fit has (numbers made up)."""
    return xr.Dataset(
        {
            "intensity": (("dose", "kinetic_energy"), np.arange(6.0).reshape(2, 3), {"units": "counts"}),
            "area": (("dose", "component"), [[1.0, np.nan], [3.0, 1e-300]], {"units": "counts eV"}),
            "flag": (("dose", "component"), np.array([["", "at bound"], ["not determined: ρ", ""]])),
            "verdict": ("dose", np.array(["ok", "check"])),
            "converged": ("dose", np.array([True, False])),
            "index": ("component", np.array([-1, 7], dtype=np.int32)),
            "recipe": ((), "region: O\npeaks: []\n"),
            "nothing": ("none", np.zeros(0)),
        },
        coords={
            "kinetic_energy": ("kinetic_energy", [1.0, 2.0, 3.0], {"units": "eV", "long_name": "Kinetic energy"}),
            "component": ("component", np.array(["O", "Zr 3d5/2"])),
            "element": ("component", np.array(["O", "Zr"])),
            "dose": ("dose", [1e15, 2e15], {"units": "ions/cm2"}),
        },
        attrs={"kind": "fit", "technique": "LEIS", "n": 3, "energy": 3000.0, "note": "", "missing": float("nan")},
    )


@pytest.fixture
def xps() -> xr.Dataset:
    return spectrum([180.0, 181.0, 182.5], [10, 20, 5], technique="XPS", region="Zr 3d", photon_energy=1486.6)


class TestRoundTrip:
    def test_dataset(self, tmp_path: Path) -> None:
        before = fit_like()
        after = load(save(before, tmp_path / "fit.nc"))
        assert isinstance(after, xr.Dataset)
        assert after.identical(before)
        assert after.identical(fit_like())
        assert before.identical(fit_like())  # the input is not touched
        kinds = {str(name): variable.dtype.kind for name, variable in after.variables.items()}
        assert kinds == {str(name): variable.dtype.kind for name, variable in before.variables.items()}
        assert after["index"].dtype == np.int32
        assert {name: type(value) for name, value in after.attrs.items()} == {
            name: type(value) for name, value in before.attrs.items()
        }

    def test_tree(self, tmp_path: Path, xps: xr.Dataset) -> None:
        tree = bundle(spectra={"as sintered": {"Zr 3d": xps}, "µ": {"x": xps}}, fits={"as sintered": {"O": fit_like()}})
        after = load(save(tree, tmp_path / "study.nc"))
        assert isinstance(after, xr.DataTree)
        assert after.identical(tree)
        assert after["fits/as sintered/O"].to_dataset().identical(fit_like())
        assert after.attrs["schema_version"] == storage.SCHEMA_VERSION
        assert list(after["fits/as sintered"].coords) == []  # only leaves carry coordinates

    def test_twice_is_identical(self, tmp_path: Path) -> None:
        once = load(save(fit_like(), tmp_path / "a.nc"))
        assert load(save(once, tmp_path / "b.nc")).identical(once)

    def test_versions_stand_in_the_file(self, tmp_path: Path, xps: xr.Dataset) -> None:
        file = save(xps, tmp_path / "a.nc")
        with xr.open_dataset(file, engine="h5netcdf") as raw:
            assert raw.attrs["schema_version"] == 1
            assert raw.attrs["surfspec_version"]
        kept = xps.assign_attrs(surfspec_version="0.0", schema_version=1)
        assert load(save(kept, tmp_path / "b.nc")).identical(kept)

    def test_plain_xarray_writes_what_load_reads(self, tmp_path: Path) -> None:
        fit_like().to_netcdf(tmp_path / "plain.nc", engine="h5netcdf")
        assert load(tmp_path / "plain.nc").identical(fit_like())

    def test_series(self, tmp_path: Path, xps: xr.Dataset) -> None:
        series = stack([xps.assign_attrs(sample="A"), xps.assign_attrs(sample="B", dwell_time=0.5)], "cycle")
        assert load(save(series, tmp_path / "s.nc")).identical(series)

    def test_lossy_encoding_of_another_file_is_dropped(self, tmp_path: Path, xps: xr.Dataset) -> None:
        xps["intensity"].encoding = {"dtype": "int8", "scale_factor": 3.0, "_FillValue": 1}
        assert load(save(xps, tmp_path / "a.nc")).identical(xps)
        assert xps["intensity"].encoding["scale_factor"] == 3.0

    def test_loaded_data_can_be_changed_and_the_file_removed(self, tmp_path: Path, xps: xr.Dataset) -> None:
        file = save(xps, tmp_path / "a.nc")
        after = load(file)
        file.unlink()
        after["intensity"][:] = 0.0
        assert float(after["intensity"].sum()) == 0.0


names = st.text(string.ascii_letters + "_ µ", min_size=1, max_size=6).filter(lambda name: name == name.strip())
words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
scalars = words | st.integers(-(2**63), 2**63 - 1) | st.floats()
attributes = st.dictionaries(names.map(lambda name: "u" + name), scalars, max_size=3)
dtypes = st.sampled_from(["f8", "f4", "i8", "i4", "u1", "?"])


@st.composite
def datasets(draw: Any) -> xr.Dataset:
    sizes = {"a": draw(st.integers(0, 3)), "b": draw(st.integers(1, 3))}
    variables, coords = {}, {}
    for index in range(draw(st.integers(0, 4))):
        dims = draw(st.sampled_from([(), ("a",), ("b",), ("a", "b")]))
        shape = tuple(sizes[dim] for dim in dims)
        if draw(st.booleans()):
            values = np.array(
                draw(st.lists(words, min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))), dtype=str
            )
            array = values.reshape(shape)
        else:
            array = draw(npst.arrays(np.dtype(draw(dtypes)), shape))
        (coords if draw(st.booleans()) else variables)[f"v{index}"] = (dims, array, draw(attributes))
    if draw(st.booleans()):
        labels = draw(st.lists(words, min_size=sizes["b"], max_size=sizes["b"]))
        coords["b"] = ("b", np.array(labels, dtype=str), draw(attributes))
    return xr.Dataset(variables, coords, {"kind": "table", **draw(attributes)})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(datasets(), st.booleans(), names)
def test_any_dataset_comes_back_identical(tmp_path: Path, data: xr.Dataset, as_tree: bool, label: str) -> None:
    stored = bundle(tables={label: {"r": data}}) if as_tree else data
    after = load(save(stored, tmp_path / "p.nc", overwrite=True))
    assert after.identical(stored)
    assert [entry.name for entry in tmp_path.iterdir()] == ["p.nc"]


class TestBundle:
    @pytest.mark.parametrize(
        ("groups", "message"),
        [
            ({"spectrum": {}}, "Did you mean 'spectra'"),
            ({"fits": {"a": {"Zr 3d5/2": fit_like()}}}, r"contains a slash. Use another sign there, 'Zr 3d5-2'"),
            ({"fits": {"a": {"": fit_like()}}}, "cannot be a name"),
            ({"fits": {" a": fit_like()}}, "cannot be a name"),
            ({"fits": {"..": fit_like()}}, "cannot be a name"),
            ({"fits": {5: fit_like()}}, "cannot be a name"),
            ({"fits": {"a\nb": fit_like()}}, "unprintable"),
            ({"fits": {"a": np.zeros(3)}}, "a ndarray cannot be stored"),
            ({"fits": {"a": fit_like()["area"]}}, "a DataArray cannot be stored"),
        ],
    )
    def test_what_does_not_fit(self, groups: Any, message: str) -> None:
        with pytest.raises(InputError, match=message):
            bundle(groups)

    def test_mapping_and_names_together(self, xps: xr.Dataset) -> None:
        tree = bundle({"spectra": {"a": {"Zr 3d": xps}}}, tables={"a": fit_like()})
        assert {node.path for node in tree.leaves} == {"/spectra/a/Zr 3d", "/tables/a"}

    def test_changing_the_tree_leaves_the_input(self, xps: xr.Dataset) -> None:
        tree = bundle(spectra={"a": xps})
        tree["spectra/a"].attrs["region"] = "changed"
        tree["spectra/a"]["new"] = 5.0
        assert xps.attrs["region"] == "Zr 3d"
        assert "new" not in xps


class TestRefusals:
    @pytest.mark.parametrize(
        "value", [True, None, [1, 2], np.array([1.0]), {"a": 1}, 2**70, "a\x00b", "\ud800", np.bool_(True), b"x"]
    )
    def test_attributes(self, tmp_path: Path, xps: xr.Dataset, value: Any) -> None:
        for data in (xps.assign_attrs(odd=value), xps.assign(v=((), 1.0, {"odd": value}))):
            with pytest.raises(InputError):
                save(data, tmp_path / "a.nc")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("name", ["_FillValue", "scale_factor", "coordinates", "dtype", "a/b", "", "a\n"])
    def test_attribute_names(self, tmp_path: Path, xps: xr.Dataset, name: str) -> None:
        with pytest.raises(InputError):
            save(xps.assign(v=((), 1.0, {name: 1.0})), tmp_path / "a.nc")

    @pytest.mark.parametrize(
        "values",
        [np.array(["a", None], dtype=object), np.array([1, 2], dtype="M8[ns]"), np.array([1j, 2]), [b"a", b"b"]],
    )
    def test_arrays(self, tmp_path: Path, xps: xr.Dataset, values: Any) -> None:
        with pytest.raises(InputError, match="'v' is an array of"):
            save(xps.assign(v=("q", values)), tmp_path / "a.nc")

    def test_names_with_a_slash(self, tmp_path: Path, xps: xr.Dataset) -> None:
        with pytest.raises(InputError, match="slash"):
            save(xps.assign({"Zr 3d5/2": 1.0}), tmp_path / "a.nc")

    def test_no_silent_overwriting(self, tmp_path: Path, xps: xr.Dataset) -> None:
        file = save(xps, tmp_path / "a.nc")
        with pytest.raises(InputError, match="exists already"):
            save(fit_like(), file)
        assert load(file).identical(xps)
        assert load(save(fit_like(), file, overwrite=True)).identical(fit_like())

    def test_places(self, tmp_path: Path, xps: xr.Dataset) -> None:
        for place in (tmp_path, tmp_path / "missing" / "a.nc"):
            with pytest.raises(InputError):
                save(xps, place, overwrite=True)
        with pytest.raises(InputError, match="a int cannot be saved"):
            save(5, tmp_path / "a.nc")  # type: ignore[arg-type]

    @pytest.mark.parametrize("error", [OSError("no space left on device"), KeyboardInterrupt()])
    def test_a_failure_leaves_the_old_file_and_no_remains(
        self, tmp_path: Path, xps: xr.Dataset, monkeypatch: pytest.MonkeyPatch, error: BaseException
    ) -> None:
        file = save(xps, tmp_path / "a.nc")

        def break_off(self: xr.DataTree, path: Path, **_: Any) -> None:
            Path(path).write_bytes(b"half a file")
            raise error

        monkeypatch.setattr(xr.DataTree, "to_netcdf", break_off)
        with pytest.raises((InputError, KeyboardInterrupt)):
            save(fit_like(), file, overwrite=True)
        monkeypatch.undo()
        assert load(file).identical(xps)
        assert list(tmp_path.iterdir()) == [file]


class TestFiles:
    def test_missing_and_folder(self, tmp_path: Path) -> None:
        with pytest.raises(FormatError, match="no such file"):
            load(tmp_path / "a.nc")
        with pytest.raises(FormatError, match="a folder"):
            load(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"text", b"\x89HDF\r\n\x1a\n", b"CDF\x01" + b"\x00" * 40])
    def test_damaged(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.nc").write_bytes(content)
        with pytest.raises(FormatError, match="damaged or no netCDF"):
            load(tmp_path / "a.nc")

    def test_truncated_anywhere(self, tmp_path: Path) -> None:
        content = save(fit_like(), tmp_path / "a.nc").read_bytes()
        for size in np.linspace(1, len(content) - 1, 25).astype(int):
            (tmp_path / "b.nc").write_bytes(content[:size])
            with pytest.raises(FormatError):
                load(tmp_path / "b.nc")

    def test_foreign(self, tmp_path: Path) -> None:
        xr.Dataset({"a": ("x", [1.0])}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
        with pytest.raises(FormatError, match="another program"):
            load(tmp_path / "a.nc")

    def test_later_layout(self, tmp_path: Path, xps: xr.Dataset) -> None:
        xps.assign_attrs(schema_version=99).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
        with pytest.raises(FormatError, match="Install a newer surfspec"):
            load(tmp_path / "a.nc")

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.floats(0, 1, exclude_max=True), st.integers(1, 255))
    def test_a_flipped_byte_is_read_or_refused(self, tmp_path: Path, place: float, flip: int) -> None:
        sound = tmp_path / "a.nc"
        content = bytearray((sound if sound.exists() else save(fit_like(), sound)).read_bytes())
        content[int(place * len(content))] ^= flip
        (tmp_path / "b.nc").write_bytes(content)
        with contextlib.suppress(FormatError):  # and nothing else
            assert isinstance(load(tmp_path / "b.nc"), xr.Dataset | xr.DataTree)
