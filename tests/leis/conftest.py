"""Spectra of two phases, film and substrate, made with the model itself, and their fits, made once for all tests."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from surfspec import leis, spectra
from surfspec.leis.film import dose
from surfspec.leis.model import SpectrumModel

Array = NDArray[np.float64]

RECIPE = leis.Recipe(elements=("O", "Na", "P", "Zr"), foot=False)
ENERGY = np.arange(885.0, 2855.0, 5.0)
FILM = np.array([6e4, 7e4, 5.5e4, 0.0])
SUBSTRATE = np.array([9e4, 3e4, 1.2e4, 1.8e5])
DOSE = np.array([1.6e15, 3.2e15, 4.8e15, 6.4e15])
SIGMA, LAYERS, ZERO = 2.5e-16, 2, 0.96


def spectrum(areas: Array, seed: int, recipe: leis.Recipe = RECIPE) -> xr.Dataset:
    """Counts of known areas (counts eV, in the order of the recipe's elements)."""
    model = SpectrumModel(recipe, ENERGY)
    values = np.zeros(len(model.parameters))
    for i, parameter in enumerate(model.parameters):
        values[i] = {"offset": 2.0, "resolution": 0.022, "survival": 100.0, "tail": 8.0}.get(parameter.name, 0.0)
        if parameter.name.endswith("shoulder"):
            values[i] = 150.0
        if parameter.name == "constant":
            values[i] = 0.5
    values[model.shape_count + model.area_columns] = areas
    counts = np.random.default_rng(seed).poisson(model.evaluate(values))
    return spectra.spectrum(ENERGY, counts, technique="LEIS", simulated="true")


def true_coverage() -> Array:
    """Mean coverage in each spectrum of the fixture `sample`."""
    edges = SIGMA * np.concatenate([[0.0], DOSE])
    return ZERO * dose.mean_coverage(LAYERS, edges[:-1], edges[1:])[0]


@pytest.fixture(scope="session")
def oxide() -> SimpleNamespace:
    """What the spectra are made of."""
    return SimpleNamespace(
        recipe=RECIPE, film=FILM, substrate=SUBSTRATE, spectrum=spectrum, coverage=true_coverage(), sigma=SIGMA,
        layers=LAYERS, zero=ZERO,
    )  # fmt: skip


@pytest.fixture(scope="session")
def film() -> xr.Dataset:
    return leis.fit(spectra.stack([spectrum(FILM, 10 + i) for i in range(4)], "spot"), RECIPE)


@pytest.fixture(scope="session")
def substrate() -> xr.Dataset:
    return leis.fit(spectra.stack([spectrum(SUBSTRATE, 20 + i) for i in range(4)], "spot"), RECIPE)


@pytest.fixture(scope="session")
def sample() -> xr.Dataset:
    """Three spots, four doses, all a tenth more intense than the references."""
    spots = []
    for s in (3, 4, 5):
        areas = [1.1 * (t * FILM + (1 - t) * SUBSTRATE) for t in true_coverage()]
        members = [spectrum(one, 100 * s + i) for i, one in enumerate(areas)]
        spots.append(spectra.stack(members, "dose", DOSE, units="ions/cm2"))
    return leis.fit(spectra.stack(spots, "spot"), RECIPE)
