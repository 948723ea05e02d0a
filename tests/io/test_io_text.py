"""Text tables: every dialect gives the same numbers, and what is ambiguous is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from surfspec.errors import FormatError, InputError, SurfspecError
from surfspec.io import read, read_tree

ENERGY = np.array([1071.9, 1072.0, 1072.1, 1072.2])
COUNTS = np.array([90.0, 1000.0, 1200.0, 95.0])


def table(delimiter: str, decimal: str = ".", *, falling: bool = False, exponent: str = "") -> str:
    rows = list(zip(ENERGY, COUNTS, strict=True))
    if falling:
        rows.reverse()
    cell = (lambda v: f"{v:.6E}".replace("E", exponent)) if exponent else (lambda v: f"{v:g}")
    return "".join(delimiter.join(cell(v).replace(".", decimal) for v in row) + "\n" for row in rows)


HEADER = "# technique: XPS\n# intensity_unit: counts\n"
DIALECTS = {
    "comma": HEADER + table(","),
    "tab": HEADER + table("\t"),
    "semicolon_decimal_comma": HEADER + table(";", ","),
    "tab_decimal_comma": HEADER + table("\t", ","),
    "space_decimal_comma": HEADER + table(" ", ","),
    "falling": HEADER + table("\t", falling=True),
    "d_exponent": HEADER + table("  ", exponent="D"),
    "trailing_delimiter": HEADER + table(",").replace("\n", ",,\n"),
    "quoted": HEADER + "".join(f'"{a:g}","{b:g}"\n' for a, b in zip(ENERGY, COUNTS, strict=True)),
    "named": "Binding Energy (eV);Counts\n" + table(";"),
    "named_cut": "BE/eV,counts\n" + table(","),
    "percent_comments": HEADER.replace("#", "%") + table("\t"),
    "comment_between": HEADER + table("\t").replace("\n", "\n# pause\n", 1),
}


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_dialects_give_the_same_numbers(tmp_path: Path, dialect: str, encoding: str, newline: str) -> None:
    file = tmp_path / "spectrum.anything"
    file.write_bytes(DIALECTS[dialect].replace("\n", newline).encode(encoding))
    ds = read(file)
    np.testing.assert_allclose(ds.binding_energy, ENERGY, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(ds.intensity, COUNTS)
    assert (ds.attrs["technique"], ds.attrs["statistics"], ds.intensity.attrs["units"]) == ("XPS", "poisson", "counts")
    assert ds.attrs["source_file"] == "spectrum.anything"
    assert ds.attrs["source_format"] == "text"
    assert len(ds.attrs["source_sha256"]) == 64


def test_latin1_micro_and_unicode_minus(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes("# sample: 5 µm\n# technique: XPS\n-1,0\t3,0\n0,0\t4,0\n".encode("latin-1"))
    assert read(file).attrs["sample"] == "5 µm"
    file.write_text("# technique: XPS\n\u22121.0\t3\n0.0\t4\n", encoding="utf-8")
    np.testing.assert_array_equal(read(file).binding_energy, [-1.0, 0.0])
    file.write_bytes("# sample: 試料一\n# technique: XPS\n1.0\t3\n2.0\t4\n".encode("cp932"))
    assert read(file).attrs["sample"] == "試料一"


def test_metadata_with_units_and_rate_to_counts(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(
        "# region: na_1S\n# photon energy: 1.4866 keV\n# Dwell Time [ms]: 50\n# Number of sweeps: 4\n"
        "# pass_energy = 20 eV\nKinetic Energy [eV],CPS\n414.5,450\n414.6,5000\n414.7,475\n",
        encoding="utf-8",
    )
    ds = read(file)
    assert ds.attrs["region"] == "Na 1s"
    assert ds.attrs["photon_energy"] == pytest.approx(1486.6)
    assert (ds.attrs["dwell_time"], ds.attrs["scans"], ds.attrs["pass_energy"]) == (0.05, 4, 20.0)
    np.testing.assert_array_equal(ds.intensity, [95.0, 1000.0, 90.0])  # rate * 0.05 s * 4, axis turned round
    np.testing.assert_allclose(ds.binding_energy, 1486.6 - np.array([414.7, 414.6, 414.5]), atol=1e-9)
    assert ds.attrs["statistics"] == "poisson"
    kinetic = read(file, axis="kinetic_energy")
    np.testing.assert_allclose(kinetic.kinetic_energy, [414.5, 414.6, 414.7])


def test_rate_without_dwell_time_has_unknown_statistics(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("Binding Energy (eV),CPS\n1,10\n2,20\n", encoding="utf-8")
    ds = read(file)
    assert (ds.attrs["statistics"], ds.intensity.attrs["units"]) == ("unknown", "counts/s")
    known = read(file, dwell_time=0.1, scans=2)
    np.testing.assert_allclose(known.intensity, [2.0, 4.0])
    assert known.attrs["statistics"] == "poisson"


def test_means_over_scans_become_totals(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("# scans: 4\nBinding Energy (eV),counts\n1,10.25\n2,20.5\n", encoding="utf-8")
    np.testing.assert_array_equal(read(file).intensity, [41.0, 82.0])


def test_uncertainty_column_and_its_scaling(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("# dwell_time: 2\nBinding Energy (eV),cps,sigma\n1,10,1\n2,20,1.5\n3,30,2\n", encoding="utf-8")
    ds = read(file)
    np.testing.assert_allclose(ds.intensity_unc, [2.0, 3.0, 4.0])
    assert ds.attrs["statistics"] == "given"


def test_casa_columns_take_the_measured_one(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(
        ",,,,\n,,,,\nCharacteristic Energy eV,1486.6,Acquisition Time s,2.5,\n"
        "BE_Na 1s 6,CPS_Na 1s 6,Na 1s_1_Na 1s 6,Background_Na 1s 6,Envelope_Na 1s 6\n"
        "1072.0,40,35,30,38\n1071.9,44,39,30,40\n",
        encoding="utf-8",
    )
    ds = read(file)
    np.testing.assert_array_equal(ds.intensity, [110.0, 100.0])
    assert (ds.attrs["region"], ds.attrs["photon_energy"], ds.attrs["dwell_time"]) == ("Na 1s", 1486.6, 2.5)
    np.testing.assert_array_equal(read(file, column="Background_Na 1s 6", units="counts/s").intensity[-1], 75.0)
    assert list(read_tree(file).children) == ["Na 1s"]


def test_series_of_columns(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("kinetic_energy_eV,it00,it01\n780,1,2\n781,3,4\n", encoding="utf-8")
    ds = read(file, technique="LEIS", units="counts/s")
    assert ds.intensity.dims == ("spectrum", "kinetic_energy")
    assert ds.spectrum.values.tolist() == ["it00", "it01"]
    assert read(file, technique="LEIS", column=3).intensity.values.tolist() == [2.0, 4.0]


def test_keV_and_ampere_are_converted(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("E, keV\tI, A\n6,0\t8,0E-11\n6,1\t9,0E-11\n", encoding="utf-8")
    ds = read(file, technique="LEIS")
    np.testing.assert_allclose(ds.kinetic_energy, [6000.0, 6100.0])
    np.testing.assert_allclose(ds.intensity, [0.08, 0.09])
    assert ds.intensity.attrs["units"] == "nA"


@pytest.mark.parametrize(("numbers", "unit"), [("10 5\n11 6\n", "counts"), ("10 5.5\n11 6.25\n", "arb. units")])
def test_xy_is_a_diffraction_pattern_without_wavelength(tmp_path: Path, numbers: str, unit: str) -> None:
    file = tmp_path / "a.xy"
    file.write_text(numbers, encoding="utf-8")
    ds = read(file)
    assert (ds.attrs["technique"], ds.intensity.attrs["units"]) == ("XRD", unit)
    assert "wavelength" not in ds.attrs
    assert read(file, wavelength=1.5406).attrs["wavelength"] == 1.5406


def test_xye_third_column_is_sigma_by_content(tmp_path: Path) -> None:
    file = tmp_path / "a.dat"
    file.write_text("10 100 10\n11 400 20\n12 900 30\n", encoding="utf-8")
    ds = read(file, technique="XRD")
    np.testing.assert_array_equal(ds.intensity_unc, [10.0, 20.0, 30.0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("290,1000\n291,1100\n", "decimal="),
        ("290,1,1000,5\n291,1,1100,5\n", "decimal="),
        ("290.5 1,234\n291.5 2,345\n", "thousands"),
        ("290.5 1000\n291.5 1100\n", "technique="),
        ("Energy eV,it\n290.5,1000\n291.5,1100\n", "technique="),
        ("290 1 2 3\n291 2 3 4\n", "column="),
        ("# technique: XPS\n290.5 1000\nhello world\n291.5 1100\n", "a.txt:3"),
        ("# technique: XPS\n290.5 1000\n291.5 1100\n292.5\n293.5 7\n", "a.txt:4"),
        ("# technique: XPS\n290.5 1000\n291.5 nan\n", "a.txt:3"),
        ("# technique: XPS\n290.5 1000\n", "no spectrum"),
        ("# technique: XPS\n290.5 1000\n290.5 1000\n", "repeats"),
        ("# technique: XPS\n290.5 1000\n291.5 1\n290.7 1000\n", "not sorted"),
        ("# technique: XRD\n290.5 1000\n291.5 1\n", "2θ"),
        ("# technique: XPS\n# dwell_time: soon\n290.5 1000\n291.5 1\n", "a.txt:2"),
        ("# technique: XPS\n# photon_energy: 12 nm\n290.5 1000\n291.5 1\n", "a.txt:2"),
        ("# technique: XPS\n# intensity_unit: furlong\n290.5 1000\n291.5 1\n", "furlong"),
        ("no numbers here\n", "no table"),
        ("", "empty"),
        ("\n \n", "empty"),
        ("<html><body>404</body></html>", "web page"),
    ],
)
def test_bad_or_ambiguous_text_is_one_clear_line(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "a.txt"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SurfspecError) as caught:
        read(file)
    assert message in str(caught.value)
    assert "a.txt" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_decimal_answers_the_question(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("290,1000\n291,1100\n", encoding="utf-8")
    np.testing.assert_array_equal(read(file, technique="XPS", decimal=".").binding_energy, [290.0, 291.0])
    with pytest.raises(FormatError, match="decimal comma"):
        read(file, technique="XPS", decimal=",")
    file.write_text("290,1,1000,5\n291,1,1100,5\n", encoding="utf-8")
    np.testing.assert_array_equal(read(file, technique="XPS", decimal=",").binding_energy, [290.1, 291.1])


def test_missing_folder_binary(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        read(tmp_path / "missing.xy")
    with pytest.raises(FormatError, match="folder"):
        read(tmp_path)
    file = tmp_path / "a.xy"
    file.write_bytes(bytes(range(256)) * 20)
    with pytest.raises(FormatError, match="binary"):
        read(file)
    file.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(FormatError, match="load"):
        read(file)


def test_region_argument(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("# region: Na 1s\nBinding Energy (eV),counts\n1071,1\n1072,2\n", encoding="utf-8")
    for spelling in ("Na1s", "Na_1s", "Na 1s", "na 1S"):
        assert read(file, region=spelling).attrs["region"] == "Na 1s"
    with pytest.raises(InputError, match="'Na 1s'"):
        read(file, region="C 1s")
    file.write_text("Binding Energy (eV),counts\n1071,1\n1072,2\n", encoding="utf-8")
    assert read(file, region="Na1s").attrs["region"] == "Na 1s"
    with pytest.raises(InputError, match="technique"):
        read(file, technique="SIMS")


def test_zero_in_a_foreign_header_is_no_photon_energy(tmp_path: Path) -> None:
    """A diffraction file may carry the voltage of its detector as HV=0: that makes no photoelectrons."""
    file = tmp_path / "a.uxd"
    rows = "".join(f"{3 + 0.02 * i:.3f}\t{100 + i}\n" for i in range(20))
    file.write_text(
        f"; file\n_WL1=1.540600\n_HV=0.000000\n_SAMPLE='B'\n_STEPTIME=0.5\n_ANODE='Cu'\n_WLRATIO=0.5\n"
        f"_2THETACOUNTS\n{rows}"
    )
    ds = read(file)
    assert (ds.attrs["technique"], ds.attrs["wavelength"], ds.attrs["sample"]) == ("XRD", 1.5406, "B")
    assert (ds.attrs["dwell_time"], ds.attrs["wavelength_name"]) == (0.5, "CuKa")
    assert "photon_energy" not in ds.attrs
    file.write_text("# photon_energy: 0\n# technique: XPS\n1 2\n3 4\n")
    with pytest.raises(FormatError, match=r"a\.uxd:1: photon_energy is 0"):
        read(file)


def test_byte_mutations_give_data_or_our_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    file = tmp_path / "a.txt"
    contents = [DIALECTS[name].encode() for name in ("comma", "tab_decimal_comma", "named", "d_exponent")]
    contents.append("# dwell_time: 2\nBinding Energy (eV),cps,sigma\n1,10,1\n2,20,1.5\n3,30,2\n".encode("utf-16"))
    outcomes = []
    for number in range(1500):
        data = bytearray(contents[number % len(contents)])
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            data[place] = rng.integers(0, 256)
        if rng.random() < 0.2:
            del data[int(rng.integers(0, len(data))) :]
        file.write_bytes(bytes(data))
        outcomes.append(outcome(file))
    assert not any("\n" in text for text in outcomes)
    assert 300 < sum(1 for text in outcomes if text) < 1500


def outcome(file: Path) -> str:
    """Read a file: an empty string, or the text of our own error; any other exception fails the test."""
    try:
        read_tree(file)
    except SurfspecError as problem:
        return str(problem)
    return ""


def test_other_archives_are_named(tmp_path: Path) -> None:
    file = tmp_path / "a.rasx"
    file.write_bytes(b"PK\x03\x04" + bytes(200))
    with pytest.raises(FormatError, match="zip archive"):
        read(file)


@pytest.mark.data
def test_measured_text_files(data_dir: Path) -> None:
    """Counts from CasaXPS rates are whole; LEIS series and diffraction patterns have their sizes."""
    na = read(data_dir / "xps/theoechem_Na/20240220_Au_MPPipTFSI4AMSIol3_Na_1s.csv")
    assert (na.attrs["region"], na.attrs["statistics"], na.attrs["dwell_time"]) == ("Na 1s", "poisson", 8.75)
    np.testing.assert_array_equal(na.intensity, np.rint(na.intensity))
    survey = read(data_dir / "xps/theoechem_Na/20240228_Au_Folie.csv")
    assert (survey.attrs["statistics"], survey.sizes["binding_energy"]) == ("unknown", 3501)
    leis = read(
        data_dir / "leis/he_series_theta_probe_csv/continuous_400K_round1_counts_per_s.csv",
        technique="LEIS",
        units="counts/s",
    )
    assert leis.sizes == {"spectrum": 20, "kinetic_energy": 341}
    layout = read(data_dir / "leis/simulated/iontof_like/as_sintered_area1_dose1.txt")
    twin = read(data_dir / "leis/simulated/spectra/as_sintered_area1_dose1.csv", technique="LEIS")
    np.testing.assert_array_equal(layout.intensity, twin.intensity)
    np.testing.assert_array_equal(layout.kinetic_energy, twin.kinetic_energy)
    assert (layout.attrs["ion"], layout.attrs["ion_energy"], layout.attrs["simulated"]) == ("4He", 3000.0, "true")
    assert read(data_dir / "xrd/cpd_qarr/cpd-1g.xy").sizes["two_theta"] == 7251
    twin = read(data_dir / "xrd/formats/cpd-1g.prn")
    np.testing.assert_array_equal(twin.intensity, read(data_dir / "xrd/cpd_qarr/cpd-1g.xy").intensity)


def written(tmp_path: Path, *lines: str, x: np.ndarray = ENERGY, y: np.ndarray = COUNTS, name: str = "a.csv") -> Path:
    file = tmp_path / name
    rows = [f"{a:.6g} {b:.6g}" for a, b in zip(x, y, strict=True)]
    file.write_text("\n".join([*lines, *rows]) + "\n", encoding="utf-8")
    return file


class TestKineticEnergy:
    """E_B = hν - E_K; what the file calls its axis is never relabelled."""

    HV = 1486.6
    KINETIC = HV - ENERGY

    def file(self, tmp_path: Path, *more: str) -> Path:
        head = ("# technique: XPS", "# axis: kinetic_energy", *more, "# intensity_unit: counts")
        return written(tmp_path, *head, x=self.KINETIC)

    @pytest.mark.parametrize("options", [{}, {"axis": "binding_energy"}])
    def test_photon_energy_converts(self, tmp_path: Path, options: dict[str, str]) -> None:
        ds = read(self.file(tmp_path), photon_energy=self.HV, **options)
        np.testing.assert_allclose(ds.binding_energy, ENERGY, atol=1e-9)
        np.testing.assert_array_equal(ds.intensity, COUNTS)
        assert ds.attrs["photon_energy"] == self.HV

    def test_photon_energy_of_the_file_converts(self, tmp_path: Path) -> None:
        ds = read(self.file(tmp_path, "# photon_energy: 1486.6"))
        np.testing.assert_allclose(ds.binding_energy, ENERGY, atol=1e-9)

    def test_kinetic_stays_when_asked_or_when_nothing_is_known(self, tmp_path: Path) -> None:
        file = self.file(tmp_path)
        for ds in (read(file), read(file, axis="kinetic_energy", photon_energy=self.HV)):
            np.testing.assert_allclose(ds.kinetic_energy, np.sort(self.KINETIC), atol=1e-9)

    def test_no_conversion_without_photon_energy(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"photon_energy=1486\.6"):
            read(self.file(tmp_path), axis="binding_energy")

    def test_header_against_column_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "b.csv"
        file.write_text("# axis: kinetic_energy\nBinding Energy (eV),counts\n" + table(","), encoding="utf-8")
        with pytest.raises(FormatError, match="Binding Energy"):
            read(file)


@pytest.mark.parametrize(("unit", "factor", "units"), [("kcps", 1e3, "counts/s"), ("counts", 1.0, "counts")])
def test_the_last_header_line_is_no_column_name(tmp_path: Path, unit: str, factor: float, units: str) -> None:
    head = ("# technique: XPS", "# axis: binding_energy", f"# intensity_unit: {unit}")
    ds = read(written(tmp_path, *head))
    assert ds.intensity.attrs["units"] == units
    np.testing.assert_array_equal(ds.intensity, COUNTS * factor)
    np.testing.assert_array_equal(read(written(tmp_path, *head[:2]), units=unit).intensity, ds.intensity)


def test_a_declared_axis_settles_the_comma_of_two_cells(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("# technique: LEIS\n# axis: kinetic_energy\n600,1870\n605,1877\n", encoding="utf-8")
    np.testing.assert_array_equal(read(file).intensity, [1870.0, 1877.0])
    file.write_text("# technique: LEIS\n# axis: kinetic_energy\n600,1,1870,5\n605,1,1877,5\n", encoding="utf-8")
    with pytest.raises(FormatError, match="decimal="):
        read(file)


@pytest.mark.parametrize("word", ["AES", "Raman", "NEXAFS", "whatever"])
def test_an_unknown_technique_is_refused(tmp_path: Path, word: str) -> None:
    file = written(tmp_path, f"# technique: {word}", "# axis: binding_energy", "# photon_energy: 1486.6")
    with pytest.raises(FormatError, match=rf"a\.csv:1: .*{word}.*technique='XPS'"):
        read(file)
    assert read(file, technique="XPS").attrs["technique"] == "XPS"


def test_a_foreign_word_for_another_method_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, "# Analysis Method: AES", "# axis: kinetic_energy", "# photon_energy: 1486.6")
    with pytest.raises(FormatError, match="AES"):
        read(file)
    harmless = written(tmp_path, "# Method: fast scan", "# axis: binding_energy", "# photon_energy: 1486.6")
    assert read(harmless).attrs["technique"] == "XPS"


class TestCountsThatAreNone:
    HEAD = ("# technique: XPS", "# axis: binding_energy")

    def test_broken_counts_are_not_poisson(self, tmp_path: Path) -> None:
        ds = read(written(tmp_path, *self.HEAD, y=COUNTS / 7), units="counts")
        assert ds.attrs["statistics"] == "unknown"
        assert "no whole numbers" in ds.attrs["statistics_note"]
        assert ds.intensity.attrs["units"] == "counts"

    def test_rounding_and_means_over_scans_are_explained(self, tmp_path: Path) -> None:
        near = read(written(tmp_path, *self.HEAD, y=COUNTS + 0.001), units="counts")
        mean = read(written(tmp_path, *self.HEAD, "# scans: 5", y=COUNTS / 5 + 0.2), units="counts")
        rate = read(written(tmp_path, *self.HEAD, y=COUNTS / 7), units="counts/s", dwell_time=0.7)
        for ds in (near, mean, rate):
            assert ds.attrs["statistics"] == "poisson"
            assert "statistics_note" not in ds.attrs

    def test_negative_counts_are_still_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="negative"):
            read(written(tmp_path, *self.HEAD, y=COUNTS / 7 - 100), units="counts")


BAD_METADATA = [
    ("dwell_time", -1.0), ("dwell_time", 0.0), ("dwell_time", float("nan")), ("dwell_time", float("inf")),
    ("dwell_time", "5 s"), ("scans", 0), ("scans", -2), ("scans", 2.5), ("scans", "x"), ("photon_energy", -5.0),
    ("photon_energy", "Al"), ("pass_energy", 0), ("ion_energy", -3000.0), ("wavelength", -1.5), ("wavelength", 0),
    ("scattering_angle", 181.0), ("scattering_angle", -1.0), ("scattering_angle", "back"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), BAD_METADATA)
def test_arguments_that_cannot_be_are_refused(tmp_path: Path, name: str, value: float | str) -> None:
    file = written(tmp_path, "# technique: XRD" if name == "wavelength" else "# technique: XPS")
    if name != "wavelength":
        file = written(tmp_path, "# technique: XPS", "# axis: binding_energy")
    with pytest.raises(InputError, match=name):
        read(file, units="counts", **{name: value})
