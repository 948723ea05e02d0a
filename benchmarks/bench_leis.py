"""LEIS fits of 21 parameters against lmfit and curve_fit: time and agreement; data simulated (not measured).

Five Gaussian peaks, each on a shoulder that falls at the peak's centre with the peak's width, and a constant: five
areas, heights of steps, centres and widths; 600 points of counts. All ways take the same standard uncertainties.

And the whole fit of ``surfspec.leis`` on spectra of the shipped study, against scipy's bounded least squares over all
parameters of the same model and likelihood.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import lmfit
import numpy as np
from lmfit.models import ConstantModel, GaussianModel, StepModel
from scipy.optimize import curve_fit, least_squares
from scipy.special import erfc

from benchmarks.measure import Row, faster, nearer
from surfspec import io, leis, reference, spectra
from surfspec.fitting import Component, Model, Parameter, Tie
from surfspec.fitting.batch import Columns, fast, solve_batch
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.projection import linear_part

Array = np.ndarray
X = np.linspace(900.0, 2900.0, 600)
CENTER = np.array([1150.0, 1480.0, 1790.0, 2300.0, 2660.0])
SIGMA = np.array([38.0, 36.0, 34.0, 30.0, 28.0])
AREA, STEP, LEVEL = np.array([1.5e5, 1e5, 6e4, 2e5, 1.2e5]), np.array([60.0, 50.0, 40.0, 120.0, 80.0]), 30.0
#: Start values of all ways: 6 eV beside, a tenth too wide, one area and one step for all.
START = np.concatenate([CENTER + 6.0, 1.1 * SIGMA, np.full(5, 1e5), np.full(5, 60.0), [LEVEL]])
PEAKS, ROOT2 = range(5), 2.0**0.5
PER_FWHM = 2.0 * np.sqrt(2.0 * np.log(2.0))
PEERS = ("lmfit composite with expressions", "lmfit, vectorised residual", "curve_fit, analytic Jacobian")
#: Fits of a round for each peer, and what a round of ours fits.
SHARE, OURS = (1, 3, 9), 200
#: The promise for the compiled engine; for plain numpy, whose cost is that of its matrix products, four fifths of what
#: was measured.
GOALS = {"numpy": (115.0, 8.5, 1.3), "numba": (1200.0, 90.0, 14.0)}


def values_of(v: Array) -> Array:
    """Model of the peers that take a vector (centres, standard deviations, areas, steps, constant), shape (21,)."""
    z = (X[:, None] - v[:5]) / v[5:10]
    bells = np.exp(-0.5 * z * z) / (v[5:10] * np.sqrt(2.0 * np.pi))
    return bells @ v[10:15] + 0.5 * erfc(z / ROOT2) @ v[15:20] + v[20]


def slopes_of(v: Array) -> Array:
    """Exact Jacobian of :func:`values_of`, (n, 21)."""
    sigma, area, step = v[5:10], v[10:15], v[15:20]
    z = (X[:, None] - v[:5]) / sigma
    bells = np.exp(-0.5 * z * z) / (sigma * np.sqrt(2.0 * np.pi))
    by_center = bells * (area * z / sigma + step)
    by_sigma = bells * (area * (z * z - 1.0) / sigma + step * z)
    return np.hstack([by_center, by_sigma, bells, 0.5 * erfc(z / ROOT2), np.ones((X.size, 1))])


def counts(number: int, *, seed: int = 0) -> Array:
    """Simulated spectra, Poisson counts, shape (number, n)."""
    rng = np.random.default_rng(seed)
    out = np.empty((number, X.size))
    for i in range(number):
        truth = np.concatenate(
            [
                CENTER + 4.0 * rng.standard_normal(5),
                SIGMA * np.exp(0.05 * rng.standard_normal(5)),
                AREA * np.exp(0.4 * rng.standard_normal(5)),
                STEP * np.exp(0.3 * rng.standard_normal(5)),
                [LEVEL],
            ]
        )
        out[i] = rng.poisson(values_of(truth))
    return out


def sigmas(y: Array) -> Array:
    """Standard uncertainties as all ways of this benchmark take them."""
    return np.sqrt(np.maximum(y, 1.0))


def _level(x: Array, y: Array) -> Array:
    return np.ones((y.shape[0], 1, x.size))


def model() -> Model:
    """Our table; each edge shares centre and width with its peak."""
    names = ("O", "Na", "Si", "Zr", "La")
    parameters: list[Parameter] = []
    components: list[Component] = []
    for i, name in enumerate(names):
        center, fwhm = START[i], PER_FWHM * START[5 + i]
        parameters += [
            Parameter(f"{name} area", START[10 + i], low=0.0, natural_low=True),
            Parameter(f"{name} step", START[15 + i], low=0.0, natural_low=True),
            Parameter(f"{name} center", center, low=center - 60.0, high=center + 60.0),
            Parameter(f"{name} fwhm", fwhm, low=fwhm / 5.0, high=fwhm * 5.0),
        ]
        roles = {"center": Tie(f"{name} center"), "fwhm": Tie(f"{name} fwhm")}
        components.append(Component(name, "gaussian", Tie(f"{name} area"), roles))
        components.append(Component(f"{name} shoulder", "edge", Tie(f"{name} step"), roles))
    return Model(tuple(parameters), tuple(components))


MODEL = model()
COLUMNS = Columns((Parameter("constant", LEVEL),), _level)


def ours(y: Array, engine: str) -> Any:
    """Batched fit by given uncertainties."""
    return solve_batch(
        MODEL, X, y, np.zeros(X.size), statistics="given", sigma=sigmas(y), columns=COLUMNS, engine=engine
    )


def in_order_of_peers(found: Any) -> tuple[Array, Array]:
    """Values and standard uncertainties of :func:`ours` as the peers have them, shapes (m, 21)."""
    role = {"center": 0, "fwhm": 1, "area": 2, "step": 3}
    at = [found.names.index(p.name) for what in role for p in MODEL.parameters if p.name.endswith(f" {what}")]
    unit = np.concatenate([np.ones(5), np.full(5, PER_FWHM), np.ones(11)])
    at.append(found.names.index("constant"))
    return found.values[:, at] / unit, found.uncertainties[:, at] / unit


def curve_fit_exact(y: Array, **options: Any) -> tuple[Array, Array]:
    """scipy's curve_fit with the analytic Jacobian."""
    return curve_fit(
        lambda x, *v: values_of(np.array(v)), X, y, START, sigma=sigmas(y), absolute_sigma=True,
        jac=lambda x, *v: slopes_of(np.array(v)), **options,
    )[:2]  # fmt: skip


