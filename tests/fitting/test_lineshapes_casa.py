"""CasaXPS's line shapes against its exported curves, brute force and closed forms; the exponential tail."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, minimize_scalar

import surfspec as ss
from surfspec.errors import InputError
from surfspec.fitting.lineshapes import SHAPES
from surfspec.fitting.lineshapes.casa import position_of_maximum
from surfspec.fitting.lineshapes.convolved import Form, area
from surfspec.xps import Background, Peak, Range, Recipe

LA, LF, TAIL = SHAPES["la"], SHAPES["lf"], SHAPES["pseudo_voigt_tail"]


def brute(alpha: float, beta: float, smoothing: float, damping: float) -> tuple[np.ndarray, np.ndarray]:
    """Convolve on a fine grid, in widths of the Lorentzian."""
    h = 1 / 480
    t = np.arange(-60, 60 + h / 2, h)
    start = np.where(t > 0, alpha, beta)
    rise = 0.0 if np.isinf(damping) else 1 - 1 / (1 + 4 * (t / damping) ** 2)
    line = (1 / (1 + 4 * t * t)) ** (start + np.maximum(3 - start, 0) * rise)
    sigma = smoothing / (240 * sqrt(2))
    half = int(8 * sigma / h)
    bell = np.exp(-0.5 * (np.arange(-half, half + 1) * h / sigma) ** 2)
    return t, np.convolve(line, bell / bell.sum(), "same")


@pytest.mark.parametrize(
    ("alpha", "beta", "smoothing", "damping"),
    [(1.4, 1.7, 100.0, np.inf), (0.8, 1.5, 243.0, np.inf), (0.54, 10.0, 245.0, 80.0), (0.3, 1.2, 30.0, 20.0)],
)
def test_the_convolution_by_brute_force(alpha: float, beta: float, smoothing: float, damping: float) -> None:
    t, curve = brute(alpha, beta, smoothing, damping)
    spline = CubicSpline(t, curve)
    place = minimize_scalar(lambda s: -spline(s), bracket=(-0.5, 1.0), tol=1e-12).x
    top = float(spline(place))
    low = brentq(lambda s: spline(s) - 0.5 * top, place - 5, place)
    fwhm = 2 * (place - low)  # as CasaXPS quotes it, for a Lorentzian of width 1
    one = LA if np.isinf(damping) else LF
    roles = (alpha, beta, smoothing) if one is LA else (alpha, beta, damping, smoothing)
    inside = np.abs(t) < 40
    ours = one.evaluate(2.5 * t[inside] + 7.0, 7.0, 2.5 * fwhm, *roles)
    theirs = curve[inside] / top
    np.testing.assert_allclose(ours / one.height(7.0, 2.5 * fwhm, *roles)[0], theirs, atol=2e-6)
    assert position_of_maximum(2.5 * fwhm, alpha, beta, smoothing, damping) / 2.5 == pytest.approx(place, abs=1e-5)


def test_limits() -> None:
    x = np.linspace(-30, 30, 301)
    lorentz = SHAPES["lorentzian"].evaluate(x, 0.2, 1.3)
    np.testing.assert_allclose(LA.evaluate(x, 0.2, 1.3, 1.0, 1.0, 0.0), lorentz, rtol=1e-12)
    # alpha = beta = 1 with smoothing is a Voigt line
    n = 200.0
    width, sigma = 1.0, n / (240 * sqrt(2))
    voigt = SHAPES["voigt"]
    gauss = sigma * sqrt(8 * np.log(2))
    total = voigt.width(0.0, gauss, width)[0]
    np.testing.assert_allclose(
        LA.evaluate(x, 0.2, total, 1.0, 1.0, n), voigt.evaluate(x, 0.2, gauss, width), rtol=2e-9, atol=1e-13
    )
    # without reach the damping does nothing, and the tail without length is a shift of nothing
    np.testing.assert_allclose(
        LF.evaluate(x, 0.2, 1.3, 1.4, 1.7, 1e4, 90.0), LA.evaluate(x, 0.2, 1.3, 1.4, 1.7, 90.0), rtol=5e-3
    )
    plain = SHAPES["pseudo_voigt"].evaluate(x, 0.2, 1.3, 0.3)
    np.testing.assert_allclose(TAIL.evaluate(x, 0.2, 1.3, 0.3, 0.0, 2.0), plain, rtol=1e-13)


def test_area_of_tails_that_have_none_without_damping() -> None:
    assert area(Form(0.3, 1.0, 0.0, 30.0))[0] == pytest.approx(
        quad(lambda u: (1 + 4 * u * u) ** -(0.3 + 2.7 * (1 - 1 / (1 + 4 * (u / 30) ** 2))), 0, np.inf, limit=500)[0]
        + quad(lambda u: (1 + 4 * u * u) ** -(1 + 2.0 * (1 - 1 / (1 + 4 * (u / 30) ** 2))), 0, np.inf, limit=500)[0],
        rel=1e-8,
    )
    with pytest.raises(InputError, match=r"alpha = 0\.5 is outside"):
        LA.evaluate(np.zeros(3), 0.0, 1.0, 0.5, 1.0, 10.0)


def test_without_smoothing() -> None:
    x = np.linspace(-3, 3, 61) + 0.003
    for one, rest in ((LA, (1.2, 1.9)), (LF, (0.4, 1.9, 30.0))):
        rows = one.derivatives(x, 0.0, 1.0, *rest, 0.0)
        step = 1e-5
        by_center = (one.evaluate(x, step, 1.0, *rest, 0.0) - one.evaluate(x, -step, 1.0, *rest, 0.0)) / (2 * step)
        np.testing.assert_allclose(rows[1], by_center, atol=1e-8)
        nearly = one.derivatives(x, 0.0, 1.0, *rest, 0.1)[:-1]  # the last, over the smoothing, is one-sided at 0
        np.testing.assert_allclose(nearly, rows[:-1], atol=5e-3 * np.abs(rows).max())
        assert one.width(0.0, 1.0, *rest, 0.1)[0] == pytest.approx(one.width(0.0, 1.0, *rest, 0.0)[0], rel=1e-2)


def test_exponential_tail_by_quadrature() -> None:
    plain = SHAPES["pseudo_voigt"]
    for mixing, tail, length in ((0.3, 0.4, 2.0), (1.0, 0.7, 0.05), (0.0, 1.0, 15.0)):
        for at in (-2.0, 0.1, 0.9, 7.0):
            drawn = quad(
                lambda u, at=at, mixing=mixing, length=length: (
                    float(plain.evaluate(np.array([at - length * u]), 0.0, 1.1, mixing)[0]) * np.exp(-u)
                ),
                0,
                np.inf,
                epsabs=1e-13,
                limit=500,
            )[0]
            wanted = (1 - tail) * float(plain.evaluate(np.array([at]), 0.0, 1.1, mixing)[0]) + tail * drawn
            found = float(TAIL.evaluate(np.array([at]), 0.0, 1.1, mixing, tail, length)[0])
            assert found == pytest.approx(wanted, abs=1e-10)


RECIPE = Recipe(
    recipe="metal",
    region="Pt 4f",
    window=(70.5, 83.5),
    peaks=(
        Peak(
            "metal",
            "Pt 4f7/2",
            Range(75.2, 74.0, 76.5),
            "la",
            {"fwhm": Range(1.0, 0.5, 2.0), "alpha": 1.1, "beta": Range(2.0, 1.0, 5.0), "smoothing": 80.0},
        ),
    ),
    background=Background("constant", {"average": 1}),
)


def test_a_recipe_with_la_fits_one_spectrum_and_a_long_series() -> None:
    x, size = np.arange(70.0, 84.0, 0.05), 4000.0
    model = 200 + size * LA.evaluate(x, 75.3, 1.1, 1.1, 2.4, 80.0)
    y = np.random.default_rng(5).poisson(np.repeat(model[None], 34, axis=0))
    series = ss.spectrum(x, y, technique="XPS", region="Pt 4f", dims=("cycle",), simulated="true")
    many = ss.xps.fit(series, RECIPE)
    assert many.sizes["cycle"] == 34
    alone = ss.xps.fit(series.isel(cycle=3), RECIPE)
    assert abs(float(many.area[3, 0] - alone.area[0])) < 1e-3 * float(alone.area_unc[0])
    for name, truth in (("center", 75.3), ("area", size)):
        pull = (many[name][:, 0] - truth) / many[f"{name}_unc"][:, 0]
        assert abs(float(pull.mean())) < 4 / sqrt(34)
        assert 0.6 < float(pull.std()) < 1.4


FEO = "casa_fit_FeO/FeO_analyzed_lineshapes_cols.txt"


@pytest.mark.data
@pytest.mark.parametrize(
    ("column", "position", "fwhm", "size"),
    [(1, 1486.61 - 777.56313, 3.8576238, 63507.374), (3, 1486.61 - 764.48234, 4.8730051, 49042.126)],
)
def test_lf_is_the_curve_that_casaxps_exported(
    data_dir: Path, column: int, position: float, fwhm: float, size: float
) -> None:
    """Worst point 7e-4 of the maximum, where CasaXPS draws straight lines between points 1/2 FWHM apart."""
    lines = [line.split("\t") for line in (data_dir / "xps" / FEO).read_text().splitlines() if line[:1].isdigit()]
    table = np.array([[float(v) for v in line if v.strip()] for line in lines])
    energy, net = table[:, 8], table[:, 9 + column] - table[:, 14]
    curve = size * LF.evaluate(energy, position, fwhm, 0.54, 10.0, 80.0, 100.0 * sqrt(6.0))
    assert np.abs(curve - net).max() < 8e-4 * net.max()
    near = energy < position + 3.3 * fwhm
    assert np.abs(curve - net)[near].max() < 3e-4 * net.max()
    assert (curve @ net) / (curve @ curve) == pytest.approx(1.0, abs=1e-4)
