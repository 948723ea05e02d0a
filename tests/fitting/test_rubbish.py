"""Data and models that no fit can make sense of: each is refused or flagged, none is called ok."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

import surfspec as ss
from surfspec.errors import SurfspecError
from surfspec.fitting import BoundModel, Component, Model, Parameter, Tie, judge, solve
from surfspec.xps.recipe import Background, Peak, Range, Recipe

X = np.linspace(277.0, 297.0, 201)
TRUTH = np.array([900.0, 285.0, 1.3, 50.0])


def bound(
    x: np.ndarray = X, *, pairs: int = 1, center: tuple[float, float, float] = (285.3, 283.0, 288.0)
) -> BoundModel:
    """One peak (or copies of it) on a level that is free."""
    parameters = [Parameter("center", *center), Parameter("fwhm", 1.2, 0.4, 3.5)]
    components = []
    for i in range(pairs):
        parameters.append(Parameter(f"area {i}", 500.0, 0.0, natural_low=True))
        roles = {"center": Tie("center"), "fwhm": Tie("fwhm")}
        components.append(Component(f"peak {i}", "gaussian", Tie(f"area {i}"), roles))
    parameters += [
        Parameter("level", 50.0, 0.0),
        Parameter("zero", 287.0, vary=False),
        Parameter("wide", 1e5, vary=False),
    ]
    flat = 1e5 * np.sqrt(np.pi / np.log(2)) / 2
    roles = {"center": Tie("zero"), "fwhm": Tie("wide")}
    components.append(Component("level", "gaussian", Tie("level", flat), roles))
    return BoundModel(Model(tuple(parameters), tuple(components)), x, np.zeros(x.size))


def expected(x: np.ndarray = X, area: float = 900.0, level: float = 50.0, center: float = 285.0) -> np.ndarray:
    s = 1.3 / 2.3548200450309493
    return level + area * np.exp(-0.5 * ((x - center) / s) ** 2) / (s * np.sqrt(2 * np.pi))


def counts(seed: int = 0, **options: float) -> np.ndarray:
    return np.random.default_rng(seed).poisson(expected(**options)).astype(float)


RECIPE = Recipe(
    recipe="one peak", region="C 1s", window=(277.0, 297.0), background=Background(kind="linear"),
    peaks=(Peak("C-C", "C 1s", Range(value=285.3, low=283.0, high=288.0), shape="gaussian",
                widths={"fwhm": Range(value=1.2, low=0.4, high=3.5)}),),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One piece of rubbish: for the solver, and for a recipe (where it can be said there)."""

    y: Callable[[], np.ndarray]
    x: np.ndarray = field(default_factory=lambda: X)
    sigma: np.ndarray | None = None
    model: Callable[[np.ndarray], BoundModel] = bound
    recipe: Recipe = RECIPE


def with_value(index: int, value: float) -> np.ndarray:
    y = counts()
    y[index] = value
    return y


def recipe_with(*peaks: Peak) -> Recipe:
    return replace(RECIPE, peaks=peaks)


PEAK = RECIPE.peaks[0]
FREE = replace(PEAK, name="second", center=Range(value=285.31, low=283.0, high=288.0))
TWIN = replace(PEAK, name="twin", center=Range(follows="C-C"), widths={"fwhm": Range(follows="C-C")})
FAR = replace(PEAK, center=Range(value=385.0, low=280.0, high=390.0))
NARROW = replace(PEAK, widths={"fwhm": Range(value=0.45, low=0.4, high=0.5)})
HALF = np.linspace(285.0, 305.0, 201)
NAN_SIGMA = np.where(np.arange(201) == 80, np.nan, 8.0)
ZERO_SIGMA = np.where(np.arange(201) == 80, 0.0, 8.0)


def two_centers(x: np.ndarray) -> BoundModel:
    one = bound(x, pairs=2)
    parameters = (*one.model.parameters, Parameter("center 2", 285.31, 283.0, 288.0))
    first, second, level = one.model.components
    moved = replace(second, roles={"center": Tie("center 2"), "fwhm": Tie("fwhm")})
    return BoundModel(Model(parameters, (first, moved, level)), x, np.zeros(x.size))