def lmfit_vectorised(y: Array) -> Any:
    """lmfit.minimize with a residual in plain numpy."""
    parameters = lmfit.Parameters()
    for i, value in enumerate(START):
        parameters.add(f"p{i}", value=value)
    weight, names = 1.0 / sigmas(y), list(parameters)

    def residual(current: Any) -> Array:
        return (values_of(np.array([current[name].value for name in names])) - y) * weight

    return lmfit.minimize(residual, parameters, scale_covar=False)


def lmfit_composite() -> Callable[[Array], Any]:
    """The usual way: a composite lmfit model, shoulders tied by expressions; a rising step of negative height falls."""
    whole = ConstantModel(prefix="b_")
    for i in PEAKS:
        whole = whole + GaussianModel(prefix=f"g{i}_") + StepModel(prefix=f"s{i}_", form="erf")
    parameters = whole.make_params()
    for i in PEAKS:
        parameters[f"g{i}_center"].set(value=START[i])
        parameters[f"g{i}_sigma"].set(value=START[5 + i], min=0)
        parameters[f"g{i}_amplitude"].set(value=START[10 + i], min=0)
        parameters[f"s{i}_amplitude"].set(value=-START[15 + i], max=0)
        parameters[f"s{i}_center"].set(expr=f"g{i}_center")
        parameters[f"s{i}_sigma"].set(expr=f"g{i}_sigma * {ROOT2!r}")
    parameters["b_c"].set(value=START[20] + START[15:20].sum())
    return lambda y: whole.fit(y, parameters, x=X, weights=1.0 / sigmas(y), scale_covar=False)


