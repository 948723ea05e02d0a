"""A doublet over a background that is fitted with it (SVSC), against the plain lmfit way; how it grows with points."""

from __future__ import annotations

import time
from collections.abc import Callable

import lmfit
import numpy as np
from scipy.integrate import cumulative_trapezoid
from scipy.special import voigt_profile

from benchmarks.measure import Row, faster, nearer, speed_up
from surfspec.fitting import Component, Model, Parameter, Tie, solve
from surfspec.fitting.active import ActiveBackground, ActiveModel, Scattering

Array = np.ndarray
SIGMA = 2 * np.sqrt(2 * np.log(2))
TRUTH = {"area": 20_000.0, "center": 182.4, "splitting": 2.41, "gauss": 1.2, "lorentz": 0.3, "level": 2000.0, "k": 0.03}
START = {"area": 15_000.0, "center": 182.2, "splitting": 2.41, "gauss": 1.0, "lorentz": 0.3, "level": 1900.0, "k": 0.02}


def line(x: Array, center: float, gauss: float, lorentz: float) -> Array:
    """Voigt profile of unit area."""
    return np.asarray(voigt_profile(x - center, gauss / SIGMA, lorentz / 2))


def expected(
    x: Array, area: float, center: float, splitting: float, gauss: float, lorentz: float, level: float, k: float
) -> Array:
    """The model as a script has it: two lines, their step, a level."""
    peaks = area * (line(x, center, gauss, lorentz) + 2 / 3 * line(x, center + splitting, gauss, lorentz))
    return np.asarray(peaks + level + k * cumulative_trapezoid(peaks, x, initial=0.0))


def counts(points: int, seed: int = 0) -> tuple[Array, Array]:
    """Simulated spectrum (not measured), Poisson counts."""
    x = np.linspace(175.0, 191.0, points)
    return x, np.random.default_rng(seed).poisson(expected(x, **TRUTH)).astype(float)


def ours(x: Array, y: Array) -> Callable[[], object]:
    """Exact Jacobian, Poisson deviance, polished, judged for what it determines."""
    free = {"area": (0.0, np.inf), "center": (180.0, 185.0), "gauss": (0.3, 3.0), "lorentz": (0.0, 1.5)}
    parameters = [Parameter(n, START[n], *free[n], natural_low=n in ("area", "lorentz")) for n in free]
    parameters += [Parameter("splitting", START["splitting"], 2.2, 2.6), Parameter("level", START["level"])]
    parameters += [Parameter("k", START["k"], 0.0, 5.0, natural_low=True)]
    widths = {"fwhm_gauss": Tie("gauss"), "fwhm_lorentz": Tie("lorentz")}
    strong = Component("5/2", "voigt", Tie("area"), {"center": Tie("center"), **widths})
    weak = Component(
        "3/2", "voigt", Tie("area", 2 / 3), {"center": Tie("center", also=(("splitting", 1.0),)), **widths}
    )
    active = ActiveBackground(("level",), (Scattering("k", "shirley", (0, 1)),))
    bound = ActiveModel(Model(tuple(parameters), (strong, weak)), x, active)
    return lambda: solve(bound, y, statistics="given", sigma=np.sqrt(np.maximum(y, 1.0)), doubt=())


def plain(x: Array, y: Array) -> Callable[[], object]:
    """The same model in lmfit, derivatives by differences."""
    model = lmfit.Model(expected, independent_vars=["x"])
    start = model.make_params(**START)
    for name, (low, high) in {"area": (0, np.inf), "gauss": (0.3, 3), "lorentz": (0, 1.5), "k": (0, 5)}.items():
        start[name].set(min=low, max=high)
    weights = 1 / np.sqrt(np.maximum(y, 1.0))
    return lambda: model.fit(y, start, x=x, weights=weights, scale_covar=False)


def _growth(quick: bool) -> float:
    """Exponent of the time over the number of points, 161 to 1281."""
    sizes, times = (161, 1281), []
    for points in sizes:
        call = ours(*counts(points))
        call()
        rounds = 3 if quick else 9
        costs = []
        for _ in range(rounds):
            begin = time.process_time()
            call()
            costs.append(time.process_time() - begin)
        times.append(float(np.median(costs)))
    return float(np.log(times[1] / times[0]) / np.log(sizes[1] / sizes[0]))


def rows(quick: bool) -> list[Row]:
    """Rows of the table."""
    x, y = counts(161)
    one, other = ours(x, y), plain(x, y)
    mine, theirs = one(), other()
    names = list(mine.names)  # type: ignore[attr-defined]
    apart = max(
        abs(mine.values[names.index(n)] - theirs.params[n].value) / mine.uncertainties[names.index(n)]  # type: ignore[attr-defined]
        for n in ("area", "center", "level", "k")
    )
    speed = speed_up(one, other, quick=quick)
    same = "active Shirley: largest distance of the answers (the peer integrates by trapezoids)"
    return [
        faster("active Shirley under a Voigt doublet, against one vectorised lmfit model", speed, 2.0),
        nearer(same, apart, 0.1, "uncertainties"),
        nearer("active Shirley: exponent of the time over the points, 161 to 1281", _growth(quick), 2.0, ""),
    ]