def narrow(x: np.ndarray) -> BoundModel:
    one = bound(x)
    parameters = tuple(replace(p, value=0.45, high=0.5) if p.name == "fwhm" else p for p in one.model.parameters)
    return BoundModel(Model(parameters, one.model.components), x, np.zeros(x.size))


CASES = {
    "start 100 eV away": Case(counts, model=lambda x: bound(x, center=(385.0, 270.0, 400.0)), recipe=recipe_with(FAR)),
    "a count that is NaN": Case(lambda: with_value(90, np.nan)),
    "an infinite count": Case(lambda: with_value(90, np.inf)),
    "all zero": Case(lambda: np.zeros(201)),
    "degenerate pair": Case(counts, model=lambda x: bound(x, pairs=2), recipe=recipe_with(PEAK, TWIN)),
    "two identical components": Case(counts, model=two_centers, recipe=recipe_with(PEAK, FREE)),
    "constant": Case(lambda: np.full(201, 50.0)),
    "one spike": Case(lambda: np.where(np.arange(201) == 83, 5000.0, counts(area=0.0))),
    "saturated": Case(lambda: np.minimum(counts(area=40000.0), 9000.0)),
    "window without a peak": Case(lambda: counts(seed=3, area=0.0)),
    "only a slope": Case(lambda: np.random.default_rng(1).poisson(np.linspace(400, 40, 201)).astype(float)),
    "fewer points than parameters": Case(lambda: counts()[80:84], x=X[80:84]),
    "negative peak": Case(lambda: np.maximum(np.round(450.0 - expected(area=500.0, level=0.0)), 0.0)),
    "half the window outside": Case(lambda: np.round(expected(HALF)), x=HALF),
    "width at its limit": Case(lambda: counts(area=5000.0), model=narrow, recipe=recipe_with(NARROW)),
    "one channel of 1e15": Case(lambda: with_value(150, 1e15)),
    "one channel of 1e300": Case(lambda: with_value(150, 1e300)),
    "negative counts": Case(lambda: counts() - 60.0),
    "NaN among the uncertainties": Case(counts, sigma=NAN_SIGMA),
    "zero among the uncertainties": Case(counts, sigma=ZERO_SIGMA),
    "three times the noise": Case(lambda: 50.0 + np.abs(3 * (counts() - 50.0))),
    "peak outside the limits of its centre": Case(lambda: counts(center=281.0, area=3000.0)),
}


def outcome(case: Case, through: str) -> tuple[str, str]:
    """Return the verdict and why; an error of the package counts as refused."""
    try:
        y = case.y()
        statistics = "poisson" if case.sigma is None else "given"
        if through == "solve":  # else through a recipe
            model = case.model(case.x)
            verdict, reasons = judge(solve(model, y, statistics=statistics, sigma=case.sigma))
            return verdict, "; ".join(reasons)
        data = ss.spectrum(case.x, y, technique="XPS", region="C 1s", intensity_unc=case.sigma, statistics=statistics)
        fit = ss.xps.fit(data, case.recipe)
        return str(fit.verdict.item()), str(fit.reasons.item())
    except SurfspecError as error:
        return "refused", str(error)


@pytest.mark.parametrize("through", ["solve", "xps.fit"])
@pytest.mark.parametrize("name", CASES)
def test_rubbish_is_refused_or_flagged(name: str, through: str) -> None:
    verdict, why = outcome(CASES[name], through)
    assert verdict in {"refused", "failed", "check"}, name
    assert why


@pytest.mark.parametrize("through", ["solve", "xps.fit"])
def test_a_sound_spectrum_is_not_rubbish(through: str) -> None:
    verdicts = [outcome(Case(lambda seed=seed: counts(seed)), through)[0] for seed in range(20)]
    assert verdicts.count("ok") >= 19


def test_no_peak_is_rarely_called_ok() -> None:
    """A free centre searches the noise: three standard uncertainties are passed by a few in a hundred."""
    verdicts = [outcome(Case(lambda seed=seed: counts(seed, area=0.0)), "xps.fit")[0] for seed in range(60)]
    assert verdicts.count("ok") <= 6
