"""Backgrounds against closed forms, independent sums, simulated counts and the known faults of other programs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import cumulative_trapezoid, solve_bvp
from scipy.special import ndtr

from surfspec.errors import BackgroundError, InputError
from surfspec.fitting.backgrounds import KINDS, background, shirley, shirley_iterative, smart, tougaard
from surfspec.fitting.backgrounds.hull import lower_hull
from surfspec.fitting.backgrounds.tougaard import CROSS_SECTIONS, kernel
from surfspec.fitting.lineshapes import SHAPES

Array = np.ndarray
SHAPED = ("shirley", "shirley_iterative", "smart", "tougaard")


def doublet(area: float, k: float = 0.03, dx: float = 0.1, margin: float = 1.0) -> tuple[Array, Array, Array, float]:
    """Simulated Zr 3d doublet of Gaussians on its own Shirley step: energies, peaks, background, area."""
    x = np.arange(175.6 - margin, 191.6 + margin + dx / 2, dx)
    gauss = SHAPES["gaussian"].evaluate
    peaks = area * (0.6 * gauss(x, 182.4, 1.3) + 0.4 * gauss(x, 184.82, 1.3))
    return x, peaks, 2000.0 + k * cumulative_trapezoid(peaks, x, initial=0.0), area


def uneven(n: int = 240) -> tuple[Array, Array]:
    x = 175.0 + 17.0 * np.sort(np.random.default_rng(3).uniform(size=n))
    peaks = 9000 * SHAPES["pseudo_voigt"].evaluate(x, 182.4, 1.3, 0.3)
    return x, peaks + 1000 + 0.05 * cumulative_trapezoid(peaks, x, initial=0.0)


# --- exact solution -------------------------------------------------------------------------------------------------


def test_exact_shirley_recovers_the_background_that_made_the_data() -> None:
    x, peaks, true, _ = doublet(20_000.0, dx=0.05)
    found = shirley(x, true + peaks, average=1)
    assert found.k == pytest.approx(0.03, rel=1e-9)
    np.testing.assert_allclose(found.values, true, rtol=1e-10)


def test_exact_shirley_solves_the_boundary_value_problem() -> None:
    """Against a collocation solver; the trapezoid errs as the square of the sampling step."""

    def data(t: Array) -> Array:
        return 5000 * np.exp(-0.5 * ((t - 9.0) / 0.9) ** 2) + 300 + 200 / (1 + np.exp(9.0 - t))

    def slope(t: Array, b: Array, p: Array) -> Array:
        return p[0] * (data(t) - b)

    grid = np.linspace(0.0, 20.0, 401)
    start = np.interp(grid, [0, 20], [300, 500])[None]
    solved = solve_bvp(
        slope, lambda a, b, p: np.array([a[0] - 300, b[0] - 500]), grid, start, [0.01], tol=1e-7, max_nodes=20_000
    )
    assert solved.success
    errors = []
    for points in (401, 4001):
        x = np.linspace(0.0, 20.0, points)
        found = shirley(x, data(x), anchors=(300.0, 500.0))
        assert found.k == pytest.approx(float(solved.p[0]), rel=1e-3)
        errors.append(np.abs(found.values - solved.sol(x)[0]).max() / 200)
    assert errors[0] < 2e-4
    assert errors[1] < 0.02 * errors[0]


@pytest.mark.parametrize("falling", [False, True])
@pytest.mark.parametrize("spacing", ["even", "uneven"])
def test_exact_equals_the_converged_iteration(spacing: str, falling: bool) -> None:
    if spacing == "even":
        x, peaks, true, _ = doublet(20_000.0, margin=0.0)
        y = peaks + (4800.0 - true if falling else true)
    else:
        x, y = uneven()
        y = 2 * y.max() - y[::-1] if falling else y
        y = uneven()[1] - (2 * np.linspace(0, 1, x.size) * 500 if falling else 0)
    exact = shirley(x, y, average=1)
    picard = shirley_iterative(x, y, average=1, clip=False, tolerance=1e-13, max_iterations=2000)
    assert (exact.k < 0) == falling
    assert picard.converged
    assert np.abs(exact.values - picard.values).max() < 1e-9 * abs(exact.anchors[1] - exact.anchors[0])


def test_the_smallest_root_is_taken() -> None:
    """With levels that noise could also join, the k found is that of step over net area."""
    x, peaks, true, area = doublet(2_000.0)
    y = np.random.default_rng(1).poisson(true + peaks).astype(float)
    found = shirley(x, y)
    assert found.k == pytest.approx((found.anchors[1] - found.anchors[0]) / area, rel=0.3)


def test_no_root_is_an_error_not_a_curve() -> None:
    x = np.linspace(0, 10, 101)
    with pytest.raises(BackgroundError, match="No Shirley background"):
        shirley(x, 100 + 10 * x - 60 * np.exp(-((x - 5) ** 2)), average=1)
    with pytest.raises(BackgroundError, match="No data lie above"):
        shirley_iterative(x, 100 + x - 60 * np.sin(np.pi * x / 10), average=1)


# --- properties that all share --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_result_scales_with_the_counts(kind: str) -> None:
    """An absolute tolerance would make the background depend on how long one counted."""
    x, peaks, true, _ = doublet(20_000.0)
    y = np.random.default_rng(2).poisson(true + peaks).astype(float)
    sigma = np.sqrt(y)
    one = background(x, y, kind=kind, sigma=sigma)
    for factor in (1e-6, 1e7):
        other = background(x, factor * y, kind=kind, sigma=factor * sigma)
        np.testing.assert_allclose(other.values, factor * one.values, rtol=1e-7)
        assert other.converged
        assert other.anchor_unc == pytest.approx([factor * u for u in one.anchor_unc])


@pytest.mark.parametrize("kind", SHAPED)
def test_a_pedestal_adds_itself_and_nothing_else(kind: str) -> None:
    """A peak off the middle of the window: forgetting the level under it would change the shape."""
    x, peaks, true, _ = doublet(20_000.0)
    y, sigma = true + peaks, np.full(x.size, 30.0)
    keep = x > 179.5
    low = background(x[keep], y[keep], kind=kind, sigma=sigma[keep])
    high = background(x[keep], y[keep] + 1e5, kind=kind, sigma=sigma[keep])
    np.testing.assert_allclose(high.values - 1e5, low.values, atol=1e-5 * (low.anchors[1] - low.anchors[0]))


@pytest.mark.parametrize("kind", SHAPED)
def test_the_step_lies_under_the_peak_and_rises_with_binding_energy(kind: str) -> None:
    """A mirrored integral would put most of the step on the wrong side of an off-centre peak."""
    x, peaks, true, _ = doublet(20_000.0, margin=4.0)
    found = background(x, true + peaks, kind=kind)
    before, after = found.values[np.searchsorted(x, 180.5)], found.values[np.searchsorted(x, 186.8)]
    step = found.anchors[1] - found.anchors[0]
    assert before - found.anchors[0] < 0.02 * step
    if kind != "tougaard":
        assert found.anchors[1] - after < 0.02 * step
        # smart integrates means where no peak clearly stands: a little of the step is smeared at its foot
        assert np.abs(found.values - true)[10:-10].max() < (0.01 if kind == "smart" else 0.005) * step


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_falling_axis_is_refused_not_turned_round(kind: str) -> None:
    x, peaks, true, _ = doublet(20_000.0)
    with pytest.raises(InputError, match="does not rise"):
        background(x[::-1], (true + peaks)[::-1], kind=kind)


@pytest.mark.parametrize("kind", ["shirley", "shirley_iterative", "smart", "linear", "constant"])
def test_ends_stay_where_they_are_when_the_level_falls(kind: str) -> None:
    x, peaks, true, _ = doublet(20_000.0)
    found = background(x, peaks + 4800.0 - true, kind=kind)
    assert found.anchors[0] > found.anchors[1]
    if kind != "constant":
        assert found.values[[0, -1]] == pytest.approx(found.anchors)


@pytest.mark.parametrize("spacing", ["even", "uneven"])
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("constant", {}),
        ("linear", {}),
        ("shirley", {}),
        ("shirley_iterative", {}),
        ("shirley_iterative", {"rule": "casa"}),
        ("shirley_iterative", {"rule": "avantage"}),
        ("smart", {}),
        ("smart", {"preset": "avantage"}),
        ("smart", {"preset": "strict"}),
        ("tougaard", {}),
        ("tougaard", {"B": 500.0}),
    ],
)
def test_sensitivity_is_the_derivative_over_the_anchors(kind: str, options: dict[str, object], spacing: str) -> None:
    if spacing == "even":
        x, peaks, true, _ = doublet(20_000.0)
        y = np.random.default_rng(4).poisson(true + peaks).astype(float)
    else:
        x, y = uneven()
    more = {"tolerance": 1e-13} if kind in {"smart", "shirley_iterative"} else {}
    here = background(x, y, kind=kind, **more, **options)
    assert here.sensitivity.shape == (2, x.size)
    for row in (0, 1):
        sides = []
        for shift in (1e-3, -1e-3):
            levels = list(here.anchors)
            levels[row] += shift
            there = background(x, y, kind=kind, anchors=tuple(levels), **more, **options)
            sides.append((there.values - here.values) / shift)
        # where a clip or a cap switches, the derivatives from the two sides differ and ours lies between them
        assert np.all(here.sensitivity[row] > np.minimum(*sides) - 2e-5)
        assert np.all(here.sensitivity[row] < np.maximum(*sides) + 2e-5)
        assert np.abs(sides[0] - sides[1]).mean() < 0.02


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(["linear", "shirley", "shirley_iterative", "smart", "tougaard"]),
    shift=st.floats(-500, 500),
    stretch=st.floats(0.1, 10),
)
def test_the_energy_scale_does_not_matter(kind: str, shift: float, stretch: float) -> None:
    x, peaks, true, _ = doublet(20_000.0)
    y = true + peaks
    options = {"C": 1643.0} if kind == "tougaard" else {}
    scaled = {"C": 1643.0 * stretch**2} if kind == "tougaard" else {}
    here = background(x, y, kind=kind, **options)
    there = background(stretch * x + shift, y, kind=kind, **scaled)
    np.testing.assert_allclose(there.values, here.values, rtol=1e-7)
    assert there.k_width == pytest.approx(here.k_width, rel=1e-6)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_inputs_stay_and_repeats_agree(kind: str) -> None:
    x, peaks, true, _ = doublet(20_000.0)
    y = true + peaks
    x.flags.writeable = y.flags.writeable = False
    first, second = background(x, y, kind=kind), background(x, y, kind=kind)
    np.testing.assert_array_equal(first.values, second.values)
    assert first.kind == kind
    assert first.values.shape == x.shape
    assert isinstance(first.contact, float)
    assert not np.shares_memory(first.values, y)


def test_means_come_from_the_whole_spectrum_and_values_from_the_window() -> None:
    x, peaks, true, _ = doublet(20_000.0, margin=2.0)
    y = np.random.default_rng(7).poisson(true + peaks).astype(float)
    window = (float(x[20]), float(x[-21]))
    found = smart(x, y, window=window)
    assert found.values.size == x.size - 40
    assert found.anchors == pytest.approx((y[15:26].mean(), y[-26:-15].mean()))
    assert found.anchor_unc[0] == pytest.approx(np.sqrt(y[15:26].mean() / 11), rel=0.02)
    cut = smart(x[20:-20], y[20:-20])
    assert cut.anchors[0] == pytest.approx(y[20:26].mean())
    assert cut.anchor_unc[0] > found.anchor_unc[0]


# --- never crossing, without bias -----------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), area=st.sampled_from([0.0, 400.0, 2e3, 2e4]), fall=st.floats(-30, 30))
def test_smart_never_exceeds_its_cap(seed: int, area: float, fall: float) -> None:
    x, peaks, true, _ = doublet(area)
    y = np.random.default_rng(seed).poisson(true + peaks + fall * (x - x[0])).astype(float)
    for preset, points, z in (("noise_aware", 11, 2.0), ("avantage", 5, 0.0), ("strict", 11, 0.0)):
        found = smart(x, y, preset=preset, max_iterations=400)
        used = np.convolve(np.ones(x.size), np.ones(points), "same")
        mean = np.convolve(y, np.ones(points), "same") / used
        spread = np.sqrt(np.convolve(mean, np.ones(points), "same")) / used
        cap = y if preset == "strict" else mean + z * spread
        assert np.isfinite(found.values).all()
        assert np.all(found.values <= cap * (1 + 1e-12))
        assert 0.0 <= found.contact <= 1.0


def area_errors(area: float, count: int, **options: object) -> tuple[float, float]:
    """Mean relative error of the net area over simulated spectra, and its standard uncertainty.

    The noise of the data themselves and that of the end levels, of known mean zero, are taken off as control variates,
    so that what is left is what the background does with noise.
    """
    x, peaks, true, _ = doublet(area)
    window = (175.6, 191.6)
    inside = (x >= 175.6 - 1e-6) & (x <= 191.6 + 1e-6)
    clean = shirley(x, true + peaks, window=window)
    rng, errors = np.random.default_rng(20), []
    total = np.trapezoid(peaks[inside], x[inside])
    ends = np.flatnonzero(inside)[[0, -1]]
    for _ in range(count):
        y = rng.poisson(true + peaks).astype(float)
        noise = y - true - peaks
        found = background(x, y, window=window, **options)
        level = np.array([noise[e - 5 : e + 6].mean() for e in ends])
        known = np.trapezoid(noise[inside] - level @ clean.sensitivity, x[inside])
        errors.append((np.trapezoid((y[inside] - found.values), x[inside]) - known) / total - 1.0)
    return float(np.mean(errors)), float(np.std(errors) / np.sqrt(count))


@pytest.mark.parametrize("area", [2e4, 2e3])
def test_noise_aware_is_unbiased_where_a_raw_cap_is_not(area: float) -> None:
    aware, aware_unc = area_errors(area, 300)
    strict, strict_unc = area_errors(area, 300, preset="strict")
    five, _ = area_errors(area, 300, preset="avantage")
    assert abs(aware) < 0.005
    assert aware_unc < 0.005
    assert strict > {2e4: 0.004, 2e3: 0.05}[area]
    assert strict - aware > 5 * strict_unc
    assert aware < five < strict


def test_a_fall_within_the_noise_is_not_taken_for_a_real_one() -> None:
    """A quarter of these weak spectra seem to fall; a hull under each of them would add 4 % to the mean area."""
    aware, aware_unc = area_errors(400.0, 1000)
    assert aware_unc < 0.006
    assert abs(aware) < 0.02
    x, peaks, true, _ = doublet(400.0)
    y = true + peaks
    slight, real = (smart(x, y, anchors=(2000.0, 2000.0 - fall)) for fall in (10.0, 100.0))
    assert "hull" not in slight.note
    assert "hull" in real.note


def test_hull_is_convex_below_and_touches() -> None:
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(0, 10, 200))
    y = rng.normal(size=200) + 0.2 * (x - 6) ** 2
    found = lower_hull(x, y[None])
    hull, rows, contact = found.values[0], found.sensitivity[0], np.asarray(found.contact)[0]
    assert np.all(hull <= y)
    assert np.all(np.diff(np.diff(hull) / np.diff(x)) > -1e-9)
    assert contact == pytest.approx((np.sum(hull == y) - 2) / 198, abs=0.02)
    np.testing.assert_allclose(rows[:, 0], [1, 0])
    np.testing.assert_allclose(rows[:, -1], [0, 1])


def test_smart_on_a_peak_that_is_not_there() -> None:
    x = np.linspace(0, 16, 161)
    flat = smart(x, np.full(161, 50.0))
    np.testing.assert_allclose(flat.values, 50.0)
    np.testing.assert_array_equal(background(x, np.zeros(161)).values, 0.0)
    valley = smart(x, 100 + x - 60 * np.sin(np.pi * x / 16), sigma=np.ones(161))
    assert "hull" in valley.note
    assert valley.values.min() < 60


def test_a_strained_shirley_is_flagged() -> None:
    x, peaks, true, _ = doublet(20_000.0, k=0.2)
    found = shirley(x, true + peaks)
    assert found.k_width > 2
    assert "poorly defined" in found.note
    rough = shirley_iterative(x, true + peaks, max_iterations=3)
    assert not rough.converged
    assert "stopped after 3" in rough.note
    assert rough.iterations == 3


def test_an_iteration_that_does_not_rest_has_no_absurd_sensitivity() -> None:
    """Simulated steps under ever weaker peaks: where nothing converges, sweeps are no fixed point."""
    x = np.linspace(0.0, 20.0, 201)
    restless = 0
    for height in np.geomspace(0.5, 1000.0, 40):
        for step in (60.0, 200.0):
            y = 100.0 + height * np.exp(-((x - 10.0) ** 2)) + step / (1.0 + np.exp(-3.0 * (x - 10.0)))
            for clip in (False, True):
                try:
                    found = shirley_iterative(x, y, clip=clip)
                except BackgroundError:  # nothing above it: refused as a whole
                    continue
                assert np.isfinite(found.sensitivity).all()
                if found.converged or abs(found.k_width) <= 25.0:
                    continue
                restless += 1
                # shares of a running sum: of positive differences they lie between 0 and 1, signed ones may overshoot
                assert np.abs(found.sensitivity).max() <= (1.0 + 1e-12 if clip else 5.0)
                assert "the sensitivity is that of one sweep" in found.note
                assert "stopped after" in found.note
    assert restless >= 5


def test_complex_intensities_are_refused() -> None:
    for make in (shirley, shirley_iterative, smart):
        with pytest.raises(InputError, match="complex"):
            make(np.arange(30.0), np.ones(30) + 1j)


# --- Tougaard -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "maximum"), [("U2", 23.4), ("U3", 21.2)])
def test_kernel_maxima(name: str, maximum: float) -> None:
    loss = np.arange(0, 80, 0.001)
    assert loss[kernel(loss, CROSS_SECTIONS[name]).argmax()] == pytest.approx(maximum, abs=0.05)


def test_kernel_integral_and_pole() -> None:
    """U2 integrates to B / 2C; its numbers in the U3 form have a pole near 40.5 eV."""
    loss = np.linspace(0, 2e5, 2_000_001)
    b, c = CROSS_SECTIONS["U2"][:2]
    assert np.trapezoid(kernel(loss, CROSS_SECTIONS["U2"]), loss) == pytest.approx(b / (2 * c), rel=1e-5)
    wrong = CROSS_SECTIONS["U2"]._replace(D=1e-9)
    near = np.linspace(30, 50, 20001)
    assert near[kernel(near, wrong).argmax()] == pytest.approx(np.sqrt(c), abs=0.01)


@pytest.mark.parametrize("name", ["U2", "U3", "U4"])
def test_a_single_line_shows_the_kernel(name: str) -> None:
    x = np.arange(0, 100, 0.05)
    gap = 8.0 if name == "U4" else None
    line = SHAPES["gaussian"].evaluate(x, 20.0, 0.5) * 1e4
    found = tougaard(x, 700 + line, cross_section=name, gap=gap, B=500.0)
    parameters = CROSS_SECTIONS[name]._replace(B=500.0, gap=gap or 0.0)
    far = np.abs(x - 20.0 - parameters.gap) > 1.0
    expected = 700 + 1e4 * kernel(x - 20.0, parameters)
    np.testing.assert_allclose(found.values[far], expected[far], rtol=3e-3, atol=0.3)
    assert found.k == 500.0


def test_every_parameter_acts() -> None:
    x, peaks, true, _ = doublet(20_000.0, margin=20.0)
    y = true + peaks

    def last(**options: float | str) -> float:
        return float(tougaard(x, y, **options).values[-1]) - 2000.0

    assert last(B=2866.0, C=500.0) > 4 * last(B=2866.0)
    assert last(B=1433.0) == pytest.approx(last(B=2866.0) / 2, rel=1e-9)
    three = {"cross_section": "U3", "B": 396.0}
    assert abs(last(**three, D=100.0) / last(**three) - 1) > 0.1
    assert last(cross_section="U4", B=396.0, gap=10.0) < last(**three)


def test_convolution_equals_the_direct_sum() -> None:
    x, y = uneven()
    found = tougaard(x, y, B=2866.0, average=1)
    net, expected = y - y[0], np.empty_like(y)
    for i in range(x.size):
        expected[i] = y[0] + np.trapezoid(net[: i + 1] * kernel(x[i] - x[: i + 1], CROSS_SECTIONS["U2"]), x[: i + 1])
    np.testing.assert_allclose(found.values, expected, rtol=1e-12)
    even, peaks, true, _ = doublet(20_000.0)
    nudged = even.copy()
    nudged[50] += 1e-5  # one point off the even grid sends the same data through the direct sum
    fast, slow = (tougaard(g, true + peaks) for g in (even, nudged))
    np.testing.assert_allclose(fast.values, slow.values, rtol=1e-6)


def test_tougaard_meets_the_upper_level_or_says_why_not() -> None:
    x, peaks, true, _ = doublet(20_000.0)
    found = tougaard(x, true + peaks)
    assert found.values[-1] == pytest.approx(found.anchors[1])
    assert found.k > 0
    with pytest.raises(BackgroundError, match="Tougaard"):
        tougaard(x, peaks + 4800 - true)
    for options, word in (
        ({"cross_section": "U5"}, "Unknown cross-section"),
        ({"D": 3.0}, "no D"),
        ({"gap": 3.0}, "no gap"),
        ({"cross_section": "U4"}, "needs its gap"),
        ({"C": -1.0}, "C = -1"),
        ({"cross_section": "U4", "gap": -1.0}, "gap = -1"),
    ):
        with pytest.raises(InputError, match=word):
            tougaard(x, true + peaks, **options)


# --- refusals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y", "options", "word"),
    [
        ([0, 1, 2], [1, 2, 1], {"average": 1}, "Only 3 points"),
        (range(20), [1.0] * 19, {}, "shape"),
        (range(20), ["a"] * 20, {}, "not numeric"),
        (range(20), [1.0] * 19 + [float("nan")], {}, "finite number at index 19"),
        ([0, 0, *range(1, 19)], [1.0] * 20, {}, "does not rise"),
        (range(20), [1.0] * 20, {"average": 4}, "odd number"),
        (range(20), [1.0] * 20, {"average": 21}, "odd number"),
        (range(20), [1.0] * 20, {"window": (9, 3)}, "wrong order"),
        (range(20), [1.0] * 20, {"window": (3, 5)}, "Only 3 points"),
        (range(20), [1.0] * 20, {"sigma": [-1.0] * 20}, "negative"),
        (range(20), [1.0] * 20, {"anchors": (1.0, float("inf"))}, "anchor"),
        (range(20), [1.0] * 20, {"preset": "clever"}, "Unknown preset"),
        (range(20), [1.0] * 20, {"z": -1.0}, "z = -1"),
        (range(20), [1.0] * 20, {"tolerance": 0.0}, "tolerance"),
        (range(20), [1.0] * 20, {"max_iterations": 0}, "max_iterations"),
        (range(20), [1.0] * 20, {"kind": "shirly"}, "Did you mean 'shirley'"),
        (range(20), [1.0] * 20, {"averge": 3}, "Did you mean 'average'"),
        (range(20), [1.0] * 20, {"kind": "shirley_iterative", "rule": "best"}, "Unknown rule"),
    ],
)
def test_bad_input_is_refused_in_words(x: object, y: object, options: dict[str, object], word: str) -> None:
    with pytest.raises(InputError, match=word):
        background(x, y, **options)


def test_smart_does_not_smear_the_step_of_a_strong_peak() -> None:
    """Means under a peak would move the step by k (n^2 - 1) h^2 / 24 times its slope, in closed form."""
    x = np.arange(176.0, 192.0, 0.1)
    s, c, k = 0.55, 182.4, 0.03
    peak = 2e5 / (s * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((x - c) / s) ** 2)
    true = 2000.0 + k * 2e5 * ndtr((x - c) / s)
    smeared = k * (11**2 - 1) * 0.1**2 / 24 * np.abs(np.gradient(peak, x)).max()
    found = background(x, peak + true, kind="smart")
    assert np.abs(found.values - true).max() < 0.25 * smeared
