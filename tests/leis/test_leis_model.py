"""Isotopes and transmission in the spectrum model: what neglect costs, and areas with the analyser taken out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from surfspec import leis, spectra
from surfspec.errors import InputError, RecipeError
from surfspec.leis.features.lines import lines_of
from surfspec.leis.model import SpectrumModel
from surfspec.recipes import load_yaml, to_yaml

Array = NDArray[np.float64]
ELEMENTS = ("O", "Na", "Si", "P", "Zr")
RECIPE = leis.Recipe(elements=ELEMENTS)
ENERGY = np.arange(885.0, 2855.0, 5.0)
TABLE = ((500.0, 0.4), (1500.0, 1.0), (3000.0, 1.7))
KNOWN = {
    "offset": 2.0, "resolution": 0.022, "survival": 110.0, "tail": 9.0, "Zr lag": 20.0, "O area": 3e5, "Na area": 1.5e5,
    "Si area": 8e5, "P area": 2e5, "Zr area": 6e5, "constant": 0.5, "sputter tail": 200.0, "Zr foot": 0.0,
    "shoulder": 300.0, "slope": 300.0, "foot": 250.0,
}  # fmt: skip


def known(recipe: leis.Recipe) -> tuple[SpectrumModel, Array]:
    model = SpectrumModel(recipe, ENERGY)
    values = [KNOWN.get(p.name, KNOWN.get(p.name.split()[-1], np.nan)) for p in model.parameters]
    return model, np.array(values)


def drawn(recipe: leis.Recipe, seed: int, scale: float = 1.0) -> xr.Dataset:
    model, values = known(recipe)
    counts = np.random.default_rng(seed).poisson(scale * model.evaluate(values))
    return spectra.spectrum(ENERGY, counts, technique="LEIS", simulated="true")


def test_one_line_without_isotopes() -> None:
    many, one = (lines_of("Si", leis.Recipe(elements=("Si",), isotopes=on)) for on in (True, False))
    assert many.energy.size == 3
    # expected-value table: 28Si at 1775.88, the centroid of all at 1779.39 eV
    assert one.energy == pytest.approx([1775.88], abs=0.01)
    assert one.weight.tolist() == [1.0]
    assert (one.spread, one.centroid) == (0.0, one.energy[0])
    assert many.centroid == pytest.approx(1779.39, abs=0.02)


def test_main_line_of_those_that_can_scatter() -> None:
    # 39K is too light for 40Ar at 145 degrees, 41K is not: 1.12 eV at 5 keV
    recipe = leis.Recipe(elements=("K",), ion="40Ar", energy=5000.0, isotopes=False, window=(0.1, 400.0))
    assert lines_of("K", recipe).energy == pytest.approx([1.12], abs=0.01)


def test_neglect_of_isotopes_biases_si_and_p() -> None:
    # computed elsewhere for a single 28Si line: Si -8.5 to -9 %, P -5.6 to -6.6 %, and no residual would tell
    model, values = known(RECIPE)
    counts = np.random.default_rng(1).poisson(model.evaluate(values))
    spectrum = spectra.spectrum(ENERGY, counts, technique="LEIS", simulated="true")
    fixed = dict(zip(model.shape_names, map(float, values), strict=False))
    del fixed["Zr lag"]
    areas = [leis.fit(spectrum, replace(RECIPE, isotopes=on).with_instrument(fixed)).area for on in (True, False)]
    truth = values[model.shape_count + model.area_columns]
    right, wrong = (dict(zip(ELEMENTS, area.values / truth - 1.0, strict=True)) for area in areas)
    assert abs(right["Si"]) < 0.01
    assert abs(right["P"]) < 0.03
    assert -0.10 < wrong["Si"] < -0.05
    assert wrong["P"] < -0.03


@pytest.mark.parametrize("given", [-0.7, 1.0, TABLE])
def test_areas_are_those_of_a_flat_analyser(given: float | tuple[tuple[float, float], ...]) -> None:
    recipe = leis.Recipe(elements=ELEMENTS, transmission=given)
    model, values = known(recipe)
    flat, _ = known(RECIPE)
    response = (ENERGY / 3000.0) ** given if isinstance(given, float) else np.interp(ENERGY, *np.transpose(TABLE))
    below = values.copy()
    below[-2:] = 0.0
    extra = flat.evaluate(values) - flat.evaluate(below)
    # sputtered ions and the dark counts know no transmission
    assert model.evaluate(values) == pytest.approx(flat.evaluate(below) * response + extra, rel=1e-12)
    fit = leis.fit(drawn(recipe, 3), recipe)
    truth = values[model.shape_count + model.area_columns]
    assert np.all(np.abs(fit.area.values - truth) < 4.0 * fit.area_unc.values)


def test_neglected_transmission_moves_ratios_by_its_ratio() -> None:
    recipe = leis.Recipe(elements=ELEMENTS, transmission=-0.7)
    spectrum = drawn(recipe, 4)
    right, wrong = leis.fit(spectrum, recipe), leis.fit(spectrum, RECIPE)
    ratio = (wrong.area / right.area).values
    assert ratio[0] / ratio[4] == pytest.approx((1182.1 / 2557.0) ** -0.7, rel=0.05)


@pytest.mark.parametrize("given", [0.6, TABLE])
def test_jacobian_with_transmission_is_exact(given: float | tuple[tuple[float, float], ...]) -> None:
    model, values = known(leis.Recipe(elements=ELEMENTS, transmission=given, lag=("Si", "Zr")))
    values = np.where(np.isnan(values), 15.0, values)
    jacobian = model.jacobian(values)
    for i in range(values.size):
        step = 1e-5 * max(abs(values[i]), 1e-3)
        up, down = values.copy(), values.copy()
        up[i] += step
        down[i] -= step
        numeric = (model.evaluate(up) - model.evaluate(down)) / (2 * step)
        assert np.max(np.abs(numeric - jacobian[:, i])) < 1e-6 * np.max(np.abs(numeric))


def test_height_is_the_measured_one() -> None:
    recipe = leis.Recipe(elements=ELEMENTS, transmission=TABLE)
    fit = leis.fit(drawn(recipe, 5), recipe)
    assert fit.height.values == pytest.approx(fit.contribution.max("kinetic_energy").values, rel=0.01)


def test_yaml_round_trip() -> None:
    recipe = leis.Recipe(elements=("O",), isotopes=False, transmission=TABLE)
    assert load_yaml(to_yaml(recipe), leis.Recipe) == recipe
    for text, value in (("-0.5", -0.5), ("[[900, 1.0], [2900, 0.8]]", ((900.0, 1.0), (2900.0, 0.8)))):
        assert load_yaml(f"elements: [O]\ntransmission: {text}\n", leis.Recipe).transmission == value


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (9.0, "exponent"),
        (float("nan"), "exponent"),
        (((900.0, 1.0),), "two or more pairs"),
        (((900.0, 1.0, 2.0), (1000.0, 1.0, 2.0)), "two or more pairs"),
        (((900.0, 1.0), (900.0, 2.0)), "do not rise"),
        (((900.0, 1.0), (1900.0, 0.0)), "not above 0"),
        (((900.0, 1.0), (1900.0, float("nan"))), "all of them numbers"),
    ],
)
def test_refused_transmissions(given: float | tuple[tuple[float, float], ...], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        leis.Recipe(elements=("O",), transmission=given)
    assert caught.value.where == "transmission"


@pytest.mark.parametrize("line", ["isotopes: sometimes", "transmission: steep", "transmission: [900, 1.0]"])
def test_yaml_is_strict(line: str) -> None:
    with pytest.raises(RecipeError, match=line.split(":", maxsplit=1)[0]):
        load_yaml(f"elements: [O]\n{line}\n", leis.Recipe)


def test_straggling_adds_up_in_variance() -> None:
    # the width of a buried edge grows as the root of its lag: erf edges fitted by their slope at half height
    model, values = known(leis.Recipe(elements=("Zr",), window=(1500.0, 2900.0), sputter_tail=False))
    lag, column = model.shape_names.index("Zr lag"), model.linear_names.index("Zr shoulder")
    variance = []
    for value in (0.0, 50.0, 100.0):
        values[lag] = value
        values[model.shape_names.index("survival")] = 0.0
        edge = model.design(values[: model.shape_count])[:, column]
        variance.append(1.0 / (2.0 * np.pi * np.max(-np.gradient(edge, ENERGY)) ** 2))
    assert variance[1] - variance[0] == pytest.approx(variance[2] - variance[1], rel=0.1)


def test_jacobian_without_slopes_and_with_another_foot_is_exact() -> None:
    model, values = known(leis.Recipe(elements=ELEMENTS, slope=False, foot_shape=(0.02, 0.06)))
    assert not any(name.endswith(" slope") for name in model.linear_names)
    jacobian = model.jacobian(values)
    for i in range(values.size):
        step = 1e-5 * max(abs(values[i]), 1e-3)
        up, down = values.copy(), values.copy()
        up[i] += step
        down[i] -= step
        numeric = (model.evaluate(up) - model.evaluate(down)) / (2 * step)
        assert np.max(np.abs(numeric - jacobian[:, i])) < 1e-6 * np.max(np.abs(numeric))


@pytest.mark.parametrize("given", [(0.01, 0.0), (0.01, float("nan")), (0.01, 0.02, 0.03)])
def test_refused_shapes_of_the_foot(given: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="no position and width"):
        leis.Recipe(elements=("O",), foot_shape=given)  # type: ignore[arg-type]
