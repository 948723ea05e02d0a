"""Text exports of SPECS and Scienta, against each other and against the VAMAS of the same measurement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surfspec.errors import FormatError, SurfspecError
from surfspec.io import read, read_tree

SPECS = """# Created by:        SpecsLab2, Version 2
#
# XY-Serializer Export Settings: as follows
#   Counts Per Second:        yes
#
# values in kinetic energy
# Region:            Na1s
# Analysis Method:   XPS
# Scan Mode:         FixedAnalyzerTransmission
# Number of Scans:   {scans}
# Values/Curve:      3
# Dwell Time:        0.5
# Excitation Energy: 1486.6
# Pass Energy:       20
#
# Cycle: 0, Curve: 0{scan0}
#
# ColumnLabels: energy counts/s transmission
#
414.0  20  0.9
414.5  40  0.8
415.0  30  0.7
"""
SECOND = """
# Cycle: 0, Curve: 0, Scan: 1
# ColumnLabels: energy counts/s transmission
414.0  24  0.9
414.5  44  0.8
415.0  34  0.7
"""

SCIENTA = """[Info]
Number of Regions=0002
Version=1.3.1

[Region 1]
Region Name=C 1s
Dimension 1 name=Kinetic Energy [eV]
Dimension 1 size=3
[Info 1]
Pass Energy=50
Number of Sweeps=10
Excitation Energy=400
Step Time=203
[Data 1]
 1.12E+002  7.5E+001
 1.13E+002  8.5E+001
 1.14E+002  9.5E+001
[Region 2]
Region Name=O 1s
Dimension 1 name=Binding Energy [eV]
Dimension 1 size=2
[Info 2]
Excitation Energy=700
[Data 2]
 532 7.5 1.5
 531 8.5 2.5
"""


def write(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "export.txt"
    file.write_text(content, encoding="utf-8", newline="\r\n")
    return file


def test_specs_rate_is_the_mean_over_scans(tmp_path: Path) -> None:
    ds = read(write(tmp_path, SPECS.format(scans=3, scan0="")))
    np.testing.assert_array_equal(ds.intensity, [45.0, 60.0, 30.0])  # rate * 0.5 s * 3, axis turned round
    np.testing.assert_allclose(ds.binding_energy, [1071.6, 1072.1, 1072.6])
    np.testing.assert_array_equal(ds.transmission, [0.7, 0.8, 0.9])
    assert (ds.attrs["region"], ds.attrs["scans"], ds.attrs["pass_energy"]) == ("Na 1s", 3, 20.0)
    assert read(write(tmp_path, SPECS.format(scans=3, scan0="")), axis="kinetic_energy").kinetic_energy[0] == 414.0


def test_specs_single_scans_are_added(tmp_path: Path) -> None:
    ds = read(write(tmp_path, SPECS.format(scans=1, scan0=", Scan: 0") + SECOND))
    np.testing.assert_array_equal(ds.intensity, [32.0, 42.0, 22.0])
    assert ds.attrs["scans"] == 2


@pytest.mark.parametrize("end", range(10, SPECS.count("\n") + SECOND.count("\n")))
def test_cut_exports_give_data_or_our_error(tmp_path: Path, end: int) -> None:
    text = (SPECS.format(scans=1, scan0=", Scan: 0") + SECOND).split("\n")
    file = write(tmp_path, "\n".join(text[:end])[:-3])
    try:
        read_tree(file)
    except SurfspecError as problem:
        message = str(problem)
    else:
        return
    assert message.startswith("export.txt")


def test_scienta_axis_is_that_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, SCIENTA)
    assert list(read_tree(file).children) == ["C 1s", "O 1s"]
    carbon = read(file, region="C1s")
    np.testing.assert_allclose(carbon.binding_energy, [286.0, 287.0, 288.0])
    np.testing.assert_array_equal(carbon.intensity, [95.0, 85.0, 75.0])
    assert (carbon.attrs["dwell_time"], carbon.attrs["scans"], carbon.attrs["statistics"]) == (0.203, 10, "unknown")
    slices = read(file, region="O1s")
    assert slices.sizes == {"slice": 2, "binding_energy": 2}
    np.testing.assert_array_equal(slices.intensity, [[8.5, 7.5], [2.5, 1.5]])
    with pytest.raises(FormatError, match="3 values promised, 2 found"):
        read(write(tmp_path, SCIENTA.replace(" 1.14E+002  9.5E+001\n", "")), region="C1s")
    with pytest.raises(FormatError, match=r"export.txt:16: '1.13E\+002  8.5E\+0x1'"):
        read(write(tmp_path, SCIENTA.replace("8.5E+001", "8.5E+0x1")))


@pytest.mark.data
def test_specs_exports_of_one_measurement_agree(data_dir: Path) -> None:
    """The same measurement exported scan by scan, as means with transmission, and as VAMAS."""
    folder = data_dir / "xps/specs_xy"
    apart, means = (read_tree(folder / f"MgFe2O4{name}.xy").children for name in ("", "_with_transmission_function"))
    assert list(apart) == list(means)
    assert len(apart) > 100
    for label in apart:
        np.testing.assert_allclose(apart[label].dataset.intensity, means[label].dataset.intensity, rtol=1e-6)
    small = read(folder / "MgFe2O4_small.xy", region="Survey")
    vamas = read(data_dir / "xps/vamas/regular.vms")
    np.testing.assert_allclose(small.binding_energy, vamas.binding_energy, atol=1e-9)
    np.testing.assert_allclose(small.intensity, vamas.intensity, rtol=1e-5)
    old = read_tree(data_dir / "xps/xylib_samples/specsxy_example.xy").children
    assert list(old) == ["over_1400eV", "O 1s", "Si 2p"]  # the absorption scan of the file is no electron spectrum


@pytest.mark.data
def test_scienta_files(data_dir: Path) -> None:
    regions = [read(file).attrs["region"] for file in sorted((data_dir / "xps/scienta_txt").glob("*.txt"))]
    assert regions == ["Survey", "O 1s", "C 1s", "Cu 3p", "Valence band"]


def test_specs_auger_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path, SPECS.format(scans=3, scan0="").replace("Method:   XPS", "Method:   AES"))
    with pytest.raises(FormatError, match=r"AES.*technique="):
        read(file)
    assert read(file, technique="XPS").attrs["technique"] == "XPS"
