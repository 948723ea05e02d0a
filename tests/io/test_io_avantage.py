"""Avantage workbooks: made here in its layout, and measured ones against the vendor's own numbers."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from surfspec.errors import FormatError, InputError, SurfspecError
from surfspec.io import read, read_avantage_results, read_tree


def workbook(tmp_path: Path, *extra: list[object], column: str = "Counts / s", kinetic: bool = False) -> Path:
    """Write a sheet in the layout of Avantage: a fitted Na 1s region of three points."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Na1s Scan"
    rows: list[list[object]] = [["\ufeff"], ["Axis", "Energy", "Elements=", 3], *extra, ["C:\\data\\Na1s Scan.VGD"], []]
    rows += [
        ["Kinetic Energy (E)" if kinetic else "Binding Energy (E)", None, None, None, "Na1s A", "Backgnd.", "Envelope"],
        ["eV", None, column, None, *[column] * 3],
        [1073.0, None, 450.0, None, 0, 0, 440.0],
        [1072.0, None, 5000.0, None, 4900.0, 400.0, 4900.0],
        [1071.0, None, 475.0, None, 420.0, 400.0, 420.0],
    ]
    for row in rows:
        sheet.append(row)
    table = book.create_sheet("Quantifications")
    table.append([" ", "Name ", "Peak BE", "FWHM eV", "Area (P) CPS.eV", "Atomic %", "SF"])
    table.append([None, "Na1s A", 1072.0, 1.5, 4500.0, 100.0, 8.52])
    table.append([None, "broken", "-1.#INF0", 1.5, 4500.0, 0, 1])
    file = tmp_path / "made.bin"
    book.save(file)
    return file


def test_measured_column_alone_is_the_spectrum(tmp_path: Path) -> None:
    ds = read(workbook(tmp_path))
    np.testing.assert_array_equal(ds.intensity, [475.0, 5000.0, 450.0])
    np.testing.assert_array_equal(ds.binding_energy, [1071.0, 1072.0, 1073.0])
    assert (ds.attrs["region"], ds.attrs["statistics"], ds.attrs["technique"]) == ("Na 1s", "unknown", "XPS")
    assert ds.attrs["source_format"] == "Avantage .xlsx"


def test_dwell_time_and_scans_make_counts(tmp_path: Path) -> None:
    ds = read(
        workbook(tmp_path, ["Dwell Time (ms)", 50], ["Number of Scans", 4], ["Pass Energy (eV)", 20]), region="Na_1s"
    )
    np.testing.assert_array_equal(ds.intensity, [95.0, 1000.0, 90.0])
    assert (ds.attrs["statistics"], ds.attrs["scans"], ds.attrs["pass_energy"]) == ("poisson", 4, 20.0)
    given = read(workbook(tmp_path), dwell_time=0.05, scans=4)
    np.testing.assert_array_equal(given.intensity, ds.intensity)


def test_kinetic_sheet_asks_for_the_technique(tmp_path: Path) -> None:
    file = workbook(tmp_path, kinetic=True)
    with pytest.raises(InputError, match="technique='LEIS'"):
        read(file)
    assert read(file, technique="LEIS").intensity.dims == ("kinetic_energy",)


def test_stored_results(tmp_path: Path) -> None:
    results = read_avantage_results(workbook(tmp_path))
    peaks = results["peaks/Quantifications"].dataset
    assert peaks.peak.values.tolist() == ["Na1s A"]  # the row without a position is no peak
    assert {name: float(peaks[name][0]) for name in peaks.data_vars} == {
        "center": 1072.0, "fwhm": 1.5, "area": 4500.0, "atomic_percent": 100.0, "sensitivity_factor": 8.52,
    }  # fmt: skip
    curves = results["curves/Na 1s"].dataset
    np.testing.assert_array_equal(curves.background, [400.0, 400.0, np.nan])
    np.testing.assert_array_equal(curves.component_curve[0], [420.0, 4900.0, np.nan])


