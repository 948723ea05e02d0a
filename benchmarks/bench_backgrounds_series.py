"""Backgrounds of 1,000 spectra in one call, against lmfitxps and against our own single call, for each spectrum."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

import numpy as np

from benchmarks.bench_parts import doublet
from benchmarks.measure import Row, faster, nearer, speed_up
from surfspec.fitting.backgrounds import background, background_series

Array = np.ndarray
MEMBERS = 1000
#: Members of which a loop over single calls is timed.
FEW = 20
#: What is asked of a series, against our own single call: name, kind, options, whether the level falls, goal.
WAYS: tuple[tuple[str, str, dict[str, object], bool, float], ...] = (
    ("smart", "smart", {}, False, 20.0),
    ("smart where the level falls (lower convex hull)", "smart", {}, True, 10.0),
    ("exact Shirley", "shirley", {}, False, 10.0),
    ("iterated Shirley", "shirley_iterative", {}, False, 10.0),
    ("linear", "linear", {}, False, 10.0),
    ("Tougaard U2", "tougaard", {}, False, 10.0),
)
_PEER = "exact Shirley of a series with its sensitivities, against lmfitxps to the same accuracy"
_DIFFERENCES = "exact Shirley of a series with its sensitivities, against lmfitxps with differences over both levels"
_SAME = ("largest difference of a series to single calls, all kinds", 0.0, "of the largest count")


def spectra(falling: bool = False) -> tuple[Array, Array]:
    """Simulated Zr 3d doublets (not measured), Poisson counts: energies and data, (n,) and (m, n)."""
    x, y, true = doublet()
    means = y - 2.0 * (true - true[0]) if falling else y
    return x, np.random.default_rng(2).poisson(np.broadcast_to(means, (MEMBERS, x.size))).astype(float)


def _per_spectrum(ours: Callable[[], object], few: Callable[[], object], *, quick: bool) -> float:
    """Ratio for one spectrum: ``ours`` treats all members, ``few`` only some."""
    return speed_up(ours, few, quick=quick) * MEMBERS / FEW


def _own_rows(quick: bool) -> list[Row]:
    rows, error = [], 0.0
    for name, kind, options, falling, goal in WAYS:
        x, y = spectra(falling)
        some = y[:FEW]

        def many(x: Array = x, y: Array = y, kind: str = kind, options: dict[str, object] = options) -> object:
            return background_series(x, y, kind=kind, **options)

        def loop(x: Array = x, y: Array = some, kind: str = kind, options: dict[str, object] = options) -> list[Array]:
            return [background(x, row, kind=kind, **options).values for row in y]

        ratio = _per_spectrum(many, loop, quick=quick)
        rows.append(faster(f"{name}, 1,000 spectra at once against our own single call", ratio, goal))
        found = background_series(x, y, kind=kind, **options).values[:FEW]
        error = max(error, float(np.abs(found - np.stack(loop())).max() / some.max()))
    return [*rows, nearer(_SAME[0], error, _SAME[1], _SAME[2])]


def _peer_rows(quick: bool) -> list[Row]:
    if importlib.util.find_spec("lmfitxps") is None:
        return [faster(_PEER, None, 80.0), faster(_DIFFERENCES, None, 30.0)]
    peer = importlib.import_module("lmfitxps.backgrounds")
    x, y = spectra()
    y[:, 0], y[:, -1] = y[:, :6].mean(axis=1), y[:, -6:].mean(axis=1)  # the peer takes single points as end levels
    ends = y[:, [0, -1]]

    def once(data: Array) -> Array:
        return np.asarray(peer.shirley_calculate(x, data, tol=(1e-10 * (data[-1] - data[0])) ** 2, maxit=100))

    def thrice(data: Array) -> list[Array]:
        shifted = [data.copy(), data.copy()]
        shifted[0][0] += 1e-3
        shifted[1][-1] += 1e-3
        return [once(data), *(once(one) for one in shifted)]

    def ours() -> object:
        return background_series(x, y, kind="shirley", anchors=ends)

    return [
        faster(_PEER, _per_spectrum(ours, lambda: [once(row) for row in y[:FEW]], quick=quick), 80.0),
        faster(_DIFFERENCES, _per_spectrum(ours, lambda: [thrice(row) for row in y[:FEW]], quick=quick), 30.0),
    ]


def rows(quick: bool = False) -> list[Row]:
    """Every row of this module."""
    return _own_rows(quick) + _peer_rows(quick)
