"""Diffractometer files: made here byte by byte of every kind, and measured ones against exports of the same scan."""

from __future__ import annotations

import bz2
import gzip
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

import surfspec as ss
from surfspec.errors import FormatError

COUNTS = [100.0, 400.0, 90.0, 25.0]


def padded(text: str, length: int) -> bytes:
    return text.encode("latin-1").ljust(length, b"\0")


def raw_3(
    counts: list[float] = COUNTS, *, kind: int = 0, record: int = 4, ranges: int = 1, ratio: float = 0.5
) -> bytes:
    """RAW1.01 by its table of offsets."""
    head = bytearray(712)
    head[:8] = padded("RAW1.01", 8)
    struct.pack_into("<I", head, 12, ranges)
    head[326:386] = padded("pellet 7", 60)
    struct.pack_into("<f", head, 564, 217.5)
    head[608:612] = padded("Co", 4)
    struct.pack_into("<4d", head, 624, 1.78897, 1.79285, 1.62079, ratio)
    out = bytes(head)
    for number in range(ranges):
        block = bytearray(304)
        struct.pack_into("<II", block, 0, 304, len(counts))
        struct.pack_into("<dd", block, 8, 5.0 + 20 * number, 10.0 + 40 * number)
        struct.pack_into("<d", block, 176, 0.02)
        struct.pack_into("<fI", block, 192, 2.0, kind)
        struct.pack_into("<II", block, 252, record, 12)
        data = b"".join(struct.pack("<f", value).ljust(record, b"\7") for value in counts)
        out += bytes(block) + b"\1" * 12 + data
    return out


def raw_4(counts: list[float] = COUNTS, *, two_theta: float = 10.0, record: int = 8) -> bytes:
    """RAW4.00: segments, then one range."""
    tube = bytearray(120)
    struct.pack_into("<II", tube, 0, 30, 120)
    struct.pack_into("<5d", tube, 72, 1.54184, 1.5406, 1.54439, 1.39222, 0.5)
    tube[116:120] = padded("Cu", 4)
    key = struct.pack("<III", 10, 46, 0) + padded("SAMPLEID", 24) + padded("ZrO2", 10)
    drives = b""
    for number, (name, position) in enumerate((("2Theta", two_theta), ("Theta", 5.0))):
        drive = bytearray(72)
        struct.pack_into("<III", drive, 0, 50, 72, 2 - number)
        drive[12:36] = padded(name, 24)
        struct.pack_into("<d", drive, 56, position)
        drives += bytes(drive)
    head = bytearray(160)
    head[32:56] = padded("Locked Coupled", 24)
    struct.pack_into("<ddIf", head, 72, 10.0, 0.02, len(counts), 77.9)
    struct.pack_into("<II", head, 136, record, len(drives))
    data = b"".join(struct.pack("<f", value).ljust(record, b"\1") for value in counts)
    return padded("RAW4.00", 12) + b"\0" * 49 + key + bytes(tube) + bytes(head) + drives + data


def raw_1(counts: list[float] = COUNTS) -> bytes:
    head = bytearray(156)
    head[:4] = b"RAW "
    struct.pack_into("<Iff", head, 4, len(counts), 4.0, 0.04)
    struct.pack_into("<f", head, 24, 4.98)
    head[40:72] = padded("CLAY", 32)
    struct.pack_into("<ff", head, 72, 1.5406, 1.54443)
    return bytes(head) + struct.pack(f"<{len(counts)}f", *counts)


def test_raw_of_version_3(tmp_path: Path) -> None:
    file = tmp_path / "a.dat"
    file.write_bytes(raw_3())
    ds = ss.read(file)
    np.testing.assert_array_equal(ds.intensity, COUNTS)
    np.testing.assert_allclose(ds.two_theta, [10.0, 10.02, 10.04, 10.06])
    assert (ds.attrs["statistics"], ds.attrs["dwell_time"], ds.attrs["sample"]) == ("poisson", 2.0, "pellet 7")
    assert (ds.attrs["wavelength"], ds.attrs["wavelength_name"], ds.attrs["radius_mm"]) == (1.78897, "CoKa", 217.5)
    file.write_bytes(raw_3(ratio=0.0))
    assert ss.read(file).attrs["wavelength_name"] == "CoKa1"


@pytest.mark.parametrize("record", [4, 8, 12])
def test_records_of_any_length(tmp_path: Path, record: int) -> None:
    for name, data in (("3.raw", raw_3(record=record)), ("4.raw", raw_4(record=record))):
        (tmp_path / name).write_bytes(data)
        np.testing.assert_array_equal(ss.read(tmp_path / name).intensity, COUNTS)


