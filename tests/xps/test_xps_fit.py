"""Core-level fits: recovery and calibration on independent simulations, invariants, verdicts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.special import voigt_profile

import surfspec as ss
from surfspec.errors import InputError, RecipeError
from surfspec.xps.recipe import Background, Range

STEP = 0.1


def voigt(x: np.ndarray, center: float, gauss: float, lorentz: float) -> np.ndarray:
    """Unit-area Voigt from scipy, apart from the package's own."""
    return voigt_profile(x - center, gauss / 2.3548200450309493, lorentz / 2)


def expected(
    x: np.ndarray, area: float = 2e4, shift: float = 0.0, level: float = 500.0, step: float = 0.03
) -> np.ndarray:
    """Zr 3d on a step that is proportional to the integral of the peaks below it."""
    fine = np.arange(x[0] - 20, x[-1] + 1e-9, 0.02)
    peaks = area * (voigt(fine, 182.4 + shift, 1.2, 0.3) + 2 / 3 * voigt(fine, 184.81 + shift, 1.2, 0.3))
    total = peaks + level + step * np.cumsum(peaks) * 0.02
    return np.interp(x, fine, total)


X = np.arange(174.0, 194.0, STEP)


def measured(seed: int = 0, **options: float) -> xr.Dataset:
    y = np.random.default_rng(seed).poisson(expected(X, **options)).astype(float)
    return ss.spectrum(X, y, technique="XPS", region="Zr 3d", photon_energy=1486.6)


def test_areas_and_positions_are_unbiased_and_calibrated() -> None:
    fits = [ss.xps.fit(measured(seed), "Zr 3d") for seed in range(60)]
    area = np.array([f.area.values[0] for f in fits])
    area_unc = np.array([f.area_unc.values[0] for f in fits])
    center = np.array([f.center.values[0] for f in fits])
    pull = (area - 2e4) / area_unc
    assert abs(area.mean() / 2e4 - 1) < 0.01
    assert 0.7 < pull.std() < 1.3
    assert abs(pull.mean()) < 0.6
    assert abs(center.mean() - 182.4) < 0.003
    assert sum(f.verdict.item() == "ok" for f in fits) >= 50


def test_the_fit_dataset_adds_up() -> None:
    fit = ss.xps.fit(measured(), "Zr 3d")
    rebuilt = fit.background + fit.contribution.sum("component")
    np.testing.assert_allclose(fit.model, rebuilt.transpose(*fit.model.dims), rtol=1e-12)
    assert fit.area.values[1] == pytest.approx(fit.area.values[0] * 2 / 3)
    assert fit.line.values.tolist() == ["Zr 3d5/2", "Zr 3d3/2"]
    total_unc = float(np.sqrt(fit.area_covariance.values.sum()))
    assert total_unc == pytest.approx(float(fit.area_unc.values[0]) * 5 / 3, rel=1e-9)


def test_shift_search_finds_a_charged_sample() -> None:
    for shift in (-6.3, -2.4, 2.4, 7.0):
        x = X + shift
        y = np.random.default_rng(1).poisson(expected(x, shift=shift)).astype(float)
        raw = ss.spectrum(x, y, technique="XPS", region="Zr 3d")
        fit = ss.xps.fit(raw, "Zr 3d", shift_search=8)
        assert fit.center.values[0] == pytest.approx(182.4 + shift, abs=0.02)


def test_charge_correction_moves_the_axis_and_only_that() -> None:
    x = X + 2.31
    y = np.random.default_rng(1).poisson(expected(x, shift=2.31)).astype(float)
    raw = ss.spectrum(x, y, technique="XPS", region="Zr 3d")
    before = raw.copy(deep=True)
    fit = ss.xps.fit(raw, "Zr 3d", shift_search=8)
    moved = ss.xps.charge_correct(raw, fit)
    xr.testing.assert_identical(raw, before)
    assert abs(moved.attrs["charge_shift"] - 2.31) < 4 * moved.attrs["charge_shift_unc"]
    np.testing.assert_array_equal(moved.intensity.values, raw.intensity.values)
    back = ss.xps.undo_charge_correction(moved)
    np.testing.assert_allclose(back.binding_energy, raw.binding_energy, atol=1e-12)
    with pytest.raises(InputError, match="already shifted"):
        ss.xps.charge_correct(moved, fit)


