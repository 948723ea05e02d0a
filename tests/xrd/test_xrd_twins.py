"""The shipped XRD twins are simulated, say so, come out the same again; the simulation holds against closed forms."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import ModuleType

import gemmi
import numpy as np
import pytest
import yaml

import surfspec as ss
from surfspec import xrd

REFERENCE = Path(__file__).resolve().parent.parent.parent / "reference_spectra"
TWINS = REFERENCE / "xrd_twins"
STEMS = sorted(path.stem for path in TWINS.glob("*.xy"))


@pytest.fixture(scope="module")
def truth() -> dict:
    return yaml.safe_load((TWINS / "truth.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def simulation() -> Iterator[tuple[ModuleType, ...]]:
    """The modules of the generator, which is no package of surfspec."""
    sys.path.insert(0, str(REFERENCE))
    from xrd_simulation import crystals, mixtures, optics, reflections

    yield crystals, mixtures, optics, reflections
    sys.path.remove(str(REFERENCE))


def test_same_files_again(tmp_path: Path) -> None:
    command = [sys.executable, "-B", "-W", "error", str(REFERENCE / "make_xrd_twins.py"), "--output", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    shipped = {path.name: path.read_bytes() for path in TWINS.iterdir()}
    assert made.keys() == shipped.keys()
    assert [name for name in made if made[name] != shipped[name]] == []
    assert sum(map(len, shipped.values())) < 8e5


def test_generator_is_independent_of_the_package() -> None:
    roots = set()
    for source in [REFERENCE / "make_xrd_twins.py", *(REFERENCE / "xrd_simulation").glob("*.py")]:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                roots |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                roots.add(str(node.module).split(".")[0])
    third_party = roots - set(sys.stdlib_module_names) - {"nasicon_simulation", "xrd_simulation"}
    assert third_party == {"numpy", "scipy", "yaml", "gemmi"}


@pytest.mark.parametrize("stem", STEMS)
def test_every_pattern_says_what_it_is(stem: str, truth: dict) -> None:
    spectrum = ss.read(TWINS / f"{stem}.xy")
    assert "SIMULATED" in (TWINS / f"{stem}.xy").read_text(encoding="utf-8").splitlines()[0]
    attrs = spectrum.attrs
    assert (attrs["simulated"], attrs["statistics"], attrs["technique"]) == ("true", "poisson", "XRD")
    entry = truth["patterns"][stem]
    assert attrs["wavelength_name"] == entry["radiation"]
    assert stem.startswith(entry["row"].lower())
    phases = entry["phases"]
    assert sum(one["weight"] for one in phases.values()) == pytest.approx(1.0)
    # the strongest line of each phase that rules its place stands where its cell puts one
    wavelength = 1.788996 if entry["radiation"] == "CoKa" else 1.5405929
    for name, one in phases.items():
        at = one["strongest_two_theta"]
        at -= entry["zero"] + entry["displacement"] * np.cos(np.radians(at) / 2)
        d = wavelength / (2 * np.sin(np.radians(at) / 2))
        cell = gemmi.UnitCell(*one["cell"])
        planes = [one for one in product(range(-6, 7), range(7), range(-9, 10)) if any(one)]
        spacings = np.array([cell.calculate_d(list(plane)) for plane in planes])
        assert np.min(np.abs(spacings - d)) < 0.004, name


def test_truth_holds_the_rows(truth: dict) -> None:
    rows = {one["row"] for one in truth["patterns"].values()}
    assert rows == {f"D{i}" for i in range(1, 10)}
    zircon = [stem for stem, one in truth["patterns"].items() if "ZrSiO4" in one["phases"]]
    assert zircon == ["d5_x3"]
    assert set(truth["patterns"]["d6_after"]["phases"]) == set(truth["patterns"]["d6_before"]["phases"])


def test_powers_of_lead_by_hand(simulation: tuple[ModuleType, ...]) -> None:
    """Fcc: |F|^2 = 16 |f|^2 for unmixed indices; 8 planes (111), 6 (200), 12 (220)."""
    crystals, _, _, reflections = simulation
    lead = crystals.card("Pb_fcc")
    wave = 1.5405929
    found = reflections.lines(lead, wave, 55.0)
    order = np.argsort(-found.d)
    table = gemmi.Element("Pb").it92
    real, imaginary = gemmi.cromer_liberman(82, 12398.41984 / wave)
    for d, power, square, planes in zip(found.d[order], found.power[order], (3, 4, 8), (8, 6, 12), strict=True):
        assert d == pytest.approx(lead.cell[0] / np.sqrt(square))
        s2 = 0.25 / d**2
        f = table.calculate_sf(s2) + real + 1j * imaginary
        by_hand = planes * 16 * abs(f) ** 2 * np.exp(-2 * lead.sites[0].b * s2)
        assert power == pytest.approx(by_hand / (4 * 207.2 * lead.volume), rel=1e-3)


@pytest.mark.parametrize("name", ["ZrO2_m", "NZSP_C2c", "Na15Pb4", "calcite"])
def test_lines_agree_with_the_package(simulation: tuple[ModuleType, ...], name: str) -> None:
    """Two codes written apart give the same lines for the same card."""
    crystals, _, optics, reflections = simulation
    found = reflections.lines(crystals.card(name), 1.5405929, 60.0)
    place = np.degrees(2 * np.arcsin(1.5405929 / (2 * found.d)))
    area = found.power * optics.lorentz_polarisation(place, 0.0)
    area = 100 * area / area.max()
    theirs = xrd.pattern(xrd.phases([name])[0], wavelength=1.5405929, two_theta=(5, 60))
    angles, heights = theirs["reflection_two_theta"].values, theirs["relative_intensity"].values
    for at in place[area > 2]:
        mine = area[np.abs(place - at) < 0.01].sum()
        other = heights[np.abs(angles - at) < 0.01].sum()
        assert other == pytest.approx(mine, rel=0.01), at


def test_march_keeps_the_mean(simulation: tuple[ModuleType, ...]) -> None:
    *_, reflections = simulation
    cosine = (np.arange(20000) + 0.5) / 20000
    for strength in (0.5, 0.8, 1.0, 1.6):
        assert np.mean(reflections.march(cosine**2, strength)) == pytest.approx(1.0, abs=2e-4)


@pytest.mark.parametrize("shape", ["voigt", "pearson"])
def test_profiles_have_unit_area(simulation: tuple[ModuleType, ...], shape: str) -> None:
    optics = simulation[2]
    one = optics.Optics(((1.54, 1.0),), shape=shape, exponent=1.7, skew=1.2)
    t = np.linspace(-60, 60, 600001)
    y = optics.profile(t, np.array(0.08), np.array(0.03), one)
    assert np.sum(y) * (t[1] - t[0]) == pytest.approx(1.0, abs=1e-3)


def test_axial_divergence_pulls_lines_down(simulation: tuple[ModuleType, ...]) -> None:
    optics = simulation[2]
    one = optics.Optics(((1.54, 1.0),), axial=0.04, transparency=0.02)
    place, weight = optics.shifts(np.array([20.0, 60.0, 90.0]), one)
    assert weight.sum(axis=1) == pytest.approx(1.0)
    mean = (place * weight).sum(axis=1) - [20.0, 60.0, 90.0]
    assert mean[0] < mean[1] < 0
    # at 90 deg the axial part is gone, the depth is 0.02 deg in the mean
    assert mean[2] == pytest.approx(-0.02, abs=1e-3)


def test_draws_are_the_same_again(simulation: tuple[ModuleType, ...]) -> None:
    mixtures = simulation[1]
    one, two = mixtures.draw(5), mixtures.draw(5)
    assert one == two
    assert np.array_equal(one.counts()[1], two.counts()[1])
    plain = mixtures.draw(5, nuisances=())
    assert list(plain.weights) == list(one.weights)[: len(plain.weights)]
    assert plain.pattern.top == one.pattern.top


def test_moved_atoms_keep_their_symmetry(simulation: tuple[ModuleType, ...]) -> None:
    """Atoms on special places move along them only: the number of atoms in the cell stays, as do absences."""
    crystals, _, _, reflections = simulation
    card = crystals.card("corundum")
    shifted, original = crystals.moved(card, 0.05, 0.3, np.random.default_rng(3))
    assert shifted.sites[0].place[:2] == pytest.approx(card.sites[0].place[:2])
    assert shifted.sites[0].place[2] != card.sites[0].place[2]
    before = reflections.lines(card, 1.5406, 60.0)
    after = reflections.lines(replace(shifted), 1.5406, 60.0, origin=original)
    strong = before.power > 1e-3 * before.power.max()
    assert np.all([np.min(np.abs(after.d - d)) < 1e-6 for d in before.d[strong]])
    assert len(after.d) <= len(before.d) + 3


def test_unknown_phase_is_no_candidate(simulation: tuple[ModuleType, ...]) -> None:
    mixtures = simulation[1]
    samples = [mixtures.draw(seed) for seed in range(60)]
    share = np.mean([one.unknown != "" for one in samples])
    assert 0.2 < share < 0.6
    for one in samples:
        for blind in (False, True):
            names = one.candidates(blind=blind)
            assert one.unknown not in names
            assert set(one.weights) - {one.unknown} <= set(names)