def test_ranges_of_a_raw_are_chosen_by_label(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(raw_3(ranges=2))
    assert ss.read(tmp_path / "a.raw", region="range 2").two_theta.values[0] == pytest.approx(50.0)


def test_raw_of_version_4_and_1(tmp_path: Path) -> None:
    (tmp_path / "4.raw").write_bytes(raw_4())
    four = ss.read(tmp_path / "4.raw")
    np.testing.assert_array_equal(four.intensity, COUNTS)
    np.testing.assert_allclose(four.two_theta, [10.0, 10.02, 10.04, 10.06])
    assert (four.attrs["sample"], four.attrs["wavelength_name"]) == ("ZrO2", "CuKa")
    assert four.attrs["dwell_time"] == pytest.approx(77.9)
    (tmp_path / "1.raw").write_bytes(raw_1())
    one = ss.read(tmp_path / "1.raw")
    np.testing.assert_allclose(one.two_theta, [4.98, 5.02, 5.06, 5.10])
    assert (one.attrs["wavelength"], one.attrs["sample"]) == (1.5406, "CLAY")
    assert "wavelength_name" not in one.attrs


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (raw_3()[:-3], "ends before its last point"),
        (raw_3()[:900], "ends before its last point"),
        (raw_3()[:100], "ends before its last point"),
        (raw_4()[:-5], "ends before its last point"),
        (raw_3(kind=3), "not over 2θ"),
        (raw_4(two_theta=33.0), "not over 2θ"),
        (raw_1()[:-4], "ends before its last point"),
        (raw_3([100.0, float("nan"), 3.0, 4.0]), "no finite number"),
        (b"RAW2" + b"\0" * 600, "version 2"),
    ],
)
def test_damaged_and_foreign_scans_are_refused(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a.raw").write_bytes(data)
    with pytest.raises(FormatError, match=message):
        ss.read(tmp_path / "a.raw")


RAS = """*RAS_DATA_START
*RAS_HEADER_START
*FILE_SAMPLE "NZSP"
*HW_XG_TARGET_NAME "Cu"
*HW_XG_WAVE_LENGTH_ALPHA1 "1.540593"
*HW_XG_WAVE_LENGTH_ALPHA2 "1.544414"
*MEAS_COND_XG_WAVE_TYPE "Ka"
*MEAS_SCAN_AXIS_X "2θ/θ"
*MEAS_SCAN_AXIS_X_INTERNAL "{axis}"
*MEAS_SCAN_SPEED "3.0000"
*MEAS_SCAN_SPEED_UNIT "deg/min"
*MEAS_SCAN_STEP "0.02"
*MEAS_SCAN_UNIT_Y "{unit}"
*DISP_NOTE "測定データ-4のグラフ"
*RAS_HEADER_END
*RAS_INT_START
10.00 {first} {factor}
10.02 400 1.0
10.04 90 1.0
*RAS_INT_END
*RAS_DATA_END
"""


def ras(unit: str = "counts", factor: str = "1.0", axis: str = "TwoThetaTheta", first: str = "100") -> bytes:
    return RAS.format(unit=unit, factor=factor, axis=axis, first=first).encode("cp932")


def test_ras_in_japanese(tmp_path: Path) -> None:
    file = tmp_path / "a.ras"
    file.write_bytes(ras())
    ds = ss.read(file)
    np.testing.assert_array_equal(ds.intensity, [100, 400, 90])
    assert (ds.attrs["sample"], ds.attrs["statistics"], ds.attrs["wavelength_name"]) == ("NZSP", "poisson", "CuKa")
    assert ds.attrs["dwell_time"] == pytest.approx(0.4)  # 0.02 deg at 3 deg/min


def test_ras_rates_and_attenuation(tmp_path: Path) -> None:
    file = tmp_path / "a.ras"
    file.write_bytes(ras(unit="cps", first="250"))
    rate = ss.read(file)  # 250 cps for 0.4 s are 100 counts
    np.testing.assert_allclose(rate.intensity, [100, 160, 36])
    file.write_bytes(ras(factor="8.0"))
    weakened = ss.read(file)
    np.testing.assert_allclose(weakened.intensity, [800, 400, 90])
    np.testing.assert_allclose(weakened.intensity_unc, [80, 20, np.sqrt(90)])
    assert weakened.attrs["statistics"] == "given"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (ras(axis="Omega"), "over Omega"),
        (ras(factor="0"), "not positive"),
        (ras().split(b"*RAS_INT_END")[0], "does not end"),
        (ras(first="x"), "no table"),
    ],
)
def test_bad_ras_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "a.ras").write_bytes(data)
    with pytest.raises(FormatError, match=message):
        ss.read(tmp_path / "a.ras")


