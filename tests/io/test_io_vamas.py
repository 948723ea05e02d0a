"""VAMAS (ISO 14976): a small writer of our own makes files of every mode; measured files are read or refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from surfspec.errors import FormatError, InputError, SurfspecError
from surfspec.io import read, read_tree
from surfspec.io.vamas_grammar import EXPERIMENT_MODES, parse

MAGIC = "VAMAS Surface Chemical Analysis Standard Data Transfer Format 1988 May 4"
ION = {"ISS", "SIMS", "SNMS", "FABMS"}
Fields = dict[int, list[str]]


def block_items(mode: str, scan: str, technique: str, counts: list[int], *, start: float = 400.0) -> Fields:
    """Items of a block by their number in ISO 14976, each as its lines."""
    items: Fields = {
        1: ["2024"], 2: ["6"], 3: ["7"], 4: ["12"], 5: ["0"], 6: ["0"], 7: ["0"], 8: ["1", "a comment"], 9: [technique],
        11: ["2.5"], 12: ["Al"], 14: ["1486.6"], 15: ["10"], 16: ["500", "500"], 19: ["54.7"], 20: ["0"], 21: ["FAT"],
        22: ["20"], 24: ["1E+37"], 25: ["4.5"], 26: ["0"], 27: ["300", "700"], 28: ["0", "0"], 29: ["Na"],
        30: ["1s", "-1"], 32: ["1", "counts", "d"], 33: ["pulse counting"], 34: ["0.2"], 35: ["3"], 36: ["0"],
        38: ["0", "0"], 39: ["0"], 40: ["1", "flux", "nA", "7"],
    }  # fmt: skip
    if mode in {"MAP", "MAPDP"}:
        items[10] = ["1", "2"]
    if mode in {"MAPDP", "MAPSVDP", "SDP", "SDPSV"} or technique in ION:
        items[13] = ["18", "1", "1"]
    if mode in {"MAP", "MAPDP", "MAPSV", "MAPSVDP", "SEM"}:
        items[17] = ["100", "100"]
    if mode in {"MAPSV", "MAPSVDP", "SEM"}:
        items[18] = ["1", "1", "9", "1", "9", "9"]
    if technique == "AES diff":
        items[23] = ["2"]
    if scan == "REGULAR":
        items[31] = ["Kinetic Energy", "eV", str(start), "0.5"]
    if scan == "IRREGULAR":
        items[32] = ["2", "Kinetic Energy", "eV", "counts", "d"]
    if mode in {"MAPDP", "MAPSVDP", "SDP", "SDPSV"} and technique in {"XPS", "UPS", "AES dir", "AES diff"}:
        items[37] = ["4000", "50", "100", "100", "45", "0", "sputter"]
    width = 2 if scan == "IRREGULAR" else 1
    ordinates = list(
        itertools.chain.from_iterable((start + 0.5 * i, c) if width == 2 else (c,) for i, c in enumerate(counts))
    )
    items[41] = [str(len(ordinates)), *(["0", "9999"] * width), *(f"{value:g}" for value in ordinates)]
    return items


def vamas(
    mode: str = "NORM",
    scan: str = "REGULAR",
    technique: str = "XPS",
    listed: tuple[int, ...] = (),
    sign: int = 1,
    blocks: int = 2,
    change: Callable[[Fields], None] | None = None,
) -> str:
    """Write a file with `blocks` blocks; later ones leave out what the inclusion or exclusion list leaves out."""
    lines = [MAGIC, "institute", "model", "operator", "experiment", "1", "header comment", mode, scan]
    if mode in {"MAP", "MAPDP", "NORM", "SDP"}:
        lines.append("1")
    if mode in {"MAP", "MAPDP"}:
        lines += ["1", "4", "4"]
    lines += [
        "1",
        "Etch Time",
        "s",
        str(sign * len(listed)),
        *map(str, listed),
        "1",
        "29",
        "1",
        "1",
        "upgrade",
        str(blocks),
    ]
    for number in range(blocks):
        items = block_items(mode, scan, technique, [10 + number, 20 + number, 15 + number, 12 + number])
        if change is not None:
            change(items)
        lines += [f"block {number + 1}", "sample A"]
        for item in sorted(items):
            if item == 41:
                lines.append("future block entry")
            elif number and listed and (item in listed) != (sign > 0):
                continue
            lines += items[item]
    return "\n".join([*lines, "end of experiment"]) + "\n"


def write(tmp_path: Path, content: str) -> Path:
    file = tmp_path / "small.dat"
    file.write_text(content, encoding="utf-8")
    return file


def outcome(file: Path) -> str:
    """Read a file: an empty string, or the text of our own error; any other exception fails the test."""
    try:
        read_tree(file)
    except SurfspecError as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize("mode", EXPERIMENT_MODES)
@pytest.mark.parametrize("scan", ["REGULAR", "IRREGULAR"])
@pytest.mark.parametrize("technique", ["XPS", "UPS", "AES diff", "AES dir", "ISS"])
def test_every_mode_is_read(tmp_path: Path, mode: str, scan: str, technique: str) -> None:
    photons = technique in {"XPS", "UPS"}
    forced = None if photons or technique == "ISS" else "XPS"
    tree = read_tree(write(tmp_path, vamas(mode, scan, technique)), technique=forced)
    assert len(tree.children) == 2
    second = list(tree.children.values())[1].dataset
    expected = [11.0, 21.0, 16.0, 13.0]
    axis = "binding_energy" if photons else "kinetic_energy"
    np.testing.assert_array_equal(second.intensity, expected[::-1] if photons else expected)
    energy = 400.0 + 0.5 * np.arange(4)
    np.testing.assert_allclose(second[axis], np.sort(1486.6 - energy) if photons else energy, atol=1e-9)
    assert second.attrs["technique"] == ("LEIS" if technique == "ISS" else "XPS")
    assert (second.attrs["dwell_time"], second.attrs["scans"], second.attrs["statistics"]) == (0.2, 3, "poisson")
    assert (second.attrs["work_function"], second.attrs["etch_time"]) == (4.5, 2.5)


@pytest.mark.parametrize("technique", ["AES diff", "AES dir", "ELS"])
def test_auger_blocks_are_no_core_levels(tmp_path: Path, technique: str) -> None:
    """An Auger or energy-loss spectrum must not be fitted as XPS by itself; technique= forces it."""
    file = write(tmp_path, vamas("NORM", "REGULAR", technique))
    with pytest.raises(FormatError, match=f"{technique}.*technique='XPS'"):
        read_tree(file)
    with pytest.raises(FormatError, match=technique):
        read(file)
    forced = next(iter(read_tree(file, technique="XPS").children.values()))
    assert (forced.attrs["technique"], forced.attrs["method"]) == ("XPS", technique)


@pytest.mark.parametrize("mode", EXPERIMENT_MODES)
def test_mapping_is_refused_after_complete_parsing(tmp_path: Path, mode: str) -> None:
    text = vamas(mode, "MAPPING")
    assert len(parse(text, "a")[1]) == 2
    with pytest.raises(FormatError, match="MAPPING"):
        read_tree(write(tmp_path, text))


def normal_items() -> list[int]:
    return [item for item in sorted(block_items("NORM", "REGULAR", "XPS", [1])) if item <= 40]


@pytest.mark.parametrize("item", normal_items())
@pytest.mark.parametrize("sign", [1, -1])
def test_inclusion_and_exclusion_number_from_one(item: int, sign: int) -> None:
    """Each single item included, or excluded: the other items of block 2 come from block 1."""
    text = vamas(listed=(item,), sign=sign, blocks=3)
    _, blocks = parse(text, "a")
    full = parse(vamas(blocks=3), "a")[1]
    for ours, complete in zip(blocks, full, strict=True):
        assert str(ours.values) == str(complete.values)
        np.testing.assert_array_equal(ours.ordinates, complete.ordinates)


def test_long_lists(tmp_path: Path) -> None:
    everything = tuple(normal_items())
    _, none_left = parse(vamas(listed=everything, sign=-1), "a")
    _, all_there = parse(vamas(listed=everything, sign=1), "a")
    assert str(none_left[1].values) == str(all_there[1].values)

    def later(items: Fields) -> None:
        items[29] = ["Zr"]
        items[30] = ["3d", "-1"]

    ds = read_tree(write(tmp_path, vamas(listed=(29, 30), change=later)))
    assert list(ds.children) == ["Zr 3d", "Zr 3d 2"]


def test_several_variables_and_rate(tmp_path: Path) -> None:
    def two(items: Fields) -> None:
        items[32] = ["2", "Intensity", "c/s", "Transmission", "d"]
        items[41] = ["8", "0", "100", "0", "1", "10", "0.5", "20", "0.6", "15", "0.7", "10", "0.8"]

    ds = read(write(tmp_path, vamas(blocks=1, change=two)), region="na1S")
    np.testing.assert_allclose(ds.intensity, [6.0, 9.0, 12.0, 6.0])  # rate * 0.2 s * 3, axis turned round
    np.testing.assert_allclose(ds.transmission, [0.8, 0.7, 0.6, 0.5])
    assert ds.intensity.attrs["units"] == "counts"


def test_rate_in_the_name_only_leaves_statistics_unknown(tmp_path: Path) -> None:
    text = vamas(blocks=1).replace("block 1\n", "Counts per Second\n")
    ds = read(write(tmp_path, text))
    assert (ds.attrs["statistics"], ds.intensity.attrs["units"]) == ("unknown", "counts/s")


def test_unknown_numbers_and_missing_photon_energy(tmp_path: Path) -> None:
    def unknown(items: Fields) -> None:
        items[14], items[34], items[25] = ["1E+37"], ["1e37"], ["1E37"]

    file = write(tmp_path, vamas(blocks=1, change=unknown))
    ds = read(file)
    assert ds.intensity.dims == ("kinetic_energy",)
    assert not {"photon_energy", "dwell_time", "work_function"} & set(ds.attrs)
    with pytest.raises(SurfspecError, match="photon_energy="):
        read(file, axis="binding_energy")
    moved = read(file, axis="binding_energy", photon_energy=1253.6)
    assert float(moved.binding_energy[-1]) == pytest.approx(853.6)


def test_mislabelled_ion_scattering(tmp_path: Path) -> None:
    """A Kratos ISS spectrum that was exported as XPS over a binding energy from a default photon energy."""

    def kratos(items: Fields) -> None:
        items[8] = ["1", "Lens Mode : HSA_LENS_ISS"]
        items[31] = ["Binding Energy", "eV", "486.6", "-0.5"]

    ds = read(write(tmp_path, vamas(blocks=1, change=kratos)))
    assert ds.attrs["technique"] == "LEIS"
    np.testing.assert_allclose(ds.kinetic_energy, 1000.0 + 0.5 * np.arange(4))
    assert "ion_energy" not in ds.attrs  # 1486.6 is not the ion energy


def test_several_samples_and_ambiguous_regions(tmp_path: Path) -> None:
    text = vamas().replace("sample A", "sample B", 1)
    file = write(tmp_path, text)
    with pytest.raises(InputError, match="2 regions: 'sample B Na 1s', 'sample A Na 1s'"):
        read(file)
    with pytest.raises(InputError, match="2 regions match"):
        read(file, region="Na1s")
    assert read(file, region="sample A Na 1s").attrs["sample"] == "sample A"
    with pytest.raises(InputError, match="no region 'C 1s'"):
        read(file, region="C 1s")


def test_cut_file_names_block_line_promised_and_found(tmp_path: Path) -> None:
    lines = vamas().split("\n")
    end = len(lines) - 4  # two of four ordinates of block 2 remain
    with pytest.raises(FormatError) as caught:
        read(write(tmp_path, "\n".join(lines[:end])))
    assert "block 2 of 2" in str(caught.value)
    assert "4 values promised, 2 found" in str(caught.value)
    assert f"small.dat:{end}" in str(caught.value)


@pytest.mark.parametrize("mode", ["NORM", "MAPSVDP"])
def test_truncation_at_every_line_gives_data_or_our_error(tmp_path: Path, mode: str) -> None:
    lines = vamas(mode).split("\n")
    outcomes = [outcome(write(tmp_path, "\n".join(lines[:end]))) for end in range(1, len(lines) + 1)]
    assert all("small.dat" in text for text in outcomes if text)
    assert 1 <= outcomes.count("") <= 3  # only the terminator may be missing


def test_byte_mutations_give_data_or_our_error(tmp_path: Path) -> None:
    rng = np.random.default_rng(20240607)
    good = vamas("NORM", blocks=1).encode()
    outcomes = []
    for _ in range(1500):
        data = bytearray(good)
        for place in rng.integers(0, len(data), rng.integers(1, 4)):
            data[place] = rng.integers(0, 256)
        if rng.random() < 0.3:
            del data[int(rng.integers(0, len(data))) :]
        file = tmp_path / "small.vms"
        file.write_bytes(bytes(data))
        outcomes.append(outcome(file))
    assert not any("\n" in text for text in outcomes)
    assert 200 < sum(1 for text in outcomes if text) < 1500


@pytest.mark.data
def test_all_measured_files_are_read_or_refused_with_place(data_dir: Path) -> None:
    """Only the file with a doubled abscissa is refused; the number of blocks and points is that of the file."""
    files = sorted((data_dir / "xps").rglob("*.vms"))
    assert len(files) >= 16
    refused = {}
    for file in files:
        promised = sum(1 for line in file.read_text(encoding="latin-1").split("\n") if line.strip() == "pulse counting")
        try:
            assert len(read_tree(file).children) == promised
        except SurfspecError as problem:
            refused[file.name] = str(problem)
    assert set(refused) == {"Ti_references_irregular.vms"}
    assert "block 1 of 12" in refused["Ti_references_irregular.vms"]
    assert "471" in refused["Ti_references_irregular.vms"]


@pytest.mark.data
def test_dose_series_equals_its_csv_twins(data_dir: Path) -> None:
    folder = data_dir / "leis/simulated"
    tree = read_tree(folder / "as_sintered_dose_series_ISS.vms")
    assert len(tree.children) == 12
    doses = set()
    for label, node in tree.children.items():
        twin = np.loadtxt(folder / f"spectra/{label}.csv", delimiter=",", skiprows=1)
        ours = node.dataset
        np.testing.assert_array_equal(ours.kinetic_energy, twin[:, 0])
        np.testing.assert_array_equal(ours.intensity, twin[:, 1])
        assert (ours.attrs["ion"], ours.attrs["ion_energy"], ours.attrs["scattering_angle"]) == ("4He", 3000.0, 145.0)
        assert ours.attrs["simulated"] == "true"
        doses.add(round(ours.attrs["dose"] / 1e15, 6))
    assert doses == {1.6, 3.2, 4.8, 6.4}


@pytest.mark.data
def test_numbers_agree_with_independent_exports(data_dir: Path) -> None:
    """CasaXPS exports the FeO and Ni spectra as text: energies and counts agree to its seven digits."""
    rows = (
        (data_dir / "xps/casa_fit_FeO/FeO_analyzed_lineshapes_cols.txt").read_text(encoding="latin-1").splitlines()[8:]
    )
    casa = np.array([[row.split("\t")[i] for i in (1, 9)] for row in rows], dtype=float)
    ours = read(data_dir / "xps/casa_fit_FeO/FeO_analyzed.vms")
    np.testing.assert_allclose(ours.binding_energy, casa[::-1, 1], atol=1e-4)
    np.testing.assert_allclose(ours.intensity, casa[::-1, 0], rtol=1e-6)
    ni = read(data_dir / "xps/xpsdeeplearning/Ni_references.vms", region="Ni Survey")
    text = (data_dir / "xps/vamas/vms_txt_export.txt").read_text(encoding="latin-1").splitlines()[8:1209]
    casa = np.array([[row.split("\t")[i] for i in (1, 3, 4)] for row in text], dtype=float)
    np.testing.assert_allclose(ni.binding_energy, casa[::-1, 1], atol=1e-4)
    np.testing.assert_allclose(ni.intensity, casa[::-1, 0], rtol=1e-6)
    np.testing.assert_allclose(ni.intensity / ni.attrs["dwell_time"], casa[::-1, 2], rtol=1e-6)
    slow, fast = (read(data_dir / f"xps/vamas/{name}.vms") for name in ("regular", "irregular"))
    np.testing.assert_allclose(slow.intensity * 10, fast.intensity, rtol=1e-5)
