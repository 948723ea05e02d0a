"""Angles that a lens accepts as a window: shapes beside numerical convolution, derivatives, and what a fit finds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.stats import exponnorm, norm

from surfspec import leis, spectra
from surfspec.errors import InputError, RecipeError
from surfspec.leis.collisions.kinematics import elastic_energy
from surfspec.leis.collisions.width import AcceptanceShape, Window
from surfspec.leis.features import shapes
from surfspec.leis.features.curves import Curve
from surfspec.leis.features.lines import lines_of
from surfspec.leis.model import SpectrumModel
from surfspec.recipes import load_yaml, to_yaml

Array = NDArray[np.float64]
WINDOWS: tuple[Window, ...] = ("box", "cone")
SIGMA = 5.0
#: Narrow, usual and very wide windows, eV.
WIDTHS = (0.5, 12.0, 40.0, 150.0)
#: 1 keV He+ on the metals of a wide lens near 107 degrees.
METALS = leis.Recipe(
    elements=("Ni", "Pd", "Au"), energy=971.5, angle=106.0, window=(745.0, 960.0), acceptance=(2.0, 40.0),
    foot=False, lag=(), slope=False, acceptance_shape="cone",
)  # fmt: skip
ENERGY = np.arange(740.0, 970.0, 0.5)
KNOWN = {
    "offset": 1.0, "resolution": 0.011, "acceptance": 21.0, "survival": 50.0, "tail": 5.0, "Ni area": 3e5,
    "Pd area": 9e5, "Au area": 1e6, "shoulder": 80.0, "sputter tail": 20.0, "constant": 10.0,
}  # fmt: skip


def plain(u: float, tail: float) -> float:
    """Return the mirrored exponentially modified Gaussian of scipy, or a Gaussian."""
    if tail == 0:
        return float(norm.pdf(u, scale=SIGMA))
    return float(exponnorm.pdf(-u, tail / SIGMA, scale=SIGMA))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("tail", [0.0, 8.0])
def test_box_is_a_difference_of_integrals(width: float, tail: float) -> None:
    u = np.linspace(-width - 60.0, width + 30.0, 61)
    below = norm(scale=SIGMA).cdf if tail == 0 else lambda v: exponnorm.sf(-v, tail / SIGMA, scale=SIGMA)
    expected = (below(u + 0.5 * width) - below(u - 0.5 * width)) / width
    found = shapes.peak(u, 0.0, SIGMA, tail, box=width, window="box").value
    assert np.max(np.abs(found - expected)) < 1e-9 * np.max(expected)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("tail", [0.0, 8.0])
@pytest.mark.parametrize("bend", [0.0, 0.004])
def test_cone_is_a_convolution(width: float, tail: float, bend: float) -> None:
    bend = min(bend, 0.2 / width)

    def blurred(f: Callable[[float], float], u: float) -> float:
        def part(turn: float) -> float:
            t = 0.5 * np.sin(turn)
            return float(2.0 / np.pi * np.cos(turn) ** 2 * f(u - width * t - 0.5 * bend * (width * t) ** 2))

        pieces = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 17)
        return sum(quad(part, a, b, epsabs=1e-14, epsrel=1e-12)[0] for a, b in pairwise(pieces))

    u = np.array([-0.5 * width - 9.0, -0.4 * width, 0.0, 0.3 * width, 0.5 * width, 0.5 * width + 7.0])
    expected = np.array([blurred(lambda v: plain(v, tail), one) for one in u])
    found = shapes.peak(u, 0.0, SIGMA, tail, box=width, window="cone", bend=bend).value
    assert np.max(np.abs(found - expected)) < 1e-9 * np.max(expected)
    step = np.array([blurred(lambda v: norm.sf(v, scale=SIGMA), one) for one in u])
    assert np.max(np.abs(shapes.edge(u, 0.0, SIGMA, box=width, window="cone", bend=bend).value - step)) < 1e-9


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("width", WIDTHS)
def test_unit_area_variance_and_edge(window: Window, width: float) -> None:
    x = np.linspace(-500.0, 400.0, 18001)
    peak = shapes.peak(x, 0.0, SIGMA, 8.0, box=width, window=window).value
    step = x[1] - x[0]
    assert float(peak.sum()) * step == pytest.approx(1.0, abs=1e-9)
    mean = float(peak @ x) * step
    # variances add up: Gaussian, exponential, and a twelfth or a sixteenth of the squared width
    variance = SIGMA**2 + 8.0**2 + width**2 / {"box": 12.0, "cone": 16.0}[window]
    assert float(peak @ (x - mean) ** 2) * step == pytest.approx(variance, rel=1e-6)
    # the edge falls like a peak without a tail
    edge = shapes.edge(x, 0.0, SIGMA, box=width, window=window)
    assert edge.by_center == pytest.approx(shapes.peak(x, 0.0, SIGMA, 0.0, box=width, window=window).value, abs=1e-14)
    assert -np.gradient(edge.value, x) == pytest.approx(edge.by_center, abs=1e-5)


@pytest.mark.parametrize("window", WINDOWS)
def test_limits(window: Window) -> None:
    x = np.linspace(-80.0, 60.0, 281)

    def peak(box: float) -> Curve:
        return shapes.peak(x, 0.0, SIGMA, 8.0, box=box, window=window)

    def edge(box: float) -> Curve:
        return shapes.edge(x, 0.0, SIGMA, box=box, window=window)

    for one in (peak, edge):
        assert one(1e-6).value == pytest.approx(one(0.0).value, abs=1e-13)
        assert one(1e-6).by_sigma == pytest.approx(one(0.0).by_sigma, abs=1e-13)
        assert np.all(one(0.0).by_box == 0.0)
    # no Gaussian left: the window itself, away from its ends
    t = np.linspace(-0.4, 0.4, 41)
    bare = shapes.peak(100.0 * t, 0.0, 0.2, 0.0, box=100.0, window=window).value * 100.0
    assert bare == pytest.approx(1.0 if window == "box" else 4.0 / np.pi * np.sqrt(1.0 - 4.0 * t**2), rel=1e-3)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("width", WIDTHS)
def test_derivatives_of_the_shapes(window: Window, width: float) -> None:
    x = np.linspace(-width - 40.0, width + 30.0, 101)
    at = {"center": 1.0, "sigma": SIGMA, "tail": 8.0, "box": width}
    bend = 0.15 / width

    def peak(v: dict[str, float]) -> Curve:
        return shapes.peak(x, v["center"], v["sigma"], v["tail"], box=v["box"], window=window, bend=bend)

    def edge(v: dict[str, float]) -> Curve:
        return shapes.edge(x, v["center"], v["sigma"], box=v["box"], window=window, bend=bend)

    for shape in (peak, edge):
        for name, value in at.items():
            h = 1e-4 * value
            numeric = (shape(at | {name: value + h}).value - shape(at | {name: value - h}).value) / (2.0 * h)
            exact = getattr(shape(at), f"by_{name}")
            scale = max(float(np.max(np.abs(numeric))), 1e-9)
            assert np.max(np.abs(numeric - exact)) < 1e-6 * scale, (shape.__name__, name)


def test_directions_inside_a_cone() -> None:
    # scattering angles of directions drawn inside a cone of 20 degrees about one at 107 degrees, on the sphere
    rng = np.random.default_rng(5)
    tilt, turn = np.arccos(rng.uniform(np.cos(np.radians(10.0)), 1.0, 200_000)), rng.uniform(0.0, 2 * np.pi, 200_000)
    mean = np.radians(107.0)
    angle = np.degrees(np.arccos(np.cos(mean) * np.cos(tilt) + np.sin(mean) * np.sin(tilt) * np.cos(turn)))
    t = np.sort((angle - angle.mean()) / 20.0).clip(-0.5, 0.5)
    chord = 0.5 + (2.0 * t * np.sqrt(1.0 - 4.0 * t**2) + np.arcsin(2.0 * t)) / np.pi
    assert np.max(np.abs(chord - np.arange(1, t.size + 1) / t.size)) < 0.006


def test_energy_to_second_order_in_the_angle() -> None:
    recipe = leis.Recipe(elements=("Au",), energy=975.0, angle=107.0)
    lines = lines_of("Au", recipe)
    # what is left is of third order: a sixth of 0.63 eV/deg (pi/180)^2 turn^3
    for turn in (-10.0, -5.0, 5.0, 10.0):
        box = -turn * lines.dispersion  # energies fall with the angle
        expected = elastic_energy("Au", energy=975.0, angle=107.0 + turn)
        assert lines.centroid + box + 0.5 * lines.bend * box**2 == pytest.approx(expected, abs=3.5e-5 * abs(turn) ** 3)
    light = lines_of("O", leis.Recipe(elements=("O",), gain=1.1))
    assert light.bend * light.dispersion**2 == pytest.approx(
        1.1 * sum(s * elastic_energy("O", energy=3000.0, angle=145.0 + a) for a, s in ((-1, 1), (0, -2), (1, 1))),
        rel=1e-3,
    )


def known(recipe: leis.Recipe) -> tuple[SpectrumModel, Array]:
    model = SpectrumModel(recipe, ENERGY)
    return model, np.array([KNOWN.get(p.name, KNOWN.get(p.name.split()[-1], np.nan)) for p in model.parameters])


@pytest.mark.parametrize("shape", ["gaussian", *WINDOWS])
@pytest.mark.parametrize("acceptance", [(2.0, 40.0), 14.0])
def test_jacobian_is_exact(shape: AcceptanceShape, acceptance: float | tuple[float, float]) -> None:
    recipe = replace(METALS, acceptance_shape=shape, acceptance=acceptance, slope=True, foot=True, lag=("Pd",))
    model, values = known(recipe)
    rest = {"lag": 15.0, "slope": 40.0, "foot": 30.0}
    values = np.array([
        rest.get(p.name.split()[-1], v) for p, v in zip(model.parameters, values, strict=True)
    ])  # fmt: skip
    jacobian = model.jacobian(values)
    for i in range(values.size):
        step = 1e-5 * max(abs(values[i]), 1e-3)
        up, down = values.copy(), values.copy()
        up[i] += step
        down[i] -= step
        numeric = (model.evaluate(up) - model.evaluate(down)) / (2 * step)
        assert np.max(np.abs(numeric - jacobian[:, i])) < 1e-6 * np.max(np.abs(numeric)), model.parameters[i].name


def drawn(seed: int, scale: float = 1.0) -> xr.Dataset:
    model, values = known(METALS)
    counts = np.random.default_rng(seed).poisson(scale * model.evaluate(values))
    return spectra.spectrum(ENERGY, counts, technique="LEIS", simulated="true")


def test_a_fit_finds_the_cone() -> None:
    model, values = known(METALS)
    pulls = []
    for seed in range(4):
        fit = leis.fit(drawn(seed), METALS)
        assert "residual structure" not in str(fit.reasons.values)
        opening = fit.sel(parameter="acceptance")
        pulls.append((float(opening.value) - 21.0) / float(opening.value_unc))
        truth = values[model.shape_count + model.area_columns]
        assert np.all(np.abs(fit.area.values - truth) < 4.5 * fit.area_unc.values)
    assert np.max(np.abs(pulls)) < 3.5


def test_a_gaussian_in_its_place_is_noticed() -> None:
    spectrum = drawn(9)
    right = leis.fit(spectrum, METALS)
    wrong = leis.fit(spectrum, replace(METALS, acceptance_shape="gaussian"))
    assert "residual structure" in str(wrong.reasons.values)
    assert float(wrong.deviance) > float(right.deviance) + 500.0


def test_the_usual_shape_has_no_window() -> None:
    model, values = known(replace(METALS, acceptance_shape="gaussian"))
    named = model.named(values[: model.shape_count])
    blur = model.blur("Ni", named)
    assert (blur.box, blur.sigma) == (0.0, model.widths("Ni", named)[0])
    # the same standard deviation by another shape
    other, values = known(replace(METALS, acceptance_shape="box"))
    named = other.named(values[: other.shape_count]) | {
        "acceptance": 21.0 * np.sqrt(12.0) / (2.0 * np.sqrt(np.log(4.0)))
    }
    assert other.widths("Ni", named)[0] == pytest.approx(blur.total, rel=1e-12)


def test_recipe_in_yaml() -> None:
    assert load_yaml(to_yaml(METALS), leis.Recipe) == METALS
    with pytest.raises(RecipeError, match="acceptance_shape"):
        load_yaml("elements: [O]\nacceptance_shape: round\n", leis.Recipe)
    with pytest.raises(InputError, match="'round'") as caught:
        leis.Recipe(elements=("O",), acceptance_shape="round")  # type: ignore[arg-type]
    assert caught.value.where == "acceptance_shape"


@pytest.mark.parametrize("shape", WINDOWS)
def test_width_and_height_of_a_blurred_peak(shape: AcceptanceShape) -> None:
    recipe = replace(METALS, acceptance_shape=shape)
    model, values = known(recipe)
    counts = np.random.default_rng(2).poisson(model.evaluate(values))
    fit = leis.fit(spectra.spectrum(ENERGY, counts, technique="LEIS", simulated="true"), recipe)
    assert fit.height.values == pytest.approx(fit.contribution.max("kinetic_energy").values, rel=0.003)
    for element in recipe.elements:
        peak = fit.contribution.sel(component=element).values
        above = np.flatnonzero(peak >= 0.5 * peak.max())
        # read off points half an eV apart
        width = ENERGY[above[-1]] - ENERGY[above[0]]
        assert float(fit.fwhm.sel(component=element)) == pytest.approx(width, abs=1.0), element
