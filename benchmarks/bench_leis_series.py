"""LEIS series: spectra a second with fixed and with free shapes, and what one fit of all costs; data simulated.

240 points and two or three elements, as in an area scan; every way gives areas, covariance and verdict. The fits of
fixed shapes are compared member by member with the fit of one spectrum; CPU time, so that other programs do not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from benchmarks.measure import Row, faster, nearer
from surfspec import leis, spectra
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.fixed_shapes import fit_fixed
from surfspec.leis.spectrum.member_fit import fit_member

Array = np.ndarray
INSTRUMENT = {"offset": 1.0, "resolution": 0.015, "survival": 100.0, "tail": 4.0}
POINTS = 240


def scan(elements: tuple[str, ...], count: int, *, seed: int = 0) -> tuple[leis.Recipe, SpectrumModel, Array]:
    """Recipe of fixed shapes, its model, and counts of shape (count, n); elements and shoulders may be absent."""
    recipe = leis.Recipe(elements=elements, energy=1000.0, angle=107.0, lag=()).with_instrument(INSTRUMENT)
    model = SpectrumModel(recipe, np.linspace(*recipe.limits(), POINTS))
    rng = np.random.default_rng(seed)
    heights = np.zeros((count, len(model.linear_names)))
    for j, name in enumerate(model.linear_names):
        if name.endswith(" area"):
            heights[:, j] = rng.choice([0.0, 1.0, 1.0, 1.0], count) * rng.uniform(2e3, 3e4, count)
        elif name == "constant":
            heights[:, j] = rng.uniform(1.0, 5.0, count)
        elif not name.endswith(" slope"):
            heights[:, j] = rng.choice([0.0, 1.0], count) * rng.uniform(0.0, 40.0, count)
    shape = np.array([p.value for p in model.parameters[: model.shape_count]])
    return recipe, model, rng.poisson(heights @ model.design(shape).T).astype(np.float64)


def _seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def _fixed(elements: tuple[str, ...], quick: bool) -> list[Row]:
    _, model, y = scan(elements, 400 if quick else 2000)
    alone = y[: 20 if quick else 100]
    fit_fixed(model, y[:10], "poisson", None)  # imports and first touches
    many = min(_seconds(lambda: fit_fixed(model, y, "poisson", None)) for _ in range(3)) / y.shape[0]
    single = _seconds(lambda: [fit_member(model, one, "poisson", None) for one in alone]) / alone.shape[0]
    found, ends = fit_fixed(model, alone, "poisson", None), [fit_member(model, one, "poisson", None) for one in alone]
    worst = 0.0
    for i, end in enumerate(ends):
        unit = np.where(end.value_unc > 0, end.value_unc, np.inf)
        # one spectrum may be held off its maximum; that is no error of the others
        if end.deviance <= found.deviance[i] + 1e-9:
            worst = max(worst, float(np.nanmax(np.abs(found.value[i] - end.value) / unit)))
    above = max(float(found.deviance[i] - end.deviance) for i, end in enumerate(ends))
    name = f"LEIS series, shapes fixed, {len(elements)} elements"
    return [
        Row(f"{name}: all at once", 1.0 / many, 1000.0, 1.0 / many >= 1000.0, "spectra/s"),
        Row(f"{name}: member by member", 1.0 / single, 0.0, None, "spectra/s"),
        faster(f"{name}: all at once against member by member", single / many, 5.0),
        nearer(f"{name}: largest distance of a parameter", worst, 1e-6, "uncertainties"),
        nearer(f"{name}: deviance above that of one spectrum", above, 1e-9, ""),
    ]


def _series(model: SpectrumModel, y: Array) -> object:
    return spectra.spectrum(model.energy, y, technique="LEIS", dims=("spot",), simulated="true")


def _free(quick: bool) -> list[Row]:
    """Free shapes: fresh starts, the start of the mean spectrum, and one fit with all shapes in common."""
    recipe, model, y = scan(("Ni", "Pd", "Au"), 8 if quick else 24, seed=3)
    y = y[np.all(y.reshape(y.shape[0], 8, -1).sum(axis=2) > 0, axis=1)]
    free = replace(recipe, offset=(-10.0, 10.0), resolution=(0.005, 0.04), tail=(0.5, 20.0))
    series = _series(model, y)
    each = {
        "each from its own start": _seconds(lambda: leis.fit(series, free)),  # type: ignore[arg-type]
        "each from the mean spectrum": _seconds(lambda: leis.fit(series, free, start="global")),  # type: ignore[arg-type]
        "one fit, three shapes in common": _seconds(
            lambda: leis.fit(series, free, shared=("offset", "resolution", "tail"))  # type: ignore[arg-type]
        ),
    }
    return [
        Row(f"LEIS series, shapes free, 3 elements: {name}", y.shape[0] / one, 0.0, None, "spectra/s")
        for name, one in each.items()
    ]


def _growth(quick: bool) -> list[Row]:
    """Time of one fit with shapes in common, per spectrum: four times the spectra against so many."""
    recipe, model, y = scan(("Ni", "Pd", "Au"), 24 if quick else 48, seed=4)
    free = replace(recipe, offset=(-10.0, 10.0), resolution=(0.005, 0.04))
    few = y.shape[0] // 4

    def cost(count: int) -> float:
        series = _series(model, y[:count])
        return _seconds(lambda: leis.fit(series, free, shared=("offset", "resolution"))) / count  # type: ignore[arg-type]

    cost(few)
    ratio = cost(y.shape[0]) / cost(few)
    return [nearer("LEIS series, one fit: time per spectrum at four times the spectra", ratio, 2.0, "times")]


def rows(quick: bool = False) -> list[Row]:
    """Every row of this module."""
    return [*_fixed(("Cu", "Ag"), quick), *_fixed(("Ni", "Pd", "Au"), quick), *_free(quick), *_growth(quick)]