def test_rasx(tmp_path: Path) -> None:
    conditions = (
        "<MeasurementConditions><TargetName>Cu</TargetName><WaveType>Ka</WaveType><SampleName>S</SampleName>"
        "<WavelengthKalpha1>1.540593</WavelengthKalpha1><WavelengthKalpha2>1.544414</WavelengthKalpha2>"
        "<AxisName>TwoThetaTheta</AxisName><IntensityUnit>counts</IntensityUnit><Step>0.02</Step>"
        "<Speed>12.0</Speed><SpeedUnit>deg/min</SpeedUnit></MeasurementConditions>"
    )
    file = tmp_path / "a.rasx"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("Data0/Profile0.txt", "\ufeff3.00\t2589\t1\r\n3.02\t2684\t1\r\n")
        archive.writestr("Data0/MesurementConditions0.xml", conditions)
    ds = ss.read(file)
    assert (ds.intensity.values.tolist(), ds.attrs["wavelength_name"]) == ([2589.0, 2684.0], "CuKa")
    assert ds.attrs["dwell_time"] == pytest.approx(0.1)


def brml(columns: str = "TwoTheta", factor: str = "1") -> bytes:
    return (
        "<RawData><TimeStampStarted>2025-02-26</TimeStampStarted><DataRoutes><DataRoute>"
        f"<Datum>2.5,{factor},10.00,5.00,100</Datum><Datum>2.5,1,10.02,5.01,400</Datum>"
        "<DataViews xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>"
        "<RawDataView xsi:type='FixedRawDataView' Start='0' Length='1' LogicName='MeasuredTime'/>"
        "<RawDataView xsi:type='FixedRawDataView' Start='1' Length='1' LogicName='AbsorptionFactor'/>"
        f"<RawDataView xsi:type='VaryingRawDataView' Start='2' Length='2'><FieldDefinitions AxisId='{columns}'/>"
        "<FieldDefinitions AxisId='Theta'/></RawDataView>"
        "<RawDataView xsi:type='RecordedRawDataView' Start='4' Length='1'/></DataViews></DataRoute></DataRoutes>"
        "<WaveLengthAlpha1 Value='1.5406'/><WaveLengthAlpha2 Value='1.54439'/><WaveLengthRatio Value='0.5'/>"
        "<TubeMaterial>Cu</TubeMaterial><InfoItem Name='SampleName' Value='TiOF'/></RawData>"
    ).encode()


def write_brml(file: Path, document: bytes) -> Path:
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("Experiment0/RawData0.xml", document)
    return file


def test_brml_columns_are_found_by_their_names(tmp_path: Path) -> None:
    ds = ss.read(write_brml(tmp_path / "a.brml", brml()))
    assert (ds.intensity.values.tolist(), ds.two_theta.values.tolist()) == ([100.0, 400.0], [10.0, 10.02])
    assert (ds.attrs["dwell_time"], ds.attrs["wavelength_name"], ds.attrs["sample"]) == (2.5, "CuKa", "TiOF")
    weakened = ss.read(write_brml(tmp_path / "b.brml", brml(factor="10")))
    np.testing.assert_allclose(weakened.intensity_unc, [100.0, 20.0])
    with pytest.raises(FormatError, match="not 2θ and a counter"):
        ss.read(write_brml(tmp_path / "c.brml", brml(columns="Phi")))
    with pytest.raises(FormatError, match="document type"):
        ss.read(write_brml(tmp_path / "d.brml", b"<!DOCTYPE a>" + brml()))


def test_gsas_records(tmp_path: Path) -> None:
    file = tmp_path / "a.gsa"
    fields = "".join(f"{value:8d}" for value in (174, 190, 161)) + " 2  50.5"
    file.write_text(f"a title\nBANK 1 4 1 CONST 1000.0 2.5 0 0 STD\n{fields}\n")
    ds = ss.read(file, wavelength="CuKa")
    np.testing.assert_allclose(ds.intensity, [174, 190, 161, 101])
    np.testing.assert_allclose(ds.two_theta, [10.0, 10.025, 10.05, 10.075])
    for form, rows in (("FXYE", "1000.0 174 40\n1002.5 190 14\n"), ("ESD", "174 40\n190 14\n")):
        file.write_text(f"t\nBANK 1 2 2 CONST 1000.0 2.5 0 0 {form}\n{rows}")
        given = ss.read(file)
        np.testing.assert_allclose(given.two_theta, [10.0, 10.025])
        np.testing.assert_allclose(given.intensity_unc, [40.0, 14.0])
        assert given.attrs["statistics"] == "given"
    file.write_text("t\nBANK 1 2 2 CONST 1000.0 2.5 0 0 ESD\n100 10\n400 20\n")
    assert ss.read(file).attrs["statistics"] == "poisson"
    file.write_text(f"a title\nBANK 1 9 1 CONST 1000.0 2.5 0 0 STD\n{fields}\n")
    with pytest.raises(FormatError, match="fewer counts"):
        ss.read(file)