def test_uncertainty_of_the_shift_reaches_other_regions() -> None:
    raw = measured()
    zr = ss.xps.fit(raw, "Zr 3d")
    moved = ss.xps.charge_correct({"Zr 3d": raw}, zr)["Zr 3d"]
    moved.attrs["charge_shift_unc"] = 0.05
    moved.attrs["charge_reference"] = "C 1s"
    wide = ss.xps.fit(moved, "Zr 3d")
    assert np.all(wide.center_unc.values > 0.05)


def test_reference_with_two_states_is_refused() -> None:
    y = expected(X) + 0.5 * (expected(X, shift=-3.5) - 500)
    raw = ss.spectrum(X, np.round(y), technique="XPS", region="Zr 3d")
    one = ss.xps.load_recipe("Zr 3d")
    zr = one.doublets[0]
    reduced = replace(zr, name="Zr0", center=Range(value=178.9, low=178.0, high=180.0), widths={
        "fwhm_gauss": Range(follows="Zr4+"), "fwhm_lorentz": Range(follows="Zr4+")})  # fmt: skip
    fit = ss.xps.fit(raw, replace(one, doublets=(zr, reduced), window=(175.0, 190.0)))
    with pytest.raises(ss.SurfspecError, match="several states"):
        ss.xps.charge_correct(raw, fit)
    forced = ss.xps.charge_correct(raw, fit, force=True)
    assert "several states" in forced.attrs["charge_note"]


def test_series_equals_single_fits_in_any_order() -> None:
    members = [measured(seed) for seed in range(3)]
    series = ss.stack(members, "spot")
    together = ss.xps.fit(series, "Zr 3d")
    for i, member in enumerate(members):
        alone = ss.xps.fit(member, "Zr 3d")
        np.testing.assert_allclose(together.value.values[i], alone.value.values, rtol=1e-9)
    turned = ss.xps.fit(ss.stack(members[::-1], "spot"), "Zr 3d")
    np.testing.assert_array_equal(turned.value.values[::-1], together.value.values)


def test_same_input_same_bits_and_input_untouched() -> None:
    raw = measured()
    raw.intensity.values.flags.writeable = False
    before = raw.copy(deep=True)
    xr.testing.assert_identical(ss.xps.fit(raw, "Zr 3d"), ss.xps.fit(raw, "Zr 3d"))
    xr.testing.assert_identical(raw, before)


def test_result_alone_can_be_refitted() -> None:
    fit = ss.xps.fit(measured(), "Zr 3d")
    recipe = ss.recipes.load_yaml(fit.attrs["recipe"], ss.xps.Recipe)
    again = ss.xps.fit(measured(), recipe)
    np.testing.assert_array_equal(fit.value.values, again.value.values)


def test_two_states_at_one_place_are_no_ok() -> None:
    one = ss.xps.load_recipe("Zr 3d")
    zr = one.doublets[0]
    twin = replace(zr, name="twin")
    fit = ss.xps.fit(measured(), replace(one, doublets=(zr, twin)))
    assert fit.verdict.item() != "ok"


def test_noise_alone_shows_no_peak() -> None:
    y = np.random.default_rng(0).poisson(200.0, X.size).astype(float)
    fit = ss.xps.fit(ss.spectrum(X, y, technique="XPS", region="Zr 3d"), "Zr 3d")
    assert fit.verdict.item() == "failed"
    assert "no peak detected" in fit.reasons.item()
    with pytest.raises(ss.SurfspecError):
        ss.xps.charge_correct(measured(), fit)


