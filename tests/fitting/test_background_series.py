"""Backgrounds of many spectra at once against the same spectra one by one, and against independent sums."""

from __future__ import annotations

import tracemalloc
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import cumulative_trapezoid
from scipy.linalg import solve_banded
from scipy.spatial import ConvexHull

from surfspec.errors import BackgroundError, InputError, SurfspecError
from surfspec.fitting.backgrounds import KINDS, Background, BackgroundSeries, background, background_series
from surfspec.fitting.backgrounds.fixed_point import _recur
from surfspec.fitting.backgrounds.hull import lower_hull
from surfspec.fitting.backgrounds.region import centred_sum
from surfspec.fitting.lineshapes import SHAPES

Array = np.ndarray
EVEN = np.linspace(175.6, 191.6, 161)
UNEVEN = 175.6 + 16.0 * np.sort(np.random.default_rng(5).uniform(size=150))
WAYS: list[tuple[str, dict[str, object]]] = [
    *((kind, {}) for kind in sorted(KINDS)),
    ("linear", {"average": 5}),
    ("shirley", {"window": (178.0, 189.0)}),
    ("shirley_iterative", {"rule": "casa"}),
    ("shirley_iterative", {"rule": "avantage"}),
    ("shirley_iterative", {"clip": False, "window": (178.0, 189.0)}),
    ("smart", {"preset": "avantage"}),
    ("smart", {"preset": "strict", "average": 21}),
    ("smart", {"window": (178.0, 189.0), "z": 1.0}),
    ("smart", {"max_iterations": 3}),
    ("tougaard", {"B": 500.0}),
    ("tougaard", {"cross_section": "U3", "window": (178.0, 189.0)}),
]


def spectra(x: Array, m: int = 60, seed: int = 0) -> Array:
    """Simulate Zr 3d doublets: strong and weak, from 2 counts a channel, rising, falling and flat, noisy or not."""
    rng, out = np.random.default_rng(seed), np.empty((m, x.size))
    gauss = SHAPES["gaussian"].evaluate
    for i in range(m):
        area, level = 10 ** rng.uniform(1.0, 4.5), 10 ** rng.uniform(0.3, 4.0)
        peaks = area * (0.6 * gauss(x, 182.4, 1.3) + 0.4 * gauss(x, 184.82, 1.3))
        true = level + peaks + rng.choice([0.03, 0.1, -0.03, 0.0]) * cumulative_trapezoid(peaks, x, initial=0.0)
        true = np.maximum(true + rng.choice([0.0, 0.0, -level / 40]) * (x - x[0]), 0.0)
        out[i] = rng.poisson(true) if i % 6 else true
    out[1], out[2], out[3], out[4] = 0.0, 50.3, 2.0, np.round(out[4])
    out[5, 40] = np.nan
    out[7] = 1000.0 - 3.0 * (x - x[0])
    return out


def alone(x: Array, y: Array, **options: object) -> Background | str:
    try:
        return background(x, y, **options)
    except SurfspecError as error:
        return str(error)


def assert_same(one: Background, other: Background) -> None:
    """Bit by bit."""
    for field in fields(Background):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def assert_same_series(one: BackgroundSeries, other: BackgroundSeries) -> None:
    for field in fields(BackgroundSeries):
        if field.name != "errors":
            np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


# --- one by one -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [EVEN, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize(("kind", "options"), WAYS)
def test_every_member_is_what_it_is_alone(kind: str, options: dict[str, object], x: Array) -> None:
    y = spectra(x)
    many = background_series(x, y, kind=kind, **options)
    kinds = 0
    for i, row in enumerate(y):
        one = alone(x, row, kind=kind, **options)
        if isinstance(one, str):
            assert many.refused[i] == one
            assert np.isnan(many.values[i]).all()
            assert np.isnan(many.sensitivity[i]).all()
            assert np.isnan([many.k[i], *many.anchors[i], *many.anchor_unc[i]]).all()
            assert not many.converged[i]
            with pytest.raises((BackgroundError, InputError)) as caught:
                many.member(i)
            assert str(caught.value) == one
        else:
            kinds += 1
            assert many.refused[i] == ""
            assert_same(many.member(i), one)
    assert many.refused[5].startswith("y: y is not a finite number at index 40")
    assert kinds > 20
    assert many.values.shape == (60, many.sensitivity.shape[2])
    assert many.kind == kind


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"none"}))
def test_given_uncertainties_and_levels(kind: str) -> None:
    y = np.nan_to_num(spectra(EVEN), nan=5.0)
    rng = np.random.default_rng(1)
    sigma = rng.uniform(1.0, 20.0, y.shape)
    sigma[8, 3], sigma[9, 4] = np.nan, -1.0
    anchors = np.sort(rng.uniform(0.0, 60.0, (len(y), 2)), axis=1)
    anchors[10], anchors[11, 0] = anchors[10, ::-1], np.inf
    for spread in (sigma, np.abs(np.nan_to_num(sigma[0]))):
        many = background_series(EVEN, y, kind=kind, sigma=spread, anchors=anchors)
        for i, row in enumerate(y):
            own = spread if spread.ndim == 1 else spread[i]
            one = alone(EVEN, row, kind=kind, sigma=own, anchors=tuple(anchors[i]))
            if isinstance(one, str):
                assert many.refused[i] == one
            else:
                assert_same(many.member(i), one)
                assert one.anchors == tuple(anchors[i])
        assert many.refused[11] == "anchors: An anchor is not a finite number. Give two levels."
    assert background_series(EVEN, y, kind=kind, sigma=sigma).refused[8].startswith("sigma: sigma is not a finite")
    assert background_series(EVEN, y, kind=kind, sigma=sigma).refused[9].startswith("sigma: sigma is negative")


