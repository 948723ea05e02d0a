"""The falling edge against quadrature, differences and tables; its three versions against each other."""

from __future__ import annotations

import importlib.util
import pickle

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erfc

from surfspec.errors import InputError
from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie, solve
from surfspec.fitting.batch import solve_batch
from surfspec.fitting.batch.shapes import EVALUATE
from surfspec.fitting.batch.table import KINDS
from surfspec.fitting.lineshapes import SHAPES, STEPS, shape

EDGE = STEPS["edge"]
X = 0.37 + np.concatenate([-np.geomspace(1e-3, 40, 60)[::-1], [0.0], np.geomspace(1e-3, 40, 60)])
numba_is_here = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba (extra 'fast') is absent")
ENGINES = ["numpy", pytest.param("numba", marks=numba_is_here)]


def test_it_is_no_peak() -> None:
    assert "edge" not in SHAPES
    assert shape("edge") is EDGE
    with pytest.raises(InputError, match="Did you mean 'edge'"):
        shape("edges")
    assert pickle.loads(pickle.dumps(EDGE)).roles == ("center", "fwhm")  # noqa: S301


def test_levels_and_position() -> None:
    at = EDGE.evaluate(np.array([-1e300, -50.0, 0.37, 50.0, 1e300]), 0.37, 1.3)
    assert at.tolist() == [1.0, 1.0, 0.5, 0.0, 0.0]
    # erfc(1) = 0.157299207 (Abramowitz and Stegun, table 7.1)
    value = EDGE.evaluate(np.array([1.0 / (2.0 * np.sqrt(np.log(2.0)))]), 0.0, 1.0)[0]
    assert value == pytest.approx(0.5 * 0.157299207, abs=5e-10)
    assert np.all(np.diff(EDGE.evaluate(np.linspace(-3, 3, 301), 0.0, 2.0)) < 0)


def test_it_is_the_integral_of_the_gaussian() -> None:
    peak = SHAPES["gaussian"]
    for at in (-3.0, -0.6, 0.0, 0.4, 1.7):
        area = quad(lambda t: float(peak.evaluate(np.array([t]), 0.2, 1.3)[0]), at, 20.0, epsabs=1e-13, limit=200)[0]
        assert EDGE.evaluate(np.array([at]), 0.2, 1.3)[0] == pytest.approx(area, abs=1e-12)
    rows = EDGE.derivatives(X, 0.37, 1.3)
    np.testing.assert_allclose(rows[1], peak.evaluate(X, 0.37, 1.3), rtol=1e-12, atol=1e-250)
    assert (EDGE.width(0.37, 1.3)[0], EDGE.height(0.37, 1.3)[0]) == (1.3, 1.0)


def test_derivatives_are_exact() -> None:
    rows = EDGE.derivatives(X, 0.37, 1.3)
    np.testing.assert_array_equal(rows[0], EDGE.evaluate(X, 0.37, 1.3))
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    for i in (0, 1):

        def f(step: float, i: int = i) -> np.ndarray:
            return EDGE.evaluate(X, 0.37 + step * (i == 0), 1.3 + step * (i == 1))

        numeric = sum(w * (f(0.02 * k) - f(-0.02 * k)) for k, w in weights.items()) / 0.02
        np.testing.assert_allclose(rows[1 + i], numeric, atol=1e-10)


def test_bad_roles_and_extreme_axes() -> None:
    for bad in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(InputError, match="fwhm"):
            EDGE.derivatives(X, 0.0, bad)
    with pytest.raises(InputError, match="center"):
        EDGE.evaluate(X, np.nan, 1.0)
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        for width in (1e-90, 1e-6, 1.0, 1e6):
            assert np.isfinite(EDGE.derivatives(np.array([-1e300, -1e30, 0.0, 1e30, 1e300]), 0.0, width)).all()


@numba_is_here
def test_compiled_edge_is_exact_to_1e_14_of_its_height() -> None:
    from surfspec.fitting.batch.fast.edge import half_erfc
    from surfspec.fitting.batch.fast.shapes import evaluate

    u = np.concatenate([np.linspace(-12.0, 12.0, 4801), [-600.0, 600.0]])
    found = np.array([half_erfc(one, np.exp(-one * one)) for one in u])
    assert np.max(np.abs(found - 0.5 * erfc(u))) < 1e-14
    for fwhm in (0.02, 1.3, 400.0):
        out, keep = np.full((3, X.size), 7.0), np.array([0.0, 1.0, 0.0, 0.0])
        weight = np.linspace(0.5, 2.0, X.size)
        evaluate(KINDS["edge"], X, weight, np.array([0.37, fwhm, 0.0]), 30.0, out, np.arange(4), keep)
        out[1] -= 7.0
        want = 30.0 * weight * EDGE.derivatives(X, 0.37, fwhm)
        plain = EVALUATE[KINDS["edge"]](X, np.array([[0.37]]), np.array([[fwhm]]), np.zeros((1, 1)), 30.0, weight[None])
        for row, by_numpy, exact, unit in zip(out, plain, want, (60.0, 60.0 / fwhm, 60.0 / fwhm), strict=True):
            np.testing.assert_allclose(row, exact, rtol=1e-13, atol=2e-14 * unit)
            np.testing.assert_allclose(by_numpy[0], exact, rtol=1e-13, atol=2e-14 * unit)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("statistics", ["poisson", "given"])
def test_a_peak_on_its_shoulder(statistics: str, engine: str) -> None:
    """Peak and edge share position and width; both engines give what the single solver gives."""
    parameters = (
        Parameter("area", 100.0, low=0.0, natural_low=True),
        Parameter("step", 100.0, low=0.0, natural_low=True),
        Parameter("center", 1190.0, low=1150.0, high=1220.0),
        Parameter("fwhm", 70.0, low=10.0, high=200.0),
    )
    roles = {"center": Tie("center"), "fwhm": Tie("fwhm")}
    model = Model(
        parameters,
        (Component("O", "gaussian", Tie("area"), roles), Component("O in depth", "edge", Tie("step"), roles)),
    )
    x, base = np.arange(900.0, 1500.0, 4.0), np.full(150, 20.0)
    clean = BoundModel(model, x, base).evaluate(np.array([4e4, 90.0, 1182.0, 60.0]))
    y = np.random.default_rng(7).poisson(clean, (5, x.size)).astype(float)
    sigma = np.sqrt(np.maximum(y, 1.0)) if statistics == "given" else None
    found = solve_batch(model, x, y, base, statistics=statistics, sigma=sigma, engine=engine)
    assert found.converged.all()
    assert not found.single.any()
    for i in range(len(y)):
        one = solve(found.inputs.problem(i), y[i], statistics=statistics, sigma=None if sigma is None else sigma[i])
        assert np.max(np.abs(found.values[i] - one.values) / one.uncertainties) < 1e-4
        np.testing.assert_allclose(found.uncertainties[i], one.uncertainties, rtol=1e-4)
    pulls = (found.values - np.array([4e4, 90.0, 1182.0, 60.0])) / found.uncertainties
    assert np.max(np.abs(pulls)) < 4.5
