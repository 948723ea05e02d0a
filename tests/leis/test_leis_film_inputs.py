"""Coverage, removal and relaxation: parts of tables, orders, failures, other units, impossible options."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from surfspec import leis, schema
from surfspec.errors import InputError, NotDeterminedError
from surfspec.leis.film import dose, relaxation_fit

Array = NDArray[np.float64]

DOSE = np.array([1.6e15, 3.2e15, 4.8e15, 6.4e15])
EDGES = np.concatenate([[0.0], DOSE])


def curve(layers: int, sigma: float, zero: float) -> Array:
    return zero * dose.mean_coverage(layers, sigma * EDGES[:-1], sigma * EDGES[1:])[0]


def table(seen: Array, unc: float = 0.01, common: float = 0.0) -> xr.Dataset:
    unit = {"units": "1", "long_name": "Coverage"}
    matrix = unc**2 * np.eye(4) + common**2
    at = {"units": "ions/cm2"}
    return xr.Dataset(
        {"coverage": ("dose", seen, unit), "coverage_unc": ("dose", np.sqrt(np.diag(matrix)), unit),
         "coverage_covariance": (("dose", "dose_b"), matrix, unit)},
        coords={"dose": ("dose", DOSE, at), "dose_b": ("dose_b", DOSE, at)},
        attrs={"kind": "table", "technique": "LEIS", "sample": "a"},
    )  # fmt: skip


def zero_dose(found: xr.Dataset) -> list[float]:
    names = ("zero_dose_coverage", "zero_dose_coverage_unc", "zero_dose_coverage_low", "zero_dose_coverage_high")
    return [float(np.ravel(found[name].values)[0]) for name in names]


def test_the_coverage_before_any_dose_holds_all_numbers_of_layers() -> None:
    """Films of 1 to 4 layers: pulls of width one, 68 % within the interval, the value always."""
    rng = np.random.default_rng(11)
    pulls, inside, of_sigma = [], [], []
    for _ in range(60):
        layers, sigma, zero = int(rng.integers(1, 5)), 10 ** rng.uniform(-16.2, -15.4), rng.uniform(0.3, 1.0)
        found = leis.removal(table(curve(layers, sigma, zero) + rng.normal(0, 0.01, 4)), roughness=0)
        if not int(found.identifiable):
            continue
        value, unc, low, high = zero_dose(found)
        assert low <= value <= high
        pulls.append((value - zero) / unc)
        inside.append(low <= zero <= high)
        of_sigma.append(float(found.removal_cross_section_low) <= sigma <= float(found.removal_cross_section_high))
    assert len(pulls) > 40
    assert 0.7 < np.sqrt(np.mean(np.square(pulls))) < 1.25
    assert 0.55 < np.mean(inside) < 0.82
    assert np.mean(of_sigma) > 0.55


def test_a_value_lies_in_its_own_interval() -> None:
    seen = np.array([0.5090993, 0.5034325, 0.4547979, 0.4391523])
    value, _, low, high = zero_dose(leis.removal(table(seen), roughness=0))
    assert low < value < high


def test_coverage_and_removal_say_the_same(sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset) -> None:
    one = leis.coverage(sample, film=film, substrate=substrate)
    both = leis.removal(one)
    assert int(one.monolayers) == int(both.monolayers[0])
    assert int(one.monolayers) == int(one.layers[int(np.argmax(one.monolayers_probability.values))])
    assert str(one.not_excluded.item()) == str(both.not_excluded.values[0])
    np.testing.assert_allclose(one.monolayers_probability, both.monolayers_probability[0], atol=2e-3)
    np.testing.assert_allclose(zero_dose(one), zero_dose(both), atol=2e-3)
    assert float(one.removal_cross_section) == pytest.approx(float(both.removal_cross_section), rel=2e-3)
    assert one.attrs["fit_recipe"] == sample.attrs["recipe"]
    schema.check(one, "table")


def test_parts_of_a_table_and_orders() -> None:
    seen = curve(2, 2.5e-16, 0.9)
    whole = table(seen, common=0.01)
    expected = zero_dose(leis.removal(whole))
    np.testing.assert_allclose(zero_dose(leis.removal(whole.isel(dose=[2, 0, 3, 1]))), expected)
    # a dose cut away or without a number still ends an interval: the truth comes back
    for part in (whole.isel(dose=[0, 2, 3]), whole.assign(coverage=whole.coverage.where(whole.dose != DOSE[1])),
                 whole.assign(coverage=whole.coverage.where(whole.dose != DOSE[1])).dropna("dose")):  # fmt: skip
        found = leis.removal(part, layers=2, roughness=0)
        assert float(found.removal_cross_section) == pytest.approx(2.5e-16, rel=1e-3)
        assert float(found.zero_dose_coverage[0]) == pytest.approx(0.9, abs=0.01)
    with pytest.raises(InputError, match="columns for 3 doses"):
        leis.removal(whole.drop_vars("dose_b").isel(dose=[0, 1, 2]))
    with pytest.raises(InputError, match="2 doses only"):
        leis.removal(whole.isel(dose=[0, 3]))
    upper = xr.DataArray(np.triu(np.ones((4, 4))), dims=("dose", "dose_b"))
    with pytest.raises(InputError, match="not symmetric"):
        leis.removal(whole.assign(coverage_covariance=(whole.coverage_covariance * upper).assign_attrs(units="1")))


def test_spectra_in_any_order(sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset) -> None:
    one, other = (leis.coverage(s, film=film, substrate=substrate) for s in (sample, sample.isel(dose=[3, 1, 0, 2])))
    xr.testing.assert_allclose(one.drop_vars("reasons"), other.drop_vars("reasons"), rtol=1e-6)


def test_failed_fits_are_left_out(
    sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset, oxide: SimpleNamespace
) -> None:
    broken = sample.copy(deep=True)
    broken["verdict"] = broken.verdict.where(broken.dose != DOSE[2], "failed")
    broken["reasons"] = broken.reasons.where(broken.dose != DOSE[2], "not converged")
    found = leis.coverage(broken, film=film, substrate=substrate)
    assert np.isfinite(found.coverage.values).tolist() == [True, True, False, True]
    assert "3 of 12 fits of the sample failed and are left out (not converged)" in found.reasons.item()
    assert found.verdict.item() == "check"
    assert abs(float(found.removal_cross_section) - oxide.sigma) < 2 * float(found.removal_cross_section_unc)
    one = sample.copy(deep=True)
    one["verdict"][0, 1], one["area"][0, 1] = "failed", 1e9
    np.testing.assert_allclose(
        leis.coverage(one, film=film, substrate=substrate).coverage,
        leis.coverage(sample, film=film, substrate=substrate).coverage, atol=0.02,
    )  # fmt: skip
    with pytest.raises(NotDeterminedError):
        leis.coverage(sample.assign(verdict=xr.full_like(sample.verdict, "failed", dtype="<U6")), film=film,
                      substrate=substrate)  # fmt: skip


def test_an_exchange_is_seen_without_formulas(sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset) -> None:
    right = leis.coverage(sample, film=film, substrate=substrate)
    assert "exchanged" not in right.reasons.item()
    wrong = leis.coverage(sample, film=substrate, substrate=film)
    assert "model inadequate: the coverage rises with dose" in wrong.reasons.item()
    assert "exchanged" in wrong.reasons.item()


def test_fits_of_another_recipe_are_refused(sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset) -> None:
    other = film.assign_attrs(recipe=film.attrs["recipe"] + "\ntransmission: -1.0\n")
    for call in (leis.coverage, leis.element_coverage):
        more = {"element": "Zr"} if call is leis.element_coverage else {}
        with pytest.raises(InputError, match="transmission"):
            call(sample, film=other, substrate=substrate, **more)  # type: ignore[arg-type]
    one = leis.coverage(sample, film=film, substrate=substrate)
    with pytest.raises(InputError, match="transmission"):
        leis.removal({"a": one, "b": one.assign_attrs(fit_recipe=other.attrs["recipe"])})


@pytest.mark.parametrize("change", [
    {"roughness": np.nan}, {"roughness": -1}, {"monolayer": -1}, {"dose_scale_unc": np.inf}, {"layers": True},
    {"thickness": {"a": (-0.5, 0.1)}}, {"thickness": {"b": (0.5, 0.1)}}, {"layers": {"b": 2}}, {"interval": "no"},
    {"start_dose": None}, {"thickness": 3}, {"layers": {"a": "2"}},
])  # fmt: skip
def test_impossible_removals_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError) as error:
        leis.removal(table(curve(2, 2.5e-16, 0.9)), **change)
    assert error.value.where == next(iter(change))


@pytest.mark.parametrize("change", [
    {"thickness": (-1, 0.01)}, {"monolayer": None}, {"site_density": np.nan}, {"sputter_yield": "ab"},
    {"sputter_yield": (0.1, np.inf)}, {"model_uncertainty": np.inf}, {"model_uncertainty": True},
    {"model_uncertainty": {"O": np.nan}}, {"exclude": ("na",)}, {"exclude": None}, {"film_formula": None},
    {"densities": 3}, {"dose_dim": 3}, {"recipe": "x"}, {"roughness": True},
])  # fmt: skip
def test_impossible_coverages_are_refused(
    sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset, change: dict[str, Any]
) -> None:
    with pytest.raises(InputError) as error:
        leis.coverage(sample, film=film, substrate=substrate, **change)
    assert error.value.where == next(iter(change))


@pytest.mark.parametrize("change", [
    {"model_uncertainty": np.nan}, {"model_uncertainty": -1}, {"intensity_unc": np.inf}, {"exclude": None},
    {"exclude": ("x",)},
])  # fmt: skip
def test_impossible_single_elements_are_refused(
    film: xr.Dataset, substrate: xr.Dataset, change: dict[str, Any]
) -> None:
    with pytest.raises(InputError) as error:
        leis.element_coverage(film, element="Zr", film=film, substrate=substrate, **change)
    assert error.value.where == next(iter(change))


def test_doses_in_another_unit_are_seen() -> None:
    data = table(curve(2, 2.5e-16, 0.9)).drop_vars("dose_b")
    small = leis.removal(data.assign_coords(dose=("dose", DOSE / 1.6e15, {"units": "ions/cm2"})))
    assert "atoms/ion, is the dose in ions/cm2?" in small.reasons.item()
    assert small.verdict.item() == "check"
    large = leis.removal(data.assign_coords(dose=("dose", 1e4 * DOSE, {"units": "ions/cm2"})))  # numbers of ions/m2
    assert "atoms/ion, is the dose in ions/cm2?" in large.reasons.item()
    assert large.verdict.item() == "check"
    right = leis.removal(data.assign_coords(dose=("dose", DOSE, {"units": "ions/cm2"})))
    assert "is the dose in" not in right.reasons.item()
    with pytest.raises(InputError, match="'dose' is in 's'"):
        leis.removal(data.assign_coords(dose=("dose", DOSE, {"units": "s"})))


def decaying(unc: float, noise: float, dim: str = "iteration") -> xr.Dataset:
    m = relaxation_fit.decay(0.17, np.arange(21.0))
    values = 2e4 * m + 4e3 * (1 - m) + np.random.default_rng(4).normal(0.0, noise, 20)
    unit = {"units": "counts eV", "long_name": "Area"}
    return xr.Dataset(
        {"normalised_area": ((dim, "element"), values[:, None], unit),
         "normalised_area_unc": ((dim, "element"), np.full((20, 1), unc), unit)},
        coords={"element": ["Ag"]}, attrs={"kind": "table", "technique": "LEIS"},
    )  # fmt: skip


def test_a_scatter_beyond_the_uncertainties_is_a_reason_and_widens() -> None:
    right = leis.relaxation(decaying(300.0, 300.0), dose_dim="iteration")
    small = leis.relaxation(decaying(30.0, 300.0), dose_dim="iteration")
    assert right.reasons.values[0] == ""
    assert float(right.widening[0]) == 1.0
    assert str(small.reasons.values[0]).startswith("chi-square improbable")
    assert small.verdict.values[0] == "check"
    # widened by the root of the reduced chi-square it is what the scatter says, whatever was stated
    birge = float(np.sqrt(right.chi2[0] / right.dof[0]))
    assert float(small.rate_unc[0]) == pytest.approx(birge * float(right.rate_unc[0]), rel=0.01)
    assert float(small.chi2[0]) == pytest.approx(100 * float(right.chi2[0]), rel=1e-6)


def test_counts_from_nought_orders_and_names_of_a_relaxation() -> None:
    data = decaying(300.0, 300.0)
    plain = leis.relaxation(data, dose_dim="iteration")
    assert "cross_section" not in plain
    for first in (0, 1):
        counted = leis.relaxation(data.assign_coords(iteration=np.arange(first, first + 20)), dose_dim="iteration")
        assert float(counted.rate[0]) == pytest.approx(float(plain.rate[0]))
    order = np.random.default_rng(2).permutation(20)
    mixed = leis.relaxation(data.assign_coords(iteration=np.arange(1, 21)).isel(iteration=order), dose_dim="iteration")
    assert float(mixed.rate[0]) == pytest.approx(float(plain.rate[0]))
    dosed = data.assign_coords(iteration=("iteration", 1e15 * np.arange(1, 21), {"units": "ions/cm2"}))
    found = leis.relaxation(dosed, dose_dim="iteration")
    assert float(found.cross_section[0]) == pytest.approx(float(plain.rate[0]) / 1e15, rel=1e-3)
    assert found.cross_section.attrs["units"] == "cm2"
    small = dosed.assign_coords(iteration=("iteration", np.arange(1.0, 21.0), {"units": "ions/cm2"}))
    assert "is the dose in ions/cm2?" in str(leis.relaxation(small, dose_dim="iteration").reasons.values[0])
    large = dosed.assign_coords(iteration=("iteration", 1e19 * np.arange(1.0, 21.0), {"units": "ions/cm2"}))
    assert "is the dose in ions/cm2?" in str(leis.relaxation(large, dose_dim="iteration").reasons.values[0])
    begun = dosed.assign_coords(iteration=("iteration", 1e15 * np.arange(20), {"units": "ions/cm2"}))
    with pytest.raises(InputError, match="ends at the dose 0"):
        leis.relaxation(begun, dose_dim="iteration")


def test_labels_and_lacking_units_of_a_series_say_what_to_give() -> None:
    data = decaying(300.0, 300.0)
    labels = data.assign_coords(iteration=[f"it{i:02d}" for i in range(20)])
    with pytest.raises(InputError, match=r"not made of numbers \('it00'\).*assign_coords\(iteration="):
        leis.relaxation(labels, dose_dim="iteration")
    with pytest.raises(InputError, match=r"no units.*\"ions/cm2\" for a dose, \"s\" for a time, \"1\" for a count"):
        leis.relaxation(data.assign_coords(iteration=np.arange(1.0, 21.0)), dose_dim="iteration")
    with pytest.raises(InputError, match='dose_dim="iteration"'):
        leis.relaxation(data)
    doses = table(curve(2, 2.5e-16, 0.9)).drop_vars("dose_b")
    with pytest.raises(InputError, match="not made of numbers"):
        leis.removal(doses.assign_coords(dose=list("abcd")))
