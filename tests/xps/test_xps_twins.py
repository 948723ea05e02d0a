"""The shipped twins are simulated, say so, can be made again byte for byte, and are what their truth file says."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.integrate import quad
from scipy.special import voigt_profile

import surfspec as ss

REFERENCE = Path(__file__).resolve().parent.parent.parent / "reference_spectra"
TWINS = REFERENCE / "xps_twins"
FILES = sorted(TWINS.glob("*.vms"))


@pytest.fixture(scope="module")
def truth() -> dict:
    return yaml.safe_load((TWINS / "truth.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def simulation(monkeypatch: pytest.MonkeyPatch):
    """The modules of the generator, which is no package of surfspec."""
    monkeypatch.syspath_prepend(str(REFERENCE))
    from xps_simulation import films, measuring, profiles

    return films, measuring, profiles


def test_same_files_again(tmp_path: Path) -> None:
    command = [sys.executable, "-B", "-W", "error", str(REFERENCE / "make_xps_twins.py"), "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    shipped = {path.name: path.read_bytes() for path in TWINS.iterdir()}
    assert made.keys() == shipped.keys()
    assert [name for name in made if made[name] != shipped[name]] == []
    assert sum(map(len, shipped.values())) < 1.5e6


def test_generator_is_independent_of_the_package() -> None:
    roots = set()
    for source in [REFERENCE / "make_xps_twins.py", *(REFERENCE / "xps_simulation").glob("*.py")]:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add(str(node.module).split(".")[0])
    third_party = roots - set(sys.stdlib_module_names) - {"nasicon_simulation", "xps_simulation"}
    assert third_party == {"numpy", "scipy", "yaml"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_region_says_simulated(path: Path, truth: dict) -> None:
    row, _, name = path.stem.partition("_")
    known = truth[row][name]
    assert truth["simulated"] is True
    for region, entry in known["regions"].items():
        spectrum = ss.read(path, region=region)
        assert spectrum.attrs["simulated"] == "true"
        assert spectrum.attrs["statistics"] == "poisson"
        assert (spectrum.attrs["dwell_time"], spectrum.attrs["scans"]) == (0.05, entry["scans"])
        assert np.isclose(sum(part["fraction"] for part in entry["components"].values()), 1.0, atol=1e-5)
        assert "SIMULATED" in spectrum.attrs["comment"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_counts_are_poisson_about_the_expectation(path: Path, truth: dict, simulation) -> None:
    """Sum of counts over the window, with the expectation rebuilt from the lines of the truth file alone."""
    _, measuring, profiles = simulation
    from xps_simulation.samples import REGIONS, SAMPLES

    row, _, name = path.stem.partition("_")
    sample = next(one for one in SAMPLES if (one.row, one.name) == (row, name))
    for region, entry in truth[row][name]["regions"].items():
        lines = [
            profiles.Line(
                line.name, line.energy, line.gaussian, line.lorentzian, part["area"], line.asymmetry, line.cutoff
            )
            for line, part in zip(sample.lines[region], entry["components"].values(), strict=True)
        ]
        expected = measuring.expected(REGIONS[region], lines, truth[row][name]["charge_shift"])
        spectrum = ss.read(path, region=region)
        pulls = (spectrum.intensity.values - expected) / np.sqrt(expected)
        assert np.allclose(spectrum.binding_energy, measuring.axis(REGIONS[region]), atol=1e-9)
        assert abs(pulls.mean()) < 4.0 / np.sqrt(pulls.size)
        assert abs((pulls**2).mean() - 1.0) < 4.5 * np.sqrt(2.0 / pulls.size)


def test_profiles_against_other_ways(simulation) -> None:
    _, _, profiles = simulation
    x = np.linspace(-30.0, 30.0, 6001)
    plain = profiles.Line("a", 0.0, 1.3, 0.4, 1.0)
    sigma = 1.3 / (2.0 * np.sqrt(2.0 * np.log(2.0)))
    assert np.allclose(profiles.shape(plain, x), voigt_profile(x, sigma, 0.2), rtol=1e-10)
    metal = profiles.Line("b", 0.0, 0.95, 0.0, 1.0, 0.06, 3.0)
    found = profiles.shape(metal, x)
    assert np.trapezoid(found, x) == pytest.approx(1.0, abs=1e-4)
    assert np.trapezoid(x * found, x) == pytest.approx(0.06 * 3.0, rel=2e-3)  # mean of the gamma density
    t = 0.7  # and its characteristic function, exp(-s^2 t^2 / 2) (1 - i e t)^-a
    s = 0.95 / (2.0 * np.sqrt(2.0 * np.log(2.0)))
    known = np.exp(-0.5 * (s * t) ** 2) * (1.0 - 3.0j * t) ** -0.06
    assert np.trapezoid(found * np.exp(1j * t * x), x) == pytest.approx(known, abs=2e-4)


def test_losses_tend_to_a_shirley_step(simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    _, measuring, profiles = simulation
    for name, value in (("ONSET", 1e-6), ("REACH", 1e9), ("HUMP", 0.0), ("SLOPE", 0.0)):
        monkeypatch.setattr(measuring, name, value)
    region = measuring.Region("a", 90.0, 110.0, 20, 0.0, 0.02)
    line = profiles.Line("a", 100.0, 1.2, 0.0, 1000.0)
    found = measuring.background(region, [line], 0.0)
    assert found[0] == pytest.approx(0.0, abs=1e-9)
    assert found[-1] == pytest.approx(0.02 * 1000.0, rel=1e-6)
    assert found[100] == pytest.approx(0.5 * 0.02 * 1000.0, rel=0.02)


def test_loss_function_against_its_integral(simulation) -> None:
    _, measuring, profiles = simulation
    region = measuring.Region("a", 90.0, 110.0, 20, 0.0, 0.02)
    line = profiles.Line("a", 98.0, 1.2, 0.2, 1000.0)
    at = measuring.axis(region)[150]

    def part(lost: float) -> float:
        return float(measuring.losses(region, np.array([lost]))[0] * profiles.profile(line, np.array([at - lost]))[0])

    exact = quad(part, 0.0, 40.0, points=[at - 98.0], limit=400)[0]
    assert measuring.background(region, [line], 0.0)[150] == pytest.approx(exact, rel=2e-3)


@pytest.mark.parametrize("level", ["Zr 3d", "Na 1s", "P 2p"])
def test_films_against_the_closed_formula(level: str, simulation) -> None:
    films, _, _ = simulation
    from nasicon_simulation.samples import BULK, FILM

    element, section, energy = films.SECTIONS[level]
    a, b = films.path(level, FILM), films.path(level, BULK)
    unit = 245.0 * section * ((1486.6 - energy) / 1000.0) ** -0.3
    on_film, in_bulk = films.rates(level, films.Film(0.6, 2.4))
    lost = 0.6 * (1.0 - np.exp(-2.4 / a))
    assert on_film == pytest.approx(unit * FILM.atoms(element) * a * lost, rel=1e-4)
    assert in_bulk == pytest.approx(unit * BULK.atoms(element) * b * (1.0 - lost), rel=1e-4)


def test_what_the_papers_saw(truth: dict) -> None:
    assert truth["x9"]["annealed"]["carbonate"] < 0.3 * truth["x9"]["pristine"]["carbonate"]
    tin = truth["x7"]["recycled"]["regions"]["Sn 3d"]["components"]
    assert [tin[k]["center"] for k in ("Sn(IV) Sn 3d5/2", "Sn(0) Sn 3d5/2", "Na KLL")] == [486.6, 484.4, 496.8]
    both = truth["x5"]["surface"]["regions"]["B 1s"]["components"]
    assert (both["borate B 1s"]["center"], both["Zr4+ Zr 3d5/2"]["center"]) == (190.9, 182.9)
    assert [truth["x6"][k]["reduced"] for k in ("absent", "one_percent", "three_percent")] == [0.0, 0.01, 0.03]
