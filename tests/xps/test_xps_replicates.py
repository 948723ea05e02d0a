"""Error bars from replicates against those of the covariance, and what cannot be asked of them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError
from surfspec.fitting.model import BoundModel
from surfspec.xps.model import build

X = np.arange(175.0, 193.0, 0.1)


def spectrum(area: float, seed: int) -> xr.Dataset:
    """Simulated: the shipped doublet on a level."""
    table = build(ss.xps.load_recipe("Zr 3d"))
    values = np.array([area if p.name == "Zr4+ area" else p.value for p in table.model.parameters])
    counts = np.random.default_rng(seed).poisson(BoundModel(table.model, X, np.full(X.size, 200.0)).evaluate(values))
    return ss.spectrum(X, counts.astype(float), technique="XPS", region="Zr 3d")


@pytest.fixture(scope="module")
def series() -> xr.Dataset:
    return ss.stack([spectrum(3000.0, 0), spectrum(1000.0, 1), spectrum(0.0, 2)], dim="spot")


@pytest.fixture(scope="module")
def fitted(series: xr.Dataset) -> xr.Dataset:
    return ss.xps.fit(series, "Zr 3d", energy_shift=0.0)


def test_replicates_scatter_as_the_covariance_says(series: xr.Dataset, fitted: xr.Dataset) -> None:
    found = ss.check(ss.xps.bootstrap(series, fitted, replicates=300, engine="numpy"), "fit")
    for name in ("area", "center", "fwhm", "height"):  # their error bars hold the bias as well
        scatter = np.sqrt(found[f"{name}_unc"] ** 2 - found[f"{name}_bias"] ** 2)
        ratio = (scatter / fitted[f"{name}_unc"]).values[:2]
        # the standard deviation of 300 is known to 4 %; the second order of the weaker one adds some
        assert np.all((ratio > 0.82) & (ratio < 1.2)), (name, ratio)
    assert np.all(found.area_low.values[:2] < found.area_high.values[:2])
    width = (found.area_high - found.area_low).values[:2] / (2 * found.area_unc.values[:2])
    assert np.all((width > 0.85) & (width < 1.15))
    assert np.all(np.abs(found.area_bias.values[:2]) < found.area_unc.values[:2])
    assert found.replicates.values.tolist() == [300, 300, 0]
    assert np.isnan(found.area_unc.values[2]).all()
    assert found.attrs["uncertainties"] == "bootstrap, parametric, 300 replicates"
    np.testing.assert_array_equal(found.area, fitted.area)
    diagonal = np.sqrt(np.diagonal(found.area_covariance.values, axis1=1, axis2=2))
    np.testing.assert_allclose(diagonal[:2], found.area_unc.values[:2])


def test_the_same_seed_gives_the_same_and_members_do_not_know_each_other(
    series: xr.Dataset, fitted: xr.Dataset
) -> None:
    one = ss.xps.bootstrap(series, fitted, replicates=20, engine="numpy")
    xr.testing.assert_identical(one, ss.xps.bootstrap(series, fitted, replicates=20, engine="numpy"))
    first = ss.xps.bootstrap(series.isel(spot=[0]), fitted.isel(spot=[0]), replicates=20, engine="numpy")
    np.testing.assert_array_equal(first.area_unc, one.area_unc[:1])
    other = ss.xps.bootstrap(series, fitted, replicates=20, seed=1, engine="numpy")
    assert not np.array_equal(other.area_unc[:2], one.area_unc[:2])


def test_residuals_know_noise_that_the_statistics_do_not() -> None:
    """Counts whose noise is twice as large as Poisson's: the parametric error bars are half of the residual ones."""
    quiet = spectrum(20000.0, 3)
    clean = ss.xps.fit(quiet, "Zr 3d", energy_shift=0.0)
    noise = np.random.default_rng(4).normal(0.0, np.sqrt(3.0 * quiet.intensity.values))
    loud = quiet.assign(intensity=(quiet.intensity + noise).clip(0.0))
    loud.intensity.attrs = quiet.intensity.attrs
    fitted = ss.xps.fit(loud, "Zr 3d", energy_shift=0.0)
    assert float(fitted.reduced_chi2) == pytest.approx(4.0, abs=1.0)
    by = {kind: ss.xps.bootstrap(loud, fitted, replicates=200, kind=kind) for kind in ("parametric", "residual")}
    ratio = (by["residual"].area_unc / by["parametric"].area_unc).values
    assert np.all((ratio > 1.6) & (ratio < 2.4)), ratio
    assert float(clean.area_unc[0]) == pytest.approx(float(by["parametric"].area_unc[0]), rel=0.3)


def test_it_needs_the_spectrum_that_was_fitted(series: xr.Dataset, fitted: xr.Dataset) -> None:
    for options, words in (
        ({"replicates": 3}, "replicates"),
        ({"replicates": True}, "replicates"),
        ({"kind": "jackknife"}, "kind"),
        ({"engine": "cuda"}, "engine"),
    ):
        with pytest.raises(InputError, match=words):
            ss.xps.bootstrap(series, fitted, **options)
    with pytest.raises(InputError, match="not one of this spectrum"):
        ss.xps.bootstrap(series.isel(spot=[1, 0, 2]), fitted)
    shared = ss.xps.fit(series.isel(spot=[0, 1]), "Zr 3d", energy_shift=0.0, shared=["Zr4+ center"])
    with pytest.raises(InputError, match="shares"):
        ss.xps.bootstrap(series.isel(spot=[0, 1]), shared)
