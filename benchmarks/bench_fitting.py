"""Fits of many spectra against lmfit and curve_fit on the Zr 3d model of ``zr3d`` (simulated): time and agreement."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import zr3d
from benchmarks.measure import Row, faster, nearer
from surfspec.fitting.batch import bootstrap_batch, fast

PEERS = ("lmfit composite with expressions", "lmfit, vectorised residual", "curve_fit, analytic Jacobian")
GOALS = {"numpy": (1000.0, 30.0, 8.0), "numba": (5000.0, 150.0, 40.0)}
CUBE, CUBE_GOAL = 65_536, 12.0
REPLICATES = 1000
ORDER = ["c0", "c1", "fwhm", "mixing", "A0", "A1", "k", "const"]
NUMBA = fast.installed()
BEST = "numba" if NUMBA else "numpy"


def _timed(call: Callable[[], Any]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def _speed(quick: bool) -> list[Row]:
    """CPU time of one fit, medians of nine interleaved rounds."""
    count, rounds = (400, 5) if quick else (1000, 9)
    y, composite = zr3d.counts(count), zr3d.lmfit_composite()
    engines = ["numpy", *(["numba"] if NUMBA else [])]
    costs: dict[str, list[float]] = {name: [] for name in (*PEERS, *engines)}
    for engine in engines:  # compiled, and the memory asked for
        zr3d.ours(y, engine)
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
    """Distance to MINPACK with the exact Jacobian at its tightest tolerance; and lmfit's, at its own default."""
    count = 20 if quick else 60
    y = np.concatenate([zr3d.counts(count), zr3d.counts(count, seed=20)])
    exact = [zr3d.curve_fit_exact(one, ftol=1e-15, xtol=1e-15, gtol=1e-15) for one in y]
    values = np.array([v for v, _ in exact])
    uncertainties = np.array([np.sqrt(np.diag(c)) for _, c in exact])
    names = ("c1", "c2", "fwhm", "mixing", "A1", "A2", "k", "const")
    lmfits = np.array([[p[n].value for n in names] for p in (zr3d.lmfit_vectorised(one).params for one in y)])
    theirs = float(np.max(np.abs(lmfits - values) / uncertainties))
    rows = []
    for engine in ("numpy", "numba"):
        shift = error = None
        if engine == "numpy" or NUMBA:
            found = zr3d.ours(y, engine)
            at = [found.names.index(name) for name in ORDER]
            shift = float(np.max(np.abs(found.values[:, at] - values) / uncertainties))
            error = float(np.abs(found.uncertainties[:, at] / uncertainties - 1).max())
        rows += [
            nearer(f"Zr 3d, {engine}: largest error of a parameter", shift, 1e-4, "uncertainties"),
            nearer(f"Zr 3d, {engine}: largest relative error of an uncertainty", error, 1e-4, ""),
            faster(f"Zr 3d, {engine}: closer to the minimum than lmfit by default", shift and theirs / shift, 20.0),
        ]
    return [replace(row, unit="times closer") if row.unit == "times faster" else row for row in rows]


def _robust(quick: bool) -> list[Row]:
    """Share of fits that reach the best chi-square known from starts wrong by 1 eV either way, and lmfit's."""
    y = zr3d.counts(60 if quick else 300)
    best = zr3d.ours(y, "numpy").chi2 + 1e-3
    wrong = np.random.default_rng(1).choice([-1.0, 1.0], (len(y), 2))
    start = np.tile([p.value for p in zr3d.model().parameters], (len(y), 1))
    start[:, 2:4] += wrong
    share = float(np.mean(zr3d.ours(y, BEST, starts=[start], rescue=False).chi2 < best))
    starts = [zr3d.START | {"c1": zr3d.START["c1"] + a, "c2": zr3d.START["c2"] + b} for a, b in wrong]
    peer = [zr3d.lmfit_vectorised(one, s).chisqr for one, s in zip(y, starts, strict=True)]
    theirs = float(np.mean(np.array(peer) < best))
    many, name = np.tile(start, (4, 1)), "Zr 3d from starts wrong by 1 eV"
    cost = median(
        _timed(lambda: zr3d.ours(np.tile(y, (4, 1)), BEST, starts=[many], rescue=False)) / len(many) for _ in range(5)
    )
    one = median(_timed(lambda: zr3d.lmfit_vectorised(y[0])) for _ in range(5))
    return [
        Row(f"{name}: best chi-square reached", share, 0.95, share >= 0.95, "of the fits"),
        Row(
            f"{name}: best chi-square reached beyond lmfit's share", share - theirs, 0.0, share >= theirs, "of the fits"
        ),
        nearer(f"{name}: time of a fit", cost / one, 0.2, "lmfit vectorised fits"),
    ]


