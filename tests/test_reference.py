"""Reference data: found, self-describing, with sources, and equal to what they were made from."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surfspec import reference
from surfspec.errors import FormatError, InputError, SurfspecError
from surfspec.reference import files

CHECKOUT = Path(__file__).resolve().parent.parent


class TestFiles:
    def test_shipped_files_are_found(self) -> None:
        assert reference.path("tables", "xps_lines.csv").is_file()
        assert {"xps_lines", "sensitivity_scofield"} <= set(reference.names("tables", ".csv"))
        assert list(reference.names("tables", ".csv")) == sorted(reference.names("tables", ".csv"))

    @pytest.mark.parametrize(
        ("parts", "message"),
        [
            (("tables", "xps_line.csv"), "Did you mean xps_lines.csv"),
            (("tabels", "a"), "Use one of the folders .*tables"),
            (("..", "pyproject.toml"), "outside the reference data"),
            (("/etc/passwd",), "outside the reference data"),
            (("a\x00b",), "is no file name"),
            (("x" * 5000,), "is no file name|no reference file"),
        ],
    )
    def test_what_is_not_there(self, parts: tuple[str, ...], message: str) -> None:
        with pytest.raises(InputError, match=message):
            reference.path(*parts)

    def test_folder_of_a_wheel_comes_first_and_none_is_an_error(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        files.root.cache_clear()
        try:
            monkeypatch.setattr(files, "FOLDERS", (tmp_path / "none", tmp_path / "nor this"))
            with pytest.raises(SurfspecError, match="Install surfspec from its wheel"):
                reference.path("tables")
            inside = tmp_path / "none" / "tables"
            inside.mkdir(parents=True)
            assert reference.path("tables") == inside
        finally:
            files.root.cache_clear()

    def test_an_unpacked_wheel_finds_its_own_copy(self, tmp_path: Path) -> None:
        pytest.importorskip("hatchling", reason="hatchling builds the wheel")
        build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
        subprocess.run(build, cwd=CHECKOUT, check=True, capture_output=True, timeout=120)
        (wheel,) = tmp_path.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(tmp_path / "site")
        script = "from surfspec import reference; print(reference.path('tables', 'xps_lines.csv'))"
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
        run = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
        )
        found = Path(run.stdout.strip())
        assert found == tmp_path / "site" / "surfspec" / "_reference_spectra" / "tables" / "xps_lines.csv"
        assert found.read_bytes() == reference.path("tables", "xps_lines.csv").read_bytes()


class TestTables:
    @pytest.mark.parametrize("name", ["xps_lines", "sensitivity_scofield", "sensitivity_althermo1"])
    def test_ours_name_their_source(self, name: str) -> None:
        table = reference.table(name)
        assert any("source" in note.lower() for note in table.notes)
        assert len(table) > 0
        assert reference.table(name) is table

    def test_frozen(self) -> None:
        table = reference.table("xps_lines")
        with pytest.raises(ValueError, match="read-only"):
            table["energy"][0] = 0.0
        with pytest.raises(TypeError):
            table.columns["energy"] = table["energy"]  # type: ignore[index]
        with pytest.raises(InputError, match="no column 'energie'"):
            _ = table["energie"]

    def test_rows(self, tmp_path: Path) -> None:
        file = tmp_path / "t.csv"
        file.write_text('# Source: made up\nname,mass (u),note\nA,1.5,"x, y"\nB,,\n', encoding="utf-8")
        table = reference.read_table(file)
        assert table.units == {"mass": "u"}
        assert list(table.rows(name="A")) == [{"name": "A", "mass": 1.5, "note": "x, y"}]
        assert math.isnan(table["mass"][1])
        assert table.notes == ("Source: made up",)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a,b\n1,2\n", "does not say where its numbers come from"),
            ("# s\na,b\n1\n", r"t\.csv:3: 1 fields where the header has 2"),
            ("# s\na,b\n", "no rows"),
            ("# s\na,a\n1,2\n", "repeated"),
            ("# s\na (eV,b\n1,2\n", "not a name"),
            ("# s\na (eV)\nx\n", "'x' is no number"),
            ('# s\na\n"x\n', "t.csv:"),
        ],
    )
    def test_faults(self, tmp_path: Path, text: str, message: str) -> None:
        file = tmp_path / "t.csv"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(FormatError, match=message):
            reference.read_table(file)

    def test_not_utf8(self, tmp_path: Path) -> None:
        file = tmp_path / "t.csv"
        file.write_bytes(b"# \xff\na\n1\n")
        with pytest.raises(FormatError, match="UTF-8"):
            reference.read_table(file)


class TestNames:
    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("Na1s", "Na 1s"), ("Na_1s", "Na 1s"), ("na 1S", "Na 1s"), (" Na-1s ", "Na 1s"), ("NaKLL", "Na KLL"),
            ("na_kll", "Na KLL"), ("O KLL", "O KLL"), ("OKLL", "O KLL"), ("KLMM", "K LMM"), ("InMNN", "In MNN"),
            ("Zr3d5/2", "Zr 3d5/2"), ("C1s Scan", "C 1s"), ("Zr3d Scan A", "Zr 3d"), ("Co2p", "Co 2p"), ("c1s", "C 1s"),
            ("Survey", "Survey"), ("XPS Survey", "Survey"), ("Valence", "Valence band"), ("PB4F", "Pb 4f"),
            ("Ti LMM", "Ti LMM"), ("CuL3M45M45", "Cu L3M45M45"),
        ],
    )  # fmt: skip
    def test_spellings(self, text: str, name: str) -> None:
        assert reference.region_name(text) == name
        assert reference.region_name(name) == name

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("Zz3d", "no element 'Zz'"), ("Nq1s", "Did you mean"), ("Na 1p", "no level 'Na 1p'"), ("Zr 3f", "no level"),
            ("Zr 3d1/2", "j of a d level is 3/2 or 5/2"), ("", "no name of a region"),
            ("region 1", "no name of a region"), ("hello", "no name of a region"),
            ("1s", "no name of a region"), ("QqKLL", "no name of a region"), ("C 1s3/2", "no level"),
        ],
    )  # fmt: skip
    def test_what_is_no_region(self, text: str, message: str) -> None:
        with pytest.raises(InputError, match=message):
            reference.region_name(text)

    @given(st.text(max_size=12))
    def test_any_text_gives_a_name_or_an_error(self, text: str) -> None:
        try:
            name = reference.region_name(text)
        except InputError as error:
            assert error.remedy  # noqa: PT017  every refusal has a remedy
        else:
            assert reference.region_name(name) == name

    def test_elements(self) -> None:
        symbols = reference.element_symbols()
        periodictable = pytest.importorskip("periodictable")
        assert symbols == tuple(periodictable.elements[number].symbol for number in range(1, 119))
        assert reference.element_symbol(" zr") == "Zr"
        with pytest.raises(InputError, match="Did you mean"):
            reference.element_symbol("Nn")


class TestLines:
    def test_every_row_has_a_source_and_fits_its_neighbours(self) -> None:
        for one in reference.lines():
            assert one.source
            assert reference.region_name(one.name) == one.name or one.state == "second line"
            assert 0 < one.energy < 1486.6
            assert math.isnan(one.energy_unc) or 0 < one.energy_unc < 1
            assert math.isnan(one.splitting) == math.isnan(one.ratio_2j1) == (not one.splitting_source)

    def test_numbers(self) -> None:
        """NIST SRD 20 (metals), the convention of the NASICON work, and what is not verified says so."""
        assert reference.line("Zr 3d5/2", "metal").energy == 178.78
        assert reference.line("Sn 3d5/2", "metal").energy == 484.98
        assert reference.line("Pb4f7/2", "METAL").energy == 136.85
        default = reference.line("Zr 3d")
        assert (default.name, default.energy, default.verified) == ("Zr 3d5/2", 182.40, False)
        assert not reference.line("O 1s", "ZrO2").verified
        assert not reference.line("C 1s", "carbonate").verified

    def test_ratios_follow_from_degeneracy_and_cross_sections(self) -> None:
        checked = 0
        for one in reference.lines():
            if math.isnan(one.ratio_2j1):
                continue
            upper = int(one.name[-3])
            assert one.ratio_2j1 == pytest.approx((upper - 2 + 1) / (upper + 1), abs=5e-4)
            lower = f"{one.name[:-3]}{upper - 2}/2"
            ratio = reference.sensitivity("scofield", lower) / reference.sensitivity("scofield", one.name)
            assert one.ratio_scofield == pytest.approx(ratio, abs=1e-3)
            checked += 1
        assert checked >= 10

    @pytest.mark.parametrize(
        ("name", "state", "message"),
        [("Zr 3d", "nitride", "Known states are NASICON, metal"), ("Zr 4p", None, "Did you mean Zr 3p3/2"),
         ("Au 4f", None, "Known are|Did you mean"), ("hello", None, "no name of a region")],
    )  # fmt: skip
    def test_unknown(self, name: str, state: str | None, message: str) -> None:
        with pytest.raises(InputError, match=message):
            reference.line(name, state)


#: Scofield's printed cross-sections for Al Ka, C 1s = 1 (J. Electron Spectrosc. Relat. Phenom. 8 (1976) 129).
PRINTED = {
    "Zr 3d": 7.04, "Zr 3p": 7.78, "Na 1s": 8.52, "P 2p": 1.192, "Si 2p": 0.817, "O 1s": 2.93, "C 1s": 1.0,
    "Sn 3d": 25.05, "B 1s": 0.486, "Pb 4f": 22.74, "Au 4f7/2": 9.59,
}  # fmt: skip


class TestSensitivity:
    @pytest.mark.parametrize(("name", "printed"), PRINTED.items())
    def test_scofield_to_half_a_percent(self, name: str, printed: float) -> None:
        assert reference.sensitivity("scofield", name) == pytest.approx(printed, rel=5e-3)

    def test_zinc_is_off_by_what_the_table_says(self) -> None:
        """The one region where xraylib differs from Scofield's print (28.72) by more than half a percent."""
        excess = reference.sensitivity("scofield", "Zn 2p") / 28.72 - 1
        assert 0.005 < excess < 0.007
        assert any("Zn 2p" in note for note in reference.table("sensitivity_scofield").notes)

    def test_regions_are_the_sums_of_their_lines(self) -> None:
        factors = reference.sensitivities("scofield")
        regions = [name for name in factors if re.fullmatch(r"\w+ \d[pdf]", name)]
        assert len(regions) > 200
        for region in regions:
            members = [value for name, value in factors.items() if re.fullmatch(rf"{region}\d/2", name)]
            assert len(members) == 2
            assert sum(members) == pytest.approx(factors[region], rel=2e-4)

    def test_names_are_proper_and_values_positive(self) -> None:
        for library in ("scofield", "ALTHERMO1"):
            for name, value in reference.sensitivities(library).items():
                assert reference.region_name(name) == name
                assert value > 0

    def test_althermo1_holds_three_and_says_so(self) -> None:
        assert dict(reference.sensitivities("althermo1")) == {"C 1s": 1.0, "O 1s": 2.880686, "Na 1s": 10.58823}
        with pytest.raises(InputError, match="has no sensitivity factor of Zr 3d"):
            reference.sensitivity("ALTHERMO1", "Zr 3d")
        assert any("missing" in note for note in reference.table("sensitivity_althermo1").notes)

    def test_unknown(self) -> None:
        with pytest.raises(InputError, match="Use one of scofield, ALTHERMO1"):
            reference.sensitivity("wagner", "C 1s")
        with pytest.raises(InputError, match="Of C it has C 1s"):
            reference.sensitivity("scofield", "C 2p")

    def test_scofield_table_is_what_its_script_makes(self) -> None:
        pytest.importorskip("xraylib", reason="xraylib makes the table; install the test extra")
        script = load_script(reference.path("tables", "make_scofield.py"))
        made = dict(script.rows())
        shipped = reference.sensitivities("scofield")
        assert list(made) == list(shipped)
        np.testing.assert_allclose(list(shipped.values()), list(made.values()), rtol=1e-4)


def load_script(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
