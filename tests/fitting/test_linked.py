"""Linked fits of different models, axes and statistics against an independent joint fit of everything by scipy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import least_squares

from surfspec.errors import InputError
from surfspec.fitting.linked import SharedFit, fit_linked
from surfspec.fitting.linked_data import LinkedMember
from surfspec.fitting.linked_map import LinkedMap
from surfspec.fitting.model import BoundModel, Component, Model, Parameter, Tie
from surfspec.fitting.solver import solve

Array = np.ndarray

LOG2 = np.log(2.0)


def gaussian(x: Array, area: float, center: float, fwhm: float) -> Array:
    return area * np.sqrt(4 * LOG2 / np.pi) / fwhm * np.exp(-4 * LOG2 * ((x - center) / fwhm) ** 2)


def line(x: Array, base: float = 40.0, **changes: Parameter) -> BoundModel:
    parameters = {
        "area": Parameter("area", 500.0, 0.0, natural_low=True),
        "center": Parameter("center", 5.0, 2.0, 8.0),
        "fwhm": Parameter("fwhm", 1.2, 0.3, 4.0),
    } | changes
    peak = Component("one", "gaussian", Tie("area"), {"center": Tie("center"), "fwhm": Tie("fwhm")})
    return BoundModel(Model(tuple(parameters.values()), (peak,)), x, np.full(x.size, base))


AXES = (np.linspace(0.0, 10.0, 101), np.linspace(1.0, 9.5, 70), np.linspace(0.0, 10.0, 81))
#: Common: width w, its factor f, shift s, distance d.
COMMON = (
    Parameter("w", 1.5, 0.5, 3.0),
    Parameter("f", 1.0, 0.5, 2.0),
    Parameter("s", 0.0, -1.0, 1.0),
    Parameter("d", 0.4, 0.0, 2.0),
)
TRUTH = {"w": 1.2, "f": 1.3, "s": 0.15, "d": 0.5}
AREAS, OWN_CENTER = (900.0, 1400.0, 700.0), 4.8


def maps() -> list[LinkedMap]:
    """Width w, f*w and 0.9*w; centre 5+s (fixed), c+s (c its own), 5+s+d; areas their own."""
    none = np.zeros(4)
    first = LinkedMap(
        np.array([none, [0, 0, 1, 0], [1, 0, 0, 0]], dtype=float),
        np.array([0.0, 5.0, 0.0]),
        np.array([True, False, False]),
    )
    second = LinkedMap(
        np.array([none, [0, 0, 1, 0], none], dtype=float), np.zeros(3), np.array([True, True, False]), ((2, 0, 1, 1.0),)
    )
    third = LinkedMap(
        np.array([none, [0, 0, 1, 1], [0.9, 0, 0, 0]], dtype=float),
        np.array([0.0, 5.0, 0.0]),
        np.array([True, False, False]),
    )
    return [first, second, third]


def thetas(v: Array) -> list[tuple[float, float, float]]:
    """The model parameters of the three members for (w, f, s, d, A1, A2, c2, A3): written out, not through the maps."""
    w, f, s, d, a1, a2, c2, a3 = v
    return [(a1, 5.0 + s, w), (a2, c2 + s, f * w), (a3, 5.0 + s + d, 0.9 * w)]


FULL = np.array([*TRUTH.values(), AREAS[0], AREAS[1], OWN_CENTER, AREAS[2]])


def simulate(seed: int) -> tuple[list[LinkedMember], list[Array]]:
    """Simulated: counts, a spectrum with given uncertainties, counts."""
    rng = np.random.default_rng(seed)
    means = [40.0 + gaussian(x, *theta) for x, theta in zip(AXES, thetas(FULL), strict=True)]
    data = [rng.poisson(means[0]) * 1.0, rng.normal(means[1], 8.0), rng.poisson(means[2]) * 1.0]
    own = (Parameter("area", 500.0, 0.0, natural_low=True), Parameter("center", 5.0, 2.0, 8.0))
    members = [LinkedMember(line(x), y, links) for x, y, links in zip(AXES, data, maps(), strict=True)]
    members[1] = replace(members[1], statistics="given", sigma=np.full(70, 8.0), own=own)
    return members, data


def residuals(data: list[Array]) -> Callable[[Array], Array]:
    def of(v: Array) -> Array:
        out = []
        for i, (x, y, theta) in enumerate(zip(AXES, data, thetas(v), strict=True)):
            m = 40.0 + gaussian(x, *theta)
            if i == 1:
                out.append((m - y) / 8.0)
            else:
                logs = np.where(y > 0, y * np.log(np.where(y > 0, y, 1.0) / m), 0.0)
                out.append(np.sign(m - y) * np.sqrt(np.maximum(2 * (m - y + logs), 0.0)))
        return np.concatenate(out)

    return of


def model_jacobian(v: Array) -> Array:
    """Weighted derivatives of the models by all parameters, by central differences."""
    columns = []
    for k in range(v.size):
        h = 1e-5 * max(1.0, abs(v[k]))
        up, down = v.copy(), v.copy()
        up[k] += h
        down[k] -= h
        parts = []
        for i, (x, a, b, mid) in enumerate(zip(AXES, thetas(up), thetas(down), thetas(v), strict=True)):
            sigma = 8.0 if i == 1 else np.sqrt(40.0 + gaussian(x, *mid))
            parts.append((gaussian(x, *a) - gaussian(x, *b)) / (2 * h) / sigma)
        columns.append(np.concatenate(parts))
    return np.stack(columns, axis=1)


@pytest.fixture(scope="module")
def both() -> tuple[SharedFit, Array, Array]:
    members, data = simulate(3)
    found = fit_linked(members, COMMON)
    start = FULL * 1.02
    # deviance residuals have no smooth derivative at 0 for finite differences of scipy: descend twice
    peer = least_squares(residuals(data), start, x_scale=np.abs(start), xtol=1e-15, ftol=1e-15, gtol=1e-15)
    fisher = model_jacobian(peer.x)
    return found, peer.x, np.linalg.inv(fisher.T @ fisher)


def test_values_are_those_of_a_plain_joint_fit(both: tuple[SharedFit, Array, Array]) -> None:
    found, values, covariance = both
    unc = np.sqrt(np.diag(covariance))
    assert found.converged
    assert np.max(np.abs(found.values - values[:4]) / unc[:4]) < 1e-3
    for member, theta in zip(found.members, thetas(values), strict=True):
        scale = np.where(member.value_unc > 0, member.value_unc, 1.0)
        assert np.max(np.abs(member.value - np.array(theta)) / scale) < 1e-3


def test_covariances_are_those_of_a_plain_joint_fit(both: tuple[SharedFit, Array, Array]) -> None:
    found, values, covariance = both
    np.testing.assert_allclose(found.covariance, covariance[:4, :4], rtol=2e-3, atol=1e-3 * covariance[:4, :4].max())
    # each member's parameters as functions of everything: their derivatives by central differences
    slopes = []
    for k in range(values.size):
        h = 1e-5 * max(1.0, abs(values[k]))
        step = np.eye(values.size)[k] * h
        up, down = np.array(thetas(values + step)), np.array(thetas(values - step))
        slopes.append((up - down) / (2 * h))
    gradient = np.stack(slopes, axis=-1)  # member, parameter, everything
    for i in range(3):
        for j in range(3):
            expected = gradient[i] @ covariance @ gradient[j].T
            unit = np.outer(found.members[i].value_unc, found.members[j].value_unc)
            np.testing.assert_allclose(found.joint.between(i, j) / unit, expected / unit, atol=2e-3)
        expected = gradient[i] @ covariance[:, :4]
        unit = np.outer(found.members[i].value_unc, found.uncertainties)
        np.testing.assert_allclose(found.joint.with_common(i) / unit, expected / unit, atol=2e-3)


@pytest.mark.slow
def test_pulls_of_linked_parameters_are_those_of_a_normal_variable() -> None:
    pulls, ratios = [], []
    for seed in range(150):
        members, _ = simulate(1000 + seed)
        found = fit_linked(members, COMMON)
        pulls.append((found.values - FULL[:4]) / found.uncertainties)
        ratios.append(found.ratio)
        assert found.members[0].value_unc[2] < found.alone[0].uncertainties[2]
    width = np.std(pulls, axis=0)
    assert np.all((width > 0.8) & (width < 1.2)), width
    assert np.all(np.abs(np.mean(pulls, axis=0)) < 0.3)
    # 3 centres (one its own) and 3 widths less w, f, s, d: one constraint
    assert {one.constraints for one in ratios} == {1}
    rises = np.array([one.rise / one.inflation for one in ratios])
    assert 0.7 < np.mean(rises) < 1.35
    assert np.mean([one.probability < 0.05 for one in ratios]) < 0.12


def nuisances(members: list[LinkedMember], size: float = 6.0) -> list[LinkedMember]:
    return [replace(one, nuisance=np.full((1, one.y.size), size)) for one in members]


def test_nuisances_widen_and_correlate_as_in_a_dense_propagation() -> None:
    members, _ = simulate(8)
    found = fit_linked(nuisances(members), COMMON)
    values = np.array(
        [*found.values, *found.members[0].value[:1], *found.members[1].value[:2], found.members[2].value[0]]
    )
    values[6] -= found.values[2]  # its own centre, without the shift
    fisher = model_jacobian(values)
    inverse = np.linalg.inv(fisher.T @ fisher)
    ends = np.cumsum([0, *(x.size for x in AXES)])
    total = inverse.copy()
    for i, x in enumerate(AXES):
        sigma = 8.0 if i == 1 else np.sqrt(40.0 + gaussian(x, *thetas(values)[i]))
        change = np.zeros(ends[-1])
        change[ends[i] : ends[i + 1]] = 6.0 / sigma
        moved = inverse @ fisher.T @ change
        total += np.outer(moved, moved)
    unit = np.sqrt(np.outer(np.diag(total)[:4], np.diag(total)[:4]))
    np.testing.assert_allclose(found.covariance / unit, total[:4, :4] / unit, atol=2e-3)
    assert total[0, 0] > 1.1 * inverse[0, 0]
    gradient = np.zeros((2, 8))  # areas of the first two members
    gradient[0, 4] = gradient[1, 5] = 1.0
    expected = gradient @ total @ gradient.T
    assert found.joint.between(0, 1)[0, 0] == pytest.approx(expected[0, 1], rel=5e-3)


@pytest.mark.slow
def test_the_likelihood_ratio_allows_for_nuisances() -> None:
    """Backgrounds that are wrong by their noise move the widths apart; true links must not be rejected for it."""
    plain, corrected = [], []
    for seed in range(120):
        rng = np.random.default_rng(seed)
        members = []
        for area in (4000.0, 5000.0, 6000.0):
            y = rng.poisson(gaussian(AXES[0], area, 5.0, 1.5) + 40.0) * 1.0
            links = LinkedMap.of_shared(3, [2], 1)
            base = 40.0 + 6.0 * rng.standard_normal()
            nuisance = np.full((1, y.size), 6.0)
            members.append(LinkedMember(line(AXES[0], base=base), y, links, nuisance=nuisance))
        found = fit_linked(members, COMMON[:1])
        plain.append(found.ratio.rise / found.ratio.constraints)
        corrected.append(found.ratio.rise / found.ratio.inflation / found.ratio.constraints)
    assert np.mean(plain) > 2.0
    assert 0.75 < np.mean(corrected) < 1.25


def test_a_wrong_link_is_improbable() -> None:
    members, _ = simulate(5)
    wrong = maps()[2]
    factor = np.array(wrong.linear)
    factor[2, 0] = 1.4  # the truth is 0.9
    members[2] = replace(members[2], links=replace(wrong, linear=factor), start=None)
    fixed = (*COMMON[:1], replace(COMMON[1], value=1.3, low=1.25, high=1.35), *COMMON[2:])
    found = fit_linked(members, fixed)
    assert found.ratio.probability < 1e-4
    assert any("sharing improbable" in one for one in found.reasons)
    assert all(member.verdict != "ok" for member in found.members)


def test_unknown_statistics_take_their_scale_from_their_own_fit() -> None:
    """Counts in other units (simulated): the answer is that of counts, whatever the unit."""
    rng = np.random.default_rng(7)
    members, scaled = [], []
    for area, unit in ((2000.0, 1.0), (3000.0, 1e-3)):
        y = rng.poisson(gaussian(AXES[0], area, 5.0, 1.5) + 400.0) * 1.0
        links = LinkedMap.of_shared(3, [2], 1)
        sigma = np.sqrt(np.maximum(y, 1.0))
        members.append(LinkedMember(line(AXES[0], base=400.0), y, links, "given", sigma))
        scaled.append(LinkedMember(line(AXES[0], base=400.0 * unit), y * unit, links, "unknown", sigma * unit * 3.0))
    one, two = (fit_linked(some, COMMON[:1]) for some in (members, scaled))
    assert abs(one.values[0] - two.values[0]) < 0.2 * one.uncertainties[0]
    assert two.uncertainties[0] == pytest.approx(one.uncertainties[0], rel=0.25)
    assert all("statistics unknown" in " ".join(member.reasons) for member in two.members)


def test_a_prior_of_a_common_parameter_counts_once() -> None:
    """Equal members with one prior: the precision is N times that of the data plus once that of the prior."""
    y = gaussian(AXES[0], 500.0, 5.0, 1.5) + 40.0
    sigma = np.full(y.size, 5.0)
    plain = line(AXES[0])
    alone = solve(plain, y, statistics="given", sigma=sigma).uncertainties[2]
    held = line(AXES[0], fwhm=Parameter("fwhm", 1.2, 0.3, 4.0, prior=(1.5, alone)))
    links = LinkedMap.of_shared(3, [2], 1)
    found = fit_linked([LinkedMember(held, y, links, "given", sigma)] * 4, COMMON[:1])
    assert found.uncertainties[0] == pytest.approx(alone / np.sqrt(5.0), rel=1e-4)
    free = fit_linked([LinkedMember(plain, y, links, "given", sigma)] * 4, COMMON[:1])
    assert free.uncertainties[0] == pytest.approx(alone / 2.0, rel=1e-4)


def test_a_prior_of_a_common_parameter_itself_is_one_more_measurement() -> None:
    """Equal members, prior beside their value: precision and value are those of the weighted mean, in closed form."""
    y = gaussian(AXES[0], 500.0, 5.0, 1.5) + 40.0
    sigma = np.full(y.size, 5.0)
    unc = solve(line(AXES[0]), y, statistics="given", sigma=sigma).uncertainties[2]
    members = [LinkedMember(line(AXES[0]), y, LinkedMap.of_shared(3, [2], 1), "given", sigma)] * 2
    known = replace(COMMON[0], prior=(1.5 + 0.5 * unc, unc))
    found = fit_linked(members, [known])
    assert found.uncertainties[0] == pytest.approx(unc / np.sqrt(3.0), rel=1e-3)
    assert found.values[0] == pytest.approx(1.5 + 0.5 * unc / 3.0, abs=0.01 * unc)
    assert found.ratio.constraints == 2
    assert found.ratio.rise == pytest.approx(0.25 / 1.5, rel=0.02)  # (mean difference)^2 / (u^2 + u^2/2)


def test_what_nobody_follows_and_maps_of_other_models_are_refused() -> None:
    members, _ = simulate(1)
    more = [replace(m, links=replace(m.links, linear=np.pad(m.links.linear, ((0, 0), (0, 1))))) for m in members]
    with pytest.raises(InputError, match="no member follows 'x'"):
        fit_linked(more, (*COMMON, Parameter("x", 1.0, 0.0, 2.0)))
    with pytest.raises(InputError, match="map of member 0"):
        fit_linked(members, COMMON[:2])
    with pytest.raises(InputError, match="no members"):
        fit_linked([], COMMON)
    with pytest.raises(InputError, match="offsets"):
        LinkedMap(np.zeros((3, 1)), np.zeros(2), np.ones(3, dtype=bool))
    with pytest.raises(InputError, match="product"):
        LinkedMap(np.zeros((3, 1)), np.zeros(3), np.ones(3, dtype=bool), ((0, 0, 1, 1.0),))


def test_slopes_of_a_map_are_its_derivatives() -> None:
    links = maps()[1]
    s = np.array([1.2, 1.3, 0.15, 0.5])
    numeric = np.stack([(links.moved(s + h) - links.moved(s - h)) / 2e-6 for h in 1e-6 * np.eye(4)], axis=1)
    np.testing.assert_allclose(links.slopes(s), numeric, atol=1e-8)
    assert links.touched().tolist() == [True, True, True, False]
