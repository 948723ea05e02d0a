"""Sets of phases: other answers, unlisted phases, look-alikes, phases that must or must never be there; simulated."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import surfspec as ss
from surfspec import errors, xrd
from surfspec.xrd.matching.chance import expected_lines, free_cost
from surfspec.xrd.matching.priors import prior_of
from surfspec.xrd.matching.rivals import isotypes
from surfspec.xrd.patterns.profile import Caglioti

CARDS = {phase.id: phase for phase in xrd.phases()}
X = np.arange(15.0, 75.0, 0.035)
SHAPE = Caglioti(0.006, -0.004, 0.012, 0.5)


def simulate(mixture, *, seed=0, x=X, top=6000.0, wavelength="CuKa", zero=0.03, level=150.0):
    """Poisson counts of a mixture (phase or card id -> weight) on a falling background."""
    y = np.zeros_like(x)
    for key, weight in mixture.items():
        phase = CARDS[key] if isinstance(key, str) else key
        part = weight / phase.density
        made = xrd.pattern(phase, wavelength=wavelength, two_theta=x, profile=SHAPE, zero=zero, scale=part)
        y += made.intensity.values
    counts = np.random.default_rng(seed).poisson(y * top / y.max() + level * (1 + 40.0 / x))
    return ss.spectrum(x, counts, technique="XRD", simulated="true")


def test_other_answers_share_what_the_best_leaves():
    found = xrd.match(simulate({"corundum": 60, "ZnO": 40}), wavelength="CuKa", elements=["Al", "Zn", "O"])
    assert found.alternative_phases.values[0] == "ZnO + corundum"
    total = float(found.alternative_probability.sum())
    assert 0.99 < total <= 1.0 + 1e-9
    assert found.alternative_probability.values.tolist() == sorted(found.alternative_probability.values, reverse=True)
    assert float(found.unknown_model_probability) < 0.1
    assert float(found.unknown_probability) < 0.2


def test_an_unlisted_phase_is_probable_when_its_lines_stay():
    made = simulate({"ZnO": 60, "CaF2": 40})
    found = xrd.match(made, wavelength="CuKa", phases=["ZnO", "corundum", "quartz", "halite"])
    assert found.phase.values.tolist() == ["ZnO"]
    assert float(found.unknown_model_probability) > 0.95
    assert float(found.unknown_probability) > 0.75
    # fluorite (111), (220), (311)
    for line in (28.3, 47.0, 55.8):
        assert np.min(np.abs(found.peak_two_theta.values - line)) < 0.15


def test_cards_that_look_the_same_share_the_probability():
    twin = dataclasses.replace(CARDS["corundum"], id="twin")
    found = xrd.match(simulate({"corundum": 100}), wavelength="CuKa", phases=[CARDS["corundum"], twin, CARDS["ZnO"]])
    assert found.sizes["phase"] == 1
    assert float(found.probability[0]) == pytest.approx(0.5, abs=0.2)
    assert {str(found.phase.values[0]), str(found.rival.values[0])} == {"corundum", "twin"}
    assert float(found.rival_probability[0]) == pytest.approx(0.5, abs=0.2)
    assert "isostructural" in str(found.rival_reason.values[0])
    assert set(found.candidate_verdict.sel(candidate=["corundum", "twin"]).values) == {"cannot tell"}
    assert str(found.verdict.values) == "check"


def test_phases_that_must_be_there_stay_and_are_marked():
    made = simulate({"corundum": 100})
    recipe = xrd.Recipe(must=("Pb_fcc",), elements=("Al", "O"))
    found = xrd.match(made, recipe, wavelength="CuKa")
    assert set(found.phase.values) == {"corundum", "Pb_fcc"}
    assert found.stated.sel(phase="Pb_fcc") == 1
    assert found.stated.sel(phase="corundum") == 0
    assert "prior contradicted: Pb_fcc is stated" in str(found.reasons.values)
    assert float(found.weight_fraction.sel(phase="Pb_fcc")) < 0.01
    right = xrd.match(simulate({"corundum": 70, "Pb_fcc": 30}), recipe, wavelength="CuKa")
    assert set(right.phase.values) == {"corundum", "Pb_fcc"}
    assert "prior contradicted" not in str(right.reasons.values)


def test_phases_that_must_never_be_there_are_no_candidates():
    made = simulate({"corundum": 100})
    found = xrd.match(made, xrd.Recipe(never=("corundum",), elements=("Al", "O")), wavelength="CuKa")
    assert "corundum" not in found.candidate.values
    assert found.sizes["phase"] == 0
    with pytest.raises(errors.InputError, match="must and must never"):
        xrd.match(made, xrd.Recipe(must=("corundum",), never=("corundum",)), wavelength="CuKa")
    with pytest.raises(errors.InputError, match="no phase card"):
        xrd.match(made, xrd.Recipe(never=("no such phase",)), wavelength="CuKa")
    with pytest.raises(errors.InputError, match="never is 'corundum'"):
        xrd.Recipe(never="corundum")
    with pytest.raises(errors.InputError, match="must holds 3"):
        xrd.Recipe(must=(3,))
    with pytest.raises(errors.InputError, match="texture is 0"):
        xrd.Recipe(texture=0.0)


def test_a_texture_is_fitted_within_its_limits():
    """Plates of brucite on their faces: March's r = 0.6 along c, and what it does to the weight."""
    brucite, zinc = CARDS["brucite"], CARDS["ZnO"]
    y = sum(
        xrd.pattern(one, wavelength="CuKa", two_theta=X, profile=SHAPE, scale=50 / one.density, **more).intensity.values
        for one, more in ((brucite, {"texture": (0.6, (0, 0, 1))}), (zinc, {}))
    )
    counts = np.random.default_rng(2).poisson(8000 * y / y.max() + 100)
    made = ss.spectrum(X, counts, technique="XRD", simulated="true")
    plain = xrd.match(made, wavelength="CuKa", elements=["Mg", "O", "H", "Zn"])
    found = xrd.match(made, xrd.Recipe(texture=4.0), wavelength="CuKa", elements=["Mg", "O", "H", "Zn"])
    row = found.sel(phase="brucite")
    assert str(row.texture_axis.values) == "0 0 1"
    assert float(row.texture) == pytest.approx(0.6, rel=0.15)
    assert str(found.sel(phase="ZnO").texture_axis.values) == ""
    assert abs(float(row.weight_fraction) - 0.5) < abs(float(plain.sel(phase="brucite").weight_fraction) - 0.5)
    assert np.all(plain.texture.values == 1.0)


