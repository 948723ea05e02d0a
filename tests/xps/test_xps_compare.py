"""Two spectra of one shape, or not: p-values, scale and shift of simulated pairs, and what would have been seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.special import voigt_profile
from scipy.stats import kstest

import surfspec as ss
from surfspec.errors import InputError, SchemaError

X = np.round(np.arange(174.0, 192.0001, 0.1), 4)
OTHER = np.round(np.arange(174.0, 192.0, 0.13), 4)


def counts(
    rng: np.random.Generator, total: float, level: float, *, k: float = 0.03, shift: float = 0.0, extra: float = 0.0,
    x: np.ndarray = X,
) -> xr.Dataset:  # fmt: skip
    """A Zr 3d doublet over its Shirley background (k times its integral), and a further peak at 180.4 eV; simulated."""
    fine = np.arange(150.0, 195.0, 0.01)

    def peaks(at: np.ndarray) -> np.ndarray:
        lines = ((0.6, 182.4, 1.2, 0.3), (0.4, 184.81, 1.2, 0.3), (extra, 180.4, 1.2, 1e-9))
        return sum(total * a * voigt_profile(at - c - shift, g / 2.3548, w / 2) for a, c, g, w in lines)

    integral = np.cumsum(peaks(fine)) * 0.01
    mean = level + peaks(x) + k * np.interp(x, fine, integral)
    return ss.spectrum(x, rng.poisson(mean).astype(float), technique="XPS", region="Zr 3d", simulated="true")


STRONG = ({"total": 40000.0, "level": 2000.0}, {"total": 20000.0, "level": 800.0, "k": 0.05})
WEAK = ({"total": 1500.0, "level": 60.0}, {"total": 1000.0, "level": 50.0})


@pytest.mark.slow
@pytest.mark.parametrize("pair", [STRONG, WEAK])
def test_equal_shapes_have_uniform_p_values_and_honest_error_bars(pair: tuple[dict, dict]) -> None:
    """Another grid, scale, shift, level and step of the background: none of them is another shape."""
    rng, n = np.random.default_rng(20), 150
    found = [
        ss.xps.compare(counts(rng, **pair[0]), counts(rng, **pair[1], shift=0.13, x=OTHER), seed=i) for i in range(n)
    ]

    def of(name: str) -> np.ndarray:
        return np.array([float(one[name]) for one in found])

    assert kstest(of("p_value"), "uniform").pvalue > 0.005
    assert kstest(of("largest_p_value"), "uniform").pvalue > 0.005
    assert np.mean([one.attrs["conclusion"] == "different shape" for one in found]) < 0.11  # 5 % is right
    for name, truth in (("scale", pair[1]["total"] / pair[0]["total"]), ("shift", 0.13)):
        pulls = (of(name) - truth) / of(f"{name}_unc")
        assert 0.8 < pulls.std() < 1.25, (name, pulls.std())
        assert abs(pulls.mean()) < 0.3, (name, pulls.mean())


def test_a_peak_of_the_stated_sensitivity_is_seen_where_it_is() -> None:
    rng = np.random.default_rng(21)
    first, second = STRONG
    plain = ss.xps.compare(counts(rng, **first), counts(rng, **second))
    size = float(plain.sensitivity.sel(binding_energy=180.4, method="nearest"))
    assert 0.002 < size < 0.02
    found = [ss.xps.compare(counts(rng, **first), counts(rng, **second, extra=size)) for _ in range(30)]
    seen = [one for one in found if one.attrs["conclusion"] == "different shape"]
    assert len(seen) >= 25  # 95 % is promised
    assert np.median([abs(float(one.largest_at) - 180.4) for one in seen]) < 0.3
    pulls = [(float(one.deviation.sel(binding_energy=180.4, method="nearest")) - size) for one in found]
    assert abs(np.mean(pulls)) < 0.15 * size


def test_a_wider_line_is_another_shape() -> None:
    rng = np.random.default_rng(22)
    a = counts(rng, **STRONG[0])
    mean = 800 + sum(c * voigt_profile(X - e, 1.35 / 2.3548, 0.15) for c, e in ((12000, 182.4), (8000, 184.81)))
    b = ss.spectrum(X, rng.poisson(mean).astype(float), technique="XPS")
    assert ss.xps.compare(a, b).attrs["conclusion"] == "different shape"


def test_the_order_does_not_matter_much_and_nothing_is_changed() -> None:
    rng = np.random.default_rng(23)
    a, b = counts(rng, **STRONG[0]), counts(rng, **STRONG[1], shift=-0.2)
    before = a.copy(deep=True), b.copy(deep=True)
    one, two = ss.xps.compare(a, b), ss.xps.compare(b, a)
    assert float(one["scale"] * two["scale"]) == pytest.approx(1.0, abs=3 * float(one["scale_unc"] / one["scale"]))
    assert float(one["shift"] + two["shift"]) == pytest.approx(0.0, abs=2 * float(one["shift_unc"]))
    xr.testing.assert_identical(a, before[0])
    xr.testing.assert_identical(b, before[1])
    xr.testing.assert_identical(one, ss.xps.compare(a, b))


def test_given_and_unknown_statistics(tmp_path: Path) -> None:
    rng = np.random.default_rng(24)
    a, b = counts(rng, **STRONG[0]), counts(rng, **STRONG[1])
    rate = b.copy()
    rate["intensity"] = (b.intensity * 0.01).assign_attrs(b.intensity.attrs)
    unknown = ss.xps.compare(a, rate.assign_attrs(statistics="unknown"))
    assert "statistics of b are unknown" in unknown.attrs["notes"]
    rate["intensity_unc"] = ((b.intensity + 1) ** 0.5 * 0.01).assign_attrs(b.intensity.attrs)
    given = ss.xps.compare(a, rate.assign_attrs(statistics="given"))
    plain = ss.xps.compare(a, b)
    assert plain.attrs["notes"] == ""
    assert plain.attrs["simulated"] == "true"
    for one in (given, unknown):
        assert float(one["scale"]) == pytest.approx(0.01 * float(plain["scale"]), rel=0.01)
        assert float(one.p_value) > 1e-3
    given.to_netcdf(tmp_path / "t.nc")
    xr.testing.assert_identical(xr.load_dataset(tmp_path / "t.nc"), given)


def test_few_counts_and_a_limit_of_the_shift_are_said() -> None:
    rng = np.random.default_rng(25)
    found = ss.xps.compare(counts(rng, 300.0, 4.0), counts(rng, 200.0, 3.0))
    assert "few counts" in found.attrs["notes"]
    far = ss.xps.compare(counts(rng, **STRONG[0]), counts(rng, **STRONG[1], shift=0.8))
    assert "limit" in far.attrs["notes"]
    assert far.attrs["conclusion"] == "different shape"


def test_what_cannot_be_compared_is_refused() -> None:
    rng = np.random.default_rng(26)
    a = counts(rng, 2000.0, 100.0)
    with pytest.raises(InputError, match="share"):
        ss.xps.compare(a, a.assign_coords(binding_energy=("binding_energy", X + 100, a.binding_energy.attrs)))
    with pytest.raises(InputError, match="series"):
        ss.xps.compare(a, ss.stack([a, a], dim="spot"))
    with pytest.raises(InputError, match="max_shift"):
        ss.xps.compare(a, a, max_shift=-1.0)
    with pytest.raises(InputError, match="degree"):
        ss.xps.compare(a, a, background=1.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="zero"):
        ss.xps.compare(a, a.assign(intensity=(a.intensity * 0).assign_attrs(a.intensity.attrs)))
    with pytest.raises(SchemaError):
        ss.xps.compare(a, ss.xps.fit(a, "Zr 3d"))
