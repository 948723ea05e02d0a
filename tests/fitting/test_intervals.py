"""Profile likelihood, bootstrap, MCMC and lmfit on the same fits, against closed forms."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import lmfit
import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from surfspec.errors import InputError, MissingDependencyError, NotDeterminedError
from surfspec.fitting import (
    BoundModel,
    Component,
    Model,
    Parameter,
    Tie,
    bootstrap,
    profile,
    sample,
    solve,
    to_lmfit,
)
from surfspec.fitting.batch import solve_batch


@dataclass
class Line:
    """``y = offset + p0 + p1 x + ...``: everything about it is known."""

    x: np.ndarray
    parameters: tuple[Parameter, ...]
    offset: float = 0.0

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        return self.offset + np.vander(self.x, values.size, increasing=True) @ values

    def jacobian(self, values: np.ndarray) -> np.ndarray:
        return np.vander(self.x, values.size, increasing=True)


class TwoHollows:
    """``y = (p^2 - 1)^2 + p / 10``: two minima, the better one at negative p."""

    parameters = (Parameter("p", 0.9, -3.0, 3.0),)

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        p = values[0]
        return np.array([p**2 - 1, 0.3 * p, 0.0])

    def jacobian(self, values: np.ndarray) -> np.ndarray:
        return np.array([[2 * values[0]], [0.3], [0.0]])


X = np.linspace(-1.0, 1.0, 30)
SIGMA = np.full(30, 0.5)
LINE = Line(X, (Parameter("level", 0.0, -50.0, 50.0), Parameter("slope", 0.0, -50.0, 50.0)))
Y = 3 + 2 * X + 0.5 * np.random.default_rng(0).standard_normal(30)
COVARIANCE = np.linalg.inv((np.vander(X, 2, increasing=True).T / 0.25) @ np.vander(X, 2, increasing=True))
GIVEN = {"statistics": "given", "sigma": SIGMA}

ENERGY = np.linspace(280.0, 290.0, 101)
PARAMETERS = (
    Parameter("C 1s area", 300.0, 0.0, 5000.0, natural_low=True), Parameter("C 1s center", 285.3, 283.0, 288.0),
    Parameter("C 1s fwhm", 1.4, 0.4, 3.5),
)  # fmt: skip
ROLES = {"center": Tie("C 1s center"), "fwhm": Tie("C 1s fwhm")}


def peak(base: float = 20.0, area: float = 200.0, seed: int = 1) -> tuple[BoundModel, np.ndarray]:
    component = Component("C 1s", "gaussian", Tie("C 1s area"), ROLES)
    bound = BoundModel(Model(PARAMETERS, (component,)), ENERGY, np.full(101, base))
    expected = bound.evaluate(np.array([area, 285.0, 1.3]))
    return bound, np.random.default_rng(seed).poisson(expected).astype(float)


class TestProfile:
    @pytest.mark.parametrize("level", [0.6826894921370859, 0.95])
    def test_of_a_linear_problem_is_the_normal_interval(self, level: float) -> None:
        best = solve(LINE, Y, **GIVEN)
        found = profile(LINE, Y, "slope", best, level=level, **GIVEN)
        reach = norm.ppf((1 + level) / 2) * np.sqrt(COVARIANCE[1, 1])
        assert found.high - found.value == pytest.approx(reach, rel=1e-5)
        assert found.value - found.low == pytest.approx(reach, rel=1e-5)
        assert not found.open_low
        assert not found.open_high
        np.testing.assert_allclose(found.increase, (found.points - found.value) ** 2 / COVARIANCE[1, 1], atol=1e-7)

    def test_of_a_mean_count_solves_its_equation(self) -> None:
        counts = np.array([1.0, 0, 2, 1, 0, 0, 3, 1, 0, 1])
        level = Line(np.zeros(10), (Parameter("level", 1.0, 0.0, 100.0),))
        found = profile(level, counts, "level", solve(level, counts))
        mean = counts.mean()

        def rise(rate: float) -> float:
            return 20 * (rate - mean + mean * np.log(mean / rate)) - 1.0

        assert found.low == pytest.approx(brentq(rise, 1e-3, mean), rel=1e-5)
        assert found.high == pytest.approx(brentq(rise, mean, 10), rel=1e-5)
        assert found.high - mean > mean - found.low

    def test_ends_at_a_limit_that_the_data_do_not_reach(self) -> None:
        short = Line(
            X,
            (
                Parameter("level", 3.0, -50.0, 50.0),
                Parameter("slope", 1.0, -50.0, float(np.polyfit(X, Y, 1)[0] + 0.01)),
            ),
        )
        found = profile(short, Y, "slope", solve(short, Y, **GIVEN), **GIVEN)
        assert found.open_high
        assert found.high == short.parameters[1].high

    def test_a_better_minimum_is_no_secret(self) -> None:
        problem, y, sigma = TwoHollows(), np.array([0.0, -0.3, 1.0]), np.full(3, 0.3)
        best = solve(problem, y, statistics="given", sigma=sigma)
        assert best.values[0] > 0
        with pytest.raises(NotDeterminedError, match="lower than at the best fit"):
            profile(problem, y, "p", best, statistics="given", sigma=sigma, level=0.9999)

    def test_of_a_strong_peak_is_near_the_covariance(self) -> None:
        bound, y = peak(area=2000.0)
        best = solve(bound, y)
        found = profile(bound, y, "C 1s area", best)
        assert (found.high - found.low) / 2 == pytest.approx(best.uncertainties[0], rel=0.01)

    @pytest.mark.parametrize(("name", "level", "match"), [("no", 0.9, "no parameter"), ("slope", 1.5, "confidence")])
    def test_refusals(self, name: str, level: float, match: str) -> None:
        with pytest.raises(InputError, match=match):
            profile(LINE, Y, name, solve(LINE, Y, **GIVEN), level=level, **GIVEN)


class TestBootstrap:
    @pytest.mark.parametrize("kind", ["parametric", "residual"])
    def test_of_a_linear_problem_has_its_covariance(self, kind: str) -> None:
        best = solve(LINE, Y, **GIVEN)
        found = bootstrap(LINE, Y, best, kind=kind, replicates=500, **GIVEN)
        # the residual bootstrap takes its scale from the 28 degrees of freedom of these data
        scale = 1.0 if kind == "parametric" else best.chi2 / best.dof
        np.testing.assert_allclose(found.uncertainties, np.sqrt(scale * np.diag(COVARIANCE)), rtol=0.1)
        assert found.failed == 0
        assert np.all(np.abs(found.bias) < 4 * best.uncertainties / np.sqrt(500))
        low, high = found.interval("slope", 0.95)
        assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(scale * COVARIANCE[1, 1]), rel=0.15)

    def test_residuals_know_better_than_wrong_sigmas(self) -> None:
        wrong = {"statistics": "given", "sigma": SIGMA / 5}
        best = solve(LINE, Y, **wrong)
        found = bootstrap(LINE, Y, best, kind="residual", replicates=300, **wrong)
        np.testing.assert_allclose(found.uncertainties, 5 * best.uncertainties, rtol=0.35)

    def test_a_background_taken_from_the_data_takes_part(self) -> None:
        """Less the first point: the variance of ``mean(y) - y0`` is ``sigma^2 (1 - 1/n)``."""
        level = (Parameter("level", 0.0),)
        problem = Line(np.zeros(30), level, offset=float(Y[0]))
        best = solve(problem, Y, **GIVEN)
        found = bootstrap(
            problem, Y, best, replicates=500, rebuild=lambda y: Line(np.zeros(30), level, offset=float(y[0])), **GIVEN
        )
        assert found.uncertainties[0] == pytest.approx(0.5 * np.sqrt(1 - 1 / 30), rel=0.1)
        fixed = bootstrap(problem, Y, best, replicates=500, **GIVEN)
        assert fixed.uncertainties[0] == pytest.approx(0.5 / np.sqrt(30), rel=0.1)

    def test_of_counts(self) -> None:
        bound, y = peak()
        best = solve(bound, y)
        for kind in ("parametric", "residual"):
            found = bootstrap(bound, y, best, kind=kind, replicates=200)
            np.testing.assert_allclose(found.uncertainties, best.uncertainties, rtol=0.25)
        again = bootstrap(bound, y, best, kind="residual", replicates=200)
        np.testing.assert_array_equal(again.values, found.values)

    @pytest.mark.parametrize("statistics", ["poisson", "given", "unknown"])
    def test_replicates_fitted_together_and_one_by_one_agree(self, statistics: str) -> None:
        """Over a background that gives way to the tails, whose end levels are means of some points."""
        bound, y = peak(area=600.0)
        slopes = np.stack([np.linspace(1, 0, 101), np.linspace(0, 1, 101)])
        ends = (ENERGY[:7] - 0.3, ENERGY[-7:] + 0.3)
        bound = BoundModel(bound.model, ENERGY, bound.base, slopes, np.array([0.4, 0.2]), ends)
        sigma = np.sqrt(y + 1) if statistics == "given" else None
        best = solve(bound, y, statistics=statistics, sigma=sigma)
        options = {"statistics": statistics, "sigma": sigma, "replicates": 40}
        together = bootstrap(bound, y, best, **options)
        single = bootstrap(bound, y, best, rebuild=lambda _: bound, **options)
        assert together.failed == single.failed == 0
        assert np.all(np.abs(together.values - single.values) < 1e-3 * best.uncertainties)

    def test_refusals(self) -> None:
        best = solve(LINE, Y, **GIVEN)
        with pytest.raises(InputError, match="no scatter"):
            bootstrap(LINE, Y, best, replicates=1, **GIVEN)
        with pytest.raises(InputError, match="unknown kind"):
            bootstrap(LINE, Y, best, kind="magic", **GIVEN)
        with pytest.raises(NotDeterminedError, match="replicates could not be fitted"):
            bootstrap(LINE, Y, best, replicates=4, rebuild=_refuse, **GIVEN)


def _refuse(y: np.ndarray) -> Line:
    raise InputError("no background for these data", remedy="None: this is a test")


class TestSampling:
    def test_of_a_linear_problem_has_its_mean_and_covariance(self) -> None:
        pytest.importorskip("emcee")
        best = solve(LINE, Y, **GIVEN)
        chain = sample(LINE, Y, best, steps=1500, burn=300, **GIVEN)
        error = np.sqrt(np.diag(COVARIANCE) / chain.independent)
        assert chain.independent > 300
        assert np.all(np.abs(chain.mean - best.values) < 5 * error)
        np.testing.assert_allclose(np.sqrt(np.diag(chain.covariance)), np.sqrt(np.diag(COVARIANCE)), rtol=0.1)
        low, high = chain.interval("slope", 0.95)
        assert high - low == pytest.approx(2 * 1.96 * np.sqrt(COVARIANCE[1, 1]), rel=0.1)
        again = sample(LINE, Y, best, steps=100, burn=10, **GIVEN)
        np.testing.assert_array_equal(again.samples, sample(LINE, Y, best, steps=100, burn=10, **GIVEN).samples)

    def test_at_a_limit_it_is_half_a_normal_distribution(self) -> None:
        pytest.importorskip("emcee")
        top = float(np.mean(Y))
        level = Line(np.zeros(30), (Parameter("level", top - 0.1, -50.0, top),))
        best = solve(level, Y, **GIVEN)
        chain = sample(level, Y, best, steps=1500, burn=300, **GIVEN)
        width = 0.5 / np.sqrt(30)
        assert top - chain.mean[0] == pytest.approx(width * np.sqrt(2 / np.pi), rel=0.1)
        assert np.all(chain.samples <= top)

    def test_limits_must_be_finite(self) -> None:
        pytest.importorskip("emcee")
        endless = Line(X, (Parameter("level", 0.0), Parameter("slope", 0.0, -9.0, 9.0)))
        best = solve(endless, Y, **GIVEN)
        with pytest.raises(InputError, match="no finite limits for level"):
            sample(endless, Y, best, **GIVEN)
        with pytest.raises(InputError, match="outside its limits"):
            sample(endless, Y, best, limits={"level": (10.0, 20.0)}, **GIVEN)
        with pytest.raises(InputError, match="no free parameter"):
            sample(endless, Y, best, limits={"height": (10.0, 20.0)}, **GIVEN)
        chain = sample(endless, Y, best, limits={"level": (-10.0, 20.0)}, steps=20, burn=0, **GIVEN)
        assert chain.samples.shape == (320, 2)

    def test_without_emcee(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def absent(name: str) -> None:
            raise ImportError(name)

        monkeypatch.setattr(importlib, "import_module", absent)
        with pytest.raises(MissingDependencyError, match="emcee"):
            sample(LINE, Y, solve(LINE, Y, **GIVEN), **GIVEN)


class TestLmfit:
    @pytest.mark.parametrize("statistics", ["poisson", "given", "unknown"])
    def test_same_best_fit(self, statistics: str) -> None:
        bound, y = peak()
        sigma = np.sqrt(y + 1) if statistics == "given" else None
        best = solve(bound, y, statistics=statistics, sigma=sigma)
        result = to_lmfit(bound, y, statistics=statistics, sigma=sigma).minimize(xtol=1e-12, ftol=1e-12)
        assert isinstance(result.params, lmfit.Parameters)
        assert list(result.params) == ["C_1s_area", "C_1s_center", "C_1s_fwhm"]
        assert [p.user_data for p in result.params.values()] == list(best.names)
        values = np.array([p.value for p in result.params.values()])
        assert np.all(np.abs(values - best.values) < 1e-4 * best.uncertainties)
        assert result.chisqr == pytest.approx(best.deviance, rel=1e-9)
        stderr = np.array([p.stderr for p in result.params.values()])
        np.testing.assert_allclose(stderr, best.uncertainties, rtol=0.05 if statistics == "poisson" else 1e-3)

    def test_confidence_intervals_agree_with_the_profile(self) -> None:
        bound, y = peak()
        best = solve(bound, y)
        minimizer = to_lmfit(bound, y, values=best.values)
        result = minimizer.minimize()
        interval = lmfit.conf_interval(minimizer, result, p_names=["C_1s_area"], sigmas=[1])["C_1s_area"]
        ours = profile(bound, y, "C 1s area", best)
        # lmfit scales by the reduced chi-square and takes the F distribution
        scale = np.sqrt(best.deviance / best.dof)
        assert interval[-1][1] - best.values[0] == pytest.approx(scale * (ours.high - ours.value), rel=0.05)
        assert best.values[0] - interval[0][1] == pytest.approx(scale * (ours.value - ours.low), rel=0.05)

    def test_emcee_of_lmfit_runs_on_it(self) -> None:
        pytest.importorskip("emcee")
        bound, y = peak()
        best = solve(bound, y)
        found = to_lmfit(bound, y, values=best.values).emcee(
            steps=300, burn=100, nwalkers=20, progress=False, seed=1, float_behavior="chi2"
        )
        spread = np.std(found.flatchain.to_numpy(), axis=0)
        np.testing.assert_allclose(spread, best.uncertainties, rtol=0.3)


#: Data that are not those of the fit, or none at all.
OTHERS = {
    "scaled": lambda y: 2.0 * y,
    "reversed": lambda y: y[::-1],
    "one point": lambda y: np.where(np.arange(y.size) == 3, y + 1.0, y),
    "NaN": lambda y: np.where(np.arange(y.size) == 3, np.nan, y),
    "text": lambda y: ["many"] * y.size,
    "short": lambda y: y[:-1],
    "none": lambda y: None,
    "empty": lambda y: [],
    "complex": lambda y: y + 1j,
}


class TestTheSolutionIsOneOfTheseData:
    @pytest.mark.parametrize("other", OTHERS)
    @pytest.mark.parametrize("statistics", ["poisson", "unknown"])
    def test_or_it_is_refused(self, other: str, statistics: str) -> None:
        bound, y = peak()
        best, told = solve(bound, y, statistics=statistics), {"statistics": statistics}
        wrong = OTHERS[other](y)
        with pytest.raises(InputError):
            profile(bound, wrong, "C 1s area", best, **told)
        for kind in ("parametric", "residual"):
            with pytest.raises(InputError):
                bootstrap(bound, wrong, best, kind=kind, replicates=4, **told)
        with pytest.raises(InputError):
            sample(bound, wrong, best, steps=2, burn=0, **told)

    def test_says_what_to_do(self) -> None:
        bound, y = peak()
        with pytest.raises(InputError, match=r"not one of these data; solve\(\) them first"):
            profile(bound, y + 1.0, "C 1s area", solve(bound, y))
        with pytest.raises(InputError, match="not one of these data"):
            profile(bound, y, "C 1s area", solve(bound, y), statistics="unknown")
        with pytest.raises(InputError, match="2 parameters for a problem with 3"):
            bootstrap(bound, y, solve(LINE, Y, **GIVEN))
        with pytest.raises(InputError, match="a NoneType is no solution"):
            sample(bound, y, None)  # type: ignore[arg-type]

    @pytest.mark.parametrize("statistics", ["poisson", "given", "unknown"])
    @pytest.mark.parametrize("noise", [False, True])
    def test_members_of_a_batch_are(self, statistics: str, noise: bool) -> None:
        bound, y = peak(area=3000.0)
        data = np.stack([y if noise else bound.evaluate(np.array([3000.0, 285.0, 1.3]))] * 2)
        sigma = np.sqrt(np.maximum(data[0], 1.0)) if statistics == "given" else None
        for engine in ("numpy", "auto"):
            found = solve_batch(
                bound.model, bound.x, data, bound.base, statistics=statistics, sigma=sigma, engine=engine
            )
            bootstrap(bound, y=data[1], solution=found.member(1), replicates=4, statistics=statistics, sigma=sigma)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"steps": 0}, "steps=0"), ({"steps": -1}, "steps=-1"), ({"steps": 2.5}, "steps=2.5"),
        ({"walkers": 1}, "walkers=1"), ({"walkers": 3}, "whole number from 4"), ({"burn": -1}, "burn=-1"),
        ({"seed": "a"}, "seed='a'"), ({"limits": {"slope": 3}}, "limits of 'slope' are 3"),
        ({"limits": [1]}, "Give a dict"), ({"limits": {"slope": (2, 1)}}, "low first"),
        ({"limits": {"slope": (np.nan, 1)}}, "low first"), ({"limits": {3: (0, 1)}}, "no free parameter"),
    ],
)  # fmt: skip
def test_options_of_sample(options: dict[str, object], match: str) -> None:
    best = solve(LINE, Y, **GIVEN)
    with pytest.raises(InputError, match=match):
        sample(LINE, Y, best, **{"steps": 2, "burn": 0, **options}, **GIVEN)


def test_levels_seeds_and_replicates_that_are_no_numbers() -> None:
    best = solve(LINE, Y, **GIVEN)
    for level in ("a", None, np.nan, 1j):
        with pytest.raises(InputError, match="a confidence of"):
            profile(LINE, Y, "slope", best, level=level, **GIVEN)
    found = bootstrap(LINE, Y, best, replicates=4, **GIVEN)
    with pytest.raises(InputError, match="a confidence of 'a'"):
        found.interval("slope", "a")  # type: ignore[arg-type]
    for options in ({"seed": "a"}, {"replicates": 3.5}, {"replicates": "a"}):
        with pytest.raises(InputError, match=next(iter(options))):
            bootstrap(LINE, Y, best, **options, **GIVEN)


def test_lmfit_begins_where_it_is_told() -> None:
    for values in ([1.0], [1.0, np.nan], "ab"):
        with pytest.raises(InputError, match="start"):
            to_lmfit(LINE, Y, values=values, **GIVEN)