@pytest.mark.parametrize(("kind", "options"), WAYS)
def test_no_bit_of_a_member_depends_on_the_others(kind: str, options: dict[str, object]) -> None:
    y = spectra(EVEN, 300)
    whole = background_series(EVEN, y, kind=kind, **options)
    order = np.random.default_rng(2).permutation(len(y))
    mixed = background_series(EVEN, y[order], kind=kind, **options)
    for cut in (slice(0, 1), slice(1, 7), slice(7, 201), slice(201, None)):
        part = background_series(EVEN, y[cut], kind=kind, **options)
        np.testing.assert_array_equal(part.values, whole.values[cut])
        np.testing.assert_array_equal(part.sensitivity, whole.sensitivity[cut])
        assert part.note == whole.note[cut]
        assert part.refused == whole.refused[cut]
    for field in fields(BackgroundSeries):
        ours, theirs = getattr(mixed, field.name), getattr(whole, field.name)
        if field.name in {"note", "refused"}:
            assert ours == tuple(theirs[i] for i in order)
        elif field.name not in {"kind", "errors"}:
            np.testing.assert_array_equal(ours, theirs[order], err_msg=field.name)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    members=st.integers(1, 9),
    points=st.integers(11, 60),
    level=st.sampled_from([0.0, 2.0, 300.0]),
    kind=st.sampled_from(sorted(KINDS)),
)
def test_any_counts(seed: int, members: int, points: int, level: float, kind: str) -> None:
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.uniform(0.05, 1.0, points))
    y = rng.poisson(level * (1 + rng.uniform(0, 2, (members, points)))).astype(float)
    many = background_series(x, y, kind=kind)
    for i, row in enumerate(y):
        one = alone(x, row, kind=kind)
        if isinstance(one, str):
            assert many.refused[i] == one
        else:
            assert_same(many.member(i), one)
            assert np.isfinite(one.values).all()


# --- what a series is -----------------------------------------------------------------------------------------------


def test_smart_takes_all_its_branches_here_and_says_which() -> None:
    y = spectra(EVEN, 200)
    many = background_series(EVEN, y)
    assert many.note.count("the level falls: lower convex hull") > 20
    assert many.note.count("") > 50
    assert (many.contact > 0).sum() > 50
    assert "both end levels are equal: lower convex hull" in many.note
    few = background_series(EVEN, y, max_iterations=2)
    assert 20 < np.sum(~few.converged) < 200
    assert all(
        ("stopped after 2 sweeps" in note) != ok for note, ok in zip(few.note, few.converged, strict=True) if note
    )
    np.testing.assert_array_equal(few.iterations <= 2, True)


def test_members_stop_at_their_own_convergence() -> None:
    many = background_series(EVEN, np.nan_to_num(spectra(EVEN, 200)), kind="shirley_iterative")
    assert np.unique(many.iterations[many.converged]).size > 4


def test_no_members_and_members_by_number() -> None:
    none = background_series(EVEN, np.empty((0, 161)))
    assert none.values.shape == (0, 161)
    assert none.sensitivity.shape == (0, 2, 161)
    many = background_series(EVEN, spectra(EVEN, 8)[:4])
    assert_same(many.member(-1), many.member(3))
    with pytest.raises(InputError, match="no member 4"):
        many.member(4)
    taken = many.member(0)
    taken.values[:] = -1.0
    assert many.values[0].min() > 0


def test_inputs_stay_and_integers_do() -> None:
    y = np.nan_to_num(np.round(spectra(EVEN, 20)))
    whole = y.astype(np.int64)
    for array in (y, whole):
        array.flags.writeable = False
    assert_same_series(background_series(EVEN, whole), background_series(EVEN, y))
    assert_same_series(background_series(EVEN, y.tolist()), background_series(EVEN, y))


