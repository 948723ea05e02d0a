"""Stated uncertainties against the scatter of many replicates: strong, weak, overlapping; nuisances; limits."""

from __future__ import annotations

import numpy as np
import pytest

from surfspec.fitting import BoundModel, Component, Model, Parameter, Solution, Tie, judge, solve

X = np.linspace(280.0, 290.0, 101)
LEVEL = 1e5 * np.sqrt(np.pi / np.log(2)) / 2


def problem(*peaks: tuple[str, bool], level: float, base: float = 0.0, wide: bool = True) -> BoundModel:
    """Peaks with a common width over a free level; of each its name and whether its centre is free."""
    parameters = [Parameter("fwhm", 1.3, 0.4, 3.5, vary=wide)]
    components = []
    for position, (name, free) in zip((284.8, 286.0), peaks, strict=False):
        parameters.append(Parameter(f"{name} area", 30.0, 0.0, natural_low=True))
        parameters.append(Parameter(f"{name} center", position, position - 1.5, position + 1.5, vary=free))
        roles = {"center": Tie(f"{name} center"), "fwhm": Tie("fwhm")}
        components.append(Component(name, "gaussian", Tie(f"{name} area"), roles))
    if not base:
        parameters += [
            Parameter("level", level, 0.0),
            Parameter("zero", 285.0, vary=False),
            Parameter("flat", 1e5, vary=False),
        ]
        roles = {"center": Tie("zero"), "fwhm": Tie("flat")}
        components.append(Component("level", "gaussian", Tie("level", LEVEL), roles))
    return BoundModel(Model(tuple(parameters), tuple(components)), X, np.full(X.size, base))


def replicates(
    bound: BoundModel, truth: dict[str, float], count: int, seed: int = 0
) -> tuple[np.ndarray, list[Solution]]:
    values = np.array([truth.get(p.name, p.value) for p in bound.parameters])
    expected = bound.evaluate(values)
    rng = np.random.default_rng(seed)
    return values, [solve(bound, rng.poisson(expected).astype(float)) for _ in range(count)]


CASES = {
    "strong": ((("a", True),), {"a area": 3000.0, "level": 100.0}),
    "weak": ((("a", True),), {"a area": 12.0, "level": 2.0}),
    "overlapping": ((("a", True), ("b", True)), {"a area": 1500.0, "b area": 1000.0, "level": 50.0}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_pulls_have_unit_width_where_the_verdict_is_ok(name: str) -> None:
    peaks, truth = CASES[name]
    bound = problem(*peaks, level=truth["level"])
    count = 250  # a width is known to 4.5 %; with 1,000 the same bounds hold
    values, solutions = replicates(bound, truth, count)
    free = np.array([p.vary for p in bound.parameters])
    ok = [s for s in solutions if judge(s)[0] == "ok"]
    assert len(ok) > 0.97 * count
    pulls = np.array([(s.values - values)[free] / s.uncertainties[free] for s in ok])
    width = pulls.std(axis=0)
    assert np.all((width > 0.8) & (width < 1.2)), width
    # three standard errors, and a tenth for the second order of weak peaks
    assert np.all(np.abs(pulls.mean(axis=0)) < 0.2), pulls.mean(axis=0)
    areas = [i for i, p in enumerate(bound.parameters) if p.name.endswith("area")]
    bias = np.mean([s.values for s in ok], axis=0)[areas] / values[areas] - 1
    assert np.all(np.abs(bias) < 0.05), bias


@pytest.mark.parametrize(("apart", "share"), [(0.35, 0.0), (1.2, 0.95)])
def test_a_pair_too_close_is_not_called_ok(apart: float, share: float) -> None:
    bound = problem(("a", True), ("b", True), level=20.0)
    truth = {"a area": 300.0, "b area": 200.0, "a center": 285.0, "b center": 285.0 + apart, "level": 20.0}
    _, solutions = replicates(bound, truth, 40)
    ok = np.mean([judge(s)[0] == "ok" for s in solutions])
    assert ok >= share if share else ok <= 0.05


def test_a_nuisance_counts_as_much_as_it_scatters() -> None:
    """The level under the peak is measured apart, with an error: brute force against the covariance."""
    truth = np.array([1.3, 400.0, 284.8])
    error, rng = 4.0, np.random.default_rng(2)
    expected = problem(("a", False), level=0.0, base=60.0, wide=False).evaluate(truth)
    bare, whole, shares = [], [], []
    for _ in range(150):
        y = rng.poisson(expected).astype(float)
        bound = problem(("a", False), level=0.0, base=60.0 + error * rng.standard_normal(), wide=False)
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
    bound = problem(("a", False), level=30.0, wide=False)
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
