"""Refinement against patterns of an independent simulation (other code, Voigt lines) whose truth is known."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import surfspec as ss
from surfspec import schema, xrd

REFERENCE = Path(__file__).resolve().parents[2] / "reference_spectra"
WEIGHTS = {"corundum": 0.5, "ZnO": 0.3, "ZrO2_m": 0.2}
SIZES = {"corundum": 80.0, "ZnO": 40.0, "ZrO2_m": 30.0}
STRETCH = np.array([0.002, 0.002, -0.001])


@pytest.fixture(scope="module")
def lab() -> Iterator:
    """Return a function that measures a sample: weights, sizes, relative stretch of cells, texture -> spectrum."""
    sys.path.insert(0, str(REFERENCE))
    from xrd_simulation import crystals, optics, patterns, reflections

    beam = optics.Optics(
        optics.radiation("CuKa"), caglioti=(0.004, -0.003, 0.005), lorentz=0.02, displacement=0.04, axial=0.0
    )

    def measure(
        weights,
        *,
        sizes=None,
        stretch=(0.0, 0.0, 0.0),
        texture=None,
        top=8000.0,
        seed=1,
        axis=(20.0, 90.0),
        displacement=0.04,
    ):
        parts = tuple(
            patterns.Part(
                crystals.strained(crystals.card(name), np.asarray(stretch), 0.0), weight,
                size=(sizes or {}).get(name, 1e5),
                texture=reflections.Texture(*texture[name]) if texture and name in texture else None,
            )
            for name, weight in weights.items()
        )  # fmt: skip
        pattern = patterns.Pattern(
            "p", (*axis, 0.02), replace(beam, displacement=displacement), parts, patterns.Background(), top
        )
        counts = np.random.default_rng(seed).poisson(patterns.expected(pattern))
        return ss.spectrum(pattern.two_theta, counts, technique="XRD", simulated="true")

    yield measure
    sys.path.remove(str(REFERENCE))


@pytest.fixture(scope="module")
def standard(lab):
    return xrd.refine(lab({"LaB6": 1.0}, top=2e4), "LaB6", wavelength="CuKa", shifts="displacement")


@pytest.fixture(scope="module")
def mixture(lab, standard):
    """Two refinements of one sample with other counts."""
    made = [lab(WEIGHTS, sizes=SIZES, stretch=STRETCH, seed=seed) for seed in (11, 12)]
    known = {"wavelength": "CuKa", "instrument": standard, "shifts": "displacement"}  # it has no zero shift
    return [xrd.refine(one, list(WEIGHTS), **known) for one in made]


def true_cell(name: str) -> np.ndarray:
    """Lengths after the stretch; edges that symmetry makes equal stay equal."""
    lengths = np.array(xrd.phases([name])[0].cell[:3])
    return lengths * (1.0 + np.array([np.mean(STRETCH[np.abs(lengths - one) < 1e-6]) for one in lengths]))


def test_cell_of_a_standard(standard):
    truth = xrd.phases(["LaB6"])[0].cell[0]
    assert abs(standard.cell_length.values[0, 0] - truth) < 4.0 * standard.cell_length_unc.values[0, 0]
    assert standard.cell_length_unc.values[0, 0] < 1e-4
    assert standard.attrs["displacement_shift"] == pytest.approx(0.04, abs=2e-3)
    assert standard.verdict.item() == "ok", str(standard.reasons.values)


def test_pulls_of_cells_and_weights_are_one(mixture):
    pulls = []
    for fit in mixture:
        for name in WEIGHTS:
            row = fit.sel(component=name)
            axes = [0, 1, 2] if name == "ZrO2_m" else [0, 2]
            pulls += list(((row.cell_length.values - true_cell(name)) / row.cell_length_unc.values)[axes])
        # one standard uncertainty of counting alone holds between phases of known structure
        counted = xrd.quantify(fit).weight_fraction.values
        np.testing.assert_allclose(fit.weight_fraction.values, list(WEIGHTS.values()), atol=0.006)
        np.testing.assert_allclose(counted, list(WEIGHTS.values()), atol=0.02)
        assert np.all(np.abs(fit.weight_fraction.values - list(WEIGHTS.values())) < fit.weight_fraction_unc.values)
    assert 0.5 < np.sqrt(np.mean(np.square(pulls))) < 1.6  # 14 pulls, not all independent
    assert np.abs(pulls).max() < 4.0


def test_sizes_with_the_profile_of_the_standard(mixture):
    for name, truth in SIZES.items():
        found = np.array([float(fit["size"].sel(component=name)) for fit in mixture])
        assert np.mean(found) == pytest.approx(truth, rel=0.03)
    assert np.isfinite(mixture[0].size_unc.values).all()


def test_no_size_without_an_instrument(lab):
    fit = xrd.refine(lab({"ZnO": 1.0}, sizes=SIZES), "ZnO", wavelength="CuKa")
    assert np.isnan(fit["size"].values).all()
    assert 0 < fit.size_limit.values[0] < 40.0


def test_the_result_is_a_fit_as_all_others(mixture):
    fit = mixture[0]
    schema.check(fit, "fit")
    np.testing.assert_array_equal(fit.model.values, (fit.background + fit.contribution.sum("component")).values)
    assert fit.attrs["simulated"] == "true"
    assert fit.component.values.tolist() == list(WEIGHTS)
    assert "corundum" in ss.summary(fit) or "Corundum" in ss.summary(fit)
    assert ss.plot(fit) is not None
    assert fit.inflation.item() == pytest.approx(1.0, abs=0.25)
    assert fit.durbin_watson.item() == pytest.approx(2.0, abs=0.15)
    assert fit.r_wp.item() == pytest.approx(fit.r_exp.item(), rel=0.05)
    known = np.isfinite(np.diag(fit.covariance.values))
    covariance = fit.covariance.values[np.ix_(known, known)]
    unc = np.sqrt(np.diag(covariance))
    assert np.linalg.eigvalsh(covariance / np.outer(unc, unc)).min() > -1e-9
    np.testing.assert_allclose(np.sqrt(np.diag(fit.scale_covariance)), fit.scale_unc)
    assert np.abs(fit.weight_fraction_covariance.values.sum(axis=1)).max() < 1e-9  # fractions sum to one


def test_cells_beside_the_cards(lab, mixture):
    table = xrd.cells(mixture[0])
    np.testing.assert_allclose(table.change.sel(component="ZnO").values, [0.002, 0.002, -0.001], atol=1e-4)
    assert "possible" in str(table.hint.sel(component="ZnO").values)
    assert str(table.hint.sel(component="ZnO").values) in ss.summary(table)
    frame = table.to_dataframe()
    assert len(frame) == 3 * table.sizes["component"]  # a row for each edge
    assert frame.loc[("ZrO2_m", "b"), ["corner", "angle"]].tolist()[0] == "beta"
    assert frame.loc[("ZrO2_m", "b"), "card_angle"] == xrd.phases(["ZrO2_m"])[0].cell[4]
    same = xrd.cells(xrd.refine(lab({"corundum": 1.0}), "corundum", wavelength="CuKa"))
    assert str(same.hint.values[0]) == "as the card"


@pytest.mark.parametrize(("shift", "strain"), [(0.2, 0.01), (-0.2, -0.01)])
def test_start_far_away(lab, shift, strain):
    made = lab({"corundum": 0.5, "ZnO": 0.5}, sizes=SIZES, displacement=0.0)
    moved = made.assign_coords(two_theta=made.two_theta + shift)
    moved.two_theta.attrs.update(made.two_theta.attrs)
    wrong = []
    for card in xrd.phases(["corundum"]) + xrd.phases(["ZnO"]):
        a, b, c, *angles = card.cell
        wrong.append(replace(card, cell=(a * (1 + strain), b * (1 + strain), c * (1 - strain), *angles)))
    fit = xrd.refine(moved, wrong, wavelength="CuKa", shifts="zero", texture="none")
    truth = [one.cell[:3] for one in xrd.phases(["corundum"]) + xrd.phases(["ZnO"])]
    np.testing.assert_allclose(fit.cell_length.values, truth, rtol=1e-4)
    zero = fit.sel(parameter="zero")
    assert abs(zero.value.item() - shift) < 4.0 * zero.value_unc.item()


def test_a_lattice_without_structure(lab):
    made = lab({"ZnO": 1.0}, sizes=SIZES)
    lattice = xrd.Lattice("unknown", "P 63 m c", (3.26, 3.26, 5.19, 90.0, 90.0, 120.0))
    fit = xrd.refine(made, lattice, wavelength="CuKa")
    truth = xrd.phases(["ZnO"])[0].cell[:3]
    assert np.all(np.abs(fit.cell_length.values[0] - truth) < 4.0 * fit.cell_length_unc.values[0] + 1e-5)
    assert fit.r_wp.item() < 1.1 * fit.r_exp.item()
    both = xrd.refine(made, "ZnO", wavelength="CuKa", pawley="ZnO")
    np.testing.assert_allclose(both.cell_length.values, fit.cell_length.values, rtol=2e-5)


def test_texture_is_found(lab):
    made = lab({"brucite": 0.5, "corundum": 0.5}, texture={"brucite": ((0, 0, 1), 0.6)})
    fit = xrd.refine(made, ["brucite", "corundum"], wavelength="CuKa")
    assert fit.texture_direction.values.tolist() == ["001", ""]
    assert fit.texture.values[0] == pytest.approx(0.6, abs=0.02)
    assert fit.weight_fraction.values[0] == pytest.approx(0.5, abs=0.02)
    without = xrd.refine(made, ["brucite", "corundum"], wavelength="CuKa", texture="none")
    assert abs(without.weight_fraction.values[0] - 0.5) > 0.03


def test_a_phase_that_is_not_there_and_one_that_is_missing(lab):
    made = lab({"corundum": 0.8, "ZnO": 0.2}, sizes=SIZES)
    more = xrd.refine(made, ["corundum", "ZnO", "CaF2"], wavelength="CuKa")
    assert "below detection: CaF2" in str(more.reasons.values)
    assert more.flag.values.tolist() == ["ok", "ok", "below_detection"]
    assert np.isnan(more.cell_length_unc.sel(component="CaF2").values).all()
    less = xrd.refine(made, "corundum", wavelength="CuKa")
    assert "unknown phase likely" in str(less.reasons.values)
    assert less.verdict.item() == "check"


def test_zero_and_displacement_together_are_named(lab):
    fit = xrd.refine(lab({"corundum": 1.0}, axis=(25.0, 60.0)), "corundum", wavelength="CuKa", shifts="both")
    assert "correlated: zero and displacement" in str(fit.reasons.values)


def test_the_choice_of_the_shift_is_in_the_cell(lab):
    """Zero shift and displacement in turn are the truth; a cell that may be either covers it."""
    truth = xrd.phases("corundum")[0].cell[0]
    made = lab({"corundum": 1.0}, displacement=0.0)
    moved = made.assign_coords(two_theta=made.two_theta + 0.06)
    moved.two_theta.attrs.update(made.two_theta.attrs)
    open_, known = (xrd.refine(moved, "corundum", wavelength="CuKa", shifts=one) for one in ("auto", "zero"))
    wrong = xrd.refine(moved, "corundum", wavelength="CuKa", shifts="displacement")
    assert open_.cell_length.equals(wrong.cell_length)
    assert abs(known.cell_length.values[0, 0] - truth) < 4.0 * known.cell_length_unc.values[0, 0]
    assert abs(wrong.cell_length.values[0, 0] - truth) > 5.0 * wrong.cell_length_unc.values[0, 0]
    assert abs(open_.cell_length.values[0, 0] - truth) < 2.0 * open_.cell_length_unc.values[0, 0]
    np.testing.assert_allclose(open_.zero_length.values, known.cell_length.values, rtol=5e-6)
    np.testing.assert_allclose(np.sqrt(np.diag(open_.cell_covariance.values[0]))[:3], open_.cell_length_unc.values[0])
    gap = open_.zero_length.values[0, 0] - open_.cell_length.values[0, 0]
    want = np.hypot(wrong.cell_length_unc.values[0, 0], np.sqrt(open_.attrs["zero_probability"]) * gap)
    assert open_.cell_length_unc.values[0, 0] == pytest.approx(want, rel=1e-6)
    assert "which shift: zero explains" in str(open_.reasons.values)
    assert "which shift" not in str(known.reasons.values)


def test_the_cathode_of_a_solid_solution():
    """Row D8: the R-3c cell of Na3V1.5Cr0.5(PO4)3 from the card of Na3V2(PO4)3; the truth stands in the twins."""
    made = ss.read(REFERENCE / "xrd_twins" / "d8_cathode.xy", wavelength="CuKa")
    fit = xrd.refine(made, "Na3V2P3O12")
    np.testing.assert_allclose(fit.cell_length.values[0, [0, 2]], [8.707, 21.764], rtol=2e-4)
    pull = (fit.cell_length.values[0, [0, 2]] - [8.707, 21.764]) / fit.cell_length_unc.values[0, [0, 2]]
    assert np.abs(pull).max() < 4.0
    assert fit.verdict.item() == "ok", str(fit.reasons.values)  # exact Voigt lines are no reason to check


def test_a_beam_longer_than_the_specimen(lab):
    """A round specimen of which the beam goes by at low angles: weights of phases whose lines lie apart."""
    weights = {"anatase": 0.4, "ZnO": 0.6}
    u, o = (np.arange(2000) + 0.5) / 2000, 0.22
    made = lab(weights, sizes={"ZnO": 60.0}, top=2e4)
    s = np.sin(np.radians(made.two_theta.values) / 2.0) / o
    lit = np.minimum(1.0, s[:, None] * np.sqrt(1.0 - u * u)).mean(axis=1)
    thinned = np.random.default_rng(5).binomial(made.intensity.values.astype(int), lit)
    spilled = ss.spectrum(made.two_theta.values, thinned, technique="XRD", simulated="true")
    fit = xrd.refine(spilled, list(weights), wavelength="CuKa", texture="none")
    assert fit.attrs["overspill"] == pytest.approx(o, abs=0.02)
    np.testing.assert_allclose(fit.weight_fraction.values, list(weights.values()), atol=0.01)
    without = xrd.refine(spilled, list(weights), wavelength="CuKa", texture="none", overspill="none")
    bias = abs(without.weight_fraction.values[0] - 0.4)
    assert bias > 0.01
    assert bias > 2.0 * abs(fit.weight_fraction.values[0] - 0.4)
    plain = xrd.refine(made, list(weights), wavelength="CuKa", texture="none")
    assert plain.attrs["overspill"] == 0.0


@pytest.mark.data
def test_round_robin_sample_one(data_dir):
    truth = {"1c": (5.04, 93.59, 1.36), "1g": (31.37, 34.21, 34.42)}
    errors, pulls = [], []
    for name, weights in truth.items():
        made = ss.read(data_dir / "xrd" / "cpd_qarr" / f"cpd-{name}.xy", wavelength="CuKa")
        fit = xrd.refine(made, ["corundum", "ZnO", "CaF2"], monochromator=26.6)
        error = 100.0 * fit.weight_fraction.values - weights
        errors.append(error)
        pulls.append(error / (100.0 * fit.weight_fraction_unc.values))
    assert np.sqrt(np.mean(np.square(errors))) < 1.0
    assert np.abs(pulls).max() < 2.5


@pytest.mark.data
def test_microabsorption_is_no_small_error_bar(data_dir):
    made = ss.read(data_dir / "xrd" / "cpd_qarr" / "cpd-4.xy", wavelength="CuKa")
    fit = xrd.refine(made, ["corundum", "magnetite", "ZrSiO4"], monochromator=26.6)
    assert "microabsorption" in str(fit.reasons.values)
    assert fit.verdict.item() == "check"
    assert "weight fractions have no uncertainty" in str(fit.reasons.values)
    assert np.isnan(fit.weight_fraction_unc.values).all()
    assert abs(fit.weight_fraction.values[0] - 0.5046) > 0.1  # weighed: the reason why none can be stated
    assert np.isnan(xrd.quantify(fit).weight_fraction_unc.values).all()


@pytest.mark.data
def test_lanthanum_hexaboride(data_dir):
    made = ss.read(data_dir / "xrd" / "formats" / "LaB6_Jan2018.raw", wavelength="CuKa", technique="XRD")
    fit = xrd.refine(made, "LaB6", wavelength="CuKa", pawley="LaB6")
    assert abs(fit.cell_length.values[0, 0] / 4.156826 - 1.0) < 1e-4
    assert "which shift" in str(fit.reasons.values)
    assert abs(fit.cell_length.values[0, 0] - 4.156826) < 3.0 * fit.cell_length_unc.values[0, 0]
