"""Edges near their peaks, absent heavy elements, and the energy scale; simulated spectra (labelled)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

import surfspec as ss
from surfspec import leis, reference, spectra
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.nonnegative import Counts, linear_parts

Array = NDArray[np.float64]

RECIPE = leis.Recipe(elements=("O", "Na", "Si", "P", "Zr"))
ENERGY = np.arange(850.0, 2860.0, 5.0)


def study(name: str) -> xr.Dataset:
    """Return a spectrum of the study that is shipped, which is simulated by other means than this model."""
    one = ss.read(reference.path("nasicon_study", "leis", f"{name}.csv"))
    assert one.attrs["simulated"] == "true"
    return one


def simulated(counts: Array) -> xr.Dataset:
    return spectra.spectrum(ENERGY, counts, technique="LEIS", simulated="true", dims=("spot",))


@pytest.fixture(scope="module")
def near_peak() -> tuple[xr.Dataset, dict[str, float]]:
    """Fits of 30 spectra of a known model whose edge lies 10 eV below its peak."""
    recipe = leis.Recipe(elements=("O", "Si", "P", "Zr"))
    model = SpectrumModel(recipe, ENERGY)
    true = {p.name: p.value for p in model.parameters} | {"offset": 2.0, "resolution": 0.016, "tail": 12.0}
    true |= {"survival": 120.0, "constant": 3.0, "sputter tail": 300.0, "Zr lag": 10.0, "Zr slope": 500.0}
    for name, area in {"O": 4e4, "Si": 7e4, "P": 2.5e4, "Zr": 9e4}.items():
        true |= {f"{name} area": area, f"{name} shoulder": 250.0}
        true |= {f"{name} foot": 300.0} if name != "Zr" else {}
    mean = model.evaluate(np.array([true[p.name] for p in model.parameters]))
    draws = np.random.default_rng(8).poisson(mean, size=(30, mean.size)).astype(float)
    return leis.fit(simulated(draws), recipe), true


@pytest.mark.parametrize("element", ["O", "Si", "P", "Zr"])
def test_areas_beside_an_edge_near_the_peak_are_honest(
    near_peak: tuple[xr.Dataset, dict[str, float]], element: str
) -> None:
    fits, true = near_peak
    one = fits.sel(component=element)
    pulls = (one.area - true[f"{element} area"]) / one.area_unc
    # 30 pulls know their root mean square to 13 %
    assert 0.65 < float(np.sqrt((pulls**2).mean())) < 1.45
    assert float((abs(pulls) > 3).mean()) <= 1 / 30


def test_an_absent_heaviest_element_is_told_of() -> None:
    one = study("as_sintered_area1_dose2")
    plain = leis.fit(one, RECIPE)
    assert str(plain.verdict.values) == "ok"
    heavy = leis.fit(one, replace(RECIPE, elements=(*RECIPE.elements, "Pb")))
    assert "model inadequate: the edge of Zr lies 33 eV below its peak" in str(heavy.reasons.values)
    assert 'lag=("Zr",)' in str(heavy.reasons.values)
    told = leis.fit(one, replace(RECIPE, elements=(*RECIPE.elements, "Pb"), lag=("Zr",)))
    assert str(told.verdict.values) == "ok"
    assert float(told.area.sel(component="Zr")) == pytest.approx(float(plain.area.sel(component="Zr")), rel=0.02)
    assert float(heavy.area.sel(component="Zr")) < 0.5 * float(plain.area.sel(component="Zr"))


def test_a_pure_film_needs_no_other_lag() -> None:
    film = leis.fit(study("ref_Na3PO4_area1_dose1"), replace(RECIPE, elements=(*RECIPE.elements, "Pb")))
    assert (str(film.verdict.values), str(film.reasons.values)) == ("ok", "")


def test_the_slope_by_the_gain_is_that_of_another_gain() -> None:
    recipe = leis.Recipe(elements=("O", "Zr"), isotopes=False, foot=False, sputter_tail=False, acceptance=0.0)
    recipe = replace(recipe, thermal_energy=0.0)
    values = np.array([2.0, 0.02, 0.0, 8.0, 0.0, 4e5, 0.0, 0.0, 9e5, 0.0, 0.0, 3.0])
    model = SpectrumModel(recipe, ENERGY)
    step = 1e-5
    moved = [SpectrumModel(replace(recipe, gain=1.0 + by), ENERGY) for by in (-step, step)]
    low, high = (one.evaluate(values) for one in moved)
    numerical = (high - low) / (2.0 * step)
    count = model.shape_count
    exact = model.gain_slope(values[:count], values[count:])
    # the width follows the line too, which a score test of positions leaves out
    np.testing.assert_allclose(exact, numerical, atol=0.06 * np.max(np.abs(numerical)))


@pytest.mark.parametrize(
    ("change", "asked"),
    [({}, False), ({"gain": 1.005}, True), ({"energy": 2990.0}, True), ({"angle": 146.0}, True)],
)
def test_peaks_ask_for_their_energy_scale(change: dict[str, Any], asked: bool) -> None:
    fit = leis.fit(study("ref_NZSP_area1_dose1"), replace(RECIPE, **change))
    assert ("energy scale: the peaks ask for a gain" in str(fit.reasons.values)) == asked


def test_many_spectra_without_background_all_converge() -> None:
    recipe = leis.Recipe(elements=("O", "P", "Zr"), lag=())
    recipe = recipe.with_instrument({"offset": -5.0, "resolution": 0.02, "survival": 60.0, "tail": 8.0})
    model = SpectrumModel(recipe, ENERGY)
    columns = model.design(np.array([p.value for p in model.parameters[: model.shape_count]]))
    share = np.linspace(0.0, 1.0, 128)[:, None]
    linear = np.zeros((128, columns.shape[1]))
    for name, area in (("O area", 9e5 * (1 - share)), ("P area", 3e5 * (1 - share)), ("Zr area", 2e6 * share)):
        linear[:, [model.linear_names.index(name)]] = area
    counts = np.random.default_rng(3).poisson(linear @ columns.T).astype(float)
    found = linear_parts(columns, Counts.of(counts))
    assert found.converged.all()
    areas = found.values[:, model.area_columns]
    true = linear[:, model.area_columns]
    np.testing.assert_allclose(areas, true, atol=6.0 * np.sqrt(5.0 * true.max()))


def test_an_energy_outside_the_domain_is_said_and_widens_the_limits() -> None:
    recipe = leis.Recipe(elements=("O", "Zr"), energy=15000.0)
    assert (recipe.offset, recipe.tail) == ((-150.0, 150.0), (2.5, 300.0))
    assert (RECIPE.offset, RECIPE.tail) == ((-30.0, 30.0), (0.5, 60.0))
    assert leis.Recipe(elements=("O",), energy=15000.0, offset=(-20.0, 30.0)).offset == (-20.0, 30.0)
    energy = np.arange(4000.0, 14500.0, 25.0)
    peaks = (900.0, recipe.line("O"), 130.0), (500.0, recipe.line("Zr"), 200.0)
    mean = 20.0 + sum(height * np.exp(-(((energy - at) / width) ** 2)) for height, at, width in peaks)
    counts = np.random.default_rng(1).poisson(mean).astype(float)
    fit = leis.fit(spectra.spectrum(energy, counts, technique="LEIS", simulated="true"), recipe)
    assert str(fit.reasons.values).count("ion energy 15000 eV lies outside 300 to 10000 eV") == 1


def test_other_backgrounds_settle_nothing_where_the_noise_is_unknown() -> None:
    one = study("as_sintered_area1_dose4").sel(kinetic_energy=slice(900.0, 2850.0))
    rates = spectra.spectrum(
        one.kinetic_energy.values, one.intensity.values / 7.0, technique="LEIS", units="counts/s", simulated="true"
    )
    fit = leis.fit(rates, RECIPE)
    assert str(fit.verdict.values) == "check"
    table = leis.adequacy(fit)
    assert str(table.verdict.values) == "check"
    assert "statistics unknown" in str(table.reasons.values)
