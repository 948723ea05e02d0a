"""Peak search: pulls of position, height, area and width, chance, flags; oracle: patterns made by a closed formula."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import voigt_profile

import surfspec as ss
from surfspec import errors, schema, xrd
from surfspec.xrd.lines import noise, peak_search
from surfspec.xrd.lines.line_model import LineValues, evaluate
from surfspec.xrd.patterns.wavelengths import radiation

LN2 = np.log(2.0)


def profile(u, eta):
    """Pseudo-Voigt of unit area and unit FWHM: the formula itself, not the package's."""
    lorentz = 2.0 / np.pi / (1.0 + 4.0 * u**2)
    return eta * lorentz + (1.0 - eta) * 2.0 * np.sqrt(LN2 / np.pi) * np.exp(-4.0 * LN2 * u**2)


def expected(x, lines, *, eta=0.5, second=None, level=100.0, hump=0.5):
    """Counts of lines (position, area, FWHM) on a curved background; `second` is the ratio of wavelengths Ka2/Ka1."""
    y = level * (1.0 + 20.0 / x + hump * np.exp(-(((x - 28.0) / 6.0) ** 2)))
    for position, area, fwhm in lines:
        y = y + area / fwhm * profile((x - position) / fwhm, eta)
        if second is not None:
            other = 2.0 * np.degrees(np.arcsin(np.sin(np.radians(position / 2.0)) * second))
            y = y + 0.5 * area / fwhm * profile((x - other) / fwhm, eta)
    return y


def pulls_of(found, lines):
    """Pulls (n, 4) of position, height (over profile top), area and width of the lines that were found."""
    rows = []
    for position, area, fwhm in lines:
        near = np.flatnonzero(abs(found.peak_two_theta.values - position) < 0.6 * fwhm)
        if len(near) == 1:
            row = found.isel(peak=near[0])
            rows.append([
                (row.peak_two_theta.item() - position) / row.peak_two_theta_unc.item(),
                (row.area.item() - area) / row.area_unc.item(),
                (row.fwhm.item() - fwhm) / row.fwhm_unc.item(),
            ])  # fmt: skip
    return rows


CASES = {
    "faint": {"top": 300.0, "level": 50.0},
    "strong": {"top": 1e5, "level": 3000.0},
    "doublet": {"top": 1e4, "wavelength": "CuKa"},
    "gaussian": {"top": 1e4, "eta": 0.0},
    "lorentzian": {"top": 1e4, "eta": 1.0, "wavelength": "CuKa"},
    "coarse": {"top": 3000.0, "step": 0.05},
    "overlapping": {"top": 3000.0, "apart": 1.5},
    "few counts": {"top": 200.0, "level": 1.0},
    "unknown": {"top": 3000.0, "factor": 37.0},
    "wide": {"top": 3000.0, "width": 0.8, "step": 0.08, "span": (15.0, 85.0), "hump": 0.0},
}


@pytest.mark.parametrize("name", CASES)
def test_pulls_have_unit_variance(name):
    """Over replicates with lines of random place, height and width: standard deviations of the pulls near one."""
    case = {"eta": 0.5, "wavelength": "CuKa1", "step": 0.02, "level": 200.0, "apart": None, "factor": 1.0,
            "width": 0.1, "span": (20.0, 50.0), "hump": 0.5, **CASES[name]}  # fmt: skip
    rng = np.random.default_rng(sum(map(ord, name)))
    x = np.arange(*case["span"], case["step"])
    light = radiation(case["wavelength"])
    second = light.wavelengths[1] / light.wavelengths[0] if len(light.wavelengths) > 1 else None
    pulls, missed, more = [], 0, 0
    for _ in range(10):
        unit = (case["span"][1] - case["span"][0]) / 9.0
        place = case["span"][0] + unit * (np.arange(8) + 1.0 + rng.uniform(-0.2, 0.2, 8))
        fwhm = case["width"] * (1.0 + 0.2 * (place - 30.0) / 30.0) * np.exp(rng.normal(0.0, 0.1, 8))
        if case["apart"]:
            place[1::2], fwhm[1::2] = place[::2] + case["apart"] * fwhm[::2], fwhm[::2]
        height = case["top"] * 10.0 ** rng.uniform(-0.8, 0.0, 8)
        lines = list(zip(place, height * fwhm / profile(0.0, case["eta"]), fwhm, strict=True))
        counts = rng.poisson(expected(x, lines, eta=case["eta"], second=second, level=case["level"], hump=case["hump"]))
        ds = ss.spectrum(x, counts / case["factor"], technique="XRD",
                         statistics="poisson" if case["factor"] == 1.0 else "unknown")  # fmt: skip
        found = xrd.find_peaks(ds, wavelength=case["wavelength"])
        scaled = [(at, area / case["factor"], width) for at, area, width in lines]
        rows = pulls_of(found, scaled)
        missed += len(lines) - len(rows)
        more += found.sizes["peak"] - len(rows)
        pulls += rows
    assert missed <= 4  # of 80
    assert more <= missed + 2 * (case["apart"] is not None)  # Ka2, tails and background make no peak of their own
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 0.45)
    assert np.all((pulls.std(axis=0) > 0.6) & (pulls.std(axis=0) < 1.35))


