"""Fits of many spectra against lmfit and curve_fit on the Zr 3d model of ``zr3d`` (simulated): time and agreement."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np

from benchmarks import zr3d
from benchmarks.measure import Row, faster, nearer
from surfspec.fitting.batch import fast, solve_batch

PEERS = ("lmfit composite with expressions", "lmfit, vectorised residual", "curve_fit, analytic Jacobian")
GOALS = {"numpy": (1000.0, 30.0, 8.0), "numba": (5000.0, 150.0, 40.0)}
CUBE, CUBE_GOAL = 65_536, 12.0


def _timed(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def _speed(quick: bool) -> list[Row]:
    """CPU time of one fit, medians of nine interleaved rounds."""
    count, rounds = (400, 5) if quick else (1000, 9)
    y, composite = zr3d.counts(count), zr3d.lmfit_composite()
    engines = ["numpy", *(["numba"] if fast.installed() else [])]
    costs: dict[str, list[float]] = {name: [] for name in (*PEERS, *engines)}
    for engine in engines:
        zr3d.ours(y[:2], engine)
    gc.collect()
    gc.disable()
    for i in range(rounds):
        some = y[3 * i : 3 * i + 3]
        for name, fit in zip(PEERS, (composite, zr3d.lmfit_vectorised, zr3d.curve_fit_exact), strict=True):
            if fit is not None:
                costs[name].append(_timed(lambda f=fit, s=some: [f(one) for one in s]) / len(some))
        for engine in engines:
            costs[engine].append(_timed(lambda e=engine: zr3d.ours(y, e)) / count)
    gc.enable()
    rows = []
    for engine, goals in GOALS.items():
        for name, goal in zip(PEERS, goals, strict=True):
            both = costs[name] and costs.get(engine)
            ratio = median(costs[name]) / median(costs[engine]) if both else None
            rows.append(faster(f"Zr 3d, 8 parameters with covariance, {engine}, against {name}", ratio, goal))
    return rows


def _agreement(quick: bool) -> list[Row]:
    """Distance to MINPACK with the exact Jacobian at its tightest tolerance."""
    y = zr3d.counts(20 if quick else 60)
    order = ["c0", "c1", "fwhm", "mixing", "A0", "A1", "k", "const"]
    exact = [zr3d.curve_fit_exact(one, ftol=1e-15, xtol=1e-15, gtol=1e-15) for one in y]
    values = np.array([v for v, _ in exact])
    uncertainties = np.array([np.sqrt(np.diag(c)) for _, c in exact])
    rows = []
    for engine in ("numpy", "numba"):
        if engine == "numba" and not fast.installed():
            errors: tuple[float | None, float | None] = (None, None)
        else:
            found = zr3d.ours(y, engine)
            at = [found.names.index(name) for name in order]
            shift = np.abs(found.values[:, at] - values) / uncertainties
            errors = float(shift.max()), float(np.abs(found.uncertainties[:, at] / uncertainties - 1).max())
        rows += [
            nearer(f"Zr 3d, {engine}: largest error of a parameter", errors[0], 1e-4, "uncertainties"),
            nearer(f"Zr 3d, {engine}: largest relative error of an uncertainty", errors[1], 1e-4, ""),
        ]
    return rows


def _robust(quick: bool) -> list[Row]:
    """Share of fits that reach the best chi-square known from starts wrong by 1 eV either way."""
    y = zr3d.counts(100 if quick else 300)
    best = zr3d.ours(y, "numpy")
    rng = np.random.default_rng(1)
    start = np.tile([p.value for p in zr3d.model().parameters], (len(y), 1))
    start[:, 2:4] += rng.choice([-1.0, 1.0], (len(y), 2))
    found = zr3d.ours(y, "numpy", starts=[start], rescue=False)
    share = float(np.mean(found.chi2 < best.chi2 + 1e-3))
    return [Row("Zr 3d from starts wrong by 1 eV: best chi-square reached", share, 0.95, share >= 0.95, "of the fits")]


def _growth(quick: bool) -> list[Row]:
    """Cost of twice the spectra, points and components over that of once: exponents of the growth."""
    engine = "numba" if fast.installed() else "numpy"
    rng = np.random.default_rng(0)

    def cost(spectra: int, points: int, doublets: int) -> float:
        x = np.linspace(170.0 - 3.3 * doublets, 192.0, points)
        model = zr3d.model(x, doublets)
        clean = sum(
            9000 * ratio * zr3d.profile(x, p.value + shift, 1.2)[0]
            for p in model.parameters[doublets : 2 * doublets]
            for shift, ratio in ((0.0, 1.0), (zr3d.SPLITTING, zr3d.RATIO))
        )
        y = rng.poisson(300.0 + clean, (spectra, points)).astype(float)
        base = np.full(points, 300.0)
        solve_batch(model, x, y[:2], base, engine=engine)
        return median(_timed(lambda: solve_batch(model, x, y, base, engine=engine)) for _ in range(3 if quick else 7))

    once = cost(600, 200, 2)
    cases = (
        ("spectra", cost(2400, 200, 2), 1.0), ("points", cost(600, 800, 2), 1.0), ("components", cost(600, 200, 8), 2.0)
    )  # fmt: skip
    name = "exponent of the growth of the time with the number of"
    return [nearer(f"{name} {what}", float(np.log(t / once) / np.log(4)), goal + 0.1, "") for what, t, goal in cases]


def _cube(quick: bool) -> list[Row]:
    """A 256 x 256 image by counts, against one composite fit; memory beyond the data and the answers."""
    count = CUBE // 16 if quick else CUBE
    y = np.tile(zr3d.counts(512), (count // 512, 1))
    composite, engine = zr3d.lmfit_composite(), "numba" if fast.installed() else "numpy"
    zero = np.zeros(zr3d.X.size)

    def fit() -> Any:
        return solve_batch(zr3d.model(), zr3d.X, y, zero, columns=zr3d.COLUMNS, engine=engine)

    name = f"cube of {CUBE} spectra by counts, {engine}"
    rows = []
    if composite is None:
        rows.append(nearer(f"{name}: time", None, CUBE_GOAL, "composite fits"))
    else:
        one = median(_timed(lambda: composite(y[0])) for _ in range(5))
        rows.append(nearer(f"{name}: time", _timed(fit) * CUBE / count / one, CUBE_GOAL, "composite fits"))
    tracemalloc.start()
    found = fit()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    scale = CUBE / count
    megabytes = (peak - found.covariance.nbytes + found.covariance.nbytes * scale) / 1e6
    rows.append(nearer(f"{name}: memory beyond the data, covariances included", megabytes, 100.0, "MB"))
    return rows


def rows(quick: bool = False) -> list[Row]:
    """Every row of this module."""
    return [*_speed(quick), *_agreement(quick), *_robust(quick), *_growth(quick), *_cube(quick)]