@pytest.mark.parametrize(
    "text",
    [
        "t\nBANK 1 2 1 CONST abc def 0 0 STD\n     174     190\n",
        "t\nBANK 1 2 1 CONST 2000 STD\n     174     190\n",
        "t\nBANK 1 2 1 CONST 1000.0 2.5 0 0 ESD\n1.2.3 4\n-- 4\n",
        "SampleIdent A   \nAnode Cu\n 5.0 0.02 5.02 MeasureDateTime x\n 100 --5\n",
    ],
)
def test_damaged_powder_text_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.dat").write_text(text)
    with pytest.raises(FormatError):
        ss.read(tmp_path / "a.dat", technique="XRD")


def test_damaged_archives_are_refused(tmp_path: Path) -> None:
    whole = write_brml(tmp_path / "a.brml", brml()).read_bytes()
    for number, data in enumerate((whole[:-30], whole[:60] + whole[80:], brml().replace(b"Start='2'", b"Start='x'"))):
        file = tmp_path / f"{number}.brml"
        if number == 2:
            write_brml(file, data)
        else:
            file.write_bytes(data)
        with pytest.raises(FormatError):
            ss.read(file)
    crowded = write_brml(tmp_path / "b.brml", b"<RawData>" + b"<b/>" * 5_000_000 + b"</RawData>")
    with pytest.raises(FormatError, match="elements"):
        ss.read(crowded)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files_are_unpacked(tmp_path: Path, pack: object) -> None:
    file = tmp_path / "a.xy.packed"
    plain = b"# technique: XRD\n# axis: two_theta\n10 5\n11 6\n12 9\n"
    file.write_bytes(pack(plain))  # type: ignore[operator]
    assert ss.read(file).intensity.values.tolist() == [5.0, 6.0, 9.0]
    file.write_bytes(pack(plain)[:-9])  # type: ignore[operator]
    with pytest.raises(FormatError, match=r"cut off|damaged"):
        ss.read(file)


def test_other_techniques_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(raw_4())
    with pytest.raises(FormatError, match="diffraction patterns"):
        ss.read(tmp_path / "a.raw", technique="XPS")


@pytest.mark.data
@pytest.mark.parametrize(
    ("one", "other", "step"),
    [("BT86.raw", "BT86_.UXD", 5.001e-3), ("D5000_1.RAW", "D5000_1.xy", 1e-9), ("cpd-1g.dat", "cpd-1g.prn", 1e-9)],
)
def test_the_same_scan_in_two_formats(data_dir: Path, one: str, other: str, step: float) -> None:
    folder = data_dir / "xrd" / "formats"
    a, b = ss.read(folder / one, technique="XRD"), ss.read(folder / other, technique="XRD")
    np.testing.assert_array_equal(a.intensity, b.intensity)
    np.testing.assert_allclose(a.two_theta, b.two_theta, atol=step)  # the UXD gives four digits


@pytest.mark.data
def test_measured_files_of_every_maker(data_dir: Path) -> None:
    """Points and ends as the headers of the files state them; the wavelength is read, never guessed."""
    folder = data_dir / "xrd" / "formats"
    expected = {
        "LaB6_Jan2018.raw": (3040, 10.0, 70.0045, "CuKa"),
        "TiO2.raw": (1647, 10.0, 70.0411, "CuKa"),
        "bruker.raw": (4059, 37.0001, 120.0046, "CuKa"),
        "brk_raw1.raw": (876, 4.98, 39.98, None),
        "TiOF.brml": (2469, 9.9988, 60.0128, "CuKa"),
        "HoB21.ras": (3001, 10.0, 70.0, "CuKa"),
        "JO_KL_16_ZF_3_60deg_0.02step_12degpermin_001.rasx": (2851, 3.0, 60.0, "CuKa"),
        "PBSO4.XRA": (6001, 10.0, 160.0, None),
    }
    for name, (count, low, high, light) in expected.items():
        ds = ss.read(folder / name)
        assert (ds.sizes["two_theta"], ds.attrs.get("wavelength_name")) == (count, light), name
        np.testing.assert_allclose(ds.two_theta.values[[0, -1]], [low, high], atol=2e-3, err_msg=name)
        assert ds.attrs["statistics"] == "poisson", name