def test_noise_alone_makes_no_more_lines_than_stated():
    """60 patterns without lines: no peak at 5, and at 3.5 no more than twice the number that Rice's rate says."""
    x = np.arange(20.0, 60.0, 0.02)
    count = stated = 0.0
    for seed in range(60):
        level = (2.0, 50.0, 1000.0)[seed % 3] * (0.6 + 16.0 / x)
        ds = ss.spectrum(x, np.random.default_rng(seed).poisson(level), technique="XRD")
        found = xrd.find_peaks(ds, significance=3.5)
        count += found.sizes["peak"]
        assert not np.any(found.significance > 5.0)
        stated += float(noise.false_alarms(np.array([3.5]), 66.0, found.attrs["typical_fwhm"])[0])
    assert 0 < count < 2.0 * stated


def test_quick_search_finds_the_lines_with_their_sizes_and_no_others():
    """40 lines with Ka2 in 6000 points: pulls of position, area and width against the truth; noise alone is quiet."""
    rng = np.random.default_rng(11)
    x = np.arange(15.0, 75.0, 0.01)
    light = radiation("CuKa")
    pulls, found_of = [], 0
    for _ in range(3):
        place = 16.0 + 1.45 * np.arange(40) + rng.uniform(-0.4, 0.4, 40)
        lines = list(zip(place, 300.0 * 10.0 ** rng.uniform(-1.0, 0.0, 40), np.full(40, 0.1), strict=True))
        counts = rng.poisson(expected(x, lines, second=light.wavelengths[1] / light.wavelengths[0])).astype(float)
        made = peak_search.search(x, counts, noise.counting_variance(counts, "poisson")[0], light=light, quick=True)
        found_of += len(made.height)
        for position, area, fwhm in lines:
            near = int(np.argmin(abs(made.two_theta - position)))
            if abs(made.two_theta[near] - position) < 0.6 * fwhm:
                pulls.append([(made.two_theta[near] - position) / made.two_theta_unc[near],
                              (made.area[near] - area) / made.area_unc[near],
                              (made.fwhm[near] - fwhm) / made.fwhm_unc[near]])  # fmt: skip
    assert len(pulls) >= 118
    assert found_of <= len(pulls) + 2
    pulls = np.array(pulls)
    assert np.all(np.abs(pulls.mean(axis=0)) < 0.5)
    assert np.all((pulls.std(axis=0) > 0.6) & (pulls.std(axis=0) < 1.4))
    count = stated = 0.0
    for level in (2.0, 50.0, 1000.0) * 10:
        counts = rng.poisson(level * (0.6 + 16.0 / x)).astype(float)
        made = peak_search.search_all(x, counts, noise.counting_variance(counts, "poisson")[0], threshold=3.5,
                                      noise=noise.Noise(), quick=True)  # fmt: skip
        assert not np.any(made.strength > 5.0)
        count += len(made.strength)
        stated += float(noise.false_alarms(np.array([3.5]), 60.0, float(made.law.width(np.array(45.0))))[0])
    assert count < 2.0 * stated


