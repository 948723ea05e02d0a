"""The joint estimate against films of known truth, drawn from the equations without the package."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError, NotDeterminedError, SchemaError
from surfspec.joint import data, model
from surfspec.joint.posterior import posterior
from surfspec.joint.removal import covered_and_left
from surfspec.leis.film import dose

SIGMA = 2.5e-16
DRAWS = 200


def tables(make: ModuleType, seed: int, true: object | None = None, noise: float = 1.0) -> tuple[xr.Dataset, ...]:
    rng = np.random.default_rng(seed)
    known = true if true is not None else make.film(rng, 0.85, 2, SIGMA)
    return make.coverages(rng, known, noise), make.thicknesses(rng, known, noise), make.attenuation(rng, known, noise)


def evidence(coverage: xr.Dataset, edge: xr.Dataset, xps: xr.Dataset) -> model.Evidence:
    return model.Evidence(
        data.doses_of(coverage), data.edges_of(edge), data.attenuation_of(xps), (1, 2, 3, 4, 5), 0.238, 0.05
    )


@pytest.mark.parametrize("layers", [1, 2, 3, 5])
def test_layers_left_are_those_of_the_poisson_sum(make: ModuleType, layers: int) -> None:
    covered, left = make.left_by_sum(layers, SIGMA)
    x = SIGMA * make.EDGES
    ours, ours_left = covered_and_left(np.full(4, float(layers)), x[:-1], x[1:])
    np.testing.assert_allclose(ours, covered, rtol=1e-6)
    np.testing.assert_allclose(ours_left, left, rtol=1e-6)
    chained = covered_and_left(np.array([layers * 1.0]), x[:-1], x[1:])
    np.testing.assert_allclose(chained, (ours, ours_left), rtol=1e-12)
    np.testing.assert_allclose(ours, dose.mean_coverage(layers, x[:-1], x[1:])[0], rtol=1e-12)


def test_pulls_and_intervals_are_those_of_the_statistics(make: ModuleType) -> None:
    """Coverage, thickness and cross-section of 200 draws of films of 1 to 4 layers: pulls of width one, 68 % inside."""
    rng = np.random.default_rng(20)
    pulls = []
    for _ in range(DRAWS):
        true = make.film(rng, rng.uniform(0.5, 0.95), int(rng.integers(1, 5)), SIGMA * np.exp(0.2 * rng.normal()))
        found = posterior(evidence(make.coverages(rng, true), make.thicknesses(rng, true), make.attenuation(rng, true)))
        wanted = np.array([true.coverage, true.thickness, np.log(true.sigma / model.TYPICAL)])
        pulls.append((found.mean - wanted) / found.unc)
    width = np.sqrt(np.mean(np.square(pulls), axis=0))
    inside = np.mean(np.abs(pulls) < 1, axis=0)
    assert np.all((width > 0.8) & (width < 1.2)), width
    assert np.all(np.abs(inside - 0.683) < 0.09), inside
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.25)


def test_without_noise_the_truth_comes_back(make: ModuleType) -> None:
    true = make.Film(0.85, 2, SIGMA, 2 * make.MONOLAYER)
    found = ss.joint.film(*tables(make, 1, true, noise=0.0)[:2], xps=tables(make, 1, true, noise=0.0)[2])
    assert float(found["chi2"]) < 0.05
    assert int(found["monolayers"]) == 2
    assert float(found["coverage"]) == pytest.approx(0.85, abs=0.01)
    assert float(found["thickness"]) == pytest.approx(true.thickness, abs=0.02)
    assert float(found["removal_cross_section"]) == pytest.approx(SIGMA, rel=0.06)
    assert np.all(np.abs(found["pull"].values) < 0.2)
    assert str(found["agreement"].values) == "agree"
    assert str(found["film_shape"].values) == "patches"


def test_a_closed_film_is_preferred_over_patches_by_evidence(make: ModuleType) -> None:
    true = make.Film(1.0, 2, SIGMA, 2 * make.MONOLAYER)
    found = [ss.joint.film(tables(make, seed, true)[0], xps=tables(make, seed, true)[2]) for seed in range(12)]
    words = [str(one["film_shape"].values) for one in found]
    assert words.count("patches") <= 1
    assert words.count("closed") >= 6


def test_the_joint_estimate_is_sharper_than_each_technique(make: ModuleType) -> None:
    coverage, edge, xps = tables(make, 3)
    found = ss.joint.film(coverage, edge, xps=xps)
    alone = found["technique_thickness_unc"]
    assert float(alone.sel(technique="joint")) < 0.8 * float(alone.sel(technique="LEIS edge"))
    assert float(alone.sel(technique="joint")) < 0.8 * float(alone.sel(technique="LEIS dose series"))
    assert np.isnan(alone.sel(technique="XPS"))


def test_xps_alone_gives_the_product_only(make: ModuleType) -> None:
    found = ss.joint.film(xps=tables(make, 4)[2])
    assert np.isnan(found["coverage"])
    assert np.isnan(found["thickness"])
    assert str(found["agreement"].values) == "cannot tell"
    assert "not determined: coverage and thickness apart" in str(found["reasons"].values)
    equivalent = found["technique_equivalent_thickness"].sel(technique="XPS")
    true = -make.LENGTH * np.log1p(-0.85 * (1 - np.exp(-2 * make.MONOLAYER / make.LENGTH)))
    assert abs(float(equivalent) - true) < 4 * float(found["technique_equivalent_thickness_unc"].sel(technique="XPS"))


def test_an_error_that_edges_share_does_not_average_out(make: ModuleType) -> None:
    edge = tables(make, 5)[1]
    found = ss.joint.film(edge=edge)
    sure = ss.joint.film(edge=edge, stopping_unc=0.001)
    by_stopping = float(found["thickness_unc"]) ** 2 - float(sure["thickness_unc"]) ** 2
    assert by_stopping == pytest.approx((make.STOPPING * float(found["thickness"])) ** 2, rel=0.3)


def test_an_error_of_the_dose_scale_goes_on_the_cross_section_alone(make: ModuleType) -> None:
    coverage, edge, xps = tables(make, 6)
    sure, unsure = (ss.joint.film(coverage, edge, xps=xps, dose_scale_unc=u) for u in (0.0, 0.3))
    sigma = float(sure["removal_cross_section"])
    rise = float(unsure["removal_cross_section_unc"]) ** 2 - float(sure["removal_cross_section_unc"]) ** 2
    assert rise == pytest.approx((0.3 * sigma) ** 2, rel=1e-6)
    assert float(sure["coverage_unc"]) == float(unsure["coverage_unc"])
    assert float(unsure["covariance"][2, 2]) == pytest.approx(float(unsure["removal_cross_section_unc"]) ** 2)


def test_techniques_that_disagree_are_told_so(make: ModuleType) -> None:
    rng = np.random.default_rng(7)
    true = make.Film(0.85, 2, SIGMA, 2 * make.MONOLAYER)
    coverage, wrong = make.coverages(rng, true), make.attenuation(rng, true, factor=3.5)
    found = ss.joint.film(coverage, xps=wrong)
    assert str(found["agreement"].values) == "disagree"
    assert float(found["agreement_p_value"]) < 0.01
    assert str(found["verdict"].values) == "check"
    assert "model inadequate: LEIS dose series and XPS disagree" in str(found["reasons"].values)


def test_the_order_of_the_doses_says_nothing_and_a_part_of_a_table_keeps_its_intervals(make: ModuleType) -> None:
    table = tables(make, 4)[0]
    table = table.assign_coords(dose_b=("dose_b", table["dose"].values, {"units": "ions/cm2"}))
    whole, turned = data.doses_of(table), data.doses_of(table.isel(dose=[2, 0, 3, 1]))
    for name in ("start", "end", "value", "covariance"):
        np.testing.assert_allclose(getattr(turned, name), getattr(whole, name))
    part = data.doses_of(table.isel(dose=[0, 1, 3]))
    np.testing.assert_allclose(part.start, make.EDGES[[0, 1, 3]])
    np.testing.assert_allclose(part.covariance, whole.covariance[np.ix_([0, 1, 3], [0, 1, 3])])
    lost = data.doses_of(table.assign(coverage=table["coverage"].where(table["dose"] != make.EDGES[3])))
    np.testing.assert_allclose(lost.start, part.start)


def test_a_wrong_attenuation_is_not_called_agreement(make: ModuleType) -> None:
    """XPS that attenuates 2.5 times too strongly, beside doses and edges: hardly ever `agree`; the right one often."""
    words: dict[float, list[str]] = {}
    for factor in (1.0, 2.5):
        rng = np.random.default_rng(17)
        words[factor] = []
        for _ in range(12):
            true = make.film(rng, rng.uniform(0.5, 0.95), int(rng.integers(2, 4)), SIGMA)
            three = make.coverages(rng, true), make.thicknesses(rng, true), make.attenuation(rng, true, factor=factor)
            found = ss.joint.film(three[0], three[1], xps=three[2])
            words[factor].append(str(found["agreement"].values))
            assert "not converged" not in str(found["reasons"].values)
    assert words[2.5].count("agree") <= 1
    assert words[1.0].count("agree") >= 8
    assert words[1.0].count("disagree") <= 1


def test_blunt_techniques_cannot_tell(make: ModuleType) -> None:
    coverage, _, xps = tables(make, 8)
    blunt = xps.assign(equivalent_thickness_unc=xps["equivalent_thickness_unc"] * 20)
    found = ss.joint.film(coverage, xps=blunt)
    assert str(found["agreement"].values) == "cannot tell"


def test_false_alarms_are_rare(make: ModuleType) -> None:
    """Agreeing techniques are called disagreeing about as often as the level of 1 % says."""
    words = [str(ss.joint.film(*_two(make, seed)).agreement.values) for seed in range(25)]
    assert words.count("disagree") <= 2


def _two(make: ModuleType, seed: int) -> tuple[xr.Dataset, xr.Dataset]:
    coverage, edge, _ = tables(make, seed)
    return coverage, edge


def test_no_film_is_below_detection_and_no_thickness(make: ModuleType) -> None:
    rng = np.random.default_rng(9)
    bare = make.Film(0.0, 2, SIGMA, 0.0)
    found = ss.joint.film(make.coverages(rng, bare), xps=make.attenuation(rng, bare))
    assert np.isnan(found["thickness"])
    assert int(found["monolayers"]) == -1
    assert float(found["coverage"]) < 0.05
    assert str(found["agreement"].values) == "agree"
    assert "below detection: coverage" in str(found["reasons"].values)


def test_one_dose_gives_a_coverage_and_no_cross_section(make: ModuleType) -> None:
    coverage, _, xps = tables(make, 10)
    one = coverage.isel(dose=[0], dose_b=[0])
    found = ss.joint.film(one, xps=xps)
    assert abs(float(found["coverage"]) - 0.85) < 4 * float(found["coverage_unc"])
    assert np.isnan(found["removal_cross_section"])


@pytest.mark.parametrize("seed", range(4))
def test_the_curve_of_xps_stands_for_its_lines(seed: int) -> None:
    """Chi-square of coverage and thickness from the table against that of the lines themselves."""
    from surfspec.xps.film import model as lines_model

    rng = np.random.default_rng(seed)
    length = np.array([3.0, 1.3, 3.1, 3.2])
    film, substrate = np.array([0.0, 2.0, 0.8, 0.0]), np.array([3.0, 1.0, 0.2, 0.6])
    thickness, coverage = 0.5, 0.8
    passed = np.exp(-thickness / length)
    seen = 1e4 * (coverage * (film * (1 - passed) + substrate * passed) + (1 - coverage) * substrate)
    seen = seen * np.exp(0.03 * rng.normal(size=4))
    signals = lines_model.Signals(
        seen, np.diag((0.005 * seen) ** 2), np.zeros(4, dtype=np.int64), film, substrate, np.zeros(4), length, length,
        np.arange(4), np.zeros(4), {"sensitivity": 0.03, "film_length": 0.10},
    )  # fmt: skip
    uniform = lines_model.estimate(signals)
    trial = np.round(np.linspace(0.05, 1.0, 20), 2)
    found, chi2 = lines_model.coverage_curve(signals, trial, contaminated=False)
    value, unc = uniform.of("thickness")
    table = xr.Dataset(
        {
            "equivalent_thickness": ((), value, {"units": "nm"}),
            "equivalent_thickness_unc": ((), unc, {"units": "nm"}),
            "trial_thickness": ("trial_coverage", found, {"units": "nm"}),
            "trial_chi2": ("trial_coverage", chi2, {"units": "1"}),
            "film_length": ("line", length, {"units": "nm"}),
        },
        coords={"trial_coverage": ("trial_coverage", trial, {"units": "1"})},
        attrs={"kind": "table", "technique": "XPS"},
    )
    ours = data.attenuation_of(table)
    for c, t in ((1.0, value + unc), (1.0, value - unc), (0.8, 0.55), (0.6, 0.8), (0.9, 0.4)):
        exact = lines_model.estimate(signals, patchy=True, fixed={"coverage": c, "thickness": t}).chi2 - chi2.min()
        parts = model._of_attenuation(ours, np.array([c]), np.array([t]))
        assert float(np.sum(parts**2)) == pytest.approx(exact, abs=0.25 + 0.15 * exact)


def test_a_table_of_simulated_data_is_simulated(make: ModuleType) -> None:
    coverage, edge, xps = tables(make, 11)
    found = ss.joint.film(coverage, edge, xps=xps)
    assert found.attrs["simulated"] == "true"
    assert found.attrs["technique"] == "joint"
    assert ss.check(found, "table") is found
    assert found.attrs["inputs"] == "coverage, edge, xps"


def test_coverages_without_covariance_share_half_of_what_spots_do_not_explain(make: ModuleType) -> None:
    coverage = tables(make, 12)[0].drop_vars("coverage_covariance")
    own = 0.01
    coverage["spot_coverage_unc"] = (("spot", "dose"), np.full((4, 4), 2 * own), {"units": "1"})
    found = data.doses_of(coverage).covariance
    rest = float(coverage["coverage_unc"][0]) ** 2 - own**2
    assert found[0, 1] == pytest.approx(0.5 * rest)
    assert found[0, 0] == pytest.approx(float(coverage["coverage_unc"][0]) ** 2, abs=2e-8)


class TestBadInput:
    def test_no_table(self) -> None:
        with pytest.raises(InputError, match="no table"):
            ss.joint.film()

    def test_a_table_of_another_kind(self, make: ModuleType) -> None:
        with pytest.raises(InputError, match=r"coverage: .*no 'coverage'"):
            ss.joint.film(tables(make, 1)[1])
        with pytest.raises(SchemaError):
            ss.joint.film(ss.spectrum([1, 2, 3], [1, 2, 3], technique="LEIS"))

    def test_several_samples(self, make: ModuleType) -> None:
        with pytest.raises(InputError, match="over sample"):
            ss.joint.film(tables(make, 1)[0].drop_vars("coverage_covariance").expand_dims("sample"))

    def test_unknown_doses(self, make: ModuleType) -> None:
        with pytest.raises(InputError, match="dose of the coverages is not known"):
            ss.joint.film(tables(make, 1)[0].drop_vars("dose"))

    def test_doses_that_are_none(self, make: ModuleType) -> None:
        table = tables(make, 1)[0]
        with pytest.raises(InputError, match="do not rise"):
            ss.joint.film(table.assign_coords(dose=("dose", [1e15, 1e15, 2e15, 3e15], {"units": "ions/cm2"})))
        with pytest.raises(InputError, match="'dose' is in 's'"):
            ss.joint.film(table.assign_coords(dose=("dose", table["dose"].values, {"units": "s"})))

    def test_tables_in_the_wrong_place_and_covariances_that_are_none(self, make: ModuleType) -> None:
        table = tables(make, 1)[0]
        with pytest.raises(InputError, match="table of coverages"):
            ss.joint.film(
                table, table.assign(thickness=((), 0.5, {"units": "nm"}), thickness_unc=((), 0.1, {"units": "nm"}))
            )
        upper = xr.DataArray(np.triu(np.ones((4, 4))), dims=("dose", "dose_b"))
        with pytest.raises(InputError, match="not symmetric"):
            ss.joint.film(
                table.assign(coverage_covariance=(table["coverage_covariance"] * upper).assign_attrs(units="1"))
            )

    def test_nothing_but_nan(self, make: ModuleType) -> None:
        table = tables(make, 1)[0]
        with pytest.raises(NotDeterminedError):
            ss.joint.film(table.assign(coverage=table["coverage"] * np.nan))
        with pytest.raises(NotDeterminedError):
            ss.joint.film(xps=tables(make, 1)[2].assign(equivalent_thickness_unc=((), np.nan, {"units": "nm"})))

    @pytest.mark.parametrize(
        "options",
        [{"layers": 1}, {"layers": 2.5}, {"monolayer": 0.0}, {"monolayer_unc": -1.0}, {"stopping_unc": 2.0},
         {"dose_scale_unc": -0.1}, {"monolayer": float("nan")}],
    )  # fmt: skip
    def test_impossible_options(self, make: ModuleType, options: dict) -> None:
        with pytest.raises(InputError, match=next(iter(options))):
            ss.joint.film(tables(make, 1)[0], **options)
