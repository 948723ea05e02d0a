"""The .xrdml reader: files made here of every kind, and all measured ones against an independent look."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from surfspec.errors import FormatError, InputError, SurfspecError
from surfspec.io import read, read_tree

COUNTS = [100, 400, 90, 25]


def scan(
    values: str = "100 400 90 25",
    *,
    tag: str = "counts",
    unit: str = "counts",
    positions: str = "<startPosition>10</startPosition><endPosition>10.3</endPosition>",
    extra: str = "<commonCountingTime unit='seconds'>2.0</commonCountingTime>",
    axis: str = "Gonio",
    status: str = "Completed",
) -> str:
    return (
        f"<scan scanAxis='{axis}' status='{status}'><dataPoints>"
        f"<positions axis='2Theta' unit='deg'>{positions}</positions>"
        "<positions axis='Omega' unit='deg'><startPosition>5</startPosition><endPosition>6</endPosition></positions>"
        f"{extra}<{tag} unit='{unit}'>{values}</{tag}></dataPoints></scan>"
    )


def write(tmp_path: Path, *scans: str, version: str = "2.3", ratio: str = "0.5", head: str = "") -> Path:
    file = tmp_path / "pattern.dat"
    file.write_text(
        f"<?xml version='1.0' encoding='UTF-8'?>{head}<xrdMeasurements xmlns='http://www.xrdml.com/XRDMeasurement/{version}'>"
        "<sample><id>S1</id><name></name></sample><xrdMeasurement sampleMode='Reflection'>"
        "<usedWavelength intended='K-Alpha 1'><kAlpha1 unit='Angstrom'>1.540598</kAlpha1><kAlpha2>1.544426</kAlpha2>"
        f"<ratioKAlpha2KAlpha1>{ratio}</ratioKAlpha2KAlpha1></usedWavelength>"
        f"<anodeMaterial>Cu</anodeMaterial>{''.join(scans)}</xrdMeasurement></xrdMeasurements>",
        encoding="utf-8",
    )
    return file


@pytest.mark.parametrize("version", ["1.0", "1.3", "1.6", "2.0", "2.3"])
@pytest.mark.parametrize("tag", ["counts", "intensities"])
def test_counts_positions_and_wavelength(tmp_path: Path, version: str, tag: str) -> None:
    ds = read(write(tmp_path, scan(tag=tag), version=version))
    np.testing.assert_array_equal(ds.intensity, COUNTS)
    np.testing.assert_allclose(ds.two_theta, [10.0, 10.1, 10.2, 10.3])
    assert (ds.attrs["statistics"], ds.attrs["dwell_time"], ds.attrs["sample"]) == ("poisson", 2.0, "S1")
    assert (ds.attrs["wavelength"], ds.attrs["wavelength_alpha2"]) == (1.540598, 1.544426)
    assert (ds.attrs["wavelength_alpha2_ratio"], ds.attrs["wavelength_name"]) == (0.5, "CuKa")


def test_a_comment_that_says_simulated_is_kept(tmp_path: Path) -> None:
    file = write(tmp_path, scan())
    assert "simulated" not in read(file).attrs
    text = file.read_text(encoding="utf-8").replace(
        "<sample>", "<comment><entry>SIMULATED DATA</entry></comment><sample>"
    )
    file.write_text(text, encoding="utf-8")
    assert read(file).attrs["simulated"] == "true"


def test_monochromatic_beam_has_no_second_line(tmp_path: Path) -> None:
    ds = read(write(tmp_path, scan(), ratio="0.0000"))
    assert (ds.attrs["wavelength_alpha2_ratio"], ds.attrs["wavelength_name"]) == (0.0, "CuKa1")
    assert "wavelength_alpha2" not in ds.attrs


def test_wavelength_of_the_caller_replaces_that_of_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, scan())
    number = read(file, wavelength=1.7890).attrs
    assert {key: value for key, value in number.items() if key.startswith("wavelength")} == {"wavelength": 1.7890}
    name = read(file, wavelength="CoKa1").attrs
    assert {key: value for key, value in name.items() if key.startswith("wavelength")} == {"wavelength_name": "CoKa1"}


def test_listed_positions_and_rates(tmp_path: Path) -> None:
    listed = "<listPositions>10 10.1 10.3 10.6</listPositions>"
    ds = read(write(tmp_path, scan("50 200 45 12.5", unit="cps", positions=listed)))
    np.testing.assert_allclose(ds.two_theta, [10.0, 10.1, 10.3, 10.6])
    np.testing.assert_array_equal(ds.intensity, COUNTS)  # counts per second * 2 s
    assert ds.intensity.attrs["units"] == "counts"
    bare = read(write(tmp_path, scan("50 200 45 12.5", unit="cps", extra="")))
    assert (bare.attrs["statistics"], bare.intensity.attrs["units"]) == ("unknown", "counts/s")


@pytest.mark.parametrize(("tag", "values"), [("counts", "100 400 90 25"), ("intensities", "100 4000 900 25")])
def test_attenuated_points_carry_their_uncertainty(tmp_path: Path, tag: str, values: str) -> None:
    factors = "<beamAttenuationFactors>1 10 10 1</beamAttenuationFactors>"
    ds = read(write(tmp_path, scan(values, tag=tag, extra=factors)))
    np.testing.assert_allclose(ds.intensity, [100.0, 4000.0, 900.0, 25.0])
    np.testing.assert_allclose(ds.intensity_unc, [10.0, 200.0, 10 * np.sqrt(90), 5.0])
    assert ds.attrs["statistics"] == "given"


def test_varied_counting_times_become_rates(tmp_path: Path) -> None:
    ds = read(write(tmp_path, scan(extra="<countingTimes>1 2 1 1</countingTimes>")))
    np.testing.assert_allclose(ds.intensity, [100.0, 200.0, 90.0, 25.0])
    np.testing.assert_allclose(ds.intensity_unc, [10.0, 10.0, np.sqrt(90), 5.0])


def test_several_scans(tmp_path: Path) -> None:
    file = write(tmp_path, scan(), scan("1 2 3 4"))
    assert list(read_tree(file).children) == ["scan 1", "scan 2"]
    with pytest.raises(InputError, match="'scan 1', 'scan 2'"):
        read(file)
    np.testing.assert_array_equal(read(file, region="scan 2").intensity, [1, 2, 3, 4])


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"values": "1 2 x 4"}, "'x' among the counts"),
        ({"values": ""}, "no intensities"),
        ({"values": "7"}, "no spectrum"),
        ({"axis": "Omega"}, "over Omega"),
        ({"status": "Aborted"}, "planned end"),
        ({"positions": "<listPositions>1 2</listPositions>"}, "2 positions for 4"),
        ({"positions": "<commonPosition>1</commonPosition>"}, "no 2θ positions"),
        ({"extra": "<countingTimes>1 2</countingTimes>"}, "2 counting times"),
        ({"extra": "<beamAttenuationFactors>0 1 1 1</beamAttenuationFactors>"}, "not positive"),
    ],
)
def test_bad_scans_are_refused(tmp_path: Path, bad: dict[str, str], message: str) -> None:
    with pytest.raises(SurfspecError) as caught:
        read(write(tmp_path, scan(**bad)))
    assert message in str(caught.value)
    assert "pattern.dat" in str(caught.value)


def test_document_types_and_broken_xml(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="document type"):
        read(write(tmp_path, scan(), head='<!DOCTYPE a [<!ENTITY b "c">]>'))
    file = write(tmp_path, scan())
    file.write_text(file.read_text()[:-60])
    with pytest.raises(FormatError, match=r"pattern.dat:1:\d+"):
        read(file)
    with pytest.raises(FormatError, match="no scan"):
        read(write(tmp_path))


@pytest.mark.data
def test_all_measured_patterns(data_dir: Path) -> None:
    """Numbers by regular expression against numbers by the reader, for every file and schema version."""
    files = sorted((data_dir / "xrd").rglob("*.xrdml"))
    assert len(files) == 35
    versions = set()
    for file in files:
        text = file.read_text(encoding="utf-8-sig")
        versions.add(re.search(r"XRDMeasurement/([\d.]+)\"", text)[1])
        raw = np.array(re.search(r"<(?:counts|intensities) unit=\"counts\">([^<]*)<", text)[1].split(), float)
        start, end = (float(re.search(rf"<{name}Position>([^<]*)<", text)[1]) for name in ("start", "end"))
        ds = read(file)
        np.testing.assert_array_equal(ds.intensity, raw)
        assert float(ds.two_theta[0]) == start
        assert float(ds.two_theta[-1]) == end
        assert ds.attrs["wavelength"] == 1.540598
        assert ds.attrs["statistics"] == "poisson"
    assert versions == {"1.3", "1.5", "1.6", "2.2", "2.3"}


@pytest.mark.parametrize("option", [{"technique": "XPS"}, {"axis": "binding_energy"}, {"column": 2}])
def test_arguments_without_meaning_are_refused(tmp_path: Path, option: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"Leave .*out"):
        read(write(tmp_path, scan()), **option)
