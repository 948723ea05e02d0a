"""The solver against closed forms, an independent optimiser and simulated replicates."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit, minimize
from scipy.special import xlogy

from surfspec.errors import InputError
from surfspec.fitting.lineshapes import SHAPES
from surfspec.fitting.model import BoundModel, Component, Model, Parameter, Tie
from surfspec.fitting.solver import deviance_residuals, solve
from surfspec.fitting.verdict import judge


@dataclass
class Polynomial:
    """A linear problem with a closed solution."""

    x: np.ndarray
    parameters: tuple[Parameter, ...]

    def evaluate(self, values: np.ndarray) -> np.ndarray:
        return np.vander(self.x, values.size, increasing=True) @ values

    def jacobian(self, values: np.ndarray) -> np.ndarray:
        return np.vander(self.x, values.size, increasing=True)


X = np.linspace(280.0, 292.0, 121)


def peak(x: np.ndarray = X, base: float = 40.0, **limits: float) -> BoundModel:
    parameters = (
        Parameter("area", 500.0, 0.0, np.inf, natural_low=True),
        Parameter("center", 285.5, 283.0, limits.get("center_high", 288.0)),
        Parameter("fwhm", 1.2, 0.3, 4.0),
    )
    roles = {"center": Tie("center"), "fwhm": Tie("fwhm")}
    return BoundModel(Model(parameters, (Component("p", "gaussian", Tie("area"), roles),)), x, np.full(x.size, base))


@settings(max_examples=80, deadline=None)
@given(st.floats(1e-3, 1e6), st.integers(0, 10**6))
def test_deviance_residuals_square_to_the_deviance(model: float, counts: int) -> None:
    d = float(counts)
    r, _ = deviance_residuals(np.array([model, model]), np.array([d, d]))
    want = 2 * (model - d + xlogy(d, d / model))
    assert float(r[0]) ** 2 == pytest.approx(want, rel=1e-6, abs=1e-9 * max(model, d))
    assert np.sign(r[0]) in (0.0, np.sign(model - d))


@pytest.mark.parametrize("d", [0.0, 1.0, 99.9, 100.0, 100.00001, 5000.0])
def test_deviance_slope_equals_difference(d: float) -> None:
    # the mean of the data sets the floor of the model, so both entries carry it
    m, h = 100.0, 1e-4
    _, slope = deviance_residuals(np.array([m, m]), np.array([d, 100.0]))
    up, _ = deviance_residuals(np.array([m + h, m]), np.array([d, 100.0]))
    down, _ = deviance_residuals(np.array([m - h, m]), np.array([d, 100.0]))
    assert float(slope[0]) == pytest.approx(float((up - down)[0]) / (2 * h), rel=1e-5)


def test_linear_least_squares_equals_the_closed_form() -> None:
    rng = np.random.default_rng(1)
    x = np.linspace(0, 1, 40)
    sigma = rng.uniform(0.5, 2.0, 40)
    y = 1 + 2 * x - 3 * x**2 + sigma * rng.standard_normal(40)
    problem = Polynomial(x, tuple(Parameter(f"c{i}", 0.0) for i in range(3)))
    solution = solve(problem, y, statistics="given", sigma=sigma)
    a = np.vander(x, 3, increasing=True) / sigma[:, None]
    cov = np.linalg.inv(a.T @ a)
    np.testing.assert_allclose(solution.values, cov @ a.T @ (y / sigma), rtol=1e-9)
    np.testing.assert_allclose(solution.covariance, cov, rtol=1e-8)
    assert solution.converged


def test_given_sigmas_agree_with_an_independent_optimiser() -> None:
    rng = np.random.default_rng(2)
    bound = peak()
    y = rng.poisson(bound.evaluate(np.array([900.0, 285.1, 1.5]))).astype(float)
    sigma = np.sqrt(y + 1)
    solution = solve(bound, y, statistics="given", sigma=sigma)

    def model(x: np.ndarray, area: float, center: float, fwhm: float) -> np.ndarray:
        s = fwhm / 2.3548200450309493
        return 40.0 + area * np.exp(-((x - center) ** 2) / (2 * s**2)) / (s * np.sqrt(2 * np.pi))

    best, cov = curve_fit(model, X, y, p0=[500, 285.5, 1.2], sigma=sigma, absolute_sigma=True)
    np.testing.assert_allclose(solution.values, best, rtol=1e-5)
    np.testing.assert_allclose(solution.uncertainties, np.sqrt(np.diag(cov)), rtol=1e-4)


def test_poisson_fit_is_the_maximum_of_the_likelihood() -> None:
    rng = np.random.default_rng(3)
    bound = peak(base=3.0)
    y = rng.poisson(bound.evaluate(np.array([30.0, 285.1, 1.5]))).astype(float)
    solution = solve(bound, y)

    def minus_log(p: np.ndarray) -> float:
        m = bound.evaluate(p)
        return float(np.sum(m - xlogy(y, m)))

    start = solution.values + np.array([1.0, 0.02, 0.02])
    other = minimize(minus_log, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10})
    np.testing.assert_allclose(solution.values, other.x, rtol=2e-4)


def test_low_counts_are_not_biased() -> None:
    """Background of two counts and a weak peak: 1/sqrt(N) weights give 1.37 and -18 %."""
    rng = np.random.default_rng(4)
    x = np.linspace(-10, 10, 101)
    roles = {"center": Tie("center"), "fwhm": Tie("fwhm")}
    flat = Component("level", "gaussian", Tie("level"), {"center": Tie("zero"), "fwhm": Tie("broad")})
    parameters = (
        Parameter("area", 5.3, 0.0, np.inf, natural_low=True), Parameter("center", 0.0, vary=False),
        Parameter("fwhm", 1.5, vary=False), Parameter("level", 1.0, 0.0, np.inf, natural_low=True),
        Parameter("zero", 0.0, vary=False), Parameter("broad", 1e4, vary=False),
    )  # fmt: skip
    bound = BoundModel(Model(parameters, (Component("p", "gaussian", Tie("area"), roles), flat)), x, np.zeros(x.size))
    per_level = float(SHAPES["gaussian"].evaluate(np.zeros(1), 0.0, 1e4)[0])
    truth = np.array([5.3, 0.0, 1.5, 2.0 / per_level, 0.0, 1e4])
    expected = bound.evaluate(truth)
    fits = np.array([solve(bound, rng.poisson(expected).astype(float)).values for _ in range(150)])
    assert np.mean(fits[:, 3]) * per_level == pytest.approx(2.0, abs=0.05)
    spread = np.std(fits[:, 0]) / np.sqrt(150)
    assert abs(np.mean(fits[:, 0]) - 5.3) < 3 * spread


def test_uncertainties_are_calibrated() -> None:
    rng = np.random.default_rng(5)
    bound = peak()
    truth = np.array([800.0, 285.2, 1.4])
    pulls = []
    for _ in range(200):
        s = solve(bound, rng.poisson(bound.evaluate(truth)).astype(float))
        pulls.append((s.values - truth) / s.uncertainties)
    width = np.std(pulls, axis=0)
    assert np.all((width > 0.85) & (width < 1.15)), width
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.25)


def test_nuisance_enters_the_covariance_as_a_closed_form() -> None:
    x = np.linspace(0, 1, 20)
    problem = Polynomial(x, (Parameter("level", 0.0),))
    y, sigma = np.full(20, 7.0), np.ones(20)
    bare = solve(problem, y, statistics="given", sigma=sigma)
    moved = solve(problem, y, statistics="given", sigma=sigma, nuisance=np.full((1, 20), 0.5))
    assert moved.covariance[0, 0] == pytest.approx(bare.covariance[0, 0] + 0.25, rel=1e-9)


def test_degenerate_pair_is_said_to_be_undetermined() -> None:
    x = X
    roles = {"center": Tie("center"), "fwhm": Tie("fwhm")}
    parameters = (
        Parameter("one", 300.0, 0.0, np.inf), Parameter("two", 300.0, 0.0, np.inf),
        Parameter("center", 285.5, 283.0, 288.0), Parameter("fwhm", 1.2, 0.3, 4.0),
    )  # fmt: skip
    both = (Component("a", "gaussian", Tie("one"), roles), Component("b", "gaussian", Tie("two"), roles))
    bound = BoundModel(Model(parameters, both), x, np.full(x.size, 20.0))
    y = np.round(bound.evaluate(np.array([300.0, 300.0, 285.5, 1.2])))
    solution = solve(bound, y)
    assert set(solution.undetermined) == {"one", "two"}
    assert np.isnan(solution.uncertainties[0])
    assert np.isfinite(solution.uncertainties[2])
    verdict, reasons = judge(solution)
    assert verdict == "failed"
    assert any(r.startswith("not determined") for r in reasons)


def test_start_far_away_is_no_success() -> None:
    bound = peak(center_high=340.0)
    y = bound.evaluate(np.array([900.0, 285.1, 1.5]))
    far = np.array([500.0, 335.0, 1.2])
    verdict, _ = judge(solve(bound, np.round(y), starts=[far]))
    assert verdict != "ok"


def test_a_parameter_on_its_limit_is_named() -> None:
    bound = peak(center_high=285.6)
    y = np.round(bound.evaluate(np.array([900.0, 285.0, 1.5])) + 0)
    y = np.roll(y, 15)  # the true centre now lies beyond the limit
    solution = solve(bound, y)
    assert solution.at_bound == ("center",)
    assert judge(solution)[0] != "ok"


@pytest.mark.parametrize(
    ("y", "match"),
    [(np.zeros(121), "zero"), (np.full(121, np.nan), "not numbers")],
)
def test_unfittable_data_are_refused(y: np.ndarray, match: str) -> None:
    with pytest.raises(InputError, match=match):
        solve(peak(), y)


@pytest.mark.parametrize(
    ("y", "options", "match"),
    [
        (np.full(50, 9.0), {}, "50 intensities and a model on 121 points"),
        (np.full((2, 121), 9.0), {}, "shape"),
        (["nine"] * 121, {}, "no numbers"),
        (np.full(121, 9.0), {"starts": [np.array([1.0, 285.0])]}, "3 parameters"),
        (np.full(121, 9.0), {"statistics": "given", "sigma": np.ones(120)}, "shape"),
        (np.full(121, 9.0), {"nuisance": np.ones((2, 120))}, "nuisances of shape"),
    ],
)
def test_arrays_that_do_not_go_together_are_refused_in_words(y: object, options: dict, match: str) -> None:
    with pytest.raises(InputError, match=match):
        solve(peak(), y, **options)


def test_an_answer_on_a_limit_is_found_without_creeping() -> None:
    """A spike and a doublet that may be no narrower: the trust region alone takes 960 ever shorter steps."""
    widths = {"fwhm_gauss": Tie("gauss"), "fwhm_lorentz": Tie("lorentz")}
    parameters = (
        Parameter("area", 500.0, 0.0, natural_low=True), Parameter("center", 285.3, 283.0, 288.0),
        Parameter("gauss", 1.2, 0.4, 3.0), Parameter("lorentz", 0.3, 0.0, 1.2, natural_low=True),
        Parameter("splitting", 2.41, 2.36, 2.46),
    )  # fmt: skip
    partner = Tie("center", also=(("splitting", 1.0),))
    lines = (
        Component("strong", "voigt", Tie("area"), {"center": Tie("center"), **widths}),
        Component("weak", "voigt", Tie("area", 2 / 3), {"center": partner, **widths}),
    )
    bound = BoundModel(Model(parameters, lines), X, np.full(X.size, 40.0))
    y = np.random.default_rng(8).poisson(40.0, X.size).astype(float)
    y[75] = 20000.0
    solution = solve(bound, y)
    assert solution.converged
    assert solution.at_bound == ("gauss", "splitting")
    assert solution.evaluations < 600
    assert judge(solution)[0] == "check"


def test_lists_and_integers_are_counts_too() -> None:
    y = np.random.default_rng(7).poisson(peak().evaluate(np.array([900.0, 285.1, 1.5])))
    want = solve(peak(), y.astype(np.float64))
    for given_as in (y, y.tolist(), y.astype(np.longdouble)):
        np.testing.assert_allclose(solve(peak(), given_as).values, want.values, rtol=1e-12)


def test_too_few_points() -> None:
    with pytest.raises(InputError, match="cannot determine 3"):
        solve(peak(x=np.array([284.0, 285.0, 286.0])), np.array([1.0, 5.0, 1.0]))


@settings(max_examples=10, deadline=None)
@given(st.floats(0.5, 50.0), st.floats(-1.0, 1.0))
def test_scaling_and_shifting(scale: float, shift: float) -> None:
    """Areas scale with given uncertainties; centres move with the axis."""
    rng = np.random.default_rng(6)
    y = rng.poisson(peak().evaluate(np.array([900.0, 285.1, 1.5]))).astype(float)
    sigma = np.sqrt(y + 1)
    one = solve(peak(), y, statistics="given", sigma=sigma)
    big = solve(peak(base=40.0 * scale), scale * y, statistics="given", sigma=scale * sigma)
    assert big.values[0] == pytest.approx(scale * one.values[0], rel=1e-5)
    assert big.uncertainties[1] == pytest.approx(one.uncertainties[1], rel=1e-4)
    moved = solve(peak(x=X + shift), y, statistics="given", sigma=sigma)
    assert moved.values[1] == pytest.approx(one.values[1] + shift, abs=1e-5)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"starts": "a"}, "starts are no numbers"), ({"starts": 3}, "starts are no numbers"),
        ({"starts": [[500.0, np.nan, 1.0]]}, "a start has nan for 'center'"),
        ({"starts": [[500.0, 285.0, np.inf]]}, "a start has inf for 'fwhm'"), ({"starts": [[500.0]]}, "shape"),
        ({"max_evaluations": 0}, "max_evaluations=0"), ({"max_evaluations": 1.5}, "max_evaluations=1.5"),
        ({"tolerance": 0}, "tolerance=0"), ({"tolerance": -1}, "tolerance=-1"),
        ({"tolerance": np.nan}, "tolerance=nan"), ({"tolerance": "a"}, "tolerance='a'"),
        ({"doubt": ["foo"]}, "'foo', which is no parameter"), ({"doubt": "area"}, "Give a list of names"),
        ({"nuisance": "a"}, "nuisances are no numbers"),
    ],
)  # fmt: skip
def test_options_that_cannot_be(options: dict[str, object], match: str) -> None:
    bound = peak()
    y = np.round(bound.evaluate(np.array([500.0, 285.4, 1.1])))
    with pytest.raises(InputError, match=match):
        solve(bound, y, **options)


@pytest.mark.parametrize(
    ("y", "match"),
    [([], "there are no data"), (np.ones(121) * 1j, "complex"), (["a"] * 121, "no numbers"), (None, "shape")],
)
def test_data_that_are_none(y: object, match: str) -> None:
    with pytest.raises(InputError, match=match):
        solve(peak(), y)
