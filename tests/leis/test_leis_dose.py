"""Dose models against closed formulas, integration and draws of known truth."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import gammainc, gammaincc

from surfspec import leis, schema
from surfspec.errors import InputError
from surfspec.leis.film import budget, dose, dose_curve, grid_profile, layer_choice, relaxation_fit, spot_effects

Array = NDArray[np.float64]

DOSE = np.array([1.6e15, 3.2e15, 4.8e15, 6.4e15])
EDGES = np.concatenate([[0.0], DOSE])
SIGMA = 2.5e-16


def seen(layers: int, sigma: float = SIGMA, zero: float = 1.0, share: float = 0.0) -> Array:
    """Mean coverage by direct integration, not by the code's own closed form."""
    out = []
    for a, b in itertools.pairwise(EDGES):
        film = [
            quad(lambda d, n=n: gammaincc(n, sigma * d), a, b)[0] / (b - a) for n in (layers, layers + int(share > 0))
        ]
        out.append(zero * ((1 - share) * film[0] + share * film[1]))
    return np.array(out)


def table(coverage: Array, unc: float = 0.005, name: str = "a") -> xr.Dataset:
    unit = {"units": "1", "long_name": "Coverage"}
    return xr.Dataset(
        {"coverage": ("dose", coverage, unit), "coverage_unc": ("dose", np.full(coverage.size, unc), unit)},
        coords={"dose": ("dose", DOSE, {"units": "ions/cm2"})},
        attrs={"kind": "table", "technique": "LEIS", "sample": name, "simulated": "true"},
    )


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_interval_means_match_integration(layers: int) -> None:
    mean, _ = dose.mean_coverage(layers, SIGMA * EDGES[:-1], SIGMA * EDGES[1:])
    np.testing.assert_allclose(mean, seen(layers), rtol=1e-9)


@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("interval", [True, False])
def test_slopes_by_differences(layers: int, interval: bool) -> None:
    start, end, h = SIGMA * EDGES[:-1], SIGMA * EDGES[1:], 1e-6
    up, down = (dose.mean_coverage(layers, start * f, end * f, interval=interval)[0] for f in (np.exp(h), np.exp(-h)))
    np.testing.assert_allclose(
        dose.mean_coverage(layers, start, end, interval=interval)[1], (up - down) / (2 * h), atol=1e-8
    )


def test_without_the_interval_the_value_is_that_at_its_end() -> None:
    end, _ = dose.mean_coverage(2, SIGMA * EDGES[:-1], SIGMA * EDGES[1:], interval=False)
    np.testing.assert_allclose(end, gammaincc(2, SIGMA * DOSE), rtol=1e-12)


@pytest.mark.parametrize(("sigma", "inflation"), [(5e-17, 0.041), (2.5e-16, 0.23)])
def test_neglect_of_the_interval_inflates_the_zero_dose_value(sigma: float, inflation: float) -> None:
    # both curves are exponentials of the same slope, so the amplitude takes up all of it
    true = 0.7
    fit = dose.fit_dose(DOSE, seen(1, sigma, true), 1e-6 * np.eye(4), 1, interval=False)
    assert fit.zero_dose / true - 1 == pytest.approx(inflation, abs=0.005)
    assert fit.cross_section == pytest.approx(sigma, rel=1e-3)


def test_neglect_of_the_interval_prefers_a_wrong_thickness() -> None:
    tables = table(seen(2))
    right, wrong = leis.removal(tables), leis.removal(tables, interval=False)
    assert right.monolayers.item() == 2
    assert float(right.removal_cross_section) == pytest.approx(SIGMA, rel=0.01)
    assert wrong.monolayers.item() == 3
    assert "2" not in str(wrong.not_excluded.item()).split(", ")
    assert float(wrong.removal_cross_section) > 1.2 * SIGMA


