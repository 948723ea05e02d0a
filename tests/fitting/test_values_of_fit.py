"""Numbers of failed fits are refused unless forced; of a series, each failed member is named."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError, NotDeterminedError, SchemaError
from surfspec.fitting import values

E = np.arange(176.0, 192.0, 0.1)
PEAKS = 900 * np.exp(-(((E - 182.4) / 0.8) ** 2)) + 600 * np.exp(-(((E - 184.81) / 0.8) ** 2))


def spectrum(peaks: bool, seed: int) -> xr.Dataset:
    counts = np.random.default_rng(seed).poisson(500 + (PEAKS if peaks else 0.0), E.size)
    return ss.spectrum(E, counts, technique="XPS", region="Zr 3d", statistics="poisson")


def fitted(*peaks: bool) -> xr.Dataset:
    members = [spectrum(one, 10 + i) for i, one in enumerate(peaks)]
    names = [f"s{i}" for i in range(len(members))]
    data = members[0] if len(members) == 1 else ss.stack(members, "spot", names)
    return ss.xps.fit(data, "Zr 3d", shift_search=0.0)


@pytest.fixture(scope="module")
def mixed() -> xr.Dataset:
    fit = fitted(True, False, True, False)
    assert fit.verdict.values.tolist() == ["ok", "failed", "ok", "failed"]
    return fit


@pytest.mark.parametrize("quantity", ["area", "center", "fwhm", "height", "value"])
def test_of_a_good_fit_they_are_those_of_the_fit(quantity: str) -> None:
    fit = fitted(True)
    got = values(fit, quantity)
    xr.testing.assert_identical(got[quantity], fit[quantity])
    xr.testing.assert_identical(got[f"{quantity}_unc"], fit[f"{quantity}_unc"])
    assert set(got.data_vars) == {quantity, f"{quantity}_unc", "verdict"}
    assert ss.check(got, "table") is got
    assert "recipe" in fit.attrs  # the fit itself is left as it was


def test_of_a_failed_fit_they_are_refused() -> None:
    fit = fitted(False)
    with pytest.raises(NotDeterminedError, match=r"area rests on a failed fit \(.*no peak detected.*force=True"):
        values(fit)
    xr.testing.assert_identical(values(fit, force=True).area, fit.area)
    assert np.all(np.isnan(values(fit, drop_failed=True).area))


def test_members_that_failed_are_named_with_their_reasons(mixed: xr.Dataset) -> None:
    with pytest.raises(NotDeterminedError) as caught:
        values(mixed, "center")
    for text in ("the center of 2 of 4 members", "spot=s1: ", "spot=s3: ", "no peak detected", "drop_failed=True"):
        assert text in str(caught.value)
    assert "spot=s0" not in str(caught.value)
    assert values(mixed.sel(spot=["s0", "s2"])).sizes["spot"] == 2


def test_failed_members_can_be_dropped_or_forced(mixed: xr.Dataset) -> None:
    kept = values(mixed, "height", drop_failed=True)
    assert kept.height.dims == mixed.height.dims
    assert np.all(np.isnan(kept.height.sel(spot=["s1", "s3"])))
    assert np.all(np.isnan(kept.height_unc.sel(spot=["s1", "s3"])))
    np.testing.assert_array_equal(kept.height.sel(spot="s2"), mixed.height.sel(spot="s2"))
    assert kept.height.attrs == mixed.height.attrs
    assert kept.verdict.values.tolist() == ["ok", "failed", "ok", "failed"]
    np.testing.assert_array_equal(values(mixed, "height", force=True).height, mixed.height)


def test_many_failed_members_are_counted() -> None:
    fit = fitted(True, *[False] * 7)
    with pytest.raises(NotDeterminedError, match="7 of 8 members") as caught:
        values(fit)
    assert "and 2 more" in str(caught.value)


def test_refusals(mixed: xr.Dataset) -> None:
    with pytest.raises(InputError, match=r"'mass' is no quantity.*area, center"):
        values(mixed, "mass")
    with pytest.raises(InputError, match="one of the two"):
        values(mixed, force=True, drop_failed=True)
    with pytest.raises(SchemaError):
        values(spectrum(True, 1))
