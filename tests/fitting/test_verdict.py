"""The closed list of reasons, and tests of residuals with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

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
