"""Backgrounds and line shapes, one spectrum a call, against lmfitxps and lmfit."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

import numpy as np
from lmfit import lineshapes as peer_shapes
from scipy.integrate import cumulative_trapezoid

from benchmarks.measure import Row, faster, nearer, speed_up
from surfspec.fitting.backgrounds import background
from surfspec.fitting.lineshapes import SHAPES

Array = np.ndarray


def doublet() -> tuple[Array, Array, Array]:
    """Simulated Zr 3d doublet of 161 points (not measured): energies, counts, and the background that made them."""
    x = np.linspace(175.6, 191.6, 161)
    gauss = SHAPES["gaussian"].evaluate
    peaks = 20_000 * (0.6 * gauss(x, 182.4, 1.3) + 0.4 * gauss(x, 184.82, 1.3))
    true = 2000 + 0.03 * cumulative_trapezoid(peaks, x, initial=0.0)
    return x, np.random.default_rng(1).poisson(true + peaks).astype(float), true


def differences(shape: Callable[..., Array], x: Array, roles: tuple[float, ...]) -> Array:
    """Values and forward differences, as a solver without derivatives makes them."""
    base = shape(x, 1.0, *roles)
    rows = [base]
    for i, role in enumerate(roles):
        step = 1.5e-8 * max(abs(role), 1.0)
        rows.append((shape(x, 1.0, *roles[:i], role + step, *roles[i + 1 :]) - base) / step)
    return np.stack(rows)


_BACKGROUNDS = (
    ("exact Shirley with its sensitivities, against one call of lmfitxps to the same accuracy", 1.0),
    ("exact Shirley with its sensitivities, against lmfitxps with differences over both levels", 3.0),
    ("smart background with its sensitivities, against the same", 1.5),
    ("Tougaard U2 with its sensitivities, against one call of lmfitxps (20 sweeps)", 300.0),
)
_AGREEMENT = ("Shirley: largest difference to lmfitxps converged", 1e-8, "of the step")


def _background_rows(quick: bool) -> list[Row]:
    if importlib.util.find_spec("lmfitxps") is None:
        name, goal, unit = _AGREEMENT
        return [*(faster(n, None, g) for n, g in _BACKGROUNDS), nearer(name, None, goal, unit)]
    peer = importlib.import_module("lmfitxps.backgrounds")
    x, y, _ = doublet()
    y[0], y[-1] = y[:6].mean(), y[-6:].mean()  # the peer takes single points as end levels: give it and us the same
    ends = (float(y[0]), float(y[-1]))
    step = ends[1] - ends[0]

    def once(data: Array = y) -> Array:
        return np.asarray(peer.shirley_calculate(x, data, tol=(1e-10 * step) ** 2, maxit=100))

    def thrice() -> Array:
        found = [once()]
        for end in (0, -1):
            shifted = y.copy()
            shifted[end] += 1e-3
            found.append((once(shifted) - found[0]) / 1e-3)
        return np.stack(found)

    def exact() -> object:
        return background(x, y, kind="shirley", anchors=ends)

    pairs = (
        (exact, once),
        (exact, thrice),
        (lambda: background(x, y, kind="smart", anchors=ends), thrice),
        (
            lambda: background(x, y, kind="tougaard", anchors=ends),
            lambda: peer.tougaard_calculate(x, y, maxit=20),
        ),
    )
    name, goal, unit = _AGREEMENT
    error = float(np.abs(background(x, y, kind="shirley", anchors=ends).values - once()).max() / step)
    return [
        *(
            faster(n, speed_up(ours, theirs, quick=quick), g)
            for (n, g), (ours, theirs) in zip(_BACKGROUNDS, pairs, strict=True)
        ),
        nearer(name, error, goal, unit),
    ]


def _shape_rows(quick: bool) -> list[Row]:
    x, _, _ = doublet()
    cases = (
        ("gaussian", (182.4, 1.3), peer_shapes.gaussian, (182.4, 0.55)),
        ("voigt", (182.4, 1.0, 0.4), peer_shapes.voigt, (182.4, 0.42, 0.2)),
        ("pseudo_voigt", (182.4, 1.3, 0.3), peer_shapes.pvoigt, (182.4, 0.65, 0.3)),
        ("doniach_sunjic", (182.4, 0.5, 0.1), peer_shapes.doniach, (182.4, 0.25, 0.1)),
    )
    goals = {"gaussian": 1.0, "voigt": 2.0, "pseudo_voigt": 1.5, "doniach_sunjic": 1.0}
    return [
        faster(
            f"{name}: values and exact derivatives, against lmfit with differences",
            speed_up(
                lambda n=name, r=roles: SHAPES[n].derivatives(x, *r),  # type: ignore[misc]
                lambda s=shape, r=theirs: differences(s, x, r),  # type: ignore[misc]
                quick=quick,
            ),
            goals[name],
        )
        for name, roles, shape, theirs in cases
    ]


def rows(quick: bool = False) -> list[Row]:
    """Every row of this module."""
    return _background_rows(quick) + _shape_rows(quick)
