"""Refinement: derivatives against finite differences, cells against gemmi, factors of uncertainty, refusals."""

from __future__ import annotations

from dataclasses import replace

import gemmi
import numpy as np
import pytest
import xarray as xr

import surfspec as ss
from surfspec import xrd
from surfspec.errors import InputError
from surfspec.xrd.lines.background import spline_basis
from surfspec.xrd.patterns.profile import Caglioti
from surfspec.xrd.refinement import least_squares, parameters, phase_model
from surfspec.xrd.refinement.covariance import WHITE, runs_factor
from surfspec.xrd.refinement.lattice import Lattice, allowed, cell_of, factors_from_spacings, metric_terms

GRID = np.arange(20.0, 90.0, 0.02)
SHORT = np.arange(28.0, 48.0, 0.02)
#: One phase of each crystal system that the cards have.
SYSTEMS = ("CaF2", "ZnO", "corundum", "anatase", "brookite", "ZrO2_m", "NZSP_C2c")


@pytest.fixture(scope="module")
def fitted():
    """Two phases with texture and asymmetry at values that are no optimum; lines drawn over the whole grid."""
    chosen = xrd.phases(["corundum"]) + xrd.phases(["ZnO"])
    light = xrd.radiation("CuKa")
    models = [
        phase_model.build(one, light, (28.0, 48.0), direction=way)
        for one, way in zip(chosen, ((0, 0, 1), (1, 0, 0)), strict=True)
    ]
    table = parameters.table(["a", "b"], [one.parts.shape[1] for one in models], [0.01, 0.01])
    value = table.value.copy()
    for i, role in enumerate(table.roles):
        value[i] = {"U": 0.004, "V": -0.003, "W": 0.008, "X": 0.04, "Y": 0.06, "r": 0.8, "B": 0.3, "zero": 0.03,
                    "displacement": -0.05, "asymmetry": 0.02, "overspill": 0.27}.get(role, 1.001)  # fmt: skip
    table = replace(table, value=value, free=np.ones(len(value), dtype=bool))
    counts = np.full(len(SHORT), 100.0)
    data = least_squares.data(SHORT, counts, counts, spline_basis(SHORT, 10.0), reach=1e4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(phase_model, "LEVELS", ((0.02, 1.0), (0.0, 1.0)))
        state = least_squares.evaluate(models, table, data)
        yield models, table, replace(state, amplitudes=np.array([2.0, 3.0]))


@pytest.mark.parametrize(
    "role", ["p0", "p1", "zero", "displacement", "asymmetry", "U", "V", "W", "X", "Y", "r", "B", "overspill"]
)
def test_derivatives(fitted, role):
    models, table, state = fitted
    exact = least_squares.jacobian(models, state)
    step = 3e-6 if role.startswith("p") else 1e-4
    for place in np.flatnonzero(np.array(table.roles) == role):
        drawn = []
        for sign in (2, 1, -1, -2):
            value = table.value.copy()
            value[place] += sign * step
            moved = replace(table, value=value)
            drawn.append(
                sum(
                    phase_model.draw(one, SHORT, moved.of_phase(i), moved.factors(i), reach=1e4).columns[:, 0] * a
                    for i, (one, a) in enumerate(zip(models, (2.0, 3.0), strict=True))
                )
            )
        far, near = drawn[0] - drawn[3], drawn[1] - drawn[2]
        numeric = (8.0 * near - far) / (12.0 * step)
        np.testing.assert_allclose(exact[:, place], numeric, atol=1e-5 * np.abs(numeric).max())


@pytest.mark.parametrize("name", SYSTEMS)
def test_cells_of_metric_terms_are_those_of_gemmi(name):
    phase = xrd.phases([name])[0]
    terms = metric_terms(phase)
    cell, slope = cell_of(terms, np.ones(len(terms)))
    np.testing.assert_allclose(cell[:6], phase.cell, rtol=1e-9)
    assert cell[6] == pytest.approx(phase.unit_cell.volume, rel=1e-9)
    for term in range(len(terms)):
        change = np.eye(len(terms))[term] * 1e-5
        numeric = (cell_of(terms, 1 + change)[0] - cell_of(terms, 1 - change)[0]) / 2e-5
        np.testing.assert_allclose(slope[:, term], numeric, atol=2e-4 * np.abs(numeric).max() + 1e-5)


@pytest.mark.parametrize("name", SYSTEMS)
def test_factors_of_measured_spacings(name):
    phase = xrd.phases([name])[0]
    hkl = allowed(phase, 1.5)
    terms = metric_terms(phase)
    factors = 1.0 + 0.01 * np.cos(np.arange(len(terms)))
    cell = gemmi.UnitCell(*cell_of(terms, factors)[0][:6])
    d = np.array([cell.calculate_d(row.tolist()) for row in hkl])
    np.testing.assert_allclose(factors_from_spacings(phase, hkl, d), factors, rtol=1e-7)
    few = factors_from_spacings(phase, hkl[:1], d[:1])
    assert len(few) == 1 or np.all(few == 1.0)  # one spacing fixes a cubic cell alone


def test_uncertainties_widen_with_correlation_and_misfit():
    rng = np.random.default_rng(7)
    white = rng.standard_normal((200, 4000))
    factors = np.array([runs_factor(one, 0) for one in white])
    assert np.mean(factors**2) == pytest.approx(1.0, abs=0.02)
    runs = np.array([np.sum([np.sum(part) ** 2 for part in np.split(
        one, np.flatnonzero(np.diff(one > 0)) + 1)]) / np.sum(one**2) for one in white[:20]])  # fmt: skip
    assert runs.mean() == pytest.approx(WHITE, rel=0.03)
    smooth = np.convolve(rng.standard_normal(40000), np.ones(9) / 3.0, "same")
    # the variance of a mean of such residuals is nine times that of white ones
    assert 2.0 < runs_factor(smooth, 0) < 4.0
    assert runs_factor(3.0 * white[0], 0) == pytest.approx(3.0 * factors[0], rel=0.05)


def test_the_calculated_pattern_is_that_of_xrd_pattern():
    """Another path to the same curve: areas, widths and shifts of :func:`surfspec.xrd.pattern`."""
    phase = xrd.phases(["ZnO"])[0]
    model = phase_model.build(phase, xrd.radiation("CuKa1"), (20.0, 90.0))
    table = parameters.table(["ZnO"], [2], [0.01])
    values = table.of_phase(0) | {"W": 0.01, "zero": 0.02, "displacement": 0.03}
    drawn = phase_model.draw(model, GRID, values, np.ones(2)).columns[:, 0]
    gauss = Caglioti(0.0, 0.0, 0.01, 0.0)
    made = xrd.pattern(
        phase, wavelength="CuKa1", two_theta=GRID, scale=1.0, zero=0.02, displacement=0.03, profile=gauss
    )
    np.testing.assert_allclose(drawn, made.intensity.values, atol=1e-6 * drawn.max())


def spectrum_of(name="ZnO", **attrs):
    made = xrd.pattern(xrd.phases([name])[0], wavelength="CuKa", two_theta=GRID).intensity.values
    counts = np.random.default_rng(2).poisson(50 + 4000 * made / made.max())
    return ss.spectrum(GRID, counts, technique="XRD", **attrs)


@pytest.mark.parametrize(
    ("phases", "options", "word"),
    [
        ([], {"wavelength": "CuKa"}, "no phase"),
        ("ZnO", {}, "wavelength"),
        ("ZrO2", {"wavelength": "CuKa"}, "ZrO2_m"),
        (["ZnO", "ZnO"], {"wavelength": "CuKa"}, "twice"),
        ("ZnO", {"wavelength": "CuKa", "shifts": "all"}, "shifts"),
        ("ZnO", {"wavelength": "CuKa", "colour": 1}, "no option"),
        ("ZnO", {"wavelength": "CuKa", "two_theta": (30.0, 30.5)}, "too few"),
        ("ZnO", {"wavelength": "CuKa", "texture": "yes"}, "texture"),
        ("ZnO", {"wavelength": "CuKa", "background": 0.1}, "background is 0.1"),
        ("ZnO", {"wavelength": "CuKa", "overspill": 2.0}, "overspill"),
    ],
)
def test_refusals(phases, options, word):
    with pytest.raises(InputError, match=word):
        xrd.refine(spectrum_of(), phases, **options)


def test_a_series_and_a_constant_are_refused():
    one = spectrum_of()
    series = xr.concat([one, one], "time", combine_attrs="override").assign_coords(time=[0, 1])
    with pytest.raises(InputError, match="series"):
        xrd.refine(series, "ZnO", wavelength="CuKa")
    flat = ss.spectrum(GRID, np.full(len(GRID), 7), technique="XRD")
    with pytest.raises(InputError, match="constant"):
        xrd.refine(flat, "ZnO", wavelength="CuKa")


def test_a_lattice_must_obey_its_space_group():
    with pytest.raises(InputError, match="does not allow"):
        Lattice("wrong", "P m -3 m", (4.0, 5.0, 4.0, 90, 90, 90))


def test_a_contradicted_wavelength_is_named():
    fit = xrd.refine(spectrum_of(wavelength=1.78897), "ZnO", wavelength="CuKa")
    assert "ambiguous: the file says 1.789 angstrom" in str(fit.reasons.values)
    assert fit.verdict.item() == "check"
