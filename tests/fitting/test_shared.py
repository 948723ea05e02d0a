"""Global fits against a dense joint fit of everything, closed forms and simulation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from surfspec.errors import InputError
from surfspec.fitting.model import BoundModel, Component, Model, Parameter, Tie
from surfspec.fitting.shared import SharedFit, fit_shared
from surfspec.fitting.solver import solve

Array = np.ndarray

X = np.arange(176.0, 192.0, 0.1)
BASE = 200.0 + 5.0 * (X - X[0])


def doublet(base: Array = BASE, **changes: Parameter) -> BoundModel:
    """Two lines of one doublet over a fixed background."""
    parameters = {
        "area": Parameter("area", 500.0, 0.0, natural_low=True),
        "center": Parameter("center", 182.2, 180.0, 185.0, unit="eV"),
        "fwhm": Parameter("fwhm", 1.2, 0.4, 4.0, unit="eV"),
        "mixing": Parameter("mixing", 0.3, 0.0, 1.0, natural_low=True),
    } | changes
    roles = {"center": Tie("center"), "fwhm": Tie("fwhm"), "mixing": Tie("mixing")}
    weak = roles | {"center": Tie("center", offset=2.4)}
    return BoundModel(
        Model(
            tuple(parameters.values()),
            (
                Component("3d5/2", "pseudo_voigt", Tie("area"), roles),
                Component("3d3/2", "pseudo_voigt", Tie("area", 2 / 3), weak),
            ),
        ),
        X,
        base,
    )


class Dense:
    """All members in one problem with one dense Jacobian: slow, and another way to the same answer."""

    def __init__(self, models: Sequence[BoundModel], shared: Sequence[str]) -> None:
        self.models = models
        common = [p for p in models[0].parameters if p.name in shared]
        self.parameters = tuple(common)
        self.places = []
        for number, model in enumerate(models):
            places = []
            for one in model.parameters:
                if one.name in shared:
                    places.append(list(shared).index(one.name))
                else:
                    places.append(len(self.parameters))
                    mine = Parameter(
                        f"{one.name} {number}", one.value, one.low, one.high, one.vary, natural_low=one.natural_low
                    )
                    self.parameters = (*self.parameters, mine)
            self.places.append(np.array(places))

    def evaluate(self, values: Array) -> Array:
        return np.concatenate([m.evaluate(values[p]) for m, p in zip(self.models, self.places, strict=True)])

    def jacobian(self, values: Array) -> Array:
        rows = []
        for model, place in zip(self.models, self.places, strict=True):
            block = np.zeros((X.size, len(self.parameters)))
            block[:, place] = model.jacobian(values[place])
            rows.append(block)
        return np.concatenate(rows)


def simulate(count: int, seed: int = 1, areas: Sequence[float] | None = None) -> tuple[list[BoundModel], list[Array]]:
    """Poisson data (simulated) of doublets with one centre, and each its own area and width."""
    rng = np.random.default_rng(seed)
    models = [doublet() for _ in range(count)]
    chosen = areas or [600.0 + 100.0 * (i % 5) for i in range(count)]
    truth = [np.array([a, 182.4, 1.2 + 0.05 * (i % 4), 0.25]) for i, a in enumerate(chosen)]
    return models, [rng.poisson(m.evaluate(t)).astype(float) for m, t in zip(models, truth, strict=True)]


def member_covariance(fit: SharedFit, dense: Dense, full: Array) -> None:
    for member, place in zip(fit.members, dense.places, strict=True):
        unit = np.sqrt(np.diag(full)[place])
        difference = (member.covariance - full[np.ix_(place, place)]) / np.outer(unit, unit)
        assert np.max(np.abs(difference)) < 1e-6


@pytest.mark.parametrize("statistics", ["poisson", "given", "unknown"])
def test_equals_the_dense_joint_fit(statistics: str) -> None:
    models, data = simulate(4)
    shared = ["center", "mixing"]
    sigma = None if statistics == "poisson" else [np.sqrt(np.maximum(y, 1.0)) for y in data]
    fit = fit_shared(models, data, shared=shared, statistics=statistics, sigma=sigma)
    dense = Dense(models, shared)
    y, s = np.concatenate(data), None if sigma is None else np.concatenate(sigma)
    reference = solve(dense, y, statistics=statistics, sigma=s)
    assert reference.converged
    assert fit.converged
    unit = reference.uncertainties
    for member, place in zip(fit.members, dense.places, strict=True):
        assert np.max(np.abs(member.value - reference.values[place]) / unit[place]) < 1e-5
    member_covariance(fit, dense, reference.covariance)
    np.testing.assert_allclose(fit.covariance, reference.covariance[:2, :2], rtol=1e-6)
    assert fit.deviance == pytest.approx(reference.deviance, rel=1e-10)
    assert fit.chi2 == pytest.approx(reference.chi2, rel=1e-8)
    assert fit.dof == reference.dof
    assert fit.scale == pytest.approx(reference.scale, rel=1e-8)


def test_equals_the_dense_joint_fit_with_an_absent_peak_and_nuisances() -> None:
    models, data = simulate(3, areas=[900.0, 0.0, 700.0], seed=5)
    # the shape of the absent peak is not determined by its own data: it is shared with the others
    shared = ["center", "fwhm", "mixing"]
    ramp = np.linspace(0.0, 1.0, X.size)
    nuisance = [np.stack([3.0 * ramp, 3.0 * (1.0 - ramp)]) for _ in models]
    fit = fit_shared(models, data, shared=shared, nuisance=nuisance)
    dense = Dense(models, shared)
    stacked = np.zeros((6, 3 * X.size))
    for i, one in enumerate(nuisance):
        stacked[2 * i : 2 * i + 2, i * X.size : (i + 1) * X.size] = one
    reference = solve(dense, np.concatenate(data), nuisance=stacked)
    plain = solve(dense, np.concatenate(data))
    assert np.max(reference.uncertainties / plain.uncertainties) > 1.05  # the nuisances matter
    for member, place in zip(fit.members, dense.places, strict=True):
        assert np.max(np.abs(member.value - reference.values[place]) / reference.uncertainties[place]) < 1e-5
    member_covariance(fit, dense, reference.covariance)


def test_the_uncertainty_of_a_shared_centre_falls_with_the_root_of_the_members() -> None:
    y = np.round(doublet().evaluate(np.array([800.0, 182.4, 1.2, 0.25])))
    alone = solve(doublet(), y)
    one = alone.uncertainties[1]
    for count in (1, 4, 25):
        fit = fit_shared([doublet()] * count, [y] * count, shared=["center"])
        # equal members: the Fisher information of the centre adds up exactly
        assert fit.uncertainties[0] == pytest.approx(one / np.sqrt(count), rel=1e-6)
        assert fit.members[-1].center_unc[0] == pytest.approx(one / np.sqrt(count), rel=1e-6)


def test_a_shared_value_is_the_weighted_mean_where_nothing_else_is_free() -> None:
    # the model is linear in the area: the joint estimate is the inverse-variance mean, in closed form
    fixed = {
        "center": Parameter("center", 182.4, vary=False),
        "fwhm": Parameter("fwhm", 1.2, vary=False),
        "mixing": Parameter("mixing", 0.25, vary=False),
    }
    rng = np.random.default_rng(3)
    sigma = [np.full(X.size, s) for s in (5.0, 20.0, 60.0)]
    models = [doublet(**fixed) for _ in sigma]
    shape = models[0].jacobian(np.array([1.0, 182.4, 1.2, 0.25]))[:, 0]
    data = [BASE + 700.0 * shape + rng.normal(0.0, s) for s in sigma]
    fit = fit_shared(models, data, shared=["area"], statistics="given", sigma=sigma)
    information = sum(np.sum((shape / s) ** 2) for s in sigma)
    value = sum(np.sum(shape * (y - BASE) / s**2) for y, s in zip(data, sigma, strict=True)) / information
    assert fit.values[0] == pytest.approx(value, rel=1e-9)
    assert fit.uncertainties[0] == pytest.approx(information**-0.5, rel=1e-9)


@pytest.mark.slow
def test_pulls_of_the_shared_centre_in_simulation() -> None:
    pulls, own = [], []
    for seed in range(40):
        models, data = simulate(4, seed=1000 + seed)
        fit = fit_shared(models, data, shared=["center"])
        pulls.append((fit.values[0] - 182.4) / fit.uncertainties[0])
        own += [(m.area[0] - 600.0 - 100.0 * i) / m.area_unc[0] for i, m in enumerate(fit.members)]
    # mean and width of n standard normal pulls scatter by 1/sqrt(n) and 1/sqrt(2n): 3.5 of these
    assert abs(np.mean(pulls)) < 3.5 / np.sqrt(40)
    assert abs(np.std(pulls) - 1.0) < 3.5 / np.sqrt(80)
    assert abs(np.std(own) - 1.0) < 3.5 / np.sqrt(320)


def test_a_model_that_is_wrong_for_one_member_is_seen_in_that_member() -> None:
    models, data = simulate(4)
    rng = np.random.default_rng(9)
    data[2] = rng.poisson(doublet().evaluate(np.array([800.0, 183.0, 1.2, 0.25]))).astype(float)
    fit = fit_shared(models, data, shared=["center"])
    assert fit.members[2].verdict == "check"
    assert any("chi-square improbable" in one or "residual structure" in one for one in fit.members[2].reasons)


def test_a_shared_parameter_on_its_limit_is_said() -> None:
    models = [doublet(center=Parameter("center", 181.0, 180.0, 182.0)) for _ in range(2)]
    _, data = simulate(2)
    fit = fit_shared(models, data, shared=["center"])
    assert fit.at_bound == ("center",)
    assert fit.uncertainties[0] == 0.0
    assert all("at bound: center" in member.reasons for member in fit.members)


def test_an_undetermined_shared_parameter_has_no_error_bar() -> None:
    models = [doublet(center=Parameter("center", 182.0, 180.0, 185.0)) for _ in range(2)]
    data = [BASE.copy() for _ in models]
    fit = fit_shared(models, data, shared=["center"])
    assert fit.undetermined == ("center",)
    assert np.isnan(fit.uncertainties[0])
    assert all(member.verdict == "failed" for member in fit.members)


def test_inputs_are_not_changed_and_the_order_of_members_does_not_matter() -> None:
    models, data = simulate(4)
    copies = [y.copy() for y in data]
    fit = fit_shared(models, data, shared=["center", "fwhm"])
    turned = fit_shared(models[::-1], data[::-1], shared=["center", "fwhm"])
    assert all(np.array_equal(a, b) for a, b in zip(data, copies, strict=True))
    np.testing.assert_allclose(turned.values, fit.values, atol=1e-5 * fit.uncertainties.min())
    for a, b in zip(fit.members, turned.members[::-1], strict=True):
        np.testing.assert_allclose(a.value, b.value, atol=1e-4 * a.value_unc.min())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shared": []}, "name each shared parameter once"),
        ({"shared": ["center", "center"]}, "name each shared parameter once"),
        ({"shared": ["centre"]}, "no parameter 'centre'"),
        ({"statistics": "gauss"}, "statistics 'gauss' is not known"),
        ({"sigma": [np.ones(X.size)]}, "1 entries for 2 members"),
        ({"nuisance": []}, "0 entries for 2 members"),
        ({"data": [np.zeros(X.size), np.ones(X.size)]}, "member 0: every intensity is zero"),
        ({"data": [np.ones(3), np.ones(X.size)]}, "member 0 has 3 intensities"),
        ({"data": [np.ones((2, X.size)), np.ones(X.size)]}, "member 0 has"),
        ({"data": [np.ones((1, X.size)), np.ones(X.size)]}, "member 0: intensities of shape"),
        ({"data": [np.ones(X.size), np.full(X.size, np.nan)]}, "member 1: some intensities are not numbers"),
        ({"data": [["a"] * X.size, np.ones(X.size)]}, "member 0: the intensities are no numbers"),
        ({"data": [np.ones(X.size) * 1j, np.ones(X.size)]}, "member 0: the intensities are complex"),
        ({"data": None}, "there are no data"),
        ({"sigma": [["a"] * X.size] * 2, "statistics": "given"}, "member 0: the uncertainties are no numbers"),
        ({"sigma": [np.zeros(X.size)] * 2, "statistics": "given"}, "member 0: .* not positive"),
        ({"starts": ["a", "b"]}, "member 0: the starts are no numbers"),
        ({"shared": "center"}, r"Give a list of names: \['center'\]"),
        ({"models": [], "data": []}, "there are no members"),
        ({"models": [doublet(), doublet(center=Parameter("center", 182.0, vary=False))]}, "fixed in member 1"),
        ({"models": [doublet(), doublet(center=Parameter("center", 187.0, 186.0, 188.0))]}, "do not overlap"),
    ],
)
def test_bad_input_is_refused(change: dict[str, object], message: str) -> None:
    models, data = simulate(2)
    given: dict[str, object] = {"models": models, "data": data, "shared": ["center"]} | change
    with pytest.raises(InputError, match=message):
        fit_shared(**given)  # type: ignore[arg-type]
