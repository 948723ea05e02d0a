"""Normality of residuals: the numbers of scipy, false alarms on normal and Poisson noise, and what is to be seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kstest, norm, normaltest

from surfspec.fitting.residual_tests import NOT_NORMAL, normality_score, quantile_residuals


@pytest.mark.parametrize("n", [20, 45, 160, 1000])
def test_the_score_is_that_of_d_agostino_and_pearson(n: int) -> None:
    r = np.random.default_rng(n).standard_t(4, size=(50, n))
    expected = norm.isf(normaltest(r, axis=1).pvalue)
    np.testing.assert_allclose(normality_score(r), expected, atol=1e-9)
    assert normality_score(r[0]) == pytest.approx(expected[0])


def test_location_and_scale_do_not_matter() -> None:
    r = np.random.default_rng(0).normal(size=200)
    assert normality_score(3.0 + 7.0 * r) == pytest.approx(float(normality_score(r)))


@pytest.mark.parametrize("n", [25, 60, 160, 400])
def test_normal_residuals_alarm_once_in_ten_thousand(n: int) -> None:
    rng = np.random.default_rng(1)
    alarms = sum(np.count_nonzero(normality_score(rng.normal(size=(10000, n))) > NOT_NORMAL) for _ in range(4))
    assert alarms <= 12  # 4 expected at 1e-4, measured 4e-5 to 1e-4


@pytest.mark.parametrize("mean", [0.3, 2.0, 10.0, 300.0])
def test_counts_do_not_alarm_however_few(mean: float) -> None:
    counts = np.random.default_rng(2).poisson(mean, (20000, 160)).astype(float)
    assert np.count_nonzero(normality_score(quantile_residuals(counts, np.full(160, mean))) > NOT_NORMAL) <= 7
    if mean == 2.0:  # what they are for: Pearson's residuals of two counts would alarm
        assert np.mean(normality_score((counts - mean) / np.sqrt(mean)) > NOT_NORMAL) > 0.02


@pytest.mark.parametrize("mean", [0.3, 2.0, 30.0, 1e5])
def test_residuals_of_counts_are_normal(mean: float) -> None:
    counts = np.random.default_rng(3).poisson(mean, 20000).astype(float)
    assert kstest(quantile_residuals(counts, np.full(20000, mean)), "norm").pvalue > 1e-3


def test_far_tails_are_finite_and_on_the_right_side() -> None:
    r = quantile_residuals(np.array([0.0, 1e4, 100.0, 0.0]), np.array([1e4, 1.0, 100.0, 1e-9]))
    assert r[0] == -37.0
    assert r[1] == 37.0
    assert abs(r[2]) < 0.1
    assert np.all(np.isfinite(r))


def test_one_spike_and_uneven_scatter_are_seen() -> None:
    rng = np.random.default_rng(4)
    counts = rng.poisson(50.0, 160).astype(float)
    assert normality_score(quantile_residuals(counts, np.full(160, 50.0))) < NOT_NORMAL
    counts[70] += 80.0  # a cosmic ray
    assert normality_score(quantile_residuals(counts, np.full(160, 50.0))) > NOT_NORMAL
    uneven = rng.normal(size=160) * np.where(np.arange(160) > 130, 5.0, 1.0)
    assert normality_score(uneven) > NOT_NORMAL


def test_too_few_equal_or_broken_residuals_say_nothing() -> None:
    assert normality_score(np.array([1.0, 2.0, 90.0])) == 0.0
    rows = np.stack([np.ones(30), np.full(30, np.nan), np.full(30, 1e300), np.random.default_rng(0).normal(size=30)])
    with np.errstate(all="raise"):
        scores = normality_score(rows)
    assert scores[:3].tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(scores[3])