def test_rate_of_false_alarms_is_that_of_filtered_noise():
    """Rice's rate against maxima counted in filtered white noise."""
    rng = np.random.default_rng(5)
    sigma, n = 3.0, 400_000
    trace = noise.matched_filter(rng.normal(size=n), np.ones(n), sigma)
    ups = np.count_nonzero((trace[1:] > 3.0) & (trace[:-1] <= 3.0))
    assert ups == pytest.approx(float(noise.false_alarms(np.array([3.0]), n, sigma * np.sqrt(8 * LN2))[0]), rel=0.1)


def test_skewness_of_few_counts_is_taken_off():
    """Tail of the filter on Poisson counts of mean 2: the corrected score has a Gaussian tail."""
    rng = np.random.default_rng(6)
    sigma = 2.5
    trace = noise.matched_filter(rng.poisson(2.0, 1_000_000) - 2.0, np.full(1_000_000, 2.0), sigma)
    plain = np.mean(trace > 4.0) / 3.17e-5
    mended = np.mean(noise.gaussian_score(trace, noise.counting_skewness(np.array(2.0), sigma)) > 4.0) / 3.17e-5
    assert plain > 4.0
    assert 0.3 < mended < 2.0


def test_derivatives_of_the_line_model():
    """Jacobian against differences, with Ka2 and asymmetry."""
    x = np.arange(29.0, 33.0, 0.01)
    light = radiation("CuKa")
    start = np.array([100.0, 40.0, 30.5, 31.2, np.log(0.15), np.log(0.3), 0.4, 0.8, 0.1, -0.15])
    reach = np.array([3.0, 3.0])

    def model(values):
        return evaluate(x, LineValues(*np.split(values, 5)), light, reach)

    jacobian = model(start)[1].toarray()
    for column in range(10):
        if column in (2, 3):
            continue  # the top is where two halves meet: tested below its kink
        step = np.zeros(10)
        step[column] = 1e-6 * max(abs(start[column]), 0.1)
        slope = (model(start + step)[0] - model(start - step)[0]) / (2 * step[column])
        near = abs(x - start[2 + column % 2]) < 5.0 * np.exp(start[4 + column % 2])  # further off they are cut
        assert np.max(abs(slope - jacobian[:, column])[near]) < 1e-5 * np.max(abs(slope))
    step = np.zeros(10)
    step[2] = 1e-7
    slope = (model(start + step)[0] - model(start - step)[0]) / 2e-7
    assert np.max(abs(slope - jacobian[:, 2])[abs(x - 30.5) < 0.7]) < 1e-3 * np.max(abs(slope))


def lone(x, rng, extra=0.0, top=2000.0):
    return rng.poisson(expected(x, [(30.0, top * 0.12, 0.12), (40.0, 0.8 * top * 0.12, 0.12)]) + extra).astype(float)


def test_spike_is_no_line():
    x = np.arange(20.0, 50.0, 0.02)
    counts = lone(x, np.random.default_rng(1))
    counts[1200] += 400.0
    found = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD"))
    assert schema.check(found, "table") is found
    assert found.flag.values.tolist().count("spike") == 1
    row = found.isel(peak=int(np.flatnonzero(found.flag.values == "spike")[0]))
    assert row.peak_two_theta.item() == pytest.approx(x[1200])
    assert row.height.item() == pytest.approx(400.0, abs=60.0)
    assert np.isnan(row.fwhm.item())
    assert np.isnan(row.significance.item())


def test_saturated_line_is_flagged():
    x = np.arange(20.0, 50.0, 0.02)
    counts = np.minimum(lone(x, np.random.default_rng(2), top=50000.0), 25000.0)
    flags = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD")).flag.values
    assert sum("saturated" in flag for flag in flags) >= 1


def test_line_on_the_flank_of_a_stronger_one():
    """A line of 5 % at 1.5 FWHM from a line a hundred times the noise is found, with its height."""
    x = np.arange(20.0, 50.0, 0.02)
    pulls = []
    for seed in range(8):
        lines = [(30.003, 3000.0, 0.12), (30.183, 150.0, 0.12), (25.0, 1500.0, 0.12), (45.0, 1000.0, 0.12)]
        counts = np.random.default_rng(seed).poisson(expected(x, lines))
        found = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD"), wavelength="CuKa1")
        assert found.sizes["peak"] == 4
        row = found.isel(peak=int(np.argmin(abs(found.peak_two_theta.values - 30.183))))
        pulls.append((row.area.item() - 150.0) / row.area_unc.item())
    assert abs(np.mean(pulls)) < 1.0
    assert np.std(pulls) < 1.6


