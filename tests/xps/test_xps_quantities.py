"""Normalised areas and atomic percent: covariance by simulation, refusals, factors by what was fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from scipy.special import voigt_profile

import surfspec as ss
from surfspec.errors import InputError, NotDeterminedError


def voigt(x: np.ndarray, center: float) -> np.ndarray:
    return voigt_profile(x - center, 1.4 / 2.3548200450309493, 0.15)


def sample(seed: int = 0, zr: float = 20000.0, na: float = 30000.0, **attrs: float) -> dict[str, xr.Dataset]:
    """Zr 3d and Na 1s of one sample, counted equally long."""
    rng = np.random.default_rng(seed)
    known = {"photon_energy": 1486.6, "dwell_time": 0.05, "scans": 40.0, "sample": "A", **attrs}
    e, f = np.arange(175.0, 193.0, 0.1), np.arange(1062.0, 1081.0, 0.1)
    peaks = {"Zr 3d": (e, zr * (voigt(e, 182.4) + 2 / 3 * voigt(e, 184.81))), "Na 1s": (f, na * voigt(f, 1071.4))}
    return {
        region: ss.spectrum(x, rng.poisson(800 + y + 0.02 * np.cumsum(y) * 0.1).astype(float), technique="XPS",
                            region=region, **known)
        for region, (x, y) in peaks.items()
    }  # fmt: skip


def fits(seed: int = 0, **options: float) -> dict[str, xr.Dataset]:
    return {region: ss.xps.fit(spectrum, region) for region, spectrum in sample(seed, **options).items()}


def test_ratio_is_unbiased_and_its_uncertainty_holds() -> None:
    tables = [ss.xps.normalise(fits(seed)) for seed in range(60)]
    ratio = np.array([float(t.normalised_area.sel(region="Na 1s")) for t in tables])
    unc = np.array([float(t.normalised_area_unc.sel(region="Na 1s")) for t in tables])
    pull = (ratio - 1.5) / unc
    assert abs(ratio.mean() / 1.5 - 1) < 0.004
    assert 0.75 < pull.std() < 1.25
    own = tables[0].normalised_area.sel(region="Zr 3d")
    assert float(own) == pytest.approx(5 / 3)
    assert float(tables[0].normalised_area_unc.sel(region="Zr 3d")) == 0.0


def test_regions_of_different_counting_time_are_compared_as_rates() -> None:
    one, other = fits(), fits()
    longer = sample(0, na=60000.0)["Na 1s"].assign_attrs(scans=80.0)
    other["Na 1s"] = ss.xps.fit(longer, "Na 1s")
    a, b = (ss.xps.normalise(x).normalised_area.sel(region="Na 1s").item() for x in (one, other))
    assert a == pytest.approx(b, rel=0.02)


def test_unknown_counting_times_are_remarked() -> None:
    bare = sample()
    for spectrum in bare.values():
        del spectrum.attrs["dwell_time"]
    table = ss.xps.normalise({k: ss.xps.fit(v, k) for k, v in bare.items()})
    assert "dwell" in table.attrs["note"]
    assert table.attrs["overall_verdict"] == "check"


def test_atomic_percent_is_the_formula() -> None:
    found = fits()
    table = ss.xps.quantify(found, library={"Zr 3d": 7.04, "Na 1s": 8.52})
    zr = float(found["Zr 3d"].area.sum()) / 7.04 / (1486.6 - 183.4) ** 0.75
    na = float(found["Na 1s"].area.sum()) / 8.52 / (1486.6 - 1071.4) ** 0.75
    assert float(table.atomic_percent.sel(region="Na 1s")) == pytest.approx(100 * na / (na + zr), rel=1e-3)
    assert float(table.atomic_percent.sum()) == pytest.approx(100.0)
    np.testing.assert_allclose(table.covariance.values.sum(), 0.0, atol=1e-9)


def test_the_factor_follows_the_fit_and_not_the_key() -> None:
    found = fits()
    right = ss.xps.quantify(found)
    swapped = ss.xps.quantify({"Na 1s": found["Zr 3d"], "Zr 3d": found["Na 1s"]})
    np.testing.assert_allclose(right.atomic_percent.values, swapped.atomic_percent.values[::-1][::-1])
    assert swapped.element.values.tolist() == ["Zr", "Na"]


def test_a_failed_fit_is_no_silent_zero() -> None:
    found = fits()
    found["Na 1s"] = found["Na 1s"].assign(verdict=xr.DataArray("failed"))
    with pytest.raises(NotDeterminedError, match="Na 1s failed"):
        ss.xps.quantify(found)
    assert np.isnan(ss.xps.normalise(found).normalised_area.sel(region="Na 1s"))


def test_factors_of_another_photon_energy_are_refused() -> None:
    with pytest.raises(InputError, match=r"1253\.6"):
        ss.xps.quantify(fits(photon_energy=1253.6))


@pytest.mark.parametrize("library", [{"Zr 3d": -1.0, "Na 1s": 1.0}, {"Zr 3d": "x", "Na 1s": 1.0}, {"Zr 3d": 1.0}])
def test_bad_libraries_are_refused(library: dict[str, float]) -> None:
    with pytest.raises(InputError):
        ss.xps.quantify(fits(), library=library)


def test_bad_calls_are_refused() -> None:
    found = fits()
    for call in (
        lambda: ss.xps.quantify([found["Na 1s"]]),
        lambda: ss.xps.quantify({}),
        lambda: ss.xps.quantify(found, library_unc=-1.0),
        lambda: ss.xps.normalise(found, to="C 1s"),
        lambda: ss.xps.charge_correct([sample()["Na 1s"]], found["Zr 3d"]),
        lambda: ss.xps.charge_correct(sample(), found["Zr 3d"], energy=0.0),
        lambda: ss.xps.charge_correct(sample(), found["Zr 3d"], energy="182.4"),
        lambda: ss.xps.charge_correct(sample()["Na 1s"].assign_attrs(sample="B"), found["Zr 3d"]),
    ):
        with pytest.raises(InputError):
            call()
    moved = ss.xps.charge_correct(sample(), found["Zr 3d"])
    again = ss.xps.fit(moved["Zr 3d"], "Zr 3d")
    with pytest.raises(InputError, match="already corrected"):
        ss.xps.charge_correct(sample(), again)


def test_a_line_alone_has_its_own_factor() -> None:
    e = np.arange(1010.0, 1036.0, 0.1)
    y = np.random.default_rng(0).poisson(800 + 2e4 * voigt(e, 1022.0)).astype(float)
    zn = ss.spectrum(e, y, technique="XPS", region="Zn 2p", photon_energy=1486.6)
    peak = ss.xps.Peak("Zn2+", "Zn 2p3/2", ss.xps.Range(1022.0, 1020.0, 1024.0))
    recipe = replace(ss.xps.load_recipe("Zn 2p"), doublets=(), peaks=(peak,), window=(1014.0, 1031.0))
    table = ss.xps.quantify({"Zn 2p": ss.xps.fit(zn, recipe)})
    assert float(table.sensitivity[0]) == pytest.approx(ss.reference.sensitivity("scofield", "Zn 2p3/2"))
