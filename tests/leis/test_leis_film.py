"""Coverage by two phases on cases whose answers are known: references, misfit, spots, one element, computed areas."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
import yaml
from numpy.typing import NDArray
from scipy.special import gammaincc

import surfspec
from surfspec import leis, schema, spectra
from surfspec.errors import InputError
from surfspec.leis.film import dose, dose_conclusion, layer_choice, misfit, one_sample, single_element, unmixing

Array = NDArray[np.float64]

DOSE = np.array([1.6e15, 3.2e15, 4.8e15, 6.4e15])


def test_coverage_comes_back(
    sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset, oxide: SimpleNamespace
) -> None:
    table = leis.coverage(sample, film=film, substrate=substrate, model_uncertainty=0.0)
    theta = oxide.coverage
    assert bool((np.abs(table.coverage - theta) < 4 * table.coverage_unc).all())
    np.testing.assert_allclose(table.coverage, theta, atol=0.02)
    np.testing.assert_allclose(table.gain, 1.1, atol=0.03)
    assert oxide.layers in [int(n) for n in str(table.not_excluded.values).split(",")]
    assert abs(float(table.zero_dose_coverage) - oxide.zero) < 3 * float(table.zero_dose_coverage_unc)
    assert abs(float(table.removal_cross_section) - oxide.sigma) < 3 * float(table.removal_cross_section_unc)
    assert table.spot_coverage.dims == ("spot", "dose")
    assert table.sputter_budget.sel(bound="high").values[-1] == pytest.approx(0.172, abs=0.001)
    one = leis.coverage(sample.isel(spot=0, dose=0), film=film, substrate=substrate)
    assert one.coverage.ndim == 0
    assert "sputter_budget" not in one
    assert "curve" not in one
    assert np.isnan(one.removal_cross_section)


def test_a_bare_surface_has_no_removal_cross_section(substrate: xr.Dataset, film: xr.Dataset) -> None:
    series = substrate.rename(spot="dose").assign_coords(dose=("dose", DOSE, {"units": "ions/cm2"}))
    table = leis.coverage(series, film=film, substrate=substrate)
    assert float(np.max(table.coverage)) < 0.05
    assert int(table.identifiable) == 0
    assert np.isnan(table.zero_dose_coverage)
    assert "not identifiable" in str(table.reasons.values)
    assert str(table.verdict.values) == "check"


def test_unmixing_is_exact_without_noise(oxide: SimpleNamespace) -> None:
    yields = np.stack([oxide.film[[0, 2, 3]], oxide.substrate[[0, 2, 3]]], axis=1)
    area = yields @ np.array([0.9, 0.3])
    amounts, own, _, _, chi2 = unmixing.unmix(area, np.diag(area), yields, np.zeros((2, 3, 3)))
    np.testing.assert_allclose(amounts, [0.9, 0.3], rtol=1e-9)
    assert chi2 == pytest.approx(0.0, abs=1e-9)
    assert np.all(np.linalg.eigvalsh(own) > 0)


def test_multilayer_coverages_of_the_poisson_model() -> None:
    # Q(n0, x) at x = 0.4, 0.8, 1.2, 1.6
    x = 2.5e-16 * DOSE
    np.testing.assert_allclose(gammaincc(1, x), [0.67, 0.45, 0.30, 0.20], atol=0.005)
    np.testing.assert_allclose(gammaincc(2, x), [0.94, 0.81, 0.66, 0.53], atol=0.01)
    np.testing.assert_allclose(gammaincc(3, x), [0.99, 0.95, 0.88, 0.78], atol=0.005)


def test_layers_are_compared_honestly(oxide: SimpleNamespace) -> None:
    edges = oxide.sigma * np.concatenate([[0.0], DOSE])
    seen = 0.97 * dose.mean_coverage(2, edges[:-1], edges[1:])[0]
    found = layer_choice.compare_layers(DOSE, seen, np.eye(4) * 0.01**2)
    assert found.best.layers == 2
    assert found.best.chi2 == pytest.approx(0.0, abs=1e-6)
    assert found.best.cross_section == pytest.approx(oxide.sigma, rel=1e-4)
    assert 1 not in found.not_excluded
    vague = layer_choice.compare_layers(DOSE, seen, np.eye(4) * 0.1**2)
    assert vague.not_excluded == (1, 2, 3, 4)
    assert vague.average.cross_section_unc > found.average.cross_section_unc


@pytest.mark.parametrize("doses", [[1e15, 2e15], [1e15, 3e15, 2e15], [0.0, 1e15, 2e15], [np.nan, 1e15, 2e15]])
def test_bad_doses_are_refused(doses: list[float]) -> None:
    with pytest.raises(InputError):
        dose.fit_dose(np.array(doses), np.full(len(doses), 0.5), np.eye(len(doses)), 1)


def test_exchanged_references_are_named(sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset) -> None:
    formulas = {"film_formula": "Na3PO4", "substrate_formula": "Na3Zr2P3O12"}
    right = leis.coverage(sample, film=film, substrate=substrate, **formulas)
    assert right.coverage.sizes == {"dose": 4}
    with pytest.raises(InputError, match=r"film reference shows Zr, which Na3PO4 does not hold.*exchanged"):
        leis.coverage(sample, film=substrate, substrate=film, **formulas)
    with pytest.raises(InputError, match="substrate reference shows Na and P, which ZrO2"):
        leis.coverage(sample, film=substrate, substrate=film, substrate_formula="ZrO2")


def test_two_phases_that_fail_say_in_what(film: xr.Dataset, substrate: xr.Dataset, oxide: SimpleNamespace) -> None:
    third = leis.fit(oxide.spectrum(np.array([9e4, 7e4, 3e5, 9e4]), 31), oxide.recipe)
    reason = str(leis.coverage(third, film=film, substrate=substrate).reasons.values)
    assert "model inadequate: two phases" in reason
    assert "P (+" in reason


YIELDS = np.array([[6.0, 9.0], [0.0, 5.0], [5.5, 1.2], [0.0, 18.0]]) * 1e4
BELOW = np.array([4e4, 3e4, 2e4, 1e4])
PHASES = one_sample.Phases(["O", "Si", "P", "Zr"], YIELDS, np.zeros((2, 4, 4)))


def draw(rng: np.random.Generator, theta: float, share: float, spots: int = 3, steps: int = 4) -> tuple[Array, Array]:
    """Areas with counting noise, and with one error of the model at each dose, the same for all spots."""
    counting = np.array([200.0, 300.0, 250.0, 400.0])
    below = BELOW + one_sample.GUARD / misfit.PRIOR_SCALE * (YIELDS @ [theta, 1 - theta]).sum()
    model = rng.normal(0, 1, (steps, 4)) * share * theta * below
    noise = rng.normal(0, 1, (spots, steps, 4)) * counting
    gain = rng.uniform(0.9, 1.1, (spots, steps, 1))
    areas = gain * (YIELDS @ [theta, 1 - theta] + model) + noise
    return areas, np.broadcast_to(np.diag(counting**2), (spots, steps, 4, 4))


@pytest.mark.parametrize("share", [0.03, 0.10])
def test_the_error_of_the_model_is_learned(share: float) -> None:
    rng = np.random.default_rng(11)
    found, pulls = [], []
    for _ in range(15):
        areas, matrices = draw(rng, 0.7, share)
        below = np.broadcast_to(BELOW, areas.shape)
        one = one_sample.one_sample(areas, matrices, below, None, PHASES, None, dose_conclusion.DoseSetting())
        found.append(one["model_share"])
        pulls.append((one["coverage"] - 0.7) / one["coverage_unc"])
    assert np.median(found) == pytest.approx(share, rel=0.5)
    assert 0.7 < np.std(pulls) < 1.3


def test_what_is_like_its_reference_has_its_error_too() -> None:
    areas, matrices = draw(np.random.default_rng(12), 0.02, 0.15)
    below = np.broadcast_to(BELOW, areas.shape)
    one = one_sample.one_sample(areas, matrices, below, None, PHASES, None, dose_conclusion.DoseSetting())
    counting = one_sample.one_sample(
        areas, matrices, below, np.zeros_like(areas), PHASES, None, dose_conclusion.DoseSetting()
    )
    np.testing.assert_allclose(one["coverage_unc"], counting["coverage_unc"], rtol=0.15)


def test_ways_to_give_the_error_of_the_model(sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset) -> None:
    def cover(error: object) -> xr.Dataset:
        return leis.coverage(sample, film=film, substrate=substrate, model_uncertainty=error)  # type: ignore[arg-type]

    relative = xr.DataArray([0.03, 0.03, 0.03], dims="component", coords={"component": ["O", "P", "Zr"]},
                            attrs={"units": "1"})  # fmt: skip
    by_name, by_array = cover({"O": 0.03, "P": 0.03, "Zr": 0.03}), cover(relative)
    np.testing.assert_allclose(by_name.coverage_unc, by_array.coverage_unc)
    absolute = relative.copy(data=[3e3, 3e3, 3e3]).assign_attrs(units="counts eV")
    assert bool((cover(absolute).coverage_unc > cover(0.0).coverage_unc).all())
    assert np.isnan(by_name.model_share)
    assert cover(None).attrs["model_uncertainty"] == "learned from the misfit"
    for bad in ({"Al": 0.1}, {"O": -0.1}, relative.isel(component=[0]), relative.expand_dims(day=2), -1.0):
        with pytest.raises(InputError):
            cover(bad)


def test_the_table_keeps_what_doses_have_in_common(sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset) -> None:
    table = leis.coverage(sample, film=film, substrate=substrate)
    assert table.coverage_covariance.dims == ("dose", "dose_b")
    np.testing.assert_allclose(np.sqrt(np.diag(table.coverage_covariance)), table.coverage_unc)
    assert 0 < float(table.model_common) < 1
    no_model = leis.coverage(sample, film=film, substrate=substrate, model_uncertainty=0.0)
    common, between = no_model.coverage_common_unc.values, float(no_model.between_spot_sd)
    off = no_model.coverage_covariance.values[0, 3]
    assert off == pytest.approx(common[0] * common[3] + between**2 / 3)
    assert table.coverage_covariance.values[0, 3] > off
    assert "nm removed by the series" in str(table.statement.values)
    assert float(table.monolayers_probability.sum()) == pytest.approx(1.0)
    assert table.removal_cross_section_low < table.removal_cross_section < table.removal_cross_section_high
    schema.check(table, "table")
    wide = leis.coverage(sample, film=film, substrate=substrate, dose_scale_unc=0.2)
    assert float(wide.removal_cross_section_unc) > 0.2 * float(wide.removal_cross_section)
    assert float(wide.zero_dose_coverage_unc) == float(table.zero_dose_coverage_unc)


@pytest.mark.parametrize("same", [True, False])
def test_what_the_model_lacks_it_lacks_at_each_dose(same: bool) -> None:
    """One error for all doses, or a new one each: what the first and the last dose differ by, of no difference."""
    rng, parts = np.random.default_rng(13), []
    counting = np.array([200.0, 300.0, 250.0, 400.0])
    below = BELOW + one_sample.GUARD / misfit.PRIOR_SCALE * (YIELDS @ [0.7, 0.3]).sum()
    told, apart = [], []
    for _ in range(40):
        error = rng.normal(0, 1, (1 if same else 4, 4)) * 0.05 * 0.7 * below
        areas = YIELDS @ [0.7, 0.3] + error + rng.normal(0, 1, (3, 4, 4)) * counting
        matrices = np.broadcast_to(np.diag(counting**2), (3, 4, 4, 4))
        setting = dose_conclusion.DoseSetting()
        one = one_sample.one_sample(areas, matrices, np.broadcast_to(BELOW, areas.shape), None, PHASES, None, setting)
        parts.append(one["model_common"])
        step = np.array([1.0, 0.0, 0.0, -1.0])
        told.append(step @ one["coverage"] / np.sqrt(step @ one["coverage_covariance"] @ step))
        apart.append(step @ one["coverage"] / np.hypot(*one["coverage_unc"][[0, 3]]))
    if same:  # held for new at each dose the uncertainty of the difference would be several times too large
        assert np.median(parts) > 0.75
        assert np.std(told) > 2.0 * np.std(apart)
        assert np.std(told) < 1.0
    else:  # and the price is small where they are new
        assert np.median(parts) < 0.2
        assert np.std(told) < 1.1 * np.std(apart)


def test_curve_and_criterion_beside_the_chi_square(
    sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset, oxide: SimpleNamespace
) -> None:
    table = leis.coverage(sample, film=film, substrate=substrate)
    assert table.curve.dims == ("curve_dose",)
    assert table.curve_dose.attrs["units"] == "ions/cm2"
    true = oxide.zero * gammaincc(oxide.layers, oxide.sigma * table.curve_dose.values)
    pulls = (table.curve - true) / table.curve_unc
    assert float(np.abs(pulls).max()) < 3.0
    assert bool((np.diff(table.curve) < 0).all())
    # two numbers from four doses: chi-square + 2 k + 2 k (k + 1)/(n - k - 1)
    np.testing.assert_allclose(table.monolayers_aicc, table.monolayers_chi2 + 4.0 + 12.0)
    both = leis.removal({"a": table, "b": table})
    # two coverages at zero dose and a cross-section from eight
    np.testing.assert_allclose(both.monolayers_aicc, both.monolayers_chi2 + 6.0 + 24.0 / 4.0)
    three = leis.coverage(sample.isel(dose=slice(0, 3)), film=film, substrate=substrate)
    assert bool(np.isnan(three.monolayers_aicc).all())


def test_inversion_of_a_normalised_area_is_exact() -> None:
    film, substrate = np.array([6.0, 5.5, 0.0]), np.array([9.0, 1.2, 18.0])
    for theta in (0.0, 0.3, 0.5, 0.9, 1.0):
        area = theta * film + (1 - theta) * substrate
        for j in range(3):
            phases = (film[j], film.sum()), (substrate[j], substrate.sum())
            found, slope = single_element.invert_share(np.array(area[j] / area.sum()), *phases)
            assert found == pytest.approx(theta, abs=1e-12)
            step = 1e-6
            up, _ = single_element.invert_share(np.array(area[j] / area.sum() + step), *phases)
            assert slope == pytest.approx((up - found) / step, rel=1e-3)


def test_normalised_areas_are_not_linear_in_coverage() -> None:
    # sums of film and substrate as 0.39 to 1: Zr has dropped by 28 % at half coverage and by 78 % at 0.9
    for theta, drop in ((0.5, 0.28), (0.9, 0.78)):
        left = (1 - theta) / (theta * 0.39 + (1 - theta))
        assert 1 - left == pytest.approx(drop, abs=0.01)
        found, _ = single_element.invert_share(np.array(0.575 * left), (0.0, 0.39), (0.575, 1.0))
        assert found == pytest.approx(theta)


def test_one_element_agrees_with_all(sample: xr.Dataset, film: xr.Dataset, substrate: xr.Dataset) -> None:
    whole = leis.coverage(sample, film=film, substrate=substrate).spot_coverage
    for element in ("Zr", "P"):
        for way in ("share", "intensity"):
            one = leis.element_coverage(sample, element=element, film=film, substrate=substrate, way=way)
            assert bool((np.abs(one.coverage - whole) < 3 * one.coverage_unc + 0.02).all()), (element, way)
    for bad in ({"element": "Al"}, {"element": "Na"}, {"element": "Zr", "way": "guess"}):
        with pytest.raises(InputError):
            leis.element_coverage(sample, film=film, substrate=substrate, **bad)  # type: ignore[arg-type]


def test_computed_phases_are_a_fallback_that_says_so(sample: xr.Dataset, film: xr.Dataset) -> None:
    table = leis.coverage(sample, film="Na3PO4", substrate="NaZr2P3O12", densities={"NaZr2P3O12": 3.2})
    assert "computed, each to 25 %" in str(table.reasons.values)
    assert table.verdict.item() == "check"
    with pytest.raises(InputError, match="one phase is measured"):
        leis.coverage(sample, film=film, substrate="NaZr2P3O12", densities={"NaZr2P3O12": 3.2})
    with pytest.raises(InputError):
        leis.coverage(sample, film="Na3PO4", substrate="Na3PO4")


@pytest.mark.data
def test_pulls_on_the_independent_simulation(data_dir: Path) -> None:
    folder = data_dir / "leis" / "simulated"
    if not folder.is_dir():
        pytest.skip(f"no simulated LEIS spectra in {folder}")
    recipe = leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"))

    def series(name: str) -> xr.Dataset:
        spots = []
        for a in (1, 2, 3):
            one = [np.loadtxt(folder / "spectra" / f"{name}_area{a}_dose{d}.csv", delimiter=",", skiprows=1).T
                   for d in (1, 2, 3, 4)]  # fmt: skip
            made = [spectra.spectrum(e, n, technique="LEIS", simulated="true") for e, n in one]
            spots.append(spectra.stack(made, "dose", DOSE, units="ions/cm2"))
        return leis.fit(spectra.stack(spots, "spot"), recipe)

    film, substrate = series("ref_Na3PO4"), series("ref_NZSP")
    samples = ("as_sintered", "annealed", "polished", "xsection")
    tables = {name: leis.coverage(series(name), film=film, substrate=substrate) for name in samples}
    single = leis.removal(tables["as_sintered"])
    both = leis.removal({name: tables[name] for name in samples[:2]})
    with (folder / "truth.yaml").open() as lines:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        truth = {one["file"][:-4]: one for one in yaml.load(lines, Loader=loader)["spectra"]}  # noqa: S506
    errors, pulls = [], []
    for name, table in tables.items():
        true = [np.mean([truth[f"{name}_area{a}_dose{d}"]["coverage_Na3PO4"] for a in (1, 2, 3)]) for d in (1, 2, 3, 4)]
        errors.append(table.coverage.values - true)
        pulls.append(errors[-1] / table.coverage_unc.values)
    assert np.max(np.abs(errors)) < 0.03
    assert 0.7 < np.sqrt(np.mean(np.square(pulls))) < 1.3
    # simulated with 1.7e-16 cm2 and films of three monolayers, a part of them of two
    for one in (single, both):
        assert abs(float(one.removal_cross_section) / 1.7e-16 - 1) < 0.10
        assert 3 in one.monolayers.values
    assert abs(float(both.removal_cross_section) - 1.7e-16) < 2 * float(both.removal_cross_section_unc)
    assert both.monolayers.values.tolist() == [3, 3]
    assert bool((both.monolayers_probability.sel(layers=3) > 0.5).all())
    assert bool((np.abs(both.zero_dose_coverage - 1.0) < 3 * both.zero_dose_coverage_unc).all())


def test_the_script_of_the_row_meets_the_truth(tmp_path: Path) -> None:
    file = Path(__file__).resolve().parent.parent.parent / "docs" / "examples" / "leis_i7.py"
    spec = importlib.util.spec_from_file_location("leis_i7", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    numbers = module.main(tmp_path)
    assert (tmp_path / "leis_i7.png").stat().st_size > 5000
    file = surfspec.reference.path("nasicon_study") / "truth.yaml"
    truth = yaml.safe_load(file.read_text(encoding="utf-8"))["samples"]
    true = {"removal cross-section": 2.5e-16, "thickness by edge": 0.475258, "thickness by monolayers": 0.475258}
    assert truth["as_sintered"]["leis"]["removal_cross_section"] == true["removal cross-section"]
    assert truth["as_sintered"]["leis"]["thickness"] == true["thickness by edge"]
    for name in ("as_sintered", "annealed"):
        one = truth[name]["leis"]
        true[f"{name} zero dose"] = one["zero_dose_coverage"]
        true |= {f"{name} coverage {i}": step["value"] for i, step in enumerate(one["coverage"], start=1)}
        assert numbers[f"{name} monolayers"][0] == one["monolayers"]
    for name, value in true.items():
        found, unc = numbers[name]
        assert abs(found - value) < 3 * unc, name
    assert numbers["removal cross-section"][0] == pytest.approx(2.5e-16, rel=0.1)
