from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import surfspec as ss
from surfspec import cli, commands, reference, report, xrd_commands
from surfspec.errors import InputError
from surfspec.report.folder import replaced

CONTENT = {"study.nc", "tables", "tables.xlsx", "figures", "report.html", "results.json"}


def call(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = cli.main(argv)
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def test_help_and_version_are_light() -> None:
    probe = (
        "import sys; from surfspec import cli; code = cli.main([{!r}]); "
        "sys.exit(code or [m for m in ('numpy', 'xarray', 'matplotlib', 'yaml') if m in sys.modules] or 0)"
    )
    for word in ("--help", "--version"):
        done = subprocess.run([sys.executable, "-c", probe.format(word)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "surfspec" in done.stdout


def test_the_installed_command_ends_with_its_code(tmp_path: Path) -> None:
    line = [sys.executable, "-m", "surfspec.cli", "run", str(tmp_path / "none.yaml"), "-o", str(tmp_path / "out")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "argv",
    [[], ["frobnicate"], ["run"], ["run", "study.yaml"], ["fit", "x.csv"], ["info"], ["run", "a", "-o", "b", "--loud"]],
)
def test_bad_usage_is_one_line_and_2(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call(capsys, *argv)
    assert (code, out) == (2, "")
    assert err.startswith("surfspec: ")
    assert err.count("\n") == 1
    assert "--help" in err


@pytest.mark.parametrize(
    ("verdict", "code"), [("ok", 0), ("check", 1), ("failed", 1)]
)  # fmt: skip
def test_exit_code_follows_the_verdict(
    verdict: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = commands.Answer({"phases": []}, "text for people", verdict)
    monkeypatch.setattr(xrd_commands, "phases", lambda arguments, say: answer)
    assert call(capsys, "phases", "--quiet") == (code, "text for people\n", "")
    assert call(capsys, "phases", "--json")[:2] == (code, '{\n  "phases": []\n}\n')


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (InputError("NaN in a.csv", remedy="Repair it"), 2, "NaN in a.csv. Repair it."),
        (PermissionError(13, "Permission denied", "/root/x"), 2, "/root/x: Permission denied."),
        (ZeroDivisionError("division by zero"), 70, "internal error: ZeroDivisionError"),
    ],
)
def test_every_error_is_one_line(
    error: BaseException, code: int, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(arguments: object, say: object) -> None:
        raise error

    monkeypatch.setattr(xrd_commands, "phases", fail)
    monkeypatch.delenv("SURFSPEC_DEBUG", raising=False)
    found, out, err = call(capsys, "phases")
    assert (found, out) == (code, "")
    assert says in err
    assert err.count("\n") == 1


def test_run_leaves_everything_and_json_is_alone(
    xps_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "deep" / "out"
    code, out, err = call(capsys, "run", str(xps_study), "-o", str(folder), "--json")
    document = json.loads(out)
    assert code == (0 if document["verdict"] == "ok" else 1)
    assert "fitting" in err
    assert {path.name for path in folder.iterdir()} == CONTENT
    assert [path.name for path in folder.parent.iterdir()] == ["out"]
    assert json.loads((folder / "results.json").read_text(encoding="utf-8")) == document
    assert {path.suffix for path in (folder / "figures").iterdir()} == {".svg", ".pdf", ".png"}
    assert (folder / "tables" / "xps_components.csv").read_text(encoding="utf-8").startswith("sample,region,component,")
    tree = ss.load(folder / "study.nc")
    assert report.results(tree) == document  # type: ignore[arg-type]
    code, out, err = call(capsys, "run", str(xps_study), "-o", str(folder), "--quiet")  # its own folder is replaced
    assert err == ""
    assert str(folder / "report.html") in out


def test_foreign_folder_is_refused_before_work_and_forced_only_on_demand(
    xps_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter1.tex").write_text("years of work")
    code, out, err = call(capsys, "run", str(xps_study), "-o", str(folder))
    assert (code, out) == (2, "")
    assert "chapter1.tex" in err
    assert "--force" in err
    assert [path.name for path in folder.iterdir()] == ["chapter1.tex"]
    target = tmp_path / "file"
    target.write_text("x")
    assert call(capsys, "run", str(xps_study), "-o", str(target), "--force")[0] == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, ZeroDivisionError])
def test_folder_is_complete_or_untouched(error: type[BaseException], tmp_path: Path) -> None:
    target = tmp_path / "out"

    def half(fail: bool) -> None:
        with replaced(target) as place:
            (place / "results.json").write_text("1")
            if fail:
                raise error
            (place / "report.html").write_text("2")

    with pytest.raises(error):
        half(fail=True)
    assert list(tmp_path.iterdir()) == []
    half(fail=False)
    with pytest.raises(error):
        half(fail=True)
    assert {path.name for path in target.iterdir()} == {"results.json", "report.html"}
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_force_leaves_the_files_of_others_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "thesis"
    target.mkdir()
    (target / "chapter1.tex").write_text("years of work")
    (target / "results.json").write_text("old")

    def write() -> None:
        with replaced(target, force=True) as place:
            for name in ("report.html", "results.json", "study.nc"):
                (place / name).write_text("new")

    real = Path.rename

    def fail_at_last(self: Path, other: Path) -> Path:
        if self.name == "study.nc":
            raise OSError(28, "No space left on device")
        return real(self, other)

    monkeypatch.setattr(Path, "rename", fail_at_last)
    with pytest.raises(OSError, match="No space"):
        write()
    assert {path.name: path.read_text() for path in target.iterdir()} == {
        "chapter1.tex": "years of work", "results.json": "old",
    }  # fmt: skip
    monkeypatch.undo()
    write()
    assert (target / "chapter1.tex").read_text() == "years of work"
    assert (target / "results.json").read_text() == (target / "study.nc").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis"]


def test_interrupt_during_a_run_leaves_nothing(
    xps_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("surfspec.report.output.write_workbook", stop)
    code, out, _ = call(capsys, "run", str(xps_study), "-o", str(tmp_path / "out"), "--quiet")
    assert (code, out) == (130, "")
    assert list(tmp_path.iterdir()) == []


def test_fit_json_keys(xps_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(xps_study.with_name("a_Na1s.csv"))
    saved = tmp_path / "fit.nc"
    code, out, _ = call(
        capsys, "fit", file, "--recipe", "Na1s", "--shift-search", "3", "--json", "-o", str(saved)
    )  # fmt: skip
    (entry,) = json.loads(out)["files"]
    assert set(entry) == {"path", "region", "verdict", "reasons", "reduced_chi2", "components", "warnings"}
    assert (entry["path"], entry["region"]) == (file, "Na 1s")
    assert code == (0 if entry["verdict"] == "ok" else 1)
    (peak,) = entry["components"]
    assert set(peak) == {"name", "center", "center_unc", "fwhm", "fwhm_unc", "area", "area_unc", "flag"}
    assert abs(peak["center"] - 1072.5) < 4 * peak["center_unc"] + 0.01  # 1071.4 eV and 1.1 eV of charge
    assert abs(peak["area"] / 9000 - 1) < 0.06
    assert saved.is_file()


def test_fit_json_of_a_series_has_one_entry_for_each_member() -> None:
    rng = np.random.default_rng(5)
    energy = np.arange(1066.0, 1078.0, 0.1)
    mean = 500 + 400 * np.exp(-0.5 * ((energy - 1071.4) / 0.64) ** 2)
    series = ss.stack(
        [ss.spectrum(energy, rng.poisson(mean), technique="XPS", region="Na 1s") for _ in range(2)], "cycle", [1, 2]
    )
    fitted = ss.xps.fit(series, "Na 1s")
    entries = [commands._fit_entry("f", place, member, ()) for place, member in commands._members(fitted)]
    assert [entry["member"] for entry in entries] == [{"cycle": 1}, {"cycle": 2}]


def test_info_and_recipes(xps_study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "info", str(xps_study.with_name("a_Zr3d.csv")), "--json")
    (entry,) = json.loads(out)["files"]
    (one,) = entry["datasets"]
    assert (code, one["kind"], one["axis"], one["points"]) == (0, "spectrum", "binding_energy", 160)
    assert one["attrs"]["simulated"] == "true"
    code, out, err = call(capsys, "recipes")
    assert (code, err) == (0, "")
    assert "Zr 3d" in out
    assert len(json.loads(call(capsys, "recipes", "--json")[1])["recipes"]) == len(ss.xps.recipe_names())


def test_phases_by_elements(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(capsys, "phases", "--elements", "Na,Pb", "--json")
    assert code == 0
    assert {"Na15Pb4", "Pb_fcc"} <= {card["id"] for card in json.loads(out)["phases"]}
    assert call(capsys, "phases", "--elements", "Na,Qq")[0] == 2


def test_convert_round_trip_and_refusals(xps_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(xps_study.with_name("a_Zr3d.csv"))
    target = tmp_path / "zr.nc"
    assert call(capsys, "convert", source, str(target))[0] == 0
    loaded = ss.load(target)
    np.testing.assert_array_equal(loaded["intensity"].values, ss.read(source)["intensity"].values)
    assert call(capsys, "convert", source, str(target))[0] == 2
    assert call(capsys, "convert", source, str(target), "--force")[0] == 0
    assert call(capsys, "convert", source, str(tmp_path / "none" / "x.nc"))[0] == 2


def test_convert_many_spectra_into_one_file_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(reference.path("nasicon_study", "xps", "as_sintered.vms"))
    assert call(capsys, "convert", source, str(tmp_path / "all.csv"))[0] == 2
    assert list(tmp_path.iterdir()) == []
    code, out, _ = call(capsys, "convert", source, str(tmp_path / "s_{region}.csv"), "--json")
    document = json.loads(out)
    assert code == 0
    assert {path.name for path in tmp_path.iterdir()} >= {"s_Zr_3d.csv", "s_C_1s.csv"}
    for target, region in zip(document["targets"], document["spectra"], strict=True):
        one = ss.read(source, region=region)
        np.testing.assert_array_equal(ss.read(target)["intensity"].values, one["intensity"].values)


def test_demo_uses_the_shipped_study(
    make: ModuleType,
    xps_study: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, ...]] = []
    real = commands.reference.path

    def path(*parts: str) -> Path:
        asked.append(parts)
        return xps_study if parts[0] == "nasicon_study" else real(*parts)

    monkeypatch.setattr(commands.reference, "path", path)
    monkeypatch.setattr(report, "write", lambda *_, **__: {})
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, "demo")
    assert asked[0] == ("nasicon_study", "study.yaml")
    assert code in (0, 1)
    assert str(tmp_path / "surfspec-demo" / "report.html") in out
    assert "SIMULATED" in err


def test_convert_never_replaces_its_input(xps_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = xps_study.with_name("a_Zr3d.csv")
    before = source.read_bytes()
    twin = tmp_path / "twin.csv"
    twin.symlink_to(source)
    for target in (source, twin, source.parent / "." / ".." / source.parent.name / source.name):
        code, out, err = call(capsys, "convert", str(source), str(target), "--force")
        assert (code, out) == (2, "")
        assert "this is the file that is read" in err
    assert source.read_bytes() == before
    assert twin.is_symlink()


@pytest.mark.parametrize("name", ["new.foo", "new", "new.xlsx"])
def test_convert_refuses_unknown_endings(
    name: str, xps_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = call(capsys, "convert", str(xps_study.with_name("a_Zr3d.csv")), str(tmp_path / name))
    assert code == 2
    assert "ending" in err
    assert ".csv" in err
    assert list(tmp_path.glob("new*")) == []


def test_output_of_fit_is_checked_before_the_fit(
    xps_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = xps_study.with_name("a_Zr3d.csv")
    line = ("fit", str(source), "--recipe", "Zr 3d", "-o")
    code, out, err = call(capsys, *line, str(tmp_path / "out.xyz"))
    assert (code, out) == (2, "")
    assert "Use .nc" in err
    assert "fitting" not in err
    target = tmp_path / "out.nc"
    target.write_text("old", encoding="utf-8")
    code, out, err = call(capsys, *line, str(target))
    assert (code, out, target.read_text(encoding="utf-8")) == (2, "", "old")
    assert "--force" in err
    assert "overwrite=" not in err
    assert call(capsys, *line, str(target), "--force")[0] in (0, 1)
    assert ss.load(target)["fits/a_Zr3d/data"].attrs["kind"] == "fit"
    code, _, err = call(capsys, "identify", str(source), "-o", str(tmp_path / "x.csv"))
    assert (code, "Use .nc" in err, "reading" in err) == (2, True, False)


def test_one_bad_file_among_several_is_named(
    xps_study: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "broken.csv"
    bad.write_text("", encoding="utf-8")
    good = str(xps_study.with_name("a_Zr3d.csv"))
    code, out, err = call(capsys, "fit", good, str(bad), "--recipe", "Zr 3d", "--json", "--quiet")
    assert (code, out) == (2, "")
    assert "broken.csv" in err


def test_the_start_of_a_fit_is_drawn_before_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = str(reference.path("nasicon_study") / "xps" / "as_sintered.vms")
    picture = tmp_path / "start.png"
    words = ["fit", source, "--recipe", "Zr 3d", "--json", "--shift-search", "8", "--figure", str(picture)]
    code, out, _ = call(capsys, *words, "--start-only")
    assert code == 1
    (entry,) = json.loads(out)["files"]
    assert entry["verdict"] == "failed"
    assert "not fitted" in entry["reasons"][0]
    assert picture.stat().st_size > 5000
    code, out, err = call(capsys, *words)
    assert (code, out) == (2, "")
    assert "--force" in err
    assert call(capsys, *words, "--force")[0] == 0
    code, _, err = call(capsys, "fit", source, "--recipe", "Zr 3d", "--energy-shift", "1", "--shift-search", "2")
    assert code == 2
    assert "at once" in err