def test_unresolved_pair_is_one_peak_of_their_area():
    x = np.arange(20.0, 50.0, 0.02)
    lines = [(30.0, 300.0, 0.12), (30.03, 250.0, 0.12), (25.0, 600.0, 0.12), (40.0, 500.0, 0.12)]
    counts = np.random.default_rng(4).poisson(expected(x, lines))
    found = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD"), wavelength="CuKa1")
    near = found.isel(peak=np.flatnonzero(abs(found.peak_two_theta.values - 30.0) < 0.2))
    assert near.sizes["peak"] == 1
    assert near.area.item() == pytest.approx(550.0, abs=4.0 * near.area_unc.item())


def test_lorentz_share_is_measured_where_it_can_be():
    x = np.arange(20.0, 50.0, 0.02)
    lines = [(25.0, 9000.0, 0.12), (33.0, 7000.0, 0.12), (42.0, 60.0, 0.12)]
    counts = np.random.default_rng(7).poisson(expected(x, lines, eta=0.8))
    found = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD"), wavelength="CuKa1")
    assert np.all(abs(found.lorentz_share - 0.8)[:2] < 4 * found.lorentz_share_unc[:2])
    assert np.all(found.lorentz_share_unc[:2] < 0.03)
    assert found.lorentz_share_unc[2] > 0.08  # too weak to tell: the prior's


def test_spacing_has_the_uncertainty_of_the_position():
    x = np.arange(20.0, 50.0, 0.02)
    found = xrd.find_peaks(ss.spectrum(x, lone(x, np.random.default_rng(3)), technique="XRD"), wavelength="CuKa1")
    wave = radiation("CuKa1").wavelengths[0]
    moved = wave / (2 * np.sin(np.radians(found.peak_two_theta + found.peak_two_theta_unc) / 2))
    assert np.allclose(found.d - moved, found.d_unc, rtol=1e-3)


@pytest.mark.parametrize(
    "counts", [np.zeros(500), np.full(500, 7.0), np.r_[np.zeros(250), 5.0, np.zeros(249)], np.arange(500.0)],
    ids=["empty", "constant", "one count", "ramp"],
)  # fmt: skip
def test_nothing_there_is_no_peak(counts):
    found = xrd.find_peaks(ss.spectrum(np.linspace(20, 30, 500), counts, technique="XRD"))
    assert np.all(found.flag.values == "spike")


def test_background_subtracted_data_with_negative_values():
    x = np.arange(20.0, 50.0, 0.02)
    rng = np.random.default_rng(8)
    counts = lone(x, rng) - expected(x, [])
    found = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD", statistics="unknown"))
    assert found.peak_two_theta.values.round(1).tolist() == [30.0, 40.0]


def test_wrong_input_is_named():
    x = np.arange(20.0, 50.0, 0.02)
    ds = ss.spectrum(x, lone(x, np.random.default_rng(1)), technique="XRD")
    for wrong in (-1.0, 0.0, np.inf, np.nan, "5", True):
        with pytest.raises(errors.InputError, match="significance is"):
            xrd.find_peaks(ds, significance=wrong)
    with pytest.raises(errors.InputError, match="too few"):
        xrd.find_peaks(ds.isel(two_theta=slice(0, 10)))
    with pytest.raises(errors.InputError, match="one pattern"):
        xrd.background(ss.stack([ds, ds], "scan", [0, 1]))