def test_failed_member_of_a_series_is_data_with_a_reason() -> None:
    series = ss.stack([measured(0), measured(1)], "spot")
    series.intensity.values[1] = 0.0
    fit = ss.xps.fit(series, "Zr 3d")
    assert fit.verdict.values.tolist()[1] == "failed"
    assert "zero" in fit.reasons.values[1]
    assert np.isnan(fit.area.values[1]).all()
    assert np.isfinite(fit.area.values[0]).all()


@pytest.mark.parametrize("kind", ["linear", "shirley", "shirley_iterative", "smart"])
def test_every_background_fits(kind: str) -> None:
    recipe = replace(ss.xps.load_recipe("Zr 3d"), background=Background(kind=kind))
    area = float(ss.xps.fit(measured(), recipe).area[0])
    assert area == pytest.approx(2e4, rel=0.15 if kind == "linear" else 0.03)


def test_bad_input_is_refused_in_words() -> None:
    raw = measured()
    with pytest.raises(InputError, match="every intensity is zero"):
        ss.xps.fit(raw.assign(intensity=raw.intensity * 0).assign_attrs(raw.attrs), "Zr 3d")
    with pytest.raises(InputError, match="the recipe is for 'Na 1s'"):
        ss.xps.fit(raw, "Na 1s")
    with pytest.raises(InputError, match="LEIS"):
        ss.xps.fit(ss.spectrum(X, raw.intensity.values, technique="LEIS"), "Zr 3d")
    with pytest.raises(InputError, match="no shipped recipe"):
        ss.xps.fit(raw, "Zr 4p")
    with pytest.raises((InputError, RecipeError)):
        replace(ss.xps.load_recipe("Zr 3d"), window=(190.0, 177.0))


def test_shipped_recipes_all_load_and_say_their_source() -> None:
    wanted = {"Zr 3d", "Na 1s", "P 2p", "C 1s", "O 1s", "Si 2p", "Sn 3d", "B 1s", "Zn 2p", "Pb 4f"}
    assert wanted <= set(ss.xps.recipe_names())
    for name in ss.xps.recipe_names():
        recipe = ss.xps.load_recipe(name)
        assert recipe.source
        assert recipe.region == name


def test_a_corrected_spectrum_far_from_its_recipe_wants_a_look() -> None:
    raw = measured(seed=3)
    raw.attrs["charge_shift"] = 2.0
    moved = raw.assign_coords(binding_energy=raw.binding_energy + 1.7)
    moved["binding_energy"].attrs = dict(raw["binding_energy"].attrs)
    fit = ss.xps.fit(moved, "Zr 3d")
    assert fit.attrs["energy_shift"] == 0.0
    assert "at bound" in fit.reasons.item()
    assert fit.verdict.item() != "ok"


@pytest.mark.parametrize("factor", [1000.0, 1.0, 0.01, 1e-5])
def test_with_unknown_statistics_the_unit_does_not_matter(factor: float) -> None:
    y = np.random.default_rng(7).poisson(expected(X)).astype(float)
    fits = [
        ss.xps.fit(ss.spectrum(X, k * y, technique="XPS", region="Zr 3d", units="arb. units"), "Zr 3d")
        for k in (1.0, factor)
    ]
    assert fits[1].verdict.item() == fits[0].verdict.item() == "check"
    np.testing.assert_allclose(fits[1].area.values, factor * fits[0].area.values, rtol=1e-5)
    np.testing.assert_allclose(fits[1].area_unc.values, factor * fits[0].area_unc.values, rtol=1e-3)
    counts = ss.xps.fit(ss.spectrum(X, y, technique="XPS", region="Zr 3d"), "Zr 3d")
    assert float(fits[0].area_unc[0] / counts.area_unc[0]) == pytest.approx(1.0, abs=0.25)


