"""Calibrated probabilities beside those of the model, weights as quantified, and what is asked wrongly; simulated."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import surfspec as ss
from surfspec import errors, xrd
from surfspec.xrd.matching import calibrated, frequencies, measured, model
from surfspec.xrd.matching.evidence import Assessment
from surfspec.xrd.matching.observed import Reflections
from surfspec.xrd.patterns.wavelengths import radiation
from surfspec.xrd.recipe import Limits

X = np.arange(12.0, 74.0, 0.035)
NONE = np.empty(0)
NO_LINES = Reflections(*[NONE.astype(np.int64), *[NONE] * 8, NONE.astype(np.str_)])


def assessment(probability, presence, *, rival=0.0):
    """An assessment with these probabilities by the model."""
    return Assessment(probability, presence, 0.0, 1.0, 0.0, NO_LINES, "other" if rival else "", rival)


@pytest.fixture(scope="module")
def pattern():
    """NaSICON with zirconia."""
    y = np.zeros_like(X)
    for card, weight in zip(xrd.phases(["NZSP_C2c", "ZrO2_m"]), (90.0, 10.0), strict=True):
        y += xrd.pattern(card, wavelength="CuKa", two_theta=X, scale=weight / card.density).intensity.values
    counts = np.random.default_rng(4).poisson(8000 * y / y.max() + 200)
    return ss.spectrum(X, counts, technique="XRD", simulated="true")


@pytest.fixture(scope="module")
def found(pattern):
    """Its phases."""
    return xrd.match(pattern, wavelength="CuKa", elements=("Na", "Zr", "Si", "P", "O"))


def by_hand(question, probability):
    """Map of log-odds by the formula of MacKay (1992), from the shipped numbers."""
    one = calibrated.shipped()[question]
    odds = np.clip(np.log(probability / (1.0 - probability)), -8.0, 8.0)
    first, mixed, second = one.covariance
    kappa = (1.0 + np.pi / 8.0 * (first + 2.0 * mixed * odds + second * odds**2)) ** -0.5
    return 1.0 / (1.0 + np.exp(-kappa * (one.intercept + one.slope * odds)))


def test_what_is_said_is_the_map_of_what_the_model_says(found):
    assert set(found.phase.values) == {"NZSP_C2c", "ZrO2_m"}
    share = found.model_probability / found.model_presence
    assert np.allclose(found.probability, by_hand("named", found.model_presence.values) * share, rtol=1e-9)
    assert float(found.unknown_probability) == pytest.approx(by_hand("unknown", found.unknown_model_probability.item()))
    rest = found.drop_sel(candidate=found.phase.values)
    order = np.argsort(rest.candidate_model_probability.values)
    assert np.all(np.diff(rest.candidate_probability.values[order]) >= 0)
    named = found.sel(candidate=found.phase.values)
    assert np.array_equal(named.candidate_probability, found.probability)
    assert np.array_equal(named.candidate_model_probability, found.model_probability)


def test_maps_rise_and_keep_within_bounds():
    p = np.concatenate([[0.0, 1e-9], np.geomspace(1e-5, 0.5, 60), [0.9, 0.99, 1.0]])
    for mapped in (frequencies.candidates(p), np.array([frequencies.unknown(float(one)) for one in p])):
        assert np.all(np.diff(mapped) >= 0)
        assert np.all((mapped >= 0) & (mapped <= 1))
    assert frequencies.candidates(0.0) == 0.0
    below, above = frequencies.candidates([frequencies.CONSIDERED * 0.999999, frequencies.CONSIDERED])
    assert below == pytest.approx(above, rel=1e-4)


def test_look_alikes_share_the_calibrated_probability():
    one, other = frequencies.named([assessment(0.3, 0.9, rival=0.6), assessment(0.9, 0.9)], 0.0)
    assert one.probability == pytest.approx(other.probability / 3.0)
    assert one.rival_probability == pytest.approx(2.0 * one.probability)
    assert one.probability + one.rival_probability == pytest.approx(other.probability)


def test_where_most_is_unexplained_the_cap_holds_after_the_map():
    (one,) = frequencies.named([assessment(0.999, 0.999)], 0.9)
    assert one.probability == pytest.approx(0.6)
    (free,) = frequencies.named([assessment(0.999, 0.999)], 0.2)
    assert free.probability > 0.98


def test_weights_are_as_uncertain_as_quantified(found):
    table = xrd.quantify(found)
    assert np.allclose(table.weight_fraction, found.weight_fraction, rtol=1e-9)
    assert np.allclose(table.weight_fraction_unc, found.weight_fraction_unc, rtol=0.02)


def test_a_look_alike_of_a_found_phase_is_not_called_absent(found):
    row = found.sel(candidate="NZSP_R3c")
    assert float(row.detection_limit) > 0.05
    assert str(row.candidate_verdict.values) == "cannot tell"
    assert str(found.sel(candidate="ZrSiO4").candidate_verdict.values) == "absent"


def test_an_empty_list_of_phases_is_refused(pattern):
    for nothing in ((), [], iter(())):
        with pytest.raises(errors.InputError, match="the list of phases is empty"):
            xrd.match(pattern, wavelength="CuKa", phases=nothing)


def test_k_beta_in_the_beam_changes_no_structure_factor(pattern):
    """f' and f'' of iron differ much between Cu Ka and Cu Kb; the reference line rules."""
    data = measured.prepare(X, pattern.intensity.values.astype(float), "poisson", None, radiation("CuKa"), None)
    iron = xrd.phases(["hematite"])[0]
    plain = radiation("CuKa")
    both = dataclasses.replace(plain, wavelengths=(*plain.wavelengths, plain.k_beta), weights=(0.65, 0.33, 0.02))
    one, other = (model.member(iron, light, data, Limits()) for light in (plain, both))
    assert len(other.strength) > len(one.strength)  # K-beta reaches smaller spacings
    assert np.allclose(other.strength[: len(one.strength)], one.strength, rtol=1e-12)
