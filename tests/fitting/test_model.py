"""The model as a table: derivatives against differences, ties, refusals."""

from __future__ import annotations

import numpy as np
import pytest

from surfspec.errors import InputError
from surfspec.fitting.lineshapes import SHAPES
from surfspec.fitting.model import BoundModel, Component, Model, Parameter, Tie

X = np.linspace(175.0, 192.0, 171)


def doublet(shape: str) -> Model:
    """Two components that share every parameter."""
    widths = [r for r in SHAPES[shape].roles if r != "center"]
    values = {
        "fwhm": 1.3, "fwhm_gauss": 1.1, "fwhm_lorentz": 0.4, "mixing": 0.3, "asymmetry": 0.1, "alpha": 1.3, "beta": 1.7,
        "damping": 8.0, "smoothing": 90.0, "tail": 0.2, "tail_length": 2.0,
    }  # fmt: skip
    parameters = (
        Parameter("area", 1000.0, 0.0, np.inf, natural_low=True),
        Parameter("center", 182.4, 180.0, 184.0),
        *(Parameter(r, values[r], 0.0, 200.0) for r in widths),
    )
    strong = {r: Tie(r) for r in SHAPES[shape].roles}
    weak = {**strong, "center": Tie("center", 1.0, 2.41)}
    return Model(
        parameters,
        (Component("5/2", shape, Tie("area"), strong), Component("3/2", shape, Tie("area", 2 / 3), weak)),
    )


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_jacobian_equals_central_differences(shape: str) -> None:
    bound = BoundModel(doublet(shape), X, np.full(X.size, 50.0))
    values = np.array([p.value for p in bound.parameters])
    exact = bound.jacobian(values)
    for i, value in enumerate(values):
        h = (1e-3, 1e-5)[i] if i < 2 else 1e-5 * max(1.0, value)
        up, down = values.copy(), values.copy()
        up[i] = value + h
        down[i] = value - h
        numeric = (bound.evaluate(up) - bound.evaluate(down)) / (2 * h)
        np.testing.assert_allclose(exact[:, i], numeric, rtol=2e-6, atol=2e-7 * np.abs(numeric).max())


@pytest.mark.parametrize("what", ["area", "center", "fwhm", "height"])
@pytest.mark.parametrize("shape", ["gaussian", "voigt", "pseudo_voigt"])
def test_gradients_of_component_properties(shape: str, what: str) -> None:
    bound = BoundModel(doublet(shape), X, np.zeros(X.size))
    values = np.array([p.value for p in bound.parameters])
    _, exact = bound.gradient(1, what, values)
    for i, value in enumerate(values):
        h = 1e-6 * max(1.0, abs(value))
        up, down = values.copy(), values.copy()
        up[i] += h
        down[i] -= h
        numeric = (bound.gradient(1, what, up)[0] - bound.gradient(1, what, down)[0]) / (2 * h)
        assert exact[i] == pytest.approx(numeric, rel=1e-5, abs=1e-6)


def test_height_is_the_maximum_of_the_component() -> None:
    bound = BoundModel(doublet("voigt"), np.linspace(180, 188, 80001), np.zeros(80001))
    values = np.array([p.value for p in bound.parameters])
    assert bound.gradient(0, "height", values)[0] == pytest.approx(bound.contributions(values)[0].max(), rel=1e-7)


def test_start_recovers_areas_exactly_without_noise() -> None:
    bound = BoundModel(doublet("voigt"), X, np.full(X.size, 50.0))
    truth = np.array([p.value for p in bound.parameters])
    y = bound.evaluate(truth)
    wrong = truth.copy()
    wrong[0] = 1.0
    assert bound.start(wrong, y, np.ones(X.size))[0] == pytest.approx(1000.0, rel=1e-9)


def test_refusals() -> None:
    a, b = Parameter("a", 1.0), Parameter("b", 1.0)
    roles = {"center": Tie("a"), "fwhm": Tie("b")}
    with pytest.raises(InputError, match="outside"):
        Parameter("p", 5.0, 0.0, 1.0)
    with pytest.raises(InputError, match="twice"):
        Model((a, a), ())
    with pytest.raises(InputError, match="unknown parameter 'c'"):
        Model((a, b), (Component("g", "gaussian", Tie("c"), roles),))
    with pytest.raises(InputError, match="needs"):
        Model((a, b), (Component("g", "gaussian", Tie("a"), {"center": Tie("a")}),))