@pytest.mark.parametrize("fwhm", [1.0, 1.3, 1.6])
@pytest.mark.parametrize("span", [3.0, 6.0])
def test_the_search_does_not_take_one_state_for_another(fwhm: float, span: float) -> None:
    e = np.arange(272.0, 304.0, 0.1)
    y = np.random.default_rng(1).poisson(400 + 5000 * voigt(e, 285.0, fwhm, 0.1)).astype(float)
    fit = ss.xps.fit(ss.spectrum(e, y, technique="XPS", region="C 1s"), "C 1s", shift_search=span)
    assert fit.center.sel(component="C-C").item() == pytest.approx(285.0, abs=0.05)
    assert fit.area.sel(component="C-C").item() == pytest.approx(5000, rel=0.06)


@pytest.mark.parametrize(
    ("low", "high", "verdicts"),
    [(179.0, 188.5, {"ok"}), (180.0, 188.0, {"ok"}), (181.0, 186.5, {"check", "failed"})],
)
def test_a_window_that_cuts_into_the_peaks_is_said(low: float, high: float, verdicts: set[str]) -> None:
    recipe = replace(ss.xps.load_recipe("Zr 3d"), window=(low, high))
    assert ss.xps.fit(measured(seed=2), recipe).verdict.item() in verdicts


@pytest.mark.parametrize(
    "recipe",
    [None, {"recipe": "Zr 3d"}, 3, lambda: replace(ss.xps.load_recipe("Zr 3d"), background="shirley"),
     lambda: replace(ss.xps.load_recipe("Zr 3d"), peaks=ss.xps.load_recipe("C 1s").peaks[0]),
     lambda: replace(ss.xps.load_recipe("Zr 3d"), window="280-294"),
     lambda: Background(kind="linear", options={"kind": "linear"}),
     lambda: Background(options={"average": "x"}),
     lambda: Range("285", "284", "286"),
     lambda: replace(ss.xps.load_recipe("C 1s").peaks[0], line=""),
     lambda: replace(ss.xps.load_recipe("C 1s").peaks[0], shape="gauss"),
     lambda: replace(ss.xps.load_recipe("Zr 3d").doublets[0], ratio=-1.0)],
)  # fmt: skip
def test_bad_recipes_are_refused_in_words(recipe: object) -> None:
    with pytest.raises(ss.SurfspecError):
        ss.xps.fit(measured(), recipe() if callable(recipe) else recipe)


def test_a_fixed_centre_may_be_written_as_a_range() -> None:
    one = ss.xps.load_recipe("Zr 3d")
    fixed = replace(one.doublets[0], center=Range(182.4, 182.4, 182.4))
    assert ss.xps.fit(measured(), replace(one, doublets=(fixed,))).center_unc.values[0] == 0.0


@pytest.mark.parametrize("span", [-3.0, float("nan"), "3", True])
def test_bad_search_is_refused(span: object) -> None:
    with pytest.raises(InputError, match="shift_search"):
        ss.xps.fit(measured(), "Zr 3d", shift_search=span)


def test_a_number_that_a_limit_holds_has_no_uncertainty() -> None:
    one = ss.xps.load_recipe("Zr 3d")
    held = replace(one.doublets[0], center=Range(182.0, 181.0, 182.1))
    fit = ss.xps.fit(measured(), replace(one, doublets=(held,)), shift_search=0)
    assert "at bound: Zr4+ center" in fit.reasons.item()
    assert np.isnan(fit.center_unc.values).all()
    assert np.isnan(fit.value_unc.sel(parameter="Zr4+ center").item())
    assert np.isfinite(fit.area_unc.values).all()
    with pytest.raises(ss.SurfspecError):
        ss.xps.charge_correct(measured(), fit)


def test_a_step_is_no_peak() -> None:
    with pytest.raises(InputError, match="no peak"):
        ss.xps.Peak(name="edge", line="C 1s", center=285.0, shape="edge")