def _timed(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def _speed(quick: bool) -> list[Row]:
    """CPU time of one fit, medians of nine interleaved rounds."""
    rounds = 3 if quick else 9
    y, engines = counts(OURS), ["numpy", *(["numba"] if fast.installed() else [])]
    costs: dict[str, list[float]] = {name: [] for name in (*PEERS, *engines)}
    for engine in engines:
        ours(y[:2], engine)
    peers = (lmfit_composite(), lmfit_vectorised, curve_fit_exact)
    gc.collect()
    gc.disable()
    for i in range(rounds):
        for name, fit, share in zip(PEERS, peers, SHARE, strict=True):
            some = y[share * i : share * (i + 1)]
            costs[name].append(_timed(lambda f=fit, s=some: [f(one) for one in s]) / share)  # type: ignore[misc]
        for engine in engines:
            costs[engine].append(_timed(lambda e=engine: ours(y, e)) / OURS)  # type: ignore[misc]
    gc.enable()
    rows = []
    for engine, goals in GOALS.items():
        for name, goal in zip(PEERS, goals, strict=True):
            ratio = median(costs[name]) / median(costs[engine]) if costs.get(engine) else None
            rows.append(faster(f"LEIS, 21 parameters with covariance, {engine}, against {name}", ratio, goal))
    return rows


def _agreement(quick: bool) -> list[Row]:
    """Distance to MINPACK with the exact Jacobian at its tightest tolerance."""
    y = counts(12 if quick else 48)
    exact = [curve_fit_exact(one, ftol=1e-15, xtol=1e-15, gtol=1e-15) for one in y]
    values = np.array([v for v, _ in exact])
    uncertainties = np.array([np.sqrt(np.diag(c)) for _, c in exact])
    rows = []
    for engine in GOALS:
        errors: tuple[float | None, float | None] = (None, None)
        if engine == "numpy" or fast.installed():
            found, stated = in_order_of_peers(ours(y, engine))
            shift = np.abs(found - values) / uncertainties
            errors = float(shift.max()), float(np.abs(stated / uncertainties - 1.0).max())
        rows += [
            nearer(f"LEIS, {engine}: largest error of a parameter", errors[0], 1e-4, "uncertainties"),
            nearer(f"LEIS, {engine}: largest relative error of an uncertainty", errors[1], 1e-4, ""),
        ]
    return rows


RECIPE = leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"))


def least_squares_of(spectrum: Any) -> float:
    """Deviance that scipy's bounded least squares reaches over all parameters of the LEIS model at once."""
    cut = spectra.crop(spectrum, *RECIPE.limits())
    y = np.array(cut.intensity.values, dtype=np.float64)
    whole = SpectrumModel(RECIPE, cut.kinetic_energy.values)
    shape = np.array([p.value for p in whole.parameters[: whole.shape_count]])
    heights = linear_part(whole.design(shape), y, sigmas(y))
    low, high = (np.array([getattr(p, end) for p in whole.parameters]) for end in ("low", "high"))
    start = np.clip(np.concatenate([shape, np.maximum(heights, 1e-3 * heights.max())]), low + 1e-9, high)

    def residuals(values: Array) -> Array:
        expected = np.maximum(whole.evaluate(values), 1e-9)
        log = np.where(y > 0, y * np.log(np.maximum(y, 1e-300) / expected), 0.0)
        return np.sign(y - expected) * np.sqrt(2.0 * np.maximum(log - (y - expected), 0.0))

    return 2.0 * float(least_squares(residuals, start, bounds=(low, high), x_scale="jac", max_nfev=300).cost)


def _whole(quick: bool) -> list[Row]:
    """A fit with start, covariance and verdict, on simulated spectra of four doses; one spectrum a round."""
    names = [f"as_sintered_area1_dose{dose}.csv" for dose in (1, 2, 3, 4)]
    given = [io.read(reference.path("nasicon_study", "leis", name)) for name in names]
    ours_ends = [float(leis.fit(one, RECIPE).deviance) for one in given]
    ends = [least_squares_of(one) for one in given]
    costs: tuple[list[float], list[float]] = ([], [])
    for i in range(3 if quick else 9):
        one = given[i % 4]
        costs[0].append(_timed(lambda s=one: leis.fit(s, RECIPE)))  # type: ignore[misc]
        costs[1].append(_timed(lambda s=one: least_squares_of(s)))  # type: ignore[misc]
    ratio = median(b / a for a, b in zip(*costs, strict=True))
    worse = max(a - b for a, b in zip(ours_ends, ends, strict=True))
    return [
        faster("LEIS, whole fit of a study spectrum, against bounded least squares of the same model", ratio, 2.0),
        nearer("LEIS, whole fit: deviance above that of bounded least squares", worse, 1e-3, ""),
    ]


def rows(quick: bool = False) -> list[Row]:
    """Every row of this module."""
    return [*_speed(quick), *_agreement(quick), *_whole(quick)]
