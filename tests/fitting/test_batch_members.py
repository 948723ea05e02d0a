"""Members and verdicts of a batched fit are those of the single path, member by member; all data simulated."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError
from surfspec.fitting import BoundModel, Component, Model, Parameter, Solution, Tie, judge, solve_batch
from surfspec.fitting.batch import BatchSolution, Columns, constant_and_step
from surfspec.fitting.batch_joining import insignificant_areas
from surfspec.fitting.batch_members import Links, members_from_batch
from surfspec.fitting.batch_profiles import PROFILES, sizes, write_values
from surfspec.fitting.batch_verdict import judge_many
from surfspec.fitting.lineshapes import shape
from surfspec.fitting.members import ARRAYS, MemberFit, Members, empty_member
from surfspec.fitting.result import assemble, member_from_model

Array = np.ndarray

X = np.linspace(175.0, 192.0, 161)
WIDTHS = {
    "gaussian": {"fwhm": 1.3},
    "lorentzian": {"fwhm": 0.9},
    "pseudo_voigt": {"fwhm": 1.2, "mixing": 0.35},
    "gl_sum": {"fwhm": 1.2, "mixing": 0.35},
    "voigt": {"fwhm_gauss": 1.0, "fwhm_lorentz": 0.4},
    "gl_product": {"fwhm": 1.2, "mixing": 0.3},
}
LEVEL = 120.0


def doublets(name: str) -> Model:
    """Two doublets with common widths; the centres of the second may run into a limit."""
    roles = WIDTHS[name]
    parameters = (
        Parameter("A1", 9000.0, low=0.0, high=1e7, natural_low=True),
        Parameter("A2", 5000.0, low=0.0, high=1e7, natural_low=True),
        Parameter("c1", 182.2, low=178.0, high=185.0),
        Parameter("c2", 179.0, low=177.0, high=179.6),
        Parameter("split", 2.4, low=2.0, high=3.0),
        *(Parameter(r, 0.9 * v, low=0.05, high=1.0 if r == "mixing" else 4.0) for r, v in roles.items()),
    )
    widths = {r: Tie(r) for r in roles}
    components = []
    for i in (1, 2):
        second = Tie(f"c{i}", also=(("split", 1.0),))
        components.append(Component(f"p{i}", name, Tie(f"A{i}"), {"center": Tie(f"c{i}"), **widths}))
        components.append(Component(f"p{i}b", name, Tie(f"A{i}", 2 / 3), {"center": second, **widths}))
    return Model(parameters, tuple(components))


def mixed(model: Model, seed: int = 0) -> tuple[Array, Array]:
    """Strong, weak, below detection, empty, at a limit, a degenerate pair, a wrong model, zero, negative and NaN."""
    rng = np.random.default_rng(seed)
    base = LEVEL * (1 + 0.3 * (X - X[0]) / (X[-1] - X[0]))
    roles = list(WIDTHS[model.components[0].shape].values())
    bound = BoundModel(model, X, base)
    cases = [
        [9000.0, 6000.0, 182.3, 178.9, 2.4],
        [2.0e5, 8.0e4, 182.3, 178.9, 2.43],
        [900.0, 400.0, 182.3, 178.9, 2.4],
        [9000.0, 30.0, 182.3, 178.9, 2.4],
        [9000.0, 0.0, 182.3, 178.9, 2.4],
        [0.0, 0.0, 182.3, 178.9, 2.4],
        [9000.0, 6000.0, 182.3, 181.2, 2.4],  # the second centre wants beyond its limit
        [9.0e4, 6.0e4, 179.35, 178.9, 2.4],  # two peaks that one can hardly tell apart
        [9.0e4, 6.0e4, 183.9, 178.9, 3.15],  # and so does the splitting
    ]
    clean = [bound.evaluate(np.array([*case, *roles])) for case in cases]
    clean.append(clean[0] + 900 * np.exp(-(((X - 187.5) / 0.7) ** 2)))  # a peak that the model does not have
    clean.append(clean[1] * 1.3)  # a background that is wrong
    y = rng.poisson(np.array(clean)).astype(float)
    y = np.concatenate([y, np.round(clean[0])[None], np.zeros((1, X.size)), y[:1], y[:1]])
    y[-2, 30] = np.nan
    y[-1, 5] = -4.0
    return y, base


def solved(name: str, statistics: str, **options: object) -> tuple[BatchSolution, Array]:
    model = doublets(name)
    y, base = mixed(model)
    sigma = np.sqrt(np.maximum(np.nan_to_num(np.abs(y), nan=1.0), 1.0)) if statistics == "given" else None
    start = np.array([p.value for p in model.parameters]) * np.ones((len(y), 1))
    start[:, 0] += np.arange(len(y))
    start[7, 2] = 179.4
    found = solve_batch(
        model,
        X,
        y,
        base,
        statistics=statistics,
        sigma=sigma,
        starts=[start, 0.97 * start],
        **options,  # type: ignore[arg-type]
    )
    return found, start


def as_solved(found: BatchSolution, index: int) -> Solution:
    """One member with all that the single solver says of it."""
    faint = np.array(found.names)[insignificant_areas(found)[index]]
    return replace(found.member(index), insignificant=tuple(faint.tolist()))


def assert_same(one: MemberFit, other: MemberFit) -> None:
    for field in fields(MemberFit):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        if field.name in ("flag",):
            assert mine.tolist() == theirs.tolist()
        elif field.name in ("verdict", "reasons", "dof"):
            assert mine == theirs, field.name
        else:
            size = np.max(np.abs(np.nan_to_num(theirs))) if field.name.endswith("covariance") else 0.0
            np.testing.assert_allclose(mine, theirs, rtol=1e-9, atol=1e-12 * size, err_msg=field.name)


def compare(found: BatchSolution, start: Array) -> Members:
    members = members_from_batch(found, start)
    assert len(members) == len(found)
    for i, member in enumerate(members):
        if found.refused[i]:
            reasons = (f"refused: {found.refused[i]}",)
            assert_same(
                member, empty_member(X.size, len(found.inputs.model.components), found.inputs.parameters, reasons)
            )
            continue
        bound = found.inputs.problem(i)
        assert isinstance(bound, BoundModel)
        assert_same(member, member_from_model(bound, found.member(i), start[i], verdict="ok", reasons=()))
        assert np.array_equal(member.model, member.background + member.contribution.sum(axis=0))
    return members


@pytest.mark.parametrize("statistics", ["poisson", "given", "unknown"])
@pytest.mark.parametrize("name", sorted(WIDTHS))
def test_members_and_verdicts_of_a_mixed_series(name: str, statistics: str) -> None:
    found, start = solved(name, statistics)
    members = compare(found, start)
    judged = judge_many(found, fitted=members.model)
    for i, judgement in enumerate(judged):
        if found.refused[i]:
            assert judgement == ("failed", (f"refused: {found.refused[i]}",))
        else:
            assert judgement == judge(as_solved(found, i)), i
    assert judged == judge_many(found)
    flags = set(members.flag.ravel().tolist())
    assert {"ok", "below_detection"} <= flags
    said = {reason.split(":")[0] for _, reasons in judged for reason in reasons}
    assert {"refused", "at bound", "residual structure", "correlated"} <= said
    assert "statistics unknown" in said if statistics == "unknown" else "chi-square improbable" in said
    assert statistics == "unknown" or ("ok", ()) in judged


@pytest.mark.parametrize("statistics", ["poisson", "given"])
def test_background_that_gives_way_to_the_tails(statistics: str) -> None:
    ramp = np.linspace(0.0, 1.0, X.size)
    bends = np.stack([1 - ramp, ramp])
    ends = (np.linspace(174.6, 175.4, 9), np.linspace(191.7, 192.3, 7))
    for options in (
        {"sensitivity": bends, "tails": np.array([3.0, 5.0]), "ends": ends},
        {"sensitivity": bends[None] * np.linspace(0.5, 1.0, 15)[:, None, None], "tails": np.ones((15, 2))},
        {"sensitivity": bends},
    ):
        found, start = solved("voigt", statistics, **options)
        members = compare(found, start)
        kept = np.flatnonzero(found.refused == "")
        np.testing.assert_allclose(members.model[kept], found.evaluate(kept), rtol=1e-9)


def test_a_degenerate_pair() -> None:
    """Two peaks in one place: the data fix the sum of their areas and neither of them."""
    whole = doublets("pseudo_voigt")
    first, _, *others = whole.components
    twin = Component("twin", first.shape, Tie("A3"), first.roles)
    parameters = (*whole.parameters, Parameter("A3", 500.0, low=0.0, high=1e7))
    model = Model(parameters, (first, *others, twin))
    base = np.full(X.size, LEVEL)
    clean = BoundModel(model, X, base).evaluate(np.array([9e3, 6e3, 182.3, 178.9, 2.4, 1.2, 0.35, 5e3]))
    y = np.random.default_rng(4).poisson(clean, (2, X.size)).astype(float)
    start = np.array([p.value for p in parameters]) * np.ones((2, 1))
    found = solve_batch(model, X, y, base, starts=[start])
    members = compare(found, start)
    judged = judge_many(found)
    assert judged == [judge(as_solved(found, i)) for i in range(2)]
    assert all("not determined: A1, A3" in reasons for _, reasons in judged)
    lost = np.array([c.name in ("p1", "twin") for c in model.components])
    assert (members.flag[0] == "not_determined").tolist() == lost.tolist()
    assert np.isnan(members.area_unc[0]).tolist() == lost.tolist()
    assert np.isfinite(members.center_unc).all()


def test_what_is_judged_may_differ_from_member_to_member() -> None:
    found, start = solved("pseudo_voigt", "poisson")
    members = members_from_batch(found, start)
    links = Links.of(found.inputs.model)
    seen = members.flag != "below_detection"
    seen |= ~seen.any(axis=1, keepdims=True)
    every = np.any(seen[:, :, None] & links.used, axis=1)
    told = np.any(seen[:, :, None] & links.told, axis=1)
    extra = [("background improper: of its own", "below detection: p2") if i % 2 else () for i in range(len(found))]
    judged = judge_many(found, fitted=members.model, reported=told, counted=every, extra=extra)
    names = np.array(found.names)
    for i in np.flatnonzero(found.refused == ""):
        solution = as_solved(found, i)
        limited = replace(solution, at_bound=tuple(n for n in solution.at_bound if n in set(names[every[i]])))
        assert judged[i] == judge(limited, reported=names[told[i]].tolist(), extra=extra[i])
    assert judged != judge_many(found)
    nothing = judge_many(found, reported=np.zeros(len(names), dtype=bool))
    assert nothing == judge_many(found)


def test_fits_that_did_not_converge_or_left_the_numbers() -> None:
    found, start = solved("gaussian", "poisson", rescue=False, max_passes=2)
    assert not found.converged.all()
    members = compare(found, start)
    judged = judge_many(found)
    kept = np.flatnonzero(found.refused == "")
    assert [judged[i] for i in kept] == [judge(as_solved(found, i)) for i in kept]
    assert ("failed", ("not converged",)) in [(v, r[:1]) for v, r in judged]
    values = found.values.copy()
    values[0] = np.nan
    torn = replace(found, values=values)
    member = members_from_batch(torn, start)[0]
    assert (member.verdict, member.reasons) == ("failed", ("not finite",))
    assert np.isnan(member.model).all()
    assert np.isnan(member.area).all()
    assert judge_many(torn)[0][1][:2] == judge(as_solved(torn, 0))[1][:2]
    assert_same(members_from_batch(torn, start)[1], members[1])


@pytest.mark.parametrize("name", ["voigt", "gl_sum", "gaussian"])
def test_numbers_do_not_depend_on_the_company(name: str) -> None:
    found, start = solved(name, "poisson")
    many = np.tile(np.arange(len(found)), 40)
    every = members_from_batch(taken(found, many), start[many])
    for few in (np.array([17]), np.array([1, 30, 531]), np.arange(3, 24)):
        alone = members_from_batch(taken(found, many[few]), start[many[few]])
        for field in ARRAYS:
            np.testing.assert_array_equal(getattr(alone, field), getattr(every, field)[few], err_msg=field)
        assert judge_many(taken(found, many[few])) == [judge_many(found)[i] for i in many[few]]


def taken(found: BatchSolution, rows: Array) -> BatchSolution:
    """Some members of a solution, as if the others had never been there."""
    changed = {f.name: getattr(found, f.name) for f in fields(BatchSolution)}
    changed = {k: v[rows] for k, v in changed.items() if isinstance(v, np.ndarray)}
    return replace(found, inputs=replace(found.inputs, y=found.inputs.y[rows]), **changed)


def test_columns_belong_to_the_background() -> None:
    model = doublets("gl_sum")
    y, base = mixed(model)
    columns = Columns((Parameter("k", 0.0), Parameter("const", 100.0)), constant_and_step)
    found = solve_batch(model, X, y, 0 * base, columns=columns)
    members = members_from_batch(found, np.array([p.value for p in found.inputs.parameters]))
    kept = np.flatnonzero(found.refused == "")
    np.testing.assert_allclose(members.model[kept], found.evaluate(kept), rtol=1e-9)
    assert np.array_equal(members.model[kept], (members.background + members.contribution.sum(axis=1))[kept])
    assert members.value.shape == (len(y), len(model.parameters) + 2)


@pytest.mark.parametrize("name", [*sorted(PROFILES), "gl_product"])
def test_profiles_are_those_of_the_single_shapes(name: str) -> None:
    one, rng, count = shape(name), np.random.default_rng(2), 60
    roles = rng.uniform(0.05, 3.0, (count, len(one.roles)))
    roles[:, 0] = rng.uniform(-3.0, 3.0, count)
    if "mixing" in one.roles:
        roles[:, 2] = [0.0, 1.0, *rng.uniform(0.0, 1.0, count - 2)]
    if name == "voigt":
        roles[:, 1] *= 10 ** rng.uniform(-3.0, 0.0, count)
        roles[:3, 2] = [0.0, 1e-9, 3.0]
        roles[3:20, 2] = roles[3:20, 1] * np.geomspace(0.02, 0.05, 17)  # on both sides of the rational series
    x, area, out = X - 183.0, rng.uniform(0.0, 1e4, count), np.empty((count, X.size))
    write_values(name, x, area, roles, out)
    np.testing.assert_allclose(out, [a * one.evaluate(x, *r) for a, r in zip(area, roles.tolist(), strict=True)], 1e-11)
    for mine, single in zip(sizes(name, roles), (one.width, one.height), strict=True):
        singly = [single(*row) for row in roles.tolist()]
        np.testing.assert_allclose(mine[0], [number for number, _ in singly], rtol=1e-12)
        np.testing.assert_allclose(mine[1], [slopes for _, slopes in singly], rtol=1e-9)


class TestMembers:
    def test_a_list_and_the_arrays_are_the_same(self) -> None:
        found, start = solved("gaussian", "poisson")
        members = members_from_batch(found, start).judged(judge_many(found))
        again = Members.of(list(members))
        for name in (*ARRAYS, "chi2", "deviance", "dof", "verdict"):
            np.testing.assert_array_equal(getattr(again, name), getattr(members, name))
        assert again.reasons == members.reasons
        assert members[0].area.base is not None  # a view
        some = members.rows(np.array([3, 1]))
        assert_same(some[0], members[3])
        assert_same(some[1], members[1])

    def test_the_same_dataset_from_both(self) -> None:
        found, start = solved("gaussian", "poisson")
        members = members_from_batch(found, start).judged(judge_many(found))
        model = found.inputs.model
        counts = np.nan_to_num(np.abs(found.inputs.y))
        series = ss.stack(
            [ss.spectrum(X, row + (i == 12), technique="XPS") for i, row in enumerate(counts)], dim="spot"
        )
        fits = [
            assemble(
                given, series, components=[c.name for c in model.components], parameters=model.parameters, labels={},
                recipe="{}",
            )
            for given in (members, list(members))
        ]  # fmt: skip
        xr.testing.assert_identical(*fits)
        assert fits[0]["reasons"].values[12] == "refused: every intensity is zero"
        total = fits[0]["background"] + fits[0]["contribution"].sum("component")
        np.testing.assert_array_equal(fits[0]["model"], total)
        assert all(variable.values.flags.writeable for variable in fits[0].data_vars.values())
        cube = assemble(
            members.rows(np.arange(12)), series.isel(spot=slice(0, 12)).coarsen(spot=4).construct(spot=("y", "x")),
            components=[c.name for c in model.components], parameters=model.parameters, labels={}, recipe="{}",
        )  # fmt: skip
        assert cube["area"].dims == ("y", "x", "component")
        assert float(cube["value"][1, 2, 0]) == members[6].value[0]

    def test_what_does_not_go_together_is_refused(self) -> None:
        found, start = solved("gaussian", "poisson")
        members = members_from_batch(found, start)
        with pytest.raises(InputError, match="no members"):
            Members.of([])
        with pytest.raises(InputError, match="in one member and"):
            Members.of([members[0], empty_member(7, 4, found.inputs.parameters, ("refused: short",))])
        pair = ss.stack([ss.spectrum(X, np.ones(X.size), technique="XPS")] * 2, dim="spot")
        with pytest.raises(InputError, match=r"fits of 15 spectra of 161 points\. Give one for each of 2 spectra"):
            assemble(members, pair, components=[], parameters=(), labels={}, recipe="")
        with pytest.raises(InputError, match="1 verdicts for 15 members"):
            members.judged([("ok", ())])
        with pytest.raises(InputError, match="start values of the shape"):
            members_from_batch(found, start[:3])
        with pytest.raises(InputError, match="reported is an array of float64"):
            judge_many(found, reported=np.ones(6))
        with pytest.raises(InputError, match="2 lists of reasons"):
            judge_many(found, extra=[(), ()])
        with pytest.raises(InputError, match="models of the shape"):
            judge_many(found, fitted=members.model[:2])
