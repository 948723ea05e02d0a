"""Series from files that differ in their names, and from one file of many spectra."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError
from surfspec.io import read, read_series, read_tree, write

ENERGY = np.arange(1000.0, 1050.0, 5.0)
DOSES = {1: 1.6e15, 2: 3.2e15, 3: 4.8e15}


def counts(spot: int, dose: int) -> np.ndarray:
    """Counts that tell their place."""
    return 100.0 * spot + 10.0 * dose + np.arange(ENERGY.size)


def one(spot: int, dose: int, /, **attrs: str | float) -> xr.Dataset:
    return ss.spectrum(ENERGY, counts(spot, dose), technique="LEIS", **attrs)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for spot in (2, 1):
        for dose in DOSES:
            table = "\n".join(f"{x},{y:g}" for x, y in zip(ENERGY, counts(spot, dose), strict=True))
            for more in ("", "_components"):
                (tmp_path / f"a_area{spot}_dose{dose}{more}.csv").write_text(f"energy_eV,counts\n{table}\n")
    return tmp_path


def check_places(series: xr.Dataset, spots: Sequence[int] = (1, 2)) -> None:
    assert series["intensity"].dims == ("spot", "dose", "kinetic_energy")
    np.testing.assert_array_equal(series["dose"], list(DOSES.values()))
    assert series["dose"].attrs["units"] == "ions/cm2"
    np.testing.assert_array_equal(series["spot"], spots)
    for spot in spots:
        for index, dose in DOSES.items():
            np.testing.assert_array_equal(series["intensity"].sel(spot=spot, dose=dose), counts(spot, index))


def test_files_by_a_pattern(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    series = read_series(folder / "a_area{spot}_dose{dose}.csv", technique="LEIS", dose=DOSES, ion="4He")
    check_places(series)
    assert series.attrs["ion"] == "4He"
    assert str(series["source_file"].sel(spot=2, dose=3.2e15).values) == "a_area2_dose2.csv"
    monkeypatch.chdir(folder)
    named = read_series("a_area{spot}_dose{dose}.csv", technique="LEIS", dose={str(key): v for key, v in DOSES.items()})
    np.testing.assert_array_equal(named["intensity"], series["intensity"])


def test_what_a_pattern_leaves_open_is_asked(folder: Path) -> None:
    with pytest.raises(InputError, match="the dose label '1' of a name is no dose"):
        read_series(folder / "a_area{spot}_dose{dose}.csv", technique="LEIS")
    with pytest.raises(InputError, match="labels '3' and no value"):
        read_series(folder / "a_area{spot}_dose{dose}.csv", technique="LEIS", dose={1: 1e15, 2: 2e15})
    with pytest.raises(InputError, match=r"nothing is called '\{cycle\}'"):
        read_series(folder / "a_area1_dose{dose}.csv", technique="LEIS", dose=DOSES, cycle={1: 1})
    two = read_series(folder / "a_area1_dose{dose}.csv", technique="LEIS", dose={1: 1e15, 2: 2e15}, exclude="*dose3*")
    assert two["dose"].values.tolist() == [1e15, 2e15]
    (folder / "a_area2_dose3.csv").unlink()
    with pytest.raises(InputError, match="no file for spot 2, dose"):
        read_series(folder / "a_area{spot}_dose{dose}.csv", technique="LEIS", dose=DOSES)


def test_a_file_that_does_not_fit_is_named(folder: Path) -> None:
    (folder / "a_area2_dose2.csv").write_text("energy_eV,counts\n1000,1\n1010,2\n")
    with pytest.raises(InputError, match=r"a_area2_dose2.csv: does not go into one series with a_area1_dose1.csv"):
        read_series(folder / "a_area{spot}_dose{dose}.csv", technique="LEIS", dose=DOSES)


def series_of_blocks() -> xr.Dataset:
    grid: dict[str, list[Any]] = {
        "spot": [s for s in (1, 2) for _ in DOSES],
        "dose": [d for _ in (1, 2) for d in DOSES.values()],
    }
    members = [one(s, d, ion="4He", ion_energy=3000.0, scattering_angle=145.0, dwell_time=1.0, simulated="true")
               for s in (1, 2) for d in DOSES]  # fmt: skip
    return ss.spectra.stack_grid(members, grid)


def test_vamas_brings_a_series_back(tmp_path: Path) -> None:
    series = series_of_blocks()
    file = write(series, tmp_path / "a.vms")
    back = read_series(file)
    check_places(back)
    np.testing.assert_array_equal(back["kinetic_energy"], ENERGY)
    for name in ("ion", "ion_energy", "scattering_angle", "dwell_time", "simulated", "statistics", "technique"):
        assert back.attrs[name] == series.attrs[name], name
    by_name = read_series(file, blocks="spectrum {spot} {dose}", dose=DOSES)
    np.testing.assert_array_equal(by_name["intensity"], back["intensity"])
    first = read_series(file, blocks="spectrum 1 {dose}", dose=DOSES)
    np.testing.assert_array_equal(first["intensity"], back["intensity"].isel(spot=0))


def test_vamas_keeps_the_dose_of_one_spectrum(tmp_path: Path) -> None:
    single = one(1, 1, ion="20Ne", ion_energy=5000.0, scattering_angle=60.0, dose=2.5e14, temperature=300.0)
    back = read(write(single, tmp_path / "a.vms"))
    np.testing.assert_array_equal(back["intensity"], single["intensity"])
    np.testing.assert_array_equal(back["kinetic_energy"], ENERGY)
    for name in ("ion", "ion_energy", "scattering_angle", "dose", "temperature"):
        assert back.attrs[name] == single.attrs[name], name


def test_blocks_that_nothing_tells_apart(tmp_path: Path) -> None:
    same = ss.stack([one(1, 1), one(1, 2)], "draw", ["a", "b"])
    file = write(same, tmp_path / "a.vms")
    with pytest.raises(InputError, match="2 spectra, and their metadata do not order them") as raised:
        read_series(file)
    assert "blocks:" in raised.value.remedy
    with pytest.raises(InputError, match="no spectrum is called 'b_"):
        read_series(file, blocks="b_{spot}")
    with pytest.raises(InputError, match="not every spectrum states its dose"):
        read_series(file, along="dose")
    assert read_series(file, blocks="spectrum {spot}").sizes["spot"] == 2


def test_the_fewest_dimensions_are_taken(tmp_path: Path) -> None:
    timed = series_of_blocks().isel(spot=0, drop=True).assign_coords(time=("dose", [10.0, 20.0, 30.0], {"units": "s"}))
    file = write(timed, tmp_path / "a.vms")
    back = read_series(file)
    assert back["intensity"].dims == ("dose", "kinetic_energy")
    np.testing.assert_array_equal(back["time"], [10.0, 20.0, 30.0])
    over_time = read_series(file, along="time")
    assert over_time["intensity"].dims == ("time", "kinetic_energy")
    np.testing.assert_array_equal(over_time["dose"], list(DOSES.values()))


def test_columns_called_after_places_become_a_map(tmp_path: Path) -> None:
    places = [(x, y) for y in (0, 10) for x in (0, 5, 20)]
    rows = "\n".join(",".join([f"{e}", *(f"{e + 10 * x + y}" for x, y in places)]) for e in (1.0, 2.0, 3.0))
    file = tmp_path / "map.csv"
    file.write_text(f"kinetic_energy_eV,{','.join(f'x{x}_y{y}' for x, y in places)}\n{rows}\n")
    area = read(file, technique="LEIS")
    assert area["intensity"].dims == ("x", "y", "kinetic_energy")
    for x, y in places:
        np.testing.assert_array_equal(area["intensity"].sel(x=x, y=y), np.array([1.0, 2.0, 3.0]) + 10 * x + y)
    file.write_text("kinetic_energy_eV,x0_y0,x1_y1\n1,2,3\n2,3,4\n")
    line = read(file, technique="LEIS")
    assert line["intensity"].dims == ("spectrum", "kinetic_energy")
    assert (line["x"].values.tolist(), line["y"].dims) == ([0.0, 1.0], ("spectrum",))


@pytest.mark.data
def test_measured_maps_are_one_in_both_exports(data_dir: Path) -> None:
    """The same area scan as a workbook of 13 lines and as a table of 169 columns."""
    sheets = read_series(data_dir / "leis/he_series_theta_probe_xlsx/400 K LEIS 27.5.xlsx")
    table = read(data_dir / "leis/he_series_theta_probe_csv/400_K_LEIS_grid13x13.csv", technique="LEIS")
    assert sheets["intensity"].dims == table["intensity"].dims == ("x", "y", "kinetic_energy")
    np.testing.assert_array_equal(sheets["intensity"], table["intensity"])
    np.testing.assert_allclose(sheets["x"], table["x"], atol=1.0)
    np.testing.assert_allclose(sheets["y"], table["y"], atol=1.0)
    assert sheets["x"].attrs["units"] == sheets["y"].attrs["units"] == "um"


@pytest.mark.data
def test_iss_blocks_and_files_are_one_series(data_dir: Path, tmp_path: Path) -> None:
    folder = data_dir / "leis/simulated"
    blocks = read_series(folder / "as_sintered_dose_series_ISS.vms")
    files = read_series(folder / "spectra/as_sintered_area{spot}_dose{dose}.csv", technique="LEIS",
                        dose={i: 1.6e15 * i for i in (1, 2, 3, 4)})  # fmt: skip
    assert blocks["intensity"].dims == files["intensity"].dims == ("spot", "dose", "kinetic_energy")
    for name in ("intensity", "dose", "spot", "kinetic_energy"):
        np.testing.assert_allclose(blocks[name], files[name], rtol=1e-12)
    assert (blocks.attrs["ion"], blocks.attrs["ion_energy"], blocks.attrs["scattering_angle"]) == ("4He", 3000.0, 145.0)
    assert "pass_energy" not in blocks.attrs  # the blocks write the energy of the ions in its place
    again = read_series(write(blocks, tmp_path / "again.vms"))
    for name in ("intensity", "dose", "spot", "kinetic_energy"):
        np.testing.assert_array_equal(again[name], blocks[name])
    assert len(read_tree(folder / "as_sintered_dose_series_ISS.vms").children) == 12


@pytest.mark.data
def test_currents_are_fitted(data_dir: Path) -> None:
    """A forward-angle spectrum in nA: the area is in nA eV, and a current is never called a count."""
    file = data_dir / "leis/forward_angle/exp_AuPd/14.06.2024-17-47-Ne+ 15 keV 68 nA AuPd.txt"
    spectrum = read(file, technique="LEIS")
    assert spectrum["intensity"].attrs["units"] == "nA"
    xr.testing.assert_equal(read(file, technique="LEIS", units="A"), spectrum)
    fit = ss.leis.fit(spectrum, ss.leis.Recipe(elements=("Pd", "Au"), ion="20Ne", energy=15000, angle=32))
    assert fit["area"].attrs["units"] == "nA eV"
    with pytest.raises(InputError, match="as a current and units='counts/s'"):
        read(file, technique="LEIS", units="counts/s")


def test_units_that_contradict_the_column_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("kinetic_energy_eV,Intensity (kcps)\n1,2\n2,3\n")
    np.testing.assert_array_equal(read(file, technique="LEIS", units="counts/s")["intensity"], [2000.0, 3000.0])
    with pytest.raises(InputError, match="units='nA' says otherwise"):
        read(file, technique="LEIS", units="nA")
    with pytest.raises(InputError, match="unknown intensity unit 'volts'"):
        read(file, technique="LEIS", units="volts")
    assert read(file, technique="LEIS", units="arb. units")["intensity"].values.tolist() == [2.0, 3.0]
    file.write_text("kinetic_energy_eV,I (pA)\n1,2\n2,3\n")
    np.testing.assert_allclose(read(file, technique="LEIS", units="nA")["intensity"], [2e-3, 3e-3])


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"dose": [1e15, 2e15, 3e15]}, r"Give the meaning of labels as dose=\{1"),
        ({"dose": {1: "much", 2: 1.0, 3: 2.0}}, "dose '?1'? stands for 'much'"),
        ({"dose": {1: float("nan")}}, "stands for nan"),
        ({"ion": None}, "ion is None"),
    ],
)
def test_bad_meanings_are_refused(folder: Path, given: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_series(folder / "a_area1_dose{dose}.csv", technique="LEIS", **given)


@pytest.mark.parametrize("source", ["", ".", "nothing_{dose}.csv", "{}", "{1}.csv", "no/{spot}/folder.csv"])
def test_bad_patterns_are_refused(folder: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(InputError):
        read_series(source, technique="LEIS")


def test_values_that_files_state_in_comments(tmp_path: Path) -> None:
    for letter, cycle in (("a", 7), ("b", 3)):
        table = "\n".join(f"{x},{y:g}" for x, y in zip(ENERGY, counts(1, cycle), strict=True))
        (tmp_path / f"s_{letter}.csv").write_text(
            f"# technique: LEIS\n# cycle: {cycle}\n# axis: kinetic_energy\n{table}\n"
        )
    series = read_series(tmp_path / "s_{cycle}.csv", units="counts")
    assert series["cycle"].values.tolist() == [3, 7]
    np.testing.assert_array_equal(series["intensity"].sel(cycle=7), counts(1, 7))


def test_other_numbers_that_would_do_are_named(tmp_path: Path) -> None:
    etched = ss.stack([one(1, 1), one(1, 2)], "etch_time", [30.0, 60.0])
    file = write(etched, tmp_path / "a.vms")
    with pytest.raises(InputError, match="along='etch_time'"):
        read_series(file)
    np.testing.assert_array_equal(read_series(file, along="etch_time")["etch_time"], [30.0, 60.0])


@pytest.mark.parametrize(
    ("name", "unit", "values", "want", "want_unit"),
    [
        ("time", "min", [0.5, 2.0], [30.0, 120.0], "s"),
        ("temperature", "K", [273.15, 373.15], [0.0, 100.0], "degC"),
        ("x", "mm", [0.0, 0.5], [0.0, 0.5], "mm"),
        ("x", "d", [0.0, 0.5], [0.0, 0.5], "1"),
    ],
)
def test_variables_of_vamas_keep_their_unit(
    tmp_path: Path, name: str, unit: str, values: list[float], want: list[float], want_unit: str
) -> None:
    text = write(ss.stack([one(1, 1), one(1, 2)], name, values, units="s"), tmp_path / "a.vms").read_text()
    (tmp_path / "b.vms").write_text(text.replace(f"\n{name}\ns\n", f"\n{name}\n{unit}\n", 1))
    series = read_series(tmp_path / "b.vms")
    assert series["intensity"].dims == (name, "kinetic_energy")
    np.testing.assert_allclose(series[name], want, atol=1e-9)
    assert series[name].attrs["units"] == want_unit
    stacked = ss.stack([node.to_dataset() for node in read_tree(tmp_path / "b.vms").children.values()], name)
    np.testing.assert_array_equal(stacked[name], series[name])
    assert stacked[name].attrs["units"] == want_unit


def test_a_time_in_an_unknown_unit_is_no_time(tmp_path: Path) -> None:
    text = write(ss.stack([one(1, 1), one(1, 2)], "time", [1.0, 2.0], units="s"), tmp_path / "a.vms").read_text()
    (tmp_path / "b.vms").write_text(text.replace("\ntime\ns\n", "\ntime\nfortnights\n", 1))
    with pytest.raises(InputError, match="along='time_in_fortnights'"):
        read_series(tmp_path / "b.vms")
