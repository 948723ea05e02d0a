"""The shipped study is simulated, says so, can be made again byte for byte, and is what its truth file says."""

from __future__ import annotations

import ast
import math
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import yaml

REFERENCE = Path(__file__).resolve().parent.parent / "reference_spectra"
STUDY = REFERENCE / "nasicon_study"
SAMPLES = ("as_sintered", "polished", "annealed")
REGIONS = ("Zr 3d", "Na 1s", "P 2p", "C 1s", "O 1s", "Si 2p")
ELEMENTS = ("O", "Na", "Si", "P", "Zr")
DOSES = (1.6e15, 3.2e15, 4.8e15, 6.4e15)


@pytest.fixture(scope="module")
def truth() -> dict:
    return yaml.safe_load((STUDY / "truth.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def study() -> dict:
    return yaml.safe_load((STUDY / "study.yaml").read_text(encoding="utf-8"))


def data_files() -> list[Path]:
    return sorted(path for path in STUDY.rglob("*") if path.parent != STUDY and path.is_file())


def table(path: Path) -> tuple[np.ndarray, np.ndarray]:
    rows = [line.replace(",", "\t") if path.suffix == ".csv" else line.replace(",", ".") for line in text_rows(path)]
    columns = np.array([[float(part) for part in row.split("\t")[:2]] for row in rows])
    return columns[:, 0], columns[:, 1]


def text_rows(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


def vamas_blocks(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Read the blocks by counting lines of ISO 14976, which is all that this one file needs."""
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = int(lines[5])
    at = 6 + comments + 2  # experiment mode, scan mode
    assert lines[at - 2 : at] == ["NORM", "REGULAR"]
    number = int(lines[at + 6])
    at += 7
    found = {}
    for _ in range(number):
        name = lines[at]
        at += 10 + int(lines[at + 9])  # identifiers, date, comments
        photon = float(lines[at + 2])
        start, step = float(lines[at + 22]), float(lines[at + 23])
        size = int(lines[at + 35])
        counts = np.array([float(row) for row in lines[at + 38 : at + 38 + size]])
        energy = photon - (start + step * np.arange(size))
        assert counts.min() == float(lines[at + 36])
        assert counts.max() == float(lines[at + 37])
        found[name] = (energy[::-1], counts[::-1])
        at += 38 + size
    assert lines[at:] == ["end of experiment"]
    return found


def xps_spectrum(sample: str, region: str) -> tuple[np.ndarray, np.ndarray]:
    if sample == "as_sintered":
        return vamas_blocks(STUDY / "xps" / "as_sintered.vms")[region]
    x, y = table(STUDY / "xps" / f"{sample}_{region.replace(' ', '')}.csv")
    order = np.argsort(x)
    return x[order], y[order]


def test_same_files_again(tmp_path: Path) -> None:
    script = REFERENCE / "make_nasicon_study.py"
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", str(script), "--output", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    shipped = {path.relative_to(STUDY): path.read_bytes() for path in STUDY.rglob("*") if path.is_file()}
    assert made.keys() == shipped.keys()
    assert [str(name) for name in made if made[name] != shipped[name]] == []


def test_generator_is_independent_of_the_package() -> None:
    sources = [REFERENCE / "make_nasicon_study.py", *sorted((REFERENCE / "nasicon_simulation").glob("*.py"))]
    assert len(sources) > 5
    roots = set()
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add(str(node.module).split(".")[0])
    third_party = roots - set(sys.stdlib_module_names) - {"nasicon_simulation"}
    assert third_party <= {"numpy", "scipy", "gemmi", "periodictable", "yaml"}


@pytest.mark.parametrize("path", data_files(), ids=lambda path: path.name)
def test_every_file_says_simulated(path: Path) -> None:
    head = path.read_text(encoding="utf-8")[:2000]
    assert "SIMULATED DATA, not a measurement" in head
    if path.suffix not in {".xrdml"}:
        assert "simulated: true" in head


def test_study_and_readme_say_simulated(truth: dict, study: dict) -> None:
    assert "SIMULATED" in study["study"]
    assert truth["simulated"] is True
    assert "SIMULATED" in (STUDY / "README.md").read_text(encoding="utf-8")


def test_every_vamas_block_says_simulated() -> None:
    text = (STUDY / "xps" / "as_sintered.vms").read_text(encoding="utf-8")
    assert text.count("SIMULATED DATA, not a measurement") == 1 + len(REGIONS)


def test_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in STUDY.rglob("*") if path.is_file()) < 1.5e6


def test_study_names_all_files_and_no_other(study: dict) -> None:
    named: list[str] = []
    for entry in study["samples"].values():
        xps = entry["xps"]
        named += [xps.replace("{region}", region.replace(" ", "")) for region in REGIONS] if "{" in xps else [xps]
        doses = entry["leis"]["dose"]
        assert [float(doses[key]) for key in sorted(doses)] == list(DOSES)
        named += patterns(entry["leis"]["files"])
        named += entry["xrd"].values()
    for reference in study["leis"]["coverage"]["references"].values():
        named += patterns(reference)
    assert sorted(named) == sorted(path.relative_to(STUDY).as_posix() for path in data_files())


def patterns(template: str) -> list[str]:
    return [
        template.replace("{spot}", str(spot)).replace("{dose}", str(dose))
        for spot in (1, 2, 3)
        for dose in (1, 2, 3, 4)
    ]


def test_truth_is_complete(truth: dict, study: dict) -> None:
    assert tuple(truth["samples"]) == SAMPLES == tuple(study["samples"])
    for name in SAMPLES:
        entry = truth["samples"][name]
        assert tuple(entry["xps"]["regions"]) == REGIONS
        for region in entry["xps"]["regions"].values():
            parts = region["components"].values()
            assert math.isclose(sum(part["area"] for part in parts), region["area"], rel_tol=1e-4)
            assert math.isclose(sum(part["fraction"] for part in parts), 1.0, abs_tol=1e-5)
        complete_series(entry["leis"])
        for key in ("energy_offset", "zero_dose_coverage", "removal_cross_section", "monolayers", "thickness"):
            assert np.isfinite(entry["leis"][key])
        assert set(entry["xrd"]) == set(study["samples"][name]["xrd"])
        for label, pattern in entry["xrd"].items():
            assert pattern["file"] == study["samples"][name]["xrd"][label]
            weights = [phase["weight_fraction"] for phase in pattern["phases"].values()]
            assert math.isclose(sum(weights), 1.0, abs_tol=1e-9)
            assert not set(pattern["phases"]) & set(pattern["absent"])
        assert tuple(entry["leis"]["maximum_offset"]) == ELEMENTS
    for series in truth["leis_references"].values():
        complete_series(series)


def complete_series(series: dict) -> None:
    assert tuple(series["normalised_area"]) == ELEMENTS
    for element in ELEMENTS:
        for kind in ("area", "normalised_area"):
            assert [row["dose"] for row in series[kind][element]] == list(DOSES)
            assert all(len(row["spots"]) == 3 for row in series[kind][element])
    for k in range(4):
        for spot in range(3):
            total = sum(series["normalised_area"][e][k]["spots"][spot] for e in ELEMENTS if e != "Na")
            assert math.isclose(total, 1.0, abs_tol=1e-5)


@pytest.mark.parametrize("sample", SAMPLES)
@pytest.mark.parametrize("region", REGIONS)
def test_counts_carry_the_area_of_the_truth(truth: dict, sample: str, region: str) -> None:
    """The step of the truth solves B' = k (y - B): solve that on the counts, and integrate what is above."""
    x, y = xps_spectrum(sample, region)
    known = truth["samples"][sample]["xps"]["regions"][region]
    half = 0.5 * known["background_step"] * 0.1
    background = np.empty_like(y)
    background[0] = known["background_level"]
    for i in range(y.size - 1):
        background[i + 1] = (background[i] * (1 - half) + half * (y[i] + y[i + 1])) / (1 + half)
    area = 0.1 * float(np.sum(y - background))
    noise = 0.1 * float(np.sqrt(np.sum(y)))
    tails = 0.02 * known["area"]  # of Lorentzians that reach out of the window
    assert np.allclose(np.diff(x), 0.1)
    assert abs(area - known["area"]) < 4 * noise + tails


@pytest.mark.parametrize("sample", SAMPLES)
def test_zirconium_line_lies_at_reference_plus_shift(truth: dict, sample: str) -> None:
    x, y = xps_spectrum(sample, "Zr 3d")
    entry = truth["samples"][sample]["xps"]
    assert entry["regions"]["Zr 3d"]["components"]["Zr 3d5/2"]["center"] == 182.40
    near = np.abs(x - 182.40 - entry["charge_shift"]) < 0.45
    top = np.polyfit(x[near] - 182.40, y[near], 2)
    assert -0.5 * top[1] / top[0] == pytest.approx(entry["charge_shift"], abs=0.04)


def test_what_the_xps_paper_saw(truth: dict) -> None:
    ratio = {
        name: {region: entry["normalised_area"] for region, entry in truth["samples"][name]["xps"]["regions"].items()}
        for name in SAMPLES
    }
    for region in ("Na 1s", "P 2p"):
        assert ratio["as_sintered"][region] > 1.3 * ratio["polished"][region]
        assert ratio["annealed"][region] > 1.3 * ratio["polished"][region]
    carbon = [ratio[name]["C 1s"] for name in SAMPLES]
    assert max(carbon) < 1.2 * min(carbon)


def test_what_the_leis_paper_saw(truth: dict) -> None:
    series = {name: truth["samples"][name]["leis"]["normalised_area"] for name in SAMPLES}
    for element in ("Na", "P"):
        assert series["as_sintered"][element][0]["value"] > 2 * series["polished"][element][0]["value"]
    silicon = [row["value"] for row in series["as_sintered"]["Si"]]
    assert silicon[0] < 0.01
    assert silicon[2] > 0.05
    for name in SAMPLES:
        assert series[name]["Na"][3]["value"] < series[name]["Na"][0]["value"]


@pytest.mark.parametrize("sample", SAMPLES)
def test_coverage_is_the_mean_over_the_interval(truth: dict, sample: str) -> None:
    """Closed form: the integral of sum_{i<n} e^-x x^i / i! from 0 to X is n - sum_{i<n} (n - i) e^-X X^i / i!."""
    entry = truth["samples"][sample]["leis"]
    n, sigma = entry["monolayers"], entry["removal_cross_section"]

    def integral(x: float) -> float:
        return n - sum((n - i) * math.exp(-x) * x**i / math.factorial(i) for i in range(n))

    edges = [0.0, *DOSES]
    for k, row in enumerate(entry["coverage"]):
        mean = (integral(sigma * edges[k + 1]) - integral(sigma * edges[k])) / (sigma * (edges[k + 1] - edges[k]))
        assert row["value"] == pytest.approx(entry["zero_dose_coverage"] * mean, abs=2e-6)


def test_leis_peaks_against_numbers_computed_elsewhere(truth: dict) -> None:
    """Isotope centroids and ZBL cross-sections of 4He+ at 3 keV and 145 degrees, computed by another program."""
    energy = {"O": 1182.13, "Na": 1581.31, "Si": 1779.39, "P": 1869.51, "Zr": 2557.01}
    section = {"O": 2.305e-4, "Na": 4.034e-4, "Si": 5.862e-4, "P": 6.532e-4, "Zr": 23.905e-4}
    known = truth["leis_instrument"]
    for element in ELEMENTS:
        assert known["peak_energy"][element] == pytest.approx(energy[element], abs=0.01)
        assert known["cross_section"][element] == pytest.approx(section[element], rel=1e-3)


def test_leis_areas_differ_by_the_gain(truth: dict) -> None:
    """Areas of a sample without scatter of its coverage differ by a common factor only."""
    gain = truth["samples"]["polished"]["leis"]["gain"]
    sums = {}
    for spot in (1, 2, 3):
        spectra = [table(STUDY / "leis" / f"polished_area{spot}_dose{dose}.csv")[1] for dose in (1, 2, 3, 4)]
        sums[spot] = sum(float(y.sum()) for y in spectra)
    for spot in (2, 3):
        noise = math.sqrt(1 / sums[1] + 1 / sums[spot])
        assert sums[spot] / sums[1] == pytest.approx(gain[spot] / gain[1], abs=5 * noise)


def test_zirconium_counts_above_the_edge_are_the_peak(truth: dict) -> None:
    """Above its own elastic energy only the Zr peak and the dark counts are left: drawn ion by ion, they must agree."""
    x, y = table(STUDY / "leis" / "ref_NZSP_area1_dose1.csv")
    known, instrument = truth["leis_references"]["NZSP"], truth["leis_instrument"]
    energies = np.array([2551.14, 2555.70, 2560.17, 2568.84, 2577.19]) + known["energy_offset"]
    rng = np.random.default_rng(1)
    ions = rng.choice(energies, 400_000, p=np.array([51.45, 11.22, 17.15, 17.38, 2.80]) / 100.0)
    ions += rng.normal(0.0, instrument["peak_sigma"]["Zr"], ions.size) - rng.exponential(instrument["tail"], ions.size)
    above = x > instrument["peak_energy"]["Zr"]
    lowest = x[above][0] - 2.5
    expected = known["area"]["Zr"][0]["spots"][0] / 5.0 * np.mean(ions > lowest)
    found = float(np.sum(y[above] - 3.0))
    assert expected > 3000
    assert found == pytest.approx(expected, rel=0.04)


def bragg(d: float) -> float:
    return math.degrees(2 * math.asin(1.540598 / (2 * d)))


def pattern(sample: str, label: str, truth: dict) -> tuple[np.ndarray, np.ndarray, dict]:
    entry = truth["samples"][sample]["xrd"][label]
    path = STUDY / entry["file"]
    if path.suffix == ".xrdml":
        space = {"x": "http://www.xrdml.com/XRDMeasurement/1.5"}
        root = ET.parse(path).getroot()  # noqa: S314 - our own file
        counts = np.array([float(v) for v in root.findtext(".//x:intensities", "", space).split()])
        start, end = (
            float(root.findtext(f".//x:positions[@axis='2Theta']/x:{key}Position", "", space))
            for key in ("start", "end")
        )
        return np.linspace(start, end, counts.size), counts, entry
    return *table(path), entry


@pytest.mark.parametrize(
    ("sample", "label", "d", "where"),
    [
        ("polished", "coated", 4.9505 / math.sqrt(3), "Pb (111)"),
        ("polished", "coated", 4.9505 / 2, "Pb (200)"),
        ("as_sintered", "after", 4.2906 / math.sqrt(2), "Na (110)"),
        ("annealed", "after", 4.2906 / math.sqrt(2), "Na (110)"),
        ("polished", "after", 13.302 / math.sqrt(8), "Na15Pb4 (220)"),
        ("annealed", "before", 6.607 / 2, "ZrSiO4 (200)"),
    ],
)
def test_lines_lie_at_bragg_angles(truth: dict, sample: str, label: str, d: float, where: str) -> None:
    x, y, entry = pattern(sample, label, truth)
    angle = bragg(d)
    angle += entry["zero_shift"] + entry["displacement_cos_theta"] * math.cos(math.radians(angle / 2))
    near = np.abs(x - angle) < 0.12
    top = x[near][np.argmax(y[near])]
    assert top == pytest.approx(angle, abs=0.045), where


def test_minor_phase_is_there_where_the_truth_says(truth: dict) -> None:
    """The (-111) line of m-ZrO2 at 28.17 degrees stands out of the as-sintered pattern, not of the polished one."""
    excess = {}
    for sample in ("as_sintered", "polished"):
        x, y, _ = pattern(sample, "before", truth)
        line, beside = np.abs(x - 28.17) < 0.1, (np.abs(x - 28.17) > 0.2) & (np.abs(x - 28.17) < 0.35)
        excess[sample] = (y[line].mean() - y[beside].mean()) / math.sqrt(y[line].mean() / line.sum())
    assert excess["as_sintered"] > 10
    assert abs(excess["polished"]) < 5


def test_patterns_have_the_published_grid(truth: dict) -> None:
    for sample in SAMPLES:
        for label in truth["samples"][sample]["xrd"]:
            x, y, _ = pattern(sample, label, truth)
            assert x.size == y.size == 2122
            assert x[0] == 10.0
            assert np.allclose(np.diff(x), 0.033, atol=1e-6)
            assert np.array_equal(y, np.round(y))
