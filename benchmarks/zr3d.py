"""The Zr 3d model of the fitting benchmark, written for us and for the peers; data simulated (not measured)."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

import lmfit
import numpy as np
from lmfit.models import PseudoVoigtModel
from scipy.optimize import curve_fit

from surfspec.fitting import Component, Model, Parameter, Tie
from surfspec.fitting.batch import Columns, constant_and_step, solve_batch

Array = np.ndarray
SPLITTING, RATIO = 2.4, 2.0 / 3.0
X = np.linspace(176.0, 192.0, 161)
START = {"c1": 182.2, "c2": 179.0, "fwhm": 1.1, "mixing": 0.3, "A1": 1e4, "A2": 1e4, "k": 1e-3, "const": 1500.0}
LN2 = np.log(2.0)
COLUMNS = Columns((Parameter("k", START["k"]), Parameter("const", START["const"])), constant_and_step)


def profile(x: Array, center: float, fwhm: float) -> tuple[Array, Array]:
    """Gaussian and Lorentzian of unit area."""
    t = (x - center) / fwhm
    return 2 * np.sqrt(LN2 / np.pi) / fwhm * np.exp(-4 * LN2 * t * t), 2 / np.pi / fwhm / (1 + 4 * t * t)


def centers(doublets: int) -> list[float]:
    """Start values of the stronger lines; more doublets lie 3.3 eV apart downwards."""
    return [START["c1"], START["c2"], *(START["c2"] - 3.3 * i for i in range(1, doublets))][:doublets]


def axis(doublets: int, points: int) -> Array:
    """Binding energies that hold so many doublets."""
    return np.linspace(170.0 - 3.3 * doublets, 192.0, points)


def model(doublets: int = 2) -> Model:
    """Our table."""
    parameters = [
        *(Parameter(f"A{i}", 1e4, low=0.0, natural_low=True) for i in range(doublets)),
        *(Parameter(f"c{i}", c, low=c - 10, high=c + 10) for i, c in enumerate(centers(doublets))),
        Parameter("fwhm", START["fwhm"], low=0.1, high=10.0),
        Parameter("mixing", START["mixing"], low=0.0, high=1.0),
    ]
    shared = {"fwhm": Tie("fwhm"), "mixing": Tie("mixing")}
    components = []
    for i in range(doublets):
        for name, ratio, shift in (("5/2", 1.0, 0.0), ("3/2", RATIO, SPLITTING)):
            roles = {"center": Tie(f"c{i}", offset=shift), **shared}
            components.append(Component(f"{i} {name}", "pseudo_voigt", Tie(f"A{i}", ratio), roles))
    return Model(tuple(parameters), tuple(components))


def counts(number: int, *, seed: int = 0, level: float = 1500.0, area: float = 14000.0) -> Array:
    """Simulated spectra, Poisson counts, on a background that rises with the counts below it."""
    rng = np.random.default_rng(seed)
    share = (np.arange(number) + 0.5) / number
    out = np.empty((number, X.size))
    for i in range(number):
        peaks = np.zeros(X.size)
        fwhm, mixing = 1.2 + 0.06 * rng.normal(), np.clip(0.35 + 0.05 * rng.normal(), 0.1, 0.8)
        for center, amount in ((182.3, 0.2 + 0.8 * share[i]), (178.9, 1.0 - 0.8 * share[i])):
            place = center + 0.05 * rng.normal()
            for shift, ratio in ((0.0, 1.0), (SPLITTING, RATIO)):
                gauss, lorentz = profile(X, place + shift, fwhm)
                peaks += area * amount * ratio * ((1 - mixing) * gauss + mixing * lorentz)
        k, total = 0.006 + 0.0003 * rng.normal(), 0.0
        for j in range(X.size):  # y_j = peaks + const + k (y_0 + ... + y_j)
            value = (peaks[j] + level + k * total) / (1 - k)
            total += value
            out[i, j] = rng.poisson(value)
    return out


def many(number: int, doublets: int, points: int, *, seed: int = 0) -> Array:
    """Simulated spectra of many doublets on a level background, Poisson counts."""
    x = axis(doublets, points)
    lines = [center + shift for center in centers(doublets) for shift in (0.0, SPLITTING)]
    shapes = [profile(x, place, 1.2) for place in lines]
    clean = sum(9000 * (1.0, RATIO)[i % 2] * (0.65 * g + 0.35 * lo) for i, (g, lo) in enumerate(shapes))
    return np.random.default_rng(seed).poisson(300.0 + clean, (number, points)).astype(float)


def sigmas(y: Array) -> Array:
    """Standard uncertainties as all ways of this benchmark take them."""
    return np.sqrt(np.maximum(y, 1.0))


def ours(y: Array, engine: str, *, doublets: int = 2, x: Array = X, **options: Any) -> Any:
    """Batched fit by given uncertainties, unless the options say otherwise."""
    options = {"statistics": "given", "columns": COLUMNS, "engine": engine} | options
    if options["statistics"] == "given" and "sigma" not in options:
        options["sigma"] = sigmas(y)
    return solve_batch(model(doublets), x, y, np.zeros(x.size), **options)


def values_of(y: Array, v: Array) -> Array:
    """Model of the peers that take a vector (c1, c2, fwhm, mixing, A1, A2, k, const)."""
    out = v[6] * np.cumsum(y) + v[7]
    for center, area in ((v[0], v[4]), (v[1], v[5])):
        for shift, ratio in ((0.0, 1.0), (SPLITTING, RATIO)):
            gauss, lorentz = profile(X, center + shift, v[2])
            out = out + area * ratio * ((1 - v[3]) * gauss + v[3] * lorentz)
    return out


def slopes_of(y: Array, v: Array) -> Array:
    """Exact Jacobian of :func:`values_of`, (n, 8)."""
    out = np.zeros((X.size, 8))
    for i in (0, 1):
        for shift, ratio in ((0.0, 1.0), (SPLITTING, RATIO)):
            gauss, lorentz = profile(X, v[i] + shift, v[2])
            t = (X - v[i] - shift) / v[2]
            area = v[4 + i] * ratio
            f = (1 - v[3]) * gauss + v[3] * lorentz
            slope = (8 * LN2 * (1 - v[3]) * gauss + 8 * v[3] * lorentz / (1 + 4 * t * t)) * t / v[2]
            out[:, i] += area * slope
            out[:, 2] += area * (slope * t - f / v[2])
            out[:, 3] += area * (lorentz - gauss)
            out[:, 4 + i] += ratio * f
    out[:, 6], out[:, 7] = np.cumsum(y), 1.0
    return out


def curve_fit_exact(y: Array, **options: Any) -> tuple[Array, Array]:
    """scipy's curve_fit with the analytic Jacobian."""
    start = np.array(list(START.values()))
    return curve_fit(
        lambda x, *v: values_of(y, np.array(v)), X, y, start, sigma=sigmas(y), absolute_sigma=True,
        jac=lambda x, *v: slopes_of(y, np.array(v)), **options,
    )[:2]  # fmt: skip


