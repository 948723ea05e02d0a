"""The batched kernels give the answers of the single solver; all data simulated."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from surfspec.errors import InputError, MissingDependencyError, NotDeterminedError
from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie, shape, solve
from surfspec.fitting.batch import BatchSolution, Columns, bootstrap_batch, constant_and_step, solve_batch
from surfspec.fitting.batch.bounded import bounded_quadratic
from surfspec.fitting.batch.shapes import EVALUATE
from surfspec.fitting.batch.table import COMPILED, KINDS, compile_model

X = np.linspace(175.0, 192.0, 171)
ENGINES = [
    "numpy",
    pytest.param(
        "numba",
        marks=pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba (extra 'fast') is absent"),
    ),
]
WIDTHS = {
    "gaussian": {"fwhm": 1.3},
    "lorentzian": {"fwhm": 0.9},
    "pseudo_voigt": {"fwhm": 1.2, "mixing": 0.35},
    "gl_sum": {"fwhm": 1.2, "mixing": 0.35},
    "voigt": {"fwhm_gauss": 1.0, "fwhm_lorentz": 0.4},
    "gl_product": {"fwhm": 1.2, "mixing": 0.3},
    "edge": {"fwhm": 1.3},
    "doniach_sunjic": {"fwhm": 0.9, "asymmetry": 0.12},
    "doniach_sunjic_gauss": {"fwhm": 0.6, "asymmetry": 0.1, "fwhm_gauss": 0.7},
}
HIGHEST = {"mixing": 1.0, "asymmetry": 0.4}


def doublets(name: str, *, splitting: bool = False) -> Model:
    """Two doublets of one shape with common widths; the weaker lines tied by ratio and offset."""
    roles = WIDTHS[name]
    parameters = [
        Parameter("A1", 9000.0, low=0.0, natural_low=True),
        Parameter("A2", 5000.0, low=0.0, natural_low=True),
        Parameter("c1", 182.2, low=180.0, high=185.0),
        Parameter("c2", 179.0, low=177.0, high=181.0),
        *(Parameter(r, 0.9 * v, low=0.05, high=HIGHEST.get(r, 6.0)) for r, v in roles.items()),
    ]
    if splitting:
        parameters.append(Parameter("split", 2.3, low=2.0, high=3.0))
    widths = {r: Tie(r) for r in roles}
    components = []
    for i in (1, 2):
        second = Tie(f"c{i}", also=(("split", 1.0),)) if splitting else Tie(f"c{i}", offset=2.4)
        components.append(Component(f"p{i}", name, Tie(f"A{i}"), {"center": Tie(f"c{i}"), **widths}))
        components.append(Component(f"p{i}b", name, Tie(f"A{i}", 2 / 3), {"center": second, **widths}))
    return Model(tuple(parameters), tuple(components))


def truth(model: Model, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    known = {"A1": 9000.0, "A2": 6000.0, "c1": 182.35, "c2": 178.9, "split": 2.43}
    names = [p.name for p in model.parameters]
    roles = WIDTHS[model.components[0].shape]
    centre = np.array([known.get(n, roles.get(n, 0.0)) for n in names])
    spread = np.array([{"A": 2000.0, "c": 0.05}.get(n[0], 0.02) for n in names])
    return centre + spread * rng.uniform(-1, 1, centre.size)


def spectra(model: Model, count: int, *, level: float = 300.0, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    base = level + 0.3 * level * (X - X[0]) / (X[-1] - X[0])
    rng = np.random.default_rng(seed)
    clean = [BoundModel(model, X, base).evaluate(truth(model, seed + i)) for i in range(count)]
    return rng.poisson(clean).astype(float), np.tile(base, (count, 1))


def compare(found: BatchSolution, y: np.ndarray, sigma: np.ndarray | None = None, nuisance=None) -> None:
    """Every member against the single solver: values to 1e-4 uncertainties, uncertainties to 1e-4 relative."""
    for i in range(len(found)):
        one = solve(
            found.inputs.problem(i), y[i], statistics=found.statistics, sigma=None if sigma is None else sigma[i],
            nuisance=nuisance,
        )  # fmt: skip
        unit = np.where(one.uncertainties > 0, one.uncertainties, 1.0)
        assert found.converged[i]
        assert np.max(np.abs(found.values[i] - one.values) / unit) < 1e-4
        np.testing.assert_allclose(found.uncertainties[i], one.uncertainties, rtol=1e-4)
        correlation = one.covariance / np.outer(unit, unit)
        np.testing.assert_allclose(found.covariance[i] / np.outer(unit, unit), correlation, atol=2e-4)
        again = found.member(i)
        assert again.deviance == pytest.approx(one.deviance, rel=1e-7)
        assert again.chi2 == pytest.approx(one.chi2, abs=1e-3)  # not at its own minimum: of first order in the step
        assert (again.dof, again.at_bound, again.undetermined) == (one.dof, one.at_bound, one.undetermined)
        np.testing.assert_allclose(again.fitted, one.fitted, rtol=1e-5, atol=1e-5 * np.sqrt(y[i].max()))
        np.testing.assert_allclose(again.pulls, one.pulls, atol=1e-3)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("statistics", ["poisson", "given", "unknown"])
@pytest.mark.parametrize("name", sorted(KINDS))
def test_same_answers_as_the_single_solver(name: str, statistics: str, engine: str) -> None:
    model = doublets(name)
    y, base = spectra(model, 3)
    sigma = np.sqrt(np.maximum(y, 1.0)) if statistics == "given" else None
    found = solve_batch(model, X, y, base, statistics=statistics, sigma=sigma, engine=engine)
    assert found.engine == (engine if KINDS[name] < COMPILED else "numpy")
    assert not found.single.any()
    compare(found, y, sigma)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("statistics", ["poisson", "given"])
def test_background_that_gives_way_to_the_tails_and_its_nuisances(statistics: str, engine: str) -> None:
    model = doublets("lorentzian", splitting=True)
    y, base = spectra(model, 3)
    ramp = np.linspace(0.0, 1.0, X.size)
    bends, tails = np.stack([1 - ramp, ramp]), np.array([3.0, 5.0])
    nuisance = bends * np.array([[2.0], [3.0]])
    sigma = np.sqrt(np.maximum(y, 1.0)) if statistics == "given" else None
    found = solve_batch(
        model, X, y, base, statistics=statistics, sigma=sigma, sensitivity=bends, tails=tails, nuisance=nuisance,
        engine=engine,
    )  # fmt: skip
    assert not found.single.any()
    compare(found, y, sigma, nuisance)
    alone = solve_batch(
        model, X, y, base, statistics=statistics, sigma=sigma, sensitivity=bends, tails=tails, engine=engine
    )
    assert np.all(found.uncertainties[:, :2] > 1.001 * alone.uncertainties[:, :2])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("statistics", ["poisson", "given", "unknown"])
@pytest.mark.parametrize("name", ["pseudo_voigt", "voigt"])
def test_end_levels_of_many_points_partly_outside_the_axis(name: str, statistics: str, engine: str) -> None:
    model = doublets(name, splitting=True)
    y, base = spectra(model, 3)
    ramp = np.linspace(0.0, 1.0, X.size)
    bends, tails = np.stack([1 - ramp, ramp]), np.array([3.0, 5.0])
    ends = X[0] + 0.1 * np.arange(-7.0, 4.0), X[-1] + 0.1 * np.arange(7.0, -4.0, -1.0)
    sigma = np.sqrt(np.maximum(y, 1.0)) if statistics == "given" else None
    given = {"statistics": statistics, "sigma": sigma, "sensitivity": bends, "tails": tails, "engine": engine}
    found = solve_batch(model, X, y, base, ends=ends, **given)
    assert not found.single.any()
    compare(found, y, sigma)
    for i, fitted in enumerate(found.fitted):
        bound = BoundModel(model, X, base[i], bends, tails, ends)
        one = solve(bound, y[i], statistics=statistics, sigma=None if sigma is None else sigma[i])
        assert np.max(np.abs(found.values[i] - one.values) / one.uncertainties) < 1e-4
        np.testing.assert_allclose(fitted, bound.evaluate(found.values[i]), rtol=1e-10)
    outermost = solve_batch(model, X, y, base, **given)
    assert np.max(np.abs(found.values - outermost.values) / found.uncertainties) > 0.01


@pytest.mark.parametrize("engine", ENGINES)
def test_the_columns_have_no_part_in_the_end_levels(engine: str) -> None:
    model = doublets("gaussian")
    y, base = spectra(model, 2)
    ramp = np.linspace(0.0, 1.0, X.size)
    columns = Columns((Parameter("k", 0.0), Parameter("const", 100.0)), constant_and_step)
    ends = X[:11] - 0.4, X[-11:] + 0.4
    found = solve_batch(
        model, X, y, 0 * base, sensitivity=np.stack([1 - ramp, ramp]), ends=ends, columns=columns, engine=engine
    )
    compare(found, y)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("statistics", ["poisson", "given"])
def test_background_inside_the_fit(statistics: str, engine: str) -> None:
    model = doublets("pseudo_voigt")
    y, base = spectra(model, 3)
    columns = Columns((Parameter("k", 0.0), Parameter("const", 100.0)), constant_and_step)
    sigma = np.sqrt(np.maximum(y, 1.0)) if statistics == "given" else None
    found = solve_batch(model, X, y, 0 * base, statistics=statistics, sigma=sigma, columns=columns, engine=engine)
    assert found.names[-2:] == ("k", "const")
    assert not found.single.any()
    compare(found, y, sigma)


@pytest.mark.parametrize("engine", ENGINES)
def test_fixed_parameters_and_areas_with_an_offset(engine: str) -> None:
    base = doublets("gl_sum")
    parameters = tuple(
        Parameter(p.name, {"A2": 6000.0, "mixing": 0.35}.get(p.name, p.value), p.low, p.high, p.name not in ("mixing",))
        for p in base.parameters
    )
    first, *others = base.components
    shifted = Component(first.name, first.shape, Tie("A1", 0.8, 300.0, (("A2", 0.1),)), first.roles)
    model = Model(parameters, (shifted, *others))
    y, under = spectra(model, 3)
    found = solve_batch(model, X, y, under, engine=engine)
    assert not found.single.any()
    assert np.all(found.uncertainties[:, found.names.index("mixing")] == 0)
    compare(found, y)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("level", [2.0, 10.0])
def test_few_counts_reach_the_minimum_of_the_deviance(level: float, engine: str) -> None:
    model = doublets("gaussian")
    base = np.full((6, X.size), level)
    rng = np.random.default_rng(5)
    values = np.array([60.0, 45.0, 182.3, 178.9, 1.2])
    y = rng.poisson(BoundModel(model, X, base[0]).evaluate(values), (6, X.size)).astype(float)
    found = solve_batch(model, X, y, base, engine=engine)
    compare(found, y)


@pytest.mark.parametrize("engine", ENGINES)
def test_an_area_stays_at_zero_and_no_other_peak_goes_negative(engine: str) -> None:
    model = doublets("gaussian")
    y, base = spectra(model, 4)
    names = [p.name for p in model.parameters]
    centre = names.index("c2")
    only = np.array([9000.0, 0.0, 182.35, 179.0, 1.2])
    clean = BoundModel(model, X, base[0]).evaluate(only)
    # below the background where the second doublet would be: its area wants to be negative
    hole = 40 * shape("gaussian").evaluate(X, 179.0, 1.2)
    y = np.random.default_rng(1).poisson(clean - hole, y.shape).astype(float)
    fixed = Model(
        tuple(
            replace(p, value=179.0, vary=False) if p.name == "c2" else p
            for p in model.parameters
        ),
        model.components,
    )  # fmt: skip
    found = solve_batch(fixed, X, y, base, engine=engine)
    assert np.all(found.values[:, 1] >= 0)
    assert np.any(found.values[:, 1] == 0)
    for i in range(4):
        one = solve(found.inputs.problem(i), y[i])
        assert found.deviance[i] <= one.deviance + 1e-6
        assert np.all(np.abs(found.values[i] - one.values)[[0, 2, 4]] < 1e-2 * one.uncertainties[[0, 2, 4]])
    assert found.values[0, centre] == 179.0


@pytest.mark.parametrize("engine", ENGINES)
def test_a_limit_of_a_nonlinear_parameter_holds_and_is_said(engine: str) -> None:
    model = doublets("pseudo_voigt")
    narrow = tuple(
        Parameter(p.name, 1.0, 0.5, 1.1) if p.name == "fwhm" else p for p in model.parameters
    )  # the truth is 1.2
    y, base = spectra(model, 3)
    found = solve_batch(Model(narrow, model.components), X, y, base, engine=engine)
    width = found.names.index("fwhm")
    assert np.all(found.values[:, width] == 1.1)
    assert np.all(found.at_bound[:, width])
    assert np.all(found.uncertainties[:, width] == 0)
    for i in range(3):
        one = solve(found.inputs.problem(i), y[i])
        assert one.at_bound == found.member(i).at_bound
        np.testing.assert_allclose(found.deviance[i], one.deviance, rtol=1e-6)
        np.testing.assert_allclose(found.uncertainties[i], one.uncertainties, rtol=1e-3)


@pytest.mark.parametrize("engine", ENGINES)
def test_several_starts_and_their_disagreement(engine: str) -> None:
    model = doublets("gaussian")
    y, base = spectra(model, 3)
    good = np.array([p.value for p in model.parameters])
    bad = good.copy()
    bad[2:5] = 184.9, 177.1, 0.3
    found = solve_batch(model, X, y, base, starts=[bad, good], engine=engine)
    compare(found, y)
    assert not found.start_dependent.any()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("statistics", ["poisson", "given"])
@pytest.mark.parametrize("name", ["pseudo_voigt", "voigt"])
def test_order_and_company_do_not_change_a_bit(name: str, statistics: str, engine: str) -> None:
    model = doublets(name, splitting=True)
    y, base = spectra(model, 17)
    sigma = np.sqrt(np.maximum(y, 1.0))
    ramp = np.linspace(0.0, 1.0, X.size)
    options = {"statistics": statistics, "sensitivity": np.stack([1 - ramp, ramp]), "engine": engine}
    alone = solve_batch(model, X, y, base, sigma=sigma, **options)
    order = np.random.default_rng(0).permutation(17)
    for chunk in (1, 3, 16):
        mixed = solve_batch(model, X, y[order], base, sigma=sigma[order], chunk=chunk, **options)
        for field in ("values", "covariance", "uncertainties", "chi2", "deviance", "passes", "fitted"):
            np.testing.assert_array_equal(getattr(alone, field)[order], getattr(mixed, field), err_msg=field)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_member_that_leads_nowhere_does_not_touch_the_next(engine: str) -> None:
    model = doublets("gaussian")
    y, base = spectra(model, 3)
    clean = solve_batch(model, X, y, base, statistics="given", sigma=np.sqrt(y + 1), engine=engine, rescue=False)
    y[1] = 1e300  # its squares are no numbers
    found = solve_batch(model, X, y, base, statistics="given", sigma=np.sqrt(y + 1), engine=engine, rescue=False)
    assert not found.converged[1]
    np.testing.assert_array_equal(found.values[[0, 2]], clean.values[[0, 2]])


@pytest.mark.parametrize("engine", ENGINES)
def test_members_that_cannot_be_fitted_say_why_and_leave_the_others_alone(engine: str) -> None:
    model = doublets("gaussian")
    y, base = spectra(model, 4)
    clean = solve_batch(model, X, y, base, engine=engine)
    y[1, 20], y[2] = np.nan, 0.0
    found = solve_batch(model, X, y, base, engine=engine)
    assert found.refused.tolist() == ["", "some intensities are not numbers", "every intensity is zero", ""]
    assert np.isnan(found.values[1:3]).all()
    assert not found.converged[1:3].any()
    np.testing.assert_allclose(found.values[[0, 3]], clean.values[[0, 3]], rtol=1e-9)


@pytest.mark.parametrize("engine", ENGINES)
def test_without_covariances_the_values_are_the_same(engine: str) -> None:
    model = doublets("gl_sum")
    y, base = spectra(model, 3)
    full = solve_batch(model, X, y, base, engine=engine)
    bare = solve_batch(model, X, y, base, engine=engine, covariance=False)
    np.testing.assert_array_equal(bare.values, full.values)
    assert np.isnan(bare.covariance).all()
    assert np.isnan(bare.uncertainties).all()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["parametric", "residual"])
@pytest.mark.parametrize("statistics", ["poisson", "given"])
def test_replicates_scatter_as_the_covariance_says(statistics: str, kind: str, engine: str) -> None:
    model = doublets("pseudo_voigt")
    y, base = spectra(model, 1)
    columns = Columns((Parameter("slope", 0.0), Parameter("const", 100.0)), lambda x, y: np.stack(
        [np.broadcast_to(x - x[0], y.shape), np.ones(y.shape)], axis=1))  # fmt: skip
    sigma = np.sqrt(np.maximum(y[0], 1.0)) if statistics == "given" else None
    found = bootstrap_batch(
        model, X, y[0], 0 * base[0], columns=columns, statistics=statistics, sigma=sigma, kind=kind, replicates=1500,
        seed=2, engine=engine,
    )  # fmt: skip
    assert found.failed == 0
    ratio = np.std(found.values, axis=0, ddof=1) / found.best.uncertainties
    # the residuals of one spectrum of 171 points know their own scatter to 1 / sqrt(2 * 171)
    widest = 0.1 if kind == "parametric" else 0.1 + 3 / np.sqrt(2 * X.size)
    assert np.all(np.abs(ratio - 1) < widest), ratio
    shift = np.mean(found.values, axis=0) - found.best.values
    assert np.all(np.abs(shift) < 0.15 * found.best.uncertainties)


def test_replicates_remake_their_columns_and_refuse_what_cannot_be() -> None:
    model = doublets("pseudo_voigt")
    y, base = spectra(model, 1)
    seen = []

    def make(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        seen.append(len(y))
        return constant_and_step(x, y)

    columns = Columns((Parameter("k", 0.0), Parameter("const", 100.0)), make)
    found = bootstrap_batch(model, X, y[0], 0 * base[0], columns=columns, replicates=50)
    again = bootstrap_batch(model, X, y[0], 0 * base[0], columns=columns, replicates=50)
    assert 50 in seen
    np.testing.assert_array_equal(found.values, again.values)
    with pytest.raises(InputError):
        bootstrap_batch(model, X, y[0], base[0], replicates=1)
    with pytest.raises(InputError):
        bootstrap_batch(model, X, y, base[0])
    with pytest.raises(NotDeterminedError, match="every intensity is zero"):
        bootstrap_batch(model, X, 0 * y[0], base[0])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_degenerate_pair_is_not_determined(engine: str) -> None:
    model = doublets("gaussian")
    first = model.components[0]
    twins = Model(model.parameters, (first, Component("twin", "gaussian", Tie("A2"), first.roles)))
    y, base = spectra(Model(model.parameters, model.components[:1]), 2)
    found = solve_batch(twins, X, y, base, engine=engine)
    assert found.single.all()  # sent on, because a Gram matrix cannot tell
    assert set(found.member(0).undetermined) >= {"A1", "A2"}


def test_unknown_shapes_go_one_by_one_and_say_so() -> None:
    model = doublets("doniach_sunjic_gauss")
    y, base = spectra(model, 2)
    found = solve_batch(model, X, y, base)
    assert found.engine == "solve"
    assert "doniach_sunjic_gauss" in found.fallback
    assert found.single.all()
    compare(found, y)


@pytest.mark.parametrize("name", sorted(KINDS))
@pytest.mark.parametrize("far", [1.0, 40.0])
def test_batched_shapes_equal_the_single_ones(name: str, far: float) -> None:
    one = shape(name)
    rng = np.random.default_rng(2)
    roles = np.stack([rng.normal(0, 1, 6), rng.uniform(0.3, 2, 6), rng.uniform(0.05, 0.9, 6)])[: len(one.roles)]
    if name == "voigt":
        roles[1, 0], roles[2, 1] = 1e-4, 0.0
    if name == "doniach_sunjic":
        roles[2] *= 0.4
    x = far * np.linspace(-5, 5, 101)
    padded = np.concatenate([roles, np.zeros((3 - len(roles), 6))])[:, :, None]
    rows = EVALUATE[KINDS[name]](x, padded[0], padded[1], padded[2], 0.5, np.full((6, 101), 4.0))
    for i in range(6):
        expected = 2.0 * one.derivatives(x, *roles[:, i])
        for row, want in zip(rows, expected, strict=True):
            np.testing.assert_allclose(row[i], want, rtol=1e-10, atol=1e-12 * np.abs(want).max())


@pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba (extra 'fast') is absent")
def test_compiled_elementary_functions() -> None:
    from surfspec.fitting.batch.fast.shapes import exponential, half_power, logarithm

    rng = np.random.default_rng(0)
    for one, oracle, values, tolerance in (
        (half_power, lambda z: np.exp2(-z), rng.uniform(0, 865, 3000), 3e-15),
        (exponential, np.exp, rng.uniform(-600, 600, 3000), 3e-15),
        (logarithm, np.log, np.exp(rng.uniform(-650, 650, 3000)), 5e-16),
    ):
        np.testing.assert_allclose([one(v) for v in values], oracle(values), rtol=tolerance, atol=tolerance)


@pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba (extra 'fast') is absent")
def test_kernels_on_disk_know_their_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    from surfspec.fitting.batch.fast import algebra, iterate, stamp

    for kept in (algebra.invert, iterate.fit_chunk):
        assert stamp.STAMP in [cell.cell_contents for cell in kept.py_func.__closure__]
    monkeypatch.setattr(stamp, "sha256", lambda: hashlib.sha256(b"another source"))
    assert stamp._digest() != stamp.STAMP


def test_bounded_quadratic_against_every_active_set() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        a = rng.normal(size=(6, 4))
        gram, right = a.T @ a, rng.normal(size=4)
        low, high = np.full(4, -0.2), np.array([0.3, 0.3, np.inf, np.inf])
        best = bounded_quadratic(gram[None], right[None], low, high)[0]
        slope = right - gram @ best
        assert np.all((best >= low) & (best <= high))
        inside = (best > low) & (best < high)
        assert np.abs(slope[inside]).max(initial=0.0) < 1e-8
        assert np.all(slope[best == low] <= 1e-8)
        assert np.all(slope[best == high] >= -1e-8)


def test_table_of_a_model() -> None:
    table = compile_model(doublets("pseudo_voigt"))
    assert table.linear.tolist() == [0, 1]
    assert table.nonlinear.tolist() == [2, 3, 4, 5]
    assert table.pairs.tolist() == [[0, 0], [0, 2], [0, 3], [1, 1], [1, 2], [1, 3]]


def test_bad_arguments_are_refused_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    model = doublets("gaussian")
    y, base = spectra(model, 2)
    cases = (
        {"y": y[0]}, {"base": base[:, :-1]}, {"statistics": "normal"}, {"statistics": "given"}, {"engine": "gpu"},
        {"ends": (X[:3], [])}, {"ends": (X[:3], X[-3:] * np.nan)}, {"ends": (X,)}, {"starts": [np.zeros(3)]},
        {"y": [["a"]]}, {"chunk": 0}, {"sigma": y[:1]}, {"sensitivity": base[0]},
    )  # fmt: skip
    for case in cases:
        arguments = {"x": X, "y": y, "base": base} | case
        with pytest.raises(InputError):
            solve_batch(model, **arguments)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="numba"):
        solve_batch(model, X, y, base, engine="numba")


def test_members_that_are_none() -> None:
    model = doublets("gaussian")
    y, base = spectra(model, 2)
    found = solve_batch(model, X, y, base)
    assert found.member(np.int64(1)).names == found.names
    for index in (99, 2, -1, "a", 0.5, None):
        with pytest.raises(InputError, match="there is no member"):
            found.member(index)  # type: ignore[arg-type]


def test_data_that_cannot_be() -> None:
    model = doublets("gaussian")
    y, base = spectra(model, 2)
    with pytest.raises(InputError, match="a NoneType is no model"):
        solve_batch(None, X, y, base)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="1 points of the axis are no numbers"):
        solve_batch(model, np.where(np.arange(X.size) == 4, np.nan, X), y, base)
    with pytest.raises(InputError, match="y has complex numbers"):
        solve_batch(model, X, y + 1j, base)
    for start in ([1.0, "a"], "a"):
        with pytest.raises(InputError, match="starts is not numeric"):
            solve_batch(model, X, y, base, starts=[start])  # type: ignore[list-item]
