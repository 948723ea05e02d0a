"""LEIS series of a study: files by patterns, and one file of many blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec import recipes
from surfspec.errors import InputError, SurfspecError
from surfspec.io.coordinates import values_of_metadata
from surfspec.study import reading
from surfspec.study.spec import Files, LeisPart, Study

PART = LeisPart(ion="4He", energy=3000.0, angle=145.0, elements=("O", "Zr"))
ENERGY = np.arange(1000.0, 1100.0, 5.0)
DOSES = [1e15, 2e15, 3e15]


def one(spot: int, dose: int, /, **attrs: float | str) -> xr.Dataset:
    counts = 100.0 * spot + 10.0 * dose + np.arange(ENERGY.size)
    known = {"ion": "4He", "ion_energy": 3000.0, "scattering_angle": 145.0, **attrs}
    return ss.spectrum(ENERGY, counts, technique="LEIS", **known)  # type: ignore[arg-type]


def grid() -> xr.Dataset:
    members = [one(spot, dose) for spot in (1, 2) for dose in (1, 2, 3)]
    return ss.spectra.stack_grid(members, {"spot": [1, 1, 1, 2, 2, 2], "dose": DOSES * 2})


def read(files: str | Files, base: Path) -> xr.Dataset:
    return reading.read_leis(files, base, PART, where="samples.a.leis", fallback=None, progress=lambda text: None)


def test_one_file_of_many_blocks_is_a_series(tmp_path: Path) -> None:
    ss.write(grid(), tmp_path / "a.vms")
    series = read("a.vms", tmp_path)
    assert series["intensity"].dims == ("spot", "dose", "kinetic_energy")
    np.testing.assert_array_equal(series["intensity"], grid()["intensity"])
    np.testing.assert_array_equal(series["dose"], DOSES)
    named = read(Files("a.vms", blocks="spectrum {spot} {dose}", dose={"1": 4e15, "2": 5e15, "3": 6e15}), tmp_path)
    np.testing.assert_array_equal(named["intensity"], series["intensity"])
    np.testing.assert_array_equal(named["dose"], [4e15, 5e15, 6e15])


def test_blocks_without_order_are_explained(tmp_path: Path) -> None:
    ss.write(ss.stack([one(1, 1), one(1, 2)], "draw", ["a", "b"]), tmp_path / "a.vms")
    with pytest.raises(InputError, match=r"a\.vms.*2 spectra, and their metadata do not order") as raised:
        read("a.vms", tmp_path)
    assert "blocks: 'name_spot{spot}_dose{dose}'" in raised.value.remedy


def test_regions_that_make_no_series_are_named() -> None:
    members = [one(1, 1, region="Na 1s"), one(1, 2, region="P 2p")]
    with pytest.raises(InputError, match=r"do not order them into a series \(regions Na 1s, P 2p"):
        values_of_metadata(members, where="a.vms")


def test_blocks_of_two_settings_are_refused(tmp_path: Path) -> None:
    ss.write(ss.stack([one(1, 1), one(1, 2, ion_energy=5000.0)], "dose", DOSES[:2]), tmp_path / "a.vms")
    with pytest.raises(SurfspecError, match="differ in ion_energy"):
        read("a.vms", tmp_path)


def test_files_that_extend_a_name_are_no_part_of_the_series(tmp_path: Path) -> None:
    for dose in (1, 2, 3):
        ss.write(one(1, dose), tmp_path / f"a_dose{dose}.csv")
        (tmp_path / f"a_dose{dose}_components.csv").write_text("energy,O,Zr\n1,2,3\n2,3,4\n")
    doses = {str(i): DOSES[i - 1] for i in (1, 2, 3)}
    assert read(Files("a_dose{dose}.csv", dose=doses), tmp_path)["dose"].values.tolist() == DOSES
    text = (
        "study: s\nsamples:\n  a: {leis: {files: 'a_dose{dose}.csv', exclude: ['*_dose2.csv'], "
        "dose: {1: 1.0e15, 3: 3.0e15}}}\nleis: {ion: 4He, energy: 3000, angle: 145, elements: [O, Zr]}\n"
    )
    (tmp_path / "study.yaml").write_text(text)
    loaded = recipes.load_file(tmp_path / "study.yaml", Study).samples["a"].leis
    assert isinstance(loaded, Files)
    assert read(loaded, tmp_path)["dose"].values.tolist() == [1e15, 3e15]


def test_a_dose_beside_one_spectrum_is_refused(tmp_path: Path) -> None:
    ss.write(one(1, 1), tmp_path / "a.csv")
    with pytest.raises(InputError, match="a meaning is given for the dose and the file holds one spectrum"):
        read(Files("a.csv", dose={"1": 1e15}), tmp_path)