def _growth(quick: bool) -> list[Row]:
    """Cost of four times the spectra, points and components over that of once: exponents of the growth."""

    def cost(spectra: int, points: int, doublets: int) -> float:
        x, y = zr3d.axis(doublets, points), zr3d.many(spectra, doublets, points)
        zr3d.ours(y[:2], BEST, doublets=doublets, x=x)
        return median(_timed(lambda: zr3d.ours(y, BEST, doublets=doublets, x=x)) for _ in range(3 if quick else 7))

    once = cost(600, 200, 2)
    cases = (
        ("spectra", cost(2400, 200, 2), 1.0), ("points", cost(600, 800, 2), 1.0), ("components", cost(600, 200, 8), 2.0)
    )  # fmt: skip
    name = "exponent of the growth of the time with the number of"
    return [nearer(f"{name} {what}", float(np.log(t / once) / np.log(4)), goal + 0.1, "") for what, t, goal in cases]


def _large(quick: bool) -> list[Row]:
    """Sixteen doublets on 644 points, where one composite fit takes half a minute; only in the full run."""
    if quick:
        return []
    x, y = zr3d.axis(16, 644), zr3d.many(100, 16, 644)
    composite = zr3d.lmfit_composite(16, x)
    zr3d.ours(y[:2], BEST, doublets=16, x=x)
    ours = median(_timed(lambda: zr3d.ours(y, BEST, doublets=16, x=x)) / len(y) for _ in range(5))
    ratio = None if composite is None else _timed(lambda: composite(y[0])) / ours
    return [faster(f"16 doublets, 644 points, {BEST}, against {PEERS[0]}", ratio, 30_000.0)]


def _one_composite() -> float | None:
    composite, y = zr3d.lmfit_composite(), zr3d.counts(3)
    return None if composite is None else median(_timed(lambda i=i: composite(y[i % 3])) for i in range(9))


def _cube_data(count: int) -> tuple[np.ndarray, dict[str, dict[str, Any]]]:
    """A 256 x 256 image, and its statistics as the peers take them and by counts."""
    y = np.tile(zr3d.counts(512), (-(-count // 512), 1))[:count]
    return y, {"given uncertainties": {"sigma": zr3d.sigmas(y)}, "counts": {"statistics": "poisson"}}


def _cube(quick: bool) -> list[Row]:
    """The image against one composite fit; resident memory beyond the data, in a process of its own."""
    count = CUBE // 8 if quick else CUBE
    y, ways = _cube_data(count)
    one, rows = _one_composite(), []
    for way, options in ways.items():
        zr3d.ours(y[:300], BEST, **{k: v[:300] if k == "sigma" else v for k, v in options.items()})
        cost = _timed(lambda o=options: zr3d.ours(y, BEST, **o)) * CUBE / count
        name = f"cube of {CUBE} spectra by {way}, {BEST}: time"
        rows.append(nearer(name, one and cost / one, CUBE_GOAL, "composite fits"))
    code = f"from benchmarks.bench_fitting import cube_memory; print(cube_memory({CUBE}))"
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    name = f"cube of {CUBE} spectra, {BEST}: resident memory beyond the data, covariances included"
    return [*rows, nearer(name, float(done.stdout), 100.0, "MB")]


def _resident() -> float:
    """Resident memory of this process in MB (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def cube_memory(count: int) -> float:
    """Return the largest growth of the resident memory while the image is fitted, in MB."""
    y, ways = _cube_data(count)
    sigma = ways["given uncertainties"]["sigma"]
    zr3d.ours(y[:300], BEST, sigma=sigma[:300])
    before, peak, over = _resident(), [0.0], threading.Event()

    def watch() -> None:
        while not over.wait(0.005):
            peak[0] = max(peak[0], _resident())

    watcher = threading.Thread(target=watch)
    watcher.start()
    found = zr3d.ours(y, BEST, sigma=sigma)
    peak[0] = max(peak[0], _resident())
    over.set()
    watcher.join()
    assert found.converged.all()
    return peak[0] - before


def _replicates(_: bool) -> list[Row]:
    """Parametric bootstrap of one spectrum by counts, its Shirley columns made anew in every replicate."""
    y, one = zr3d.counts(3)[1], _one_composite()
    zero = np.zeros(zr3d.X.size)

    def run() -> Any:
        return bootstrap_batch(
            zr3d.model(), zr3d.X, y, zero, columns=zr3d.COLUMNS, replicates=REPLICATES, seed=1, engine=BEST
        )

    found = run()
    cost = median(_timed(run) for _ in range(9))
    ratio = np.std(found.values, axis=0, ddof=1) / found.best.uncertainties
    name = f"{REPLICATES} parametric bootstraps of Zr 3d by counts, {BEST}"
    return [
        nearer(f"{name}: time", one and cost / one, 0.25, "composite fits"),
        nearer(
            f"{name}: largest difference to the covariance", float(np.abs(ratio - 1).max()), 0.1, "of the deviation"
        ),
    ]


def rows(quick: bool = False) -> list[Row]:
    """Every row of this module."""
    parts = (_speed, _agreement, _robust, _growth, _large, _cube, _replicates)
    return [row for part in parts for row in part(quick)]