def lmfit_vectorised(y: Array, start: dict[str, float] = START) -> Any:
    """lmfit.minimize with a residual in plain numpy."""
    parameters = lmfit.Parameters()
    for name, value in start.items():
        parameters.add(name, value=value)
    weight = 1.0 / sigmas(y)

    def residual(current: Any) -> Array:
        return (values_of(y, np.array([current[name].value for name in START])) - y) * weight

    return lmfit.minimize(residual, parameters, scale_covar=False)


def lmfit_composite(doublets: int = 2, x: Array = X) -> Callable[[Array], Any] | None:
    """The usual way: a composite lmfit model, ties as expressions, the Shirley model of lmfitxps; None without it."""
    if importlib.util.find_spec("lmfitxps") is None:
        return None
    shirley = importlib.import_module("lmfitxps.models").ShirleyBG
    whole = shirley(independent_vars=["y"], prefix="bg_")
    every = range(1, doublets + 1)
    for i in every:
        for line in "ab":
            whole = whole + PseudoVoigtModel(prefix=f"p{i}{line}_")
    parameters = whole.make_params()
    for i, center in zip(every, centers(doublets), strict=True):
        parameters[f"p{i}a_center"].set(value=center)
        parameters[f"p{i}a_amplitude"].set(value=START["A1"], min=0)
        parameters[f"p{i}b_center"].set(expr=f"p{i}a_center + {SPLITTING}")
        parameters[f"p{i}b_amplitude"].set(expr=f"p{i}a_amplitude * {RATIO!r}")
        for line in "ab":
            if (i, line) != (1, "a"):
                parameters[f"p{i}{line}_sigma"].set(expr="p1a_sigma")
                parameters[f"p{i}{line}_fraction"].set(expr="p1a_fraction")
    parameters["p1a_sigma"].set(value=START["fwhm"] / 2, min=0)
    parameters["p1a_fraction"].set(value=START["mixing"], min=0, max=1)
    parameters["bg_k"].set(value=START["k"])
    parameters["bg_const"].set(value=START["const"])

    def fit(y: Array) -> Any:
        down = y[::-1].copy()  # the peer sums from the last point, so its energies fall
        return whole.fit(down, parameters, x=x[::-1].copy(), y=down, weights=1.0 / sigmas(down), scale_covar=False)

    return fit
