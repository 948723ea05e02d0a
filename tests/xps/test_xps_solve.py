"""The problem behind a fit: the same numbers, and the tools of statistics and of lmfit that work on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError
from surfspec.fitting.model import BoundModel
from surfspec.xps.model import build


@pytest.fixture(scope="module")
def spectrum() -> xr.Dataset:
    energy = np.arange(176.0, 192.0, 0.1)
    table = build(ss.xps.load_recipe("Zr 3d"))
    values = np.array([6000.0 if p.name == "Zr4+ area" else p.value for p in table.model.parameters])
    expected = BoundModel(table.model, energy, np.full(energy.size, 300.0)).evaluate(values)
    counts = np.random.default_rng(0).poisson(expected).astype(float)
    return ss.spectrum(energy, counts, technique="XPS", region="Zr 3d")


def test_the_numbers_are_those_of_the_fit(spectrum: xr.Dataset) -> None:
    one, fitted = ss.xps.solve(spectrum, "Zr 3d"), ss.xps.fit(spectrum, "Zr 3d")
    count = fitted.sizes["parameter"]
    assert one.solution.names[count:] == ("lower end level", "upper end level")
    apart = np.abs(one.solution.values[:count] - fitted.value.values) / fitted.value_unc.values
    assert apart.max() < 1.0  # the fit takes the means as end levels, here they are fitted with the peaks
    ratio = one.solution.uncertainties[:count] / fitted.value_unc.values
    assert np.all((ratio > 0.6) & (ratio < 1.1)), ratio
    assert np.all(np.abs(one.solution.values[count:]) < 3.0)
    np.testing.assert_array_equal(one.y[: fitted.sizes["binding_energy"]], fitted.intensity)
    assert one.y.size == fitted.sizes["binding_energy"] + 3  # two end levels, and the prior of the splitting


@pytest.mark.parametrize("statistics", ["poisson", "given", "unknown"])
def test_profiles_agree_with_the_covariance(spectrum: xr.Dataset, statistics: str) -> None:
    data = spectrum.copy()
    data.attrs = {**spectrum.attrs, "statistics": statistics}
    if statistics == "given":
        data["intensity_unc"] = (data.intensity + 1) ** 0.5
        data["intensity_unc"].attrs = dict(data.intensity.attrs)
    one = ss.xps.solve(data, "Zr 3d")
    area = ss.fitting.profile(one.problem, one.y, "Zr4+ area", one.solution, **one.noise)
    assert (area.high - area.low) / 2 == pytest.approx(one.solution.uncertainties[0], rel=0.05)


def test_profile_intervals_cover_the_truth() -> None:
    inside, widths, values = 0, [], []
    table = build(ss.xps.load_recipe("Zr 3d"))
    truth = np.array([800.0 if p.name == "Zr4+ area" else p.value for p in table.model.parameters])
    energy = np.arange(175.0, 193.0, 0.1)
    peaks = BoundModel(table.model, energy, np.zeros(energy.size)).evaluate(truth)
    rng = np.random.default_rng(3)
    for _ in range(40):
        counts = rng.poisson(150 + peaks + 0.002 * np.cumsum(peaks)).astype(float)
        one = ss.xps.solve(ss.spectrum(energy, counts, technique="XPS", region="Zr 3d"), "Zr 3d", energy_shift=0.0)
        area = ss.fitting.profile(one.problem, one.y, "Zr4+ area", one.solution, **one.noise)
        inside += area.low < 800.0 < area.high
        widths.append((area.high - area.low) / 2)
        values.append(area.value)
    assert 0.5 <= inside / 40 <= 0.85  # 68 % with 40 spectra: +-7.4 %
    assert np.mean(widths) == pytest.approx(np.std(values), rel=0.35)


def test_replicates_and_lmfit_agree_with_it(spectrum: xr.Dataset) -> None:
    one = ss.xps.solve(spectrum, "Zr 3d")
    unc = one.solution.uncertainties[0]
    drawn = ss.fitting.bootstrap(one.problem, one.y, one.solution, replicates=100, **one.noise)
    assert drawn.uncertainties[0] == pytest.approx(unc, rel=0.3)
    fitter = ss.fitting.to_lmfit(one.problem, one.y, values=one.solution.values, **one.noise)
    theirs = fitter.minimize().params["Zr4_area"]
    assert theirs.value == pytest.approx(one.solution.values[0], abs=1e-2 * unc)
    assert theirs.stderr == pytest.approx(one.solution.uncertainties[0], rel=0.05)


def test_without_end_levels_it_is_the_plain_model(spectrum: xr.Dataset) -> None:
    shipped = ss.xps.load_recipe("Zr 3d")
    fixed = (replace(shipped.doublets[0], splitting=2.41),)
    recipe = replace(shipped, doublets=fixed, background=ss.xps.Background(kind="none"))
    assert isinstance(ss.xps.solve(spectrum, recipe).problem, BoundModel)


def test_a_series_is_refused(spectrum: xr.Dataset) -> None:
    with pytest.raises(InputError, match="series"):
        ss.xps.solve(ss.stack([spectrum, spectrum], dim="spot"), "Zr 3d")
