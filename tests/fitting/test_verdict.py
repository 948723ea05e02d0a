"""The closed list of reasons, and tests of residuals with known answers."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2, norm

from surfspec.errors import InputError, NotDeterminedError
from surfspec.fitting.model import Parameter
from surfspec.fitting.solver import solve
from surfspec.fitting.verdict import (
    REASONS,
    autocorrelation_score,
    chi2_probability,
    judge,
    require,
    runs_score,
    verdict_of,
    worst,
)


class Straight:
    """A level and a slope."""

    def __init__(self, x: np.ndarray) -> None:
        self.x = x
        self.parameters = (Parameter("level", 400.0, 0.0, 1e6), Parameter("slope", 0.0, -1e3, 1e3))

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        return values[0] + values[1] * (self.x - self.x.mean())

    def jacobian(self, values: np.ndarray) -> np.ndarray:
        return np.stack([np.ones(self.x.size), self.x - self.x.mean()], axis=1)


def test_every_reason_leads_to_a_verdict() -> None:
    for reason, verdict in REASONS.items():
        assert verdict_of([f"{reason}: detail"]) == verdict
    assert verdict_of([]) == "ok"
    assert worst(["ok", "check", "ok"]) == "check"


def test_the_documents_explain_every_reason() -> None:
    page = (Path(__file__).parents[2] / "docs" / "results.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| (ok|check|failed) \|", page, flags=re.MULTILINE)
    assert dict(rows) == REASONS
    assert len(rows) == len(REASONS)


def test_unknown_reason_is_refused() -> None:
    with pytest.raises(InputError, match="unknown reason"):
        verdict_of(["looks odd"])


@pytest.mark.parametrize(("deviance", "dof"), [(3.0, 5), (150.0, 100), (90.0, 100), (5000.0, 4800)])
def test_chi2_probability(deviance: float, dof: int) -> None:
    assert chi2_probability(deviance, dof) == pytest.approx(chi2.sf(deviance, dof), rel=1e-9)


def test_scores_of_white_noise_have_unit_width() -> None:
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((600, 150))
    for score in (runs_score, autocorrelation_score):
        values = [score(row) for row in noise]
        assert abs(np.mean(values)) < 0.2
        assert 0.85 < np.std(values) < 1.15


def one_by_one(residuals: np.ndarray) -> tuple[float, float]:
    """The two scores of a single series written out with loops, from their definitions."""
    signs = [1 if r > 0 else -1 if r < 0 else r for r in residuals if r != 0]  # a NaN is unlike anything
    plus, minus = sum(s > 0 for s in signs), sum(s < 0 for s in signs)
    runs = 1 + sum(a != b for a, b in itertools.pairwise(signs))
    total, score = plus + minus, 0.0
    if plus >= 5 and minus >= 5:
        mean = 1 + 2 * plus * minus / total
        score = (mean - runs) / math.sqrt((mean - 1) * (mean - 2) / (total - 1))
    r = residuals - residuals.mean()
    fits = residuals.size >= 10 and np.isfinite(residuals).all() and np.any(r != 0)
    lagged = sum(a * b for a, b in itertools.pairwise(r)) / sum(a * a for a in r) if fits else 0.0
    return score, lagged * math.sqrt(residuals.size)


@pytest.mark.parametrize("points", [8, 9, 10, 40, 161])
def test_scores_of_many_series_at_once(points: int) -> None:
    rng = np.random.default_rng(points)
    rows = rng.standard_normal((40, points)) + np.sin(np.linspace(0, 9, points)) * rng.uniform(0, 2, (40, 1))
    rows[3:9][rng.random((6, points)) < 0.3] = 0.0
    rows[9, :4], rows[10, -4:], rows[11] = 0.0, 0.0, 0.0
    rows[12], rows[13] = np.abs(rows[12]), 2.5
    rows[14, 2] = np.nan
    known = np.array([one_by_one(row) for row in rows])
    for few in (rows, rows[14:], rows[15:]):  # with and without zeros and what is no number
        at = known[-len(few) :]
        np.testing.assert_allclose(runs_score(few), at[:, 0], rtol=1e-12)
        np.testing.assert_allclose(autocorrelation_score(few), at[:, 1], rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(runs_score(rows.reshape(8, 5, points)).ravel(), runs_score(rows))
    assert autocorrelation_score(rows[0]).shape == ()
    assert runs_score(rows[20]) == runs_score(rows)[20]


def test_probabilities_of_many_at_once() -> None:
    deviances, dofs = np.array([3.0, 150.0, np.nan, 5000.0]), np.array([5, 100, 7, 4800])
    np.testing.assert_allclose(chi2_probability(deviances, dofs), chi2.sf(deviances, dofs), rtol=1e-9)


def test_the_chance_of_a_structure_is_that_of_a_normal_score() -> None:
    x = np.linspace(0.0, 10.0, 120)
    y = np.round(400 + 80 * np.sin(3 * x))
    reason = next(r for r in judge(solve(Straight(x), y))[1] if r.startswith("residual structure"))
    score = float(re.findall(r"score ([\d.]+)", reason)[0])
    chance = float(reason.split("chance ")[1])
    assert norm.sf(score + 0.06) < chance < norm.sf(score - 0.06)


def test_structure_is_seen() -> None:
    wave = np.sin(np.linspace(0, 6 * np.pi, 150)) + 0.3 * np.random.default_rng(1).standard_normal(150)
    assert runs_score(wave) > 6
    assert autocorrelation_score(wave) > 6


def test_failed_fits_are_refused_unless_forced() -> None:
    with pytest.raises(NotDeterminedError, match="rests on a failed fit"):
        require("failed", "not converged", what="the area")
    require("failed", "not converged", what="the area", force=True)
    require("check", "at bound", what="the area")


def test_data_that_scatter_too_little_are_named() -> None:
    """The mean of ten scans that still calls itself counts."""
    rng = np.random.default_rng(0)
    x = np.linspace(0.0, 10.0, 120)
    problem = Straight(x)
    counts = rng.poisson(500.0, (10, x.size)).astype(float)
    assert judge(solve(problem, counts[0]))[0] == "ok"
    verdict, reasons = judge(solve(problem, counts.mean(axis=0)))
    assert verdict == "check"
    assert any("scatter less" in reason for reason in reasons)
    few = [judge(solve(problem, rng.poisson(3.0, x.size).astype(float)))[0] for _ in range(40)]
    assert few.count("ok") >= 39
