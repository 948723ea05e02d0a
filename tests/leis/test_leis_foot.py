"""The shape of the foot from the spectra themselves: drawn with another shape, and refused where nothing tells it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from surfspec import io, leis, reference, spectra
from surfspec.errors import InputError, NotDeterminedError
from surfspec.leis.model import SpectrumModel

RECIPE = leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"))
TRUE = (0.045, 0.062)


@pytest.fixture(scope="module")
def drawn() -> xr.Dataset:
    """Poisson counts of a bare oxide whose foot has another shape than the recipe's, simulated."""
    recipe = replace(RECIPE, foot_shape=TRUE)
    found = leis.fit(io.read(reference.path("nasicon_study", "leis", "ref_NZSP_area1_dose1.csv")), recipe)
    expected = SpectrumModel(recipe, found.kinetic_energy.values).evaluate(found.value.values)
    counts = np.random.default_rng(11).poisson(4.0 * expected, (2, expected.size)).astype(float)
    return spectra.spectrum(found.kinetic_energy.values, counts, technique="LEIS", dims=("spot",), simulated="true")


@pytest.fixture(scope="module")
def table(drawn: xr.Dataset) -> xr.Dataset:
    return leis.calibrate_foot(drawn, RECIPE)


def test_another_shape_is_found(table: xr.Dataset) -> None:
    assert float(table.deviance_before - table.deviance) > 50
    assert abs(float(table.position) - TRUE[0]) < 3.5 * float(table.position_unc)
    assert abs(float(table.width) - TRUE[1]) < 3.5 * float(table.width_unc)
    assert 0 < float(table.width_unc) < 0.02
    assert table.attrs["simulated"] == "true"


def test_areas_are_right_with_the_shape_found(drawn: xr.Dataset, table: xr.Dataset) -> None:
    shape = (float(table.position), float(table.width))
    true = leis.fit(drawn, replace(RECIPE, foot_shape=TRUE))
    found, as_shipped = (leis.fit(drawn, recipe) for recipe in (replace(RECIPE, foot_shape=shape), RECIPE))
    off, before = (
        float(np.sqrt(np.mean(((one.area - true.area) / true.area_unc).values ** 2))) for one in (found, as_shipped)
    )
    assert off < 0.5 * before
    assert off < 1.0


def test_what_cannot_tell_the_shape_is_refused() -> None:
    energy = np.arange(900.0, 2850.0, 5.0)
    flat = spectra.spectrum(energy, np.random.default_rng(2).poisson(3.0, energy.size), technique="LEIS")
    with pytest.raises(NotDeterminedError, match="shape of the foot"):
        leis.calibrate_foot(flat, RECIPE)
    for recipe in (replace(RECIPE, foot=False), leis.Recipe(elements=("O",)), "O"):
        with pytest.raises(InputError, match="no foot"):
            leis.calibrate_foot(flat, recipe)
    with pytest.raises(InputError, match="no spectra"):
        leis.calibrate_foot([], RECIPE)
