"""Gaussians within limits against sampled and closed moments, and areas whose background lies on zero."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri
from scipy.stats import truncnorm

from surfspec import leis
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.limited_covariance import with_areas
from surfspec.leis.spectrum.limited_gaussian import limited_moments
from surfspec.leis.spectrum.maximisation import LEAST_VARIANCE, maximise

Array = NDArray[np.float64]

FREE = np.inf


def moments(information: Array, slope: Array, low: Array, high: Array | None = None) -> tuple[Array, Array]:
    high = np.full_like(low, FREE) if high is None else high
    found = limited_moments(information[None], slope[None], low=low[None], high=high[None])
    assert found.settled.all()
    return found.mean[0], found.covariance[0]


def sampled(information: Array, slope: Array, low: Array, seed: int) -> tuple[Array, Array]:
    """Return moments of Gibbs chains: each coordinate in turn from its cut conditional Gaussian."""
    rng, chains, k = np.random.default_rng(seed), 4000, slope.size
    x = np.where(np.isfinite(low), low, 0.0) + np.zeros((chains, k))
    kept = []
    for sweep in range(140):
        for j in range(k):
            spread = information[j, j] ** -0.5
            middle = x[:, j] + (slope[j] - x @ information[:, j]) / information[j, j]
            above = ndtr((middle - low[j]) / spread)
            x[:, j] = middle - spread * ndtri(np.maximum(above * rng.uniform(size=chains), 1e-300))
        if sweep >= 60:
            kept.append(x.copy())
    whole = np.concatenate(kept)
    return whole.mean(axis=0), np.cov(whole.T)


@pytest.mark.parametrize(
    ("low", "high", "slope"),
    [(0.0, FREE, 0.0), (0.0, FREE, -3.0), (0.0, FREE, -40.0), (-1.0, FREE, 0.5), (-FREE, 0.3, 0.0)],
)
def test_one_limit_has_the_moments_of_a_cut_gaussian(low: float, high: float, slope: float) -> None:
    information = np.array([[1.0, 0.0], [0.0, 4.0]])
    mean, covariance = moments(information, np.array([slope, 2.0]), np.array([low, -FREE]), np.array([high, FREE]))
    oracle = truncnorm(low - slope, high - slope, loc=slope)
    if slope > -10:
        np.testing.assert_allclose([mean[0], covariance[0, 0]], [oracle.mean(), oracle.var()], rtol=1e-6)
    else:  # far beyond the limit what is left is an exponential of rate `slope`
        np.testing.assert_allclose([mean[0], covariance[0, 0]], [1 / 40.0, 1 / 40.0**2], rtol=5e-3)
    np.testing.assert_allclose([mean[1], covariance[1, 1], covariance[0, 1]], [0.5, 0.25, 0.0], atol=1e-12)


def test_limits_far_away_leave_the_inverse_as_it_is() -> None:
    design = np.random.default_rng(1).normal(size=(30, 20))
    information = design.T @ design
    inverse = np.linalg.inv(information)
    far = -9.0 * np.sqrt(np.diag(inverse))
    mean, covariance = moments(information, np.zeros(20), far)
    np.testing.assert_allclose(covariance, inverse, rtol=1e-9, atol=1e-10 * np.max(inverse))
    np.testing.assert_allclose(mean, 0.0, atol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_moments_of_correlated_limits_agree_with_samples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    design = rng.normal(size=(12, 8)) + 0.4 * seed * rng.normal(size=(12, 1))
    information = design.T @ design
    spread = np.sqrt(np.diag(np.linalg.inv(information)))
    limited = np.arange(8) < 5
    low = np.where(limited, -np.abs(rng.normal(size=8)) * spread * rng.choice([0, 1], size=8), -FREE)
    slope = np.where(low == 0, -np.abs(rng.normal(size=8)) / spread, 0.0)
    mean, covariance = moments(information, slope, low)
    expected_mean, expected = sampled(information, slope, low, seed)
    unit = np.sqrt(np.diag(expected))
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), unit, rtol=0.06)
    np.testing.assert_allclose(mean, expected_mean, atol=0.06 * np.max(unit), rtol=0.1)
    # and the limits mattered
    assert np.max(spread / unit) > 1.3


def test_a_height_that_sinks_onto_zero_has_no_step_in_its_passage() -> None:
    information = np.array([[1.0, 0.9], [0.9, 1.0]])

    def stated(steps: int) -> Array:
        return np.array([
            moments(information, np.array([0.0, min(h, 0.0)]), np.array([-FREE, -max(h, 0.0)]))[1][0, 0] ** 0.5
            for h in np.linspace(-4.0, 12.0, steps + 1)
        ])  # fmt: skip

    spread = stated(80)
    assert np.all(np.diff(spread) > 0)
    # a step would stay as high on a finer grid
    assert np.max(np.diff(stated(320))) < 0.3 * np.max(np.diff(spread))
    # from an unlimited 1 / sqrt(1 - 0.81) to what a certain height leaves
    assert spread[-1] == pytest.approx(1.0 / np.sqrt(1.0 - 0.81), rel=1e-3)
    assert spread[0] < 1.03


def test_many_are_the_same_as_one_by_one() -> None:
    rng = np.random.default_rng(3)
    designs = rng.normal(size=(6, 9, 5))
    information = designs.transpose(0, 2, 1) @ designs
    slope = -np.abs(rng.normal(size=(6, 5)))
    low, high = np.where(np.arange(5) < 3, 0.0, -FREE) + np.zeros((6, 5)), np.full((6, 5), FREE)
    together = limited_moments(information, slope, low=low, high=high)
    for i in range(6):
        _, covariance = moments(information[i], slope[i], low[i])
        np.testing.assert_allclose(together.covariance[i], covariance, rtol=1e-9)


ELEMENTS = ("O", "Na", "Si", "P", "Zr")
RECIPE = leis.Recipe(elements=ELEMENTS)
#: Round numbers near those of an oxide (its Si and P stand beside each other, both slopes small) and of a film on it.
KNOWN = {
    "oxide": {
        "offset": 4.0, "resolution": 0.023, "survival": 125.0, "tail": 15.0, "Zr lag": 40.0, "O area": 9e4,
        "Na area": 2.7e4, "Si area": 5.3e4, "P area": 1.4e4, "Zr area": 2e5, "O foot": 550.0, "Na foot": 350.0,
        "P foot": 350.0, "Na shoulder": 200.0, "Si shoulder": 45.0, "P shoulder": 55.0, "Zr shoulder": 470.0,
        "Si slope": 700.0, "P slope": 700.0, "Zr slope": 970.0, "sputter tail": 375.0, "constant": 0.3,
    },
    "film": {
        "offset": 3.0, "resolution": 0.024, "survival": 130.0, "tail": 11.0, "Zr lag": 47.0, "O area": 6.5e4,
        "Na area": 6.2e4, "Si area": 2e3, "P area": 6e4, "Zr area": 4e3, "O foot": 450.0, "P foot": 300.0,
        "Na shoulder": 105.0, "Si shoulder": 20.0, "P shoulder": 40.0, "Zr shoulder": 460.0, "Na slope": 350.0,
        "Si slope": 700.0, "P slope": 1500.0, "Zr slope": 970.0, "sputter tail": 240.0, "constant": 0.5,
    },
}  # fmt: skip


@pytest.mark.parametrize("sample", sorted(KNOWN))
def test_equal_spectra_have_equal_uncertainties_that_fit_their_scatter(sample: str) -> None:
    model = SpectrumModel(RECIPE, np.arange(885.0, 2855.0, 5.0))
    truth = np.array([KNOWN[sample].get(p.name, 0.0) for p in model.parameters])
    areas, rng = model.shape_count + model.area_columns, np.random.default_rng(5)
    found, stated, plain = [], [], []
    for _ in range(30):
        y = rng.poisson(model.evaluate(truth)).astype(float)
        solution, _first = maximise(model, y, "poisson", None)
        found.append(solution.values[areas])
        stated.append(np.sqrt(np.diag(with_areas(model, solution, y, None))[areas]))
        # what the heights above zero as free and the others as certain would state
        free = (solution.uncertainties > 0) | np.isin(np.arange(truth.size), areas)
        whitened = (
            model.jacobian(solution.values)[:, free] / np.sqrt(np.maximum(solution.fitted, LEAST_VARIANCE))[:, None]
        )
        size = np.linalg.norm(whitened, axis=0)
        inverse = np.linalg.pinv((whitened / size).T @ (whitened / size), rcond=1e-14) / np.outer(size, size)
        plain.append(np.sqrt(np.diag(inverse)[np.cumsum(free)[areas] - 1]))
    jump = np.max(stated, axis=0) / np.min(stated, axis=0)
    before = np.max(plain, axis=0) / np.min(plain, axis=0)
    width = np.std((np.array(found) - truth[areas]) / np.array(stated), axis=0)
    light = slice(0, 4)  # the lag of Zr trades with its area in a curved valley
    assert np.all(jump[light] < 1.6)
    assert np.all(before[light] > 1.3 * jump[light])
    # 30 spectra know a width to 13 %
    assert np.all((width > 0.65) & (width < 1.35))
