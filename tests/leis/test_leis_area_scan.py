"""Spectra of fixed shapes, all at once: against scipy, against the fit of one spectrum, and against known truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.optimize import minimize, nnls

from surfspec import leis, spectra
from surfspec.errors import InputError
from surfspec.fitting.members import Members
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.fixed_shapes import all_fixed, fit_fixed
from surfspec.leis.spectrum.member_fit import fit_member
from surfspec.leis.spectrum.nonnegative import Counts, Squares, linear_parts

Array = NDArray[np.float64]

INSTRUMENT = {"offset": 1.0, "resolution": 0.015, "survival": 100.0, "tail": 4.0}
RECIPE = leis.Recipe(elements=("Ni", "Pd", "Au"), energy=1000.0, angle=107.0, lag=()).with_instrument(INSTRUMENT)
ENERGY = np.linspace(*RECIPE.limits(), 240)


@pytest.fixture(scope="module")
def model() -> SpectrumModel:
    return SpectrumModel(RECIPE, ENERGY)


def shape_of(model: SpectrumModel) -> Array:
    return np.array([p.value for p in model.parameters[: model.shape_count]])


def truths(model: SpectrumModel, count: int, seed: int) -> Array:
    """Linear parameters of many spectra, (count, linear); elements and shoulders may be absent."""
    rng = np.random.default_rng(seed)
    out = np.zeros((count, len(model.linear_names)))
    for j, name in enumerate(model.linear_names):
        if name.endswith(" area"):
            out[:, j] = rng.choice([0.0, 2e3, 2e4], count) * rng.uniform(0.5, 1.0, count)
        elif name == "constant":
            out[:, j] = rng.uniform(1.0, 5.0, count)
        elif not name.endswith(" slope"):
            out[:, j] = rng.choice([0.0, 1.0], count) * rng.uniform(0.0, 40.0, count)
    return out


def simulated(model: SpectrumModel, count: int, seed: int = 0) -> tuple[Array, Array]:
    """Counts (count, n) and what they were drawn from (count, linear)."""
    truth = truths(model, count, seed)
    expected = truth @ model.design(shape_of(model)).T
    return np.random.default_rng(seed + 1).poisson(expected).astype(np.float64), truth


def test_least_squares_are_those_of_scipy(model: SpectrumModel) -> None:
    y, _ = simulated(model, 60)
    columns, sigma = model.design(shape_of(model)), np.sqrt(np.maximum(y, 1.0))
    found = linear_parts(columns, Squares(y, sigma))
    assert found.converged.all()
    size = np.linalg.norm(columns, axis=0)
    for mine, data, unc in zip(found.values, y, sigma, strict=True):
        theirs, _ = nnls(columns / size / unc[:, None], data / unc)
        cost = np.sum(((columns @ mine - data) / unc) ** 2), np.sum(((columns / size @ theirs - data) / unc) ** 2)
        assert cost[0] <= cost[1] + 1e-9
        moved = columns @ mine - columns / size @ theirs
        assert np.sqrt(np.sum((moved / unc) ** 2)) < 1e-6


def test_counts_end_where_karush_kuhn_and_tucker_say(model: SpectrumModel) -> None:
    y, _ = simulated(model, 200)
    columns = model.design(shape_of(model))
    found = linear_parts(columns, Counts.of(y))
    assert found.converged.all()
    assert np.all(found.values >= 0)
    mu = found.values @ columns.T
    gradient = (1.0 - y / mu) @ columns
    unit = np.sqrt((1.0 / mu) @ columns**2)  # one over the standard uncertainty at fixed others
    free = found.values > 0
    assert np.max(np.abs(gradient / unit)[free]) < 1e-5
    assert np.min((gradient / unit)[~free]) > -1e-5
    # and no general optimiser gets lower
    for i in (0, 3, 8):
        start, size = np.maximum(found.values[i], 1e-3) * unit[i], unit[i]

        def cost(scaled: Array, data: Array = y[i], size: Array = size) -> tuple[float, Array]:
            m = np.maximum(columns @ (scaled / size), 1e-9)
            return float(np.sum(m - data * np.log(m))), (1.0 - data / m) @ columns / size

        other = minimize(cost, start, jac=True, bounds=[(0.0, None)] * start.size, method="L-BFGS-B")
        assert cost(found.values[i] * size)[0] <= other.fun + 1e-6


@pytest.mark.parametrize("statistics", ["poisson", "given", "unknown"])
def test_the_answers_are_those_of_one_spectrum_alone(model: SpectrumModel, statistics: str) -> None:
    y, _ = simulated(model, 30)
    sigma = np.sqrt(np.maximum(y, 1.0)) if statistics == "given" else None
    many = fit_fixed(model, y, statistics, sigma)
    compared = 0
    for i in range(30):
        one, other = fit_member(model, y[i], statistics, None if sigma is None else sigma[i]), many[i]
        assert other.deviance <= one.deviance + 1e-9
        unit = np.where(one.value_unc > 0, one.value_unc, np.inf)
        assert np.nanmax(np.abs(other.value - one.value) / unit) < 1e-6
        if not np.array_equal(np.isnan(one.value_unc), np.isnan(other.value_unc)):
            continue  # a height on zero that the solver for one spectrum did not hold there, and counts as free
        compared += 1
        for name in ("area_unc", "height", "height_unc", "fwhm", "center", "background"):
            assert np.allclose(getattr(other, name), getattr(one, name), rtol=1e-6, atol=1e-6), name
        assert np.allclose(other.area_covariance, one.area_covariance, rtol=1e-5, atol=1e-5 * np.max(one.area_unc) ** 2)
        assert np.allclose([other.chi2, other.deviance], [one.chi2, one.deviance], rtol=1e-9)
        assert (other.dof, other.verdict, other.reasons) == (one.dof, one.verdict, one.reasons)
        assert other.flag.tolist() == one.flag.tolist()
    assert compared >= (6 if statistics == "unknown" else 26)


def test_areas_come_back_with_honest_uncertainties(model: SpectrumModel) -> None:
    y, truth = simulated(model, 600, seed=5)
    many = fit_fixed(model, y, "poisson", None)
    true = truth[:, model.area_columns]
    seen = true > 0  # an area of nothing can only be found too large
    pulls = ((many.area - true) / many.area_unc)[seen]
    assert abs(np.mean(pulls)) < 0.15
    assert 0.85 < np.std(pulls) < 1.15
    none = many.area[~seen] < 3 * many.area_unc[~seen]
    assert np.mean(none) > 0.98
    assert np.mean(many.verdict == "failed") < 0.08  # spectra without any element
    empty = ~np.any(seen, axis=1)
    assert np.mean(many.verdict[empty] == "failed") > 0.9
    assert np.mean(many.verdict[~empty] == "ok") > 0.98


def grid(model: SpectrumModel) -> xr.Dataset:
    y, _ = simulated(model, 12, seed=2)
    return spectra.spectrum(
        ENERGY, y.reshape(3, 4, -1), technique="LEIS", dims=("y", "x"), simulated="true", ion_energy=1000.0
    )


def test_a_scan_through_the_public_function(model: SpectrumModel) -> None:
    series, told = grid(model), []
    fit = leis.fit(series, RECIPE, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (12, 12)
    assert fit.area.dims == ("y", "x", "component")
    assert fit.attrs["simulated"] == "true"
    for place in ({"y": 0, "x": 1}, {"y": 2, "x": 3}):
        alone = leis.fit(series.isel(place), RECIPE)
        # as one of a thousand or alone: the same numbers
        xr.testing.assert_allclose(fit.isel(place).area, alone.area, rtol=1e-8)
        xr.testing.assert_allclose(fit.isel(place).area_unc, alone.area_unc, rtol=1e-6)
        assert str(fit.isel(place).verdict.values) == str(alone.verdict.values)


def test_members_without_data_are_missing_and_touch_nobody(model: SpectrumModel) -> None:
    series = grid(model)
    whole = leis.fit(series, RECIPE)
    dark = series.copy(deep=True)
    dark["intensity"][2, 2] = 0
    fit = leis.fit(dark, RECIPE)
    assert fit.verdict.values[2, 2] == "failed"
    assert "every intensity is zero" in str(fit.reasons.values[2, 2])
    assert np.isnan(fit.area.values[2, 2]).all()
    kept = np.ones((3, 4), dtype=bool)
    kept[2, 2] = False
    assert np.allclose(fit.area.values[kept], whole.area.values[kept], rtol=1e-7, atol=1e-5)
    with pytest.raises(InputError, match="every intensity is zero"):
        leis.fit(dark.isel(y=2, x=2), RECIPE)


def test_numbers_that_are_none_are_refused_member_by_member(model: SpectrumModel) -> None:
    y, _ = simulated(model, 5)
    torn = y.copy()
    torn[1, 100], torn[2], torn[3, 7] = np.nan, np.nan, -1.0
    whole, found = fit_fixed(model, y, "poisson", None), fit_fixed(model, torn, "poisson", None)
    assert found.verdict[1:4].tolist() == ["failed"] * 3
    assert ["not numbers" in found.reasons[i][0] for i in (1, 2)] == [True, True]
    assert "negative" in found.reasons[3][0]
    assert np.isnan(found.area[1:4]).all()
    assert np.allclose(found.area[[0, 4]], whole.area[[0, 4]], rtol=1e-7, atol=1e-5)


def test_rates_without_a_dwell_time_have_unknown_statistics(model: SpectrumModel) -> None:
    y, _ = simulated(model, 80, seed=3)
    counts = fit_fixed(model, y, "poisson", None)
    rates = spectra.spectrum(ENERGY, y / 0.15, technique="LEIS", units="counts/s", dims=("spot",))
    fit = leis.fit(rates, RECIPE)
    assert all("statistics unknown" in str(one) for one in fit.reasons.values)
    bright = counts.area > 5e3
    # the scatter of the residuals gives back what counting would have said
    ratio = (fit.area_unc.values * 0.15 / counts.area_unc)[bright]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.1)
    assert np.median(np.abs(fit.area.values * 0.15 - counts.area)[bright] / counts.area_unc[bright]) < 0.3


def test_only_recipes_without_free_shapes_go_this_way() -> None:
    assert all_fixed(SpectrumModel(RECIPE, ENERGY))
    assert not all_fixed(SpectrumModel(replace(RECIPE, offset=(-3.0, 3.0)), ENERGY))
    assert not all_fixed(SpectrumModel(replace(RECIPE, lag=("Au",)), ENERGY))


def test_an_answer_does_not_depend_on_the_block(model: SpectrumModel, monkeypatch: pytest.MonkeyPatch) -> None:
    y, _ = simulated(model, 20, seed=9)
    whole = fit_fixed(model, y, "poisson", None)
    monkeypatch.setattr("surfspec.leis.spectrum.fixed_shapes.BLOCK", 7)
    parts = fit_fixed(model, y, "poisson", None)
    assert isinstance(parts, Members)
    assert np.allclose(parts.area, whole.area, rtol=1e-7, atol=1e-4)
    assert parts.verdict.tolist() == whole.verdict.tolist()
