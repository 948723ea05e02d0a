"""Sums, ratios and fractions against Monte Carlo and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from surfspec.errors import InputError
from surfspec.fitting.uncertainty import fractions, linear, ratio, total

VALUES = np.array([100.0, 60.0, 40.0])
COVARIANCE = np.array([[4.0, 1.5, 0.2], [1.5, 3.0, -0.5], [0.2, -0.5, 2.0]])


def draws(count: int = 400_000) -> np.ndarray:
    return np.random.default_rng(0).multivariate_normal(VALUES, COVARIANCE, size=count)


def test_total() -> None:
    value, unc = total(VALUES, COVARIANCE)
    assert value == 200.0
    assert unc == pytest.approx(np.std(draws().sum(axis=1)), rel=0.01)


def test_fractions_with_one_left_out_of_the_sum() -> None:
    included = np.array([True, False, True])
    share, covariance = fractions(VALUES, COVARIANCE, included)
    simulated = draws() / draws()[:, included].sum(axis=1, keepdims=True)
    np.testing.assert_allclose(share, VALUES / 140.0)
    np.testing.assert_allclose(np.sqrt(np.diag(covariance)), simulated.std(axis=0), rtol=0.01)
    assert covariance[0, 2] == pytest.approx(-covariance[0, 0], rel=1e-9)


def test_ratio_with_covariance() -> None:
    value, unc = ratio(100.0, 2.0, 60.0, np.sqrt(3.0), 1.5)
    assert value == pytest.approx(5 / 3)
    assert unc == pytest.approx(np.std(draws()[:, 0] / draws()[:, 1]), rel=0.01)


def test_ratio_to_nothing_is_not_determined() -> None:
    assert np.isnan(ratio(1.0, 0.1, 0.5, 0.6)[0])


def test_linear() -> None:
    matrix = np.array([[1.0, 1.0, 0.0]])
    value, covariance = linear(matrix, VALUES, COVARIANCE)
    assert value[0] == 160.0
    assert covariance[0, 0] == pytest.approx(4 + 3 + 3.0)


def test_refusals() -> None:
    with pytest.raises(InputError, match="shape"):
        total(VALUES, np.eye(2))
    with pytest.raises(InputError, match="sum of the values"):
        fractions(-VALUES, COVARIANCE)
