"""Backgrounds that are fitted with the peaks, against closed forms, quadrature and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr, voigt_profile

from surfspec.errors import InputError
from surfspec.fitting import Component, Model, Parameter, Tie, solve
from surfspec.fitting.active import ActiveBackground, ActiveModel, Scattering, operator
from surfspec.fitting.backgrounds import shirley
from surfspec.fitting.backgrounds.tougaard import CROSS_SECTIONS, kernel

FWHM = 2 * np.sqrt(2 * np.log(2))


def table(*extra: Parameter) -> Model:
    parameters = (
        Parameter("A", 900.0, 0.0, natural_low=True),
        Parameter("A center", 182.4, 181.0, 184.0),
        Parameter("B", 300.0, 0.0, natural_low=True),
        Parameter("B center", 185.0, 184.2, 187.0),
        Parameter("fwhm", 1.3, 0.4, 3.0),
        *extra,
    )
    peaks = [Component(k, "gaussian", Tie(k), {"center": Tie(f"{k} center"), "fwhm": Tie("fwhm")}) for k in "AB"]
    return Model(parameters, tuple(peaks))


EVERY = (
    Parameter("level", 50.0), Parameter("slope", 1.5), Parameter("curve", -0.05),
    Parameter("k A", 0.03, 0.0), Parameter("k B", 0.01, 0.0), Parameter("ks", 0.002, 0.0),
    Parameter("factor", 300.0, 0.0),
)  # fmt: skip
UNDER = ActiveBackground(
    ("level", "slope", "curve"),
    (
        Scattering("k A", "shirley", (0,)), Scattering("k B", "shirley", (1,)), Scattering("ks", "slope", (0, 1)),
        Scattering("factor", "tougaard", (0, 1), CROSS_SECTIONS["U2"]),
    ),
)  # fmt: skip
EVEN = np.linspace(176.0, 192.0, 161)
UNEVEN = 176.0 + 16.0 * (np.linspace(0, 1, 161) + 0.05 * np.sin(7 * np.linspace(0, 1, 161)) ** 2) / 1.0221


@pytest.mark.parametrize("x", [EVEN, UNEVEN])
def test_jacobian_is_that_of_finite_differences(x: np.ndarray) -> None:
    bound = ActiveModel(table(*EVERY), x, UNDER)
    values = np.array([p.value for p in bound.parameters])
    exact = bound.jacobian(values)
    for i, one in enumerate(bound.parameters):
        step = 1e-5 * max(1.0, abs(one.value)) if "center" not in one.name else 1e-5
        up, down = values.copy(), values.copy()
        up[i] += step
        down[i] -= step
        slope = (bound.evaluate(up) - bound.evaluate(down)) / (2 * step)
        assert np.abs(exact[:, i] - slope).max() < 2e-6 * max(1.0, np.abs(slope).max()), one.name


@pytest.mark.parametrize(("x", "limit"), [(EVEN, 3e-5), (UNEVEN, 3e-4)])
def test_shirley_and_slope_are_the_integrals_of_a_gaussian(x: np.ndarray, limit: float) -> None:
    s, c = 1.3 / FWHM, 182.4
    peak = np.exp(-0.5 * ((x - c) / s) ** 2) / (s * np.sqrt(2 * np.pi))
    z = (x - c) / s
    once = ndtr(z)
    twice = s * (z * ndtr(z) + np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))
    assert np.abs(operator(Scattering("k", "shirley", (0,)), x) @ peak - once).max() < limit
    assert np.abs(operator(Scattering("k", "slope", (0,)), x) @ peak - twice).max() < limit


def test_tougaard_is_the_loss_integral() -> None:
    x, s, c = EVEN, 1.3 / FWHM, 182.4
    peak = np.exp(-0.5 * ((x - c) / s) ** 2) / (s * np.sqrt(2 * np.pi))
    ours = operator(Scattering("f", "tougaard", (0,), CROSS_SECTIONS["U2"]), x) @ peak
    for i in (80, 120, 160):

        def lost(e: float, at: float = x[i]) -> float:
            k = kernel(np.array([at - e]), CROSS_SECTIONS["U2"])[0] / CROSS_SECTIONS["U2"].B
            return float(k * np.exp(-0.5 * ((e - c) / s) ** 2) / (s * np.sqrt(2 * np.pi)))

        assert ours[i] == pytest.approx(quad(lost, 178.0, x[i], points=[c], epsabs=1e-13)[0], rel=2e-5)


def test_its_strength_is_that_of_the_exact_shirley_background() -> None:
    """On data without noise and tails, y - B is the sum of the peaks: both integrate the same."""
    under = ActiveBackground(("level",), (Scattering("k", "shirley", (0, 1)),))
    bound = ActiveModel(table(Parameter("level", 0.0), Parameter("k", 0.01, 0.0)), EVEN, under)
    truth = np.array([900.0, 182.4, 600.0, 184.8, 1.2, 500.0, 0.04])
    y = bound.evaluate(truth)
    static = shirley(EVEN, y, average=1)
    found = solve(bound, y, starts=[bound.start(np.array([p.value for p in bound.parameters]), y, np.sqrt(y))])
    assert found.values[-1] == pytest.approx(0.04, rel=1e-9)
    assert static.k == pytest.approx(0.04, rel=2e-3)
    assert np.abs(static.values - bound.background(truth)).max() < 2e-3 * 60.0


def test_truth_is_recovered_with_its_uncertainties() -> None:
    """Two Voigt doublets' worth of peaks with a strength each; simulated apart from the package."""
    rng = np.random.default_rng(11)
    under = ActiveBackground(("level",), (Scattering("k", "shirley", (0, 1)),))
    model = table(Parameter("level", 0.0), Parameter("k", 0.01, 0.0, natural_low=True))
    bound = ActiveModel(model, EVEN, under)
    s = 1.3 / FWHM
    fine = np.linspace(170.0, 192.0, 22001)
    peaks = 2000 * voigt_profile(fine - 182.4, s, 0.0) + 900 * voigt_profile(fine - 185.2, s, 0.0)
    step = np.interp(EVEN, fine, np.cumsum(peaks) * (fine[1] - fine[0]))
    expected = 300 + 0.05 * step + np.interp(EVEN, fine, peaks)
    truth = np.array([2000.0, 182.4, 900.0, 185.2, 1.3, 300.0, 0.05])
    start = np.array([p.value for p in bound.parameters])
    pulls, spread = [], []
    for _ in range(200):
        y = rng.poisson(expected).astype(float)
        found = solve(bound, y, starts=[bound.start(start, y, np.sqrt(y + 1))], doubt=())
        assert found.converged
        pulls.append((found.values - truth) / found.uncertainties)
        under_unc = bound.background_unc(found.values, found.covariance)
        spread.append((bound.background(found.values) - bound.background(truth)) / under_unc)
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.3)
    assert np.all((np.std(pulls, axis=0) > 0.85) & (np.std(pulls, axis=0) < 1.15))
    assert np.all((np.std(spread, axis=0) > 0.8) & (np.std(spread, axis=0) < 1.2))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match="unknown scattering"):
        Scattering("k", "shirly", (0,))
    with pytest.raises(InputError, match="cross-section"):
        Scattering("k", "tougaard", (0,))
    with pytest.raises(InputError, match="degree 4"):
        ActiveBackground(("a", "b", "c", "d", "e"))
    with pytest.raises(InputError, match="has not"):
        ActiveModel(table(), EVEN, ActiveBackground(("level",)))
    with pytest.raises(InputError, match="three or more"):
        ActiveModel(table(), EVEN[:2], ActiveBackground())