def test_prior_of_chemistry_by_hand():
    short = prior_of(xrd.phases(elements=["Na", "Pb", "C", "O", "H"]))
    assert short.element_cost == 0.0
    every = prior_of(CARDS.values())
    elements = set().union(*(one.elements for one in CARDS.values())) - {"C", "O", "H"}
    assert every.element_cost == pytest.approx(np.log(len(elements) / 4.0 - 1.0))
    two = every.cost([CARDS["corundum"], CARDS["spinel"]])  # Al; Mg and Al
    assert two == pytest.approx(2 * np.log(len(CARDS)) + 2 * every.element_cost)
    assert prior_of(CARDS.values(), ["ZnO"]).cost([CARDS["ZnO"]]) == 0.0


def test_lines_of_the_library_are_counted_as_the_table_of_chance_says():
    """Mean number of line groups above a tenth and a half of the strongest, over the cards, against the table."""
    counts = []
    for phase in CARDS.values():
        lines = xrd.pattern(phase, wavelength="CuKa1", two_theta=(10, 80))
        at, share = lines.reflection_two_theta.values, lines.relative_intensity.values / 100.0
        group = np.cumsum(np.concatenate([[0], np.diff(at) > 0.15]))
        area = np.bincount(group, share)
        counts.append([(area > limit * area.max()).sum() for limit in (0.1, 0.499)])
    assert np.allclose(np.mean(counts, axis=0), expected_lines(np.array([0.1, 0.5]), 70.0), rtol=0.25)
    wide, narrow = (free_cost(np.ones(1), width, 1.0, 1, 70.0, 0.0)[0] for width in (0.2, 0.1))
    assert narrow - wide == pytest.approx(np.log(2.0))


def test_isotypes_within_reach():
    names = [one.id for one in CARDS.values()]
    near = [names[i] for i in isotypes(CARDS["CaF2"], list(CARDS.values()), 0.02)]
    assert "CeO2" in near
    assert "halite" not in near
    assert "ZnO" not in near
