"""The problem behind a fit: the same numbers, and the tools of statistics and of lmfit that work on it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec.errors import InputError
from surfspec.fitting.model import BoundModel
from surfspec.xps.model import build


@pytest.fixture(scope="module")
def spectrum() -> xr.Dataset:
    energy = np.arange(176.0, 192.0, 0.1)
    table = build(ss.xps.load_recipe("Zr 3d"))
    values = np.array([6000.0 if p.name == "Zr4+ area" else p.value for p in table.model.parameters])
    expected = BoundModel(table.model, energy, np.full(energy.size, 300.0)).evaluate(values)
    counts = np.random.default_rng(0).poisson(expected).astype(float)
    return ss.spectrum(energy, counts, technique="XPS", region="Zr 3d")


def test_the_numbers_are_those_of_the_fit(spectrum: xr.Dataset) -> None:
    one, fitted = ss.xps.solve(spectrum, "Zr 3d"), ss.xps.fit(spectrum, "Zr 3d")
    np.testing.assert_array_equal(one.solution.values, fitted.value)
    np.testing.assert_array_equal(one.problem.evaluate(one.solution.values), one.solution.fitted)
    np.testing.assert_allclose(one.solution.fitted, fitted.model, rtol=1e-12)
    np.testing.assert_array_equal(one.y, fitted.intensity)


def test_profile_replicates_and_lmfit_agree_with_it(spectrum: xr.Dataset) -> None:
    one = ss.xps.solve(spectrum, "Zr 3d")
    bare = ss.fitting.solve(one.problem, one.y, starts=[one.solution.values], **one.noise)
    unc = bare.uncertainties[0]
    area = ss.fitting.profile(one.problem, one.y, "Zr4+ area", bare, **one.noise)
    assert (area.high - area.low) / 2 == pytest.approx(unc, rel=0.1)
    drawn = ss.fitting.bootstrap(one.problem, one.y, bare, replicates=200, **one.noise)
    assert drawn.uncertainties[0] == pytest.approx(unc, rel=0.2)
    fitter = ss.fitting.to_lmfit(one.problem, one.y, values=bare.values, **one.noise)
    theirs = fitter.minimize()
    mine = dict(zip(bare.names, bare.values, strict=True))
    assert theirs.params["Zr4_area"].value == pytest.approx(mine["Zr4+ area"], rel=1e-4)


def test_a_series_is_refused(spectrum: xr.Dataset) -> None:
    with pytest.raises(InputError, match="series"):
        ss.xps.solve(ss.stack([spectrum, spectrum], dim="spot"), "Zr 3d")
