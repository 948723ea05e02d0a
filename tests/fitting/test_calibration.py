"""Stated uncertainties against the scatter of many replicates: strong, weak, overlapping; nuisances; limits.

Cases and models are those of ``benchmarks/calibration.py``, which fits 1,000 replicates of each.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from surfspec.fitting import judge, solve

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "calibration.py"
SPEC = importlib.util.spec_from_file_location("calibration_benchmark", FILE)
calibration = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = calibration
SPEC.loader.exec_module(calibration)
problem, replicates, X = calibration.problem, calibration.replicates, calibration.X
FIXED = ("fwhm", "a center")


@pytest.mark.slow
@pytest.mark.parametrize("case", calibration.SOUND, ids=lambda case: case.name)
def test_pulls_have_unit_width_where_the_verdict_is_ok(case: object) -> None:
    found = calibration.outcome(case, 250)  # a width is known to 4.5 %; with 1,000 the same bounds hold
    assert found.verdicts["ok"] > 0.98
    assert found.bars - found.verdicts["ok"] < 0.005  # amplitudes that are needed are not doubted
    assert np.all((found.widths > 0.8) & (found.widths < 1.2)), found.widths
    # three standard errors, and a tenth for the second order of weak peaks
    assert np.all(np.abs(found.means) < 0.2), found.means
    assert np.all(np.abs(found.bias) < 0.05), found.bias


@pytest.mark.parametrize(("apart", "share"), [(0.35, 0.0), (0.5, 0.05), (0.8, 0.98), (1.2, 0.98)])
def test_a_pair_is_ok_from_the_distance_on_that_its_counts_resolve(apart: float, share: float) -> None:
    ok = calibration.outcome(calibration.pair(apart, 300.0, 20.0), 60).verdicts["ok"]
    assert ok <= share if share < 0.5 else ok >= share


class TestAmplitudesThatAreNotNeeded:
    """One wider peak explains a close pair; the likelihood ratio knows, the error bars do not."""

    def pair(self, apart: float, height: float, level: float, count: int) -> tuple[list, list]:
        case = calibration.pair(apart, height, level)
        bound = problem(*case.peaks, level=level)
        values = np.array([case.truth.get(p.name, p.value) for p in bound.parameters])
        rng = np.random.default_rng(5)
        data = [rng.poisson(bound.evaluate(values)).astype(float) for _ in range(count)]
        return data, [solve(bound, y) for y in data]

    def test_the_rise_is_that_of_the_fit_without_the_peak(self) -> None:
        data, solutions = self.pair(0.6, 300.0, 20.0, 25)
        single = problem("a", level=20.0)
        start = np.array([1.7, 700.0, 285.3, 20.0, 285.0, 1e5])
        named = 0
        for y, pair in zip(data, solutions, strict=True):
            alone = solve(single, y, starts=[start])
            rise = alone.deviance - pair.deviance
            for name, most in pair.replaceable:
                assert name in ("a area", "b area")
                assert rise - 1e-6 <= most < 19.34  # 4 sigma, two degrees of freedom
                named += 1
            faint = any(pair.values[i] < 3 * pair.uncertainties[i] for i in (1, 3))
            assert pair.replaceable or faint or rise > 19.33
        assert 10 < named < 50

    def test_error_bars_that_say_six_sigma_are_not_believed(self) -> None:
        _, solutions = self.pair(0.3, 30.0, 2.0, 30)
        trusted = [s for s in solutions if judge(replace(s, replaceable=()))[0] == "ok"]
        assert trusted  # the error bars alone see nothing wrong
        assert max(s.values[3] / s.uncertainties[3] for s in trusted) > 4
        for one in trusted:
            verdict, reasons = judge(one)
            assert verdict == "check"
            assert "not resolved: " in reasons[0]

    def test_only_what_is_doubted_is_asked(self) -> None:
        data, solutions = self.pair(0.6, 300.0, 20.0, 6)
        bound = problem("a", "b", level=20.0)
        y, whole = next((y, s) for y, s in zip(data, solutions, strict=True) if len(s.replaceable) == 2)
        assert solve(bound, y, doubt=()).replaceable == ()
        assert solve(bound, y, doubt=("b area",)).replaceable == whole.replaceable[1:]

    def test_unknown_statistics_scale_the_rise(self) -> None:
        data, solutions = self.pair(0.5, 300.0, 20.0, 5)
        bound = problem("a", "b", level=20.0)
        for y, counted in zip(data, solutions, strict=True):
            scaled = solve(
                bound, y * 1e-3, statistics="unknown", starts=[counted.values * [1, 1e-3, 1, 1e-3, 1, 1e-3, 1, 1]]
            )
            assert {n for n, _ in scaled.replaceable} == {n for n, _ in counted.replaceable}

    def test_a_peak_alone_costs_nothing(self) -> None:
        bound = problem("a", level=100.0)
        y = np.random.default_rng(6).poisson(bound.evaluate(np.array([1.3, 3000.0, 285.0, 100.0, 285.0, 1e5])))
        calls = []
        evaluate = bound.evaluate
        bound.evaluate = lambda values: calls.append(1) or evaluate(values)
        one = solve(bound, y.astype(float))
        assert one.replaceable == ()
        assert len(calls) < one.evaluations + 8


def test_a_nuisance_counts_as_much_as_it_scatters() -> None:
    """The level under the peak is measured apart, with an error: brute force against the covariance."""
    truth = np.array([1.3, 400.0, 284.8])
    error, rng = 4.0, np.random.default_rng(2)
    expected = problem("a", level=0.0, base=60.0, fixed=FIXED).evaluate(truth)
    bare, whole, shares = [], [], []
    for _ in range(150):
        y = rng.poisson(expected).astype(float)
        bound = problem("a", level=0.0, base=60.0 + error * rng.standard_normal(), fixed=FIXED)
        one = solve(bound, y, nuisance=np.full((1, X.size), error))
        pull = one.values[1] - truth[1]
        whole.append(pull / one.uncertainties[1])
        alone = solve(bound, y)
        bare.append((alone.values[1] - truth[1]) / alone.uncertainties[1])
        shares.append(one.uncertainties[1] / alone.uncertainties[1])
    # the standard deviation of 150 pulls is known to 6 %; without its share the error bar is short by the ratio
    assert np.std(whole) == pytest.approx(1.0, abs=0.18)
    assert np.mean(shares) > 1.3
    assert np.std(bare) == pytest.approx(np.mean(shares), rel=0.18)


def test_an_absent_peak_lies_on_its_limit_half_the_time() -> None:
    """Area zero is a physical answer: with its error bar it bounds the truth as often as a normal variable would."""
    bound = problem("a", level=30.0, fixed=FIXED)
    _, solutions = replicates(bound, {"a area": 0.0, "level": 30.0}, 250, seed=3)
    area = np.array([s.values[1] for s in solutions])
    unc = np.array([s.uncertainties[1] for s in solutions])
    assert np.mean(area < 1e-3 * unc) == pytest.approx(0.5, abs=0.095)
    assert np.mean(area > 1.645 * unc) == pytest.approx(0.05, abs=0.042)
    assert all(s.at_bound == () and np.isfinite(s.uncertainties[1]) and s.uncertainties[1] > 0 for s in solutions)
    # the level beside it keeps its own calibration
    level = [p.name for p in bound.parameters].index("level")
    pulls = np.array([(s.values[level] - 30.0) / s.uncertainties[level] for s in solutions])
    assert 0.8 < pulls.std() < 1.1