def test_broken_workbooks(tmp_path: Path) -> None:
    good = workbook(tmp_path).read_bytes()
    file = tmp_path / "broken.xlsx"
    rng = np.random.default_rng(7)
    for _ in range(60):
        data = bytearray(good)
        for place in rng.integers(0, len(data), 20):
            data[place] = rng.integers(0, 256)
        file.write_bytes(bytes(data[: int(rng.integers(100, len(data)))]))
        assert refusal(file)
    file.write_bytes(b"PK\x03\x04 xl/workbook rubbish")
    with pytest.raises(FormatError, match="damaged"):
        read(file)
    book = openpyxl.Workbook()
    book.active.append(["nothing", "here"])
    book.save(file)
    with pytest.raises(FormatError, match="no sheet"):
        read(file)
    with pytest.raises(FormatError, match="no peak table"):
        read_avantage_results(file)


def refusal(file: Path) -> str:
    """Return the text of our error; any other exception fails the test."""
    try:
        read_tree(file)
    except SurfspecError as problem:
        return str(problem)
    return ""


def test_archive_bomb_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    with pytest.raises(FormatError, match="unpacks"):
        read(file)


@pytest.mark.data
def test_vendor_numbers_are_consistent(data_dir: Path) -> None:
    """Avantage's own area of Na 1s is that of its curve: the columns and the table belong to the same fit."""
    file = data_dir / "xps/kherve_fits/Hard_carbon_Thermo.xlsx"
    assert list(read_tree(file).children) == ["Survey", "O 1s", "Na 1s", "C 1s", "C KLL"]
    results = read_avantage_results(file)
    peaks = results["peaks/Quantifications"].dataset.set_index(peak="peak")
    curves = results["curves/Na 1s"].dataset
    net = (curves.component_curve[0] - curves.background).dropna("binding_energy")
    y, x = net.values, net.binding_energy.values
    area = float(np.sum(0.5 * (y[1:] + y[:-1]) * np.diff(x)))
    assert area == pytest.approx(float(peaks.area.sel(peak="Na1s")), rel=0.02)
    top = float(net.binding_energy[int(np.argmax(net.values))])
    assert top == pytest.approx(float(peaks.center.sel(peak="Na1s")), abs=0.1)
    measured = read(file, region="Na1s")
    np.testing.assert_array_equal(curves.intensity, measured.intensity)


@pytest.mark.data
def test_ion_scattering_series_equals_its_csv(data_dir: Path) -> None:
    folder = data_dir / "leis"
    tree = read_tree(folder / "he_series_theta_probe_xlsx/continuous LEIS on 2nd pt Cu 400 K Ankit.xlsx")
    for label, name in (("Raw-spec 1", "round1"), ("Raw-spec 2", "round2")):
        twin = np.loadtxt(
            folder / f"he_series_theta_probe_csv/continuous_400K_{name}_counts_per_s.csv", delimiter=",", skiprows=1
        )
        ours = tree[label].dataset
        assert (ours.attrs["technique"], ours.attrs["emission_angle"]) == ("LEIS", 27.5)
        np.testing.assert_array_equal(ours.kinetic_energy, twin[:, 0])
        np.testing.assert_array_equal(ours.intensity, twin[:, 1:].T)
    assert "1 of 11" in tree["Raw-spec 2"].attrs["left_out"]  # the aborted iteration holds -1.#INF0
    areas = read_avantage_results(folder / "he_series_theta_probe_xlsx/continuous LEIS on 2nd pt Cu 400 K Ankit.xlsx")[
        "areas/Sheet1"
    ].dataset.area
    assert areas.sizes == {"spectrum": 20, "peak": 2}
    assert float(areas.sel(peak="Ag")[0]) == 219354.0


@pytest.mark.data
def test_all_measured_workbooks(data_dir: Path) -> None:
    refused = {}
    for file in sorted(data_dir.rglob("*.xlsx")):
        if text := refusal(file):
            refused[file.name] = text
    assert set(refused) == {f"Multiplex Data - {name}.xlsx" for name in ("C1s", "F1s", "O1s")}
    assert all("no sheet with numbers under" in text for text in refused.values())
