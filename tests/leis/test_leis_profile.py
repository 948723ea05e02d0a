"""Sputter depth profiles: the bulk, and from which cycle on it is reached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from numpy.typing import NDArray

from surfspec import leis, schema, spectra
from surfspec.errors import InputError
from surfspec.leis.amounts.profile import plateau_start, slope_p_value

Array = NDArray[np.float64]

ENERGY = np.arange(900.0, 2850.0, 5.0)
RECIPE = leis.Recipe(elements=("O", "P", "Zr"), foot=False)
COVERED = np.array([0.95, 0.7, 0.4, 0.15, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0])


def profile(covered: Array, seed: int) -> xr.Dataset:
    rng = np.random.default_rng(seed)
    film, bulk = np.array([800.0, 700.0, 0.0]), np.array([900.0, 200.0, 700.0])
    rows = []
    for theta in covered:
        heights = theta * film + (1 - theta) * bulk
        peaks = sum(
            h * np.exp(-0.5 * ((ENERGY / e - 1) / 0.012) ** 2)
            for h, e in zip(heights, (1182.0, 1869.5, 2557.0), strict=True)
        )
        rows.append(rng.poisson(5 + peaks))
    series = spectra.spectrum(ENERGY, rows, technique="LEIS", simulated="true", dims=("cycle",))
    return leis.fit(series.assign_coords(cycle=np.arange(1, covered.size + 1)), RECIPE)


def shares(theta: float) -> Array:
    widths = np.array([1182.0, 1869.5, 2557.0])  # areas are heights times widths, which follow the energy
    area = widths * (theta * np.array([800.0, 700.0, 0.0]) + (1 - theta) * np.array([900.0, 200.0, 700.0]))
    return area / area.sum()


@pytest.fixture(scope="module")
def found() -> xr.Dataset:
    return leis.depth_profile(profile(COVERED, 3))


def test_bulk_and_plateau_come_back(found: xr.Dataset) -> None:
    schema.check(found, "table")
    assert float(found.constant_from) in (5.0, 6.0)
    assert np.all(np.abs(found.bulk - shares(0.0)) < 3 * found.bulk_unc)
    for i, theta in enumerate(COVERED):
        pull = (found.normalised_area.isel(cycle=i) - shares(theta)) / found.normalised_area_unc.isel(cycle=i)
        assert float(np.abs(pull).max()) < 3.5
    mean = np.mean([shares(theta) for theta in COVERED], axis=0)
    assert np.all(np.abs(found.profile_mean - mean) < 3 * found.profile_mean_unc)
    assert bool((found.profile_sd > found.bulk_sd).all())
    assert found.verdict.item() == "ok"
    assert "Student" in found.attrs["plateau_rule"]
    assert found.attrs["simulated"] == "true"


def test_the_model_does_not_average_out(found: xr.Dataset) -> None:
    assert bool((found.bulk_unc >= 0.01).all())


def test_a_profile_that_does_not_end_is_doubted() -> None:
    steady = leis.depth_profile(profile(np.linspace(0.9, 0.0, 10), 4))
    assert steady.verdict.item() == "failed"
    assert "still change" in steady.reasons.item()
    assert np.isnan(steady.constant_from.item())
    short = leis.depth_profile(profile(np.array([0.5, 0.2, 0.0]), 5))
    assert short.verdict.item() == "failed"
    assert "not determined: 3 cycles" in short.reasons.item()
    assert np.isnan(short.constant_from.item())
    assert bool(np.isnan(short.bulk).all())
    assert bool(np.isfinite(short.profile_mean).all())


def test_rate_of_plateaus_that_begin_too_late() -> None:
    rng = np.random.default_rng(6)
    starts = np.array([plateau_start(rng.normal(0, 1, (8, 3))) for _ in range(2000)])
    # four steps back to the beginning, each with two tests at 0.05 that are not independent, and one before them
    assert 0.05 < np.mean(starts != 0) < 1 - 0.95**9
    assert np.mean(starts < 0) == pytest.approx(0.05, abs=0.015)
    steps = np.r_[np.zeros(4), np.full(6, 30.0)][:, None] + rng.normal(0, 1, (10, 1))
    assert plateau_start(steps) >= 4
    assert plateau_start(np.zeros((3, 2))) == -1


def test_slopes() -> None:
    rng = np.random.default_rng(7)
    place = np.arange(8.0)
    p = slope_p_value(place, rng.normal(0, 1, (8, 4000)))
    assert np.mean(p < 0.05) == pytest.approx(0.05, abs=0.012)
    assert slope_p_value(place, (place + rng.normal(0, 0.1, 8))[:, None])[0] < 1e-6


def test_the_order_in_which_cycles_are_stored_says_nothing(found: xr.Dataset) -> None:
    fit = profile(COVERED, 3)
    rng = np.random.default_rng(1)
    for order in (np.arange(COVERED.size)[::-1], *(rng.permutation(COVERED.size) for _ in range(4))):
        again = leis.depth_profile(fit.isel(cycle=order))
        xr.testing.assert_identical(again, found)


def test_gaps_and_uneven_steps_keep_the_order() -> None:
    fit = profile(COVERED, 3).isel(cycle=[0, 2, 3, 5, 6, 7, 8, 9])
    again = leis.depth_profile(fit.isel(cycle=[7, 1, 0, 3, 2, 6, 5, 4]))
    xr.testing.assert_identical(again, leis.depth_profile(fit))
    assert again.cycle.values.tolist() == [1, 3, 4, 6, 7, 8, 9, 10]


def test_a_dead_cycle_is_left_out_and_named(found: xr.Dataset) -> None:
    fit = profile(COVERED, 3)
    fit["verdict"][4] = "failed"
    fit["reasons"][4] = "not converged"
    fit["area"][4] = 7.0 * fit["area"][4].values[::-1]
    less = leis.depth_profile(fit)
    assert less.verdict.item() == "check"
    assert "1 of 10 fits failed and are left out (not converged)" in less.reasons.item()
    assert bool(np.isnan(less.normalised_area.isel(cycle=4)).all())
    np.testing.assert_array_equal(less.normalised_area.isel(cycle=8), found.normalised_area.isel(cycle=8))
    assert np.all(np.abs(less.bulk - shares(0.0)) < 3 * less.bulk_unc)


def test_refusals(found: xr.Dataset) -> None:
    one = profile(np.array([0.0, 0.0]), 8)
    with pytest.raises(InputError, match="nothing tells the order"):
        leis.depth_profile(one.drop_vars("cycle"))
    with pytest.raises(InputError, match="not made of numbers"):
        leis.depth_profile(one.assign_coords(cycle=["a", "b"]))
    with pytest.raises(InputError, match="not made of numbers"):
        leis.depth_profile(one.assign_coords(cycle=("cycle", [1.0, np.nan], {"units": "1"})))
    with pytest.raises(InputError, match="same number twice"):
        leis.depth_profile(one.assign_coords(cycle=[2, 2]))
    with pytest.raises(InputError, match="no dimension 'depth'"):
        leis.depth_profile(one, along="depth")
    with pytest.raises(InputError, match="not fitted"):
        leis.depth_profile(one, exclude=("Na",))


@pytest.mark.data
def test_profile_of_the_independent_simulation(data_dir: Path) -> None:
    folder = data_dir / "leis" / "simulated"
    if not folder.is_dir():
        pytest.skip(f"no simulated LEIS spectra in {folder}")
    elements = ("O", "Na", "Si", "P", "Zr")
    cycles = [
        np.loadtxt(folder / "spectra" / f"as_sintered_profile_cycle{i:02d}.csv", delimiter=",", skiprows=1).T
        for i in range(15)
    ]
    series = spectra.spectrum(
        cycles[0][0], [one[1] for one in cycles], technique="LEIS", simulated="true", dims=("cycle",)
    ).assign_coords(cycle=np.arange(15))
    fit = leis.fit(series, leis.Recipe(elements=elements))
    found = leis.depth_profile(fit, exclude=("Na",))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with (folder / "truth.yaml").open() as lines:
        entries = {one["file"][:-4]: one for one in yaml.load(lines, Loader=loader)["spectra"]}  # noqa: S506
    rows = [entries[f"as_sintered_profile_cycle{i:02d}"] for i in range(15)]
    truth = np.array([[one["normalised_excl_Na"][name] for name in elements] for one in rows])
    assert np.max(np.abs(found.normalised_area.values - truth)) < 0.04
    assert np.all(np.abs(found.bulk - truth[-1]) < 3 * found.bulk_unc)
    # where the plateau is said to begin, less than a tenth of the surface is still covered
    start = int(found.constant_from)
    assert rows[start]["coverage_Na3PO4"] < 0.1
    assert found.verdict.item() == "ok"
