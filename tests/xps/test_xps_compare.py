"""Two spectra of one shape, or not: p-values, scale and shift of simulated pairs, and what would have been seen."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.special import voigt_profile
from scipy.stats import kstest

import surfspec as ss
from surfspec.errors import InputError, NotDeterminedError, SchemaError
from surfspec.xps.questions.shape_spread import Spread, basis, normal_bands

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
    for window in ((np.nan, 190.0), "a", "ab", 3, (190.0, 178.0)):
        with pytest.raises(InputError, match="window"):
            ss.xps.compare(a, a, window=window)  # type: ignore[arg-type]
    for seed in (-1, "a", None):
        with pytest.raises(InputError, match="seed"):
            ss.xps.compare(a, a, seed=seed)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="step"):
        ss.xps.compare(a, a, step="x")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="FWHM"):
        ss.xps.compare(a, a, probe=20.0)
    with pytest.raises(InputError, match="NoneType"):
        ss.xps.compare(None, a)  # type: ignore[arg-type]
    with pytest.raises(SchemaError):
        ss.xps.compare(a, ss.xps.fit(a, "Zr 3d"))


FLAT = np.full(X.size, 500.0)
LINE = np.linspace(400.0, 900.0, X.size)


@pytest.mark.parametrize("flat", [FLAT, LINE])
@pytest.mark.parametrize("noisy", [True, False])
@pytest.mark.filterwarnings("error")
def test_a_peak_and_nothing_have_no_shape_in_common(flat: np.ndarray, noisy: bool) -> None:
    rng = np.random.default_rng(27)
    peak = counts(rng, 5000.0, 500.0)
    for _ in range(5):
        y, z = (rng.poisson(flat).astype(float) if noisy else flat for _ in range(2))
        nothing, other = (ss.spectrum(X, one, technique="XPS", region="Zr 3d", simulated="true") for one in (y, z))
        with pytest.raises(NotDeterminedError, match="b holds nothing like a"):
            ss.xps.compare(peak, nothing)
        with pytest.raises(NotDeterminedError, match="a holds nothing like b"):
            ss.xps.compare(nothing, peak)
        with pytest.raises(NotDeterminedError, match="a and b hold nothing"):
            ss.xps.compare(nothing, other)


@pytest.mark.filterwarnings("error")
def test_a_mirror_image_is_another_shape(tmp_path: Path) -> None:
    peak = counts(np.random.default_rng(28), 2000.0, 500.0)
    turned = peak.assign(intensity=(3000.0 - peak.intensity).assign_attrs(peak.intensity.attrs))
    for one, two in ((peak, turned), (turned, peak)):
        found = ss.xps.compare(one, two)
        assert found.attrs["conclusion"] == "different shape"
        assert "no positive scale" in found.attrs["statement"]
        assert float(found["scale"]) == 0.0
        assert np.isnan([float(found[name]) for name in ("scale_unc", "shift", "shift_unc")]).all()
        assert abs(float(found.largest_at) - 182.4) < 0.5
        found.to_netcdf(tmp_path / f"{two is peak}.nc")


def test_a_weak_line_is_still_compared() -> None:
    """A scale of many sigma is one, even where b shows little."""
    rng = np.random.default_rng(29)
    found = ss.xps.compare(counts(rng, 5000.0, 500.0), counts(rng, 400.0, 500.0))
    assert found.attrs["conclusion"] == "same shape"
    assert float(found["scale"]) == pytest.approx(0.08, abs=4 * float(found["scale_unc"]))


def test_regions_of_two_levels_are_refused_unless_forced() -> None:
    rng = np.random.default_rng(30)
    a, b = counts(rng, **WEAK[0]), counts(rng, **WEAK[1])
    with pytest.raises(InputError, match="'Zr 3d' and b is 'B 1s'"):
        ss.xps.compare(a, b.assign_attrs(region="B 1s"))
    forced = ss.xps.compare(a, b.assign_attrs(region="B 1s"), force=True)
    assert "B 1s" in forced.attrs["notes"]
    for same in ("Zr3d", "Zr 3d5/2", "", "after sputtering"):
        assert ss.xps.compare(a, b.assign_attrs(region=same)).attrs["notes"] == ""


def test_banded_covariances_are_those_of_the_full_matrices() -> None:
    """Against the plain formulas V = D + M N^-1 M^T, its inverse and its root."""
    rng = np.random.default_rng(31)
    x = np.sort(rng.uniform(0.0, 10.0, 60))
    knots = np.concatenate([np.zeros(3), np.linspace(0.0, 10.0, 9), np.full(3, 10.0)])
    first, variance = basis(knots, np.linspace(0.0, 10.0, 90)), rng.uniform(0.5, 2.0, 60)
    weight = rng.uniform(0.5, 2.0, 90)
    spread = Spread(variance, 1.7 * basis(knots, x), normal_bands(first, weight))
    matrix, gram = 1.7 * basis(knots, x).toarray(), first.toarray().T @ np.diag(1 / weight) @ first.toarray()
    full = np.diag(variance) + matrix @ np.linalg.inv(gram) @ matrix.T
    columns = rng.standard_normal((60, 3))
    np.testing.assert_allclose(spread.solve(columns), np.linalg.solve(full, columns), rtol=1e-9)
    np.testing.assert_allclose(spread.diagonal(), np.diag(full), rtol=1e-9)
    np.testing.assert_allclose(
        spread.moved(columns[:, 0]), np.linalg.inv(gram) @ matrix.T @ np.linalg.solve(full, columns[:, 0]), rtol=1e-8
    )
    root = spread.rooted(columns)
    np.testing.assert_allclose(root.T @ root, columns.T @ full @ columns, rtol=1e-9)


def test_fine_steps_cost_what_they_must() -> None:
    """No matrix of all points by all points is factored: four times the points, far less than 64 times the work."""
    rng = np.random.default_rng(32)
    took = []
    for step in (0.05, 0.0125):
        x = np.arange(174.0, 192.0, step)
        a, b = counts(rng, **STRONG[0], x=x), counts(rng, **STRONG[1], x=x)
        times = []
        for _ in range(3):
            start = time.process_time()
            ss.xps.compare(a, b)
            times.append(time.process_time() - start)
        took.append(min(times))
    assert took[1] < 30 * took[0]


def test_a_line_too_faint_to_be_compared_is_not_called_the_same() -> None:
    """Where a difference as large as the line itself could not be seen, nothing is known (simulated)."""
    e = np.arange(176.0, 192.0, 0.1)
    peak = np.exp(-(((e - 182.4) / 0.8) ** 2)) + 0.667 * np.exp(-(((e - 184.81) / 0.8) ** 2))
    rng = np.random.default_rng(2)
    strong = ss.spectrum(e, rng.poisson(500 + 900 * peak), technique="XPS", region="Zr 3d")
    told = set()
    for _ in range(40):
        faint = ss.spectrum(e, rng.poisson(500 + 18 * peak), technique="XPS", region="Zr 3d")
        try:
            found = ss.xps.compare(strong, faint)
        except NotDeterminedError:
            continue
        told.add(found.attrs["conclusion"])
        assert found.attrs["conclusion"] != "same shape" or np.nanmedian(found.sensitivity) <= 1.0
    assert "not determined" in told, told
