"""Where the fits of a series begin, and what is said of parameters that a limit holds; simulated spectra (labelled)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import least_squares

import surfspec as ss
from surfspec import leis, reference, spectra
from surfspec.errors import InputError
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum import maximisation
from surfspec.leis.spectrum.projection import linear_part
from surfspec.report.results_leis import energy_offset

Array = NDArray[np.float64]

ELEMENTS = ("O", "Na", "Si", "P", "Zr")
RECIPE = leis.Recipe(elements=ELEMENTS)
DOSE = (1.6e15, 3.2e15, 4.8e15, 6.4e15)
ENERGY = np.arange(885.0, 2855.0, 5.0)


def series(sample: str, area: int) -> xr.Dataset:
    """Return a dose series of the study that is shipped, which is simulated and says so."""
    names = [f"{sample}_area{area}_dose{d}.csv" for d in (1, 2, 3, 4)]
    members = [ss.read(reference.path("nasicon_study", "leis", name)) for name in names]
    assert all(one.attrs["simulated"] == "true" for one in members)
    return spectra.stack(members, "dose", DOSE, units="ions/cm2")


@pytest.fixture(scope="module", params=[("as_sintered", 1), ("annealed", 3)], ids=["as_sintered", "annealed"])
def data(request: pytest.FixtureRequest) -> xr.Dataset:
    return series(*request.param)


@pytest.fixture(scope="module")
def fresh(data: xr.Dataset) -> xr.Dataset:
    return leis.fit(data, RECIPE)


def apart(one: xr.Dataset, other: xr.Dataset) -> float:
    """Return the largest distance of areas and shape parameters in standard uncertainties."""
    known = one.value_unc.where(one.value_unc > 0)
    areas = np.abs(other.area - one.area) / one.area_unc
    return max(float(areas.max()), float((np.abs(other["value"] - one["value"]) / known).max()))


@pytest.mark.parametrize("start", ["neighbour", "global"])
def test_every_way_to_begin_finds_the_same_answer(data: xr.Dataset, fresh: xr.Dataset, start: str) -> None:
    other = leis.fit(data, RECIPE, start=start, along="dose" if start == "neighbour" else None)
    assert apart(fresh, other) < 0.1
    np.testing.assert_allclose(other.deviance, fresh.deviance, atol=0.01)
    assert other.verdict.values.tolist() == fresh.verdict.values.tolist()
    # the fits did begin elsewhere
    first = other["start"].sel(parameter="resolution").values - fresh["start"].sel(parameter="resolution").values
    assert np.any(first != 0.0)


def test_the_order_of_members_does_not_change_a_fresh_fit(data: xr.Dataset, fresh: xr.Dataset) -> None:
    order = [2, 0, 3, 1]
    turned = leis.fit(data.isel(dose=order), RECIPE, start="fresh")
    for name in ("value", "value_unc", "area", "covariance", "deviance"):
        np.testing.assert_array_equal(turned[name], fresh[name].isel(dose=order))


def test_old_and_new_meanings_of_start() -> None:
    one = series("as_sintered", 1).isel(dose=0)
    plain = leis.fit(one, RECIPE)
    xr.testing.assert_identical(plain, leis.fit(one, RECIPE, start="fresh"))
    xr.testing.assert_identical(plain, leis.fit(one, RECIPE, start={}))
    for start in ({"offset": -8.0, "tail": 25.0}, "neighbour", "global"):
        # a single spectrum has no neighbour and is its own mean
        assert apart(plain, leis.fit(one, RECIPE, start=start)) < 0.1


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"start": "warm"}, "not known"),
        ({"start": ["offset", 3.0]}, "start is a list"),
        ({"start": {"O area": 3.0}}, "no start value"),
        ({"start": "neighbour", "along": "spot"}, "no series dimension"),
    ],
)
def test_unknown_starts_are_refused(keywords: Mapping[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        leis.fit(series("as_sintered", 1).isel(dose=[0, 1]), RECIPE, **keywords)  # type: ignore[arg-type]


def test_signal_above_the_window_is_told_of_members_however_they_begin() -> None:
    light = leis.Recipe(elements=("O", "Na", "P"), foot=False)
    both = series("polished", 1).isel(dose=[0, 3])
    for start in ("neighbour", "global"):
        fit = leis.fit(both, light, start=start)
        assert ["above the window" in str(one) for one in fit.reasons.values] == [True, True]


def test_an_edge_at_its_peak_is_left_for_a_higher_likelihood(monkeypatch: pytest.MonkeyPatch) -> None:
    one = series("annealed", 3).isel(dose=3)
    best = leis.fit(one, RECIPE)
    monkeypatch.setattr(maximisation, "_lags_again", lambda model, solution: ())
    trapped = leis.fit(one, RECIPE)
    assert float(trapped["value"].sel(parameter="Zr lag")) == 0.0
    assert float(best["value"].sel(parameter="Zr lag")) > 30.0
    assert float(trapped.deviance - best.deviance) > 5.0


def test_an_edge_near_its_peak_is_left_for_a_higher_likelihood_far_from_it() -> None:
    one = series("ref_NZSP", 1).isel(dose=0)
    best = leis.fit(one, RECIPE)
    # from a lag beyond the second maximum there is no way to the lower one
    far = leis.fit(one, RECIPE, start={"Zr lag": 70.0})
    assert float(best.deviance) == pytest.approx(float(far.deviance), abs=1e-3)
    assert apart(best, far) < 0.1
    assert float(best["value"].sel(parameter="Zr lag")) > 50.0
    near = leis.fit(one, leis.Recipe(elements=ELEMENTS, lag_range=(0.0, 20.0)))
    assert float(near.deviance - best.deviance) > 4.0


@pytest.mark.parametrize(("sample", "area", "dose"), [("ref_NZSP", 2, 0), ("ref_NZSP", 3, 2), ("polished", 1, 3)])
def test_no_start_of_the_lag_finds_a_higher_likelihood(sample: str, area: int, dose: int) -> None:
    one = series(sample, area).isel(dose=dose)
    best = leis.fit(one, RECIPE)
    for lag in (3.0, 70.0, 120.0):
        other = leis.fit(one, RECIPE, start={"Zr lag": lag})
        assert float(best.deviance) < float(other.deviance) + 1e-3


@pytest.mark.parametrize("dose", [0, 3])
def test_a_plain_optimiser_finds_the_same_end(dose: int) -> None:
    """Bounded least squares of deviance residuals over all parameters at once, with derivatives by differences."""
    one = series("as_sintered", 1).isel(dose=dose)
    cut = spectra.crop(one, *RECIPE.limits())
    y = np.array(cut.intensity.values, dtype=np.float64)
    model = SpectrumModel(RECIPE, cut.kinetic_energy.values)
    shape = np.array([p.value for p in model.parameters[: model.shape_count]])
    heights = linear_part(model.design(shape), y, np.sqrt(np.maximum(y, 1.0)))
    low, high = (np.array([getattr(p, end) for p in model.parameters]) for end in ("low", "high"))
    begin = np.clip(np.concatenate([shape, np.maximum(heights, 1e-3 * heights.max())]), low + 1e-9, high)

    def residuals(values: Array) -> Array:
        expected = np.maximum(model.evaluate(values), 1e-9)
        log = np.where(y > 0, y * np.log(np.maximum(y, 1e-300) / expected), 0.0)
        return np.sign(y - expected) * np.sqrt(2.0 * np.maximum(log - (y - expected), 0.0))

    plain = least_squares(residuals, begin, bounds=(low, high), x_scale="jac", max_nfev=300)
    fit = leis.fit(one, RECIPE)
    assert float(fit.deviance) < 2.0 * plain.cost + 1e-5
    np.testing.assert_allclose(fit.deviance, 2.0 * plain.cost, atol=1e-3)
    areas = plain.x[model.shape_count + model.area_columns]
    assert np.max(np.abs(fit.area.values - areas) / fit.area_unc.values) < 0.02


def simulate(seed: int, **known: float) -> xr.Dataset:
    model = SpectrumModel(RECIPE, ENERGY)
    kinds = {"shoulder": 150.0, "slope": 200.0, "foot": 120.0, "area": 6e4}
    known = {"offset": 3.0, "resolution": 0.022, "survival": 110.0, "tail": 9.0, "Zr lag": 20.0} | known
    known |= {"Si area": 0.0, "sputter tail": 200.0}
    values = [known.get(p.name, kinds.get(p.name.split()[-1], 0.5)) for p in model.parameters]
    counts = np.random.default_rng(seed).poisson(model.evaluate(np.array(values)))
    return spectra.spectrum(ENERGY, counts, technique="LEIS", simulated="true")


def test_a_parameter_on_a_limit_has_no_uncertainty_and_areas_keep_theirs() -> None:
    data = spectra.stack([simulate(seed) for seed in (1, 2, 3)], "spot")
    fit = leis.fit(data, leis.Recipe(elements=ELEMENTS, offset=(-30.0, 0.0)))
    assert bool((fit["value"].sel(parameter="offset") == 0.0).all())
    assert all("at bound: offset" in str(one) for one in fit.reasons.values)
    assert bool(np.isnan(fit.value_unc.sel(parameter="offset")).all())
    assert bool(np.isnan(fit.covariance.sel(parameter="offset")).all())
    assert bool(np.isnan(fit.center_unc).all())
    for kept in (fit.area_unc, fit.area_covariance, fit.fwhm_unc, fit.height_unc):
        assert bool(np.isfinite(kept).all())
    assert bool((fit.area_unc > 0).all())
    # whatever is made of such fits
    table = leis.normalise(fit, exclude=("Na",))
    assert bool(np.isfinite(table.normalised_area_unc).all())
    assert leis.detect(fit).detected.sel(element="O").values.tolist() == [1, 1, 1]
    other = leis.fit(
        spectra.stack([simulate(seed, **{"Zr area": 2e4, "P area": 1e5}) for seed in (4, 5)], "spot"), RECIPE
    )
    covered = leis.coverage(fit, film=other, substrate=fit)
    assert bool(np.isfinite(covered.coverage_unc))
    assert energy_offset(fit) is None
    assert "offset" in ss.summary(fit)


def test_a_width_that_follows_a_limit_is_not_determined() -> None:
    narrow = leis.Recipe(elements=ELEMENTS, resolution=(0.002, 0.015))
    fit = leis.fit(simulate(6), narrow)
    assert float(fit["value"].sel(parameter="resolution")) == pytest.approx(0.015)
    for unknown in (fit.value_unc.sel(parameter="resolution"), fit.fwhm_unc):
        assert bool(np.isnan(unknown).all())
    strong = fit.area.values > 0
    assert bool(np.isnan(fit.height_unc.values[strong]).all())
    assert np.isfinite(fit.area_unc).all()
    # what the recipe fixes is known by decree
    fixed = leis.fit(simulate(6), RECIPE.with_instrument({"resolution": 0.022}))
    assert float(fixed.value_unc.sel(parameter="resolution")) == 0.0
    assert np.isfinite(fixed.fwhm_unc).all()


def test_heights_that_lie_on_zero_are_no_certain_zeros(fresh: xr.Dataset) -> None:
    heights = [str(p) for p in fresh.parameter.values if str(p).endswith(("shoulder", "slope", "foot"))]
    value, unc = fresh["value"].sel(parameter=heights).values, fresh.value_unc.sel(parameter=heights).values
    assert np.any(value == 0.0)
    assert np.all(np.isnan(unc[value == 0.0]))
    assert np.all(unc[value > 0.0] > 0.0)
    assert bool((fresh.area_unc > 0).all())