def test_evidence_is_an_integral() -> None:
    covariance = np.diag([0.01, 0.01, 0.02, 0.02]) ** 2
    data = seen(2, zero=0.95)
    grid = np.linspace(np.log(1.5e-16), np.log(4e-16), 41)
    one = grid_profile.profile(DOSE, data, covariance, 2, log_sigma=grid)
    for k in (5, 20, 33):
        x = np.exp(grid[k]) * EDGES
        mean = dose.mean_coverage(2, x[:-1], x[1:])[0]

        def density(theta: float, mean: Array = mean) -> float:
            return float(np.exp(-0.5 * np.sum((data - theta * mean) ** 2 / np.diag(covariance))))

        exact = quad(density, 0.0, 1.0, epsabs=0, limit=400)[0]
        assert one.log_density()[k] == pytest.approx(np.log(exact), abs=1e-6)


def test_the_curve_is_a_mean_over_all_that_the_doses_leave_possible() -> None:
    """Against draws weighted by their likelihood: two thicknesses, coverage at zero dose, shares of the surface."""
    rng, covariance = np.random.default_rng(9), 0.02**2 * np.eye(4)
    data = seen(2, zero=0.95)
    at = np.array([0.0, 3e15, 6.4e15])
    profiles = [grid_profile.profile(DOSE, data, covariance, n, roughness=0.25) for n in (2, 3)]
    mean, sd = dose_curve.dose_curve(profiles, (2, 3), np.zeros(2), at)
    low, high = np.log(np.array(grid_profile.CROSS_SECTIONS) / DOSE[-1])
    draws = 400_000
    n, zero = rng.integers(2, 4, draws), rng.uniform(0, 1, draws)
    share, sigma = rng.uniform(-0.5, 0.5, draws), np.exp(rng.uniform(np.log(5e-17), np.log(1.2e-15), draws))
    assert low < np.log(5e-17)
    assert np.log(1.2e-15) < high
    side = n + np.sign(share).astype(int)

    def film(of: Callable[[Array], Array]) -> Array:
        return zero * ((1 - abs(share)) * of(n) + abs(share) * of(side))

    def average(layers: Array, k: int) -> Array:
        a, b = sigma * EDGES[k], sigma * EDGES[k + 1]
        whole = [x * gammaincc(layers, x) + layers * gammainc(layers + 1, x) for x in (a, b)]
        return (whole[1] - whole[0]) / (b - a)

    model = np.stack([film(lambda layers, k=k: average(layers, k)) for k in range(4)])
    chi2 = (((model - data[:, None]) / 0.02) ** 2).sum(axis=0) + (share / 0.25) ** 2
    weight = np.exp(-0.5 * chi2)
    weight /= weight.sum()
    for i, d in enumerate(at):
        values = film(lambda layers, d=d: gammaincc(layers, sigma * d))
        expected = weight @ values
        assert mean[i] == pytest.approx(expected, abs=0.002)
        assert sd[i] == pytest.approx(np.sqrt(weight @ (values - expected) ** 2), rel=0.08)


def test_profile_interval_of_a_parabola_and_of_an_open_end() -> None:
    x = np.linspace(-3.0, 3.0, 6001)
    np.testing.assert_allclose(grid_profile.interval_of(x, (x - 0.5) ** 2 / 0.04), (0.3, 0.7), atol=1e-3)
    low, high = grid_profile.interval_of(x, np.exp(-x))
    assert np.isfinite(low)
    assert np.isnan(high)


def test_zero_dose_interval_ends_at_full_coverage() -> None:
    found = layer_choice.compare_layers(DOSE, seen(2), 0.01**2 * np.eye(4))
    low, high = found.average.zero_dose_range
    assert high == 1.0
    assert 0.97 < low < 0.999


def test_pulls_of_the_joint_cross_section() -> None:
    rng = np.random.default_rng(4)
    pulls, thickness = [], []
    for _ in range(60):
        tables = {
            "a": table(seen(2, zero=0.95) + rng.normal(0, 0.01, 4), 0.01, "a"),
            "b": table(seen(3, zero=0.9) + rng.normal(0, 0.01, 4), 0.01, "b"),
        }
        found = leis.removal(tables, layers={"a": 2, "b": 3}, roughness=0)
        pulls.append((float(found.removal_cross_section) - SIGMA) / float(found.removal_cross_section_unc))
        thickness.append(float(found.sharing_p_value))
    assert 0.75 < np.std(pulls) < 1.25
    assert abs(np.mean(pulls)) < 0.45
    # chance under the truth is uniform
    assert 0.35 < np.mean(thickness) < 0.65


