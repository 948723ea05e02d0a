"""Bad input through the command line: one clear line with the remedy, exit code 2, nothing half-written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from surfspec import cli, reference

HEADER = {"technique": "XPS", "region": "Zr 3d", "axis": "binding_energy", "intensity_unit": "counts"}
LEIS = "leis: {ion: %s, energy: %s, angle: %s, elements: %s}\n"
LEIS_STUDY = 'study: s\nsamples: {a: {leis: "a.csv"}}\n' + LEIS


def edit(old: str, new: str) -> Callable[[Path, ModuleType], None]:
    """Return a fault that replaces words of the study file."""

    def fault(folder: Path, make: ModuleType) -> None:
        path = folder / "study.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    return fault


def write(name: str, content: bytes) -> Callable[[Path, ModuleType], None]:
    return lambda folder, make: (folder / name).write_bytes(content) and None


def rows(change: Callable[[list[str]], list[str]]) -> Callable[[Path, ModuleType], None]:
    """Return a fault that changes the rows of the file of Zr 3d."""

    def fault(folder: Path, make: ModuleType) -> None:
        path = folder / "a_Zr3d.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        head = [line for line in lines if line.startswith("#")]
        path.write_text("\n".join([*head, *change(lines[len(head) :])]) + "\n", encoding="utf-8")

    return fault


def as_folder(folder: Path, make: ModuleType) -> None:
    (folder / "a_Zr3d.csv").unlink()
    edit('"a_{region}.csv"', "folder")(folder, make)
    (folder / "folder").mkdir()


def truncated_vamas(folder: Path, make: ModuleType) -> None:
    whole = reference.path("nasicon_study", "xps", "as_sintered.vms").read_text(encoding="utf-8")
    (folder / "cut.vms").write_text(whole[: int(0.4 * len(whole))], encoding="utf-8")
    edit('"a_{region}.csv"', "cut.vms")(folder, make)


def recipe_file(folder: Path, make: ModuleType) -> None:
    shutil.copy(reference.path("recipes", "xps", "Zr_3d.yaml"), folder / "mine.yaml")
    path = folder / "mine.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("window:", "backgruond: {}\nwindow:"), encoding="utf-8")
    edit("[Zr 3d,", "[mine.yaml,")(folder, make)


def leis(*words: str) -> Callable[[Path, ModuleType], None]:
    def fault(folder: Path, make: ModuleType) -> None:
        (folder / "study.yaml").write_text(LEIS_STUDY % words, encoding="utf-8")
        energy = np.arange(600.0, 2900.0, 10.0)
        make.text_file(folder / "a.csv", energy, np.full(energy.size, 50.0), technique="LEIS", axis="kinetic_energy",
                       intensity_unit="counts")  # fmt: skip

    return fault


def xrd_without_wavelength(folder: Path, make: ModuleType) -> None:
    angle = np.arange(10.0, 80.0, 0.05)
    make.text_file(folder / "p.xy", angle, np.full(angle.size, 100.0), technique="XRD", axis="two_theta",
                   intensity_unit="counts")  # fmt: skip
    (folder / "study.yaml").write_text("study: s\nsamples: {a: {xrd: p.xy}}\nxrd: {elements: [Si]}\n", encoding="utf-8")


def remove(name: str) -> Callable[[Path, ModuleType], None]:
    return lambda folder, make: (folder / name).unlink()


FAULTS: dict[str, tuple[Callable[[Path, ModuleType], None], str]] = {
    "missing study file": (remove("study.yaml"), "study.yaml"),
    "missing data file": (edit('"a_{region}.csv"', "nothing.csv"), "nothing.csv"),
    "pattern without a match": (edit('"a_{region}.csv"', '"z_{region}.csv"'), "z_{region}.csv"),
    "directory": (as_folder, "folder"),
    "empty file": (write("a_Zr3d.csv", b""), "empty"),
    "binary file": (write("a_Zr3d.csv", bytes(range(256)) * 8), "a_Zr3d.csv"),
    "truncated VAMAS block": (truncated_vamas, "cut.vms"),
    "NaN": (rows(lambda r: [*r[:40], "180.0000,nan", *r[41:]]), "a_Zr3d.csv"),
    "unsorted axis": (rows(lambda r: [*r[:40], r[60], *r[40:60], *r[61:]]), "a_Zr3d.csv"),
    "duplicated axis": (rows(lambda r: [*r[:40], r[40], *r[40:]]), "a_Zr3d.csv"),
    "one point": (rows(lambda r: r[:1]), "a_Zr3d.csv"),
    "all zeros": (rows(lambda r: [f"{line.split(',')[0]},0" for line in r]), "a_Zr3d.csv"),
    "unknown key of the study": (edit("normalise_to", "normalize_to"), "normalise_to"),
    "duplicate key of the study": (edit("study: two", "study: one\nstudy: two"), "study.yaml:2:1"),
    "no YAML": (write("study.yaml", b"study: [unclosed\n  - what: {"), "study.yaml"),
    "unknown recipe": (edit("[Zr 3d,", "[Zr 9x,"), "study.yaml:8"),
    "unknown key of a recipe": (recipe_file, "mine.yaml:"),
    "unknown line": (edit("line: Zr 3d5/2", "line: Hf 4f7/2"), "Hf 4f7/2"),
    "negative energy": (edit("182.40", "-3"), "study.yaml:6"),
    "unknown element": (leis("4He", "3000", "145", "[O, Xx]"), "Xx"),
    "unknown ion": (leis("4Hx", "3000", "145", "[O]"), "Hx"),
    "impossible geometry: angle": (leis("4He", "3000", "190", "[O]"), "190"),
    "impossible geometry: light target": (leis("20Ne", "3000", "145", "[O]"), "O"),
    "unknown wavelength": (xrd_without_wavelength, "wavelength"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_one_line_exit_code_2_nothing_written(
    name: str, make: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault, says = FAULTS[name]
    data = tmp_path / "data"
    data.mkdir()
    study = make.xps_study(data)
    fault(data, make)
    before = sorted(data.rglob("*"))
    code = cli.main(["run", str(study), "-o", str(tmp_path / "out"), "--quiet", "--json"])
    shown = capsys.readouterr()
    assert code == 2
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert len(lines) == 1, shown.err
    assert lines[0].startswith("surfspec: ")
    assert says in lines[0]
    assert "Traceback" not in shown.err
    assert "internal error" not in shown.err
    sentences = [part for part in lines[0].split(". ") if part]
    assert len(sentences) >= 2, f"no remedy in {lines[0]!r}"
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert sorted(data.rglob("*")) == before