def test_memory_is_that_of_the_answer_and_one_chunk() -> None:
    y = np.random.default_rng(0).poisson(200.0 + np.arange(161), (4000, 161)).astype(float)
    background_series(EVEN, y[:300])
    tracemalloc.start()
    many = background_series(EVEN, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    answer = many.values.nbytes + many.sensitivity.nbytes
    assert peak < 1.4 * answer


@pytest.mark.parametrize(
    ("x", "y", "options", "word"),
    [
        (range(20), np.ones((3, 19)), {}, "y has the shape"),
        (range(20), np.ones(20), {}, "y has the shape"),
        (range(20), [[1.0] * 20, [1.0] * 3], {}, "not numeric"),
        (range(20), [["a"] * 20], {}, "not numeric"),
        (range(19, -1, -1), np.ones((3, 20)), {}, "does not rise"),
        (range(20), np.ones((3, 20)), {"window": (9, 3)}, "wrong order"),
        (range(20), np.ones((3, 20)), {"window": (3, 5)}, "Only 3 points"),
        (range(20), np.ones((3, 20)), {"sigma": np.ones((2, 20))}, "sigma has the shape"),
        (range(20), np.ones((3, 20)), {"sigma": -np.ones(20)}, "negative"),
        (range(20), np.ones((3, 20)), {"sigma": [np.nan] * 20}, "sigma is not a finite number"),
        (range(20), np.ones((3, 20)), {"anchors": (1.0, 2.0)}, "anchors has the shape"),
        (range(20), np.ones((3, 20)), {"average": 4}, "odd number"),
        (range(20), np.ones((3, 20)), {"preset": "clever"}, "Unknown preset"),
        (range(20), np.ones((3, 20)), {"tolerance": 0.0}, "tolerance"),
        (range(20), np.ones((0, 20)), {"z": -1.0}, "z = -1"),
        (range(20), np.ones((3, 20)), {"kind": "shirly"}, "Did you mean 'shirley'"),
        (range(20), np.ones((3, 20)), {"kind": "linear", "averge": 3}, "Did you mean 'average'"),
        (range(20), np.ones((3, 20)), {"kind": "shirley_iterative", "rule": "best"}, "Unknown rule"),
        (range(20), np.ones((3, 20)), {"kind": "tougaard", "gap": 1.0}, "no gap"),
    ],
)
def test_what_concerns_all_is_refused_at_once(x: object, y: object, options: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        background_series(x, y, **options)


# --- parts, against independent ways ----------------------------------------------------------------------------------


def test_sums_of_neighbours_are_those_of_a_convolution() -> None:
    y = np.random.default_rng(0).normal(size=(3, 40))
    for points in (1, 3, 5, 7, 11, 13, 31, 39):
        full = np.array([np.convolve(row, np.ones(points))[points // 2 : points // 2 + 40] for row in y])
        np.testing.assert_allclose(centred_sum(y, points), full, atol=1e-13)


def test_the_hull_is_that_of_qhull() -> None:
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(0.0, 10.0, 120))
    y = rng.normal(size=(25, 120)) + rng.uniform(-0.5, 0.5, (25, 1)) * (x - 4) ** 2
    found = lower_hull(x, y)
    for i, row in enumerate(y):
        hull = ConvexHull(np.column_stack([x, row]))
        lower = hull.equations[hull.equations[:, 1] < 0]  # facets that face down: n . p + c = 0
        below = np.max(-(lower[:, [0]] * x + lower[:, [2]]) / lower[:, [1]], axis=0)
        np.testing.assert_allclose(found.values[i], below, atol=1e-9)
        vertices = np.unique(hull.simplices[hull.equations[:, 1] < 0])
        assert np.asarray(found.contact)[i] == pytest.approx((vertices.size - 2) / 118)


def test_the_recursion_survives_steps_that_forget_what_was_before() -> None:
    """Factors of 0 and 1e-9 and growth: by running sums where the range of numbers allows, else step by step."""
    rng = np.random.default_rng(4)
    factor = rng.uniform(0.8, 1.0, (4, 60))
    factor[1, 1:] = 1e-9
    factor[2, 30] = 0.0
    factor[3, 1:] = 1e4
    factor[:, 0] = 1.0
    gain = rng.uniform(size=(4, 60))
    decay, found = _recur(factor, gain.copy(), False)
    for i in range(4):
        bands = np.ones((2, 60))
        bands[1, :-1] = -factor[i, 1:]
        np.testing.assert_allclose(found[i], solve_banded((1, 0), bands, gain[i]), rtol=1e-12)
    np.testing.assert_allclose(decay[0], np.cumprod(factor[0]))
    for i in range(4):
        np.testing.assert_array_equal(_recur(factor[i : i + 1], gain[i : i + 1].copy(), False)[1][0], found[i])