@pytest.mark.parametrize("ask", [xrd.find_peaks, xrd.background])
@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(20.0, 70.0, ""), (0.35, 1.2, "Convert radians by"), (-40.0, 10.0, r"sel\(two_theta=slice\(0, None"),
     (60.0, 210.0, r"slice\(None, 179.9"), (200.0, 300.0, "Give 2 theta in degrees")],
)  # fmt: skip
def test_angles_that_are_no_degrees_of_two_theta_are_refused(ask, low, high, said):
    x = np.linspace(low, high, 300)
    ds = ss.spectrum(x, np.random.default_rng(2).poisson(100.0, x.size), technique="XRD")
    if not said:
        assert schema.check(ask(ds)).attrs["kind"] == "table"
        return
    with pytest.raises(errors.InputError, match=f"two_theta: the angles run from .*{said}"):
        ask(ds)


def test_width_and_area_of_a_strong_voigt_line_that_no_pseudo_voigt_is():
    """A Voigt of 30,000 counts is no pseudo-Voigt by more than counting; its width stays within its error."""
    x, spread, half = np.arange(40.0, 70.0, 0.02), 0.035, 0.015
    lines = ((43.9, 1000.0), (53.3, 100.0), (58.8, 3000.0))
    mean = 60.0 + sum(area * voigt_profile(x - at, spread, half) for at, area in lines)
    top = voigt_profile(0.0, spread, half)
    fwhm = 2.0 * brentq(lambda u: voigt_profile(u, spread, half) - top / 2.0, 0.0, 1.0)
    rows = []
    for seed in range(10):
        counts = np.random.default_rng(seed).poisson(mean)
        found = xrd.find_peaks(ss.spectrum(x, counts, technique="XRD"), wavelength="CuKa1")
        assert found.sizes["peak"] == len(lines)
        rows += pulls_of(found, [(at, area, fwhm) for at, area in lines[::2]])
    pulls = np.array(rows).reshape(10, 2, 3)
    assert np.all(np.abs(pulls.mean(axis=0)) < 1.0)
    assert np.sqrt(np.mean(pulls**2)) < 1.2
    assert np.all(found.fwhm_unc.values < 0.05 * fwhm)


def test_a_line_cut_by_a_gap_is_at_its_edge_and_one_in_the_gap_is_no_line():
    x = np.arange(20.0, 60.0, 0.02)
    lines = [(30.0, 300.0, 0.1), (40.0, 300.0, 0.1), (50.0, 300.0, 0.1)]
    counts = np.random.default_rng(4).poisson(expected(x, lines, hump=0.0))
    kept = ((x < 39.97) | (x > 41.0)) & ((x < 49.0) | (x > 51.0))
    found = xrd.find_peaks(ss.spectrum(x[kept], counts[kept], technique="XRD"), wavelength="CuKa1")
    assert np.all((found.peak_two_theta.values < 49.0) | (found.peak_two_theta.values > 51.0))
    edge = np.array(["at edge" in flag for flag in found.flag.values])
    assert not edge[np.argmin(abs(found.peak_two_theta.values - 30.0))]
    assert edge[abs(found.peak_two_theta.values - 40.0) < 0.2].all()
    shift = np.array([29.0, 31.0])
    coarse = np.unique(np.concatenate([x[x < shift[0]], np.arange(*shift, 0.05), x[x > shift[1]]]))  # joined scans
    counts = np.random.default_rng(5).poisson(expected(coarse, lines, hump=0.0))
    found = xrd.find_peaks(ss.spectrum(coarse, counts, technique="XRD"), wavelength="CuKa1")
    assert found.peak_two_theta.values.round(1).tolist() == [30.0, 40.0, 50.0]
    assert not np.any(["at edge" in flag for flag in found.flag.values])


def test_lines_sampled_finely_are_not_made_wider_by_averaging():
    x = np.arange(28.0, 52.0, 0.0025)  # 40 points in a FWHM, averaged by fives: 0.35 % of the width
    lines = [(30.0, 1e4, 0.1), (40.0, 1e4, 0.1), (50.0, 1e4, 0.1)]
    found = xrd.find_peaks(
        ss.spectrum(x, np.random.default_rng(6).poisson(expected(x, lines, eta=0.0, hump=0.0)), technique="XRD"),
        wavelength="CuKa1",
    )
    assert found.sizes["peak"] == 3
    assert np.mean(found.fwhm.values) == pytest.approx(0.1, rel=1.5e-3)
    assert np.mean(found.height.values) == pytest.approx(1e5 * profile(0.0, 0.0), rel=2e-3)
