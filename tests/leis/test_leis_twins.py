"""The shipped LEIS twins are simulated, say so, can be made again byte for byte, and are what their truth file says."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import yaml

import surfspec as ss

REFERENCE = Path(__file__).resolve().parent.parent.parent / "reference_spectra"
TWINS = REFERENCE / "leis_twins"
GROUPS = ("surface", "cross_section", "overlayers")


@pytest.fixture(scope="module")
def truth() -> dict:
    return yaml.safe_load((TWINS / "truth.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def simulation():
    """The modules of the generator, which is no package of surfspec."""
    sys.path.insert(0, str(REFERENCE))
    from leis_simulation import depth, sections, spectra, stopping

    yield depth, sections, spectra, stopping
    sys.path.remove(str(REFERENCE))


def test_same_files_again(tmp_path: Path) -> None:
    command = [sys.executable, "-B", "-W", "error", str(REFERENCE / "make_leis_twins.py"), "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    shipped = {path.name: path.read_bytes() for path in TWINS.iterdir()}
    assert made.keys() == shipped.keys()
    assert [name for name in made if made[name] != shipped[name]] == []
    assert sum(map(len, shipped.values())) < 1.2e6


def test_generator_is_independent_of_the_package() -> None:
    roots = set()
    for source in [REFERENCE / "make_leis_twins.py", *(REFERENCE / "leis_simulation").glob("*.py")]:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add(str(node.module).split(".")[0])
    third_party = roots - set(sys.stdlib_module_names) - {"nasicon_simulation", "leis_simulation"}
    assert third_party == {"numpy", "scipy", "yaml"}


@pytest.mark.parametrize("group", GROUPS)
def test_every_spectrum_says_what_it_is(group: str, truth: dict) -> None:
    assert truth["simulated"] is True
    for stem, entry in truth[group]["spectra"].items():
        spectrum = ss.read(TWINS / f"{stem}.csv")
        assert "SIMULATED" in (TWINS / f"{stem}.csv").read_text(encoding="utf-8").splitlines()[0]
        attrs = spectrum.attrs
        assert (attrs["simulated"], attrs["statistics"], attrs["technique"]) == ("true", "poisson", "LEIS")
        assert (attrs["ion"], attrs["ion_energy"], attrs["scattering_angle"]) == ("4He", 3000.0, 145.0)
        assert attrs["dose"] == pytest.approx(entry["dose"])


def test_the_area_scan_is_vamas_with_places(truth: dict) -> None:
    tree = ss.io.read_tree(TWINS / "area_scan.vms")
    spots = truth["area_scan"]["spots"]
    assert len(tree.children) == len(spots) == 64
    for name, spot in zip(tree.children, spots, strict=True):
        attrs = tree[name].attrs
        assert (attrs["x"], attrs["y"]) == (spot["x"], spot["y"])
        assert (attrs["simulated"], attrs["ion"], attrs["scattering_angle"]) == ("true", "4He", 145.0)


@pytest.mark.parametrize("group", GROUPS)
def test_counts_are_poisson_about_the_expectation(group: str, truth: dict, simulation: tuple[ModuleType, ...]) -> None:
    """With the expectation rebuilt from the shares of the truth file; sodium from its area there."""
    spectra = simulation[2]
    offset = truth[group]["energy_offset"]
    for stem, entry in truth[group]["spectra"].items():
        built = spectra.Spectrum(stem, "", entry["dose"], entry["shares"], gain=entry["gain"], offset=offset)
        lost = entry["area"]["Na"] / built.areas()["Na"]
        built = spectra.Spectrum(stem, "", entry["dose"], entry["shares"], lost, entry["gain"], offset)
        expected, spectrum = built.expected(), ss.read(TWINS / f"{stem}.csv")
        pulls = (spectrum.intensity.values - expected) / np.sqrt(expected)
        assert abs(pulls.mean()) < 4.0 / np.sqrt(pulls.size)
        assert abs((pulls**2).mean() - 1.0) < 4.5 * np.sqrt(2.0 / pulls.size)


def test_truth_adds_up(truth: dict) -> None:
    for group in GROUPS:
        for entry in truth[group]["spectra"].values():
            assert sum(entry["shares"].values()) == pytest.approx(1.0, abs=1e-5)
            covered = sum(share for layers, share in entry["shares"].items() if layers > 0)
            assert entry["coverage"] == pytest.approx(covered, abs=1e-5)
            total = sum(area for element, area in entry["area"].items() if element != "Na")
            for element, area in entry["area"].items():
                assert entry["normalised_area"][element] == pytest.approx(area / total, abs=1e-5)


def test_poisson_removal_by_a_monte_carlo(truth: dict) -> None:
    """Layers leave sites at random: coverage of the surface spectrum, averaged over its own dose."""
    rng = np.random.default_rng(5)
    gone = rng.poisson(2.5e-16 * 8e14 * rng.random(400_000))
    known = truth["surface"]["spectra"]["surface"]
    assert np.mean(gone < 2) == pytest.approx(known["coverage"], abs=5e-4)
    assert np.mean(gone == 1) == pytest.approx(known["shares"][1], abs=2e-3)


@pytest.mark.parametrize("element", ["O", "Si", "Zr"])
def test_cross_sections_between_two_ways(element: str, simulation: tuple[ModuleType, ...]) -> None:
    """The table against the package, at angles that dual scattering uses."""
    sections = simulation[1]
    for degrees in (40.0, 90.0, 145.0):
        found = float(sections.section(element, np.array([np.deg2rad(degrees)]))[0])
        known = ss.leis.cross_section(element, energy=3000, angle=degrees)
        assert found == pytest.approx(float(known), rel=5e-3)


def test_stopping_against_the_closed_formula(simulation: tuple[ModuleType, ...]) -> None:
    stopping = simulation[3]
    from nasicon_simulation.samples import FILM

    # Lindhard and Scharff, an atom of oxygen at Bohr velocity: 8 pi e^2 a0 Z1^(7/6) Z2 / (Z1^(2/3) + Z2^(2/3))^1.5
    oxygen = 8 * np.pi * 14.399645 * 0.529177 * 2 ** (7 / 6) * 8 / (2 ** (2 / 3) + 8 ** (2 / 3)) ** 1.5  # eV angstrom2
    alone = type(FILM)("O", {"O": 1.0}, FILM.density, FILM.molar_mass, 6.0, 0.0)
    per_nm = oxygen * alone.formula_units * 1e-24 * 10.0
    assert float(stopping.electronic(alone, stopping.BOHR_ENERGY)) == pytest.approx(0.8 * per_nm, rel=1e-4)
    assert 0.0 < float(stopping.nuclear(FILM, 3000.0)) < 0.3 * float(stopping.electronic(FILM, 3000.0))


def test_edge_of_films_by_stopping_alone(truth: dict, simulation: tuple[ModuleType, ...]) -> None:
    """First order: loss on re-ionisation, and thickness times K S(E0) + S(E1) / cos 35 degrees."""
    stopping = simulation[3]
    from nasicon_simulation.samples import FILM

    k, cosine = 0.852, np.cos(np.deg2rad(35.0))
    slope = k * float(stopping.power(FILM, 3000.0)) + float(stopping.power(FILM, 2540.0)) / cosine
    for stem in ("overlayer_2ml", "overlayer_8ml"):
        entry = truth["overlayers"]["spectra"][stem]
        assert entry["edge"] == pytest.approx(20.0 + slope * entry["thickness"], rel=0.02)


def test_dual_scattering_ends_where_kinematics_ends_it(simulation: tuple[ModuleType, ...]) -> None:
    """Two equal deflections in one plane by the heaviest atom: E0 K(t/2)^2, 2649 eV for zirconium."""
    depth = simulation[0]
    from nasicon_simulation.samples import BULK

    energies, weights = depth._pairs(BULK)
    highest = energies[weights > 1e-6 * weights.max()].max()
    assert highest == pytest.approx(2649.0, abs=12.0)
    assert np.all(weights >= 0)
