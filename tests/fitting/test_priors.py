"""Gaussian priors against the weighted mean of two measurements, and in a fit that needs one."""

from __future__ import annotations

import numpy as np
import pytest

from surfspec.errors import InputError
from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie, profile, solve
from surfspec.fitting.solver import WithPriors


class Level:
    """A constant."""

    def __init__(self, n: int, prior: tuple[float, float] | None) -> None:
        self.parameters = (Parameter("level", 10.0, 0.0, 1000.0, prior=prior),)
        self.n = n

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        return np.full(self.n, values[0])

    def jacobian(self, values: np.ndarray) -> np.ndarray:
        return np.ones((self.n, 1))


def test_given_uncertainties_and_a_prior_are_a_weighted_mean() -> None:
    y, sigma = np.array([9.0, 11.0, 10.5, 9.8]), np.full(4, 0.5)
    found = solve(Level(4, (12.0, 0.25)), y, statistics="given", sigma=sigma)
    weights = np.array([4 / 0.5**2, 1 / 0.25**2])
    mean = (weights @ [y.mean(), 12.0]) / weights.sum()
    assert found.values[0] == pytest.approx(mean, rel=1e-9)
    assert found.uncertainties[0] == pytest.approx(weights.sum() ** -0.5, rel=1e-9)
    assert found.fitted.size == found.pulls.size == 4
    assert found.dof == 4
    assert found.chi2 == pytest.approx(np.sum((y - mean) ** 2) / 0.25 + (mean - 12.0) ** 2 / 0.0625, rel=1e-9)


def test_counts_and_a_prior() -> None:
    """Poisson with a normal prior: the root of sum(y)/m - n = (m - mu)/u2, exactly."""
    y = np.array([3.0, 7.0, 4.0, 5.0, 6.0])
    found = solve(Level(5, (9.0, 1.0)), y)
    a, b, c = 1.0, 5.0 - 9.0, -y.sum()
    root = (-b + np.sqrt(b * b - 4 * a * c)) / (2 * a)
    assert found.values[0] == pytest.approx(root, rel=1e-3)
    assert found.uncertainties[0] == pytest.approx((5 / root + 1) ** -0.5, rel=1e-3)


def test_where_the_statistics_are_unknown_the_prior_stays_absolute() -> None:
    rng = np.random.default_rng(0)
    y = 10 + 0.3 * rng.standard_normal(400)
    found = solve(Level(400, (10.03, 0.01)), y, statistics="unknown")
    s2 = np.var(y) / 400
    weights = np.array([1 / s2, 1 / 0.01**2])
    assert found.values[0] == pytest.approx((weights @ [y.mean(), 10.03]) / weights.sum(), abs=1e-3)
    assert found.uncertainties[0] == pytest.approx(weights.sum() ** -0.5, rel=0.1)


def test_a_prior_far_off_raises_the_deviance() -> None:
    y, sigma = np.full(9, 10.0), np.full(9, 0.3)
    free = solve(Level(9, None), y, statistics="given", sigma=sigma)
    held = solve(Level(9, (11.0, 0.1)), y, statistics="given", sigma=sigma)
    assert free.deviance == pytest.approx(0.0, abs=1e-12)
    assert held.deviance == pytest.approx(1.0 / (0.1**2 + 0.1**2), rel=1e-9)


def test_it_replaces_what_a_faint_spectrum_cannot_say() -> None:
    parameters = (
        Parameter("area", 60.0, 0.0, natural_low=True), Parameter("center", 182.4, 181.0, 184.0),
        Parameter("splitting", 2.41, 1.9, 2.9, prior=(2.41, 0.01)), Parameter("fwhm", 1.3, 0.4, 3.0),
    )  # fmt: skip
    strong = Component("5/2", "gaussian", Tie("area"), {"center": Tie("center"), "fwhm": Tie("fwhm")})
    center = Tie("center", also=(("splitting", 1.0),))
    weak = Component("3/2", "gaussian", Tie("area", 2 / 3), {"center": center, "fwhm": Tie("fwhm")})
    x = np.arange(176.0, 190.0, 0.1)
    bound = BoundModel(Model(parameters, (strong, weak)), x, np.full(x.size, 2.0))
    rng = np.random.default_rng(3)
    pulls = []
    for _ in range(150):
        true = 2.41 + 0.01 * rng.standard_normal()
        y = rng.poisson(bound.evaluate(np.array([60.0, 182.4, true, 1.3]))).astype(float)
        found = solve(bound, y, doubt=())
        pulls.append((found.values - [60.0, 182.4, true, 1.3]) / found.uncertainties)
        assert found.uncertainties[2] < 0.0101
    width = np.std(pulls, axis=0)
    assert np.all((width > 0.85) & (width < 1.2))


def test_intervals_take_the_problem_with_its_priors() -> None:
    y, sigma = np.array([9.0, 11.0, 10.5, 9.8]), np.full(4, 0.5)
    problem = Level(4, (12.0, 0.25))
    held = WithPriors(problem, counts=False)
    found = solve(held, held.data(y), statistics="given", sigma=np.append(sigma, 1.0))
    inside = profile(held, held.data(y), "level", found, statistics="given", sigma=np.append(sigma, 1.0))
    assert inside.high - inside.value == pytest.approx(found.uncertainties[0], rel=1e-3)
    with pytest.raises(InputError):
        profile(
            problem, y, "level", solve(problem, y, statistics="given", sigma=sigma), statistics="given", sigma=sigma
        )
