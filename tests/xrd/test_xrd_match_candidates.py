"""What is said of each candidate: present, absent or cannot tell, its detection limit, the line that decides."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import surfspec as ss
from surfspec import xrd
from surfspec.xrd.patterns.profile import Caglioti

CARDS = {phase.id: phase for phase in xrd.phases()}
X = np.arange(12.0, 70.0, 0.035)
SHAPE = Caglioti(0.006, -0.004, 0.012, 0.5)
SIX = ("Pb_fcc", "Na15Pb4", "ZrO2_m", "NZSP_C2c", "Na_bcc", "ZrSiO4")
WETTED = {"NZSP_C2c": 70, "Pb_fcc": 10, "Na15Pb4": 10, "ZrO2_m": 10}
#: Clean lines of these phases next to one another for Cu Ka, deg, by hand from the calculated patterns.
DECIDING = {"Na15Pb4": 18.83, "Na_bcc": 29.42, "Pb_fcc": 36.26, "ZrSiO4": 26.97, "ZrO2_m": 28.17}


def simulate(mixture, *, seed=0, x=X, wavelength="CuKa", top=8000.0):
    """Poisson counts of a mixture (phase or card id -> weight)."""
    y = np.zeros_like(x)
    for key, weight in mixture.items():
        phase = CARDS[key] if isinstance(key, str) else key
        scale = weight / phase.density
        y += xrd.pattern(phase, wavelength=wavelength, two_theta=x, profile=SHAPE, scale=scale).intensity.values
    counts = np.random.default_rng(seed).poisson(y * top / y.max() + 150.0 * (1 + 40.0 / x))
    return ss.spectrum(x, counts, technique="XRD", simulated="true")


@pytest.mark.parametrize("gone", ["", "Pb_fcc", "Na15Pb4", "ZrO2_m"])
def test_a_phase_left_out_is_never_claimed_and_the_line_that_decides_is_named(gone):
    mixture = {name: weight for name, weight in WETTED.items() if name != gone}
    found = xrd.match(simulate(mixture), wavelength="CuKa", phases=SIX)
    assert set(found.phase.values) == set(mixture)
    for name in SIX:
        row = found.sel(candidate=name)
        assert str(row.candidate_verdict.values) == ("present" if name in mixture else "absent")
        if name in DECIDING:
            assert float(row.deciding_two_theta) == pytest.approx(DECIDING[name], abs=0.03)
            assert str(row.deciding_against.values) == "all"
    if gone:
        assert float(found.detection_limit.sel(candidate=gone)) < 0.03
        assert float(found.candidate_model_probability.sel(candidate=gone)) < 0.05
        assert float(found.candidate_probability.sel(candidate=gone)) < 0.1


@pytest.mark.parametrize("removed", ["Pb_fcc", "Na15Pb4", "ZrO2_m"])
def test_a_phase_without_a_card_is_left_unexplained(removed):
    found = xrd.match(simulate(WETTED), wavelength="CuKa", phases=[name for name in SIX if name != removed])
    assert set(found.phase.values) == set(WETTED) - {removed}
    assert float(found.unknown_model_probability) > 0.9
    assert float(found.unknown_probability) > 0.75
    assert np.min(np.abs(found.peak_two_theta.values - DECIDING[removed])) < 0.1


def test_at_its_limit_a_phase_is_mostly_found_and_at_half_of_it_hardly():
    """Injection of monoclinic zirconia into NaSICON: eight samples at the limit, eight at half of it."""
    kw = {"wavelength": "CuKa", "phases": ["NZSP_C2c", "ZrO2_m", "ZrSiO4", "quartz"]}
    blank = xrd.match(simulate({"NZSP_C2c": 100}), **kw)
    assert blank.phase.values.tolist() == ["NZSP_C2c"]
    limit = float(blank.detection_limit.sel(candidate="ZrO2_m"))
    hits = [0, 0]
    for place, factor in enumerate((1.0, 0.5)):
        for seed in range(8):
            share = 100 * factor * limit
            made = simulate({"NZSP_C2c": 100 - share, "ZrO2_m": share}, seed=seed + 20)
            hits[place] += "ZrO2_m" in xrd.match(made, **kw).phase.values
    assert hits[0] >= 5
    assert hits[1] <= 3


def test_a_hidden_phase_has_the_larger_limit():
    """Lead next to what covers its lines (a made cell of the same lattice, 0.05 % off) and next to quartz."""
    twin = dataclasses.replace(CARDS["Ag"], id="cover", cell=(4.953, 4.953, 4.953, 90, 90, 90))
    hidden = xrd.match(simulate({twin: 100}), wavelength="CuKa", phases=[twin, CARDS["Pb_fcc"]])
    free = xrd.match(simulate({"quartz": 100}), wavelength="CuKa", phases=["quartz", "Pb_fcc"])
    assert free.candidate_verdict.sel(candidate="Pb_fcc") == "absent"
    limit, other = (float(one.detection_limit.sel(candidate="Pb_fcc")) for one in (free, hidden))
    assert limit < 0.02
    assert not other < 5 * limit  # larger, or NaN where no amount would be named
    assert hidden.candidate_verdict.sel(candidate="Pb_fcc") == "cannot tell"


def test_nahcolite_by_the_cell_of_1933():
    """The card has c 1.4 % too long; the pattern is that of the cell of Sass & Scheuerman (1962) Acta Cryst. 15, 77."""
    real = dataclasses.replace(CARDS["NaHCO3"], cell=(7.475, 9.686, 3.481, 90, 93.38, 90))
    assert abs(CARDS["NaHCO3"].cell[2] / 3.481 - 1) > 0.01
    found = xrd.match(simulate({real: 100}), wavelength="CuKa", elements=("Na", "C", "H", "O"))
    assert found.phase.values.tolist() == ["NaHCO3"]
    assert float(found.strain[0]) == pytest.approx(3.481 / CARDS["NaHCO3"].cell[2] - 1, abs=0.006)


@pytest.mark.parametrize("change", [-0.004, 0.004])
def test_a_cell_within_its_uncertainty(change):
    a = 13.316 * (1 + change)
    real = dataclasses.replace(CARDS["Na15Pb4"], cell=(a, a, a, 90, 90, 90))
    found = xrd.match(simulate({real: 100}), wavelength="CuKa", elements=("Na", "Pb", "Sn"))
    assert found.phase.values.tolist() == ["Na15Pb4"]
    assert float(found.strain[0]) == pytest.approx(a / CARDS["Na15Pb4"].cell[0] - 1, abs=3e-4)


@pytest.mark.parametrize("wavelength", ["CuKa1", "CoKa"])
def test_the_same_answer_with_other_radiation(wavelength):
    found = xrd.match(simulate(WETTED, wavelength=wavelength), wavelength=wavelength, phases=SIX)
    assert set(found.phase.values) == set(WETTED)
    assert set(found.candidate_verdict.sel(candidate=["Na_bcc", "ZrSiO4"]).values) == {"absent"}