def test_a_film_that_is_not_of_whole_layers_does_not_exclude_its_neighbours() -> None:
    # 70 % two and 30 % three layers: held for exact the film excludes three, at half the cross-section of two
    data = table(seen(2, share=0.3), 0.003)
    exact, rough = leis.removal(data, roughness=0), leis.removal(data)
    assert abs(float(rough.removal_cross_section) - SIGMA) < 2 * float(rough.removal_cross_section_unc)
    error = abs(float(exact.removal_cross_section) - SIGMA)
    assert error > 3 * float(exact.removal_cross_section_stat_unc)
    assert rough.monolayers.item() == 2


def test_a_known_thickness_chooses_the_layers() -> None:
    data = table(seen(3), 0.02)
    free = leis.removal(data)
    assert len(str(free.not_excluded.item()).split(", ")) > 1
    known = leis.removal({"a": data}, thickness={"a": (0.713, 0.05)})
    assert known.monolayers.item() == 3
    three = known.monolayers_probability.sel(layers=3).item()
    assert three > free.monolayers_probability.sel(layers=3).item()
    assert three > 0.9


def test_samples_that_do_not_share_a_cross_section_are_told() -> None:
    both = leis.removal({"a": table(seen(1, 1e-16), 0.003), "b": table(seen(1, 3e-16), 0.003)}, layers=1, roughness=0)
    assert "sharing improbable" in both.reasons.item()
    assert float(both.sharing_p_value) < 1e-4
    np.testing.assert_allclose(both.own_cross_section, [1e-16, 3e-16], rtol=0.02)


def test_the_dose_scale_goes_on_the_cross_section_alone() -> None:
    data = table(seen(2, zero=0.9))
    plain, scaled = leis.removal(data), leis.removal(data, dose_scale_unc=0.15)
    assert float(scaled.zero_dose_coverage_unc[0]) == float(plain.zero_dose_coverage_unc[0])
    expected = np.hypot(float(plain.removal_cross_section_unc), 0.15 * float(plain.removal_cross_section))
    assert float(scaled.removal_cross_section_unc) == pytest.approx(expected)
    assert schema.check(scaled, "table").attrs["simulated"] == "true"


@pytest.mark.parametrize("change", [
    {"layers": 7}, {"dose_scale_unc": -1.0}, {"thickness": {"a": (0.5, 0.0)}}, {"start_dose": 2e15},
])  # fmt: skip
def test_bad_removals_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(InputError):
        leis.removal(table(seen(2)), **change)  # type: ignore[arg-type]


def test_incomplete_coverages_are_refused() -> None:
    broken = table(seen(2))
    broken["coverage"][1:3] = np.nan
    for bad in ({}, broken, broken.drop_vars("coverage")):
        with pytest.raises(InputError):
            leis.removal(bad)


def test_budget_and_statement() -> None:
    # 6.4e15 ions at 0.2 atoms/ion over 1.77e15 atoms of 0.238 nm
    assert budget.sputter_budget(np.array(6.4e15))[1] == pytest.approx(6.4e15 * 0.2 / 1.77e15 * 0.238)
    text = budget.statement(6.4e15, 2.5e-16, (2,), sputter_yield=(0.05, 0.2), site_density=1.77e15, monolayer=0.238)
    assert "0.043 to 0.17 nm" in text
    assert "0.44 atoms/ion, above" in text
    assert "is the dose in" not in text
    for factor in (1e4, 1e-4):
        other = budget.statement(
            6.4e15 * factor, 2.5e-16 / factor, (2,), sputter_yield=(0.05, 0.2), site_density=1.77e15, monolayer=0.238
        )
        assert other.count("is the dose in ions/cm2?") == 1
        assert "0.00" not in other.replace("0.00044", "")
    assert "determines no" in budget.statement(
        6.4e15, np.nan, (), sputter_yield=(0.05, 0.2), site_density=1.77e15, monolayer=0.238
    )


