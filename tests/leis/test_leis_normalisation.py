"""Normalised areas: spots as a random effect, uncertainties of the model, the rule; ratios of two surfaces; totals."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from surfspec import leis, schema, spectra
from surfspec.errors import InputError, NotDeterminedError
from surfspec.leis.amounts.layout import Layout
from surfspec.leis.amounts.neighbours import NEAR, TRADE, near, trade_covariance
from surfspec.leis.amounts.spots import over_spots

Array = NDArray[np.float64]

ENERGY = np.arange(900.0, 2850.0, 5.0)
RECIPE = leis.Recipe(elements=("O", "P", "Zr"), foot=False)


def series(spots: int, seed: int, scatter: float = 0.0) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(spots):
        heights = np.array([900.0, 300.0, 400.0]) * np.exp(scatter * rng.standard_normal(3))
        peaks = sum(
            h * np.exp(-0.5 * ((ENERGY / e - 1) / 0.012) ** 2)
            for h, e in zip(heights, (1182.0, 1869.5, 2557.0), strict=True)
        )
        rows.append(rng.poisson(5 + peaks))
    return spectra.spectrum(ENERGY, rows, technique="LEIS", simulated="true", dims=("spot",))


@pytest.fixture(scope="module")
def fit() -> xr.Dataset:
    return leis.fit(series(3, 1, 0.05), RECIPE)


def test_three_spots_by_hand() -> None:
    values, unc = np.array([[0.30], [0.36], [0.33]]), np.full((3, 1), 0.02)
    of = over_spots(values, unc)
    sd = 0.03
    assert of.mean[0] == pytest.approx(0.33)
    assert of.sd[0] == pytest.approx(sd)
    assert of.between[0] == pytest.approx(np.sqrt(sd**2 - 0.02**2))
    assert of.standard[0] == pytest.approx(np.sqrt((of.between[0] ** 2 + 0.02**2) / 3))
    assert of.half[0] == pytest.approx(2.484 * sd, rel=1e-3)
    # the standard deviation of three is known to a factor of 0.52 to 6.28
    assert of.sd_low[0] / sd == pytest.approx(0.521, abs=1e-3)
    assert of.sd_high[0] / sd == pytest.approx(6.285, abs=1e-3)
    quiet = over_spots(values, np.full((3, 1), 0.05))
    assert quiet.between[0] == 0
    assert quiet.standard[0] == pytest.approx(0.05 / np.sqrt(3))
    single = over_spots(values[:1], unc[:1])
    assert single.half[0] == pytest.approx(1.96 * 0.02, rel=1e-3)
    assert np.all(np.isnan([single.sd[0], single.between[0], single.between_high[0], single.sd_low[0]]))
    gap = over_spots(np.array([[0.30], [np.nan], [0.36]]), unc)
    assert gap.mean[0] == pytest.approx(0.33)


@pytest.mark.parametrize("tau", [0.0, 0.02, 0.05])
def test_the_interval_between_spots_holds_what_it_says(tau: float) -> None:
    rng = np.random.default_rng(3)
    n, trials, u = 5, 4000, 0.02
    values = rng.normal(0, tau, (trials, n, 1)) + rng.normal(0, u, (trials, n, 1))
    of = over_spots(values, np.full_like(values, u))
    inside = (of.between_low[:, 0] <= tau) & (tau <= of.between_high[:, 0])
    # where the truth is zero the lower end cannot miss it
    assert np.mean(inside) == pytest.approx(0.975 if tau == 0 else 0.95, abs=0.012)
    narrow = of.sd_low[:, 0] <= np.hypot(tau, u)
    assert np.mean(narrow & (np.hypot(tau, u) <= of.sd_high[:, 0])) == pytest.approx(0.95, abs=0.012)
    if tau > u:
        assert np.mean(of.between[:, 0] ** 2) == pytest.approx(tau**2, rel=0.1)


def test_the_table_says_how_it_was_made(fit: xr.Dataset) -> None:
    table = leis.normalise(fit, exclude=("P",), level=0.01)
    schema.check(table, "table")
    assert "detected elements but P" in table.attrs["rule"]
    assert "p < 0.01" in table.attrs["rule"]
    assert table.attrs["model_uncertainty"] == 0.01
    sd, spread = table.normalised_area_sd, table.spot_normalised_area_unc
    expected = np.sqrt(np.maximum(sd**2 - (spread**2).mean("spot"), 0))
    np.testing.assert_allclose(table.between_spot_sd, expected, rtol=1e-9)
    assert bool((table.between_spot_sd_low <= table.between_spot_sd).all())
    assert bool((table.between_spot_sd <= table.between_spot_sd_high).all())


def test_model_uncertainties_by_element_and_by_area(fit: xr.Dataset) -> None:
    none = leis.normalise(fit, model_uncertainty=0.0)
    named = leis.normalise(fit, model_uncertainty={"O": 0.03, "P": 0.0})
    added = np.sqrt(named.normalised_area_unc**2 - none.normalised_area_unc**2)
    np.testing.assert_allclose(added, [0.03, 0.0, 0.01], atol=1e-6)  # Zr: not named, so the default
    assert named.attrs["model_uncertainty"] == "O 0.03, P 0, Zr 0.01"
    assert leis.normalise(fit, model_uncertainty={"Zr": 0.0}).attrs["model_uncertainty"] == "O 0.01, P 0.01, Zr 0"
    # by areas: compare with shares of areas that are drawn with these uncertainties
    wrong = xr.DataArray([800.0, 300.0, 0.0], dims="element", coords={"element": list(RECIPE.elements)})
    by_area = leis.normalise(fit, model_uncertainty=0.0, area_model_unc=wrong)
    rng = np.random.default_rng(5)
    mean = fit.area.values.mean(axis=0)
    draws = mean + rng.standard_normal((20000, 3)) * wrong.values
    spread = (draws / draws.sum(axis=1, keepdims=True)).std(axis=0)
    extra = np.sqrt(by_area.normalised_area_unc**2 - none.normalised_area_unc**2)
    np.testing.assert_allclose(extra, spread, rtol=0.05)
    np.testing.assert_allclose(by_area.model_unc, extra, rtol=1e-6)
    # over the spots too, and under the other name of the elements
    each = wrong.rename({"element": "component"}).expand_dims(spot=3)
    np.testing.assert_allclose(
        leis.normalise(fit, model_uncertainty=0.0, area_model_unc=each).normalised_area_unc, by_area.normalised_area_unc
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([1.0], "area_model_unc is a list"),
        (xr.DataArray([1.0, 2.0], dims="component", coords={"component": ["O", "P"]}), "no Zr"),
        (
            xr.DataArray(np.ones((1, 3)), dims=("dose", "component"), coords={"component": ["O", "P", "Zr"]}),
            "dimensions dose",
        ),
        (xr.DataArray([1.0, -2.0, 1.0], dims="component", coords={"component": ["O", "P", "Zr"]}), "negative"),
    ],
)
def test_model_uncertainties_that_do_not_fit(fit: xr.Dataset, given: xr.DataArray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        leis.normalise(fit, area_model_unc=given)


def test_failed_members_are_left_out_and_named(fit: xr.Dataset) -> None:
    whole = leis.normalise(fit.isel(spot=[0, 2]))
    broken = fit.copy(deep=True)
    broken["verdict"][1] = "failed"
    broken["reasons"][1] = "not converged"
    broken["area"][1] = broken["area"][1].values[::-1]
    table = leis.normalise(broken)
    schema.check(table, "table")
    np.testing.assert_allclose(table.normalised_area, whole.normalised_area)
    np.testing.assert_allclose(table.normalised_area_unc, whole.normalised_area_unc)
    np.testing.assert_allclose(table.p_value, whole.p_value)
    assert float(table.spot_count) == 2
    assert table.verdict.item() == "check"
    assert "model inadequate: 1 of 3 fits failed and are left out (not converged)" in table.reasons.item()
    assert leis.normalise(fit).verdict.item() == "ok"
    forced = leis.normalise(broken, force=True)
    assert float(forced.spot_count) == 3
    broken["verdict"][:] = "failed"
    with pytest.raises(NotDeterminedError, match="failed fit"):
        leis.normalise(broken)


def test_a_dose_without_any_fit_has_no_value(fit: xr.Dataset) -> None:
    doses = xr.concat([fit, fit], xr.DataArray([1.0, 2.0], dims="dose", attrs={"units": "1"})).copy(deep=True)
    doses.attrs = fit.attrs
    doses["verdict"][1] = "failed"
    table = leis.normalise(doses)
    assert bool(np.isnan(table.normalised_area.isel(dose=1)).all())
    assert bool(np.isnan(table.p_value.isel(dose=1)).all())
    np.testing.assert_allclose(table.normalised_area.isel(dose=0), leis.normalise(fit).normalised_area)


def test_blanks_that_failed_or_were_fitted_in_another_way(fit: xr.Dataset) -> None:
    other = leis.fit(series(3, 8), leis.Recipe(elements=("O", "P", "Zr"), foot=False, isotopes=False))
    with pytest.raises(InputError, match="the sample was fitted with isotopes True, the blank for P with False"):
        leis.normalise(fit, blanks={"P": other})
    blank = leis.fit(series(5, 8), RECIPE)
    broken = blank.copy(deep=True)
    broken["verdict"][3] = "failed"
    broken["area"][3] = 1e5
    less = leis.normalise(fit, blanks={"P": broken})
    np.testing.assert_allclose(less.p_value, leis.normalise(fit, blanks={"P": blank.isel(spot=[0, 1, 2, 4])}).p_value)
    assert "1 of 5 fits failed and are left out" in less.reasons.item()
    assert less.reasons.item().endswith("of the blank for P")
    broken["verdict"][:] = "failed"
    with pytest.raises(NotDeterminedError, match="the blank for P"):
        leis.normalise(fit, blanks={"P": broken})


def test_neighbours_trade_what_they_keep_together(fit: xr.Dataset) -> None:
    center, fwhm = np.array([1000.0, 1500.0, 1580.0, 1600.0]), np.array([40.0, 60.0, 60.0, 30.0])
    pairs = near(center, fwhm)
    assert np.argwhere(np.triu(pairs)).tolist() == [[1, 2], [2, 3]]  # 100 eV apart with widths of 60 and 30 is far
    assert NEAR * 45 < 100
    one = fit.isel(spot=0, component=[0, 1, 2]).copy()
    one["center"] = one.center.copy(data=np.array([1000.0, 1500.0, 1580.0]))
    one["fwhm"] = one.fwhm.copy(data=np.full(3, 60.0))
    layout = Layout.of(one, "spot")
    both = trade_covariance(one, layout, np.array([True, True, True]))
    np.testing.assert_allclose(both, TRADE**2 * np.array([[0, 0, 0], [0, 1, -1], [0, -1, 1]]))
    assert np.ones(3) @ both @ np.ones(3) == 0  # their sum is sure
    assert not np.any(trade_covariance(one, layout, np.array([True, True, False])))
    # by default it is in the uncertainty of shares, and never in what is asked of an element
    plain, more = leis.normalise(one, model_uncertainty=0.01), leis.normalise(one)
    added = np.sqrt(more.normalised_area_unc**2 - plain.normalised_area_unc**2)
    np.testing.assert_allclose(added, [0.0, TRADE, TRADE], atol=1e-6)
    np.testing.assert_array_equal(more.p_value, plain.p_value)


def test_spots_need_not_come_last(fit: xr.Dataset) -> None:
    doses = xr.concat([fit, fit], xr.DataArray([1.0, 2.0], dims="dose", attrs={"units": "1"}))
    doses.attrs = fit.attrs
    first, second = leis.normalise(doses), leis.normalise(doses.transpose("spot", "dose", ...))
    assert first.normalised_area.dims == ("dose", "element")
    np.testing.assert_allclose(first.normalised_area, second.normalised_area)
    np.testing.assert_allclose(
        first.normalised_area.isel(dose=0), leis.normalise(fit).normalised_area.values, rtol=1e-12
    )


def table(value: float, unc: float, count: float = 1.0, model: float = 0.0, detected: int = 1) -> xr.Dataset:
    one = {"units": "1", "long_name": "x"}
    return xr.Dataset(
        {
            "normalised_area": ("element", [value], one),
            "normalised_area_unc": ("element", [np.hypot(unc, model)], one),
            "model_unc": ("element", [model], one),
            "between_spot_sd": ("element", [unc], one),
            "spot_count": ((), count, one),
            "detected": ("element", [detected], one),
        },
        coords={"element": ["Na"]},
        attrs={"kind": "table", "technique": "LEIS"},
    )


def test_ratio_of_two_surfaces() -> None:
    rng = np.random.default_rng(2)
    found = leis.area_ratio(table(0.5, 0.02), table(0.22, 0.02), factor=2.0)
    a, b = rng.normal(0.5, 0.02, 200_000), rng.normal(0.22, 0.02, 200_000)
    assert found.probability.item() == pytest.approx(np.mean(a > 2 * b), abs=0.005)
    assert found.ratio.item() == pytest.approx(0.5 / 0.22)
    assert found.ratio_unc.item() == pytest.approx(np.std(a / b), rel=0.1)
    schema.check(found, "table")
    # uncertainties that were learned from three spots leave more doubt, by Student's distribution of 2 to 4
    few = leis.area_ratio(table(0.5, 0.02, 3.0), table(0.22, 0.02, 3.0), factor=2.0)
    assert 2 <= few.dof.item() <= 4
    far = {"factor": 1.5}
    assert (
        leis.area_ratio(table(0.5, 0.02, 3.0), table(0.22, 0.02, 3.0), **far).probability.item()
        < leis.area_ratio(table(0.5, 0.02), table(0.22, 0.02), **far).probability.item()
    )
    known = leis.area_ratio(table(0.5, 1e-6, 3.0, 0.02), table(0.22, 1e-6, 3.0, 0.02), factor=2.0)
    assert known.probability.item() == pytest.approx(norm.cdf(0.06 / np.hypot(0.02, 0.04)), rel=1e-6)
    hidden = leis.area_ratio(table(0.5, 0.02), table(0.01, 0.02, detected=0))
    assert np.isnan(hidden.ratio.item())
    assert hidden.probability.item() > 0.999


def test_ratios_that_cannot_be() -> None:
    with pytest.raises(InputError, match="factor is 0"):
        leis.area_ratio(table(0.5, 0.02), table(0.2, 0.02), factor=0.0)
    with pytest.raises(InputError, match="no normalised_area"):
        leis.area_ratio(table(0.5, 0.02).drop_vars("normalised_area"), table(0.2, 0.02))
    with pytest.raises(InputError, match="dimensions"):
        leis.area_ratio(table(0.5, 0.02), table(0.2, 0.02).isel(element=0))
    with pytest.raises(InputError, match="differ"):
        leis.area_ratio(table(0.5, 0.02), table(0.2, 0.02).assign_coords(element=["P"]))


def test_the_total_of_a_series_counts_on() -> None:
    one = series(3, 4).assign_attrs(dwell_time=0.5, scans=2)
    added = spectra.total(one, "spot")
    np.testing.assert_array_equal(added.intensity.values, one.intensity.values.sum(axis=0))
    assert added.attrs["statistics"] == "poisson"
    assert added.attrs["members"] == 3
    assert added.attrs["scans"] * added.attrs["dwell_time"] == pytest.approx(3.0)
    assert added.attrs["simulated"] == "true"
    # more counts, the same shares, smaller uncertainties
    single, sum_ = leis.fit(one.isel(spot=0), RECIPE), leis.fit(added, RECIPE)
    gain = float((sum_.area_unc / sum_.area).sel(component="O")) / float(
        (single.area_unc / single.area).sel(component="O")
    )
    assert gain == pytest.approx(1 / np.sqrt(3), rel=0.1)


def test_totals_of_rates_gaps_and_more_dimensions() -> None:
    rate = spectra.spectrum(
        [1.0, 2.0, 3.0], [[2.0, 4.0, 6.0], [4.0, 8.0, 6.0]], technique="LEIS", units="counts/s",
        intensity_unc=[[0.3, 0.3, 0.3], [0.4, 0.4, 0.4]], dims=("cycle",),
    )  # fmt: skip
    mean = spectra.total(rate, "cycle")
    np.testing.assert_allclose(mean.intensity, [3.0, 6.0, 6.0])
    np.testing.assert_allclose(mean.intensity_unc, 0.25)
    counts = spectra.spectrum([1, 2, 3], np.arange(18).reshape(2, 3, 3), technique="LEIS", dims=("cycle", "spot"))
    both = spectra.total(counts, "cycle")
    assert both.intensity.dims == ("spot", "kinetic_energy")
    np.testing.assert_array_equal(both.intensity, counts.intensity.sum("cycle"))
    for dim in ("kinetic_energy", "dose"):
        with pytest.raises(InputError, match=f"no series dimension '{dim}'"):
            spectra.total(counts, dim)
