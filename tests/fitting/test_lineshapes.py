"""Line shapes against quadrature, high-order differences, closed forms and each other."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar

from surfspec.errors import InputError
from surfspec.fitting.lineshapes import SHAPES, Shape, shape
from surfspec.fitting.lineshapes.doniach import TAIL_WIDTHS

#: Values of the roles that follow the centre, one or more sets a shape.
CASES: dict[str, list[tuple[float, ...]]] = {
    "gaussian": [(1.3,)],
    "lorentzian": [(0.7,)],
    "voigt": [(1.0, 0.4), (0.3, 2.0), (1.0, 1e-4), (1e-3, 0.8), (1e-7, 0.8)],
    "pseudo_voigt": [(1.2, 0.3), (1.2, 0.0), (1.2, 1.0)],
    "gl_sum": [(1.2, 0.3), (1.2, 0.0), (1.2, 1.0)],
    "gl_product": [(1.2, 0.3), (1.2, 1e-5), (1.2, 1.4e-3), (1.2, 3e-3), (1.2, 0.9), (1.2, 0.999)],
    "doniach_sunjic": [(0.6, 0.12), (0.6, 1e-6), (0.6, 0.2), (0.6, 0.45)],
    "doniach_sunjic_gauss": [(0.6, 0.12, 0.5), (0.6, 0.3, 0.02), (0.1, 0.1, 1.0), (0.6, 0.01, 0.7)],
    "la": [(1.2, 1.4, 1.7, 100.0), (0.9, 1.53, 1.53, 243.0), (1.2, 1.0, 5.0, 8.0), (2.0, 3.0, 1.0, 1401.0)],
    "lf": [(1.2, 0.54, 10.0, 80.0, 245.0), (1.0, 0.3, 1.5, 20.0, 60.0), (0.8, 1.2, 1.2, 5.0, 300.0)],
    "pseudo_voigt_tail": [(1.2, 0.3, 0.4, 2.0), (0.5, 0.05, 0.9, 0.3), (1.2, 0.9, 0.5, 20.0), (1.2, 0.5, 0.5, 0.05)],
}
#: Roles that are energies and scale with the axis.
SCALED = ("fwhm", "fwhm_gauss", "fwhm_lorentz", "tail_length")


def others(s: Shape, width: float, extra: float) -> list[float]:
    """Give the roles after the centre: `width` for the energies, `extra` for the others, above the least exponents."""
    lifted = {"alpha": 1.0 + extra, "beta": 1.0 + extra, "damping": 20.0 + extra}
    return [width if r in SCALED else lifted.get(r, extra) for r in s.roles[1:]]


EACH = [(SHAPES[name], (0.37, *rest)) for name, cases in CASES.items() for rest in cases]
IDS = [f"{s.name}{roles[1:]}" for s, roles in EACH]
X = 0.37 + np.concatenate([-np.geomspace(1e-3, 40, 60)[::-1], [0.0], np.geomspace(1e-3, 40, 60)])


def difference(f, value: float, step: float) -> np.ndarray:
    """Eighth-order central difference."""
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    return sum(w * (f(value + k * step) - f(value - k * step)) for k, w in weights.items()) / step


def test_every_shape_is_tried() -> None:
    assert set(CASES) == set(SHAPES)


#: The convolution moves a little of the area over the end of the range; its own test is the convolution itself.
CLOSED = [(case, name) for case, name in zip(EACH, IDS, strict=True) if case[0].name != "doniach_sunjic_gauss"]


@pytest.mark.parametrize(("s", "roles"), [c for c, _ in CLOSED], ids=[name for _, name in CLOSED])
def test_area_is_one_by_quadrature(s: Shape, roles: tuple[float, ...]) -> None:
    c, w = roles[0], max(roles[1], roles[2] if s.name == "voigt" else 0.0)

    def f(t: float) -> float:
        return float(s.evaluate(np.array([t]), *roles)[0])

    end = c + TAIL_WIDTHS * w if s.name == "doniach_sunjic" else np.inf
    steps = [c - 30 * w, c - 3 * w, c, c + 3 * w, min(c + 30 * w, end)]
    area = quad(f, -np.inf, steps[0], epsabs=1e-13)[0]
    area += sum(quad(f, a, b, epsabs=1e-13, epsrel=1e-13, limit=400)[0] for a, b in itertools.pairwise(steps))
    if end > steps[-1]:
        area += quad(f, steps[-1], end, epsabs=1e-13)[0]
    assert area == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize(("s", "roles"), EACH, ids=IDS)
def test_derivatives_are_exact(s: Shape, roles: tuple[float, ...]) -> None:
    rows = s.derivatives(X, *roles)
    assert rows.shape == (1 + len(s.roles), X.size)
    np.testing.assert_allclose(rows[0], s.evaluate(X, *roles), rtol=1e-13, atol=1e-300)
    for i, role in enumerate(s.roles):
        low, high = s.bounds[role]
        room = min(roles[i] - low, high - roles[i]) / 4.01 if role != "center" else np.inf
        step = min(0.02 * max(roles[1:3]), room)
        if room < 1e-4 * roles[i] or step == 0.0:
            continue  # on the bound: the neighbouring cases hold the derivative there

        def f(value: float, i: int = i) -> np.ndarray:
            return s.evaluate(X, *roles[:i], value, *roles[i + 1 :])

        estimates = [difference(f, roles[i], step / 2**k) for k in range(8)]
        scale = np.abs(rows[1 + i]).max()
        error = min(np.abs(e - rows[1 + i]).max() / scale for e in estimates)
        assert error < 1e-8, f"{role}: {error:.1e}"


@pytest.mark.parametrize(("s", "roles"), EACH, ids=IDS)
def test_width_and_height_are_those_of_the_curve(s: Shape, roles: tuple[float, ...]) -> None:
    def f(t: float) -> float:
        return float(s.evaluate(np.array([t]), *roles)[0])

    (width, width_g), (height, height_g) = s.width(*roles), s.height(*roles)
    top = minimize_scalar(lambda t: -f(t), bracket=(roles[0] - 0.1, roles[0] + 0.11), tol=1e-12).x
    assert height == pytest.approx(f(top), rel=1e-9)
    sides = [brentq(lambda t: f(t) - 0.5 * height, top, top + far) for far in (-9 * width, 9 * width)]
    assert width == pytest.approx(sides[1] - sides[0], rel=1e-9)
    for value, gradient in ((0, width_g), (1, height_g)):
        assert gradient.shape == (len(s.roles),)
        assert gradient[0] == 0.0
        for i, role in enumerate(s.roles[1:], start=1):
            low, high = s.bounds[role]
            room = min(roles[i] - low, high - roles[i]) / 4.01
            if room <= 1e-5 * roles[i]:
                continue

            def g(v: float, i: int = i, which: int = value) -> np.ndarray:
                call = (s.width, s.height)[which]
                return np.asarray(call(*roles[:i], v, *roles[i + 1 :])[0])

            tries = [float(difference(g, roles[i], min(0.02 * max(roles[1:3]), room) / 2**k)) for k in range(8)]
            scale = max(abs(gradient[i]), 1e-3 * (width, height)[value] / roles[i] ** (role.startswith("fwhm")))
            assert min(abs(t - gradient[i]) for t in tries) / scale < 1e-6, role


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(sorted(SHAPES)),
    shift=st.floats(-1e3, 1e3),
    factor=st.floats(1e-3, 1e3),
    extra=st.floats(0.0, 0.5),
)
def test_shift_and_scale_leave_the_shape(name: str, shift: float, factor: float, extra: float) -> None:
    s = SHAPES[name]
    grid = np.linspace(-5, 5, 41)
    widths = [r in SCALED for r in s.roles[1:]]
    rest = others(s, 1.1, extra)
    scaled = [r * factor if w else r for r, w in zip(rest, widths, strict=True)]
    here = s.evaluate(grid, 0.0, *rest)
    there = s.evaluate(shift + factor * grid, shift, *scaled)
    np.testing.assert_allclose(there * factor, here, rtol=1e-7, atol=1e-9)
    assert s.width(shift, *scaled)[0] == pytest.approx(factor * s.width(0.0, *rest)[0], rel=1e-9)
    assert s.height(shift, *scaled)[0] == pytest.approx(s.height(0.0, *rest)[0] / factor, rel=1e-9)
    assert here.min() >= 0.0


@settings(max_examples=40, deadline=None)
@given(share=st.floats(0.01, 0.99))
def test_voigt_has_its_limits_and_its_convolution(share: float) -> None:
    grid = np.linspace(-6, 6, 25)
    v = SHAPES["voigt"].evaluate(grid, 0.0, 1.0 - share, share)
    wide = SHAPES["lorentzian"]
    nodes, weights = np.polynomial.hermite_e.hermegauss(160)
    sigma = (1.0 - share) / np.sqrt(8 * np.log(2))
    if sigma < 0.35 * share:  # where Gauss-Hermite quadrature of the convolution converges
        direct = sum(w * wide.evaluate(grid, sigma * n, share) for n, w in zip(nodes, weights, strict=True))
        np.testing.assert_allclose(v, direct / np.sqrt(2 * np.pi), rtol=1e-8)
    assert np.all(np.diff(v[12:]) < 0)


def test_pure_limits() -> None:
    grid = np.linspace(-6, 6, 25)
    gauss, lorentz = SHAPES["gaussian"].evaluate(grid, 0.1, 1.2), SHAPES["lorentzian"].evaluate(grid, 0.1, 1.2)
    np.testing.assert_allclose(SHAPES["voigt"].evaluate(grid, 0.1, 0.0, 1.2), lorentz, rtol=1e-13)
    np.testing.assert_allclose(SHAPES["voigt"].evaluate(grid, 0.1, 1.2, 0.0), gauss, rtol=1e-12, atol=1e-30)
    for name in ("pseudo_voigt", "gl_sum", "gl_product"):
        np.testing.assert_allclose(SHAPES[name].evaluate(grid, 0.1, 1.2, 0.0), gauss, rtol=1e-13)
        np.testing.assert_allclose(SHAPES[name].evaluate(grid, 0.1, 1.2, 1.0), lorentz, rtol=1e-13)
    flat = SHAPES["doniach_sunjic"].evaluate(grid, 0.1, 1.2, 0.0) / lorentz
    np.testing.assert_allclose(flat, 1.0 / (0.5 + np.arctan(2 * TAIL_WIDTHS) / np.pi), rtol=1e-12)


def test_published_numbers() -> None:
    """Re w(i) = e erfc(1) = 0.427584 (Abramowitz and Stegun, table 7.9)."""
    s = 1.0 / (2 * np.sqrt(np.log(2)))
    value = SHAPES["voigt"].evaluate(np.array([0.0]), 0.0, 1.0, 2 * s)[0]
    assert value * s * np.sqrt(np.pi) == pytest.approx(0.427584, abs=5e-7)
    approximate = 0.5346 * 1.0 + np.sqrt(0.2166 + 1.0)
    assert SHAPES["voigt"].width(0.0, 1.0, 1.0)[0] == pytest.approx(approximate, rel=2.5e-4)


def test_casaxps_formulas() -> None:
    grid = np.linspace(-4, 4, 33)
    t, m = (grid - 0.2) / 1.5, 0.3
    product = np.exp(-4 * np.log(2) * (1 - m) * t**2) / (1 + 4 * m * t**2)
    total = (1 - m) * np.exp(-4 * np.log(2) * t**2) + m / (1 + 4 * t**2)
    for name, curve in (("gl_product", product), ("gl_sum", total)):
        height = SHAPES[name].height(0.2, 1.5, m)[0]
        np.testing.assert_allclose(SHAPES[name].evaluate(grid, 0.2, 1.5, m), height * curve, rtol=1e-13)
    ratios = [SHAPES["gl_product"].width(0.0, 1.0, m)[0] for m in np.linspace(0, 1, 101)]
    assert max(ratios) == pytest.approx(1.0)
    assert min(ratios) == pytest.approx(0.956, abs=1e-3)
    assert ratios[0] == pytest.approx(1.0)
    assert ratios[-1] == pytest.approx(1.0)


@pytest.mark.parametrize("rest", CASES["doniach_sunjic_gauss"])
def test_convolved_doniach_sunjic_is_the_convolution(rest: tuple[float, ...]) -> None:
    plain, wide = SHAPES["doniach_sunjic"], SHAPES["gaussian"]
    for at in (-3.0, -0.4, 0.0, 0.2, 1.0, 6.0):

        def product(t: float, at: float = at) -> float:
            point = np.array([t])
            line = plain.evaluate(point, 0.1, *rest[:2])
            return float(line[0] * wide.evaluate(np.array([at]), t, rest[2])[0])

        breaks = sorted({0.1 - rest[0], 0.1, 0.1 + rest[0], at - rest[2] / 2, at, at + rest[2] / 2})
        reach = 5 * rest[2]
        edges = [at - reach, *(b for b in breaks if abs(b - at) < reach), at + reach]
        expected = sum(quad(product, a, b, epsabs=1e-13, epsrel=1e-12)[0] for a, b in itertools.pairwise(edges))
        found = SHAPES["doniach_sunjic_gauss"].evaluate(np.array([at]), 0.1, *rest)[0]
        assert found == pytest.approx(expected, rel=1e-9)


def test_convolved_doniach_sunjic_without_asymmetry_is_a_voigt_line() -> None:
    grid = np.linspace(-8, 8, 65)
    voigt = SHAPES["voigt"].evaluate(grid, 0.1, 0.6, 0.4)
    flat = SHAPES["doniach_sunjic_gauss"].evaluate(grid, 0.1, 0.4, 0.0, 0.6) / voigt
    np.testing.assert_allclose(flat, 1.0 / (0.5 + np.arctan(2 * TAIL_WIDTHS) / np.pi), rtol=1e-11)
    plain = SHAPES["doniach_sunjic"].derivatives(grid, 0.1, 0.4, 0.2)
    np.testing.assert_allclose(
        SHAPES["doniach_sunjic_gauss"].derivatives(grid, 0.1, 0.4, 0.2, 0.0)[:4], plain, rtol=1e-9, atol=1e-12
    )


def test_doniach_sunjic_tail_and_maximum() -> None:
    grid = np.linspace(-20, 20, 40001)
    f = SHAPES["doniach_sunjic"].evaluate(grid, 0.0, 0.8, 0.15)
    assert f[-1] > 20 * f[0]
    expected = 0.4 * np.tan(np.pi * 0.15 / (2 * (2 - 0.15)))
    assert grid[f.argmax()] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_no_floating_point_warning_anywhere(name: str) -> None:
    s = SHAPES[name]
    far = np.array([-1e300, -1e30, -1e3, -1.0, 0.0, 1e-300, 1.0, 1e3, 1e30, 1e300])
    for width in (1e-90, 1e-6, 1.0, 1e6):
        for extra in (0.0, 1e-12, 0.25, 0.5):
            rest = others(s, width, extra)
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                rows = s.derivatives(far, 0.0, *rest)
                assert np.isfinite(rows).all()
                assert np.isfinite(s.evaluate(far, 0.0, *rest)).all()
                assert np.isfinite([s.width(0.0, *rest)[0], s.height(0.0, *rest)[0]]).all()
            assert abs(rows[0, 0]) < 1e-20 / width


@pytest.mark.parametrize("name", sorted(SHAPES))
@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
def test_impossible_roles_are_refused(name: str, bad: float) -> None:
    s = SHAPES[name]
    with pytest.raises(InputError, match=s.roles[1] if name != "voigt" or bad else "widths"):
        s.derivatives(X, 0.0, *([bad] + [0.0] * (len(s.roles) - 2)))
    with pytest.raises(InputError, match="center"):
        s.evaluate(X, np.nan, *([1.0] + [0.1] * (len(s.roles) - 2)))
    with pytest.raises(InputError, match="dimension"):
        s.evaluate(X.reshape(11, 11), 0.0, *([1.0] + [0.1] * (len(s.roles) - 2)))


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="Did you mean 'lorentzian'"):
        shape("lorenzian")
    with pytest.raises(InputError, match="Known shapes"):
        shape("zzz")


def test_inputs_stay_and_shapes_travel() -> None:
    grid = np.linspace(-3, 3, 7)
    grid.flags.writeable = False
    for s in SHAPES.values():
        rest = others(s, 1.0, 0.2)
        again = pickle.loads(pickle.dumps(s))  # noqa: S301
        np.testing.assert_array_equal(again.derivatives(grid, 0.0, *rest), s.derivatives(grid, 0.0, *rest))
        assert set(s.bounds) == set(s.roles)
        assert s.reference