def test_spots_are_a_random_effect() -> None:
    rng = np.random.default_rng(2)
    pulls, between = [], []
    for _ in range(400):
        spots = rng.normal(0, 0.03, 6)[:, None] + rng.normal(0, 0.01, (6, 4)) + 0.5
        found = spot_effects.spot_mean(spots, np.full((6, 4), 0.01))
        pulls.append((found.mean[2] - 0.5) / np.sqrt(found.covariance[2, 2]))
        between.append(found.between**2)
    assert np.std(pulls) == pytest.approx(1.13, abs=0.15)  # Student's t of five degrees of freedom has 1.29
    assert np.sqrt(np.mean(between)) == pytest.approx(0.03, rel=0.06)
    one = spot_effects.spot_mean(np.array([[0.5, 0.4]]), np.array([[0.01, 0.02]]))
    assert np.isnan(one.between)
    np.testing.assert_allclose(np.diag(one.covariance), [1e-4, 4e-4])


def test_relaxation_of_known_series() -> None:
    rng = np.random.default_rng(8)
    pulls = []
    for _ in range(150):
        m = np.array([quad(lambda d: np.exp(-6e-16 * d), a, b)[0] / (b - a)
                      for a, b in itertools.pairwise(EDGES)])  # fmt: skip
        data = 0.8 * m + 0.36 * (1 - m) + rng.normal(0, 0.01, 4)
        found = relaxation_fit.fit_relaxation(EDGES, data, 1e-4 * np.eye(4))
        errors = np.sqrt(np.diag(found.covariance))
        pulls.append((found.values - [0.8, 0.36, np.log(6e-16)]) / errors)
    np.testing.assert_allclose(np.std(pulls, axis=0), 1.0, atol=0.25)


def test_a_free_plateau_at_a_small_cross_section_is_not_identifiable() -> None:
    m = relaxation_fit.decay(5e-17, EDGES)
    data = 1.0 * m + 0.3 * (1 - m)
    free = relaxation_fit.fit_relaxation(EDGES, data, 1e-4 * np.eye(4))
    assert not free.identifiable
    assert np.sqrt(free.covariance[2, 2]) > 1
    fixed = relaxation_fit.fit_relaxation(EDGES, data, 1e-4 * np.eye(4), end=(0.3, 0.02))
    assert fixed.identifiable
    assert np.exp(fixed.values[2]) == pytest.approx(5e-17, rel=0.01)


def areas(values: Array, unc: float) -> xr.Dataset:
    unit = {"units": "counts eV", "long_name": "Area"}
    return xr.Dataset(
        {"normalised_area": (("time", "element"), values[:, None], unit),
         "normalised_area_unc": (("time", "element"), np.full((values.size, 1), unc), unit)},
        coords={"element": ["Ag"]}, attrs={"kind": "table", "technique": "LEIS"},
    )  # fmt: skip


def test_relaxation_says_why_it_knows_nothing() -> None:
    flat = leis.relaxation(areas(np.full(8, 5.0), 0.1), dose_dim="time")
    assert np.isnan(flat.rate[0])
    assert "a constant describes the series as well" in str(flat.reasons.values[0])
    with pytest.raises(InputError, match="'Cu' was not fitted"):
        leis.relaxation(areas(np.array([3.0, 2.0, 1.0]), 0.1), dose_dim="time", end={"Cu": 1.0})
    with pytest.raises(InputError, match="cannot determine"):
        leis.relaxation(areas(np.array([3.0, 2.0, 1.0]), 0.1), dose_dim="time")


@pytest.mark.data
def test_silver_by_the_vendor_s_areas(data_dir: object) -> None:
    file = data_dir / "leis" / "he_series_theta_probe_csv" / "vendor_areas_400K_round1.csv"  # type: ignore[operator]
    if not file.is_file():
        pytest.skip(f"no {file}")
    silver = np.genfromtxt(file, delimiter=",", skip_header=1)[:, 2]
    found = leis.relaxation(areas(silver, 0.03 * silver.mean()), dose_dim="time")
    assert float(found.rate[0]) == pytest.approx(0.1689, abs=0.001)
    assert found.rate.attrs["units"] == "1"
