"""Gaussian priors against the weighted mean of two measurements, and in a fit that needs one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from surfspec.errors import InputError
from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie, profile, solve, solve_batch
from surfspec.fitting.batch import fast
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


ENGINES = ["numpy", *(["numba"] if fast.installed() else [])]


def doublet(low: float = 1.9, high: float = 2.9) -> Model:
    parameters = (
        Parameter("area", 60.0, 0.0, natural_low=True), Parameter("center", 182.4, 181.0, 184.0),
        Parameter("splitting", 2.41, low, high, prior=(2.41, 0.05)), Parameter("gauss", 1.2, 0.4, 3.0),
        Parameter("lorentz", 0.3, 0.0, 1.0, natural_low=True, prior=(0.2, 0.1)),
    )  # fmt: skip
    widths = {"fwhm_gauss": Tie("gauss"), "fwhm_lorentz": Tie("lorentz")}
    strong = Component("5/2", "voigt", Tie("area"), {"center": Tie("center"), **widths})
    center = Tie("center", also=(("splitting", 1.0),))
    return Model(parameters, (strong, Component("3/2", "voigt", Tie("area", 2 / 3), {"center": center, **widths})))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("statistics", ["poisson", "given"])
def test_many_at_once_are_as_one_by_one(engine: str, statistics: str) -> None:
    """The batched kernels have the priors in their Fisher matrices; the single solver has them as points."""
    x = np.arange(176.0, 190.0, 0.1)
    base = np.full(x.size, 20.0)
    model = doublet()
    bound = BoundModel(model, x, base)
    rng = np.random.default_rng(8)
    areas = np.geomspace(150.0, 30000.0, 24)
    y = np.array([rng.poisson(bound.evaluate(np.array([a, 182.3, 2.5, 1.3, 0.3]))) for a in areas], dtype=float)
    sigma = np.sqrt(y + 1.0) if statistics == "given" else None
    many = solve_batch(model, x, y, base, statistics=statistics, sigma=sigma, engine=engine)
    assert many.engine == engine
    assert not many.single.any()
    for i, one in enumerate(y):
        alone = solve(bound, one, statistics=statistics, sigma=None if sigma is None else sigma[i], doubt=())
        np.testing.assert_allclose(many.values[i], alone.values, rtol=0, atol=1e-3 * alone.uncertainties.max())
        assert np.all(np.abs(many.values[i] - alone.values) < 1e-3 * alone.uncertainties)
        np.testing.assert_allclose(many.uncertainties[i], alone.uncertainties, rtol=2e-3)
        assert many.deviance[i] == pytest.approx(alone.deviance, rel=1e-6, abs=1e-3)
        assert many.dof[i] == alone.dof
    assert abs(many.values[0, 2] - 2.41) < abs(many.values[-1, 2] - 2.41)  # faint spectra stay at the prior


def test_many_of_unknown_statistics_are_fitted_one_by_one() -> None:
    x = np.arange(176.0, 190.0, 0.1)
    bound = BoundModel(doublet(), x, np.full(x.size, 20.0))
    y = bound.evaluate(np.array([900.0, 182.3, 2.5, 1.3, 0.3])) + np.random.default_rng(1).normal(0, 3, (2, x.size))
    many = solve_batch(bound.model, x, y, bound.base, statistics="unknown")
    assert many.engine == "solve"
    assert "absolute" in many.fallback


@pytest.mark.parametrize("engine", ENGINES)
def test_members_may_have_priors_of_their_own(engine: str) -> None:
    x = np.arange(176.0, 190.0, 0.1)
    base = np.full(x.size, 20.0)
    model = doublet()
    bound = BoundModel(model, x, base)
    y = np.random.default_rng(4).poisson(bound.evaluate(np.array([400.0, 182.3, 2.5, 1.3, 0.3])), (3, x.size)) * 1.0
    means = np.full((3, 5), np.nan)
    means[:, 2], means[:, 4] = [2.3, 2.45, 2.6], 0.2
    many = solve_batch(model, x, y, base, prior_means=means, engine=engine)
    for i in range(3):
        own = tuple(replace(p, prior=(means[i, 2], 0.05)) if p.name == "splitting" else p for p in model.parameters)
        alone = solve(BoundModel(replace(model, parameters=own), x, base), y[i], doubt=())
        assert np.all(np.abs(many.values[i] - alone.values) < 1e-3 * alone.uncertainties)
    with pytest.raises(InputError, match="prior_means"):
        solve_batch(model, x, y, base, prior_means=means[:, :3])
