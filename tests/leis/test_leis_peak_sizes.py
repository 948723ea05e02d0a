"""Width and height of whole peaks against a fine grid, closed formulas and differences."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from surfspec import leis
from surfspec.leis.features import shapes
from surfspec.leis.model import SpectrumModel
from surfspec.leis.spectrum.peak_sizes import peak_sizes

Array = NDArray[np.float64]

ELEMENTS = ("O", "Na", "Si", "Cl", "Zr")
ENERGY = np.arange(885.0, 2855.0, 5.0)
RECIPES = {
    "plain": leis.Recipe(elements=ELEMENTS),
    "no tail": leis.Recipe(elements=ELEMENTS, low_energy_tail=False),
    "lens": leis.Recipe(elements=ELEMENTS, acceptance=(1.0, 30.0), acceptance_shape="box"),
    "wide": leis.Recipe(elements=ELEMENTS, acceptance=(0.5, 10.0)),
    "transmission": leis.Recipe(elements=ELEMENTS, transmission=1.5),
}


def values_of(model: SpectrumModel, resolution: float, tail: float, acceptance: float) -> Array:
    known = {"resolution": resolution, "tail": tail, "acceptance": acceptance, "offset": 3.0, "survival": 100.0}
    return np.array([known.get(p.name, 1.0) for p in model.parameters])


def on_a_grid(model: SpectrumModel, values: Array, element: str) -> tuple[float, float]:
    """Return FWHM and height read off a grid of 0.005 eV."""
    lines, named = model.lines[element], model.named(values[: model.shape_count])
    blur = model.blur(element, named)
    main = float(lines.energy[np.argmax(lines.weight)])
    x = np.arange(main - 500.0, main + 300.0, 0.005)
    profile = (
        shapes.peak(
            x[:, None], lines.energy, blur.sigma, named["tail"], box=blur.box, window=blur.window, bend=lines.bend
        ).value
        @ lines.weight
        * model.response_at(x)
    )
    top = int(np.argmax(profile))
    below = np.flatnonzero(profile < 0.5 * profile[top])
    return float(x[below[below > top][0]] - x[below[below < top][-1]]), float(profile[top])


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize(("resolution", "tail"), [(0.022, 9.0), (0.006, 40.0), (0.035, 0.6)])
def test_sizes_agree_with_a_fine_grid(name: str, resolution: float, tail: float) -> None:
    model = SpectrumModel(RECIPES[name], ENERGY)
    values = values_of(model, resolution, tail, 8.0)
    fwhm, _, height, _ = peak_sizes(model, values)
    for i in (0, 3, 4):  # one line, two isotopes far apart, five
        expected = on_a_grid(model, values, ELEMENTS[i])
        assert fwhm[i] == pytest.approx(expected[0], abs=0.011), ELEMENTS[i]
        assert height[i] == pytest.approx(expected[1], rel=1e-6), ELEMENTS[i]


def test_a_gaussian_has_the_size_of_a_gaussian() -> None:
    recipe = leis.Recipe(elements=("Na", "P"), low_energy_tail=False)
    model = SpectrumModel(recipe, ENERGY)
    values = values_of(model, 0.02, 0.0, 1.0)
    fwhm, by_fwhm, height, by_height = peak_sizes(model, values)
    for i, element in enumerate(recipe.elements):  # of one isotope each
        sigma, slopes = model.widths(element, model.named(values[: model.shape_count]))
        assert fwhm[i] == pytest.approx(2.0 * np.sqrt(2.0 * np.log(2.0)) * sigma, rel=1e-10)
        assert height[i] == pytest.approx(1.0 / (sigma * np.sqrt(2.0 * np.pi)), rel=1e-10)
        place = model.shape_names.index("resolution")
        assert by_fwhm[i, place] == pytest.approx(fwhm[i] / sigma * slopes["resolution"], rel=1e-9)
        assert by_height[i, place] == pytest.approx(-height[i] / sigma * slopes["resolution"], rel=1e-9)


@pytest.mark.parametrize("name", RECIPES)
def test_slopes_agree_with_differences(name: str) -> None:
    model = SpectrumModel(RECIPES[name], ENERGY)
    values = values_of(model, 0.022, 9.0, 8.0)
    _, by_fwhm, _, by_height = peak_sizes(model, values)
    for i in range(model.shape_count):
        step = 1e-4 * abs(values[i])
        up, down = values.copy(), values.copy()
        up[i] += step
        down[i] -= step
        (w1, _, h1, _), (w0, _, h0, _) = peak_sizes(model, up), peak_sizes(model, down)
        np.testing.assert_allclose(by_fwhm[:, i], (w1 - w0) / (2 * step), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(by_height[:, i], (h1 - h0) / (2 * step), rtol=1e-5, atol=1e-9)
